import pytest

from domain.relationship import events as e
from domain.words import ConflictNature
from tests.given_when_then import day
from tests.workers.happenings import ended, paused
from tests.workers.stage import Stage
from workers.conflicts import CONFLICTS


def declared(nature: ConflictNature) -> e.ConflictOfInterestDeclared:
    return e.ConflictOfInterestDeclared(nature=nature)


def stage(*codes: str) -> Stage:
    return Stage(*codes, workers=[CONFLICTS]).active()


@pytest.mark.clause("leapfrog.conflicts", "cmn.conflict-of-interest", "care.conflict")
def test_a_conflict_declared_while_active_asks_for_mitigation() -> None:
    told = stage("leapfrog").happens(declared("financial"), declared("stakeholder"), on=3, by="mentee")
    assert [task.about for task in told.tasks("conflict")] == ["financial", "stakeholder"]
    assert told.tasks()[0].settled_by == ("AgreeConflictMitigation", "TerminateRelationship")
    assert told.tasks()[0].due == day(10)
    assert told.clauses("conflict_mitigation") == ("leapfrog.conflicts", "care.conflict")
    told.happens(e.ConflictMitigationAgreed(mitigation="x", nature="financial"), on=4)
    assert [task.about for task in told.tasks()] == ["stakeholder"]
    assert told.happens(e.ConflictMitigationAgreed(mitigation="x"), on=5).tasks() == []


@pytest.mark.clause("leapfrog.conflicts")
def test_none_or_one_declared_before_activation_asks_for_nothing_here() -> None:
    assert stage("leapfrog").happens(declared("none"), on=3).nothing()
    assert Stage("leapfrog", workers=[CONFLICTS]).happens(declared("other"), on=3).nothing()


@pytest.mark.clause("care.conflict")
def test_a_conflict_declared_while_active_or_paused_is_a_task_under_every_code() -> None:
    assert stage("pentalog").happens(declared("other"), on=3).tasks()[0].clauses == ("care.conflict",)
    told = stage("cmn").happens(paused(30), on=1).happens(declared("financial"), on=3)
    assert told.tasks()[0].clauses == ("cmn.conflict-of-interest", "care.conflict")
    assert told.happens(ended(), on=4).tasks() == []


@pytest.mark.clause("nottingham.compromising")
@pytest.mark.parametrize("nature", ["friendship", "family", "sexual"])
def test_a_compromising_relationship_declared_while_active_is_to_be_ended(nature: ConflictNature) -> None:
    told = stage("nottingham", "leapfrog").happens(declared(nature), on=3, by="mentor")
    [task] = told.tasks()
    assert (task.kind, task.settled_by, task.clauses) == (
        "conflict", ("TerminateRelationship",),
        ("leapfrog.conflicts", "nottingham.compromising", "care.conflict"),
    )  # fmt: skip
    assert told.recorded(e.RelationshipTerminated) == []
    told.happens(e.ConflictMitigationAgreed(mitigation="x"), on=4)
    assert told.tasks()
    assert told.happens(ended("compromising_relationship"), on=5).tasks() == []


@pytest.mark.clause("nottingham.compromising")
def test_another_nature_compromises_nothing() -> None:
    for told in (
        stage("nottingham").happens(declared("financial"), on=3),
        stage("leapfrog").happens(declared("family"), on=3),
    ):
        [task] = told.tasks("conflict")
        assert "nottingham.compromising" not in task.clauses
        assert "AgreeConflictMitigation" in task.settled_by
