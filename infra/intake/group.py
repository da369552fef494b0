"""Group commit: callers that come at the same time share one transaction.

One caller at a time leads: it takes what is waiting, handles it as one batch, and hands out the receipts. While it
commits, the others queue up and become the next batch. One alone waits for nobody.
"""

import threading
from collections import deque
from typing import Final

from infra.intake.handler import Handler
from infra.intake.receipt import Receipt

MAX_BATCH: Final = 500


class _Waiting:
    """One caller's message, and what came of it."""

    __slots__ = ("done", "error", "raw", "receipt")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.done = threading.Event()
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None


class GroupCommit:
    """Takes single messages from many threads."""

    def __init__(self, handler: Handler, max_batch: int = MAX_BATCH) -> None:
        self.handler = handler
        self.max_batch = max_batch
        self._queue: deque[_Waiting] = deque()
        self._guard = threading.Lock()
        self._led = False

    def submit(self, raw: bytes) -> Receipt:
        """The receipt of this message, once it is committed. Raises what `Handler.handle` raises."""
        waiting = _Waiting(raw)
        with self._guard:
            self._queue.append(waiting)
            lead = not self._led
            self._led = True
        if not lead:
            waiting.done.wait()
        if waiting.receipt is None and waiting.error is None:
            # It is our turn to lead; our own message is the first in the queue.
            self._lead_once()
        if waiting.error is not None:
            raise waiting.error
        assert waiting.receipt is not None
        return waiting.receipt

    def _lead_once(self) -> None:
        with self._guard:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self.max_batch))]
        try:
            receipts = self.handler.handle([waiting.raw for waiting in batch])
            for waiting, receipt in zip(batch, receipts, strict=True):
                waiting.receipt = receipt
        except BaseException as error:
            for waiting in batch:
                waiting.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._guard:
                successor = self._queue[0] if self._queue else None
                self._led = successor is not None
            for waiting in batch:
                waiting.done.set()
            if successor is not None:
                # Woken without an answer, it leads the next batch.
                successor.done.set()
