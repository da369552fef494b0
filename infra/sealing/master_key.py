"""The master key, which wraps all data keys: a file that its owner alone can read, with one key, or two while they change.

A line holds 32 random bytes in base64. The first line is the newest key.
"""

import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from stat import S_IMODE
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.sealing.errors import KeysRefused

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
OTHERS: Final = 0o077


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
        mode = S_IMODE(file.stat().st_mode)
        lines = file.read_bytes().split()
    except FileNotFoundError:
        raise KeysRefused(
            f"the master key file {file} does not exist: restore it, or name the right one in RAPPORT_MASTER_KEY_FILE"
        ) from None
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be read: {error.strerror}") from None
    if mode & OTHERS:
        raise KeysRefused(f"the master key file {file} can be read by others than its owner: run chmod 600 {file}")
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
        temporary = _written(file, [MasterKey.new()])
        try:
            # The process that links first has made the file.
            os.link(temporary, file)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be made: {error.strerror}") from None
    return True


def replace(file: Path, keys: list[MasterKey]) -> None:
    """Let the file hold these keys; at every moment it holds the old ones or the new ones.

    Raises:
        KeysRefused: The file can't be written.
    """
    try:
        _written(file, keys).replace(file)
    except OSError as error:
        raise KeysRefused(f"the master key file {file} can't be written: {error.strerror}") from None


def _written(file: Path, keys: list[MasterKey]) -> Path:
    """A file beside this one, which its owner alone can read, on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "wb") as out:
        out.write(b"".join(key._line + b"\n" for key in keys))  # noqa: SLF001 - the file is where keys are written
        out.flush()
        os.fsync(out.fileno())
    return Path(name)
