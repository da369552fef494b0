"""`relationships`: one row a relationship: who takes part, where it stands, how far it has come."""

from typing import Any, Final, assert_never

from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowFold

Heard = (
    e.RelationshipProposed
    | e.PartyChanged
    | e.PlanAgreed
    | e.RelationshipActivated
    | e.RelationshipPaused
    | e.RelationshipResumed
    | e.RelationshipTerminated
    | e.EndReviewRecorded
    | e.RecordsSecured
    | e.SessionScheduled
    | e.SessionCompleted
    | e.SessionMissed
    | e.SessionCancelled
    | e.GoalAgreed
    | e.GoalAchieved
    | e.GoalDropped
    | e.ContactRecorded
)

TABLE: Final = Table(
    "relationships",
    "One row a relationship: who takes part, where it stands, how far it has come.",
    (
        relationship_id(),
        Column("programme_id", "text", "Its programme."),
        Column("mentee_id", "text", "The mentee.", "identity"),
        Column("mentor_id", "text", "The mentor.", "identity"),
        Column("customer_id", "text", "The customer, where it names one.", "identity"),
        Column("line_manager_id", "text", "The line manager, where it names one.", "identity"),
        Column("supplier_id", "text", "The supplier, where it names one.", "identity"),
        Column("codes", "texts", "The codes of conduct under which it stands."),
        Column("status", "text", "contracting, active, paused or terminated."),
        Column("proposed_at", "time", "When it was proposed."),
        Column("activated_at", "time", "When it became active."),
        Column("paused_at", "time", "Since when it is paused; empty unless it is."),
        Column("pauses", "integer", "How many times it was paused."),
        Column("terminated_at", "time", "When it ended."),
        Column("ending_reason", "text", "Why it ended, in the words of TerminateRelationship."),
        Column("end_review", "boolean", "Whether the end review is on record."),
        Column("retained_until", "day", "Until when its records are kept, once they were secured."),
        Column("planned_sessions", "integer", "How many sessions the plan has.", "schedule"),
        Column("planned_minutes", "integer", "How long a session is in the plan, in minutes.", "schedule"),
        Column("planned_every_days", "integer", "How many days lie between sessions in the plan.", "schedule"),
        Column("planned_from", "day", "The first day of the plan.", "schedule"),
        Column("planned_to", "day", "The last day of the plan.", "schedule"),
        Column("sessions_scheduled", "integer", "Sessions put on the calendar so far.", "schedule"),
        Column("sessions_completed", "integer", "Sessions that took place.", "attendance"),
        Column("sessions_missed", "integer", "Sessions that somebody stayed away from.", "attendance"),
        Column("sessions_cancelled", "integer", "Sessions that were cancelled.", "schedule"),
        Column("last_session_at", "time", "The latest end of a completed session.", "attendance"),
        Column("last_contact_at", "time", "The latest recorded contact outside a session.", "attendance"),
        Column("goals_agreed", "integer", "Goals agreed so far.", "goal_presence"),
        Column("goals_achieved", "integer", "Goals reached.", "goal_outcomes"),
        Column("goals_dropped", "integer", "Goals given up.", "goal_outcomes"),
    ),
    key=("relationship_id",),
    indexes=(("programme_id",), ("mentor_id",), ("status",)),
)

_COUNTED: Final = (
    "pauses",
    "sessions_scheduled",
    "sessions_completed",
    "sessions_missed",
    "sessions_cancelled",
    "goals_agreed",
    "goals_achieved",
    "goals_dropped",
)
_BLANK: Final[Row] = {
    **dict.fromkeys(column.name for column in TABLE.columns),
    **dict.fromkeys(_COUNTED, 0),
    "status": "contracting",
    "end_review": False,
}


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event; a relationship begins with its proposal."""
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipProposed):
        return _proposed(event, recorded)
    return None if row is None else {**row, **_changes(row, event, recorded)}


def _changes(row: Row, event: Heard, recorded: AnyRecorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match event:
        case e.SessionScheduled():
            return _one_more(row, "sessions_scheduled")
        case e.SessionCompleted():
            last = _later(row["last_session_at"], event.ended_at)
            return {**_one_more(row, "sessions_completed"), "last_session_at": last}
        case e.ContactRecorded():
            return {"last_contact_at": _later(row["last_contact_at"], at)}
        case e.GoalAgreed():
            return _one_more(row, "goals_agreed")
        case e.GoalAchieved():
            return _one_more(row, "goals_achieved")
        case e.GoalDropped():
            return _one_more(row, "goals_dropped")
        case e.SessionMissed():
            return _one_more(row, "sessions_missed")
        case e.SessionCancelled():
            return _one_more(row, "sessions_cancelled")
        case e.PartyChanged():
            return {f"{event.role}_id": event.id}
        case e.PlanAgreed():
            return _planned(event)
        case e.RelationshipActivated():
            return {"status": "active", "activated_at": at}
        case e.RelationshipPaused():
            return {"status": "paused", "paused_at": at, **_one_more(row, "pauses")}
        case e.RelationshipResumed():
            return {"status": "active", "paused_at": None}
        case e.RelationshipTerminated():
            return {"status": "terminated", "terminated_at": at, "paused_at": None, "ending_reason": event.reason}
        case e.EndReviewRecorded():
            return {"end_review": True}
        case e.RecordsSecured():
            return {"retained_until": event.retained_until}
        case e.RelationshipProposed():
            return {}
        case _:
            assert_never(event)


def _one_more(row: Row, column: str) -> dict[str, Any]:
    return {column: row[column] + 1}


def _later(known: Any, at: Any) -> Any:
    return at if known is None or at > known else known


def _planned(event: e.PlanAgreed) -> dict[str, Any]:
    return {
        "planned_sessions": event.sessions,
        "planned_minutes": event.minutes,
        "planned_every_days": event.every_days,
        "planned_from": event.starts_on,
        "planned_to": event.ends_on,
    }


def _proposed(event: e.RelationshipProposed, recorded: AnyRecorded) -> Row:
    return {
        **_BLANK,
        "relationship_id": recorded.subject,
        "programme_id": event.programme_id,
        "mentee_id": event.mentee_id,
        "mentor_id": event.mentor_id,
        "customer_id": event.customer_id,
        "line_manager_id": event.line_manager_id,
        "supplier_id": event.supplier_id,
        "codes": list(event.codes),
        "proposed_at": recorded.occurred_at,
    }


PROJECTION: Final = RowFold("relationships", 1, TABLE, events_of(Heard), evolve)
