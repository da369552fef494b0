"""Are the tables that the workers keep beside their receipts those that replay makes? Compared row by row, in flat memory.

Left out is what has no meaning in replay: numbers, positions, and what became of what was sent. What an auditor's login can't read is left
out there too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from infra.notifications import outbox as notify
from infra.store.session import Database, StoreSession, as_time
from infra.worker_runtime.desk import parked
from infra.worker_runtime.replay import ALL, Share
from infra.worker_runtime.schema import (
    DEADLINES,
    DECISIONS,
    GROUND,
    HISTORY,
    OUTBOX,
    SOURCES,
    STATES,
    TASKS,
    Table,
)

NOTES: Final = Table(notify.TABLE, ("id",), notify.TYPES)
# In this order the rows of both are compared: it has to tell them apart, or to be all that is compared.
ORDERS: Final[Mapping[Table, Sequence[str]]] = {
    GROUND: ("subject",),
    SOURCES: ("key", "subject"),
    STATES: ("key", "worker"),
    DEADLINES: ("key", "worker", "name"),
    HISTORY: ("key", "worker", "name", "at", "change", "due_at", "caused_by"),
    TASKS: ("task_id",),
    OUTBOX: ("id",),
    NOTES: ("id",),
}
LEFT_OUT: Final[Mapping[Table, frozenset[str]]] = {
    DECISIONS: frozenset({"seq", "position"}),
    STATES: frozenset({"position"}),
    HISTORY: frozenset({"seq", "position"}),
    TASKS: frozenset({"seq", "position"}),
    OUTBOX: frozenset({"seq", "position", "status", "answer", "at"}),
}
# Beside these, of what auditors read.
UNSEEN: Final[Mapping[Table, frozenset[str]]] = {
    OUTBOX: frozenset({"body"}),
    NOTES: frozenset(notify.COLUMNS) - frozenset(notify.AUDITED),
}
NOTHING: Final[frozenset[str]] = frozenset()
LACKS: Final = "lacks a row that replay makes"


class Kept(NamedTuple):
    """A row: the key of the worker's state that it belongs to, what it is ordered by (`_place`), and all that is compared."""

    key: str
    order: tuple[Any, ...]
    values: Mapping[str, Any]


def table_differences(
    live: Database, scratch: Database, subject: str | None, share: Share = ALL
) -> Iterator[tuple[str, str]]:
    """Yields key and problem of each row that one of two databases has otherwise than the other; of one subject, a share or all.

    What is kept at a key that was put aside is not compared.
    """
    with live.reading() as ours, scratch.reading() as theirs:
        aside = {each.key for each in parked(ours)}
        for table in ORDERS:
            columns = compared(table, whole=live.may_append)
            kept, made = (_rows(session, table, columns, subject, share) for session in (ours, theirs))
            for problem, row in _compared(kept, made):
                # Of a key that was put aside for a while, tasks that opened and closed meanwhile are not made up for.
                is_made_up_for = problem is not LACKS or row.values.get("closed_at") is None
                if row.key not in aside and is_made_up_for:
                    yield (
                        row.key,
                        f"the workers' table {table.name} {problem}: {', '.join(str(row.values[name]) for name in ORDERS[table])}",
                    )


def compared(table: Table, *, whole: bool = True) -> list[str]:
    """The columns of a table that are compared, all or, where not `whole`, those that an auditor reads."""
    left_out = LEFT_OUT.get(table, NOTHING) | (NOTHING if whole else UNSEEN.get(table, NOTHING))
    return [name for name in table.columns if name not in left_out]


def _compared(ours: Iterator[Kept], theirs: Iterator[Kept]) -> Iterator[tuple[str, Kept]]:
    kept, made = next(ours, None), next(theirs, None)
    while kept is not None or made is not None:
        if made is None or (kept is not None and kept.order < made.order):
            assert kept is not None, "one of both is there"
            yield "has a row that replay does not make", kept
            kept = next(ours, None)
        elif kept is None or made.order < kept.order:
            yield LACKS, made
            made = next(theirs, None)
        else:
            if kept.values != made.values:
                unlike = next(name for name, value in kept.values.items() if made.values[name] != value)
                yield f"has a row that replay makes with another {unlike}", kept
            kept, made = next(ours, None), next(theirs, None)


def _rows(
    session: StoreSession, table: Table, columns: Sequence[str], subject: str | None, share: Share
) -> Iterator[Kept]:
    """The rows in the order in which Python compares texts."""
    key = "subject" if table is GROUND else "key"
    wheres = [f"{key} = ?"] if subject else []
    where, params = f"WHERE {' AND '.join(wheres)} " if wheres else "", (subject,) if subject else ()
    collation = '"C"' if session.kind == "postgresql" else "BINARY"
    texts = [name for name in ORDERS[table] if table.types[name].startswith("{text}")]
    order = ", ".join(f"{name} COLLATE {collation}" if name in texts else name for name in ORDERS[table])
    sql = f"SELECT {', '.join(columns)} FROM {table.name} {where}ORDER BY {order}"  # noqa: S608 - our own words
    place = columns.index(key)
    for row in session.stream(sql, params):
        if not share.has(row[place]):
            continue
        values = {name: comparable(table.types[name], value) for name, value in zip(columns, row, strict=True)}
        yield Kept(values[key], tuple(_place(values[name]) for name in ORDERS[table]), values)


def _place(value: Any) -> tuple[int, Any]:
    """What orders a value, also beside one of another type, which its column should not have."""
    if isinstance(value, datetime):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, repr(value))


def comparable(type_: str, value: Any) -> Any:
    """A value as it is compared; one that its column can't have is itself."""
    if value is None:
        return None
    if type_.startswith(("{json}", "{list}")):
        return parsed(value)
    if type_.startswith("{time}"):
        try:
            return as_time(value)
        except (ValueError, TypeError, AttributeError):
            return value
    return bool(value) if type_.startswith("{boolean}") else value


def parsed(value: Any) -> Any:
    """A value of a column of JSON: PostgreSQL gives what is jsonb as it is. Of a text that is no JSON the text itself."""
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value
