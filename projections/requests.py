"""`requests`: who was asked for an NPS answer or for feedback, on which occasion, and whether they answered. No answer is here."""

from typing import Final, assert_never

from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Asked = e.NpsRequested | e.FeedbackRequested
Heard = Asked | e.NpsResponded | e.FeedbackGiven

UNASKED: Final = ""

TABLE: Final = Table(
    "requests",
    "One row a question to one respondent on one occasion of a relationship: NPS or feedback, asked and answered.",
    (
        relationship_id(),
        Column("kind", "text", "nps or feedback."),
        Column("respondent", "text", "The role that was asked, or that answered unasked."),
        Column("occasion", "text", "mid or end; empty for feedback that nobody had asked for."),
        Column("requests", "integer", "How often it was asked for."),
        Column("requested_at", "time", "When it was first asked for; empty for an answer that nobody asked for."),
        Column("requested_by", "text", "The role that asked first."),
        Column("questions", "texts", "The practice clauses that feedback was last asked about."),
        Column("answers", "integer", "How often it was answered."),
        Column("answered_at", "time", "When it was first answered; empty while it was not."),
        Column("answered", "boolean", "Whether it was answered."),
        Column("days_to_answer", "real", "Days of 24 hours from the first request to the first answer."),
    ),
    key=("relationship_id", "kind", "respondent", "occasion"),
    indexes=(("kind", "answered"),),
)


def keys(recorded: AnyRecorded, rows: Rows) -> tuple[Key, ...]:
    """The question that an event asks or answers. Feedback answers the request to that role which was made last."""
    event: Heard = recorded.data
    match event:
        case e.NpsRequested() | e.NpsResponded():
            return ((recorded.subject, "nps", event.respondent, event.occasion),)
        case e.FeedbackRequested():
            return ((recorded.subject, "feedback", event.respondent, event.occasion),)
        case e.FeedbackGiven():
            role = recorded.role
            asked = [key for key in rows if key[1:3] == ("feedback", role) and rows[key]["requested_at"] is not None]
            last = max(asked, key=lambda key: (rows[key]["requested_at"], key), default=None)
            return (last or (recorded.subject, "feedback", role, UNASKED),)
        case _:
            assert_never(event)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    event: Heard = recorded.data
    match event:
        case e.NpsRequested():
            return _asked(row or _blank(recorded, "nps", event.respondent, event.occasion), recorded)
        case e.FeedbackRequested():
            asked = _asked(row or _blank(recorded, "feedback", event.respondent, event.occasion), recorded)
            return asked | {"questions": list(event.questions)}
        case e.NpsResponded():
            return _answered(row or _blank(recorded, "nps", event.respondent, event.occasion), recorded)
        case e.FeedbackGiven():
            return _answered(row or _blank(recorded, "feedback", recorded.role, UNASKED), recorded)
        case _:
            assert_never(event)


def _blank(recorded: AnyRecorded, kind: str, respondent: str, occasion: str) -> Row:
    return {
        "relationship_id": recorded.subject,
        "kind": kind,
        "respondent": respondent,
        "occasion": occasion,
        "requests": 0,
        "requested_at": None,
        "requested_by": None,
        "questions": [],
        "answers": 0,
        "answered_at": None,
        "answered": False,
        "days_to_answer": None,
    }


def _asked(row: Row, recorded: AnyRecorded) -> Row:
    first = {} if row["requests"] else {"requested_at": recorded.occurred_at, "requested_by": recorded.role}
    return {**row, **first, "requests": row["requests"] + 1}


def _answered(row: Row, recorded: AnyRecorded) -> Row:
    changed = {**row, "answers": row["answers"] + 1, "answered": True}
    if row["answered_at"] is None:
        asked_at = row["requested_at"]
        changed["answered_at"] = recorded.occurred_at
        if asked_at is not None and asked_at <= recorded.occurred_at:
            changed["days_to_answer"] = (recorded.occurred_at - asked_at).total_seconds() / 86_400
    return changed


PROJECTION: Final = RowFold("requests", 1, TABLE, events_of(Heard), evolve, keys)
