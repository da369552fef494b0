"""A relationship as the matrix sees it, put together for a test from what was consented, agreed, told and attended."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from domain.relationship import events as e
from domain.relationship.state import Confidentiality, Consent, Relationship, Reporting, Session
from domain.sharing.question import PUBLIC, Fact, Reader, Situation, situation
from domain.words import Role

TODAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
IDS = {"mentee": "ana", "mentor": "ben", "customer": "cus", "line_manager": "lin", "supplier": "sup"}
# An event that holds the class; the party's who said it.
HOLDING: dict[str, type[e.RelationshipEvent]] = {
    "operational": e.SessionScheduled,
    "identity": e.SessionScheduled,
    "nps_score": e.NpsResponded,
    "nps_comment": e.NpsResponded,
    "goals": e.GoalAgreed,
    "challenges": e.TopicMarkedPrivate,
    "feedback": e.FeedbackGiven,
    "testimonial": e.TestimonialGiven,
    "success_story": e.SuccessStoryRecorded,
    "session_content": e.SessionNoteRecorded,
    "contact_details": e.ContactDetailsShared,
    "assessment": e.AssessmentRecorded,
    "safeguarding": e.ConflictOfInterestDeclared,
    "process": e.RelationshipReviewed,
}


def reader(role: str) -> Reader:
    """Somebody who stands in the relationship in this role."""
    return PUBLIC if role == "public" else Reader(role, IDS.get(role, f"some-{role}"))  # type: ignore[arg-type]


def scene(
    codes: Iterable[str] = (),
    *,
    consents: Iterable[tuple[str, str, str]] = (),
    until: date | None = None,
    shared: Iterable[tuple[str, str]] = (),
    mentee_agreed: bool = True,
    outputs: dict[str, Iterable[str]] | None = None,
    words: tuple[str, ...] = ("mentee:ana",),
    present: tuple[Role, ...] = (),
    told: Iterable[str] = (),
    in_case: bool = False,
    today: date = TODAY,
    **fields: Any,
) -> Situation:
    """The situation in which these hold; consents are (by, class, audience), shared is (class, audience), told roles' readers."""
    session = Session("s1", "completed" if present else "scheduled", AT, 60, "platform", "mentee", present=present)
    state = Relationship(
        "6f1e0000-0000-4000-8000-000000000001",
        9,
        "active",
        "p1",
        IDS["mentee"],
        IDS["mentor"],
        IDS["customer"],
        IDS["line_manager"],
        IDS["supplier"],
        codes=dict.fromkeys(codes, "1"),
        consents={key: Consent(until, b"") for key in consents},  # type: ignore[misc]
        confidentiality=Confidentiality(3, b"", frozenset(shared), mentee_agreed),  # type: ignore[arg-type]
        reporting={whom: Reporting(frozenset(classes), None, (4,), words) for whom, classes in (outputs or {}).items()},  # type: ignore[arg-type]
        sessions={"s1": session},
        told=frozenset(str(reader(role)) for role in told),
        **fields,
    )
    return situation(state, today, in_case=in_case)


def fact(data_class: str, author: str, *, recipient: str | None = None, **more: Any) -> Fact:
    """An event that holds something of the class, said by somebody in this role."""
    kind = HOLDING.get(data_class, e.SessionScheduled)
    return Fact(kind, reader(author), recipient=None if recipient is None else str(reader(recipient)), **more)
