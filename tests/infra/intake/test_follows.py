"""What a proposal follows is an earlier relationship of the same mentee, which the sender may send for too."""

from pathlib import Path

import pytest

from infra.bootstrap import Rapport
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.intake.receipt import Receipt
from infra.intake.senders import read_senders
from tests.infra.intake.conftest import NOW, another
from tests.messages import proposal, relationship_id

REFUSED = ("refused", [("unknown_relationship", "data.follows")])


def follower(number: int, earlier: int | str, **data: str) -> bytes:
    """A proposal of the numbered relationship, with another mentor, that follows an earlier one."""
    follows = relationship_id(earlier) if isinstance(earlier, int) else earlier
    return proposal(number, **{"mentor_id": "max", "follows": follows} | data)


def told(receipt: Receipt) -> tuple[str, list[tuple[str, str | None]]]:
    """Status, and code and field of each problem."""
    return receipt.status, [(problem.code, problem.field) for problem in receipt.problems]


def limited(rapport: Rapport, path: Path, *programmes: str) -> Handler:
    """A way in for a source that may send for some programmes only."""
    path.write_text(f'[[sender]]\nsource = "*"\nroles = ["coordinator", "mentee"]\nprogrammes = {list(programmes)}\n')
    return Handler(rapport.store, Clock(NOW), 100, read_senders(path))


@pytest.mark.clause("care.rematch")
def test_a_relationship_of_the_same_mentee_may_be_followed_in_any_programme(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1)])
    for number, data in enumerate(({}, {"programme_id": "p2"}, {"mentee_id": "ANA"}), 2):
        (receipt,) = rapport.handler.handle([follower(number, 1, **data)])
        assert told(receipt) == ("accepted", [])
    (receipt,) = rapport.handler.handle([follower(5, relationship_id(1).upper())])
    assert told(receipt) == ("accepted", [])


@pytest.mark.parametrize("earlier", [2, 9, "somewhere", 1], ids=["itself", "unknown", "no UUID", "another mentee's"])
def test_what_is_no_relationship_of_the_mentee_is_not_followed(rapport: Rapport, earlier: int | str) -> None:
    rapport.handler.handle([proposal(1, mentee_id="eva")])
    (receipt,) = rapport.handler.handle([follower(2, earlier)])
    assert told(receipt) == REFUSED


def test_another_mentees_relationship_is_answered_as_one_that_nobody_knows(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1, mentee_id="eva")])
    one, other = (rapport.handler.handle([follower(number, number - 1)])[0] for number in (2, 8))
    assert one.problems[0].message.replace(relationship_id(1), "X") == other.problems[0].message.replace(
        relationship_id(7), "X"
    )


def test_the_earlier_one_may_come_in_the_same_batch_or_in_the_one_under_way(rapport: Rapport) -> None:
    receipts = rapport.handler.handle([follower(2, 1), proposal(1), follower(3, 1)])
    assert [told(each) for each in receipts] == [REFUSED, ("accepted", []), ("accepted", [])]
    answers = [*rapport.handler.handle_all([[proposal(4)], [follower(5, 4)], [follower(6, 5)]])]
    assert [told(each) for (each,) in answers] == [("accepted", [])] * 3


def test_the_earlier_one_may_come_from_another_process(rapport: Rapport) -> None:
    assert told(rapport.handler.handle([follower(2, 1)])[0]) == REFUSED
    another(rapport).handle([proposal(1)])
    assert told(rapport.handler.handle([follower(3, 1)])[0]) == ("accepted", [])


def test_a_sender_of_one_programme_follows_nothing_of_another(rapport: Rapport, tmp_path: Path) -> None:
    rapport.handler.handle([proposal(1), proposal(2, programme_id="p2")])
    way = limited(rapport, tmp_path / "senders.toml", "p2")
    theirs, unknown, own = (
        way.handle([follower(number, earlier, programme_id="p2")])[0] for number, earlier in ((3, 1), (4, 9), (5, 2))
    )
    assert told(theirs) == told(unknown) == ("refused", [("sender", "data.follows")])
    assert theirs.problems == unknown.problems
    assert told(own) == ("accepted", [])
    # A refusal of the sender has not used the id, and one who may send for both may follow.
    both = limited(rapport, tmp_path / "both.toml", "p1", "p2")
    assert told(both.handle([follower(3, 1, programme_id="p2")])[0]) == ("accepted", [])
