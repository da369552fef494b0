"""The evidence of a finding: the versions of the events that show it, gathered when somebody asks for it.

A run of sessions without progress may be as long as the relationship. So the signals only count, and this lists.
"""

from collections.abc import Iterator

from domain.commitment import party_signals as party_rules
from domain.commitment.picture import Picture
from domain.commitment.shared_signals import last_session
from domain.commitment.terms import Terms
from domain.commitment.verdict import Finding
from domain.words import Party


def evidence_of(finding: Finding, picture: Picture, now: int, terms: Terms) -> tuple[int, ...]:
    """The versions behind a finding at the moment and under the terms at which it holds, sorted, each once."""
    if finding.party == "relationship":
        return tuple(sorted(_of_relationship(finding, picture)))
    return tuple(sorted(set(_of_party(finding, finding.party, picture, now, terms))))


def _of_relationship(finding: Finding, picture: Picture) -> Iterator[int]:
    match finding.signal:
        case "no_next_session":
            mark = last_session(picture)
        case "out_of_contact":
            mark = picture.in_touch
        case "trust_breakdown":
            yield from picture.trust.standing()
            yield from picture.readiness.standing(picture.unready_since)
            return
        case _:
            yield from picture.respect.standing()
            return
    if mark is not None:
        yield mark.version


def _of_party(finding: Finding, party: Party, picture: Picture, now: int, terms: Terms) -> Iterator[int]:
    sessions = picture.sessions
    recent = sessions.held[-party_rules.RECENT_SESSIONS :]
    match finding.signal:
        case "off_goal_work":
            yield from (held.version for held in recent if held.off_goal)
        case "unpunctual":
            yield from (
                held.version for held in recent if (held.mentee_late if party == "mentee" else held.mentor_late)
            )
        case "no_goal_progress":
            yield from _without_progress(picture)
        case "no_goal":
            closed = picture.goals.closings[-1:]
            yield from [max(mark for mark in (picture.course.activated, *closed) if mark is not None).version]
        case "frequent_reschedules":
            for due in sessions.due[-party_rules.RECENT_DUE :]:
                yield from sessions.moves(due.session, party)
        case "late_reschedules":
            late = sessions.late[party].all
            yield from (fact.version for fact in late[party_rules.within(picture, late, now, terms) :])
        case "homework_shortfall":
            for held in party_rules.with_their_time(picture):
                yield held.version
                yield from (work.version for work in picture.homework.get(held.session, {}).values())
        case "no_show":
            yield from _no_shows(party, picture, now, terms)
        case _:
            raise AssertionError(finding)


def _without_progress(picture: Picture) -> Iterator[int]:
    """The sessions since the last that shows progress."""
    held = picture.sessions.held
    for place in range(len(held) - 1, -1, -1):
        if party_rules.shows_progress(picture, place):
            return
        yield held[place].version


def _no_shows(party: Party, picture: Picture, now: int, terms: Terms) -> Iterator[int]:
    """The two or more running where there are such, else all in the window."""
    missed, running = picture.sessions.missed[party], picture.sessions.running[party]
    first = party_rules.within(picture, running, now, terms)
    if first < len(running):
        for _, one, other in running[first:]:
            yield one
            yield other
        return
    yield from (fact.version for fact in missed[party_rules.within(picture, missed, now, terms) :])
