"""Waiting for commits of other processes on PostgreSQL: one connection that listens, for all threads that wait."""

import logging
import threading
import time
from select import POLLIN, poll
from socket import socket, socketpair
from typing import Final

import psycopg

from infra.store.postgres.append import CHANNEL
from infra.store.postgres.pool import Datastore

logger = logging.getLogger("rapport.store")

# So often a quiet connection is tried; a waiter looks for itself at least as often, in case a word was lost.
LOOK_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 0.5


class Listener:
    """Counts what it hears. Its thread and connection start with the first to ask and end with `close`."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self._heard = 0
        self._changed = threading.Condition()
        self._listening = False
        self._closed = False
        self._thread: threading.Thread | None = None
        # The thread waits at one end, and wakes when the other is closed.
        self._ends: tuple[socket, socket] | None = None

    def mark(self) -> int:
        """What was heard so far. Everything committed after this call is heard, or its loss is."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._ends = socketpair()
                self._thread = threading.Thread(
                    target=self._listen, args=(self._ends[0],), name="rapport-listener", daemon=True
                )
                self._thread.start()
            if not self._listening:
                self._changed.wait_for(lambda: self._listening or self._closed, AGAIN_SECONDS)
            return self._heard

    def wait_since(self, mark: object, timeout: float) -> bool:
        """Sleep until something is heard after the mark, or might have been missed (True), or for `timeout` seconds."""
        until = time.monotonic() + timeout
        with self._changed:
            longest = LOOK_SECONDS if self._listening else AGAIN_SECONDS
            heard = self._changed.wait_for(lambda: self._heard != mark or self._closed, min(timeout, longest))
        return heard or time.monotonic() < until

    def close(self) -> None:
        """End the thread; who waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._ends is not None:
            waked, waker = self._ends
            waker.close()
            self._thread.join()
            waked.close()

    def _listen(self, waked: socket) -> None:
        logged = False
        while not self._closed:
            try:
                with self._datastore.connect() as link:
                    link.execute(f"LISTEN {CHANNEL}")
                    logged = False
                    self._tell(listening=True)
                    self._hear(link, waked)
            except psycopg.Error as error:
                if not self._closed:
                    # That the server is away is logged by those who notice, and another reason once.
                    quiet = logged or isinstance(error, psycopg.OperationalError)
                    level = logging.DEBUG if quiet else logging.WARNING
                    logger.log(level, "not listening to PostgreSQL for the moment: %s", error)
                    logged = not isinstance(error, psycopg.OperationalError)
            self._tell(listening=False)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, AGAIN_SECONDS)

    def _hear(self, link: psycopg.Connection[object], waked: socket) -> None:
        """Sleep until a word comes; nothing is done in between but to try the connection now and then."""
        waiting = poll()
        waiting.register(link.fileno(), POLLIN)
        waiting.register(waked.fileno(), POLLIN)
        while not self._closed:
            if not waiting.poll(LOOK_SECONDS * 1000):
                link.execute("SELECT 1")
            for _ in link.notifies(timeout=0):
                self._tell(listening=True)

    def _tell(self, *, listening: bool) -> None:
        with self._changed:
            self._heard += 1
            self._listening = listening
            self._changed.notify_all()
