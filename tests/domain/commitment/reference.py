"""Commitment health again, slowly and plainly: everything is worked out anew from the events for every moment asked.

It shares no code with the package: sets and loops over the events themselves, and times in place of moments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor, fsum
from typing import Any

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.terms import DEFAULTS, RANK, DatedSetting

TICK = timedelta(microseconds=1)
Found = dict[tuple[str, str], tuple[int, tuple[int, ...]]]


def terms_at(at: datetime, settings: Sequence[DatedSetting], overrides: Mapping[str, float]) -> dict[str, float]:
    terms = dict(DEFAULTS)
    for name in terms:
        said = [one for one in settings if one.setting.term == name and one.at <= at]
        if said:
            best = min(RANK[one.setting.document] for one in said)
            terms[name] = [one for one in said if RANK[one.setting.document] == best][-1].setting.value
    return terms | dict(overrides)


@dataclass
class Seen:
    """What a set of events, in the order of their versions, amounts to."""

    status: str | None = None
    activated: tuple[datetime, int] | None = None
    pause: AnyRecorded | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    contacts: list[tuple[datetime, int]] = field(default_factory=list)
    starts: dict[str, datetime] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    times: list[tuple[datetime, int]] = field(default_factory=list)
    plan: int | None = None
    goals: set[str] = field(default_factory=set)
    closings: list[tuple[datetime, int]] = field(default_factory=list)
    completed: list[tuple[AnyRecorded, datetime | None]] = field(default_factory=list)
    missed: list[tuple[AnyRecorded, datetime]] = field(default_factory=list)
    moves: list[tuple[AnyRecorded, timedelta]] = field(default_factory=list)
    contracting: set[str] = field(default_factory=set)
    progress: list[AnyRecorded] = field(default_factory=list)
    homework: dict[str, AnyRecorded] = field(default_factory=dict)
    touched: list[tuple[datetime, int, str]] = field(default_factory=list)
    trust: list[int] = field(default_factory=list)
    respect: list[int] = field(default_factory=list)


def seen(events: Sequence[AnyRecorded]) -> Seen:
    s = Seen()
    for recorded in events:
        _course(s, recorded)
        _sessions(s, recorded)
        _rest(s, recorded)
    return s


def _course(s: Seen, recorded: AnyRecorded) -> None:
    mark = (recorded.occurred_at, recorded.version)
    match recorded.data:
        case e.RelationshipProposed():
            s.status = "contracting"
        case e.RelationshipActivated() if s.status == "contracting":
            s.status, s.activated = "active", mark
            s.contacts.append(mark)
        case e.RelationshipPaused() if s.status == "active":
            s.status, s.pause = "paused", recorded
        case e.RelationshipResumed() if s.status == "paused" and s.pause is not None:
            s.pauses.append((s.pause.occurred_at, recorded.occurred_at))
            s.status, s.pause = "active", None
            s.contacts.append(mark)
        case e.RelationshipTerminated():
            s.status, s.pause = "terminated", None
        case _:
            pass


def _sessions(s: Seen, recorded: AnyRecorded) -> None:
    at, version, data = recorded.occurred_at, recorded.version, recorded.data
    match data:
        case e.SessionScheduled():
            s.starts[data.session_id] = data.starts_at
            s.open.add(data.session_id)
        case e.SessionRescheduled():
            s.moves.append((recorded, data.previous_starts_at - at))
            s.starts[data.session_id] = data.starts_at
            s.open.add(data.session_id)
            s.touched.append((at, version, data.session_id))
        case e.SessionCancelled():
            start = s.starts.get(data.session_id, at + timedelta(hours=data.notice_hours))
            s.moves.append((recorded, start - at))
            s.times.append((start, version))
            s.open.discard(data.session_id)
            s.touched.append((at, version, data.session_id))
        case e.SessionMissed():
            start = s.starts.get(data.session_id, at)
            s.missed.append((recorded, start))
            s.times.append((start, version))
            s.open.discard(data.session_id)
            s.touched.append((at, version, data.session_id))
        case e.SessionCompleted():
            s.open.discard(data.session_id)
            if data.status == "contracting":
                s.contracting.add(data.session_id)
                return
            s.completed.append((recorded, s.starts.get(data.session_id)))
            s.times.append((data.ended_at, version))
            s.contacts.append((data.ended_at, version))
            s.touched.append((at, version, data.session_id))
        case _:
            pass


def _rest(s: Seen, recorded: AnyRecorded) -> None:
    mark, data = (recorded.occurred_at, recorded.version), recorded.data
    match data:
        case e.PlanAgreed():
            s.plan = data.sessions
        case e.ContactRecorded():
            s.contacts.append(mark)
        case e.GoalAgreed():
            s.goals.add(data.goal_id)
        case e.GoalDropped() | e.GoalAchieved() if data.goal_id in s.goals:
            s.goals.remove(data.goal_id)
            s.closings.append(mark)
        case e.GoalProgressRecorded() if data.progress != "none":
            s.progress.append(recorded)
        case e.HomeworkReported():
            s.homework[data.homework_id] = recorded
        case e.TrustBreakdownReported():
            s.trust.append(recorded.version)
        case e.DisrespectReported():
            s.respect.append(recorded.version)
        case e.TrustRestored():
            s.trust.clear()
        case e.DisrespectResolved():
            s.respect.clear()
        case e.RecommendationDismissed():
            if data.clause in (None, "pentalog.trust"):
                s.trust.clear()
            if data.clause in (None, "pentalog.respect", "leapfrog.respect"):
                s.respect.clear()
        case _:
            pass


def active_time(pauses: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime) -> timedelta:
    """Time outside pauses, summed over the stretches between all the edges there are."""
    if since > until:
        return -active_time(pauses, until, since)
    edges = sorted({since, until} | {edge for pause in pauses for edge in pause if since < edge < until})
    total = timedelta(0)
    for a, b in pairwise(edges):
        if not any(start <= a and b <= end for start, end in pauses):
            total += b - a
    return total


def signals(s: Seen, now: datetime, terms: Mapping[str, float]) -> Found:
    """The signals that hold for an active relationship: (signal, party) to points and evidence."""
    found: Found = {}

    def add(signal: str, party: str, term: str, versions: Sequence[int], points: float | None = None) -> None:
        value = terms[term] if points is None else points
        found[signal, party] = (floor(value + 0.5), tuple(sorted(set(versions))))

    def days(term: str) -> timedelta:
        return timedelta(days=terms[term])

    def gap(since: datetime) -> timedelta:
        return active_time(s.pauses, since, now)

    done = sorted(s.completed, key=lambda one: (one[0].data.started_at, one[0].version))
    _about_done(s, done, terms, add)
    if s.activated is not None and done and not s.goals:
        since = max([s.activated, *s.closings])
        if gap(since[0]) > days("no_goal_days"):
            add("no_goal", "mentee", "points_no_goal", [since[1]])
    for party in ("mentee", "mentor"):
        _about_moves(s, party, gap, days("late_window_days"), terms, add)
        _about_no_shows(s, party, done, gap, days("late_window_days"), add)
    if s.activated is not None:
        planned = terms["planned_sessions"] if s.plan is None else s.plan
        last = max([time for time in s.times if time[0] >= s.activated[0]], default=None)
        since, limit = (s.activated, "first_session_days") if last is None else (last, "next_session_days")
        scheduled = any(s.starts[session] >= now for session in s.open)
        if len(done) < planned and not scheduled and gap(since[0]) >= days(limit):
            add("no_next_session", "relationship", "points_no_next_session", [since[1]])
    contact = max(s.contacts, default=None)  # none when a pause was told to lie before activation
    if contact and gap(contact[0]) > days("contact_gap_days"):
        add("out_of_contact", "relationship", "points_out_of_contact", [contact[1]])
    if s.trust:
        add("trust_breakdown", "relationship", "points_trust_breakdown", s.trust)
    if s.respect:
        add("disrespect", "relationship", "points_disrespect", s.respect)
    return found


def _about_done(
    s: Seen, done: Sequence[tuple[AnyRecorded, datetime | None]], terms: Mapping[str, float], add: Any
) -> None:
    off = []
    for one, _ in done[-3:]:
        minutes = [(item.minutes, item.goal_id is None or item.urgent_concern) for item in one.data.agenda]
        if sum(m for m, o in minutes if o) > sum(m for m, _ in minutes) / 2:
            off.append(one.version)
    if len(off) >= 2:
        add("off_goal_work", "mentee", "points_off_goal_work", off)
    idle: list[int] = []
    for i, (one, _) in enumerate(done):
        until = done[i + 1][0].data.started_at if i + 1 < len(done) else None
        shows = any(
            p.data.session_id == one.data.session_id
            if p.data.session_id is not None
            else one.data.started_at <= p.occurred_at and (until is None or p.occurred_at < until)
            for p in s.progress
        )
        idle = [] if shows else [*idle, one.version]
    if len(idle) >= 2:
        add("no_goal_progress", "mentee", "points_no_goal_progress" + ("_3" if len(idle) > 2 else ""), idle)
    reports = {
        one.data.session_id: [h for h in s.homework.values() if h.data.session_id == one.data.session_id]
        for one, _ in done
    }
    ready = [one for i, (one, _) in enumerate(done) if i + 1 < len(done) or reports[one.data.session_id]][-5:]
    if len(ready) >= 2:
        told = [h for one in ready for h in reports[one.data.session_id]]
        mean = fsum(h.data.hours for h in told) / len(ready)
        wanted, versions = terms["homework_hours_per_session"], [one.version for one in ready + told]
        if mean < 0.5 * wanted:
            add("homework_shortfall", "mentee", "points_homework_shortfall", versions)
        elif mean < 0.75 * wanted:
            add("homework_shortfall", "mentee", "points_homework_shortfall_mild", versions)
    for party in ("mentee", "mentor"):
        late = [
            one.version
            for one, start in done[-3:]
            if start
            and party in one.data.joined
            and one.data.joined[party] - start > timedelta(minutes=terms["punctuality_minutes"])
        ]
        if len(late) >= 2:
            add("unpunctual", party, "points_unpunctual", late)


def _about_moves(s: Seen, party: str, gap: Any, window: timedelta, terms: Mapping[str, float], add: Any) -> None:
    theirs = [
        (one, notice)
        for one, notice in s.moves
        if one.actor.startswith(f"{party}:")
        and one.data.cause not in ("illness", "supplier")
        and not getattr(one.data, "by_pause", False)
        and one.data.session_id not in s.contracting
    ]
    latest: dict[str, tuple[datetime, int]] = {}
    for at, version, session in s.touched:
        if session not in s.contracting:
            latest[session] = max(latest.get(session, (at, version)), (at, version))
    recent = sorted(latest, key=lambda session: latest[session])[-5:]
    moved = [one for one, _ in theirs if isinstance(one.data, e.SessionRescheduled) and one.data.session_id in recent]
    if len({one.data.session_id for one in moved}) >= 3:
        add("frequent_reschedules", party, "points_frequent_reschedules", [one.version for one in moved])
    late = [
        one
        for one, notice in theirs
        if notice < timedelta(hours=terms["late_notice_hours"]) and gap(one.occurred_at) <= window
    ]
    sessions = len({one.data.session_id for one in late})
    if sessions >= 2:
        base, each, most = (terms["points_late_reschedules" + suffix] for suffix in ("", "_each", "_max"))
        points = base if sessions == 2 else max(base, min(most, base + each * (sessions - 2)))
        add("late_reschedules", party, "points_late_reschedules", [one.version for one in late], points)


def _about_no_shows(
    s: Seen, party: str, done: Sequence[tuple[AnyRecorded, Any]], gap: Any, window: timedelta, add: Any
) -> None:
    line: list[tuple[datetime, int, AnyRecorded | None]] = [(one.data.started_at, one.version, None) for one, _ in done]
    line += [(start, one.version, one) for one, start in s.missed]
    line.sort(key=lambda entry: entry[:2])
    theirs = [
        one if one is not None and party in one.data.absent and gap(one.occurred_at) <= window else None
        for _, _, one in line
    ]
    running: set[int] = set()
    for one, other in pairwise(theirs):
        if one is not None and other is not None:
            running |= {one.version, other.version}
    if running:
        add("no_show", party, "points_no_show_running", sorted(running))
    elif any(theirs):
        add("no_show", party, "points_no_show", [one.version for one in theirs if one is not None])
