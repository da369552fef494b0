"""Checks stored rows: folds streams again from the log and compares row by row; writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

import orjson

from infra.projection_engine import generation as generation_table
from infra.projection_engine import rows, summaries
from infra.projection_engine.engine import Engine
from infra.projection_engine.feed import LONG_AGO, Feed
from infra.projection_engine.generation import Generation
from infra.projection_engine.stream_fold import Kept, Unit
from infra.store import log_reader
from infra.store.session import StoreSession
from projections.dataset import Key, Row
from projections.projection import STATE_SUFFIX, StateFold, Summary

SAMPLE: Final = 200
CHUNK: Final = 200
# Streams that are read together, and events of several streams that are folded together.
READ: Final = 20
AT_ONCE: Final = 1000
_ALL: Final = "SELECT DISTINCT originator_id FROM stored_events ORDER BY 1"
_WITHIN: Final = (
    "SELECT DISTINCT originator_id FROM stored_events WHERE originator_id > ? AND originator_id <= ? ORDER BY 1"
)
Range = tuple[str, str]
INSTANT: Final = timedelta(microseconds=1)


class Wrong(NamedTuple):
    """A row that differs from what its events give. `column` is None where the whole row is missing or too many."""

    dataset: str
    key: tuple[str, ...]
    column: str | None
    stored: object
    folded: object


class Checked(NamedTuple):
    """What a check compared, and what it found wrong."""

    position: int
    streams: int
    rows: int
    wrong: list[Wrong]


def check(
    engine: Engine,
    *,
    all_streams: bool = False,
    sample: int = SAMPLE,
    only: str | None = None,
    within: Range | None = None,
    summed: bool = True,
    catch_up: bool = True,
) -> Checked:
    """Fold a sample of streams again, spread evenly over all of them, or every one, or one, or a range; and every summary.

    The streams `within` a range are those after one up to another; none where both are the same. `summed`: summaries are added up
    again too. Each projection is compared with the events up to its own position: others may be writing. `catch_up` brings all of them to the
    head first.
    """
    if catch_up:
        engine.catch_up()
    with engine.database.reading() as session:
        live = [
            each for each in generation_table.load(session, engine.projections) if each.state == "live" and each.current
        ]
        if only is not None:
            subjects = [only]
        elif within is not None:
            subjects = [row[0] for row in session.query(_WITHIN, within)]
        else:
            subjects = [row[0] for row in session.query(_ALL)]
        if only is None and within is None and not all_streams and len(subjects) > sample:
            subjects = [subjects[len(subjects) * place // sample] for place in range(sample)]
        by_position = sorted(live, key=lambda each: each.position)
        together = [list(same) for _, same in groupby(by_position, key=lambda each: each.position)]
        engine.watcher.begin("checking", len(subjects) * len(together))
        rows = 0
        wrong: list[Wrong] = []
        for generations in together:
            count, found = _check(engine, session, generations, subjects, summed=summed)
            rows, wrong = rows + count, wrong + found
    return Checked(min((each.position for each in live), default=0), len(subjects), rows, wrong)


def _check(
    engine: Engine, session: StoreSession, generations: Sequence[Generation], subjects: Sequence[str], *, summed: bool
) -> tuple[int, list[Wrong]]:
    """Check projections that stand at one position."""
    feed, row_count = Feed(engine.database, engine.store.mapper, generations), 0
    wrong: list[Wrong] = []
    for start in range(0, len(subjects), CHUNK):
        chunk = subjects[start : start + CHUNK]
        stored = rows.load(session, generations, feed.folder, chunk, as_stored=True)
        concerned = list(filter(feed.folder.concerns, chunk))
        for some in _some(_streams(session, feed, concerned)):
            count, found = _compare(session, feed, some, stored, engine.clock.now())
            row_count, wrong = row_count + count, wrong + found
        engine.watcher.done(len(chunk))
    for generation, summary in feed.summaries() if summed else ():
        count, found = _sum(session, feed, generation, summary, feed.position)
        row_count, wrong = row_count + count, wrong + found
    return row_count, wrong


Stream = tuple[str, list[log_reader.LogEntry]]


def _streams(session: StoreSession, feed: Feed, subjects: Sequence[str]) -> Iterator[Stream]:
    """The events of each of these subjects up to where the feed stands; of some there may be none yet."""
    for start in range(0, len(subjects), READ):
        left = dict.fromkeys(subjects[start : start + READ])
        entries = log_reader.these(session, feed.reader, tuple(left), feed.position)
        for subject, events in groupby(entries, key=lambda entry: entry.subject):
            del left[subject]
            yield subject, list(events)
        yield from ((subject, []) for subject in left)


def _some(streams: Iterable[Stream]) -> Iterator[list[Stream]]:
    """As many streams as have some events together; a longer one is alone."""
    some: list[Stream] = []
    count = 0
    for stream in streams:
        some.append(stream)
        count += len(stream[1])
        if count >= AT_ONCE:
            yield some
            some, count = [], 0
    if some:
        yield some


def _compare(
    session: StoreSession, feed: Feed, streams: Sequence[Stream], stored: Mapping[str, Unit], now: datetime
) -> tuple[int, list[Wrong]]:
    folder = feed.folder
    folded = [folder.fresh(subject) for subject, _ in streams]
    begun = [(unit, entries) for unit, (_, entries) in zip(folded, streams, strict=True) if entries]
    folder.fold_streams(begun, feed.corrected_by(session, feed.position))
    times = [
        (unit, {name: _holds_at(kept, now) for name, kept in stored[unit.subject].states.items()}) for unit in folded
    ]
    folder.work_streams(times, now, feed.programme_of(session, feed.position))
    row_count = 0
    wrong: list[Wrong] = []
    for unit in folded:
        count, found = _unlike_rows(feed, stored[unit.subject], unit)
        row_count, wrong = row_count + count, wrong + found
    return row_count, wrong


def _unlike_rows(feed: Feed, stored: Unit, folded: Unit) -> tuple[int, list[Wrong]]:
    rows = 0
    wrong: list[Wrong] = []
    for projection in feed.folder.projections:
        # Rows in quarantine may be wrong, and so may rows that wait to be computed under new terms.
        if projection.name in stored.held or _waits(stored.states.get(projection.name)):
            continue
        for table in projection.tables:
            old, new = stored.rows[table.name], folded.rows[table.name]
            rows += len(new)
            wrong += _unlike(table.name, old, new)
        if isinstance(projection, StateFold):
            kept, made = stored.states.get(projection.name), folded.states.get(projection.name)
            wrong += _unlike_states(projection, stored.subject, kept, made)
            wrong += _no_times(projection, stored.subject, kept)
    return rows, wrong


def _no_times(projection: StateFold[Any], subject: str, kept: Kept | None) -> Iterator[Wrong]:
    """The values beside a state that should be times and are none."""
    stored: Mapping[str, Any] = {"since": kept.since, "due": kept.due} if kept else {}
    for column, value in stored.items():
        if value is not None and not isinstance(value, datetime):
            yield Wrong(projection.name + STATE_SUFFIX, (subject,), column, value, "a time")


def _holds_at(kept: Kept, now: datetime) -> datetime:
    """A time at which the rows hold: now if they do. Rows that are due by now are refreshed by the next question."""
    due = kept.due if isinstance(kept.due, datetime) else None
    at = now if due is None or due > now or _waits(kept) else due - INSTANT
    return max(at, kept.since) if isinstance(kept.since, datetime) else at


def _waits(kept: Kept | None) -> bool:
    return kept is not None and kept.due == LONG_AGO


def _unlike_states(projection: StateFold[Any], subject: str, kept: Kept | None, made: Kept | None) -> Iterator[Wrong]:
    """How a state that is kept, as JSON, differs from one that was folded."""
    dumped = None if made is None or made.state is None else orjson.dumps(projection.dump(made.state)).decode()
    if kept and made and (kept.position, kept.state) == (made.position, dumped):
        # Nearly always the very same text.
        return
    old, new = _state(subject, kept, None if kept is None else kept.state), _state(subject, made, dumped)
    if old != new and kept is not None and kept.state is not None:
        # Another version of Rapport may have written the same in other words.
        with suppress(ValueError, TypeError, LookupError, AttributeError):
            read = projection.load(orjson.loads(kept.state))
            old = _state(subject, kept, orjson.dumps(projection.dump(read)))
    yield from _unlike(projection.name + STATE_SUFFIX, old, new)


def _state(subject: str, kept: Kept | None, state: str | bytes | None) -> dict[Key, Row]:
    """The row of a state that is given as JSON."""
    if kept is None or state is None:
        return {}
    try:
        read = orjson.loads(state)
    except ValueError:
        read = state
    return {(subject,): {"position": kept.position, "state": read}}


def _unlike(dataset: str, stored: Mapping[Key, Row], folded: Mapping[Key, Row]) -> Iterator[Wrong]:
    if stored == folded:
        return
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
    session: StoreSession, feed: Feed, generation: Generation, summary: Summary, position: int
) -> tuple[int, list[Wrong]]:
    """Add a summary up again from the stored rows that it summarises."""
    count, name = 0, summary.table.name
    wrong = list(_unlike(name, summaries.load_without_rows(session, generation, summary), {}))
    for made in summaries.add_up_from_rows(session, generation, summary, feed.values_of(session, position)):
        count += len(made)
        wrong += _unlike(name, summaries.load_beside(session, generation, summary, made), made)
    return count, wrong
