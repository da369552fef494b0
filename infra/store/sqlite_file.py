"""A file as it is found: new, a store, or somebody else's, which is told from its first bytes and never touched.

A store is readable and writable by its owner alone; SQLite gives its -wal and -shm the rights of the file. It has an
application id in its header from its first commit on, before anything goes through a write-ahead log, so that the id is there even
when the process that made it was killed. Where the file or its folder can't be written, the store is opened for reading only.

A file that is removed goes on being written by who has it open, and is lost with the last of them: whether the path still leads
to it is asked before every commit.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from struct import unpack_from
from typing import Final
from urllib.parse import quote

from infra.store.errors import DamagedStore, ForeignStore, MissingStore, OlderStore

# "RAPP" in ASCII.
APPLICATION_ID: Final = 0x52415050
MAGIC: Final = b"SQLite format 3\0"
HEADER_BYTES: Final = 100
APPLICATION_ID_AT: Final = 68


def prepare_file(path: str, timeout: float) -> bool:
    """Make the file of a new store, or make sure that a file is a store; whether it can only be read.

    Raises:
        ForeignStore: The file is a database of somebody else.
        OlderStore: It is a store of an older Rapport.
        DamagedStore: It is no database, only the beginning of one, or no file.
        sqlite3.Error, OSError: The file can't be made or read.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if not Path(path).is_file():
            raise DamagedStore(f"{path}: expected a file on a disk, found something else")
        header = _header(path)
        if not header:
            own(path)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open: {error.strerror}") from error
    if header:
        _check(path, header)
        return not _writable(path)
    # By the rollback journal, which leaves it in the file itself. Processes that begin at once write the same.
    with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return False


class OpenFile:
    """The file of an open store. While a connection has it open, no other file gets its number."""

    def __init__(self, path: str) -> None:
        """Remember which file is at the path now. Raises `sqlite3.OperationalError` if there is none."""
        self.path = path
        # No later change of the working folder leads elsewhere.
        self._place = Path(path).absolute()
        try:
            self._file = self._at_the_path()
        except OSError as error:
            raise sqlite3.OperationalError(f"unable to open: {error.strerror}") from error

    def check(self) -> None:
        """Raise `MissingStore` unless the path still leads to the file; costs about a microsecond."""
        try:
            if self._at_the_path() == self._file:
                return
            what = "another file was put in the place of the store"
        except OSError as error:
            what = f"the file of the store is gone ({error.strerror})"
        raise MissingStore(
            f"{self.path}: {what} while it was open: nothing more is recorded. Move the file back, "
            "or restore a backup and start Rapport anew"
        )

    def _at_the_path(self) -> tuple[int, int]:
        found = self._place.stat()
        return found.st_dev, found.st_ino


def own(path: str) -> None:
    """Let an empty file, which somebody made with other rights, be for its owner alone before anything is in it."""
    # A file of another account's can't be changed: its owner has chosen who may read it.
    with suppress(PermissionError):
        Path(path).chmod(0o600)


def existing_uri(path: str) -> str:
    """How SQLite opens a store that is there: it never makes an empty file where there is none."""
    return f"file://{quote(bytes(Path(path).absolute()))}?mode=rw"


def read_only_uri(path: str) -> str:
    """How SQLite opens a file that it can't write: with the write-ahead log of others, if there is one, else the file alone."""
    log = Path(f"{path}-wal")
    alone = not log.exists() or not log.stat().st_size
    return f"file:{quote(path)}?mode=ro{'&immutable=1' if alone else ''}"


def _header(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(HEADER_BYTES)


def _check(path: str, header: bytes) -> None:
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise DamagedStore(f"{path}: the store is damaged or not a Rapport store (file is not a database)")
    (found,) = unpack_from(">I", header, APPLICATION_ID_AT)
    if found == APPLICATION_ID:
        return
    if not found and {"stored_events", "receipts", "source_offsets"} <= _tables(path):
        raise OlderStore(
            f"{path}: the store is of a format that this Rapport does not read any more: open it with the Rapport that wrote it, "
            "or send its messages to a new store"
        )
    raise ForeignStore(
        f"{path}: the file is a database of another application, and was left as it is: name another file"
    )


def _tables(path: str) -> set[str]:
    """The tables of a database, read without touching anything beside it."""
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return set()


def _writable(path: str) -> bool:
    """Whether this user may write the file, and make the two files beside it unless they are there to be written."""
    beside = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")]
    if not os.access(path, os.W_OK):
        return False
    if os.access(Path(path).parent, os.W_OK | os.X_OK):
        return not any(_is_kept_from_us(each) for each in beside)
    return all(each.exists() and os.access(each, os.W_OK) for each in beside)


def _is_kept_from_us(path: Path) -> bool:
    """Whether the file is there and may not be written by this user. Other processes make and remove it meanwhile."""
    return not os.access(path, os.W_OK) and path.exists() and not os.access(path, os.W_OK)
