#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The spool: killed twice in the middle, used by two, read-only, full, and on a disk that is full; damaged.

    spool.py BUILD [CHECK...]
"""

import glob
import json
import os
import re
import shutil
import subprocess
import time

import ship

COUNT = 40000
KILLED = 15000
MIXED = 80000


def sink(name, more=""):
    return {"file": f'type = "file" path = "{ship.path(name)}.out" rotate-mb = 1000 {more}'}


def some_dropped(name):
    """Each event of the capture is there, or is counted as dropped for want of room, and some are."""
    found = ship.lines(name)
    client, = {client for client, _ in found}
    events = sum("event" in line for line in found.values())
    dropped = sum(drop["types"]["NOTIFY_OPEN"] for drop in ship.dropped_of(found, client, "full"))
    assert dropped and events + dropped == COUNT, (events, dropped)
    assert " 0 missing" in ship.verify(name)


def check_killed():
    """kill -9 twice: what was received is there once, or is counted as lost by name."""
    config = ship.configure("kill", sink("kill"))
    received = []
    for _ in range(2):
        before = ship.size("kill.out")
        run = ship.Run(config, ship.capture(KILLED), "--at-end", "wait")
        ship.until("lines are in the file", lambda: ship.size("kill.out") > before + 2_000_000)
        received.append(ship.metrics("kill")["esship_events_received_total"])
        run.kill()
    ship.Run(config, ship.capture(KILLED)).wait()
    ship.send_only(config)
    found = ship.lines("kill.out")
    final = ship.killed_are_counted(found, received)
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
    lines = [(json.loads(line)["esship"]["number"], line) for line in text if f'"client":"{own}"' in line]
    numbers = sorted({number for number, _ in lines})
    missing = numbers[len(numbers) // 2:][:3]
    gone = [line for number, line in lines if number in missing]
    with open(ship.path("less.out"), "w") as file:
        file.writelines([line for line in text if line not in gone] + text[:10])
    report = ship.verify("less.out", status=3)
    assert f"missing: {missing[0]} to {missing[2]}, 3 lines" in report, report
    assert came_again(report) == came_again(before) - (len(gone) - 3) + 10, before + report
    with open(ship.path("more.out"), "w") as file:
        for line in text:
            file.write(re.sub(r'("why":"killed",.*"count":)\d+', r"\g<1>1", line))
    if any('"why":"killed"' in line for line in text):
        assert "not as many" in ship.verify("more.out", status=3)


def check_hostile():
    """Lines that nobody could have sent: they are told from others, and reading them ends, however many they are."""
    def line(client, number, **more):
        return json.dumps({"esship": {"client": client, "number": number, "host": "h", "boot": "b", **more}}) + "\n"

    largest = (1 << 63) - 1
    for text, status, said in (
            (line("a", 1) + line("a", largest + 1) + line("a", 1 << 64) + line("a", -5) + line("a", 0), 0,
             "1 lines of 1 clients, 0 came again, 0 missing; 4 lines are not esship's"),
            (line("a", 1) + line("a", largest), 3, f"missing: 2 to {largest - 1}"),
            (line("a", 1, dropped={"why": "full", "client": "a", "first": 2, "last": (1 << 64) - 1, "count": 9, "types": []}), 3,
             "not as many"),
            ("[" * 100000 + "\n[]\nnull\n\0\n{}\n" + line("a", 1), 0, "5 lines are not esship's"),
            (line("\x1b[2J", 1), 0, "client ?[2J"),
            ("".join(line(f"c{i}", 1, started={"before": f"c{i - 1}", "last": 1, "ended": True}) for i in range(50000)), 0,
             "50000 lines of 50000 clients, 0 came again, 0 missing")):
        with open(ship.path("hostile.out"), "w") as file:
            file.write(text)
        report = ship.verify("hostile.out", status=status)
        assert said in report and "\x1b" not in report, report[-2000:]


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
    with ship.small_disk("2m") as (mount, mounted):
        if mounted:
            disk(mount)


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


def check_gone():
    """Somebody removes a segment: what is behind it goes out, and what is missing is seen. The folder: esship says so and ends, and
    the next start begins anew."""
    away = {"syslog": 'type = "syslog" host = "127.0.0.1" port = "1"'}
    config = ship.configure("gone", away, spool_mb=1, linger_ms=1)
    run = ship.Run(config, ship.capture(20000), "--at-end", "wait")
    ship.until("there are several", lambda: len(glob.glob(ship.path("gone.spool/*.seg"))) > 3)
    ship.until("all is received", lambda: ship.metrics("gone")["esship_events_received_total"] == 20000)
    os.kill(run.esship(), 15)
    run.wait()
    os.remove(sorted(glob.glob(ship.path("gone.spool/*.seg")))[1])
    open(ship.path("gone.spool/00000000000000ff.seg"), "w").close()
    ship.configure("gone", sink("gone"), spool_mb=1)
    ship.send_only(config)
    assert "missing: " in ship.verify("gone.out", status=3)
    config = ship.configure("live", sink("live") | away)
    run = ship.Run(config, ship.capture(1000), "--at-end", "wait")
    ship.until("it runs", lambda: ship.size("live.out") > 100000)
    ship.until("it is removed, whatever is made there meanwhile",
               lambda: shutil.rmtree(ship.path("live.spool"), ignore_errors=True) or not os.path.exists(ship.path("live.spool")))
    run.wait(73)
    assert "has been removed" in run.said(), run.said()
    os.remove(ship.path("live.out"))
    ship.Run(config, ship.capture(1000), "--at-end", "term").wait()
    ship.events_are(ship.lines("live.out"), 1000)


def check_large():
    """An exec with 6 MiB of arguments: cut to what servers take, whole if that is wanted; dropped by name if no spool of this size has
    room for it, and nothing else is held up by it."""
    events = '{ "open", "exec" }'
    for name, more, cut in (("cut", {}, ship.LARGE - 32 * 1024), ("whole", {"arguments_kb": 8192}, None)):
        for form in ("json", "ecs", "ocsf"):
            config = ship.configure(name + form, sink(name + form), events=events, format=f'"{form}"', **more)
            ship.Run(config, ship.large()).wait()
            ship.send_only(config)
            assert " 0 missing" in ship.verify(name + form + ".out")
            with open(ship.path(name + form + ".out")) as file:
                lines = sorted(file, key=len)
            assert len(lines[-1]) < 1 << 20 if cut else len(lines[-1]) > ship.LARGE, len(lines[-1])
            assert len(lines) == 5 and (f'"cut":{cut}' in lines[-1] if cut else '"cut"' not in lines[-1]), lines[-1][-200:]
    config = ship.configure("never", sink("never"), events=events, arguments_kb=8192, spool_mb=1, flush_ms=1)
    run = ship.Run(config, ship.large()).wait()
    ship.send_only(config)
    assert "larger than the spool" in run.said(), run.said()
    found = ship.lines("never.out")
    client, = {client for client, _ in found}
    drop, = ship.dropped_of(found, client, "full")
    assert drop["types"]["NOTIFY_EXEC"] == 1, drop
    assert sum("event" in line for line in found.values()) + drop["types"].get("NOTIFY_OPEN", 0) == 2
    assert " 0 missing" in ship.verify("never.out")


def check_folder():
    os.mkdir(ship.path("nothing"))
    config = ship.configure("none", sink("none"), spool=f'"{ship.path("nothing")}/no/folder"')
    result = ship.esship("-c", config)
    assert result.returncode == 73 and "can't be made" in result.stderr, result


ship.run([check_killed, check_verify, check_hostile, check_two, check_full, check_decisions, check_disk, check_damage, check_gone, check_large, check_folder])
