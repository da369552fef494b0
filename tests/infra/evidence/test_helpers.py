"""An audit over several processes says what one process says, of one moment, and does without a process that ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.evidence import helpers
from infra.evidence.audit import audit
from infra.evidence.helpers import Helpers, one_moment
from infra.evidence.verify import Verdict
from infra.operations import helper_process
from infra.operations.helper_process import program
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from tests.infra.worker_runtime.harness import run
from tests.sizes import size


@pytest.fixture(scope="module")
def rapport(shared_store_url: str) -> Iterator[Rapport]:
    """A store with simulated relationships, what workers decided, and its datasets."""
    with open_rapport(Settings(store=shared_store_url, synchronous="off")) as opened:
        opened.handler.handle(messages(size(6, 12), 5))
        run(Runner(opened.store, opened.handler, Horizon(opened.clock, None)))
        opened.engine().catch_up()
        yield opened


@contextmanager
def nothing(_what: str, _total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def audited(
    rapport: Rapport, processes: int, meanwhile: Callable[[Helpers | None], object] = lambda _: None
) -> Verdict:
    helper = program("infra.cli.audit_helper")
    with one_moment(rapport.store, helper, rapport.settings, worth=0, processes=processes) as (store, found):
        assert (found is not None) == (processes > 1)
        meanwhile(found)
        return audit(store, rapport.engine(), nothing, helpers=found)


def change(rapport: Rapport, sql: str, *params: Any) -> None:
    with rapport.database.transaction() as session:
        assert session.execute(sql, params) > 0


def test_two_processes_say_what_one_says_of_a_whole_record_and_of_a_wrong_one(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.evidence.parts.LEAST", 100)
    whole = audited(rapport, 3)
    assert (whole.problems, whole.skipped) == ((), ())
    assert whole == audited(rapport, 1)
    change(rapport, "UPDATE worker_tasks SET kind = 'records'")
    wrong = audited(rapport, 1)
    assert "another kind" in wrong.problems[0].problem
    # Of one moment: what comes after the processes began to read is of no matter.
    found = audited(rapport, 3, lambda _: change(rapport, "UPDATE worker_tasks SET kind = 'erasure'"))
    assert set(found.problems) == set(wrong.problems)


def test_what_a_process_left_undone_is_done_here(rapport: Rapport, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    plain = helper_process.give

    def give(process: Any, what: Any) -> None:
        if isinstance(what, tuple):
            given.append(what)
            process.kill()
            process.wait()
        plain(process, what)

    monkeypatch.setattr("infra.evidence.parts.LEAST", 100)
    monkeypatch.setattr(helpers, "give", give)
    found = audited(rapport, 2)
    assert len(given) == 1, "the process that helps ended with its first part undone"
    assert found.events == audited(rapport, 1).events
