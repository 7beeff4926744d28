#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an event costs, as docs/adding-an-event.md says: new-event.patch adds one to a copy of the tree.

    tests/docs/test-new-event.py

It is made up: NOTIFY_LEASE, with a payload of its own. The patch may change four files and no more, and nothing that is
generated has to be brought up to date for it: the daemon, eslogger and the manual pages are built. Then a lease is taken,
and eslogger, a client as any other, has to print it. That needs root; without it the rest is tried.
"""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATCH = os.path.join(ROOT, "tests/docs/new-event.patch")
FILES_MOST = 4
ARRIVES_WITHIN = 20  # seconds
TARGETS = ["daemon/endpointsecurityd", "tools/eslogger", "man/es_events_file.7"]
LEFT_OUT = ["werror=false", "tests=false", "compat=disabled", "http=disabled", "journal=disabled", "kafka=disabled",
            "nats=disabled", "tls=disabled"]


def changed(patch):
    """The files of a patch, and the lines that it adds."""
    return re.findall(r"^\+\+\+ b/(\S+)", patch, re.MULTILINE), len(re.findall(r"^\+(?!\+\+ )", patch, re.MULTILINE))


def too_many(files):
    return len(files) > FILES_MOST


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode:
        sys.exit(f"{' '.join(command)}:\n{result.stdout[-4000:]}")
    return result.stdout


def build(tree):
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
    run("patch", "-p1", "--no-backup-if-mismatch", "-i", PATCH, cwd=tree)
    run("meson", "setup", "--buildtype=plain", *(f"-D{option}" for option in LEFT_OUT), "build", cwd=tree)
    run("ninja", "-C", "build", *TARGETS, cwd=tree)


def check_written(tree):
    """What is made from the tables and the header has it."""
    with open(f"{tree}/build/man/es_events_file.7") as page:
        assert ".It Sy lease : NOTIFY_LEASE (162)" in page.read(), "the manual page hasn't it"
    table = run(f"{tree}/scripts/events-table")
    assert "| lease | 162 delivers | - | target | sys_exit of fcntl F_SETLEASE | - |" in table, "the table hasn't it"


@contextlib.contextmanager
def started(*command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


def lease_until(stream, folder):
    """Takes a lease, again and again, until a line comes that says so; whether it names the file. None: none came."""
    end = time.monotonic() + ARRIVES_WITHIN
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        reader = os.open(file.name, os.O_RDONLY | os.O_CLOEXEC)
        file.close()
        try:
            while time.monotonic() < end:
                fcntl.fcntl(reader, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                if not select.select([stream], [], [], 0.2)[0]:
                    continue
                line = stream.readline()
                if not line:
                    return None
                message = json.loads(line)
                lease = message["event"]["lease"]
                if message["process"]["audit_token"]["pid"] == os.getpid() and lease["lease"] == fcntl.F_RDLCK:
                    # In a chroot it begins elsewhere.
                    return lease["target"]["path"].endswith(file.name)
        finally:
            os.close(reader)
    return None


def check_arrives(tree, folder):
    socket, config = f"{folder}/socket", f"{folder}/config"
    open(config, "x").close()
    environment = os.environ | {"ENDPOINTSECURITY_SOCKET": socket, "LD_LIBRARY_PATH": f"{tree}/build/lib"}
    ready, write = os.pipe()
    with started(f"{tree}/build/daemon/endpointsecurityd", "--socket", socket, "--sensor", "tracepoint", "--identity", "no",
                 "--config", config, "--ready-fd", str(write), pass_fds=[write], env=environment):
        os.close(write)
        said = os.read(ready, 4096)
        os.close(ready)
        if len(said) != 1:
            sys.exit(f"the daemon doesn't start: {said.decode(errors='replace')}")
        # In a session of its own, since eslogger leaves out what its process group does.
        with started(f"{tree}/build/tools/eslogger", "lease", stdout=subprocess.PIPE, bufsize=0, start_new_session=True,
                     env=environment) as eslogger:
            return lease_until(eslogger.stdout, folder)


def main():
    with open(PATCH) as patch:
        files, lines = changed(patch.read())
    assert not too_many(["x"] * FILES_MOST) and too_many(["x"] * (FILES_MOST + 1))
    assert changed("--- a/x\n+++ b/x\n@@\n+one\n-two\n") == (["x"], 1)
    print(f"a made-up event: {len(files)} files, {lines} lines: {', '.join(files)}")
    if too_many(files):
        sys.exit(f"more than {FILES_MOST} files")
    with tempfile.TemporaryDirectory() as folder:
        tree = f"{folder}/tree"
        build(tree)
        check_written(tree)
        if os.geteuid():
            print("it is built and described; that it arrives needs root")
            sys.exit(77)
        arrived = check_arrives(tree, folder)
        print({True: "it arrives", False: "it arrives with another path", None: "it doesn't arrive"}[arrived])
        sys.exit(not arrived)


if __name__ == "__main__":
    main()
