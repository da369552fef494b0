"""The signals attributed to a party: what the sessions, the homework, the goals and the calendar say about mentee and mentor.

Each takes the picture, a moment and the terms in force, and answers a `Verdict`. Only windows depend on the moment. None looks
at more than a few of the latest facts; the whole evidence of a finding is gathered by `evidence.py` when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import fsum
from typing import Final, TypeVar

from domain.codes.implements import implements
from domain.commitment.picture import Picture
from domain.commitment.sessions import Held, LateNotice
from domain.commitment.terms import Terms
from domain.commitment.verdict import SILENT, Finding, Verdict
from domain.words import PARTIES

RECENT_SESSIONS: Final = 3
RECENT_DUE: Final = 5
RECENT_HOMEWORK: Final = 5
ENOUGH: Final = 2
MANY: Final = 3
T = TypeVar("T", LateNotice, tuple[int, int, int])


@implements("pentalog.off-goal", "pentalog.urgent-concerns")
def off_goal_work(picture: Picture, _: int, terms: Terms) -> Verdict:
    """Most minutes of at least 2 of the last 3 completed sessions served no goal."""
    recent = picture.sessions.held[-RECENT_SESSIONS:]
    if sum(held.off_goal for held in recent) < ENOUGH:
        return SILENT
    return Verdict((Finding("off_goal_work", "mentee", terms.off_goal_work),))


@implements("pentalog.no-progress")
def no_goal_progress(picture: Picture, _: int, terms: Terms) -> Verdict:
    """The last 2 completed sessions brought no goal forward; worse from the third on."""
    without = 0
    held = picture.sessions.held
    while without < min(MANY, len(held)) and not shows_progress(picture, len(held) - 1 - without):
        without += 1
    if without < ENOUGH:
        return SILENT
    points = terms.no_goal_progress_3 if without >= MANY else terms.no_goal_progress
    return Verdict((Finding("no_goal_progress", "mentee", points),))


def shows_progress(picture: Picture, place: int) -> bool:
    """Whether progress names a completed session, or names none and happened from its start to that of the next."""
    held = picture.sessions.held
    if held[place].session in picture.progressed:
        return True
    first = bisect_left(picture.progress, held[place].started)
    if first == len(picture.progress):
        return False
    return place + 1 == len(held) or picture.progress[first] < held[place + 1].started


@implements("pentalog.hard-to-find-goal")
def no_goal(picture: Picture, now: int, terms: Terms) -> Verdict:
    """Sessions have begun and are still to come, and for more than `no_goal_days` no goal has been open."""
    since = picture.course.activated
    if picture.goals.open or since is None or not picture.sessions.held or is_finished(picture, terms):
        return SILENT
    if picture.goals.closings:
        since = max(since, picture.goals.closings[-1])
    left = terms.no_goal_gap + 1 - picture.course.clock.elapsed(since.at, now)
    return Verdict(until=now + left) if left > 0 else Verdict((Finding("no_goal", "mentee", terms.no_goal),))


def is_finished(picture: Picture, terms: Terms) -> bool:
    """Whether as many sessions were completed while active as the plan has."""
    return len(picture.sessions.held) >= (terms.planned_sessions if picture.plan is None else picture.plan.sessions)


@implements("pentalog.frequent-reschedules")
def frequent_reschedules(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A party rescheduled at least 3 of the last 5 sessions that were due or moved."""
    recent = picture.sessions.due[-RECENT_DUE:]
    if len(recent) < MANY:
        return SILENT
    often = [
        party for party in PARTIES if sum(bool(picture.sessions.moves(each.session, party)) for each in recent) >= MANY
    ]
    points = terms.frequent_reschedules
    return Verdict(tuple(Finding("frequent_reschedules", party, points) for party in often)) if often else SILENT


@implements("pentalog.late-reschedules", "leapfrog.notice")
def late_reschedules(picture: Picture, now: int, terms: Terms) -> Verdict:
    """A party moved or cancelled at least 2 sessions at short notice within the window; a session counts once."""
    findings: list[Finding] = []
    for party, late in picture.sessions.late.items():
        if len(late.latest) < ENOUGH:
            continue
        further = len(late.latest) - within(picture, late.latest, now, terms) - ENOUGH
        if further >= 0:
            grown = min(terms.late_reschedules + further * terms.late_reschedules_each, terms.late_reschedules_max)
            inside = len(late.all) - within(picture, late.all, now, terms)
            findings.append(Finding("late_reschedules", party, max(terms.late_reschedules, grown), inside))
    if not findings:
        return SILENT
    return Verdict(tuple(findings), _leaves(picture, [late.all for late in picture.sessions.late.values()], now, terms))


def within(picture: Picture, facts: Sequence[T], now: int, terms: Terms) -> int:
    """The place of the first that is in the window, among those that were told in order of time."""
    clock = picture.course.clock
    opens = clock.outside(now) - terms.late_window
    return bisect_left(facts, opens, key=lambda each: clock.outside(each[0]))


def _leaves(picture: Picture, each: Sequence[Sequence[LateNotice]], now: int, terms: Terms) -> int:
    """When the first of those in the window leaves it, which is right after its last moment."""
    first = min(facts[place].at for facts in each if (place := within(picture, facts, now, terms)) < len(facts))
    return now + terms.late_window + 1 - picture.course.clock.elapsed(first, now)


@implements("pentalog.homework")
def homework_shortfall(picture: Picture, _: int, terms: Terms) -> Verdict:
    """The mean of homework hours over the last 5 sessions that have had their time is short of what was wanted then.

    Nobody asked for homework where neither pentalog is adopted nor a document sets the hours.
    """
    ready = with_their_time(picture)
    if len(ready) < ENOUGH or not (terms.homework_asked or "pentalog" in picture.codes):
        return SILENT
    hours = fsum(work.hours for held in ready for work in picture.homework.get(held.session, {}).values())
    wanted = fsum(held.wanted for held in ready)
    if 4 * hours >= 3 * wanted:
        return SILENT
    points = terms.homework_shortfall if 2 * hours < wanted else terms.homework_shortfall_mild
    return Verdict((Finding("homework_shortfall", "mentee", points),))


def with_their_time(picture: Picture) -> list[Held]:
    """The last 5 of the sessions after which another was completed, or whose homework was reported."""
    ready = picture.sessions.held[-RECENT_HOMEWORK - 1 :]
    if ready and ready[-1].session not in picture.homework:
        ready.pop()
    return ready[-RECENT_HOMEWORK:]


@implements("leapfrog.notice", "leapfrog.time")
def no_show(picture: Picture, now: int, terms: Terms) -> Verdict:
    """A party stayed away within the window; worse when from two sessions running."""
    findings: list[Finding] = []
    for party, missed in picture.sessions.missed.items():
        if missed and (inside := len(missed) - within(picture, missed, now, terms)):
            running = picture.sessions.running[party]
            worse = bool(running) and within(picture, running, now, terms) < len(running)
            findings.append(Finding("no_show", party, terms.no_show_running if worse else terms.no_show, inside))
    if not findings:
        return SILENT
    return Verdict(tuple(findings), _leaves(picture, list(picture.sessions.missed.values()), now, terms))


@implements("pentalog.punctuality", "mentor247.punctuality", "leapfrog.time")
def unpunctual(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A party joined at least 2 of the last 3 completed sessions late."""
    recent = picture.sessions.held[-RECENT_SESSIONS:]
    mentee, mentor = sum(held.mentee_late for held in recent), sum(held.mentor_late for held in recent)
    if mentee < ENOUGH and mentor < ENOUGH:
        return SILENT
    late = [party for party, count in zip(PARTIES, (mentee, mentor), strict=True) if count >= ENOUGH]
    return Verdict(tuple(Finding("unpunctual", party, terms.unpunctual) for party in late))
