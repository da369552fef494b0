"""Deciding and folding goals, progress on them, and the topics that the mentee keeps private."""

from typing import Any, assert_never

from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import first_clause
from domain.relationship.privacy import normal
from domain.relationship.said import said
from domain.relationship.state import Goal, Relationship, saying


def decide_goal(state: Relationship, command: c.GoalCommand, _: Context, found: list[Problem]) -> list[Event]:
    """Events of a goal; mentee and mentor agree on it together (cmn.objectives)."""
    match command:
        case c.AgreeGoal():
            return _agree(state, command, found)
        case c.ReviseGoal():
            goal = known_goal(state, command.goal_id, found)
            same = goal is not None and command.title in (None, goal.title)
            return [] if same else [said(e.GoalRevised, command)]
        case c.DropGoal():
            goal = known_goal(state, command.goal_id, found)
            if goal and goal.status != "open":
                found.append(Problem("goal_state", f"goal {goal.goal_id} is {goal.status}", field="data.goal_id"))
            return [said(e.GoalDropped, command)]
        case c.RecordGoalProgress():
            return _progress(state, command, found)
        case c.MarkTopicPrivate():
            return [] if normal(command.topic) in state.private_topics else [said(e.TopicMarkedPrivate, command)]
        case c.OpenTopic():
            if normal(command.topic) not in state.private_topics:
                found.append(Problem("not_private", "this topic is not private", "leapfrog.privacy", "data.topic"))
            return [said(e.TopicOpened, command)]
        case _:
            assert_never(command)


def _agree(state: Relationship, command: c.AgreeGoal, found: list[Problem]) -> list[Event]:
    agreed = said(e.GoalAgreed, command)
    goal = state.goals.get(command.goal_id)
    if goal:
        if goal.status != "dropped" and goal.said == saying(agreed):
            return []
        message = (
            f"goal {goal.goal_id} was agreed before, in other words or with other fields: revise it, or give another id"
        )
        found.append(Problem("goal_exists", message, field="data.goal_id"))
    if set(command.agreed_by) != {"mentee", "mentor"}:
        clause = first_clause(state.codes, "cmn.objectives")
        found.append(Problem("agreed_by", "both mentee and mentor agree on a goal", clause, "data.agreed_by"))
    return [agreed]


def _progress(state: Relationship, command: c.RecordGoalProgress, found: list[Problem]) -> list[Event]:
    goal = known_goal(state, command.goal_id, found)
    if command.session_id is not None and command.session_id not in state.sessions:
        found.append(Problem("unknown_session", f"no session {command.session_id} here", field="data.session_id"))
    if goal and goal.status == "dropped":
        found.append(Problem("goal_state", f"goal {goal.goal_id} was dropped", field="data.goal_id"))
    recorded: Event = said(e.GoalProgressRecorded, command)
    if command.progress != "achieved":
        return [recorded]
    if goal and goal.status == "achieved":
        return []
    return [recorded, e.GoalAchieved(goal_id=command.goal_id, session_id=command.session_id)]


def known_goal(state: Relationship, goal_id: str, found: list[Problem], field: str = "data.goal_id") -> Goal | None:
    """The goal of that id; a problem where the relationship has none."""
    goal = state.goals.get(goal_id)
    if goal is None:
        found.append(Problem("unknown_goal", f"no goal {goal_id} here", field=field))
    return goal


def fold_goal(state: Relationship, event: e.GoalEvent, _: AnyRecorded) -> Relationship:
    """The state after something happened to a goal."""
    match event:
        case e.GoalAgreed():
            goal = Goal(event.goal_id, "open", event.type, event.title, event.agreed_by, saying(event))
            return state.known_as("goal", event.goal_id).put("goals", event.goal_id, goal)
        case e.GoalRevised():
            return _changed(state, event.goal_id, title=event.title) if event.title is not None else state
        case e.GoalDropped():
            return _changed(state, event.goal_id, status="dropped")
        case e.GoalAchieved():
            return _changed(state, event.goal_id, status="achieved")
        case e.GoalProgressRecorded():
            return state
        case e.TopicMarkedPrivate():
            return state.but(private_topics=state.private_topics | {normal(event.topic)})
        case e.TopicOpened():
            return state.but(private_topics=state.private_topics - {normal(event.topic)})
        case _:
            assert_never(event)


def _changed(state: Relationship, goal_id: str, **changes: Any) -> Relationship:
    goal = state.goals.get(goal_id)
    return state.put("goals", goal_id, goal._replace(**changes)) if goal else state
