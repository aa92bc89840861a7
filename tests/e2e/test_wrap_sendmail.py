"""Other milters behind mailwhyd's proxy, with a real Sendmail."""

import re

from filters import GTUBE, opendkim_signing, opendkim_verifying, rspamd
from mailwhyd import Mailwhyd
from milters import RefusingMilter
from rig import HELO, Explained
from sandbox import Sandbox
from sasl import PASSWORD, USER
from sendmail import CLIENT, MAILBOX, Sendmail
from smtp import Client
from wrapping import BODY, LATER, MAIL, MESSAGE, RCPT, REJECT, SENDER, SPAM, TEMPFAIL, TWO_LINES, Wrapping

# stage, what the milter does there, what the client says after EHLO, and the last reply's code, reason and event's stage.
REFUSALS = (
    ("mail", SPAM, [MAIL], 554, "spam-rejected", "mail"),
    ("mail", REJECT, [MAIL], 550, "milter-no-reason", "mail"),
    ("mail", TEMPFAIL, [MAIL], 451, "milter-unavailable", "mail"),
    ("rcpt", TWO_LINES, [MAIL, RCPT], 550, "spam-rejected", "rcpt"),
    ("rcpt", LATER, [MAIL, RCPT], 451, "greylisted", "rcpt"),
    ("rcpt", REJECT, [MAIL, RCPT], 550, "milter-no-reason", "rcpt"),
    ("rcpt", TEMPFAIL, [MAIL, RCPT], 451, "milter-unavailable", "rcpt"),
    ("data", SPAM, [MAIL, RCPT, "DATA"], 554, "spam-rejected", "data"),
    ("data", REJECT, [MAIL, RCPT, "DATA"], 550, "milter-no-reason", "data"),
    ("data", TEMPFAIL, [MAIL, RCPT, "DATA"], 451, "milter-unavailable", "data"),
    ("header", SPAM, MESSAGE, 554, "spam-rejected", "eom"),
    ("header", REJECT, MESSAGE, 554, "milter-no-reason", "eom"),
    ("eoh", LATER, MESSAGE, 451, "greylisted", "eom"),
    ("body", REJECT, MESSAGE, 554, "milter-no-reason", "eom"),
    ("eom", TWO_LINES, MESSAGE, 550, "spam-rejected", "eom"),
    ("eom", REJECT, MESSAGE, 554, "milter-no-reason", "eom"),
    ("eom", TEMPFAIL, MESSAGE, 451, "milter-unavailable", "eom"),
    ("helo", SPAM, [MAIL], 554, "spam-rejected", "helo"),
)


class WrapTest(Wrapping, Explained):
    """Tests that share one Sendmail and its mailwhyd, with milters behind the proxy.

    wraps: their names, each at the socket of that name in DIRECTORY, and itself at NAME-itself; filters: lines of sendmail.mc; services: Sendmail's."""

    wrapped, source = "wrapped", CLIENT
    wraps = ()
    services = {}
    filters = ()

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        sockets = cls.sandbox / "mailwhyd-sockets"
        cls.daemon = Mailwhyd(cls.sandbox, sockets, more="".join(
            f'wrap {name} {{ listen = "unix:DIRECTORY/{name}" to = "unix:DIRECTORY/{name}-itself" }}\n' for name in cls.wraps))
        cls.addClassCleanup(cls.daemon.check_sanitizers)
        cls.sendmail = Sendmail(cls.sandbox, features=[line.replace("DIRECTORY", str(sockets)) for line in cls.filters], services=cls.services)
        cls.prepare(sockets)
        cls.daemon.start()
        cls.sendmail.wire(cls.daemon.reply, cls.daemon.milter)
        cls.sendmail.start()

    @classmethod
    def prepare(cls, sockets):
        """Start the milters."""

    def setUp(self):
        self.addCleanup(self.daemon.check)

    def client(self, service="wrapped", helo=HELO, source=CLIENT):
        client = Client(self.sendmail.ports[service], helo, source=source)
        self.addCleanup(client.close)
        return client


def input_filter(name, socket, flags=""):
    return f"INPUT_MAIL_FILTER(`{name}', `S=unix:DIRECTORY/{socket}, {flags}T=C:30s;S:30s;R:30s;E:60s')dnl"


class Refusing(WrapTest):
    """The milter that refuses on demand: wrapped ("wrapped", and "tempfail" with F=T), and not ("direct", "tempfail-direct")."""

    wraps = ("refuser",)
    filters = [input_filter("refuser", "refuser"), input_filter("itself", "refuser-itself"), input_filter("needed", "refuser", "F=T, "),
               input_filter("needed-itself", "refuser-itself", "F=T, ")]
    services = {"wrapped": "M=, InputFilters=mailwhy;refuser", "direct": "M=A, InputFilters=mailwhy;itself",
                "tempfail": "M=A, InputFilters=mailwhy;needed", "tempfail-direct": "M=A, InputFilters=mailwhy;needed-itself"}

    @classmethod
    def prepare(cls, sockets):
        cls.refuser = RefusingMilter(cls.sandbox, sockets / "refuser-itself").start()

    def setUp(self):
        super().setUp()
        self.refuser.refuse()

    def assert_wrapped(self, event, **expected):
        super().assert_wrapped(event, mta="Sendmail 8.17.1.9", host="mx.mailwhy.test", pid=None, **expected)

    def test_refusals(self):
        """At each stage: the reply that the client would get without us, with our lines once; one event, of the wrapped milter, with all context."""
        for stage, rule, lines, code, reason, event_stage in REFUSALS:
            with self.subTest(f"{stage} {rule}"):
                (reply, *earlier), events = self.events_of(lambda: self.said("wrapped", lines, **{stage: rule}))
                direct, *before = self.said("direct", lines, **{stage: rule})
                self.assertEqual(reply.original, direct.original)
                self.assertEqual([other.lines for other in earlier], [other.lines for other in before])
                ref = self.assert_explained(reply, code)
                self.assertEqual([str(reply).count(label) for label in (" Reason: ", " Fix: ", " Ref: ")], [1, 1, 1])
                event, = events
                at_mail, at_rcpt = event_stage != "helo", event_stage in ("rcpt", "data", "eom")
                self.assert_wrapped(event, ref=ref, code=code, stage=event_stage, reason=reason, helo=HELO, tls="none", attempt=1,
                                    sender=SENDER if at_mail else None, recipient=MAILBOX if at_rcpt else None,
                                    reply=re.sub("<[^>]*>\\.\\.\\. ", "", reply.original))
                self.assertEqual("queue_id" in event, at_mail)

    def test_not_shown(self):
        """What Sendmail makes of a refusal at CONNECT, and of one without words at HELO, shows none of the milter's: the event has no reference."""
        for stage, rule, reason in (("connect", SPAM, "spam-rejected"), ("connect", LATER, "greylisted"), ("connect", REJECT, "milter-no-reason"),
                                    ("connect", TEMPFAIL, "milter-unavailable"), ("helo", REJECT, "milter-no-reason"),
                                    ("helo", TEMPFAIL, "milter-unavailable")):
            with self.subTest(f"{stage} {rule}"):
                replies, events = self.events_of(lambda: self.said("wrapped", [MAIL, RCPT], **{stage: rule}))
                self.assertEqual([reply.lines for reply in replies], [reply.lines for reply in self.said("direct", [MAIL, RCPT], **{stage: rule})])
                self.assert_plain(replies[1], 451 if rule in (LATER, TEMPFAIL) else 550)
                event, = events
                self.assert_wrapped(event, ref=None, stage=stage, reason=reason, helo=HELO if stage == "helo" else None, sender=None)

    def test_unknown_command(self):
        """mailwhyd's own milter comes first: the wrapped one is not asked, and there is one event."""
        (reply, *_), events = self.events_of(lambda: self.said("wrapped", ["FROBNICATE"], unknown=SPAM))
        self.assert_explained(reply, 500)
        self.assertEqual([event["via"] for event in events], ["milter"])

    def test_signed_in(self):
        """The event has user, method and TLS."""
        self.check_signed_in("wrapped", USER.partition("@")[0], PASSWORD)

    def test_two_messages(self):
        """Two messages and an RSET on one connection: nothing of one is in the events of another, and a ruleset's refusal counts among them."""
        def relayed(client):
            self.refuser.refuse()
            client.play("MAIL FROM:<three@elsewhere.test>", "RCPT TO:<someone@elsewhere.test>", "RSET")
            event = self.daemon.events()[-1]
            self.assert_event(event, via="ruleset", sender="three@elsewhere.test", recipient="someone@elsewhere.test", stage="rcpt")
            return event

        client, _ = self.check_two_messages(relayed)
        self.refuser.refuse()
        self.assertEqual(client.message("four@elsewhere.test", MAILBOX).code, 250)

    def test_several_recipients(self):
        """Of several recipients one is refused: its event names it, and the message is taken for the others."""
        self.check_several_recipients("root@mailwhy.test")

    def assert_as_without(self, lines, **rules):
        """Wrapped and not, with and without F=T: the same replies, and no event in the wrapped milter's name."""
        found = []
        for service in ("wrapped", "direct", "tempfail", "tempfail-direct"):
            replies, events = self.events_of(lambda name=service: self.said(name, lines, **rules))
            self.assertEqual(events, [])
            found.append([re.sub(r"\b[0-9][A-Za-z]{2}\w{5}\d{6}\b", "#", str(reply)) for reply in replies])
            if rules:
                self.refuser.process.wait()
                self.refuser.start()
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[2], found[3])
        self.assertEqual((found[0][0][:3], found[2][0][:3]), ("250", "451"))

    def test_down(self):
        """The wrapped milter does not run: Sendmail goes on without it, or with F=T puts off, as without us."""
        self.refuser.stop()
        self.addCleanup(self.refuser.start)
        self.assert_as_without([MAIL])

    def test_dies(self):
        """It dies in mid-session: the same."""
        for stage, lines in (("mail", [MAIL]), ("rcpt", [MAIL, RCPT]), ("eom", MESSAGE)):
            with self.subTest(stage):
                self.assert_as_without(lines, **{stage: {"do": "exit"}})

    def test_comes_back(self):
        """When it is there again, so are its refusals."""
        self.check_comes_back()


class Filters(WrapTest):
    """OpenDKIM, which signs what the loopback sends to "sign" and at "verify" refuses what is not signed, and rspamd."""

    wraps = ("sign", "verify", "rspamd")
    filters = [*(input_filter(name, name) for name in wraps), "define(`confDELIVERY_MODE', `queueonly')dnl"]
    services = {name: f"M=A, InputFilters=mailwhy;{name}" for name in wraps}

    @classmethod
    def prepare(cls, sockets):
        opendkim_signing(cls.sandbox, "sign", sockets / "sign-itself", "elsewhere.test")
        opendkim_verifying(cls.sandbox, "verify", sockets / "verify-itself")
        rspamd(cls.sandbox, sockets / "rspamd-itself")

    def assert_refused(self, client, service, body, code):
        """The message is refused, explained once, in the milter's name. The reply."""
        reply, events = self.events_of(lambda: client.message(SENDER, MAILBOX, f"From: <{SENDER}>\r\n{body}"))
        ref = self.assert_explained(reply, code)
        event, = events
        self.assert_event(event, ref=ref, via=f"wrap:{service}", stage="eom", sender=SENDER, recipient=MAILBOX, client_addr=CLIENT, helo=HELO,
                          reply=reply.original, mta="Sendmail 8.17.1.9")
        return reply

    def test_opendkim_refuses(self):
        """What is not signed."""
        self.assert_refused(self.client("verify"), "verify", BODY[:-1], 550)

    def test_opendkim_signs(self):
        """What it adds to a message is added, as Sendmail's queue shows."""
        reply = self.client("sign", source="127.0.0.1").message(SENDER, MAILBOX, f"From: <{SENDER}>\r\n{BODY[:-1]}")
        self.assertEqual(reply.code, 250)
        envelope = (self.sendmail.queue / f"qf{reply.texts[0].split()[0]}").read_text(errors="replace")
        self.assertRegex(envelope, r"(?m)^H\?\?DKIM-Signature: v=1; a=rsa-sha256;[^=]*=[^;]*;\s+d=elsewhere\.test;\s+s=test;")

    def test_rspamd(self):
        """A GTUBE message is refused; the next one on the connection is taken."""
        client = self.client("rspamd")
        reply = self.assert_refused(client, "rspamd", f"{BODY[:-1]}{GTUBE}\r\n", 554)
        self.assertEqual(reply.own, ["554-5.7.1 Gtube pattern"])
        self.assertEqual(client.message(SENDER, MAILBOX, f"From: <{SENDER}>\r\n{BODY[:-1]}").code, 250)
