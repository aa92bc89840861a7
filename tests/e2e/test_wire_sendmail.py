"""mailwhy wire sendmail: the line in sendmail.mc, put in, found and taken out."""

import json
import pathlib
import re
import shutil
import signal
import unittest

from mailwhyd import BUILD, SANITIZER, Mailwhyd, mailwhy
from sandbox import Sandbox, run, wait_for
from sendmail import SendmailRig

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
        """There is no sendmail.cf that m4 could make of it: --apply and --undo change the text alone."""
        alone = ["--no-reload"] if {"--apply", "--undo"} & {*options} else []
        done = mailwhy("wire", "sendmail", "-c", self.mc, "--config", config or self.daemon.config, *options, *alone, check=False)
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
        self.mc.with_suffix(".cf").write_text(f"Ksendmail socket -o {self.daemon.reply}\nKmailwhy_set macro\nXmailwhy, S={self.daemon.milter}, T=C:5s\n")

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
        self.mc.with_suffix(".cf").unlink()
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
        config.write_text("")
        self.wire("--apply", config=config)
        self.assertIn("\nFEATURE(`mailwhy')dnl\nFEATURE(`no_default_msa')", self.mc.read_text())
        self.make_cf()
        self.assertEqual(self.faults(), {"endpoints"})
        self.wire("--apply")
        self.assertEqual(self.mc.read_text().count("\nFEATURE(`mailwhy'"), 1)
        self.assertIn(f"\n{self.line}\nFEATURE(`no_default_msa')", self.mc.read_text())
        self.make_cf()
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
        self.assertEqual(self.faults(), {"cf-old"}, "it is older than sendmail.mc")
        self.make_cf()
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

    def test_left(self):
        """What m4 does not make of this sendmail.mc is left as it is, and how to go on is said."""
        (self.cf / "m4").mkdir()
        (self.cf / "m4" / "cf.m4").write_text("")
        cf = self.mc.with_suffix(".cf")
        for text, reason in ((None, "No such file"), ("O Changed=by hand\n", "somebody changed it")):
            if text:
                cf.write_text(text)
            done = mailwhy("wire", "sendmail", "-c", self.mc, "--config", self.daemon.config, "--apply")
            self.assertIn(reason, done.stdout)
            self.assertIn("Now make sendmail.cf anew", done.stdout)
            self.assertEqual(cf.read_text() if cf.exists() else None, text)
            self.assertIn(self.line, self.mc.read_text())
            undone = mailwhy("wire", "sendmail", "-c", self.mc, "--config", self.daemon.config, "--undo", "--json")
            self.assertIn(reason, json.loads(undone.stdout)["left"])


class RealSendmail(unittest.TestCase):
    """A Sendmail that runs, with a sendmail.mc that knows nothing of mailwhy."""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.rig = SendmailRig(self.sandbox, features=["define(`confRUN_AS_USER', `nobody')dnl"])
        for path in (self.rig.mta.queue, *self.rig.mta.home.glob("*.db")):
            shutil.chown(path, "nobody")
        self.rig.start()
        self.addCleanup(self.rig.daemon.check_sanitizers)
        self.mta, self.daemon = self.rig.mta, self.rig.daemon
        self.mc, self.cf = (self.mta.home / f"sendmail.{kind}" for kind in ("mc", "cf"))

    def run_wire(self, *options):
        return run(*self.mta.apart(), BUILD / "mailwhy", "wire", "sendmail", "-c", self.mc, "--config", self.daemon.config, *options, check=False)

    def wire(self, *options, status=0):
        done = self.run_wire(*options)
        self.assertNotRegex(done.stdout, SANITIZER)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def faults(self):
        return {fault["id"] for fault in json.loads(self.wire("--check", "--json", status=1))["faults"]}

    def refused(self):
        """The line of a refusal, without what differs from one to the next."""
        with self.rig.client(helo="client.test") as client:
            return re.sub(r"(?<=Ref: ).*", "#", client.play("MAIL FROM:<sender@b.test>", "RCPT TO:<someone@elsewhere.test>").lines[0])

    def settings(self):
        return [line for line in self.cf.read_text().splitlines() if not line.startswith("#")]

    def test_two_commands(self):
        """--apply makes sendmail.cf anew and restarts Sendmail, which explains; --undo takes it back to the byte, and the refusal is plain."""
        with self.cf.open("a") as out:
            out.write("# a comment at its end")
        before, settings, mode, plain = self.mc.read_bytes(), self.settings(), self.cf.stat().st_mode, self.refused()
        self.assertTrue(plain.startswith("550 5.7.1 "), plain)
        self.assertEqual(self.faults(), {"not-wired"})
        self.assertIn("Sendmail has restarted", self.wire("--apply"))
        self.assertRegex(self.refused(), "^" + re.escape(plain.split(".")[0]) + ".*; .*Fix: .* Ref: #$")
        self.assertIn("whole", self.wire("--check"))
        self.assertEqual(self.cf.stat().st_mode, mode)
        self.check_faults()
        undone = json.loads(self.wire("--undo", "--json"))
        self.assertEqual((undone["done"], undone["made"], undone["reloaded"]), (True, True, True))
        self.assertEqual(self.mc.read_bytes(), before)
        self.assertEqual(self.settings(), settings)
        self.assertEqual(self.refused(), plain)
        self.assertEqual(sorted(path.name for path in self.mta.home.glob("sendmail.*")), ["sendmail.cf", "sendmail.mc"])

    def test_going_on(self):
        """--apply --no-reload changes sendmail.mc alone; the next --apply does the rest. --undo --no-reload leaves a sendmail.cf that still asks, which the next one says."""
        before, made, plain = self.mc.read_bytes(), self.settings(), self.refused()
        for _ in range(2):
            self.wire("--apply", "--no-reload")
            self.assertEqual((self.settings(), self.refused()), (made, plain))
        gone_on = json.loads(self.wire("--apply", "--json"))
        self.assertEqual((gone_on["diff"], gone_on["done"], gone_on["made"], gone_on["reloaded"]), ("", False, True, True))
        self.assertIn("Ref: ", self.refused())
        self.assertIn("nothing to change", self.wire("--apply"))
        self.wire("--undo", "--no-reload")
        self.assertEqual(self.mc.read_bytes(), before)
        self.assertIn("still asks mailwhyd: now make that anew", self.wire("--undo"))
        self.wire("--apply", "--no-reload")
        self.cf.write_text("\n".join(made) + "\nO Changed=by hand\n")
        said = self.wire("--apply")
        self.assertIn("somebody changed it. Now make sendmail.cf anew", said)
        self.assertIn("by hand", self.cf.read_text())

    def check_faults(self):
        """What --check finds of a Sendmail that is wired, each alone."""
        wired = self.cf.read_bytes()
        self.cf.touch()
        self.assertEqual(self.faults(), {"not-restarted"})
        self.assertIn("sendmail.cf was made already, and Sendmail has restarted", self.wire("--apply"))
        self.assertIn("nothing to change", self.wire("--apply"))
        self.mc.touch()
        self.assertEqual(self.faults(), {"cf-old"})
        self.cf.write_text("\n".join(self.settings()).replace("Xmailwhy,", "Xother,"))
        self.assertEqual(self.faults(), {"cf-old"})
        self.cf.write_bytes(wired)
        self.restart()
        self.daemon.directory.chmod(0o700)
        self.assertEqual(self.faults(), {"permission"})
        self.assertNotIn("Ref: ", self.refused())
        self.daemon.directory.chmod(0o755)
        self.daemon.kill9()
        self.assertEqual(self.faults(), {"not-running"})
        self.assertNotIn("Ref: ", self.refused())
        self.daemon.start()
        self.assertIn("whole", self.wire("--check"))
        self.assertIn("Ref: ", self.refused())

    def restart(self):
        self.mta.process.send(signal.SIGHUP)
        wait_for("a Sendmail that is whole", lambda: self.run_wire("--check").returncode == 0)

    def test_not_taken(self):
        """What m4 or Sendmail does not take is not put in place: both files are as they were, and Sendmail goes on."""
        before, made, plain = self.mc.read_bytes(), self.cf.read_bytes(), self.refused()
        feature = self.mta.macros / "feature" / "mailwhy.m4"
        ours = feature.read_text()
        for text, reason in ((None, "m4 makes nothing"), ("divert(-1)\n", "another one"),
                             (ours.replace("Ksendmail socket", "Ksendmail sockets"), "class sockets not available")):
            feature.unlink(missing_ok=True)
            if text:
                feature.write_text(text)
            self.assertIn(reason, self.wire("--apply", status=78))
            self.assertEqual((self.mc.read_bytes(), self.cf.read_bytes()), (before, made))
            self.assertEqual(sorted(path.name for path in self.mta.home.glob("sendmail.*")), ["sendmail.cf", "sendmail.mc"])
        self.assertEqual(self.refused(), plain)

    def test_not_restarted(self):
        """A Sendmail that was started without its whole path would end if it were told to restart: it is left to the operator; one that does not run, too."""
        pid = self.mta.home / "pid"
        number, command = pid.read_text().splitlines()[:2]
        pid.write_text(f"{number}\n{command.removeprefix('/')}\n")
        self.assertIn("sendmail.cf was made anew. Now restart Sendmail", self.wire("--apply"))
        self.assertNotIn("Ref: ", self.refused())
        self.assertEqual(self.faults(), {"not-restarted"})
        self.check_not_ours(pid, command)
        self.mta.stop()
        self.assertIn("Sendmail does not run", self.wire("--undo"))

    def check_not_ours(self, pid, command):
        """Another user's program is neither run nor told to restart, whatever its name and whoever wrote its number down."""
        theirs = shutil.copy("/bin/sleep", self.mta.home / "sendmail-of-theirs")
        process = self.sandbox.spawn(["setpriv", "--reuid=nobody", "--clear-groups", theirs, "60"], self.sandbox / "theirs")
        wait_for("it", lambda: pathlib.Path(f"/proc/{process.pid}/exe").resolve() == theirs.resolve())
        for number in (process.pid, 10**12, "x"):
            pid.write_text(f"{number}\n{command}\n")
            self.assertIn("Sendmail does not run", self.wire("--undo"))
            self.assertIn("Sendmail does not run", self.wire("--apply"))
        self.assertIsNone(process.status())


if __name__ == "__main__":
    unittest.main()
