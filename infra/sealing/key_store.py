"""Where data keys are kept: a database of their own, never the store's. Keys in it are wrapped; a destroyed one leaves no bytes.

A file of SQLite overwrites what is deleted and has no log that outlives a transaction. PostgreSQL keeps old rows until it is
vacuumed, so there destroyed keys end with a vacuum.
"""

import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from infra.sealing.errors import KeysRefused
from infra.store.address import file_of, shown_url, without_secrets
from infra.store.errors import UnknownStore, UnreachableStore
from infra.store.sqlite_file import own

# A file needs no driver, which takes a moment to import.
if TYPE_CHECKING:
    import psycopg

_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS keys_of_store (
        one INTEGER PRIMARY KEY CHECK (one = 1), store_id TEXT NOT NULL, master_id TEXT NOT NULL,
        fingerprint_master TEXT NOT NULL, fingerprint_key {bytes} NOT NULL)
    """,
    """
    CREATE TABLE IF NOT EXISTS data_keys (
        key_id TEXT PRIMARY KEY, subject TEXT NOT NULL, person TEXT NOT NULL, master_id TEXT NOT NULL,
        wrapped {bytes} NOT NULL)
    """,
    "CREATE INDEX IF NOT EXISTS data_keys_of_subject ON data_keys (subject)",
    "CREATE INDEX IF NOT EXISTS data_keys_of_person ON data_keys (person)",
    # The fence: for these no key is made again. Without a subject, for none.
    """
    CREATE TABLE IF NOT EXISTS erased_keys (
        subject TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (subject, person))
    """,
    # Up to which position of the log the erasures are carried out, and how often keys were destroyed.
    """
    CREATE TABLE IF NOT EXISTS erasing (
        one INTEGER PRIMARY KEY CHECK (one = 1), up_to BIGINT NOT NULL, times BIGINT NOT NULL)
    """,
)
_OF_SUBJECTS: Final = """
    SELECT key_id, subject, person, master_id, wrapped FROM data_keys WHERE subject IN ({marks}) ORDER BY key_id
"""
# Subjects in one statement.
_TOGETHER: Final = 500
_ADD: Final = (
    "INSERT INTO data_keys (key_id, subject, person, master_id, wrapped) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# Keys wrapped anew in one transaction of a rotation, or read at once.
_NOT_WRAPPED_BY: Final = """
    SELECT key_id, subject, person, master_id, wrapped FROM data_keys WHERE master_id <> ? LIMIT 500
"""
_PAGE: Final = """
    SELECT key_id, subject, person, master_id, wrapped FROM data_keys WHERE key_id > ? ORDER BY key_id LIMIT 500
"""


class KeyRow(NamedTuple):
    """A data key as it is kept: its id, the subject and person that it seals for, and the master key that wraps it."""

    key_id: str
    subject: str
    person: str
    master_id: str
    wrapped: bytes


class Owned(NamedTuple):
    """The keys of one person in a subject, or `EVERYWHERE`."""

    subject: str
    person: str


# In the place of a subject.
EVERYWHERE: Final = ""


def is_among(owned: Collection[Owned], subject: str, person: str) -> bool:
    """Whether the keys of a person in a subject are among these."""
    return Owned(subject, person) in owned or Owned(EVERYWHERE, person) in owned


def _whose(owned: Owned) -> tuple[str, tuple[str, ...]]:
    """The condition for the keys of somebody in a subject, or everywhere, and its parameters."""
    if owned.subject == EVERYWHERE:
        return "person = ?", (owned.person,)
    return "subject = ? AND person = ?", owned


class Erasing(NamedTuple):
    """Up to which position of the log erasures are carried out, and how often keys were destroyed."""

    up_to: int
    times: int


class Belonging(NamedTuple):
    """Which store the keys belong to, the master key that wraps new ones, and the wrapped key of fingerprints."""

    store_id: str
    master_id: str
    fingerprint_master: str
    fingerprint_key: bytes


class KeyStore(ABC):
    """The database of the keys. Threads may share it."""

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement in the transaction under way, else in one of its own; its rows."""

    @abstractmethod
    def writing(self) -> "Any":
        """A writing transaction for the block, which no other writes beside."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the tables."""

    @abstractmethod
    def close(self) -> None:
        """Give back the connection."""

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether the tables may be there."""

    @property
    def writable(self) -> bool:
        """Whether keys can be written here."""
        return True

    def belonging(self) -> Belonging | None:
        """Which store the keys belong to; None while there are no keys."""
        rows = self.run("SELECT store_id, master_id, fingerprint_master, fingerprint_key FROM keys_of_store")
        for store_id, master_id, fingerprint_master, fingerprint_key in rows:
            return Belonging(store_id, master_id, fingerprint_master, bytes(fingerprint_key))
        return None

    def begin(self, belonging: Belonging) -> None:
        """Say which store the keys belong to, unless it is said."""
        self.run("INSERT INTO keys_of_store VALUES (1, ?, ?, ?, ?) ON CONFLICT (one) DO NOTHING", belonging)

    def of_subjects(self, subjects: Sequence[str]) -> list[KeyRow]:
        """The keys of these subjects; those of each in order of ids."""
        found: list[KeyRow] = []
        for start in range(0, len(subjects), _TOGETHER):
            some = subjects[start : start + _TOGETHER]
            found += self._rows(_OF_SUBJECTS.format(marks=", ".join("?" * len(some))), some)
        return found

    def add(self, rows: Sequence[KeyRow]) -> None:
        """Keep new keys; one that is there stays."""
        for row in rows:
            self.run(_ADD, row)

    def not_wrapped_by(self, master_id: str) -> list[KeyRow]:
        """Keys that another master key wraps."""
        return self._rows(_NOT_WRAPPED_BY, (master_id,))

    def rewrap(self, rows: Sequence[KeyRow]) -> None:
        """Keep these keys as they are wrapped now."""
        for row in rows:
            self.run("UPDATE data_keys SET master_id = ?, wrapped = ? WHERE key_id = ?", (*row[3:], row.key_id))

    def turn_to(self, belonging: Belonging) -> None:
        """Let another master key wrap new keys and the key of fingerprints."""
        self.run("UPDATE keys_of_store SET master_id = ?, fingerprint_master = ?, fingerprint_key = ?", belonging[1:])

    def erasing(self) -> Erasing:
        """How far erasures are carried out."""
        for up_to, times in self.run("SELECT up_to, times FROM erasing"):
            return Erasing(up_to, times)
        return Erasing(0, 0)

    def destroy(self, owned: Iterable[Owned]) -> int:
        """Delete these keys for good, and let none be made in their place; how many there were."""
        destroyed = 0
        for each in owned:
            where, values = _whose(each)
            destroyed += len(self.run(f"DELETE FROM data_keys WHERE {where} RETURNING key_id", values))  # noqa: S608 - our own words
            self.run("INSERT INTO erased_keys VALUES (?, ?) ON CONFLICT DO NOTHING", each)
        return destroyed

    def kept_of(self, owned: Iterable[Owned]) -> list[Owned]:
        """Those of whom there is a key."""
        kept = []
        for each in owned:
            where, values = _whose(each)
            if self.run(f"SELECT 1 FROM data_keys WHERE {where} LIMIT 1", values):  # noqa: S608 - our own words
                kept.append(each)
        return kept

    def erased_up_to(self, position: int, times: int) -> None:
        """Note how far erasures are carried out."""
        self.run(
            "INSERT INTO erasing VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET up_to = excluded.up_to, times = excluded.times",
            (position, times),
        )

    def fenced(self, subjects: Iterable[str]) -> frozenset[Owned]:
        """For whom no key of these subjects, or of any, is made again."""
        wanted = [EVERYWHERE, *subjects]
        marks = ", ".join("?" * len(wanted))
        rows = self.run(f"SELECT subject, person FROM erased_keys WHERE subject IN ({marks})", wanted)  # noqa: S608 - our own words
        return frozenset(Owned(*row) for row in rows)

    def fences(self) -> list[Owned]:
        """All for whom no key is made again."""
        return [Owned(*row) for row in self.run("SELECT subject, person FROM erased_keys")]

    def all(self) -> Iterator[KeyRow]:
        """Every key, in order of ids."""
        last = ""
        while rows := self._rows(_PAGE, (last,)):
            yield from rows
            last = rows[-1].key_id

    def _rows(self, sql: str, params: Sequence[Any]) -> list[KeyRow]:
        return [
            KeyRow(key_id, subject, person, master_id, bytes(wrapped))
            for key_id, subject, person, master_id, wrapped in self.run(sql, params)
        ]


class SQLiteKeyStore(KeyStore):
    """Keys in a file. It keeps no write-ahead log, so what is overwritten is gone from the disk."""

    def __init__(self, url: str, timeout: float = 30.0, synchronous: str = "full") -> None:
        self.path = file_of(url)
        super().__init__(self.path)
        self._timeout, self._synchronous = timeout, synchronous
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._within = False

    @property
    def exists(self) -> bool:
        if not Path(self.path).exists() or not Path(self.path).stat().st_size:
            return False
        return bool(self.run("SELECT 1 FROM sqlite_master WHERE name = 'keys_of_store'"))

    @property
    def writable(self) -> bool:
        return os.access(self.path, os.W_OK) and os.access(Path(self.path).parent, os.W_OK)

    def prepare(self) -> None:
        with suppress(FileExistsError), self._translated():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if not Path(self.path).stat().st_size:
            own(self.path)
        with self.writing():
            for table in _TABLES:
                self.run(table.format(bytes="BLOB"))

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._turn, self._translated():
            return self._connected().execute(sql, params).fetchall()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._turn, self._translated():
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            writable = self.writable
            uri = f"file:{quote(self.path)}?mode={'rw' if writable else 'ro'}"
            self._connection = connection = sqlite3.connect(
                uri, uri=True, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA secure_delete = ON")
            if writable:
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise
        except sqlite3.OperationalError as error:
            raise UnreachableStore(f"the store of keys {self.path} can't be used: {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise KeysRefused(f"the store of keys {self.path} can't be used: {error}") from error


class PostgresKeyStore(KeyStore):
    """Keys in a database of PostgreSQL that holds nothing else."""

    def __init__(self, url: str) -> None:
        from infra.store.postgres.connection import conninfo_of

        super().__init__(shown_url(url))
        self._conninfo = conninfo_of(url)
        self._turn = threading.RLock()
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def exists(self) -> bool:
        return self.run("SELECT to_regclass('keys_of_store')::text")[0][0] is not None

    def prepare(self) -> None:
        with self.writing():
            # Processes that begin at once take turns.
            self.run("SELECT pg_advisory_xact_lock(5135)")
            if self.run("SELECT to_regclass('stored_events')::text")[0][0] is not None:
                raise KeysRefused(
                    "RAPPORT_KEYS names a store of events: keys need a database of their own, which is backed up apart"
                )
            for table in _TABLES:
                self.run(table.format(bytes="BYTEA"))

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._turn, self._translated():
            cursor = self._connected().execute(sql.replace("?", "%s").encode(), params)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._turn, self._translated(), self._connected().transaction():
            if self.run("SELECT to_regclass('keys_of_store')::text")[0][0] is not None:
                self.run("LOCK TABLE keys_of_store IN SHARE ROW EXCLUSIVE MODE")
            yield

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> "psycopg.Connection[Any]":
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
        return self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            yield
        except psycopg.OperationalError as error:
            if self._connection is not None:
                self._connection.close()
            why = without_secrets(str(error).strip().partition("\n")[0], conninfo_to_dict(self._conninfo))
            raise UnreachableStore(
                f"the store of keys that RAPPORT_KEYS names can't be reached: check its address and its server ({why})"
            ) from error
        except psycopg.Error as error:
            raise KeysRefused(f"the store of keys can't be used: {type(error).__name__}") from error


def key_store(url: str, timeout: float = 30.0, synchronous: str = "full") -> KeyStore:
    """The store of keys at an address; nothing is opened yet.

    Raises:
        UnknownStore: The address names no database.
    """
    if url.startswith("sqlite:"):
        return SQLiteKeyStore(url, timeout, synchronous)
    if url.startswith(("postgresql:", "postgres:")):
        return PostgresKeyStore(url)
    raise UnknownStore("RAPPORT_KEYS names no store of keys: expected sqlite:///FILE or postgresql://USER@HOST/NAME")
