"""An append to a file of SQLite from beginning to end: one transaction, and all that belongs together in it.

Read from top to bottom: take the write lock, make sure that what the decision relied on still holds, link the events to the
hash chain, store them with their receipts as leaves of the tree, with first spellings and offsets, commit.
"""

from collections.abc import Callable, Sequence
from typing import Final, Unpack

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteCursor, SQLiteDatastore

from infra.store.hash_chain import (
    ChainedEvent,
    Fenced,
    Guard,
    Head,
    Offset,
    ReceiptRow,
    Together,
    chained,
    recorded_time,
)
from infra.store.merkle import Frontier, event_leaf, places, receipt_digest, receipt_leaf

INSERT_EVENT: Final = (
    "INSERT INTO stored_events (originator_id, originator_version, topic, state, hash, leaf) VALUES (?, ?, ?, ?, ?, ?)"
)
INSERT_RECEIPT: Final = (
    "INSERT INTO receipts (leaf, position, source, message_id, fingerprint, answer) VALUES (?, ?, ?, ?, ?, ?)"
)
INSERT_LEAF: Final = "INSERT INTO tree_leaves (number, hash) VALUES (?, ?)"
INSERT_NODE: Final = "INSERT INTO tree_nodes (level, number, hash) VALUES (?, ?, ?)"
FRONTIER: Final = "SELECT size, roots FROM tree_frontier"
MOVE_FRONTIER: Final = "UPDATE tree_frontier SET size = ?, roots = ?"
# Others may have made the same known; only another spelling is a conflict.
INSERT_SPELLING: Final = (
    "INSERT INTO spellings SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM spellings WHERE key = ?1 AND spelling = ?2)"
)
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
        PersistenceError: The library's errors, `IntegrityError` where a version or message id is taken or an id spelled otherwise.
    """
    guard = together.get("guard")
    # The write lock is taken at once, and held until the commit: nobody else appends meanwhile.
    with datastore.transaction(commit=True) as c:
        if guard is not None:
            events = _guarded(c, events, guard)
        heads = together.get("heads")
        if heads is None:
            heads = _heads(c, {str(event.originator_id) for event in events})
        positions = _stored(c, chained(events, heads), together.get("receipts", ()))
        if guard is not None and positions:
            guard.position = positions[-1]
        c.executemany(INSERT_SPELLING, together.get("spellings", ()))
        for offset in together.get("offsets", ()):
            _move(c, offset)
        if note is not None:
            note(c)
    return positions


def _stored(c: SQLiteCursor, events: Sequence[ChainedEvent], receipts: Sequence[ReceiptRow]) -> list[int]:
    """Store events and receipts, each as a leaf of the tree; the positions of the events."""
    if not events and not receipts:
        return []
    c.execute(FRONTIER)
    frontier = Frontier.of(*c.fetchone())
    size = frontier.size
    before_events, before_receipts, after = places(len(events), receipts)
    c.executemany(INSERT_EVENT, [(*event, size + leaf) for event, leaf in zip(events, before_events, strict=True)])
    first = _last_position(c, has_inserted=bool(events)) - len(events) + 1
    rows = [
        (size + leaf, first - 1 + upto, *receipt[:4])
        for receipt, leaf, upto in zip(receipts, before_receipts, after, strict=True)
    ]
    c.executemany(INSERT_RECEIPT, rows)
    leaves = [b""] * (len(events) + len(receipts))
    for number, (subject, version, _, _, hash_) in enumerate(events):
        leaves[before_events[number]] = event_leaf(first + number, subject, version, hash_)
    for leaf, position, source, message_id, fingerprint, answer in rows:
        leaves[leaf - size] = receipt_leaf(position, receipt_digest(source, message_id, fingerprint, answer))
    c.executemany(INSERT_LEAF, enumerate(leaves, size))
    c.executemany(INSERT_NODE, frontier.grow(leaves))
    c.execute(MOVE_FRONTIER, (frontier.size, frontier.stored))
    return list(range(first, first + len(events)))


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


def _last_position(c: SQLiteCursor, *, has_inserted: bool) -> int:
    # The write lock is ours, so the positions of one transaction follow one another.
    c.execute("SELECT last_insert_rowid()" if has_inserted else "SELECT COALESCE(MAX(position), 0) FROM stored_events")
    last: int = c.fetchone()[0]
    return last


def _move(c: SQLiteCursor, offset: Offset) -> None:
    """Note how far a source has been read. Raises `Fenced`."""
    c.execute(INSERT_OFFSET, offset)
    if c.sqlite_cursor.rowcount == 0:
        raise Fenced(f"{offset.name}: offset {offset.next} of generation {offset.generation} comes too late")
