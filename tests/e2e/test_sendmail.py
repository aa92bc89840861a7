"""A real Sendmail with FEATURE(`mailwhy'): what its rulesets refuse is explained on one line, what its own code refuses as far as that can be had, and
nothing else changes."""

import contextlib
import re
import signal
import socketserver
import tempfile
import threading
import time

from mailwhyd import Mailwhyd, SocketMap, mailwhy
from rig import HELO, Explained
from sandbox import Sandbox, run, wait_for
from sasl import PASSWORD, REALM, UNKNOWN_USER, USER, WRONG
from sendmail import ADDED, CLIENT, MAILBOX, NAMED, PROGRAMS, Sendmail
from smtp import REFERENCE, Client
from supervisor import Supervisor

SENDER = "sender@b.test"
ELSEWHERE = "someone@elsewhere.test"
MAIL = f"MAIL FROM:<{SENDER}>"
RELAY = f"RCPT TO:<{ELSEWHERE}>"
QUIET = "Subject: x\r\n\r\nhello\r\n."
LONG = "not from here, for reasons that take some room to tell "  # 55 octets

ACCESS = """\
Connect:127.0.0.21\tREJECT
Connect:127.0.0.22\tERROR:5.7.1:550 Your "best" network is closed
Connect:127.0.0.23\tERROR:"554 5.7.1 Not you"
Connect:127.0.0.24\tERROR:"421 4.3.2 Come back later"
ClientConn:127.0.0.25\t1
From:spam@bad.test\tREJECT
From:policy@bad.test\tERROR:"550 5.7.1 Sender refused by local policy"
From:later@bad.test\tERROR:4.7.1:450 Try again
From:lost@bad.test\tDISCARD
From:held@bad.test\tQUARANTINE:odd
""" + "".join(f"From:long{n}@bad.test\tERROR:\"550 5.7.1 {LONG * 5:.{n}}\"\n" for n in range(150, 241, 5)) + """\
To:closed@mailwhy.test\tREJECT
To:moved@mailwhy.test\tERROR:5.1.6:551 Moved away
"""

RULESETS = """
Scheck_data
R2\t\t$#error $@ 5.7.1 $: "550 Not two recipients at a time"
Scheck_eoh
R$* $| 77777\t$#error $@ 5.6.0 $: 554 odd headers
Scheck_eom
R$+\t\t$: $(arith l $@ 2000 $@ $1 $)
RTRUE\t\t$#error $@ 5.3.4 $: "552 This message is bigger than we like"

SCheckColour
R$* mauve $*\t$#error $@ 5.6.0 $: ifdef(`_MAILWHY_RULESET_', `$>mailwhy_header') "550 5.6.0 Not in this colour"
"""

VIRTUAL = """\
gone@mailwhy.test\terror:nouser 550 No such user here
closed.soon@mailwhy.test\terror:5.7.0:550 Closed "for now", 100%
full@mailwhy.test\terror:4.2.2:450 Come back when there is room
wordless@mailwhy.test\terror:nouser Nobody reads this
nested@mailwhy.test\tgone@mailwhy.test
"""

ZERO = """LOCAL_RULE_0
R$* < @ zero.test . > $*\t$#error $@ 5.1.2 $: "550 Rule zero has none"
LOCAL_CONFIG
HX-Colour: $>CheckColour"""

# Each is refused: name, the client's address, what it says after EHLO, and the event of the last reply: code, enhanced code, a part of the text, stage,
# reason, sender, recipient.
REFUSALS = (
    ("relaying, no name", CLIENT, [MAIL, RELAY], 550, "5.7.1", "Relaying denied. IP name lookup failed", "rcpt", "relay-denied", SENDER, ELSEWHERE),
    ("relaying, a name", NAMED, [MAIL, RELAY], 550, "5.7.1", "Relaying denied. Proper authentication required.", "rcpt", "relay-denied", SENDER, ELSEWHERE),
    ("relaying by the percent hack", CLIENT, [MAIL, "RCPT TO:<x%elsewhere.test@mailwhy.test>"], 550, "5.7.1", "Relaying denied", "rcpt",
     "relay-denied", SENDER, "x%elsewhere.test@mailwhy.test"),
    ("sender, REJECT", CLIENT, ["MAIL FROM:<spam@bad.test>"], 550, "5.7.1", "Access denied", "mail", "sender-access-denied", "spam@bad.test", None),
    ("sender, ERROR", CLIENT, ["MAIL FROM:<policy@bad.test>"], 550, "5.7.1", "Sender refused by local policy", "mail", None, "policy@bad.test", None),
    ("sender, ERROR for now", CLIENT, ["MAIL FROM:<later@bad.test>"], 450, "4.7.1", "Try again", "mail", None, "later@bad.test", None),
    ("recipient, REJECT", CLIENT, [MAIL, "RCPT TO:<closed@mailwhy.test>"], 550, "5.2.1", "Mailbox disabled for this recipient", "rcpt", None, SENDER,
     "closed@mailwhy.test"),
    ("recipient, ERROR", CLIENT, [MAIL, "RCPT TO:<moved@mailwhy.test>"], 551, "5.1.6", "Moved away", "rcpt", None, SENDER, "moved@mailwhy.test"),
    ("check_data", CLIENT, [MAIL, f"RCPT TO:<{MAILBOX}>", "RCPT TO:<root@mailwhy.test>", "DATA"], 550, "5.7.1", "Not two recipients at a time", "data",
     None, SENDER, "root@mailwhy.test"),
    ("check_eom", CLIENT, [MAIL, f"RCPT TO:<{MAILBOX}>", "DATA", "x" * 900 + "\r\n" + "y" * 900 + "\r\n" + "z" * 900 + "\r\n."], 552, "5.3.4",
     "This message is bigger than we like", "eom", None, SENDER, MAILBOX),
    ("virtusertable", CLIENT, [MAIL, "RCPT TO:<gone@mailwhy.test>"], 550, "5.0.0", "No such user here", "rcpt", "rcpt-unknown", SENDER, "gone@mailwhy.test"),
    ("virtusertable, a code", CLIENT, [MAIL, "RCPT TO:<closed.soon@mailwhy.test>"], 550, "5.7.0", "Closed", "rcpt", None, SENDER, "closed.soon@mailwhy.test"),
    ("virtusertable, for now", CLIENT, [MAIL, "RCPT TO:<full@mailwhy.test>"], 450, "4.2.2", "Come back", "rcpt", None, SENDER, "full@mailwhy.test"),
    ("virtusertable, no code", CLIENT, [MAIL, "RCPT TO:<wordless@mailwhy.test>"], 553, "5.3.0", "Nobody reads this", "rcpt", None, SENDER,
     "wordless@mailwhy.test"),
    ("virtusertable, twice", CLIENT, [MAIL, "RCPT TO:<nested@mailwhy.test>"], 550, "5.0.0", "No such user here", "rcpt", "rcpt-unknown", SENDER,
     "nested@mailwhy.test"),
    ("mailertable", CLIENT, [MAIL, "RCPT TO:<x@closed.test>"], 550, "5.7.0", "We send nothing there", "rcpt", None, SENDER, "x@closed.test"),
    ("LOCAL_RULE_0", CLIENT, [MAIL, "RCPT TO:<x@zero.test>"], 550, "5.1.2", "Rule zero has none", "rcpt", None, SENDER, "x@zero.test"),
    ("recipient without a name", CLIENT, [MAIL, "RCPT TO:<@mailwhy.test>"], 553, "5.1.3", "User address required", "rcpt", "rcpt-address-syntax", SENDER,
     "@mailwhy.test"),
    ("recipient, bad domain", CLIENT, [MAIL, "RCPT TO:<x@mailwhy..test>"], 553, "5.1.2", "Invalid host name", "rcpt", None, SENDER, "x@mailwhy..test"),
    ("recipient, a list", CLIENT, [MAIL, "RCPT TO:<friends:;>"], 553, "5.1.3", "syntax illegal for recipient addresses", "rcpt", None, SENDER, "friends:"),
    ("address of a sender without a name", CLIENT, ["MAIL FROM:<@b.test>"], 553, "5.1.3", "User address required", "mail", "sender-address-syntax",
     "@b.test", None),
    ("address of a sender, bad domain", CLIENT, ["MAIL FROM:<x@b..test>"], 553, "5.1.2", "Invalid host name", "mail", None, "x@b..test", None),
    ("VRFY of a virtual user", CLIENT, ["VRFY gone@mailwhy.test"], 550, "5.0.0", "No such user here", "other", "rcpt-unknown", None, "gone@mailwhy.test"),
    ("header check", CLIENT, [MAIL, f"RCPT TO:<{MAILBOX}>", "DATA", "X-Colour: a mauve one\r\n\r\nhello\r\n."], 550, "5.6.0", "Not in this colour", "eom", None,
     SENDER, MAILBOX),
    ("client, REJECT", "127.0.0.21", [MAIL], 550, "5.7.1", "Access denied", "connect", "client-access-denied", None, None),
    ("client, ERROR", "127.0.0.22", [MAIL], 550, "5.7.1", "Yourbestnetwork is closed", "connect", None, None, None),
    ("client, ERROR in quotes", "127.0.0.23", [MAIL], 554, "5.7.1", "Not you", "connect", None, None, None),
    ("client, dnsbl", "127.0.0.31", [MAIL], 550, "5.7.1", "Rejected: 127.0.0.31 listed at bl.test", "connect", None, None, None),
    ("client, enhdnsbl", "127.0.0.32", [MAIL], 550, "5.7.1", "Rejected: 127.0.0.32 listed at ebl.test", "connect", None, None, None),
)

# What mailwhy must leave as it is.
OTHERS = (
    ("DISCARD", ["MAIL FROM:<lost@bad.test>", RELAY, "RSET"]),
    ("QUARANTINE", ["MAIL FROM:<held@bad.test>", f"RCPT TO:<{MAILBOX}>", "DATA", QUIET]),
    ("accepted", [MAIL, f"RCPT TO:<{MAILBOX}>", "DATA", QUIET]),
    ("what Sendmail's own code refuses", ["RCPT TO:<x@y.test>", "DATA", "MAIL", "HELO", "MAIL FROM:<a@b.test", "EHLO"]),
    ("unknown user", [MAIL, "RCPT TO:<nobody-here@mailwhy.test>"]),
    ("addresses", ['MAIL FROM:<"a b\\"%s$x"@b.test>', 'RCPT TO:<"c d%s$(x)"@elsewhere.test>', "RCPT TO:<>", "RCPT TO:<@>", "RCPT TO:<a@b@c>",
                   "RCPT TO:<" + "a" * 240 + "@" + "b" * 200 + ".test>", "RCPT TO:<" + "a." * 400 + "@elsewhere.test>",
                   b"RCPT TO:<\x9bx\xff\x93\x91@elsewhere.test>", b"MAIL FROM:<\x9b@b.test>", "RCPT TO:<(c)x(d)@elsewhere.test>"]),
    ("commands", ["NOOP", "NOOP x", "VRFY x", "EXPN x", "ETRN x", "HELP", "RSET"]),
)


# What no mailwhyd says. None: it closes the connection.
NONSENSE = (None, b"", b"OK", b"OK ", b"OK  ", b"NOTFOUND", b"TEMP later", b"PERM never", b"TIMEOUT x", b"YES x", b"OK 250 fine", b'OK "250 2.1.5 fine"',
            b'OK "550 open', b'OK 550 "a" "b"', b"OK <", b"OK >", b"OK (", b"OK )", b"OK \\", b"OK ,", b"OK %0", b"OK %1%2%9", b"OK $#OK", b"OK RELAY",
            b"OK ? x", b"OK \x9b", b"OK \x9bx\x9by", b"OK \x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f", b"OK \x8fOK", b"OK \xff\xff",
            b"OK \0", b"OK a\r\n250 b", b'OK "550 a\r\n250 b"', b"OK " + b"x" * 5000, b"OK " + b"x." * 900, b'OK "550 ' + b"x" * 5000 + b'"',
            b"OK " + b"x" * 90_000)


class Liar(socketserver.ThreadingUnixStreamServer):
    """A server of socket maps that answers whatever `answer` is."""

    daemon_threads = True
    answer = b""

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self):
            while True:
                digits = b""
                while not digits.endswith(b":"):
                    octet = self.rfile.read(1)
                    if not octet:
                        return
                    digits += octet
                self.rfile.read(int(digits[:-1]) + 1)
                if self.server.answer is None:
                    return
                self.wfile.write(SocketMap.netstring(self.server.answer))

    def __init__(self, path):
        super().__init__(str(path), self.RequestHandlerClass)


def bare(reply):
    """The reply without what was added, and without what differs from one session to the next."""
    lines = [ADDED.sub("", line) for line in reply.own]
    return [re.sub(r"\b[0-9][A-Za-z]{2}\w{5}\d{6}\b|\d\d:\d\d:\d\d", "#", line) for line in lines]


class SendmailTest(Explained):
    """Tests that share one Sendmail and its mailwhyd."""

    options = {"features": ["FEATURE(`blocklist_recipients')dnl", "define(`DNSBL_MAP', `hash -a. BL')dnl", "FEATURE(`dnsbl', `bl.test')dnl",
                            "FEATURE(`enhdnsbl', `ebl.test')dnl", "FEATURE(`virtusertable', `hash VIRTUAL')dnl",
                            "FEATURE(`mailertable', `hash ELSEWHERE')dnl", "LOCAL_CONFIG", "Karith arith", ZERO],
               "rulesets": RULESETS}
    daemon_options = {}

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        blocklist = cls.sandbox / "sendmail" / "blocklist"
        lists = "31.0.0.127.bl.test.\t127.0.0.2\n32.0.0.127.ebl.test.\t127.0.0.2\n"
        edit = {"hash -a. BL": f"hash {blocklist}", "Kednsbl dns -R A -a. -T<TMP> -r5": f"Kednsbl hash -a. {blocklist}",
                "hash VIRTUAL": f"hash {cls.sandbox / 'sendmail'}/virtual", "hash ELSEWHERE": f"hash {cls.sandbox / 'sendmail'}/elsewhere"}
        cls.bounces = cls.sandbox / "bounces"
        cls.bounces.touch()
        cls.bounces.chmod(0o666)
        options = {"maps": {"access": ACCESS, "blocklist": lists, "virtual": VIRTUAL, "elsewhere": "closed.test\terror:5.7.0:550 We send nothing there\n",
                            "aliases": f"mailbox\t/dev/null\nbroken\tgone@mailwhy.test\nbounces\t\"|/bin/cat >{cls.bounces}\"\n"}, **cls.options}
        if "maps" not in cls.options:
            options["edit"] = edit
        cls.sendmail = Sendmail(cls.sandbox, **options)
        cls.daemon = Mailwhyd(cls.sandbox, cls.sandbox / "mailwhyd-sockets", **cls.daemon_options)
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    @classmethod
    def wire(cls):
        cls.daemon.start()
        cls.sendmail.wire(cls.daemon.reply, cls.daemon.milter)
        cls.sendmail.start()

    def client(self, source=CLIENT, service="smtp", helo=HELO):
        client = Client(self.sendmail.ports[service], helo, source=source)
        self.addCleanup(client.close)
        return client

    def refused(self, reply, code, enhanced, text, **expected):
        """A refusal on one line, with a fix or a reason, and a reference whose event tells of it. The event."""
        self.assertEqual(len(reply.lines), 1, reply)
        self.assertTrue(reply.lines[0].startswith(f"{code} {enhanced} "), reply)
        self.assertIn(text, reply.lines[0])
        self.assertRegex(reply.lines[0], r"; (Reason|Fix): .* Ref: \S+")
        event = self.daemon.event(REFERENCE.search(reply.lines[0]).group(1))
        self.assertIn(text, event["reply"])
        self.assert_event(event, mta="Sendmail 8.17.1.9", host=f"mx.{REALM}", via="ruleset", code=code, enhanced=enhanced, **expected)
        return event


class Rulesets(SendmailTest):
    """Each stage's refusals, with the milter and the reply map."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wire()

    def setUp(self):
        self.addCleanup(self.daemon.check)

    def test_refusals(self):
        """Each ruleset's refusal is explained, once, and logged with the whole session."""
        for name, source, lines, code, enhanced, text, stage, reason, sender, recipient in REFUSALS:
            with self.subTest(name):
                before = len(self.daemon.events())
                client = self.client(source)
                port = client.sock.getsockname()[1]
                event = self.refused(client.play(*lines), code, enhanced, text, stage=stage, client_addr=source, client_port=port,
                                     sender=sender, recipient=recipient, attempt=1)
                if stage != "connect":
                    self.assert_event(event, helo=HELO, tls="none")
                if reason:
                    self.assertEqual(event["reason"], reason)
                self.assertEqual(len(self.daemon.events()), before + 1)

    def test_client_refused(self):
        """A client that check_relay refuses reads the same at each command, under one reference; 421 at once."""
        before = len(self.daemon.events())
        client = self.client("127.0.0.22")
        first = client.say(MAIL)
        self.assertEqual([client.say(RELAY).lines, client.say("DATA").lines], [first.lines, first.lines])
        self.assertEqual(len(self.daemon.events()), before + 1)
        greeting = Client(self.sendmail.ports["smtp"], source="127.0.0.24").greeting
        self.refused(greeting, 421, "4.3.2", "Come back later", stage="connect")

    def test_messages(self):
        """Two messages and a RSET on one connection: each refusal tells of its own."""
        client = self.client()
        first = self.refused(client.play("MAIL FROM:<one@b.test>", RELAY), 550, "5.7.1", "Relaying", sender="one@b.test", recipient=ELSEWHERE)
        client.play("RSET", "MAIL FROM:<two@b.test>")
        second = self.refused(client.say("RCPT TO:<other@elsewhere.test>"), 550, "5.7.1", "Relaying", sender="two@b.test",
                              recipient="other@elsewhere.test", attempt=2)
        self.assertNotEqual(first["queue_id"], second["queue_id"])
        self.assertEqual(client.play(f"RCPT TO:<{MAILBOX}>", "DATA", QUIET).code, 250)
        third = self.refused(client.say("MAIL FROM:<spam@bad.test>"), 550, "5.7.1", "Access denied", sender="spam@bad.test", recipient=None, attempt=3)
        self.assertNotIn("queue_id", third)
        fourth = self.refused(client.play(MAIL, RELAY), 550, "5.7.1", "Relaying", sender=SENDER, recipient=ELSEWHERE, attempt=4)
        found = mailwhy("ref", "--log", self.daemon.log, second["ref"]).stdout
        for event in (first, second, third, fourth):
            self.assertIn(event["ref"], found)

    def test_signed_in(self):
        """Who signed in, and how, stands in the event; TLS too."""
        client = self.client(service="submission")
        client.starttls(HELO)
        self.assertEqual(client.auth_plain(USER.partition("@")[0], PASSWORD).code, 235)
        for line, sender in (("MAIL FROM:<spam@bad.test>", "spam@bad.test"), (MAIL, SENDER)):
            reply = client.say(line) if sender != SENDER else client.play(line, "RCPT TO:<closed@mailwhy.test>")
            event = self.daemon.event(REFERENCE.search(reply.lines[0]).group(1))
            self.assert_event(event, sasl_method="PLAIN", sasl_user=USER.partition("@")[0], tls="TLSv1.3", sender=sender)

    def test_no_account_oracle(self):
        """A wrong password and an unknown user are answered alike, and not by us."""
        replies = []
        for user in (USER, UNKNOWN_USER, ""):
            client = self.client(service="submission")
            replies.append([client.auth_plain(user, WRONG).lines, client.auth_login(user, WRONG).lines])
        self.assertEqual(replies[1:], replies[:-1])
        self.assertEqual(replies[0][0], ["535 5.7.0 authentication failed"])

    def test_unknown_command(self):
        """The milter answers an unknown command, in several lines, and logs it without what may have been a password."""
        client = self.client()
        reply = client.say("hunter2 %s%n 100%")
        event = self.daemon.event(self.assert_explained(reply, 500))
        self.assert_event(event, via="milter", stage="unknown", enhanced="5.5.1", reason="command-unknown", reply="500 5.5.1 Command unrecognized",
                          client_addr=CLIENT, helo=HELO, attempt=1)
        self.assertEqual(reply.own, ["500-5.5.1 Command unrecognized"])
        self.assertNotIn("hunter2", self.daemon.log.read_text())

    def test_unknown_user(self):
        """A recipient that Sendmail's own code refuses stands in the log, without a reference."""
        self.assert_plain(self.client().play(MAIL, "RCPT TO:<nobody-here@mailwhy.test>"), 550)
        event = self.daemon.events()[-1]
        self.assert_event(event, via="milter", stage="rcpt", code=550, enhanced="5.1.1", reason="rcpt-unknown", sender=SENDER,
                          recipient="nobody-here@mailwhy.test", reply="550 5.1.1 User unknown", ref=None)

    def test_long_text(self):
        """However long the text, it stays as it is and the reply is refused with its code; what fits is added, sentence by sentence."""
        explained = 0
        for octets in range(150, 241, 5):
            with self.subTest(octets):
                reply = self.client().say(f"MAIL FROM:<long{octets}@bad.test>")
                own = f"550 5.7.1 <long{octets}@bad.test>... {LONG * 5:.{octets}}"
                self.assertTrue(reply.lines[0].startswith(own), reply)
                self.assertRegex(reply.lines[0][len(own):], r"^(; ((Reason|Fix): .*\. )?Ref: \S+)?$")
                self.assertLessEqual(len(reply.lines[0]), 510)
                explained += "Ref: " in reply.lines[0]
        self.assertGreaterEqual(explained, 10)

    def test_not_asked(self):
        """Beyond MAIL, RCPT and VRFY ruleset 0 asks nobody: where an alias leads to an error, that is the plain one, in a bounce; nor does -bt."""
        before = self.daemon.events()
        self.assertEqual(self.client().message("bounces@mailwhy.test", "broken@mailwhy.test").code, 250)
        wait_for("the bounce", lambda: "No such user here" in self.bounces.read_text(), 30)
        self.assertNotIn("Ref: ", self.bounces.read_text())
        with tempfile.TemporaryFile("w+") as asked:
            asked.write("3,0 gone@mailwhy.test\n")
            asked.seek(0)
            tried = run(*self.sendmail.apart(), PROGRAMS / "sendmail", "-C", self.sendmail.config, "-bt", stdin=asked).stdout
        self.assertIn("No such user here", tried)
        self.assertEqual(self.daemon.events(), before)

    def test_keys(self):
        """Keys that no ruleset asks with are not found, and harm nobody."""
        whole = b"\x9b".join([b"rcpt", b"mx.mailwhy.test", b"8.17.1.9", b"127.0.0.9", b"4711", b"[127.0.0.9]", b"", b"", b"", b"5.7.1", b"<a@b.c>",
                              b"550 Relaying denied"])
        fields = whole.split(b"\x9b")
        bad = [whole.replace(b"\x9b", b" "), b"", b"\x9b" * 11, b"\x9b" * 4000, whole.replace(b"rcpt", b"nothing"), whole + b"\0", b"\xff" * 99_000,
               whole.replace(b"550 ", b"250 "), b"\x9b".join(fields[:-1]), b"\x9b".join(fields[:-1] + [b""]),
               whole.replace(b"Relaying", b"a\r\n550 b"), b"close", b"Close", b"rcpt"]
        odd = [whole.replace(b"4711", b"-1"), whole.replace(b"4711", b"9" * 300), whole.replace(b"127.0.0.9", b"IPv6:::1"),
               whole.replace(b"127.0.0.9", b"x" * 300), whole.replace(b"Relaying", b'"\\%s%n$x$(y)\x9b\xff\x80'), whole.replace(b"<a@b.c>", b"<"),
               whole.replace(b"<a@b.c>", b"<>"), whole.replace(b"550 ", b""), whole + b"x" * 100]
        for key in bad + odd:
            with self.subTest(key[:80]):
                with self.daemon.connect() as reply_map:
                    answer = reply_map.request("sendmail", key)
                if key == b"close":
                    self.assertIsNone(answer)
                elif key in bad:
                    self.assertEqual(answer, ("NOTFOUND", b""))
                else:
                    self.assertEqual(answer[0], "OK")
                    self.assertRegex(answer[1].decode("ascii"), r'^"([^"\\]|\\.)*"$')
        self.daemon.events()


class DelayedChecks(SendmailTest):
    """With FEATURE(`delay_checks') all is refused at RCPT."""

    options = {**SendmailTest.options, "delay_checks": True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wire()

    def setUp(self):
        self.addCleanup(self.daemon.check)

    def test_helo(self):
        """A HELO name that is not the client's to say."""
        reply = self.client(helo=REALM).play(MAIL, f"RCPT TO:<{MAILBOX}>")
        self.refused(reply, 550, "5.7.1", f"bogus HELO name used: {REALM}", stage="rcpt", helo=REALM, recipient=MAILBOX)

    def test_not_delayed(self):
        """What is checked at once all the same: too many connections of one client."""
        self.assertEqual(self.client("127.0.0.25").say("NOOP").code, 250)
        greeting = Client(self.sendmail.ports["smtp"], source="127.0.0.25").greeting
        self.refused(greeting, 421, "4.3.2", "Too many open connections.", stage="connect", client_addr="127.0.0.25")

    def test_refusals(self):
        """Clients and senders too are refused, explained and logged at RCPT, by an event that knows sender and recipient."""
        for name, source, lines, code, enhanced, text, *_ in REFUSALS:
            if not name.startswith(("client", "sender", "relaying")):
                continue
            with self.subTest(name):
                mail = lines[0]
                sender = mail[len("MAIL FROM:<"):-1]
                reply = self.client(source).play(mail, f"RCPT TO:<{MAILBOX}>" if len(lines) == 1 else lines[1])
                self.refused(reply, code, enhanced, text, stage="rcpt", sender=sender, helo=HELO)


class Others(SendmailTest):
    """Rulesets that few sites have."""

    options = {"features": ["FEATURE(`require_rdns')dnl"],
               "rulesets": """
Scheck_vrfy
R$*\t\t$#error $@ 5.7.0 $: "550 We do not tell"
Scheck_expn
R$*\t\t$#error $@ 5.7.0 $: "550 Nor this"
Scheck_etrn
R$*\t\t$#error $@ 5.7.0 $: "459 Not for you"
Scheck_other
R$* $| 2\t\t$#error $@ 5.7.0 $: "550 Nothing is not done here"
""",
               "maps": {"access": "TLS_Clt:127.0.0.3\tPERM+ENCR:112\nFrom:x@b.test\tREJECT\n"}}

    def test_refusals(self):
        """Their refusals are explained in the same way."""
        self.wire()
        rows = (("no reverse DNS", CLIENT, [MAIL], 550, "5.7.1", "Fix reverse DNS for 127.0.0.9", "connect"),
                ("no TLS", NAMED, [MAIL], 503, "5.7.0", "encryption too weak", "mail"),
                ("VRFY", "127.0.0.2", ["VRFY x"], 550, "5.7.0", "We do not tell", "other"),
                ("EXPN", "127.0.0.2", ["EXPN x"], 550, "5.7.0", "Nor this", "other"),
                ("ETRN", "127.0.0.2", ["ETRN x"], 459, "5.7.0", "Not for you", "other"),
                ("NOOP", "127.0.0.2", ["NOOP"], 550, "5.7.0", "Nothing is not done here", "other"))
        for name, source, lines, code, enhanced, text, stage in rows:
            with self.subTest(name):
                self.refused(self.client(source).play(*lines), code, enhanced, text, stage=stage, client_addr=source)
        self.daemon.check()


class Without:
    """Whatever mailwhyd does or does not, Sendmail decides as without it. Each class below is this, with one kind of Sendmail."""

    daemon_options = {"more": 'explain { help_url = "https://x.test/a%%20b?%code" }'}

    def setUp(self):
        self.addCleanup(self.daemon.stop)
        self.addCleanup(self.sendmail.stop)

    def outcomes(self):
        """The replies to everything above, without what mailwhy added."""
        found = {}
        for name, source, lines, *_ in REFUSALS:
            client = self.client(source)
            found[name] = [bare(client.say(line)) for line in lines]
        for name, lines in OTHERS:
            client = self.client()
            found[name] = [bare(client.say(line)) for line in lines]
        return found

    def assert_same(self, found, plain):
        for name, replies in plain.items():
            self.assertEqual(found[name], replies, name)

    def test_same_decisions(self):
        """Without mailwhy, with it, and with FEATURE(`mailwhy') but mailwhyd not running: the same codes and texts, but for what is added."""
        self.sendmail.start()
        plain = self.outcomes()
        self.sendmail.stop()
        self.wire()
        self.assert_same(self.outcomes(), plain)
        self.daemon.stop()
        self.assert_same(self.outcomes(), plain)
        for reply in (self.client().play(MAIL, RELAY), self.client("127.0.0.22").say(MAIL), self.client().say("FOO")):
            self.assert_plain(reply, reply.code)
        self.daemon.start()
        self.assertIn("Ref: ", self.client().play(MAIL, RELAY).lines[0])


class WithoutDelayedChecks(Without, SendmailTest):
    options = DelayedChecks.options


class WithoutMore(Without, SendmailTest):
    """With the stock order of checks, and what becomes of a session in its middle."""

    def test_percent(self):
        """A percent sign arrives as one, also where Sendmail takes the text for a format."""
        self.wire()
        for source, line in (("127.0.0.22", MAIL), (CLIENT, "MAIL FROM:<spam@bad.test>"), (CLIENT, "VRFY full@mailwhy.test"), (CLIENT, "FOO")):
            self.assertRegex(str(self.client(source).say(line)), r" https://x.test/a%20b\?[45]\d0$")

    def everything(self, source, lines):
        """All that the server says to these lines, be it replies or not."""
        said = b""
        with contextlib.suppress(ConnectionError), Client(self.sendmail.ports["smtp"], HELO, source=source) as client:
            for line in [*lines, "QUIT"]:
                client.send(line + "\r\n")
            while more := client.sock.recv(100_000):
                said += more
        return said

    def test_nonsense(self):
        """Whatever the map answers, what is refused stays refused."""
        path = self.sandbox / "liar"
        liar = Liar(path)
        self.addCleanup(path.unlink)
        self.addCleanup(liar.server_close)
        self.addCleanup(liar.shutdown)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        self.daemon.start()
        self.sendmail.wire(f"unix:{path}", self.daemon.milter)
        self.sendmail.start()
        for answer in NONSENSE:
            with self.subTest(answer):
                liar.answer = answer
                for source, lines in ((CLIENT, ["MAIL FROM:<spam@bad.test>", f"RCPT TO:<{MAILBOX}>"]), (CLIENT, [MAIL, RELAY]), ("127.0.0.23", [MAIL, RELAY]),
                                      (CLIENT, [MAIL, "RCPT TO:<gone@mailwhy.test>"])):
                    said = self.everything(source, [*lines, "DATA"])
                    self.assertNotIn(b"354 ", said)
                    self.assertNotIn(b"Recipient ok", said)

    def test_killed(self):
        """Killed in mid-session: plain text from then on, and never another code."""
        self.wire()
        client = self.client()
        self.assertIn("Ref: ", client.play(MAIL, RELAY).lines[0])
        self.daemon.kill9()
        for _ in range(2):
            self.assertEqual(client.say(RELAY).lines[0][:46], f"550 5.7.1 <{ELSEWHERE}>... Relaying")
        self.daemon.start()
        self.assertEqual(client.say(RELAY).code, 550)
        self.assertIn("Ref: ", self.client().play(MAIL, RELAY).lines[0])

    def test_restarted(self):
        """Restarted in mid-session by who holds its sockets: what follows is explained, and logged as one of the same session."""
        supervisor = Supervisor(self.daemon, [(None, self.daemon.reply), (None, self.daemon.milter)]).start()
        self.sendmail.wire(self.daemon.reply, self.daemon.milter)
        self.sendmail.start()
        self.addCleanup(supervisor.end)
        client = self.client()
        self.assertIn("Ref: ", client.play(MAIL, RELAY).lines[0])
        supervisor.restart()
        self.assertIn("Ref: ", client.say(RELAY).lines[0])
        before, after = self.daemon.events()[-2:]
        self.assertEqual(after["attempt"], before["attempt"] + 1)
        self.assert_event(after, helo=HELO, **{key: before[key] for key in ("host", "mta", "client_addr", "client_port")})

    def test_hung(self):
        """While mailwhyd hangs, mail is refused and taken all the same, after seconds."""
        self.wire()
        client = self.client()
        client.say(MAIL)
        self.daemon.process.send(signal.SIGSTOP)
        began = time.monotonic()
        for line in (RELAY, "RCPT TO:<gone@mailwhy.test>"):
            reply = client.say(line)
            self.assertIn(reply.code, (451, 550), reply)
        self.assertLess(time.monotonic() - began, 40)
        self.assertEqual(self.client().play(MAIL, f"RCPT TO:<{MAILBOX}>").code, 250)
        self.daemon.process.send(signal.SIGCONT)
