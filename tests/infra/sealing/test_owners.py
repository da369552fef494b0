"""Content is sealed under the key of whose it is, not of who wrote it down: it ends with that person's key and no other."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from domain import registry
from domain.content import content_of, is_erased, whose_content
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.sealing.sealer import owners_of
from infra.settings import Settings
from tests.infra.sealing.test_sealing import GOAL, PROPOSED, RELATIONSHIP, message, stored, submit

CONFLICT = {"nature": "stakeholder", "stakeholder": "Acme Holding", "description": "Sits on the board of Acme"}
CORRECTED = {"nature": "stakeholder", "stakeholder": "Emca Partners", "description": "Sat on the board of Emca"}
WHY = "He told the office which company it was"


def corrected(rapport: Rapport, actor: str) -> None:
    statuses = submit(
        rapport,
        PROPOSED,
        message("2", "DeclareConflictOfInterest", CONFLICT, "mentor:ben"),
        message("3", "CorrectFact", {"version": 2, "reason": WHY, "data": CORRECTED}, actor),
    )
    assert statuses == ["accepted"] * 3


def destroy(rapport: Rapport, owner: str) -> None:
    assert rapport.keys.kept.run("SELECT 1 FROM data_keys WHERE person = ?", (owner,)), owner
    rapport.keys.kept.run("DELETE FROM data_keys WHERE person = ?", (owner,))


@pytest.mark.parametrize("event", registry.EVENTS.values(), ids=lambda event: event.__name__)
def test_the_content_of_an_event_is_of_one_person(event: Any) -> None:
    if content_of(event):
        assert whose_content(event) in {"author", "mentee", "mentor", "named"}
    else:
        assert whose_content(event) is None


@pytest.mark.parametrize("actor", ["mentee:ana", "mentor:ben", "coordinator:cora"])
def test_goals_are_the_mentees_no_matter_who_wrote_them_down(settings: Settings, actor: str) -> None:
    with open_rapport(settings) as rapport:
        assert submit(rapport, PROPOSED, message("2", "AgreeGoal", GOAL, actor)) == ["accepted"] * 2
        [row] = rapport.keys.kept.all()
        assert row.person in owners_of("Ana", ["mentee"])
        assert row.person not in owners_of("ben", ["mentor"])


def test_a_correction_by_the_office_keeps_the_words_of_the_fact_with_who_stated_it(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        corrected(rapport, "coordinator:cora")
        words = [*CONFLICT.values(), *CORRECTED.values(), WHY]
        assert [word for word in words if word != "stakeholder" and word.encode() in stored(rapport)] == []
        fact = rapport.store.read(RELATIONSHIP)[2].data
        assert (fact.data, fact.reason, fact.stated_by) == (CORRECTED, WHY, "mentor:ben")
        assert {row.person for row in rapport.keys.kept.all()} == {"ben", "cora"}
        destroy(rapport, "ben")
    with open_rapport(settings) as rapport:
        [_, declared, fact] = (event.data for event in rapport.store.read(RELATIONSHIP))
        assert is_erased(declared.stakeholder)
        assert {name for name, value in fact.data.items() if is_erased(value)} == {"stakeholder", "description"}
        assert (fact.data["nature"], fact.reason) == ("stakeholder", WHY)
        assert verify(rapport.store).ok


def test_the_reason_of_a_correction_ends_with_the_key_of_who_corrected_it(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        corrected(rapport, "coordinator:cora")
        destroy(rapport, "cora")
    with open_rapport(settings) as rapport:
        fact = rapport.store.read(RELATIONSHIP)[2].data
        assert (fact.data, is_erased(fact.reason)) == (CORRECTED, True)


def test_a_correction_of_ones_own_fact_has_one_box(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        corrected(rapport, "mentor:Ben")
        state = orjson.loads(rapport.store.stored(RELATIONSHIP)[2].state)
        assert ("also" in state, "stated_by" in state["data"]) == (False, False)
        assert rapport.store.read(RELATIONSHIP)[2].data.data == CORRECTED


@pytest.mark.parametrize(
    "change, lost",
    [
        (lambda state: state["also"].update(box=state["sealed"]["box"]), {"data/stakeholder", "data/description"}),
        (lambda state: state["sealed"].update(box=state["also"]["box"]), {"reason"}),
    ],
    ids=["the other box", "the first box"],
)
def test_a_tampered_box_of_two_is_named_and_the_other_is_read(
    settings: Settings, change: Callable[[dict[str, Any]], None], lost: set[str]
) -> None:
    with open_rapport(settings) as rapport:
        corrected(rapport, "coordinator:cora")
        event = rapport.store.stored(RELATIONSHIP)[2]
        state = orjson.loads(event.state)
        change(state)
        changed = orjson.dumps(state)
        names = set(rapport.sealer.tampered(event.topic, changed))
        assert names == lost
        read = rapport.store.mapper.decode(event.topic, changed).data
        assert is_erased(read.reason) == ("reason" in names)
        assert is_erased(read.data["stakeholder"]) == ("reason" not in names)
