"""`mailwhy review` of the log of a busy Postfix: what it counts is what pflogsumm counts, and what happened."""

import collections
import re

import pflogsumm
from busy import Busy
from sandbox import Sandbox
from test_review import ReviewTest, counted

NAMES = ("--by=reason", "--top=1000")


class BusyLog(ReviewTest):
    """The log of some 240 sessions of 76 kinds."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.busy = Busy(cls.sandbox)
        cls.text = cls.busy.play()
        cls.log = cls.busy.postfix.log
        page = cls.sandbox / "pflogsumm"
        pflogsumm.summary(cls.log, page)
        with open(page, encoding="utf-8", errors="replace") as lines:
            cls.expected = pflogsumm.Expected(cls.log, lines)

    def test_agree_with_pflogsumm(self):
        """Each reason is counted as often as pflogsumm counts it, with what it leaves out: failed sign-ins, and smtpd's own lines of a milter."""
        review = self.reviewed(0, *NAMES, self.log)
        self.assertEqual(counted(review["groups"]), dict(self.expected.reasons))
        self.assertEqual(review["refused"], self.expected.refused)
        self.assertTrue(review["exact"])
        self.assertGreaterEqual(len(self.expected.reasons), 25, self.expected.reasons)
        for part in (self.expected.smtpd, self.expected.cleanup, self.expected.milter, self.expected.sign_ins):
            self.assertTrue(part)

    def test_deliveries(self):
        """What other servers refused or put off is what pflogsumm has as deferrals and bounces."""
        self.assertEqual(self.reviewed(0, self.log)["deliveries_refused"], self.expected.deliveries)
        self.assertGreaterEqual(self.expected.deliveries, 10)

    def test_accepted(self):
        """The messages that were accepted are those that came into the queue with a sender."""
        self.assertEqual(self.reviewed(0, self.log)["accepted"], len(re.findall(r"/qmgr\[\d+\]: \w+: from=<[^>]", self.text)))

    def test_clients(self):
        """Each client has as many refusals as lines say so."""
        clients = collections.Counter(re.findall(r" (?:milter-)?reject: .*? from \S+\[([\d.]+)\]|warning: \S+\[([\d.]+)\]: SASL .* failed: ", self.text))
        expected = {one or other: count for (one, other), count in clients.items()}
        self.assertEqual(self.by("client", "--top=1000", self.log), expected)

    def test_lost(self):
        """Clients that broke off after AUTH are counted."""
        self.assertEqual(self.reviewed(0, self.log)["lost_in_auth"], self.text.count(": lost connection after AUTH "))
