"""The Debian package on a Debian of its own, with stock Postfix and real dpkg and systemd: install, use, upgrade, restart, hang, remove, purge."""

import functools
import itertools
import json
import pathlib
import re
import shutil
import time
import unittest

from load import Load
from machine import Machine, base, lacking
from mailwhyd import BUILD, TREE
from sandbox import Sandbox, run, wait_for
from sasl import REALM, WRONG, Dovecot
from smtp import REFERENCE, Client

WIRING = ["smtpd_milters = unix:mailwhy/milter", "milter_default_action = accept", "milter_macro_defaults = pid=$process_id",
          "smtpd_reject_footer_maps = socketmap:unix:mailwhy/reply:$process_id", "postscreen_reject_footer_maps ="]
CONF = "/etc/mailwhy/mailwhy.conf"
KEY = "/var/lib/mailwhy/privacy.key"
UNITS = ("mailwhyd.service", "mailwhyd.socket")


def version_of(deb, folder, version, edit):
    """The package anew as another version of itself, its files changed by edit(ROOT)."""
    root = folder / f"root-{version}"
    run("dpkg-deb", "-R", deb, root)
    control = root / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    edit(root)
    sums = [run("md5sum", path.relative_to(root), cwd=root).stdout for path in sorted(root.rglob("*"))
            if path.is_file() and "DEBIAN" not in path.parts and "etc" not in path.relative_to(root).parts]
    (root / "DEBIAN" / "md5sums").write_text("".join(sums))
    made = folder / f"mailwhy_{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-b", root, made)
    shutil.rmtree(root)
    return made.name


@functools.cache
def make_debs():
    """The package, and one each before and after it, in one directory: (directory, their names from old to new, what it depends on)."""
    run("make", "deb", cwd=TREE, timeout=110)
    deb, = (TREE / "build" / "deb").glob("mailwhy_*.deb")
    folder = TREE / "build" / "deb" / "tried"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(deb, folder)

    def before(root):
        for name in ("mailwhy/mailwhy.conf", "logrotate.d/mailwhyd"):
            path = root / "etc" / name
            path.write_text("# As it was.\n" + path.read_text())
        (root / "usr/share/mailwhy/catalog/gone.conf").write_text("")

    def after(root):
        path = root / "etc/mailwhy/mailwhy.conf"
        path.write_text(path.read_text() + "\n# What is new.\n")

    names = [version_of(deb, folder, "0.0.1", before), deb.name, version_of(deb, folder, "999", after)]
    control = run("dpkg-deb", "-f", deb, "Depends").stdout
    return folder, names, [part.split()[0] for part in control.split(", ") if "|" not in part]


class Build(unittest.TestCase):
    """What the others need, each within a time of its own."""

    def test_deb(self):
        """make deb makes a package of the version that the programs have."""
        _, (_, deb, _), _ = make_debs()
        self.assertEqual(deb.split("_")[1], run(BUILD / "mailwhyd", "-V").stdout.split()[1])

    def test_machine(self):
        """A Debian with what the package depends on can be made."""
        self.assertTrue((base(make_debs()[2]) / "usr/lib/systemd/systemd").exists())


class MachineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.debs, (cls.old, cls.new, cls.newer), cls.depends = make_debs()

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.machine = Machine(self.sandbox, self.depends, self.debs)

    def install(self, deb):
        return self.machine.text("dpkg", "-i", "--force-confdef", "--force-confold", f"/share/{deb}")

    def wire(self, *settings):
        self.machine.run("postconf", "-e", *WIRING, *settings)
        self.machine.run("postfix", "reload")

    def client(self):
        with self.machine.network():
            return Client(25, "client.test")

    def is_explained(self):
        """Whether a refusal is explained just now."""
        with self.client() as client:
            reply = client.say("FROBNICATE")
            self.assertEqual(reply.code, 500)
            return bool(reply.reason and reply.ref)

    def load(self):
        return Load(25, "nobody-here@localhost", within=self.machine.network)

    def check_load(self, load):
        self.assertEqual(load.faults(), "")
        self.assertGreater(load.sessions() / load.seconds, 40, "too few sessions a second")
        log = self.machine.text("cat", "/var/log/mailwhy/events.jsonl")
        logged = {json.loads(line).get("ref") for line in log.splitlines()}
        self.assertLessEqual(set(load.refs), logged)

    def states(self):
        return self.machine.run("systemctl", "is-active", *UNITS, check=False).stdout.split()

    def main_pid(self):
        return self.machine.text("systemctl", "show", "-P", "MainPID", "mailwhyd.service")


class Package(MachineTest):
    def test_install(self):
        """From dpkg -i to the first explained refusal in less than 10 seconds; the units, files and modes are as they should be."""
        began = time.monotonic()
        self.install(self.new)
        self.wire()
        self.assertTrue(self.is_explained())
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.states(), ["active", "active"])
        self.assertEqual(self.machine.text("systemctl", "is-enabled", *UNITS).split(), ["enabled", "enabled"])
        for path, expected in (("/var/spool/postfix/mailwhy", "mailwhy:postfix 2750"), ("/var/spool/postfix/mailwhy/reply", "mailwhy:postfix 660"),
                               ("/var/spool/postfix/mailwhy/milter", "mailwhy:postfix 660"), ("/var/log/mailwhy", "mailwhy:mailwhy 750"),
                               ("/var/lib/mailwhy", "mailwhy:mailwhy 750"), ("/var/log/mailwhy/events.jsonl", "mailwhy:mailwhy 640"), (CONF, "root:root 644"), ("/usr/sbin/mailwhyd", "root:root 755"),
                               ("/usr/share/mailwhy/catalog/text/en.conf", "root:root 644")):
            self.assertEqual(self.machine.text("stat", "-c", "%U:%G %a", path), expected, path)
        status = self.machine.text("cat", f"/proc/{self.main_pid()}/status")
        self.assertRegex(status, r"\nCapEff:\s+0+\n")
        self.assertRegex(status, r"\nNoNewPrivs:\s+1\n")
        self.assertEqual(self.machine.text("dpkg", "--verify", "mailwhy"), "")
        self.assertIn("535", self.machine.text("mailwhy", "explain", "535 5.7.8 Error: authentication failed"))
        self.check_operation()

    def check_operation(self):
        """Within its hardening: syslog, the sessions, the log's rotation and reload, and a socket of its own beside those of systemd."""
        machine = self.machine
        event = json.loads(machine.text("tail", "-n1", "/var/log/mailwhy/events.jsonl"))
        self.assertEqual((event["client_addr"], event["helo"]), ("127.0.0.1", "client.test"))
        wait_for("the event in the journal", lambda: f"ref={event['ref']}" in machine.text("journalctl", "-t", "mailwhyd"))
        self.assertIn("adm", machine.text("sh", "-c", f"for g in $(sed -n 's/^Groups://p' /proc/{self.main_pid()}/status); do getent group $g; done"))
        self.check_maillog()
        self.check_journal()
        machine.run("logrotate", "-f", "/etc/logrotate.d/mailwhyd")
        self.assertTrue(self.is_explained())
        self.assertEqual(len(machine.text("cat", "/var/log/mailwhy/events.jsonl").splitlines()), 1)
        machine.shell(f"echo 'socketmap {{ listen = \"unix:/var/spool/postfix/mailwhy/other\" }}' >>{CONF}; systemctl restart mailwhyd")
        self.assertEqual(machine.text("stat", "-c", "%U:%G %a", "/var/spool/postfix/mailwhy/other"), "mailwhy:postfix 660")
        self.assertFalse(self.is_explained(), "the socket that is in the configuration no more")
        wait_for("the note on it", lambda: "mailwhyd.socket" in machine.text("journalctl", "-t", "mailwhyd", "-p", "warning"))
        self.wire("smtpd_reject_footer_maps = socketmap:unix:mailwhy/other:$process_id")
        wait_for("a smtpd that knows the other socket", self.is_explained)

    def check_maillog(self):
        """A mail log as rsyslog writes it is followed, though mailwhyd is not root; and the key of privacy is made."""
        failure = "mx sendmail[77]: 5AK1: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): bad, relay=x.test [192.0.2.9]"
        self.machine.shell("install -o root -g adm -m 0640 /dev/null /var/log/mail.log; "
                           f"echo 'maillog {{ follow = \"/var/log/mail.log\" }} privacy {{ user = \"hmac\" key_file = \"{KEY}\" }}' >>{CONF}; "
                           "systemctl restart mailwhyd; sleep 1; "
                           f"echo \"$(date +'%b %e %T') {failure}\" >>/var/log/mail.log")
        wait_for("its event", lambda: "192.0.2.9" in self.machine.text("tail", "-n1", "/var/log/mailwhy/events.jsonl"))
        wait_for("how far it was read", lambda: self.machine.text("ls", "/var/lib/mailwhy").split() == ["maillog", "privacy.key"])
        self.assertEqual(self.machine.text("stat", "-c", "%U:%G %a", KEY), "mailwhy:mailwhy 600")

    def check_journal(self):
        """The journal of the machine is followed in place of that file, over its archiving, the removal of what was read, and kill -9 and a start: in
        the group systemd-journal, or in the unit's own. In none of these it is said what is missing. What a user of the machine logs himself is not taken."""
        machine = self.machine
        machine.shell(f"sed -i 's|^maillog {{ follow.*|maillog {{ follow = \"journal\" }}|' {CONF}")
        self.restart_in_group("")
        wait_for("the complaint", lambda: "permission denied: mailwhyd must run in the group systemd-journal" in machine.text("journalctl", "-t", "mailwhyd"))
        self.assertIn("is of another mail log", machine.text("journalctl", "-t", "mailwhyd"))
        self.restart_in_group("systemd-journal")
        fail = "for pid in $(seq {} {}); do logger -t sm-mta --id=$pid -p mail.warning '5AK1: AUTH failure (LOGIN): x (-13) SASL(-13): bad, relay=x.test [192.0.2.10]'; done"
        machine.shell("setpriv --reuid=2000 --clear-groups logger -t sm-mta -p mail.warning '5AK1: AUTH failure (LOGIN): x (-13) SASL(-13): bad, relay=x.test [192.0.2.10]'")
        wait_for("what a user logs", lambda: "192.0.2.10" in machine.text("journalctl", "-t", "sm-mta", "_UID=2000"))
        own = "rm -r /run/systemd/system/mailwhyd.service.d; systemctl daemon-reload; systemctl reset-failed mailwhyd"
        for number, (before, after) in enumerate((("", "journalctl --rotate"), ("systemctl kill --kill-who=main -s KILL mailwhyd.service", "journalctl --rotate"),
                                                  (f"systemctl stop mailwhyd; {own}; journalctl --rotate --vacuum-size=1", "systemctl start mailwhyd"))):
            first = 40 * number + 1
            machine.shell(f"{before}\n{fail.format(first, first + 19)}\n{after}\n{fail.format(first + 20, first + 39)}")
            wait_for("the events", lambda last=first + 39: last in self.pids_of("192.0.2.10"), 20)
        time.sleep(0.5)
        self.assertEqual(self.pids_of("192.0.2.10"), [*range(1, 121)])
        machine.run("systemctl", "reset-failed", "mailwhyd")
        self.check_user()

    def check_user(self):
        """Of a failed sign-in with Postfix the journal has the user's name."""
        dovecot = Dovecot(self.sandbox, self.sandbox.directory("dovecot"), port=12345, within=["nsenter", f"--target={self.machine.leader}", "--net"])
        self.wire("smtpd_sasl_auth_enable = yes", *(f"{name} = {value}" for name, value in dovecot.settings().items()))

        def failure():
            with self.client() as client:
                reply = client.auth_plain(f"otto@{REALM}", WRONG)
                return reply if reply.code == 535 else None

        reply = wait_for("a smtpd that offers AUTH", failure)
        first, named = wait_for("the two events", lambda: self.events()[-2:] if self.events()[-2].get("ref") == reply.ref else None)
        self.assertEqual((first["via"], first.get("sasl_user")), ("socketmap", None))
        self.assertEqual((named["via"], named["sasl_user"], named.get("ref"), named["pid"]), ("maillog", f"otto@{REALM}", None, first["pid"]))

    def restart_in_group(self, group):
        self.machine.shell("mkdir -p /run/systemd/system/mailwhyd.service.d; "
                           f"printf '[Service]\nSupplementaryGroups=\nSupplementaryGroups={group}\n' >/run/systemd/system/mailwhyd.service.d/group.conf; "
                           "systemctl daemon-reload; systemctl reset-failed mailwhyd; systemctl restart mailwhyd")

    def pids_of(self, client):
        """The processes of its events, in their order."""
        return [event["pid"] for event in self.events() if event.get("client_addr") == client]

    def events(self):
        return [json.loads(line) for line in self.machine.text("cat", "/var/log/mailwhy/events.jsonl").splitlines()]

    def test_upgrade(self):
        """An upgrade under load refuses no client and leaves no refusal unexplained, and a session that is open stays known; a changed configuration
        stays, an unchanged one is replaced."""
        self.install(self.old)
        self.machine.shell(f"echo 'explain {{ contact = \"postmaster@example.com\" }}' >>{CONF}")
        self.wire("smtpd_client_connection_count_limit = 0")
        with self.client() as client, self.load() as load:
            client.say("FROBNICATE")
            time.sleep(1)
            self.install(self.new)
            time.sleep(1)
            self.machine.run("dpkg", "-i", "--force-confdef", "--force-confold", f"/share/{self.newer}")
            time.sleep(1)
            ref = client.say("FROBNICATE").ref
        self.check_load(load)
        event = json.loads(self.machine.text("grep", ref, "/var/log/mailwhy/events.jsonl"))
        self.assertEqual((event.get("client_addr"), event.get("helo"), event.get("attempt")), ("127.0.0.1", "client.test", 2))
        self.assertEqual(self.states(), ["active", "active"])
        self.assertEqual(self.machine.text("readlink", f"/proc/{self.main_pid()}/exe"), "/usr/sbin/mailwhyd", "the new program runs")
        conf = self.machine.text("cat", CONF)
        self.assertIn("postmaster@example.com", conf)
        self.assertIn("# As it was.", conf)
        self.assertTrue(self.machine.text("cat", f"{CONF}.dpkg-dist").endswith("# What is new."))
        self.assertNotIn("# As it was.", self.machine.text("cat", "/etc/logrotate.d/mailwhyd"))
        self.assertEqual(self.machine.run("ls", "/usr/share/mailwhy/catalog/gone.conf", check=False).returncode, 2)
        with self.client() as client:
            self.assertIn("postmaster@example.com", str(client.say("FROBNICATE")))

    FILES = "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /share -o -path /var/lib/dpkg " \
            "-o -path /var/log/journal -o -path /var/lib/postfix -o -path /var/lib/systemd \\) -prune -o -print | sort"

    def test_remove_and_purge(self):
        """Removed, it leaves its configuration and its log; purged, nothing. Postfix's replies are plain at once, and mail flows. What 'wire'
        did is undone to the byte, in each instance of Postfix, and what was wired by hand taken out."""
        before = self.machine.shell(self.FILES).splitlines()
        self.install(self.new)
        settings = self.machine.shell("cat /etc/postfix/*.cf")
        self.machine.run("mailwhy", "wire", "postfix", "--apply")
        self.assertTrue(self.is_explained())
        self.machine.run("dpkg", "-r", "mailwhy")
        self.assertEqual(self.machine.shell("cat /etc/postfix/*.cf"), settings)
        self.check_second_instance()
        self.install(self.new)
        self.wire()
        self.machine.shell("touch /var/spool/postfix/mailwhy/other")
        wait_for("an explained refusal", self.is_explained)
        self.machine.run("dpkg", "-r", "mailwhy")
        self.assertNotIn("mailwhy", self.machine.text("postconf", "-n"))
        began = time.monotonic()
        self.assertFalse(self.is_explained())
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.states(), ["inactive", "inactive"])
        self.machine.run("ls", CONF, "/var/log/mailwhy/events.jsonl")
        self.machine.run("dpkg", "--purge", "mailwhy")
        left = set(self.machine.shell(self.FILES).splitlines()) - set(before)
        allowed = {"/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/.pwd.lock", "/var/log/dpkg.log"}
        self.assertEqual({path for path in left if not path.startswith("/var/spool/postfix/") or "mailwhy" in path} - allowed, set())
        self.assertEqual(self.machine.run("systemctl", "--failed", "--quiet").stdout.strip(), "")

    def check_second_instance(self):
        """Wired with a configuration of its own, which the removal of the package is not told of."""
        self.install(self.new)
        self.machine.shell("postmulti -e init; postmulti -I postfix-out -e create")
        settings = self.machine.shell("cat /etc/postfix-out/*.cf")
        self.machine.shell('echo \'socketmap { listen = "inet:9806@127.0.0.1" } milter { listen = "inet:9805@127.0.0.1" }\' >/tmp/out.conf; '
                           "mailwhy wire postfix -c /etc/postfix-out --config /tmp/out.conf --apply")
        self.assertIn("inet:127.0.0.1:9805", self.machine.text("postconf", "-c", "/etc/postfix-out", "-h", "smtpd_milters"))
        self.machine.run("dpkg", "-r", "mailwhy")
        self.assertEqual(self.machine.shell("cat /etc/postfix-out/*.cf"), settings)
        self.machine.shell("postconf -X multi_instance_directories multi_instance_wrapper multi_instance_enable; rm -rf /etc/postfix-out /var/*/postfix-out /tmp/out.conf")


# What a site that has users sign in does to Debian's own files: the submission service as master.cf has it, and Dovecot's socket for it.
SIGN_IN = r"""
sed -i '/^#submission inet/,/ORIGINATING$/ s/^#\(submission inet\|  -o\)/\1/' /etc/postfix/master.cf
sed -i '/# Postfix smtp-auth/,/#}/ { s/#unix_listener/unix_listener/; s/#  mode = 0666/  mode = 0660\n    user = postfix\n    group = postfix/; s/#}/}/ }' \
    /etc/dovecot/conf.d/10-master.conf
postconf -e smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth
useradd alice && echo 'alice:correct horse' | chpasswd
systemctl reload postfix
systemctl restart dovecot
"""


# Sendmail in place of Postfix, as its packages leave it.
SENDMAIL = """
systemctl stop postfix@-
dpkg --purge postfix
hostname mx
echo '127.0.0.1 localhost\n127.0.1.1 mx.example.test mx' >/etc/hosts
dpkg -i /share/sendmail/*.deb
"""


class Wired(MachineTest):
    """From a mail server that works to one that explains in two commands, and back in one. The machine has the libraries that the package
    names in Depends, as it has where "apt install ./mailwhy.deb" was used; nothing else is done for mailwhy."""

    addresses = itertools.count(2)

    def two_commands(self, mta, refused, files):
        """The first explained refusal. refused(): what the server answers to something that it refuses; files: a script that shows what it is set to.
        Afterwards it is as before: by --undo, and once more by the package's removal."""
        machine, before = self.machine, self.machine.shell(files)
        began = time.monotonic()
        machine.run("dpkg", "-i", f"/share/{self.new}")
        installed = time.monotonic()
        machine.run("mailwhy", "wire", mta, "--apply")
        wired = time.monotonic()
        reply = refused()
        ref = REFERENCE.search(str(reply))
        found = machine.text("mailwhy", "ref", ref.group(1) if ref else str(reply))
        seconds = time.monotonic() - began
        print(f"       {mta}: dpkg -i {installed - began:.1f} s, wire {wired - installed:.1f} s, with the refusal {seconds:.1f} s", flush=True)

        self.assertLess(seconds, 10)
        for label in ("Reason: ", "Fix: "):
            self.assertIn(label, str(reply))
        self.assertIn("client.test", found)
        self.assertIn("whole", machine.text("mailwhy", "wire", mta, "--check"))
        machine.run("mailwhy", "wire", mta, "--undo")
        self.assertEqual(machine.shell(files), before)
        machine.run("mailwhy", "wire", mta, "--apply")
        self.assertNotEqual(machine.shell(files), before)
        machine.run("dpkg", "-r", "mailwhy")
        self.assertEqual(machine.shell(files), before)
        again = refused()
        self.assertEqual((again.code, "Ref: " in str(again)), (reply.code, False))
        return reply

    def sign_in(self, password):
        """The answer to it, from an address of its own: Dovecot lets one wait that has failed before."""
        with self.machine.network():
            client = Client(587, source=f"127.0.0.{next(self.addresses)}")
        with client:
            client.hello("client.test")
            client.starttls("client.test")
            return client.auth_plain("alice", password)

    def test_postfix_and_dovecot(self):
        """Stock Postfix, in its chroot, with Dovecot: from dpkg -i to the first explained 535, which ref finds, in less than 10 seconds."""
        self.machine.shell(SIGN_IN)
        self.assertEqual(self.sign_in("correct horse").code, 235)
        reply = self.two_commands("postfix", lambda: self.sign_in("wrong"),
                                  "cd /etc/postfix; stat -c '%n %a %U:%G' main.cf master.cf; cat main.cf master.cf; ls")
        self.assertEqual(reply.original, "535 5.7.8 Error: authentication failed: (reason unavailable)")
        self.assertEqual(self.sign_in("correct horse").code, 235)

    def strange_sender(self):
        with self.machine.network():
            client = Client(25, source="127.0.0.9")
        with client:
            client.hello("client.test")
            return client.play("MAIL FROM:<sender@b.test>", "RCPT TO:<someone@elsewhere.test>")

    def test_sendmail(self):
        """Stock Sendmail: from dpkg -i to the first explained refusal, which ref finds, in less than 10 seconds."""
        folder = self.debs / "sendmail"
        folder.mkdir(exist_ok=True)
        for file in lacking(base(self.depends), "sendmail-bin"):
            shutil.copy(file, folder)
        self.machine.shell(SENDMAIL)
        wait_for("Sendmail", lambda: self.strange_sender().code == 451, 30)
        reply = self.two_commands("sendmail", self.strange_sender,
                                  "cd /etc/mail; stat -c '%n %a %U:%G' sendmail.mc sendmail.cf; cat sendmail.mc; grep -v '^#' sendmail.cf; ls")
        self.assertTrue(str(reply).startswith("451 4.1.8 Domain of sender address sender@b.test does not resolve; Reason: "), reply)


class Service(MachineTest):
    def setUp(self):
        super().setUp()
        self.install(self.new)
        self.wire("smtpd_client_connection_count_limit = 0")

    def test_restart_under_load(self):
        """Restarts, a reload and a kill -9 under 50 sessions a second: no client sees a failed connection or an unexplained reply."""
        with self.load() as load:
            for command in ("restart", "reload", "restart", "kill --signal=KILL"):
                time.sleep(1.5)
                self.machine.run("systemctl", *command.split(), "mailwhyd.service")
            time.sleep(1.5)
        self.check_load(load)

    def test_hung(self):
        """A daemon that hangs (SIGSTOP) is replaced in less than 20 seconds; who waited for it meanwhile gets an explained reply."""
        self.assertTrue(self.is_explained())
        stopped = self.main_pid()
        began = time.monotonic()
        self.machine.run("systemctl", "kill", "--signal=STOP", "mailwhyd.service")
        self.assertTrue(self.is_explained(), "the reply that waited")
        self.assertLess(time.monotonic() - began, 20)
        self.assertNotEqual(self.main_pid(), stopped)
        self.assertEqual(self.states(), ["active", "active"])

    def test_cannot_start(self):
        """One that cannot start leaves nobody waiting at its sockets, and is back with them when its fault is mended."""
        self.machine.shell(f"cp {CONF} /tmp/good; echo nonsense >>{CONF}; systemctl reload mailwhyd || :")
        self.assertEqual(self.states(), ["active", "active"])
        self.assertTrue(self.is_explained(), "a reload with a fault leaves the daemon as it was")
        self.machine.run("systemctl", "restart", "mailwhyd", check=False)
        wait_for("the end of the attempts", lambda: self.states() == ["failed", "failed"], 10)
        began = time.monotonic()
        self.assertFalse(self.is_explained())
        self.assertLess(time.monotonic() - began, 5)
        self.machine.shell(f"cp /tmp/good {CONF}; systemctl reset-failed mailwhyd; systemctl restart mailwhyd")
        self.assertTrue(self.is_explained())
        self.assertEqual(self.states(), ["active", "active"])


class Tools(unittest.TestCase):
    """What the tools that know packages and units say."""

    def test_lintian(self):
        """lintian finds no fault in the package: no error, and no warning."""
        folder, _, _ = make_debs()
        said = run("lintian", "--allow-root", "--fail-on=error,warning", *folder.parent.glob("*.changes"), timeout=100, check=False)
        self.assertEqual((said.returncode, said.stdout), (0, ""))

    def test_units(self):
        """systemd-analyze finds no fault in the units, and rates the service's exposure 1.5 or better."""
        sandbox = self.enterContext(Sandbox())
        root = sandbox.directory("root")
        run("make", "install", f"DESTDIR={root}", "BUILD=build/installed", cwd=TREE, timeout=110)
        for program in ("bin/sh", "usr/sbin/mailwhyd"):
            pathlib.Path(root / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/sh", root / "bin/sh")
        shutil.copytree("/lib/systemd/system", root / "lib/systemd/system", symlinks=True)
        for unit in (TREE / "systemd").glob("mailwhyd.*"):
            shutil.copy(unit, root / "lib/systemd/system")
        said = run("systemd-analyze", "verify", f"--root={root}", "--man=no", *UNITS, check=False)
        self.assertEqual((said.returncode, [line for line in said.stdout.splitlines() if "mailwhy" in line]), (0, []), said.stdout)
        unit = dict(re.findall(r"^(\w+)=([\d.]+)(?:ms)?$", (TREE / "systemd/mailwhyd.service").read_text(), re.M))
        slowest = 2 * float(unit["TimeoutStartSec"]) + float(unit["RestartSec"]) / 1000
        self.assertGreater(float(unit["StartLimitIntervalSec"]), float(unit["StartLimitBurst"]) * slowest, "however slowly it fails to start, it is tried no more then")
        rated = run("systemd-analyze", "security", "--offline=true", "--threshold=15", TREE / "systemd" / "mailwhyd.service", check=False)
        self.assertEqual(rated.returncode, 0, rated.stdout)
        self.assertLessEqual(float(re.search(r"exposure level for mailwhyd.service: ([\d.]+)", rated.stdout).group(1)), 1.5)


if __name__ == "__main__":
    unittest.main()
