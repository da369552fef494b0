"""An audit over several processes, all of which see the same moment of the database.

On PostgreSQL the others take over the snapshot of the first. A file of SQLite has no such thing: the first holds the lock of writers for the
few milliseconds in which all begin to read. Where that can't be had, one process does it all.
"""

import threading
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
    """Processes that do parts of an audit."""

    def __init__(self, processes: Sequence[Popen[bytes]]) -> None:
        self._processes = processes

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._processes)

    def working_with(self, here: Workshop) -> Work:
        """What does parts in these processes. If one ends before its work does, `here` does what it left."""

        def work(parts: Sequence[Part], advance: Advance) -> list[Any]:
            answers: list[Any] = [None] * len(parts)
            left, turn = iter(enumerate(parts)), threading.Lock()
            undone: list[int] = []

            def employ(process: Popen[bytes]) -> None:
                while True:
                    with turn:
                        place, part = next(left, (-1, None))
                    if part is None:
                        return
                    try:
                        give(process, part)
                        answer = taken(process)
                    except HelperEnded:
                        undone.append(place)
                        return
                    if isinstance(answer, StoreError):
                        raise answer
                    answers[place] = answer
                    with turn:
                        advance(_events(part))

            with ThreadPoolExecutor(len(self._processes)) as threads:
                for done in [threads.submit(employ, process) for process in self._processes]:
                    done.result()
            for place in [*undone, *(place for place, _ in left)]:
                answers[place] = here.do(parts[place])
            return answers

        return work


def _events(part: Part) -> int:
    return part.events if isinstance(part, Streams | Rows) else 0


@contextmanager
def one_moment(
    store: EventStore, program: str, *task: Any, worth: int = WORTH_SHARING, processes: int | None = None
) -> Iterator[tuple[EventStore, Helpers | None]]:
    """The store as it is now, to be read only, with helpers that see the same; None where they would not pay or can't be had.

    A helper runs the `program`, which opens the store of the `task` and calls `answer`.
    """
    processes = processes_at_hand() if processes is None else processes
    if processes == 1 or store.head() < worth:
        with snapshot(store) as frozen:
            yield frozen, None
        return
    with ExitStack() as stack:
        others = [stack.enter_context(helper(program, *task)) for _ in range(processes)]
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
                answer(workshop.do(part))
            except StoreError as error:
                answer(StoreError(str(error)))
