"""A record copied from one database to another: events at their positions, receipts, offsets, and whatever tables are named.

The source is read in one state from beginning to end; what is recorded there meanwhile is brought by copying again. A copy that was
interrupted goes on where it was. Nothing is copied to a database that holds anything else than a part of the source.
In the end every event of the target is read back, its hash worked out anew and compared with the source's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from infra.store.clocks import leave_mark, read_marks
from infra.store.errors import StoreError
from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.identity import read_identity, replace_identity
from infra.store.reads import COLUMNS as READS
from infra.store.session import Database, Row, StoreSession, as_time

BATCH: Final = 2000
EVENTS: Final = ("position", "originator_id", "originator_version", "topic", "state", "hash", "leaf")
RECEIPTS: Final = ("source", "message_id", "fingerprint", "answer", "leaf", "position")
LEAVES: Final = ("number", "hash")
NODES: Final = ("level", "number", "hash")
SPELLINGS: Final = ("key", "spelling")
# Tables of the record that are copied whole.
WHOLE: Final = ("source_offsets",)
_EVENTS: Final = "SELECT position, originator_id, originator_version, topic, state, hash, leaf FROM stored_events"
_LOG: Final = f"{_EVENTS} WHERE position > ? ORDER BY position"
_STREAMS: Final = f"{_EVENTS} ORDER BY originator_id, originator_version"
_RECEIPTS: Final = (
    "SELECT source, message_id, fingerprint, answer, leaf, position FROM receipts ORDER BY source, message_id"
)
_NODES: Final = "SELECT level, number, hash FROM tree_nodes ORDER BY level, number"
_LEAVES: Final = "SELECT number, hash FROM tree_leaves WHERE number > ? ORDER BY number"
# What is done (a word for a person), and so many of it just now.
Advance = Callable[[str, int], None]


class Copied(NamedTuple):
    """What this run brought over, and how much there is in all."""

    copied_events: int
    copied_receipts: int
    events: int
    receipts: int
    head: int


class Foreign(StoreError):
    """The target holds something that the source does not have. Nothing of it was changed."""


class NotTheSame(StoreError):
    """Source and target differ after copying: the target must not be used."""


def copy(source: Database, target: Database, tables: Sequence[str], advance: Advance) -> Copied:
    """Copy a record with its identity, the marks of its clocks and these tables, which the target has too; then compare. Raises `StoreError`."""
    with source.reading() as read:
        _check_target(read, target)
        # First of all, so that a copy that was begun is known again.
        with target.transaction() as session:
            if read_identity(session) != (identity := read_identity(read)):
                replace_identity(session, identity)
            for mark in read_marks(read):
                leave_mark(session, mark)
        copied_events = _copy_events(read, target, advance)
        copied_receipts = _copy_receipts(read, target, advance)
        _copy_tree(read, target, advance)
        _copy_spellings(read, target, advance)
        _copy_reads(read, target, advance)
        for table in (*tables, *WHOLE):
            _replace(read, target, table, advance)
        events, receipts = _compare(read, target, advance)
        return Copied(copied_events, copied_receipts, events, receipts, _head(read))


def _check_target(read: StoreSession, target: Database) -> None:
    with target.reading() as there:
        head = _head(there)
        last = f"{_EVENTS} WHERE position = ?"
        until = "SELECT COUNT(*) FROM stored_events WHERE position <= ?"
        if there.query(last, (head,)) != read.query(last, (head,)) or there.query(until, (head,)) != read.query(
            until, (head,)
        ):
            raise Foreign("the target has events that the source does not have: copy to an empty store")
        mine = read.stream(_RECEIPTS)
        for receipt in there.stream(_RECEIPTS):
            if not any(candidate == receipt for candidate in mine):
                raise Foreign("the target has receipts that the source does not have: copy to an empty store")
        if (head or there.query("SELECT 1 FROM receipts LIMIT 1")) and read_identity(there) != read_identity(read):
            raise Foreign("the target is another store with the same events: copy to an empty store")


def _copy_events(read: StoreSession, target: Database, advance: Advance) -> int:
    with target.reading() as there:
        after = _head(there)
    rows = read.stream(_LOG, (after,), BATCH)
    return sum(_insert(target, "stored_events", EVENTS, rows, advance))


def _copy_receipts(read: StoreSession, target: Database, advance: Advance) -> int:
    with target.reading() as there:
        missing = _missing(read.stream(_RECEIPTS, (), BATCH), there.stream(_RECEIPTS, (), BATCH))
        return sum(_insert(target, "receipts", RECEIPTS, missing, advance))


def _copy_tree(read: StoreSession, target: Database, advance: Advance) -> None:
    """Copy the leaves and the kept hashes that are missing, which only ever grow, and how far the tree has grown."""
    with target.reading() as there:
        [(after,)] = there.query("SELECT COALESCE(MAX(number), -1) FROM tree_leaves")
        nodes = list(_missing(read.stream(_NODES, (), BATCH), there.stream(_NODES, (), BATCH)))
    sum(_insert(target, "tree_leaves", LEAVES, read.stream(_LEAVES, (after,), BATCH), advance))
    sum(_insert(target, "tree_nodes", NODES, iter(nodes), advance))
    with target.transaction() as session:
        session.execute(
            "UPDATE tree_frontier SET size = ?, roots = ?", *read.query("SELECT size, roots FROM tree_frontier")
        )


def _copy_spellings(read: StoreSession, target: Database, advance: Advance) -> None:
    """Add the first spellings that are missing; they are never changed."""
    listed = "SELECT key, spelling FROM spellings ORDER BY key"
    with target.reading() as there:
        missing = list(_missing(read.stream(listed, (), BATCH), there.stream(listed, (), BATCH)))
    sum(_insert(target, "spellings", SPELLINGS, iter(missing), advance))


def _copy_reads(read: StoreSession, target: Database, advance: Advance) -> None:
    """Add the readings of content that are missing: there as well they are only ever added to."""
    listed = f"SELECT {', '.join(READS)} FROM content_reads"  # noqa: S608 - our own names
    with target.reading() as there:
        present = Counter(_reading(row) for row in there.stream(listed, (), BATCH))
    rows: list[Row] = []
    for row in map(_reading, read.stream(listed, (), BATCH)):
        if present[row]:
            present[row] -= 1
        else:
            rows.append(row)
    sum(_insert(target, "content_reads", READS, iter(rows), advance))


def _reading(row: Row) -> Row:
    """A reading with its time as a time, as which it is the same from either kind of database."""
    return (as_time(row[0]), *row[1:])


def _missing(all_: Iterator[Row], present: Iterator[Row]) -> Iterator[Row]:
    """The rows that are not among those present; both in the same order."""
    next_present = next(present, None)
    for row in all_:
        if row == next_present:
            next_present = next(present, None)
        else:
            yield row


def _insert(
    target: Database, table: str, columns: Sequence[str], rows: Iterator[Row], advance: Advance
) -> Iterator[int]:
    """Insert the rows, a transaction for so many of them; how many each time."""
    while batch := list(islice(rows, BATCH)):
        with target.transaction() as session:
            session.lock("appends")
            session.insert(table, columns, batch)
        advance(table, len(batch))
        yield len(batch)


def _replace(read: StoreSession, target: Database, table: str, advance: Advance) -> None:
    """Let a table of the target have the rows of the source and no others."""
    columns = read.columns(table)
    if not columns:
        return
    rows = read.stream(f"SELECT {', '.join(columns)} FROM {table}", (), BATCH)  # noqa: S608 - our own names
    with target.transaction() as session:
        session.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        while batch := [_portable(row) for row in islice(rows, BATCH)]:
            session.insert(table, columns, batch)
            advance(table, len(batch))


def _portable(row: Row) -> Sequence[Any]:
    """Values that any database takes: PostgreSQL's days as text, its times as they are."""
    return [
        value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value for value in row
    ]


def _compare(read: StoreSession, target: Database, advance: Advance) -> tuple[int, int]:
    """How many events and receipts there are; raises `NotTheSame` unless both have the same and the chain is whole."""
    events = receipts = 0
    subject, previous = "", NO_HASH
    with target.reading() as there:
        for mine, theirs in zip_longest(read.stream(_STREAMS, (), BATCH), there.stream(_STREAMS, (), BATCH)):
            if mine != theirs:
                raise NotTheSame(f"source and target differ at {_place(mine or theirs)}")
            if mine[1] != subject:
                subject, previous = mine[1], NO_HASH
            previous = next_hash(previous, theirs[3], theirs[4])
            if previous != theirs[5]:
                raise NotTheSame(
                    f"the chain is broken at {_place(theirs)}, in the source too: see rapport audit verify"
                )
            events += 1
            if events % BATCH == 0:
                advance("compared", BATCH)
        for mine, theirs in zip_longest(read.stream(_RECEIPTS, (), BATCH), there.stream(_RECEIPTS, (), BATCH)):
            if mine != theirs:
                raise NotTheSame(f"source and target differ at the receipt {(mine or theirs)[:2]}")
            receipts += 1
        leaves = read.stream(_LEAVES, (-1,), BATCH), there.stream(_LEAVES, (-1,), BATCH)
        for mine, theirs in zip_longest(*leaves):
            if mine != theirs:
                raise NotTheSame(f"source and target differ at leaf {(mine or theirs)[0]} of the tree")
    return events, receipts


def _place(event: Row) -> str:
    return f"version {event[2]} of {event[1]} (position {event[0]})"


def _head(session: StoreSession) -> int:
    return int(session.query("SELECT COALESCE(MAX(position), 0) FROM stored_events")[0][0])
