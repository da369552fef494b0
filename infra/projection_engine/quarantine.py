"""Streams that are held up in a projection: which, why, and how they are released."""

from collections.abc import Sequence
from typing import NamedTuple

from infra.projection_engine import generation as generation_table
from infra.projection_engine import rows, summaries
from infra.projection_engine.engine import Engine
from infra.projection_engine.feed import Feed
from infra.projection_engine.generation import Generation, Overtaken
from infra.projection_engine.schema import QUARANTINE
from infra.store import log_reader
from infra.store.session import StoreSession


class Held(NamedTuple):
    """A stream that is held up in a projection, since which event, and what was wrong with it."""

    projection: str
    subject: str
    position: int
    version: int
    event: str
    error: str


def held(session: StoreSession, generations: Sequence[Generation]) -> list[Held]:
    """All that is held up, in order."""
    marks = {each.id for each in generations}
    rows = session.query(
        f"SELECT name, mark, subject, position, version, topic, error FROM {QUARANTINE} ORDER BY name, position, subject"
    )
    return [Held(name, *rest) for name, mark, *rest in rows if (name, mark) in marks]


class Retried(NamedTuple):
    """How a retry went: what is up to date again, and what is still held up."""

    released: list[Held]
    held: list[Held]


def retry(engine: Engine, projections: Sequence[str], subject: str | None = None) -> Retried:
    """Fold streams that are held up again from their first event: one stream or all."""
    engine.catch_up()
    released: list[Held] = []
    while True:
        try:
            for generation in engine.live():
                if generation.name in projections:
                    released += _retry(engine, generation, subject)
            break
        except Overtaken:
            continue
    with engine.database.reading() as session:
        left = held(session, engine.live())
    asked = [each for each in left if each.projection in projections and subject in (None, each.subject)]
    return Retried(released, asked)


def _retry(engine: Engine, generation: Generation, subject: str | None) -> list[Held]:
    feed = Feed(engine.database, engine.store.mapper, [generation])
    with engine.database.reading() as session:
        feed.check(session)
        waiting = [each for each in held(session, [generation]) if subject in (None, each.subject)]
        if not waiting:
            return []
        stored = rows.load(session, [generation], feed.folder, [each.subject for each in waiting])
        units = []
        corrected_by = feed.corrected_by(session, generation.position)
        for each in waiting:
            unit = feed.folder.fresh(each.subject)
            for entry in log_reader.stream(session, feed.reader, each.subject, generation.position):
                feed.folder.fold(unit, entry, corrected_by)
            feed.folder.work(unit, engine.clock.now(), feed.programme_of(session, generation.position))
            unit.replaces(stored[each.subject])
            units.append(unit)
        resummed = feed.summed(session, feed.touched(units), generation.position)
    changes = rows.changes(engine.database.kind, [generation], units)
    with engine.database.transaction() as session:
        generation_table.touch(session, [generation])
        rows.release(session, generation, [each.subject for each in waiting])
        rows.write(session, changes)
        summaries.write(session, resummed)
    return [each for each, unit in zip(waiting, units, strict=True) if not unit.broken]
