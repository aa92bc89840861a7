"""What reaches people through the mail programs they use: Python's smtplib, swaks, and a mail server that writes a bounce."""

import re
import smtplib

from mta import ELSEWHERE, MAILBOX
from rig import HELO, RigTest
from sandbox import run, wait_for
from sasl import USER, WRONG
from smtp import Client, Reply


class Clients(RigTest):
    rig_options = {"sasl": "dovecot"}

    def smtplib(self, service):
        client = smtplib.SMTP("127.0.0.1", self.rig.postfix.ports[service], HELO, timeout=30)
        self.addCleanup(client.close)
        return client

    def test_smtplib_password(self):
        """smtplib's exception for a wrong password carries the whole explanation."""
        with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
            self.smtplib("submission").login(USER, WRONG)
        self.assert_carries(caught.exception.smtp_code, caught.exception.smtp_error, 535, "auth-bad-credentials")

    def test_smtplib_recipient(self):
        """smtplib's exception for a refused recipient carries the whole explanation."""
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
            self.smtplib("smtp").sendmail("sender@elsewhere.test", [ELSEWHERE], "Subject: hello\n\nhello\n")
        self.assert_carries(*caught.exception.recipients[ELSEWHERE], 554, "relay-denied")

    def test_smtplib_goes_on(self):
        """After an explained refusal smtplib hands in a message to a recipient that is accepted."""
        refused = self.smtplib("smtp").sendmail("sender@elsewhere.test", [ELSEWHERE, MAILBOX], "Subject: hello\n\nhello\n")
        self.assertEqual(list(refused), [ELSEWHERE])
        self.assert_carries(*refused[ELSEWHERE], 554, "relay-denied")

    def test_smtplib_tls(self):
        """Within TLS, where the server wants it before anything else."""
        client = self.smtplib("tlsonly")
        client.ehlo()
        self.assert_carries(*client.mail("sender@elsewhere.test"), 530, "starttls-required")
        client.starttls()
        client.ehlo()
        client.mail("sender@elsewhere.test")
        self.assert_carries(*client.rcpt(ELSEWHERE), 554, "relay-denied")

    def assert_carries(self, seen_code, seen_text, code, reason):
        """smtplib gives the lines of a reply without their codes, joined by LF."""
        self.assertEqual(seen_code, code)
        lines = seen_text.split(b"\n")
        self.refused(Reply([b"%d-%s" % (code, line) for line in lines]), code, reason=reason)

    def swaks(self, service, *args):
        """The refusals swaks shows of a session."""
        port = self.rig.postfix.ports[service]
        output = run("swaks", "--server", "127.0.0.1", "--port", port, "--helo", HELO, "--from", "sender@elsewhere.test",
                     "--timeout", "30", *args, check=False).stdout
        lines = re.findall(r"^<\*\* +(\d{3}[ -].*)$", output, re.M)
        self.assertTrue(lines, output)
        return Reply([line.encode() for line in lines])

    def test_swaks_password(self):
        """swaks shows the explanation of a wrong password, by PLAIN and by LOGIN."""
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism):
                reply = self.swaks("submission", "--to", MAILBOX, "--auth", mechanism, "--auth-user", USER, "--auth-password", WRONG)
                self.refused(reply, 535, reason="auth-bad-credentials", stage="auth")

    def test_bounce(self):
        """Another mail server, refused, sends its own user a bounce with our reason, fix and reference in it."""
        other = self.other_server()
        with Client(other.ports["smtp"], HELO) as client:
            self.assertEqual(client.message("writer@other.test", ELSEWHERE).code, 250)
        bounce = self.bounce(other.mail / "writer")
        ref = re.search(r"Ref: (\S+)", bounce)
        self.assertTrue(ref, bounce)
        event = self.daemon.event(ref.group(1))
        self.assert_event(event, code=554, reason="relay-denied", helo="relay.other.test", sender="writer@other.test", recipient=ELSEWHERE)
        with self.rig.client() as client:
            said = client.play("MAIL FROM:<writer@other.test>", f"RCPT TO:<{ELSEWHERE}>")
        for part in (said.reason, said.fix):
            self.assertIn(part.split(". ")[0], bounce)

    @staticmethod
    def bounce(mailbox):
        """The text of the bounce once it is delivered, without the reply codes and line ends put into it on its way."""
        text = wait_for("the bounce", lambda: mailbox.exists() and mailbox.read_text(errors="replace"), 30)
        return " ".join(re.sub(r"\b554[ -]5\.7\.1 ", "", text).split())
