"""A relationship told event by event, for the tests of commitment health: times are days since `START`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from domain.commitment import Facts, Health, evaluate, fold
from domain.model import AnyRecorded, Event, Recorded, TermSetting
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.terms import DatedSetting
from domain.words import Cause, Document, Party, Progress, Role, Status

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALL_CODES = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")
HOUR = 1 / 24
MINUTE = HOUR / 60
TICK = timedelta(microseconds=1)
PEOPLE = {
    "mentee": "mentee:ana",
    "mentor": "mentor:ben",
    "coordinator": "coordinator:cora",
    "service": "service:booking",
    "customer": "customer:carl",
    "hr": "hr:hal",
}


def day(days: float) -> datetime:
    """That many days after START, to the microsecond."""
    return START + timedelta(microseconds=round(days * 86_400_000_000))


def setting(days: float, term: str, value: float, document: Document = "code_of_conduct") -> DatedSetting:
    return DatedSetting(day(days), TermSetting(document=document, term=term, value=value))


def item(minutes: int, goal: str | None = "g1", *, urgent: bool = False) -> AgendaItem:
    return AgendaItem(topic="t", set_by="mentee", goal_id=goal, minutes=minutes, urgent_concern=urgent)


class Story:
    """Events of one relationship. Methods add one and return the story; `told` counts the versions."""

    def __init__(self, codes: Iterable[str] = ALL_CODES) -> None:
        self.log: list[AnyRecorded] = []
        self.starts: dict[str, datetime] = {}
        self.facts = Facts()
        proposal = e.RelationshipProposed(
            programme_id="p1",
            mentee_id="ana",
            mentor_id="ben",
            codes=dict.fromkeys(codes, "1"),
        )
        self.tell(proposal, -30)

    def __repr__(self) -> str:
        """The events one a line, for a failing property."""
        return "\n".join(f"{one.version} {one.occurred_at:%m-%d %H:%M} {one.actor} {one.data!r}" for one in self.log)

    @property
    def told(self) -> int:
        return len(self.log)

    def tell(self, event: Event, at: float | datetime, by: str = "coordinator") -> Self:
        time = at if isinstance(at, datetime) else day(at)
        recorded = Recorded[Any](
            subject="r1",
            version=len(self.log) + 1,
            occurred_at=time,
            recorded_at=time,
            actor=PEOPLE.get(by, by),
            data=event,
        )
        self.log.append(recorded)
        self.facts = fold(self.facts, recorded)
        return self

    def goal(self, goal: str = "g1", at: float = -2) -> Self:
        both: tuple[Party, ...] = ("mentee", "mentor")
        return self.tell(
            e.GoalAgreed(goal_id=goal, title="grow", type="career", source="mentee", agreed_by=both), at, "mentee"
        )

    def active(self, at: float = 0) -> Self:
        return self.tell(e.RelationshipActivated(), at)

    def planned(self, sessions: int, at: float = -1, every_days: int = 14) -> Self:
        first, last = START.date(), (START + timedelta(days=300)).date()
        plan = e.PlanAgreed(
            sessions=sessions, minutes=60, every_days=every_days, starts_on=first, ends_on=last, channel="platform"
        )
        return self.tell(plan, at)

    def scheduled(self, session: str, start: float, at: float, by: str = "mentee") -> Self:
        self.starts[session] = day(start)
        return self.tell(
            e.SessionScheduled(session_id=session, starts_at=day(start), channel="platform", minutes=60), at, by
        )

    def moved(
        self,
        session: str,
        start: float,
        at: float | datetime,
        by: str = "mentee",
        cause: Cause | None = None,
        *,
        on_behalf_of: Role | None = None,
    ) -> Self:
        """Rescheduled by somebody, from the start it has."""
        time, before = at if isinstance(at, datetime) else day(at), self.starts[session]
        hours = (before - time) / timedelta(hours=1)
        self.starts[session] = day(start)
        return self.tell(
            e.SessionRescheduled(
                session_id=session,
                starts_at=day(start),
                reason="r",
                previous_starts_at=before,
                notice_hours=hours,
                late=hours < 24,
                cause=cause,
                on_behalf_of=on_behalf_of,
            ),
            time,
            by,
        )

    def cancelled(
        self,
        session: str,
        at: float | datetime,
        by: str = "mentee",
        cause: Cause | None = None,
        *,
        by_pause: bool = False,
        by_end: bool = False,
        on_behalf_of: Role | None = None,
    ) -> Self:
        time = at if isinstance(at, datetime) else day(at)
        hours = (self.starts[session] - time) / timedelta(hours=1)
        return self.tell(
            e.SessionCancelled(
                session_id=session,
                reason="r",
                notice_hours=hours,
                late=hours < 24 and not (by_pause or by_end),
                cause=cause,
                on_behalf_of=on_behalf_of,
                by_pause=by_pause,
                by_end=by_end,
            ),
            time,
            by,
        )

    def held(
        self,
        session: str,
        start: float,
        *,
        agenda: Iterable[AgendaItem] = (),
        joined: Mapping[Role, float] | None = None,
        status: Status = "active",
        told: float | None = None,
        progress: Progress | None = "some",
        hours: float | None = 4,
        present: tuple[Role, ...] = ("mentee", "mentor"),
    ) -> Self:
        """A session of an hour: scheduled a day before unless it is, completed at its end unless told later.

        Unless told otherwise it brings progress and four hours of homework. `joined` is in minutes after the start.
        """
        if session not in self.starts:
            self.scheduled(session, start, start - 1)
        late = {role: day(start + minutes * MINUTE) for role, minutes in (joined or {}).items()}
        completed = e.SessionCompleted(
            session_id=session,
            started_at=day(start),
            ended_at=day(start + HOUR),
            present=present,
            joined=late,
            agenda=tuple(agenda),
            status=status,
        )
        at = start + HOUR if told is None else told
        self.tell(completed, at, "service")
        if hours is not None:
            self.homework(session, hours, at, f"of-{session}")
        return self if progress is None else self.progress(progress, session, at)

    def missed(self, session: str, absent: tuple[Role, ...], at: float, cause: Cause | None = None) -> Self:
        return self.tell(e.SessionMissed(session_id=session, absent=absent, cause=cause), at)

    def progress(self, progress: Progress, session: str | None, at: float) -> Self:
        return self.tell(e.GoalProgressRecorded(goal_id="g1", progress=progress, session_id=session), at, "mentee")

    def homework(self, session: str, hours: float, at: float, homework: str | None = None) -> Self:
        return self.tell(
            e.HomeworkReported(homework_id=homework or f"h-{session}", hours=hours, done=True, session_id=session),
            at,
            "mentee",
        )

    def contact(self, at: float, between: tuple[Role, ...] = ("mentee", "mentor")) -> Self:
        return self.tell(e.ContactRecorded(channel="email", between=between), at)

    def ready(self, at: float, by: str, *, ready: bool) -> Self:
        return self.tell(e.TrustReadinessStated(ready=ready), at, by)

    def term(self, at: float, term: str, value: float | None, document: Document = "code_of_conduct") -> Self:
        """A document sets a term for this relationship; no value: it sets it no more."""
        if value is None:
            return self.tell(e.TermWithdrawn(document=document, term=term, resolved=0), at)
        return self.tell(e.TermSet(document=document, term=term, value=value, resolved=value, winner=document), at)

    def paused(self, at: float, *, alone: bool = False) -> Self:
        """Paused, with the sessions still to come cancelled right after, as the rules do it; alone: without those."""
        self.tell(e.RelationshipPaused(reason="r", review_on=day(at + 30).date()), at)
        if alone:
            return self
        done = {
            event.data.session_id for event in self.log if type(event.data) in (e.SessionCompleted, e.SessionMissed)
        }
        done |= {event.data.session_id for event in self.log if isinstance(event.data, e.SessionCancelled)}
        for session, start in self.starts.items():
            if session not in done and start > day(at):
                self.cancelled(session, at, "coordinator", by_pause=True)
        return self

    def resumed(self, at: float) -> Self:
        return self.tell(e.RelationshipResumed(), at)

    def terminated(self, at: float) -> Self:
        return self.tell(e.RelationshipTerminated(reason="goals_met"), at)

    def health(
        self, at: float | datetime, settings: Iterable[DatedSetting] = (), overrides: Mapping[str, float] | None = None
    ) -> Health:
        """Health at a time, found twice: by walking on, and with every signal asked again at that very time."""
        time, dated = at if isinstance(at, datetime) else day(at), list(settings)
        health = evaluate(self.facts, time, dated, overrides)
        of_no_concern = DatedSetting(time, TermSetting(document="code_of_conduct", term="retention_days", value=99))
        assert evaluate(self.facts, time, [*dated, of_no_concern], overrides) == health
        return health

    def points(self, at: float | datetime, signal: str, party: str | None = None, **overrides: float) -> int:
        """The points of a signal at a time, of one party or of all."""
        found = self.health(at, overrides=overrides).signals
        return sum(one.points for one in found if one.signal == signal and party in (None, one.party))
