#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What careless administrators do, and those who want harm: nothing that isn't esship's is removed or changed, nobody is waited for
without end, and what is wrong is said.

    careless.py BUILD [CHECK...]
"""

import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

INSIDE = "ES_TEST_CARELESS"

# Names are looked up where nobody answers, and one has two addresses: in a mount namespace.
if INSIDE not in os.environ and not os.getuid() and shutil.which("unshare"):
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])

import ship

COUNT = 200
FILE = 'type = "file" path = "{}"'


def file_sink(name):
    return {"file": FILE.format(ship.path(name))}


def running(name, sinks, count=COUNT, *options, **more):
    return ship.Run(ship.configure(name, sinks, **more), ship.capture(count), *options, "--at-end", "wait")


def ended(run, status=0, seconds=10):
    began = time.monotonic()
    os.kill(run.esship(), signal.SIGTERM)
    run.wait(status)
    assert time.monotonic() - began < seconds, time.monotonic() - began


def check_metrics():
    """A file, or the socket of somebody who lives, isn't removed for metrics; that of a dead one is."""
    for made in ("file", "folder", "link"):
        path = ship.path("m." + made)
        {"file": lambda: open(path, "w").write("precious"), "folder": lambda: os.mkdir(path),
         "link": lambda: os.symlink(ship.path("m.file"), path)}[made]()
        config = ship.configure("m", file_sink("m.out"), metrics=f'"{path}"')
        run = ship.Run(config, ship.capture(COUNT)).wait(73)
        assert "File exists" in run.said(), run.said()
        assert os.path.lexists(path)
    assert open(ship.path("m.file")).read() == "precious"
    run = running("first", file_sink("first.out"))
    ship.until("it runs", lambda: ship.metrics("first")["esship_events_received_total"] == COUNT)
    config = ship.configure("second", file_sink("second.out"), metrics=f'"{ship.path("first.metrics")}"')
    second = ship.Run(config, ship.capture(COUNT)).wait(73)
    assert "Address already in use" in second.said(), second.said()
    assert ship.metrics("first")["esship_events_received_total"] == COUNT
    run.kill()
    run = running("first", file_sink("first.out"))
    ship.until("another one has its socket", lambda: "esship_spool_bytes" in ship.metrics("first"))
    ended(run)


def check_metrics_misused():
    """Who connects and says nothing, or what nobody understands, or goes away, delays events by nothing, and the end by little."""
    run = running("misused", file_sink("misused.out"))
    ship.until("it runs", lambda: ship.size("misused.out") > 1000)
    silent = []
    for _ in range(30):
        silent.append(socket.socket(socket.AF_UNIX))
        silent[-1].setblocking(False)
        silent[-1].connect_ex(ship.path("misused.metrics"))
    for text in (b"\0" * 100000, b"GET", b"\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as one:
            one.setblocking(False)
            if one.connect_ex(ship.path("misused.metrics")) == 0:
                try:
                    one.send(text)
                except OSError:
                    pass
    ended(run, seconds=5)
    ship.events_are(ship.lines("misused.out"), COUNT)


def check_foreign_file():
    """A file that somebody else has made is left as it is."""
    for text in ("precious\nwithout a newline", "\0" * 100, "\n"):
        with open(ship.path("foreign"), "w") as file:
            file.write(text)
        run = ship.Run(ship.configure("foreign", file_sink("foreign"), linger_ms=300), ship.capture(COUNT)).wait()
        assert "no file of lines" in run.said(), run.said()
        assert open(ship.path("foreign")).read() == text
    os.remove(ship.path("foreign"))
    ship.send_only(ship.path("foreign.conf"))
    assert " 0 missing" in ship.verify("foreign")


def check_foreign_spool():
    """A spool that others may write, or that is another's, is not used."""
    config = ship.configure("open", file_sink("open.out"))
    os.mkdir(ship.path("open.spool"))
    for mode in (0o777, 0o1777, 0o770):
        os.chmod(ship.path("open.spool"), mode)
        result = ship.esship("-c", config)
        assert result.returncode == 73 and "nobody else may write" in result.stderr, result
    os.chmod(ship.path("open.spool"), 0o755)
    if os.getuid() == 0:
        os.chown(ship.path("open.spool"), 65534, 65534)
        assert ship.esship("-c", config).returncode == 73
        os.chown(ship.path("open.spool"), 0, 0)
    assert not os.listdir(ship.path("open.spool"))
    ship.Run(config, ship.capture(COUNT)).wait()


def check_foreign_names():
    """Names of segments that are taken, by whatever it is, hold nobody up."""
    config = ship.configure("taken", file_sink("taken.out"), spool_mb=1)
    os.mkdir(ship.path("taken.spool"), 0o700)
    for number in range(1, 4):
        os.mkdir(ship.path(f"taken.spool/{number:016x}.seg"))
    os.symlink("/dev/zero", ship.path("taken.spool/0000000000000005.seg"))
    os.mkfifo(ship.path("taken.spool/0000000000000006.seg"))
    ship.Run(config, ship.capture(3000)).wait()
    ship.send_only(config)
    ship.events_are(ship.lines("taken.out"), 3000)


class Silent:
    """Takes no connection: its queue is full."""

    def __init__(self, host, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(0)
        self.filled = []
        for _ in range(4):
            self.filled.append(socket.socket())
            self.filled[-1].setblocking(False)
            self.filled[-1].connect_ex((host, port))


def check_dead_address():
    """Of the two addresses of a name one doesn't answer: the other is tried in time."""
    if not bind("/etc/hosts", "127.0.0.1 localhost twofold\n127.0.0.2 twofold\n"):
        return
    port = ship.free_port()
    addresses = [address[4][0] for address in socket.getaddrinfo("twofold", port, type=socket.SOCK_STREAM)]
    assert sorted(addresses) == ["127.0.0.1", "127.0.0.2"], addresses
    dead = Silent(addresses[0], port)
    config = ship.configure("two", {"syslog": f'type = "syslog" host = "twofold" port = "{port}"'})
    ship.server("syslog", port, "two.out", "--host", addresses[1])
    run = ship.Run(config, ship.capture(COUNT)).wait()
    assert not run.said(), run.said()
    ship.events_are(ship.lines("two.out"), COUNT)
    dead.listener.close()


def check_no_names():
    """Where names are looked up nobody answers: that delays the end by little."""
    if not bind("/etc/resolv.conf", "nameserver 127.0.0.53\n"):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        try:
            silent.bind(("127.0.0.53", 53))
        except OSError as error:
            print("no name server can be made:", error)
            return
        sinks = {kind: options for kind, options in (
            ("syslog", 'type = "syslog" host = "nowhere.example" port = "514"'),
            ("http", 'type = "http" url = "http://nowhere.example/"'),
            ("nats", 'type = "nats" url = "nats://nowhere.example:4222"'),
            ("kafka", 'type = "kafka" brokers = "nowhere.example:9092"'))
                 if "built without" not in ship.esship("--check", "-c", ship.configure("has", {"x": options})).stderr}
        run = running("names", sinks | file_sink("names.out"), linger_ms=100)
        ship.until("it runs", lambda: ship.size("names.out") > 100000)
        time.sleep(0.5)
        ended(run, seconds=4)
    assert " 0 missing" in ship.verify("names.out")


def bind(path, text):
    """In our mount namespace the file says this."""
    with open(ship.path("bound"), "w") as file:
        file.write(text)
    if INSIDE not in os.environ or subprocess.run(["mount", "--bind", ship.path("bound"), path], check=False).returncode:
        print("no mount can be made: left out")
        return False
    return True


def check_spread():
    """Hosts that all begin at once don't come back at once."""
    tries = []
    for _ in range(2):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        tries.append((listener, []))
    runs = [running(f"spread{i}", {"syslog": f'type = "syslog" host = "127.0.0.1" port = "{tries[i][0].getsockname()[1]}"'},
                    linger_ms=1) for i in range(2)]
    end = time.monotonic() + 20
    while any(len(times) < 14 for _, times in tries):
        assert time.monotonic() < end
        for listener, times in tries:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                continue
            times.append(time.monotonic())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()		# by a reset
        time.sleep(0.001)
    for run in runs:
        ended(run)
    waits = [[after - before for before, after in zip(times, times[1:])] for _, times in tries]
    assert statistics.median(abs(a - b) for a, b in zip(*waits)) > 0.004, waits


def say_forever(connection, piece, pause=0.0):
    while True:
        connection.sendall(piece)
        time.sleep(pause)


BAD = {
    "silent": lambda connection: all(iter(lambda: connection.recv(65536), b"")),
    "closes": lambda connection: None,
    "closes in the middle": lambda connection: connection.recv(4000),
    "garbage": lambda connection: (connection.recv(1), connection.sendall(random.randbytes(100000)), connection.recv(1 << 20)),
    "garbage at once": lambda connection: connection.sendall(random.randbytes(100000)),
    "headers without end": lambda connection: (connection.sendall(b"HTTP/1.1 200 OK\r\n"), say_forever(connection, b"X-A: b\r\n" * 99)),
    "drips": lambda connection: (connection.recv(1), say_forever(connection, b"H", 0.2)),
    "an INFO without end": lambda connection: (connection.sendall(b'INFO {"a":"'), say_forever(connection, b"x" * 4096)),
    "a body without end": lambda connection: (connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"),
                                              say_forever(connection, b"x" * 4096)),
    "a length without measure": lambda connection: (connection.recv(1), connection.sendall(b"\x7f\xff\xff\xff" * 100)),
}


def serve_badly(listener, behave):
    def one(connection):
        with connection:
            try:
                behave(connection)
            except OSError:
                pass

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=one, args=(connection,), daemon=True).start()


def check_bad_servers():
    """Who accepts and never answers, closes, answers with garbage or without end: nothing is acknowledged, each try ends, memory
    doesn't grow, and neither does the time that the end takes."""
    kinds = {"http": 'url = "http://127.0.0.1:{}/"', "otlp": 'url = "http://127.0.0.1:{}/v1/logs"',
             "nats": 'url = "nats://127.0.0.1:{}"', "kafka": 'brokers = "127.0.0.1:{}"'}
    listeners = []
    for behave in BAD.values():
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=serve_badly, args=(listeners[-1], behave), daemon=True).start()
    for kind, options in kinds.items():
        options = f'type = "{kind}" {options} timeout-ms = 700'
        if "built without" in ship.esship("--check", "-c", ship.configure("has", {"x": options.format(1)})).stderr:
            continue
        sinks = {f"{kind}{number}": options.format(listener.getsockname()[1]) for number, listener in enumerate(listeners)}
        run = running("bad", sinks, linger_ms=1, metrics=f'"{ship.path(kind)}.metrics"', spool=f'"{ship.path(kind)}.spool"')

        def value(what):
            values = ship.metrics(kind)
            return [values[f'esship_sink_{what}{{sink="{sink}",type="{kind}"}}'] for sink in sinks]

        ship.until("each has failed twice", lambda: min(value("failures_total")) >= 2, 30, 0.2)
        assert sum(value("lines_total")) == 0, dict(zip(BAD, value("lines_total")))
        with open(f"/proc/{run.esship()}/status") as file:
            peak = int(file.read().partition("VmHWM:")[2].split()[0])
        assert peak < 200000 or "asan" in ship.BUILD, f"{kind}: {peak} kB"
        ended(run, seconds=4)
    for listener in listeners:
        listener.close()


def check_shown():
    """No password is said, not even of a URL that is none, nor in a core file."""
    for url in ("http://me:secret@127.0.0.1:1/", "http://me:sec/secret@127.0.0.1:1/", "http://me:sec?secret@127.0.0.1:1/",
                "http://127.0.0.1:1/?token=secret", "http://me:1/secret@127.0.0.1:1/"):
        sink = f'type = "http" url = "{url}" headers = {{ "X-Token: secret" }}'
        config = ship.configure("shown", {"http": sink}, linger_ms=300)
        if "built without" in ship.esship("--check", "-c", config).stderr:
            return
        run = running("shown", {"http": sink}, linger_ms=300)
        ship.until("it has failed", lambda: ship.metrics("shown")['esship_sink_failures_total{sink="http",type="http"}'] > 0)
        with open(f"/proc/{run.esship()}/cmdline") as file:
            assert "secret" not in file.read()
        with open(f"/proc/{run.esship()}/limits") as file:
            assert "Max core file size        0 " in file.read()
        assert "secret" not in str(ship.metrics("shown"))
        ended(run)
        assert "tried again" in run.said() and "secret" not in run.said(), run.said()


ship.run([check_metrics, check_metrics_misused, check_foreign_file, check_foreign_spool, check_foreign_names, check_dead_address,
          check_no_names, check_spread, check_bad_servers, check_shown])
