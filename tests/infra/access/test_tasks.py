"""Whose a task is to know: the office's in its programmes, everybody else's their own, and no report shines through."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.sharing.question import Reader
from infra.access.lists import Lists
from infra.access.pages import Cut
from infra.access.seen import may_see_task
from infra.access.standing import Asker
from infra.bootstrap import open_rapport
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.tasks import ALL
from infra.settings import Settings
from infra.worker_runtime import schema

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


def test_an_auditor_reads_each_task_once_page_by_page_and_no_cursor_names_anybody(settings: Settings) -> None:
    """Tasks of one moment are put in order by whom they are about, of which an auditor sees pseudonyms alone."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    people = [f"mentor:m{number}" for number in range(12)]
    with open_rapport(settings) as rapport:
        schema.prepare(rapport.database)
        rows = [
            {"task_id": str(number), "seq": number, "worker": "w", "key": each, "name": "n", "subject": each, "kind": "development",
             "clauses": "[]", "since": now, "due": now, "evidence": "[]", "evidence_of": each, "settled_by": '["RecordDevelopment"]',
             "about": each, "owner": "mentor", "position": number}
            for number, each in enumerate(people)
        ]  # fmt: skip
        columns = schema.TASKS.columns
        with rapport.database.transaction() as session:
            session.insert(schema.TASKS.name, columns, [[row.get(name) for name in columns] for row in rows])
        pseudonyms = Pseudonyms(rapport.store.identity.secret)
        lists = Lists(rapport.engine(), Asker(Reader("auditor", "ada"), None), pseudonyms, now)
        found, cut = [], Cut((), limit=1)
        while True:
            page = lists.tasks(ALL, cut)
            found += [each["subject"] for each in page.items]
            if page.next is None:
                break
            assert not any(each.encode() in base64.b64decode(page.next) for each in people)
            cut = Cut((), page.next, 1)
        assert sorted(found) == sorted(pseudonyms(each, reference=True) for each in people)
