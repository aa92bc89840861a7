"""Round trips a second through the reply map, by Postfix's own client (postmap -q -), against a server that only echoes."""

import subprocess
import time

from bench import Figure, alternate, compiled, cpu_seconds, ratio, require, say, wait_for_quiet
from mailwhyd import Mailwhyd
from sandbox import Sandbox, run, wait_for

PROCESS = "4711"  # the map's name: a process that has no session
SHAPES = (
    "535 5.7.8 Error: authentication failed: authentication failure {0}",
    "503 5.5.1 <user{0}>: Error: need MAIL command",
    "554 5.7.1 <user{0}@elsewhere.test>: Relay access denied",
)
LIMIT = 120  # seconds a round
AIM = 0.7


class Bench:
    def __init__(self, sandbox, count):
        self.count = count
        self.config = sandbox.directory("etc")
        (self.config / "main.cf").write_text("")
        self.replies = sandbox / "replies"
        self.replies.write_text("".join(SHAPES[number % len(SHAPES)].format(number) + "\n" for number in range(count)))
        self.daemon = Mailwhyd(sandbox, sandbox / "run").start()
        self.echo = sandbox / "echo"
        sandbox.spawn([compiled("echo_server"), self.echo, self.typical_footer()], sandbox / "echo-output")
        wait_for("the echo server", self.echo.exists)
        self.daemon_seconds = []

    def typical_footer(self):
        """The middle of the footers' lengths."""
        with self.daemon.connect() as reply_map:
            lengths = sorted(len(reply_map.request(PROCESS, shape.format(0))[1]) for shape in SHAPES)
        return lengths[len(lengths) // 2]

    def query(self, path):
        """Look all the replies up on one connection. (Lookups a second, answers): each is one line, KEY TAB VALUE."""
        with open(self.replies, "rb") as keys, open(self.replies.with_suffix(".answers"), "wb") as answers:
            began = time.monotonic()
            run("postmap", "-c", self.config, "-q", "-", f"socketmap:unix:{path}:{PROCESS}", stdin=keys, stdout=answers,
                stderr=subprocess.DEVNULL, timeout=LIMIT)
            seconds = time.monotonic() - began
        with open(self.replies.with_suffix(".answers"), "rb") as answers:
            return self.count / seconds, sum(1 for _ in answers)

    def round(self, server):
        before, cpu = self.daemon.count("events"), cpu_seconds(self.daemon.process.pid)
        rate, answers = self.query(self.echo if server == "echo" else self.daemon.directory / "reply")
        require(answers == self.count, f"{server}: {answers} answers to {self.count} replies")
        events = self.daemon.count("events") - before
        require(events == (0 if server == "echo" else self.count), f"{server}: {events} events for {self.count} replies")
        if server != "echo":
            self.daemon_seconds.append((cpu_seconds(self.daemon.process.pid) - cpu) / self.count)
        return rate

    def check_log(self, rounds):
        """The counter told the truth: so many lines are in the file."""
        with open(self.daemon.log, "rb") as log:
            lines = sum(1 for _ in log)
        wanted = rounds * self.count + len(SHAPES)
        require(lines == wanted, f"{lines} lines in the event log, not {wanted}")


def measure(quick):
    rounds = 2 if quick else 7
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        bench = Bench(sandbox, 20_000 if quick else 200_000)
        wait_for_quiet(5 if quick else 60)
        rates = alternate(rounds, ("echo", "mailwhy"), bench.round)
        bench.check_log(rounds)
    say("replymap: " + ", ".join(f"{server} {sorted(values)[rounds // 2]:.0f}/s" for server, values in rates.items()))
    value, spread = ratio(rates["mailwhy"], rates["echo"])
    cpu = sorted(bench.daemon_seconds)[rounds // 2]
    return [
        Figure("replymap.round_trips", "reply map by postmap -q -: mailwhyd / bare echo server", value, AIM, note=spread),
        Figure("replymap.daemon_us", "reply map: mailwhyd's CPU, microseconds a reply", 1e6 * cpu),
    ]
