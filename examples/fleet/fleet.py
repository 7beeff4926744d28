#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A fleet in a folder: three nats-server processes on loopback, which share a stream; hosts, each an esship to which escap
replays a recording; and a reader that checks that every event has arrived. Meanwhile the program kills and restarts servers
and an esship.

    examples/fleet/fleet.py BUILD [--hosts N] [--events N] [--calm]

--calm: kill nothing. Needs nats-server, and a build with libnats and libjson-c, but neither root nor a daemon.
"""

import argparse
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIGURATION = """
spool = "{folder}/{name}.spool"
spool-mb = 256
format = "ecs"
events = {{ "open" }}
metrics = "{folder}/{name}.metrics"
linger-ms = 8000
sink "fleet" {{ type = "nats" url = "{urls}" subject = "es.{name}" retry-ms = 500 timeout-ms = 5000 }}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Fleet:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.ports, self.routes = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
        self.urls = ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)
        self.servers, self.hosts = {}, {}

    # --- servers ---

    def start_server(self, i):
        self.servers[i] = subprocess.Popen(
            ["nats-server", "-a", "127.0.0.1", "-p", str(self.ports[i]), "-n", f"server{i}", "-js", "-sd",
             f"{self.folder}/server{i}", "--cluster_name", "fleet", "--cluster", f"nats://127.0.0.1:{self.routes[i]}", "--routes",
             ",".join(f"nats://127.0.0.1:{port}" for port in self.routes), "-l", f"{self.folder}/server{i}.log"])

    def kill_server(self, i):
        self.servers[i].kill()
        self.servers[i].wait()

    def read(self, *arguments):
        return subprocess.run([self.build + "/examples/fleet/nats-read", f"nats://127.0.0.1:{self.ports[0]}", *arguments],
                              capture_output=True, check=False, timeout=300)

    def create_stream(self, end):
        """Tries until the servers have found each other."""
        while (result := self.read("create", "es.>", "3")).returncode:
            gone = [i for i, server in self.servers.items() if server.poll() is not None]
            if gone:
                with open(f"{self.folder}/server{gone[0]}.log") as log:
                    sys.exit(f"server {gone[0]} has ended: {log.readlines()[-1:]}")
            if time.monotonic() > end:
                sys.exit("the stream can't be made: " + result.stderr.decode(errors="replace"))
            time.sleep(0.1)

    # --- hosts ---

    def start_host(self, name):
        path = f"{self.folder}/{name}.conf"
        with open(path, "w") as file:
            file.write(CONFIGURATION.format(folder=self.folder, name=name, urls=self.urls))
        os.chmod(path, 0o600)
        self.hosts[name] = subprocess.Popen(
            [self.build + "/tools/escap", "replay", "--quiet", "--at-end", "wait", f"{self.folder}/host.escap", "--",
             self.build + "/tools/esship/esship", "-c", path], stderr=subprocess.DEVNULL, start_new_session=True)

    def esship_of(self, name):
        pid = self.hosts[name].pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return int(file.read().split()[0])

    def metrics(self, name):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(f"{self.folder}/{name}.metrics")
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                text = b""
                while piece := connection.recv(65536):
                    text += piece
        except OSError:
            return {}
        return dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if line.startswith("esship_"))

    def is_done(self, name, events):
        values = self.metrics(name)
        return values.get("esship_events_received_total") == str(events) and \
            values.get('esship_sink_behind_bytes{sink="fleet",type="nats"}') == "0"

    def stop_host(self, name):
        os.kill(self.esship_of(name), signal.SIGTERM)
        self.hosts[name].wait()

    def read_all(self, end):
        """Tries until the stream has a leader: a server that rejoins may make the cluster elect one."""
        while (result := self.read("read")).returncode:
            if time.monotonic() > end:
                sys.exit("the stream can't be read: " + result.stderr.decode(errors="replace"))
            time.sleep(0.5)
        return result.stdout

    def stop(self):
        for process in list(self.hosts.values()) + list(self.servers.values()):
            if process.poll() is None:
                process.terminate()
                process.wait()


def trouble(fleet):
    """Kills a server, then another one, then a host's esship."""
    for i in (1, 2):
        time.sleep(2)
        print(f"server {i} is killed", flush=True)
        fleet.kill_server(i)
        time.sleep(2)
        print(f"server {i} is started again", flush=True)
        fleet.start_server(i)
    print("esship of host0 is killed, and started again", flush=True)
    os.kill(fleet.esship_of("host0"), signal.SIGKILL)
    fleet.hosts["host0"].wait()
    fleet.start_host("host0")


def run(fleet, wanted):
    for i in range(3):
        fleet.start_server(i)
    fleet.create_stream(time.monotonic() + wanted.limit)
    subprocess.run([fleet.build + "/examples/sample-capture", f"{fleet.folder}/host.escap", str(wanted.events)], check=True)
    names = [f"host{i}" for i in range(wanted.hosts)]
    began = time.monotonic()
    for name in names:
        fleet.start_host(name)
    if not wanted.calm:
        trouble(fleet)
    while not all(fleet.is_done(name, wanted.events) for name in names):
        time.sleep(0.1)
        if time.monotonic() - began > wanted.limit:
            sys.exit("it takes too long")
    took = time.monotonic() - began
    for name in names:
        fleet.stop_host(name)
    print(f"{wanted.hosts} hosts have sent {wanted.events} events each, in {took:.1f} s: "
          f"{wanted.hosts * wanted.events / took:.0f} events a second", flush=True)
    with open(fleet.folder + "/events.ndjson", "wb") as file:
        file.write(fleet.read_all(began + wanted.limit))
    return subprocess.run([fleet.build + "/tools/escap", "verify", fleet.folder + "/events.ndjson"], check=False).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--hosts", type=int, default=5)
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--calm", action="store_true")
    parser.add_argument("--limit", type=float, default=300, help="seconds")
    wanted = parser.parse_args()
    if not shutil.which("nats-server") or not glob.glob(wanted.build + "/examples/fleet/nats-read"):
        print("skip: nats-server and a build with libnats")
        return 77
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        fleet = Fleet(os.path.abspath(wanted.build), folder)
        try:
            return run(fleet, wanted)
        finally:
            fleet.stop()


if __name__ == "__main__":
    sys.exit(main())
