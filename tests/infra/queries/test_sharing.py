"""Who may see what of a recorded relationship, and nothing to whoever stands outside."""

from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from domain.sharing.answer import Answer
from domain.sharing.cells import ReaderRole
from domain.sharing.question import Reader
from infra.bootstrap import open_rapport
from infra.queries.as_at import Moment
from infra.queries.sharing import Question, can_share
from infra.settings import Settings

RELATIONSHIP = "aa000000-0000-4000-8000-000000000002"
NOBODYS = "aa000000-0000-4000-8000-00000000ffff"
SESSION = {"session_id": "s1", "starts_at": "2026-03-10T17:00:00Z", "channel": "virtual_meeting"}
COMPLETED = {
    "session_id": "s1",
    "started_at": "2026-03-10T17:00:00Z",
    "ended_at": "2026-03-10T17:50:00Z",
    "present": ["mentee", "mentor"],
    "joined": {},
    "agenda": [],
}
PROPOSAL = {
    "programme_id": "spring",
    "mentee_id": "Ana",
    "mentor_id": "ben",
    "line_manager_id": "lin",
    "customer_id": "cus",
    "supplier_id": "sup",
    "codes": ["pentalog"],
}
STORY: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("programme:spring", "CreateProgramme", "01T08", "coordinator:cora", {"name": "Spring", "timezone": "Pacific/Auckland"}),
    (RELATIONSHIP, "ProposeRelationship", "01T09", "coordinator:cora", PROPOSAL),
    (RELATIONSHIP, "AgreeGoal", "02T09", "mentee:Ana", {"goal_id": "g1", "title": "Lead", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}),
    (RELATIONSHIP, "StateTrustReadiness", "02T10", "mentee:Ana", {"ready": True}),
    (RELATIONSHIP, "StateTrustReadiness", "02T11", "mentor:ben", {"ready": True}),
    (RELATIONSHIP, "ActivateRelationship", "04T09", "coordinator:cora", {}),
    (RELATIONSHIP, "ScheduleSession", "04T10", "mentee:Ana", SESSION),
    (RELATIONSHIP, "CompleteSession", "10T18", "mentor:ben", COMPLETED),
    (RELATIONSHIP, "RecordSessionNote", "10T19", "mentor:ben", {"session_id": "s1", "text": "She wants to leave", "sensitive": True}),
    (RELATIONSHIP, "GrantConsent", "11T09", "mentee:Ana", {"data_class": "goals", "audience": "coordinator", "until": "2026-03-12"}),
    (RELATIONSHIP, "ReportBreach", "11T10", "mentee:Ana", {"against": "mentor", "kind": "code", "description": "He laughed"}),
    (RELATIONSHIP, "DiscloseConfidence", "11T11", "mentor:ben", {"exception": "risk_of_harm", "recipient": "hr:hans", "disclosed": "Harm", "urgency": "urgent"}),
)  # fmt: skip
NOTE, BREACH, DISCLOSURE = 8, 10, 11


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('share') / 'rapport.sqlite'}"
    tell(url, STORY)
    return url


def tell(url: str, story: Any) -> None:
    with open_rapport(Settings(store=url)) as rapport:
        lines = [
            orjson.dumps(
                {
                    "specversion": "1.0",
                    "id": f"{subject}-{kind}-{time}",
                    "source": "/tests",
                    "type": f"rapport.{kind}",
                    "subject": subject,
                    "time": f"2026-03-{time}:00:00Z",
                    "actor": actor,
                    "data": data,
                }
            )
            for subject, kind, time, actor, data in story
        ]
        assert [(each.id, each.problems) for each in rapport.handler.handle(lines) if each.status != "accepted"] == []


def ask(
    url: str,
    data_class: Any,
    to: str,
    version: int | None = None,
    *,
    at: str = "11T20:00:00Z",
    as_of: str | None = None,
    of: str = RELATIONSHIP,
) -> Answer:
    role, _, id_ = to.partition(":")
    moment = Moment(datetime.fromisoformat(f"2026-03-{as_of}:00:00Z") if as_of else None)
    now = datetime.fromisoformat(f"2026-03-{at}")
    with open_rapport(Settings(store=url)) as rapport:
        return can_share(
            rapport.store,
            rapport.engine,
            of,
            Reader(cast("ReaderRole", role), id_),
            Question(data_class, version),
            moment,
            now,
        )


def test_a_consents_day_ends_in_the_programmes_time_zone(store: str) -> None:
    """The 12th is over in Auckland at 11:00 UTC."""
    assert ask(store, "goals", "coordinator:cora", at="12T10:59:59Z").allowed
    assert not ask(store, "goals", "coordinator:cora", at="12T11:00:00Z").allowed


def test_as_of_an_earlier_time_what_held_then_counts(store: str) -> None:
    assert not ask(store, "goals", "coordinator:cora", as_of="11T08").allowed
    assert ask(store, "goals", "coordinator:cora", as_of="11T09").allowed
    gone = ask(store, "session_content", "mentor:ben", NOTE, as_of="10T18")
    assert gone == ask(store, "session_content", "mentor:ben", 99)
    assert (gone.allowed, gone.clause) == (False, None)


@pytest.mark.clause("pentalog.sensitive")
def test_a_version_asks_about_one_event(store: str) -> None:
    for to, seen in (("mentor:ben", True), ("mentee:ana", True), ("coordinator:cora", False), ("hr:hans", False)):
        answer = ask(store, "session_content", to, NOTE)
        assert (answer.allowed, answer.clause) == (seen, "pentalog.sensitive"), to


def test_whoever_stands_outside_gets_the_answer_about_what_does_not_exist(store: str) -> None:
    unknown = ask(store, "goals", "mentee:ana", of=NOBODYS)
    assert (unknown.allowed, unknown.clause) == (False, None)
    for to in ("mentee:bob", "mentor:ana", "customer:nobody", "supplier:other", "worker:health", "public"):
        assert ask(store, "goals", to) == unknown
        assert ask(store, "goals", to, 2) == unknown
        assert ask(store, "goals", to, 99) == unknown
    for subject in ("mentor:ben", "programme:spring", "nonsense:x", "nonsense"):
        assert ask(store, "goals", "mentee:ana", of=subject) == unknown
    assert ask(store, "goals", "mentee:ANA", of=RELATIONSHIP).allowed


def test_the_public_is_asked_about_by_its_name(store: str) -> None:
    answer = ask(store, "testimonial", "public")
    assert (answer.allowed, answer.clause) == (False, "pentalog.supplier-with-consent")


@pytest.mark.clause("cmn.breaches", "nottingham.confidentiality")
def test_reports_and_disclosures_are_withheld_from_all_but_author_coordinator_hr_and_recipient(store: str) -> None:
    def seeing(version: int) -> set[str]:
        readers = (
            "mentee:Ana",
            "mentor:ben",
            "customer:cus",
            "supplier:sup",
            "coordinator:cora",
            "hr:hans",
            "hr:hugo",
            "analyst:al",
        )
        return {to for to in readers if ask(store, "operational", to, version).allowed}

    assert seeing(BREACH) == {"mentee:Ana", "coordinator:cora"}
    assert seeing(DISCLOSURE) == {"mentor:ben", "coordinator:cora", "hr:hans"}
    assert ask(store, "safeguarding", "hr:hans", DISCLOSURE).allowed
    assert not ask(store, "safeguarding", "hr:hugo", DISCLOSURE).allowed


@pytest.mark.clause("cmn.breaches")
def test_hr_reads_with_a_case_that_has_to_do_with_the_relationship(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rapport.sqlite'}"
    tell(url, STORY)
    assert not ask(url, "safeguarding", "hr:hugo", BREACH).allowed
    case = {"mentor_id": "ben", "kind": "code", "description": "x", "relationship_id": RELATIONSHIP}
    tell(
        url,
        [
            ("case:c1", "OpenCase", "11T12", "hr:hugo", case),
            ("case:c1", "CloseCase", "11T13", "hr:hugo", {"reason": "x"}),
        ],
    )
    assert ask(url, "safeguarding", "hr:hugo", BREACH).allowed
    assert ask(url, "operational", "hr:hugo").allowed
    assert not ask(url, "operational", "hr:hugo", as_of="11T11").allowed
