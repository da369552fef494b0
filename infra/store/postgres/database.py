"""The store on a server of PostgreSQL: writers of many processes append one after the other, readers hold up nobody."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, Unpack

import psycopg
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from infra.store.address import without_secrets
from infra.store.errors import (
    BusyStore,
    Conflict,
    DamagedStore,
    FencedSource,
    FullStore,
    ReadOnlyStore,
    StoreError,
    UnreachableStore,
    Unstorable,
    told_to_people,
)
from infra.store.hash_chain import Fenced, Together
from infra.store.postgres.append import Interrupted, append, begin
from infra.store.postgres.arrays import TYPES
from infra.store.postgres.connection import Link, broken
from infra.store.postgres.listener import Listener
from infra.store.postgres.pool import Datastore
from infra.store.postgres.recorder import PostgresRecorder
from infra.store.postgres.schema import LOCK_SCHEMA
from infra.store.postgres.session import PostgresSession, Shapes
from infra.store.session import Database, Kind, Row, StoreSession

# What a server does by its settings or an administrator's order to a statement, transaction or session that is in order itself.
STOPPED: Final = {
    "57014": "statement_timeout, or somebody who cancelled it",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "57P05": "idle_session_timeout",
}
PING_SECONDS: Final = 1.0
WRITE: Final = b"BEGIN"
# A reader may take its time, for instance when what reads its output does.
READ: Final = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0"


class PostgresDatabase(Database):
    """See `Database`. The URL is libpq's, with `sslmode`, `sslrootcert` and whatever else it knows in its query."""

    kind: ClassVar[Kind] = "postgresql"
    types: ClassVar[Mapping[str, str]] = TYPES
    overlaps: ClassVar[bool] = True
    recorder: PostgresRecorder

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url
        self.datastore = Datastore(url, timeout)
        self.listener = Listener(self.datastore)
        self.recorder = PostgresRecorder(self.datastore, self.listener)
        self._shapes: Shapes = {}
        with self._explained():
            self.datastore.again(self.recorder.create_table, _starting)
        [(self.may_append,)] = self.query("SELECT has_table_privilege('stored_events', 'INSERT')")

    @contextmanager
    def transaction(self) -> Iterator[StoreSession]:
        with self._explained(), self._begun(WRITE) as link:
            yield PostgresSession(link, self._shapes)

    @contextmanager
    def reading(self) -> Iterator[StoreSession]:
        with self._explained(), self._begun(READ) as link:
            yield PostgresSession(link, self._shapes)

    @contextmanager
    def changing_schema(self) -> Iterator[StoreSession]:
        with self.transaction() as session:
            session.execute(LOCK_SCHEMA)
            yield session

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._at_once(lambda session: session.query(sql, params))

    def keyed(self, sql: str, keys: Collection[Sequence[str]], params: Sequence[Any] = ()) -> list[Row]:
        return self._at_once(lambda session: list(session.keyed(sql, keys, params)))

    def insert_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Sequence[int]:
        with self._explained():
            return append(self.datastore, events, **together)

    def begin_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Callable[[], Sequence[int]]:
        with self._explained():
            end = begin(self.datastore, events, **together)

        def explained() -> Sequence[int]:
            with self._explained():
                return end()

        return explained

    def ping(self) -> None:
        with self._explained():
            link = self.datastore.take(PING_SECONDS)
            try:
                link.execute(b"SELECT 1")
            finally:
                self.datastore.give_back(link)

    def hurry_when(self, stopping: Callable[[], bool]) -> None:
        self.datastore.hurried = stopping

    def mark(self) -> Hashable:
        """What was heard so far of appends; only appends are told, not the writing of tables."""
        return self.listener.mark()

    def wait_since(self, mark: Hashable, timeout: float) -> bool:
        return self.listener.wait_since(mark, timeout)

    def close(self) -> None:
        self.listener.close()
        self.datastore.pool.close()

    def _at_once(self, read: Callable[[StoreSession], list[Row]]) -> list[Row]:
        """One statement sees one state of the database without a transaction around it: one round trip instead of three."""

        def once() -> list[Row]:
            with self.datastore.link() as link:
                return read(PostgresSession(link, self._shapes))

        with self._explained():
            return self.datastore.again(once, broken)

    @contextmanager
    def _begun(self, begin: bytes) -> Iterator[Link]:
        """A transaction on a connection of the pool. One that turns out broken at the start is replaced."""
        link = self._begin(begin)
        try:
            try:
                yield link
            except BaseException:
                with suppress(psycopg.Error):
                    link.execute(b"ROLLBACK")
                raise
            if link.pgconn.transaction_status == TransactionStatus.INERROR:
                link.execute(b"ROLLBACK")
                raise StoreError("a statement of the transaction failed and nobody minded; nothing was written")
            link.execute(b"COMMIT")
        finally:
            self.datastore.give_back(link)

    def _begin(self, begin: bytes) -> Link:
        def once() -> Link:
            link = self.datastore.take()
            try:
                link.execute(begin)
            except BaseException:
                self.datastore.give_back(link)
                raise
            return link

        return self.datastore.again(once, broken)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, PersistenceError, Interrupted) as error:
            raise told_to_people(explain(error, self.datastore.place, self.datastore.conninfo), error) from error


def _starting(error: Exception) -> bool:
    # An error of connecting has no state, only its text.
    return isinstance(error, psycopg.OperationalError) and "starting up" in str(error)


def explain(error: Exception, place: str, conninfo: str = "") -> StoreError:
    """What an error of psycopg or of the library means for the store at this place."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    text = without_secrets(str(cause).strip().partition("\n")[0], conninfo_to_dict(conninfo))
    state = (cause.sqlstate if isinstance(cause, psycopg.Error) else None) or ""
    if isinstance(error, Fenced):
        return FencedSource(str(error))
    # A value of which the server or its driver says that it can't be stored: malformed, too long for an index, against a check.
    if isinstance(cause, psycopg.DataError) or state.startswith("22") or state in {"54000", "23502", "23514"}:
        return Unstorable(f"{place}: {text}")
    if isinstance(error, IntegrityError) or state.startswith("23") or state in {"40001", "40P01"}:
        return Conflict(text)
    if state in {"53100", "53200"}:
        return FullStore(f"{place}: could not write ({text}); what was recorded before is intact")
    if state == "55P03":
        return BusyStore(f"{place}: somebody else kept a lock for too long ({text})")
    if state in STOPPED:
        return StoreError(f"{place}: the server stopped it: {STOPPED[state]} ({text}); nothing of it was written")
    if state in {"XX001", "XX002"}:
        return DamagedStore(f"{place}: PostgreSQL says that the data is damaged ({text})")
    if state == "25006":
        return ReadOnlyStore(
            f"{place}: nothing can be written ({text}): the server is a standby, or default_transaction_read_only is on"
        )
    if state == "42501":
        return ReadOnlyStore(f"{place}: this user may not do that ({text})")
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | Interrupted):
        return UnreachableStore(f"{place}: PostgreSQL can't be reached ({text})")
    return StoreError(f"{place}: {text}")
