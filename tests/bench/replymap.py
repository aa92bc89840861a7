"""Round trips a second through the reply map, by Postfix's own client (postmap -q -), against a server that only echoes.

Client and server take turns, so a round's rate hangs on where the scheduler puts them: several times higher on one processor than across two,
where it is the wake-ups that take the time, whatever the server does. Left to itself it chooses anew for each round, and a ratio of such rounds
means nothing. So both servers are measured at each placement: the aim is for the one where the servers' own work shows."""

import os
import statistics
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
TOGETHER, APART = "one processor", "two processors"


def placements():
    """{placement: (the server's processors, the client's)}."""
    processors = sorted(os.sched_getaffinity(0))
    places = {TOGETHER: ({processors[0]}, {processors[0]})}
    if len(processors) > 1:
        places[APART] = ({processors[0]}, {processors[1]})
    return places


def place(pid, processors):
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), processors)


class Bench:
    def __init__(self, sandbox, count):
        self.count = count
        self.config = sandbox.directory("etc")
        (self.config / "main.cf").write_text("")
        self.replies = sandbox / "replies"
        self.replies.write_text("".join(SHAPES[number % len(SHAPES)].format(number) + "\n" for number in range(count)))
        self.daemon = Mailwhyd(sandbox, sandbox / "run").start()
        self.echo = sandbox / "echo"
        echo_server = sandbox.spawn([compiled("echo_server"), self.echo, self.typical_footer()], sandbox / "echo-output")
        wait_for("the echo server", self.echo.exists)
        self.pids = {"echo": echo_server.pid, "mailwhy": self.daemon.process.pid}
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

    def placed_query(self, server, placement):
        servers, clients = placements()[placement]
        everywhere = os.sched_getaffinity(0)
        place(self.pids[server], servers)
        os.sched_setaffinity(0, clients)  # postmap inherits it
        try:
            return self.query(self.echo if server == "echo" else self.daemon.directory / "reply")
        finally:
            os.sched_setaffinity(0, everywhere)

    def round(self, contender):
        server, placement = contender
        before, cpu = self.daemon.count("events"), cpu_seconds(self.daemon.process.pid)
        rate, answers = self.placed_query(server, placement)
        require(answers == self.count, f"{server}: {answers} answers to {self.count} replies")
        events = self.daemon.count("events") - before
        require(events == (0 if server == "echo" else self.count), f"{server}: {events} events for {self.count} replies")
        if server != "echo" and placement == TOGETHER:
            self.daemon_seconds.append((cpu_seconds(self.daemon.process.pid) - cpu) / self.count)
        return rate

    def check_log(self, rounds):
        """The counter told the truth: so many lines are in the file."""
        with open(self.daemon.log, "rb") as log:
            lines = sum(1 for _ in log)
        wanted = rounds * self.count + len(SHAPES)
        require(lines == wanted, f"{lines} lines in the event log, not {wanted}")


def rate_figure(rates, placement, name):
    for server in ("echo", "mailwhy"):
        say(f"replymap: {placement}: {server:<8} {statistics.median(rates[server, placement]):6.0f}/s")
    value, spread = ratio(rates["mailwhy", placement], rates["echo", placement])
    return Figure(name, f"reply map by postmap -q -, {placement}: mailwhyd / echo server", value, AIM if placement == TOGETHER else None,
                  note=spread)


def measure(quick):
    rounds = 2 if quick else 5
    places = list(placements())
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        bench = Bench(sandbox, 20_000 if quick else 200_000)
        wait_for_quiet(5 if quick else 60)
        rates = alternate(rounds, [(server, placement) for placement in places for server in ("echo", "mailwhy")], bench.round)
        bench.check_log(rounds * len(places))
    names = {TOGETHER: "replymap.round_trips", APART: "replymap.round_trips.apart"}
    return [rate_figure(rates, placement, names[placement]) for placement in places] + [
        Figure("replymap.daemon_us", "reply map: mailwhyd's CPU, us a reply", 1e6 * statistics.median(bench.daemon_seconds))]
