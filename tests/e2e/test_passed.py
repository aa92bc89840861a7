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
from rig import Rig
from sandbox import Sandbox, free_ports, wait_for
from supervisor import Supervisor

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
        supervisor.environment.update(LISTEN_FDS="1", LISTEN_FDNAMES="socketmap")
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

    @staticmethod
    def has_no_signal_pending(pid):
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"\nShdPnd:\s+(\w+)", status.read()).group(1), 16) == 0


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
        """Restarts and a kill -9 under 50 sessions a second: no failed connection, no unexplained reply, each reference in the log."""
        unknown = MAILBOX.replace("mailbox", "nobody-here")
        with Load(self.rig.postfix.ports["smtp"], unknown) as load:
            for _ in range(3):
                time.sleep(1)
                self.supervisor.restart()
            time.sleep(1)
            self.daemon.process.send(signal.SIGKILL)
            time.sleep(1.5)
        self.assertEqual(load.faults(), "")
        self.assertGreater(load.sessions() / load.seconds, 25, "too few sessions a second")
        self.assertLessEqual(set(load.refs), {event.get("ref") for event in self.daemon.events()})
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
