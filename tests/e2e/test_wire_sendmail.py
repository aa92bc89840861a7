"""mailwhy wire sendmail: the line in sendmail.mc, put in, found and taken out."""

import json
import signal
import unittest

from mailwhyd import SANITIZER, Mailwhyd, mailwhy
from sandbox import Sandbox, wait_for

MC = """divert(-1)dnl
#
# FEATURE(`mailwhy') is not here
FEATURE(`nothing')
divert(0)dnl
define(`_USE_ETC_MAIL_')dnl
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')dnl
dnl FEATURE(`mailwhy') was here once
FEATURE(`no_default_msa')dnl
FEATURE(`access_db', , `skip')dnl
LOCAL_CONFIG
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


class WireSendmail(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.daemon = Mailwhyd(self.sandbox, "run").start()
        self.addCleanup(self.daemon.check_sanitizers)
        self.cf = self.sandbox.directory("cf/feature").parent
        (self.cf / "feature" / "mailwhy.m4").write_text("")
        self.mc = self.sandbox.directory("mail") / "sendmail.mc"
        self.before = MC.format(cf=self.cf).rstrip("\n")  # the last line without an end
        self.mc.write_text(self.before)
        self.mc.chmod(0o640)
        self.line = f"FEATURE(`mailwhy', `{self.daemon.reply}', `{self.daemon.milter}')dnl"

    def wire(self, *options, status=0, config=None):
        done = mailwhy("wire", "sendmail", "-c", self.mc, "--config", config or self.daemon.config, *options, check=False)
        self.assertNotRegex(done.stdout, SANITIZER)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def faults(self):
        found = json.loads(self.wire("--check", "--json", status=1))
        self.assertFalse(found["whole"])
        text = self.wire("--check", status=1)
        for fault in found["faults"]:
            self.assertIn(fault["text"], text)
            self.assertIn(fault["fix"], text)
        return {fault["id"] for fault in found["faults"]}

    def make_cf(self):
        self.mc.with_suffix(".cf").write_text(f"Kmailwhy_set macro\nKsendmail socket {self.daemon.reply}\n")

    def test_apply_and_undo(self):
        """Shown as a difference, put before the first FEATURE, found whole, and taken out to the byte; mode and copy as they must be."""
        shown = self.wire()
        self.assertIn(f"\n dnl FEATURE(`mailwhy') was here once\n+{self.line}\n FEATURE(`no_default_msa')dnl\n", shown)
        self.assertEqual(self.mc.read_text(), self.before)
        self.assertIn("sendmail.cf anew", self.wire("--apply"))
        wired = self.mc.read_text()
        self.assertEqual(wired, self.before.replace("FEATURE(`no_default_msa')", self.line + "\nFEATURE(`no_default_msa')"))
        self.assertEqual(self.mc.stat().st_mode & 0o777, 0o640)
        copy = self.mc.with_name("sendmail.mc.before-mailwhy")
        self.assertEqual(copy.read_text(), self.before)
        self.assertEqual(self.faults(), {"cf-old"})
        self.make_cf()
        self.assertIn("whole", self.wire("--check"))
        again = json.loads(self.wire("--apply", "--json"))
        self.assertEqual((again["diff"], again["done"]), ("", False))
        self.assertIn("to the byte", self.wire("--undo"))
        self.assertEqual(self.mc.read_text(), self.before)
        self.assertFalse(copy.exists())
        self.assertIn("nothing to take back", self.wire("--undo"))

    def test_changed_meanwhile(self):
        """What the operator changed after --apply stays after --undo."""
        self.wire("--apply")
        self.mc.write_text(self.mc.read_text() + "\ndnl later\n")
        self.assertNotIn("to the byte", self.wire("--undo"))
        self.assertEqual(self.mc.read_text(), self.before + "\ndnl later\n")

    def test_defaults(self):
        """Where the daemon listens as the feature expects, the line is the short one; other endpoints are replaced in place."""
        config = self.sandbox / "defaults.conf"
        config.write_text('socketmap { listen = "unix:/run/mailwhy/reply" }\nmilter { listen = "unix:/run/mailwhy/milter" }\n')
        self.wire("--apply", config=config)
        self.assertIn("\nFEATURE(`mailwhy')dnl\nFEATURE(`no_default_msa')", self.mc.read_text())
        self.make_cf()
        self.assertEqual(self.faults(), {"endpoints"})
        self.wire("--apply")
        self.assertEqual(self.mc.read_text().count("\nFEATURE(`mailwhy'"), 1)
        self.assertIn(f"\n{self.line}\nFEATURE(`no_default_msa')", self.mc.read_text())
        self.assertIn("whole", self.wire("--check"))
        self.wire("--undo")
        self.assertEqual(self.mc.read_text(), self.before)

    def test_faults(self):
        """Each fault is found, alone."""
        self.assertEqual(self.faults(), {"not-wired"})
        self.mc.write_text(self.before.replace("LOCAL_CONFIG", self.line + "\nLOCAL_CONFIG"))
        self.make_cf()
        self.assertEqual(self.faults(), {"too-late"})
        self.wire("--apply")
        self.assertIn("whole", self.wire("--check"))
        (self.cf / "feature" / "mailwhy.m4").unlink()
        self.assertEqual(self.faults(), {"feature-missing"})
        (self.cf / "feature" / "mailwhy.m4").write_text("")
        self.daemon.directory.chmod(0o775)
        self.assertEqual(self.faults(), {"unsafe-folder"})
        self.daemon.directory.chmod(0o755)
        self.daemon.process.send(signal.SIGSTOP)
        self.assertEqual(self.faults(), {"no-answer"})
        self.daemon.process.send(signal.SIGCONT)
        wait_for("mailwhyd", self.daemon.answers)
        self.daemon.kill9()
        self.assertEqual(self.faults(), {"not-running"})
        self.daemon.start()
        self.assertIn("whole", self.wire("--check"))

    def test_not_possible(self):
        """A file that is none, no sendmail.mc, and endpoints that m4 cannot hold are said, and nothing is changed."""
        self.mc.write_text("hello\n")
        self.wire("--apply", status=65)
        self.assertEqual(self.mc.read_text(), "hello\n")
        self.mc.unlink()
        self.wire("--apply", status=66)
        self.mc.write_text(self.before)
        config = self.sandbox / "quotes.conf"
        config.write_text("socketmap { listen = \"unix:/run/it's/reply\" }\n")
        self.wire("--apply", status=78, config=config)
        self.assertEqual(self.mc.read_text(), self.before)
        self.assertEqual(mailwhy("wire", "sendmail", "--postscreen", check=False).returncode, 64)


if __name__ == "__main__":
    unittest.main()
