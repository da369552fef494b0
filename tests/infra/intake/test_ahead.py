"""What holds while a batch is under way in the store and the next is decided already."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import pytest

from domain.model import Accepted
from domain.registry import decide
from infra.bootstrap import Rapport
from infra.clock import Clock
from infra.evidence.verify import verify
from infra.intake.group_commit import GroupCommit
from infra.intake.handler import Handler
from infra.store.errors import BusyStore, StoreError
from infra.store.postgres.database import PostgresDatabase
from tests.infra.intake.conftest import NOW, another
from tests.messages import contact, line, proposal, relationship_id

Append = Callable[..., Callable[[], Any]]
LATER: Final = timedelta(minutes=1)


def before_sending(rapport: Rapport, monkeypatch: pytest.MonkeyPatch, event: Callable[[], object]) -> None:
    """Let something happen once, right before the next append is sent."""
    append: Append = rapport.store.begin_append

    def late(*args: Any, **kwargs: Any) -> Callable[[], Any]:
        monkeypatch.setattr(rapport.store, "begin_append", append)
        event()
        return append(*args, **kwargs)

    monkeypatch.setattr(rapport.store, "begin_append", late)


def test_batches_that_build_on_each_other_read_as_if_they_had_taken_turns(rapport: Rapport) -> None:
    batches = [[proposal(1), proposal(2)], *([contact(1, f"a{n}"), contact(2, f"b{n}")] for n in range(20))]
    receipts = list(rapport.handler.handle_all(batches))
    assert [[receipt.events[0][1] for receipt in batch] for batch in receipts] == [[n, n] for n in range(1, 22)]
    verdict = verify(rapport.store)
    assert verdict.ok, verdict.problems
    assert list(another(rapport).handle_all(batches))[20][1].status == "duplicate"


def test_a_message_that_is_still_under_way_is_a_duplicate(rapport: Rapport) -> None:
    first, second = rapport.handler.begin([proposal(1)]), rapport.handler.begin([proposal(1), contact(1, "x")])
    assert [receipt.status for receipt in first.receipts()] == ["accepted"]
    assert [receipt.status for receipt in second.receipts()] == ["duplicate", "accepted"]
    assert rapport.store.head() == 2


def test_what_was_decided_ahead_is_decided_again_when_the_batch_before_turns_out_otherwise(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapport.handler.handle([proposal(1)])
    rival = another(rapport)
    before_sending(
        rapport,
        monkeypatch,
        lambda: rival.handle([line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben")]),
    )
    # Proposals with a suspended mentor are refused, so relationship 2 never comes into being.
    first, second = rapport.handler.begin([proposal(2)]), rapport.handler.begin([contact(2, "x"), contact(1, "y")])
    assert [problem.code for receipt in first.receipts() for problem in receipt.problems] == ["mentor_standing"]
    assert [receipt.status for receipt in second.receipts()] == ["refused", "accepted"]
    assert rapport.store.read(relationship_id(2)) == []
    assert verify(rapport.store).ok


def test_a_refusal_does_not_stand_when_the_batch_before_removes_its_reason(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapport.handler.handle([line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben")])
    rival = another(rapport)
    before_sending(rapport, monkeypatch, lambda: rival.handle([line("ReinstateMentor", subject="mentor:ben")]))
    first, second = rapport.handler.begin([proposal(2)]), rapport.handler.begin([contact(2, "x")])
    assert [receipt.status for receipt in first.receipts()] == ["accepted"]
    assert [receipt.status for receipt in second.receipts()] == ["accepted"]


def test_what_others_wrote_meanwhile_is_seen_by_what_was_decided_ahead(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapport.handler.handle([proposal(1, mentor_id="bea"), proposal(3)])
    rival = another(rapport)
    before_sending(
        rapport,
        monkeypatch,
        lambda: rival.handle([line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben")]),
    )
    # The first batch does not rely on the mentor who is suspended, the second does.
    first, second = rapport.handler.begin([contact(1, "x")]), rapport.handler.begin([proposal(2)])
    assert [receipt.status for receipt in first.receipts()] == ["accepted"]
    assert [problem.code for receipt in second.receipts() for problem in receipt.problems] == ["mentor_standing"]


@pytest.mark.parametrize(
    "command, data, again",
    [
        ("RecordDevelopment", {"what": "A course", "completed_on": "2026-01-01"}, 0),
        ("RecordTraining", {"course": "Basics", "completed_on": "2026-01-01"}, 3),
        ("SuspendMentor", {"reason": "Under review"}, 3),
    ],
)
def test_only_what_others_change_of_what_was_relied_on_leads_to_another_decision(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, command: str, data: dict[str, str], again: int
) -> None:
    """A mentor's development is no matter of a relationship; training and standing are recorded with its events."""
    rapport.handler.handle([proposal(1), proposal(2), proposal(3, mentor_id="bea")])
    # Its clock is ahead of ours, and recorded time never goes back.
    rival = Handler(rapport.store, Clock(NOW + LATER))
    before_sending(rapport, monkeypatch, lambda: rival.handle([line(command, data, subject="mentor:ben")]))
    decided = []

    def counted(subject: str, *on: Any) -> Accepted:
        decided.append(subject)
        return decide(subject, *on)

    pending = [contact(1, "x"), contact(3, "w"), contact(2, "y"), contact(1, "z")]
    with monkeypatch.context() as patch:
        patch.setattr("infra.intake.batch.decide", counted)
        receipts = rapport.handler.handle(pending)
    # The rival's message, ours, and ours again where it matters: not for the other mentor's relationship.
    assert len(decided) == 1 + len(pending) + again
    assert [receipt.events for receipt in receipts] == [(("ContactRecorded", version),) for version in (2, 2, 2, 3)]
    recorded = [rapport.store.decode_facts(each) for each in rapport.store.logged(3, 9)]
    assert [each.recorded_at - NOW for each in recorded] == [LATER] * 5
    trained = {each.subject for each in recorded if each.known is not None}
    assert trained == ({relationship_id(1), relationship_id(2)} if again else set())
    verdict = verify(rapport.store)
    assert verdict.ok, verdict.problems


def test_a_message_that_another_process_answered_meanwhile_is_a_duplicate_though_nothing_else_changed(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rapport.handler.handle([proposal(1), proposal(2)])
    rival = another(rapport)
    development = line("RecordDevelopment", {"what": "x", "completed_on": "2026-01-01"}, subject="mentor:ben")
    before_sending(rapport, monkeypatch, lambda: rival.handle([development, contact(2, "y")]))
    receipts = rapport.handler.handle([contact(1, "x"), contact(2, "y")])
    assert [receipt.status for receipt in receipts] == ["accepted", "duplicate"]


def test_a_duplicate_that_would_be_accepted_today_leaves_no_trace_in_what_is_decided_ahead(rapport: Rapport) -> None:
    rapport.handler.handle([contact(2, "x")])
    rapport.handler.handle([proposal(2)])
    first, second = rapport.handler.begin([contact(2, "x")]), rapport.handler.begin([contact(2, "y")])
    assert [(receipt.status, receipt.first_status) for receipt in first.receipts()] == [("duplicate", "refused")]
    assert [receipt.events for receipt in second.receipts()] == [(("ContactRecorded", 2),)]
    assert verify(rapport.store).ok


def test_what_came_later_does_not_overtake_a_batch_that_fails(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise BusyStore("locked")

    batches = [[proposal(1)], [contact(1, "x")], [contact(1, "y")]]
    append: Append = rapport.store.begin_append
    answers = rapport.handler.handle_all(batches)
    calls: Iterator[Append] = iter([append, lambda *_, **__: busy])

    def one_then_busy(*args: Any, **kwargs: Any) -> Callable[[], Any]:
        return next(calls, append)(*args, **kwargs)

    monkeypatch.setattr(rapport.store, "begin_append", one_then_busy)
    assert next(answers)[0].status == "accepted"
    with pytest.raises(BusyStore):
        next(answers)
    monkeypatch.undo()
    assert rapport.store.head() == 1
    receipts = [batch[0] for batch in rapport.handler.handle_all(batches[1:])]
    assert [receipt.events for receipt in receipts] == [(("ContactRecorded", 2),), (("ContactRecorded", 3),)]
    assert verify(rapport.store).ok


def test_receipts_of_a_batch_are_given_even_when_the_next_can_not_begin(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise StoreError("no answer")

    def batches() -> Iterator[list[bytes]]:
        yield [proposal(1)]
        monkeypatch.setattr(rapport.store, "streams", unreadable)
        yield [contact(2, "x")]

    answers = rapport.handler.handle_all(batches())
    assert next(answers)[0].status == "accepted"
    with pytest.raises(StoreError, match="no answer"):
        next(answers)


def test_receipts_of_a_batch_are_given_even_when_no_more_can_be_read(rapport: Rapport) -> None:
    def batches() -> Iterator[list[bytes]]:
        yield [proposal(1)]
        raise OSError("the disk is gone")

    answers = rapport.handler.handle_all(batches())
    assert next(answers)[0].status == "accepted"
    with pytest.raises(OSError, match="gone"):
        next(answers)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError])
def test_what_was_interrupted_is_not_taken_for_recorded(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, trouble: type[BaseException]
) -> None:
    def interrupted() -> None:
        raise trouble

    rapport.handler.handle([proposal(1)])
    monkeypatch.setattr(rapport.store, "begin_append", lambda *_, **__: interrupted)
    with pytest.raises(trouble):
        rapport.handler.handle([contact(1, "x")])
    monkeypatch.undo()
    assert rapport.handler.handle([contact(1, "y")])[0].events == (("ContactRecorded", 2),)
    assert verify(rapport.store).ok


def test_one_connection_is_enough(rapport: Rapport) -> None:
    if isinstance(rapport.database, PostgresDatabase):
        rapport.database.datastore.pool.resize(1, 1)
    # Each batch needs to read while the one before is under way.
    receipts = list(rapport.handler.handle_all([proposal(number)] for number in range(5)))
    assert [batch[0].status for batch in receipts] == ["accepted"] * 5


def test_as_many_handlers_as_there_are_connections_do_not_wait_for_one_another(rapport: Rapport) -> None:
    if isinstance(rapport.database, PostgresDatabase):
        rapport.database.datastore.pool.resize(1, 3)

    def live(number: int) -> list[str]:
        batches = ([proposal(number * 100 + each)] for each in range(10))
        return [batch[0].status for batch in another(rapport).handle_all(batches)]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(live, range(6))) == [["accepted"] * 10] * 6
    assert verify(rapport.store).ok


def test_nothing_is_decided_on_a_reading_that_may_be_older_than_what_is_under_way(rapport: Rapport) -> None:
    # Nothing stays in so small a cache, so the second batch reads the mentor while the suspension is under way.
    small = another(rapport, 1)
    for number in range(20):
        mentor = f"mentor-{number}"
        suspended = small.begin(
            [
                line("SuspendMentor", {"reason": "Under review"}, subject=f"mentor:{mentor}", id=mentor),
                proposal(100 + number),
            ]
        )
        proposed = small.begin([proposal(number + 1, mentor_id=mentor)])
        assert [receipt.status for receipt in suspended.receipts()] == ["accepted", "accepted"]
        assert [problem.code for problem in proposed.receipts()[0].problems] == ["mentor_standing"]


def test_callers_of_one_relationship_are_all_served_while_commits_overlap(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1)])
    with GroupCommit(rapport.handler) as group, ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(group.submit, [contact(1, f"c{n}") for n in range(400)]))
    assert sorted(receipt.events[0][1] for receipt in receipts) == list(range(2, 402))
    assert verify(rapport.store).ok
