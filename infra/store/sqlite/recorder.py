"""The tables of the record in a file of SQLite, and the library's process recorder on them: how they are made and read.

What is appended, and how: `infra/store/sqlite/append.py`.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from eventsourcing.persistence import Notification, StoredEvent, Subscription
from eventsourcing.sqlite import SQLiteCursor, SQLiteDatastore, SQLiteProcessRecorder

from infra.store import attempts, proposals, reads, state_snapshots
from infra.store.hash_chain import SCHEMA_VERSION, check_version
from infra.store.identity import new_identity
from infra.store.sqlite.append import append

EVENTS: Final = """
CREATE TABLE IF NOT EXISTS stored_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    hash BLOB NOT NULL,
    leaf INTEGER NOT NULL,
    UNIQUE (originator_id, originator_version)
)"""
RECEIPTS: Final = """
CREATE TABLE IF NOT EXISTS receipts (
    leaf INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    source TEXT NOT NULL,
    message_id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    UNIQUE (source, message_id)
)"""
# The Merkle tree (infra/store/merkle.py). A leaf has its number in the row that it stands for as well.
LEAVES: Final = """
CREATE TABLE tree_leaves (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
)"""
NODES: Final = """
CREATE TABLE tree_nodes (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, number)
) WITHOUT ROWID"""
FRONTIER: Final = """
CREATE TABLE tree_frontier (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    size INTEGER NOT NULL,
    roots BLOB NOT NULL
)"""
NO_LEAVES: Final = "INSERT INTO tree_frontier (only_row, size, roots) VALUES (1, 0, x'')"
OFFSETS: Final = """
CREATE TABLE IF NOT EXISTS source_offsets (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL,
    generation INTEGER NOT NULL
)"""
# The first spelling of each id, by what all its spellings have in common.
SPELLINGS: Final = """
CREATE TABLE IF NOT EXISTS spellings (
    key TEXT NOT NULL PRIMARY KEY,
    spelling TEXT NOT NULL
) WITHOUT ROWID"""
# The library's own, for its process recorder: one row an application, which it recognises by the first row.
TRACKING: Final = """
CREATE TABLE IF NOT EXISTS tracking (
    application_name TEXT NOT NULL PRIMARY KEY,
    notification_id INTEGER
) WITHOUT ROWID"""
TRACKING_KIND: Final = "INSERT OR IGNORE INTO tracking VALUES ('__migration__', 1)"
IDENTITY: Final = """
CREATE TABLE store_identity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL,
    secret BLOB NOT NULL
)"""
CLOCKS: Final = """
CREATE TABLE store_clocks (
    clock TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    at TEXT NOT NULL
)"""
BIRTH: Final = "INSERT INTO store_identity (only_row, id, secret) VALUES (1, ?, ?)"
SCHEMA: Final = (
    *(EVENTS, *proposals.indexes("sqlite")),
    *(RECEIPTS, attempts.index("sqlite"), LEAVES, NODES, FRONTIER, NO_LEAVES),
    *(OFFSETS, SPELLINGS, TRACKING, TRACKING_KIND, IDENTITY, CLOCKS),
    *reads.SQLITE,
    *state_snapshots.SQLITE,
)

LAST: Final = 2**63 - 1
LOOK_SECONDS: Final = 0.02
PAGE: Final = 500


class SQLiteRecorder(SQLiteProcessRecorder):
    """Events in the order of their positions, which are never used twice."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore)
        self.select_max_notification_id_statement = "SELECT MAX(position) FROM stored_events"

    def create_table(self) -> None:
        """Make the schema of a new store; raises `NewerStore` and `OlderStore` for one of another Rapport."""
        # Looked at first: who only reads needs neither the lock nor the right to write.
        with self.datastore.transaction(commit=False) as c:
            if check_version(_version(c)):
                return
        with self.datastore.transaction(commit=True) as c:
            if check_version(_version(c)):
                return
            for statement in SCHEMA:
                c.execute(statement)
            c.execute(BIRTH, new_identity())
            c.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """See the library's `ApplicationRecorder`; the position is a column of its own here."""
        after = 0 if start is None else start - inclusive_of_start
        among = f"AND topic IN ({', '.join('?' * len(topics))}) " if topics else ""
        statement = (
            "SELECT position, originator_id, originator_version, topic, state FROM stored_events "  # noqa: S608
            f"WHERE position > ? AND position <= ? {among}ORDER BY position LIMIT ?"
        )
        with self.datastore.transaction(commit=False) as c:
            c.execute(statement, (after, LAST if stop is None else stop, *topics, limit))
            return [Notification(row[1], row[2], row[3], row[4], id=row[0]) for row in c.fetchall()]

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "SQLiteSubscription":
        """Notifications as they come, from all processes; looks every 20 ms."""
        return SQLiteSubscription(self, gt, topics)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """The library's name for `append`; its `tracking` is noted in the same transaction."""
        tracking = kwargs.pop("tracking", None)
        note = partial(self._insert_tracking, tracking=tracking) if tracking else None
        return append(self.datastore, stored_events, note, **kwargs)


def _version(c: SQLiteCursor) -> int:
    c.execute("PRAGMA user_version")
    version: int = c.fetchone()[0]
    return version


class SQLiteSubscription(Subscription[SQLiteRecorder]):
    """What the library's own recorder for SQLite lacks."""

    def __init__(self, recorder: SQLiteRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._page: Iterator[Notification] = iter(())

    def __next__(self) -> Notification:
        """The next notification; waits for one. Ends when stopped."""
        while not self._has_been_stopped:
            if found := next(self._page, None):
                self._last_notification_id = found.id
                return found
            after = self._last_notification_id
            page = self._recorder.select_notifications(after, PAGE, None, self._topics, inclusive_of_start=False)
            self._page = iter(page)
            if not page:
                time.sleep(LOOK_SECONDS)
        raise StopIteration
