"""Keys and proofs as senders make them, without anything of Rapport's own."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key_of(number: int) -> Ed25519PrivateKey:
    """The numbered key of the tests."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(key: Ed25519PrivateKey) -> str:
    """Its public part as a file of senders names it."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def canonical(value: Any) -> bytes:
    """RFC 8785 for messages without numbers other than small whole ones, and with names in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def jws(key: Ed25519PrivateKey, payload: bytes, header: Any = None) -> str:
    """A detached JWS over a payload; with `"b64": false` in the header the payload is signed as it is (RFC 7797)."""
    header = {"alg": "EdDSA"} if header is None else header
    head = part(json.dumps(header).encode())
    plain = isinstance(header, dict) and header.get("b64") is False
    signed = head.encode() + b"." + (payload if plain else part(payload).encode())
    return f"{head}..{part(key.sign(signed))}"


def proven(message: dict[str, Any], key: Ed25519PrivateKey, header: Any = None) -> dict[str, Any]:
    """The message with its proof."""
    return message | {"proof": jws(key, canonical(message), header)}


def raw(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()
