"""`mailwhy review`: what a log says that was refused, from our events and from the mail logs of Postfix and Sendmail."""

import bz2
import collections
import contextlib
import datetime
import gzip
import json
import lzma
import os
import pty
import re
import subprocess

import journal
from mailwhyd import BUILD
from mta import ELSEWHERE, MAILBOX
from rig import Rig, RigTest
from sandbox import Sandbox, wait_for
from sasl import PASSWORD, UNKNOWN_USER, USER, WRONG
from test_explain import Tool, environment, read_json

DEFERRED = "later@elsewhere.test"
BY = "reason code client network user sender recipient hour day mta".split()
HEADINGS = ["Why this server refused", "Why other servers refused", "Ours to fix: what this server refuses", "Ours to fix: what other servers refuse from us",
            "Clients that guess passwords", "Networks that guess passwords", "Users whose passwords are guessed at", "Users with an old password in a program",
            "Real correspondents who were refused too", "Replies that the catalogue does not know"]
KEYS = """refused sessions sessions_before accepted deliveries_refused deliveries_refused_here lost_in_auth unread_lines unread_files exact bound groups reasons refused_by_others refused_here
    ours ours_elsewhere guessing_clients guessing_networks guessed_users old_passwords correspondents unknown""".split()


def counted(rows):
    """The counts of a table of the JSON, by name."""
    counts = {row["name"]: row["count"] for row in rows}
    if len(counts) != len(rows):
        raise AssertionError(f"a name came twice: {rows}")
    return counts


class ReviewTest(Tool):
    """Runs of `mailwhy review`."""

    def reviewed(self, status, *args, **kwargs):
        """The one object of `review --json`."""
        objects = read_json(self.says(status, "review", "--json", *args, **kwargs).out)
        self.assertEqual(len(objects), 1)
        return self.checked(objects[0])

    def checked(self, review):
        """It has its keys, and what it counts adds up."""
        self.assertEqual([key for key in review if key not in ("first", "last")], KEYS)
        self.assertEqual(list(review)[:2] == ["first", "last"], "first" in review)
        for key in KEYS[KEYS.index("groups"):]:
            counts = [row["count"] for row in review[key]]
            self.assertEqual(counts, sorted(counts, reverse=True), key)
            for row in review[key]:
                self.assertLessEqual(review["first"], row["first"])
                self.assertLessEqual(row["first"], row["last"])
                self.assertLessEqual(row["last"], review["last"])
        return review

    def by(self, what, *args, status=0, **kwargs):
        """The groups of --by, by name."""
        return counted(self.reviewed(status, "--by", what, *args, **kwargs)["groups"])


class RealPostfix(ReviewTest, RigTest):
    """A real Postfix's own log and the events of its mailwhyd, of the same run."""

    rig_options = {"sasl": "dovecot", "wired": False, "settings": {
        "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname",
        "smtpd_sender_restrictions": f"check_sender_access inline:{{ {{ {DEFERRED} = 450 4.7.1 come back later }} }}",
        "header_checks": "regexp:{{/^Subject: buy/ REJECT no advertisements}}",
    }}

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.rig = Rig(cls.sandbox, **cls.rig_options)
        postfix = cls.rig.postfix
        postfix.settings["relayhost"] = f"[127.0.0.1]:{postfix.ports['smtp']}"  # which refuses to relay
        cls.rig.wire()
        cls.rig.start()
        cls.daemon = cls.rig.daemon
        cls.addClassCleanup(cls.daemon.check_sanitizers)
        cls.play()

    @classmethod
    def play(cls):
        """Refusals of many kinds, and mail that is accepted and then refused elsewhere."""
        def client(service="smtp", helo="client.test"):
            return contextlib.closing(cls.rig.client(service, helo))

        for sender in ("a@elsewhere.test", "a@elsewhere.test", "b@elsewhere.test"):
            with client() as c:
                c.play(f"MAIL FROM:<{sender}>", f"RCPT TO:<{ELSEWHERE}>", "QUIT")
        with client() as c:
            c.play("MAIL FROM:<b@elsewhere.test>", "RCPT TO:<nobody@mailwhy.test>", "RCPT TO:<nobody-else@mailwhy.test>", "QUIT")
        with client() as c:
            c.play(f"MAIL FROM:<{DEFERRED}>", f"RCPT TO:<{MAILBOX}>", "QUIT")
        with client(helo="nameless") as c:
            c.play("MAIL FROM:<b@elsewhere.test>", f"RCPT TO:<{MAILBOX}>", "QUIT")
        with client() as c:
            c.message("b@elsewhere.test", MAILBOX, "Subject: buy\r\n\r\nnow\r\n")
            c.message("b@elsewhere.test", MAILBOX)
            c.message("c@elsewhere.test", MAILBOX)
        for user in (USER, USER, UNKNOWN_USER):
            with client("submission") as c:
                c.auth_plain(user, WRONG)
                c.say("QUIT")
        with client("submission") as c:
            c.auth_login(USER, WRONG)
            c.send("AUTH LOGIN\r\n")
            c.read()
        with client("submission") as c:
            c.auth_plain(USER, PASSWORD)
            c.message(MAILBOX, ELSEWHERE)
        with client() as c:
            c.play("FROBNICATE", "DATA", "QUIT")
        wait_for("the delivery", lambda: "status=bounced" in cls.rig.postfix.log_text(), 20)
        wait_for("the end of a session", lambda: "lost connection after AUTH" in cls.rig.postfix.log_text(), 20)

    def events(self, *args, status=0):
        return self.reviewed(status, *args, self.daemon.log)

    def maillog(self, *args, status=0):
        return self.reviewed(status, *args, self.rig.postfix.log)

    def test_agree(self):
        """Each reason that Postfix logs is counted as often from its log as from our events; only what it does not log is missing."""
        ours, theirs = counted(self.events()["reasons"]), counted(self.maillog()["reasons"])
        self.assertGreaterEqual(len(theirs), 6, theirs)
        unlogged = {name: count for name, count in ours.items() if name not in theirs}
        self.assertEqual(set(unlogged), {"command-unknown", "rcpt-needed", "no-valid-recipients"}, f"{ours}\n{theirs}")
        self.assertEqual({name: ours[name] for name in theirs}, theirs)
        self.assertEqual(theirs["relay-denied"], 4)

    def test_agree_by(self):
        """Senders, recipients, clients and networks are those of our events, too."""
        for what in ("client", "network", "sender", "recipient"):
            with self.subTest(what):
                ours = collections.Counter()
                for reason in counted(self.maillog()["reasons"]):
                    ours.update(counted(self.events(f"--reason={reason}", f"--by={what}")["groups"]))
                theirs = counted(self.maillog(f"--by={what}")["groups"])
                self.assertEqual(dict(ours), theirs)
                self.assertTrue(theirs)

    def test_sums(self):
        """What was refused is what our log has, and it is the sum of its reasons."""
        events = [event for event in self.daemon.events() if event["code"] >= 400]
        review = self.events()
        self.assertEqual(review["refused"], len(events))
        self.assertEqual(sum(counted(review["reasons"]).values()), len(events))
        self.assertEqual(counted(review["reasons"]), collections.Counter(event["reason"] for event in events))
        self.assertEqual(review["sessions"], len({(event["pid"], event["client_port"]) for event in events}))
        self.assertTrue(review["exact"])
        self.assertEqual((review["unread_lines"], review["unread_files"]), (0, 0))

    def test_times(self):
        """First and last are those of the events."""
        times = [event["ts"] for event in self.daemon.events()]
        review = self.events()
        self.assertEqual((review["first"][:19], review["last"][:19]), (min(times)[:19], max(times)[:19]))

    def test_maillog(self):
        """A mail log alone tells what was accepted, what another server refused, who broke off, and which senders write otherwise, too."""
        review = self.maillog()
        self.assertEqual(review["accepted"], 3)
        self.assertEqual(review["lost_in_auth"], self.rig.postfix.log_text().count(": lost connection after AUTH"))
        self.assertEqual(review["deliveries_refused"], 1)
        self.assertEqual(counted(review["refused_by_others"]), {"relay-denied": 1})
        self.assertIn("b@elsewhere.test", counted(review["correspondents"]))
        self.assertNotIn("a@elsewhere.test", counted(review["correspondents"]))

    def test_codes(self):
        """--code takes codes and enhanced codes, also by pattern."""
        events = [event for event in self.daemon.events() if event["code"] >= 400]
        for code in ("535", "5.7.8", "4*", "5.1.*", "5?4"):
            with self.subTest(code):
                pattern = code.replace(".", r"\.").replace("*", ".*").replace("?", ".")
                wanted = [event for event in events if any(self.fits(pattern, event.get(key, "")) for key in ("code", "enhanced"))]
                self.assertTrue(wanted)
                self.assertEqual(self.events(f"--code={code}")["refused"], len(wanted))

    def fits(self, pattern, value):
        with contextlib.suppress(AssertionError):
            self.assertRegex(str(value), rf"^({pattern})$")
            return True
        return False

    def test_page(self):
        """The page has its parts in their order, names each reason with what to do, and is plain in a pipe."""
        for log in (self.daemon.log, self.rig.postfix.log):
            with self.subTest(log.name):
                page = self.says(0, "review", log).out
                self.assertNotIn("\033", page)
                places = [page.index(f"\n{heading}\n") for heading in HEADINGS if f"\n{heading}\n" in page]
                self.assertEqual(places, sorted(places))
                self.assertIn(HEADINGS[0], page)
                for reason in counted(self.reviewed(0, log)["reasons"]):
                    self.assertIn(f"{reason}, Clients: 1, ", page)
                self.assertRegex(page, r"^What was refused\nSpan: +\d{4}-\d\d-\d\d \d\d:\d\d")

    def test_configured(self):
        """Without a file the event log of the configuration is read."""
        self.assertEqual(self.reviewed(0, "--config", self.daemon.config), self.events())

    def test_both(self):
        """Several files are one review: both kinds of log, and one that comes from standard input."""
        both = self.reviewed(0, self.daemon.log, self.rig.postfix.log)
        self.assertEqual(both["refused"], self.events()["refused"] + self.maillog()["refused"])
        piped = self.reviewed(0, self.daemon.log, "-", given=self.rig.postfix.log.read_bytes())
        self.assertEqual(piped, both)

    def test_journal(self):
        """The same messages in a journal are reviewed as in the mail log, however journalctl writes them."""
        said = journal.Journal(self.folder(), journal.of_log(self.rig.postfix.log_text()))
        wanted = self.maillog()
        self.assertGreater(wanted["refused"], 10)
        for form in journal.FORMATS:
            with self.subTest(form):
                self.assertEqual(self.reviewed(0, "-", given=said.said(form)), wanted)

    def test_language(self):
        """The page speaks the catalogue's languages."""
        for language in ("de", "ja", "ar"):
            fix = read_json(self.tool("explain", "--json", f"--lang={language}", "relay-denied").out)[0]["fix"]
            page = self.says(0, "review", f"--lang={language}", self.daemon.log).out
            self.assertIn("".join(fix.split()), "".join(page.split()))


RELAY = "554 5.7.1 <a@there.test>: Relay access denied"
UTC = {"TZ": "UTC"}


def ago(**span):
    """A time so long ago, in whole seconds."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(**span)


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def event(when=None, **keys):
    """A line of our log."""
    keys = {"host": "mx", "mta": "Postfix 3.7.11", "pid": 7, "stage": "rcpt", "code": 554, "enhanced": "5.7.1", "reason": "relay-denied",
            "client_addr": "192.0.2.7", "client_port": 4711, "reply": RELAY, **keys}
    return json.dumps({"ts": iso(when or ago(minutes=5)), **{key: value for key, value in keys.items() if value is not None}}, separators=(",", ":")) + "\n"


def failure(client, user, **keys):
    """A failed sign-in."""
    return event(stage="auth", code=535, enhanced="5.7.8", reason="auth-bad-credentials", client_addr=client, sasl_user=user,
                 reply="535 5.7.8 Error: authentication failed", **keys)


def postfix(text, when=None, service="postfix/smtpd", old=True):
    """A line of a mail log, in UTC."""
    when = when or ago(minutes=5)
    stamp = when.strftime("%b %e %H:%M:%S") if old else when.strftime("%Y-%m-%dT%H:%M:%S.123456+00:00")
    return f"{stamp} mx {service}[7]: {text}\n"


def reject(client="192.0.2.7", sender="b@x.test", recipient="a@there.test", helo="c.test", reply=RELAY, **keys):
    """A refusal in Postfix's log."""
    return postfix(f"NOQUEUE: reject: RCPT from unknown[{client}]: {reply}; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>", **keys)


def zstd(data):
    return subprocess.run(("zstd", "-q", "-c"), input=data, stdout=subprocess.PIPE, check=True, timeout=30).stdout


class Logs(ReviewTest):
    """Logs that were written for the test."""

    def setUp(self):
        self.home = self.folder()
        self.log = self.home / "log"

    def write(self, *lines, name="log"):
        path = self.home / name
        path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() for line in lines))
        return path

    def test_since_until(self):
        """A span of time, absolute or relative, with its beginning and without its end; and the sessions of the one before."""
        spans = {"30h": ago(hours=30), "3h": ago(hours=3), "90m": ago(minutes=90), "10m": ago(minutes=10)}
        self.write(*(event(when, client_port=port, sender=f"{name}@x.test") for port, (name, when) in enumerate(spans.items(), 1)))
        midnight = ago().replace(hour=0, minute=0, second=0)
        exact = f"{spans['3h']:%Y-%m-%d %H:%M:%S}"
        cases = [((), spans), (("--since=2h",), ("90m", "10m")), (("--since=100m", "--until=1h"), ("90m",)), (("--until", "2h"), ("30h", "3h")),
                 (("--since=5000s",), ("10m",)), (("--since=2d",), spans), (("--since=1w",), spans), (("--since", exact), ("3h", "90m", "10m")),
                 (("--until", exact), ("30h",)), (("--since", exact.replace(" ", "T")), ("3h", "90m", "10m")), (("--since", iso(spans["90m"])), ("90m", "10m")),
                 (("--since", f"{spans['90m']:%Y-%m-%d %H:%M}", "--until", iso(spans["10m"])), ("90m",)),
                 (("--since=yesterday",), [name for name, when in spans.items() if when >= midnight - datetime.timedelta(days=1)]),
                 (("--since=today",), [name for name, when in spans.items() if when >= midnight]),
                 (("--until=today",), [name for name, when in spans.items() if when < midnight]),
                 ((f"--since={midnight:%Y-%m-%d}",), [name for name, when in spans.items() if when >= midnight]), (("--until=now",), spans)]
        for options, names in cases:
            with self.subTest(options):
                found = self.by("sender", *options, self.log, status=0 if names else 1, **UTC)
                self.assertEqual(found, {f"{name}@x.test": 1 for name in names})
        self.assertEqual(self.reviewed(0, "--since=2h", self.log)["sessions_before"], 1)
        self.assertRegex(self.says(0, "review", "--since=2h", self.log).out, r"In the span before, as long: +1 \(\+100 %\)")
        self.assertEqual(self.reviewed(0, self.log)["sessions_before"], 0)

    def test_zone(self):
        """Times without a zone are those of this machine: in options, in old time stamps, and on the page."""
        when = ago(hours=20)
        east = when + datetime.timedelta(hours=3)
        zone = {"TZ": "EAST-3"}
        self.write(reject(when=east), reject(when=when, old=False))
        review = self.reviewed(0, self.log, **zone)
        self.assertEqual((review["first"], review["last"]), (iso(when), iso(when)))
        self.assertEqual(self.by("hour", self.log, **zone), {f"{east:%Y-%m-%d %H:00}": 2})
        self.assertEqual(self.by("day", self.log, **zone), {f"{east:%Y-%m-%d}": 2})
        self.assertEqual(self.reviewed(0, f"--since={east:%Y-%m-%d %H:%M:%S}", self.log, **zone)["refused"], 2)
        self.assertEqual(self.reviewed(1, f"--until={east:%Y-%m-%d %H:%M:%S}", self.log, **zone)["refused"], 0)
        self.assertIn(f"{east:%Y-%m-%d %H:%M}", self.says(0, "review", self.log, **zone).out)

    def test_filters(self):
        """--client takes addresses and networks; the others take names, with * and ?, in any case."""
        self.write(event(client_addr="192.0.2.7", sender="Anna@x.test", recipient="joe@there.test"),
                   event(client_addr="192.0.3.200", sender="b@y.test", recipient="JOE@there.test", sasl_user="joe"),
                   event(client_addr="2001:db8:1::7", sender="b@x.test", code=450, enhanced="4.2.0", reason="greylisted", sasl_user="Joanna"),
                   event(client_addr=None, sender=None, code=550, enhanced=None, reason=None, reply="550 zork"))
        cases = {"--client=192.0.2.7": 1, "--client=192.0.2.0/24": 1, "--client=192.0.2.99/24": 1, "--client=192.0.2.0/23": 2, "--client=192.0.2.128/25": 0,
                 "--client=0.0.0.0/0": 2, "--client=::/0": 1, "--client=2001:db8::/32": 1, "--client=2001:DB8:1::7": 1, "--client=2001:db8:0::/48": 0,
                 "--user=joe": 1, "--user=jo*": 2, "--user=JO?": 1, "--user=*": 2, "--sender=anna@x.test": 1, "--sender=*@x.test": 2, "--sender=?@*": 2,
                 "--recipient=joe@there.test": 2, "--code=554": 2, "--code=5*": 3, "--code=5.7.1": 2, "--code=4.*": 1, "--code=550": 1,
                 "--reason=greylisted": 1, "--reason=*-denied": 2, "--reason=": None, "--reason=nonsense": 0}
        for option, count in cases.items():
            with self.subTest(option):
                if count is None:
                    self.says(64, "review", option, self.log)
                else:
                    self.assertEqual(self.reviewed(0 if count else 1, option, self.log)["refused"], count)
        self.assertEqual(self.reviewed(0, "--client=192.0.2.0/23", "--sender=*@y.test", self.log)["refused"], 1)
        self.write(event(sender="b\\c@x.test", recipient="anna@[192.0.2.1]"), event(sender="bc@x.test", recipient="anna@1"))
        for option in ("--recipient=anna@[192.0.2.1]", "--recipient=*[*", "--sender=b\\c@x.test", "--sender=*\\c@*.*t", "--recipient=****1]**"):
            with self.subTest(option):
                self.assertEqual(self.reviewed(0, option, self.log)["refused"], 1)
        for option in ("--sender=[b]c@x.test", "--recipient=anna@[0-9]", "--sender=", "--sender=*@x.tes"):
            with self.subTest(option):
                self.says(64 if option.endswith("=") else 1, "review", option, self.log)

    def test_by(self):
        """Each value of --by: its table in the JSON and on the page, and nothing else on that."""
        when = ago(hours=2)
        self.write(event(when, client_addr="192.0.2.7", sender="b@x.test", recipient="joe@there.test", sasl_user="joe"),
                   event(when, client_addr="192.0.2.8", sender="b@x.test"),
                   event(when, client_addr="2001:db8:1:2:3::7", mta="Sendmail", code=450, enhanced=None, reason="greylisted"))
        expected = {"reason": {"relay-denied": 2, "greylisted": 1}, "code": {"554 5.7.1": 2, "450": 1},
                    "client": {"192.0.2.7": 1, "192.0.2.8": 1, "2001:db8:1:2:3::7": 1}, "network": {"192.0.2.0/24": 2, "2001:db8:1:2::/64": 1},
                    "user": {"joe": 1}, "sender": {"b@x.test": 2}, "recipient": {"joe@there.test": 1}, "hour": {f"{when:%Y-%m-%d %H:00}": 3},
                    "day": {f"{when:%Y-%m-%d}": 3}, "mta": {"Postfix 3.7.11": 2, "Sendmail": 1}}
        self.assertEqual(list(expected), BY)
        for what, counts in expected.items():
            with self.subTest(what):
                self.assertEqual(self.by(what, self.log, **UTC), counts)
                page = self.says(0, "review", f"--by={what}", self.log, **UTC).out
                for name in counts:
                    self.assertRegex(page, rf"(?m)  {re.escape(name)}$")
                self.assertNotIn(HEADINGS[0], page)
        network = self.reviewed(0, "--by=network", self.log)["groups"][0]
        self.assertEqual((network["name"], network["clients"]), ("192.0.2.0/24", 2))

    def test_top(self):
        """So many rows a table, fifteen where nothing is said; the counts are those of all."""
        self.write(*(event(client_addr=f"192.0.2.{i}", sender=f"{i}@x.test") * (i + 1) for i in range(20)))
        for option, rows in (((), 15), (("--top=3",), 3), (("--top=1000000",), 20)):
            with self.subTest(option):
                review = self.reviewed(0, "--by=client", *option, self.log)
                self.assertEqual([row["name"] for row in review["groups"]], [f"192.0.2.{19 - i}" for i in range(rows)])
                self.assertEqual((review["refused"], review["exact"]), (210, True))
                page = self.says(0, "review", "--by=client", *option, self.log).out
                self.assertEqual(page.count("192.0.2."), rows)
        self.write(event(reason="relay-denied"), event(reason="greylisted"))
        self.assertIn("Rows left out (see --top): 1", self.says(0, "review", "--top=1", self.log).out)

    def test_statuses(self):
        """1: nothing was refused; 64: what was asked for is no such thing; 66: a file cannot be read, the others were; 78: no configuration or catalogue."""
        self.write(event(code=235, stage="auth", reply=None, reason=None))
        self.says(1, "review", self.log)
        self.assertEqual(self.reviewed(1, "/dev/null")["refused"], 0)
        self.says(1, "review", "-")
        for wrong in ("--since=soon", "--since=2026-11-20 25:00", "--since=3y", "--since=-1d", "--since=", "--until=whenever", "--client=192.0.2", "--client=x",
                      "--client=192.0.2.0/33", "--client=192.0.2.0/", "--client=192.0.2.0/-1", "--client=2001:db8::/129", "--by=colour", "--by=", "--top=0",
                      "--top=-3", "--top=x", "--top=1000001", "--color=blue", "--nonsense", "--user="):
            with self.subTest(wrong):
                said = self.says(64, "review", wrong, self.log)
                self.assertEqual(said.out, "")
                self.assertIn("mailwhy review: ", said.err)
        self.says(64, "review", "--since=1h", "--until=2h", self.log)
        good = self.write(event(), name="good")
        for bad, why in ((self.home / "missing", "No such file"), (self.home, "Is a directory"), (self.home / "\033[31m\n", "No such file")):
            with self.subTest(bad):
                said = self.says(66, "review", "--json", bad, good)
                review = self.checked(read_json(said.out)[0])
                self.assertEqual((review["refused"], review["unread_files"]), (1, 1))
                self.assertIn(why, said.err)
                page = self.says(66, "review", good, bad).out
                self.assertRegex(page, "Files that could not be read to their end: +1")
        config = self.write("no such thing = 1\n", name="mailwhy.conf")
        self.assertEqual(self.says(78, "review", "--config", config, good).out, "")
        self.assertEqual(self.says(78, "review", "--catalog", self.home, good).out, "")

    def test_threads(self):
        """What several threads count of a long log adds up to what it has."""
        # Without TZ libc reads the zone anew each time, under a lock that the thread sanitizer does not see.
        lines = [reject(sender=f"{i}@x.test") + failure(f"192.0.2.{i % 250}", f"user{i % 50}") for i in range(15000)]
        self.write(*lines)
        self.assertGreater(self.log.stat().st_size, 6 << 20)
        review = self.reviewed(0, "--by=mta", self.log, **UTC)
        self.assertEqual((review["refused"], counted(review["groups"])), (30000, {"Postfix": 15000, "Postfix 3.7.11": 15000}))
        self.assertEqual(self.reviewed(0, "-", given="".join(lines).encode(), **UTC)["refused"], 30000)

    def test_compressed(self):
        """Compressed logs of all kinds are read; damaged ones as far as they go, and that is said."""
        data = "".join(reject(sender=f"{i}@x.test") for i in range(20000)).encode()
        for compress in (gzip.compress, zstd):
            with self.subTest(compress.__name__):
                packed = compress(data)
                self.assertEqual(self.reviewed(0, self.write(packed))["refused"], 20000)
                self.assertEqual(self.reviewed(0, "-", given=packed)["refused"], 20000)
                self.assertEqual(self.reviewed(0, self.write(packed, packed))["refused"], 40000)
                damaged = bytearray(packed * 2)
                damaged[len(packed) + len(packed) // 2] ^= 0x55
                for broken, least in ((packed[:len(packed) // 2], 1), (packed[:-1], 19000), (packed + packed[:7], 20000), (bytes(damaged), 20000)):
                    said = self.says(66, "review", "--json", self.write(broken))
                    review = self.checked(read_json(said.out)[0])
                    self.assertGreaterEqual(review["refused"], least)
                    self.assertEqual(review["unread_files"], 1)
                    self.assertIn("its compressed data are damaged", said.err)

    def test_compressed_otherwise(self):
        """What another program compressed is not taken for a log without refusals."""
        data = (reject() * 100).encode()
        for compress in (lzma.compress, bz2.compress, lambda data: b"\x04\x22\x4d\x18" + data):
            said = self.says(66, "review", "--json", self.write(compress(data)))
            self.assertEqual(self.checked(read_json(said.out)[0])["unread_files"], 1)
            self.assertIn("log can't be read: it is compressed with neither gzip nor zstd", said.err)

    def test_rotated(self):
        """Without a file the configured event log is read with what was rotated from it, compressed or not; only those of the span are."""
        config = self.write(f'event_log = "{self.home}/events.jsonl"\n', name="mailwhy.conf")
        self.write(event(sender="now@x.test"), name="events.jsonl")
        self.write(event(sender="1@x.test"), name="events.jsonl.1")
        self.write(gzip.compress(event(sender="gz@x.test").encode()), name="events.jsonl-20261120.gz")
        self.write(zstd(event(sender="zst@x.test").encode()), name="events.jsonl.3.zst")
        self.write(event(sender="old@x.test"), name="events.jsonl.4")
        os.utime(self.home / "events.jsonl.4", (0, 0))
        for name in ("events.jsonl.bak", "events.jsonlx.1", "other.1"):
            self.write(event(sender="other@x.test"), name=name)
        names = ("now", "1", "gz", "zst")
        self.assertEqual(self.by("sender", "--since=1h", "--config", config), {f"{name}@x.test": 1 for name in names})
        self.assertEqual(self.by("sender", "--config", config), {f"{name}@x.test": 1 for name in (*names, "old")})
        self.write(gzip.compress(event(sender="1@x.test").encode())[:20], name="events.jsonl.1.gz")  # which logrotate is about to make of it
        self.assertEqual(self.by("sender", "--config", config), {f"{name}@x.test": 1 for name in (*names, "old")})
        self.write(zstd(event().encode())[:-6], name="events.jsonl.5.zst")
        self.assertEqual(self.reviewed(66, "--config", config)["unread_files"], 1)

    def test_bad_input(self):
        """What can be used of a log is used, whatever else is in it; what a time is missing for is counted."""
        rubbish = bytes(range(256)) * 40 + b"\n"
        long = reject(reply="554 5.7.1 " + "x" * (1 << 20))
        other_year = reject(when=ago(days=-40))
        years_on = ago(days=-4000)
        future = reject(when=years_on, old=False)
        cut = reject()[:60]
        cases = {"rubbish": ([rubbish, reject(), rubbish, reject(), rubbish], 2, 0), "no end": ([reject(), reject().rstrip("\n")], 2, 0),
                 "cut": ([reject(), cut + "\n", cut], 1, 2), "no time": ([reject(), "soon" + reject()], 1, 1), "line ends": ([reject().replace("\n", "\r\n")] * 2, 2, 0),
                 "order": ([reject(when=ago(hours=h)) for h in (1, 30, 2, 500)], 4, 0), "years": ([other_year, reject()], 2, 0), "future": ([future, reject()], 2, 0),
                 "long": ([reject(), "x" * (3 << 20) + "\n", long, reject()], None, 0), "empty lines": (["\n\r\n\n", reject()], 1, 0),
                 "mixed": ([event(), reject(), reject(old=False), '{"ts":"soon"}\n', '{"ts":\n', "{}\n", "[]\n"], 3, 0), "NUL": ([b"\0" * 5000, b"\n", reject()], 1, 0)}
        for name, (lines, refused, unread) in cases.items():
            with self.subTest(name):
                review = self.reviewed(0, self.write(*lines))
                self.assertIn(review["refused"], (refused,) if refused else (3, 4))
                self.assertEqual((review["unread_lines"], review["unread_files"]), (unread, 0))
                self.says(0, "review", self.log)
        self.assertEqual(self.reviewed(0, self.write(future, reject()))["last"], iso(years_on))
        self.assertEqual(self.reviewed(1, self.write(b""))["refused"], 0)
        self.assertEqual(self.says(65, "review", "--json", self.write(rubbish)).out, "")
        self.assertEqual(self.reviewed(1, self.write(gzip.compress(b"")))["refused"], 0)
        self.assertRegex(self.says(0, "review", self.write("soon" + reject(), reject())).out, "left out, since they cannot be read: +1")
        unreadable = self.says(66, "review", "--json", "/proc/self/mem", self.write(reject()))
        self.assertIn("/proc/self/mem can't be read: Input/output error", unreadable.err)
        self.assertEqual(self.checked(read_json(unreadable.out)[0])["refused"], 1)

    def test_years(self):
        """Times without a year are none after the file's last change; a log that goes back further is dated by the order of its lines."""
        def review(stamps, changed, compress=bytes):
            lines = "".join(reject()[15:].join((f"{stamp} 10:00:00", "")) for stamp in stamps)
            log = self.write(compress(lines.encode()))
            if changed:
                os.utime(log, (changed.timestamp(),) * 2)
            return self.by("day", log, **UTC)

        changed = datetime.datetime(2023, 3, 1, 12, tzinfo=datetime.timezone.utc)
        winter = ["Nov 30", "Dec 31", "Jan  1", "Feb 28"]
        for compress in (bytes, gzip.compress, zstd):
            with self.subTest(compress.__name__):
                self.assertEqual(review(winter, changed, compress), dict.fromkeys(("2022-11-30", "2022-12-31", "2023-01-01", "2023-02-28"), 1))
                years = winter + ["Apr  1", "Aug  9", *winter]
                self.assertEqual(list(sorted(review(years, changed, compress))), [
                    "2021-11-30", "2021-12-31", "2022-01-01", "2022-02-28", "2022-04-01", "2022-08-09", "2022-11-30", "2022-12-31", "2023-01-01", "2023-02-28"])
        late = ago(days=3)
        self.assertEqual(review([f"{late:%b %e}"], None), {f"{late:%Y-%m-%d}": 1})

    def journal(self, *entries):
        return journal.Journal(self.home, entries)

    def test_journal_fields(self):
        """What only a journal has: microseconds, binary texts, several texts, processes of two kinds; and texts that journalctl leaves out."""
        when = ago(minutes=5)
        text = reject().split(": ", 1)[1].rstrip("\n")
        listed = [journal.entry(when, text=text), journal.entry(when, text=text.replace("c.test", "\xff").encode("latin-1")),
                  journal.entry(when, text=text.replace("c.test", "two\nlines").encode()), journal.entry(when, text=text.replace("c.test", "\u00e9")),
                  journal.entry(when, text=text + "\nMESSAGE=" + text.replace("c.test", "d.test")), journal.entry(when, program="sshd", text=text),
                  journal.entry(when, program="sendmail", text="2AKMQ0aa000811: ruleset=check_rcpt, relay=c.test [192.0.2.7], reject=550 5.7.1 no"),
                  journal.entry(when, text="x" * 5000)]
        said = self.journal(*listed)
        for form in journal.FORMATS:
            with self.subTest(form):
                review = self.reviewed(0, self.write(said.said(form)))
                self.assertEqual((review["refused"], review["first"]), (6, iso(when)))
                self.assertEqual(review["unread_lines"], 0 if form == "export" else 1)
                self.assertEqual(self.reviewed(0, self.write(said.said(form, "--all")))["unread_lines"], 0)
                self.assertEqual(self.by("mta", self.log), {"Postfix": 5, "Sendmail": 1})
                self.assertEqual(self.by("client", self.log), {"192.0.2.7": 6})
                self.assertEqual(self.reviewed(0, "--since=10m", "--client=192.0.2.0/24", self.log)["refused"], 6)
                self.says(0, "review", self.log)

    def test_journal_compressed(self):
        """A journal is told from a mail log compressed, in a pipe, and after another file, too."""
        said = self.journal(*(journal.entry(ago(minutes=5), text=reject(sender=f"{i}@x.test").split(": ", 1)[1].rstrip("\n")) for i in range(3000)))
        for form in journal.FORMATS:
            octets = said.said(form)
            for compress in (bytes, gzip.compress, zstd):
                with self.subTest((form, compress.__name__)):
                    packed = compress(octets)
                    self.assertEqual(self.reviewed(0, self.write(packed))["refused"], 3000)
                    self.assertEqual(self.reviewed(0, self.write(reject(), name="other"), "-", given=packed)["refused"], 3001)
                    if compress is not bytes:
                        broken = self.reviewed(66, self.write(packed[:len(packed) // 2]))
                        self.assertGreater(broken["refused"], 100)
                        self.assertLess(broken["refused"], 2000)

    def test_journal_bad_input(self):
        """A journal that is cut, or has rubbish in it or an entry that is too large: what is whole is used, what is not is counted."""
        def text(sender):
            return reject(sender=sender).split(": ", 1)[1].rstrip("\n")

        when = ago(minutes=5)
        first, second = (journal.entry(when, text=text(f"{i}@x.test")) for i in (1, 2))
        for form in journal.FORMATS:
            one, two = (self.journal(octets).said(form) for octets in (first, second))
            rubbish = bytes(range(128, 256)) * 40 + b"\n\n"
            with self.subTest(form):
                for cut in range(2, len(two), 41):
                    review = self.reviewed(0, self.write(one, two[:-cut]))
                    self.assertIn((review["refused"], review["unread_lines"]), ((1, 0), (1, 1), (2, 0)), cut)
                    review = self.reviewed(0, self.write(one, two[:-cut], b"\n\n", one))
                    self.assertIn((review["refused"], review["unread_lines"]), ((2, 0), (2, 1), (3, 0), (1, 1)), cut)
                self.assertEqual(self.reviewed(0, self.write(one, rubbish, two))["refused"], 2)
                self.assertEqual(self.reviewed(0, self.write(one * 500, two))["refused"], 501)
                middle = self.reviewed(0, self.write((one * 500)[len(one) // 2:]))
                self.assertIn(middle["refused"], (499, 500))
                large = self.journal(journal.entry(when, text=text("1@x.test")), journal.entry(when, text=text("y" * (1 << 21)).encode() + b"\n"),
                                     journal.entry(when, text=text("2@x.test"))).said(form, "--all")
                review = self.reviewed(0, self.write(large))
                self.assertEqual(set(self.by("sender", self.log)), {"1@x.test", "2@x.test"})
                self.assertEqual(review["unread_lines"], 1)

    def test_hostile(self):
        """Whatever a client sent does nothing to a terminal, and stands whole in the JSON."""
        words = ["\033[31mred", "<script>alert(1)</script>", '","refused":9,"x":"', "\u202egnp.exe", "\x7f\x9b2J", "a\nb\rc", "\u0000nul", "%s%n", "\\", "\ud83d\ude00"]
        hostile = [event(helo=word, sender=word, recipient=word, sasl_user=word, client_name=word, host=word, mta=word, stage="auth", code=535, enhanced="5.7.8",
                         reason=None, reply=f"535 5.7.8 {word}") for word in words]
        self.write(*hostile, *(line.replace('"535', '"250').replace(":535", ":250") for line in hostile))
        for what in BY:
            with self.subTest(what):
                self.says(0, "review", f"--by={what}", self.log)
                self.by(what, self.log)
        self.says(0, "review", self.log)
        wanted = {word.encode("utf-16", "surrogatepass").decode("utf-16").replace("\0", "\u2400") for word in words}
        self.assertEqual(set(self.by("sender", self.log)), wanted)
        raw = [b"\033[31m", b"\xff\xfe", b"\x9b2J", b"\xe2\x80\xae", b"\xc0\x80", b"\t\x07\x08"]
        self.write(*(reject(sender="SENDER", helo="HELO", recipient="TO", reply="550 5.7.1 TEXT").encode().replace(name, octets)
                     for octets in raw for name in (b"SENDER", b"HELO", b"TO", b"TEXT", b"192.0.2.7", b" mx ", b"RCPT")))
        for what in BY:
            with self.subTest(what):
                self.says(0, "review", f"--by={what}", self.log)
                self.by(what, self.log)
        self.says(0, "review", self.log)

    def test_sign_ins(self):
        """Who guesses is told from whom an old password is sent by; and the users that are guessed at are named."""
        self.write(*(failure("192.0.2.1", f"user{i}", client_port=i) for i in range(3)),
                   *(failure("192.0.2.2", None, client_port=i) for i in range(12)),
                   *(failure(f"198.51.100.{i}", "anna") for i in range(4)),
                   *(failure("203.0.113.5", "old", client_port=i, when=ago(minutes=60 - i)) for i in range(5)),
                   *(failure("203.0.113.7", "hasty", client_port=i) for i in range(9)),
                   failure("203.0.113.6", "once"))
        review = self.reviewed(0, self.log)
        self.assertEqual({row["name"]: (row["count"], row["users"]) for row in review["guessing_clients"]}, {"192.0.2.1": (3, 3), "192.0.2.2": (12, 0)})
        self.assertEqual({row["name"]: (row["count"], row["clients"]) for row in review["guessed_users"]}, {"anna": (4, 4)})
        self.assertEqual({row["name"]: (row["count"], row["clients"]) for row in review["guessing_networks"]},
                         {"198.51.100.0/24": (4, 4), "203.0.113.0/24": (15, 3)})
        self.assertEqual({row["name"]: (row["count"], row["clients"]) for row in review["old_passwords"]}, {"old": (5, 1)})
        page = self.says(0, "review", self.log).out
        parts = [page.index(text) for text in (HEADINGS[4], "192.0.2.2", HEADINGS[6], "anna", HEADINGS[7], "  old\n")]
        self.assertEqual(parts, sorted(parts))

    def test_users_from_the_mail_log(self):
        """An event that only says who the user of a failure was adds the user, and is no refusal."""
        def named(client, user):
            return event(stage="auth", code=None, enhanced=None, reason=None, reply=None, via="maillog", client_addr=client, sasl_user=user)
        self.write(*(line for i in range(3) for line in (failure(f"192.0.2.{i}", None), named(f"192.0.2.{i}", "anna"))),
                   *(line for i in range(3) for line in (named("198.51.100.1", f"user{i}"), failure("198.51.100.1", None))))
        review = self.reviewed(0, self.log)
        self.assertEqual(review["refused"], 6)
        self.assertEqual(self.by("user", self.log), {"anna": 3, "user0": 1, "user1": 1, "user2": 1})
        self.assertEqual({row["name"]: (row["count"], row["clients"]) for row in review["guessed_users"]}, {"anna": (3, 3)})
        self.assertEqual({row["name"]: (row["count"], row["users"]) for row in review["guessing_clients"]}, {"198.51.100.1": (3, 3)})

    def test_short_trend(self):
        """The trend of less than a minute is by the second; times of the far future have theirs, too."""
        now = datetime.datetime(9990, 1, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)
        for last in (ago(seconds=5), now):
            with self.subTest(last):
                self.write(*(event(last - datetime.timedelta(seconds=32)) for _ in range(3)), event(last))
                self.assertEqual(self.reviewed(0, self.log)["reasons"][0]["trend"], [3] + 14 * [0] + [1])

    def test_nothing_of_a_mail_server(self):
        """A file with other things than mail, or with nothing that can be read, is said to be that, and is not a log without refusals."""
        other = self.folder() / "other"
        other.write_text("root:x:0:0\nNov 20 22:26:00 mx sshd[7]: Failed password for root\n" + '{"ts":1}\n')
        for form in (("--json",), (), ("--format=html",), ("--format=csv",)):
            said = self.says(65, "review", *form, other)
            self.assertEqual((said.out, said.err), ("", f"mailwhy review: {other}: no line of Postfix or Sendmail, and no event of mailwhyd, is among its 3 lines\n"))
        self.assertIn("is among its 3 lines", self.says(65, "review", "-", given=other.read_bytes()).err)
        cut = self.folder() / "cut"
        cut.write_text("2026 mx postfix/smtpd[7]: NOQUEUE: reject: x\nroot\n")
        self.assertRegex(self.says(65, "review", cut).err, "nothing of its 2 lines can be read: 1 of a mail server ")
        self.write(reject())
        both = self.says(65, "review", "--json", other, self.log)
        self.assertEqual(read_json(both.out)[0]["refused"], 1)
        empty = self.folder() / "empty"
        empty.touch()
        quiet = self.folder() / "quiet"
        quiet.write_text(postfix("connect from c.test[192.0.2.7]") + event(code=235, stage="auth", reply=None))
        for nothing in (empty, quiet):
            self.assertIn("Nothing was refused", self.says(1, "review", nothing).out)
        xz = self.folder() / "log.xz"
        xz.write_bytes(b"\xfd7zXZ\0" + bytes(100))
        said = self.says(66, "review", xz)
        self.assertNotIn("Nothing was refused", said.out)
        looked_up = self.says(66, "ref", "--log", xz, "3ARFP-ZNZ01")
        self.assertEqual(looked_up.err, f"mailwhy ref: the event log {xz} can't be read: it is compressed with neither gzip nor zstd.\n")

    def test_one_attempt(self):
        """A failure and the event that names its user are one attempt, whatever is asked for: counted once, under its reason, code and user."""
        def attempt(number, user, client, reason="auth-bad-credentials", code=535):
            ref = f"3ARFP-ZNZ{number:02}"
            keys = {"client_addr": client, "client_port": 4000 + number, "reply": None, "stage": "auth"}
            return (event(ref=ref, code=code, enhanced="5.7.8", reason=reason, **keys),
                    event(code=None, enhanced=None, reason=None, via="maillog", sasl_user=user, of=ref, of_code=code, of_enhanced="5.7.8", of_reason=reason, **keys))
        lines = [line for i in range(5) for line in attempt(i, "anna", f"192.0.2.{i}")] + [*attempt(7, "joe", "192.0.2.1"), *attempt(8, "anna", "192.0.2.1", "auth-user-disabled", 525)]
        self.write(*lines)
        for args, refused, users in (((), 7, {"anna": 6, "joe": 1}), (("--user=anna",), 6, {"anna": 6}), (("--user=*",), 7, {"anna": 6, "joe": 1}),
                                     (("--user=anna", "--code=525"), 1, {"anna": 1}), (("--reason=auth-bad-credentials",), 6, {"anna": 5, "joe": 1}),
                                     (("--code=5.7.8", "--client=192.0.2.1"), 3, {"anna": 2, "joe": 1}), (("--user=joe", "--client=192.0.2.0/31"), 1, {"joe": 1})):
            with self.subTest(args):
                self.assertEqual(self.by("user", *args, self.log), users)
                review = self.reviewed(0, *args, self.log)
                self.assertEqual((review["refused"], review["sessions"]), (refused, refused))
                self.assertEqual(sum(row["count"] for row in review["reasons"]), refused)
        self.assertEqual(counted(self.reviewed(0, "--user=anna", self.log)["reasons"]), {"auth-bad-credentials": 5, "auth-user-disabled": 1})
        self.assertEqual(counted(self.reviewed(0, "--user=anna", self.log)["guessed_users"]), {"anna": 6})
        self.assertEqual(self.reviewed(1, "--user=nobody", self.log)["refused"], 0)
        listed = self.says(0, "ref", "--user=anna", "--log", self.log).out
        self.assertEqual([listed.count(f"3ARFP-ZNZ{i:02}") for i in (*range(5), 7, 8)], [1, 1, 1, 1, 1, 0, 1])
        self.assertEqual(self.says(0, "ref", "--client=192.0.2.1", "--log", self.log).out.count("3ARFP"), 3)
        self.write(*lines, *(line.replace(',"client_port":4009', "") for line in attempt(9, "session-less", "192.0.2.9")))
        for ref, user in (("3ARFP-ZNZ03", "anna"), ("3ARFP-ZNZ07", "joe"), ("3ARFP-ZNZ09", "session-less")):
            self.assertRegex(self.says(0, "ref", "--log", self.log, ref).out, rf"(?m)^User: +{user}$")
            self.assertNotIn("The session", self.says(0, "ref", "--log", self.log, ref).out)
        self.write(*lines, event(ref="3ARFP-ZNZ20", client_addr="192.0.2.3", client_port=4003))
        shown = self.says(0, "ref", "--log", self.log, "3ARFP-ZNZ03").out
        self.assertRegex(shown, r"(?m)^\* .* 535 .* 3ARFP-ZNZ03 +anna\n  .* 554 .* 3ARFP-ZNZ20 *$")

    def test_others(self):
        """Correspondents whose mail was accepted and refused, unknown replies in groups, what other servers refuse, and what is ours to fix."""
        said = "dsn=5.7.1, status=bounced (host mx.there.test[198.51.100.3] said: {} (in reply to RCPT TO command))"
        listed = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
        self.write(reject(sender="real@x.test"), reject(sender="other@x.test"), reject(sender="other@x.test", reply="451 4.3.5 Server configuration error"),
                   postfix("4XyZ12: from=<real@x.test>, size=450, nrcpt=1 (queue active)", service="postfix/qmgr"),
                   *(reject(reply=f"550 5.9.9 zork {i} <{i}@x.test> was not blorbed") for i in range(4)),
                   postfix("4XyZ12: to=<joe@there.test>, relay=x, " + said.format(listed), service="postfix/smtp"))
        review = self.reviewed(0, self.log)
        self.assertEqual(counted(review["correspondents"]), {"real@x.test": 1})
        self.assertEqual([row["count"] for row in review["unknown"]], [4])
        self.assertIn("zork", review["unknown"][0]["name"])
        self.assertEqual((review["accepted"], review["deliveries_refused"], review["refused"]), (1, 1, 7))
        who = {row["name"]: row.get("who") for row in review["reasons"] + review["refused_by_others"]}
        self.assertIn("receiver-admin", [row.get("who") for row in review["reasons"]], who)
        self.assertEqual([row.get("who") for row in review["refused_by_others"]], ["sender-admin"], who)
        page = self.says(0, "review", self.log).out
        present = (HEADINGS[0], HEADINGS[1], HEADINGS[2], HEADINGS[3], HEADINGS[8], HEADINGS[9])
        places = [page.index(f"\n{heading}\n") for heading in present]
        self.assertEqual(places, sorted(places))
        self.assertRegex(page, "Accepted messages: +1\nDeliveries that other servers refused or put off: +1\n")

    def test_sendmail(self):
        """Sendmail's log, read the same way."""
        mta = "2AKMQ0aa000811: "
        relay = "relay=c.test [192.0.2.7]"
        lines = [f"{mta}ruleset=check_rcpt, arg1=<a@there.test>, {relay}, reject=550 5.7.1 <a@there.test>... Relaying denied",
                 f"{mta}ruleset=check_mail, arg1=<b@x.test>, {relay}, reject=553 5.1.8 <b@x.test>... Domain of sender address b@x.test does not exist",
                 f"{mta}AUTH failure (LOGIN): authentication failure (-13) SASL(-13): checkpass failed, {relay}", f"{mta}Milter: data, reject=550 5.7.1 Command rejected",
                 f"{mta}to=<joe@there.test>, delay=00:00:01, mailer=esmtp, dsn=5.1.1, stat=User unknown",
                 f"{mta}to=<joe@there.test>, delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (Ok)",
                 f"{mta}<joe@x.test>... User unknown", f"{mta}Too many recipients", f"{mta}message size (180200) exceeds maximum (100000)",
                 f"{mta}to=<joe@x.test>, delay=00:00:00, stat=Message exceeds maximum fixed size (100000)",
                 f"{mta}from=<c@x.test>, size=450, class=0, nrcpts=1, proto=ESMTP, {relay}"]
        review = self.reviewed(0, self.write(*(postfix(line, service=service) for line, service in zip(lines, ("sendmail", "sm-mta") * 6))))
        self.assertEqual((review["refused"], review["deliveries_refused"], review["accepted"]), (7, 1, 1))
        self.assertEqual(self.by("mta", self.log), {"Sendmail": 7})
        self.assertEqual(self.by("client", self.log), {"192.0.2.7": 3})

    def test_progress(self):
        """How far it is, is shown where standard error is a terminal, and gone at the end; nowhere else."""
        self.write(*(reject() for _ in range(1000)))
        self.assertEqual(self.says(0, "review", self.log).err, "")
        ours, theirs = pty.openpty()
        try:
            done = subprocess.run((BUILD / "mailwhy", "review", self.log), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, timeout=30,
                                  env=environment(), check=True)
            shown = os.read(ours, 65536)
        finally:
            os.close(theirs)
            os.close(ours)
        self.assertIn(f"{self.log}: ".encode(), shown)
        self.assertTrue(shown.endswith(b"\r\033[K"), shown)
        self.assertNotIn(b"\033", done.stdout)
        self.assertEqual(done.stdout.decode(), self.says(0, "review", self.log).out)

    def test_color(self):
        """Colour comes where it is asked for, and JSON has none."""
        self.write(reject())
        colored = self.says(0, "review", "--color=always", self.log, colored=True).out
        self.assertIn("\033[1m", colored)
        self.assertNotIn("\033", self.says(0, "review", "--color=never", self.log).out)
        self.assertNotIn("\033", self.says(0, "review", "--color=always", "--json", self.log).out)
