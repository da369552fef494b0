"""`session_moves`: one row a move or a cancellation of a session: when, with how much notice, why, and whose it was."""

from typing import Final

from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.accountability import asker
from domain.words import EXCUSING
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Heard = e.SessionRescheduled | e.SessionCancelled

TABLE: Final = Table(
    "session_moves",
    "One row a move or a cancellation of a session: when, with how much notice, why, and whose it was.",
    (
        relationship_id(),
        Column("version", "integer", "The version of its event."),
        Column("session_id", "text", "The session, within its relationship."),
        Column("kind", "text", "move or cancellation.", "schedule"),
        Column("time", "time", "When it was asked for.", "schedule"),
        Column("recorded_at", "time", "When it was recorded.", "schedule"),
        Column("previous_starts_at", "time", "The start that the session had at that time, for a move.", "schedule"),
        Column("starts_at", "time", "The start to which it was moved; empty for a cancellation.", "schedule"),
        Column("notice_hours", "real", "Hours from that time to the start that the session then had.", "schedule"),
        Column("late", "boolean", "Whether that was less than late_notice_hours.", "schedule"),
        Column("cause", "text", "personal, work, illness or supplier, where it was told.", "schedule"),
        Column("excused", "boolean", "Whether its cause counts for neither party.", "schedule"),
        Column("party", "text", "The role whose wish it was; empty where it was nobody's.", "schedule"),
        Column("told_by", "text", "The role that told it.", "schedule"),
        Column("cancelled_by", "text", "pause or end where one of these cancelled the session.", "schedule"),
    ),
    # After a correction, a pause may cancel more sessions than it had versions for.
    key=("relationship_id", "version", "session_id"),
    indexes=(("session_id",), ("time",)),
)


def keys(recorded: AnyRecorded, _: Rows) -> tuple[Key]:
    """A row of its own."""
    return ((recorded.subject, recorded.version, recorded.data.session_id),)


def evolve(_: Row | None, recorded: AnyRecorded) -> Row:
    """The row of an event, which stays as it is."""
    event: Heard = recorded.data
    moved = event if isinstance(event, e.SessionRescheduled) else None
    cancelled = event if isinstance(event, e.SessionCancelled) else None
    return {
        "relationship_id": recorded.subject,
        "version": recorded.version,
        "session_id": event.session_id,
        "kind": "move" if moved else "cancellation",
        "time": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "previous_starts_at": moved and moved.previous_starts_at,
        "starts_at": moved and moved.starts_at,
        "notice_hours": event.notice_hours,
        "late": event.late,
        "cause": event.cause,
        "excused": event.cause in EXCUSING,
        "party": asker(event, recorded.role),
        "told_by": recorded.role,
        "cancelled_by": None
        if cancelled is None
        else "pause"
        if cancelled.by_pause
        else "end"
        if cancelled.by_end
        else None,
    }


PROJECTION: Final = RowFold("session_moves", 1, TABLE, events_of(Heard), evolve, keys)
