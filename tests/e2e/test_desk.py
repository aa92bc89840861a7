"""What an operator's other programs do with mailwhy: lnav, logrotate and fail2ban with the event log, shells with the command line."""

import collections
import contextlib
import datetime
import fcntl
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import termios
import threading
import time
import unittest

from mailwhyd import BUILD, EVENT_KEYS, TREE, mailwhy, read_event
from mta import ELSEWHERE, MAILBOX
from rig import RigTest
from sandbox import Sandbox, run, wait_for
from sasl import PASSWORD, UNKNOWN_USER, USER, WRONG
from smtp import Client, b64

CONF = TREE / "conf"


def seconds(event):
    """The second of an event since 1970."""
    return datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00")).timestamp() // 1


class Lnav(RigTest):
    """conf/lnav/mailwhy.json"""

    rig_options = {"sasl": "dovecot"}

    def setUp(self):
        super().setUp()
        self.home = self.sandbox.directory("lnav")
        self.formats = self.sandbox.directory("lnav/config/formats/mailwhy")
        shutil.copy(CONF / "lnav" / "mailwhy.json", self.formats)

    def lnav(self, *args, check=True):
        home = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home), "TMPDIR": str(self.home), "TERM": "dumb", "TZ": "UTC"}
        return run("lnav", "-I", self.home / "config", *args, env={**os.environ, **home}, check=check)

    def events(self):
        """A log with a refusal for good, one for now, a sign-in and a session without a message."""
        if not self.daemon.events():
            client = self.client("submission")
            self.assertEqual(client.auth_plain(USER, PASSWORD).code, 235)
            self.assertEqual(client.play(f"MAIL FROM:<{USER}>", "RCPT TO:<nobody-here@mailwhy.test>").code, 550)
            self.assertEqual(self.client("submission").auth_plain(USER, WRONG).code, 535)
            self.assertEqual(self.client().say("FROBNICATE").code, 500)
            with self.daemon.connect() as reply_map:
                reply_map.request("4711", "450 4.2.0 <a@b.test>: Recipient address rejected: Greylisted")
        events = self.daemon.events()
        self.assertEqual([event["code"] for event in events], [235, 550, 535, 500, 450])
        return events

    def test_checked(self):
        """lnav finds no fault in the format, and it knows the event's keys, all of them and no others."""
        checked = self.lnav("-C")
        self.assertEqual(checked.stdout.strip(), "")
        values = json.loads((self.formats / "mailwhy.json").read_text())["mailwhy_log"]["value"]
        self.assertEqual(list(values), EVENT_KEYS)

    def test_columns(self):
        """Each event is a row with its values, its time and its level: also of a log that was rotated and compressed."""
        events = self.events()
        rotated = self.sandbox / "events.jsonl.2.gz"
        rotated.write_bytes(gzip.compress(self.daemon.log.read_bytes()))
        for log in (self.daemon.log, rotated):
            with self.subTest(log.name):
                kinds = ", ".join(f"typeof({key}) as is_{key}" for key in EVENT_KEYS[1:])
                shown = self.lnav("-n", "-q", "-c", f";select *, {kinds} from mailwhy_log", "-c", ":write-json-to -", log)
                self.assertTrue(shown.stdout.startswith("["), shown.stdout)
                rows = json.loads(shown.stdout)
                self.assertEqual(len(rows), len(events), shown.stdout)
                for row, event in zip(rows, events):
                    for key in EVENT_KEYS[1:]:
                        # A number is written as text where the column's first is absent.
                        self.assertEqual(str(row[key]), str(event.get(key)), f"{key} of {row}")
                        self.assertIn(row[f"is_{key}"], ("null", "integer" if isinstance(event.get(key), int) else "text"))
                    self.assertEqual(row["log_time"], event["ts"].replace("T", " ")[:23])
                levels = {row["code"]: row["log_level"] for row in rows}
                codes = {event["code"] for event in events}
                self.assertEqual(levels, {code: {4: "warning", 5: "error"}.get(code // 100, "info") for code in codes})

    def test_lines(self):
        """A line shows time, code, reference, stage, reason, client, user, sender, recipient and reply; an event is one line."""
        events = self.events()
        lines = self.lnav("-n", self.daemon.log).stdout.splitlines()
        self.assertEqual(len(lines), len(events), lines)
        for line, event in zip(lines, events):
            words = [event["ts"][:23], str(event["code"]), event.get("ref", "-"), event.get("stage", "-"), event.get("reason", "-"),
                     event.get("client_addr", "-"), f"user={event.get('sasl_user', '-')}", f"from={event.get('sender', '-')}",
                     f"to={event.get('recipient', '-')}", *event.get("reply", "-").split()]
            self.assertEqual(line.split(), words)


class Logrotate(RigTest):
    """conf/logrotate/mailwhyd"""

    rig_options = {"user": "nobody"}

    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(self.sandbox.directory(f"logrotate-{self._testMethodName}"))
        self.bin = self.sandbox.directory(self.home / "bin")
        self.calls = self.home / "calls"
        self.log = self.daemon.log
        for old in self.log.parent.glob("events.jsonl?*"):
            old.unlink()
        self.refuse()

    def refuse(self):
        """One refusal; its reference."""
        with self.rig.client() as client:
            return self.assert_explained(client.say("FROBNICATE"), 500)

    def program(self, name, text):
        """A program that the snippet finds before the machine's own. It writes down how it was called."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{text}\n')
        path.chmod(0o755)

    def rotate(self, *options, systemd=None):
        """Run logrotate with the snippet, for the private log and its user; without systemd, or with one whose reload does so."""
        hup = f"kill -HUP {self.daemon.process.pid}"
        self.program("pidof", f"echo {self.daemon.process.pid}")
        self.program("systemctl", f'case $* in "-q is-active "*) ;; "reload "*) {systemd or hup} ;; "kill "*) {hup} ;; *) exit 1 ;; esac')
        text = (CONF / "logrotate" / "mailwhyd").read_text()
        for what, private in (("/var/log/mailwhy/events.jsonl", self.log), ("su mailwhy mailwhy", "su nobody nogroup"),
                              ("/run/systemd/system", self.home if systemd else self.home / "none")):
            self.assertIn(what, text)
            text = text.replace(what, str(private))
        config = self.home / "logrotate.conf"
        config.write_text(text)
        config.chmod(0o644)
        return run("logrotate", *options, "-s", self.home / "state", config, env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})

    def force(self, systemd=None):
        """A rotation; the daemon has the new file afterwards."""
        old = self.log.stat().st_ino
        done = self.rotate("-v", "-f", systemd=systemd)
        self.assertNotIn("error:", done.stdout)
        wait_for("the new log", lambda: self.log.exists() and self.log.stat().st_ino != old, 5)

    def read(self, name):
        """The references of a log, plain or compressed."""
        data = (self.log.parent / name).read_bytes()
        lines = (gzip.decompress(data) if name.endswith(".gz") else data).splitlines()
        return [read_event(line)["ref"] for line in lines]

    def test_dry_run(self):
        """logrotate reads the snippet as it is meant, and finds no fault."""
        said = self.rotate("-d").stdout
        self.assertNotRegex(said, r"(?i)error|warning: (?!logrotate in debug)|unknown|insecure")
        self.assertRegex(said, rf"rotating pattern: {self.log}\s+weekly \(8 rotations\)")
        self.assertRegex(said, r"empty log files are not rotated.*log files >= 104857600 are rotated earlier.*old logs are removed")
        self.assertIn("switching euid", said)
        self.assertFalse(self.calls.exists())

    def test_rotation(self):
        """While mail is refused all the time, two rotations lose no event; the new ones go to the new file, and `mailwhy ref` finds each."""
        refs, stop = [], threading.Event()

        def traffic():
            while not stop.is_set():
                refs.append(self.refuse())

        sender = threading.Thread(target=traffic)
        before = self.read("events.jsonl")
        sender.start()
        try:
            for _ in range(2):
                enough = len(refs) + 10
                wait_for("refusals", lambda enough=enough: len(refs) > enough)
                self.force()
            enough = len(refs) + 10
            wait_for("refusals", lambda: len(refs) > enough)
        finally:
            stop.set()
            sender.join()
        self.assertEqual(sorted(path.name for path in self.log.parent.iterdir()), ["events.jsonl", "events.jsonl.1", "events.jsonl.2.gz"])
        files = {name: self.read(name) for name in ("events.jsonl.2.gz", "events.jsonl.1", "events.jsonl")}
        self.assertEqual([ref for found in files.values() for ref in found], before + refs)
        self.assertEqual(self.calls.read_text().splitlines(), ["pidof mailwhyd"] * 2)
        for name, found in files.items():
            with self.subTest(name):
                self.assertGreaterEqual(len(found), 10)
                self.assertIn("command-unknown", mailwhy("ref", "--log", self.log, found[-1]).stdout)
                made = (self.log.parent / name).stat()
                self.assertEqual((oct(made.st_mode & 0o7777), made.st_uid), ("0o640", self.log.parent.stat().st_uid))

    def test_reopened(self):
        """The log is reopened by systemd's reload, by a signal of its own where that fails, and by pid where there is no systemd."""
        active, reload = "systemctl -q is-active mailwhyd.service", "systemctl reload mailwhyd.service"
        kill = "systemctl kill --kill-whom=main --signal=HUP mailwhyd.service"
        ways = ((None, ["pidof mailwhyd"]), (f"kill -HUP {self.daemon.process.pid}", [active, reload]), ("exit 1", [active, reload, kill]))
        for systemd, calls in ways:
            with self.subTest(systemd):
                self.calls.unlink(missing_ok=True)
                self.force(systemd)
                self.assertEqual(self.calls.read_text().splitlines(), calls)
                ref = self.refuse()
                self.assertEqual(self.read("events.jsonl"), [ref])

    def test_kept(self):
        """Eight old logs are kept, an empty one is not rotated, a missing one is no fault, and neither is a mailwhyd that does not run."""
        for _ in range(10):
            self.force()
            self.refuse()
        old = {f"events.jsonl.{i}.gz" for i in range(2, 9)} | {"events.jsonl", "events.jsonl.1"}
        self.assertEqual({path.name for path in self.log.parent.iterdir()}, old)
        self.force()
        empty = self.log.stat()
        self.rotate("-f")
        self.assertEqual((empty.st_size, self.log.stat().st_ino), (0, empty.st_ino))
        self.log.unlink()
        self.rotate("-f")
        self.log.write_text('{"ts":"2026-11-20T00:00:00.000000Z"}\n')
        self.program("pidof", "exit 1")
        script = re.search(r"postrotate\n(.*)endscript", (self.home / "logrotate.conf").read_text(), re.S).group(1)
        run("sh", "-ec", script, env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})
        self.log.unlink()
        self.daemon.hup()
        wait_for("the log", self.log.exists)


FORGED_LINE = ('{"ts":"2026-11-20T22:24:55.797442Z","ref":"3ARFP-ZNZKH","host":"mx","mta":"m","via":"socketmap","pid":1,"stage":"auth","code":535,'
               '"enhanced":"5.7.8","reason":"auth-bad-credentials","client_addr":"192.0.2.99","client_port":1}')
FORGED_KEYS = '","via":"socketmap","pid":1,"stage":"auth","code":535,"enhanced":"5.7.8","reason":"auth-bad-credentials","client_addr":"192.0.2.99"'
FORGED = ('x","client_addr":"192.0.2.99', 'x\\","client_addr":"192.0.2.99', "x" + FORGED_KEYS, "x\\" + FORGED_KEYS, 'x\\\\' + FORGED_KEYS + ',"helo":"y',
          FORGED_LINE, '"}' + FORGED_LINE, "\n" + FORGED_LINE, "\\n" + FORGED_LINE, "192.0.2.99", '\\"192.0.2.99\\"')
GUESSES = ("auth-bad-credentials", "auth-user-not-found", "auth-proof-failed", "auth-login-username-step", "auth-login-password-step",
           "auth-challenge-step")


class Fail2ban(RigTest):
    """conf/fail2ban: fail2ban-regex only, no fail2ban is started."""

    rig_options = {"sasl": "dovecot"}
    filter = CONF / "fail2ban" / "filter.d" / "mailwhy-auth.conf"

    def matches(self, log):
        """What the filter finds in a log: how often each address, and when."""
        counts = re.search(r"^Lines: (\d+) lines, (\d+) ignored, (\d+) matched, (\d+) missed",
                           self.fail2ban_regex(log).stdout, re.M).groups()
        lines, ignored, matched, _missed = map(int, counts)
        self.assertEqual((lines, ignored), (len(log.read_bytes().splitlines()), 0))
        rows = re.findall(r"^\['([^']*)',\t(\d+)", self.fail2ban_regex("-o", "row", log).stdout, re.M)
        self.assertEqual(len(rows), matched, "the matches and their rows")
        return collections.Counter(addr for addr, _ in rows), [int(when) for _, when in rows]

    def fail2ban_regex(self, *args):
        return run("fail2ban-regex", *args, self.filter, env={**os.environ, "TZ": "America/New_York", "LC_ALL": "C.UTF-8"})

    def from_address(self, last, helo="client.test", service="submission"):
        client = Client(self.rig.postfix.ports[service], helo, source=f"127.0.0.{last}")
        self.addCleanup(client.close)
        return client

    def test_real_log(self):
        """Of a real log exactly the sign-ins that guess count, each for its own client and at its own time, whatever HELO and user claim."""
        for sign_in in ("auth_plain", "auth_login", "auth_cram_md5"):
            for user in (USER, UNKNOWN_USER):
                self.refused_auth(getattr(self.from_address(2), sign_in)(user, WRONG))
        for lines, code in ((["AUTH LOGIN", "*"], 501), (["AUTH FOO"], 535), (["AUTH LOGIN", "!!!"], 535), (["AUTH"], 501), (["FROBNICATE"], 500)):
            self.assertEqual(self.from_address(3).play(*lines).code, code)
        self.assertEqual(self.from_address(3, service="smtp").say("AUTH PLAIN " + b64("\0a\0b")).code, 503)
        self.assertEqual(self.from_address(3, service="tlsonly").say("AUTH PLAIN").code, 530)
        client = self.from_address(3)
        self.assertEqual(client.auth_plain(USER, PASSWORD).code, 235)
        self.assertEqual(client.message(USER, ELSEWHERE).code, 250)
        self.assertEqual(client.say("AUTH LOGIN").code, 503)
        sendable = [text for text in FORGED if "\n" not in text]
        for forged in sendable:
            self.assertEqual(self.from_address(4, forged).say("FROBNICATE").code, 500)
            self.refused_auth(self.from_address(5, forged).auth_plain(USER, WRONG))
            self.refused_auth(self.from_address(6).auth_plain(forged, WRONG))
            refused = self.from_address(4).play("MAIL FROM:<a@elsewhere.test>", f'RCPT TO:<"{forged}"@elsewhere.test>')
            self.assertEqual(refused.code // 100, 5)
        helos = {event.get("helo") for event in self.daemon.events()}
        self.assertLessEqual(set(sendable), helos, "a forged HELO did not come into the log as it was sent")
        addresses, times = self.matches(self.daemon.log)
        self.assertEqual(addresses, {"127.0.0.2": 6, "127.0.0.5": len(sendable), "127.0.0.6": len(sendable)})
        logged = [seconds(event) for event in self.daemon.events()
                  if event["code"] == 535 and event["client_addr"] in addresses]
        self.assertEqual(times, logged)

    def refused_auth(self, reply):
        self.assertEqual(self.daemon.event(self.assert_explained(reply, 535))["reason"], "auth-bad-credentials")

    def write(self, events):
        """A log as mailwhyd writes one: the same keys, order and escapes."""
        log = self.sandbox / "forged.jsonl"
        log.write_text("".join(json.dumps({key: event[key] for key in EVENT_KEYS if key in event}, ensure_ascii=False, separators=(",", ":")) + "\n"
                               for event in events))
        return log

    @staticmethod
    def an_event(**keys):
        event = {"ts": "2026-11-20T22:24:55.797442Z", "ref": "3ARFP-ZNZKH", "host": "mx.mailwhy.test", "mta": "Postfix 3.7.11", "via": "socketmap",
                 "pid": 1057, "stage": "auth", "code": 535, "enhanced": "5.7.8", "reason": "auth-bad-credentials", "client_addr": "198.51.100.7",
                 "client_port": 54805, "helo": "client.test", "tls": "none", "attempt": 1,
                 "reply": "535 5.7.8 Error: authentication failed: (reason unavailable)", **keys}
        return {key: value for key, value in event.items() if value is not None}

    def test_forged(self):
        """Text in any key cannot imitate an address, a code, a reason or a line: a guess counts for its own client, nothing else counts."""
        texts = [key for key in EVENT_KEYS if key not in ("ts", "via", "pid", "stage", "code", "reason", "client_addr", "client_port", "attempt")]
        guesses = [self.an_event(**{key: text}) for key in texts for text in FORGED]
        others = [self.an_event(**{key: text}, code=503, stage="mail", reason="mail-nested", client_addr="198.51.100.8")
                  for key in texts for text in FORGED]
        nobody = [self.an_event(**{key: text}, client_addr=None, client_port=None) for key in texts for text in FORGED]
        addresses, _times = self.matches(self.write(guesses + others + nobody))
        self.assertEqual(addresses, {"198.51.100.7": len(guesses)})

    def test_which_count(self):
        """535 and 435 count with the reasons that mean guessing, from IPv4 and IPv6; no other code, stage, reason or source of an event does."""
        known = {entry["reason"]: entry.get("stage") for entry in map(json.loads, mailwhy("reasons", "--json").stdout.splitlines())}
        self.assertEqual({known.get(reason) for reason in GUESSES}, {"auth"}, "a reason that the catalogue does not have")
        counted = [self.an_event(code=code, reason=reason) for code in (435, 535) for reason in GUESSES]
        counted += [self.an_event(ref=None), self.an_event(ref=None, host=None, mta=None, pid=None, enhanced=None), self.an_event(helo=None),
                    self.an_event(client_addr="2001:db8::7"), self.an_event(client_addr="2001:db8::7", client_port=None, helo=None, tls=None)]
        counted += [self.an_event(via="maillog", mta="Sendmail", client_port=None, helo=None, sasl_method="LOGIN")]
        not_counted = [self.an_event(via="maillog", ref=None, code=None, enhanced=None, reason=None, reply=None, sasl_user="anna")]
        not_counted += [self.an_event(code=code) for code in (235, 334, 454, 421, 500, 501, 503, 530, 534, 538, 550, 554)]
        not_counted += [self.an_event(reason=reason) for reason in known if reason not in GUESSES] + [self.an_event(reason=None)]
        not_counted += [self.an_event(stage="mail"), self.an_event(via="milter"), self.an_event(client_addr="unknown"),
                        self.an_event(client_addr="localhost"), self.an_event(client_addr="192.0.2.99.example")]
        addresses, _times = self.matches(self.write(counted + not_counted))
        self.assertEqual(addresses, {"198.51.100.7": len(counted) - 2, "2001:db8::7": 2})

    def test_torn_lines(self):
        """A line that is no event from its beginning to the address counts for nobody, as one that a crash cut off; the one behind it counts."""
        whole = self.write([self.an_event()]).read_text()
        log = self.sandbox / "torn.jsonl"
        ends = [whole.index('"198.51') + 1 + length for length in (0, 1, 6, 11)]
        joined = [whole[:end] + whole for end in (*ends, whole.index("mx.") + 2)]
        log.write_text("".join(whole[:end] + "\n" for end in ends) + "".join(joined) + "Nov 20 22:24:55 " + whole + whole)
        self.assertEqual(self.matches(log)[0], {"198.51.100.7": 1})

    def test_jail(self):
        """The jail is off as it comes; turned on, fail2ban reads it as it is meant."""
        config = self.sandbox / "fail2ban"
        shutil.copytree("/etc/fail2ban", config)
        shutil.copytree(CONF / "fail2ban", config, dirs_exist_ok=True)
        for other in (config / "jail.d").glob("*"):
            if other.name != "mailwhy.conf":
                other.unlink()
        self.assertNotIn("mailwhy-auth", self.dump(config))
        log = self.sandbox / "jail.jsonl"
        log.write_text("")
        (config / "jail.d" / "mailwhy.local").write_text(f"[mailwhy-auth]\nenabled = true\nlogpath = {log}\n")
        dump = self.dump(config)
        for words in (["add", "mailwhy-auth", "auto"], ["set", "mailwhy-auth", "maxretry", 10], ["set", "mailwhy-auth", "findtime", "1h"],
                      ["set", "mailwhy-auth", "bantime", "1h"], ["set", "mailwhy-auth", "logencoding", "utf-8"],
                      ["set", "mailwhy-auth", "addlogpath", str(log), "head"]):
            self.assertIn(str(words), dump)
        self.assertIn("smtp,465,submission", dump)
        self.assertIn("logpath     = /var/log/mailwhy/events.jsonl\n", (CONF / "fail2ban" / "jail.d" / "mailwhy.conf").read_text())

    @staticmethod
    def dump(config):
        """What fail2ban's client would tell a server, which there is none of."""
        return run("fail2ban-client", "-c", config, "-d").stdout


def help_of(*verb):
    return mailwhy(*verb, "--help").stdout


VERBS = re.findall(r"^  ([a-z]+)  ", help_of(), re.M)
# What the words of each verb are.
WORDS = {"explain": {"codes", "reasons", "files"}, "compare": {"codes", "reasons"}, "codes": {"codes"}, "reasons": {"codes", "reasons"}, "ref": set(),
         "review": {"files"}, "watch": {"files"}, "wire": {"mtas"}, "probe": set(), "check": set()}


class Completions:
    """What a shell completes; each class below is these checks with one shell. complete(LINE): the words it offers there."""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.folder = self.sandbox.directory("work")
        (self.folder / "replies.txt").write_text("")
        (self.folder / "with blank.txt").write_text("")
        self.sandbox.directory("work/some-folder")
        self.env = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "MAILWHY_CATALOG": str(CONF / "catalog"), "HOME": str(self.sandbox.path),
                    "XDG_CONFIG_HOME": str(self.sandbox.path), "XDG_DATA_HOME": str(self.sandbox.path), "LC_ALL": "C.UTF-8", "TERM": "vt100",
                    "ZDOTDIR": str(self.sandbox.path)}

    def offered(self, line):
        words = self.complete(line)
        self.assertEqual(sorted(words), sorted(set(words)), f"offered twice after {line!r}")
        return set(words)

    @staticmethod
    def known():
        """The codes and reasons of the catalogue; X.7.8 is 4.7.8 and 5.7.8."""
        codes, reasons = set(), set()
        for line in mailwhy("codes", "--json").stdout.splitlines():
            entry = json.loads(line)
            code = str(entry.get("code") or entry["enhanced"])
            codes |= {code.replace("X", digit) for digit in "45"}
        for line in mailwhy("reasons", "--json").stdout.splitlines():
            reasons.add(json.loads(line)["reason"])
        return codes, reasons

    def test_verbs_and_options(self):
        """Each verb and each option of the programs' help is offered, and no other."""
        self.assertEqual(self.offered("mailwhy "), set(VERBS) | self.first_options)
        self.assertEqual(self.offered("mailwhy --"), {"--help", "--version"})
        self.assertEqual(self.offered("mailwhy ex"), {"explain"})
        for verb in VERBS:
            with self.subTest(verb):
                usage = set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", help_of(verb))) | {"--help"}
                self.assertEqual(self.offered(f"mailwhy {verb} --"), usage)
        self.assertEqual(self.offered("mailwhy nonsense --"), set())

    def test_values(self):
        """Values of options: when to colour, the catalogue's languages, files and folders, each in both ways of writing them."""
        languages = {path.stem for path in (CONF / "catalog" / "text").glob("*.conf")}
        files = {"replies.txt", "with blank.txt", "some-folder"}
        values = (("--color", {"auto", "always", "never"}), ("--lang", languages), ("--config", files), ("--catalog", {"some-folder"}))
        for option, expected in values:
            for way in (f"{option} ", f"{option}="):
                with self.subTest(way):
                    found = {word.rstrip("/").removeprefix(f"{option}=") for word in self.offered("mailwhy explain " + way)}
                    self.assertEqual(found, expected)
        codes, reasons = self.known()
        tables = re.search(r"^  --by WHAT .*: by (.*) or (\w+)$", help_of("review"), re.M)
        for option, expected in (("--code", codes), ("--reason", reasons), ("--by", {*tables.group(1).split(", "), tables.group(2)}), ("--top", set())):
            with self.subTest(option):
                self.assertEqual(self.offered(f"mailwhy review {option} "), expected)
        self.assertEqual({word.removeprefix("--color=") for word in self.offered("mailwhy codes --color=al")}, {"always"})
        self.assertEqual({word.rstrip("/") for word in self.offered("mailwhy ref --log r")}, {"replies.txt"})
        self.assertIn("some-folder", {word.rstrip("/") for word in self.offered("mailwhy wire postfix -c ")})

    def test_other_catalogue(self):
        """The languages and reasons are those of the catalogue that the line names."""
        other = self.sandbox.directory("other")
        shutil.copytree(CONF / "catalog", other, dirs_exist_ok=True)
        (other / "text" / "fr.conf").rename(other / "text" / "eo.conf")
        reasons = other / "reasons.conf"
        reasons.write_text(re.sub(r"^reason auth-aborted \{.*?^\}", "", reasons.read_text(), flags=re.S | re.M))
        for text in (other / "text").glob("*.conf"):
            text.write_text(re.sub(r"^reason auth-aborted \{.*?^\}", "", text.read_text(), flags=re.S | re.M))
        for way in (f"--catalog {other}", f"--catalog={other}"):
            with self.subTest(way):
                found = self.offered(f"mailwhy explain {way} --lang ")
                self.assertIn("eo", found)
                self.assertNotIn("fr", found)
                found = self.offered(f"mailwhy explain {way} auth-a")
                self.assertIn("auth-already-done", found)
                self.assertNotIn("auth-aborted", found)
        self.assertIn("auth-aborted", self.offered("mailwhy explain auth-a"))

    def test_words(self):
        """Codes, reasons and files are offered where the verb takes them: all of the catalogue's, and nowhere else."""
        self.assertEqual(sorted(WORDS), sorted(VERBS), "what are the words of a new verb?")
        codes, reasons = self.known()
        self.assertGreater(min(len(codes), len(reasons)), 100)
        of_kind = {"codes": codes, "reasons": reasons, "files": {"replies.txt", "with blank.txt", "some-folder"},
                   "mtas": {"postfix", "sendmail"}}
        for verb, kinds in WORDS.items():
            with self.subTest(verb):
                found = {word.rstrip("/") for word in self.offered(f"mailwhy {verb} ")} - self.first_words(verb)
                self.assertEqual(found, set().union(*(of_kind[kind] for kind in kinds)))
        self.assertEqual(self.offered("mailwhy explain 5.7.8"), {"5.7.8"})
        self.assertEqual(self.offered("mailwhy explain --why auth-login-p"), {"auth-login-password-step"})
        self.assertEqual(self.offered("mailwhy compare 334 53"), {code for code in codes if code.startswith("53")})
        self.assertEqual({word.rstrip("/") for word in self.offered("mailwhy explain repl")}, {"replies.txt"})

    def test_without_program(self):
        """Where the program is missing, nothing is offered and nothing is complained about."""
        self.env["PATH"] = "/usr/bin:/bin"
        with contextlib.suppress(FileNotFoundError):
            run("mailwhy", "--version", env=self.env)
            self.fail("there is another mailwhy on this machine")
        self.assertLessEqual(self.offered("mailwhy "), {"--help", "--version"})
        self.assertEqual(self.offered("mailwhy explain 5"), set())

    # What a shell offers besides at the first word, and at the words of a verb.
    first_options = frozenset()

    @staticmethod
    def first_words(_verb):
        return frozenset()

    def shell(self, *args):
        done = run(*args, env=self.env, cwd=self.folder, stderr=subprocess.PIPE)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()


class Bash(Completions, unittest.TestCase):
    """conf/completions/mailwhy.bash"""

    first_options = frozenset({"--help", "--version"})
    breaks = "\"'><=;|&(:"

    def complete(self, line):
        """As readline would cut the line into words, and call."""
        words = re.findall(r"=|[^\s=]+" if "=" in self.breaks else r"\S+", line)
        if line[-1].isspace():
            words.append("")
        script = ('source "$1"; shift; COMP_WORDBREAKS=$1; shift; COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
                  'read -r _ _ function _ < <(complete -p mailwhy)\n'
                  '"$function" mailwhy "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"\n'
                  '((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"')
        return self.shell("bash", "--norc", "--noprofile", "-uc", script, "bash", CONF / "completions" / "mailwhy.bash", self.breaks, line, *words)


class BashWholeWords(Bash):
    """conf/completions/mailwhy.bash where "=" does not break words"""

    breaks = " \t\n"


class Fish(Completions, unittest.TestCase):
    """conf/completions/mailwhy.fish"""

    def complete(self, line):
        found = self.shell("fish", "--no-config", "-c", "source $argv[1]; complete --escape -C$argv[2]", CONF / "completions" / "mailwhy.fish", line)
        return [word.partition("\t")[0].replace("\\ ", " ") for word in found]


ZSH = r"""
PS1= PS2= RPS1=
fpath=($1 $fpath)
autoload -Uz compinit
compinit -D -u
zstyle ':completion:*' menu no
setopt no_auto_list no_auto_menu no_beep
compadd() {
    local -a __offered
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    builtin compadd -O __offered "$@"
    print -rl -- $__offered >>$OFFERED
    builtin compadd "$@"
}
end-of-completion() { print -r -- "= end" >>$OFFERED }
comppostfuncs=(end-of-completion)
bindkey '^I' complete-word
print -r -- "= begin" >>$OFFERED
"""


class Zsh(Completions, unittest.TestCase):
    """conf/completions/_mailwhy"""

    def complete(self, line):
        """zsh completes only within its editor, so on a pseudo-terminal of ours: what is given to compadd is written to a file."""
        (self.sandbox / ".zshrc").write_text(f"set -- {CONF / 'completions'}\n{ZSH}")
        offered = self.sandbox / "offered"
        offered.write_text("")
        ours, theirs = os.openpty()
        zsh = subprocess.Popen(["zsh", "--no-global-rcs", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=self.folder, start_new_session=True,
                               env={**self.env, "OFFERED": str(offered)}, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        drain = threading.Thread(target=self.drain, args=(ours,))
        drain.start()
        try:
            wait_for("zsh", lambda: "= begin" in offered.read_text(), 20)
            os.write(ours, line.encode() + b"\t")
            wait_for("zsh's completions", lambda: "= end" in offered.read_text(), 20)
        finally:
            zsh.send_signal(signal.SIGKILL)
            zsh.wait(10)
            drain.join(10)
            os.close(ours)
        words = [word.replace("\\ ", " ") for word in offered.read_text().splitlines() if word and word not in ("= begin", "= end")]
        return list(dict.fromkeys(words))  # compadd is called anew for what zsh knows already

    @staticmethod
    def drain(terminal):
        with contextlib.suppress(OSError):
            while os.read(terminal, 65536):
                time.sleep(0.01)
