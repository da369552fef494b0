"""Notices commits of other processes on a file of SQLite.

SQLite tells nobody that it has committed, but it writes to its write-ahead log (FILE-wal), and the file system says so. That
write comes a moment before the commit can be seen, so the counter is read often after it, and less and less so: a lease
that is kept writes too, and processes with nothing to do should cost nothing.
Where the file system says nothing (no notifications left, a kind of file system without them), the counter is read every
50 ms instead.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# How long a commit may take after it was written to the log, and how soon to look first.
SETTLE_SECONDS: Final = 0.1
SETTLE_LOOK_SECONDS: Final = 0.001
# How often to look while the file system would say when something is written, and where it does not.
SELDOM_SECONDS: Final = 5.0
OFTEN_SECONDS: Final = 0.05

logger = logging.getLogger("rapport.store")


class CommitWatch:
    """Waits for commits. Threads may share it; the file system is asked from the first wait on."""

    def __init__(self, path: str, counter: Callable[[], int]) -> None:
        """Watch the store in the file `path`; `counter` reads a number that moves with every commit."""
        self._log = Path(path + "-wal").absolute()
        self._counter = counter
        self._written = threading.Condition()
        self._settles_at = 0.0
        self._observer: BaseObserver | None = None
        self._longest: float | None = None

    def notify(self) -> None:
        """Wake all that wait: this process has committed."""
        with self._written:
            self._written.notify_all()

    def wait_since(self, mark: int, timeout: float) -> bool:
        """Sleep until the counter is no longer at the mark (True), or for `timeout` seconds (False)."""
        until = time.monotonic() + timeout
        longest = self._longest or self._begin()
        while self._counter() == mark:
            now = time.monotonic()
            if now >= until:
                return False
            with self._written:
                pause = self._settling(now) if now < self._settles_at else longest
                self._written.wait(min(until - now, pause))
        return True

    def close(self) -> None:
        """Let go of the file system."""
        with self._written:
            observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()

    def _settling(self, now: float) -> float:
        """How long to sleep until the next look after a write: as long as has passed since it."""
        return max(SETTLE_LOOK_SECONDS, now - (self._settles_at - SETTLE_SECONDS))

    def _begin(self) -> float:
        """Ask the file system to say when the log is written; how long to sleep where it says nothing."""
        with self._written:
            if self._longest is None:
                self._observer = self._observed()
                self._longest = OFTEN_SECONDS if self._observer is None else SELDOM_SECONDS
            return self._longest

    def _observed(self) -> "BaseObserver | None":
        from watchdog.events import FileModifiedEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        handler = FileSystemEventHandler()
        handler.on_modified = self._modified  # type: ignore[method-assign]
        observer = Observer()
        observer.daemon = True
        try:
            observer.schedule(handler, str(self._log.parent), recursive=False, event_filter=[FileModifiedEvent])
            observer.start()
        except OSError as error:
            logger.info("commits of others are looked for every %s s: %s", OFTEN_SECONDS, error)
            return None
        return observer

    def _modified(self, event: "FileSystemEvent") -> None:
        if event.src_path == str(self._log):
            with self._written:
                self._settles_at = time.monotonic() + SETTLE_SECONDS
                self._written.notify_all()
