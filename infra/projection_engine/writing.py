"""What folding changed, as values that a database takes: worked out before the transaction, or in another process."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from infra.projection_engine.codec import codec
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import QUARANTINE, STATE_COLUMNS, physical, state_table
from infra.projection_engine.stored_rows import table_codec
from infra.projection_engine.stream_fold import Unit
from infra.store.session import Kind, Session
from projections.dataset import Table
from projections.projection import Projection, StateFold

_QUARANTINE_COLUMNS: Final = ("name", "mark", "subject", "position", "version", "topic", "error")

Values = Sequence[Any]


class TableChanges(NamedTuple):
    """Rows to write to one table, and keys of rows to delete from it."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    upserts: list[Values]
    deletes: list[Values]


class Changes(NamedTuple):
    """What to write: tables, and streams that come into quarantine."""

    tables: list[TableChanges]
    broken: list[Values]


def changes(kind: Kind, generations: Iterable[Generation], units: Sequence[Unit]) -> Changes:
    """What was touched in these units."""
    tables: list[TableChanges] = []
    broken: list[Values] = []
    for generation in generations:
        projection, mark = generation.projection, generation.mark
        tables += (_rows(kind, projection, table, mark, units) for table in projection.tables)
        if isinstance(projection, StateFold):
            tables.append(_states(kind, projection, mark, units))
        broken += (
            (*generation.id, unit.subject, *unit.broken[projection.name])
            for unit in units
            if projection.name in unit.broken
        )
    return Changes([each for each in tables if each.upserts or each.deletes], broken)


def _rows(kind: Kind, projection: Projection, table: Table, mark: str, units: Sequence[Unit]) -> TableChanges:
    writer = table_codec(kind, projection, table)
    # A part of the key may be a time, which has to be written like any other.
    keys = codec(tuple(column for column in table.columns if column.name in table.key), kind)
    upserts: list[Values] = []
    deletes: list[Values] = []
    for unit in units:
        rows = unit.rows[table.name]
        for key in unit.touched.get(table.name, ()):
            row = rows.get(key)
            if row is None:
                deletes.append(keys.encode(dict(zip(table.key, key, strict=True))))
            else:
                upserts.append(writer.encode(row))
    return TableChanges(physical(table.name, mark), writer.names, keys.names, upserts, deletes)


def _states(kind: Kind, projection: StateFold[Any], mark: str, units: Sequence[Unit]) -> TableChanges:
    writer = codec(STATE_COLUMNS, kind)
    upserts: list[Values] = [
        writer.encode(
            {
                "subject": unit.subject,
                "programme_id": projection.programme(kept.state),
                "since": kept.since,
                "due": kept.due,
                "state": projection.dump(kept.state),
                "position": kept.position,
            }
        )
        for unit in units
        if (kept := unit.states.get(projection.name)) and kept.stirred and kept.state is not None
    ]
    return TableChanges(physical(state_table(projection).name, mark), writer.names, ("subject",), upserts, [])


def write(session: Session, what: Changes, *, new: bool = False) -> None:
    """Write changes. With `new` nothing of these streams is stored yet: there is nothing to replace, which is faster."""
    for table, columns, key, upserts, deletes in what.tables:
        if new:
            session.insert(table, columns, upserts)
            continue
        if deletes:
            session.delete(table, key, deletes)
        if upserts:
            session.upsert(table, columns, key, upserts)
    if what.broken:
        session.upsert(QUARANTINE, _QUARANTINE_COLUMNS, ("name", "mark", "subject"), what.broken)
