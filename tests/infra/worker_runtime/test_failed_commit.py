"""A commit that fails leaves nothing unseen: the same process goes on from what is written, not from what it remembers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.store.errors import StoreError
from infra.store.session import Database, StoreSession
from tests.infra.worker_runtime.harness import WorkerHarness, everything, run
from tests.infra.worker_runtime.test_runner import begun


def fail_once(database: Database, number: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on the number-th writing transaction is undone at its very end; the list fills with those begun."""
    begin = database.transaction
    begun_so_far: list[int] = []

    @contextmanager
    def transaction() -> Iterator[StoreSession]:
        with begin() as session:
            yield session
            begun_so_far.append(len(begun_so_far) + 1)
            if len(begun_so_far) == number:
                raise StoreError("the connection was cut before the commit")

    monkeypatch.setattr(database, "transaction", transaction)
    return begun_so_far


@pytest.mark.parametrize("number", range(1, 9))
def test_it_is_made_up_for(settings: Settings, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_rapport(settings) as rapport:
        harness = begun(begun(WorkerHarness(rapport)), 2).now(9)
        runner = harness.runner(batch=1)
        assert runner.take_lease()
        begun_so_far = fail_once(rapport.database, number, monkeypatch)
        failures = 0
        while True:
            try:
                if not runner.turn():
                    break
            except StoreError:
                failures += 1
        runner.release()
        monkeypatch.undo()
        assert len(begun_so_far) >= number
        assert failures == 1
        assert harness.commands() == [*["RecommendShutdown"] * 2, *["EscalateRecommendation"] * 2]
        assert len(everything(rapport)["decisions"]) == len(harness.query("SELECT DISTINCT id FROM decisions"))
        before = everything(rapport)
        run(harness.runner())
        assert everything(rapport) == before
