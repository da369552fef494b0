"""The signals attributed to a party: what the sessions, the homework, the goals and the calendar say about mentee and mentor.

Each takes the picture, a moment and the terms in force, and answers a `Verdict`. Only windows depend on the moment.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import islice, pairwise
from math import fsum
from operator import attrgetter
from typing import Final

from domain.codes.implements import implements
from domain.commitment.moments import elapsed
from domain.commitment.picture import Held, Move, NoShow, Picture
from domain.commitment.terms import Terms
from domain.commitment.verdict import SILENT, Finding, Verdict, found
from domain.words import PARTIES, Party

RECENT_SESSIONS: Final = 3
RECENT_DUE: Final = 5
RECENT_HOMEWORK: Final = 5
ENOUGH: Final = 2
MANY: Final = 3


@implements("pentalog.off-goal", "pentalog.urgent-concerns")
def off_goal_work(picture: Picture, _: int, terms: Terms) -> Verdict:
    """Most minutes of at least 2 of the last 3 completed sessions served no goal."""
    off_goal = [held.version for held in picture.held[-RECENT_SESSIONS:] if held.off_goal]
    if len(off_goal) < ENOUGH:
        return SILENT
    return Verdict((found("off_goal_work", "mentee", terms.off_goal_work, *off_goal),))


@implements("pentalog.no-progress")
def no_goal_progress(picture: Picture, _: int, terms: Terms) -> Verdict:
    """The last 2 completed sessions brought no goal forward; worse from the third on."""
    held = picture.held
    # Progress without a session belongs to the session before it.
    moved_on = bisect_right(held, picture.progress[-1], key=attrgetter("started")) if picture.progress else 0
    if picture.progressed:
        moved_on = max(moved_on, _after_last(held, picture.progressed))
    without = [each.version for each in held[moved_on:]]
    if len(without) < ENOUGH:
        return SILENT
    points = terms.no_goal_progress_3 if len(without) >= MANY else terms.no_goal_progress
    return Verdict((found("no_goal_progress", "mentee", points, *without),))


def _after_last(held: Sequence[Held], sessions: Collection[str]) -> int:
    """The place after the last that is one of these sessions."""
    return next((place for place in range(len(held), 0, -1) if held[place - 1].session in sessions), 0)


@implements("pentalog.hard-to-find-goal")
def no_goal(picture: Picture, now: int, terms: Terms) -> Verdict:
    """Sessions have begun, and for more than `no_goal_days` no goal has been open."""
    if picture.goals or not picture.held or picture.activated is None:
        return SILENT
    since = picture.activated if picture.goal_closed is None else max(picture.activated, picture.goal_closed)
    left = terms.no_goal_gap + 1 - elapsed(picture.pauses, since.at, now)
    if left > 0:
        return Verdict(until=now + left)
    return Verdict((found("no_goal", "mentee", terms.no_goal, since.version),))


@implements("pentalog.frequent-reschedules")
def frequent_reschedules(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A party rescheduled at least 3 of the last 5 sessions that were due or moved."""
    if len(picture.moves) < MANY:
        return SILENT
    recent = set(islice(reversed(picture.due), RECENT_DUE))
    moves = [move for move in picture.moves if move.rescheduled and move.session in recent]
    return Verdict(
        tuple(
            found("frequent_reschedules", party, terms.frequent_reschedules, *(move.version for move in theirs))
            for party, theirs in _by_party(moves)
            if len({move.session for move in theirs}) >= MANY
        )
    )


@implements("pentalog.late-reschedules", "leapfrog.notice")
def late_reschedules(picture: Picture, now: int, terms: Terms) -> Verdict:
    """A party moved or cancelled at least 2 sessions at short notice within the window; a session counts once."""
    late = [move for move in picture.moves if move.notice < terms.late_notice]
    if len(late) < ENOUGH:
        return SILENT
    late = [move for move in late if elapsed(picture.pauses, move.at, now) <= terms.late_window]
    findings: list[Finding] = []
    for party, theirs in _by_party(late):
        further = len({move.session for move in theirs}) - ENOUGH
        if further >= 0:
            grown = min(terms.late_reschedules + further * terms.late_reschedules_each, terms.late_reschedules_max)
            points = max(terms.late_reschedules, grown)
            findings.append(found("late_reschedules", party, points, *(move.version for move in theirs)))
    return Verdict(tuple(findings), _first_to_leave(picture, late, now, terms)) if findings else SILENT


def _by_party(moves: Sequence[Move]) -> list[tuple[Party, list[Move]]]:
    return [(party, [move for move in moves if move.party == party]) for party in PARTIES] if moves else []


def _first_to_leave(picture: Picture, inside: Sequence[Move | NoShow], now: int, terms: Terms) -> int:
    """When the first of those inside the window leaves it, which is right after its last moment."""
    return now + terms.late_window + 1 - max(elapsed(picture.pauses, one.at, now) for one in inside)


@implements("pentalog.homework")
def homework_shortfall(picture: Picture, _: int, terms: Terms) -> Verdict:
    """The mean of homework hours over the last 5 sessions that have had their time is short of what was agreed."""
    ready = picture.held
    if ready and ready[-1].session not in picture.homework:
        ready = ready[:-1]
    ready = ready[-RECENT_HOMEWORK:]
    if len(ready) < ENOUGH:
        return SILENT
    works = [work for held in ready for work in picture.homework.get(held.session, ())]
    hours, wanted = fsum(work.hours for work in works), terms.homework_hours * len(ready)
    if 4 * hours >= 3 * wanted:
        return SILENT
    points = terms.homework_shortfall if 2 * hours < wanted else terms.homework_shortfall_mild
    evidence = (*(held.version for held in ready), *(work.version for work in works))
    return Verdict((found("homework_shortfall", "mentee", points, *evidence),))


@implements("leapfrog.notice")
def no_show(picture: Picture, now: int, terms: Terms) -> Verdict:
    """A party stayed away within the window; worse when from two sessions running."""
    if not picture.no_shows:
        return SILENT
    window = terms.late_window
    recent = [missed for missed in picture.no_shows if elapsed(picture.pauses, missed.at, now) <= window]
    findings: list[Finding] = []
    for party in PARTIES:
        theirs = [missed for missed in recent if party in missed.absent]
        if not theirs:
            continue
        running = _running(picture, theirs)
        points = terms.no_show_running if running else terms.no_show
        findings.append(found("no_show", party, points, *(missed.version for missed in running or theirs)))
    return Verdict(tuple(findings), _first_to_leave(picture, recent, now, terms)) if findings else SILENT


def _running(picture: Picture, theirs: Sequence[NoShow]) -> list[NoShow]:
    """Those that are neighbours, in order of start, among all completed and missed sessions."""
    if len(theirs) < ENOUGH:
        return []
    line = sorted([one[:3] for one in (*picture.held, *picture.no_shows)])
    place = {session: i for i, (_, _, session) in enumerate(line)}
    running: list[NoShow] = []
    for one, other in pairwise(theirs):
        if place[other.session] - place[one.session] == 1:
            running += [one, other]
    return running


@implements("pentalog.punctuality", "mentor247.punctuality")
def unpunctual(picture: Picture, _: int, terms: Terms) -> Verdict:
    """A party joined at least 2 of the last 3 completed sessions late."""
    recent = picture.held[-RECENT_SESSIONS:]
    mentee = [held.version for held in recent if held.mentee_late > terms.punctuality]
    mentor = [held.version for held in recent if held.mentor_late > terms.punctuality]
    if len(mentee) < ENOUGH and len(mentor) < ENOUGH:
        return SILENT
    late: list[tuple[Party, list[int]]] = [("mentee", mentee), ("mentor", mentor)]
    return Verdict(tuple(found("unpunctual", party, terms.unpunctual, *by) for party, by in late if len(by) >= ENOUGH))
