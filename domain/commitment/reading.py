"""Reading facts out of events: who asked, how much notice there was, how long the agenda left the goals."""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.commitment import facts as f
from domain.commitment.facts import Fact, Facts
from domain.commitment.moments import HOUR, moment, span
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import Cause, Party

SessionEvent = e.SessionScheduled | e.SessionRescheduled | e.SessionCancelled | e.SessionCompleted | e.SessionMissed
GoalEvent = e.GoalAgreed | e.GoalDropped | e.GoalAchieved | e.GoalProgressRecorded
StatusEvent = e.RelationshipActivated | e.RelationshipPaused | e.RelationshipResumed | e.RelationshipTerminated
TrustEvent = (
    e.TrustBreakdownReported | e.TrustRestored | e.DisrespectReported | e.DisrespectResolved | e.RecommendationDismissed
)
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
)
HEALTH_EVENTS: Final = events_of(HealthEvent)

# A move for one of these causes counts for neither party.
EXCUSED: Final[tuple[Cause, ...]] = ("supplier", "illness")


def fold(facts: Facts | None, recorded: AnyRecorded) -> Facts:
    """The facts after one more event; events come in the order of their versions. Any event of a relationship will do."""
    known = facts if facts is not None else Facts()
    fact = read(recorded)
    return known.plus(fact) if fact is not None else known


def read(recorded: AnyRecorded) -> Fact | None:
    """The fact in an event of a relationship; None where health does not depend on it."""
    if type(recorded.data) not in HEALTH_EVENTS:
        return None
    event: HealthEvent = recorded.data
    return _fact(event, recorded, moment(recorded.occurred_at))


def _fact(event: HealthEvent, recorded: AnyRecorded, at: int) -> Fact | None:
    """The fact in an event; the most frequent events come first."""
    version = recorded.version
    match event:
        case e.SessionScheduled():
            return f.Scheduled(version, at, event.session_id, moment(event.starts_at))
        case e.SessionCompleted():
            return _completed(event, version, at)
        case e.ContactRecorded():
            return f.InTouch(version, at)
        case e.HomeworkReported():
            return f.Worked(version, at, event.homework_id, event.session_id, event.hours)
        case e.GoalProgressRecorded():
            return None if event.progress == "none" else f.Progressed(version, at, event.session_id)
        case e.SessionRescheduled():
            notice = moment(event.previous_starts_at) - at
            party = _answerable(recorded, event.cause)
            return f.Rescheduled(version, at, event.session_id, moment(event.starts_at), notice, party)
        case e.SessionCancelled():
            party = None if event.by_pause else _answerable(recorded, event.cause)
            notice = span(event.notice_hours, HOUR)
            return f.Cancelled(version, at, event.session_id, notice, party, event.by_pause)
        case e.SessionMissed():
            absent: tuple[Party, ...] = tuple(role for role in event.absent if role in ("mentee", "mentor"))
            return f.Missed(version, at, event.session_id, absent)
        case e.GoalAgreed():
            return f.GoalOpened(version, at, event.goal_id)
        case e.GoalDropped() | e.GoalAchieved():
            return f.GoalClosed(version, at, event.goal_id)
        case e.PlanAgreed():
            return f.Planned(version, at, event.sessions)
        case e.RelationshipProposed():
            return f.Proposed(version, at, tuple(event.codes))
        case _:
            return _status_or_trust(event, version, at)


def _status_or_trust(event: StatusEvent | TrustEvent, version: int, at: int) -> Fact:
    match event:
        case e.RelationshipActivated():
            return f.Activated(version, at)
        case e.RelationshipPaused():
            return f.Paused(version, at)
        case e.RelationshipResumed():
            return f.Resumed(version, at)
        case e.RelationshipTerminated():
            return f.Terminated(version, at)
        case e.TrustBreakdownReported():
            return f.TrustLost(version, at)
        case e.TrustRestored():
            return f.TrustRegained(version, at)
        case e.DisrespectReported():
            return f.Disrespected(version, at)
        case e.DisrespectResolved():
            return f.RespectRestored(version, at)
        case e.RecommendationDismissed():
            return f.Dismissed(version, at, event.clause)
        case _:
            assert_never(event)


def _answerable(recorded: AnyRecorded, cause: Cause | None) -> Party | None:
    """The party who asked for a move and answers for it: nobody else's and no excused move counts."""
    if cause in EXCUSED:
        return None
    match recorded.role:
        case "mentee":
            return "mentee"
        case "mentor":
            return "mentor"
        case _:
            return None


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
        2 * off_goal > minutes,
        None if mentee is None else moment(mentee),
        None if mentor is None else moment(mentor),
        event.status == "contracting",
    )
