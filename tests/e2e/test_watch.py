"""`mailwhy watch`: events as they come, from our event log and from mail logs, over rotations, in a pipe and on a terminal."""

import fcntl
import gzip
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from mailwhyd import BUILD, SANITIZER
from rig import RigTest
from sandbox import run, wait_for
from test_explain import LOOK, UNSAFE, Tool, environment, width
from test_review import ago, event, reject

PLAIN = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)  (\d{3}|-  )  (\S+) *  ?(.*)$")


class Watcher:
    """A `mailwhy watch` that runs: what it has said so far as `text`. columns: on a terminal of so many, else in a pipe."""

    def __init__(self, *args, columns=None, given=None, stdout=None, **changes):
        if columns:
            self.out, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            attributes = termios.tcgetattr(theirs)
            attributes[1] &= ~termios.OPOST
            termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        else:
            self.out, theirs = os.pipe()
        self.theirs = theirs if columns else None
        self.process = subprocess.Popen([str(BUILD / "mailwhy"), "watch", *map(str, args)], stdin=given or subprocess.DEVNULL, stdout=stdout or theirs,
                                        stderr=subprocess.PIPE, env=environment(**changes))
        if not columns:
            os.close(theirs)
        self.octets, self.err = b"", ""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        while True:
            if not select.select([self.out], [], [], 0.1)[0]:
                if self.process.poll() is not None:
                    return
                continue
            try:
                data = os.read(self.out, 65536)
            except OSError:
                data = b""
            if not data:
                return
            self.octets += data

    @property
    def text(self):
        return self.octets.decode("utf-8", "replace")

    @property
    def lines(self):
        return self.text.splitlines()

    def wait(self, count, timeout=20):
        """Its lines, once there are so many."""
        wait_for(f"{count} lines", lambda: len(self.lines) >= count and self.octets.endswith(b"\n"), timeout)
        return self.lines

    def end(self, signum=signal.SIGINT):
        """Its exit status after that signal (None: none)."""
        if signum:
            self.process.send_signal(signum)
        self.err = self.process.communicate(timeout=20)[1].decode()
        self.reader.join(20)
        os.close(self.out)
        if self.theirs:
            os.close(self.theirs)
        if SANITIZER.search(self.err):
            raise AssertionError(self.err)
        return self.process.returncode


class WatchTest(Tool):
    def setUp(self):
        super().setUp()
        self.home = self.folder()
        self.log = self.home / "events.jsonl"

    def watch(self, *args, **kwargs):
        watcher = Watcher(*args, **kwargs)
        self.addCleanup(lambda: watcher.process.poll() is None and watcher.process.kill())
        return watcher

    def add(self, *lines, log=None):
        with open(log or self.log, "a", encoding="utf-8") as file:
            file.write("".join(lines))

    def ended(self, watcher, lines, signum=signal.SIGINT):
        """It ends well, and has said nothing but these many lines. They."""
        self.assertEqual(watcher.end(signum), 0, watcher.err)
        self.assertEqual(len(watcher.lines), lines, watcher.text)
        return watcher.lines

    def users(self, watcher):
        return re.findall(r"user=(\S+)", LOOK.sub("", watcher.text))


class Lines(WatchTest):
    """What is shown of a log that the test writes."""

    def test_compressed(self):
        """A compressed file is not watched, and that is said."""
        for name, octets in (("log.gz", gzip.compress(event().encode())), ("log.zst", b"\x28\xb5\x2f\xfd" + bytes(9)), ("log.xz", b"\xfd7zXZ\0" + bytes(9))):
            with self.subTest(name):
                log = self.home / name
                log.write_bytes(octets)
                for args in ((log,), ("--since=1h", log)):
                    watcher = self.watch(*args)
                    self.assertEqual(watcher.end(None), 66)
                    self.assertEqual((watcher.text, watcher.err.partition(";")[0].rstrip(".\n")),
                                     ("", f"mailwhy watch: {log} is compressed: it does not grow, and can't be watched"))
                    self.assertEqual("'mailwhy review' reads it" in watcher.err, name != "log.xz")
                with open(log, "rb") as given:
                    watcher = self.watch("-", given=given)
                    self.assertEqual(watcher.end(None), 66)
                self.assertIn("standard input is compressed", watcher.err)

    def test_user_of_a_failure(self):
        """The event that names the user of a failure has its reason, and no code, which the line before it has; with --user it stands for the failure."""
        keys = {"stage": "auth", "reply": None}
        self.add(event(ref="3ARFP-ZNZ01", code=535, enhanced="5.7.8", reason="auth-bad-credentials", **keys),
                 event(code=None, enhanced=None, reason=None, via="maillog", sasl_user="anna", of="3ARFP-ZNZ01", of_code=535, of_reason="auth-bad-credentials", **keys))
        watcher = self.watch(self.log)
        lines = watcher.wait(2)
        self.ended(watcher, 2)
        self.assertEqual([PLAIN.match(line).groups()[1:] for line in lines],
                         [("535", "auth-bad-credentials", "192.0.2.7"), ("-  ", "auth-bad-credentials", "192.0.2.7 user=anna")])
        for args in (("--user=anna",), ("--user=anna", "--code=535"), ("--user=anna", "--reason=auth-*")):
            watcher = self.watch("--explain", *args, self.log)
            wait_for("the line and its explanation", lambda watcher=watcher: "3ARFP-ZNZ01" in watcher.text, 20)
            self.assertEqual(watcher.end(), 0)
            self.assertEqual(PLAIN.match(watcher.lines[0]).groups()[1:], ("535", "auth-bad-credentials", "192.0.2.7 user=anna"))

    def test_line(self):
        """An event is a line with time, code, reason and who; each comes at once, plain, where the output is a pipe."""
        self.add(event(ts="2026-11-20T22:26:00.000001Z", sender="b@x.test", recipient="a@there.test", reason="relay-denied", code=554))
        watcher = self.watch(self.log, TZ="Europe/Berlin")
        first, = watcher.wait(1)
        self.assertEqual(PLAIN.match(first).groups(), ("2026-11-20 23:26:00", "554", "relay-denied", "192.0.2.7 from=b@x.test to=a@there.test"))
        for number in range(5):
            self.add(event(sasl_user=f"user-{number}"))
            self.assertIn(f"user=user-{number}", watcher.wait(number + 2)[-1])
        self.add(event(reason=None, reply=None, code=235, stage="auth"), event(reason=None, reply=None, code=None, stage="auth"))
        signed_in, named = watcher.wait(8)[-2:]
        self.assertEqual(PLAIN.match(signed_in).groups()[1:3], ("235", "(auth)"))
        self.assertEqual(PLAIN.match(named).groups()[1:3], ("-  ", "(auth)"))
        self.ended(watcher, 8)

    def test_first_shown(self):
        """First the last ten events that fit, however far back they stand; with --since those from then on, of rotated logs too."""
        self.add(*(event(sasl_user=f"early-{i}", code=535) for i in range(12)), *(event(code=500) for _ in range(3000)))
        self.assertEqual(len(self.ended_after(self.watch(self.log), 10)), 10)
        watcher = self.watch("--code=535", self.log)
        watcher.wait(10)
        self.ended(watcher, 10)
        self.assertEqual(self.users(watcher), [f"early-{i}" for i in range(2, 12)])
        self.log.rename(f"{self.log}.1")
        self.add(event(ago(hours=30), sasl_user="old", code=535), event(sasl_user="new", code=535))
        watcher = self.watch("--since=1d", "--code=535", self.log)
        watcher.wait(13)
        self.add(event(sasl_user="newest", code=535))
        watcher.wait(14)
        self.ended(watcher, 14)
        self.assertEqual(self.users(watcher), [*(f"early-{i}" for i in range(12)), "new", "newest"])

    def ended_after(self, watcher, count):
        watcher.wait(count)
        return self.ended(watcher, count)

    def test_filters(self):
        """The options of review choose what is shown, of what was there and of what comes."""
        cases = (("--user=anna", {"sasl_user": "anna"}, {"sasl_user": "joe"}), ("--client=192.0.2.0/24", {"client_addr": "192.0.2.99"}, {"client_addr": "198.51.100.1"}),
                 ("--sender=*@x.test", {"sender": "b@x.test"}, {"sender": "b@y.test"}), ("--recipient=a@*", {"recipient": "a@z.test"}, {"recipient": "b@z.test"}),
                 ("--code=5.7.*", {"enhanced": "5.7.9"}, {"enhanced": "5.5.1"}), ("--reason=grey*", {"reason": "greylisted"}, {"reason": "relay-denied"}))
        for option, fits, other in cases:
            with self.subTest(option):
                self.log.write_text(event(**fits) + event(**other))
                watcher = self.watch(option, self.log)
                watcher.wait(1)
                self.add(event(**other), event(**fits))
                watcher.wait(2)
                self.ended(watcher, 2)

    def test_until(self):
        """With --until it ends by itself when that time has come."""
        self.add(event(ago(hours=3)), event(ago(hours=1)))
        watcher = self.watch("--since=4h", "--until=2h", self.log)
        self.assertEqual(len(self.ended(watcher, 1, None)), 1)

    def test_explain(self):
        """--explain adds reason, fix and reference under each refusal, in the language."""
        self.add(event(ref="6Q2F8-KXD3M"))
        for language, words in (("en", ("  Reason: ", "  Fix: ")), ("de", ("  Grund: ", "  Abhilfe: "))):
            with self.subTest(language):
                watcher = self.watch("--explain", f"--lang={language}", self.log)
                watcher.wait(4)
                watcher.end()
                for word in (*words, "  Ref: "):
                    self.assertTrue(any(line.startswith(word) for line in watcher.lines), watcher.text)
                self.assertLessEqual(max(map(width, watcher.lines)), 100)

    def test_json(self):
        """--json gives the lines of the event log as they are, and of a mail log the events that it tells of."""
        lines = [event(sasl_user="\u00e4\u202e"), event()]
        self.add(*lines)
        watcher = self.watch("--json", self.log)
        watcher.wait(2)
        watcher.end()
        self.assertEqual(watcher.text, "".join(lines))
        mail_log = self.home / "mail.log"
        self.add(reject(), log=mail_log)
        watcher = self.watch("--json", mail_log)
        made, = map(json.loads, watcher.wait(1))
        self.assert_has(made, code=554, reason="relay-denied", stage="rcpt", client_addr="192.0.2.7")
        watcher.end()

    def test_mail_log(self):
        """A mail log: its refusals with reasons from the catalogue; what was accepted is not shown."""
        mail_log = self.home / "mail.log"
        self.add(reject(), "Nov 20 22:26:00 mx postfix/qmgr[1]: 4XyZ12: from=<b@x.test>, size=450, nrcpt=1 (queue active)\n", "rubbish\n", log=mail_log)
        watcher = self.watch(mail_log)
        self.assertIn("relay-denied", watcher.wait(1)[0])
        self.add(reject(), log=mail_log)
        self.assertEqual(len(watcher.wait(2)), 2)
        self.ended(watcher, 2)

    def test_missing(self):
        """A log that is not there is waited for, with one notice; the folder may be missing too."""
        log = self.home / "later" / "events.jsonl"
        watcher = self.watch(log)
        time.sleep(1.5)
        log.parent.mkdir()
        time.sleep(0.2)
        self.add(event(sasl_user="anna"), log=log)
        watcher.wait(1)
        self.ended(watcher, 1)
        self.assertEqual(watcher.err.count("\n"), 1, watcher.err)
        self.assertIn(f"{log} is waited for", watcher.err)

    def test_ends(self):
        """SIGINT and SIGTERM end it with 0; so does a reader that goes, at once and quietly, also where nothing is written."""
        self.add(event())
        for signum in (signal.SIGINT, signal.SIGTERM):
            watcher = self.watch(self.log)
            watcher.wait(1)
            self.ended(watcher, 1, signum)
            self.assertEqual(watcher.err, "")
        for write in (False, True):
            reader, writer = os.pipe()
            process = subprocess.Popen([str(BUILD / "mailwhy"), "watch", str(self.log)], stdout=writer, stderr=subprocess.PIPE, env=environment())
            os.close(writer)
            os.read(reader, 10)
            os.close(reader)
            if write:
                self.add(event())
            self.assertEqual((process.wait(20), process.stderr.read()), (0, b""))
            process.stderr.close()

    def test_stdin(self):
        """Standard input is watched until it ends, as what another program follows."""
        reader, writer = os.pipe()
        watcher = self.watch("-", given=reader)
        os.close(reader)
        os.write(writer, event(sasl_user="one").encode()[:50])
        time.sleep(0.2)
        os.write(writer, event(sasl_user="one").encode()[50:] + reject().encode())
        watcher.wait(2)
        os.close(writer)
        self.assertEqual(self.users(watcher), ["one"])
        self.ended(watcher, 2, None)
        self.assertEqual(len(self.says(0, "watch", "-", given=event() * 25).out.splitlines()), 25)
        entry = {"__REALTIME_TIMESTAMP": "1795300000000000", "_HOSTNAME": "mx", "SYSLOG_IDENTIFIER": "postfix/smtpd", "SYSLOG_PID": "7",
                 "MESSAGE": reject().partition("]: ")[2].strip()}
        said = self.says(0, "watch", "-", given=json.dumps(entry) + "\n").out
        self.assertIn("relay-denied", said)
        self.assertIn("192.0.2.7 from=b@x.test", said)
        fifo = self.home / "fifo"
        os.mkfifo(fifo)
        watcher = self.watch(fifo)
        fifo.write_text(event(sasl_user="two"))
        self.ended(watcher, 1, None)

    def test_damaged(self):
        """Cut lines, binary rubbish and a line of 2 MiB are passed over; what is behind them is shown."""
        self.log.write_bytes(b"\0" * 3000 + b"\n\xff\xfe\n{\"ts\":\"soon\"}\n" + event().encode()[:40] + b"\n" + b"x" * (2 << 20) + b"\n" + event(sasl_user="anna").encode())
        watcher = self.watch(self.log)
        watcher.wait(1)
        self.assertEqual(self.users(watcher), ["anna"])
        self.ended(watcher, 1)

    def test_usage(self):
        """64 for what it does not take, 66 for what can't be watched, 78 without a configuration or a catalogue."""
        for wrong in (["--since=soon"], ["--nonsense"], ["one", "two"], ["--client=x"]):
            self.says(64, "watch", *wrong)
        self.assertIn("Is a directory", self.says(66, "watch", self.home).err)
        self.says(78, "watch", "--catalog", self.home, self.log)


class Terminal(WatchTest):
    def test_width_and_color(self):
        """On a terminal each event is one line that fits its columns, with colour; the day stands over its events."""
        self.add(*(event(code=code, reason=reason, sender="s" * 300 + "@x.test", recipient="\u65e5\u672c" * 40) for code, reason in
                   ((554, "relay-denied"), (450, "greylisted"), (535, "auth-login-password-step"))))
        for columns in (40, 60, 80, 132, 250):
            with self.subTest(columns):
                watcher = self.watch(self.log, columns=columns, TERM="xterm")
                lines = watcher.wait(4)
                self.assertEqual(watcher.end(), 0)
                self.assertRegex(LOOK.sub("", lines[0]), r"^\d{4}-\d\d-\d\d$")
                for line in lines[1:]:
                    self.assertRegex(LOOK.sub("", line), r"^\d\d:\d\d:\d\d  \d{3}  \S")
                    self.assertLessEqual(width(LOOK.sub("", line)), columns)
                    self.assertIn("...", line)
                self.assertIn("\033[1;31m554", watcher.text)
                self.assertIn("\033[1;33m450", watcher.text)

    def test_no_color(self):
        """No colour with NO_COLOR or --color=never; with --color=always in a pipe too."""
        self.add(event())
        for args, kwargs, colored in ((["--color=never"], {"columns": 80}, False), ([], {"columns": 80, "NO_COLOR": "1"}, False), (["--color=always"], {}, True)):
            with self.subTest(args=args, kwargs=kwargs):
                watcher = self.watch(*args, self.log, TERM="xterm", **kwargs) if "NO_COLOR" not in kwargs else self.watch(self.log, TERM="xterm", **kwargs)
                watcher.wait(1)
                watcher.end()
                self.assertEqual("\033" in watcher.text, colored)

    def test_hostile(self):
        """Whatever a client sent, nothing reaches the terminal but letters and our colours; in JSON it stands escaped."""
        words = ["\033[31mred\033]0;title\007", "\u202egnp.exe", "\x7f\x9b2J", "a\nb\rc", "\u0000nul", "\ud83d\ude00", "%s%n"]
        self.add(*(event(sender=word, recipient=word, sasl_user=word, client_addr=word, client_name=word, reason=word, helo=word, reply=f"554 5.7.1 {word}")
                   for word in words))
        for args in ([], ["--explain"], ["--json"]):
            for columns in (None, 60):
                if args == ["--json"] and not columns:
                    continue
                with self.subTest(args=args, columns=columns):
                    watcher = self.watch(*args, self.log, columns=columns, TERM="xterm")
                    watcher.wait(len(words))
                    watcher.end()
                    self.assertFalse(UNSAFE.search(LOOK.sub("", watcher.text)), watcher.text)


class Rotation(WatchTest, RigTest):
    """The log that mailwhyd writes of a real Postfix's refusals, rotated by logrotate."""

    def refuse(self):
        with self.rig.client() as client:
            return self.assert_explained(client.say("FROBNICATE"), 500)

    def rotate(self, how):
        config = self.home / "logrotate.conf"
        pid = self.daemon.process.pid
        script = "" if how == "copytruncate" else f"postrotate\n kill -HUP {pid}\nendscript\n"
        config.write_text(f"{self.daemon.log} {{\nrotate 9\nmissingok\n{how}\n{script}}}\n")
        config.chmod(0o644)
        run("logrotate", "-f", "-s", self.home / "state", config)

    def kept(self):
        """The references in all the files, in the order of their events."""
        files = sorted(self.daemon.log.parent.glob("events.jsonl.*"), key=lambda path: -int(path.suffix[1:]))
        return [item["ref"] for path in (*files, self.daemon.log) for item in self.daemon.events(path)]

    def rotated(self, how, *options):
        for old in self.daemon.log.parent.glob("events.jsonl.*"):
            old.unlink()
        os.truncate(self.daemon.log, 0)
        watcher = self.watch("--json", *options, self.daemon.log)
        refs, stop = [self.refuse()], threading.Event()
        watcher.wait(1)

        def traffic():
            while not stop.is_set():
                refs.append(self.refuse())

        sender = threading.Thread(target=traffic)
        sender.start()
        try:
            for _ in range(4):
                enough = len(refs) + 15
                wait_for("refusals", lambda enough=enough: len(refs) > enough, 30)
                self.rotate(how)
        finally:
            stop.set()
            sender.join()
        last = self.refuse()
        refs.append(last)
        wait_for("the last event", lambda: last in watcher.text)
        self.assertEqual(watcher.end(), 0)
        return refs, [json.loads(line)["ref"] for line in watcher.lines]

    def test_renamed(self):
        """Four rotations by renaming while mail is refused: each event is shown, once, in order."""
        for how in ("nocompress", "compress"):
            with self.subTest(how):
                refs, shown = self.rotated(how)
                self.assertEqual(shown, refs)

    def test_copied(self):
        """Four rotations by copying and truncating: each event that is in one of the files is shown, once, in order. (What is written between copy and
        truncation is lost to the files, as logrotate says.)"""
        refs, shown = self.rotated("copytruncate")
        self.assertEqual(len(shown), len(set(shown)))
        self.assertEqual(shown, [ref for ref in refs if ref in set(shown)])
        self.assertLessEqual(set(self.kept()), set(shown))

    def test_terminal(self):
        """On a terminal the refusals of a real session stand as lines, with --explain with their fix."""
        watcher = self.watch("--explain", self.daemon.log, columns=80, TERM="xterm")
        self.refuse()
        wait_for("the event", lambda: "command-unknown" in watcher.text and "Ref:" in watcher.text)
        watcher.end()
        text = LOOK.sub("", watcher.text)
        self.assertRegex(text, r"(?m)^\d\d:\d\d:\d\d  500  command-unknown +127\.0\.0\.1$")
        self.assertRegex(text, r"(?m)^  Fix: ")
