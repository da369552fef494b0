"""Whole streams folded from their first event, a bundle of them at a time: here, or in several processes at once.

Folding is pure and takes nearly all of the time, so for a long log every core folds bundles while this process writes the
results in order. Bundles go to the processes in turn and come back in the same turn, so no process is more than one result
ahead: it waits until that is taken. A helper process ends when its parent does.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from infra.collector import collecting_seldom
from infra.operations import helper_process
from infra.operations.helper_process import HelperEnded, helper
from infra.projection_engine import rows
from infra.projection_engine.feed import Feed
from infra.projection_engine.generation import Generation
from infra.projection_engine.stream_fold import NO_TIMES, Unit
from infra.store import log_reader
from infra.store.mapper import RapportMapper
from infra.store.opening import open_database
from infra.store.session import StoreSession
from projections.catalogue import all_projections

READ: Final = 4_000
# Bundles that a process has been given and not yet answered.
AHEAD: Final = 2
PROGRAM: Final = helper_process.program("infra.projection_engine.parallel_build")


class Bundle(NamedTuple):
    """The streams after one up to another, and how many events they have."""

    after: str
    last: str
    events: int


class Folded(NamedTuple):
    """A bundle folded: the changes to write."""

    bundle: Bundle
    changes: rows.Changes


def bundles(session: StoreSession, after: str, size: int) -> list[Bundle]:
    """Returns all streams after one, in bundles of at least `size` events; the last may be smaller."""
    found: list[Bundle] = []
    last, count = after, 0
    sizes = "SELECT originator_id, COUNT(*) FROM stored_events WHERE originator_id > ? GROUP BY 1 ORDER BY 1"
    for subject, events in session.stream(sizes, (after,)):
        last, count = subject, count + events
        if count >= size:
            found.append(Bundle(after, last, count))
            after, count = last, 0
    return [*found, Bundle(after, last, count)] if count else found


def fold(feed: Feed, bundle: Bundle, target: int, at: datetime) -> Folded:
    """Fold the streams of a bundle up to a position of the log."""
    units: list[Unit] = []
    # After all versions of the stream before.
    after = (bundle.after, 2**62)
    with feed.database.reading() as session:
        corrected_by = feed.corrected_by(session, target)
        while True:
            entries = log_reader.streams(session, feed.reader, after, bundle.last, target, READ)
            streams: list[tuple[Unit, list[log_reader.LogEntry]]] = []
            for subject, events in groupby(entries, key=lambda entry: entry.subject):
                if not units or units[-1].subject != subject:
                    units.append(feed.folder.fresh(subject))
                streams.append((units[-1], list(events)))
            feed.folder.fold_streams(streams, corrected_by)
            if len(entries) < READ:
                break
            after = (entries[-1].subject, entries[-1].version)
        programme_of = feed.programme_of(session, target)
        feed.folder.work_streams([(unit, NO_TIMES) for unit in units], at, programme_of)
    return Folded(bundle, rows.changes(feed.database.kind, feed.generations, units))


def fold_all(feed: Feed, todo: Sequence[Bundle], target: int, at: datetime, processes: int) -> Iterator[Folded]:
    """Fold bundles, in this process or in others; yields the results in order.

    If the other processes end before their work does, this process does the rest.
    """
    done = 0
    if processes > 1 and len(todo) > 1 and _is_own(feed):
        with suppress(HelperEnded):
            for folded in _fold_there(feed, todo, target, at, processes):
                yield folded
                done += 1
    with collecting_seldom():
        for bundle in todo[done:]:
            yield fold(feed, bundle, target, at)


def _is_own(feed: Feed) -> bool:
    """Whether another process finds the same projections by their names."""
    known = {each.name: each for each in all_projections()}
    return all(known.get(each.name) is each.projection for each in feed.generations)


# --- other processes -----------------------------------------------------------------------------------------------
def _fold_there(feed: Feed, todo: Sequence[Bundle], target: int, at: datetime, processes: int) -> Iterator[Folded]:
    """Fold bundles in this many processes; yields the results in order.

    Raises:
        HelperEnded: A process ended before its work did.
    """
    own = [(each.name, each.mark) for each in feed.generations]
    with ExitStack() as stack:
        helpers = [stack.enter_context(helper(PROGRAM, feed.database.url, own, target, at)) for _ in range(processes)]
        for place, bundle in enumerate(todo[: AHEAD * processes]):
            helper_process.give(helpers[place % processes], bundle)
        for place in range(len(todo)):
            one = helpers[place % processes]
            yield helper_process.taken(one)
            if place + AHEAD * processes < len(todo):
                helper_process.give(one, todo[place + AHEAD * processes])


# --- in another process --------------------------------------------------------------------------------------------
def main() -> None:
    """Answer bundles until there are no more."""
    helper_process.serve(_answer)


def _answer(take: Callable[[], Any], answer: Callable[[object], None]) -> None:
    url, own, target, at = take()
    known = {each.name: each for each in all_projections()}
    generations = [Generation(known[name], mark, "building", 0) for name, mark in own]
    with open_database(url) as database, collecting_seldom():
        feed = Feed(database, RapportMapper(), generations)
        while True:
            answer(fold(feed, take(), target, at))
