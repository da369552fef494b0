"""Waiting for the record to grow: one thread watches the log for all requests that wait."""

import asyncio
import contextlib
from threading import Event, Thread
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request

from domain.problem import Problem
from infra.http.problems import RETRY_SECONDS, HttpProblem, wrong_query
from infra.operations.logs import logger
from infra.store.errors import StoreError
from infra.store.log import EventStore

LOOK_SECONDS: Final = 1.0
# How long a question waits until what it asks for is visible.
VISIBLE_SECONDS: Final = 5.0
log = logger("rapport.http")


class LogHead:
    """The head of the log, as far as this process has seen it. `reached` is for tasks of the loop in which it was made."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._waiting: set[tuple[int, asyncio.Future[bool]]] = set()
        self._stop = Event()
        self.position = 0
        self._thread = Thread(target=self._watch, name="log-head", daemon=True)
        self._thread.start()

    async def reached(self, position: int, seconds: float) -> bool:
        """Wait until the log has an event at this position or after it; False after so many seconds, and when stopping."""
        if self.position >= position:
            return True
        if self._stop.is_set() or seconds <= 0:
            return False
        future: asyncio.Future[bool] = self._loop.create_future()
        entry = (position, future)
        self._waiting.add(entry)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(entry)

    def seen(self, position: int) -> None:
        """The log has grown to this position, as a commit of this process knows; for tasks of the loop."""
        if position > self.position:
            self.position = position
            self._tell()

    @property
    def stopping(self) -> bool:
        """Whether nobody is to wait any longer."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let everybody go who waits. Any thread may call it."""
        self._stop.set()
        self._call(self._tell)

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()

    def _watch(self) -> None:
        position = -1
        while not self._stop.is_set():
            try:
                if position < 0 or self._store.wait(position, LOOK_SECONDS):
                    position = self._store.head()
                    self._call(self.seen, position)
            except StoreError as error:
                log.debug("the log can't be read", error=str(error))
                self._stop.wait(LOOK_SECONDS)

    def _call(self, what: Any, *arguments: Any) -> None:
        # The loop may have ended by now, and nobody waits in it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *arguments)

    def _tell(self) -> None:
        for position, future in list(self._waiting):
            if not future.done() and (self._stop.is_set() or position <= self.position):
                future.set_result(position <= self.position)


AfterQuery = Annotated[
    int | None,
    Query(ge=0, le=2**63 - 1, description="Answer once the record has grown to this position (`Rapport-Position`)."),
]


async def visible(request: Request, after: AfterQuery = None) -> None:
    """A dependency of questions: wait until what the caller has sent is visible.

    Raises:
        HttpProblem: It is not within 5 s.
    """
    head: LogHead = request.app.state.log_head
    if after is not None and not await head.reached(after, VISIBLE_SECONDS):
        said = f"the record has not grown to position {after} within {VISIBLE_SECONDS:.0f} s: ask again later"
        headers = {"Retry-After": str(RETRY_SECONDS)}
        raise HttpProblem(503, Problem("not_visible_yet", said, field="after"), headers=headers)


def beyond(name: str, head: int) -> HttpProblem:
    """The answer to who wants facts after a position that the log has not come to: it would wait for what it has missed."""
    said = (
        f"expected a position up to {head}, to which the record has grown: begin at 0, or at a position that this store gave. "
        "One of another store, or from before a backup was restored, says nothing here"
    )
    return wrong_query(name, said)


Visible = Depends(visible)
