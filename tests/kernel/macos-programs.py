#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Programs written for macOS (examples/macos), built from unchanged sources, and the same client in other languages
(examples/languages): each reports the test's operations as its head says, and ends when the test makes it end.

On a tmpfs in a mount namespace of its own, with one daemon that is limited to it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

SLOW = int(os.environ.get("ES_TEST_SLOW", "1"))
build = sys.argv[1]
source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(what):
    print(f"skip: {what}")
    sys.exit(77)


if os.geteuid() != 0:
    skip("root")
if not os.path.exists(build + "/examples/macos/main-loop"):
    skip("blocks (clang and libblocksruntime-dev), and a build without sanitizers")
if sys.argv[2:] != ["inside"]:
    limit = str(55 * SLOW)
    os.execvp("timeout", ["timeout", "-k", "5", limit, "unshare", "--mount", "--propagation", "private",
                          sys.executable, os.path.abspath(__file__), build, "inside"])

folder = os.environ.get("ES_TEST_DIR", os.getcwd())
mnt = folder + "/mnt"
failed = 0


def fail(what):
    global failed
    failed += 1
    print(what)


class Program:
    """A program that prints lines to a file, so that it never waits for us to read them."""

    def __init__(self, command, log, stdin=subprocess.DEVNULL):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=subprocess.STDOUT)

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def wait_for(self, pattern):
        end = time.monotonic() + 10 * SLOW
        while time.monotonic() < end:
            found = re.search(pattern, self.text(), re.MULTILINE)
            if found:
                return found
            time.sleep(0.01)
        return None

    def end(self, how=signal.SIGTERM):
        if self.process.stdin:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        try:
            return self.process.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "no end"


def do(*command):
    """Its exit status, and number."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process.wait(), process.pid


def start_tiny():
    status, pid = do(mnt + "/tiny", "3")
    if status != 3:
        fail(f"tiny ended with {status}, not 3")
    return [rf"^{pid} runs {mnt}/tiny$", rf"^exec {pid}$"]


def start_named():
    do(mnt + "/tiny", "0", "an argument")
    return [rf"^start {mnt}/tiny 0 an argument$", rf"^end {mnt}/tiny 0 an argument$"]


def write_file():
    do("sh", "-c", f"echo more >{mnt}/written")
    return [rf"^open {mnt}/written for writing$", rf"^modified {mnt}/written$", r"^I am \d+$"]


def remove_and_rename():
    with open(mnt + "/five", "w") as file:
        file.write("12345")
    with open(mnt + "/other", "w"):
        pass
    _, first = do("mv", mnt + "/five", mnt + "/moved")
    _, second = do("mv", mnt + "/moved", mnt + "/other")
    _, third = do("rm", mnt + "/other")
    return [rf"^{first}: rename {mnt}/five to {mnt}/moved$", rf"^{second}: rename {mnt}/moved over {mnt}/other$",
            rf"^{third}: unlink {mnt}/other \(5 bytes, thread {third}\)$"]


def create_files():
    do("sh", "-c", f"for i in 1 2 3; do echo x >{mnt}/created-$i; done")
    time.sleep(0.1)
    return []


def read_and_write_secret():
    with open(mnt + "/secret", "r") as file:
        if file.read() != "secret":
            fail("the secret can't be read")
    status, pid = do("sh", "-c", f"echo mine >>{mnt}/secret")
    if status == 0:
        fail("the secret was written")
    status, _ = do("sh", "-c", f"echo mine >>{mnt}/plain")
    if status != 0:
        fail("another file was not written")
    return [rf"^denied to {pid}: {mnt}/secret$"]


def mount_something():
    os.mkdir(mnt + "/on")
    do("mount", "-t", "tmpfs", "-o", "ro", "something", mnt + "/on")
    do("umount", mnt + "/on")
    return [rf"^mount tmpfs from something on {mnt}/on read-only$", rf"^unmount tmpfs from something on {mnt}/on"]


def exit_child():
    do(mnt + "/tiny", "3")
    return [rf"^exit 768 {mnt}/tiny child of "]


# The program, the operation, the last line, and the exit status.
MACOS = [
    ("main-loop", start_tiny, "", -signal.SIGTERM),
    ("signal-shutdown", write_file, r"\nbye\n\Z", 0),
    ("pause", remove_and_rename, rf"\nsignal {int(signal.SIGTERM)}\n\Z", 0),
    ("busy-loop", create_files, r"\n3 created, 3 written, in time\n\Z", 0),
    ("worker-queue", read_and_write_secret, r"\n0 waiting\n\Z", 0),
    ("bridge", exit_child, r"\nclosed\n\Z", 0),
    ("monitor", start_named, r"^deleted\n\Z", 0),
    ("mounts", mount_something, r"\nstopped\n\Z", 0),
]
LANGUAGES = ["client-cpp", "client-rust", "client-go", "client-objc"]


def run(name, path, action, last, status, stdin=subprocess.DEVNULL):
    program = Program([path], f"{folder}/{name}.log", stdin)
    before = failed
    if not program.wait_for("^ready"):
        fail(f"{name} does not get ready")
    else:
        for pattern in action():
            if not program.wait_for(pattern):
                fail(f"{name} does not say: {pattern}")
    ended = program.end()
    if ended != status:
        fail(f"{name} ended with {ended}, not {status}")
    if not re.search(last, program.text(), re.MULTILINE):
        fail(f"{name} does not end by saying {last!r}")
    if failed > before:
        print(f"{name} said:\n{program.text()}")
    else:
        print(f"{name} does as it says")


def run_tiny():
    do(mnt + "/tiny", "0")
    return [rf"^exec {mnt}/tiny$"]


def run_lua():
    """LuaJIT reads the preprocessed headers, gcc's and clang's."""
    if not shutil.which("luajit"):
        print("no luajit: events.lua was not run")
        return
    for compiler in (["gcc"], ["clang", "-fblocks"]):
        headers = f"{folder}/preprocessed.h"
        text = subprocess.run([*compiler, "-E", "-P", "-I", source + "/include", "-xc", "-"], check=True, text=True,
                              input="#include <EndpointSecurity/EndpointSecurity.h>\n", stdout=subprocess.PIPE).stdout
        with open(headers, "w") as file:
            file.write(text)
        lua = subprocess.run(["luajit", source + "/examples/macos/events.lua", headers,
                              build + "/lib/libEndpointSecurity.so"], text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if lua.returncode or "version at 0, event at 104" not in lua.stdout or "without a client: 1" not in lua.stdout:
            fail(f"events.lua, with what {compiler[0]} makes of the headers:\n{lua.stdout}")


def main():
    os.mkdir(mnt)
    subprocess.run(["mount", "-t", "tmpfs", "es-test", mnt], check=True)
    shutil.copy(build + "/tests/harness/tiny", mnt + "/tiny")
    for name, text in (("secret", "secret"), ("plain", "")):
        with open(f"{mnt}/{name}", "w") as file:
            file.write(text)
    os.environ["ENDPOINTSECURITY_SOCKET"] = folder + "/control"
    scope = ["--scope-mount", mnt]
    if "ES_TEST_CGROUP" in os.environ:
        scope += ["--scope-cgroup", os.environ["ES_TEST_CGROUP"]]
    daemon = Program([build + "/daemon/endpointsecurityd", "--socket", folder + "/control", *scope],
                     folder + "/daemon.log")
    try:
        end = time.monotonic() + 20 * SLOW
        while not os.path.exists(folder + "/control") and time.monotonic() < end:
            time.sleep(0.01)
        for name, action, last, status in MACOS:
            run(name, f"{build}/examples/macos/{name}", action, last, status)
        for name in LANGUAGES:
            path = f"{build}/examples/languages/{name}"
            if os.path.exists(path):
                run(name, path, run_tiny, "", 0, subprocess.PIPE)
            else:
                print(f"{name} is not built here")
        run_lua()
    finally:
        if daemon.end() != 0:
            fail("the daemon did not end well")
        subprocess.run(["umount", "-l", mnt], check=False)
    if failed:
        print(daemon.text())
    return 1 if failed else 0


sys.exit(main())
