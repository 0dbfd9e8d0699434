#!/usr/bin/env python3
"""Makes transcript.txt, a whole conversation of a secure channel, with other implementations than
the one under test.

BLAKE2b comes from Python's hashlib; X25519, ChaCha20 and Poly1305 from the package `cryptography`
(OpenSSL); HChaCha20 and the secret stream are written out here after libsodium's documentation.
Run in this directory: python3 make_vectors.py
"""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.poly1305 import Poly1305

CLUSTER_KEY = bytes(range(1, 33))
MESSAGE, REKEY, FINAL = 0, 2, 3


def keyed_hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=CLUSTER_KEY).digest()


def product(secret: bytes, public: bytes) -> bytes:
    key = X25519PrivateKey.from_private_bytes(secret)
    return key.exchange(X25519PublicKey.from_public_bytes(public))


def public_of(secret: bytes) -> bytes:
    return product(secret, bytes([9]) + bytes(31))


def chacha20(key: bytes, nonce: bytes, counter: int, data: bytes) -> bytes:
    """RFC 8439: a counter of four bytes before a nonce of twelve."""
    algorithm = algorithms.ChaCha20(key, struct.pack("<I", counter) + nonce)
    return Cipher(algorithm, None).encryptor().update(data)


def hchacha20(key: bytes, block: bytes) -> bytes:
    x = list(struct.unpack("<16I", b"expand 32-byte k" + key + block))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for to, by, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] = (x[to] + x[by]) & 0xFFFFFFFF
            mixed = x[turned] ^ x[to]
            x[turned] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *x[:4], *x[12:])


class SecretStream:
    """crypto_secretstream_xchacha20poly1305, the pushing end."""

    def __init__(self, key: bytes, header: bytes):
        self.key = hchacha20(key, header[:16])
        self.inner = header[16:]
        self.counter = 1

    def nonce(self) -> bytes:
        return struct.pack("<I", self.counter) + self.inner

    def push(self, plain: bytes, tag: int) -> bytes:
        first = chacha20(self.key, self.nonce(), 1, bytes([tag]) + bytes(63))
        sealed = chacha20(self.key, self.nonce(), 2, plain)
        # The padding is libsodium's: of the message's length plus 64, counted from the wrong side.
        padding = bytes((16 - 64 + len(plain)) % 16)
        mac = Poly1305.generate_tag(
            chacha20(self.key, self.nonce(), 0, bytes(32)),
            first + sealed + padding + struct.pack("<QQ", 0, 64 + len(plain)))
        self.inner = bytes(a ^ b for a, b in zip(self.inner, mac))
        self.counter += 1
        if tag & REKEY:
            fresh = chacha20(self.key, self.nonce(), 0, self.key + self.inner)
            self.key, self.inner, self.counter = fresh[:32], fresh[32:], 1
        return first[:1] + sealed + mac

    def frame(self, plain: bytes, tag: int = MESSAGE) -> bytes:
        sealed = self.push(plain, tag)
        return struct.pack(">I", len(sealed)) + sealed


class Side:
    """A side whose random bytes count up from `start`; its secret key is one byte, 32 times."""

    def __init__(self, kind: int, role: int, node: int, instance: int, start: int, secret: int):
        random = bytes((start + i) % 256 for i in range(56))
        self.ephemeral = hashlib.blake2b(random[:32], digest_size=32).digest()
        self.header = random[32:]
        self.static = bytes([secret] * 32)
        self.kind, self.role, self.node, self.instance = kind, role, node, instance

    def message(self, before: bytes) -> bytes:
        body = b"twinbed" + struct.pack(">BBBBIQ", 1, self.kind, 0, self.role, self.node,
                                        self.instance)
        body += bytes([0xC0] * 32) + public_of(self.static) + public_of(self.ephemeral)
        return body + keyed_hash(b"twinbed/mac", before, body)


def main() -> None:
    initiator = Side(1, 2, 7, 0x0102030405060708, 0, 0x11)
    responder = Side(2, 1, 3, 0x1112131415161718, 128, 0x22)
    hello = initiator.message(b"")
    answer = responder.message(hello)
    kx = hashlib.blake2b(
        product(initiator.ephemeral, public_of(responder.ephemeral))
        + public_of(initiator.ephemeral) + public_of(responder.ephemeral)).digest()
    # crypto_kx: the first half is what the client receives with.
    secrets = (kx[32:] + kx[:32] + product(initiator.static, public_of(responder.ephemeral))
               + product(initiator.ephemeral, public_of(responder.static)))
    transcript = hashlib.blake2b(hello + answer, digest_size=32).digest()
    forth = SecretStream(keyed_hash(b"twinbed/key", b"\x01", transcript, secrets), initiator.header)
    back = SecretStream(keyed_hash(b"twinbed/key", b"\x02", transcript, secrets), responder.header)
    lines = [
        ("hello", hello),
        ("answer", answer + responder.header + back.frame(b"")),
        ("confirmation", initiator.header + forth.frame(b"")),
        ("first", forth.frame(b"first message")),
        ("reply", back.frame(b"a reply")),
        ("last_under_key", forth.frame(b"twenty bytes of text", REKEY)),
        ("under_new_key", forth.frame(b"afterwards")),
        ("closing", forth.frame(b"", FINAL)),
    ]
    with open("transcript.txt", "w", encoding="ascii") as file:
        file.writelines(f"{name} {data.hex()}\n" for name, data in lines)


if __name__ == "__main__":
    main()
