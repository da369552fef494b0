"""`goals`: one row a goal: its type, where it came from, what became of it. Its title is content and stays out."""

from typing import Any, Final, assert_never

from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

OfOneGoal = e.GoalAgreed | e.GoalRevised | e.GoalDropped | e.GoalProgressRecorded | e.GoalAchieved
Heard = OfOneGoal | e.EndReviewRecorded

TABLE: Final = Table(
    "goals",
    "One row a goal: its type, where it came from, what became of it. Titles are content and not here.",
    (
        relationship_id(),
        Column("goal_id", "text", "The goal, within its relationship."),
        Column("type", "text", "career, leadership, technical, business, wellbeing or other.", "goal_types"),
        Column("source", "text", "assessment, mentee or urgent_concern.", "goal_types"),
        Column("status", "text", "open, achieved or dropped.", "goal_outcomes"),
        Column("agreed_at", "time", "When mentee and mentor agreed on it.", "goal_presence"),
        Column("closed_at", "time", "When it was reached or given up.", "goal_outcomes"),
        Column("revisions", "integer", "How often it was reworded.", "goal_presence"),
        Column("progress_records", "integer", "How often its progress was recorded.", "goal_outcomes"),
        Column("progress", "text", "The progress last recorded: none, some or achieved.", "goal_outcomes"),
        Column("progress_at", "time", "When that was.", "goal_outcomes"),
        Column("reviewed", "boolean", "Whether the end review covers it.", "goal_outcomes"),
    ),
    key=("relationship_id", "goal_id"),
    indexes=(("type",), ("status",)),
)


def keys(recorded: AnyRecorded, _: Rows) -> tuple[Key, ...]:
    """The goal that the event names; those that an end review goes through."""
    event: Heard = recorded.data
    if isinstance(event, e.EndReviewRecorded):
        return tuple(dict.fromkeys((recorded.subject, objective.goal_id) for objective in event.objectives))
    return ((recorded.subject, event.goal_id),)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event; a goal begins when it is agreed."""
    event: Heard = recorded.data
    if isinstance(event, e.GoalAgreed):
        return _agreed(event, recorded)
    return None if row is None else {**row, **_changes(row, event, recorded)}


def _agreed(event: e.GoalAgreed, recorded: AnyRecorded) -> Row:
    return {
        "relationship_id": recorded.subject,
        "goal_id": event.goal_id,
        "type": event.type,
        "source": event.source,
        "status": "open",
        "agreed_at": recorded.occurred_at,
        "closed_at": None,
        "revisions": 0,
        "progress_records": 0,
        "progress": None,
        "progress_at": None,
        "reviewed": False,
    }


def _changes(row: Row, event: Heard, recorded: AnyRecorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match event:
        case e.GoalProgressRecorded():
            return {"progress_records": row["progress_records"] + 1, "progress": event.progress, "progress_at": at}
        case e.GoalAchieved():
            return {"status": "achieved", "closed_at": at}
        case e.GoalDropped():
            return {"status": "dropped", "closed_at": at}
        case e.GoalRevised():
            return {"revisions": row["revisions"] + 1}
        case e.EndReviewRecorded():
            return {"reviewed": True}
        case e.GoalAgreed():
            return {}
        case _:
            assert_never(event)


PROJECTION: Final = RowFold("goals", 1, TABLE, events_of(Heard), evolve, keys)
