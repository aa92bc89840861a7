"""What pflogsumm says of a mail log of busy.py, in the reasons of our catalogue, and what it counts otherwise than we do.

It counts a line with "reject: " by its text. It does not count what smtpd writes of a milter's refusal ("NOQUEUE: milter-reject: "), and takes a failed
sign-in for a warning; both are refusals with us, so they are counted here by themselves. Of cleanup's lines its page has only the beginning, so it is
asked again about these alone, for the whole."""

import collections
import os
import re
import subprocess

# What stands in pflogsumm's "message reject detail", and what the reason is with us. The first that fits counts.
SMTPD = {
    r"blocked using": "ip-blocklisted",
    r"Relay access denied": "relay-denied",
    r"Recipient address rejected: User unknown": "rcpt-unknown",
    r"Recipient address rejected: Greylisted": "greylisted",
    r"Recipient address rejected: Mailbox is full": "rcpt-mailbox-full",
    r"Recipient address rejected: The account is disabled": "rcpt-mailbox-disabled",
    r"Recipient address rejected: need fully-qualified address": "rcpt-not-fqdn",
    r"Recipient address rejected: Server configuration problem": "milter-unavailable",
    r"Sender address rejected: Access denied": "sender-access-denied",
    r"Sender address rejected: Domain not found": "sender-domain-not-found",
    r"Sender address rejected: Message rejected due to": "spf-fail",
    r"Sender address rejected: Your address is on our list": "policy-refused",
    r"Sender address rejected: come back later": "greylisted",
    r"Sender address rejected: need fully-qualified address": "sender-not-fqdn",
    r"Sender address rejected: not owned by user": "sender-not-owned",
    r"Helo command rejected: (?:Access denied|You are not me)": "helo-access-denied",
    r"Helo command rejected: Host not found": "helo-host-not-found",
    r"Helo command rejected: Invalid name": "helo-invalid-name",
    r"Helo command rejected: Please wait a while": "policy-deferred",
    r"Helo command rejected: need fully-qualified hostname": "helo-not-fqdn",
    r"Helo command rejected: Improper use of SMTP command pipelining": "pipelining-misuse",
    r"Helo command rejected: no data today": "policy-refused",
    r"cannot find your hostname": "rdns-mismatch",
    r"cannot find your reverse hostname": "rdns-missing",
    r"Message size exceeds fixed limit": "message-too-big",
}
UNKNOWN = "-"
# The texts of cleanup's refusals and of a milter's.
TEXTS = {
    r": 5\.7\.1 Spam message rejected": "spam-rejected",
    r": 5\.7\.1 (?:M|m)essage contains a virus": "virus-found",
    r": 5\.7\.1 rejected by DMARC policy": "dmarc-reject",
    r": 4\.7\.1 Please try again later": "server-busy",
    r": 5\.7\.1 no advertisements": "spam-rejected",
    r": 5\.7\.1 this attachment is not taken": UNKNOWN,
    r": 550 5\.7\.1 Client not welcome here": UNKNOWN,
    r": 550 5\.7\.1 Recipient does not want this": "rcpt-blocks-sender",
}
SIGN_INS = {
    r"authentication failed: Invalid base64 data in continued response": "auth-bad-base64",
    r"authentication failed: ": "auth-bad-credentials",
}
C_LOCALE = {**os.environ, "LC_ALL": "C"}


def reason_of(table, text):
    for pattern, reason in table.items():
        if re.search(pattern, text):
            return reason
    raise AssertionError(f"what is this refusal with us: {text!r}")


def summary(log, output):
    """Let pflogsumm write of the log, as it does by itself, to the file `output`."""
    with open(output, "wb") as file:
        subprocess.run(("pflogsumm", str(log)), stdout=file, check=True, timeout=600, env=C_LOCALE)


def lines_with(pattern, log):
    """The lines of the log that have the extended regular expression."""
    found = subprocess.run(("grep", "-aE", pattern, str(log)), stdout=subprocess.PIPE, check=False, timeout=60, env=C_LOCALE)
    return found.stdout


UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}


class Summary:
    """The numbers of a page of pflogsumm: its totals, each with what it is counted in (1, 1024, 1048576), and its refusals by service and reason."""

    def __init__(self, page):
        self.totals, self.rejects = {}, collections.Counter()
        section = kind = None
        for line in page:
            line = line.rstrip("\n")
            if total := re.match(r" +(\d+)([km]?)  ([a-z ]+)(.*)", line):
                self.totals[total[3].strip()] = int(total[1]), UNITS[total[2]]
                if deferrals := re.search(r"\((\d+)([km]?) +deferrals\)", total[4]):
                    self.totals["deferrals"] = int(deferrals[1]), UNITS[deferrals[2]]
            elif re.match(r"\S", line):
                section = line if not line.startswith("-") else section
            elif section == "message reject detail" and (named := re.fullmatch(r"  (\S+)", line)):
                kind = named[1]
            elif section == "message reject detail" and (counted := re.fullmatch(r"    (\S.*) \(total: (\d+)\)", line)):
                self.rejects[kind, counted[1]] += int(counted[2])
            elif section == "message reject warning detail":
                break

    def says(self, name, count):
        """Whether that total is so many, as far as the page says."""
        shown, unit = self.totals[name]
        return shown == count // unit


def by_text(log):
    """The refusals of cleanup, each with its whole text. {reason: how many}"""
    page = subprocess.run(("pflogsumm", "--verbose-msg-detail"), input=lines_with("/cleanup.*reject: ", log), stdout=subprocess.PIPE, check=True, timeout=600,
                          env=C_LOCALE).stdout.decode("ascii", "replace")
    counts = collections.Counter()
    for count, text in re.findall(r"^ {6,}(\d+)   (.*: \d\.\d\.\d .*)$", page.partition("message reject detail")[2].partition("\nmessage ")[0], re.MULTILINE):
        counts[reason_of(TEXTS, text)] += int(count)
    return counts


def not_counted(log):
    """({reason: how many} of the refusals by a milter in smtpd, the same of failed sign-ins): what pflogsumm does not count."""
    milter, sign_ins = collections.Counter(), collections.Counter()
    for line in lines_with("/smtpd.*(: milter-reject: |: SASL .* authentication failed: )", log).decode("ascii", "replace").splitlines():
        if ": milter-reject: " in line:
            milter[reason_of(TEXTS, line)] += 1
        else:
            sign_ins[reason_of(SIGN_INS, line)] += 1
    return milter, sign_ins


class Expected:
    """What review should find in a log, by pflogsumm's page of it."""

    def __init__(self, log, page):
        self.summary = Summary(page)
        self.smtpd, cleanup = collections.Counter(), 0
        for (kind, reason), count in self.summary.rejects.items():
            if kind == "cleanup":
                cleanup += count
            else:
                self.smtpd[reason_of(SMTPD, reason)] += count
        self.cleanup, (self.milter, self.sign_ins) = by_text(log), not_counted(log)
        if self.cleanup.total() != cleanup or not self.summary.says("rejected", self.smtpd.total() + cleanup):
            raise AssertionError(f"pflogsumm's page was read wrong: {self.summary.totals}, {self.smtpd}, {self.cleanup}, {cleanup}")
        self.reasons = self.smtpd + self.cleanup + self.milter + self.sign_ins
        self.refused = self.reasons.total()
        self.deliveries = sum(shown * unit for shown, unit in (self.summary.totals["deferrals"], self.summary.totals["bounced"]))
