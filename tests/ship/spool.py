#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The spool: killed twice in the middle, used by two, read-only, full, and on a disk that is full; damaged.

    spool.py BUILD [CHECK...]
"""

import glob
import json
import os
import re
import subprocess
import time

import ship

COUNT = 40000
KILLED = 15000
MIXED = 80000


def sink(name, more=""):
    return {"file": f'type = "file" path = "{ship.path(name)}.out" rotate-mb = 1000 {more}'}


def dropped_of(found, client, why):
    """Numbers by name, as a line says of that client."""
    said = [line["esship"]["dropped"] for line in found.values() if "dropped" in line["esship"]]
    return [drop for drop in said if drop["client"] == client and drop["why"] == why]


def some_dropped(name):
    """Each event of the capture is there, or is counted as dropped for want of room, and some are."""
    found = ship.lines(name)
    client, = {client for client, _ in found}
    events = sum("event" in line for line in found.values())
    dropped = sum(drop["types"]["NOTIFY_OPEN"] for drop in dropped_of(found, client, "full"))
    assert dropped and events + dropped == COUNT, (events, dropped)
    assert " 0 missing" in ship.verify(name)


def check_killed():
    """kill -9 twice: what was received is there once, or is counted as lost by name."""
    config = ship.configure("kill", sink("kill"))
    received = []
    for _ in range(2):
        before = ship.size("kill.out")
        run = ship.Run(config, ship.capture(KILLED))
        ship.until("lines are in the file", lambda: ship.size("kill.out") > before + 2_000_000)
        received.append(ship.metrics("kill")["esship_events_received_total"])
        run.kill()
    ship.Run(config, ship.capture(KILLED)).wait()
    ship.send_only(config)
    found = ship.lines("kill.out")
    order = [line["esship"] for key, line in sorted(found.items(), key=lambda item: item[1].get("time", ""))
             if "started" in line["esship"]]
    clients = {own["client"]: own["started"].get("before") for own in order}
    last, = set(clients) - set(clients.values())
    for counted in reversed(received):
        client = clients[last]
        numbers = sorted(number for name, number in found if name == client)
        full = sum(drop["count"] for drop in dropped_of(found, client, "full"))
        assert len(numbers) + full == numbers[-1] or full, "a number is missing"
        events = [line["global_seq_num"] for (name, _), line in found.items() if name == client and "event" in line]
        assert len(set(events)) == len(events)
        lost = dropped_of(found, client, "killed")
        started, = [own["started"] for own in order if own["client"] == last]
        assert started["last"] == numbers[-1] and not started["ended"]
        assert len(lost) <= 1 and (not lost or lost[0]["first"] == numbers[-1] + 1)
        accounted = len(events) + full + sum(drop["types"].get("NOTIFY_OPEN", 0) for drop in lost)
        assert counted <= accounted, (counted, len(events), lost)
        last = client
    final, = set(clients) - set(clients.values())
    ship.events_are({key: line for key, line in found.items() if key[0] == final}, KILLED)
    report = ship.verify("kill.out")
    assert report.count("; killed") == 2 and report.count("; ended") == 1 and " 0 missing" in report, report


def came_again(report):
    return int(re.search(r"lines of \d+ clients, (\d+) came again", report)[1])


def check_verify():
    """What is taken away is noticed, and so is what an explanation doesn't explain."""
    if not ship.size("kill.out"):
        check_killed()
    with open(ship.path("kill.out")) as file:
        text = file.readlines()
    before = ship.verify("kill.out")
    own = json.loads(text[0])["esship"]["client"]
    gone = [line for line in text if f'"client":"{own}"' in line and json.loads(line)["esship"]["number"] in (1001, 1002, 1003)]
    with open(ship.path("less.out"), "w") as file:
        file.writelines([line for line in text if line not in gone] + text[:10])
    report = ship.verify("less.out", status=3)
    assert "missing: 1001 to 1003, 3 lines" in report, report
    assert came_again(report) == came_again(before) - (len(gone) - 3) + 10, before + report
    with open(ship.path("more.out"), "w") as file:
        for line in text:
            file.write(re.sub(r'("why":"killed",.*"count":)\d+', r"\g<1>1", line))
    if any('"why":"killed"' in line for line in text):
        assert "not as many" in ship.verify("more.out", status=3)


def check_two():
    """The second says so, and the first isn't disturbed."""
    config = ship.configure("two", sink("two"))
    run = ship.Run(config, ship.capture(1000), "--at-end", "wait")
    pid = run.esship()
    ship.until("it runs", lambda: ship.size("two.out") > 100000)
    second = subprocess.run([ship.ESSHIP, "-c", config], timeout=ship.LIMIT, capture_output=True, text=True, check=False)
    assert second.returncode == 75 and "another process uses the spool" in second.stderr, second
    os.kill(pid, 15)
    run.wait()
    ship.events_are(ship.lines("two.out"), 1000)


def check_full():
    """A sink that takes nothing: events are dropped by name, and come to an end when it takes them again."""
    port = ship.free_port()
    config = ship.configure("full", {"syslog": f'type = "syslog" host = "127.0.0.1" port = "{port}"'}, spool_mb=1, linger_ms=100)
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("all is received", lambda: ship.metrics("full")["esship_events_received_total"] == COUNT, 60)
    values = ship.metrics("full")
    assert values['esship_events_dropped_total{kind="notify"}'] > 0
    assert values["esship_spool_bytes"] <= values["esship_spool_bytes_max"] == 1 << 20
    ship.server("syslog", port, "full.out")
    ship.until("all is sent", lambda: ship.metrics("full")['esship_sink_behind_bytes{sink="syslog",type="syslog"}'] == 0)
    time.sleep(0.5)
    os.kill(run.esship(), 15)
    run.wait()
    ship.send_only(config)
    some_dropped("full.out")


def check_decisions():
    """Where there is no room for all, what was denied is there, and what was not is dropped first."""
    source = ship.path("mixed.escap")
    subprocess.run([ship.SAMPLE, source, str(MIXED), "100"], check=True)
    config = ship.configure("mixed", {"syslog": 'type = "syslog" host = "127.0.0.1" port = "1"'}, spool_mb=1, linger_ms=1)
    run = ship.Run(config, source, "--at-end", "wait")
    ship.until("all is received", lambda: ship.metrics("mixed")["esship_events_received_total"] == MIXED, 60)
    values = ship.metrics("mixed")
    assert values['esship_events_dropped_total{kind="notify"}'] > MIXED / 10
    assert values['esship_events_dropped_total{kind="decision"}'] == 0
    os.kill(run.esship(), 15)
    run.wait()
    ship.configure("mixed", sink("mixed"), spool_mb=1)
    ship.send_only(config)
    found = ship.lines("mixed.out")
    denied = [line for line in found.values() if "event" in line and line["action"]["result"]["result"]["flags"] == 0]
    assert len(denied) == MIXED // 100
    assert " 0 missing" in ship.verify("mixed.out")


def check_disk():
    """A disk that is full, then has room, and is then read-only."""
    mount = ship.path("disk")
    os.mkdir(mount)
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", mount], check=False).returncode:
        print("no mount can be made: a full disk is left out")
        return
    try:
        disk(mount)
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def disk(mount):
    port = ship.free_port()
    config = ship.configure("disk", {"syslog": f'type = "syslog" host = "127.0.0.1" port = "{port}"'}, spool_mb=64,
                            spool=f'"{mount}/spool"', linger_ms=100)
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    with open(mount + "/other", "wb") as file:
        file.write(bytes(1792 << 10))
    ship.until("all is received", lambda: ship.metrics("disk")["esship_events_received_total"] == COUNT, 60)
    assert ship.metrics("disk")["esship_spool_failures_total"] > 0
    os.remove(mount + "/other")
    ship.until("it can be written again", lambda: "can be written again" in run.said())
    ship.server("syslog", port, "disk.out")
    ship.until("all is sent", lambda: ship.metrics("disk")['esship_sink_behind_bytes{sink="syslog",type="syslog"}'] == 0)
    os.kill(run.esship(), 15)
    run.wait()
    ship.send_only(config)
    some_dropped("disk.out")
    subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
    run = ship.Run(config, ship.capture(10)).wait(73)
    assert "can't be written: Read-only file system" in run.said(), run.said()
    subprocess.run(["mount", "-o", "remount,rw,size=2m", mount], check=True)
    with open(mount + "/other", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    run = ship.Run(config, ship.capture(10)).wait(73)
    assert "can't be written: No space left on device" in run.said(), run.said()


def check_damage():
    """Of a segment that was damaged the rest is sent, and what is missing is seen."""
    config = ship.configure("damage", {"syslog": 'type = "syslog" host = "127.0.0.1" port = "1"'}, linger_ms=1)
    ship.Run(config, ship.capture(20000)).wait()
    segment, = glob.glob(ship.path("damage.spool/*.seg"))
    with open(segment, "r+b") as file:
        file.seek(os.path.getsize(segment) // 2)
        file.write(b"\xff" * 16)
    ship.configure("damage", sink("damage"))
    assert "is damaged" in ship.send_only(config)
    assert "missing: " in ship.verify("damage.out", status=3)


def check_folder():
    os.mkdir(ship.path("nothing"))
    config = ship.configure("none", sink("none"), spool=f'"{ship.path("nothing")}/no/folder"')
    result = ship.esship("-c", config)
    assert result.returncode == 73 and "can't be made" in result.stderr, result


ship.run([check_killed, check_verify, check_two, check_full, check_decisions, check_disk, check_damage, check_folder])
