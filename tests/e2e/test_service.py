"""mailwhyd as a service: what it tells systemd, whom it becomes, what it answers to a wrong start."""

import os
import pwd
import resource
import signal
import socket
import stat
import time
import unittest

from mailwhyd import BUILD, TREE, Mailwhyd
from sandbox import Sandbox, run, wait_for

WATCHDOG_S = 1.5


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.sandbox = Sandbox()
        self.addCleanup(self.sandbox.close)

    def daemon(self, **options):
        daemon = Mailwhyd(self.sandbox, "sockets", **options)
        self.addCleanup(daemon.check_sanitizers)
        return daemon


class Systemd(ServiceTest):
    """A mailwhyd that a service manager watches."""

    def setUp(self):
        super().setUp()
        path = self.sandbox / "notify"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(path))
        self.told = []
        self.service = self.daemon()
        environment = {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        self.service.process = self.sandbox.spawn([BUILD / "mailwhyd", "-c", self.service.config], self.service.output, env=environment)
        self.assertTrue(self.hears("READY=1", 20))

    def hears(self, what, seconds):
        """True when the manager is told so within the time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.manager.settimeout(left)
            try:
                message = self.manager.recv(4096).decode()
            except TimeoutError:
                break
            self.told += message.split("\n")
            if any(line.startswith(what) for line in message.split("\n")):
                return True
        return False

    def forget(self):
        """Pass over what was told already."""
        while self.hears("WATCHDOG=1", 0.01):
            pass

    def test_ready_when_it_answers(self):
        """READY=1 comes when the reply map answers, not before."""
        self.assertIn("OK", f"OK {self.service.status()}")
        self.assertTrue(self.service.status().endswith("events_failed=0"))

    def test_alive(self):
        """WATCHDOG=1 comes several times in each interval."""
        began = time.monotonic()
        for _ in range(4):
            self.assertTrue(self.hears("WATCHDOG=1", WATCHDOG_S))
        self.assertLess(time.monotonic() - began, 4 * WATCHDOG_S * 0.7)

    def test_hung(self):
        """A daemon that hangs says nothing, and so is replaced."""
        self.service.process.send(signal.SIGSTOP)
        self.forget()
        self.assertFalse(self.hears("WATCHDOG=1", 2 * WATCHDOG_S))
        self.service.process.send(signal.SIGCONT)
        self.assertTrue(self.hears("WATCHDOG=1", 2 * WATCHDOG_S))

    def test_deaf(self):
        """A daemon that lives, but whose reply map cannot take a connection, does not say that it is alive."""
        pid = self.service.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
        time.sleep(WATCHDOG_S)
        self.forget()
        self.assertFalse(self.hears("WATCHDOG=1", 2 * WATCHDOG_S))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self.assertTrue(self.hears("WATCHDOG=1", 2 * WATCHDOG_S))

    def test_reload_and_end(self):
        """SIGHUP is told as a reload, SIGTERM as the end, which comes with status 0 and without the sockets."""
        self.service.hup()
        self.assertTrue(self.hears("RELOADING=1", 5))
        self.assertTrue(self.hears("READY=1", 5))
        self.assertEqual(self.service.stop(), 0)
        self.assertTrue(self.hears("STOPPING=1", 5))
        self.assertEqual(os.listdir(self.service.directory), [])


class User(ServiceTest):
    def test_becomes_the_user(self):
        """Started as root it becomes the user for good, with the sockets' owner and mode as configured, and can write its log anew."""
        nobody = pwd.getpwnam("nobody")
        daemon = self.daemon(user="nobody", more='socket_mode = "0640"').start()
        with open(f"/proc/{daemon.process.pid}/status") as status:
            ids = {line.split()[0]: line.split()[1:] for line in status if line.startswith(("Uid:", "Gid:", "NoNewPrivs:"))}
        self.assertEqual(ids["Uid:"], [str(nobody.pw_uid)] * 4)
        self.assertEqual(ids["Gid:"], [str(nobody.pw_gid)] * 4)
        self.assertEqual(ids["NoNewPrivs:"], ["1"])
        made = os.stat(daemon.directory / "reply")
        self.assertEqual((made.st_uid, stat.S_IMODE(made.st_mode)), (nobody.pw_uid, 0o640))
        self.assertEqual(os.stat(daemon.log).st_uid, nobody.pw_uid)
        daemon.log.rename(daemon.log.with_suffix(".old"))
        daemon.hup()
        wait_for("the new log", daemon.log.exists)
        self.assertEqual(daemon.stop(), 0)

    def test_unknown_user_and_group(self):
        """A user or group that does not exist is said with the key that names it."""
        for more, user, fault in (("", "no-such-user", 'user = "no-such-user"'), ('socket_group = "no-such-group"', "", 'socket_group = "no-such-group"')):
            config = Mailwhyd(self.sandbox, f"sockets-{user}", user="", more=more).config
            config.write_text(config.read_text().replace('user = ""', f'user = "{user}"'))
            ended = run(BUILD / "mailwhyd", "-c", config, check=False, timeout=20)
            self.assertEqual(ended.returncode, 69, ended.stdout)
            self.assertIn(fault, ended.stdout)


class Streams(ServiceTest):
    def launch(self, daemon, script):
        """Start it by a shell that does something to its standard streams first."""
        daemon.process = self.sandbox.spawn(["sh", "-c", f"exec {script}", "sh", BUILD / "mailwhyd", "-c", daemon.config], daemon.output)
        wait_for("mailwhyd", daemon.answers, 20)

    def test_closed(self):
        """With its standard streams closed, none of its files takes their place: a note does not land in the log."""
        daemon = self.daemon()
        self.launch(daemon, '"$@" <&- >&- 2>&-')
        daemon.hup()
        with daemon.connect() as reply_map:
            self.assertEqual(reply_map.request("1", "500 5.5.2 Error: command not recognized")[0], "OK")
        self.assertEqual(len(daemon.events()), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_stuck(self):
        """A reader of stderr that reads no more holds up nobody."""
        daemon = self.daemon()
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        os.set_inheritable(theirs, True)
        daemon.process = self.sandbox.spawn(["sh", "-c", f"exec \"$@\" 2>&{theirs}", "sh", BUILD / "mailwhyd", "-c", daemon.config], daemon.output,
                                            close_fds=False)
        wait_for("mailwhyd", daemon.answers, 20)
        os.set_blocking(theirs, False)
        try:
            while os.write(theirs, b"x" * 4096):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(theirs, True)
        os.close(theirs)
        for _ in range(5):
            daemon.hup()
            with daemon.connect(2) as reply_map:
                self.assertEqual(reply_map.request("1", "500 5.5.2 Error: command not recognized")[0], "OK")
            time.sleep(0.1)
        self.assertEqual(daemon.process.stop(), 0)


class Syslog(ServiceTest):
    """A mailwhyd whose /dev/log is a socket of the test's, in a mount namespace of its own."""

    def setUp(self):
        super().setUp()
        self.service = self.daemon()
        self.logger = self.service.own_syslog()
        self.service.start()

    def heard(self, what):
        """The first line that syslog gets with this in it."""
        while what not in (line := self.logger.recv(8192).decode("ascii")):
            pass
        return line

    def refuse(self, reply):
        with self.service.connect() as reply_map:
            self.assertEqual(reply_map.request("77", reply)[0], "OK")

    def test_event(self):
        """An event is one line of facility mail, key=value, with nothing of the client's unescaped."""
        self.refuse('550 5.1.1 <a"b\x1b\r\n\xff@x>: Recipient address rejected: User unknown in local recipient table')
        line = self.heard("ref=")
        event = self.service.events()[0]
        self.assertRegex(line, rf"^<22>.* mailwhyd\[{self.service.process.pid}\]: ts={event['ts']} ref={event['ref']} ")
        self.assertIn(r'reply="550 5.1.1 <a\x22b\x1b\x0d\x0a\xc3\xbf@x>: Recipient', line)

    def test_stuck(self):
        """A logger that reads no more holds up no reply and no end."""
        began = time.monotonic()
        with self.service.connect(5) as reply_map:
            for _ in range(3000):
                self.assertEqual(reply_map.request("77", "500 5.5.2 Error: command not recognized")[0], "OK")
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(self.service.process.stop(), 0)
        self.assertEqual(len(self.service.events()), 3000)


class Start(ServiceTest):
    def test_faults_of_the_configuration(self):
        """-t and a start say each fault as FILE:LINE and end with 78."""
        config = self.sandbox / "wrong.conf"
        config.write_text('user = ""\nsocket_mode = "rw"\nexplain {\n    style = "loud"\n}\nlisten = "x"\n')
        for arguments in (("-t",), ()):
            ended = run(BUILD / "mailwhyd", "-c", config, *arguments, check=False, timeout=20)
            self.assertEqual(ended.returncode, 78)
            for fault in (f"{config}:2: socket_mode", f"{config}:4: style", f"{config}:6: no such option 'listen'"):
                self.assertIn(fault, ended.stdout)

    def test_names_that_are_not_there(self):
        """What the configuration names and the catalogue lacks is a fault, and so is one endpoint for two."""
        config = self.sandbox / "names.conf"
        for text, fault in (('explain { language = "xx" }', 'no language "xx"'), ('explain { skip = {"no-such-reason"} }', '"no-such-reason" is neither'),
                            ('explain { skip = {"auth-account-disabled"} }', 'as "auth-bad-credentials"'),
                            ('socketmap { listen = "unix:/x/y" }\nmilter { listen = "unix:/x/y" }', "each needs its own")):
            config.write_text(text + "\n")
            ended = run(BUILD / "mailwhyd", "-t", "-c", config, check=False, timeout=20, env={**os.environ, "MAILWHY_CATALOG": str(TREE / "conf/catalog")})
            self.assertEqual(ended.returncode, 78, ended.stdout)
            self.assertIn(fault, ended.stdout)

    def test_good(self):
        """-t of a good configuration says nothing and ends with 0."""
        ended = run(BUILD / "mailwhyd", "-t", "-c", self.daemon().config, timeout=20)
        self.assertEqual((ended.returncode, ended.stdout), (0, ""))

    def test_usage(self):
        """A wrong option or argument ends with 64."""
        for arguments in (("--nonsense",), ("extra",), ("-c",)):
            self.assertEqual(run(BUILD / "mailwhyd", *arguments, check=False, timeout=20).returncode, 64)
        self.assertTrue(run(BUILD / "mailwhyd", "-V", timeout=20).stdout.startswith("mailwhyd "))


if __name__ == "__main__":
    unittest.main()
