"""Run the end-to-end tests: all of them, or those whose name has one of the given words in it; with --jobs several files of tests at a time.

One line a test, then "N passed, N failed". A test that was skipped has not passed."""

import argparse
import concurrent.futures
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

import sandbox

HERE = pathlib.Path(__file__).resolve().parent
LONG = ("test_machine", "test_wire", "test_probe", "test_explain", "test_authlog", "test_metrics", "test_proxy")  # files that take minutes: they begin first
LIMIT = 120  # seconds for a test, and for what a class of tests sets up


class TookTooLong(Exception):
    pass


def too_long(_signum, _frame):
    signal.alarm(1)
    if not sandbox.is_held():
        raise TookTooLong(f"longer than {LIMIT} s")


class Lines(unittest.TestResult):
    """A result that prints one line a test, and what failed underneath."""

    passed = failed = 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.fault = ""
        signal.alarm(LIMIT)

    def stopTest(self, test):
        signal.alarm(LIMIT)
        self.report(test, test.shortDescription() or "", self.fault)
        super().stopTest(test)

    def report(self, test, goal, fault):
        self.passed += not fault
        self.failed += bool(fault)
        name = test.id() if hasattr(test, "id") else str(test)
        took = time.monotonic() - self.began
        print(f"{'FAILED' if fault else 'ok':<7}{name}  {goal}  ({took:.1f} s)", flush=True)
        if fault:
            print("       " + fault.strip().replace("\n", "\n       "), flush=True)

    def noted(self, test, fault):
        if hasattr(test, "_testMethodName"):
            self.fault += fault
        else:  # a class or module that could not be set up or taken down
            self.began = time.monotonic()
            self.report(test, "", fault)

    def addError(self, test, err):
        self.noted(test, self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.noted(test, f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self.noted(test, f"skipped: {reason}")

    def addUnexpectedSuccess(self, test):
        self.noted(test, "was expected to fail, and passed")


def chosen(suite, words):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test, words)
        elif not words or any(word in test.id() for word in words):
            yield test


def files_of(words):
    """The names of the files that have such tests, those that are likely to take longest first."""
    suite = chosen(unittest.defaultTestLoader.discover(str(HERE)), words)
    names = {test.id().split(".")[-3 if "_FailedTest" not in test.id() else -1] for test in suite}
    return sorted(names, key=lambda name: (LONG.index(name) if name in LONG else len(LONG), -(HERE / f"{name}.py").stat().st_size))


def run_file(name, words):
    """Run a file's tests in a process of their own; what it printed."""
    done = subprocess.run((sys.executable, __file__, "--file", name, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False)
    return done.stdout


def run_files(jobs, words):
    """Run them in so many processes at a time."""
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_file, name, words): name for name in files_of(words)}
        for done in concurrent.futures.as_completed(running):
            *lines, totals = done.result().rstrip("\n").split("\n")
            found = re.fullmatch(r"(\d+) passed, (\d+) failed", totals)
            print("\n".join(lines if found else [*lines, totals, f"FAILED {running[done]} did not finish"]), flush=True)
            passed += int(found[1]) if found else 0
            failed += int(found[2]) if found else 1
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    words = asked.words
    if asked.jobs > 1:
        sys.exit(run_files(asked.jobs, words))
    sandbox.be_root()
    sandbox.handle_signals()
    signal.signal(signal.SIGALRM, too_long)
    pattern = f"{asked.file}.py" if asked.file else "test*.py"
    suite = unittest.TestSuite(chosen(unittest.defaultTestLoader.discover(str(HERE), pattern), words))
    result = Lines()
    try:
        suite.run(result)
    except sandbox.Interrupted as interrupted:
        print(f"ended by {interrupted}", file=sys.stderr)
        result.failed += 1
    finally:
        signal.alarm(0)
        sandbox.close_all()
    print(f"{result.passed} passed, {result.failed} failed", flush=True)
    sys.exit(1 if result.failed or not result.passed else 0)


if __name__ == "__main__":
    main()
