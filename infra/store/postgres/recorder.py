"""The library's process recorder on our tables in PostgreSQL: how they are made and read.

What is appended, and how: `infra/store/postgres/append.py`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from eventsourcing.persistence import (
    Notification,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import PostgresProcessRecorder
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from infra.store.hash_chain import SCHEMA_VERSION
from infra.store.postgres.append import append
from infra.store.postgres.arrays import TEXT
from infra.store.postgres.listener import Listener
from infra.store.postgres.pool import Datastore
from infra.store.postgres.roles import may_give
from infra.store.postgres.schema import check_encoding, migrate, version_of

PAGE: Final = 500
LAST: Final = 2**63 - 1


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
            if version_of(cursor) != (SCHEMA_VERSION, True) or may_give(cursor):
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

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """The library's name for `append`; its `tracking` is noted in the same transaction."""
        tracking = kwargs.pop("tracking", None)
        note = partial(self._insert_tracking, tracking=tracking) if tracking else None
        return append(self.datastore, stored_events, note, **kwargs) or None


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
