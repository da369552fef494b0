"""The local key that signs tokens for development: Ed25519, in a PEM file that its owner alone can read.

It serves where RAPPORT_TOKEN_KEYS names no keys. The file is beside a store on SQLite, else in the user's data folder.
"""

import base64
import json
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from infra import private_file
from infra.access.key_sets import VerifyingKey
from infra.settings import Settings, WrongSettings
from infra.store.address import key_file


def place(settings: Settings) -> Path:
    """The file of the local key.

    Raises:
        WrongSettings: The user's data folder can't be made.
        StoreError: The address of the store can't be understood.
    """
    named, setting = settings.token_key_file, "RAPPORT_TOKEN_KEY_FILE"
    return key_file(named, settings.store, "token-key", setting=setting, key="that signs tokens")


def make(file: Path) -> bool:
    """Make the file with a new key, readable by its owner alone; False where there is one, which stays.

    Raises:
        WrongSettings: The file can't be made.
    """
    if file.exists():
        return False
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        return private_file.make(file, pem)
    except OSError as error:
        raise WrongSettings(f"the key file {file} can't be made: {error.strerror}") from None


def read(file: Path) -> Ed25519PrivateKey:
    """The key of the file.

    Raises:
        WrongSettings: There is no such file, others can read it, or it holds no Ed25519 key.
    """
    try:
        pem = private_file.read(file)
    except OSError as error:
        raise WrongSettings(f"the key file {file} can't be read: {error.strerror}") from None
    except private_file.Exposed as error:
        raise WrongSettings(f"the key file {file} {error}") from None
    try:
        return _key(pem)
    except ValueError as error:
        raise WrongSettings(f"the key file {file} {error}") from None


def _key(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise ValueError("holds no key: expected an Ed25519 key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("holds another kind of key: expected Ed25519")  # noqa: TRY004 - one error for all that is wrong
    return key


def kid_of(key: Ed25519PrivateKey) -> str:
    """The id of a key: the thumbprint of its public half (RFC 7638)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64(_raw(key))}
    return _base64(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def verifying(pem: bytes) -> dict[str | None, VerifyingKey]:
    """The public half, by its id.

    Raises:
        ValueError: The text holds no such key.
    """
    key = _key(pem)
    return {kid_of(key): VerifyingKey(key.public_key(), "EdDSA")}


def _raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
