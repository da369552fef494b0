"""Time passing: rows that are due to change by themselves are computed again before the next answer."""

from datetime import datetime
from typing import Any, Final

from infra.projection_engine import generation as generation_table
from infra.projection_engine import rows, summaries
from infra.projection_engine.feed import Feed
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import physical, state_table
from infra.store.session import StoreSession, as_time
from projections.projection import StateFold

CHUNK: Final = 500


def due_streams(session: StoreSession, generation: Generation, at: datetime) -> list[str]:
    """Streams whose rows do not hold at a time: they were to change by then, or time has been turned back."""
    states = _states(generation)
    due = session.query(
        f"SELECT subject FROM {states} WHERE due <= ? UNION SELECT subject FROM {states} WHERE since > ?", (at, at)
    )
    return sorted(subject for (subject,) in due)


def is_timed(generation: Generation) -> bool:
    """Whether its rows may change though nothing happens. Those that another program made stay as they are until they are built anew."""
    return generation.current and isinstance(generation.projection, StateFold)


def next_due(session: StoreSession, generation: Generation) -> datetime | None:
    """When the first row changes by itself."""
    found = session.query(f"SELECT MIN(due) FROM {_states(generation)}")[0][0]
    return None if found is None else as_time(found)


def refresh(feed: Feed, at: datetime) -> int:
    """Compute due rows again, in every projection that depends on time or on its programme; returns how many streams were due.

    Raises:
        Overtaken: Another process wrote meanwhile.
    """
    count = 0
    for each in feed.generations:
        if is_timed(each):
            with feed.database.reading() as session:
                due = due_streams(session, each, at)
            # Each stream once: a stream that is due again at once would block the others.
            for start in range(0, len(due), CHUNK):
                _recompute(feed, each.name, due[start : start + CHUNK], at)
            count += len(due)
    return count


def _recompute(feed: Feed, name: str, subjects: list[str], at: datetime) -> None:
    generation = next(each for each in feed.generations if each.name == name)
    with feed.database.reading() as session:
        feed.check(session)
        units = list(feed.load(session, subjects, [generation]).values())
        programme_of = feed.programme_of(session, generation.position)
        for unit in units:
            unit.states[name].dirty = True
            feed.folder.work(unit, at, programme_of)
        resummed = feed.summed(session, feed.touched(units), generation.position)
    changes = rows.changes(feed.database.kind, [generation], units)
    with feed.database.transaction() as session:
        (moved,) = generation_table.touch(session, [generation])
        rows.write(session, changes)
        summaries.write(session, resummed)
    feed.replace(moved)


def _states(generation: Generation) -> str:
    projection: StateFold[Any] = generation.projection  # type: ignore[assignment]
    return physical(state_table(projection).name, generation.mark)
