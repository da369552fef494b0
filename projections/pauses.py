"""`pauses`: one row a pause of a relationship: from when to when, who asked for it, what it cancelled."""

from typing import Any, Final, assert_never

from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Heard = e.RelationshipPaused | e.RelationshipResumed | e.RelationshipTerminated | e.SessionCancelled

TABLE: Final = Table(
    "pauses",
    "One row a pause of a relationship: from when to when, who asked for it, what it cancelled.",
    (
        relationship_id(),
        Column("version", "integer", "The version of the event that began it."),
        Column("paused_at", "time", "When it began."),
        Column("paused_by", "text", "The role that asked for it."),
        Column("review_on", "day", "The day on which it is to be reviewed."),
        Column("sessions_cancelled", "integer", "Sessions to come that it cancelled.", "schedule"),
        Column("until", "time", "When it was over; empty while it lasts."),
        Column("over_by", "text", "resumption or end; empty while it lasts."),
        Column("resumed_by", "text", "The role that resumed or ended the relationship."),
        Column(
            "days", "real", "How long it lasted, in days of 24 hours; 0 if over before it began; empty while it lasts."
        ),
    ),
    key=("relationship_id", "version"),
    indexes=(("paused_at",),),
)


def keys(recorded: AnyRecorded, rows: Rows) -> tuple[Key, ...]:
    """A new row for a pause; for everything else the one that lasts, if one does."""
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipPaused):
        return ((recorded.subject, recorded.version),)
    if isinstance(event, e.SessionCancelled) and not event.by_pause:
        return ()
    return tuple(key for key, row in rows.items() if row["until"] is None)


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipPaused):
        return {
            "relationship_id": recorded.subject,
            "version": recorded.version,
            "paused_at": recorded.occurred_at,
            "paused_by": recorded.role,
            "review_on": event.review_on,
            "sessions_cancelled": 0,
            "until": None,
            "over_by": None,
            "resumed_by": None,
            "days": None,
        }
    return None if row is None else {**row, **_changes(row, event, recorded)}


def _changes(row: Row, event: Heard, recorded: AnyRecorded) -> dict[str, Any]:
    match event:
        case e.SessionCancelled():
            return {"sessions_cancelled": row["sessions_cancelled"] + 1}
        case e.RelationshipResumed():
            return _over(row, recorded, "resumption")
        case e.RelationshipTerminated():
            return _over(row, recorded, "end")
        case e.RelationshipPaused():
            return {}
        case _:
            assert_never(event)


def _over(row: Row, recorded: AnyRecorded, how: str) -> dict[str, Any]:
    # Told out of order, a pause may be over at a time before it began: then it stood still for no time.
    days = max(0.0, (recorded.occurred_at - row["paused_at"]).total_seconds() / 86_400)
    return {"until": recorded.occurred_at, "over_by": how, "resumed_by": recorded.role, "days": days}


PROJECTION: Final = RowFold("pauses", 2, TABLE, events_of(Heard), evolve, keys)
