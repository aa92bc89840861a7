"""The demo: it shows what it promises, and leaves nothing behind, however it ends."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

from sandbox import Sandbox, wait_for

DEMO = pathlib.Path(__file__).with_name("demo.py")


def processes_within(directory):
    """The processes that work in the directory, are chrooted into it or were given a path in it."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            traces = [os.readlink(entry / "cwd"), os.readlink(entry / "root"), (entry / "cmdline").read_text()]
        except OSError:
            continue
        if any(str(directory) in trace for trace in traces):
            found.append((int(entry.name), traces[2].replace("\0", " ")))
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        self.box = self.enterContext(Sandbox())
        self.temporary = self.box.directory("tmp", 0o1777)

    def start(self, *args):
        with (self.box / "output").open("wb") as output:
            demo = subprocess.Popen([sys.executable, str(DEMO), *args], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    env={**os.environ, "TMPDIR": str(self.temporary)}, start_new_session=True)
        self.addCleanup(demo.wait, 20)
        self.addCleanup(demo.terminate)
        return demo

    def output(self):
        return (self.box / "output").read_text()

    def assert_nothing_left(self):
        wait_for("the end of every process", lambda: not processes_within(self.temporary), 5)
        wait_for("the end of every directory", lambda: not any(self.temporary.iterdir()), 5)

    def test_shows_all(self):
        """Before and after, each with reason, fix and reference, then the events and one of them looked up; plain text, 100 columns."""
        began = time.monotonic()
        self.assertEqual(self.start().wait(60), 0, self.output())
        self.assertLess(time.monotonic() - began, 60)
        shown = self.output()
        scenes = len(re.findall(r"^  before  ", shown, re.M))
        self.assertGreaterEqual(scenes, 7)
        for text in ("  after   ", r" +\d{3}-\S+ Reason: ", r" +\d{3}-\S+ Fix: "):
            self.assertEqual(len(re.findall(f"^{text}", shown, re.M)), scenes, shown)
        for code in (500, 503, 535, 554):
            self.assertIn(f"{code}-", shown)
        refs = set(re.findall(r" Ref: (\S+)", shown))
        self.assertEqual(len(refs), scenes)
        for ref in refs:
            self.assertGreaterEqual(shown.count(ref), 2, f"{ref} is not among the events")
        self.assertEqual([line for line in shown.splitlines() if len(line) > 100 or re.search(r"[^ -~]", line)], [])
        self.assert_nothing_left()

    def test_sendmail(self):
        """The same with Sendmail: explained where that can be had, and left as it is elsewhere, where its log tells of it."""
        self.assertEqual(self.start("sendmail").wait(100), 0, self.output())
        shown = self.output()
        scenes = len(re.findall(r"^  before  ", shown, re.M))
        self.assertGreaterEqual(scenes, 8)
        refs = set(re.findall(r"^ +(?:\d{3} \S+ |.*)Ref:\s+(\w{5}-\w{5})$", shown, re.M))
        self.assertEqual(len(refs), scenes - 2, shown)
        for ref in refs:
            self.assertGreaterEqual(shown.count(ref), 2, f"{ref} is not among the events")
        for code in ("500-5.5.1", "550 5.7.1", "550 5.1.6", "550 5.1.1", "535 5.7.0"):
            self.assertIn(code, shown)
        self.assertRegex(shown, r"(?m)^ +\w{5}-\w{5} +auth +535 5\.7\.0 +auth-bad-credentials ")
        self.assertEqual([line for line in shown.splitlines() if len(line) > 100 or re.search(r"[^ -~]", line)], [])
        self.assert_nothing_left()

    def test_interrupted(self):
        """SIGINT or SIGTERM, at any moment: no process and no directory is left, and the status says so."""
        interrupt, terminate = signal.SIGINT, signal.SIGTERM
        for pause, signum in ((0.3, interrupt), (0.6, terminate), (0.9, interrupt), (1.4, interrupt), (2.0, terminate)):
            with self.subTest(pause):
                demo = self.start()
                time.sleep(pause)
                self.assertIsNone(demo.poll(), "the demo was over before it was interrupted")
                demo.send_signal(signum)
                self.assertEqual(demo.wait(20), 128 + signum, self.output())
                self.assertNotIn("Traceback", self.output())
                self.assert_nothing_left()

    def test_killed(self):
        """Even after kill -9 nothing is left."""
        demo = self.start()
        time.sleep(1.5)
        self.assertNotEqual(processes_within(self.temporary), [])
        demo.kill()
        demo.wait(5)
        self.assert_nothing_left()
