"""The signals of the relationship itself: nothing planned, no contact, trust lost, disrespect."""

from domain.codes.implements import implements
from domain.commitment.course import Mark
from domain.commitment.party_signals import is_finished
from domain.commitment.picture import Picture
from domain.commitment.terms import Terms
from domain.commitment.verdict import SILENT, Finding, Verdict


@implements("pentalog.next-session")
def no_next_session(picture: Picture, now: int, terms: Terms) -> Verdict:
    """Sessions are still to come, none is scheduled, and the last one (or activation, for the first) is too long ago.

    A session without an outcome is scheduled until `outcome_hours` after its planned end, which run on in pauses.
    """
    since = last_session(picture)
    if since is None or is_finished(picture, terms):
        return SILENT
    allowed = terms.first_session if since == picture.course.activated else terms.next_session
    left = allowed - picture.course.clock.elapsed(since.at, now)
    calendar = picture.sessions.calendar
    if calendar and (open_until := calendar[-1][0] + terms.outcome) > now:
        return Verdict(until=max(open_until, now + left))
    if left > 0:
        return Verdict(until=now + left)
    return Verdict((Finding("no_next_session", "relationship", terms.no_next_session),))


def last_session(picture: Picture) -> Mark | None:
    """The latest completed, missed or cancelled session since activation, else activation."""
    activated, times = picture.course.activated, picture.sessions.times
    return times[-1] if activated is not None and times and times[-1].at >= activated.at else activated


@implements("nottingham.regular-contact")
def out_of_contact(picture: Picture, now: int, terms: Terms) -> Verdict:
    """For longer than the gap neither a session nor a contact between the two; a missed session is none.

    The gap is the larger of `contact_gap_days` and the plan's rhythm with `contact_slack_days`.
    """
    in_touch = picture.in_touch
    if in_touch is None:
        return SILENT
    rhythm = 0 if picture.plan is None else picture.plan.rhythm + terms.contact_slack
    left = max(terms.contact_gap, rhythm) + 1 - picture.course.clock.elapsed(in_touch.at, now)
    if left > 0:
        return Verdict(until=now + left)
    return Verdict((Finding("out_of_contact", "relationship", terms.out_of_contact),))


@implements("pentalog.trust")
def trust_breakdown(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A breakdown of trust was reported, or readiness to trust taken back, and neither restored nor dismissed."""
    if not (picture.trust.stand() or picture.readiness.stand(picture.unready_since)):
        return SILENT
    return Verdict((Finding("trust_breakdown", "relationship", terms.trust_breakdown),))


@implements("pentalog.respect", "leapfrog.respect")
def disrespect(picture: Picture, _: int, terms: Terms) -> Verdict:
    """Disrespect was reported, and neither resolved nor dismissed."""
    if not picture.respect.stand():
        return SILENT
    return Verdict((Finding("disrespect", "relationship", terms.disrespect),))
