"""`timeline`: everything that happened, one row an event, with who, when and about what, but not what was said.

That somebody disclosed a confidence is for the recipient alone, so such events have no row here. What became of the
workers' deadlines is shown among the events: armed, moved, frozen, cancelled, fired.
"""

from typing import Final

from domain.model import AnyRecorded
from domain.registry import EVENTS
from domain.relationship.events import ConfidenceDisclosed
from projections.dataset import Column, Joined, Key, Row, Table
from projections.projection import RowFold, Rows

TABLE: Final = Table(
    "timeline",
    "What happened to relationships, mentors, cases and programmes, one row an event or a change of a deadline; "
    "confidential disclosures are not here.",
    (
        Column("subject", "text", "Whose history it belongs to, as messages name it."),
        Column("source", "text", "event or deadline.", stored=False),
        Column("version", "integer", "An event's number in that history, from 1; empty for a deadline."),
        Column("sequence", "integer", "The number of a deadline's change; empty for an event.", stored=False),
        Column("type", "text", "The event, such as SessionScheduled; armed, moved, frozen, cancelled or fired."),
        Column("occurred_at", "time", "When it happened."),
        Column("recorded_at", "time", "When Rapport learned of it."),
        Column("actor_role", "text", "The role of whose act it was; worker for a deadline."),
        Column("actor_id", "text", "And their id.", "identity"),
        Column("session_id", "text", "The session that it is about."),
        Column("goal_id", "text", "The goal that it is about."),
        Column("clause", "text", "The clause that it names, or that armed the deadline."),
        Column("deadline", "text", "The deadline's name.", stored=False),
        Column("due_at", "time", "When the deadline is or was due.", stored=False),
    ),
    key=("subject", "version"),
    indexes=(("occurred_at",),),
    order=("subject", "source", "version", "sequence"),
    joined=Joined(
        "deadline_history",
        {
            "subject": "key",
            "source": "'deadline'",
            "sequence": "seq",
            "type": "change",
            "occurred_at": "at",
            "recorded_at": "at",
            "actor_role": "'worker'",
            "actor_id": "worker",
            "clause": "clauses ->> 0",
            "deadline": "name",
            "due_at": "due_at",
            "position": "position",
        },
        own={"source": "'event'"},
    ),
)


def keys(recorded: AnyRecorded, _: Rows) -> tuple[Key]:
    """One row an event."""
    return ((recorded.subject, recorded.version),)


ABOUT: Final = ("session_id", "goal_id", "clause")
# What an event of each type may be about; to ask a model for a field that it lacks is slow.
_NAMES: Final = {event: tuple(name for name in ABOUT if name in event.model_fields) for event in EVENTS.values()}
_NOTHING: Final[Row] = dict.fromkeys(ABOUT)


def evolve(_: Row | None, recorded: AnyRecorded) -> Row:
    """The row of an event."""
    event = recorded.data
    role, _colon, actor_id = recorded.actor.partition(":")
    row: Row = {
        "subject": recorded.subject,
        "version": recorded.version,
        "type": type(event).__name__,
        "occurred_at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor_role": role,
        "actor_id": actor_id,
        **_NOTHING,
    }
    for name in _NAMES[type(event)]:
        row[name] = getattr(event, name)
    return row


PROJECTION: Final = RowFold("timeline", 1, TABLE, frozenset(EVENTS.values()) - {ConfidenceDisclosed}, evolve, keys)
