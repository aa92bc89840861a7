"""mailwhyd with sockets that a service manager holds: which it takes, how it restarts without a client noticing, what a hang costs."""

import os
import re
import signal
import socket
import struct
import time
import unittest

from load import Load
from mailwhyd import Mailwhyd
from mta import MAILBOX
from rig import Explained, Rig
from sandbox import Sandbox, free_ports, wait_for
from sasl import PASSWORD, USER, WRONG
from supervisor import Supervisor
from test_privacy import token

WATCHDOG_S = 3.0
REFUSED = "500 5.5.2 Error: command not recognized"


class PassedTest(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())

    def daemon(self, **options):
        daemon = Mailwhyd(self.sandbox, "sockets", **options)
        self.addCleanup(daemon.check_sanitizers)
        return daemon

    def supervise(self, daemon, sockets, **options):
        return Supervisor(daemon, sockets, **options).start()

    def milter_answers(self, endpoint):
        """Whether a milter negotiates there."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(endpoint.removeprefix("unix:"))
            sock.sendall(struct.pack(">IcIII", 13, b"O", 6, 0, 0))
            return sock.recv(5)[4:] == b"O"


class Taking(PassedTest):
    def test_by_place(self):
        """Sockets without names of ours are taken by where they are bound; they are there still when the daemon has ended."""
        daemon = self.daemon()
        supervisor = self.supervise(daemon, [(None, daemon.milter), (None, daemon.reply)])
        self.assertTrue(daemon.status())
        self.assertTrue(self.milter_answers(daemon.milter))
        supervisor.ending.set()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(sorted(os.listdir(daemon.directory)), ["milter", "reply"])

    def test_by_name(self):
        """Sockets with names of ours are taken wherever they are bound; what is not passed is opened, and removed at the end."""
        daemon = self.daemon()
        other = f"unix:{daemon.directory}/elsewhere"
        supervisor = self.supervise(daemon, [("socketmap", other)])
        self.assertTrue(self.milter_answers(daemon.milter))
        daemon.reply = other
        self.assertTrue(daemon.status())
        supervisor.ending.set()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(os.listdir(daemon.directory), ["elsewhere"])

    def test_wrap(self):
        """The socket of a wrapped milter is taken by its name, and by where it is bound."""
        for name, at in (("wrap-scanner", "elsewhere"), (None, "scanner")):
            with self.subTest(name), Sandbox() as sandbox, socket.socket(socket.AF_UNIX) as scanner:
                scanner.settimeout(20)
                scanner.bind(str(sandbox / "to"))
                scanner.listen()
                daemon = Mailwhyd(sandbox, "sockets", more=f'wrap scanner {{ listen = "unix:{sandbox.path}/sockets/scanner" to = "unix:{sandbox.path}/to" }}')
                passed = sandbox / f"sockets/{at}"
                supervisor = Supervisor(daemon, [(name, f"unix:{passed}"), (None, daemon.reply), (None, daemon.milter)]).start()
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(str(passed))
                    server.sendall(struct.pack(">IcIII", 13, b"O", 6, 0, 0))
                    connection, _ = scanner.accept()
                    connection.close()
                supervisor.ending.set()
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual(sorted(os.listdir(daemon.directory)), sorted([at, "milter", "reply"]))

    def test_inet(self):
        """A TCP socket is taken by its address."""
        daemon = self.daemon(kind="inet")
        self.supervise(daemon, [(None, daemon.reply), (None, daemon.milter)])
        self.assertTrue(daemon.status())

    def test_left_over(self):
        """A socket that the configuration does not have is noted, and whoever connects there is turned away at once, not left waiting."""
        port, = free_ports(1)
        daemon = self.daemon()
        stray = f"unix:{daemon.directory}/stray"
        self.supervise(daemon, [(None, stray), ("nonsense", f"inet:{port}@127.0.0.1"), (None, daemon.reply)])
        self.assertTrue(daemon.status())
        for _ in range(200):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(10)
                sock.connect(stray.removeprefix("unix:"))
                self.assertEqual(sock.recv(1), b"")
        for endpoint in (stray, f"inet:{port}@127.0.0.1"):
            wait_for("the note", lambda endpoint=endpoint: f"{endpoint} was passed to mailwhyd" in daemon.complaints())

    def test_gone(self):
        """A socket whose file was removed is not used: the next start opens one where everybody looks for it, and says so."""
        daemon = self.daemon()
        supervisor = self.supervise(daemon, [(None, daemon.reply), ("milter", daemon.milter)])
        for endpoint in (daemon.reply, daemon.milter):
            os.unlink(endpoint.removeprefix("unix:"))
        supervisor.restart()
        self.assertTrue(daemon.status())
        self.assertTrue(self.milter_answers(daemon.milter))
        wait_for("the note", lambda: f"{daemon.reply} was passed to mailwhyd, but is not there any more" in daemon.complaints())

    def test_switched_off(self):
        """A face that the configuration switches off stays off, though its socket is passed under its name."""
        daemon = self.daemon()
        reply = daemon.reply
        daemon.config.write_text(daemon.config.read_text().replace(f'"{reply}"', '""'))
        self.supervise(daemon, [("socketmap", reply), ("milter", daemon.milter)])
        self.assertTrue(self.milter_answers(daemon.milter))
        with daemon.connect() as reply_map:
            self.assertIsNone(reply_map.read())

    def test_not_a_listener(self):
        """What was passed and is no stream socket that listens is noted, and its place taken by a socket of our own."""
        daemon = self.daemon()
        supervisor = Supervisor(daemon, [])
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        supervisor.sockets.append(datagrams)
        supervisor.names.append("socketmap")
        supervisor.start()
        self.assertTrue(daemon.status())
        self.assertIn('passed as "socketmap" is no stream socket', daemon.complaints())


class Ending(PassedTest):
    def test_in_flight(self):
        """A request that arrives when SIGTERM has, and the daemon is still busy, is answered before the end."""
        self.assertGreaterEqual(sum(bool(self.is_answered_at_the_end()) for _ in range(20)), 5)

    def is_answered_at_the_end(self):
        """It may come too late for that, when this test is held up: the client then asks again."""
        daemon = self.daemon().start()
        with daemon.connect() as busy, daemon.connect() as late:
            for reply_map in (busy, late):
                self.assertEqual(reply_map.request("1", REFUSED)[0], "OK")
            busy.send(busy.netstring(b"1 " + REFUSED.encode()) * 1500)
            daemon.process.send(signal.SIGTERM)
            wait_for("the signal's arrival", lambda: self.has_no_signal_pending(daemon.process.pid), pause=0)
            try:
                late.send(late.netstring(b"1 " + REFUSED.encode()))
                answer = late.read()
            except ConnectionError:
                answer = None
        self.assertEqual(daemon.process.wait(20), 0)
        return answer and answer[0] == "OK"

    def test_stopped(self):
        """SIGTERM that comes while it is stopped ends it when it goes on, not when libmilter, which may have got it, looks next."""
        took = []
        for _ in range(6):
            daemon = self.daemon().start()
            daemon.process.send(signal.SIGSTOP)
            daemon.process.send(signal.SIGTERM)
            time.sleep(0.05)
            daemon.process.send(signal.SIGCONT)
            began = time.monotonic()
            self.assertEqual(daemon.process.wait(20), 0)
            took.append(time.monotonic() - began)
        self.assertLess(sorted(took)[4], 3, took)

    @staticmethod
    def has_no_signal_pending(pid):
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"\nShdPnd:\s+(\w+)", status.read()).group(1), 16) == 0


class OpenSessions(Explained):
    """Sessions of a real Postfix that are open while mailwhyd is restarted."""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.rig = Rig(self.sandbox, sasl="dovecot")
        self.daemon = self.rig.daemon
        self.addCleanup(self.daemon.check_sanitizers)

    def supervise(self, *sockets):
        supervisor = Supervisor(self.daemon, [(None, socket) for socket in sockets]).start()
        self.rig.postfix.start()
        return supervisor

    def refused(self, reply, code, **expected):
        event = self.daemon.event(self.assert_explained(reply, code))
        self.assert_event(event, reply=reply.original, **expected)
        return event

    def test_known(self):
        """What was known of a session is known after a restart, and after the next: client, name, TLS, user, how many were refused. Of the message, and of
        what may have changed unseen, nothing is said."""
        supervisor = self.supervise(self.daemon.reply, self.daemon.milter)
        with self.rig.client("submission", "first.test") as plain, self.rig.client("submission") as signed_in:
            signed_in.starttls("second.test")
            self.assertEqual(signed_in.auth_plain(USER, PASSWORD).code, 235)
            self.assertEqual(signed_in.play("MAIL FROM:<x@elsewhere.test>", f"RCPT TO:<{MAILBOX}>").code, 250)
            before = self.refused(plain.auth_plain(USER, WRONG), 535, helo="first.test", tls="none", attempt=1)
            supervisor.restart()
            self.assertEqual(self.daemon.count("sessions"), 2)
            kept = {key: before[key] for key in ("host", "mta", "pid", "client_addr", "client_port", "client_name", "helo")}
            self.refused(plain.auth_plain(USER, WRONG), 535, **kept, stage="auth", tls=None, attempt=2)
            supervisor.restart()
            self.refused(plain.auth_plain(USER, WRONG), 535, **kept, stage="auth", tls=None, attempt=3)
            self.refused(signed_in.say("FROBNICATE"), 500, helo="second.test", tls="TLSv1.3", sasl_method="PLAIN", sasl_user=USER, client_addr="127.0.0.1",
                         attempt=1, sender=None, recipient=None)
        self.assertEqual(self.daemon.process.stop(), 0)

    def test_names_hidden(self):
        """Where events have tokens in place of names they have the same ones after a restart. What is left for the next daemon is in memory alone, and has of
        the names that of a user who has signed in."""
        key, sender, recipient = self.sandbox / "privacy.key", "dora.stranger@elsewhere.test", "unknown.person@mailwhy.test"
        self.daemon.config.write_text(self.daemon.config.read_text() + f'privacy {{ user = "hmac" address = "hmac" key_file = "{key}" }}\n')
        supervisor = self.supervise(self.daemon.reply, self.daemon.milter)
        with self.rig.client("submission", "first.test") as failing, self.rig.client("submission", "second.test") as signed_in:
            self.assertEqual(signed_in.auth_plain(USER, PASSWORD).code, 235)
            self.assertEqual(failing.auth_plain("gwendolyn", WRONG).code, 535)
            refs = []
            for _ in range(2):
                refs.append(self.assert_explained(signed_in.play(f"MAIL FROM:<{sender}>", f"RCPT TO:<{MAILBOX}>", f"RCPT TO:<{recipient}>"), 550))
                supervisor.restart()
                signed_in.say("RSET")
            refs.append(self.assert_explained(signed_in.say("FROBNICATE"), 500))
            self.assert_explained(failing.auth_plain("gwendolyn", WRONG), 535)
        names = {name: token(bytes.fromhex(key.read_text()), name) for name in (USER, sender, recipient)}
        before, after, last = (self.daemon.event(ref) for ref in refs)
        self.assert_event(before, sender=names[sender], recipient=names[recipient])
        for event in (before, after):
            self.assert_event(event, sasl_user=names[USER], helo="second.test")
            self.assertIn(f"<{names[recipient]}>", event["reply"])
        self.assert_event(last, sasl_user=names[USER], sender=None, recipient=None, attempt=3)
        written = (self.daemon.log.read_text() + self.daemon.complaints()).lower()
        self.assertEqual([name for name in (*names, MAILBOX, "dora", "gwendolyn") if name in written], [])
        self.assertEqual(len(supervisor.left), 2)
        for what, text in supervisor.left:
            self.assertTrue(what.startswith("/memfd:"), what)
            self.assertEqual(text.count(USER), text.count(f'"sasl_user":"{USER}"'))
            self.assertEqual(text.count(USER), 1)
            self.assertEqual([name for name in (sender, recipient, MAILBOX, "dora", "gwendolyn", PASSWORD, WRONG) if name in text], [])
        self.assertEqual(supervisor.stored, {})

    def test_next_session(self):
        """The next session of the same process is its own; one whose daemon was killed is not known, and not taken for an older one."""
        supervisor = self.supervise(self.daemon.reply, self.daemon.milter)
        client = self.rig.client("submission", "first.test")
        first = self.refused(client.say("FROBNICATE"), 500, helo="first.test", attempt=1)
        supervisor.restart()
        client.close()
        with self.rig.client("submission", "second.test") as client:
            second = self.refused(client.say("FROBNICATE"), 500, helo="second.test", attempt=1, tls="none")
            self.assertEqual(second["pid"], first["pid"], "this test needs a process that Postfix uses again")
            wait_for("the first session to be forgotten", lambda: self.daemon.count("sessions") == 1)
            starts = supervisor.starts
            self.daemon.process.send(signal.SIGKILL)
            wait_for("the next daemon", lambda: supervisor.starts > starts and supervisor.ready.is_set(), 30)
            self.refused(client.say("FROBNICATE"), 500, pid=first["pid"], helo=None, client_addr=None, attempt=None)
        self.assertEqual(supervisor.stored, {})

    def test_own_socket(self):
        """Where the milter's socket is its own, nothing is handed over: nobody can say what began while there was none."""
        supervisor = self.supervise(self.daemon.reply)
        with self.rig.client("submission") as client:
            self.refused(client.say("FROBNICATE"), 500, client_addr="127.0.0.1")
            supervisor.restart()
            self.refused(client.say("FROBNICATE"), 500, client_addr=None)
        self.assertEqual(supervisor.stored, {})


class UnderLoad(PassedTest):
    """A Postfix whose mailwhyd is restarted."""

    def setUp(self):
        super().setUp()
        self.rig = Rig(self.sandbox)
        self.daemon = self.rig.daemon
        self.addCleanup(self.daemon.check_sanitizers)
        self.supervisor = self.supervise(self.daemon, [(None, self.daemon.reply), (None, self.daemon.milter)], watchdog=WATCHDOG_S)
        self.rig.postfix.start()

    def test_restart(self):
        """Restarts and a kill -9 under 50 sessions a second: no failed connection, no unexplained reply, each reference in the log. Over the restarts the
        sessions stay known, and none is ever taken for another."""
        nobody = MAILBOX.replace("mailbox", "nobody-here")
        with Load(self.rig.postfix.ports["smtp"], nobody, pause=0.4) as load:
            for _ in range(3):
                time.sleep(1)
                self.supervisor.restart()
            time.sleep(1)
            before = self.daemon.events()
            self.daemon.process.send(signal.SIGKILL)
            time.sleep(1.5)
        self.assertEqual(load.faults(), "")
        self.assertGreater(load.sessions() / load.seconds, 25, "too few sessions a second")
        events = {event.get("ref"): event for event in self.daemon.events()}
        self.assertLessEqual(set(load.refs), set(events))
        unknown = [event for event in before if "helo" not in event]
        self.assertLess(len(unknown), 10, "more than those that were just about to begin")
        self.assertEqual([events[ref] for ref, helo in load.helos.items() if events[ref].get("helo", helo) != helo], [])
        self.assertEqual(self.supervisor.starts, 5)

    def test_hung(self):
        """A daemon that hangs is replaced when its watchdog is silent; the reply that waited meanwhile is explained."""
        with self.rig.client() as client:
            self.assertTrue(client.say("FROBNICATE").ref)
            began = time.monotonic()
            self.daemon.process.send(signal.SIGSTOP)
            self.assertTrue(client.say("FROBNICATE").ref)
            self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(self.supervisor.starts, 2)


if __name__ == "__main__":
    unittest.main()
