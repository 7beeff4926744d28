#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers on loopback that esship sends to, as processes that can be killed.

    server.py http PORT OUT [--delay S] [--refuse STATUS[,N]] [--tls CERT]      bodies of POSTs go to OUT, then 204
    server.py syslog PORT OUT [--delay S] [--tls CERT]                          messages go to OUT, one a line

--refuse 503,3 answers so the first three times, --refuse 401 always. What was answered with 2xx is in the file. CERT has the key
too.
"""

import argparse
import http.server
import os
import socket
import ssl
import sys
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["http", "syslog"])
    parser.add_argument("port", type=int)
    parser.add_argument("out")
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--refuse", default="")
    parser.add_argument("--tls")
    return parser.parse_args()


def context(path):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def serve_http(wanted, out):
    status, _, times = wanted.refuse.partition(",")
    left = [int(times or 1 << 30) if status else 0]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(wanted.delay)
            assert self.headers["Content-Type"] == "application/x-ndjson" and self.headers["Idempotency-Key"]
            answer = 204
            if left[0]:
                left[0] -= 1
                answer = int(status)
            else:
                os.write(out, body)
            self.send_response(answer)
            if answer == 503:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    http.server.HTTPServer.allow_reuse_address = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", wanted.port), Handler)
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
    listener = socket.create_server(("127.0.0.1", wanted.port))
    while True:
        connection, _ = listener.accept()
        try:
            if wanted.tls:
                connection = context(wanted.tls).wrap_socket(connection, server_side=True)
            for message in messages(connection, wanted.delay):
                assert message.startswith(b"<134>1 "), message[:80]
                os.write(out, message + b"\n")
        except (ssl.SSLError, ConnectionError) as error:
            print(error, file=sys.stderr)
        connection.close()


def main():
    wanted = arguments()
    out = os.open(wanted.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    {"http": serve_http, "syslog": serve_syslog}[wanted.kind](wanted, out)


if __name__ == "__main__":
    main()
