"""Checks that people ask for on pages: of the whole record, which goes on while its page is looked at, and of one relationship.

Of each there is one at a time in a process, for they take all of a processor.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock, Thread
from typing import Final

from cachetools import TTLCache

from domain.problem import Problem
from infra.bootstrap import Rapport
from infra.evidence.audit import audit, with_undone
from infra.evidence.checkpoints import gathered
from infra.evidence.verify import Verdict
from infra.http.asking import Desk
from infra.http.problems import HttpProblem
from infra.operations.logs import logger
from infra.store.errors import StoreError
from infra.store.snapshot import snapshot

log = logger("rapport.pages")
# What was found of a relationship is told again for so long, unless something happened in it.
REMEMBERED_SECONDS: Final = 30
MOST_REMEMBERED: Final = 500
# Who asks while another check goes on waits so long.
PATIENCE_SECONDS: Final = 5


@dataclass(frozen=True)
class State:
    """How a check is: when it began, what it is at and how far, and once it is over what was found. `failed` says why there is nothing."""

    begun_at: datetime | None = None
    over_at: datetime | None = None
    step: str | None = None
    done: int = 0
    total: int | None = None
    verdict: Verdict | None = None
    failed: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.begun_at is not None and self.over_at is None


class Verification:
    """The check of one process."""

    def __init__(self, rapport: Rapport) -> None:
        self._rapport = rapport
        self._lock = Lock()
        self._thread: Thread | None = None
        self.state = State()

    def begin(self) -> None:
        """Begin, unless it goes on already."""
        with self._lock:
            if not self.state.is_running:
                self.state = State(begun_at=self._rapport.clock.now())
                self._thread = Thread(target=self._run, name="verification", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until it is over, but not for long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            verdict = self._audit()
            self.state = replace(self.state, verdict=verdict)
        except StoreError as error:
            self.state = replace(self.state, failed=str(error))
        except Exception:
            log.exception("the check of the record has ended by an error")
            self.state = replace(self.state, failed="Rapport failed here; the log says where")
        finally:
            self.state = replace(self.state, over_at=self._rapport.clock.now(), step=None)

    def _audit(self) -> Verdict:
        engine = self._rapport.engine()
        held = with_undone(gathered(self._rapport.checkpoints(), (), None), self._rapport.undone_erasures())
        trouble: StoreError | None = None
        try:
            engine.catch_up()
        except StoreError as error:
            trouble = error
        with snapshot(engine.store) as store:
            return audit(store, engine, self._progress, None, held, trouble)

    @contextmanager
    def _progress(self, step: str, total: int | None) -> Iterator[Callable[[int], None]]:
        self.state = replace(self.state, step=step, done=0, total=total)

        def advance(count: int) -> None:
            self.state = replace(self.state, done=self.state.done + count)

        yield advance


class Busy(HttpProblem):
    """Other relationships are being verified."""

    def __init__(self) -> None:
        said = "other relationships are being verified: try again in a moment"
        super().__init__(429, Problem("too_many_requests", said), headers={"Retry-After": str(PATIENCE_SECONDS)})


class OneByOne:
    """The checks of single relationships in one process. Threads may share it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._found: TTLCache[tuple[str, int], Verdict] = TTLCache(MOST_REMEMBERED, REMEMBERED_SECONDS)

    def verdict(self, at: Desk, subject: str) -> Verdict:
        """What is found in the chain, the decisions, the rows and the places in the tree of a relationship.

        Raises:
            Busy: Others' checks go on for too long.
        """
        key = subject, at.store.heads([subject])[subject].version
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise Busy
        try:
            found = self._found.get(key)
            if found is None:
                found = self._found[key] = _audited(at, subject)
            return found
        finally:
            self._turn.release()


def _audited(at: Desk, subject: str) -> Verdict:
    trouble: StoreError | None = None
    try:
        at.engine.catch_up()
    except StoreError as error:
        trouble = error
    with snapshot(at.store) as store:
        return audit(store, at.engine, lambda *_: nullcontext(lambda _: None), subject, trouble=trouble)
