"""Folding anew what is stored, and comparing row by row; nothing is written."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from infra.eventstore.database import Session
from infra.projecting import generation as books
from infra.projecting import log, storing, summing
from infra.projecting.engine import Engine
from infra.projecting.feed import Feed
from infra.projecting.generation import Generation
from infra.projecting.unit import Unit
from projections.dataset import Key, Row
from projections.projection import STATE_SUFFIX, StateFold, Summary

SAMPLE: Final = 200
CHUNK: Final = 200


class Wrong(NamedTuple):
    """A row that is not what its events make of it. `column` is None where the whole row is missing or too many."""

    dataset: str
    key: tuple[str, ...]
    column: str | None
    stored: object
    folded: object


class Checked(NamedTuple):
    """What a check looked at, and what it found wrong."""

    position: int
    streams: int
    rows: int
    wrong: list[Wrong]


def check(engine: Engine, *, all_streams: bool = False, sample: int = SAMPLE, only: str | None = None) -> Checked:
    """Fold a sample of streams anew, spread evenly over all of them, or every one, or one; and every summary."""
    engine.catch_up()
    with engine.database.reading() as session:
        generations = [each for each in books.load(session, engine.projections) if each.state == "live"]
        feed = Feed(engine.database, engine.store.mapper, generations)
        position = min((each.position for each in generations), default=0)
        subjects = [row[0] for row in session.query("SELECT DISTINCT originator_id FROM stored_events ORDER BY 1")]
        if only is not None:
            subjects = [only]
        elif not all_streams and len(subjects) > sample:
            subjects = [subjects[len(subjects) * place // sample] for place in range(sample)]
        engine.watcher.begin("checking", len(subjects))
        rows = 0
        wrong: list[Wrong] = []
        for start in range(0, len(subjects), CHUNK):
            chunk = subjects[start : start + CHUNK]
            stored = storing.load(session, generations, feed.folder, chunk)
            for subject in chunk:
                count, found = _compare(session, feed, stored[subject], engine.clock.now(), position)
                rows, wrong = rows + count, wrong + found
            engine.watcher.done(len(chunk))
        for generation, summary in feed.summaries():
            count, found = _sum(session, feed, generation, summary, position)
            rows, wrong = rows + count, wrong + found
    return Checked(position, len(subjects), rows, wrong)


def _compare(session: Session, feed: Feed, stored: Unit, at: datetime, position: int) -> tuple[int, list[Wrong]]:
    folded = feed.folder.fresh(stored.subject)
    for entry in log.stream(session, feed.reader, stored.subject, position):
        feed.folder.fold(folded, entry)
    feed.folder.work(folded, at, feed.terms_of(session, position))
    rows = 0
    wrong: list[Wrong] = []
    for projection in feed.folder.projections:
        # What is in quarantine is not claimed to be right.
        if projection.name in stored.held:
            continue
        for table in projection.tables:
            old, new = stored.rows[table.name], folded.rows[table.name]
            rows += len(new)
            wrong += _unlike(table.name, old, new)
        if isinstance(projection, StateFold):
            old, new = _state(projection, stored), _state(projection, folded)
            wrong += _unlike(projection.name + STATE_SUFFIX, old, new)
    return rows, wrong


def _state(projection: StateFold[Any], unit: Unit) -> dict[Key, Row]:
    kept = unit.states.get(projection.name)
    if kept is None or kept.state is None:
        return {}
    # Through JSON, as it is stored: a tuple there is a list.
    state = orjson.loads(orjson.dumps(projection.dump(kept.state)))
    return {(unit.subject,): {"position": kept.position, "state": state}}


def _unlike(dataset: str, stored: Mapping[Key, Row], folded: Mapping[Key, Row]) -> Iterator[Wrong]:
    for key in sorted(stored.keys() | folded.keys(), key=str):
        old, new = stored.get(key), folded.get(key)
        name = tuple(map(str, key))
        if old is None or new is None:
            yield Wrong(dataset, name, None, old and "a row", new and "a row")
        elif old != new:
            yield from (
                Wrong(dataset, name, column, old.get(column), value)
                for column, value in new.items()
                if old.get(column) != value
            )


def _sum(
    session: Session, feed: Feed, generation: Generation, summary: Summary, position: int
) -> tuple[int, list[Wrong]]:
    """Add a summary up anew from the stored rows that it is of."""
    groups = summing.add_up_anew(session, generation, summary, feed.values_of(session, position))
    stored = summing.load(session, generation, summary)
    return len(groups), list(_unlike(summary.table.name, stored, groups))
