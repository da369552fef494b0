"""`cases`: one row a conduct case: whom it concerns, how far it is. What was done and decided is not here: it is safeguarded."""

from typing import Any, Final, assert_never

from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseEvent, CaseOpened
from domain.model import AnyRecorded, events_of
from projections.dataset import Column, Row, Table
from projections.projection import RowFold

Heard = CaseEvent

TABLE: Final = Table(
    "cases",
    "One row a conduct case: whom it concerns and how far it is. Content and decisions are safeguarded and not here.",
    (
        Column("subject", "text", "The case as messages name it.", private=True),
        Column("case_id", "text", "The case."),
        Column("about", "text", "Whom it is about: role:id, or a role alone.", "identity", reference=True),
        Column("mentor_id", "text", "The mentor whom it is about, where it is one.", "identity"),
        Column("relationship_id", "text", "The relationship that it came from, where there is one."),
        Column("programme_id", "text", "The programme of that relationship."),
        Column("kind", "text", "code, policy, law or off_platform: what was breached."),
        Column("status", "text", "open, escalated, decided or closed."),
        Column("opened_at", "time", "When it was opened."),
        Column("escalated_to", "texts", "To whom it was handed on, in order.", "identity"),
        Column("escalated_at", "time", "When it was last handed on."),
        Column("decided_at", "time", "When the review came to its end."),
        Column("closed_at", "time", "When it was closed."),
    ),
    key=("subject",),
    indexes=(("programme_id",), ("mentor_id",), ("status",)),
    order=("case_id",),
)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    event: Heard = recorded.data
    if isinstance(event, CaseOpened):
        return _opened(event, recorded)
    return None if row is None else {**row, **_changes(row, event, recorded)}


def _opened(event: CaseOpened, recorded: AnyRecorded) -> Row:
    return {
        "subject": recorded.subject,
        "case_id": recorded.subject.partition(":")[2],
        "about": event.about,
        "mentor_id": event.mentor_id,
        "relationship_id": event.relationship_id,
        "programme_id": event.programme_id,
        "kind": event.kind,
        "status": "open",
        "opened_at": recorded.occurred_at,
        "escalated_to": [],
        "escalated_at": None,
        "decided_at": None,
        "closed_at": None,
    }


def _changes(row: Row, event: Heard, recorded: AnyRecorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match event:
        case CaseEscalated():
            return {"status": "escalated", "escalated_to": [*row["escalated_to"], event.to], "escalated_at": at}
        case CaseDecided():
            return {"status": "decided", "decided_at": at}
        case CaseClosed():
            return {"status": "closed", "closed_at": at}
        case CaseOpened():
            return {}
        case _:
            assert_never(event)


PROJECTION: Final = RowFold("cases", 2, TABLE, events_of(Heard), evolve)
