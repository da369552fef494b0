"""A mentor with as many mentees as fit can be proposed all the same: the proposal has the finding `over_capacity`."""

import pytest

from infra.bootstrap import Rapport
from infra.intake.handler import Handler
from tests.infra.intake.conftest import another
from tests.messages import line, proposal, relationship_id

REGISTERED = line("RegisterMentor", {"capacity": 2}, subject="mentor:ben", id="register")


def term(value: int) -> bytes:
    data = {"document": "master_agreement", "term": "mentor_capacity", "value": value}
    return line("SetTerm", data, subject="programme:p1", id=f"term-{value}")


def end(number: int) -> bytes:
    data = {"reason": "never_started", "informed": ["mentee", "mentor"], "next_steps": "none"}
    return line("TerminateRelationship", data, subject=relationship_id(number), id=f"end-{number}")


def over_capacity(rapport: Rapport, *numbers: int) -> list[bool]:
    """Whether the proposal of each relationship has the finding."""
    found = [rapport.store.read(relationship_id(number))[0].findings or () for number in numbers]
    return [[finding.code for finding in findings] == ["over_capacity"] for findings in found]


def test_the_load_is_what_is_on_record_and_what_the_batch_says_so_far(rapport: Rapport) -> None:
    rapport.handler.handle([REGISTERED, proposal(1)])
    rapport.handler.handle(
        [proposal(2), proposal(3), end(1), end(2), proposal(4), proposal(5), proposal(6, mentor_id="bo")]
    )
    # 3 came to two others; 4 to the one that was left, 5 to two again.
    assert over_capacity(rapport, 1, 2, 3, 4, 5, 6) == [False, False, True, False, True, False]


def test_a_batch_under_way_and_another_process_count(rapport: Rapport) -> None:
    rapport.handler.handle([REGISTERED])
    for _ in rapport.handler.handle_all([[proposal(1)], [proposal(2)], [proposal(3)]]):
        pass
    other: Handler = another(rapport)
    other.handle([proposal(4), end(1), end(2), end(3)])
    rapport.handler.handle([proposal(5), proposal(6)])
    assert over_capacity(rapport, 1, 2, 3, 4, 5, 6) == [False, False, True, True, False, True]


def test_a_refused_proposal_and_one_told_twice_count_once(rapport: Rapport) -> None:
    rapport.handler.handle(
        [REGISTERED, proposal(1), proposal(1), proposal(2, mentee_id="ben"), proposal(3), proposal(4)]
    )
    assert over_capacity(rapport, 1, 3, 4) == [False, False, True]


@pytest.mark.parametrize(
    "limit, expected", [(0, [False, False, True]), (1, [False, True, True]), (9, [False, False, True])]
)
def test_the_lower_of_the_programmes_term_and_the_mentors_own_capacity_counts(
    rapport: Rapport, limit: int, expected: list[bool]
) -> None:
    rapport.handler.handle([REGISTERED, term(limit), proposal(1), proposal(2), proposal(3)])
    assert over_capacity(rapport, 1, 2, 3) == expected


def test_the_programmes_term_alone_is_a_limit(rapport: Rapport) -> None:
    rapport.handler.handle([term(1), proposal(1), proposal(2), proposal(3, programme_id="p2")])
    assert over_capacity(rapport, 1, 2, 3) == [False, True, False]


def test_without_a_limit_nothing_is_counted(rapport: Rapport, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> set[str]:
        raise AssertionError("the load was looked up")

    monkeypatch.setattr(rapport.store, "relationships_of", asked)
    receipts = rapport.handler.handle([proposal(1), proposal(2)])
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted"]


def test_the_latest_registration_says_how_many_fit(rapport: Rapport) -> None:
    def registered(capacity: int) -> bytes:
        return line("RegisterMentor", {"capacity": capacity}, subject="mentor:ben", id=f"register-{capacity}")

    rapport.handler.handle([registered(1), proposal(1), proposal(2), registered(3), proposal(3)])
    rapport.handler.handle([registered(4), proposal(4), registered(2), proposal(5)])
    assert over_capacity(rapport, 1, 2, 3, 4, 5) == [False, True, False, False, True]
