"""What mentors and programmes say at the time of a decision: the terms in force, the standing, the training, the time zone, room.

It is recorded with the events of a relationship when it differs from what the stream last recorded (`domain.model.Known`).
"""

from datetime import datetime

from domain.mentor.state import Mentor
from domain.model import Known
from domain.programme.state import Programme
from domain.terms import NO_SETTINGS, TermTimeline, values


def known_at(
    at: datetime,
    before: Known,
    programme_id: str,
    *,
    mentor: Mentor | None,
    programme: Programme | None,
    own: TermTimeline = NO_SETTINGS,
) -> Known:
    """What others say about a relationship by a time, with its own terms; `before` itself where that says the same."""
    standing = mentor.standing_in(programme_id) if mentor else "good"
    terms = (programme.settings_at(at) if programme else ()) + own.settings_at(at)
    zone = programme.timezone if programme and programme.timezone != "UTC" else None
    trained = mentor.trained_on if mentor else None
    # Compared before it is built: every message to a relationship comes by here, and news are few.
    if (standing, terms, zone, trained) == (
        before.mentor_standing,
        before.terms,
        before.timezone,
        before.mentor_trained_on,
    ):
        return before
    return Known(mentor_standing=standing, terms=terms, timezone=zone, mentor_trained_on=trained)


def mentor_limit(known: Known, mentor: Mentor | None) -> int | None:
    """How many relationships a mentor may have: the least of the term mentor_capacity (0: no limit) and their own capacity."""
    limits = [int(values(known.terms)["mentor_capacity"]) or None, mentor.capacity if mentor else None]
    return min((limit for limit in limits if limit is not None), default=None)
