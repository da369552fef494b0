"""Every made-up message is one that the rules accept, and the same file again changes nothing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import pytest

from domain.relationship.state import Relationship
from infra.bootstrap import Rapport, open_rapport
from infra.intake.folding import fold_streams
from infra.intake.receipt import Receipt
from infra.settings import Settings
from infra.simulate import Simulation, messages
from infra.simulate.stream import CODES
from tests.infra.simulate.tally import lives
from tests.sizes import size

BATCH = 500


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings) as opened:
        yield opened


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Rapport]:
    """For the rules alone, which are the same on each kind of store."""
    with open_rapport(Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off")) as opened:
        yield opened


def submit(rapport: Rapport, told: Iterable[bytes]) -> list[Receipt]:
    left = iter(told)
    receipts: list[Receipt] = []
    while batch := list(islice(left, BATCH)):
        receipts += rapport.handler.handle(batch)
    return receipts


def bad(receipts: Iterable[Receipt]) -> list[tuple[str | None, object]]:
    return [(receipt.id, receipt.problems) for receipt in receipts if receipt.status != "accepted"]


@pytest.mark.parametrize("seed", [1, 2, 3, 2024])
def test_everything_is_accepted(on_sqlite: Rapport, seed: int) -> None:
    told = list(messages(size(20, 80), seed))
    receipts = submit(on_sqlite, told)
    assert bad(receipts) == []
    assert len(receipts) == len(told)
    telling_nothing_new = sum(not receipt.events for receipt in receipts)
    assert telling_nothing_new < 0.001 * len(receipts)


@pytest.mark.parametrize("code", CODES)
def test_everything_is_accepted_under_each_code_alone(on_sqlite: Rapport, code: str) -> None:
    assert bad(submit(on_sqlite, messages(size(10, 30), seed=5, codes=(code,)))) == []  # type: ignore[arg-type]


def test_the_same_again_is_all_duplicates_and_records_nothing(rapport: Rapport) -> None:
    told = list(messages(size(10, 30), seed=4))
    submit(rapport, told)
    head = rapport.store.head()
    assert {(receipt.status, receipt.first_status) for receipt in submit(rapport, told)} == {("duplicate", "accepted")}
    assert rapport.store.head() == head


def test_two_simulations_live_in_one_store(rapport: Rapport) -> None:
    count = size(10, 20)
    assert bad(submit(rapport, messages(count, seed=6))) == []
    assert bad(submit(rapport, messages(count, seed=7))) == []
    assert bad(submit(rapport, messages(count + 1, seed=7))) == []


def test_a_simulation_goes_on_where_it_was_cut_off(rapport: Rapport) -> None:
    count = size(15, 40)
    cut, whole = Simulation(count, 8, until=datetime(2024, 9, 1, tzinfo=UTC)), Simulation(count, 8)
    first = submit(rapport, cut.messages())
    assert bad(first) == []
    later = submit(rapport, whole.messages())
    assert [receipt.status for receipt in later[: len(first)]] == ["duplicate"] * len(first)
    assert bad(later[len(first) :]) == []


def test_the_record_shows_the_lives_that_were_made_up(rapport: Rapport) -> None:
    told = list(messages(size(25, 50), seed=9))
    submit(rapport, told)
    subjects = [m["subject"] for m in map(orjson.loads, told) if m["type"] == "rapport.ProposeRelationship"]
    entries = fold_streams(rapport.store, subjects)
    for subject, life in zip(subjects, lives(told), strict=True):
        state = entries[subject].state
        assert isinstance(state, Relationship)
        assert state.status == "terminated"
        statuses = [session.status for session in state.sessions.values()]
        assert statuses.count("missed") == life.missed
        assert statuses.count("completed") == life.completed + ("s0" in state.sessions)
