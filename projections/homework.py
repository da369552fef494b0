"""`homework`: one row a piece of homework: when it was given and is due, the hours it took, where it was discussed.

Hours that were reported for a session without any assigned homework have a row as well, with an empty `homework_id`.
"""

from typing import Any, Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Heard = e.HomeworkAssigned | e.HomeworkReported | e.SessionCompleted

NOT_ASSIGNED: Final = ""

TABLE: Final = Table(
    "homework",
    "One row a piece of homework: when it was given and is due, the hours it took, where it was discussed.",
    (
        relationship_id(),
        Column(
            "homework_id", "text", "The homework, within its relationship; empty for hours without an assigned one."
        ),
        Column("session_id", "text", "The session that gave it, or for which hours were reported."),
        Column("assigned_at", "time", "When it was given; empty where nobody assigned it.", "process_improvement"),
        Column("assigned_by", "text", "The role that gave it.", "process_improvement"),
        Column("due_at", "time", "Until when it is to be done.", "schedule"),
        Column("hours", "real", "The hours so far, as last reported.", "time_spent"),
        Column("done", "boolean", "Whether it is done, as last reported.", "goal_outcomes"),
        Column("reported_at", "time", "When its hours were first reported.", "process_improvement"),
        Column("reports", "integer", "How often they were reported.", "process_improvement"),
        Column("discussed_in", "text", "The first session whose agenda names it.", "process_improvement"),
        Column("discussed_at", "time", "When that session ended.", "process_improvement"),
    ),
    key=("relationship_id", "homework_id", "session_id"),
    indexes=(("session_id",), ("due_at",)),
)


def keys(recorded: AnyRecorded, rows: Rows) -> tuple[Key, ...]:
    """The homework that is named; for a session that took place, all that its agenda names."""
    event: Heard = recorded.data
    if isinstance(event, e.SessionCompleted):
        discussed = {item.homework_id for item in event.agenda if item.homework_id is not None}
        return tuple(key for key in rows if key[1] in discussed) if discussed else ()
    return ((recorded.subject, event.homework_id or NOT_ASSIGNED, event.session_id),)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    event: Heard = recorded.data
    match event:
        case e.HomeworkAssigned():
            given = {"assigned_at": recorded.occurred_at, "assigned_by": recorded.role, "due_at": event.due_at}
            return {**_blank(recorded, event), **given}
        case e.HomeworkReported():
            return _reported(row or _blank(recorded, event), event, recorded)
        case e.SessionCompleted():
            return None if row is None else _discussed(row, event)
        case _:
            assert_never(event)


def _blank(recorded: AnyRecorded, event: e.HomeworkAssigned | e.HomeworkReported) -> Row:
    blank: dict[str, Any] = dict.fromkeys(column.name for column in TABLE.columns)
    return {
        **blank,
        "relationship_id": recorded.subject,
        "homework_id": event.homework_id or NOT_ASSIGNED,
        "session_id": event.session_id,
        "reports": 0,
    }


def _reported(row: Row, event: e.HomeworkReported, recorded: AnyRecorded) -> Row:
    return {
        **row,
        "hours": event.hours,
        "done": bool(event.done),
        "reported_at": row["reported_at"] or recorded.occurred_at,
        "reports": row["reports"] + 1,
    }


@implements("cmn.homework-reviewed")
def _discussed(row: Row, event: e.SessionCompleted) -> Row:
    """The first session at which a homework was on the agenda, in the order in which sessions took place."""
    if row["discussed_at"] is not None and row["discussed_at"] <= event.ended_at:
        return row
    return {**row, "discussed_in": event.session_id, "discussed_at": event.ended_at}


PROJECTION: Final = RowFold("homework", 1, TABLE, events_of(Heard), evolve, keys)
