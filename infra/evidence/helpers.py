"""An audit over several processes, all of which see the same moment of the database.

On PostgreSQL the others take over the snapshot of the first. A file of SQLite has no such thing: the first holds the lock of writers for the
few milliseconds in which all begin to read. Where that can't be had, one process does it all.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from subprocess import Popen
from typing import Any, Final

from infra.evidence.parts import Advance, Part, Rows, Streams, Work, Workshop
from infra.operations.helper_process import HelperEnded, give, helper, processes_at_hand, taken
from infra.store.errors import ReadOnlyStore, StoreError
from infra.store.log import EventStore
from infra.store.snapshot import exported, snapshot

# From so many events on the start of other processes pays.
WORTH_SHARING: Final = 20_000


class Helpers:
    """Processes that do parts of an audit beside this one."""

    def __init__(self, processes: Sequence[Popen[bytes]]) -> None:
        self._processes = processes

    @property
    def count(self) -> int:
        """How many processes there are with this one."""
        return len(self._processes) + 1

    def working_with(self, here: Workshop) -> Work:
        """What does parts in these processes and `here`. If one ends before its work does, `here` does what it left."""

        def work(parts: Sequence[Part], advance: Advance) -> list[Any]:
            answers: list[Any] = [None] * len(parts)
            left, turn = deque(enumerate(parts)), threading.Lock()
            undone: list[int] = []

            def answered(place: int, answer: Any) -> None:
                answers[place] = answer
                with turn:
                    advance(_events(parts[place]))

            def employ(process: Popen[bytes]) -> None:
                while (some := _next(left)) is not None:
                    place, part = some
                    try:
                        give(process, part)
                        answer = taken(process)
                    except HelperEnded:
                        undone.append(place)
                        return
                    if isinstance(answer, StoreError):
                        left.clear()
                        raise answer
                    answered(place, answer)

            with ThreadPoolExecutor(len(self._processes)) as threads:
                employed = [threads.submit(employ, process) for process in self._processes]
                try:
                    while (some := _next(left)) is not None:
                        answered(some[0], here.attempt(some[1]))
                finally:
                    # Whatever went wrong here, the others need not go on.
                    left.clear()
            for done in employed:
                done.result()
            for place in undone:
                answered(place, here.attempt(parts[place]))
            return answers

        return work


def _next(left: deque[tuple[int, Part]]) -> tuple[int, Part] | None:
    """The next part that nobody has begun; threads may ask at once."""
    try:
        return left.popleft()
    except IndexError:
        return None


def _events(part: Part) -> int:
    return part.events if isinstance(part, Streams | Rows) else 0


@contextmanager
def one_moment(
    store: EventStore, program: str, *task: Any, worth: int = WORTH_SHARING, processes: int | None = None
) -> Iterator[tuple[EventStore, Helpers | None]]:
    """The store as it is now, to be read only, with helpers that see the same; None where they would not pay or can't be had.

    A helper runs the `program`, which opens the store of the `task` and calls `answer`. `processes` counts this one, which works too.
    """
    processes = processes_at_hand() if processes is None else processes
    if processes == 1 or store.head() < worth:
        with snapshot(store) as frozen:
            yield frozen, None
        return
    with ExitStack() as stack:
        others = [stack.enter_context(helper(program, *task)) for _ in range(processes - 1)]
        try:
            for each in others:
                taken(each)
            with _nobody_writing(store):
                frozen = stack.enter_context(snapshot(store))
                shared = exported(frozen)
                for each in others:
                    give(each, shared)
                for each in others:
                    taken(each)
        except (HelperEnded, ReadOnlyStore):
            others = []
        if others:
            yield frozen, Helpers(others)
            return
    with snapshot(store) as frozen:
        yield frozen, None


def _nobody_writing(store: EventStore) -> AbstractContextManager[object]:
    """On a file, the lock of writers."""
    return store.database.transaction() if store.database.kind == "sqlite" else nullcontext()


# --- in another process --------------------------------------------------------------------------------------------
def answer_parts(
    opened: Callable[[EventStore], Workshop],
    store: EventStore,
    take: Callable[[], Any],
    answer: Callable[[object], None],
) -> None:
    """Say that the store is open, see the moment that the first process sees, and answer parts until there are no more."""
    answer("open")
    with snapshot(store, take()) as frozen:
        answer("begun")
        workshop = opened(frozen)
        while True:
            part = take()
            try:
                answer(workshop.attempt(part))
            except StoreError as error:
                answer(StoreError(str(error)))
