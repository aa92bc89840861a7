"""What the benchmarks share: their programs, their rounds, their figures."""

import dataclasses
import os
import pathlib
import shlex
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from mailwhyd import BUILD, TREE  # noqa: E402
from sandbox import run  # noqa: E402

HERE = TREE / "tests" / "bench"
PACKAGES = ("libpcre2-8", "libconfuse", "libcrypto", "libsystemd", "zlib", "libzstd")


@dataclasses.dataclass
class Figure:
    """One result. aim: the least (or, with at_most, the greatest) value wanted; None where there is nothing to reach."""

    name: str
    what: str
    value: float
    aim: float | None = None
    at_most: bool = False
    note: str = ""

    def reached(self):
        return self.aim is None or (self.value <= self.aim if self.at_most else self.value >= self.aim)


class Wrong(Exception):
    """What was measured is not what should have been: the figure would mean nothing."""


def require(condition, what):
    if not condition:
        raise Wrong(what)


def compiled(name):
    """The program made of tests/bench/NAME.c and libmailwhy."""
    program = BUILD / "bench" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", *PACKAGES).stdout)
    run(os.environ.get("CC", "gcc"), "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE", f"-I{TREE}/include", "-o", program,
        HERE / f"{name}.c", BUILD / "libmailwhy.a", "-lmilter", "-lunistring", *flags, "-lm", "-pthread")
    return program


def alternate(rounds, contenders, measure):
    """Measure each contender once a round, every other round in the opposite order. {contender: its values}."""
    values = {contender: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            values[contender].append(measure(contender))
    return values


def ratio(values, over):
    """(The ratio of the medians, a note on how far the rounds' own ratios lie apart.)"""
    each = sorted(a / b for a, b in zip(values, over))
    return statistics.median(values) / statistics.median(over), f"rounds {each[0]:.3f} to {each[-1]:.3f}"


def cpu_seconds(pid, with_ended=False):
    """The processor time that a process has used; with_ended: and the children it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15] if with_ended else fields[11:13])) / os.sysconf("SC_CLK_TCK")


def processor_seconds():
    """(busy, total) seconds of all processors since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        seconds = [int(field) / os.sysconf("SC_CLK_TCK") for field in file.readline().split()[1:9]]
    return sum(seconds) - seconds[3] - seconds[4], sum(seconds)


def busy_share(seconds=1.0):
    """The part of all processors that somebody uses."""
    before = processor_seconds()
    time.sleep(seconds)
    busy, total = (b - a for a, b in zip(before, processor_seconds()))
    return busy / max(total, 0.01)


def wait_for_quiet(limit=60, share=0.15):
    """Wait until others leave the machine alone; say so where they don't."""
    end = time.monotonic() + limit
    while (busy := busy_share()) > share:
        if time.monotonic() > end:
            say(f"others use {100 * busy:.0f} % of the processors: the figures will be rough")
            return


def say(text):
    print(f"# {time.strftime('%H:%M:%S')} {text}", flush=True)
