"""One state of the database, looked at for as long as it takes: for questions whose answers must fit together.

Everything that is read through the store of a snapshot is read in one transaction (a deferred one of SQLite in its
write-ahead log, a repeatable read of PostgreSQL), however much is written meanwhile.
"""

import re
from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, NoReturn, Unpack

from eventsourcing.persistence import StoredEvent

from infra.store.errors import StoreError
from infra.store.hash_chain import Together
from infra.store.log import EventStore
from infra.store.session import Database, Row, StoreSession

_SNAPSHOT: Final = re.compile("[0-9A-Fa-f-]+")


@contextmanager
def snapshot(store: EventStore, shared: str | None = None) -> Iterator[EventStore]:
    """The store as it is now, or as it was in the snapshot that is `shared` (`exported`); to be read only. Raises `StoreError`."""
    with store.database.reading() as session:
        if shared is not None:
            if not _SNAPSHOT.fullmatch(shared):
                raise StoreError("that is no snapshot of PostgreSQL")
            session.execute(f"SET TRANSACTION SNAPSHOT '{shared}'")
        # A transaction of SQLite sees the state of its first look.
        session.query("SELECT MAX(position) FROM stored_events")
        yield EventStore(Frozen(store.database, session), store.mapper)


def exported(frozen: EventStore) -> str | None:
    """The name under which other processes see the same snapshot while it lasts; None where the database has no such thing."""
    if frozen.database.kind == "sqlite":
        return None
    [(name,)] = frozen.database.query("SELECT pg_export_snapshot()")
    return str(name)


class Frozen(Database):
    """A database of which every reading is the same one."""

    def __init__(self, database: Database, session: StoreSession) -> None:
        self.kind, self.types, self.url = database.kind, database.types, database.url  # type: ignore[misc]
        self.may_append = database.may_append
        self._session = session

    def reading(self) -> AbstractContextManager[StoreSession]:
        return nullcontext(self._session)

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._session.query(sql, params)

    def keyed(self, sql: str, keys: Collection[Sequence[str]], params: Sequence[Any] = ()) -> list[Row]:
        return list(self._session.keyed(sql, keys, params))

    def transaction(self) -> NoReturn:
        raise AssertionError("a snapshot is only read")

    def insert_events(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> NoReturn:  # noqa: ARG002 - refused
        raise AssertionError("a snapshot is only read")

    def mark(self) -> Hashable:
        return 0

    def wait_since(self, mark: Hashable, timeout: float) -> bool:  # noqa: ARG002 - nothing will happen
        return False

    def close(self) -> None:
        """The transaction ends with its block."""
