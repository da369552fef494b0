"""Group commit: messages that come at the same time, from threads or tasks, share one transaction.

One thread takes what is waiting, has it decided as one batch, and hands out the receipts after the commit. Where the database works by
itself, the next batch is decided meanwhile; where it does not, or where its commits take longer than deciding all that is waiting,
callers that are split over two commits wait twice as long. Those who were answered last are therefore given a
part of the last commit's time to come back before the next begins. One caller alone waits for nobody.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Final, NamedTuple, Self

from infra.intake import failure
from infra.intake.handler import Handler
from infra.intake.message import Message
from infra.intake.receipt import Receipt
from infra.store.errors import StoreError

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
    """One caller's message, and how to tell the caller what came of it: in its event loop if it is a task."""

    given: bytes | Message
    settle: Callable[[Outcome], object]
    loop: asyncio.AbstractEventLoop | None = None

    @property
    def raw(self) -> bytes:
        """The message as it was sent."""
        return self.given.raw if isinstance(self.given, Message) else self.given


class GroupCommit:
    """Takes single messages from many threads and tasks. `close` handles what is waiting, then takes no more."""

    def __init__(self, handler: Handler, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        self.handler = handler
        self.max_batch = max_batch
        self.max_waiting = max_waiting
        self._overlaps = handler.store.database.overlaps
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        # As many waiting callers wake the thread.
        self._wanted = 1
        # How many were answered last and may come back, and how long they are waited for.
        self._answered = 0
        self._patience = 0.0
        # How long it took to decide a message, and to wait for a commit while nothing was decided.
        self._decide_seconds = 0.0
        self._commit_seconds = 0.0
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
        done = threading.Lock()
        done.acquire()
        outcomes: list[Outcome] = []

        def settle(outcome: Outcome) -> None:
            outcomes.append(outcome)
            done.release()

        self._put(_Waiting(raw, settle))
        done.acquire()
        if isinstance(outcomes[0], Exception):
            raise outcomes[0]
        return outcomes[0]

    async def receipt(self, given: bytes | Message) -> Receipt:
        """The same for a task, which may have parsed the message."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._put(_Waiting(given, partial(_resolve, future), loop))
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
        under_way: _Commit | None = None
        while (batch := self._next(idle=under_way is None)) or under_way is not None:
            begun = self._begun(batch) if batch else None
            if under_way is not None:
                self._tell(under_way)
                if begun is None:
                    self._commit_seconds = time.monotonic() - under_way.sent
            elif begun is not None:
                self._decide_seconds = (begun.sent - begun.began) / len(batch)
            under_way = begun
            if under_way is not None and not self._overlaps:
                self._tell(under_way)
                under_way = None

    def _next(self, *, idle: bool) -> list[_Waiting]:
        """What to handle next, in the order in which it came.

        Nothing while a commit is under way (not `idle`) and nobody comes; nothing when closed and all is done.
        """
        with self._changed:
            if idle:
                self._wanted = 1
                self._changed.wait_for(lambda: self._queue or self._closed)
            self._wanted = min(self._answered, self.max_batch)
            if len(self._queue) < self._wanted and not self._closed:
                self._changed.wait_for(lambda: len(self._queue) >= self._wanted or self._closed, self._patience)
            self._answered = 0
            most = self.max_batch
            if idle and self._overlaps and len(self._queue) * self._decide_seconds > self._commit_seconds:
                most = min(most, (len(self._queue) + 1) // 2)
            batch: list[_Waiting] = []
            size = 0
            while self._queue and len(batch) < most and size <= MAX_BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += len(batch[-1].raw)
            return batch

    def _begun(self, batch: list[_Waiting]) -> "_Commit":
        """These messages, decided and on their way into the store."""
        began = time.monotonic()
        try:
            receipts: Callable[[], Sequence[Outcome]] = self.handler.begin([each.given for each in batch]).receipts
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told
            outcomes = self._failed(batch, error)
            receipts = lambda: outcomes  # noqa: E731
        return _Commit(batch, receipts, began, time.monotonic())

    def _tell(self, commit: "_Commit") -> None:
        """Wait for the end of a commit and tell the callers."""
        outcomes = self._outcomes(commit)
        self._answered = len(commit.batch)
        self._patience = min((time.monotonic() - commit.began) * GATHER_SHARE, GATHER_SECONDS)
        _settle(commit.batch, outcomes)

    def _outcomes(self, commit: "_Commit") -> Sequence[Outcome]:
        try:
            return commit.receipts()
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told
            return self._failed(commit.batch, error)

    def _failed(self, batch: list[_Waiting], error: Exception) -> Sequence[Outcome]:
        """The outcome of each message of a batch that failed. What only one is to blame for must not befall the others."""
        if isinstance(error, StoreError):
            return [error] * len(batch)
        if len(batch) == 1:
            return [failure.in_raw(error, batch[0].raw)]
        logger.error("a batch of %d messages failed (%s); each is handled by itself", len(batch), type(error).__name__)
        return [outcome for each in batch for outcome in self._outcomes(self._begun([each]))]


class _Commit(NamedTuple):
    """Messages on their way: how to wait for what comes of them, when they were taken, and when they were decided and sent."""

    batch: list[_Waiting]
    receipts: Callable[[], Sequence[Outcome]]
    began: float
    sent: float


def _settle(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell every caller; all tasks of one loop at once, since each call into a loop costs as much as a message."""
    in_loops: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Outcome]]] = defaultdict(list)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.loop is None:
            waiting.settle(outcome)
        else:
            in_loops[waiting.loop].append((waiting, outcome))
    for loop, settled in in_loops.items():
        # The loop may be closed by now; the messages are recorded all the same.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_here, settled)


def _settle_here(settled: Sequence[tuple[_Waiting, Outcome]]) -> None:
    for waiting, outcome in settled:
        waiting.settle(outcome)


def _resolve(future: "asyncio.Future[Receipt]", outcome: Outcome) -> None:
    if future.cancelled():
        return  # its caller is gone; the message is recorded all the same
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
