"""What is stored of streams: their rows and states, one query a table for all streams of a page, and who is held up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from infra.projection_engine import generation as books
from infra.projection_engine.codec import Codec, codec
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import QUARANTINE, STATE_COLUMNS, physical, state_table, stored_columns
from infra.projection_engine.stream_fold import Folder, Kept, Unit
from infra.store.session import Kind, Session
from infra.store.session import Row as Values
from projections.dataset import Table
from projections.projection import Projection, StateFold

# Parameters in one statement.
CHUNK: Final = 1000


def table_codec(kind: Kind, projection: Projection, table: Table) -> Codec:
    """The codec of a table as it is stored."""
    return codec(stored_columns(projection, table), kind)


def load(
    session: Session, generations: Sequence[Generation], folder: Folder, subjects: Iterable[str]
) -> dict[str, Unit]:
    """The units of these streams as they are stored in these generations."""
    units = {subject: folder.fresh(subject) for subject in subjects}
    relevant = [subject for subject in units if folder.concerns(subject)]
    for generation in generations:
        projection = generation.projection
        for table in projection.tables:
            reader = table_codec(session.kind, projection, table)
            for values in _of_streams(session, table, generation.mark, reader.names, relevant):
                row = reader.decode(values)
                units[row[table.subject]].rows[table.name][table.key_of(row)] = row
        if isinstance(projection, StateFold):
            states, reader = state_table(projection), codec(STATE_COLUMNS, session.kind)
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
    reader = codec(STATE_COLUMNS, session.kind)
    table = physical(state_table(projection).name, live.mark)
    for row in map(reader.decode, session.stream(f"SELECT {', '.join(reader.names)} FROM {table} ORDER BY subject")):
        yield Stored(row["subject"], projection.load(row["state"]), held.get(row["subject"]))
