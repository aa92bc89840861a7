"""What happens when something breaks: never worse than without mailwhy, and no reference that isn't in the log."""

import os
import random
import re
import resource
import shutil
import threading
import time

from mailwhyd import BUILD, TREE, Mailwhyd
from mta import ELSEWHERE, HOSTNAME, MAILBOX
from rig import HELO, Explained, Rig, RigTest
from sandbox import Sandbox, run, wait_for

RELAY = ("MAIL FROM:<sender@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>")
SESSION = (("DATA", 503), ("FROBNICATE", 500), (RELAY[0], 250), (RELAY[1], 554), (f"RCPT TO:<{MAILBOX}>", 250), ("RSET", 250))


class Load:
    """Clients in threads, one session after the other until stopped: what they were told, and what went wrong."""

    def __init__(self, rig, clients):
        self.rig = rig
        self.stopping = threading.Event()
        self.refs, self.faults, self.sessions = [], [], 0
        self.threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _client(self):
        while not self.stopping.is_set() and not self.faults:
            try:
                self._session()
            except (OSError, AssertionError) as fault:
                self.faults.append(repr(fault))

    def _session(self):
        with self.rig.client() as client:
            for line, code in SESSION:
                reply = client.say(line)
                if reply.code != code:
                    raise AssertionError(f"{line} was answered by {reply}, not by {code}")
                if reply.ref:
                    self.refs.append(reply.ref)
            self.sessions += 1

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        return not any(thread.is_alive() for thread in self.threads)


class Killed(RigTest):
    def test_kill_under_load(self):
        """kill -9, 20 times, under load: only proper replies; every reference is in the log; explained again afterwards."""
        load = Load(self.rig, 4)
        self.addCleanup(load.stop)
        pauses = random.Random(20)
        for _ in range(20):
            time.sleep(pauses.uniform(0.05, 0.2))
            self.daemon.kill9()
            time.sleep(pauses.uniform(0, 0.05))
            self.daemon.launch()
            wait_for("mailwhyd after a kill", self.daemon.answers)
        time.sleep(0.2)
        self.assertTrue(load.stop(), "a client hangs")
        self.assertEqual(load.faults, [])
        self.assertGreater(load.sessions, 20)
        self.assertGreater(len(load.refs), 20)
        logged = [event["ref"] for event in self.daemon.events() if "ref" in event]
        self.assertEqual(set(load.refs) - set(logged), set(), "references that are not in the log")
        self.assertEqual(len(load.refs), len(set(load.refs)), "a reference was given twice")
        self.assertEqual(len(logged), len(set(logged)), "a reference was logged twice")
        self.refused(self.client().play(*RELAY), 554, reason="relay-denied", helo=HELO)

    def test_without_daemon(self):
        """While no mailwhyd runs, refusals are plain, mail is accepted, and nobody waits."""
        self.daemon.kill9()
        self.addCleanup(self.daemon.start)
        began = time.monotonic()
        client = self.client()
        self.assertEqual(client.play(*RELAY).lines, [f"554 5.7.1 <{ELSEWHERE}>: Relay access denied"])
        client.say("RSET")
        self.assertEqual(client.message("sender@elsewhere.test", MAILBOX).code, 250)
        self.assertLess(time.monotonic() - began, 2)

    def test_within_a_session(self):
        """A session that saw the daemon go and come back is explained again, with what is still known of it."""
        client = self.client()
        self.refused(client.play(*RELAY), 554, helo=HELO)
        self.daemon.kill9()
        self.assert_plain(client.say(RELAY[1]), 554)
        self.daemon.start()
        event = self.daemon.event(self.assert_explained(client.say(RELAY[1]), 554))
        self.assert_event(event, code=554, reason="relay-denied")

    def test_terminated(self):
        """SIGTERM ends it with status 0, in the middle of a session, and takes its sockets away."""
        client = self.client()
        self.assertEqual(self.daemon.stop(), 0, self.daemon.complaints())
        self.addCleanup(self.daemon.start)
        self.assert_plain(client.say("DATA"), 503)
        self.assertEqual([path.name for path in self.daemon.directory.iterdir()], [])


class FullDisk:
    """A place for the log with room for a few events. fill() takes it, free() gives it back.

    A small tmpfs; where we may not mount, the daemon's file size limit does the same."""

    def __init__(self, sandbox):
        self.path = sandbox.directory("small")
        self.mounted = sandbox.tmpfs("small", "64k")
        self.filler = self.path / "filler"
        self.daemon = None

    def fill(self):
        if self.mounted:
            with self.filler.open("wb", buffering=0) as filler:
                try:
                    while True:
                        filler.write(b"x" * 512)
                except OSError:
                    pass
        else:
            self._limit(self.daemon.log.stat().st_size + 100)

    def free(self):
        if self.mounted:
            self.filler.unlink()
        else:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size):
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class LogDiskFull(Explained):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.disk = FullDisk(self.sandbox)
        self.rig = Rig(self.sandbox, log=self.disk.path / "events.jsonl").start()
        self.disk.daemon = self.daemon = self.rig.daemon
        self.addCleanup(self.daemon.check_sanitizers)

    def say_data(self):
        with self.rig.client() as client:
            return client.say("DATA")

    def test_log_disk_full(self):
        """Without room for the log replies go out without a reference, counted and said; with room again they have one by themselves."""
        first = self.assert_explained(self.say_data(), 503)
        self.disk.fill()
        replies = [self.say_data() for _ in range(30)]
        self.assert_plain(replies[-1], 503)
        self.assertGreater(self.daemon.count("events_failed"), 0)
        self.disk.free()
        last = self.assert_explained(self.say_data(), 503)
        logged = [event["ref"] for event in self.daemon.events()]
        for ref in [first, last] + [reply.ref for reply in replies if reply.ref]:
            self.assertIn(ref, logged)
        time.sleep(0.2)  # notes are written by a thread of their own
        self.assertEqual(len(re.findall(r"(?i)no space|file too large|could not be written", self.daemon.complaints())), 1,
                         self.daemon.complaints())


class CatalogTest(RigTest):
    """Tests on a catalogue of their own, which they change."""

    @classmethod
    def setUpClass(cls):
        cls.copy = Sandbox()
        cls.addClassCleanup(cls.copy.close)
        cls.catalog = cls.copy / "catalog"
        shutil.copytree(TREE / "conf" / "catalog", cls.catalog)
        cls.rig_options = {"catalog": cls.catalog}
        super().setUpClass()

    def change(self, name, old, new):
        path = self.catalog / name
        text = path.read_text()
        self.assertRegex(text, old)
        self.addCleanup(path.write_text, text)
        path.write_text(re.sub(old, new, text, count=1))

    def fix_of_data(self):
        with self.rig.client() as client:
            return client.say("DATA").fix


class Reload(CatalogTest):
    def reload(self, said):
        before = len(self.daemon.complaints())
        self.daemon.hup()
        wait_for("a note on the reload", lambda: self.daemon.complaints()[before:])
        time.sleep(0.2)
        self.assertRegex(self.daemon.complaints()[before:], said)
        self.assertIsNone(self.daemon.process.status())

    def test_wrong_catalogue(self):
        """A wrong catalogue at SIGHUP: the old one stays, and the fault is named with file and line."""
        before = self.client().play(*RELAY)
        self.change("reasons.conf", r"(?m)^reason relay-denied \{\n", "reason relay-denied {\n    nonsense = 1\n")
        line = 2 + (self.catalog / "reasons.conf").read_text().partition("reason relay-denied {")[0].count("\n")
        self.reload(rf"reasons\.conf:{line}: ")
        after = self.client().play(*RELAY)
        self.assertNotEqual(self.assert_explained(before, 554), self.assert_explained(after, 554))
        self.assertEqual(after.without_ref(), before.without_ref())

    def test_bad_pattern(self):
        """A pattern that is none, likewise."""
        self.change("reasons.conf", r"(?m)^reason relay-denied \{\n", "reason relay-denied {\n    patterns = {'relay (denied'}\n")
        self.reload(r"reasons\.conf:\d+: ")
        self.assert_explained(self.client().play(*RELAY), 554)

    def test_changed_configuration(self):
        """A configuration that has changed is not read again, which is said, by its name."""
        path = self.daemon.config
        st = path.stat()
        os.utime(path)
        self.addCleanup(os.utime, path, ns=(st.st_atime_ns, st.st_mtime_ns))
        self.reload(rf"{re.escape(str(path))} has changed: .* restart mailwhyd")
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
        before = len(self.daemon.complaints())
        self.reload(r"catalogue \w+ loaded")
        self.assertNotIn("has changed", self.daemon.complaints()[before:])

    def test_new_catalogue(self):
        """A changed catalogue is used from the next session on after SIGHUP; a session keeps the one it began with."""
        begun = self.client()
        before = begun.say("DATA").fix
        self.change("text/en.conf", r"(\nreason rcpt-needed \{(?:\n .*)*?\n +fix +=) .*", r'\1 "Try the new text."')
        self.daemon.hup()
        wait_for("the new text", lambda: self.fix_of_data() == "Try the new text.", pause=0.1)
        self.assertEqual(begun.say("DATA").fix, before)

    def test_rotation(self):
        """The log is moved away, SIGHUP, and a new one is begun: no event is lost, and each is in one of the two."""
        old_ref = self.assert_explained(self.client().say("DATA"), 503)
        moved = self.daemon.log.with_suffix(".1")
        self.daemon.log.rename(moved)
        between = self.assert_explained(self.client().say("DATA"), 503)
        self.daemon.hup()
        wait_for("a new log", self.daemon.log.exists)
        new_ref = self.assert_explained(self.client().say("DATA"), 503)
        in_old = [event.get("ref") for event in self.daemon.events(moved)]
        in_new = [event.get("ref") for event in self.daemon.events()]
        self.assertEqual([ref in in_old for ref in (old_ref, between, new_ref)], [True, True, False])
        self.assertEqual([ref in in_new for ref in (old_ref, between, new_ref)], [False, False, True])


class ManyReloads(CatalogTest):
    def test_many_hups(self):
        """SIGHUP again and again under load disturbs nobody, and the last one counts."""
        load = Load(self.rig, 2)
        self.addCleanup(load.stop)
        for _ in range(50):
            self.daemon.hup()
            time.sleep(0.02)
        self.assertTrue(load.stop(), "a client hangs")
        self.assertEqual(load.faults, [])
        logged = {event.get("ref") for event in self.daemon.events()}
        self.assertEqual(set(load.refs) - logged, set())
        self.change("text/en.conf", r"(\nreason rcpt-needed \{(?:\n .*)*?\n +fix +=) .*", r'\1 "Try the newest text."')
        self.daemon.hup()
        wait_for("the newest text", lambda: self.fix_of_data() == "Try the newest text.", pause=0.1)


class Sockets(Explained):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())

    def test_stale_sockets(self):
        """Sockets that a killed daemon left are replaced."""
        daemon = Mailwhyd(self.sandbox, self.sandbox / "run").start()
        daemon.kill9()
        self.assertEqual({path.name for path in daemon.directory.iterdir()}, {"reply", "milter"})
        daemon.start()
        self.assertEqual(daemon.stop(), 0)

    def test_live_sockets(self):
        """A second daemon on a live one's sockets, be it over TCP, says so and ends; the first goes on."""
        for kind in ("unix", "inet"):
            with self.subTest(kind):
                first = Mailwhyd(self.sandbox, self.sandbox / "run", kind).start()
                second = run(BUILD / "mailwhyd", "-c", first.config, check=False, timeout=20)
                self.assertNotEqual(second.returncode, 0)
                self.assertIn(first.reply.removeprefix("unix:"), second.stdout)
                self.assertTrue(first.answers())
                self.assertEqual(first.stop(), 0)


def expand(template, code="554 5.7.1"):
    """The lines a client gets of a footer template, as Postfix makes them (MTA-FACTS, Postfix, 3)."""
    variables = {"server_name": HOSTNAME, "client_address": "127.0.0.1", "client_port": "1", "localtime": "now"}
    text = re.sub(r"\$(\$|\{(\w+)\}|(\w+))", lambda m: "$" if m[1] == "$" else variables.get(m[2] or m[3], ""), template)
    return text.removeprefix(r"\c").split(r"\n")


class Hostile(RigTest):
    """Text that came from a client and would be code if it were let."""

    rig_options = {"settings": {"smtputf8_enable": "no"}}
    marks = ("${server_name}", "$server_name", "$$", r"\n554 5.7.1 EVIL", r"\cEVIL", "\r\n554 5.7.1 EVIL", "\nEVIL", "\rEVIL", "\x00EVIL",
             "\x1b[31mEVIL", "\x7fEVIL", "\xffEVIL", "%s%n%reason", '"EVIL\\"', "<EVIL>", "{{EVIL}}", "x" * 2000)

    def test_keys(self):
        """In the reply map: no expansion, no line of the client's making, no octet that isn't printable; the log stays JSON."""
        for mark in self.marks:
            for key in (f"554 5.7.1 <{mark}@elsewhere.test>: Relay access denied", f"535 5.7.8 Error: authentication failed: {mark}",
                        f"554 5.7.1 Service unavailable; Client host [{mark}] blocked using {mark}; {mark}", f"550 5.1.1 {mark}"):
                with self.subTest(key), self.daemon.connect() as reply_map:
                    status, value = reply_map.request("4711", key.encode("latin-1"))
                    self.assertIn(status, ("OK", "NOTFOUND"))
                    if status == "OK":
                        self.assert_harmless(value)
        self.daemon.events()

    def assert_harmless(self, template):
        self.assertRegex(template, rb"\A[ -~]+\Z")
        lines = expand(template.decode())
        self.assertLessEqual(len(lines), 8)
        self.assertTrue(lines[0].startswith("Reason: "), lines)
        for line in lines:
            self.assertNotRegex(line, r"\A(EVIL|554 )")
            self.assertNotIn(HOSTNAME, line)
            self.assertLessEqual(len(line), 480)

    def test_recipients(self):
        """Through Postfix: what a recipient holds comes back in Postfix's own line, as it was, and nowhere as code."""
        for mark in ("${server_name}", "$server_name", "$$", r"\\n554 5.7.1 EVIL", r"\\cEVIL", "\x1b[31mEVIL", "\x07", "\xffEVIL", "%s%n"):
            with self.subTest(mark):
                client = self.client()
                client.say(RELAY[0])
                reply = client.say(f'RCPT TO:<"{mark}"@elsewhere.test>'.encode("latin-1"))
                ref = self.assert_explained(reply, 554)
                self.assertEqual(len(reply.own), 1, reply)
                for line in reply.added:
                    self.assertNotIn("EVIL", line)
                    self.assertNotIn(HOSTNAME, line)
                event = self.daemon.event(ref)
                self.assertEqual(event["code"], 554)
                self.assertIn("elsewhere.test", event["recipient"])

    def test_names(self):
        """Hostile HELO names and senders are in the event as they were said, and cannot break it."""
        for mark in ("${server_name}", 'a"b', r"a\n", "a\xff", "a\x1bb"):
            with self.subTest(mark):
                client = self.client(helo=None)
                client.say(b"EHLO " + mark.encode("latin-1"))
                event = self.daemon.event(self.assert_explained(client.say("DATA"), 503))
                self.assertTrue(event["helo"].startswith("a") or event["helo"] == mark, event)
