"""What is done with does not hold itself: else it stays in memory until Python looks for cycles, which Rapport lets it do seldom.

A batch that held itself kept some hundreds of MiB of batches that were long committed.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import orjson
import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.evidence.verify import verify
from infra.settings import Settings
from infra.simulate import Simulation
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from tests.sizes import size

OURS: Final = ("domain", "projections", "workers", "infra")
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings) as opened:
        yield opened


def test_what_is_done_leaves_nothing_that_holds_itself(rapport: Rapport) -> None:
    messages = list(Simulation(size(5, 12), 1).messages())
    steps: dict[str, Callable[[], object]] = {
        "intake": lambda: rapport.handler.handle(messages),
        "messages that came before": lambda: rapport.handler.handle(messages[:20]),
        "messages that are not accepted": lambda: rapport.handler.handle([b"{", *map(under_another_id, messages[:20])]),
        "datasets": rapport.engine().catch_up,
        "workers": lambda: work(rapport),
        "audit": lambda: verify(rapport.store),
    }
    assert {name: found for name, step in steps.items() if (found := cycles(step))} == {}


def test_what_holds_itself_is_found() -> None:
    class Batch:
        def __init__(self) -> None:
            self.answer = self.__class__.__init__.__get__(self)

    Batch.__module__ = "infra.intake.batch"
    assert cycles(Batch) == {"infra.intake.batch.Batch": 1}


def under_another_id(message: bytes) -> bytes:
    return orjson.dumps(orjson.loads(message) | {"id": "another"})


def work(rapport: Rapport) -> None:
    """Let the workers go through all there is."""
    now = rapport.clock.now()
    runner = Runner(rapport.store, rapport.handler, Horizon(Clock(LONG_AGO), now, began=now), mute=True)
    assert runner.take_lease()
    while runner.turn():
        pass
    runner.release()


def cycles(step: Callable[[], object]) -> dict[str, int]:
    """The classes of Rapport of which objects are left in cycles that nobody can reach, and how many of each."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        step()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = Counter(
            f"{type(each).__module__}.{type(each).__qualname__.rpartition('.')[2]}"
            for each in gc.garbage
            if type(each).__module__.partition(".")[0] in OURS
        )
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if enabled:
            gc.enable()
    return dict(found)
