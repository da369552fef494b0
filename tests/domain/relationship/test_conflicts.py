"""Conflicts of interest: what a mitigation settles, who may send it, and what cannot be mitigated."""

import pytest

from domain.model import Event
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import Relationship
from domain.words import ConflictNature
from tests.domain.relationship.samples import contracted
from tests.given_when_then import At, fold, given, history, proposed

ALL = c.AgreeConflictMitigation(mitigation="step aside")


def declared(nature: ConflictNature, by: str = "mentor") -> At:
    return At(0.1, e.ConflictOfInterestDeclared(nature=nature), by)


def of(nature: ConflictNature) -> c.AgreeConflictMitigation:
    return ALL.model_copy(update={"nature": nature})


@pytest.mark.clause("cmn.conflict-of-interest")
@pytest.mark.parametrize("role", ["mentee", "mentor", "coordinator", "supplier"])
def test_a_mitigation_that_a_party_or_the_office_sends_stands(role: str) -> None:
    told: list[Event | At] = [*contracted("ConflictOfInterestDeclared", codes=("cmn",)), declared("financial")]
    given(*told).when(c.ActivateRelationship(), by="mentor").then_refused("cmn.conflict-of-interest")
    [agreed] = given(*told).when(ALL, by=role).then(e.ConflictMitigationAgreed)
    given(*told, At(0.2, agreed, role)).when(c.ActivateRelationship(), by="mentor").then(e.RelationshipActivated)


def test_a_mitigation_settles_all_that_are_open_or_those_of_one_nature() -> None:
    told: list[Event | At] = [proposed("cmn"), declared("financial"), declared("stakeholder", "mentee")]

    def left(nature: ConflictNature | None) -> list[str]:
        state = fold(history(*told, At(0.2, e.ConflictMitigationAgreed(mitigation="x", nature=nature))))
        assert isinstance(state, Relationship)
        return [conflict.nature for conflict in state.conflicts if not conflict.mitigated]

    assert left(None) == []
    assert left("financial") == ["stakeholder"]


def test_only_what_is_open_is_mitigated() -> None:
    given(proposed("cmn")).when(ALL).then_refused("nothing_open")
    given(proposed("cmn"), declared("none")).when(ALL).then_refused("nothing_open")
    told = given(proposed("cmn"), declared("financial"), At(0.2, e.ConflictMitigationAgreed(mitigation="x")))
    told.when(ALL).then_refused("nothing_open")
    assert told.when(of("financial")).then_refused("nothing_open")[0].field == "data.nature"
    # Declared once more, it is open once more.
    given(
        proposed("cmn"), declared("other"), At(0.2, e.ConflictMitigationAgreed(mitigation="x")), declared("other")
    ).when(ALL).then(e.ConflictMitigationAgreed)


@pytest.mark.clause("nottingham.compromising")
@pytest.mark.parametrize("nature", ["friendship", "family", "sexual"])
def test_a_compromising_relationship_cannot_be_mitigated_under_nottingham(nature: ConflictNature) -> None:
    told = given(proposed("nottingham", "cmn"), declared(nature))
    for command in (ALL, of(nature)):
        problems = told.when(command, by="coordinator").then_refused("compromising", "nottingham.compromising")
        assert nature in problems[0].message
    given(proposed("cmn"), declared(nature)).when(ALL).then(e.ConflictMitigationAgreed)


@pytest.mark.clause("nottingham.compromising")
def test_a_mitigation_of_all_leaves_a_compromising_one_open() -> None:
    told: list[Event | At] = [proposed("nottingham"), declared("family"), declared("financial")]
    [agreed] = given(*told).when(ALL).then(e.ConflictMitigationAgreed)
    after = given(*told, At(0.2, agreed, "mentee"))
    after.when(ALL).then_refused("compromising")
    after.when(of("financial")).then_refused("nothing_open")


@pytest.mark.clause("nottingham.compromising")
@pytest.mark.parametrize("by", ["mentee", "mentor"])
def test_a_compromising_nature_declared_by_anyone_ever_refuses_activation_for_good(by: str) -> None:
    told: list[Event | At] = [*contracted(codes=("nottingham",)), declared("family", by), declared("none", by)]
    given(*told).when(c.ActivateRelationship(), by="mentor").then_refused("nottingham.compromising")
