"""Recorded time never goes back: not with the clock of a process, not between processes, not while deciding ahead."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from infra.bootstrap import Rapport
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.store.hash_chain import recorded_time
from infra.store.log import EventStore
from infra.store.opening import open_database
from tests.infra.intake.conftest import NOW, another
from tests.messages import contact, line, proposal
from tests.writers import answer, started, tell

MINUTE = timedelta(minutes=1)
WRITERS = 6
ROUNDS = 15


class Turned(Clock):
    """A clock of one process that can be turned, and is taken for the machine's."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


def process(rapport: Rapport, at: datetime) -> tuple[Handler, Turned]:
    clock = Turned(at)
    return Handler(rapport.store, clock), clock


def times(store: EventStore) -> list[datetime]:
    """The recorded times in the order of the log."""
    found = [recorded_time(notification.state) for notification in store.logged(0, 100_000)]
    return [time for time in found if time is not None]


def statuses(handler: Handler, *messages: bytes) -> list[str]:
    return [receipt.status for receipt in handler.handle(messages)]


@pytest.mark.parametrize("back", [timedelta(microseconds=1), MINUTE, timedelta(days=60)])
def test_a_clock_that_was_put_back_records_at_the_latest(rapport: Rapport, back: timedelta) -> None:
    handler, clock = process(rapport, NOW)
    assert statuses(handler, proposal(1)) == ["accepted"]
    clock.at = NOW - back
    assert statuses(handler, contact(1, "a")) == ["accepted"]
    clock.at = NOW + MINUTE
    assert statuses(handler, contact(1, "b")) == ["accepted"]
    assert times(rapport.store) == [NOW, NOW, NOW + MINUTE]


def test_a_process_that_starts_behind_the_log_records_at_its_latest(rapport: Rapport) -> None:
    assert statuses(another(rapport), proposal(1)) == ["accepted"]
    late, _ = process(rapport, NOW - MINUTE)
    assert statuses(late, contact(1, "a")) == ["accepted"]
    assert times(rapport.store) == [NOW, NOW]


def test_a_message_is_judged_by_the_clock_not_by_the_log(rapport: Rapport) -> None:
    assert statuses(another(rapport), proposal(1)) == ["accepted"]
    late, _ = process(rapport, NOW - 60 * MINUTE)
    assert statuses(late, contact(1, "a", time=(NOW - 30 * MINUTE).isoformat())) == ["invalid"]
    assert statuses(late, contact(1, "a", time=(NOW - 56 * MINUTE).isoformat())) == ["accepted"]


@pytest.mark.parametrize("same", [True, False], ids=["one stream", "streams of their own"])
def test_processes_whose_clocks_differ_take_turns(rapport: Rapport, same: bool) -> None:
    ahead, _ = process(rapport, NOW)
    behind, clock = process(rapport, NOW - MINUTE)
    numbers = (1, 1) if same else (1, 2)
    assert statuses(behind, *{proposal(number) for number in numbers}) == ["accepted"] * len(set(numbers))
    for turn in range(5):
        assert statuses(ahead, contact(numbers[0], f"ahead-{turn}")) == ["accepted"]
        clock.at += timedelta(seconds=1)
        assert statuses(behind, contact(numbers[1], f"behind-{turn}")) == ["accepted"]
    found = times(rapport.store)
    assert found == sorted(found)
    assert found[-1] == NOW


def test_what_others_recorded_before_a_refusal_counts_too(rapport: Rapport) -> None:
    handler, clock = process(rapport, NOW)
    assert statuses(handler, proposal(1)) == ["accepted"]
    other, _ = process(rapport, NOW + MINUTE)
    assert statuses(other, proposal(2)) == ["accepted"]
    clock.at = NOW + 2 * MINUTE
    assert statuses(handler, line("ResumeRelationship", {"informed": []}, id="refused")) == ["refused"]
    clock.at = NOW
    assert statuses(handler, contact(1, "a")) == ["accepted"]
    found = times(rapport.store)
    assert found == sorted(found)


@pytest.mark.parametrize("others", [0, 1, 3])
def test_what_is_decided_ahead_is_not_recorded_before_what_was_under_way(rapport: Rapport, others: int) -> None:
    handler, clock = process(rapport, NOW)
    assert statuses(handler, *(proposal(number) for number in range(1, 10))) == ["accepted"] * 9
    first = handler.begin([contact(1, "first")])
    for number in range(others):
        elsewhere, _ = process(rapport, NOW + (number + 1) * MINUTE)
        assert statuses(elsewhere, contact(2 + number, f"elsewhere-{number}")) == ["accepted"]
    clock.at = NOW - MINUTE
    second = handler.begin([contact(8, "second")])
    third = handler.begin([contact(9, "third")])
    assert [each.receipts()[0].status for each in (first, second, third)] == ["accepted"] * 3
    found = times(rapport.store)
    assert found == sorted(found)


def test_an_event_that_names_no_time_holds_nobody_up(rapport: Rapport) -> None:
    handler = another(rapport)
    assert statuses(handler, proposal(1)) == ["accepted"]
    with rapport.database.transaction() as session:
        session.execute("UPDATE stored_events SET state = ?", (b"{}",))
    assert statuses(another(rapport), proposal(2)) == ["accepted"]


def test_writers_with_clocks_of_their_own_make_one_log_in_order(store_url: str) -> None:
    commands: Sequence[Sequence[str]] = [
        ("tests.infra.intake.clock_writer", store_url, str(number), str(number * 250 - 500))
        for number in range(WRITERS)
    ]
    with started(commands) as writers:
        for round_ in range(ROUNDS):
            for writer in writers:
                tell(writer, str(round_))
            assert [answer(writer) for writer in writers] == ["5"] * WRITERS
    with open_database(store_url) as database:
        found = times(EventStore(database))
    assert len(found) == WRITERS * ROUNDS * 5
    assert [pair for pair in pairwise(found) if pair[0] > pair[1]] == []
