"""Reviewing a mail log of a gigabyte, made after the log of real Postfix sessions, against pflogsumm and grep; reviewing an event log of ten million
events against grep; and finding a reference in it."""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pflogsumm
import templates
from bench import Figure, alternate, compiled, require, say, wait_for_quiet
from busy import Busy
from mailwhyd import BUILD, TREE
from sandbox import Sandbox, run

MAIL_LOG_SIZE, EVENTS, EVENT_SIZE = 1_000_000_000, 10_000_000, 520
QUICK_SIZE, QUICK_EVENTS = 30_000_000, 200_000
MAIL_ROUNDS, EVENT_ROUNDS, LOOKUPS = 5, 3, 15
MEMORY_AIM = 256  # MiB
REF_AIM, READS_AIM = 10, 40  # ms, reads of the log
C_LOCALE = {**os.environ, "LC_ALL": "C", "COLUMNS": "100"}
REVIEW = (BUILD / "mailwhy", "review", "--catalog", TREE / "conf" / "catalog")


class Run:
    """One run of a program to its end: its seconds, those of processors, its most memory in MiB, what it wrote."""

    def __init__(self, args, output):
        with open(output, "wb") as out:
            began = time.perf_counter()
            process = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=out, env=C_LOCALE)
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        require(process.returncode == 0, f"{args} ended with {process.returncode}")
        self.cpu, self.mib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        self.output = pathlib.Path(output)

    def number(self):
        return int(self.output.read_text(encoding="ascii"))


def place_for(octets):
    """A directory for files of that size: beside the programs, or in /var/tmp."""
    for directory in (BUILD, pathlib.Path("/var/tmp")):
        if shutil.disk_usage(directory).free > octets * 1.1:
            return directory
    require(False, f"the logs need {octets / 1e9:.1f} GB, and neither {BUILD} nor /var/tmp has room for them")


def warm(path):
    """Have the file in memory, if it fits."""
    free = int(re.search(r"MemAvailable: +(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"))[1]) * 1024
    size = path.stat().st_size
    if size > free:
        say(f"{path.name} ({size / 1e9:.1f} GB) does not fit into memory ({free / 1e9:.1f} GB free): the disk is measured, too")
    with open(path, "rb", buffering=0) as file:
        block = bytearray(1 << 20)
        while file.readinto(block):
            pass


def made(program, path, *args):
    """The log that the generator writes. What it says on standard error."""
    with open(path, "wb") as log:
        done = subprocess.run([str(arg) for arg in (program, *args)], stdout=log, stderr=subprocess.PIPE, check=False, text=True)
    require(done.returncode == 0, f"{program.name} failed: {done.stderr}")
    return done.stderr


def contest(rounds, review, grep, scratch):
    """Rounds of both. (The runs of review, those of grep)"""
    wait_for_quiet()
    runs = alternate(rounds, ("review", "grep"), lambda who: Run(review if who == "review" else grep, scratch / who))
    return runs["review"], runs["grep"]


def best(runs):
    """The seconds of the run that others disturbed least: review has several threads, so it is disturbed more than what it is measured against."""
    return min(each.seconds for each in runs)


def against(review, grep):
    """(How many times the time of grep, a note on the rounds.)"""
    each = sorted(a.seconds / b.seconds for a, b in zip(review, grep))
    return best(review) / best(grep), f"best of {len(each)} rounds, {each[0]:.2f} to {each[-1]:.2f}"


def in_words(runs):
    return f"{best(runs):.2f} s ({min(each.cpu for each in runs):.2f} s of processors)"


class MailLog:
    """The mail log."""

    def __init__(self, sandbox, size):
        self.scratch, self.path = sandbox, sandbox / "mail.log"
        with Sandbox(prefix="mailwhy-bench-") as rig:
            busy = Busy(rig)
            count = templates.write(sandbox / "templates", busy.play(), busy.kinds)
        require(count == len(busy.kinds), f"of {len(busy.kinds)} sessions only {count} are in the log")
        made(compiled("maillog"), self.path, sandbox / "templates", size)
        rejects, lines = (int(run("grep", "-aEc", pattern, self.path, env=C_LOCALE).stdout) for pattern in ("reject: ", ""))
        say(f"reviewing: {self.path.stat().st_size / 1e6:.0f} MB of mail log after {count} real sessions: {lines} lines, {100 * rejects / lines:.1f} % refusals")

    def measure(self, quick):
        warm(self.path)
        review, grep = contest(MAIL_ROUNDS, (*REVIEW, self.path), ("grep", "-c", "reject", self.path), self.scratch)
        summary = Run(("pflogsumm", self.path), self.scratch / "summary")
        to_grep, rounds = against(review, grep)
        say(f"reviewing: mailwhy {in_words(review)}, grep {in_words(grep)}, pflogsumm {in_words([summary])}")
        wrong = self.disagreement(summary.output)
        return [
            Figure("review.mail.pflogsumm", "review of a mail log: times as fast as pflogsumm", summary.cpu / best(review), None if quick else 20,
                   note=f"{best(review):.2f} s; {summary.cpu:.1f} s of a processor"),
            Figure("review.mail.grep", "review of a mail log: times the time of grep -c reject", to_grep, None if quick else 5, True, rounds),
            Figure("review.mail.memory", "review of a mail log: MiB at most", max(each.mib for each in review), MEMORY_AIM, True),
            Figure("review.mail.disagreement", "refusals counted under another reason than by pflogsumm", wrong, 0, True),
        ]

    def disagreement(self, summary):
        """How many refusals review has under another reason than pflogsumm, or has not."""
        with open(summary, encoding="utf-8", errors="replace") as page:
            expected = pflogsumm.Expected(self.path, page)
        found = json.loads(Run((*REVIEW, "--json", "--by=reason", "--top=1000", self.path), self.scratch / "review").output.read_text(encoding="utf-8"))
        ours = {row["name"]: row["count"] for row in found["groups"]}
        names = sorted(ours.keys() | expected.reasons.keys())
        differ = {name: (ours.get(name, 0), expected.reasons[name]) for name in names if ours.get(name, 0) != expected.reasons[name]}
        for name, (have, want) in differ.items():
            say(f"reviewing: {name}: {have}, pflogsumm has {want}")
        say(f"reviewing: {found['refused']} refusals: by pflogsumm {expected.smtpd.total()} in smtpd and {expected.cleanup.total()} in cleanup; it leaves out "
            f"{expected.milter.total()} of a milter in smtpd and {expected.sign_ins.total()} failed sign-ins")
        return sum(abs(have - want) for have, want in differ.values()) + abs(found["refused"] - expected.refused)


class EventLog:
    """The event log, and a second one that has a single event."""

    def __init__(self, sandbox, count):
        self.scratch, self.path, self.single = sandbox, sandbox / "events.jsonl", sandbox / "single.jsonl"
        self.count = count
        program = compiled("events")
        self.refs = made(program, self.path, count).split()
        require(len(self.refs) >= 5, "there are no references to look up")
        with open(self.path, encoding="utf-8") as log:
            self.single.write_text(next(line for line in log if '"ref":' in line), encoding="utf-8")
        self.single_ref = json.loads(self.single.read_text(encoding="utf-8"))["ref"]

    def measure(self, quick):
        warm(self.path)
        review, grep = contest(EVENT_ROUNDS, (*REVIEW, self.path), ("grep", "-c", '"code":535', self.path), self.scratch)
        self.check()
        to_grep, rounds = against(review, grep)
        say(f"reviewing: {self.count} events, {self.path.stat().st_size / 1e9:.2f} GB: mailwhy {in_words(review)}, grep {in_words(grep)}")
        return [
            Figure("review.events.grep", f"review of {self.count} events: times the time of grep -c of one key", to_grep, None if quick else 6, True, rounds),
            Figure("review.events.memory", f"review of {self.count} events: MiB at most", max(each.mib for each in review), MEMORY_AIM, True),
            *self.lookups(),
        ]

    def check(self):
        """Review counts all refusals, and the failed sign-ins as often as grep finds them."""
        found = json.loads(Run((*REVIEW, "--json", "--by=code", "--top=1000", self.path), self.scratch / "review").output.read_text(encoding="utf-8"))
        counts = {pattern: Run(("grep", "-c", pattern, self.path), self.scratch / "grep").number() for pattern in ('"code":[45]', '"code":535')}
        require(found["refused"] == counts['"code":[45]'], f"review has {found['refused']} refusals, and the log {counts}")
        failed = sum(row["count"] for row in found["groups"] if row["name"].startswith("535"))
        require(failed == counts['"code":535'], f"review has {failed} failed sign-ins, and the log {counts}")

    def ref(self, path, ref):
        return BUILD / "mailwhy", "ref", ref, "--log", path, "--catalog", TREE / "conf" / "catalog"

    def lookups(self):
        """The time of a look-up beyond that in a log of one event, and the reads of the log."""
        few, many = [], []
        for number in range(LOOKUPS):
            ref = self.refs[number % len(self.refs)]
            few.append(Run(self.ref(self.single, self.single_ref), self.scratch / "ref"))
            many.append(Run(self.ref(self.path, ref), self.scratch / "ref"))
            require(ref in many[-1].output.read_text(encoding="utf-8"), f"{ref} was not found")
        search, session = zip(*(self.reads(ref) for ref in self.refs))
        return [
            Figure("ref.time", f"ref in {self.count} events: ms beyond those in a log of one", 1000 * (best(many) - best(few)), REF_AIM, True,
                   f"{1000 * best(many):.1f} in all"),
            Figure("ref.reads", f"ref in {self.count} events: reads until it is found, most of {len(search)}", max(search), READS_AIM, True),
            Figure("ref.session.reads", "and for the session around it", max(session)),
        ]

    def reads(self, ref):
        """(How often the log is read until the event is found, how often for its session: the log is opened again for that.)"""
        trace = self.scratch / "trace"
        run("strace", "-f", "-o", trace, "-e", "trace=openat,read,pread64,readv,preadv,mmap", "-P", self.path, *self.ref(self.path, ref))
        calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(encoding="utf-8"), re.MULTILINE)
        require(calls.count("openat") == 2 and calls[0] == "openat" and "mmap" not in calls, f"the log is not read as it was: {collections.Counter(calls)}")
        again = calls.index("openat", 1)
        return again - 1, len(calls) - again - 1


def measure(quick):
    size, events = (QUICK_SIZE, QUICK_EVENTS) if quick else (MAIL_LOG_SIZE, EVENTS)
    figures = []
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(prefix="mailwhy-bench-", under=place_for(max(size + size // 10, events * EVENT_SIZE))))
        log = MailLog(sandbox, size)
        figures += log.measure(quick)
        log.path.unlink()
        figures += EventLog(sandbox, events).measure(quick)
    return figures
