"""The signals of the relationship itself: nothing planned, no contact, trust lost, disrespect."""

from domain.codes.implements import implements
from domain.commitment.moments import elapsed
from domain.commitment.picture import Picture
from domain.commitment.terms import Terms
from domain.commitment.verdict import SILENT, Verdict, found


@implements("pentalog.next-session")
def no_next_session(picture: Picture, now: int, terms: Terms) -> Verdict:
    """Sessions are still to come, none is scheduled, and the last one (or activation, for the first) is too long ago.

    A session whose start has passed without an outcome is scheduled no more.
    """
    planned = terms.planned_sessions if picture.planned is None else picture.planned
    if picture.activated is None or len(picture.held) >= planned:
        return SILENT
    since, allowed = picture.activated, terms.first_session
    if picture.last_session is not None and picture.last_session.at >= since.at:
        since, allowed = picture.last_session, terms.next_session
    left = allowed - elapsed(picture.pauses, since.at, now)
    next_start = max(picture.calendar.values(), default=None)
    if next_start is not None and next_start >= now:
        return Verdict(until=max(next_start + 1, now + left))
    if left > 0:
        return Verdict(until=now + left)
    return Verdict((found("no_next_session", "relationship", terms.no_next_session, since.version),))


@implements("nottingham.regular-contact")
def out_of_contact(picture: Picture, now: int, terms: Terms) -> Verdict:
    """For more than `contact_gap_days` neither a session nor a recorded contact; a missed session is none."""
    if picture.in_touch is None:
        return SILENT
    left = terms.contact_gap + 1 - elapsed(picture.pauses, picture.in_touch.at, now)
    if left > 0:
        return Verdict(until=now + left)
    return Verdict((found("out_of_contact", "relationship", terms.out_of_contact, picture.in_touch.version),))


@implements("pentalog.trust")
def trust_breakdown(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A breakdown of trust was reported, and neither restored nor dismissed."""
    if not picture.trust_lost:
        return SILENT
    return Verdict((found("trust_breakdown", "relationship", terms.trust_breakdown, *picture.trust_lost),))


@implements("pentalog.respect", "leapfrog.respect")
def disrespect(picture: Picture, _: int, terms: Terms) -> Verdict:
    """Disrespect was reported, and neither resolved nor dismissed."""
    if not picture.disrespected:
        return SILENT
    return Verdict((found("disrespect", "relationship", terms.disrespect, *picture.disrespected),))
