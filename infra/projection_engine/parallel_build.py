"""Whole streams folded from their first event, a bundle of them at a time: here, or in several processes at once.

Folding is pure and takes nearly all of the time, so for a long log every core folds bundles while this process writes the
results in order. Bundles go to the processes in turn and come back in the same turn, so no process is more than one result
ahead: it waits until that is taken. A helper process ends when its parent does.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import infra
from infra.projection_engine import rows
from infra.projection_engine.feed import Feed
from infra.projection_engine.generation import Generation
from infra.projection_engine.stream_fold import Unit, collecting_seldom
from infra.projection_engine.summaries import Change
from infra.store import log_reader
from infra.store.mapper import RapportMapper
from infra.store.opening import open_database
from infra.store.session import StoreSession
from projections.catalogue import all_projections

READ: Final = 4_000
# Bundles that a process has been given and not yet answered.
AHEAD: Final = 2
# Not `-m infra…`: a folder called infra in the working folder would be taken for ours.
PROGRAM: Final = (
    "from rapport_command import take_our_packages; take_our_packages(); "
    "from infra.projection_engine.parallel_build import main; main()"
)


class FoldingFailed(Exception):
    """A process that folds ended before its work did; its own message is on stderr."""


class Bundle(NamedTuple):
    """The streams after one up to another, and how many events they have."""

    after: str
    last: str
    events: int


class Folded(NamedTuple):
    """A bundle folded: the changes to write, and the changes for each summary."""

    bundle: Bundle
    changes: rows.Changes
    touched: list[list[Change]]


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
            for entry in entries:
                if not units or units[-1].subject != entry.subject:
                    units.append(feed.folder.fresh(entry.subject))
                feed.folder.fold(units[-1], entry, corrected_by)
            if len(entries) < READ:
                break
            after = (entries[-1].subject, entries[-1].version)
        programme_of = feed.programme_of(session, target)
        for unit in units:
            feed.folder.work(unit, at, programme_of)
    return Folded(bundle, rows.changes(feed.database.kind, feed.generations, units), feed.touched(units))


def fold_all(feed: Feed, todo: Sequence[Bundle], target: int, at: datetime, processes: int) -> Iterator[Folded]:
    """Fold bundles, in this process or in others; yields the results in order.

    If the other processes end before their work does, this process does the rest.
    """
    done = 0
    if processes > 1 and len(todo) > 1 and _is_own(feed):
        with suppress(FoldingFailed):
            for folded in _fold_there(feed, todo, target, at, processes):
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


# --- other processes -----------------------------------------------------------------------------------------------
def _fold_there(feed: Feed, todo: Sequence[Bundle], target: int, at: datetime, processes: int) -> Iterator[Folded]:
    """Fold bundles in this many processes; yields the results in order.

    Raises:
        FoldingFailed: A process ended before its work did.
    """
    own = [(each.name, each.mark) for each in feed.generations]
    with ExitStack() as stack:
        helpers = [stack.enter_context(_helper(feed.database.url, own, target, at)) for _ in range(processes)]
        for place, bundle in enumerate(todo[: AHEAD * processes]):
            _give(helpers[place % processes], bundle)
        for place in range(len(todo)):
            helper = helpers[place % processes]
            yield _taken(helper)
            if place + AHEAD * processes < len(todo):
                _give(helper, todo[place + AHEAD * processes])


@contextmanager
def _helper(*task: Any) -> "Iterator[subprocess.Popen[bytes]]":
    home = str(Path(str(infra.__file__)).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))}
    helper = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        # An interrupt is for the process that writes, which then ends the others.
        start_new_session=True,
    )
    assert helper.stdin is not None
    assert helper.stdout is not None
    try:
        _give(helper, task)
        yield helper
    finally:
        helper.kill()
        with suppress(BrokenPipeError):
            helper.stdin.close()
        helper.stdout.close()
        helper.wait()


def _give(helper: "subprocess.Popen[bytes]", what: object) -> None:
    assert helper.stdin is not None
    try:
        pickle.dump(what, helper.stdin)
        helper.stdin.flush()
    except BrokenPipeError as error:
        raise FoldingFailed("a process that folds streams has ended") from error


def _taken(helper: "subprocess.Popen[bytes]") -> Any:
    assert helper.stdout is not None
    try:
        return pickle.load(helper.stdout)  # noqa: S301 - our own process wrote it
    except (EOFError, pickle.UnpicklingError) as error:
        raise FoldingFailed("a process that folds streams has ended") from error


# --- in another process --------------------------------------------------------------------------------------------
def main() -> None:
    """Answer bundles until there are no more."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever prints, prints for a person.
    sys.stdout = sys.stderr
    try:
        _answer(given, answers)
    except (EOFError, BrokenPipeError):
        # The parent has ended; there is nothing to clean up.
        os._exit(0)


def _answer(given: IO[bytes], answers: IO[bytes]) -> None:
    url, own, target, at = pickle.load(given)  # noqa: S301 - the process that started this one wrote it
    known = {each.name: each for each in all_projections()}
    generations = [Generation(known[name], mark, "building", 0) for name, mark in own]
    with open_database(url) as database, collecting_seldom():
        feed = Feed(database, RapportMapper(), generations)
        while True:
            bundle = pickle.load(given)  # noqa: S301 - the same
            pickle.dump(fold(feed, bundle, target, at), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
