"""Folding bundles of streams in other processes: each takes bundles and gives what they come to.

Bundles go to the processes in turn and come back in the same turn, so results are in order, and no process is more than
one result ahead: it waits until that is taken. One that has nobody to talk to any more ends.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import infra

if TYPE_CHECKING:
    from infra.projection_engine.feed import Feed
    from infra.projection_engine.parallel_build import Bundle, Folded

# Bundles that a process has been given and not yet answered.
AHEAD: Final = 2

# Not `-m infra…`: a folder called infra in the working folder would be taken for ours.
PROGRAM: Final = (
    "from rapport_command import take_our_packages; take_our_packages(); "
    "from infra.projection_engine.folding import main; main()"
)


class FoldingFailed(Exception):
    """A process that folds ended before its work did; what it said is on stderr."""


def fold_there(feed: "Feed", todo: "Sequence[Bundle]", target: int, at: datetime, processes: int) -> "Iterator[Folded]":
    """Fold bundles in so many processes; what they come to, in order. Raises `FoldingFailed`."""
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
        # Whoever interrupts the command means the process that writes, which then ends the others.
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
        # Nobody is there any more. Nothing of ours needs to be put away.
        os._exit(0)


def _answer(given: IO[bytes], answers: IO[bytes]) -> None:
    from infra.projection_engine.collecting import collecting_seldom
    from infra.projection_engine.feed import Feed
    from infra.projection_engine.generation import Generation
    from infra.projection_engine.parallel_build import fold
    from infra.store.mapper import RapportMapper
    from infra.store.opening import open_database
    from projections.catalogue import all_projections

    url, own, target, at = pickle.load(given)  # noqa: S301 - the process that started this one wrote it
    known = {each.name: each for each in all_projections()}
    generations = [Generation(known[name], mark, "building", 0) for name, mark in own]
    with open_database(url) as database, collecting_seldom():
        feed = Feed(database, RapportMapper(), generations)
        while True:
            bundle = pickle.load(given)  # noqa: S301 - the same
            pickle.dump(fold(feed, bundle, target, at), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
