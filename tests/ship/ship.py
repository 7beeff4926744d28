# SPDX-License-Identifier: MIT
"""For the tests here: esship as the client of a replay, servers, and what has come of it."""

import atexit
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = sys.argv[1]
ESCAP = BUILD + "/tools/escap"
ESSHIP = BUILD + "/tools/esship/esship"
SAMPLE = BUILD + "/examples/sample-capture"
LIMIT = 60

folder = tempfile.mkdtemp(prefix="esship-")
children = []


def clean():
    for child in children:
        if child.poll() is None:
            child.kill()
            child.wait()
    shutil.rmtree(folder, ignore_errors=True)


atexit.register(clean)


def path(name):
    return os.path.join(folder, name)


def capture(count):
    name = path(f"{count}.escap")
    if not os.path.exists(name):
        subprocess.run([SAMPLE, name, str(count)], check=True)
    return name


LARGE = 6200000


def large(size=LARGE):
    """Two opens, and between them an exec with so many bytes of arguments, which compress badly."""
    name = path(f"large-{size}.escap")
    if not os.path.exists(name):
        subprocess.run([SAMPLE, name, "large", str(size)], check=True)
    return name


def configure(name, sinks, **more):
    """A configuration, whose spool has the same name."""
    lines = {"spool": f'"{path(name)}.spool"', "spool-mb": 64, "format": '"json"', "events": '{ "open" }', "flush-ms": 50,
             "sync": "no", "linger-ms": 4000, "metrics": f'"{path(name)}.metrics"'}
    lines |= {key.replace("_", "-"): value for key, value in more.items()}
    with open(path(name + ".conf"), "w") as file:
        file.writelines(f"{key} = {value}\n" for key, value in lines.items())
        file.writelines(f'sink "{sink}" {{ retry-ms = 300 timeout-ms = 2000 {options} }}\n' for sink, options in sinks.items())
    os.chmod(path(name + ".conf"), 0o600)
    return path(name + ".conf")


class Run:
    """A replay with esship as its client."""

    def __init__(self, config, source, *options):
        self.errors = open(path("errors"), "w+")
        command = [ESCAP, "replay", "--quiet", *options, source, "--", ESSHIP, "-c", config]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self.errors, start_new_session=True)
        children.append(self.process)

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [int(pid) for pid in file.read().split()]

    def child(self):
        """What will be esship, or is."""
        until("it is started", self.children, pause=0.001)
        return self.children()[0]

    def esship(self):
        """Its pid."""
        for _ in range(500):
            for pid in self.children():
                if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(ESSHIP):
                    return pid
            time.sleep(0.01)
        raise AssertionError("esship doesn't run")

    def wait(self, *statuses):
        status = self.process.wait(LIMIT)
        assert status in (statuses or (0,)), f"status {status}: {self.said()}"
        return self

    def said(self):
        self.errors.flush()
        with open(self.errors.name) as file:
            return file.read()

    def kill(self):
        os.kill(self.esship(), signal.SIGKILL)
        self.process.wait(LIMIT)


def send_only(config, status=0):
    result = subprocess.run([ESSHIP, "--send-only", "-c", config], timeout=LIMIT, capture_output=True, text=True, check=False)
    assert result.returncode == status, (result.returncode, result.stderr)
    return result.stderr


def esship(*arguments):
    return subprocess.run([ESSHIP, *arguments], timeout=LIMIT, capture_output=True, text=True, check=False)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def server(kind, port, out, *options):
    child = subprocess.Popen([sys.executable, HERE + "/server.py", kind, str(port), path(out), *options],
                             stderr=subprocess.DEVNULL)
    children.append(child)
    host = options[options.index("--host") + 1] if "--host" in options else "127.0.0.1"
    for _ in range(500):
        try:
            socket.create_connection((host, port), 1).close()
            return child
        except OSError:
            time.sleep(0.01)
    raise AssertionError("the server doesn't listen")


def certificate(name, host):
    """Signed by itself; NAME has the key and it, NAME.crt only it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path(name + ".key"), "-out",
                    path(name + ".crt"), "-days", "2", "-subj", f"/CN={host}", "-addext",
                    f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}"], check=True, stderr=subprocess.DEVNULL)
    with open(path(name), "w") as both:
        for part in (".key", ".crt"):
            with open(path(name + part)) as file:
                both.write(file.read())
    return path(name)


@contextlib.contextmanager
def small_disk(room):
    """A folder, and whether it is a disk of its own with so much room: else only what it is about is left out."""
    name = path("disk")
    os.mkdir(name)
    mounted = not os.getuid() and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room},mode=755", "tmpfs", name],
                                                 check=False).returncode == 0
    if not mounted:
        print("no mount can be made: the full disk is left out")
    try:
        yield name, mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", name], check=True)


def library(name):
    """One of the libraries here, to be loaded before others; None: they can't be where sanitizers are."""
    found = glob.glob(f"{BUILD}/tests/ship/lib{name}.so")
    if not found:
        print(f"built with sanitizers: {name} is left out")
    return found[0] if found else None


@contextlib.contextmanager
def preloaded(path_of, **environment):
    """What is started meanwhile has this library, and this environment."""
    os.environ |= {"LD_PRELOAD": path_of, **environment}
    try:
        yield
    finally:
        for name in ("LD_PRELOAD", *environment):
            del os.environ[name]


def fill(disk, left):
    """So that there are so many bytes left, until the file `other' is removed."""
    room = os.statvfs(disk)
    with open(disk + "/other", "wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - left)))


def stop(child):
    child.kill()
    child.wait()


def until(what, condition, seconds=20, pause=0.02):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(pause)


def size(name):
    return os.path.getsize(path(name)) if os.path.exists(path(name)) else 0


def files(name):
    return [found for found in glob.glob(path(name) + "*") if not found.endswith((".conf", ".spool", ".metrics"))]


def lines(*names):
    """What esship's lines say, by client and number; the same number says the same each time."""
    found = {}
    for name in names:
        for file in files(name):
            with open(file, errors="surrogateescape") as opened:
                for line in opened:
                    if not line.endswith("\n"):
                        continue		# of a server that was killed
                    line = json.loads(line[line.index("{"):])
                    key = line["esship"]["client"], line["esship"]["number"]
                    assert found.setdefault(key, line) == line, f"{key} says two things"
    return found


def verify(*names, status=0):
    """escap verify's report."""
    command = [ESCAP, "verify", *(file for name in names for file in files(name))]
    result = subprocess.run(command, timeout=LIMIT, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def events_are(found, count):
    """Each event of a capture of so many, once, or dropped for lack of room, as on a machine that is busy, and counted."""
    numbers = [line["global_seq_num"] for line in found.values() if "event" in line]
    dropped = sum(line["esship"]["dropped"]["types"].get("NOTIFY_OPEN", 0) for line in found.values()
                  if line["esship"].get("dropped", {}).get("why") == "full")
    assert len(set(numbers)) == len(numbers), "an event has two numbers"
    assert set(numbers) <= set(range(count)) and len(numbers) + dropped == count, (len(numbers), dropped, count)
    assert dropped < count / 10, dropped


def dropped_of(found, client, why):
    """Numbers by name, as a line says of that client."""
    said = [line["esship"]["dropped"] for line in found.values() if "dropped" in line["esship"]]
    return [drop for drop in said if drop["client"] == client and drop["why"] == why]


def killed_are_counted(found, received):
    """Of each client that was killed: what it had said that it received, in this order, is there once or is counted as lost by
    name. Returns the last client, which was not killed."""
    order = [line["esship"] for key, line in sorted(found.items(), key=lambda item: item[1].get("time", ""))
             if "started" in line["esship"]]
    clients = {own["client"]: own["started"].get("before") for own in order}
    final, = set(clients) - set(clients.values())
    last = final
    for counted in reversed(received):
        client = clients[last]
        numbers = sorted(number for name, number in found if name == client)
        full = sum(drop["count"] for drop in dropped_of(found, client, "full"))
        assert len(numbers) + full == numbers[-1] or full, "a number is missing"
        events = [line["global_seq_num"] for (name, _), line in found.items() if name == client and "event" in line]
        assert len(set(events)) == len(events)
        lost = dropped_of(found, client, "killed")
        started, = [own["started"] for own in order if own["client"] == last]
        # What it had stored last may be what the next one had no room for.
        assert started["last"] == numbers[-1] or full and started["last"] > numbers[-1], (started, numbers[-1], full)
        assert not started["ended"]
        assert len(lost) <= 1 and (not lost or lost[0]["first"] == started["last"] + 1)
        accounted = len(events) + full + sum(drop["types"].get("NOTIFY_OPEN", 0) for drop in lost)
        assert counted <= accounted, (counted, len(events), lost)
        last = client
    return final


def metrics(name):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    # One that was killed has left a socket that nobody listens at.
    until("the socket is there", lambda: connection.connect_ex(path(name + ".metrics")) == 0)
    with connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.0 200 OK") and f"Content-Length: {len(body)}" in head
    values = {}
    for line in body.splitlines():
        if not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            values[key] = int(value)
    return values


def run(checks):
    """All, or those that are named."""
    if not set(sys.argv[2:]) <= {check.__name__ for check in checks}:
        skip("a build with the library that it takes")
    for check in checks:
        if not sys.argv[2:] or check.__name__ in sys.argv[2:]:
            began = time.monotonic()
            try:
                check()
            except BaseException:
                for errors in glob.glob(path("errors")):
                    print(open(errors, errors="replace").read()[-4000:], flush=True)
                raise
            print(f"{check.__name__}: {time.monotonic() - began:.1f} s", flush=True)


def skip(why):
    print("skip:", why)
    sys.exit(77)


if "built without libjson-c" in subprocess.run([ESCAP, "verify", "/dev/null"], capture_output=True, text=True, check=False).stderr:
    skip("escap verify needs libjson-c")
