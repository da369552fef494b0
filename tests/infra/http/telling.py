"""A programme's story for the tests of reads: two relationships that differ only by what was reported in confidence in one of them.

Every text that somebody says is a canary: no read without `reveal` may show it.
"""

import json
from itertools import count
from typing import Any, Final

import httpx

from tests.messages import message, relationship_id

PROGRAMME: Final = "telling"
ELSEWHERE: Final = "elsewhere"
REPORTED: Final = relationship_id(101)
QUIET: Final = relationship_id(102)
OTHERS: Final = relationship_id(103)
UNKNOWN: Final = relationship_id(999)
CANARY: Final = "canary"
PARTIES: Final = {
    "mentee": "ana",
    "mentor": "ben",
    "customer": "carl",
    "line_manager": "lina",
    "supplier": "sam",
}
HOUSE: Final = {"coordinator": "cora", "hr": "hugo", "service": "booking", "auditor": "ada", "analyst": "alf"}
READERS: Final = tuple(f"{role}:{id_}" for role, id_ in (PARTIES | HOUSE).items())
_ids = count(1)


def told(type_: str, actor: str, at: str, data: dict[str, Any], subject: str) -> dict[str, Any]:
    return message(type_, data, actor=actor, time=f"2026-{at}:00Z", subject=subject, id=f"told-{next(_ids)}")


def one_relationship(
    subject: str, *, programme: str = PROGRAMME, codes: tuple[str, ...] = ("pentalog",)
) -> list[dict[str, Any]]:
    parties = {f"{role}_id": id_ for role, id_ in PARTIES.items()}
    coordinator, mentee, mentor = "coordinator:cora", "mentee:ana", "mentor:ben"

    def say(type_: str, actor: str, at: str, **data: Any) -> dict[str, Any]:
        return told(type_, actor, at, data, subject)

    return [
        say("ProposeRelationship", coordinator, "03-02T09:00", programme_id=programme, codes=list(codes), **parties),
        say("StateTrustReadiness", mentee, "03-02T09:01", ready=True),
        say("StateTrustReadiness", mentor, "03-02T09:02", ready=True),
        say(
            "AgreeGoal",
            coordinator,
            "03-02T09:03",
            goal_id="g1",
            title=f"{CANARY} title",
            success_measure=f"{CANARY} measure",
            type="leadership",
            source="mentee",
            agreed_by=["mentee", "mentor"],
        ),
        say(
            "AgreeConfidentiality",
            coordinator,
            "03-02T09:04",
            shared=[{"data_class": "goals", "audience": "customer", "how": f"{CANARY} how", "when": f"{CANARY} when"}],
            not_shared=["challenges"],
        ),
        say("AgreeReporting", mentee, "03-02T09:05", with_whom="line_manager", outputs=["attendance"], every_days=30),
        say("GrantConsent", mentee, "03-02T09:06", data_class="goals", audience="coordinator", how=f"{CANARY} how"),
        say("ActivateRelationship", coordinator, "03-03T09:00"),
        say(
            "ScheduleSession",
            mentee,
            "03-03T10:00",
            session_id="s1",
            starts_at="2026-03-10T10:00:00Z",
            channel="platform",
        ),
        say(
            "CompleteSession",
            mentor,
            "03-10T11:05",
            session_id="s1",
            started_at="2026-03-10T10:00:00Z",
            ended_at="2026-03-10T11:00:00Z",
            present=["mentee", "mentor"],
            joined={"mentee": "2026-03-10T10:00:00Z", "mentor": "2026-03-10T10:00:00Z"},
            agenda=[
                {
                    "topic": f"{CANARY} topic",
                    "set_by": "mentee",
                    "goal_id": "g1",
                    "minutes": 60,
                    "urgent_concern": False,
                }
            ],
            call_to_action=f"{CANARY} call",
        ),
        say("RecordSessionNote", mentor, "03-10T12:00", session_id="s1", text=f"{CANARY} note", sensitive=False),
        say("RespondToNps", mentee, "03-10T13:00", occasion="mid", score=9, comment=f"{CANARY} comment"),
        say("ShareContactDetails", mentee, "03-10T14:00", email=f"{CANARY}@example.org"),
    ]


def _reports(subject: str) -> list[dict[str, Any]]:
    def say(type_: str, actor: str, at: str, **data: Any) -> dict[str, Any]:
        return told(type_, actor, at, data, subject)

    description = f"{CANARY} description"
    return [
        say("ReportDisrespect", "mentee:ana", "03-11T09:00", against="mentor", description=description),
        say("RecommendShutdown", "coordinator:cora", "03-11T10:00", clause="pentalog.respect", evidence=[14]),
        say("ReportTrustBreakdown", "mentee:ana", "03-11T11:00", description=description),
        say("ReportProblem", "customer:carl", "03-11T12:00", description=description),
        say("ReportBreach", "mentee:ana", "03-11T13:00", against="mentor", kind="law", description=description),
        say(
            "DiscloseConfidence",
            "mentor:ben",
            "03-11T14:00",
            exception="risk_of_harm",
            recipient="coordinator:cora",
            disclosed=f"{CANARY} disclosed",
            urgency="urgent",
        ),
    ]


def _nothing(subject: str) -> list[dict[str, Any]]:
    """As many facts that are no matter to anybody, at the same times."""
    return [
        told("RecordContact", "coordinator:cora", f"03-11T{hour:02}:00", {"channel": "email"}, subject)
        for hour in range(9, 15)
    ]


def story() -> list[dict[str, Any]]:
    case = told(
        "OpenCase",
        "coordinator:cora",
        "03-12T09:00",
        {"about": "mentor:ben", "relationship_id": REPORTED, "kind": "law", "description": f"{CANARY} case"},
        "case:c1",
    )
    training = told(
        "RecordTraining",
        "coordinator:cora",
        "03-01T09:00",
        {"course": "basics", "completed_on": "2026-02-01"},
        "mentor:ben",
    )
    return [
        training,
        *one_relationship(REPORTED),
        *_reports(REPORTED),
        *one_relationship(QUIET),
        *_nothing(QUIET),
        *one_relationship(OTHERS, programme=ELSEWHERE),
        case,
    ]


def tell(client: httpx.Client) -> None:
    """Send the story; every message of it is accepted."""
    lines = b"\n".join(json.dumps(each).encode() for each in story())
    got = client.post("/v1/messages", content=lines, headers={"Content-Type": "application/x-ndjson"})
    receipts = (
        got.json()
        if got.headers["content-type"] == "application/json"
        else list(map(json.loads, got.text.splitlines()))
    )
    refused = [receipt for receipt in receipts if receipt["status"] != "accepted"]
    assert not refused, refused
