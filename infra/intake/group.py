"""Group commit: messages that come at the same time, from threads or tasks, share one transaction.

One thread takes what is waiting, has it handled as one batch, and hands out the receipts after the commit. Commits are serial, so
callers that would be split over two of them wait twice as long; those who were answered last are therefore given
a part of the last commit's time to come back before the next begins. One caller alone waits for nobody.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

from infra.eventstore.failure import StoreError
from infra.intake.handler import Handler
from infra.intake.receipt import Receipt

MAX_BATCH: Final = 500
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
MAX_WAITING: Final = 10_000
# The part of the last commit's time that is spent on waiting for those who were in it, and the most of it.
GATHER_SHARE: Final = 0.5
GATHER_SECONDS: Final = 0.005

Outcome = Receipt | Exception
logger = logging.getLogger("rapport.intake")


class Overloaded(StoreError):
    """Too many messages are waiting; nothing was recorded, and the message may be sent again later."""


class Closed(StoreError):
    """No more messages are taken in; nothing was recorded."""


class _Waiting(NamedTuple):
    """One caller's message, and how to tell the caller what came of it."""

    raw: bytes
    settle: Callable[[Outcome], object]


class GroupCommit:
    """Takes single messages from many threads and tasks. `close` handles what is waiting, then takes no more."""

    def __init__(self, handler: Handler, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        self.handler = handler
        self.max_batch = max_batch
        self.max_waiting = max_waiting
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        # As many waiting callers wake the thread.
        self._wanted = 1
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="rapport-intake", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, raw: bytes) -> Receipt:
        """The receipt of this message, once it is committed. Raises what `Handler.handle` raises, `Overloaded`, `Closed`."""
        told = threading.Lock()
        told.acquire()
        outcomes: list[Outcome] = []

        def settle(outcome: Outcome) -> None:
            outcomes.append(outcome)
            told.release()

        self._put(_Waiting(raw, settle))
        told.acquire()
        if isinstance(outcomes[0], Exception):
            raise outcomes[0]
        return outcomes[0]

    async def receipt(self, raw: bytes) -> Receipt:
        """The same for a task."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._put(_Waiting(raw, lambda outcome: loop.call_soon_threadsafe(_resolve, future, outcome)))
        return await future

    def close(self) -> None:
        """Handle what is waiting and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _put(self, waiting: _Waiting) -> None:
        with self._changed:
            if self._closed:
                raise Closed("no more messages are taken in")
            if len(self._queue) >= self.max_waiting:
                raise Overloaded(f"{self.max_waiting} messages are waiting already")
            self._queue.append(waiting)
            if len(self._queue) == self._wanted:
                self._changed.notify()

    def _run(self) -> None:
        answered, took = 1, 0.0
        while batch := self._next(answered, min(took * GATHER_SHARE, GATHER_SECONDS)):
            before = time.monotonic()
            outcomes = self._handled([waiting.raw for waiting in batch])
            answered, took = len(batch), time.monotonic() - before
            for waiting, outcome in zip(batch, outcomes, strict=True):
                # The loop of a task may be closed by now; the message is recorded all the same.
                with contextlib.suppress(RuntimeError):
                    waiting.settle(outcome)

    def _next(self, answered: int, patience: float) -> list[_Waiting]:
        """What is waiting, in the order in which it came; nothing when closed and all is done."""
        with self._changed:
            self._wanted = 1
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._wanted = min(answered, self.max_batch)
            if len(self._queue) < self._wanted and not self._closed:
                self._changed.wait_for(lambda: len(self._queue) >= self._wanted or self._closed, patience)
            batch: list[_Waiting] = []
            size = 0
            while self._queue and len(batch) < self.max_batch and size <= MAX_BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += len(batch[-1].raw)
            return batch

    def _handled(self, raws: Sequence[bytes]) -> Sequence[Outcome]:
        """The outcome of each message. What only one of them is to blame for must not befall the others."""
        try:
            return self.handler.handle(raws)
        except StoreError as error:
            return [error] * len(raws)
        except Exception as error:
            if len(raws) == 1:
                return [error]
            logger.exception("a batch of %d messages failed; they are handled one by one", len(raws))
            return [outcome for raw in raws for outcome in self._handled([raw])]


def _resolve(future: "asyncio.Future[Receipt]", outcome: Outcome) -> None:
    if future.cancelled():
        return  # its caller is gone; the message is recorded all the same
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
