"""The master key, which wraps all data keys: a file that its owner alone can read, with one key, or two while they change.

A line holds 32 random bytes in base64. The first line is the newest key.
"""

import secrets
from base64 import b64decode, b64encode
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra import private_file
from infra.sealing.errors import KeysRefused
from infra.whole_file import whole_file

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class MasterKey:
    """One master key; `id` tells keys apart and reveals nothing."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES
        self.id = blake2b(b"rapport master key", key=key, digest_size=8).hexdigest()
        self._line = b64encode(key)
        self._cipher = AESGCM(key)

    @classmethod
    def new(cls) -> "MasterKey":
        """A random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def wrap(self, key: bytes, what: str) -> bytes:
        """A key wrapped; it can be unwrapped for what it was wrapped for alone."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, what.encode())

    def unwrap(self, wrapped: bytes, what: str) -> bytes:
        """The key.

        Raises:
            KeysRefused: It was not wrapped by this master key, or for something else.
        """
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], what.encode())
        except (InvalidTag, ValueError):
            raise KeysRefused(
                "a key in the store of keys was changed: restore the store of keys from a backup"
            ) from None

    def __repr__(self) -> str:
        """Only the id: a key has no place in a log or an error."""
        return f"MasterKey(id={self.id!r})"


def read(file: Path) -> list[MasterKey]:
    """The keys of the file, the newest first.

    Raises:
        KeysRefused: There is no such file, others can read it, or it holds no key.
    """
    try:
        lines = private_file.read(file).split()
    except FileNotFoundError:
        raise KeysRefused(
            f"the master key file {file} does not exist: restore it, or name the right one in RAPPORT_MASTER_KEY_FILE"
        ) from None
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be read: {error.strerror}") from None
    except private_file.Exposed as error:
        raise KeysRefused(f"the master key file {file} {error}") from None
    keys = [_key(line, file) for line in lines]
    if not keys:
        raise KeysRefused(f"the master key file {file} is empty: restore it from a backup")
    return keys


def _key(line: bytes, file: Path) -> MasterKey:
    with suppress(ValueError):
        key = b64decode(line, validate=True)
        if len(key) == KEY_BYTES:
            return MasterKey(key)
    raise KeysRefused(f"the master key file {file} holds no key: expected 32 bytes in base64 on a line")


def make(file: Path) -> bool:
    """Make the file with a new key, readable by its owner alone; False where another process made it first.

    Raises:
        KeysRefused: The file can't be made.
    """
    try:
        return private_file.make(file, _lines([MasterKey.new()]))
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be made: {error.strerror}") from None


def replace(file: Path, keys: list[MasterKey]) -> None:
    """Let the file hold these keys; at every moment it holds the old ones or the new ones.

    Raises:
        KeysRefused: The file can't be written.
    """
    try:
        with whole_file(file) as out:
            out.write(_lines(keys))
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be written: {error.strerror}") from None


def _lines(keys: list[MasterKey]) -> bytes:
    return b"".join(key._line + b"\n" for key in keys)  # noqa: SLF001 - the file is where keys are written
