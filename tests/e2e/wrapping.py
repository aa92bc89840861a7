"""What the tests of the proxy with a Postfix and with a Sendmail have in common: a milter behind it that refuses on demand."""

from rig import HELO
from sasl import REALM

SENDER = "sender@elsewhere.test"
MAILBOX = f"mailbox@{REALM}"
MAIL = f"MAIL FROM:<{SENDER}>"
RCPT = f"RCPT TO:<{MAILBOX}>"
BODY = "Subject: hello\r\n\r\nhello\r\n."
MESSAGE = [MAIL, RCPT, "DATA", BODY]
SPAM = {"do": "reply", "reply": ["554", "5.7.1", "Spam message rejected"]}
TWO_LINES = {"do": "reply", "reply": ["550", "5.7.1", "No, thanks", "It is 100%% spam"]}
LATER = {"do": "reply", "reply": ["451", "4.7.1", "Greylisting in action, please come back later"]}
REJECT, TEMPFAIL = {"do": "reject"}, {"do": "tempfail"}


class Wrapping:
    """For tests that have a `daemon`, a `refuser` (RefusingMilter) and client(SERVICE, HELO). wrapped: the service that has it behind the proxy; source: the
    client's address."""

    wrapped = source = None

    def events_of(self, act):
        """What act() comes to, and the events that it leaves."""
        before = len(self.daemon.events())
        result = act()
        return result, self.daemon.events()[before:]

    def said(self, service, lines, **rules):
        """The replies to the lines, after EHLO; the last one's first."""
        self.refuser.refuse(**rules)
        with self.client(service, None) as client:
            client.send("EHLO " + HELO + "\r\n")
            client.read()
            return [client.say(line) for line in lines][::-1]

    def assert_wrapped(self, event, **expected):
        """An event in the name of the wrapped milter."""
        self.assert_event(event, via="wrap:refuser", client_addr=self.source, **expected)
        self.assertGreater(event["client_port"], 0)

    def refused_by_milter(self, reply, code, **expected):
        """A refusal of the wrapped milter, explained and logged. Its event."""
        event = self.daemon.event(self.assert_explained(reply, code))
        self.assert_wrapped(event, **expected)
        return event

    def check_two_messages(self, between):
        """Two messages and an RSET on one connection: nothing of one is in the events of another. between(client) has
        something else refused, and gives its event. The client, and all four."""
        client = self.client(self.wrapped)
        self.refuser.refuse(eom=SPAM)
        events = [self.refused_by_milter(client.message("one@elsewhere.test", MAILBOX), 554, sender="one@elsewhere.test", recipient=MAILBOX, stage="eom", attempt=1)]
        self.refuser.refuse(rcpt=LATER)
        events.append(self.refused_by_milter(client.play("MAIL FROM:<two@elsewhere.test>", RCPT), 451, sender="two@elsewhere.test", recipient=MAILBOX, stage="rcpt", attempt=2))
        client.say("RSET")
        events.append(between(client))
        self.assert_event(events[-1], attempt=3)
        self.refuser.refuse(mail=LATER)
        events.append(self.refused_by_milter(client.say("MAIL FROM:<>"), 451, sender="<>", recipient=None, stage="mail", attempt=4))
        self.assertEqual(len({event["client_port"] for event in events}), 1)
        return client, events

    def check_several_recipients(self, other):
        """Of several recipients one is refused: its event names it, and the message is taken for the other."""
        self.refuser.refuse(rcpt={**SPAM, "if": MAILBOX})
        client = self.client(self.wrapped)
        self.assertEqual(client.play(MAIL, f"RCPT TO:<{other}>").code, 250)
        self.refused_by_milter(client.say(RCPT), 554, recipient=MAILBOX, sender=SENDER)
        self.assertEqual(client.play("DATA", BODY).code, 250)

    def check_signed_in(self, service, user, password):
        """The event has user, method and TLS."""
        self.refuser.refuse(rcpt=SPAM)
        client = self.client(service)
        client.starttls(HELO)
        self.assertEqual(client.auth_plain(user, password).code, 235)
        self.refused_by_milter(client.play(MAIL, RCPT), 554, sasl_user=user, sasl_method="PLAIN", tls="TLSv1.3", sender=SENDER, recipient=MAILBOX)

    def check_comes_back(self):
        """When the milter is there again, so are its refusals; mailwhyd needs nothing done."""
        self.refuser.stop()
        self.said(self.wrapped, [MAIL])
        self.refuser.start()
        self.refused_by_milter(self.said(self.wrapped, [MAIL], mail=SPAM)[0], 554)
