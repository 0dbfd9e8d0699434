#!/usr/bin/env python3
"""Makes frames.txt and crypto.txt with other implementations than the one under test.

AES-256-GCM comes from the package `cryptography` (OpenSSL), BLAKE2b from Python's hashlib, JSON
from Python's json with serde's spacing. Run in this directory: python3 make_vectors.py
"""

import hashlib
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEYS = {"test": bytes(range(32)), "zero": bytes(32)}

MESSAGES = [
    ("hello", {"Hello": {"from": 0}}),
    ("heartbeat", {"Heartbeat": {"from": 3, "term": 1}}),
    ("election", {"Election": {"from": 1}}),
    ("ok", {"Ok": {"from": 2}}),
    ("coordinator", {"Coordinator": {"leader": 3, "term": 18446744073709551615}}),
    ("query_leader", "QueryLeader"),
    ("leader_info_none", {"LeaderInfo": {"leader_id": None, "term": 1}}),
    ("leader_info", {"LeaderInfo": {"leader_id": 3, "term": 1}}),
    ("request_seed", {"EncryptRequest": {
        "from": 0, "req_id": "3f2a1b4c5d6e7f8a", "user": "Zoë \"q\"\n",
        "image_bytes": [137, 80, 78, 71, 13, 10, 26, 10, 0, 255]}}),
    ("request_head", {"EncryptRequest": {
        "from": 0, "req_id": "id", "user": "u", "image_bytes": [],
        "client_addr": "10.0.0.9:7100"}}),
    ("reply_seed", {"EncryptReply": {
        "req_id": "id", "ok": True, "payload": "stored", "error": None}}),
    ("reply_head", {"EncryptReply": {
        "req_id": "id", "ok": False, "encrypted_image": [1, 2, 3],
        "original_filename": "a.png", "error": "no\tdisk"}}),
]


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def frames() -> str:
    lines = ["# name key nonce json-hex frame-hex: made by make_vectors.py"]
    for key_name, key in KEYS.items():
        for number, (name, message) in enumerate(MESSAGES):
            nonce = bytes((number * 16 + i) & 255 for i in range(12))
            text = compact(message)
            body = nonce + AESGCM(key).encrypt(nonce, text, None)
            frame = struct.pack(">I", len(body)) + body
            lines.append(f"{name} {key.hex()} {nonce.hex()} {text.hex()} {frame.hex()}")
    return "\n".join(lines) + "\n"


def crypto() -> str:
    lines = ["# gcm key nonce plain sealed | blake2b data digest; '-' is empty (make_vectors.py)"]
    for size in (0, 1, 15, 16, 17, 64, 1000):
        key = hashlib.sha256(b"key%d" % size).digest()
        nonce = hashlib.sha256(b"nonce%d" % size).digest()[:12]
        plain = bytes((i * 7) & 255 for i in range(size))
        sealed = AESGCM(key).encrypt(nonce, plain, None)
        lines.append(f"gcm {key.hex()} {nonce.hex()} {plain.hex() or '-'} {sealed.hex()}")
        digest = hashlib.blake2b(plain, digest_size=32).hexdigest()
        lines.append(f"blake2b {plain.hex() or '-'} {digest}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open("frames.txt", "w", encoding="utf-8") as file:
        file.write(frames())
    with open("crypto.txt", "w", encoding="utf-8") as file:
        file.write(crypto())
