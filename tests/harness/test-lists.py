#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that each test that needs BPF LSM, as all attacks do, is in a list of tests/harness/check that a guest runs, at
least with --all: this machine's own kernel may not run such programs, and would always skip it. Checks that each pattern
of the lists names a test, that the tests that docs/security.md names exist, and that each claim there names one.

    tests/harness/test-lists.py
"""

import fnmatch
import glob
import importlib.machinery
import importlib.util
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
# Functions that skip a test without a gate, or where only execs and opens can be held.
NEEDS_LSM = re.compile(r"\b(test_hold|test_hold_all|test_has_gate|test_has_task_work|twice_begin|attack_begin|attack_needs_lsm)\(")


def lists():
    loader = importlib.machinery.SourceFileLoader("check", HERE + "/check")
    check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
    loader.exec_module(check)
    return check


def tests(folder, kinds):
    """The names of tests as the runner has them, and their text."""
    return {f"{folder}/{os.path.splitext(os.path.basename(path))[0]}": open(path).read()
            for path in sorted(glob.glob(f"{TESTS}/{folder}/*")) if os.path.splitext(path)[1] in kinds}


def chosen(name, patterns):
    """Chooses as the runner does."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns if not pattern.startswith("!")) and \
        not any(fnmatch.fnmatch(name, pattern[1:]) for pattern in patterns if pattern.startswith("!"))


def in_no_guest(found, patterns):
    return [name for name, text in found.items()
            if (name.startswith("attacks/") or NEEDS_LSM.search(text)) and not chosen(name, patterns)]


def without_test(found, patterns):
    return [pattern for pattern in patterns if not any(fnmatch.fnmatch(name, pattern.lstrip("!")) for name in found)]


def unproved(page, found):
    """Tests that docs/security.md names and that don't exist, and claims of its lists without a test."""
    named = re.findall(r"\b((?:kernel|attacks)/[\w-]+)", page)
    claims = re.findall(r"^- \*\*(.*?)\*\*((?:.|\n  )*)", page, re.MULTILINE)
    return [f"there is no test {name}" for name in named if name not in found] + \
        [f"no test is named for: {claim}" for claim, text in claims if not re.search(r"\((?:kernel|attacks)/", text)]


def main():
    check = lists()
    patterns = check.EVERYWHERE + [pattern for more in check.MORE.values() for pattern in more]
    usual = [pattern for _, patterns in check.GUESTS for pattern in patterns]
    found = {**tests("kernel", (".c", ".sh", ".py")), **tests("attacks", (".c",))}
    scripts = [os.path.basename(path) for path in glob.glob(TESTS + "/attacks/*") if "." not in os.path.basename(path)]

    # The checks find the faults that they are for.
    wrong = {"kernel/one": "test_hold(client, ES_AUTH(EXEC), -1);", "kernel/two": "", "attacks/three": ""}
    assert in_no_guest(wrong, ["kernel/two"]) == ["kernel/one", "attacks/three"]
    assert without_test(wrong, ["kernel/o*", "kernel/four", "!attacks/five"]) == ["kernel/four", "!attacks/five"]
    assert unproved("kernel/two, attacks/four\n\n- **One** is (attacks/three\n  and on).\n- **Two**\n", wrong) == [
        "there is no test attacks/four", "no test is named for: Two"]
    assert len(found) > 100 and scripts
    with open(os.path.dirname(TESTS) + "/docs/security.md") as page:
        page = page.read()

    faults = [f"no guest runs {name}" for name in in_no_guest(found, patterns)]
    faults += [f"there is no test {pattern}" for pattern in without_test(found, patterns + usual)
               if pattern.startswith(("kernel/", "attacks/", "!"))]
    faults += [f"check doesn't run tests/attacks/{name}" for name in scripts
               if f"tests/attacks/{name}" not in open(HERE + "/check").read()]
    faults += [f"docs/security.md: {fault}" for fault in unproved(page, {**found, **{f"attacks/{name}": "" for name in scripts}})]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
