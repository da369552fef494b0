"""One database, two kinds: a file of SQLite or a server of PostgreSQL, behind the same few calls.

Everything that must be committed together (events, receipts, offsets, projection rows, worker state) lives in one database and is
written through a `StoreSession`. SQL is written with `?` for parameters, in the subset that both kinds understand.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, ClassVar, Final, Literal, Self, Unpack

import orjson
from eventsourcing.persistence import ProcessRecorder, StoredEvent

from infra.store.hash_chain import Together

Kind = Literal["sqlite", "postgresql"]
# The roles of PostgreSQL that may be let into a dataset: `rapport_analyst` and `rapport_auditor`.
Reader = Literal["analyst", "auditor"]
# What transactions take turns at: appending to the log, handing out notifications.
Lock = Literal["appends", "notifications"]
Row = tuple[Any, ...]
# Keys in one statement; SQLite's limit is 32,766 parameters.
KEYS: Final = 400


class StoreSession(ABC):
    """One transaction on one connection; it ends with the `with` block that gave it.

    Parameters may be text, numbers, booleans, bytes, days, aware times and None. Rows come back as the database has
    them: SQLite gives times and days as text and booleans as 0 and 1 (`as_time` reads both kinds); json columns
    are written and read as text by both.
    """

    kind: ClassVar[Kind]

    @abstractmethod
    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows that it touched."""

    @abstractmethod
    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of the rows."""

    @abstractmethod
    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""

    @abstractmethod
    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[Row]:
        """The rows of a query one after the other, fetched `size` at a time: flat memory for results of any length."""

    def upsert(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Insert rows, or replace the other columns of those whose key is there already."""
        self.executemany(_upsert_sql(table, tuple(columns), tuple(key_columns)), rows)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows whose keys are new; the fastest way for many."""
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def insert_new(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Insert rows, but for those whose key is there already."""
        marks, key = ", ".join("?" * len(columns)), ", ".join(key_columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT ({key}) DO NOTHING"  # noqa: S608
        self.executemany(sql, rows)

    def update(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Change these columns of the rows with these keys, no key twice; each row has the columns first and then the key."""
        values = ", ".join(f"{column} = ?" for column in columns)
        where = " AND ".join(f"{column} = ?" for column in key_columns)
        self.executemany(f"UPDATE {table} SET {values} WHERE {where}", rows)  # noqa: S608 - names come from the code

    def delete(self, table: str, key_columns: Sequence[str], keys: Iterable[Sequence[Any]]) -> None:
        """Delete the rows with these keys."""
        where = " AND ".join(f"{column} = ?" for column in key_columns)
        self.executemany(f"DELETE FROM {table} WHERE {where}", keys)  # noqa: S608 - names come from the code

    def keyed(self, sql: str, keys: Collection[Sequence[str]], params: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query about many keys, all texts; the keys stand for the subquery `{keys}`, before all `?`.

        SQLite runs it once for every few hundred keys. Nothing comes of no keys.
        """
        left = list(keys)
        for start in range(0, len(left), KEYS):
            chunk = left[start : start + KEYS]
            mark = f"({', '.join('?' * len(chunk[0]))})"
            values = f"VALUES {', '.join([mark] * len(chunk))}"
            yield from self.query(sql.replace("{keys}", values), [*(part for key in chunk for part in key), *params])

    def read_any_text(self) -> None:  # noqa: B027 - PostgreSQL keeps no text that is none
        """From now on read a text that is not UTF-8 with marks (U+FFFD) where it can't be read, and raise no `UnreadableText`."""

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns in their order; none when there is no such table."""
        return [row[0] for row in self.query("SELECT name FROM pragma_table_info(?)", (table,))]

    def lock(self, name: Lock) -> None:  # noqa: B027 - SQLite has one writer at a time anyway
        """Be the only one with the lock of this name until the transaction ends; waits for who has it.

        On PostgreSQL writing transactions run side by side, so whatever reads rows in order to write them takes one.
        """

    def open_to(  # noqa: B027 - nobody logs in to a file
        self, relation: str, *readers: Reader, columns: Sequence[str] = ()
    ) -> None:
        """Let analysts or auditors read a table or view, or these columns of it alone. Its maker says so, at each start."""

    def let_call(self, function: str, *readers: Reader) -> None:  # noqa: B027 - nobody logs in to a file
        """Let analysts or auditors call a function without parameters. Its maker says so, at each start."""


class Database(ABC):
    """An open database. Threads may share it; each transaction has a connection of its own while it lasts."""

    kind: ClassVar[Kind]
    # Column types in DDL by our words: text, integer (64 bits), real, boolean, time, day, json, list, blob.
    types: ClassVar[Mapping[str, str]]
    url: str
    # False for the login of an auditor, who reads the record and adds nothing to it.
    may_append: bool = True
    # Whether an append that was begun goes on while its writer does something else: a server works by itself, a file does not.
    overlaps: ClassVar[bool] = False
    # A subclass of the library's, which its own test cases ask; `insert_events` takes the keywords of `Together`.
    recorder: ProcessRecorder

    @abstractmethod
    def transaction(self) -> AbstractContextManager[StoreSession]:
        """A writing transaction: commits at the end of the block, rolls back when the block raises."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[StoreSession]:
        """A reading transaction: sees one state of the database throughout, writes nothing."""

    def changing_schema(self) -> AbstractContextManager[StoreSession]:
        """A writing transaction in which tables are made or changed; processes that start at once take turns."""
        return self.transaction()

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of one query in a reading of its own."""
        with self.reading() as session:
            return session.query(sql, params)

    def keyed(self, sql: str, keys: Collection[Sequence[str]], params: Sequence[Any] = ()) -> list[Row]:
        """All rows of one query about many keys in a reading of its own; see `StoreSession.keyed`."""
        with self.reading() as session:
            return list(session.keyed(sql, keys, params))

    @abstractmethod
    def insert_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Sequence[int]:
        """Store events and what belongs with them in one transaction; their positions. Raises `Conflict`."""

    def begin_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Callable[[], Sequence[int]]:
        """The same begun. What is given has to be called once: it waits for the end, and gives and raises what `insert_events` does."""
        return partial(self.insert_events, events, **together)

    def ping(self) -> None:
        """Raise `StoreError`, soon and with the reason, if the database can't be read now."""
        self.query("SELECT MAX(position) FROM stored_events")

    def hurry_when(self, stopping: Callable[[], bool]) -> None:  # noqa: B027 - a file is there or it is not
        """While this says so, wait for no server that is away: a process that was asked to stop must not."""

    @abstractmethod
    def mark(self) -> Hashable:
        """The present moment in the stream of commits, for `wait_since`."""

    @abstractmethod
    def wait_since(self, mark: Hashable, timeout: float) -> bool:
        """Sleep until some process may have committed since the mark (True), or for `timeout` seconds (False)."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections and files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def time_text(value: datetime) -> str:
    """A time as SQLite keeps it: UTC, always six digits of a second, so that texts sort as the times do."""
    # Nearly every time of ours is in UTC already.
    return _utc_text(value if value.tzinfo is UTC else value.astimezone(UTC))


@lru_cache(maxsize=4096)
def _utc_text(value: datetime) -> str:
    """The rows of a batch share most of their times."""
    return value.isoformat(timespec="microseconds")[:-6] + "Z"


@lru_cache(maxsize=4096)
def list_text(values: tuple[str | int, ...]) -> str:
    """A list as the JSON text of a column, where few different ones come again and again: clauses, versions of events."""
    return orjson.dumps(values).decode()


@lru_cache(maxsize=4096)
def as_list(text: str) -> tuple[Any, ...]:
    """The list of `list_text`, read again."""
    return tuple(orjson.loads(text))


def as_time(value: str | datetime) -> datetime:
    """A time read from either kind of database, aware, in UTC."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


@lru_cache(maxsize=256)
def _upsert_sql(table: str, columns: tuple[str, ...], key_columns: tuple[str, ...]) -> str:
    rest = [column for column in columns if column not in key_columns]
    then = f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}" if rest else "NOTHING"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(key_columns)}) DO {then}"
    )
