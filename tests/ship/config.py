#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A configuration that is wrong is refused, with the line and what would be right; filters do what they say.

    config.py BUILD [CHECK...]
"""

import os

import ship

FILE = {"file": f'type = "file" path = "{ship.path("x.out")}"'}


def refused(sinks, said, **more):
    result = ship.esship("--check", "-c", ship.configure("x", sinks, **more))
    assert result.returncode == 78 and said in result.stderr, result.stderr


def check_wrong():
    assert ship.esship("--check", "-c", ship.configure("x", FILE)).returncode == 0
    refused(FILE, "there is no opn", events='{ "exec", "opn" }')
    refused(FILE, r"there is no ${HOME}\n;", events=r"{ '${HOME}\n' }")
    refused(FILE, "name at least one", events="{}")
    refused(FILE, "there are json, ecs and ocsf", format='"xml"')
    refused(FILE, "from 1 to", spool_mb=0)
    refused(FILE, "give a folder", spool='"relative"')
    refused(FILE, "no such option", nonsense=1)
    refused({}, "there have to be 1 to 16")
    refused({"A": 'type = "file" path = "/x"'}, "lower-case")
    refused({"a": 'type = "pigeon"'}, "there are file, http, journal, kafka, nats, otlp and syslog")
    refused({"a": 'type = "file" path = "x"'}, "from / on")
    refused({"a": 'type = "syslog" host = "x"'}, "host and port")
    for kind, library, said in (("otlp", "libcurl and libjson-c", "http:// or"), ("kafka", "librdkafka", "host:port"),
                                ("nats", "libnats", "nats:// or"), ("http", "libcurl", "http:// or")):
        text = ship.esship("--check", "-c", ship.configure("x", {"a": f'type = "{kind}" url = "x"'})).stderr
        assert said in text or f"built without {library}" in text, text
    refused({"a": 'type = "syslog" host = "x" port = "1" facility = "local9"'}, "facility")
    for port in ("0", "65536", "99999", "-1", "+1", " 1", "5x", ""):
        refused({"a": f'type = "syslog" host = "x" port = "{port}"'}, "port: a number from 1 to 65535")
    refused({"a": 'type = "syslog" host = "x" port = "1" key = "/k"'}, "certificate: that of the key")
    refused(FILE | {"b": FILE["file"]}, "have the same path")
    for name in ("mute", "mute-target", "target", "select"):
        for prefix in ("", "relative"):
            refused(FILE, f"{name}: a path, from / on", **{name: f'{{ "/usr/", "{prefix}" }}'})
    refused(FILE, "give one of them", target='{ "/a" }', mute_target='{ "/b" }')
    for path in ("", "relative", "/" + "x" * 107):
        refused(FILE, "metrics: the path of a socket", metrics=f'"{path}"')
    refused({"a": f'type = "file" path = "{ship.path("x.spool")}/ledger"'}, "the spool is no place")
    refused({"a": 'type = "syslog" host = "" port = "1"'}, "host and port")
    for header in ("nothing", ": x", r"A: b\nC: d"):
        refused({"a": f'type = "http" url = "http://x" headers = {{ "A: b", "{header}" }}'}, "headers: each is a name")
    for sink, said in (('type = "http" url = "http:///x"', "and a host"),
                       ('type = "kafka" brokers = "x:1" topic = "a/b"', "topic: of messages, of letters"),
                       ('type = "nats" url = "nats://x" subject = "a..b"', "words with dots"),
                       ('type = "http" url = "http://x" headers = {' + ",".join(f'"X-{i}: 1"' for i in range(17)) + "}",
                        "headers: 16 at most"),
                       ('type = "kafka" brokers = "x:1" user = "u" password = "secret" mechanism = "MD5"', "there are PLAIN"),
                       ('type = "kafka" brokers = "x:1" user = "secret"', "both, or none"),
                       (f'type = "nats" url = "{",".join(["nats://secret@x"] * 17)}"', "16 servers at most"),
                       ('type = "nats" url = "nats://x" certificate = "/c"', "key: that of"),
                       ('type = "kafka" brokers = "x:1" certificate = "/c"', "key: that of"),
                       ('type = "nats" url = "nats://x" subject = "a b"', "subject: ")):
        text = ship.esship("--check", "-c", ship.configure("x", {"a": sink})).stderr
        assert (said in text or "built without" in text) and "secret" not in text, text
    for name in ("ca", "certificate"):
        refused({"a": f'type = "syslog" host = "x" port = "1" {name} = "/no/file"'}, f"{name}: /no/file: No such file")
    path = ship.configure("x", {"a": 'type = "http" url = "http://x" headers = { "X-Token: secret" }'})
    for mode, said in ((0o640, True), (0o600, False)):
        os.chmod(path, mode)
        text = ship.esship("--check", "-c", path).stderr
        assert "built without" in text or ("others can read it" in text) == said, text
    path = ship.configure("x", FILE)
    os.chmod(path, 0o666)
    result = ship.esship("-c", path)
    assert result.returncode == 78 and "nobody else can write" in result.stderr, result
    assert ship.esship("-c", ship.path("nothing")).returncode == 78
    assert ship.esship().returncode == 64
    assert ship.esship("--version").stdout.startswith("esship ")


def shipped(name, **more):
    """What of the sample comes."""
    config = ship.configure(name, {"file": f'type = "file" path = "{ship.path(name)}.out"'},
                            events='{ "exec", "fork", "exit", "open", "rename" }', **more)
    ship.Run(config, ship.BUILD + "/examples/sample.escap").wait()
    ship.verify(name + ".out")
    return [line for _, line in sorted(ship.lines(name + ".out").items()) if "event" in line]


def opened(found):
    return [line["event"]["open"]["file"]["path"] for line in found if "open" in line["event"]]


def check_filters():
    assert len(shipped("all")) == 13
    assert opened(shipped("denied", only_denied="yes")) == ["/etc/shadow"]
    edited = ["/home/user/notes.txt", "/home/user/notes.txt~", "/etc/passwd"]
    assert opened(shipped("select", select='{ "/usr/bin/ed" }')) == edited
    assert opened(shipped("mute", mute='{ "/usr/bin/grep" }')) == edited
    assert opened(shipped("target", target='{ "/etc/" }')) == ["/etc/hosts", "/etc/shadow", "/etc/passwd", "/etc/passwd"]
    assert opened(shipped("untarget", mute_target='{ "/etc/" }')) == ["/home/user/notes.txt", "/home/user/notes.txt~"]


ship.run([check_wrong, check_filters])
