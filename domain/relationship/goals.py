"""The goals of a relationship, progress on them, and the topics that the mentee keeps private."""

from collections.abc import Iterator
from typing import Any, assert_never

from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import first_clause
from domain.relationship.privacy import normal
from domain.relationship.state import Goal, Relationship, content_hash


def goal_problems(state: Relationship, command: c.GoalCommand, _: Context) -> Iterator[Problem]:
    """The goal must be known and in a fitting state; mentee and mentor agree on it together (cmn.objectives)."""
    match command:
        case c.AgreeGoal():
            yield from _agreement_problems(state, command)
        case c.ReviseGoal():
            yield from unknown_goal(state, command.goal_id)
        case c.DropGoal():
            yield from unknown_goal(state, command.goal_id)
            goal = state.goals.get(command.goal_id)
            if goal and goal.status != "open":
                yield Problem(
                    "goal_state",
                    f"goal {goal.goal_id} is {goal.status} already; only an open goal can be dropped",
                    field="data.goal_id",
                )
        case c.RecordGoalProgress():
            yield from _progress_problems(state, command)
        case c.MarkTopicPrivate() | c.RecordAssessment():
            pass
        case c.OpenTopic():
            if normal(command.topic) not in state.private_topics:
                yield Problem("not_private", "this topic is not private", "leapfrog.privacy", "data.topic")
        case _:
            assert_never(command)


def _agreement_problems(state: Relationship, command: c.AgreeGoal) -> Iterator[Problem]:
    goal = state.goals.get(command.goal_id)
    if goal is not None:
        if _is_agreed(goal, _agreed(command)):
            return
        message = (
            f"goal {goal.goal_id} was agreed before, in other words or with other fields: revise it, or give another id"
        )
        yield Problem("goal_exists", message, field="data.goal_id")
    if set(command.agreed_by) != {"mentee", "mentor"}:
        clause = first_clause(state.codes, "cmn.objectives")
        yield Problem("agreed_by", "both mentee and mentor agree on a goal", clause, "data.agreed_by")


def _progress_problems(state: Relationship, command: c.RecordGoalProgress) -> Iterator[Problem]:
    yield from unknown_goal(state, command.goal_id)
    if command.session_id is not None and command.session_id not in state.sessions:
        yield Problem(
            "unknown_session", f"this relationship has no session {command.session_id}", field="data.session_id"
        )
    goal = state.goals.get(command.goal_id)
    if goal and goal.status == "dropped":
        yield Problem(
            "goal_state",
            f"goal {goal.goal_id} was dropped; agree on it again before recording progress",
            field="data.goal_id",
        )


def unknown_goal(state: Relationship, goal_id: str, field: str = "data.goal_id") -> Iterator[Problem]:
    """A problem unless the relationship has a goal of that id."""
    if goal_id not in state.goals:
        yield Problem("unknown_goal", f"this relationship has no goal {goal_id}", field=field)


def goal_events(state: Relationship, command: c.GoalCommand, _: Context) -> list[e.GoalEvent]:
    """The events of a goal or topic; none when the state shows it already."""
    match command:
        case c.AgreeGoal():
            agreed, goal = _agreed(command), state.goals.get(command.goal_id)
            return [] if goal and _is_agreed(goal, agreed) else [agreed]
        case c.ReviseGoal():
            return [
                e.GoalRevised(
                    goal_id=command.goal_id,
                    title=command.title,
                    success_measure=command.success_measure,
                    agreed_by=command.agreed_by,
                )
            ]
        case c.DropGoal():
            return [e.GoalDropped(goal_id=command.goal_id, reason=command.reason, agreed_by=command.agreed_by)]
        case c.RecordAssessment():
            return [
                e.AssessmentRecorded(
                    assessment_id=command.assessment_id,
                    area=command.area,
                    score=command.score,
                    scale=command.scale,
                    text=command.text,
                )
            ]
        case c.RecordGoalProgress():
            return _progress_events(state, command)
        case c.MarkTopicPrivate():
            known = normal(command.topic) in state.private_topics
            return [] if known else [e.TopicMarkedPrivate(topic=command.topic)]
        case c.OpenTopic():
            return [e.TopicOpened(topic=command.topic)]
        case _:
            assert_never(command)


def _agreed(command: c.AgreeGoal) -> e.GoalAgreed:
    return e.GoalAgreed(
        goal_id=command.goal_id,
        title=command.title,
        type=command.type,
        source=command.source,
        agreed_by=command.agreed_by,
        success_measure=command.success_measure,
        assessment_id=command.assessment_id,
    )


def _is_agreed(goal: Goal, agreed: e.GoalAgreed) -> bool:
    """Whether the goal was agreed in exactly these words and was not dropped since."""
    return goal.status != "dropped" and goal.content_hash == content_hash(agreed)


def _progress_events(state: Relationship, command: c.RecordGoalProgress) -> list[e.GoalEvent]:
    progress = e.GoalProgressRecorded(
        goal_id=command.goal_id, progress=command.progress, session_id=command.session_id, note=command.note
    )
    if command.progress != "achieved":
        return [progress]
    if state.goals[command.goal_id].status == "achieved":
        return []
    return [progress, e.GoalAchieved(goal_id=command.goal_id, session_id=command.session_id)]


def fold_goal(state: Relationship, event: e.GoalEvent, _: AnyRecorded) -> Relationship:
    """The state after something happened to a goal."""
    match event:
        case e.GoalAgreed():
            goal = Goal(event.goal_id, "open", event.type, event.title, event.agreed_by, content_hash(event))
            return state.known_as("goal", event.goal_id).put("goals", event.goal_id, goal)
        case e.GoalRevised():
            return _changed(state, event.goal_id, title=event.title) if event.title is not None else state
        case e.GoalDropped():
            return _changed(state, event.goal_id, status="dropped")
        case e.GoalAchieved():
            return _changed(state, event.goal_id, status="achieved")
        case e.GoalProgressRecorded() | e.AssessmentRecorded():
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
