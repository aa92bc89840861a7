"""`mailwhy ref`: the event behind a reference, its session, and logs that were rotated and compressed."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from mailwhyd import mailwhy
from mta import ELSEWHERE, MAILBOX
from rig import RigTest

RELAY = ("MAIL FROM:<sender@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>")


class Ref(RigTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.log = self.folder / "events.jsonl"

    def ref(self, typed, log=None, *options, check=True):
        return mailwhy("ref", *options, "--log", log or self.daemon.log, typed, check=check)

    def test_typed(self):
        """An event is found however its reference was typed, and 1 is said for one that isn't there."""
        ref = self.assert_explained(self.client().play(*RELAY), 554)
        for typed in (ref, ref.lower(), ref.replace("-", "")):
            found = self.ref(typed)
            self.assertIn("relay-denied", found.stdout)
            self.assertIn(ELSEWHERE, found.stdout)
        self.assertEqual(self.ref("00000-00000", check=False).returncode, 1)

    def test_session(self):
        """The other refusals of the session stand below, in their order, and those of no other session."""
        stranger = self.assert_explained(self.client().play(*RELAY), 554)
        client = self.client()
        refs = [self.assert_explained(client.say("FROBNICATE"), 500), self.assert_explained(client.play(*RELAY), 554),
                self.assert_explained(client.say("DATA"), 554)]
        self.assert_explained(self.client().say("FROBNICATE"), 500)
        found = self.ref(refs[1]).stdout
        places = [found.index(ref, found.index("The session")) for ref in refs]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(stranger, found)
        self.assertEqual([line.split()[0] for line in found.splitlines() if refs[1] in line and "relay-denied" in line], ["*"])
        event = json.loads(self.ref(refs[1], None, "--json").stdout)
        self.assertEqual(event["ref"], refs[1])
        self.assertEqual([other["ref"] for other in event["session"]], refs)

    def test_alone(self):
        """A session of one event shows no table, and its line is that of the log."""
        ref = self.assert_explained(self.client().play(*RELAY), 554)
        self.assertNotIn("The session", self.ref(ref).stdout)
        line = self.ref(ref, None, "--json").stdout
        self.assertIn(line, pathlib.Path(self.daemon.log).read_text(encoding="utf-8", errors="surrogateescape"))

    def test_rotated(self):
        """What was rotated is looked at, too: as it is, and compressed with gzip and zstd."""
        client = self.client()
        refs = [self.assert_explained(client.say(command), 500) for command in ("FROB", "FROBS", "FROBNICATE")]
        names = {"events.jsonl.1": lambda path: None, "events.jsonl-20261120.gz": self.gzip, "events.jsonl.3.zst": self.zstd}
        self.log.write_bytes(b"")
        for name, compress in names.items():
            path = self.folder / name
            shutil.copy(self.daemon.log, path)
            with self.subTest(name):
                compress(path)
                for ref in refs:
                    found = self.ref(ref, self.log)
                    self.assertIn("command-unknown", found.stdout)
                    for other in refs:
                        self.assertIn(other, found.stdout)
            path.unlink()
        self.assertEqual(self.ref(refs[0], self.log, check=False).returncode, 1)

    def test_named(self):
        """A compressed log can be named itself, and a damaged one is said to be so or used as far as it goes."""
        ref = self.assert_explained(self.client().play(*RELAY), 554)
        for compress in (self.gzip, self.zstd):
            shutil.copy(self.daemon.log, self.log)
            compress(self.log)
            self.assertIn("relay-denied", self.ref(ref, self.log).stdout)
            whole = self.log.read_bytes()
            for size in (3, 12, len(whole) - 5):
                with self.subTest(compress=compress.__name__, size=size):
                    self.log.write_bytes(whole[:size])
                    self.assertIn(self.ref(ref, self.log, check=False).returncode, (0, 1, 66))

    def test_others(self):
        """A file that only looks a little like a rotated log is left alone, and so is one that was written before the event."""
        ref = self.assert_explained(self.client().play(*RELAY), 554)
        self.log.write_bytes(b"")
        for name in ("events.jsonl.bak", "events.jsonlx.1", "other.1"):
            shutil.copy(self.daemon.log, self.folder / name)
        shutil.copy(self.daemon.log, self.folder / "events.jsonl.1")
        os.utime(self.folder / "events.jsonl.1", (0, 0))
        self.assertEqual(self.ref(ref, self.log, check=False).returncode, 1)

    @staticmethod
    def gzip(path):
        path.write_bytes(gzip.compress(path.read_bytes()))

    @staticmethod
    def zstd(path):
        packed = subprocess.run(("zstd", "-q", "-c", path), stdout=subprocess.PIPE, check=True, timeout=30).stdout
        path.write_bytes(packed)

    def test_accepted_is_no_refusal(self):
        """A session in which mail was accepted, too, shows its refusals."""
        client = self.client()
        self.assertEqual(client.message("sender@elsewhere.test", MAILBOX).code, 250)
        refs = [self.assert_explained(client.say(command), 500) for command in ("FROB", "FROBS")]
        found = self.ref(refs[0]).stdout
        self.assertIn(refs[1], found)
