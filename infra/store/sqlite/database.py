"""The store as one file of SQLite: write-ahead log, writers one after the other, full synchronisation unless told otherwise."""

import sqlite3
import threading
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Unpack

from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.sqlite import SQLiteConnection, SQLiteCursor, SQLiteDatastore, SQLiteTransaction

from infra.store.address import file_of
from infra.store.errors import (
    BusyStore,
    Conflict,
    DamagedStore,
    FencedSource,
    FullStore,
    ReadOnlyStore,
    StoreError,
    UnreadableText,
    Unstorable,
    told_to_people,
)
from infra.store.hash_chain import Changed, Fenced, Together
from infra.store.session import Database, Kind, Row, StoreSession, time_text
from infra.store.sqlite.append import append
from infra.store.sqlite.commit_watch import CommitWatch
from infra.store.sqlite.recorder import SQLiteRecorder
from infra.store.sqlite_file import OpenFile, existing_uri, prepare_file, read_only_uri

Synchronous = Literal["full", "normal", "off"]
CACHE_KIB: Final = 32 * 1024
# Pages in the log before they go to the file; rewriting a page often in the log costs less than writing it back each time.
CHECKPOINT_PAGES: Final = 8000

# How SQLite's driver says that a value of type text is none.
_NO_TEXT: Final = "Could not decode to UTF-8"
_ANY_TEXT: Final = partial(str, encoding="utf-8", errors="replace")

# SQLite has no type for times: texts of one fixed form sort as the times do.
sqlite3.register_adapter(datetime, time_text)


class SQLiteSession(StoreSession):
    """A transaction on one connection of the pool."""

    kind: ClassVar[Kind] = "sqlite"

    def __init__(self, cursor: SQLiteCursor) -> None:
        self.cursor = cursor
        self._plain = cursor.sqlite_cursor.connection.cursor()
        self._plain.row_factory = None

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._plain.execute(sql, params).rowcount

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._plain.executemany(sql, rows)

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._plain.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            _raise_if_no_text(error)
            raise

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[Row]:
        cursor = self._plain.connection.cursor()
        cursor.row_factory = None
        try:
            rows = cursor.execute(sql, params).fetchmany(size)
            while rows:
                yield from rows
                rows = cursor.fetchmany(size)
        except sqlite3.OperationalError as error:
            _raise_if_no_text(error)
            raise

    def read_any_text(self) -> None:
        self._plain.connection.text_factory = _ANY_TEXT

    def ended(self) -> None:
        """The connection goes back to the pool as it was."""
        self._plain.connection.text_factory = str


class _Transaction(SQLiteTransaction):
    """Writers take the lock at once: a transaction that reads first and writes later could fail in the middle."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Datastore(SQLiteDatastore):
    """The library's datastore with connections kept for reuse; a writer that waits does not hold up the readers."""

    def __init__(
        self, path: str, synchronous: Synchronous, timeout: float, *, read_only: bool
    ) -> None:  # the library's opens a pool
        self.path = path
        self.read_only = read_only
        self.synchronous = synchronous
        self.timeout = timeout
        self.single_row_tracking = True
        self.originator_id_type = "text"
        self._idle: list[SQLiteConnection] = []
        self._writing = threading.Lock()
        self._closed = False
        self.file = OpenFile(path)

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        if self._closed:
            raise OperationalError("the store is closed")
        if commit and self.read_only:
            raise OperationalError("attempt to write a readonly database")
        turn = self._turn() if commit else nullcontext()
        with turn, self._connection() as connection, _Transaction(connection, commit=commit) as cursor, cursor:
            yield cursor
            if commit:
                self.file.check()

    def rows(self, sql: str, params: Sequence[Any]) -> list[Row]:
        """All rows of one query: one statement sees one state of the file without a transaction around it."""
        if self._closed:
            raise OperationalError("the store is closed")
        with self._connection() as connection:
            cursor = connection.cursor().sqlite_cursor
            cursor.row_factory = None
            return cursor.execute(sql, params).fetchall()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=self.timeout):
            raise OperationalError("database is locked by another thread")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _connection(self) -> Iterator[SQLiteConnection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            self.file.check()
            connection = SQLiteConnection(
                connect(self.path, self.synchronous, self.timeout, read_only=self.read_only), max_age=None
            )
        try:
            yield connection
        finally:
            if self._closed:
                connection._close()  # noqa: SLF001 - the library's name for closing now
            else:
                self._idle.append(connection)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop()._close()  # noqa: SLF001 - the library's name for closing now


def connect(path: str, synchronous: Synchronous, timeout: float, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with Rapport's pragmas to a store that `prepare_file` has made; raises what sqlite3 raises."""
    connection = sqlite3.connect(
        read_only_uri(path) if read_only else existing_uri(path),
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        if not read_only:
            _set_wal(connection, timeout)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def _set_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # Switching a new file to WAL ignores the busy time-out when two processes do it at once.
    until = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


class SQLiteDatabase(Database):
    """See `Database`. The URL is `sqlite:///FILE`; an absolute file makes that four slashes."""

    kind: ClassVar[Kind] = "sqlite"
    types: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "text": "TEXT",
            "integer": "INTEGER",
            "real": "REAL",
            "boolean": "INTEGER",
            "time": "TEXT",
            "day": "TEXT",
            "json": "TEXT",
            "list": "TEXT",
            "blob": "BLOB",
        }
    )

    def __init__(self, url: str, *, synchronous: Synchronous = "full", timeout: float = 30.0) -> None:
        self.url = url
        self.path = file_of(url)
        self._watching = threading.Lock()
        with explained(self.path):
            read_only = prepare_file(self.path, timeout)
            self.datastore = _Datastore(self.path, synchronous, timeout, read_only=read_only)
            self.recorder = SQLiteRecorder(self.datastore)
            self.recorder.create_table()
            self._watcher = connect(self.path, synchronous, timeout, read_only=read_only)
        self._commits = CommitWatch(self.path, self.mark)

    @contextmanager
    def transaction(self) -> Iterator[SQLiteSession]:
        with self._session(commit=True) as session:
            yield session
        self._commits.notify()

    @contextmanager
    def reading(self) -> Iterator[SQLiteSession]:
        with self._session(commit=False) as session:
            yield session

    @contextmanager
    def _session(self, *, commit: bool) -> Iterator[SQLiteSession]:
        with explained(self.path), self.datastore.transaction(commit=commit) as cursor:
            session = SQLiteSession(cursor)
            try:
                yield session
            finally:
                session.ended()

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        with explained(self.path):
            return self.datastore.rows(sql, params)

    def insert_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Sequence[int]:
        with explained(self.path):
            positions = append(self.datastore, events, **together)
        self._commits.notify()
        return positions

    def ping(self) -> None:
        self.datastore.file.check()
        super().ping()

    def mark(self) -> int:
        """The commit counter of the file, which moves with every commit of any other connection."""
        with self._watching, explained(self.path):
            return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def wait_since(self, mark: Hashable, timeout: float) -> bool:
        assert isinstance(mark, int), "a mark of this database is a number"
        return self._commits.wait_since(mark, timeout)

    def close(self) -> None:
        self._commits.close()
        self.datastore.close()
        self._watcher.close()


def _raise_if_no_text(error: sqlite3.OperationalError) -> None:
    """Say what is wrong with a text, but not what it says: that may be content."""
    said = str(error)
    if said.startswith(_NO_TEXT):
        raise UnreadableText(f"a text in the store can't be read: {said.partition(' with text ')[0]}") from None


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what SQLite and the library raise into a `StoreError` for people."""
    try:
        yield
    except (sqlite3.Error, PersistenceError) as error:
        raise told_to_people(explain(error, path), error) from error


def explain(error: Exception, path: str) -> StoreError:
    """What an error of SQLite means for the store in this file."""
    text = str(error)
    if isinstance(error, Fenced):
        return FencedSource(text)
    if isinstance(error, sqlite3.IntegrityError | IntegrityError):
        is_conflict = isinstance(error, Changed) or "UNIQUE" in text
        return Conflict(text) if is_conflict else Unstorable(f"{path}: {text}")
    if isinstance(error, sqlite3.DataError | DataError | sqlite3.InterfaceError | InterfaceError):
        return Unstorable(f"{path}: {text}")
    if text.startswith(_NO_TEXT):
        return UnreadableText(f"{path}: a text in the store can't be read: {text.partition(' with text ')[0]}")
    if "full" in text or "disk I/O error" in text:
        return FullStore(f"{path}: could not write ({text}): the disk may be full; what was recorded before is intact")
    if "locked" in text or "Timed out" in text:
        return BusyStore(f"{path}: another process kept the store locked ({text})")
    if "malformed" in text or "not a database" in text or "no such table: stored_events" in text:
        return DamagedStore(f"{path}: the store is damaged or not a Rapport store ({text})")
    if "readonly" in text or "read-only" in text.lower():
        return ReadOnlyStore(
            f"{path}: the store can be read and not written: this user has no right to write the file or its folder"
        )
    if "unable to open" in text:
        return StoreError(f"{path}: the store can't be opened: its file or folder may be closed to this user ({text})")
    return StoreError(f"{path}: {text}")
