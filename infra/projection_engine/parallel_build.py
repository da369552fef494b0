"""Whole streams folded from their first event, a bundle of them at a time: here, or in several processes at once.

To fold is pure and takes nearly all of the time, so for a long log every core folds bundles while this process writes what
comes back, in order.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

from infra.projection_engine import folding, log, writing
from infra.projection_engine.collecting import collecting_seldom
from infra.projection_engine.feed import Feed
from infra.projection_engine.stream_fold import Unit
from infra.projection_engine.summary_tables import Change
from infra.store.session import Session
from projections.catalogue import all_projections

READ: Final = 4_000


class Bundle(NamedTuple):
    """The streams after one up to another, with about so many events."""

    after: str
    last: str
    events: int


class Folded(NamedTuple):
    """What a bundle comes to: what to write, and what it changes for each summary."""

    bundle: Bundle
    changes: writing.Changes
    touched: list[list[Change]]


def bundles(session: Session, after: str, size: int) -> list[Bundle]:
    """All streams after one, in bundles of at least so many events but for the last."""
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
        while True:
            entries = log.streams(session, feed.reader, after, bundle.last, target, READ)
            for entry in entries:
                if not units or units[-1].subject != entry.subject:
                    units.append(feed.folder.fresh(entry.subject))
                feed.folder.fold(units[-1], entry)
            if len(entries) < READ:
                break
            after = (entries[-1].subject, entries[-1].version)
        terms_of = feed.terms_of(session, target)
        for unit in units:
            feed.folder.work(unit, at, terms_of)
    return Folded(bundle, writing.changes(feed.database.kind, feed.generations, units), feed.touched(units))


def fold_all(feed: Feed, todo: Sequence[Bundle], target: int, at: datetime, processes: int) -> Iterator[Folded]:
    """Fold bundles, in this process or in others; what they come to is given in order.

    Should the others end before their work does, this process does the rest of it.
    """
    done = 0
    if processes > 1 and len(todo) > 1 and _is_own(feed):
        with suppress(folding.FoldingFailed):
            for folded in folding.fold_there(feed, todo, target, at, processes):
                yield folded
                done += 1
    with collecting_seldom():
        for bundle in todo[done:]:
            yield fold(feed, bundle, target, at)


def processes_at_hand() -> int:
    """How many processes can run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_own(feed: Feed) -> bool:
    """Whether another process finds the same projections by their names."""
    known = {each.name: each for each in all_projections()}
    return all(known.get(each.name) is each.projection for each in feed.generations)
