#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each sink gets each event: also when its server isn't there at the start, is killed in the middle, is slow, or refuses.

    sinks.py BUILD [CHECK...]
"""

import os
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


def check_clock():
    """The time of day jumps back and forth by a day: nothing waits by it, and nothing is ordered by it."""
    jumps = ship.library("jumps")
    if not jumps:
        return
    port = ship.free_port()
    config = ship.configure("clock", {"syslog": f'type = "syslog" host = "127.0.0.1" port = "{port}"'})
    with ship.preloaded(jumps):
        run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
        ship.until("it is away", lambda: ship.metrics("clock")['esship_sink_failures_total{sink="syslog",type="syslog"}'] > 2)
        ship.server("syslog", port, "clock.out")
        ship.until("all is received", lambda: ship.metrics("clock")["esship_events_received_total"] == COUNT)
        ship.until("all is sent", lambda: ship.metrics("clock")['esship_sink_behind_bytes{sink="syslog",type="syslog"}'] == 0)
        os.kill(run.esship(), 15)
        began = time.monotonic()
        run.wait()
        assert time.monotonic() - began < 10
    ship.events_are(ship.lines("clock.out"), COUNT)
    assert " 0 missing" in ship.verify("clock.out")


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
    ship.until("all is received", lambda: ship.metrics("slow")["esship_events_received_total"] == COUNT)
    ship.until("the fast one has all", lambda: ship.metrics("slow")['esship_sink_behind_bytes{sink="fast",type="file"}'] == 0)
    assert ship.size("slow.out") < ship.size("fast.out") / 2
    run.wait()
    ship.send_only(config)
    for name in ("slow.out", "fast.out"):
        ship.events_are(ship.lines(name), COUNT)
    ship.verify("slow.out")


def check_slow_again():
    """A collector that is slow takes what it has to be sent again, too: that takes longer than timeout-ms, and something moves."""
    port = ship.free_port()
    config = ship.configure("again", {"syslog": f'type = "syslog" host = "127.0.0.1" port = "{port}" timeout-ms = 1000'},
                            linger_ms=30000)
    first = ship.server("syslog", port, "again.out.1")
    run = ship.Run(config, ship.capture(COUNT), "--at-end", "wait")
    ship.until("all is sent", lambda: ship.metrics("again")["esship_events_received_total"] == COUNT and
               ship.metrics("again")['esship_sink_behind_bytes{sink="syslog",type="syslog"}'] == 0)
    ship.stop(first)
    ship.server("syslog", port, "again.out.2", "--delay", "0.02", "--talk")
    began = time.monotonic()
    os.kill(run.esship(), 15)		# its last line makes it connect
    run.wait()
    took = time.monotonic() - began
    ship.until("all is read", lambda: '"ended"' in open(ship.path("again.out.2")).read()[-600:])
    assert ship.size("again.out.2") > 8 << 20 and 1 < took < 20, (ship.size("again.out.2"), took)
    ship.events_are(ship.lines("again.out"), COUNT)


def check_slow_upload():
    """A line of megabytes gets through where that takes longer than timeout-ms."""
    port = ship.free_port()
    ship.server("http", port, "upload.out", "--rate", "2000000")
    config = ship.configure("upload", {"http": f'type = "http" url = "http://127.0.0.1:{port}/" timeout-ms = 1500'},
                            events='{ "open", "exec" }', arguments_kb=8192, linger_ms=300)
    run = ship.Run(config, ship.large(), "--at-end", "wait")
    ship.until("all is sent", lambda: ship.size("upload.out") > ship.LARGE and
               ship.metrics("upload")['esship_sink_behind_bytes{sink="http",type="http"}'] == 0)
    assert ship.metrics("upload")['esship_sink_failures_total{sink="http",type="http"}'] == 0
    os.kill(run.esship(), 15)
    run.wait()


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


def check_tls(kind, options):
    """A certificate of somebody else, and one of another name, get nothing."""
    port = ship.free_port()
    good, other, named = (ship.certificate(f"{kind}.{name}", host) for name, host in
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


def check_syslog_wants():
    """A collector that wants a certificate of ours says so, and gets nothing until it has the right one; its key may be in the same
    file."""
    port = ship.free_port()
    served, mine, other = (ship.certificate("w." + name, "127.0.0.1") for name in ("served", "mine", "other"))
    ship.server("syslog", port, "wants.out", "--tls", served, "--wants", mine + ".crt")
    for more, said in (("", "certificate required"), (f'certificate = "{other}.crt" key = "{other}.key"', "unknown ca"),
                       (f'certificate = "{mine}.crt" key = "{mine}.key"', ""), (f'certificate = "{mine}"', "")):
        sink = f'type = "syslog" host = "127.0.0.1" port = "{port}" tls = yes ca = "{served}.crt" {more}'
        config = ship.configure("wants", {"syslog": sink}, linger_ms=500 if said else 4000)
        run = ship.Run(config, ship.capture(100)).wait()
        assert said in run.said() and bool(said) == bool(run.said()), (said, run.said())
        assert bool(ship.lines("wants.out")) == (not said)
    assert len({client for client, _ in ship.lines("wants.out")}) == 4
    assert " 0 missing" in ship.verify("wants.out")


def check_otlp_server():
    check_server("otlp", 'type = "otlp" url = "http://127.0.0.1:{port}/v1/logs"')


def check_otlp_tls():
    check_tls("otlp", 'type = "otlp" url = "https://127.0.0.1:{port}/v1/logs" ca = "{ca}"')


def check_rejected():
    """A collector that throws lines away says so: that is counted, said, and no reason to send them again."""
    port = ship.free_port()
    ship.server("otlp", port, "rejected.out", "--reject", "3")
    config = ship.configure("rejected", {"otlp": f'type = "otlp" url = "http://127.0.0.1:{port}/v1/logs"'})
    run = ship.Run(config, ship.capture(500), "--at-end", "wait")
    ship.until("it is counted", lambda: ship.metrics("rejected")['esship_sink_refused_lines_total{sink="otlp",type="otlp"}'] == 3)
    ship.until("all is sent", lambda: ship.size("rejected.out") and
               ship.metrics("rejected")['esship_sink_behind_bytes{sink="otlp",type="otlp"}'] == 0)
    os.kill(run.esship(), 15)
    run.wait()
    assert "3 lines were rejected for good: too?old" in run.said(), run.said()
    assert "3 missing" in ship.verify("rejected.out", status=3)


def check_credentials():
    """A server that doesn't know us says so, and gets all when it does."""
    for kind, path in (("http", ""), ("otlp", "v1/logs")):
        if not has(kind, 'url = "http://x"'):
            continue
        port = ship.free_port()
        ship.server(kind, port, f"{kind}-known.out", "--authorization", "Bearer right")
        name = f"{kind}-known"
        for token, linger in (("wrong", 300), ("right", 4000)):
            options = f'type = "{kind}" url = "http://me:secret@127.0.0.1:{port}/{path}" headers = {{ "Authorization: Bearer {token}" }}'
            config = ship.configure(name, {kind: options}, linger_ms=linger)
            run = ship.Run(config, ship.capture(100)).wait()
            assert ("answers 401" in run.said()) == (token == "wrong") and "secret" not in run.said(), run.said()
            assert bool(ship.lines(name + ".out")) == (token == "right")
        assert len({client for client, _ in ship.lines(name + ".out")}) == 2
        ship.verify(name + ".out")


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


checks = [check_file, check_clock, check_syslog_server, check_slow_again]
if has("http", 'url = "http://x"'):
    checks += [check_http_server, check_slow, check_slow_upload, check_refusals, check_http_tls, check_credentials]
if has("syslog", 'host = "x" port = "1" tls = yes'):
    checks += [check_syslog_tls, check_syslog_wants]
if has("otlp", 'url = "http://x"'):
    checks += [check_otlp_server, check_otlp_tls, check_rejected]
ship.run(checks)
