"""Another milter behind mailwhyd's proxy, with a real Postfix: the same milter wrapped ("smtp") and not ("direct")."""

import hashlib
import json

from filters import GTUBE, opendkim_signing, opendkim_verifying, rspamd
from mailwhyd import mailwhy
from milters import FakeMilter, RefusingMilter, frame, go_on
from mta import ELSEWHERE, MAILBOX
from rig import HELO, RigTest
from sandbox import wait_for
from sasl import PASSWORD, REALM, USER
from wrapping import BODY, LATER, MAIL, RCPT, SENDER, SPAM, TWO_LINES, Wrapping

MILTERS = "unix:mailwhy/milter, unix:mailwhy/"

# stage, what the milter does there, what the client says after EHLO, and the last reply's code, reason and event's stage.
REFUSALS = (
    ("mail", SPAM, [MAIL], 554, "spam-rejected", "mail"),
    ("rcpt", TWO_LINES, [MAIL, RCPT], 550, "spam-rejected", "rcpt"),
    ("rcpt", LATER, [MAIL, RCPT], 451, "greylisted", "rcpt"),
    ("rcpt", {"do": "reject"}, [MAIL, RCPT], 550, "milter-no-reason", "rcpt"),
    ("rcpt", {"do": "tempfail"}, [MAIL, RCPT], 451, "milter-unavailable", "rcpt"),
    ("data", SPAM, [MAIL, RCPT, "DATA"], 554, "spam-rejected", "data"),
    ("header", SPAM, [MAIL, RCPT, "DATA", BODY], 554, "spam-rejected", "eom"),
    ("eoh", LATER, [MAIL, RCPT, "DATA", BODY], 451, "greylisted", "eom"),
    ("body", {"do": "reject"}, [MAIL, RCPT, "DATA", BODY], 550, "milter-no-reason", "eom"),
    ("eom", TWO_LINES, [MAIL, RCPT, "DATA", BODY], 550, "spam-rejected", "eom"),
    ("eom", {"do": "reject"}, [MAIL, RCPT, "DATA", BODY], 550, "milter-no-reason", "eom"),
    ("eom", {"do": "tempfail"}, [MAIL, RCPT, "DATA", BODY], 451, "milter-unavailable", "eom"),
    ("unknown", SPAM, ["FROBNICATE"], 554, "spam-rejected", "unknown"),
    ("helo", SPAM, [MAIL], 554, "spam-rejected", "helo"),
    ("connect", {"do": "reject"}, [MAIL], 550, "milter-no-reason", "connect"),
    ("connect", LATER, [MAIL], 451, "greylisted", "connect"),
)


class WrapTest(Wrapping, RigTest):
    wrapped, source = "smtp", "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        wired = {"smtp": {"smtpd_milters": MILTERS + "wrapped"}, "direct": {"smtpd_milters": MILTERS + "refuser"},
                 "submission": {"smtpd_milters": MILTERS + "wrapped", "smtpd_sasl_auth_enable": "yes"},
                 "tempfail": {"smtpd_milters": MILTERS + "wrapped", "milter_default_action": "tempfail"},
                 "tempfail-direct": {"smtpd_milters": MILTERS + "refuser", "milter_default_action": "tempfail"}}
        cls.rig_options = {
            "services": wired, "sasl": "dovecot", "more": 'wrap refuser { listen = "unix:DIRECTORY/wrapped" to = "unix:DIRECTORY/refuser" }',
            "settings": {"virtual_mailbox_domains": f"{REALM}, box.{REALM}", "virtual_transport": "virtual", "smtpd_sasl_auth_enable": "no",
                         "virtual_mailbox_maps": f"inline:{{ {{ {MAILBOX} = mailbox/ }}, {{ second@{REALM} = second/ }} }}",
                         "transport_maps": ""}}
        super().setUpClass()
        cls.refuser = RefusingMilter(cls.sandbox, cls.daemon.directory / "refuser").start()

    def setUp(self):
        super().setUp()
        self.refuser.refuse()

    def mails(self, name):
        return list((self.rig.postfix.mail / name / "new").glob("*"))


class Stages(WrapTest):
    def test_refusals(self):
        """At each stage: the reply that the client would get without us, with our lines; one event, of the wrapped milter, with all context."""
        for stage, rule, lines, code, reason, event_stage in REFUSALS:
            with self.subTest(f"{stage} {rule}"):
                (reply, *_), events = self.events_of(lambda: self.said("smtp", lines, **{stage: rule}))
                direct, *_ = self.said("direct", lines, **{stage: rule})
                self.assertEqual(reply.without_ref(), direct.without_ref())
                event = self.daemon.event(self.assert_explained(reply, code))
                at_mail, at_rcpt = event_stage not in ("connect", "helo", "unknown"), event_stage in ("rcpt", "data", "eom")
                self.assert_event(event, code=code, via="wrap:refuser", stage=event_stage, reason=reason, reply=reply.original, client_addr="127.0.0.1",
                                  helo=None if event_stage == "connect" else HELO, sender=SENDER if at_mail else None,
                                  recipient=MAILBOX if at_rcpt else None, mta=event["mta"], host="mx.mailwhy.test")
                self.assertRegex(event["mta"], "^Postfix ")
                self.assertTrue(event["pid"] > 1 and event["client_port"] > 0)
                self.assertEqual("queue_id" in event, event_stage in ("data", "eom"))
                about = [other for other in events if other["reply"] == event["reply"]]
                self.assertEqual(about, [event], "explained more than once")

    def test_reference_of_another(self):
        """A reply that has a reference of ours in it, but is not the reply that we gave it to, is explained."""
        refused, *_ = self.said("smtp", [MAIL], mail=SPAM)
        ref = self.assert_explained(refused, 554)
        for recipient in (f'"Ref: {ref}"@elsewhere.test', f'"x> Ref: {ref}"@elsewhere.test'):
            (reply, *_), events = self.events_of(lambda: self.said("smtp", [MAIL, f"RCPT TO:<{recipient}>"]))
            self.assertIn(f"Ref: {ref}", reply.own[0])
            self.assertEqual(reply.code, 554)
            self.assertEqual([event["via"] for event in events], ["socketmap"])
            self.assertIn(f"Ref: {events[0]['ref']}", reply.lines[-1])

    def test_replaced_by_the_mta(self):
        """What Postfix does not take from a milter is not explained as its reply: the client gets Postfix's own, explained."""
        self.refuser.stop()
        self.addCleanup(self.refuser.start)
        for wrong in (b"550 4.7.1 Classes that differ\0", b"no reply at all\0", b"550\0"):
            milter = FakeMilter(self.refuser.path, lambda wire, wrong=wrong: go_on(wire, {b"M": frame(b"y", wrong)}))
            (reply, *_), events = self.events_of(lambda: self.said("tempfail", [MAIL]))
            direct, *_ = self.said("tempfail-direct", [MAIL])
            milter.close()
            self.assertEqual(reply.without_ref(), direct.without_ref())
            self.assert_explained(reply, 451)
            self.assertEqual([event["via"] for event in events], ["socketmap"])

    def test_undoubled(self):
        """A reply with a '%' that is not doubled comes as Postfix makes it, explained once."""
        self.refuser.stop()
        self.addCleanup(self.refuser.start)
        milter = FakeMilter(self.refuser.path, lambda wire: go_on(wire, {b"M": frame(b"y", b"554 5.7.1 100% Spam\0")}))
        (reply, *_), events = self.events_of(lambda: self.said("smtp", [MAIL]))
        direct, *_ = self.said("direct", [MAIL])
        milter.close()
        self.assertEqual(reply.without_ref(), direct.without_ref())
        self.assertEqual([event["via"] for event in events], ["socketmap"])


    def test_not_printable(self):
        """A reply with octets that Postfix shows as blanks is explained once."""
        self.refuser.stop()
        self.addCleanup(self.refuser.start)
        milter = FakeMilter(self.refuser.path, lambda wire: go_on(wire, {b"E": frame(b"y", b"554 5.7.1 Spam \x01\xc3\xa4\xff!\0")}))
        (reply, *_), events = self.events_of(lambda: self.said("smtp", [MAIL, RCPT, "DATA", BODY]))
        milter.close()
        self.assert_explained(reply, 554)
        self.assertEqual([event["via"] for event in events], ["wrap:refuser"])


class Sessions(WrapTest):
    def test_signed_in(self):
        """The event has user, method and TLS."""
        self.check_signed_in("submission", USER, PASSWORD)

    def test_two_messages(self):
        """Two messages and an RSET on one connection: nothing of one is in the events of another."""
        def unknown(client):
            self.refuser.refuse(unknown=SPAM)
            return self.refused_by_milter(client.say("FROBNICATE"), 554, sender=None, recipient=None, queue_id=None, stage="unknown")

        _, (_, second, _, fourth) = self.check_two_messages(unknown)
        for event in (second, fourth):
            self.assert_event(event, queue_id=None)

    def test_several_recipients(self):
        """Of several recipients one is refused: its event names it, and the message goes to the others."""
        before = len(self.mails("second"))
        self.check_several_recipients(f"second@{REALM}")
        wait_for("the message", lambda: len(self.mails("second")) > before)

    def test_refused_by_the_mta(self):
        """A recipient that Postfix itself refuses is its refusal, though the milter is told of it."""
        reply, *_ = self.said("smtp", [MAIL, f"RCPT TO:<{ELSEWHERE}>"], rcpt=SPAM)
        self.assert_event(self.daemon.event(self.assert_explained(reply, 554)), via="socketmap", reason="relay-denied")

    def test_untouched(self):
        """An accepted message of some megabytes arrives as the client sent it, with what the milter added, wrapped and not."""
        line = b"x" * 70 + b"\r\n"
        arrived = []
        for service in ("smtp", "direct"):
            before = set(self.mails("mailbox"))
            client = self.client(service)
            client.play(MAIL, RCPT, "DATA")
            client.send(b"Subject: large\r\n\r\n" + b"".join(b"%d " % i + line for i in range(60_000)))
            self.assertEqual(client.say(".").code, 250)
            new = wait_for("the message", lambda known=before: set(self.mails("mailbox")) - known)
            head, _, body = new.pop().read_bytes().partition(b"\n\n")
            self.assertIn(b"X-Refusing: seen", head)
            arrived.append(hashlib.sha256(body).hexdigest())
        self.assertEqual(*arrived)

    def test_discarded(self):
        """What is discarded is discarded."""
        before = set(self.mails("mailbox"))
        reply, *_ = self.said("smtp", [MAIL, RCPT, "DATA", BODY], eom={"do": "discard"})
        self.assertEqual(reply.code, 250)
        self.assertEqual(set(self.mails("mailbox")), before)


class MailLog(WrapTest):
    def test_own_log(self):
        """Postfix's own log, which has our lines in it, is read as what the milter said: by reply, reason and session."""
        rows = (("rcpt", SPAM, [MAIL, RCPT]), ("data", TWO_LINES, [MAIL, RCPT, "DATA"]), ("eom", SPAM, [MAIL, RCPT, "DATA", BODY]),
                ("eom", LATER, [MAIL, RCPT, "DATA", BODY]))
        for stage, rule, lines in rows:
            _, events = self.events_of(lambda: self.said("smtp", lines, **{stage: rule}))
            log = wait_for("the line in the log", lambda: [line for line in self.rig.postfix.log.read_text().splitlines() if events[0]["ref"] in line])
            (self.sandbox / "one-line").write_text(log[-1] + "\n")
            seen = json.loads(mailwhy("explain", "--json", self.sandbox / "one-line").stdout)
            self.assertEqual((seen["reason"], seen["code"]), (events[0]["reason"], events[0]["code"]), log[-1])


class Filters(RigTest):
    """Behind the proxy OpenDKIM, which signs what the loopback sends to "sign" and at "verify" refuses what is not signed, and rspamd."""

    @classmethod
    def setUpClass(cls):
        names = ("sign", "verify", "rspamd")
        cls.rig_options = {
            "services": {name: {"smtpd_milters": MILTERS + name} for name in names},
            "settings": {"virtual_transport": "virtual", "virtual_mailbox_maps": f"inline:{{ {{ {MAILBOX} = mailbox/ }}, {{ second@{REALM} = second/ }} }}"},
            "more": "".join(f'wrap {name} {{ listen = "unix:DIRECTORY/{name}" to = "unix:DIRECTORY/{name}-itself" }}\n' for name in names)}
        super().setUpClass()
        sign, verify, itself = (cls.daemon.directory / f"{name}-itself" for name in names)
        opendkim_signing(cls.sandbox, "sign", sign, "elsewhere.test")
        opendkim_verifying(cls.sandbox, "verify", verify)
        rspamd(cls.sandbox, itself)

    def test_signs(self):
        """What it adds to a message is added."""
        client = self.client("sign")
        text = f"From: <{SENDER}>\r\nTo: <{MAILBOX}>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-Id: <1@elsewhere.test>\r\n" + BODY[:-1]
        self.assertEqual(client.message(SENDER, MAILBOX, text).code, 250)
        message = wait_for("the message", lambda: list((self.rig.postfix.mail / "mailbox" / "new").glob("*")))[0].read_text()
        self.assertRegex(message, r"(?m)^DKIM-Signature: v=1; a=rsa-sha256;[^=]*=[^;]*;\s+d=elsewhere\.test;\s+s=test;")

    def test_refuses(self):
        """What it refuses is explained once, in its name."""
        before = len(self.daemon.events())
        reply = self.client("verify").message(SENDER, MAILBOX, f"From: <{SENDER}>\r\n" + BODY[:-1])
        self.assertIn(reply.code, (550, 554), reply)
        self.assert_event(self.daemon.event(self.assert_explained(reply, reply.code)), via="wrap:verify", stage="eom", sender=SENDER,
                          recipient=MAILBOX, reply=reply.original)
        self.assertEqual(len(self.daemon.events()) - before, 1)

    def test_rspamd(self):
        """A GTUBE message is refused by rspamd, explained once, in its name; the next message on the connection is taken."""
        before = len(self.daemon.events())
        client = self.client("rspamd")
        reply = client.message(SENDER, MAILBOX, f"From: <{SENDER}>\r\n{BODY[:-1]}{GTUBE}\r\n")
        self.assertEqual(reply.own, ["554-5.7.1 Gtube pattern"])
        self.assert_event(self.daemon.event(self.assert_explained(reply, 554)), via="wrap:rspamd", stage="eom", sender=SENDER, recipient=MAILBOX,
                          client_addr="127.0.0.1", helo=HELO, reply=reply.original)
        self.assertEqual(client.message(SENDER, f"second@{REALM}", f"From: <{SENDER}>\r\n{BODY[:-1]}").code, 250)
        self.assertEqual(len(self.daemon.events()) - before, 1)


class Down(WrapTest):
    """Whatever becomes of the wrapped milter: Postfix does what it would do without us."""

    def assert_alike(self, lines, code, **rules):
        """Wrapped and not, both by milter_default_action "accept" and "tempfail". The reply of the latter, wrapped."""
        replies = []
        for service in ("smtp", "direct", "tempfail", "tempfail-direct"):
            replies.append(self.said(service, lines, **rules)[0])
            if rules:
                self.refuser.process.wait()
                self.refuser.start()
        accepted, direct, refused, refused_direct = replies
        self.assertEqual(accepted.code, 250)
        self.assertEqual(accepted.lines[0][:9], direct.lines[0][:9])
        self.assertEqual(refused.without_ref(), refused_direct.without_ref())
        self.assertEqual(self.daemon.event(self.assert_explained(refused, code))["via"], "socketmap")

    def test_down(self):
        """It does not run."""
        self.refuser.stop()
        self.addCleanup(self.refuser.start)
        self.assert_alike([MAIL], 451)

    def test_dies(self):
        """It dies in mid-session, at each stage."""
        for stage, lines in (("helo", [MAIL]), ("mail", [MAIL]), ("rcpt", [MAIL, RCPT])):
            with self.subTest(stage):
                self.assert_alike(lines, 451, **{stage: {"do": "exit"}})

    def test_dies_at_the_end(self):
        """It dies within a message."""
        for stage, lines in (("data", [MAIL, RCPT, "DATA"]), ("eom", [MAIL, RCPT, "DATA", BODY])):
            with self.subTest(stage):
                replies = []
                for service in ("tempfail", "tempfail-direct"):
                    replies.append(self.said(service, lines, **{stage: {"do": "exit"}})[0])
                    self.refuser.start()
                self.assertEqual(replies[0].without_ref(), replies[1].without_ref())
                self.assertEqual(replies[0].code, 451)

    def test_comes_back(self):
        """When it is there again, so are its refusals; mailwhyd needs nothing done."""
        self.check_comes_back()

    def test_without_mailwhyd(self):
        """Without mailwhyd, its socket is as one of a milter that does not run."""
        self.daemon.kill9()
        self.addCleanup(self.daemon.start)
        self.assertEqual(self.said("smtp", [MAIL], mail=SPAM)[0].lines, ["250 2.1.0 Ok"])
        self.assertEqual(self.said("tempfail", [MAIL])[0].lines, ["451 4.7.1 Service unavailable - try again later"])
