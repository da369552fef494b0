"""`timeline`: everything that happened, one row an event, with who, when and about what, but not what was said.

That somebody disclosed a confidence is for the recipient alone, so such events have no row here.
"""

from typing import Final

from domain.model import AnyRecorded
from domain.registry import EVENTS, kind_of
from domain.relationship.events import ConfidenceDisclosed
from projections.dataset import Column, Key, Row, Table
from projections.projection import RowFold, Rows

TABLE: Final = Table(
    "timeline",
    "What happened to relationships, mentors, cases and programmes, one row an event; confidential disclosures are not here.",
    (
        Column("subject", "text", "Whose history it belongs to, as messages name it."),
        Column("version", "integer", "Its number in that history, from 1."),
        Column("kind", "text", "relationship, mentor, case or programme."),
        Column("type", "text", "The event, such as SessionScheduled."),
        Column("occurred_at", "time", "When it happened."),
        Column("recorded_at", "time", "When Rapport learned of it."),
        Column("actor_role", "text", "The role of whose act it was."),
        Column("actor_id", "text", "And their id.", "identity"),
        Column("session_id", "text", "The session that it is about."),
        Column("goal_id", "text", "The goal that it is about."),
        Column("clause", "text", "The clause that it names."),
    ),
    key=("subject", "version"),
    indexes=(("occurred_at",),),
)


def keys(recorded: AnyRecorded, _: Rows) -> tuple[Key]:
    """One row an event."""
    return ((recorded.subject, recorded.version),)


def evolve(_: Row | None, recorded: AnyRecorded) -> Row:
    """The row of an event."""
    event = recorded.data
    role, _colon, actor_id = recorded.actor.partition(":")
    return {
        "subject": recorded.subject,
        "version": recorded.version,
        "kind": kind_of(recorded.subject),
        "type": type(event).__name__,
        "occurred_at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor_role": role,
        "actor_id": actor_id,
        "session_id": getattr(event, "session_id", None),
        "goal_id": getattr(event, "goal_id", None),
        "clause": getattr(event, "clause", None),
    }


PROJECTION: Final = RowFold("timeline", 1, TABLE, frozenset(EVENTS.values()) - {ConfidenceDisclosed}, evolve, keys)
