#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The journal: a journald of our own, in a mount namespace, that isn't there at the start, and is stopped in the middle; an event
that no datagram has room for.

    journal.py BUILD [CHECK...]
"""

import os
import shutil
import signal
import subprocess
import sys

INSIDE = "ES_TEST_JOURNAL"
JOURNALD = "/lib/systemd/systemd-journald"
CONFIGURATION = """[Journal]
Storage=volatile
Audit=
ReadKMsg=no
ForwardToSyslog=no
ForwardToWall=no
RateLimitIntervalSec=0
"""

if INSIDE not in os.environ:
    if os.getuid() or not os.path.exists(JOURNALD) or not shutil.which("unshare"):
        print("skip: root and systemd-journald")
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])

import ship

COUNT = 3000
servers = []
SINK = {"journal": 'type = "journal"'}


def journald():
    if not servers:
        servers.append(subprocess.Popen([JOURNALD], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL))
        ship.children.append(servers[0])
    return servers[0]


def read(name):
    """What esship's entries say, as anybody reads them."""
    command = ["journalctl", "-D", "/run/log/journal", "-q", "-o", "cat", "SYSLOG_IDENTIFIER=esship"]
    with open(ship.path(name), "wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, timeout=ship.LIMIT, check=False)
    return ship.lines(name)


def all_read(name, clients):
    """So many have come to their end."""
    ship.until("all is there", lambda: sum("ended" in line["esship"] for line in read(name).values()) == clients, pause=0.3)
    assert " 0 missing" in ship.verify(name)


def metric(name, what):
    return ship.metrics(name)[f'esship_sink_{what}{{sink="journal",type="journal"}}']


def check_journal():
    config = ship.configure("j", SINK)
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("it is away", lambda: metric("j", "failures_total") > 0)
    assert metric("j", "up") == 0
    child = journald()
    ship.until("some is sent", lambda: metric("j", "lines_total") > 0)
    os.kill(child.pid, signal.SIGSTOP)
    ship.until("all is received", lambda: ship.metrics("j")["esship_events_received_total"] == COUNT)
    os.kill(child.pid, signal.SIGCONT)
    ship.until("all is sent", lambda: metric("j", "behind_bytes") == 0)
    os.kill(run.esship(), 15)
    run.wait()
    assert "/run/systemd/journal/socket: No such file" in run.said() and "goes on" in run.said(), run.said()
    all_read("j.out", 1)
    ship.events_are(ship.lines("j.out"), COUNT)


def check_stopped():
    """A journald that takes nothing holds nobody up: neither the events, nor esship's end."""
    os.kill(journald().pid, signal.SIGSTOP)
    config = ship.configure("s", SINK, linger_ms=300)
    run = ship.Run(config, ship.capture(COUNT)).wait()
    assert "Connection timed out" in run.said() or not run.said(), run.said()
    os.kill(journald().pid, signal.SIGCONT)
    ship.send_only(config)
    all_read("s.out", 2)


def check_large():
    config = ship.configure("l", SINK, events='{ "open", "exec" }', arguments_kb=8192)
    ship.Run(config, ship.large()).wait()
    all_read("l.out", 3)
    assert any("exec" in line.get("event", {}) for line in ship.lines("l.out").values())


subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/etc/systemd"], check=True)
os.makedirs("/run/systemd/journal")
os.makedirs("/run/log/journal")
with open("/etc/systemd/journald.conf", "w") as conf:
    conf.write(CONFIGURATION)
if "built without" in ship.esship("--check", "-c", ship.configure("has", SINK)).stderr:
    ship.skip("a build with libsystemd")
ship.run([check_journal, check_stopped, check_large])
