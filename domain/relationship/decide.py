"""The decision: a state, a command and its context give events with findings, or one refusal with every problem found.

The checks run in this order: may this actor send it; does the statechart know it in this state, and are its gates and
guards met; does it fit what is recorded. All their problems are gathered, except that an actor whom the relationship
does not name learns nothing else about it. Repeating a command yields no second event: it gives nothing new or a named
problem.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, get_args

from domain.codes.clauses import CODES
from domain.ids import respelled_inside
from domain.model import Accepted, Command, Context, Event, Finding
from domain.problem import Problem, Refused, refuse
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship import sessions
from domain.relationship.agreements import agreement_events, agreement_problems, one_person_problems
from domain.relationship.concerns import concern_events, concern_findings, concern_problems
from domain.relationship.contests import correction_events, correction_findings, correction_problems
from domain.relationship.feedback import feedback_events, feedback_problems
from domain.relationship.goals import goal_events, goal_problems
from domain.relationship.guards import Attempt, standing_problems
from domain.relationship.lifecycle import follow
from domain.relationship.permissions import check_actor
from domain.relationship.state import Relationship, repeat_key, time_key
from domain.relationship.status_changes import status_events, status_findings, status_problems


class Theme(NamedTuple):
    """How the commands of one theme are decided: their problems; where there are none, their events and the findings.

    A finding is a rule that a fact went against which is told afterwards: what took place is recorded all the same.
    """

    problems: Callable[[Relationship, Any, Context], Iterable[Problem]]
    events: Callable[[Relationship, Any, Context], Sequence[Event]]
    findings: Callable[[Relationship, Any, Context], Iterable[Finding]] = lambda *_: ()


# Each theme decides a closed union and is checked to be total; this only finds the theme of a command in one look-up.
_THEMES: Final[dict[type[Command], Theme]] = {
    command: theme
    for union, theme in (
        (c.AgreementCommand, Theme(agreement_problems, agreement_events)),
        (c.GoalCommand, Theme(goal_problems, goal_events)),
        (c.SessionCommand, Theme(sessions.problems, sessions.events, sessions.findings)),
        (c.FeedbackCommand, Theme(feedback_problems, feedback_events)),
        (c.ConcernCommand, Theme(concern_problems, concern_events, concern_findings)),
        (c.CorrectionCommand, Theme(correction_problems, correction_events, correction_findings)),
        (c.StatusCommand, Theme(status_problems, status_events, status_findings)),
    )
    for command in get_args(union)
}


def decide(state: Relationship | None, command: c.RelationshipCommand, context: Context) -> Accepted:
    """The events that a command records, in order; none when it brings nothing new.

    Sessions, goals and homework keep the spelling that their id had first, whatever the command's.

    Raises:
        Refused: with all problems, each with the clause that spoke and the field concerned.
    """
    if state is None:
        return _decide_first(command, context)
    problems = list(check_actor(state, command, context))
    if problems and any(problem.code == "actor" for problem in problems):
        raise Refused(problems)
    command = respelled_inside(command, state.first_spelling)
    theme = _THEMES[type(command)]
    problems += follow(Attempt(state, command, context))
    # If the role or the state forbids the command already, its details are not checked.
    if not problems or not any(problem.code in {"role", "state"} for problem in problems):
        problems += theme.problems(state, command, context)
    if problems:
        raise Refused(problems)
    events = [event for event in theme.events(state, command, context) if not _is_repeat(state, event, context)]
    return Accepted(events, tuple(theme.findings(state, command, context)) if events else ())


def _decide_first(command: c.RelationshipCommand, context: Context) -> Accepted:
    """The answer to a command about a subject of which nothing is recorded yet: only a proposal is possible."""
    problems = list(check_actor(None, command, context))
    if not isinstance(command, c.ProposeRelationship):
        refuse(*problems, Problem("unknown_relationship", "no such relationship was proposed", field="subject"))
        return Accepted(())
    codes = context.codes if command.codes is None else tuple(dict.fromkeys(command.codes))
    refuse(*problems, *_proposal_problems(command, codes, context))
    return Accepted([_proposed(command, codes)], tuple(_proposal_findings(context)))


def _proposal_problems(command: c.ProposeRelationship, codes: tuple[str, ...], context: Context) -> Iterator[Problem]:
    """Mentee and mentor must be two people, the mentor in good standing, and what is followed a relationship of the mentee."""
    if command.mentee_id == command.mentor_id:
        yield Problem("same_person", "mentee and mentor must be two people", field="data.mentor_id")
    parties = command.mentee_id, command.mentor_id
    yield from one_person_problems("customer", command.customer_id, parties, "data.customer_id")
    yield from one_person_problems("line_manager", command.line_manager_id, parties, "data.line_manager_id")
    yield from one_person_problems("supplier", command.supplier_id, parties, "data.supplier_id")
    yield from standing_problems(codes, context.known.mentor_standing, "data.mentor_id")
    if command.follows is not None and context.followed_mentee != command.mentee_id:
        # Others' relationships are answered as unknown ones are: nobody learns by this that there is one.
        message = f"no earlier relationship {command.follows} of this mentee is recorded: name the one that ended, or leave follows out"
        yield Problem("unknown_relationship", message, field="data.follows")


def _proposal_findings(context: Context) -> Iterator[Finding]:
    """A mentor with as many mentees as they may have, or more, can be proposed all the same."""
    if context.mentor_limit is not None and context.mentor_load >= context.mentor_limit:
        yield Finding(code="over_capacity")


def _proposed(command: c.ProposeRelationship, codes: tuple[str, ...]) -> e.RelationshipProposed:
    """The proposal, which pins each code (those named, or those the programme adopted) to its present version."""
    return e.RelationshipProposed(
        programme_id=command.programme_id,
        mentee_id=command.mentee_id,
        mentor_id=command.mentor_id,
        codes={code: CODES[code].version for code in codes},
        customer_id=command.customer_id,
        line_manager_id=command.line_manager_id,
        supplier_id=command.supplier_id,
        follows=command.follows,
    )


def _is_repeat(state: Relationship, event: Event, context: Context) -> bool:
    """Whether the latest event of this type records the same, at the same time, by the same actor."""
    latest = state.latest.get(type(event))
    if latest is None or not latest.startswith(time_key(context.occurred_at)):
        return False
    return latest == repeat_key(event, context.occurred_at, str(context.actor))
