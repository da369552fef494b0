"""The file of a key that signs checkpoints, or cosigns them: outside the database, readable by its owner alone.

It holds the key on one line, as C2SP writes private keys. A key signs for one store alone, which its name says.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra import private_file
from infra.evidence.note import KEY_BYTES, SIGNATURE, BadNote, Signer
from infra.store.address import file_of, is_this_machine, server_of
from infra.store.errors import StoreError
from infra.store.session import Database

SETTING: Final = "RAPPORT_SIGNING_KEY_FILE"


class KeyRefused(StoreError):
    """A signing key is missing, of another store, or readable by others; the message says what to do."""


class NoKey(KeyRefused):
    """There is no signing key yet."""


def origin_of(store_id: str) -> str:
    """What checkpoints call a store, and the name of its key."""
    return f"rapport/{store_id}"


def default_place(database: Database, store_id: str) -> Path | None:
    """Where the key of a store on this machine is: beside its file, or in the user's data folder. None for others."""
    if database.kind == "sqlite":
        return Path(f"{file_of(database.url)}.signing-key")
    host = str(server_of(database.url).get("host") or os.environ.get("PGHOST", ""))
    return _data_folder() / f"{store_id}.signing-key" if is_this_machine(host) else None


def read(file: Path, name: str | None, kind: bytes = SIGNATURE) -> Signer:
    """The key in a file, of this name (None: of any).

    Raises:
        NoKey: There is no such file.
        KeyRefused: Others can read it, or it holds no key of this name.
    """
    try:
        text = private_file.read(file).decode()
    except FileNotFoundError:
        raise NoKey(f"the signing key {file} does not exist: restore it, or name the right file in {SETTING}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(f"the signing key {file} can't be read: {error}") from None
    except private_file.Exposed as error:
        raise KeyRefused(f"the signing key {file} {error}") from None
    try:
        signer = Signer.parse(text)
    except BadNote as error:
        raise KeyRefused(f"the signing key {file} can't be used: {error}") from None
    if name not in (None, signer.verifier.name) or signer.verifier.kind != kind:
        raise KeyRefused(
            f"the key {file} is of {signer.verifier.name} and does not sign for {name or 'a witness'}: name the right file in {SETTING}"
        )
    return signer


def read_or_make(file: Path, name: str, say: Callable[[str], None], kind: bytes = SIGNATURE) -> Signer:
    """The key in a file, which is made if there is none; `say` hears that it was made, and the public key.

    Raises:
        KeyRefused: It can't be made, others can read it, or it holds no key of this name.
    """
    if file.exists():
        return read(file, name, kind)
    made = Signer(name, secrets.token_bytes(KEY_BYTES), kind)
    try:
        if private_file.make(file, f"{made.secret}\n".encode()):
            say(f"made a signing key in {file}; its public key, for those who check: {made.verifier}")
    except OSError as error:
        raise KeyRefused(f"the signing key {file} can't be made: {error.strerror}") from None
    return read(file, name, kind)


def _data_folder() -> Path:
    try:
        return private_file.data_folder()
    except OSError as error:
        raise KeyRefused(f"{SETTING}: name a file for the signing key: {error}") from None
