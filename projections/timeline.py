"""`timeline`: everything that happened, with who, when and about what, but never content.

It is the log itself, seen through a view (infra.projection_engine.timeline_view), so it is never behind and takes no room. Among the
events stands what became of the workers' deadlines. That somebody disclosed a confidence is for the recipient alone,
so such events are left out.
"""

from typing import Final

from domain.relationship.events import ConfidenceDisclosed
from projections.dataset import POSITION, Column, Dataset

LEFT_OUT: Final = (ConfidenceDisclosed,)

TIMELINE: Final = Dataset(
    "timeline",
    "What happened to relationships, mentors, cases and programmes: one row an event or a change of a deadline. "
    "Confidential disclosures are not here.",
    (
        Column("subject", "text", "Whose history it belongs to, as messages name it.", "identity", reference=True),
        Column("programme_id", "text", "The programme of the relationship; empty for mentors, cases and programmes."),
        Column("source", "text", "event or deadline."),
        Column("version", "integer", "An event's number in that history, from 1; empty for a deadline."),
        Column(
            "sequence",
            "integer",
            "The number of a deadline's change; empty for an event, and for analysts and auditors.",
        ),
        Column("type", "text", "The event, such as SessionScheduled; armed, moved, frozen, cancelled or fired."),
        Column("occurred_at", "time", "When it happened."),
        Column("recorded_at", "time", "When Rapport learned of it."),
        Column("actor_role", "text", "The role of whose act it was; worker for a deadline."),
        Column("actor_id", "text", "And their id.", "identity"),
        Column("session_id", "text", "The session that it is about."),
        Column("goal_id", "text", "The goal that it is about."),
        Column("clause", "text", "The clause that it names, or that armed the deadline."),
        Column("deadline", "text", "The deadline's name."),
        Column("due_at", "time", "When the deadline is or was due."),
        POSITION,
    ),
    ("subject", "source", "version", "sequence"),
)
