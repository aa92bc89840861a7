"""What a refused client reads, and what the log says of it: for each SASL, chrooted and not, over unix sockets and TCP."""

import concurrent.futures
import itertools
from unittest.mock import ANY

from mta import ELSEWHERE, HOSTNAME, MAILBOX
from rig import HELO, RigTest
from sandbox import wait_for
from sasl import DISABLED_USER, PASSWORD, UNKNOWN_USER, USER, WRONG
from smtp import b64

SENDER = "sender@elsewhere.test"
MAIL = f"MAIL FROM:<{SENDER}>"
RELAY = f"RCPT TO:<{ELSEWHERE}>"

# name, service, what the client says after EHLO, and the event of the last reply: code, enhanced code, reason, stage, sender, recipient.
REFUSALS = (
    ("RCPT before MAIL", "smtp", [RELAY], 503, "5.5.1", "mail-needed", "rcpt", None, None),
    ("DATA before MAIL", "smtp", ["DATA"], 503, "5.5.1", "rcpt-needed", "data", None, None),
    ("DATA without RCPT", "smtp", [MAIL, "DATA"], 554, "5.5.1", "no-valid-recipients", "data", SENDER, None),
    ("MAIL twice", "smtp", [MAIL, MAIL], 503, "5.5.1", "mail-nested", "mail", ANY, None),
    ("unknown command", "smtp", ["FROBNICATE"], 500, "5.5.2", "command-unknown", "unknown", None, None),
    ("relaying", "smtp", [MAIL, RELAY], 554, "5.7.1", "relay-denied", "rcpt", SENDER, ELSEWHERE),
    ("unknown mailbox", "smtp", [MAIL, "RCPT TO:<nobody-here@mailwhy.test>"], 550, "5.1.1", "rcpt-unknown", "rcpt", SENDER,
     "nobody-here@mailwhy.test"),
    ("AUTH not offered", "smtp", ["AUTH PLAIN " + b64("\0a\0b")], 503, "5.5.1", "auth-not-enabled", "auth", None, None),
    ("AUTH only after STARTTLS", "tlsauth", ["AUTH PLAIN " + b64("\0a\0b")], 503, "5.5.1", "auth-not-enabled", "auth", None, None),
    ("STARTTLS first", "tlsonly", ["AUTH LOGIN"], 530, "5.7.0", "starttls-required", ANY, None, None),
    ("STARTTLS before MAIL", "tlsonly", [MAIL], 530, "5.7.0", "starttls-required", ANY, None, None),
    ("AUTH without mechanism", "submission", ["AUTH"], 501, "5.5.4", "auth-syntax", "auth", None, None),
    ("AUTH within a message", "submission", [MAIL, "AUTH LOGIN"], 503, "5.5.1", "auth-in-transaction", "auth", SENDER, None),
    ("AUTH given up", "submission", ["AUTH LOGIN", "*"], 501, "5.7.0", "auth-aborted", "auth", None, None),
)

# What the client says after EHLO, and the reason, which is the SASL layer's to give.
BROKEN_OFF = {
    "dovecot": (
        ("no base64 for the user name", ["AUTH LOGIN", "!!!"], "auth-bad-base64"),
        ("no base64 for the password", ["AUTH LOGIN", b64(USER), "!!!"], "auth-bad-base64"),
        ("no base64 at once", ["AUTH PLAIN !!!"], "auth-bad-base64"),
        ("a mechanism nobody knows", ["AUTH FOO"], "auth-mechanism-unsupported"),
    ),
    "cyrus": (
        ("no base64 for the user name", ["AUTH LOGIN", "!!!"], "auth-incomplete-exchange"),
        ("no base64 for the password", ["AUTH LOGIN", b64(USER), "!!!"], "auth-incomplete-exchange"),
        ("a mechanism nobody knows", ["AUTH FOO"], "auth-mechanism-unsupported"),
    ),
}


class Replies:
    """The scenarios. Each class below is these, with one way to set Postfix up."""

    sasl = None

    def test_refusals(self):
        """503, 500, 554, 550, 530 and 501: each with reason, fix and a reference whose event tells the session."""
        for name, service, lines, code, enhanced, reason, stage, sender, recipient in REFUSALS:
            with self.subTest(name):
                client = self.client(service)
                event = self.refused(client.play(*lines), code, enhanced=enhanced, reason=reason, stage=stage, sender=sender,
                                     recipient=recipient, helo=HELO, client_name="localhost", host=HOSTNAME, via="socketmap", tls="none",
                                     client_port=client.sock.getsockname()[1], attempt=1, sasl_method=None, sasl_user=None)
                self.assertTrue(event["mta"].startswith("Postfix"), event)
                wait_for(f"smtpd {event['pid']} in Postfix's log", lambda pid=event["pid"]: f"smtpd[{pid}]" in self.rig.postfix.log_text())

    def test_before_hello(self):
        """MAIL before HELO is explained, and the event has no HELO name."""
        self.refused(self.client(helo=None).say(MAIL), 503, reason="helo-required", helo=None, sender=None)

    def test_wrong_password(self):
        """A wrong password is explained with every mechanism; what nobody can know of it is absent."""
        for sign_in in ("auth_plain", "auth_login", "auth_cram_md5"):
            with self.subTest(sign_in):
                reply = getattr(self.client("submission"), sign_in)(USER, WRONG)
                self.refused(reply, 535, enhanced="5.7.8", reason="auth-bad-credentials", stage="auth", helo=HELO,
                             sasl_method=None, sasl_user=None, sender=None, recipient=None, queue_id=None)

    def test_broken_off(self):
        """A client that breaks off at a 334 challenge is told so."""
        for name, lines, reason in BROKEN_OFF[self.sasl]:
            with self.subTest(name):
                self.refused(self.client("submission").play(*lines), 535, enhanced="5.7.8", reason=reason, stage="auth")

    def test_no_account_oracle(self):
        """Unknown user, wrong password and disabled account read the same to the client, but for the reference."""
        for sign_in in ("auth_plain", "auth_login"):
            replies = [getattr(self.client("submission"), sign_in)(*who)
                       for who in ((USER, WRONG), (UNKNOWN_USER, WRONG), (DISABLED_USER, WRONG), (DISABLED_USER, PASSWORD))]
            self.assertEqual(len({self.assert_explained(reply, 535) for reply in replies}), len(replies), "a reference came twice")
            for reply in replies[1:]:
                self.assertEqual(reply.without_ref(), replies[0].without_ref())

    def test_encrypted(self):
        """Within TLS the event names the protocol."""
        client = self.client("tlsauth")
        client.starttls(HELO)
        self.refused(client.auth_plain(USER, WRONG), 535, reason="auth-bad-credentials", tls="TLSv1.3")

    def test_sign_in(self):
        """A successful AUTH is an event without a reference once MAIL is seen, and only one."""
        client = self.client("submission", "signed-in.test")
        self.assertEqual(client.auth_plain(USER, PASSWORD).code, 235)
        self.assertEqual(client.message(USER, ELSEWHERE).code, 250)
        self.assertEqual(client.message(USER, MAILBOX).code, 250)
        events = [event for event in self.daemon.events() if event.get("helo") == "signed-in.test"]
        self.assertEqual(len(events), 1, events)
        self.assert_event(events[0], code=235, sasl_method="PLAIN", sasl_user=USER, client_addr="127.0.0.1", ref=None, attempt=None)

    def test_signed_in_and_refused(self):
        """A refusal after a successful AUTH names the user."""
        client = self.client("submission")
        client.auth_plain(USER, PASSWORD)
        reply = client.play(f"MAIL FROM:<{USER}>", "RCPT TO:<nobody-here@mailwhy.test>")
        self.refused(reply, 550, reason="rcpt-unknown", sasl_user=USER, sasl_method="PLAIN", sender=USER)
        client.say("RSET")
        self.refused(client.say("AUTH LOGIN"), 503, reason="auth-already-done", stage="auth", sasl_user=USER)

    def test_message_state(self):
        """Of two messages and an RSET on one connection, nothing of one is told of the other."""
        client = self.client()
        self.assertEqual(client.message("first@elsewhere.test", MAILBOX).code, 250)
        self.refused(client.say(RELAY), 503, sender=None, recipient=None, queue_id=None)
        self.refused(client.play("MAIL FROM:<second@elsewhere.test>", RELAY), 554, sender="second@elsewhere.test", recipient=ELSEWHERE,
                     queue_id=None)
        self.assertEqual(client.say(f"RCPT TO:<{MAILBOX}>").code, 250)
        self.assertEqual(client.say("RSET").code, 250)
        self.refused(client.say("FROBNICATE"), 500, sender=None, recipient=None, queue_id=None)
        self.refused(client.play("MAIL FROM:<>", RELAY), 554, recipient=ELSEWHERE, queue_id=None)
        event = self.refused(client.say("MAIL FROM:<third@elsewhere.test>"), 503, queue_id=None)
        self.assertIn(event.get("sender"), (None, "<>"))

    def test_refused_sender_after_a_message(self):
        """A sender that is refused where Postfix does not show it to us has nothing of the message before it, whether that was taken or reset."""
        commands = (("MAIL FROM:<eve@elsewhere.test> SIZE=999999999", 552), ("MAIL FROM:<eve@elsewhere.test> FOO=bar", 555), ("MAIL FROM", 501))
        for before in (lambda client: client.message("first@elsewhere.test", MAILBOX),
                       lambda client: client.play("MAIL FROM:<first@elsewhere.test>", f"RCPT TO:<{MAILBOX}>", "RSET")):
            with self.client() as client:
                self.assertEqual(before(client).code, 250)
                for command, code in commands:
                    with self.subTest(command):
                        event = self.refused(client.say(command), code, sender=None, recipient=None, queue_id=None)
                        self.assertIn(event.get("stage"), (None, "mail"))

    def test_attempts(self):
        """Failures are counted by session: also when the next session meets the same smtpd."""
        for _ in range(2):
            with self.rig.client() as client:
                for attempt, line in enumerate(("DATA", "FROBNICATE", "RCPT TO:<>"), 1):
                    reply = client.say(line)
                    self.refused(reply, reply.code, attempt=attempt)

    def test_sessions_side_by_side(self):
        """Sessions at the same time: each reply's event is that of its own session."""

        def session(number):
            with self.rig.client(helo=f"client-{number}.test") as client:
                client.say(f"MAIL FROM:<sender-{number}@elsewhere.test>")
                return number, [client.say(f"RCPT TO:<{number}-{turn}@elsewhere.test>") for turn in range(5)]

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            for number, replies in pool.map(session, range(20)):
                for turn, reply in enumerate(replies):
                    self.refused(reply, 554, helo=f"client-{number}.test", sender=f"sender-{number}@elsewhere.test",
                                 recipient=f"{number}-{turn}@elsewhere.test")


class SaslGone(RigTest):
    rig_options = {"sasl": "dovecot"}

    def test_temporary(self):
        """When the authentication server goes away in mid-session the client learns that it is not its fault (454)."""
        client = self.client("submission")
        self.rig.postfix.sasl.stop()
        self.addCleanup(self.rig.postfix.sasl.start)
        self.refused(client.auth_plain(USER, PASSWORD), 454, enhanced="4.7.0", reason="auth-backend-unavailable", stage="auth")


class WithoutMilter(RigTest):
    rig_options = {"milter": False}

    def test_reply_map_alone(self):
        """Without the milter a reply is explained all the same, and the event says nothing of a session."""
        reply = self.client().play(MAIL, RELAY)
        event = self.daemon.event(self.assert_explained(reply, 554))
        self.assert_event(event, code=554, reason="relay-denied", client_addr=None, helo=None, sender=None, tls=None)


def make_matrix():
    for sasl, chroot, wiring in itertools.product(("dovecot", "cyrus"), (True, False), ("unix", "inet")):
        name = f"{sasl.title()}{'Chroot' if chroot else 'Plain'}{wiring.title()}"
        options = {"sasl": sasl, "chroot": chroot, "wiring": wiring, "user": "nobody" if chroot else ""}
        yield name, type(name, (Replies, RigTest), {"sasl": sasl, "rig_options": options, "__module__": __name__})


globals().update(make_matrix())
