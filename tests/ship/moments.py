#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""esship is killed or ended at any moment, the disk is full from any byte on, or slow: each event is there once, or counted by name.

    moments.py BUILD [CHECK...]
"""

import os
import random
import signal
import time

import ship

COUNT = 1500
TIMES = 10
SECONDS = 0.5
EARLY = (143, 129, 130)	# before it is ready for signals, nothing has begun

seed = random.randrange(1 << 32)
random.seed(seed)


def sink(name):
    return {"file": f'type = "file" path = "{ship.path(name)}.out" rotate-mb = 1000'}


def signal_soon(run, number):
    """At a moment that chance chooses; it may be over by then."""
    pid = run.child()
    time.sleep(random.uniform(0, SECONDS))
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    return run.process.wait(ship.LIMIT)


def of_client(found, client):
    return [line["global_seq_num"] for (name, _), line in sorted(found.items()) if name == client and "event" in line]


def check_killed_anytime():
    config = ship.configure("killed", sink("killed"), flush_ms=20)
    for _ in range(TIMES):
        signal_soon(ship.Run(config, ship.capture(COUNT), "--at-end", "wait", "--speed", "200"), signal.SIGKILL)
    ship.Run(config, ship.capture(COUNT)).wait()
    ship.send_only(config)
    found = ship.lines("killed.out")
    for client in {client for client, _ in found}:
        events = of_client(found, client)
        assert len(set(events)) == len(events) and set(events) == set(range(len(events))), f"a hole, seed {seed}"
    assert " 0 missing" in ship.verify("killed.out"), f"seed {seed}"


def check_ended_anytime():
    config = ship.configure("ended", sink("ended"), flush_ms=20)
    early = 0
    for i in range(TIMES):
        run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait", "--speed", "200")
        status = signal_soon(run, (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)[i % 3])
        assert status in (0, *EARLY), (status, run.said(), seed)
        early += status != 0
    run = ship.Run(config, ship.capture(COUNT)).wait()
    report = ship.verify("ended.out")
    assert " 0 missing" in report and report.count("; ended") + early >= TIMES + 1 and "; killed" not in report, (report, seed)


def accounted(found, client):
    return len(set(of_client(found, client))) + sum(
        line["esship"]["dropped"]["types"].get("NOTIFY_OPEN", 0) for line in found.values()
        if line["esship"].get("dropped", {}).get("client") == client)


def check_full_anytime():
    """From this byte of the disk on."""
    with ship.small_disk("1m") as (mount, mounted):
        if mounted:
            full_anytime(mount)


def full_anytime(mount):
    config = ship.configure("full", sink("full"), spool=f'"{mount}/spool"', linger_ms=1000)
    statuses = []
    for pages in (0, 1, 2, 3, 4, 5, 6, 8, 12, 20):
        ship.fill(mount, pages * os.statvfs(mount).f_frsize)
        run = ship.Run(config, ship.capture(COUNT))
        statuses.append(run.process.wait(ship.LIMIT))
        os.remove(mount + "/other")
        ship.send_only(config)
    assert set(statuses) == {0, 73}, statuses
    ship.Run(config, ship.capture(COUNT)).wait()
    ship.send_only(config)
    found = ship.lines("full.out")
    clients = {client for client, _ in found}
    assert len(clients) == statuses.count(0) + 1, (statuses, clients)
    assert [accounted(found, client) for client in clients] == [COUNT] * len(clients)
    assert " 0 missing" in ship.verify("full.out")


def check_slow_disk():
    """A slow disk is waited for; one that takes longer than that costs events, which are counted."""
    preload = ship.library("slow-disk")
    if not preload:
        return
    for ms, name in ((300, "slow"), (2500, "slower")):
        config = ship.configure(name, sink(name), sync="yes", linger_ms=8000)
        with ship.preloaded(preload, ES_SLOW_MS=str(ms)):
            run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
            ship.until("all is received", lambda: ship.metrics(name)["esship_events_received_total"] == COUNT, 40)
            values = ship.metrics(name)
            os.kill(run.esship(), signal.SIGTERM)
            run.wait()
        ship.send_only(config)
        found = ship.lines(name + ".out")
        client, = {client for client, _ in found}
        assert accounted(found, client) == COUNT
        assert bool(values['esship_events_dropped_total{kind="notify"}']) == (ms > 2000), (ms, values)
        assert " 0 missing" in ship.verify(name + ".out")


ship.run([check_killed_anytime, check_ended_anytime, check_full_anytime, check_slow_disk])
