# SPDX-License-Identifier: MIT
"""Keys and tokens as NATS has them: an operator signs accounts, an account signs users, a user has a file of credentials."""

import base64
import json
import subprocess
import time

OPERATOR, ACCOUNT, USER, SEED = (number << 3 for number in (14, 0, 20, 18))


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xffff
    return crc.to_bytes(2, "little")


def base32(data):
    return base64.b32encode(data + crc16(data)).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Key:
    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        openssl("genpkey", "-algorithm", "ed25519", "-out", path)
        self.public = base32(bytes([kind]) + openssl("pkey", "-in", path, "-pubout", "-outform", "DER")[-32:])

    def seed(self):
        return base32(bytes([SEED | self.kind >> 5, (self.kind & 31) << 3]) +
                      openssl("pkey", "-in", self.path, "-outform", "DER")[-32:])

    def sign(self, data):
        with open(self.path + ".data", "wb") as file:
            file.write(data)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", self.path + ".data")


def token(issuer, subject, kind, **more):
    """A JWT by which the issuer says who the subject is."""
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    claims = {"jti": subject.public, "iat": int(time.time()), "iss": issuer.public, "name": kind, "sub": subject.public,
              "nats": {"type": kind, "version": 2, **more}}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return text + "." + base64url(issuer.sign(text.encode()))


def account_token(operator, account, storage):
    limits = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf")}
    limits |= {"wildcards": True} | {name: storage for name in ("mem_storage", "disk_storage", "streams", "consumer")}
    return token(operator, account, "account", limits=limits)


def credentials(account, user):
    """The file's text."""
    said = token(account, user, "user", pub={}, sub={}, subs=-1, data=-1, payload=-1)
    return (f"-----BEGIN NATS USER JWT-----\n{said}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed()}\n------END USER NKEY SEED------\n")


def server_configuration(operator, system, account):
    preload = {each.public: account_token(operator, each, storage) for each, storage in ((system, 0), (account, -1))}
    return (f'operator: "{token(operator, operator, "operator")}"\nsystem_account: {system.public}\nresolver: MEMORY\n'
            "resolver_preload: {\n" + "".join(f'{name}: "{text}"\n' for name, text in preload.items()) + "}\n")
