"""Commitment health again, slowly and plainly, from the sentences of the rules: policy 2 for a list of events and a time.

It shares no code with the package: sets and loops over the events themselves, times in place of moments, and everything is
worked out anew for every moment asked, but for what events and terms amount to where they are the same events and terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

from domain.model import AnyRecorded, TermSetting, TermWithdrawal
from domain.relationship import events as e
from domain.terms import DEFAULTS, RANK, DatedSetting

TICK = timedelta(microseconds=1)
BOTH = {"mentee", "mentor"}
Found = dict[tuple[str, str], tuple[int, tuple[int, ...]]]
CLAUSES = {
    "off_goal_work": ["pentalog.off-goal"],
    "no_goal_progress": ["pentalog.no-progress"],
    "no_goal": ["pentalog.hard-to-find-goal"],
    "frequent_reschedules": ["pentalog.frequent-reschedules"],
    "late_reschedules": ["pentalog.late-reschedules", "leapfrog.notice"],
    "homework_shortfall": ["pentalog.homework"],
    "no_show": ["leapfrog.notice", "leapfrog.time"],
    "unpunctual": ["pentalog.punctuality", "leapfrog.time"],
    "no_next_session": ["pentalog.next-session"],
    "out_of_contact": ["nottingham.regular-contact"],
    "trust_breakdown": ["pentalog.trust"],
    "disrespect": ["pentalog.respect", "leapfrog.respect"],
}


def clauses_of(signal: str, party: str, codes: Mapping[str, str]) -> set[str]:
    """The backing clauses among the adopted codes; mentor247.punctuality for the mentor only."""
    backing = [*CLAUSES[signal], *(["mentor247.punctuality"] if (signal, party) == ("unpunctual", "mentor") else [])]
    return {clause for clause in backing if clause.split(".")[0] in codes}


@dataclass
class TermsOf:
    """The terms at any time: the programme's settings, those of the relationship, and what-if values in place of both."""

    programme: Sequence[DatedSetting]
    own: Sequence[DatedSetting]
    what_if: Mapping[str, float]
    found: dict[datetime, dict[str, float]] = field(default_factory=dict)

    def winner(self, name: str, at: datetime) -> float | None:
        """What the highest document says that sets a term; within one document the relationship's wins. None: no document."""
        said: dict[str, float] = {}
        for level in (self.programme, self.own):
            here: dict[str, float] = {}
            for dated in level:
                if dated.at <= at and dated.setting.term == name:
                    if isinstance(dated.setting, TermSetting):
                        here[dated.setting.document] = dated.setting.value
                    else:
                        here.pop(dated.setting.document, None)
            said |= here
        return said[min(said, key=RANK.__getitem__)] if said else None

    def at(self, at: datetime) -> dict[str, float]:
        """All the terms in force at a time."""
        if at not in self.found:
            self.found[at] = self._at(at)
        return self.found[at]

    def _at(self, at: datetime) -> dict[str, float]:
        named = {dated.setting.term for level in (self.programme, self.own) for dated in level if dated.at <= at}
        said = {name: self.winner(name, at) for name in named & DEFAULTS.keys()}
        return {**DEFAULTS, **{name: value for name, value in said.items() if value is not None}, **self.what_if}

    def homework_is_asked(self, at: datetime) -> bool:
        name = "homework_hours_per_session"
        return name in self.what_if or self.winner(name, at) is not None


def own_settings(log: Sequence[AnyRecorded]) -> list[DatedSetting]:
    """The settings and withdrawals in a relationship's own history, by time."""
    own: list[DatedSetting] = []
    for one in log:
        event = one.data
        if isinstance(event, e.TermSet):
            said = TermSetting(document=event.document, term=event.term, value=event.value)
            own.append(DatedSetting(one.occurred_at, said))
        elif isinstance(event, e.TermWithdrawn):
            own.append(DatedSetting(one.occurred_at, TermWithdrawal(document=event.document, term=event.term)))
    return sorted(own, key=lambda dated: dated.at)


@dataclass
class Seen:
    """What a set of events, in the order of their versions, amounts to."""

    status: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    activated: AnyRecorded | None = None
    pause: AnyRecorded | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    resumed: list[AnyRecorded] = field(default_factory=list)
    of: dict[str, list[AnyRecorded]] = field(default_factory=dict)
    goals: set[str] = field(default_factory=set)
    closings: list[AnyRecorded] = field(default_factory=list)
    open_trust: list[AnyRecorded] = field(default_factory=list)
    open_respect: list[AnyRecorded] = field(default_factory=list)
    plan: Any = None

    def all(self, *kinds: type) -> list[AnyRecorded]:
        """The events of these types, in the order of versions."""
        found = [one for kind in kinds for one in self.of.get(kind.__name__, ())]
        return found if len(kinds) == 1 else sorted(found, key=lambda one: one.version)


def seen(events: Sequence[AnyRecorded]) -> Seen:
    s = Seen()
    for recorded in events:
        name = type(recorded.data).__name__
        s.of.setdefault(name, []).append(recorded)
        if not name.startswith(("Session", "Homework", "Contact")):
            _course(s, recorded)
            _goals_and_trust(s, recorded)
    return s


def _course(s: Seen, recorded: AnyRecorded) -> None:
    match recorded.data:
        case e.RelationshipProposed():
            s.status, s.codes = "contracting", recorded.data.codes
        case e.RelationshipActivated() if s.status == "contracting":
            s.status, s.activated = "active", recorded
        case e.RelationshipPaused() if s.status == "active":
            s.status, s.pause = "paused", recorded
        case e.RelationshipResumed() if s.status == "paused" and s.pause is not None:
            s.pauses.append((s.pause.occurred_at, recorded.occurred_at))
            s.resumed.append(recorded)
            s.status, s.pause = "active", None
        case e.RelationshipTerminated():
            s.status, s.pause = "terminated", None
        case e.PlanAgreed():
            s.plan = recorded.data
        case _:
            pass


def _goals_and_trust(s: Seen, recorded: AnyRecorded) -> None:
    data = recorded.data
    role = recorded.actor.split(":")[0]

    def left(reports: list[AnyRecorded]) -> list[AnyRecorded]:
        """What stays open when somebody in this role restores trust: a party restores its own, the office all."""
        return [one for one in reports if role in BOTH and not one.actor.startswith(f"{role}:")]

    match data:
        case e.GoalAgreed():
            s.goals.add(data.goal_id)
        case e.GoalDropped() | e.GoalAchieved() if data.goal_id in s.goals:
            s.goals.remove(data.goal_id)
            s.closings.append(recorded)
        case e.TrustBreakdownReported():
            s.open_trust.append(recorded)
        case e.TrustReadinessStated(ready=False) if s.status in ("active", "paused"):
            s.open_trust.append(recorded)
        case e.TrustReadinessStated(ready=True):
            s.open_trust = [
                one
                for one in s.open_trust
                if not (isinstance(one.data, e.TrustReadinessStated) and one.actor == recorded.actor)
            ]
        case e.DisrespectReported():
            s.open_respect.append(recorded)
        case e.TrustRestored():
            s.open_trust = left(s.open_trust)
        case e.DisrespectResolved():
            s.open_respect = []
        case e.RecommendationDismissed():
            if data.clause in (None, "pentalog.trust", "care.trust"):
                s.open_trust = []
            if data.clause in (None, "pentalog.respect", "leapfrog.respect", "care.respect"):
                s.open_respect = []
        case _:
            pass


def active_time(pauses: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime) -> timedelta:
    """Time outside pauses, summed over the stretches between all the edges there are."""
    if not pauses:
        return until - since
    if since > until:
        return -active_time(pauses, until, since)
    edges = sorted({since, until} | {edge for pause in pauses for edge in pause if since < edge < until})
    total = timedelta(0)
    for a, b in pairwise(edges):
        if not any(start <= a and b <= end for start, end in pauses):
            total += b - a
    return total


class Asked:
    """The signals of what was seen, as of a time, under the terms."""

    def __init__(self, s: Seen, now: datetime, terms: TermsOf) -> None:
        self.s, self.now, self.terms_of, self.terms = s, now, terms, terms.at(now)
        self.found: Found = {}
        completed = [one for one in s.all(e.SessionCompleted) if set(one.data.present) >= BOTH]
        self.contracting = {one.data.session_id for one in completed if one.data.status == "contracting"}
        self.done = sorted(
            (one for one in completed if one.data.status != "contracting"),
            key=lambda one: (one.data.started_at, one.version),
        )
        self.missed = s.all(e.SessionMissed)
        self.cancelled = s.all(e.SessionCancelled)
        self.moved = s.all(e.SessionRescheduled)

    # --- words of the rules --------------------------------------------------------------------------------------
    def days(self, term: str) -> timedelta:
        return timedelta(days=self.terms[term])

    def gap(self, since: datetime) -> timedelta:
        return active_time(self.s.pauses, since, self.now)

    def start(self, session: str) -> datetime | None:
        """The start that a session last had: that of its latest move, else the one it was scheduled for."""
        moves = [one for one in self.moved if one.data.session_id == session]
        if moves:
            start: datetime = max(moves, key=lambda one: (one.occurred_at, one.version)).data.starts_at
            return start
        scheduled = [one for one in self.s.all(e.SessionScheduled) if one.data.session_id == session]
        return scheduled[-1].data.starts_at if scheduled else None

    def open_until(self) -> dict[str, datetime]:
        """Until when each session counts as scheduled that has no outcome: outcome_hours after its planned end."""
        hours = timedelta(hours=self.terms["outcome_hours"])
        lengths = {one.data.session_id: timedelta(0) for one in self.moved}
        lengths |= {one.data.session_id: timedelta(minutes=one.data.minutes) for one in self.s.all(e.SessionScheduled)}
        starts = {session: self.start(session) for session in lengths}
        return {session: start + lengths[session] + hours for session, start in starts.items() if start is not None}

    def time(self, one: AnyRecorded) -> datetime:
        """A session's time is the start it last had; for a completed one its end."""
        if isinstance(one.data, e.SessionCompleted):
            return one.data.ended_at
        start = self.start(one.data.session_id)
        if start is None and isinstance(one.data, e.SessionCancelled):
            return one.occurred_at + timedelta(hours=one.data.notice_hours)
        return one.occurred_at if start is None else start

    def shows_progress(self, place: int) -> bool:
        one = self.done[place].data
        until = self.done[place + 1].data.started_at if place + 1 < len(self.done) else None
        return any(
            p.data.progress != "none"
            and (
                p.data.session_id == one.session_id
                if p.data.session_id is not None
                else one.started_at <= p.occurred_at and (until is None or p.occurred_at < until)
            )
            for p in self.s.all(e.GoalProgressRecorded)
        )

    def reports(self, session: str) -> list[AnyRecorded]:
        """The latest report on each homework of a session."""
        latest = {one.data.homework_id: one for one in self.s.all(e.HomeworkReported) if one.data.session_id == session}
        return list(latest.values())

    def belongs_to(self, one: AnyRecorded) -> str | None:
        """To whom a move or cancellation belongs; a supplier's or illness's cause counts for neither."""
        if one.data.cause in ("illness", "supplier"):
            return None
        if isinstance(one.data, e.SessionCancelled) and (one.data.by_pause or one.data.by_end):
            return None
        role = one.actor.split(":")[0]
        return role if role in BOTH else one.data.on_behalf_of

    def was_late(self, one: AnyRecorded) -> bool:
        """As judged when it was recorded; what-if judges again."""
        if "late_notice_hours" not in self.terms_of.what_if:
            late: bool = one.data.late
            return late
        if isinstance(one.data, e.SessionRescheduled):
            notice = one.data.previous_starts_at - one.occurred_at
        else:
            notice = timedelta(hours=one.data.notice_hours)
        return notice < timedelta(hours=self.terms["late_notice_hours"])

    def add(self, signal: str, party: str, term: str, versions: Sequence[int], points: float | None = None) -> None:
        value = self.terms[term] if points is None else points
        self.found[signal, party] = (floor(value + 0.5), tuple(sorted(set(versions))))

    @property
    def plan_is_finished(self) -> bool:
        planned = self.terms["planned_sessions"] if self.s.plan is None else self.s.plan.sessions
        return len(self.done) >= planned

    # --- the signals ---------------------------------------------------------------------------------------------
    def signals(self) -> Found:
        self.off_goal_work()
        self.no_goal_progress()
        self.no_goal()
        self.homework_shortfall()
        for party in ("mentee", "mentor"):
            self.frequent_reschedules(party)
            self.late_reschedules(party)
            self.no_show(party)
            self.unpunctual(party)
        self.no_next_session()
        self.out_of_contact()
        self.trust_and_respect()
        return self.found

    def off_goal_work(self) -> None:
        off = []
        for one in self.done[-3:]:
            minutes = [(item.minutes, item.goal_id is None or item.urgent_concern) for item in one.data.agenda]
            if sum(m for m, o in minutes if o) > sum(m for m, _ in minutes) / 2:
                off.append(one.version)
        if len(off) >= 2:
            self.add("off_goal_work", "mentee", "points_off_goal_work", off)

    def no_goal_progress(self) -> None:
        idle: list[int] = []
        for place in reversed(range(len(self.done))):
            if self.shows_progress(place):
                break
            idle.append(self.done[place].version)
        if len(idle) >= 2:
            self.add("no_goal_progress", "mentee", "points_no_goal_progress" + ("_3" if len(idle) > 2 else ""), idle)

    def no_goal(self) -> None:
        if self.s.activated is None or not self.done or self.s.goals or self.plan_is_finished:
            return
        since = max([self.s.activated, *self.s.closings], key=lambda one: (one.occurred_at, one.version))
        if self.gap(since.occurred_at) > self.days("no_goal_days"):
            self.add("no_goal", "mentee", "points_no_goal", [since.version])

    def homework_shortfall(self) -> None:
        if "pentalog" not in self.s.codes and not self.terms_of.homework_is_asked(self.now):
            return
        ready = [
            one
            for place, one in enumerate(self.done)
            if place + 1 < len(self.done) or self.reports(one.data.session_id)
        ][-5:]
        if len(ready) < 2:
            return
        told = [report for one in ready for report in self.reports(one.data.session_id)]
        mean = sum(Fraction(report.data.hours) for report in told) / len(ready)
        asked = [self.terms_of.at(one.occurred_at)["homework_hours_per_session"] for one in ready]
        wanted = sum(Fraction(hours) for hours in asked) / len(ready)
        versions = [one.version for one in ready + told]
        if mean < wanted / 2:
            self.add("homework_shortfall", "mentee", "points_homework_shortfall", versions)
        elif mean < wanted * Fraction(3, 4):
            self.add("homework_shortfall", "mentee", "points_homework_shortfall_mild", versions)

    def frequent_reschedules(self, party: str) -> None:
        latest: dict[str, tuple[datetime, int]] = {}
        for one in (*self.done, *self.missed, *self.cancelled, *self.moved):
            session = one.data.session_id
            if session not in self.contracting:
                at = (one.occurred_at, one.version)
                latest[session] = max(latest.get(session, at), at)
        recent = sorted(latest, key=lambda session: latest[session])[-5:]
        moved = [one for one in self.moved if one.data.session_id in recent and self.belongs_to(one) == party]
        if len({one.data.session_id for one in moved}) >= 3:
            versions = [one.version for one in moved]
            self.add("frequent_reschedules", party, "points_frequent_reschedules", versions)

    def late_reschedules(self, party: str) -> None:
        late = [
            one
            for one in (*self.moved, *self.cancelled)
            if self.belongs_to(one) == party
            and one.data.session_id not in self.contracting
            and self.was_late(one)
            and self.gap(one.occurred_at) <= self.days("late_window_days")
        ]
        sessions = len({one.data.session_id for one in late})
        if sessions >= 2:
            base, each, most = (self.terms["points_late_reschedules" + suffix] for suffix in ("", "_each", "_max"))
            points = base if sessions == 2 else max(base, min(most, base + each * (sessions - 2)))
            self.add("late_reschedules", party, "points_late_reschedules", [one.version for one in late], points)

    def no_show(self, party: str) -> None:
        line = [(one.data.started_at, one.version, one) for one in self.done]
        line += [(self.time(one), one.version, one) for one in self.missed]
        line.sort(key=lambda entry: entry[:2])

        def counts(one: AnyRecorded) -> bool:
            return (
                isinstance(one.data, e.SessionMissed)
                and party in one.data.absent
                and one.data.cause not in ("illness", "supplier")
                and self.gap(one.occurred_at) <= self.days("late_window_days")
            )

        running: set[int] = set()
        for (_, _, one), (_, _, other) in pairwise(line):
            if counts(one) and counts(other):
                running |= {one.version, other.version}
        if running:
            self.add("no_show", party, "points_no_show_running", sorted(running))
        elif missed := [one.version for _, _, one in line if counts(one)]:
            self.add("no_show", party, "points_no_show", missed)

    def unpunctual(self, party: str) -> None:
        late = []
        for one in self.done[-3:]:
            start, joined = self.start(one.data.session_id), one.data.joined.get(party)
            allowed = timedelta(minutes=self.terms_of.at(one.occurred_at)["punctuality_minutes"])
            if start is not None and joined is not None and joined - start > allowed:
                late.append(one.version)
        if len(late) >= 2:
            self.add("unpunctual", party, "points_unpunctual", late)

    def no_next_session(self) -> None:
        if self.s.activated is None or self.plan_is_finished:
            return
        over = {one.data.session_id for one in (*self.s.all(e.SessionCompleted), *self.missed, *self.cancelled)}
        if any(self.now < end for session, end in self.open_until().items() if session not in over):
            return
        times = [(self.time(one), one.version) for one in (*self.done, *self.missed, *self.cancelled)]
        last = max((time for time in times if time[0] >= self.s.activated.occurred_at), default=None)
        if last is None:
            last, limit = (self.s.activated.occurred_at, self.s.activated.version), "first_session_days"
        else:
            limit = "next_session_days"
        if self.gap(last[0]) >= self.days(limit):
            self.add("no_next_session", "relationship", "points_no_next_session", [last[1]])

    def out_of_contact(self) -> None:
        touches = [(one.occurred_at, one.version) for one in self.s.resumed]
        touches += [(one.occurred_at, one.version) for one in (self.s.activated,) if one is not None]
        touches += [(one.data.ended_at, one.version) for one in self.done]
        touches += [
            (one.occurred_at, one.version) for one in self.s.all(e.ContactRecorded) if set(one.data.between) >= BOTH
        ]
        gap = self.days("contact_gap_days")
        if self.s.plan is not None:
            gap = max(gap, timedelta(days=self.s.plan.every_days) + self.days("contact_slack_days"))
        last = max(touches, default=None)
        if last is not None and self.gap(last[0]) > gap:
            self.add("out_of_contact", "relationship", "points_out_of_contact", [last[1]])

    def trust_and_respect(self) -> None:
        if self.s.open_trust:
            versions = [one.version for one in self.s.open_trust]
            self.add("trust_breakdown", "relationship", "points_trust_breakdown", versions)
        if self.s.open_respect:
            versions = [one.version for one in self.s.open_respect]
            self.add("disrespect", "relationship", "points_disrespect", versions)
