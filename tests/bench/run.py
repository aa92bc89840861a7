"""Run the benchmarks: all of them, or those named. Prints a line "bench NAME VALUE" for each figure, then a table.

Exit status 0 where each benchmark measured what it should, whatever the figures are; 1 where one did not."""

import argparse
import importlib
import subprocess
import sys
import time

from bench import BUILD, Wrong, say
from sandbox import be_root, handle_signals

BENCHMARKS = ("explaining", "starting", "memory", "replymap", "reviewing", "sessions", "proxying")
FAULTS = (Wrong, OSError, RuntimeError, TimeoutError, AssertionError, subprocess.SubprocessError)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few sessions: to see that the benchmarks work, not what they measure")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parsed = parser.parse_args()
    if unknown := set(parsed.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return parsed


def number(value):
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


def verdict(figure):
    if figure.aim is None:
        return "", ""
    return f"{'<=' if figure.at_most else '>='} {number(figure.aim)}", "reached" if figure.reached() else "MISSED"


def print_table(figures):
    rows = [("what", "figure", "aim", "", "")]
    rows += [(figure.what, number(figure.value), *verdict(figure), figure.note) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for what, value, *rest in rows:
        aim, reached, note = rest
        print(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {aim:<{widths[2]}}  {reached:<{widths[3]}}  {note}".rstrip())


def main():
    chosen = arguments()
    be_root()
    handle_signals()
    figures, faults, began = [], [], time.monotonic()
    say(f"benchmarks of {BUILD}" + (", quick: the figures mean little" if chosen.quick else ""))
    for name in chosen.names or BENCHMARKS:
        try:
            measured = importlib.import_module(name).measure(chosen.quick)
        except FAULTS as fault:
            faults.append(f"{name}: {type(fault).__name__}: {fault}")
            continue
        figures += measured
        for figure in measured:
            print(f"bench {figure.name} {figure.value:.6g}", flush=True)
    print()
    print_table(figures)
    print(f"\n{len(figures)} figures in {time.monotonic() - began:.0f} s")
    for fault in faults:
        print(f"FAILED {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
