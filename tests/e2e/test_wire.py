"""mailwhy wire postfix: what it says, does, takes back and finds. Each Postfix is a private one."""

import contextlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time
import unittest

from mailwhyd import BUILD, SANITIZER, TREE, mailwhy
from mta import ELSEWHERE, Postfix
from rig import HELO, Explained, Rig
from sandbox import Sandbox, run, wait_for

FILES = ("main.cf", "master.cf")
OTHER = "inet:127.0.0.1:9"  # a milter that nobody needs to run: mail goes on without it
OVERRIDES = {
    "smtp": {"smtpd_sasl_auth_enable": "no"},
    "own": {"smtpd_milters": f"{{ {OTHER}, default_action=accept }}, {{ inet:127.0.0.1:19, {{ default_action = accept }} }}"},
    "none": {"smtpd_milters": ""},
    "macros": {"milter_macro_defaults": "a=b, { c = d e }"},
}


def make_old(directory):
    """Postfix's tools wait before they read a configuration that was changed within the last two seconds."""
    an_hour_ago = time.time() - 3600
    for name in FILES:
        os.utime(directory / name, (an_hour_ago, an_hour_ago))


def snapshot(directory):
    """Both files: their text, owner, group and mode."""
    found = {}
    for name in FILES:
        st = (directory / name).stat()
        found[name] = ((directory / name).read_bytes(), st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode))
    return found


class WireTest(Explained):
    """Tests with a Postfix and a mailwhyd each, which are not wired yet."""

    def make(self, start=True, **options):
        sandbox = Sandbox()
        self.addCleanup(sandbox.close)
        self.rig = Rig(sandbox, wired=False, **options)
        self.postfix, self.daemon = self.rig.postfix, self.rig.daemon
        self.config = self.postfix.config
        if start:
            self.rig.start()
            self.addCleanup(self.daemon.check_sanitizers)
        return self.rig

    def wire(self, *options, status=0, config=None, directory=None, **kwargs):
        """Run it; what it printed."""
        done = mailwhy("wire", "postfix", "-c", directory or self.config, "--config", config or self.daemon.config, *options,
                       check=False, **kwargs)
        self.assertNotRegex(done.stdout, SANITIZER)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def apply(self, *options, **kwargs):
        """Apply it without a reload, for tests of nothing but the configuration."""
        self.wire("--apply", "--no-reload", *options, **kwargs)
        make_old(kwargs.get("directory") or self.config)

    def start_apply(self):
        """The same, on its way."""
        return subprocess.Popen([BUILD / "mailwhy", "wire", "postfix", "-c", self.config, "--config", self.daemon.config, "--apply", "--no-reload"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def json(self, *options, **kwargs):
        return json.loads(self.wire("--json", *options, **kwargs))

    def faults(self, *options, **kwargs):
        """What --check finds: the words for programs. The text must say the same."""
        found = self.json("--check", *options, status=1, **kwargs)
        self.assertFalse(found["whole"])
        text = self.wire("--check", *options, status=1, **kwargs)
        for fault in found["faults"]:
            self.assertTrue(fault["text"] and fault["fix"], fault)
            self.assertIn(fault["text"], text)
            self.assertIn(fault["fix"], text)
        return {fault["id"] for fault in found["faults"]}

    def assert_whole(self, *options, **kwargs):
        self.assertEqual(self.json("--check", *options, **kwargs)["faults"], [])
        self.assertIn("whole", self.wire("--check", *options, **kwargs))

    def postconf(self, *words, directory=None):
        said = run("postconf", "-c", directory or self.config, *words, stderr=subprocess.DEVNULL).stdout.strip()
        if "-n" not in words and "-h" not in words:
            make_old(directory or self.config)
        return said

    @contextlib.contextmanager
    def kept(self):
        """Within this block the configuration may be changed."""
        before = snapshot(self.config)
        try:
            yield
        finally:
            for name in FILES:
                (self.config / name).write_bytes(before[name][0])
            make_old(self.config)

    def value(self, name):
        return self.postconf("-h", name)

    def refuse(self, service):
        with self.rig.client(service) as client:
            return client.play("MAIL FROM:<sender@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>")

    def assert_explains(self, service="smtp"):
        """A refusal is explained, and its event knows the client. (A session that an old smtpd took may come just after a reload.)"""
        reply = wait_for("an explained reply", lambda: (lambda r: r if r.ref else None)(self.refuse(service)), 20, 0.2)
        self.assert_explained(reply, 554)
        self.assert_event(self.daemon.event(reply.ref), reason="relay-denied", client_addr="127.0.0.1", helo=HELO, recipient=ELSEWHERE)

    def assert_explains_no_more(self, service="smtp"):
        wait_for("a plain reply", lambda: not self.refuse(service).ref, 20, 0.2)


class Applied(WireTest):
    def test_shown(self):
        """What is printed is a shell's script of postconf commands, changes nothing, and does what --apply does."""
        self.make(start=False, services=OVERRIDES, settings={"smtpd_reject_footer_maps": "static:call_us", "smtpd_milter_maps": "static:DISABLE"})
        before = snapshot(self.config)
        copy = self.config.parent / "copy"
        shutil.copytree(self.config, copy)
        shown = self.wire()
        self.assertEqual(shown.count("# smtpd_milter_maps is set"), 1)
        self.assertEqual(snapshot(self.config), before)
        self.assertEqual(list(self.config.glob("mailwhy*")), [])
        script = "\n".join(line for line in shown.replace(str(self.config), str(copy)).splitlines() if not line.startswith("postfix "))
        run("sh", "-c", script)
        self.apply()
        for name in FILES:
            self.assertEqual((copy / name).read_text(), (self.config / name).read_text())
        for change in self.json(directory=self.config.parent / "copy", status=0)["changes"]:
            self.fail(f"still to change: {change}")

    def test_apply_and_undo(self):
        """Applied: a refusal is explained, nothing to change again; undone: both files are as they were to the byte, owner and mode."""
        self.make()
        main_cf = self.config / "main.cf"
        main_cf.write_text("# Ours, with a tail \n" + main_cf.read_text() + "\n\n#end")
        main_cf.chmod(0o640)
        shutil.chown(main_cf, "root", "postfix")
        before = snapshot(self.config)
        self.assert_plain(self.refuse("smtp"), 554)
        self.assertEqual(self.faults(), {"map-missing", "milter-missing", "macro-missing"})
        for _ in range(2):
            self.assertIn("takes this up with: postfix", self.wire("--apply", "--no-reload"))
        self.assertIn("told to reload", self.wire("--apply"))
        self.assertEqual(snapshot(self.config)["main.cf"][1:], before["main.cf"][1:], "owner and mode")
        for service in self.postfix.ports:
            if service != "tlsonly":  # which refuses everything before STARTTLS
                self.assert_explains(service)
        self.assert_whole()
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "")
        self.assertEqual(self.value("milter_default_action"), "tempfail", "it is other milters' as well")
        applied = snapshot(self.config)
        self.assertIn("nothing to change", self.wire("--apply"))
        self.assertEqual(self.json("--apply")["changes"], [])
        self.assertEqual(snapshot(self.config), applied)
        undone = self.json("--undo")
        self.assertEqual((undone["restored"], undone["changes"], undone["reloaded"]), (["main.cf", "master.cf"], [], True))
        self.assertEqual(snapshot(self.config), before)
        self.assertEqual(list(self.config.glob("mailwhy*")), [])
        self.assert_explains_no_more()
        self.wire("--undo")
        self.assertEqual(snapshot(self.config), before)

    def test_kept(self):
        """Milters, macros, footers and -o overrides that were there stay, behind ours; each service's refusals are explained."""
        self.make(services=OVERRIDES, settings={
            "smtpd_milters": f"{{ {OTHER}, default_action=accept }}", "milter_macro_defaults": "{ x = y } z=$process_id",
            "smtpd_reject_footer_maps": "static:call_us"})
        before = snapshot(self.config)
        self.wire("--apply")
        for service in OVERRIDES:
            self.assert_explains(service)
        self.assertTrue(self.value("smtpd_milters").endswith(f"}}, {{ {OTHER}, default_action=accept }}"), self.value("smtpd_milters"))
        self.assertEqual(self.value("milter_macro_defaults"), "pid=$process_id, { x = y } z=$process_id")
        self.assertTrue(self.value("smtpd_reject_footer_maps").endswith(", static:call_us"))
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "static:call_us")
        overrides = dict(line.split(" = ", 1) for line in self.postconf("-P").splitlines() if " = " in line)
        services = {name: f"127.0.0.1:{port}/inet" for name, port in self.postfix.ports.items()}
        own = overrides[f"{services['own']}/smtpd_milters"]
        self.assertTrue(own.startswith("{unix:mailwhy/milter,") and OTHER in own and own.count("default_action=accept") == 3, own)
        self.assertTrue(overrides[f"{services['none']}/smtpd_milters"].startswith("{unix:mailwhy/milter,"), overrides)
        self.assertEqual(overrides[f"{services['macros']}/milter_macro_defaults"], "pid=$process_id, a=b, { c = d e }")
        self.assert_whole()
        self.assertEqual(self.json()["changes"], [])
        self.wire("--undo")
        self.assertEqual(snapshot(self.config), before)

    def test_without_chroot(self):
        """smtpd outside of a chroot is wired by the same relative paths."""
        self.make(chroot=False)
        self.wire("--apply")
        self.assert_explains()
        self.assert_whole()

    def test_over_tcp(self):
        """A mailwhyd on TCP, as several instances need it, is wired by its address."""
        self.make(wiring="inet")
        self.wire("--apply")
        self.assertRegex(self.value("smtpd_reject_footer_maps"), r"^socketmap:inet:127\.0\.0\.1:\d+:\$process_id$")
        self.assert_explains()
        self.assert_whole()

    def test_not_running(self):
        """A Postfix that does not run is wired, and not started."""
        self.make(start=False)
        done = self.json("--apply")
        self.assertEqual((done["done"], done["reloaded"]), (True, False))
        self.assertNotEqual(run("postfix", "-c", self.config, "status", check=False).returncode, 0)

    def test_by_hand(self):
        """What was wired by hand as the README once had it is whole, left alone but for postscreen, and taken out by --undo."""
        self.make()
        self.rig.wire()
        self.postfix.restart()
        before = snapshot(self.config)
        self.assert_whole()
        self.assertEqual(self.json()["changes"], [])
        self.assertEqual(snapshot(self.config), before)
        undone = self.json("--undo")
        self.assertEqual(undone["restored"], [])
        self.assertEqual(self.postconf("-n", "smtpd_milters", "milter_macro_defaults", "smtpd_reject_footer_maps"), "")

    def test_by_hand_as_the_manual_says(self):
        """The commands of mailwhy-postfix(7) run as they stand there, and make a whole wiring."""
        self.make()
        page = (TREE / "conf" / "postfix" / "mailwhy-postfix.7").read_text()
        script = page.split("By hand, ")[1].split(".Bd -literal\n")[1].split("postfix reload\n.Ed")[0]
        run("sh", "-ec", script.replace("postconf ", f"postconf -c {self.config} "))
        make_old(self.config)
        self.assert_whole()

    def test_changed_meanwhile(self):
        """Of a file that was edited after --apply only our settings are taken out; the other is restored to the byte."""
        self.make(start=False, services=OVERRIDES, settings={"smtpd_milters": OTHER})
        before = snapshot(self.config)
        self.apply()
        self.postconf("-e", f"smtpd_milters = {self.value('smtpd_milters')}, unix:later", "mynetworks = 192.0.2.0/24")
        undone = self.json("--undo")
        self.assertEqual(undone["restored"], ["master.cf"])
        self.assertEqual({change["parameter"]: change["why"] for change in undone["changes"]}, {
            "smtpd_milters": "without what is mailwhy's", "smtpd_reject_footer_maps": "as it was before",
            "milter_macro_defaults": "as it was before", "postscreen_reject_footer_maps": "as it was before"})
        self.assertEqual(snapshot(self.config)["master.cf"], before["master.cf"])
        self.assertEqual(self.value("smtpd_milters"), f"{OTHER}, unix:later")
        self.assertEqual(self.value("mynetworks"), "192.0.2.0/24")
        set_now = self.postconf("-n", "milter_macro_defaults", "smtpd_reject_footer_maps", "postscreen_reject_footer_maps")
        self.assertEqual(set_now, "")

    def test_changed_then_applied_again(self):
        """A service that came later is wired by another --apply; --undo then leaves it as its operator wrote it."""
        self.make(start=False)
        self.apply()
        self.postconf("-M", "-e", "127.0.0.1:2525/inet=127.0.0.1:2525 inet n - y - - smtpd")
        self.postconf("-P", f"127.0.0.1:2525/inet/smtpd_milters={OTHER}")
        self.assertIn("override", self.faults())
        self.assertEqual([change["service"] for change in self.json("--apply")["changes"]], ["127.0.0.1:2525/inet"])
        self.assertNotIn("override", self.faults())
        self.wire("--undo")
        self.assertEqual(self.postconf("-P", "127.0.0.1:2525/inet/smtpd_milters"), f"127.0.0.1:2525/inet/smtpd_milters = {OTHER}")
        self.assertEqual(self.postconf("-n", "smtpd_milters", "smtpd_reject_footer_maps", "milter_macro_defaults"), "")

    def test_moved(self):
        """After mailwhyd was told to listen elsewhere, --apply replaces what it wrote before, and --undo gives the first state back."""
        self.make(start=False, services=OVERRIDES)
        before = snapshot(self.config)
        self.apply()
        moved = self.daemon.home / "moved.conf"
        moved.write_text(self.daemon.config.read_text().replace("/mailwhy/reply", "/why/map").replace("/mailwhy/milter", "/why/milter"))
        self.apply(config=moved)
        self.assertEqual(self.value("smtpd_reject_footer_maps"), "socketmap:unix:why/map:$process_id")
        self.assertEqual(self.value("smtpd_milters").count("unix:"), 1)
        self.wire("--undo", config=moved)
        self.assertEqual(snapshot(self.config), before)

    def test_killed(self):
        """kill -9 of --apply at any moment: each file is whole, the old or the new, and --undo gives the old ones back."""
        self.make(start=False, services=OVERRIDES)
        make_old(self.config)
        before = snapshot(self.config)
        began = time.monotonic()
        process = self.start_apply()
        wait_for("a changed main.cf", lambda: snapshot(self.config)["main.cf"] != before["main.cf"], 30)
        usual = time.monotonic() - began
        process.wait()
        after = snapshot(self.config)
        make_old(self.config)
        self.wire("--undo", "--no-reload")
        pauses, seen = random.Random(7), set()
        for _ in range(25):
            make_old(self.config)
            process = self.start_apply()
            time.sleep(pauses.uniform(0, 2 * usual))
            process.kill()
            process.wait()
            now = snapshot(self.config)
            for name in FILES:
                self.assertIn(now[name], (before[name], after[name]))
            seen.add(now["main.cf"] == after["main.cf"])
            make_old(self.config)
            self.wire("--undo", "--no-reload")
            self.assertEqual(snapshot(self.config), before)
            self.assertEqual(list(self.config.glob("*mailwhy*")), [])
        self.assertEqual(seen, {True, False}, "every kill was too early, or too late")

    def test_two_at_once(self):
        """Two at the same time do not get in each other's way: one wires, the other is told to try again, or finds it done."""
        self.make(start=False)
        before = snapshot(self.config)
        both = [self.start_apply() for _ in range(2)]
        statuses = sorted(process.wait(60) for process in both)
        self.assertIn(statuses, ([0, 0], [0, 75]))
        self.assertEqual(self.json()["changes"], [])
        self.wire("--undo")
        self.assertEqual(snapshot(self.config), before)

    def test_postscreen(self):
        """With --postscreen its footer maps are left as smtpd's; without, they become empty again."""
        self.make(start=False)
        self.apply("--postscreen")
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "$smtpd_reject_footer_maps")
        self.apply()
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "")
        self.apply("--postscreen")
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "$smtpd_reject_footer_maps")
        self.wire("--undo")
        self.postconf("-e", "postscreen_reject_footer_maps = ${smtpd_reject_footer_maps}")
        self.apply()
        self.assertEqual(self.value("postscreen_reject_footer_maps"), "")

    def test_link(self):
        """Where main.cf is a symbolic link, what it points to is changed, and the link stays."""
        self.make(start=False)
        real = self.config.parent / "real.cf"
        (self.config / "main.cf").rename(real)
        (self.config / "main.cf").symlink_to(real)
        before = real.read_bytes()
        self.apply()
        self.assertTrue((self.config / "main.cf").is_symlink())
        self.assertNotEqual(real.read_bytes(), before)
        self.wire("--undo")
        self.assertEqual(real.read_bytes(), before)

    def test_instances(self):
        """Other instances are named; each is wired by itself, and a chroot that cannot reach the socket is refused."""
        self.make(start=False)
        second = Postfix(self.rig.sandbox, "second", services={"smtp": {}})
        self.postconf("-e", f"multi_instance_directories = {second.config}")
        self.assertEqual(self.json()["instances"], [str(second.config)])
        self.assertIn(f"mailwhy wire postfix -c {second.config}", self.wire())
        before = snapshot(second.config)
        self.assertIn("chroot", self.wire("--apply", directory=second.config, status=78))
        self.assertEqual(snapshot(second.config), before)
        self.assertIn("outside-chroot", self.faults(directory=second.config))
        fixes = [fault["fix"] for fault in self.json("--check", directory=second.config, status=1)["faults"]]
        self.assertTrue(all(f"mailwhy wire postfix -c {second.config} --config {self.daemon.config} --apply" in fix for fix in fixes), fixes)
        other = self.daemon.home / "second.conf"
        other.write_text(self.daemon.config.read_text().replace(str(self.postfix.queue), str(second.queue)))
        self.apply(directory=second.config, config=other)
        found = self.postconf("-h", "smtpd_reject_footer_maps", directory=second.config)
        self.assertEqual(found, "socketmap:unix:mailwhy/reply:$process_id")
        self.assertEqual(self.value("smtpd_reject_footer_maps"), "", "the first instance is another's")
        self.wire("--undo", directory=second.config, config=other)
        self.assertEqual(snapshot(second.config), before)

    def test_hostile_values(self):
        """What stands in main.cf cannot do anything to a terminal, nor to the shell that the commands are given to."""
        self.make(start=False, settings={"smtpd_milters": f"{OTHER}, unix:a\x1b[31m, unix:it's`id`"})
        shown = self.wire()
        self.assertNotIn("\x1b", shown)
        self.assertIn("\\x1b[31m", shown)
        self.assertIn("it'\\''s`id`", shown)
        self.assertIn("\x1b[31m", [c for c in self.json()["changes"] if c["parameter"] == "smtpd_milters"][0]["value"])


class Refused(WireTest):
    """What cannot be wired is said, and nothing is changed."""

    def stub(self, name, script):
        """A folder with a program of that name, to be put in front of PATH; the environment for it."""
        folder = self.rig.sandbox.directory("stubs")
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return {**os.environ, "MAILWHY_CATALOG": str(TREE / "conf" / "catalog"), "PATH": f"{folder}:{os.environ['PATH']}"}

    def run_with(self, environment, *options):
        return run(BUILD / "mailwhy", "wire", "postfix", "-c", self.config, "--config", self.daemon.config, *options, check=False,
                   env=environment)

    def test_old_postfix(self):
        """Before Postfix 3.4 there is nothing to wire, and that is said."""
        self.make(start=False)
        before = snapshot(self.config)
        for version in ("3.3.22", "2.11.0"):
            done = self.run_with(self.stub("postconf", f"echo {version}"), "--apply")
            self.assertEqual(done.returncode, 69, done.stdout)
            self.assertIn(f"Postfix {version}", done.stdout)
            self.assertIn("3.4", done.stdout)
        self.assertEqual(snapshot(self.config), before)

    def test_no_postfix(self):
        """Without postconf, or without a configuration, that is what is said."""
        self.make(start=False)
        self.assertIn("main.cf", self.wire(directory=self.config / "nowhere", status=66))
        endless = self.run_with(self.stub("postconf", "exec yes 3.7.11"))
        self.assertEqual(endless.returncode, 71, endless.stdout)
        self.assertIn("cannot be run", endless.stdout)

    def test_check_fails(self):
        """Where 'postfix check' finds fault with what was written, both files are put back."""
        self.make(start=False)
        before = snapshot(self.config)
        done = self.run_with(self.stub("postfix", "echo it is broken >&2; exit 1"), "--apply")
        self.assertEqual(done.returncode, 78, done.stdout)
        self.assertIn("it is broken", done.stdout)
        self.assertEqual(snapshot(self.config), before)
        self.assertEqual(list(self.config.glob("mailwhy*")), [])

    def test_edit_fails(self):
        """Where a postconf command fails on the copies, nothing is changed."""
        self.make(start=False)
        before = snapshot(self.config)
        real = shutil.which("postconf")
        done = self.run_with(self.stub("postconf", f'case "$*" in *" -e "*) echo no >&2; exit 1;; esac; exec {real} "$@"'), "--apply")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(snapshot(self.config), before)
        self.assertEqual(list(self.config.glob("mailwhy*")), [])

    def test_not_root(self):
        """Anybody may look at the plan; --apply needs the right to write, and says so."""
        self.make(start=False)
        before = snapshot(self.config)
        program = shutil.copy(BUILD / "mailwhy", self.rig.sandbox / "mailwhy")
        self.daemon.config.chmod(0o644)
        words = (program, "wire", "postfix", "-c", self.config, "--config", self.daemon.config)
        shown = run(*words, check=False, user="nobody", group="nogroup", extra_groups=[])
        self.assertEqual(shown.returncode, 0, shown.stdout)
        self.assertIn("postconf -c", shown.stdout)
        done = run(*words, "--apply", check=False, user="nobody", group="nogroup", extra_groups=[])
        self.assertEqual(done.returncode, 77, done.stdout)
        self.assertEqual(snapshot(self.config), before)

    def test_usage(self):
        """Contradictory or missing words are a usage error."""
        for words in ((), ("exim",), ("postfix", "--apply", "--undo"), ("postfix", "--log", "x"), ("postfix", "-c")):
            done = mailwhy("wire", *words, check=False)
            self.assertEqual(done.returncode, 64, done.stdout)

    def test_no_reply_map(self):
        """With socketmap.listen empty there is nothing to wire."""
        self.make(start=False)
        empty = self.daemon.home / "empty.conf"
        empty.write_text(self.daemon.config.read_text().replace(self.daemon.reply, ""))
        self.assertIn("socketmap.listen", self.wire("--apply", config=empty, status=78))
        self.assertIn("no-map", self.faults(config=empty))


class Checked(WireTest):
    """Each usual fault is found, alone, with what to do; and --apply mends those of the configuration."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.rig = Rig(cls.sandbox, wired=False).start()
        cls.postfix, cls.daemon, cls.config = cls.rig.postfix, cls.rig.daemon, cls.rig.postfix.config
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    def setUp(self):
        self.apply()
        self.assert_whole()

    def check_rows(self, rows):
        """Each command of postconf makes that fault and no other, and --apply mends it."""
        for fault, words in rows.items():
            with self.subTest(fault), self.kept():
                self.postconf(*words)
                self.assertEqual(self.faults(), {fault})
                self.apply()
                self.assert_whole()

    def test_milters(self):
        """Faults of the milters' list."""
        milter, service = self.value("smtpd_milters"), f"127.0.0.1:{self.postfix.ports['submission']}/inet"
        self.check_rows({
            "milter-missing": ("-e", "smtpd_milters ="),
            "milter-behind": ("-e", f"smtpd_milters = {OTHER}, {milter}"),
            "default-action": ("-e", "smtpd_milters = unix:mailwhy/milter"),
            "override": ("-P", f"{service}/smtpd_milters={OTHER}"),
        })

    def test_maps_and_macros(self):
        """Faults of the footer maps and of the macros."""
        maps, queue = self.value("smtpd_reject_footer_maps"), self.postfix.queue
        self.check_rows({
            "map-missing": ("-X", "smtpd_reject_footer_maps"),
            "map-behind": ("-e", f"smtpd_reject_footer_maps = static:call_us, {maps}"),
            "map-name": ("-e", "smtpd_reject_footer_maps = socketmap:unix:mailwhy/reply:mailwhy"),
            "absolute-path": ("-e", f"smtpd_reject_footer_maps = socketmap:unix:{queue}/mailwhy/reply:$process_id"),
            "macro-missing": ("-X", "milter_macro_defaults"),
            "macro-wrong": ("-e", "milter_macro_defaults = pid=7"),
        })

    def test_override_of_footers(self):
        """An override of the footer maps or the macros in master.cf is found, too."""
        service = f"127.0.0.1:{self.postfix.ports['submission']}/inet"
        for parameter in ("smtpd_reject_footer_maps", "milter_macro_defaults"):
            with self.subTest(parameter), self.kept():
                self.postconf("-P", f"{service}/{parameter}=")
                self.assertEqual(self.faults(), {"override"})
                self.apply()
                self.assert_whole()

    def test_by_way_of_a_name(self):
        """A list that gets ours by way of $name is whole."""
        self.enterContext(self.kept())
        self.postconf("-e", "why = socketmap:unix:mailwhy/reply:$process_id", "smtpd_reject_footer_maps = $why static:call_us")
        self.assert_whole()

    def test_postscreen(self):
        """A postscreen that waits for mailwhyd is a fault, unless it was asked for."""
        self.enterContext(self.kept())
        self.postconf("-M", "-e", "127.0.0.1:2525/inet=127.0.0.1:2525 inet n - y - 1 postscreen")
        self.assert_whole()
        self.assertEqual(self.faults("--postscreen"), {"postscreen"})
        self.postconf("-X", "postscreen_reject_footer_maps")
        self.assertEqual(self.faults(), {"postscreen"})
        self.assert_whole("--postscreen")

    def test_no_smtpd(self):
        """A Postfix without smtpd has nothing to explain."""
        self.enterContext(self.kept())
        for port in self.postfix.ports.values():
            self.postconf("-M", "-X", f"127.0.0.1:{port}/inet")
        self.assertIn("no-smtpd", self.faults())

    def test_permissions(self):
        """A socket, or its folder, that user postfix cannot get at is found; with the right group it is well."""
        folder = self.daemon.directory
        sockets = folder / "reply", folder / "milter"
        folder.chmod(0o700)
        self.addCleanup(folder.chmod, 0o755)
        self.assertEqual(self.faults(), {"permission"})
        folder.chmod(0o755)
        for path in sockets:
            path.chmod(0o660)
            self.addCleanup(path.chmod, 0o666)
        self.assertEqual(self.faults(), {"permission"})
        for path in sockets:
            shutil.chown(path, "root", "postfix")
        self.assert_whole()

    def test_nobody_there(self):
        """A mailwhyd that ended, was killed or hangs is found."""
        self.daemon.kill9()
        self.assertEqual(self.faults(), {"not-running"})  # its sockets are still there
        self.daemon.start()
        self.assert_whole()
        self.daemon.process.send(signal.SIGSTOP)
        self.assertEqual(self.faults(), {"no-answer"})
        self.daemon.process.send(signal.SIGCONT)
        wait_for("mailwhyd", self.daemon.answers)
        self.daemon.stop()
        self.assertEqual(self.faults(), {"not-running"})
        self.daemon.start()
        self.assert_whole()


if __name__ == "__main__":
    unittest.main()
