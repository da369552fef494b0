"""Reading facts out of events: who asked, how much notice there was, how long the agenda left the goals."""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.commitment import facts as f
from domain.commitment.facts import Fact, Facts
from domain.commitment.moments import DAY, HOUR, MINUTE, moment, span
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.accountability import asker
from domain.words import EXCUSING, PARTIES, Party

SessionEvent = e.SessionScheduled | e.SessionRescheduled | e.SessionCancelled | e.SessionCompleted | e.SessionMissed
GoalEvent = e.GoalAgreed | e.GoalDropped | e.GoalAchieved | e.GoalProgressRecorded
StatusEvent = e.RelationshipActivated | e.RelationshipPaused | e.RelationshipResumed | e.RelationshipTerminated
TrustEvent = (
    e.TrustReadinessStated
    | e.TrustBreakdownReported
    | e.TrustRestored
    | e.DisrespectReported
    | e.DisrespectResolved
    | e.RecommendationDismissed
)
OwnTermEvent = e.TermSet | e.TermWithdrawn
# Every event on which health depends; a test holds that each of the others was left out on purpose.
HealthEvent = (
    e.RelationshipProposed
    | e.PlanAgreed
    | e.HomeworkReported
    | e.ContactRecorded
    | SessionEvent
    | GoalEvent
    | StatusEvent
    | TrustEvent
    | OwnTermEvent
)
HEALTH_EVENTS: Final = events_of(HealthEvent)


def fold(facts: Facts | None, recorded: AnyRecorded) -> Facts:
    """The facts after one more event; events come in the order of their versions. Any event of a relationship will do."""
    known = facts if facts is not None else Facts()
    fact = read(recorded)
    return known.plus(fact) if fact is not None else known


def read(recorded: AnyRecorded) -> Fact | None:
    """The fact in an event of a relationship; None where health does not depend on it."""
    if type(recorded.data) not in HEALTH_EVENTS or recorded.subject.startswith("programme:"):
        return None
    event: HealthEvent = recorded.data
    return _fact(event, recorded, moment(recorded.occurred_at))


def _fact(event: HealthEvent, recorded: AnyRecorded, at: int) -> Fact | None:
    """The fact in an event; the most frequent events come first."""
    version = recorded.version
    match event:
        case e.SessionScheduled():
            start = moment(event.starts_at)
            return f.Scheduled(version, at, event.session_id, start, start + span(event.minutes, MINUTE))
        case e.SessionCompleted():
            return _completed(event, version, at)
        case e.ContactRecorded():
            # A call of the office with one of them is no contact between the two.
            return f.InTouch(version, at) if set(PARTIES).issubset(event.between) else None
        case e.HomeworkReported():
            return f.Worked(version, at, event.homework_id, event.session_id, event.hours)
        case e.GoalProgressRecorded():
            return None if event.progress == "none" else f.Progressed(version, at, event.session_id)
        case e.SessionRescheduled():
            notice = moment(event.previous_starts_at) - at
            party = _answerable(recorded, event)
            return f.Rescheduled(version, at, event.session_id, moment(event.starts_at), notice, event.late, party)
        case e.SessionCancelled():
            party = _answerable(recorded, event)
            notice = span(event.notice_hours, HOUR)
            return f.Cancelled(version, at, event.session_id, notice, event.late, party, event.by_pause)
        case e.SessionMissed():
            excused = event.cause in EXCUSING
            absent: tuple[Party, ...] = () if excused else tuple(party for party in PARTIES if party in event.absent)
            return f.Missed(version, at, event.session_id, absent)
        case e.GoalAgreed():
            return f.GoalOpened(version, at, event.goal_id)
        case e.GoalDropped() | e.GoalAchieved():
            return f.GoalClosed(version, at, event.goal_id)
        case e.PlanAgreed():
            return f.Planned(version, at, event.sessions, span(event.every_days, DAY))
        case e.RelationshipProposed():
            return f.Proposed(version, at, tuple(event.codes))
        case e.TermSet():
            return f.TermChanged(version, at, event.document, event.term, event.value)
        case e.TermWithdrawn():
            return f.TermChanged(version, at, event.document, event.term, None)
        case e.RelationshipActivated() | e.RelationshipPaused() | e.RelationshipResumed() | e.RelationshipTerminated():
            return _course(event, version, at)
        case _:
            return _conduct(event, recorded.role, version, at)


def _course(event: StatusEvent, version: int, at: int) -> Fact:
    match event:
        case e.RelationshipActivated():
            return f.Activated(version, at)
        case e.RelationshipPaused():
            return f.Paused(version, at)
        case e.RelationshipResumed():
            return f.Resumed(version, at)
        case e.RelationshipTerminated():
            return f.Terminated(version, at)
        case _:
            assert_never(event)


def _conduct(event: TrustEvent, by: str, version: int, at: int) -> Fact:
    match event:
        case e.TrustReadinessStated():
            return f.Ready(version, at, by) if event.ready else f.Unready(version, at, by)
        case e.TrustBreakdownReported():
            return f.TrustLost(version, at, by)
        case e.TrustRestored():
            return f.TrustRegained(version, at, None if event.settled else by)
        case e.DisrespectReported():
            return f.Disrespected(version, at, by)
        case e.DisrespectResolved():
            return f.RespectRestored(version, at, by)
        case e.RecommendationDismissed():
            return f.Dismissed(version, at, event.clause, by)
        case _:
            assert_never(event)


def _answerable(recorded: AnyRecorded, event: e.SessionRescheduled | e.SessionCancelled) -> Party | None:
    """The party who asked for a move and answers for it; no excused move counts."""
    who = None if event.cause in EXCUSING else asker(event, recorded.role)
    return next((party for party in PARTIES if party == who), None)


@implements("pentalog.urgent-concerns", "pentalog.off-goal")
def _completed(event: e.SessionCompleted, version: int, at: int) -> f.Completed:
    """A session that took place. Agenda minutes are off-goal without a goal, or when given to an urgent concern."""
    minutes = sum(item.minutes for item in event.agenda)
    off_goal = sum(item.minutes for item in event.agenda if item.goal_id is None or item.urgent_concern)
    mentee, mentor = event.joined.get("mentee"), event.joined.get("mentor")
    return f.Completed(
        version,
        at,
        event.session_id,
        moment(event.started_at),
        moment(event.ended_at),
        set(PARTIES).issubset(event.present),
        2 * off_goal > minutes,
        None if mentee is None else moment(mentee),
        None if mentor is None else moment(mentor),
        event.status == "contracting",
    )
