"""The rows and states that a generation keeps: converted to database values and back, read by stream, written by page.

Folding gives units (`stream_fold`). `changes` turns what they touched into database values, before the transaction or in
another process; `write` writes it. `load` reads the units of all streams of a page with one query a table.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from infra.projection_engine import generation as generation_table
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import QUARANTINE, STATE_COLUMNS, physical, state_table, stored_columns
from infra.projection_engine.stream_fold import Folder, Kept, Unit
from infra.store.session import Kind, StoreSession, as_time, time_text
from projections.dataset import Column, Key, Row, Table, Type
from projections.projection import Projection, StateFold

# Parameters in one statement.
CHUNK: Final = 1000
_STATES_AS_STORED: Final = tuple(each._replace(type="text") if each.type == "json" else each for each in STATE_COLUMNS)
_QUARANTINE_COLUMNS: Final = ("name", "mark", "subject", "position", "version", "topic", "error")

Convert = Callable[[Any], Any]
Values = Sequence[Any]


# --- values --------------------------------------------------------------------------------------------------------
def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _day(value: date) -> str:
    return value.isoformat()


def _as_day(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


_LISTS: Final = ("integers", "texts", "json")
_WRITE: Final[Mapping[tuple[Kind, Type], Convert]] = {
    ("sqlite", "time"): time_text,
    ("sqlite", "day"): _day,
    **{(kind, type_): _json for kind in ("sqlite", "postgresql") for type_ in _LISTS},
}
_READ: Final[Mapping[Type, Convert]] = {
    "time": as_time,
    "day": _as_day,
    "boolean": bool,
    **dict.fromkeys(_LISTS, orjson.loads),
}


class Codec:
    """Turns rows with these columns into tuples of database values, and back."""

    def __init__(self, columns: Sequence[Column], kind: Kind) -> None:
        self.names = tuple(column.name for column in columns)
        # Of one name alone, itemgetter makes no tuple.
        self._get = itemgetter(*self.names) if len(self.names) > 1 else lambda row: (row[self.names[0]],)
        self._write = _conversions(columns, lambda column: _WRITE.get((kind, column.type)))
        self._read = _conversions(columns, lambda column: _READ.get(column.type))

    def encode(self, row: Mapping[str, Any]) -> list[Any]:
        """The values of a row, in the order of the columns."""
        values = list(self._get(row))
        for place, convert in self._write:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        return values

    def decode(self, values: Sequence[Any]) -> Row:
        """The row of these values.

        Raises:
            ValueError, TypeError, AttributeError: A value is none for its column.
        """
        row = dict(zip(self.names, values, strict=True))
        for place, convert in self._read:
            value = values[place]
            if value is not None:
                row[self.names[place]] = convert(value)
        return row

    def decode_as_far_as_possible(self, values: Sequence[Any]) -> Row:
        """The same, with each value that is none for its column as it is stored."""
        try:
            return self.decode(values)
        except (ValueError, TypeError, AttributeError):
            row = dict(zip(self.names, values, strict=True))
            for place, convert in self._read:
                with suppress(ValueError, TypeError, AttributeError):
                    row[self.names[place]] = None if values[place] is None else convert(values[place])
            return row


def _conversions(
    columns: Sequence[Column], find: Callable[[Column], Convert | None]
) -> tuple[tuple[int, Convert], ...]:
    return tuple((place, convert) for place, column in enumerate(columns) if (convert := find(column)))


@lru_cache(maxsize=256)
def codec(columns: tuple[Column, ...], kind: Kind) -> Codec:
    """The codec for these columns; the same one for the same columns."""
    return Codec(columns, kind)


def table_codec(kind: Kind, projection: Projection, table: Table) -> Codec:
    """The codec of a table as it is stored."""
    return codec(stored_columns(projection, table), kind)


# --- reading -------------------------------------------------------------------------------------------------------
def load(
    session: StoreSession,
    generations: Sequence[Generation],
    folder: Folder,
    subjects: Iterable[str],
    *,
    as_stored: bool = False,
) -> dict[str, Unit]:
    """The units of these streams as they are stored in these generations.

    `as_stored`: to be checked. States are JSON then, and what is no value of its column is as it is.
    """
    units = {subject: folder.fresh(subject) for subject in subjects}
    relevant = [subject for subject in units if folder.concerns(subject)]
    for generation in generations:
        projection = generation.projection
        for table in projection.tables:
            reader = table_codec(session.kind, projection, table)
            decode = reader.decode_as_far_as_possible if as_stored else reader.decode
            for values in _of_streams(session, table, generation.mark, reader.names, relevant):
                row = decode(values)
                units[row[table.subject]].rows[table.name][table.key_of(row)] = row
        if isinstance(projection, StateFold):
            states = state_table(projection)
            reader = codec(_STATES_AS_STORED if as_stored else STATE_COLUMNS, session.kind)
            decode = reader.decode_as_far_as_possible if as_stored else reader.decode
            for values in _of_streams(session, states, generation.mark, reader.names, relevant):
                row = decode(values)
                state = row["state"] if as_stored else projection.load(row["state"])
                kept = Kept(state, row["position"], row["since"], row["due"])
                units[row["subject"]].states[projection.name] = kept
    for subject, held in _held(session, generations).items():
        if subject in units:
            units[subject].held = frozenset(held)
    return units


def _of_streams(
    session: StoreSession, table: Table, mark: str, columns: Sequence[str], subjects: Sequence[str]
) -> Iterator[Values]:
    for start in range(0, len(subjects), CHUNK):
        chunk = subjects[start : start + CHUNK]
        yield from session.query(
            f"SELECT {', '.join(columns)} FROM {physical(table.name, mark)} "
            f"WHERE {table.subject} IN ({', '.join('?' * len(chunk))})",
            chunk,
        )


def _held(session: StoreSession, generations: Sequence[Generation]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    marks = {(generation.name, generation.mark) for generation in generations}
    for name, mark, subject in session.query(f"SELECT name, mark, subject FROM {QUARANTINE}"):
        if (name, mark) in marks:
            held.setdefault(subject, set()).add(name)
    return held


class Stored(NamedTuple):
    """A state as it is stored; `stale_since` is the event that holds its stream up, if one does."""

    subject: str
    state: Any
    stale_since: int | None


def states(
    session: StoreSession, projections: Mapping[str, Projection], projection: StateFold[Any]
) -> Iterator[Stored]:
    """Every state of a projection's live generation, in order of stream."""
    live = _live(session, projections, projection)
    stale = _held_since(session, live)
    reader = codec(STATE_COLUMNS, session.kind)
    table = physical(state_table(projection).name, live.mark)
    for row in map(reader.decode, session.stream(f"SELECT {', '.join(reader.names)} FROM {table} ORDER BY subject")):
        yield Stored(row["subject"], projection.load(row["state"]), stale.get(row["subject"]))


def held(session: StoreSession, projections: Mapping[str, Projection], projection: Projection) -> dict[str, int]:
    """The streams that are held up in a projection's live generation, and the positions of the events that hold them up."""
    return _held_since(session, _live(session, projections, projection))


def keys(
    session: StoreSession, projections: Mapping[str, Projection], projection: Projection, table: Table
) -> list[Key]:
    """The keys of all rows of a table of a projection's live generation."""
    live = _live(session, projections, projection)
    return session.query(f"SELECT {', '.join(table.key)} FROM {physical(table.name, live.mark)}")


def _live(session: StoreSession, projections: Mapping[str, Projection], projection: Projection) -> Generation:
    found = generation_table.load(session, projections)
    (live,) = [each for each in found if each.name == projection.name and each.state == "live"]
    return live


def _held_since(session: StoreSession, live: Generation) -> dict[str, int]:
    return dict(session.query(f"SELECT subject, position FROM {QUARANTINE} WHERE name = ? AND mark = ?", live.id))


# --- writing -------------------------------------------------------------------------------------------------------
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
        if (kept := unit.states.get(projection.name)) and kept.dirty and kept.state is not None
    ]
    return TableChanges(physical(state_table(projection).name, mark), writer.names, ("subject",), upserts, [])


def write(session: StoreSession, what: Changes, *, new: bool = False) -> None:
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


def release(session: StoreSession, generation: Generation, subjects: Iterable[str]) -> None:
    """Note that streams are not held up any more."""
    keys = [(generation.name, generation.mark, subject) for subject in subjects]
    session.delete(QUARANTINE, ("name", "mark", "subject"), keys)


def forget_quarantine(session: StoreSession, generation: Generation) -> None:
    """Strike out all that is held up in a generation."""
    session.execute(f"DELETE FROM {QUARANTINE} WHERE name = ? AND mark = ?", generation.id)
