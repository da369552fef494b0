"""`practice_measures`: what the practice clauses of the codes come to, relationship by relationship. Measured, never enforced.

Shares come with their parts, so that groups of relationships can be added up. Feedback answers are content: only which
practice they are about is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never

from domain.codes.implements import implements
from domain.codes.questions import PRACTICES
from domain.immutable import Immutable
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowContext, StateFold, Worked

TABLE: Final = Table(
    "practice_measures",
    "One row a relationship: what the practices of the codes come to. Shares are empty while there is nothing to divide by.",
    (
        relationship_id(),
        Column("programme_id", "text", "Its programme."),
        Column("mentor_id", "text", "Its mentor.", "identity"),
        Column("sessions_scheduled", "integer", "Sessions put on the calendar.", "schedule"),
        Column("sessions_scheduled_by_mentee", "integer", "Those that the mentee put there.", "schedule"),
        Column("mentee_schedules_share", "real", "The mentee's share of them (cmn.mentee-schedules).", "schedule"),
        Column("agenda_items", "integer", "Items on the agendas of completed sessions.", "process_improvement"),
        Column("agenda_items_by_mentee", "integer", "Those that the mentee set.", "process_improvement"),
        Column("mentee_agenda_share", "real", "The mentee's share (leapfrog.mentee-agenda).", "process_improvement"),
        Column(
            "mentee_share_early",
            "real",
            "The mentee's share of sessions scheduled and agenda items, in the first half of the completed sessions.",
            "process_improvement",
        ),
        Column(
            "mentee_share_late",
            "real",
            "The same in the second half: more, where the mentee takes on the running (leapfrog.responsibility).",
            "process_improvement",
        ),
        Column("sessions_completed", "integer", "Sessions that took place.", "attendance"),
        Column("sessions_with_goals", "integer", "Those whose agenda names a goal.", "goal_presence"),
        Column("minutes_spent", "real", "Minutes spent in sessions.", "time_spent"),
        Column("urgent_minutes", "integer", "Agenda minutes given to urgent concerns (pentalog.urgent-concerns).", "time_spent"),
        Column("contacts_with_mentor", "integer", "Times that somebody was in touch with the mentor outside the sessions.", "attendance"),
        Column("contact_minutes", "integer", "Minutes that this took of the mentor, as far as they were told (pentalog.mentor-time).", "time_spent"),
        Column("homework_assigned", "integer", "Pieces of homework after which another session took place.", "time_spent"),
        Column("homework_reviewed", "integer", "Those that the agenda of that next session names.", "time_spent"),
        Column("homework_reviewed_share", "real", "Their share (cmn.homework-reviewed).", "time_spent"),
        Column("checks", "integer", "Checks before sessions.", "process_improvement"),
        Column("checks_with_background", "integer", "Those with a professional background (mentor247.surroundings).", "process_improvement"),
        Column("goals_agreed", "integer", "Goals agreed.", "goal_presence"),
        Column("goals_achieved", "integer", "Goals reached.", "goal_outcomes"),
        Column("goals_achieved_share", "real", "Their share.", "goal_outcomes"),
        Column("goal_types", "texts", "The types of its goals.", "goal_types"),
        Column("feedback_given", "integer", "How often feedback was given.", "process_improvement"),
        Column("practices_asked_about", "texts", "The practice clauses that feedback answers are about.", "process_improvement"),
    ),
    key=("relationship_id",),
    indexes=(("programme_id",), ("mentor_id",)),
)  # fmt: skip


class PracticeSession(NamedTuple):
    """A completed session: its end, whose doing it was, and the homework that it took up."""

    ended_at: datetime
    session_id: str
    minutes: float
    items: int
    by_mentee: int
    urgent_minutes: int
    with_goals: bool
    homework: tuple[str, ...]


@dataclass(frozen=True)
class State(Immutable):
    """What is counted of one relationship."""

    programme_id: str
    mentor_id: str
    scheduled_by: Mapping[str, str] = field(default_factory=dict)
    completed: tuple[PracticeSession, ...] = ()
    # By the id of the homework, the session that gave it.
    homework: Mapping[str, str] = field(default_factory=dict)
    contacts: int = 0
    contact_minutes: int = 0
    checks: int = 0
    checks_with_background: int = 0
    goals: Mapping[str, str] = field(default_factory=dict)
    achieved: int = 0
    feedback: int = 0
    asked_about: tuple[str, ...] = ()


Heard = (
    e.RelationshipProposed
    | e.SessionScheduled
    | e.SessionCompleted
    | e.HomeworkAssigned
    | e.PresessionCheckRecorded
    | e.ContactRecorded
    | e.GoalAgreed
    | e.GoalAchieved
    | e.FeedbackGiven
)


def fold(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event."""
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipProposed):
        return State(event.programme_id, event.mentor_id)
    return None if state is None else _after(state, event, recorded)


def _after(state: State, event: Heard, recorded: AnyRecorded) -> State:
    match event:
        case e.SessionScheduled():
            return state.put("scheduled_by", event.session_id, recorded.role)
        case e.SessionCompleted():
            return state.but(completed=(*state.completed, _session(event)))
        case e.HomeworkAssigned():
            return state.put("homework", event.homework_id, event.session_id)
        case e.PresessionCheckRecorded():
            return _checked(state, event)
        case e.ContactRecorded():
            return _in_touch(state, event)
        case e.GoalAgreed():
            return state.put("goals", event.goal_id, event.type)
        case e.GoalAchieved():
            return state.but(achieved=state.achieved + 1)
        case e.FeedbackGiven():
            return _asked(state, event)
        case e.RelationshipProposed():
            return state
        case _:
            assert_never(event)


@implements("pentalog.urgent-concerns", "leapfrog.mentee-agenda")
def _session(event: e.SessionCompleted) -> PracticeSession:
    agenda = event.agenda
    return PracticeSession(
        event.ended_at,
        event.session_id,
        (event.ended_at - event.started_at).total_seconds() / 60,
        len(agenda),
        sum(item.set_by == "mentee" for item in agenda),
        sum(item.minutes for item in agenda if item.urgent_concern),
        any(item.goal_id is not None for item in agenda),
        tuple(item.homework_id for item in agenda if item.homework_id is not None),
    )


@implements("mentor247.surroundings")
def _checked(state: State, event: e.PresessionCheckRecorded) -> State:
    fine = state.checks_with_background + event.background
    return state.but(checks=state.checks + 1, checks_with_background=fine)


@implements("pentalog.mentor-time")
def _in_touch(state: State, event: e.ContactRecorded) -> State:
    """What is asked of the mentor outside the sessions, by anybody."""
    if "mentor" not in event.between:
        return state
    return state.but(contacts=state.contacts + 1, contact_minutes=state.contact_minutes + (event.minutes or 0))


@implements(
    "pentalog.attention",
    "mentor247.language",
    "cmn.inclusion",
    "cmn.ownership",
    "leapfrog.openness",
    "nottingham.individual-needs",
    "nottingham.opinions",
)
def _asked(state: State, event: e.FeedbackGiven) -> State:
    """Questions about practices are keyed by the clause; what was answered is content and not kept."""
    about = PRACTICES.intersection(event.answers).difference(state.asked_about)
    return state.but(feedback=state.feedback + 1, asked_about=(*state.asked_about, *sorted(about)))


def work(state: State, context: RowContext) -> Worked:
    """The one row of a relationship."""
    completed = sorted(state.completed)
    items, by_mentee = _items(completed)
    row: Row = {
        "relationship_id": context.subject,
        "programme_id": state.programme_id,
        "mentor_id": state.mentor_id,
        "agenda_items": items,
        "agenda_items_by_mentee": by_mentee,
        "mentee_agenda_share": _share(by_mentee, items),
        "sessions_completed": len(completed),
        "sessions_with_goals": sum(session.with_goals for session in completed),
        "minutes_spent": sum(session.minutes for session in completed),
        "urgent_minutes": sum(session.urgent_minutes for session in completed),
        "contacts_with_mentor": state.contacts,
        "contact_minutes": state.contact_minutes,
        "checks": state.checks,
        "checks_with_background": state.checks_with_background,
        "goals_agreed": len(state.goals),
        "goals_achieved": state.achieved,
        "goals_achieved_share": _share(state.achieved, len(state.goals)),
        "goal_types": sorted(set(state.goals.values())),
        "feedback_given": state.feedback,
        "practices_asked_about": sorted(state.asked_about),
    }
    return Worked({TABLE.name: [row | _scheduling(state) | _running(state, completed) | _reviewed(state, completed)]})


@implements("cmn.mentee-schedules")
def _scheduling(state: State) -> Row:
    scheduled, by_mentee = len(state.scheduled_by), sum(role == "mentee" for role in state.scheduled_by.values())
    return {
        "sessions_scheduled": scheduled,
        "sessions_scheduled_by_mentee": by_mentee,
        "mentee_schedules_share": _share(by_mentee, scheduled),
    }


@implements("leapfrog.responsibility")
def _running(state: State, completed: Sequence[PracticeSession]) -> Row:
    """How much of scheduling and agenda is the mentee's in the first half of the sessions, and in the second."""
    half = len(completed) // 2
    shares = []
    for part in (completed[:half], completed[len(completed) - half :]):
        items, by_mentee = _items(part)
        scheduled = sum(state.scheduled_by.get(session.session_id) == "mentee" for session in part)
        shares.append(_share(by_mentee + scheduled, items + len(part)))
    return {"mentee_share_early": shares[0], "mentee_share_late": shares[1]}


@implements("cmn.homework-reviewed")
def _reviewed(state: State, completed: Sequence[PracticeSession]) -> Row:
    """Homework is discussed at the session after the one that gave it, once there was one: an item of its agenda names it."""
    order = {session.session_id: place for place, session in enumerate(completed)}
    due = reviewed = 0
    for id_, session_id in state.homework.items():
        place = order.get(session_id)
        if place is not None and place + 1 < len(completed):
            due += 1
            reviewed += id_ in completed[place + 1].homework
    return {
        "homework_assigned": due,
        "homework_reviewed": reviewed,
        "homework_reviewed_share": _share(reviewed, due),
    }


def _items(sessions: Sequence[PracticeSession]) -> tuple[int, int]:
    return sum(session.items for session in sessions), sum(session.by_mentee for session in sessions)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def dump(state: State) -> Any:
    """The state as JSON values."""
    completed = [[session.ended_at.isoformat(), *session[1:]] for session in state.completed]
    return {**state.__dict__, "completed": completed}


def load(values: Any) -> State:
    """Read what `dump` gave."""
    completed = tuple(
        PracticeSession(datetime.fromisoformat(at), *rest)._replace(homework=tuple(rest[-1]))
        for at, *rest in values["completed"]
    )
    return State(**{**values, "completed": completed, "asked_about": tuple(values["asked_about"])})


PROJECTION: Final = StateFold("practice_measures", 3, (TABLE,), events_of(Heard), fold, work, dump, load)
