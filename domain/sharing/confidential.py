"""What gives away that trouble was reported, disclosed or dealt with, where no event is there to be asked about: kinds of rows.

Of an event `domain.sharing.question` says whether that it happened is confidential. Tasks, decisions and signals come of such events; those
of these kinds are withheld from everybody who may not know of what they come from.
"""

from typing import Final

from domain.model import Event
from domain.relationship import events as e
from domain.sharing.question import WITHHELD

# Tasks that exist because trouble was reported, disclosed or dealt with, or because of what somebody answered in confidence.
TASKS: Final = frozenset(
    {
        "attention",
        "case_escalation",
        "case_review",
        "conflict",
        "contested",
        "disclosure_review",
        "feedback_concern",
        "hr_referral",
        "mentor_suspended",
        "problem",
        "shutdown_recommendation",
    }
)
# Tasks that exist because of how somebody answered. Their place and time are those of the answer, so their kind alone hides nothing.
ANSWERED: Final = frozenset({"feedback_concern"})
# Workers whose decisions and deadlines come of such events.
WORKERS: Final = frozenset(
    {"attention", "conduct", "contests", "feedback", "rematch", "safeguarding", "standing", "support", "trust"}
)
# Events that are such, or may be: readiness may report or restore trust, contests and reviews may be about a report.
_MAY_BE: Final[tuple[type[Event], ...]] = (
    e.TrustReadinessStated,
    e.FactContested,
    e.ContestAnswered,
    e.RelationshipReviewed,
)
EVENTS: Final = frozenset(event.__name__ for event in (*WITHHELD, *_MAY_BE))
# Signals that hold because of a report.
SIGNALS: Final = frozenset({"trust_breakdown", "disrespect"})
# Reasons of an ending that are a report by themselves.
ENDINGS: Final = frozenset({"trust_breakdown", "disrespect", "breach"})
