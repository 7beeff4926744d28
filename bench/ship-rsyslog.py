#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the costs of esship and of rsyslog's imfile and omfwd: the same lines, at the same rate, to one reader on loopback.

    ship-rsyslog.py BUILD [--events N] [--rate N]

rsyslog, if it is installed, reads a file that another process writes, once with its queue in memory and once on the disk; it has
a configuration and a folder of its own. esship makes its lines from a replayed recording, and stores each in its spool. Prints
of their processes the CPU time, the largest memory, and the bytes written to files and to the network.
"""

import argparse
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
RECORDED_RATE = 100000		# of sample-capture, a second


class Reader:
    """Counts the bytes that arrive."""

    def __init__(self):
        self.bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        room = bytearray(1 << 20)
        while count := connection.recv_into(room):
            self.bytes += count

    def until_quiet(self):
        last = -1
        while not self.bytes or self.bytes != last:
            last = self.bytes
            time.sleep(1)


def of_proc(pid, name):
    with open(f"/proc/{pid}/{name}") as file:
        return file.read()


def cpu(pid):
    fields = of_proc(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def report(name, pid, reader, wanted, before):
    took = cpu(pid) - before
    memory = int(of_proc(pid, "status").partition("VmHWM:")[2].split()[0]) / 1024
    written = int(of_proc(pid, "io").partition("wchar: ")[2].split()[0])
    print(f"{name:16} {took / wanted.events * 1e6:5.1f} us of a core an event, {memory:4.0f} MB, "
          f"{written / wanted.events:6.0f} bytes an event to files, {reader.bytes / wanted.events:5.0f} to the wire", flush=True)


def configure(folder, name, sync, sink):
    with open(f"{folder}/{name}.conf", "w") as file:
        file.write(f'spool = "{folder}/{name}"\nsync = {sync}\nevents = {{ "open" }}\nsink "s" {{ {sink} }}\n')
    os.chmod(f"{folder}/{name}.conf", 0o600)
    return f"{folder}/{name}.conf"


def replay(wanted, capture, speed, config, *options):
    command = [wanted.build + "/tools/escap", "replay", "--quiet", "--speed", speed, *options, capture, "--",
               wanted.build + "/tools/esship/esship", "-c", config]
    return subprocess.Popen(command)


def child_of(pid, program):
    for _ in range(500):
        for child in of_proc(pid, f"task/{pid}/children").split():
            if os.readlink(f"/proc/{child}/exe").endswith(program):
                return int(child)
        time.sleep(0.01)
    raise SystemExit(program + " doesn't run")


def esship(wanted, folder, capture, sync):
    reader = Reader()
    config = configure(folder, f"esship-{sync}", sync, f'type = "syslog" host = "127.0.0.1" port = "{reader.port}"')
    process = replay(wanted, capture, str(wanted.rate / RECORDED_RATE), config, "--at-end", "wait")
    pid = child_of(process.pid, "/esship")
    time.sleep(wanted.events / wanted.rate)
    reader.until_quiet()
    report("esship" if sync == "no" else "esship, sync", pid, reader, wanted, 0)
    os.kill(pid, 15)
    process.wait()


def write_lines(path, lines, wanted):
    began, done = time.monotonic(), 0
    with open(path, "a") as file:
        while done < wanted.events:
            due = min(wanted.events, int((time.monotonic() - began) * wanted.rate))
            file.writelines(lines[i % len(lines)] for i in range(done, due))
            file.flush()
            done = due
            time.sleep(0.02)


def rsyslog(wanted, folder, lines, name, queue):
    reader = Reader()
    source = f"{folder}/{name}.log"
    os.mkdir(f"{folder}/{name}")
    with open(source, "w"), open(f"{folder}/{name}.conf", "w") as conf:
        conf.write(f'''global(workDirectory="{folder}/{name}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
template(name="line" type="string" string="<134>1 %timereported:::date-rfc3339% %hostname% esship - event - %msg%")
input(type="imfile" file="{source}" tag="esship" ruleset="out")
ruleset(name="out") {{ action(type="omfwd" target="127.0.0.1" port="{reader.port}" protocol="tcp" TCP_Framing="octet-counted"
	template="line" action.resumeRetryCount="-1" {queue}) }}
''')
    process = subprocess.Popen(["rsyslogd", "-n", "-f", f"{folder}/{name}.conf", "-i", f"{folder}/{name}.pid"],
                               stderr=subprocess.DEVNULL)
    time.sleep(1)
    before = cpu(process.pid)
    write_lines(source, lines, wanted)
    reader.until_quiet()
    report(name, process.pid, reader, wanted, before)
    process.terminate()
    process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--events", type=int, default=400000)
    parser.add_argument("--rate", type=int, default=20000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ship-rsyslog-") as folder:
        capture = folder + "/capture"
        subprocess.run([wanted.build + "/examples/sample-capture", capture, str(wanted.events)], check=True)
        for sync in ("no", "yes"):
            esship(wanted, folder, capture, sync)
        if not shutil.which("rsyslogd"):
            print("rsyslog is not installed")
            return
        few = folder + "/few"
        subprocess.run([wanted.build + "/examples/sample-capture", few, "20000"], check=True)
        replay(wanted, few, "max", configure(folder, "lines", "no", f'type = "file" path = "{folder}/lines.out"')).wait()
        with open(folder + "/lines.out") as file:
            lines = file.readlines()
        rsyslog(wanted, folder, lines, "rsyslog", "")
        rsyslog(wanted, folder, lines, "rsyslog, disk",
                'queue.type="Disk" queue.filename="queue" queue.maxDiskSpace="1g" queue.checkpointInterval="1000"')


if __name__ == "__main__":
    main()
