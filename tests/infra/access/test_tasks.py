"""Whose a task is to know: the office's in its programmes, everybody else's their own, and no report shines through."""

from typing import Any

import pytest

from domain.sharing.question import Reader
from infra.access.seen import may_see_task
from infra.access.standing import Asker

PARTIES = {"mentee_id": "ana", "mentor_id": "ben", "programme_id": "P1", "subject": "r1"}


def task(kind: str, owner: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "owner": owner, "about": None, **PARTIES, **more}


def sees(actor: str, what: dict[str, Any], *programmes: str) -> bool:
    role, _, id_ = actor.partition(":")
    return may_see_task(Asker(Reader(role, id_), frozenset(programmes) if programmes else None), what)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "actor, expected",
    [
        ("mentee:ANA", True),
        ("mentee:zoe", False),
        ("mentor:ben", False),
        ("customer:carl", False),
        ("line_manager:lina", False),
        ("coordinator:cora", True),
        ("hr:hugo", False),
        ("supplier:sam", False),
        ("service:booking", True),
        ("auditor:ada", True),
        ("analyst:alf", False),
    ],
)
def test_a_mentees_task_is_for_the_mentee_and_who_looks_after_the_programme(actor: str, expected: bool) -> None:
    assert sees(actor, task("report_due", "mentee"), "p1") is expected
    assert not sees(actor, task("report_due", "mentee", programme_id="p2"), "p1") or actor == "mentee:ANA"


@pytest.mark.parametrize("kind", ["shutdown_recommendation", "problem", "attention", "disclosure_review", "contested"])
def test_what_comes_of_a_report_is_for_the_coordinator_alone(kind: str) -> None:
    for actor in ("mentee:ana", "mentor:ben", "customer:carl", "supplier:sam", "hr:hugo", "service:x", "auditor:ada"):
        assert not sees(actor, task(kind, "coordinator")), actor
    assert sees("coordinator:cora", task(kind, "coordinator"))


def test_a_case_is_for_hr_and_coordinator_but_not_for_whom_it_is_about() -> None:
    review = task("case_review", "hr", about="coordinator:cora")
    assert sees("hr:hugo", review)
    assert sees("coordinator:kim", review)
    assert not sees("coordinator:CORA", review)
    assert not sees("hr:cora", review)


def test_a_mentors_own_task_has_no_relationship_and_is_theirs() -> None:
    own = task("development", "mentor", subject="mentor:ben", mentor_id=None, mentee_id=None, programme_id=None)
    assert sees("mentor:ben", own)
    assert not sees("mentor:zoe", own)
    assert not sees("coordinator:cora", own, "p1")
    assert sees("coordinator:cora", own)
