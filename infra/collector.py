"""Python's collector of cycles runs seldom while much is made that has no cycles: it would take a third of the time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

# Objects made before it runs, and how many runs come before one over the older objects.
SELDOM: Final = (200_000, 100, 1000)


class _Collector:
    """The collector of this process: blocks may overlap, in one another and between threads, and it is as usual after the last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks = 0
        self._usual = gc.get_threshold()

    def slow_down(self) -> None:
        with self._lock:
            if self._blocks == 0:
                self._usual = gc.get_threshold()
                gc.set_threshold(*SELDOM)
            self._blocks += 1

    def let_go(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0:
                gc.set_threshold(*self._usual)


_COLLECTOR: Final = _Collector()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let the collector run seldom inside the block."""
    _COLLECTOR.slow_down()
    try:
        yield
    finally:
        _COLLECTOR.let_go()
