"""A plan that is finished, or goals that are all achieved: the people extend it, agree anew, or end the mentoring."""

from datetime import date
from typing import Final, assert_never

from domain.calendar import end_of_local_day
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import PARTIES
from workers.model import NOTHING, Arm, CloseTask, Deadline, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy, with_one

TASK: Final = "plan_end"
LAST_DAY: Final = "last_day"
SETTLED_BY: Final = "AgreePlan", "AgreeGoal", "TerminateRelationship"

Heard = (
    e.PlanAgreed
    | e.RelationshipActivated
    | e.SessionCompleted
    | e.GoalAgreed
    | e.GoalDropped
    | e.GoalAchieved
    | e.RelationshipTerminated
)


class Plan(State):
    """Where the plan stands: sessions planned and completed while active, its last day, and the goals.

    `ends_on` is None before a plan, `achieved` the version at which the last goal was; `asked`: the task is open.
    """

    active: bool = False
    planned: int | None = None
    done: int = 0
    ends_on: date | None = None
    version: int = 0
    goals: tuple[str, ...] = ()
    achieved: int | None = None
    asked: bool = False


def _react(state: Plan, recorded: AnyRecorded, given: Given) -> tuple[Plan, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.PlanAgreed():
            state = state.but(planned=event.sessions, ends_on=event.ends_on, version=version, asked=False)
            return state, tidy(CloseTask(TASK)) + _until_the_last_day(state, given)
        case e.RelationshipActivated():
            state = state.but(active=True)
            return state, _until_the_last_day(state, given)
        case e.SessionCompleted():
            return _completed(state, event, version, given)
        case e.GoalAgreed():
            goals = with_one(state.goals, event.goal_id)
            return state.but(goals=goals, asked=False), tidy(CloseTask(TASK))
        case e.GoalDropped():
            return _goal_gone(state, event.goal_id, state.achieved, given)
        case e.GoalAchieved():
            return _goal_gone(state, event.goal_id, version, given)
        case e.RelationshipTerminated():
            return Plan(), tidy(Over())
        case _:
            assert_never(event)


def _until_the_last_day(state: Plan, given: Given) -> Reaction:
    """The last day of the plan; a pause moves it."""
    if not state.active or state.ends_on is None:
        return NOTHING
    ends_at = end_of_local_day(state.ends_on, given.programme.timezone)
    return (because(_clauses(given), (state.version,), Arm(LAST_DAY, max(ends_at, given.at), freezes=True)),)


def _clauses(given: Given) -> tuple[str, ...]:
    return given.cite("nottingham.end", "care.closing")


def _completed(state: Plan, event: e.SessionCompleted, version: int, given: Given) -> tuple[Plan, Reaction]:
    if not state.active or event.status == "contracting" or not set(PARTIES) <= set(event.present):
        return state, NOTHING
    state = state.but(done=state.done + 1)
    planned = state.planned or int(given.term("planned_sessions"))
    return _ask(state, (version,), given) if state.done >= planned else (state, NOTHING)


def _goal_gone(state: Plan, goal_id: str, achieved: int | None, given: Given) -> tuple[Plan, Reaction]:
    """No goal is open any more, and at least one was achieved."""
    state = state.but(goals=tuple(goal for goal in state.goals if goal != goal_id), achieved=achieved)
    if state.goals or achieved is None or not state.active:
        return state, NOTHING
    return _ask(state, (achieved,), given)


@implements("nottingham.end", "care.closing")
def _ask(state: Plan, evidence: tuple[int, ...], given: Given) -> tuple[Plan, Reaction]:
    """The mentor is asked to extend, to agree anew, or to end; once, until they have agreed on something new."""
    if given.relation is None or state.asked:
        return state, NOTHING
    due = decide_by(given)
    task = OpenTask(TASK, TASK, SETTLED_BY, due=due)
    notices = notify((given.relation.mentor, COORDINATOR), TASK, of=TASK)
    asked = because(_clauses(given), evidence, task, *notices, terms=("decision_days",))
    return state.but(asked=True), (asked,)


def _due(state: Plan, deadline: Deadline, given: Given) -> tuple[Plan, Reaction]:
    """The last day of the plan is over."""
    return _ask(state, deadline.evidence, given)


PLAN: Final = Worker(name="plan", state=Plan, listens=events_of(Heard), react=_react, due=_due)
