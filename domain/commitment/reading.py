"""Reading facts out of events: who asked, how much notice there was, how long the agenda left the goals."""

from collections.abc import Callable
from typing import Any, Final

from domain.codes.implements import implements
from domain.commitment import facts as f
from domain.commitment.facts import Fact, Facts
from domain.commitment.moments import HOUR, moment, span
from domain.model import AnyRecorded, Event
from domain.relationship import events as e
from domain.words import Cause, Party

Reader = Callable[[Any, AnyRecorded, int], Fact | None]

# A move for one of these causes counts for neither party.
EXCUSED: Final[tuple[Cause, ...]] = ("supplier", "illness")


def fold(facts: Facts | None, recorded: AnyRecorded) -> Facts:
    """The facts after one more event; events come in the order of their versions. Any event of a relationship will do."""
    known = facts if facts is not None else Facts()
    fact = read(recorded)
    return known.plus(fact) if fact is not None else known


def read(recorded: AnyRecorded) -> Fact | None:
    """The fact in an event of a relationship; None where health does not depend on it."""
    reader = READERS.get(type(recorded.data))
    return reader(recorded.data, recorded, moment(recorded.occurred_at)) if reader else None


def _bare(kind: Callable[[int, int], Fact]) -> Reader:
    return lambda _, recorded, at: kind(recorded.version, at)


def _proposed(event: e.RelationshipProposed, recorded: AnyRecorded, at: int) -> Fact:
    return f.Proposed(recorded.version, at, tuple(event.codes))


def _planned(event: e.PlanAgreed, recorded: AnyRecorded, at: int) -> Fact:
    return f.Planned(recorded.version, at, event.sessions)


def _goal_opened(event: e.GoalAgreed, recorded: AnyRecorded, at: int) -> Fact:
    return f.GoalOpened(recorded.version, at, event.goal_id)


def _goal_closed(event: e.GoalDropped | e.GoalAchieved, recorded: AnyRecorded, at: int) -> Fact:
    return f.GoalClosed(recorded.version, at, event.goal_id)


def _progressed(event: e.GoalProgressRecorded, recorded: AnyRecorded, at: int) -> Fact | None:
    return None if event.progress == "none" else f.Progressed(recorded.version, at, event.session_id)


def _scheduled(event: e.SessionScheduled, recorded: AnyRecorded, at: int) -> Fact:
    return f.Scheduled(recorded.version, at, event.session_id, moment(event.starts_at))


def _rescheduled(event: e.SessionRescheduled, recorded: AnyRecorded, at: int) -> Fact:
    notice = moment(event.previous_starts_at) - at
    party = _answerable(recorded, event.cause)
    return f.Rescheduled(recorded.version, at, event.session_id, moment(event.starts_at), notice, party)


def _cancelled(event: e.SessionCancelled, recorded: AnyRecorded, at: int) -> Fact:
    party = None if event.by_pause else _answerable(recorded, event.cause)
    notice = span(event.notice_hours, HOUR)
    return f.Cancelled(recorded.version, at, event.session_id, notice, party, event.by_pause)


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
def _completed(event: e.SessionCompleted, recorded: AnyRecorded, at: int) -> Fact:
    """A session that took place. Agenda minutes are off-goal without a goal, or when given to an urgent concern."""
    minutes = sum(item.minutes for item in event.agenda)
    off_goal = sum(item.minutes for item in event.agenda if item.goal_id is None or item.urgent_concern)
    mentee, mentor = event.joined.get("mentee"), event.joined.get("mentor")
    return f.Completed(
        recorded.version,
        at,
        event.session_id,
        moment(event.started_at),
        moment(event.ended_at),
        2 * off_goal > minutes,
        None if mentee is None else moment(mentee),
        None if mentor is None else moment(mentor),
        event.status == "contracting",
    )


def _missed(event: e.SessionMissed, recorded: AnyRecorded, at: int) -> Fact:
    absent: tuple[Party, ...] = tuple(role for role in event.absent if role in ("mentee", "mentor"))
    return f.Missed(recorded.version, at, event.session_id, absent)


def _worked(event: e.HomeworkReported, recorded: AnyRecorded, at: int) -> Fact:
    return f.Worked(recorded.version, at, event.homework_id, event.session_id, event.hours)


def _dismissed(event: e.RecommendationDismissed, recorded: AnyRecorded, at: int) -> Fact:
    return f.Dismissed(recorded.version, at, event.clause)


# Every event that bears on health; a test holds that each of the others was left out on purpose.
READERS: Final[dict[type[Event], Reader]] = {
    e.RelationshipProposed: _proposed,
    e.RelationshipActivated: _bare(f.Activated),
    e.RelationshipPaused: _bare(f.Paused),
    e.RelationshipResumed: _bare(f.Resumed),
    e.RelationshipTerminated: _bare(f.Terminated),
    e.PlanAgreed: _planned,
    e.GoalAgreed: _goal_opened,
    e.GoalDropped: _goal_closed,
    e.GoalAchieved: _goal_closed,
    e.GoalProgressRecorded: _progressed,
    e.SessionScheduled: _scheduled,
    e.SessionRescheduled: _rescheduled,
    e.SessionCancelled: _cancelled,
    e.SessionCompleted: _completed,
    e.SessionMissed: _missed,
    e.HomeworkReported: _worked,
    e.ContactRecorded: _bare(f.InTouch),
    e.TrustBreakdownReported: _bare(f.TrustLost),
    e.TrustRestored: _bare(f.TrustRegained),
    e.DisrespectReported: _bare(f.Disrespected),
    e.DisrespectResolved: _bare(f.RespectRestored),
    e.RecommendationDismissed: _dismissed,
}
