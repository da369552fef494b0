"""An append to a file of SQLite from beginning to end: one transaction, and all that belongs together in it.

Read from top to bottom: take the write lock, make sure that what the decision relied on still holds, link the events to the
hash chain, store them with their receipts, first spellings and offsets, commit.
"""

from collections.abc import Callable, Sequence
from typing import Final, Unpack

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteCursor, SQLiteDatastore

from infra.store.hash_chain import Fenced, Guard, Head, Offset, Together, chained, recorded_time

INSERT_EVENT: Final = (
    "INSERT INTO stored_events (originator_id, originator_version, topic, state, hash) VALUES (?, ?, ?, ?, ?)"
)
INSERT_RECEIPT: Final = "INSERT INTO receipts VALUES (?, ?, ?, ?)"
INSERT_SPELLING: Final = "INSERT INTO spellings VALUES (?, ?)"
# Touches no row where the source is further already, or has a newer generation of consumers.
INSERT_OFFSET: Final = (
    "INSERT INTO source_offsets VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next, "
    "generation = excluded.generation WHERE generation <= excluded.generation AND next < excluded.next"
)
# Not DISTINCT: with it SQLite would walk the whole index of streams.
SINCE: Final = "SELECT originator_id, position FROM stored_events WHERE position > ?"
STATE_AT: Final = "SELECT state FROM stored_events WHERE position = ?"


def append(
    datastore: SQLiteDatastore,
    events: Sequence[StoredEvent],
    note: Callable[[SQLiteCursor], object] | None = None,
    **together: Unpack[Together],
) -> list[int]:
    """Store events and what belongs with them in one transaction; `note` may write to it as well. Returns their positions.

    Raises:
        Changed: A stream that the decision relied on has got events meanwhile.
        Fenced: An offset comes too late, or from an older generation.
        PersistenceError: The library's errors, `IntegrityError` where a version, message id or spelling is taken.
    """
    guard = together.get("guard")
    # The write lock is taken at once, and held until the commit: nobody else appends meanwhile.
    with datastore.transaction(commit=True) as c:
        if guard is not None:
            events = _guarded(c, events, guard)
        heads = together.get("heads")
        if heads is None:
            heads = _heads(c, {str(event.originator_id) for event in events})
        c.executemany(INSERT_EVENT, chained(events, heads))
        positions = _positions(c, len(events))
        if guard is not None and positions:
            guard.position = positions[-1]
        c.executemany(INSERT_RECEIPT, together.get("receipts", ()))
        c.executemany(INSERT_SPELLING, together.get("spellings", ()))
        for offset in together.get("offsets", ()):
            _move(c, offset)
        if note is not None:
            note(c)
    return positions


def _guarded(c: SQLiteCursor, events: Sequence[StoredEvent], guard: Guard) -> Sequence[StoredEvent]:
    """The events, recorded no earlier than what others appended since the guard's position. Raises `Changed`."""
    c.execute(SINCE, (guard.position,))
    rows = c.fetchall()
    guard.check(row[0] for row in rows)
    if not rows:
        return events
    guard.position = max(row[1] for row in rows)
    c.execute(STATE_AT, (guard.position,))
    return guard.restamped(events, recorded_time(c.fetchone()[0]))


def _heads(c: SQLiteCursor, subjects: set[str]) -> dict[str, Head]:
    # With MAX, SQLite takes the bare column `hash` from the row of the maximum.
    marks = ", ".join("?" * len(subjects))
    c.execute(
        "SELECT originator_id, MAX(originator_version), hash FROM stored_events "  # noqa: S608 - only marks
        f"WHERE originator_id IN ({marks}) GROUP BY originator_id",
        list(subjects),
    )
    found = {row[0]: Head(row[1], row[2]) for row in c.fetchall()}
    return {subject: found.get(subject, Head()) for subject in subjects}


def _positions(c: SQLiteCursor, count: int) -> list[int]:
    # The write lock is ours, so the positions of one transaction follow one another.
    if not count:
        return []
    c.execute("SELECT last_insert_rowid()")
    last = c.fetchone()[0]
    return list(range(last - count + 1, last + 1))


def _move(c: SQLiteCursor, offset: Offset) -> None:
    """Note how far a source has been read. Raises `Fenced`."""
    c.execute(INSERT_OFFSET, offset)
    if c.sqlite_cursor.rowcount == 0:
        raise Fenced(f"{offset.name}: offset {offset.next} of generation {offset.generation} comes too late")
