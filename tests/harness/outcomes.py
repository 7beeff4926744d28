#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints what became of each of the tests of some of Python's own modules, sorted: two runs can be compared.

    tests/harness/outcomes.py MODULE...
"""

import io
import sys
import unittest


class Outcomes(unittest.TextTestResult):
    """Subtests count as their tests do."""

    def startTestRun(self):
        self.outcomes = {}

    def note(self, test, outcome):
        self.outcomes[test.id() if hasattr(test, "id") else str(test)] = outcome

    def startTest(self, test):
        super().startTest(test)
        self.note(test, "passed")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, f"error: {err[0].__name__}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.note(test, "failed in a part")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
    runner = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Outcomes)
    result = runner.run(suite)
    for name, outcome in sorted(result.outcomes.items()):
        print(name, outcome)
    print("failures:", *(f"\n{test.id()}\n{text}" for test, text in result.failures + result.errors), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
