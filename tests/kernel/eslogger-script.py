#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""eslogger while a script of known commands runs.

Each command's events are there, once, in order, with the right paths, arguments, parents and exit codes; each line is
JSON, whatever bytes the names have; eslogger leaves out its own process group. No daemon runs: eslogger starts a private
one, and leaves nothing of it behind.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

BUILD = sys.argv[1]
DIR = os.environ.get("ES_TEST_DIR", os.getcwd())
SLOW = int(os.environ.get("ES_TEST_SLOW", "1"))
EVENTS = ["exec", "fork", "exit", "open", "rename", "unlink"]
STRANGE = b"strange\n\"\\ \xff\xfe\xc3name"
failures = 0


def check(holds, what):
    global failures
    if not holds:
        print(f"does not hold: {what}")
        failures += 1
    return holds


def path_in(name):
    return os.path.join(DIR, name)


# What runs, step by step: a small shell script, so that forks, execs and exits are those of a real one.
SCRIPT = """
cd "$1"
{tiny} 3
{tiny} 0 'two words' "$(printf 'new\\nline')"
true <plain
mv moves moved
mv moved over
rm "$2"
./script argument
exit 5
"""


class Logger:
    def __init__(self):
        self.path = path_in("events.jsonl")
        self.errors = open(path_in("eslogger.err"), "wb")
        self.out = open(self.path, "wb")
        self.process = subprocess.Popen([os.path.join(BUILD, "tools/eslogger"), *EVENTS], stdout=self.out,
                                        stderr=self.errors, stdin=subprocess.DEVNULL)

    def await_marker(self, marker):
        """Runs a program of that name until its events are in the output: everything before it is there too."""
        end = time.monotonic() + 10 * SLOW
        while time.monotonic() < end:
            subprocess.run([marker], start_new_session=True, check=True)
            time.sleep(0.02)
            if os.path.basename(marker).encode() in open(self.path, "rb").read():
                return
            if self.process.poll() is not None:
                break
        print(f"no event of {marker} came; eslogger says:")
        print(open(path_in("eslogger.err")).read())
        self.end()
        sys.exit(1)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10 * SLOW)


def make_files():
    tiny = path_in("tiny")
    for name in ("tiny", "begin-marker", "end-marker"):
        shutil.copy(os.path.join(BUILD, "tests/harness/tiny"), path_in(name))
    for name in ("plain", "moves", "over"):
        open(path_in(name), "w").close()
    open(os.path.join(DIR.encode(), STRANGE), "w").close()
    with open(path_in("script"), "w") as out:
        out.write(f"#!{tiny} 4\n")
    os.chmod(path_in("script"), 0o755)
    return tiny


def run_script(tiny):
    command = ["/bin/dash", "-c", SCRIPT.format(tiny=tiny), "dash", DIR, STRANGE]
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
    check(process.wait() == 5, "the script ends with 5")
    return process.pid


def read_events():
    events = []
    for number, line in enumerate(open(path_in("events.jsonl"), "rb"), 1):
        try:
            events.append(json.loads(line.decode("utf-8")))
        except ValueError as error:
            check(False, f"line {number} is JSON: {error}: {line[:200]!r}")
    return events


def kind(event):
    return next(iter(event["event"]))


def pid(event):
    return event["process"]["audit_token"]["pid"]


def family(events, shell):
    """The shell's events and those of its children, in order."""
    members = {shell}
    mine = []
    for event in events:
        if pid(event) in members:
            mine.append(event)
            if kind(event) == "fork":
                members.add(event["event"]["fork"]["child"]["audit_token"]["pid"])
    return mine



def executable(event):
    return event["event"]["exec"]["target"]["executable"]["path"]


def check_execs(events, shell, tiny):
    execs = [e for e in events if kind(e) == "exec"]
    expected = [("/bin/dash", None), (tiny, ["3"]), (tiny, ["0", "two words", "new\nline"]), (None, ["moves", "moved"]),
                (None, ["moved", "over"]), (None, None), (tiny, ["4", "./script", "argument"])]
    check(len(execs) == len(expected), f"{len(expected)} execs: {[executable(e) for e in execs]}")
    for event, (path, arguments) in zip(execs, expected):
        body = event["event"]["exec"]
        if path:
            check(os.path.samefile(executable(event), path), f"{executable(event)} is {path}")
        if arguments:
            check(body["args"][1:] == arguments, f"arguments {body['args']} are {arguments}")
        if pid(event) != shell:
            check(event["process"]["ppid"] == shell, f"parent of {executable(event)}")
            check(event["process"]["parent_audit_token"]["pid"] == shell, "parent token")
            check(body["cwd"]["path"] == DIR, f"cwd {body['cwd']['path']}")
        check(body["target"]["audit_token"]["pid"] == pid(event), "same pid after exec")
    check(execs[-1]["event"]["exec"]["script"]["path"] == path_in("script"), "the script's path")
    check(execs[1]["event"]["exec"]["script"] is None, "no script where there is none")


def check_lives(events, shell):
    """Each child: forked once, exited once, in that order, with its exit code."""
    forks = [e["event"]["fork"]["child"]["audit_token"]["pid"] for e in events if kind(e) == "fork"]
    exits = [(pid(e), e["event"]["exit"]["stat"] >> 8) for e in events if kind(e) == "exit"]
    check(len(forks) == len(set(forks)), f"each child is forked once: {forks}")
    check(sorted(forks + [shell]) == sorted(p for p, _ in exits), f"who was forked has exited: {forks} {exits}")
    codes = dict(exits)
    tinies = [codes.get(pid(e)) for e in events if kind(e) == "exec" and executable(e).endswith("/tiny")]
    check(tinies == [3, 0, 4], f"exit codes of tiny: {tinies}")
    check(codes.get(shell) == 5, "exit code of the shell")
    for child in forks:
        kinds = [kind(e) for e in events if pid(e) == child]
        check(kinds and kinds[-1] == "exit", f"exit is the last event of {child}: {kinds}")


def check_files(events):
    opens = [e for e in events if kind(e) == "open" and e["event"]["open"]["file"]["path"] == path_in("plain")]
    check(len(opens) == 1 and opens[0]["event"]["open"]["fflag"] & 3 == 1, "one open of plain, to read")
    renames = [e["event"]["rename"] for e in events if kind(e) == "rename"]
    if check(len(renames) == 2, f"two renames, not {len(renames)}"):
        check(renames[0]["source"]["path"] == path_in("moves"), "source of the first")
        check(renames[0]["destination_type"] == 1, "to a new path")
        check(renames[0]["destination"]["new_path"]["dir"]["path"] == DIR, "in the same folder")
        check(renames[0]["destination"]["new_path"]["filename"] == "moved", "new name")
        check(renames[1]["destination_type"] == 0, "over an existing file")
        check(renames[1]["destination"]["existing_file"]["path"] == path_in("over"), "which one")
    unlinks = [e["event"]["unlink"]["target"]["path"] for e in events if kind(e) == "unlink"]
    name = os.path.join(DIR.encode(), STRANGE).decode("utf-8", "surrogateescape")
    check(unlinks == [name], f"the strange name comes back byte for byte: {unlinks!r}")


def check_numbers(events):
    numbers = [e["global_seq_num"] for e in events]
    check(numbers == sorted(set(numbers)), "global_seq_num grows")
    times = [e["mach_time"] for e in events]
    check(all(b >= a - 1_000_000_000 for a, b in zip(times, times[1:])), "times are in about the order of delivery")
    for event in events:
        check(event["schema_version"] == 1 and event["action_type"] == 1, "head of the object")


def main():
    if os.geteuid():
        print("skip: root")
        sys.exit(77)
    os.environ["ENDPOINTSECURITY_SOCKET"] = path_in("control")
    tiny = make_files()
    logger = Logger()
    logger.await_marker(path_in("begin-marker"))
    shell = run_script(tiny)
    subprocess.run([path_in("tiny")], check=True)  # in eslogger's process group: left out
    logger.await_marker(path_in("end-marker"))
    check(logger.end() in (0, -signal.SIGINT), "eslogger ends at SIGINT")

    everything = read_events()
    check(all(e["process"]["group_id"] != os.getpgrp() for e in everything), "its own process group is left out")
    check_numbers(everything)
    events = family(everything, shell)
    # The shell's first events are still those of Python, which forked it.
    while events and kind(events[0]) != "exec":
        events.pop(0)
    if check(events, "the script's events came"):
        check_execs(events, shell, tiny)
        check_lives(events, shell)
        check_files(events)
    end = time.monotonic() + 5 * SLOW
    while os.path.exists(path_in("control")) and time.monotonic() < end:
        time.sleep(0.01)
    check(not os.path.exists(path_in("control")), "the private daemon's socket is gone")
    if failures:
        print(open(path_in("eslogger.err")).read())
    sys.exit(1 if failures else 0)


main()
