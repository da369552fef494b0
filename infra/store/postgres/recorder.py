"""The library's process recorder on our tables in PostgreSQL: one call of one function stores a batch with all that belongs to it."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import psycopg
from eventsourcing.persistence import (
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
    Tracking,
)
from eventsourcing.postgres import PostgresProcessRecorder
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from infra.store.hash_chain import SCHEMA_VERSION, Guard, Head, Offset, ReceiptRow, Spelling
from infra.store.postgres.append import Again, AppendCall, Later
from infra.store.postgres.arrays import TEXT
from infra.store.postgres.connection import Link, broken
from infra.store.postgres.listener import Listener
from infra.store.postgres.pool import Datastore
from infra.store.postgres.schema import check_encoding, migrate, version_of

PAGE: Final = 500
LAST: Final = 2**63 - 1

HEADS: Final = b"""
SELECT DISTINCT ON (originator_id) originator_id, originator_version, hash FROM stored_events
WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version DESC"""
# A transaction that was chosen to end for others to go on; nothing of it is stored.
_UNDONE: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class PostgresRecorder(PostgresProcessRecorder):
    """Events in the order of their positions, which is the order of their commits."""

    datastore: Datastore

    def __init__(self, datastore: Datastore, listener: Listener) -> None:
        super().__init__(datastore, events_table_name="stored_events", tracking_table_name="tracking")
        self.listener = listener
        self.max_notification_id_statement = SQL("SELECT MAX(position) FROM stored_events").format()

    def create_table(self) -> None:
        """Make the schema where there is none; raises `NewerStore`, `OlderStore`, `StoreError` and psycopg's errors."""
        with self.datastore.connect() as link, link.cursor(row_factory=tuple_row) as cursor:
            check_encoding(link)
            if version_of(cursor) != (SCHEMA_VERSION, True):
                with link.transaction():
                    migrate(cursor)
            self.datastore.settle(cursor)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """See the library's `ApplicationRecorder`."""
        after = 0 if start is None else start - inclusive_of_start
        statement = (
            b"SELECT position, originator_id, originator_version, topic, state FROM stored_events "
            b"WHERE position > $1 AND position <= $2 AND ($3 OR topic = ANY($4)) ORDER BY position LIMIT $5"
        )
        params = (after, LAST if stop is None else stop, not topics, TEXT.of(topics), limit)
        with self.datastore.get_connection() as link:
            found = link.plain.execute(statement, params, binary=True).fetchall()
        return [Notification(row[1], row[2], row[3], row[4], id=row[0]) for row in found]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PostgresSubscription":
        """Notifications as they come, from all processes."""
        return PostgresSubscription(self, gt, topics)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        heads: MutableMapping[str, Head] | None = None,
        receipts: Sequence[ReceiptRow] = (),
        spellings: Sequence[Spelling] = (),
        offsets: Sequence[Offset] = (),
        guard: Guard | None = None,
        **kwargs: Any,
    ) -> Sequence[int] | None:
        """Store events and what belongs with them in one transaction; their positions.

        Where the connection breaks it is made again, and what is stored tells whether the transaction had been committed.
        Raises the library's `IntegrityError` when a version, message id, offset or guarded stream is taken.
        """
        tracking = kwargs.get("tracking")
        if not (stored_events or receipts or offsets or tracking):
            return None
        if heads is None:
            heads = self._heads({str(event.originator_id) for event in stored_events})
        call = AppendCall(stored_events, heads, receipts, spellings, offsets, guard)
        return call.positions(self._stored(call, tracking))

    def begin_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        heads: MutableMapping[str, Head],
        receipts: Sequence[ReceiptRow] = (),
        spellings: Sequence[Spelling] = (),
        offsets: Sequence[Offset] = (),
        guard: Guard | None = None,
    ) -> Callable[[], Sequence[int]]:
        """The same begun. What is given has to be called: it waits for the end, and gives and raises what `insert_events` does.

        The server is at work meanwhile, unless the connection is new to the statement or the only one that is to be had.
        """
        call = AppendCall(stored_events, heads, receipts, spellings, offsets, guard)
        with ExitStack() as taken:
            link = taken.enter_context(self.datastore.get_connection())
            if not self.datastore.has_spare():
                return lambda: call.positions(self._stored(call))
            try:
                with _open_ended(call):
                    sent = call.send(link)
            except Again:
                return lambda: call.positions(self._stored(call))
            held = taken.pop_all()

        def end() -> Sequence[int]:
            try:
                with held, _open_ended(call):
                    last = call.appended(sent)
            except (Again, Later):
                last = self._stored(call)
            return call.positions(last)

        return end

    def _stored(self, call: AppendCall, tracking: Tracking | None = None) -> int:
        """The position of the last event once the batch is stored, in as many attempts as that takes."""
        return self.datastore.again(lambda: self._attempt(call, tracking), _interrupted)

    def _attempt(self, call: AppendCall, tracking: Tracking | None) -> int:
        with self.datastore.get_connection() as link, _open_ended(call):
            if call.lost and (last := call.committed(link)) is not None:
                return last
            try:
                if tracking is None:
                    return _append(call, link)
                with link.transaction(), link.cursor() as named:
                    self._insert_tracking(named, tracking)
                    return call.append(link)
            except (psycopg.IntegrityError, IntegrityError):
                # Perhaps it was ourselves, in an attempt whose end we did not hear of.
                if call.lost and (last := call.committed(link)) is not None:
                    return last
                raise

    def _heads(self, subjects: set[str]) -> dict[str, Head]:
        with self.datastore.get_connection() as link:
            found = link.plain.execute(HEADS, (TEXT.of(list(subjects)),), binary=True).fetchall()
        heads = {subject: Head(version, hash_) for subject, version, hash_ in found}
        return {subject: heads.get(subject, Head()) for subject in subjects}


def _append(call: AppendCall, link: Link) -> int:
    try:
        return call.append(link)
    except Later:
        return call.append_later(link)


@contextmanager
def _open_ended(call: AppendCall) -> Iterator[None]:
    """An attempt to store a call: an error that leaves open whether it was stored, or says that it was not, becomes `Again`."""
    try:
        yield
    except _UNDONE as error:
        raise Again(str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if not broken(error):
            raise
        call.lost = True
        raise Again(str(error)) from error


def _interrupted(error: Exception) -> bool:
    return isinstance(error, Again)


class PostgresSubscription(Subscription[PostgresRecorder]):
    """What is there and then what comes, page by page; between pages it waits for a word of a commit."""

    def __init__(self, recorder: PostgresRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._page: Iterator[Notification] = iter(())

    def __next__(self) -> Notification:
        """The next notification; waits for one. Ends when stopped."""
        listener = self._recorder.listener
        while not self._has_been_stopped:
            if found := next(self._page, None):
                self._last_notification_id = found.id
                return found
            mark = listener.mark()
            after = self._last_notification_id
            page = self._recorder.select_notifications(after, PAGE, None, self._topics, inclusive_of_start=False)
            self._page = iter(page)
            if not page:
                listener.wait_since(mark, 1.0)
        raise StopIteration
