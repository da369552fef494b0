"""`sessions`: one row a session: when, how long, who moved it, who was there, how its minutes were spent."""

from datetime import datetime
from typing import Any, Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.accountability import asker
from domain.words import EXCUSING
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Heard = (
    e.SessionScheduled
    | e.SessionRescheduled
    | e.SessionCancelled
    | e.PresessionCheckRecorded
    | e.SessionCompleted
    | e.SessionMissed
    | e.HomeworkAssigned
    | e.HomeworkReported
    | e.SessionNoteRecorded
)

TABLE: Final = Table(
    "sessions",
    "One row a session: when, how long, who moved it, who was there, how its minutes were spent.",
    (
        relationship_id(),
        Column("session_id", "text", "The session, within its relationship."),
        Column("status", "text", "scheduled, completed, missed or cancelled.", "attendance"),
        Column("scheduled_by", "text", "The role that put it on the calendar.", "schedule"),
        Column("scheduled_at", "time", "When it was put on the calendar.", "schedule"),
        Column("starts_at", "time", "The start of its latest move, else the first.", "schedule"),
        Column("minutes", "integer", "Its planned length in minutes.", "schedule"),
        Column("channel", "text", "Where it is held.", "schedule"),
        Column("reschedules", "integer", "How often it was moved.", "schedule"),
        Column("reschedules_by_mentee", "integer", "How often it was moved at the mentee's wish.", "schedule"),
        Column("reschedules_by_mentor", "integer", "How often it was moved at the mentor's wish.", "schedule"),
        Column("late_moves", "integer", "How often it was moved or cancelled with too little notice.", "schedule"),
        Column(
            "cancelled_by",
            "text",
            "The role that cancelled it or for which it was passed on; pause or end when one of these did.",
            "schedule",
        ),
        Column("cancellation_notice_hours", "real", "Hours from its cancellation to the start it had.", "schedule"),
        Column("absent", "texts", "The roles that stayed away from a missed session.", "attendance"),
        Column(
            "excused", "boolean", "Whether illness or the supplier kept them away: it counts for nobody.", "attendance"
        ),
        Column(
            "unpaid_at_risk",
            "boolean",
            "Whether it was put on the calendar outside the platform of a paid programme; that stays (mentor247.on-platform).",
            "schedule",
        ),
        Column("started_at", "time", "When it began.", "time_spent"),
        Column("ended_at", "time", "When it ended.", "time_spent"),
        Column("minutes_spent", "real", "From its beginning to its end, in minutes.", "time_spent"),
        Column("contracting", "boolean", "Whether it took place before activation.", "process_improvement"),
        Column("mentee_joined_at", "time", "When the mentee joined.", "attendance"),
        Column("mentor_joined_at", "time", "When the mentor joined.", "attendance"),
        Column("mentee_present", "boolean", "Whether the mentee was there.", "attendance"),
        Column("mentor_present", "boolean", "Whether the mentor was there.", "attendance"),
        Column(
            "mentee_late_minutes", "real", "Minutes after its start when the mentee joined, 0 if before.", "attendance"
        ),
        Column(
            "mentor_late_minutes", "real", "Minutes after its start when the mentor joined, 0 if before.", "attendance"
        ),
        Column("agenda_items", "integer", "Items on its agenda.", "process_improvement"),
        Column("agenda_items_by_mentee", "integer", "Items that the mentee set.", "process_improvement"),
        Column("agenda_minutes", "integer", "Minutes of all items together.", "time_spent"),
        Column(
            "off_goal_minutes",
            "integer",
            "Minutes of items without a goal or given to an urgent concern.",
            "time_spent",
        ),
        Column("urgent_minutes", "integer", "Minutes given to urgent concerns.", "time_spent"),
        Column("goals_worked_on", "integer", "How many goals its agenda names.", "goal_presence"),
        Column("call_to_action", "boolean", "Whether it ended with a call to action.", "process_improvement"),
        Column(
            "encouragement",
            "boolean",
            "Whether it began with encouragement, where that is known.",
            "process_improvement",
        ),
        Column(
            "camera_on", "boolean", "Whether the mentor's camera was on, where that is known.", "process_improvement"
        ),
        Column("checked_at", "time", "When the check before it was made.", "process_improvement"),
        Column("check_findings", "texts", "What that check found wanting.", "process_improvement"),
        Column("homework_assigned", "integer", "Pieces of homework that it gave.", "process_improvement"),
        Column("homework_hours", "real", "Hours of homework reported for it so far, assigned or not.", "time_spent"),
        Column("notes", "integer", "Notes taken on it.", "process_improvement"),
        Column("findings", "texts", "The rules that what was told of it went against, in the words of refusals."),
        Column("moved_at", "time", "When its latest move was asked for.", "schedule", private=True),
        Column("homework", "json", "Hours by homework.", "time_spent", private=True),
    ),
    key=("relationship_id", "session_id"),
    indexes=(("starts_at",), ("status",)),
)

_BLANK: Final[Row] = {
    **dict.fromkeys(column.name for column in TABLE.columns),
    "status": "scheduled",
    "reschedules": 0,
    "reschedules_by_mentee": 0,
    "reschedules_by_mentor": 0,
    "late_moves": 0,
    "homework_assigned": 0,
    "notes": 0,
    "findings": [],
    "homework": {},
}
# Hours that were reported for the session itself, without a homework.
_OF_ITSELF: Final = ""


def keys(recorded: AnyRecorded, _: Rows) -> tuple[Key]:
    """The row of the session that the event names."""
    return ((recorded.subject, recorded.data.session_id),)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event; a session that was never scheduled has no row."""
    event: Heard = recorded.data
    if isinstance(event, e.SessionScheduled):
        return {**_scheduled(event, recorded), "findings": _findings([], recorded)}
    if row is None:
        return None
    return {**row, **_changes(row, event, recorded), "findings": _findings(row["findings"], recorded)}


def _findings(known: list[str], recorded: AnyRecorded) -> list[str]:
    return [*dict.fromkeys((*known, *(finding.code for finding in recorded.findings or ())))]


def _scheduled(event: e.SessionScheduled, recorded: AnyRecorded) -> Row:
    return {
        **_BLANK,
        "relationship_id": recorded.subject,
        "session_id": event.session_id,
        "scheduled_by": recorded.role,
        "scheduled_at": recorded.occurred_at,
        "starts_at": event.starts_at,
        "minutes": event.minutes,
        "channel": event.channel,
        "unpaid_at_risk": event.unpaid_at_risk,
    }


def _changes(row: Row, event: Heard, recorded: AnyRecorded) -> dict[str, Any]:
    match event:
        case e.SessionCompleted():
            return _completed(row, event)
        case e.SessionNoteRecorded():
            return {"notes": row["notes"] + 1}
        case e.HomeworkAssigned():
            return {"homework_assigned": row["homework_assigned"] + 1}
        case e.HomeworkReported():
            hours = {**row["homework"], event.homework_id or _OF_ITSELF: event.hours}
            return {"homework": hours, "homework_hours": float(sum(hours.values()))}
        case e.PresessionCheckRecorded():
            return {"checked_at": event.checked_at, "check_findings": list(event.findings)}
        case e.SessionRescheduled():
            return _moved(row, event, recorded)
        case e.SessionMissed():
            return {"status": "missed", "absent": list(event.absent), "excused": event.cause in EXCUSING}
        case e.SessionCancelled():
            return {
                "status": "cancelled",
                "cancelled_by": _canceller(event, recorded.role),
                "cancellation_notice_hours": event.notice_hours,
                "late_moves": row["late_moves"] + event.late,
            }
        case e.SessionScheduled():
            return {}
        case _:
            assert_never(event)


def _canceller(event: e.SessionCancelled, role: str) -> str:
    if event.by_pause:
        return "pause"
    return "end" if event.by_end else event.on_behalf_of or role


def _moved(row: Row, event: e.SessionRescheduled, recorded: AnyRecorded) -> dict[str, Any]:
    """A move that is told after a later one changes no start."""
    changes: dict[str, Any] = {
        "reschedules": row["reschedules"] + 1,
        "late_moves": row["late_moves"] + event.late,
    }
    if row["moved_at"] is None or row["moved_at"] <= recorded.occurred_at:
        changes |= {"starts_at": event.starts_at, "moved_at": recorded.occurred_at}
        changes |= _lateness(row["mentee_joined_at"], row["mentor_joined_at"], event.starts_at)
    party = asker(event, recorded.role)
    if party in ("mentee", "mentor"):
        changes[f"reschedules_by_{party}"] = row[f"reschedules_by_{party}"] + 1
    return changes


def _lateness(mentee: datetime | None, mentor: datetime | None, starts_at: datetime) -> dict[str, float | None]:
    return {"mentee_late_minutes": _late(mentee, starts_at), "mentor_late_minutes": _late(mentor, starts_at)}


@implements("pentalog.urgent-concerns")
def _completed(row: Row, event: e.SessionCompleted) -> dict[str, Any]:
    """Minutes given to an urgent concern are counted as such, and as off-goal."""
    agenda = event.agenda
    return {
        "status": "completed",
        "started_at": event.started_at,
        "ended_at": event.ended_at,
        "minutes_spent": _minutes(event.started_at, event.ended_at),
        "contracting": event.status == "contracting",
        "mentee_present": "mentee" in event.present,
        "mentor_present": "mentor" in event.present,
        "mentee_joined_at": event.joined.get("mentee"),
        "mentor_joined_at": event.joined.get("mentor"),
        **_lateness(event.joined.get("mentee"), event.joined.get("mentor"), row["starts_at"]),
        "agenda_items": len(agenda),
        "agenda_items_by_mentee": sum(item.set_by == "mentee" for item in agenda),
        "agenda_minutes": sum(item.minutes for item in agenda),
        "off_goal_minutes": sum(item.minutes for item in agenda if item.goal_id is None or item.urgent_concern),
        "urgent_minutes": sum(item.minutes for item in agenda if item.urgent_concern),
        "goals_worked_on": len({item.goal_id for item in agenda if item.goal_id is not None}),
        "call_to_action": event.call_to_action is not None,
        "encouragement": event.encouragement,
        "camera_on": event.camera_on,
    }


def _late(joined: datetime | None, starts_at: datetime) -> float | None:
    return None if joined is None else max(0.0, _minutes(starts_at, joined))


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 60


PROJECTION: Final = RowFold("sessions", 2, TABLE, events_of(Heard), evolve, keys)
