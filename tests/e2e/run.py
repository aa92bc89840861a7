"""Run the end-to-end tests: all of them, or those whose name has one of the given words in it.

One line a test, then "N passed, N failed". A test that was skipped has not passed."""

import argparse
import pathlib
import signal
import sys
import time
import unittest

import sandbox

HERE = pathlib.Path(__file__).resolve().parent
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    words = parser.parse_args().words
    sandbox.be_root()
    sandbox.handle_signals()
    signal.signal(signal.SIGALRM, too_long)
    suite = unittest.TestSuite(chosen(unittest.defaultTestLoader.discover(str(HERE)), words))
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
