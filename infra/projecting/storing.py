"""Units out of the database and into it: one query a table to load a page's streams, one statement a table to store them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from infra.eventstore.database import Row as Values
from infra.eventstore.database import Session
from infra.projecting import generation as books
from infra.projecting.codec import Codec, codec
from infra.projecting.generation import Generation
from infra.projecting.schema import QUARANTINE, STATE_COLUMNS, physical, state_table, stored_columns
from infra.projecting.unit import Broken, Folder, Kept, Unit
from projections.dataset import Key, Row, Table
from projections.projection import Projection, StateFold, Summary

# Parameters in one statement.
CHUNK: Final = 1000
_QUARANTINE_COLUMNS: Final = ("name", "mark", "subject", "position", "version", "topic", "error")

TermValues = Callable[[str], Mapping[str, float]]


def table_codec(session: Session, projection: Projection, table: Table) -> Codec:
    """The codec of a table as it is stored."""
    return codec(stored_columns(projection, table), session.kind)


def state_codec(session: Session) -> Codec:
    """The codec of the tables in which states are kept."""
    return codec(STATE_COLUMNS, session.kind)


def load(
    session: Session, generations: Sequence[Generation], folder: Folder, subjects: Iterable[str]
) -> dict[str, Unit]:
    """The units of these streams as they are stored in these generations."""
    units = {subject: folder.fresh(subject) for subject in subjects}
    relevant = [subject for subject in units if folder.concerns(subject)]
    for generation in generations:
        projection = generation.projection
        for table in projection.tables:
            reader = table_codec(session, projection, table)
            for values in _of_streams(session, table, generation.mark, reader.names, relevant):
                row = reader.decode(values)
                units[row[table.subject]].rows[table.name][table.key_of(row)] = row
        if isinstance(projection, StateFold):
            states, reader = state_table(projection), state_codec(session)
            for values in _of_streams(session, states, generation.mark, reader.names, relevant):
                row = reader.decode(values)
                kept = Kept(projection.load(row["state"]), row["position"], row["since"], row["due"])
                units[row["subject"]].states[projection.name] = kept
    for subject, held in _held(session, generations).items():
        if subject in units:
            units[subject].held = frozenset(held)
    return units


def _of_streams(
    session: Session, table: Table, mark: str, columns: Sequence[str], subjects: Sequence[str]
) -> Iterator[Values]:
    for start in range(0, len(subjects), CHUNK):
        chunk = subjects[start : start + CHUNK]
        yield from session.query(
            f"SELECT {', '.join(columns)} FROM {physical(table.name, mark)} "
            f"WHERE {table.subject} IN ({', '.join('?' * len(chunk))})",
            chunk,
        )


def _held(session: Session, generations: Sequence[Generation]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    marks = {(generation.name, generation.mark) for generation in generations}
    for name, mark, subject in session.query(f"SELECT name, mark, subject FROM {QUARANTINE}"):
        if (name, mark) in marks:
            held.setdefault(subject, set()).add(name)
    return held


def store(session: Session, generations: Sequence[Generation], units: Sequence[Unit], *, new: bool = False) -> None:
    """Write what differs. With `new` nothing of these streams is stored yet, which is faster."""
    for generation in generations:
        projection, mark = generation.projection, generation.mark
        for table in projection.tables:
            _store_rows(session, projection, table, mark, units, new=new)
        if isinstance(projection, StateFold):
            _store_states(session, projection, mark, units, new=new)
        broken = [(unit.subject, unit.broken[projection.name]) for unit in units if projection.name in unit.broken]
        if broken:
            quarantine(session, generation, broken)


def _store_rows(
    session: Session, projection: Projection, table: Table, mark: str, units: Sequence[Unit], *, new: bool
) -> None:
    writer = table_codec(session, projection, table)
    upserts: list[list[Any]] = []
    deletes: list[Key] = []
    for unit in units:
        rows = unit.rows[table.name]
        for key in unit.touched.get(table.name, ()):
            row = rows.get(key)
            if row is None:
                deletes.append(key)
            else:
                upserts.append(writer.encode(row))
    name = physical(table.name, mark)
    if deletes and not new:
        # A key column may be a time, which the codec writes.
        keys = codec(tuple(column for column in table.columns if column.name in table.key), session.kind)
        names = keys.names
        encoded = [keys.encode(dict(zip(table.key, key, strict=True))) for key in deletes]
        session.delete(name, names, encoded)
    if upserts and new:
        session.insert(name, writer.names, upserts)
    elif upserts:
        session.upsert(name, writer.names, table.key, upserts)


def _store_states(session: Session, projection: StateFold[Any], mark: str, units: Sequence[Unit], *, new: bool) -> None:
    writer = state_codec(session)
    rows = [
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
    name = physical(state_table(projection).name, mark)
    if rows and new:
        session.insert(name, writer.names, rows)
    elif rows:
        session.upsert(name, writer.names, ("subject",), rows)


def quarantine(session: Session, generation: Generation, broken: Iterable[tuple[str, Broken]]) -> None:
    """Note that streams are held up."""
    rows = [(generation.name, generation.mark, subject, *why) for subject, why in broken]
    session.upsert(QUARANTINE, _QUARANTINE_COLUMNS, ("name", "mark", "subject"), rows)


def release(session: Session, generation: Generation, subjects: Iterable[str]) -> None:
    """Note that streams are not held up any more."""
    keys = [(generation.name, generation.mark, subject) for subject in subjects]
    session.delete(QUARANTINE, ("name", "mark", "subject"), keys)


def forget_quarantine(session: Session, generation: Generation) -> None:
    """Strike out all that is held up in a generation."""
    session.execute(f"DELETE FROM {QUARANTINE} WHERE name = ? AND mark = ?", generation.id)


class Stored(NamedTuple):
    """A state as it is stored; `stale_since` is the event that holds its stream up, if one does."""

    subject: str
    state: Any
    stale_since: int | None


def states(session: Session, projections: Mapping[str, Projection], projection: StateFold[Any]) -> Iterator[Stored]:
    """Every state of a projection's live generation, in order of stream."""
    found = books.load(session, projections)
    (live,) = [each for each in found if each.name == projection.name and each.state == "live"]
    held: dict[str, int] = dict(
        session.query(f"SELECT subject, position FROM {QUARANTINE} WHERE name = ? AND mark = ?", (live.name, live.mark))
    )
    reader = state_codec(session)
    table = physical(state_table(projection).name, live.mark)
    for row in map(reader.decode, session.stream(f"SELECT {', '.join(reader.names)} FROM {table} ORDER BY subject")):
        yield Stored(row["subject"], projection.load(row["state"]), held.get(row["subject"]))


# --- summaries -----------------------------------------------------------------------------------------------------
def load_summary(session: Session, generation: Generation, summary: Summary) -> dict[Key, Row]:
    """All rows of a summary."""
    reader = table_codec(session, generation.projection, summary.table)
    rows = session.query(f"SELECT {', '.join(reader.names)} FROM {physical(summary.table.name, generation.mark)}")
    decoded = map(reader.decode, rows)
    return {summary.table.key_of(row): row for row in decoded}


def add_up(summary: Summary, groups: Mapping[Key, Row], units: Iterable[Unit], terms: TermValues) -> dict[Key, Row]:
    """The summary after what was touched in these units."""
    after = dict(groups)
    for unit in units:
        rows = unit.rows[summary.of]
        for row_key, old in unit.touched.get(summary.of, {}).items():
            for row, sign in ((old, -1), (rows.get(row_key), 1)):
                if row is not None:
                    key = summary.key(row)
                    group = summary.add(after.get(key), row, sign)
                    if group is None:
                        del after[key]
                    else:
                        after[key] = group
    settled = summary.settle([after[key] for key in sorted(after)], terms)
    return {summary.table.key_of(row): row for row in settled}


def sum_anew(session: Session, generation: Generation, summary: Summary, terms: TermValues) -> dict[Key, Row]:
    """The summary of all rows that are stored."""
    table = next(each for each in generation.projection.tables if each.name == summary.of)
    reader = table_codec(session, generation.projection, table)
    groups: dict[Key, Row] = {}
    source = f"SELECT {', '.join(reader.names)} FROM {physical(table.name, generation.mark)}"
    for row in map(reader.decode, session.stream(source)):
        key = summary.key(row)
        group = summary.add(groups.get(key), row, 1)
        assert group is not None, "something was added"
        groups[key] = group
    settled = summary.settle([groups[key] for key in sorted(groups)], terms)
    return {summary.table.key_of(row): row for row in settled}


class Resummed(NamedTuple):
    """A summary before and after."""

    generation: Generation
    summary: Summary
    before: Mapping[Key, Row]
    after: Mapping[Key, Row]


def store_summaries(session: Session, summaries: Iterable[Resummed]) -> None:
    """Write the rows of summaries that differ."""
    for generation, summary, before, after in summaries:
        writer = table_codec(session, generation.projection, summary.table)
        name = physical(summary.table.name, generation.mark)
        upserts = [writer.encode(row) for key, row in after.items() if before.get(key) != row]
        if gone := before.keys() - after.keys():
            session.delete(name, summary.table.key, sorted(gone))
        if upserts:
            session.upsert(name, writer.names, summary.table.key, upserts)
