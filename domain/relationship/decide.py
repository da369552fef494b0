"""The decision: a state, a command and the circumstances give events, or one refusal with every problem found.

Asked in this order: may this actor send it, does the statechart know it in this state and what do its gates and guards
say, does it fit what is recorded. The problems of all three are gathered, but somebody whom the relationship does not name learns
nothing else about it. Repeating a command yields no second event:
it gives nothing new or a named problem.
"""

from collections.abc import Callable
from typing import Any, Final, get_args

from domain.codes.clauses import CODES
from domain.ids import respelled_inside
from domain.model import Command, Context, Event
from domain.problem import Problem, refuse
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.agreements import decide_agreement
from domain.relationship.concerns import decide_conduct
from domain.relationship.feedback import decide_voice
from domain.relationship.goals import decide_goal
from domain.relationship.guards import Attempt, first_clause
from domain.relationship.lifecycle import follow
from domain.relationship.permissions import check_actor
from domain.relationship.sessions import decide_session
from domain.relationship.state import Relationship, moment, telling
from domain.relationship.status_changes import decide_course

# Each theme decides a closed union and is checked to be total; this only finds the theme of a command in one look-up.
_DECISIONS: Final[dict[type[Command], Callable[[Relationship, Any, Context, list[Problem]], list[Event]]]] = {
    command: decision
    for union, decision in (
        (c.AgreementCommand, decide_agreement),
        (c.GoalCommand, decide_goal),
        (c.SessionCommand, decide_session),
        (c.VoiceCommand, decide_voice),
        (c.ConductCommand, decide_conduct),
        (c.CourseCommand, decide_course),
    )
    for command in get_args(union)
}


def decide(state: Relationship | None, command: c.RelationshipCommand, context: Context) -> list[Event]:
    """The events that a command records, in order; none when it tells nothing new.

    Sessions, goals and homework keep the spelling that their id had first, whatever the command's.

    Raises:
        Refused: with all problems, each with the clause that spoke and the field concerned.
    """
    found: list[Problem] = list(check_actor(state, command, context))
    if state is not None and any(problem.code == "actor" for problem in found):
        refuse(*found)
    if state is None:
        events = _first(command, context, found)
    else:
        command = respelled_inside(command, state.first_spelling)
        found += follow(Attempt(state, command, context))
        # What does not belong here at all is not held against the record as well.
        astray = any(problem.code in {"role", "state"} for problem in found)
        events = [] if astray else _DECISIONS[type(command)](state, command, context, found)
    refuse(*found)
    return [event for event in events if not _told_before(state, event, context)]


def _first(command: Command, context: Context, found: list[Problem]) -> list[Event]:
    if isinstance(command, c.ProposeRelationship):
        return propose(command, context, found)
    found.append(Problem("unknown_relationship", "no such relationship was proposed", field="subject"))
    return []


def propose(command: c.ProposeRelationship, context: Context, found: list[Problem]) -> list[Event]:
    """A relationship between two different people, under the codes named or those the programme adopted."""
    codes = context.codes if command.codes is None else tuple(dict.fromkeys(command.codes))
    if command.mentee_id == command.mentor_id:
        found.append(Problem("same_person", "mentee and mentor must be two people", field="data.mentor_id"))
    standing = context.known.mentor_standing
    if standing != "good":
        clause = first_clause(codes, "mentor247.terms", "cmn.breaches")
        found.append(Problem("mentor_standing", f"the mentor is {standing}", clause, "data.mentor_id"))
    pinned = {code: CODES[code].version for code in codes}
    return [e.RelationshipProposed(**command.model_dump(exclude={"codes"}), codes=pinned)]


def _told_before(state: Relationship | None, event: Event, context: Context) -> bool:
    """Whether the latest event of this type says the same of the same moment by the same actor."""
    latest = state.latest.get(type(event)) if state else None
    if latest is None or not latest.startswith(moment(context.occurred_at)):
        return False
    return latest == telling(event, context.occurred_at, str(context.actor))
