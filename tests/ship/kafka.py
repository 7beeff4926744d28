#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kafka: brokers that are away at the start, go in the middle and come back; esship is killed twice meanwhile, and its disk full;
TLS and credentials.

    kafka.py BUILD [CHECK...]
"""

import os
import subprocess

import ship

COUNT = 30000
KILLED = 15000
FULL = 40000
LARGE = 3000000
MOCK = ship.BUILD + "/tests/ship/kafka-mock"


class Cluster:
    """Of librdkafka's mock; all messages of the topic go to a file."""

    def __init__(self, count, out):
        self.count = count
        self.process = subprocess.Popen([MOCK, str(count), "es.events", ship.path(out)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ship.children.append(self.process)
        self.brokers = self.process.stdout.readline().strip()

    def tell(self, command, *brokers):
        for broker in brokers or range(1, self.count + 1):
            self.process.stdin.write(f"{command} {broker}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
            assert answer == "NO_ERROR", answer


def sink(cluster, more=""):
    return {"kafka": f'type = "kafka" brokers = "{cluster.brokers}" timeout-ms = 600 {more}'}


def metric(name, what):
    return ship.metrics(name)[f'esship_sink_{what}{{sink="kafka",type="kafka"}}']


def sent(name, count, run):
    """All is received and acknowledged; then it ends."""
    ship.until("all is received", lambda: ship.metrics(name)["esship_events_received_total"] == count, 60)
    ship.until("all is sent", lambda: metric(name, "behind_bytes") == 0, 120)
    os.kill(run.esship(), 15)
    run.wait()


def all_read(name):
    """What was acknowledged has been read: the file doesn't grow, and says that esship has ended."""
    ship.until("all is read", lambda: '"ended":{}' in open(ship.path(name)).read()[-1000:])


def check_server():
    cluster = Cluster(1, "one.out")
    cluster.tell("down")
    config = ship.configure("one", sink(cluster))
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("it is away", lambda: metric("one", "failures_total") > 0)
    assert metric("one", "up") == 0
    cluster.tell("up")
    ship.until("some is read", lambda: ship.size("one.out") > 0)
    cluster.tell("down")
    failures = metric("one", "failures_total")
    ship.until("it is away again", lambda: metric("one", "failures_total") > failures)
    cluster.tell("up")
    sent("one", COUNT, run)
    assert "goes on" in run.said() and "tried again" in run.said(), run.said()
    all_read("one.out")
    ship.events_are(ship.lines("one.out"), COUNT)
    assert " 0 missing" in ship.verify("one.out")


def check_deaths():
    """esship is killed twice, the broker that leads is gone for a while and another leads instead, all are, and meanwhile the
    spool's disk is full."""
    with ship.small_disk("4m") as (disk, mounted):
        deaths(disk, mounted, KILLED, FULL)


def check_many():
    """The same with 200,000 events."""
    with ship.small_disk("8m") as (disk, mounted):
        deaths(disk, mounted, 50000, 100000)


def deaths(disk, mounted, killed, full):
    cluster = Cluster(3, "deaths.out")
    cluster.tell("leader", 1)
    config = ship.configure("deaths", sink(cluster), spool=f'"{disk}/spool"')
    received = []
    for down in (None, 1):
        before = ship.size("deaths.out")
        run = ship.Run(config, ship.capture(killed), "--at-end", "wait")
        ship.until("more is read", lambda: ship.size("deaths.out") > before + 130 * killed)
        if down:
            cluster.tell("down", down)
        received.append(ship.metrics("deaths")["esship_events_received_total"])
        run.kill()
    if mounted:
        ship.fill(disk, 160 << 10)
    run = ship.Run(config, ship.capture(full), "--at-end", "wait")
    ship.until("nobody answers", lambda: metric("deaths", "up") == 0)
    cluster.tell("leader", 2)
    ship.until("another leads", lambda: metric("deaths", "up") == 1)
    cluster.tell("down", 2, 3)
    ship.until("all is received", lambda: ship.metrics("deaths")["esship_events_received_total"] == full, 120)
    if mounted:
        assert ship.metrics("deaths")["esship_spool_failures_total"] > 0
        os.remove(disk + "/other")
        ship.until("it can be written again", lambda: "can be written again" in run.said())
    cluster.tell("up")
    sent("deaths", full, run)
    all_read("deaths.out")
    found = ship.lines("deaths.out")
    final = ship.killed_are_counted(found, received)
    events = [line["global_seq_num"] for (client, _), line in found.items() if client == final and "event" in line]
    dropped = sum(drop["types"]["NOTIFY_OPEN"] for drop in ship.dropped_of(found, final, "full"))
    assert len(set(events)) == len(events) and len(events) + dropped == full, (len(events), dropped)
    assert bool(dropped) == mounted, dropped
    report = ship.verify("deaths.out")
    assert report.count("; killed") == 2 and report.count("; ended") == 1 and " 0 missing" in report, report


def check_security():
    """A certificate of somebody else, and one of another name, get nothing; nor does who has the wrong password."""
    cluster = Cluster(1, "safe.out")
    good, other, named = (ship.certificate(name, host) for name, host in
                          (("good", "127.0.0.1"), ("other", "127.0.0.1"), ("named", "elsewhere.example")))
    ca, user = f'ca = "{good}.crt"', f'ca = "{good}.crt" user = "host" mechanism'
    for served, mechanism, options, wanted in (
            (other, "PLAIN", ca, "certificate verify failed"),
            (named, "PLAIN", f'ca = "{named}.crt"', "certificate verify failed"),
            (good, "PLAIN", f'{user} = "PLAIN" password = "wrong"', "not you"),
            (good, "SCRAM-SHA-512", f'{user} = "SCRAM-SHA-512" password = "wrong"', "not you"),
            (good, "SCRAM-SHA-512", f'{user} = "SCRAM-SHA-256" password = "right"', "SCRAM-SHA-512"),
            (good, "SCRAM-SHA-256", f'{user} = "SCRAM-SHA-256" password = "right"', ""),
            (good, "SCRAM-SHA-512", f'{ca} user = "host" password = "right"', ""),
            (good, "PLAIN", f'{user} = "PLAIN" password = "right"', "")):
        port = ship.free_port()
        front = ship.server("kafka", port, "unused", "--broker", cluster.brokers.rpartition(":")[2], "--tls", served,
                            "--login", "host:right", "--mechanism", mechanism)
        config = ship.configure("safe", {"kafka": f'type = "kafka" brokers = "127.0.0.1:{port}" {options}'},
                                linger_ms=4000 if not wanted else 1000)
        run = ship.Run(config, ship.capture(100)).wait()
        assert wanted in run.said() and bool(wanted) == bool(run.said()), (wanted, run.said())
        if wanted:
            assert not ship.lines("safe.out")
        ship.stop(front)
    all_read("safe.out")
    assert len({client for client, _ in ship.lines("safe.out")}) == 8
    assert " 0 missing" in ship.verify("safe.out")


def check_large():
    """Megabytes are one message as any other, where brokers take them: the mock keeps five."""
    cluster = Cluster(1, "large.out")
    config = ship.configure("large", sink(cluster, "timeout-ms = 5000"), events='{ "open", "exec" }', arguments_kb=8192)
    ship.Run(config, ship.large(LARGE)).wait()
    all_read("large.out")
    assert max(len(line) for line in open(ship.path("large.out"))) > LARGE
    assert " 0 missing" in ship.verify("large.out")


if not os.path.exists(MOCK):
    ship.skip("a build with librdkafka")
ship.run([check_server, check_deaths, check_security, check_large, check_many])
