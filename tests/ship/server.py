#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers on loopback that esship sends to, as processes that can be killed.

    server.py http PORT OUT [--delay S] [--rate BYTES] [--refuse STATUS[,N]] [--tls CERT] [--authorization TEXT]
                                                        bodies of POSTs go to OUT, then 200
    server.py otlp PORT OUT [--reject N] ...            the same, but records of an ExportLogsServiceRequest, one a line
    server.py syslog PORT OUT [--host ADDRESS] [--delay S] [--tls CERT [--wants CERT]] [--talk]
                                                        messages go to OUT, one a line
    server.py kafka PORT OUT --broker PORT [--tls CERT] [--login USER:PASSWORD] [--mechanism NAME]
                                                        TLS and SASL before a broker that has neither

--refuse 503,3 answers so the first three times, --refuse 401 always. --reject N says of the first request with more that N of its records
were thrown away, and throws away the last N. Without that --authorization it answers 401. What was answered with 2xx is in the file. CERT has the key
too; --wants has that of the client. --talk says what nobody has asked for. --rate reads so many bytes a second.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["http", "kafka", "otlp", "syslog"])
    parser.add_argument("port", type=int)
    parser.add_argument("out")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--refuse", default="")
    parser.add_argument("--tls")
    parser.add_argument("--wants")
    parser.add_argument("--talk", action="store_true")
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--reject", type=int, default=0)
    parser.add_argument("--authorization")
    parser.add_argument("--broker", type=int)
    parser.add_argument("--login", default="")
    parser.add_argument("--mechanism", default="PLAIN")
    return parser.parse_args()


def context(path, wants=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    if wants:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(wants)
    return made


def records(body):
    """The lines in an ExportLogsServiceRequest: each has to have what OTLP asks for."""
    found = []
    for resource in json.loads(body)["resourceLogs"]:
        names = {each["key"]: each["value"]["stringValue"] for each in resource["resource"]["attributes"]}
        assert names["service.name"] == "esship" and names["service.instance.id"]
        for record in (record for scope in resource["scopeLogs"] for record in scope["logRecords"]):
            line = record["body"]["stringValue"]
            uid, = [each["value"]["stringValue"] for each in record["attributes"] if each["key"] == "log.record.uid"]
            assert uid.startswith(names["service.instance.id"]) and record["severityNumber"] == 9
            said = json.loads(line)["time"]
            seconds = time.mktime(time.strptime(said[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            assert record["timeUnixNano"] == f"{seconds:.0f}{said[20:29]}", (record["timeUnixNano"], said)
            found.append(line)
    return found


def read_body(handler, rate):
    left, body = int(handler.headers["Content-Length"]), b""
    if not rate:
        return handler.rfile.read(left)
    began = time.monotonic()
    while len(body) < left:
        body += handler.rfile.read1(min(65536, left - len(body)))
        time.sleep(max(0, began + len(body) / rate - time.monotonic()))
    return body


def serve_http(wanted, out):
    status, _, times = wanted.refuse.partition(",")
    left = [int(times or 1 << 30) if status else 0]
    reject = [wanted.reject]

    def take(body):
        """What is answered."""
        if wanted.kind == "http":
            os.write(out, body)
            return b""
        lines = records(body)
        rejected = reject.pop() if reject and len(lines) > reject[0] else 0
        os.write(out, "".join(line + "\n" for line in lines[:len(lines) - rejected]).encode())
        return json.dumps({"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": "too\nold"}}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = read_body(self, wanted.rate)
            time.sleep(wanted.delay)
            assert self.headers["Content-Type"] == {"http": "application/x-ndjson", "otlp": "application/json"}[wanted.kind]
            assert self.headers["Idempotency-Key"]
            answer, said = 200, b""
            if wanted.authorization and self.headers["Authorization"] != wanted.authorization:
                answer = 401
            elif left[0]:
                left[0] -= 1
                answer = int(status)
            else:
                said = take(body)
            self.send_response(answer)
            if answer == 503:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    http.server.HTTPServer.allow_reuse_address = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", wanted.port), Handler)
    if wanted.rate:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
    if wanted.tls:
        server.socket = context(wanted.tls).wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def messages(connection, delay):
    """Of a connection: the length of each is before it."""
    data = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return
        data += piece
        time.sleep(delay)
        while True:
            length, space, rest = data.partition(b" ")
            if not space or len(rest) < int(length):
                break
            yield rest[:int(length)]
            data = rest[int(length):]


def serve_syslog(wanted, out):
    listener = socket.create_server((wanted.host, wanted.port))
    if wanted.delay:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
    while True:
        connection, _ = listener.accept()
        try:
            if wanted.tls:
                connection = context(wanted.tls, wanted.wants).wrap_socket(connection, server_side=True)
            if wanted.talk:
                connection.sendall(b"what?\0" * 10000)
            for message in messages(connection, wanted.delay):
                assert message.startswith(b"<134>1 "), message[:80]
                os.write(out, message + b"\n")
        except (ssl.SSLError, ConnectionError) as error:
            print(error, file=sys.stderr)
        connection.close()


def frames(connection):
    """Of Kafka: the length of each is before it."""
    def exactly(count):
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    while True:
        yield exactly(struct.unpack(">i", exactly(4))[0])


def send_frame(connection, data):
    connection.sendall(struct.pack(">i", len(data)) + data)


HANDSHAKE, VERSIONS, AUTHENTICATE = 17, 18, 36
UNSUPPORTED, FAILED = 33, 58


class Scram:
    """The server's side of RFC 5802, for one login."""

    def __init__(self, name, login):
        self.hash = hashlib.sha256 if name.endswith("256") else hashlib.sha512
        self.user, _, password = login.partition(":")
        self.salt, self.rounds = os.urandom(16), 4096
        salted = hashlib.pbkdf2_hmac(self.hash().name, password.encode(), self.salt, self.rounds)
        self.client_key, self.server_key = (self.keyed(salted, text) for text in (b"Client Key", b"Server Key"))
        self.said = None

    def keyed(self, key, text):
        return hmac.digest(key, text, self.hash)

    def answer(self, text):
        """What is answered, and whether that is the end; None: it isn't who it says."""
        if not self.said:
            bare = text.removeprefix(b"n,,")
            user, nonce = (part[2:] for part in bare.split(b",")[:2])
            self.known = user.decode() == self.user
            first = b"r=%s,s=%s,i=%d" % (nonce + base64.b64encode(os.urandom(12)), base64.b64encode(self.salt), self.rounds)
            self.said = bare + b"," + first
            return first, False
        without, _, proof = text.rpartition(b",p=")
        all_said = self.said + b"," + without
        signature = self.keyed(self.hash(self.client_key).digest(), all_said)
        wanted = bytes(a ^ b for a, b in zip(self.client_key, signature))
        if not self.known or not hmac.compare_digest(base64.b64decode(proof), wanted):
            return None, True
        return b"v=" + base64.b64encode(self.keyed(self.server_key, all_said)), True


def plain(wanted, text):
    return b"" if text == ("\0" + wanted.login.replace(":", "\0", 1)).encode() else None, True


def login(wanted, key, request, state):
    """What a broker with SASL answers, or None: that is for the broker behind."""
    number, version = request[4:8], struct.unpack(">h", request[2:4])[0]
    body = request[10 + max(0, struct.unpack(">h", request[8:10])[0]):]
    if key == HANDSHAKE:
        right = body[2:].decode() == wanted.mechanism
        if right and wanted.mechanism != "PLAIN":
            state["scram"] = Scram(wanted.mechanism, wanted.login)
        name = wanted.mechanism.encode()
        return number + struct.pack(">hih", 0 if right else UNSUPPORTED, 1, len(name)) + name
    if key == AUTHENTICATE:
        answer, end = state["scram"].answer(body[4:]) if "scram" in state else plain(wanted, body[4:])
        state["login"] = end and answer is not None
        said = b"" if answer is not None else b"not you"
        answer = answer or b""
        return (number + struct.pack(">hh", FAILED if said else 0, len(said)) + said + struct.pack(">i", len(answer)) + answer +
                (struct.pack(">q", 0) if version else b""))
    return None


def changed(wanted, key, version, answer):
    """The broker is here, and knows of logins."""
    error, count = struct.unpack(">hi", answer[4:10])
    if key == VERSIONS and wanted.login and not error and version < 3:
        more = b"".join(struct.pack(">hhh", each, 0, 1) for each in (HANDSHAKE, AUTHENTICATE))
        return answer[:6] + struct.pack(">i", count + 2) + more + answer[10:]
    return answer.replace(b"127.0.0.1" + struct.pack(">i", wanted.broker), b"127.0.0.1" + struct.pack(">i", wanted.port))


def serve_connection(wanted, client):
    if wanted.tls:
        client = context(wanted.tls).wrap_socket(client, server_side=True)
    broker = socket.create_connection(("127.0.0.1", wanted.broker))
    answers = {"login": not wanted.login}
    asked = {}

    def back():
        for answer in frames(broker):
            send_frame(client, changed(wanted, *asked.pop(answer[:4]), answer))

    threading.Thread(target=quietly, args=(back,), daemon=True).start()
    for request in frames(client):
        key, version = struct.unpack(">hh", request[:4])
        answer = login(wanted, key, request, answers)
        if answer:
            send_frame(client, answer)
            continue
        assert answers["login"] or key == VERSIONS, "not logged in"
        asked[request[4:8]] = key, version
        send_frame(broker, request)


def quietly(function, *arguments):
    try:
        function(*arguments)
    except (OSError, ssl.SSLError) as error:
        print(error, file=sys.stderr)
    finally:
        for connection in arguments[1:]:
            connection.close()


def serve_kafka(wanted, _):
    listener = socket.create_server(("127.0.0.1", wanted.port))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=quietly, args=(serve_connection, wanted, client), daemon=True).start()


def main():
    wanted = arguments()
    out = os.open(wanted.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    {"http": serve_http, "kafka": serve_kafka, "otlp": serve_http, "syslog": serve_syslog}[wanted.kind](wanted, out)


if __name__ == "__main__":
    main()
