"""The goals of a relationship, progress on them, and the topics that the mentee keeps private."""

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.claims import claim_for, with_claim, without_claim
from domain.relationship.guards import first_clause
from domain.relationship.privacy import normal
from domain.relationship.state import Goal, Relationship, content_hash
from domain.words import PARTIES, Party


def goal_problems(state: Relationship, command: c.GoalCommand, context: Context) -> Iterator[Problem]:
    """The goal must be known and in a fitting state; mentee and mentor agree on it together (cmn.objectives)."""
    match command:
        case c.AgreeGoal():
            yield from _agreement_problems(state, command)
        case c.ReviseGoal():
            yield from _open_goal(state, command.goal_id, "revised")
            if not _by_both(command.agreed_by):
                clause = first_clause(state.codes, "cmn.objectives")
                yield Problem(
                    "agreed_by",
                    "mentee and mentor agree on a change together: name both in agreed_by",
                    clause,
                    "data.agreed_by",
                )
        case c.DropGoal():
            yield from _open_goal(state, command.goal_id, "dropped")
            if context.actor.role != "mentee" and not _by_both(command.agreed_by or ()):
                message = f"the {context.actor.role} alone can't drop a goal: let the mentee drop it, or name both in agreed_by"
                yield Problem("own_matter", message, field="data.agreed_by")
        case c.RecordGoalProgress():
            yield from _progress_problems(state, command)
        case c.RecordAssessment():
            known = state.assessments.get(command.assessment_id)
            if known is not None and known != content_hash(_assessed(command)):
                message = f"assessment {command.assessment_id} was recorded with another result: give another id"
                yield Problem("assessment_exists", message, field="data.assessment_id")
        case c.MarkTopicPrivate():
            pass
        case c.OpenTopic():
            if normal(command.topic) not in state.private_topics:
                clause = first_clause(state.codes, "leapfrog.privacy")
                yield Problem("not_private", "this topic is not private", clause, "data.topic")
        case _:
            assert_never(command)


def _agreement_problems(state: Relationship, command: c.AgreeGoal) -> Iterator[Problem]:
    goal = state.goals.get(command.goal_id)
    if goal is not None:
        if _is_agreed(goal, _agreed(command)):
            return
        message = (
            f"goal {goal.goal_id} was dropped, and its id is used: choose a new goal_id"
            if goal.status == "dropped"
            else f"goal {goal.goal_id} was agreed before, in other words or with other fields: "
            "revise it (ReviseGoal), or choose a new goal_id"
        )
        yield Problem("goal_exists", message, field="data.goal_id")
    if not _by_both(command.agreed_by):
        clause = first_clause(state.codes, "cmn.objectives")
        yield Problem(
            "agreed_by", "mentee and mentor agree on a goal together: name both in agreed_by", clause, "data.agreed_by"
        )
    if command.assessment_id is not None and command.assessment_id not in state.assessments:
        message = f"no assessment {command.assessment_id} is recorded: record it first, or leave it out"
        clause = first_clause(state.codes, "pentalog.assessment-visible")
        yield Problem("unknown_assessment", message, clause, "data.assessment_id")


def _by_both(agreed_by: Iterable[Party]) -> bool:
    return set(PARTIES) <= set(agreed_by)


def _open_goal(state: Relationship, goal_id: str, change: str) -> Iterator[Problem]:
    yield from unknown_goal(state, goal_id)
    goal = state.goals.get(goal_id)
    if goal and goal.status != "open":
        message = (
            f"goal {goal_id} is {goal.status} already, and only an open goal can be {change}: "
            "agree on what is wanted now under a new goal_id (AgreeGoal)"
        )
        yield Problem("goal_state", message, field="data.goal_id")


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
            f"goal {goal.goal_id} was dropped: choose a new goal_id, agree on it (AgreeGoal), and record progress on that",
            field="data.goal_id",
        )


def unknown_goal(state: Relationship, goal_id: str, field: str = "data.goal_id") -> Iterator[Problem]:
    """A problem unless the relationship has a goal of that id."""
    if goal_id not in state.goals:
        yield Problem("unknown_goal", f"this relationship has no goal {goal_id}", field=field)


def goal_events(
    state: Relationship, command: c.GoalCommand, context: Context
) -> list[e.GoalEvent | e.AgreementConfirmed]:
    """The events of a goal or topic; none when the state shows it already. Who repeats the other's claim confirms it."""
    match command:
        case c.AgreeGoal():
            agreed, goal = _agreed(command), state.goals.get(command.goal_id)
            if goal is None or not _is_agreed(goal, agreed):
                return [agreed]
            claim = claim_for(state, context.actor.role, f"goal:{command.goal_id}")
            return [e.AgreementConfirmed(version=claim.version)] if claim else []
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
            return [] if command.assessment_id in state.assessments else [_assessed(command)]
        case c.RecordGoalProgress():
            return [*_progress_events(state, command)]
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


@implements("pentalog.assessment-visible")
def _assessed(command: c.RecordAssessment) -> e.AssessmentRecorded:
    return e.AssessmentRecorded(
        assessment_id=command.assessment_id,
        area=command.area,
        score=command.score,
        scale=command.scale,
        text=command.text,
    )


def _is_agreed(goal: Goal, agreed: e.GoalAgreed) -> bool:
    """Whether the goal was agreed in exactly these words and was not dropped since."""
    return goal.status != "dropped" and goal.content_hash == content_hash(agreed)


def _progress_events(state: Relationship, command: c.RecordGoalProgress) -> list[e.GoalEvent]:
    """The progress, and with the first achievement that; later ones are progress of the other sessions that they name."""
    goal = state.goals[command.goal_id]
    progress = e.GoalProgressRecorded(
        goal_id=command.goal_id, progress=command.progress, session_id=command.session_id, note=command.note
    )
    if command.progress != "achieved":
        return [progress]
    if goal.status == "achieved":
        return [] if command.session_id in (None, goal.achieved_in) else [progress]
    return [progress, e.GoalAchieved(goal_id=command.goal_id, session_id=command.session_id)]


def fold_goal(state: Relationship, event: e.GoalEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a goal."""
    match event:
        case e.GoalAgreed():
            goal = Goal(event.goal_id, "open", event.type, event.title, event.agreed_by, content_hash(event))
            agreed = state.known_as("goal", event.goal_id).put("goals", event.goal_id, goal)
            return with_claim(agreed, recorded, f"goal:{event.goal_id}")
        case e.GoalRevised():
            return _changed(state, event.goal_id, title=event.title) if event.title is not None else state
        case e.GoalDropped():
            return without_claim(_changed(state, event.goal_id, status="dropped"), f"goal:{event.goal_id}")
        case e.GoalAchieved():
            return _changed(state, event.goal_id, status="achieved", achieved_in=event.session_id)
        case e.AssessmentRecorded():
            known = state.known_as("assessment", event.assessment_id)
            return known.put("assessments", event.assessment_id, content_hash(event))
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
