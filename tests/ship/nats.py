#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""NATS JetStream: a server that isn't there at the start, has no stream, and is killed; a cluster of three, a node of which is
killed and comes back, while esship is killed, too; the same with 200,000 events and a disk that is full.

    nats.py BUILD [CHECK...]
"""

import os
import shutil
import subprocess

import nkeys
import ship

COUNT = 8000
READ = ship.BUILD + "/examples/fleet/nats-read"


class Node:
    """A server, or a node of a cluster of those with these ports."""

    def __init__(self, name, port, cluster=None, ports=(), more=()):
        self.port = port
        self.command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-n", name, "-js", "-sd", ship.path(name + ".store"),
                        *more]
        if cluster:
            self.command += ["--cluster_name", "es", "--cluster", f"nats://127.0.0.1:{cluster}", "--routes",
                             ",".join(f"nats://127.0.0.1:{other}" for other in ports)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        ship.children.append(self.process)

    def kill(self):
        ship.stop(self.process)


def read(port, *arguments):
    return subprocess.run([READ, f"nats://127.0.0.1:{port}", *arguments], timeout=ship.LIMIT, capture_output=True, check=False)


def create(port, replicas=1):
    ship.until("the stream can be made", lambda: read(port, "create", "es.events", str(replicas)).returncode == 0, 40)


def stored(port):
    """Messages in the stream; 0 also while it can't be asked."""
    result = read(port, "count")
    return int(result.stdout) if result.returncode == 0 else 0


def received(port, name):
    """All that is in the stream, once it has a leader that says so: who joins again may make it elect one."""
    results = []

    def read_all():
        results.append(read(port, "read"))
        return results[-1].returncode == 0

    ship.until("the stream can be read", read_all, 60)
    with open(ship.path(name + ".out"), "wb") as file:
        file.write(results[-1].stdout)
    return ship.lines(name + ".out")


def sink(*ports):
    return {"nats": f'type = "nats" url = "{",".join(f"nats://127.0.0.1:{port}" for port in ports)}" subject = "es.events"'}


def check_server():
    port = ship.free_port()
    config = ship.configure("one", sink(port))
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("it is away", lambda: ship.metrics("one")['esship_sink_failures_total{sink="nats",type="nats"}'] > 0)
    node = Node("one", port)
    failures = ship.metrics("one")['esship_sink_failures_total{sink="nats",type="nats"}']
    ship.until("without a stream nothing is acknowledged",
               lambda: ship.metrics("one")['esship_sink_failures_total{sink="nats",type="nats"}'] > failures + 1)
    assert ship.metrics("one")['esship_sink_lines_total{sink="nats",type="nats"}'] == 0
    create(port)
    ship.until("some is stored", lambda: stored(port) > COUNT / 10)
    node.kill()
    node.start()
    ship.until("all is sent", lambda: ship.metrics("one")['esship_sink_behind_bytes{sink="nats",type="nats"}'] == 0, 60)
    os.kill(run.esship(), 15)
    run.wait()
    ship.events_are(received(port, "one"), COUNT)
    report = ship.verify("one.out")
    assert " 0 came again, 0 missing" in report, report	# the server leaves out what it has had


def check_large():
    """An exec with 6 MiB of arguments holds nothing up: its line is shorter than what a server takes that nobody has configured."""
    port = ship.free_port()
    Node("large", port)
    create(port)
    ship.Run(ship.configure("large", sink(port), events='{ "open", "exec" }'), ship.large()).wait()
    found = received(port, "large")
    assert sum("cut" in line["esship"] for line in found.values()) == 1 and len(found) == 5, found.keys()
    assert " 0 missing" in ship.verify("large.out")


def check_security():
    """A certificate of somebody else, and one of another name, get nothing; nor does who has the wrong password."""
    good, other, named = (ship.certificate("n-" + name, host) for name, host in
                          (("good", "127.0.0.1"), ("other", "127.0.0.1"), ("named", "elsewhere.example")))
    login = ["--user", "host", "--pass", "right"]
    for served, trusted, password in ((other, good, "right"), (named, named, "right"), (good, good, "wrong"), (good, good, "right")):
        port = ship.free_port()
        node = Node("safe", port, more=[*login, "--tls", "--tlscert", served + ".crt", "--tlskey", served + ".key"])
        right = served == trusted == good and password == "right"
        options = f'type = "nats" url = "tls://host:{password}@127.0.0.1:{port}" ca = "{trusted}.crt"'
        config = ship.configure("safe", {"nats": options}, linger_ms=1500)
        run = ship.Run(config, ship.capture(100)).wait()
        said = run.said()
        assert "tried again" in said and "host:" + password not in said, said
        # Whom the server knows is told that no stream is there.
        wanted = "No responders" if right else "Authentication" if served == trusted == good else "SSL"
        assert wanted in said, said
        node.kill()


def check_wants():
    """A server that wants a certificate of ours, which it trusts."""
    served, mine, other = (ship.certificate("n-" + name, "127.0.0.1") for name in ("served", "mine", "foreign"))
    port = ship.free_port()
    Node("wants", port, more=["--tls", "--tlscert", served + ".crt", "--tlskey", served + ".key", "--tlsverify", "--tlscacert",
                              mine + ".crt"])
    for name, known in ((None, False), (other, False), (mine, True)):
        more = f'certificate = "{name}.crt" key = "{name}.key"' if name else ""
        sinks = {"nats": f'type = "nats" url = "tls://127.0.0.1:{port}" ca = "{served}.crt" {more}'}
        run = ship.Run(ship.configure("wants", sinks, linger_ms=1000), ship.capture(100)).wait()
        # Whom the server knows is told that no stream is there.
        assert "tried again" in run.said() and ("No responders" in run.said()) == known, run.said()


def check_credentials():
    """A file of credentials: that of a user whose account the server knows lets us in, that of another one doesn't; nor does one that
    isn't there, or isn't one."""
    operator, system, account, foreign, user = (
        nkeys.Key(ship.path(name), kind) for name, kind in
        (("operator", nkeys.OPERATOR), ("system", nkeys.ACCOUNT), ("account", nkeys.ACCOUNT), ("foreign", nkeys.ACCOUNT),
         ("user", nkeys.USER)))
    for name, text in (("server.conf", nkeys.server_configuration(operator, system, account)), ("garbage.creds", "secret\n"),
                       ("right.creds", nkeys.credentials(account, user)), ("foreign.creds", nkeys.credentials(foreign, user))):
        with open(ship.path(name), "w") as file:
            file.write(text)
    port = ship.free_port()
    Node("creds", port, more=["-c", ship.path("server.conf")])
    os.environ["NATS_CREDENTIALS"] = ship.path("right.creds")
    try:
        create(port)
        for name, said in (("none.creds", "none.creds: No such file"), ("garbage.creds", "garbage.creds: no "), ("foreign.creds", "Authentication"),
                           ("right.creds", "")):
            sinks = {"nats": f'type = "nats" url = "nats://127.0.0.1:{port}" credentials = "{ship.path(name)}"'}
            run = ship.Run(ship.configure("creds", sinks, linger_ms=1000 if said else 4000), ship.capture(100)).wait()
            assert said in run.said() and bool(run.said()) == bool(said) and "secret" not in run.said(), (name, run.said())
            assert (stored(port) > 0) == (not said)
        assert len({client for client, _ in received(port, "creds")}) == 4
    finally:
        del os.environ["NATS_CREDENTIALS"]
    assert " 0 missing" in ship.verify("creds.out")


def check_cluster():
    ports, routes = [ship.free_port() for _ in range(3)], [ship.free_port() for _ in range(3)]
    nodes = [Node(f"n{i}", ports[i], routes[i], routes) for i in range(3)]
    create(ports[0], 3)
    config = ship.configure("three", sink(*ports))
    first = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("some is stored", lambda: stored(ports[0]) > 2000)
    counted = ship.metrics("three")["esship_events_received_total"]
    first.kill()
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("more is stored", lambda: stored(ports[0]) > 4000)
    nodes[1].kill()
    ship.until("all is received", lambda: ship.metrics("three")["esship_events_received_total"] == COUNT, 60)
    nodes[1].start()
    ship.until("all is sent", lambda: ship.metrics("three")['esship_sink_behind_bytes{sink="nats",type="nats"}'] == 0, 60)
    os.kill(run.esship(), 15)
    run.wait()
    found = received(ports[0], "three")
    last = next(line["esship"]["client"] for line in found.values() if line["esship"].get("started", {}).get("before"))
    ship.events_are({key: line for key, line in found.items() if key[0] == last}, COUNT)
    before = sum("event" in line for (client, _), line in found.items() if client != last)
    lost = sum(line["esship"]["dropped"]["count"] for line in found.values()
               if line["esship"].get("dropped", {}).get("client") not in (None, last))
    assert before + lost >= counted, (before, lost, counted)
    assert " 0 missing" in ship.verify("three.out")


def check_many():
    """200,000 events to three nodes, one of which is killed and started again; esship is killed twice, and its disk full once. Each
    event is there once, or counted by name."""
    ports, routes = [ship.free_port() for _ in range(3)], [ship.free_port() for _ in range(3)]
    nodes = [Node(f"m{i}", ports[i], routes[i], routes) for i in range(3)]
    create(ports[0], 3)
    with ship.small_disk("8m") as (disk, mounted):
        config = ship.configure("many", sink(*ports), spool=f'"{disk}/spool"')
        counted = []
        for node in (None, nodes[1]):
            before = stored(ports[0])
            run = ship.Run(config, ship.capture(50000), "--at-end", "wait")
            ship.until("more is stored", lambda: stored(ports[0]) > before + 5000, 60, 0.3)
            if node:
                node.kill()
            counted.append(ship.metrics("many")["esship_events_received_total"])
            run.kill()
        if mounted:
            ship.fill(disk, 160 << 10)
        run = ship.Run(config, ship.capture(100000), "--at-end", "wait")
        ship.until("all is received", lambda: ship.metrics("many")["esship_events_received_total"] == 100000, 120)
        nodes[1].start()
        if mounted:
            assert ship.metrics("many")["esship_spool_failures_total"] > 0
            os.remove(disk + "/other")
            ship.until("it can be written again", lambda: "can be written again" in run.said())
        ship.until("all is sent", lambda: ship.metrics("many")['esship_sink_behind_bytes{sink="nats",type="nats"}'] == 0, 240)
        os.kill(run.esship(), 15)
        run.wait()
    found = received(ports[0], "many")
    final = ship.killed_are_counted(found, counted)
    events = {line["global_seq_num"] for (client, _), line in found.items() if client == final and "event" in line}
    dropped = sum(drop["types"]["NOTIFY_OPEN"] for drop in ship.dropped_of(found, final, "full"))
    assert len(events) + dropped == 100000 and bool(dropped) == mounted, (len(events), dropped)
    report = ship.verify("many.out")
    assert report.count("; killed") == 2 and report.count("; ended") == 1 and " 0 missing" in report, report


if not shutil.which("nats-server") or not os.path.exists(READ):
    ship.skip("nats-server and a build with libnats")
ship.run([check_server, check_large, check_security, check_wants, check_credentials, check_cluster, check_many])
