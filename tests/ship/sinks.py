#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each sink gets each event: also when its server isn't there at the start, is killed in the middle, is slow, or refuses.

    sinks.py BUILD [CHECK...]
"""

import os
import subprocess
import time

import ship

COUNT = 8000


def check_file():
    """Rotated, and moved away by somebody else meanwhile; half a line that a death has left is cut off."""
    config = ship.configure("file", {"file": f'type = "file" path = "{ship.path("file.out")}" rotate-mb = 4 keep = 100'})
    with open(ship.path("file.out"), "w") as file:
        file.write('{"half a li')
    run = ship.Run(config, ship.capture(COUNT), "--speed", "20")
    ship.until("something is there", lambda: ship.size("file.out") > 100000)
    os.rename(ship.path("file.out"), ship.path("file.out.moved"))
    run.wait()
    assert len(ship.files("file.out")) > 3
    ship.events_are(ship.lines("file.out"), COUNT)
    assert ", 0 came again, 0 missing" in ship.verify("file.out")


def check_server(kind, options):
    """Absent, then there, killed, and there again; what comes twice has the same number."""
    name, port = kind, ship.free_port()
    config = ship.configure(name, {kind: options.format(port=port)})
    run = ship.Run(config, ship.capture(COUNT), "--speed", "20", "--at-end", "wait")
    ship.until("it is away", lambda: ship.metrics(name)[f'esship_sink_failures_total{{sink="{kind}",type="{kind}"}}'] > 0)
    assert ship.metrics(name)[f'esship_sink_up{{sink="{kind}",type="{kind}"}}'] == 0
    first = ship.server(kind, port, name + ".out.1")
    ship.until("the server gets lines", lambda: ship.size(name + ".out.1") > 500000)
    ship.stop(first)
    time.sleep(0.3)
    ship.server(kind, port, name + ".out.2")
    ship.until("all is received", lambda: ship.metrics(name)["esship_events_received_total"] == COUNT)
    ship.until("all is sent", lambda: ship.metrics(name)[f'esship_sink_behind_bytes{{sink="{kind}",type="{kind}"}}'] == 0)
    values = ship.metrics(name)
    assert values[f'esship_sink_failures_total{{sink="{kind}",type="{kind}"}}'] > 0
    assert values["esship_events_lost_total"] == 0 and values["esship_spool_damaged_total"] == 0
    os.kill(run.esship(), 15)
    run.wait()
    assert "goes on" in run.said() and "tried again" in run.said()
    found = ship.lines(name + ".out")
    ship.events_are(found, COUNT)
    assert " 0 missing" in ship.verify(name + ".out")


def check_slow():
    """A slow server delays nobody: neither the source, nor another sink."""
    port = ship.free_port()
    ship.server("http", port, "slow.out", "--delay", "0.1")
    config = ship.configure("slow", {"slow": f'type = "http" url = "http://127.0.0.1:{port}/"',
                                     "fast": f'type = "file" path = "{ship.path("fast.out")}"'}, linger_ms=1000)
    run = ship.Run(config, ship.capture(COUNT))
    ship.until("the fast one has all", lambda: len(ship.lines("fast.out")) > COUNT)
    assert len(ship.lines("slow.out")) < COUNT / 2
    run.wait()
    ship.send_only(config)
    for name in ("slow.out", "fast.out"):
        ship.events_are(ship.lines(name), COUNT)
    ship.verify("slow.out")


def check_refusals():
    """A server that says when is listened to; one that refuses gets it when it doesn't any more."""
    port = ship.free_port()
    config = ship.configure("refuse", {"http": f'type = "http" url = "http://127.0.0.1:{port}/" headers = {{"X-Token: 1"}}'},
                            linger_ms=300)
    refusing = ship.server("http", port, "refuse.out", "--refuse", "401")
    run = ship.Run(config, ship.capture(100)).wait()
    assert "answers 401" in run.said() and not ship.lines("refuse.out")
    ship.stop(refusing)
    ship.server("http", port, "refuse.out", "--refuse", "503,2")
    began = time.monotonic()
    ship.send_only(config)
    assert time.monotonic() - began > 2		# a second each time
    ship.events_are(ship.lines("refuse.out"), 100)


def certificate(name, host):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ship.path(name + ".key"), "-out",
                    ship.path(name + ".crt"), "-days", "2", "-subj", f"/CN={host}", "-addext",
                    f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}"], check=True, stderr=subprocess.DEVNULL)
    with open(ship.path(name), "w") as both:
        for part in (".key", ".crt"):
            with open(ship.path(name + part)) as file:
                both.write(file.read())
    return ship.path(name)


def check_tls(kind, options):
    """A certificate of somebody else, and one of another name, get nothing."""
    port = ship.free_port()
    good, other, named = (certificate(f"{kind}.{name}", host) for name, host in
                          (("good", "127.0.0.1"), ("other", "127.0.0.1"), ("named", "elsewhere.example")))
    for wrong, ca in ((other, good), (named, named)):
        config = ship.configure(kind + "-tls", {"tls": options.format(port=port, ca=ca + ".crt")}, linger_ms=300)
        child = ship.server(kind, port, kind + "-tls.out", "--tls", wrong)
        run = ship.Run(config, ship.capture(100)).wait()
        said = run.said().lower()
        assert "certificate" in said or "mismatch" in said or "ssl" in said, said
        assert not ship.lines(kind + "-tls.out")
        ship.stop(child)
    config = ship.configure(kind + "-tls", {"tls": options.format(port=port, ca=good + ".crt")})
    ship.server(kind, port, kind + "-tls.out", "--tls", good)
    ship.send_only(config)
    assert len({client for client, _ in ship.lines(kind + "-tls.out")}) == 2
    ship.verify(kind + "-tls.out")


def has(kind, options=""):
    text = ship.esship("--check", "-c", ship.configure("has", {"x": f'type = "{kind}" {options}'})).stderr
    if "built without" in text:
        print(text.strip(), "- left out")
    return "built without" not in text


def check_syslog_server():
    check_server("syslog", 'type = "syslog" host = "127.0.0.1" port = "{port}"')


def check_http_server():
    check_server("http", 'type = "http" url = "http://127.0.0.1:{port}/"')


def check_http_tls():
    check_tls("http", 'type = "http" url = "https://127.0.0.1:{port}/" ca = "{ca}"')


def check_syslog_tls():
    check_tls("syslog", 'type = "syslog" host = "127.0.0.1" port = "{port}" tls = yes ca = "{ca}"')


checks = [check_file, check_syslog_server]
if has("http", 'url = "http://x"'):
    checks += [check_http_server, check_slow, check_refusals, check_http_tls]
if has("syslog", 'host = "x" port = "1" tls = yes'):
    checks += [check_syslog_tls]
ship.run(checks)
