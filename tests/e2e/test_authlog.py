"""The mail log that mailwhyd follows: who the user of a failed sign-in was on Postfix, and the failed sign-ins of Sendmail."""

import collections
import concurrent.futures
import gzip
import itertools
import json
import os
import random
import re
import socket
import time

from mailwhyd import Mailwhyd, following, mailwhy
from milters import RefusingMilter
from rig import Explained, Rig, RigTest
from sandbox import Sandbox, run, wait_for
from sasl import PASSWORD, REALM, USER, WRONG
from sendmail import MAILBOX, Sendmail
from smtp import Client

PATIENCE = 3  # seconds for which mailwhyd waits for the reply map's event of a line


def supplements(events):
    """The events that only say who a user was."""
    return [event for event in events if event["via"] == "maillog" and "code" not in event]


class Followed(RigTest):
    """Tests with a real Postfix whose own log is followed."""

    more = ""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        log = cls.sandbox / "postfix" / "log" / "maillog"
        cls.rig = Rig(cls.sandbox, **cls.rig_options, more=following(log, cls.sandbox) + cls.more)
        cls.daemon = cls.rig.daemon
        cls.prepare()
        cls.rig.start()
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    @classmethod
    def prepare(cls):
        pass

    def of_user(self, user):
        return [event for event in self.daemon.events() if event.get("sasl_user") == user]

    def wait_for_user(self, user, count=1):
        """The events that name the user, once there are so many."""
        wait_for(f"the events of {user}", lambda: len(self.of_user(user)) >= count, 30)
        return self.of_user(user)


class Wired(Followed):
    """The reply map writes an event for each failure."""

    rig_options = {"sasl": "dovecot"}

    def test_user(self):
        """Each failed sign-in has its event with a reference, and a second one that names the user: of the same session and failure, without a code."""
        client = self.client("submission")
        users = [f"user-{number}@{REALM}" for number in range(3)]
        refs = [self.assert_explained(client.auth_plain(user, WRONG), 535) for user in users]
        for number, (user, ref) in enumerate(zip(users, refs), 1):
            named, = self.wait_for_user(user)
            event = self.daemon.event(ref)
            self.assert_event(named, via="maillog", stage="auth", sasl_method="PLAIN", attempt=number, code=None, ref=None, reason=None, reply=None,
                              of=ref, of_code=535, of_enhanced=event["enhanced"], of_reason=event["reason"],
                              **{key: event.get(key) for key in ("host", "mta", "pid", "client_addr", "client_port", "helo", "tls")})
            self.assert_event(event, via="socketmap", sasl_user=None, attempt=number, client_addr="127.0.0.1", helo="client.test")
            self.assertLess(event["ts"], named["ts"])

    def test_only_these(self):
        """Other refusals, sign-ins that succeed, and failures whose line names nobody have no second event."""
        client = self.client("submission")
        self.assertEqual(client.say("FROBNICATE").code, 500)
        self.assertEqual(client.play("AUTH LOGIN", "*").code, 501)
        self.assertEqual(client.play("AUTH LOGIN", "!!!").code, 535)
        self.assertEqual(client.auth_plain(USER, PASSWORD).code, 235)
        before = len(supplements(self.daemon.events()))
        last = f"last@{REALM}"
        self.assertEqual(self.client("submission").auth_plain(last, WRONG).code, 535)
        self.wait_for_user(last)
        time.sleep(PATIENCE + 1)
        events = self.daemon.events()
        self.assertEqual(len(supplements(events)), before + 1)
        self.assertEqual([event for event in events if event["via"] == "maillog" and "ref" in event], [])

    def test_hostile_user(self):
        """A user name that imitates a log line, a key or a JSON object is a user name: the client is the real one, and there is one event."""
        client = self.client("submission")
        for name in ("x, sasl_username=root", "Miller, Joe, x", "x\\\",\\\"code\\\":535", "a b[192.0.2.99]: SASL LOGIN authentication failed: y", "%s%n$client_address",
                     "x reject: x from y[192.0.2.99]: 535 5.7.8 Error: authentication failed: z"):
            with self.subTest(name):
                count = len(supplements(self.daemon.events()))
                self.assertEqual(client.auth_plain(name, WRONG).code, 535)
                wait_for("the event", lambda count=count: len(supplements(self.daemon.events())) > count, 20)
                event = supplements(self.daemon.events())[-1]
                self.assert_event(event, client_addr="127.0.0.1", via="maillog", sasl_method="PLAIN", sasl_user=name)

    def test_found(self):
        """`mailwhy ref` of the first event shows the user, and the second one among those of the session."""
        user = f"found@{REALM}"
        client = self.client("submission")
        self.assertEqual(client.auth_plain(f"before@{REALM}", WRONG).code, 535)
        ref = self.assert_explained(client.auth_plain(user, WRONG), 535)
        self.wait_for_user(user)
        self.assertRegex(mailwhy("ref", "--log", self.daemon.log, ref).stdout, rf"(?m)^User: +{user}, PLAIN$")
        shown = mailwhy("ref", "--log", self.daemon.log, "--json", ref).stdout
        self.assertIn(f'"sasl_user":"{user}"', shown)
        review = json.loads(mailwhy("review", "--json", "--user", user, self.daemon.log).stdout)
        self.assertEqual((review["refused"], [row["name"] for row in review["reasons"]]), (1, ["auth-bad-credentials"]))
        self.assertIn(ref, mailwhy("ref", "--user", user, "--log", self.daemon.log).stdout)


class MilterAlone(Followed):
    """No reply map: what the log says is all that there is."""

    rig_options = {"sasl": "dovecot"}

    @classmethod
    def prepare(cls):
        cls.rig.postfix.settings["smtpd_reject_footer_maps"] = ""
        cls.rig.postfix._write_config()

    def test_own_event(self):
        """A failed sign-in becomes an event with reason and reference, and with its session's HELO, port and TLS; `mailwhy ref` finds it."""
        client = self.client("submission")
        user = f"alone@{REALM}"
        self.assert_plain(client.auth_plain(user, WRONG), 535)
        self.assert_plain(client.auth_plain(user, WRONG), 535)
        events = self.wait_for_user(user, 2)
        for attempt, event in enumerate(events, 1):
            self.assert_event(event, via="maillog", stage="auth", code=535, enhanced="5.7.8", reason="auth-bad-credentials", sasl_method="PLAIN",
                              client_addr="127.0.0.1", client_port=client.sock.getsockname()[1], helo="client.test", attempt=attempt)
            self.assertRegex(event["mta"], r"^Postfix 3\.")
            self.assertIn(user, mailwhy("ref", "--log", self.daemon.log, event["ref"]).stdout)

    def test_session_over(self):
        """Where the session is over the event is written all the same, with what the line says; it has nothing of another client's session that the
        process may have by then."""
        user = f"gone@{REALM}"
        with self.rig.client("submission") as client:
            self.assertEqual(client.auth_plain(user, WRONG).code, 535)
        others = [Client(self.rig.postfix.ports["submission"], "other.test", source="127.0.0.9") for _ in range(5)]
        for other in others:
            self.addCleanup(other.close)
        event, = self.wait_for_user(user)
        self.assert_event(event, code=535, client_addr="127.0.0.1", helo=None, attempt=None)


LIMITS = ["define(`confMAX_RCPTS_PER_MESSAGE', `2')dnl", "define(`confMAX_MESSAGE_SIZE', `100000')dnl", "define(`confPRIVACY_FLAGS', `noexpn,noetrn')dnl",
          "FEATURE(`greet_pause', `0')dnl"]
MAIL, RCPT = "MAIL FROM:<a@b.test>", f"RCPT TO:<{MAILBOX}>"
BIG = ("x" * 900 + "\r\n") * 200 + "."
HEADERS = "".join(f"X-{number}: {'y' * 900}\r\n" for number in range(60)) + "\r\nhello\r\n."

# What Sendmail's own code refuses, one behind the other in a session, and what its event has: stage, code, enhanced code, recipient.
OWN = (
    ("base64", "AUTH LOGIN =x!", "auth", 501, "5.5.4", None),
    (None, "EXPN root"), (None, "ETRN there.test"),  # whose lines a client can have written when they are not refused, too
    (None, MAIL),
    ("unbalanced", "RCPT TO:<x", "rcpt", 553, "5.0.0", "x"),
    ("a parameter", f"{RCPT} FOO=1", "rcpt", 555, "5.5.4", None),
    ("a bad parameter", f"{RCPT} NOTIFY=FOO", "rcpt", 501, "5.5.4", None),
    ("no recipient", "RCPT", "rcpt", 501, "5.5.2", None),
    ("a control character", "RCPT TO:<\x01x@mailwhy.test>", "rcpt", 501, "5.1.3", None),
    (None, RCPT), (None, RCPT),
    ("too many recipients", "RCPT TO:<root@mailwhy.test>", "rcpt", 452, "4.5.3", None),
    (None, "DATA"),
    ("too big", BIG, "eom", 552, "5.2.3", MAILBOX),
    (None, MAIL), (None, RCPT), (None, "DATA"),
    ("headers", HEADERS, "eom", 552, "5.6.0", MAILBOX),
)


class OnSendmail(Explained):
    """A real Sendmail whose own log is followed."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        log = cls.sandbox.directory("log") / "mail.log"
        socket_of_milter = cls.sandbox.directory("refuser") / "socket"
        filters = [*LIMITS, f"INPUT_MAIL_FILTER(`refuser', `S=unix:{socket_of_milter}, T=C:30s;S:30s;R:30s;E:60s')dnl"]
        cls.sendmail = Sendmail(cls.sandbox, log=log, features=filters, maps={"access": "GreetPause:127.0.0.30\t3000\n"})
        cls.refuser = RefusingMilter(cls.sandbox, socket_of_milter).start()
        cls.daemon = Mailwhyd(cls.sandbox, cls.sandbox / "mailwhyd-sockets", more=following(log, cls.sandbox)).start()
        cls.addClassCleanup(cls.daemon.check_sanitizers)
        wait_for("the state", (cls.sandbox / "state" / "maillog").exists)
        cls.sendmail.wire(cls.daemon.reply, cls.daemon.milter)
        cls.sendmail.start()

    def setUp(self):
        self.addCleanup(self.daemon.check)
        self.refuser.refuse()

    def client(self, source, helo):
        client = Client(self.sendmail.ports["submission"], helo, source=source)
        self.addCleanup(client.close)
        return client

    def events(self, count, act):
        """The events that act() leaves, once there are so many."""
        before = len(self.daemon.events())
        act()
        wait_for("the events", lambda: len(self.daemon.events()) >= before + count, 30)
        return self.daemon.events()[before:]

    def test_session(self):
        """Of several sessions at once, three of them of one client, each has its own failures: with HELO, port, TLS and number."""
        clients = [(self.client(source, helo), source, helo) for source, helo in
                   (("127.0.0.9", "one.test"), ("127.0.0.9", "two.test"), ("127.0.0.8", "three.test"), ("127.0.0.9", "four.test"))]
        clients[1][0].starttls("two.test")
        pids = set()
        for attempt in (1, 2):
            for number, (client, source, helo) in enumerate(clients):
                event, = self.events(1, lambda: self.assertEqual(client.auth_login(USER, WRONG).lines, ["535 5.7.0 authentication failed"]))
                self.assert_event(event, via="maillog", stage="auth", mta="Sendmail 8.17.1.9", host=f"mx.{REALM}", code=535, enhanced="5.7.0",
                                  reason="auth-bad-credentials", client_addr=source, client_port=client.sock.getsockname()[1], helo=helo,
                                  tls="TLSv1.3" if number == 1 else "none", sasl_method="LOGIN", attempt=attempt, sender=None)
                self.assertIn(helo, mailwhy("ref", "--log", self.daemon.log, event["ref"]).stdout)
                pids.add(event["pid"])
        self.assertEqual(len(pids), len(clients))

    def test_own_code(self):
        """What Sendmail's own code refuses and logs becomes an event of its session, with what the client was told; each is counted once."""
        client = self.client("127.0.0.7", "own.test")
        before, told = len(self.daemon.events()), {}
        client.say("FROBNICATE")
        for name, line, *expected in OWN:
            reply = client.say(line)
            if name:
                self.assert_plain(reply, expected[1])
                told[name] = reply.lines[0]
        client.play(MAIL, "RCPT TO:</etc/passwd>", "RCPT TO:<nobody-here@mailwhy.test>")
        client.say("RCPT TO:<x@elsewhere.test>")
        client.say("RCPT TO:<@mailwhy.test>")
        client.close()
        rows = [row for row in OWN if row[0]]
        wait_for("the events", lambda: len(self.daemon.events()) >= before + len(rows) + 5, 30)
        time.sleep(PATIENCE + 1)
        events = [event for event in self.daemon.events()[before:] if event["client_addr"] == "127.0.0.7"]
        self.assertEqual(collections.Counter(event["via"] for event in events), {"maillog": len(rows), "ruleset": 2, "milter": 3})
        for (name, _, stage, code, enhanced, recipient), event in zip(rows, (event for event in events if event["via"] == "maillog")):
            with self.subTest(name):
                self.assert_event(event, stage=stage, code=code, enhanced=enhanced, recipient=recipient, client_addr="127.0.0.7", helo="own.test",
                                  mta="Sendmail 8.17.1.9", sender="a@b.test" if stage in ("rcpt", "eom") else None, sasl_user=None)
                if name == "base64":
                    self.assertNotIn("x!", event["reply"])
                else:
                    self.assertEqual(event["reply"], told[name])
                self.assertIn(event["ref"], mailwhy("ref", "--log", self.daemon.log, event["ref"]).stdout)

    def test_names_hidden(self):
        """Where events have tokens or masks in place of names, what mailwhyd wrote an event of and what the log tells of is counted once; after kill -9 too."""
        plain = self.daemon.config.read_text()

        def restart(more, end):
            end()
            self.daemon.config.write_text(plain + more)
            self.daemon.start()

        self.addCleanup(restart, "", self.daemon.stop)
        for how in ("hmac", "mask"):
            with self.subTest(how):
                more = f'privacy {{ user = "{how}" address = "{how}" key_file = "{self.sandbox / "privacy.key"}" }}\n'
                restart(more, self.daemon.stop)
                size, before = self.daemon.log.stat().st_size, len(self.daemon.events())
                client = self.client("127.0.0.5", "hidden.test")
                client.auth_login(USER, WRONG)
                client.play(MAIL, "RCPT TO:<nobody-here@mailwhy.test>", "RCPT TO:<Nobody.There@mailwhy.test>", "RCPT TO:<x@elsewhere.test>",
                            "RCPT TO:<y@elsewhere.test>", "RCPT TO:<@mailwhy.test>")
                wait_for("the events", lambda before=before: len(self.daemon.events()) >= before + 6, 30)
                time.sleep(PATIENCE + 1)
                client.close()
                restart(more, self.daemon.kill9)
                time.sleep(0.5)
                events = self.daemon.events()[before:]
                self.assertEqual(collections.Counter(event["via"] for event in events), {"maillog": 1, "milter": 2, "ruleset": 3})
                self.assertEqual(len({event["recipient"] for event in events if event["via"] == "milter"}), 2 if how == "hmac" else 1)
                self.assertNotRegex(self.daemon.log.read_bytes()[size:].decode(), rf"(?i){USER}|nobody|a@b\.test|[xy]@elsewhere")

    def test_other_milter(self):
        """What a milter refuses that mailwhyd does not wrap."""
        rows = (("mail", {"do": "tempfail"}, [MAIL], "451 4.3.2 Please try again later"),
                ("rcpt", {"do": "reply", "reply": ["550", "5.7.1", "Not this one"]}, [MAIL, RCPT], "550 5.7.1 Not this one"),
                ("data", {"do": "reject"}, [MAIL, RCPT, "DATA"], "550 5.7.1 Command rejected"),
                ("eom", {"do": "reply", "reply": ["554", "5.6.0", "Not", "in this form"]}, [MAIL, RCPT, "DATA", "Subject: x\r\n\r\nhello\r\n."],
                 "554-5.6.0 Not\r\n554 5.6.0 in this form"))
        clients = []

        def act():
            for stage, rule, lines, reply in rows:
                self.refuser.refuse(**{stage: rule})
                clients.append(self.client("127.0.0.6", f"{stage}.test"))
                self.assertEqual("\r\n".join(clients[-1].play(*lines).lines).replace(f"<{MAILBOX}>... ", ""), reply)

        for (stage, _, _, reply), event in zip(rows, self.events(len(rows), act)):
            with self.subTest(stage):
                self.assert_event(event, via="maillog", client_addr="127.0.0.6", helo=f"{stage}.test", attempt=1, code=int(reply[:3]), reply=reply,
                                  stage=stage if stage in ("mail", "rcpt") else None, recipient=MAILBOX if stage == "rcpt" else None)

    def test_greet_pause(self):
        """A client that speaks before the greeting."""
        def speak():
            with socket.create_connection(("127.0.0.1", self.sendmail.ports["smtp"]), 30, source_address=("127.0.0.30", 0)) as sock:
                sock.sendall(b"EHLO early.test\r\n")
                self.assertTrue(sock.recv(500).startswith(b"554 "))
        event, = self.events(1, speak)
        self.assert_event(event, via="maillog", stage="connect", code=554, client_addr="127.0.0.30", reply="554 ESMTP not accepting messages")

    def test_counted(self):
        """What a ruleset refuses and what the log tells of are counted together, also behind a message."""
        client = self.client("127.0.0.9", "client.test")
        first, = self.events(1, lambda: client.play("MAIL FROM:<a@b.test>", "RCPT TO:<x@elsewhere.test>", "RSET"))
        second, = self.events(1, lambda: client.auth_plain(USER, WRONG))
        self.assertEqual(client.message("a@b.test", MAILBOX).code, 250)
        third, = self.events(1, lambda: client.auth_plain(USER, WRONG))
        for attempt, (event, via) in enumerate(((first, "ruleset"), (second, "maillog"), (third, "maillog")), 1):
            self.assert_event(event, via=via, attempt=attempt, helo="client.test", client_port=client.sock.getsockname()[1])


    def test_hostile(self):
        """Whatever a user's name imitates, the event is of the client that failed; what imitates a failed sign-in elsewhere is none."""
        imitated = "AUTH failure (LOGIN): authentication failure (-13), user=joe, relay=v [192.0.2.99]"
        clients = [(self.client("127.0.0.9", "client.test"), "auth_login"), (self.client("127.0.0.8", "client.test"), "auth_cram_md5")]
        for name in ("x, relay=v [192.0.2.99]", "reject: x from y[192.0.2.99]: 535 5.7.8 q", ": SASL x authentication failed [192.0.2.99]",
                     "stat=x", "reject=550 x"):
            for client, how in clients:
                with self.subTest(name, how=how):
                    event, = self.events(1, lambda: self.assertEqual(getattr(client, how)(name, WRONG).code, 535))
                    self.assert_event(event, via="maillog", stage="auth", code=535, client_addr=client.sock.getsockname()[0], helo="client.test")
        before = len(self.daemon.events())
        client = self.client("127.0.0.9", "client.test")
        client.play(f"VRFY {imitated}", f"EXPN {imitated}", f'MAIL FROM:<"{imitated}"@b.test>')
        last = self.client("127.0.0.7", "last.test")
        self.assertEqual(last.auth_login(USER, WRONG).code, 535)
        wait_for("its event", lambda: any(event.get("client_addr") == "127.0.0.7" for event in self.daemon.events()[before:]), 30)
        events = self.daemon.events()[before:]
        self.assertEqual([event["client_addr"] for event in events if event["stage"] == "auth"], ["127.0.0.7"])
        self.assertNotIn("192.0.2.99", [event.get("client_addr") for event in events])


class Survives(Followed):
    """Ends, restarts and rotations: each line is taken once."""

    rig_options = {"sasl": "dovecot"}

    def fail(self, user):
        """One failed sign-in; its reference, None where mailwhyd was down."""
        with self.rig.client("submission") as client:
            reply = client.auth_plain(user, WRONG)
        self.assertEqual(reply.code, 535)
        return reply.ref

    def rotate(self):
        """As Postfix itself rotates its log: renamed, compressed, and reloaded."""
        run("postfix", "-c", self.rig.postfix.config, "logrotate")

    def counted(self, users):
        counts = collections.Counter(event["sasl_user"] for event in self.daemon.events() if event["via"] == "maillog" and "sasl_user" in event)
        return [(user, counts[user]) for user in users]

    def check(self, tried):
        """Each user has one event of the log: with a reference of its own where the reply had none, else without."""
        users = [user for user, _ in tried]
        wait_for("the events", lambda: all(count for _, count in self.counted(users)), 40)
        time.sleep(PATIENCE + 1)
        self.assertEqual(self.counted(users), [(user, 1) for user in users])
        own = {event["sasl_user"]: event.get("ref") for event in self.daemon.events() if event["via"] == "maillog"}
        self.assertEqual([(user, bool(own[user])) for user, ref in tried], [(user, not ref) for user, ref in tried])

    def test_killed(self):
        """kill -9 at any moment, again and again, while sign-ins fail: no line is lost, none is taken twice."""
        tried, choose = [], random.Random(4)
        for number in range(12):
            users = [f"killed-{number}-{each}@{REALM}" for each in range(4)]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                tried += zip(users, pool.map(self.fail, users))
            time.sleep(choose.choice((0, 0.05, 0.3, 1.2)))
            self.daemon.kill9()
            if number % 2:
                user = f"down-{number}@{REALM}"
                tried.append((user, self.fail(user)))
                self.assertIsNone(tried[-1][1])
            self.daemon.start()
        self.check(tried)

    def test_rotated(self):
        """Rotations while it runs and while it is down, one of them twice: likewise."""
        tried = []
        for number in range(4):
            users = [f"before-{number}@{REALM}", f"early-{number}@{REALM}"]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                tried += zip(users, pool.map(self.fail, users))
            if number % 2:
                self.daemon.stop()
                tried.append((f"down-rotated-{number}@{REALM}", self.fail(f"down-rotated-{number}@{REALM}")))
            self.rotate()
            tried.append((f"after-{number}@{REALM}", self.fail(f"after-{number}@{REALM}")))
            if number == 3:
                time.sleep(1)  # the name has seconds
                self.rotate()
                tried.append((f"again-{number}@{REALM}", self.fail(f"again-{number}@{REALM}")))
            if number % 2:
                self.daemon.start()
        self.check(tried)


SENDMAIL = "mx sm-mta[{pid}]: 6AL6KVbo005101: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed{user}, relay=c.test [{client}]"


class Written(Explained):
    """A log that the test writes, without an MTA: make_log() makes it and gives its name in mailwhy.conf, write() adds to it."""

    user = ""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.state = self.sandbox / "state" / "maillog"
        self.daemon = Mailwhyd(self.sandbox, self.sandbox / "sockets", user=self.user, more=following(self.make_log(), self.sandbox))
        self.addCleanup(self.daemon.check_sanitizers)
        self.numbers = itertools.count(1000)

    def start(self):
        """Start mailwhyd for the first time. It follows the log when this is done."""
        self.daemon.start()
        wait_for("the state", self.state.exists)

    def sendmail(self, count=1, **values):
        """Lines of Sendmail; their process numbers."""
        pids = [next(self.numbers) for _ in range(count)]
        self.write(*(SENDMAIL.format(**{"pid": pid, "user": "", "client": "192.0.2.7", **values}) for pid in pids))
        return pids

    def pids(self):
        return [event["pid"] for event in self.daemon.events()]

    def expect(self, pids):
        """These have their events, one each, in the order of the lines."""
        wait_for("the events", lambda: len(self.pids()) >= len(pids), 20)
        time.sleep(0.3)
        self.assertEqual(self.pids(), pids)

    def assert_sendmail(self):
        """A failed sign-in of Sendmail becomes an event with reason and reference, at once."""
        self.start()
        pid, = self.sendmail(user=", user=anna, b")
        self.expect([pid])
        event, = self.daemon.events()
        self.assert_event(event, host="mx", sasl_user="anna, b", mta="Sendmail", via="maillog", stage="auth", code=535, reason="auth-bad-credentials", client_addr="192.0.2.7",
                          sasl_method="LOGIN")
        shown = mailwhy("ref", "--log", self.daemon.log, event["ref"]).stdout
        self.assertIn("auth-bad-credentials", shown)
        self.assertIn("LOGIN", shown)

    def assert_killed_at_work(self, between):
        """kill -9 while it works off many lines, many times: each line is taken once, also where events were written after the state was."""
        self.start()
        expected = []
        for number in range(12):
            expected += self.sendmail(150)
            time.sleep(0.02 * number)
            self.daemon.kill9()
            between(number)
            self.daemon.start()
        self.expect(expected)


class Lines(Written):
    """In a file."""

    def make_log(self):
        self.log = self.sandbox.directory("log") / "mail.log"
        return self.log

    def write(self, *lines, end="\n"):
        with open(self.log, "a", encoding="latin-1") as log:
            log.write("".join(time.strftime("%b %e %H:%M:%S ") + line + end for line in lines))

    def test_sendmail(self):
        """A failed sign-in of Sendmail becomes an event with reason and reference, at once."""
        self.log.touch()
        self.assert_sendmail()

    def test_refusals(self):
        """What Sendmail refuses without our feature is an event where the line names a client; not what was explained, bounces, and what has no client."""
        self.log.touch()
        self.daemon.start()
        wait_for("the state", self.state.exists)
        line = "mx sm-mta[{}]: 6AL6J3PX024795: ruleset=check_rcpt, arg1=<a@b.test>, relay=c.test [192.0.2.7], reject=550 5.7.1 <a@b.test>... Relaying denied{}"
        self.write(line.format(7, "; Fix: Sign in. Ref: 3ATZ3-AA4YJ"), "mx sm-mta[8]: 6AL6J3PX024795: <x@y.test>... User unknown",
                   "mx sm-mta[9]: 6AL6J3PX024795: 6AL6J3PX024796: DSN: User unknown", line.format(10, ""))
        self.expect([10])
        event, = self.daemon.events()
        self.assert_event(event, via="maillog", stage="rcpt", code=550, enhanced="5.7.1", reason="relay-denied", client_addr="192.0.2.7",
                          recipient="a@b.test", queue_id="6AL6J3PX024795", reply="550 5.7.1 <a@b.test>... Relaying denied")

    def test_reference_quoted(self):
        """A reference of another session in what a client said is no reference: whose refusal quotes one has its own event, and takes no other's. Nor does a
        reference at the end of a reply, where that is another client's."""
        self.log.touch()
        self.start()

        def key(client, address):
            return b"\x9b".join(each.encode() for each in ("rcpt", f"mx.{REALM}", "8.17.1.9", client, "4711", f"[{client}]", "", "", "", "5.7.1", f"<{address}>",
                                                           "550 Relaying denied"))

        with self.daemon.connect() as reply_map:
            refs = [re.search(r"Ref: (\S{11})", reply_map.request("sendmail", key("192.0.2.7", f"{name}@there.test"))[1].decode()).group(1) for name in "ab"]
        line = 'mx sm-mta[{}]: 6AL6J3PX0247{}: ruleset=check_rcpt, arg1=<{}>, relay=c.test [{}], reject=550 5.7.1 <{}>... Relaying denied{}'
        for pid, client, address, told in (
                (71, "192.0.2.8", f'"; Fix: x Ref: {refs[0]}"@there.test', ""),
                (72, "192.0.2.7", f'"; Fix: x Ref: {refs[0]}"@there.test', ""),
                (73, "192.0.2.8", f'"; Fix: x Ref: {refs[0]} "@there.test', f"; Fix: Sign in. Ref: {refs[0]}"),
                (74, "192.0.2.7", f'"; Fix: x Ref: {refs[0]} "@there.test', f"; Fix: Sign in. Ref: {refs[1]}"),
                (75, "192.0.2.7", "a@there.test", ""),
                (76, "192.0.2.7", "b@there.test", "")):
            self.write(line.format(pid, pid, address, client, address, told))
        wait_for("the events", lambda: len(self.daemon.events()) >= 5, 30)
        time.sleep(0.3)
        self.assertEqual([event.get("pid") for event in self.daemon.events() if event["via"] == "maillog"], [71, 72, 76])

    def test_clocks_put_back(self):
        """In the hour before the clocks are put back, which comes twice, a line finds the reply map's event all the same."""
        now = time.time()
        today = time.gmtime(now)
        self.daemon.wrapper = ["env", f"TZ=AAA0BBB,0/0,{today.tm_yday - 1}/{today.tm_hour + 2}"]
        self.log.touch()
        self.daemon.start()
        wait_for("the state", self.state.exists)
        with self.daemon.connect() as reply_map:
            reply_map.request("700", "535 5.7.8 Error: authentication failed: q")
        with open(self.log, "a", encoding="ascii") as log:
            log.write(time.strftime("%b %e %H:%M:%S ", time.gmtime(now + 3600)) + "mx postfix/smtpd[700]: warning: unknown[192.0.2.7]: "
                      "SASL LOGIN authentication failed: q, sasl_username=joe\n")
        wait_for("the user", lambda: any(event.get("sasl_user") for event in self.daemon.events()))
        self.assertEqual([event.get("code") for event in self.daemon.events()], [535, None])

    def test_no_file(self):
        """What is no file is not read, and that is said."""
        os.mkfifo(self.log)
        self.daemon.start()
        wait_for("the complaint", lambda: "the mail log cannot be read: it is no file" in self.daemon.complaints())

    def test_first_start(self):
        """What was in the log before mailwhyd first followed it is no event; a log that comes later is read from its beginning."""
        self.sendmail(3)
        self.daemon.start()
        wait_for("the state", self.state.exists)
        first = self.sendmail(2)
        self.expect(first)
        self.daemon.stop()
        self.state.unlink()
        self.log.unlink()
        self.daemon.start()
        wait_for("the complaint", lambda: f"{self.log}: the mail log cannot be read: No such file" in self.daemon.complaints())
        self.expect(first + self.sendmail(2))

    def test_other_lines(self):
        """Lines that are none of these, cut, or without a process, are no events."""
        self.log.touch()
        self.start()
        self.write("mx postfix/smtpd[77]: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: 554 5.7.1 <a@b.test>: Relay access denied; from=<a@b.test>",
                   "mx sm-mta[78]: AUTH failure (LOGIN", "mx other[79]: AUTH failure (LOGIN): x, relay=c.test [192.0.2.7]", "\0" * 100, "\xff" * 100,
                   "x" * (2 << 20), "mx postfix/smtpd[80]: NOQUEUE: reject: AUTH from c.test[192.0.2.7]: 503 5.5.1 Error: authentication not enabled")
        self.expect(self.sendmail())

    def test_ended_and_changed(self):
        """While it is down the log is written to, renamed, compressed, copied and truncated: each line is taken once when it is back."""
        self.log.touch()
        self.start()
        expected = self.sendmail(3)
        self.expect(expected)

        def renamed():
            self.log.rename(f"{self.log}.1")

        def compressed():
            times = self.log.stat()
            packed = self.log.parent / "mail.log.2.gz"
            packed.write_bytes(gzip.compress(self.log.read_bytes()))
            os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
            self.log.unlink()

        def truncated():
            (self.log.parent / "mail.log.3").write_bytes(self.log.read_bytes())
            os.truncate(self.log, 0)

        for end in (self.daemon.stop, self.daemon.kill9):
            for change in (renamed, compressed, truncated, lambda: None):
                with self.subTest(change=change.__name__, end=end.__name__):
                    for old in self.log.parent.glob("mail.log?*"):
                        old.unlink()
                    expected += self.sendmail(2)
                    self.expect(expected)
                    end()
                    expected += self.sendmail(2)
                    change()
                    expected += self.sendmail(2)
                    self.daemon.start()
                    self.expect(expected)

    def test_killed_at_work(self):
        """kill -9 while it works off many lines, many times: each line is taken once, also where events were written after the state was."""
        self.log.touch()
        self.assert_killed_at_work(lambda _number: None)

    def test_names_hidden(self):
        """A user is hidden in what is written of the mail log, and after kill -9 each line is still taken once."""
        key = self.sandbox / "privacy.key"
        self.daemon.config.write_text(self.daemon.config.read_text() + f'privacy {{ user = "hmac" address = "mask" key_file = "{key}" }}\n')
        self.log.touch()
        self.start()
        expected = []
        for number in range(6):
            expected += self.sendmail(100, user=", user=gwendolyn")
            time.sleep(0.02 * number)
            self.daemon.kill9()
            self.daemon.start()
        self.expect(expected)
        self.assertEqual(len({event["sasl_user"] for event in self.daemon.events()}), 1)
        self.assertRegex(self.daemon.events()[0]["sasl_user"], "^u-[0-9a-z]{12}$")
        self.assertNotIn("gwendolyn", self.daemon.log.read_text() + self.daemon.complaints())

    def test_named_before(self):
        """A failure of the reply map whose user was told before the end is not taken for that of a line that was written while it was down."""
        stamp = time.strftime("%b %e %H:%M:%S ")

        def write(user):
            with open(self.log, "a", encoding="ascii") as log:
                log.write(f"{stamp}mx postfix/smtpd[77]: warning: c.test[192.0.2.7]: SASL LOGIN authentication failed: x, sasl_username={user}\n")

        self.log.touch()
        self.start()
        with self.daemon.connect() as reply_map:
            reply_map.request("77", "535 5.7.8 Error: authentication failed: x")
        write("one")
        wait_for("the user", lambda: supplements(self.daemon.events()))
        self.daemon.kill9()
        write("two")
        self.daemon.start()
        wait_for("the event", lambda: len(self.daemon.events()) == 3, 20)
        self.assertEqual([(event.get("sasl_user"), "ref" in event) for event in self.daemon.events()], [(None, True), ("one", False), ("two", True)])

    def test_state(self):
        """A damaged state, and one of another log, are said: the log is followed from its end."""
        for text, said in (("nonsense\n", "is damaged"), (None, "is of another mail log")):
            with self.subTest(text):
                self.sendmail(2)
                if text:
                    self.state.write_text(text)
                else:
                    self.state.write_text(self.state.read_text().replace(str(self.log), "/elsewhere/mail.log"))
                before = self.state.read_text()
                self.daemon.start()
                wait_for("the state", lambda before=before: self.state.read_text() != before)
                wait_for(said, lambda said=said: said in self.daemon.complaints())
                have = self.pids()
                self.expect(have + self.sendmail())
                self.daemon.stop()

    def test_state_unwritable(self):
        """Where the state cannot be written that is said once, and events are written all the same."""
        self.log.touch()
        self.state.parent.rmdir()
        self.state.parent.write_text("")
        self.daemon.start()
        wait_for("the complaint", lambda: f"{self.state}: cannot be written" in self.daemon.complaints())
        self.expect(self.sendmail())
        time.sleep(1.5)
        self.expect([*self.pids(), *self.sendmail()])
        self.assertEqual(self.daemon.complaints().count("cannot be written"), 1)

    def test_disk_full(self):
        """Where the event log is full the line waits until there is room."""
        if not self.sandbox.tmpfs("small", "64k"):
            self.fail("no tmpfs can be mounted here")
        log = self.sandbox / "small" / "events.jsonl"
        filler = self.sandbox / "small" / "filler"
        daemon = Mailwhyd(self.sandbox, self.sandbox / "sockets", log=log, more=following(self.log, self.sandbox))
        self.log.touch()
        daemon.start()
        wait_for("the state", self.state.exists)
        filler.write_bytes(b"x")
        with open(filler, "ab", buffering=0) as file:
            while True:
                try:
                    file.write(b"x" * 4096)
                except OSError:
                    break
        pid, = self.sendmail()
        wait_for("the complaint", lambda: "the event log cannot be written" in daemon.complaints(), 20)
        filler.unlink()
        wait_for("the event", lambda: [event["pid"] for event in daemon.events()] == [pid], 20)
        daemon.stop()
