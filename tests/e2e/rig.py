"""Postfix, its SASL and mailwhyd put together, and the checks that the tests share."""

import unittest

from mailwhyd import Mailwhyd
from mta import Postfix
from sandbox import Sandbox
from smtp import Client

HELO = "client.test"


class Rig:
    """A Postfix with mailwhyd wired to it over unix sockets ("unix") or TCP ("inet"). Nothing runs before start(); wired=False: wire()
    does that later, for Postfix's next start. milter=False: only the reply map. The other options are those of Postfix and Mailwhyd."""

    def __init__(self, sandbox, wiring="unix", wired=True, milter=True, settings=None, services=None, chroot=True, sasl=None, **daemon):
        self.sandbox = sandbox
        self.wiring = wiring
        self.postfix = Postfix(sandbox, chroot=chroot, sasl=sasl, settings=settings, services=services)
        self.mta = self.postfix
        self.daemon = Mailwhyd(sandbox, self.postfix.queue / "mailwhy", wiring, **daemon)
        if wired:
            self.wire(milter)

    def wire(self, milter=True):
        reply, milter_endpoint = self._endpoints()
        self.postfix.wire(reply, milter_endpoint if milter else "")

    def _endpoints(self):
        """As Postfix writes them: a path is relative to the queue directory, so that it holds in the chroot too."""
        if self.wiring == "unix":
            return "unix:mailwhy/reply", "unix:mailwhy/milter"
        return ("inet:{1}:{0}".format(*endpoint.removeprefix("inet:").split("@"))
                for endpoint in (self.daemon.reply, self.daemon.milter))

    def start(self):
        self.daemon.start()
        self.postfix.start()
        return self

    def client(self, service="smtp", helo=HELO):
        return Client(self.postfix.ports[service], helo)


class Explained(unittest.TestCase):
    """Checks of one refusal: in the reply, and in the log."""

    longMessage = True

    def assert_explained(self, reply, code):
        """The reply says why, what to do, and under what reference; returns the reference."""
        self.assertEqual(reply.code, code, reply)
        self.assertTrue(reply.reason, f"no Reason in:\n{reply}")
        self.assertTrue(reply.fix, f"no Fix in:\n{reply}")
        self.assertTrue(reply.ref, f"no Ref in:\n{reply}")
        return reply.ref

    def assert_plain(self, reply, code):
        """The reply is an MTA's own, or at least promises no event."""
        self.assertEqual(reply.code, code, reply)
        self.assertIsNone(reply.ref, reply)

    def assert_event(self, event, **expected):
        """The event has these keys with these values; None: it lacks the key."""
        wrong = [f"{key} is {event.get(key)!r}, not {value!r}" for key, value in expected.items() if event.get(key) != value]
        self.assertFalse(wrong, f"in {event}")


class RigTest(Explained):
    """Tests that share one Rig: `rig_options` are its options."""

    rig_options = {}

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.rig = Rig(cls.sandbox, **cls.rig_options).start()
        cls.daemon = cls.rig.daemon
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    def setUp(self):
        self.addCleanup(self.daemon.check)

    def client(self, service="smtp", helo=HELO):
        client = self.rig.client(service, helo)
        self.addCleanup(client.close)
        return client

    def other_server(self):
        """Another mail server, which delivers through this one: refused, it sends its user writer@other.test a bounce."""
        other = Postfix(self.sandbox, "other", services={"smtp": {}}, settings={
            "myhostname": "relay.other.test",
            "mynetworks": "127.0.0.0/8",
            "virtual_mailbox_domains": "other.test",
            "virtual_mailbox_maps": "inline:{ { writer@other.test = writer } }",
            "virtual_transport": "virtual",
            "relayhost": f"[127.0.0.1]:{self.rig.postfix.ports['smtp']}",
        }).start()
        self.addCleanup(other.stop)
        return other

    def refused(self, reply, code, **expected):
        """A refusal that was explained and logged: these are its event's keys. The event."""
        event = self.daemon.event(self.assert_explained(reply, code))
        self.assert_event(event, code=code, reply=reply.original, client_addr="127.0.0.1", **expected)
        return event
