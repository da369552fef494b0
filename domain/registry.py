"""Every command and event by name, which aggregate a subject is, and one `decide` and one `evolve` for all of them.

Names are a storage and message format: add, never rename. An event whose fields have to change gets a new VERSION and an
upcaster from each earlier one; that the chain is complete is checked when the store opens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final, Literal, get_args

from domain.case import commands as case_commands
from domain.case import decide as case_decide
from domain.case import events as case_events
from domain.case import evolve as case_evolve
from domain.case.state import Case
from domain.mentor import commands as mentor_commands
from domain.mentor import decide as mentor_decide
from domain.mentor import events as mentor_events
from domain.mentor import evolve as mentor_evolve
from domain.mentor.state import Mentor
from domain.model import Accepted, AnyRecorded, Command, Context, Event
from domain.person import commands as person_commands
from domain.person import decide as person_decide
from domain.person import events as person_events
from domain.person import evolve as person_evolve
from domain.person.state import Person
from domain.programme import commands as programme_commands
from domain.programme import decide as programme_decide
from domain.programme import events as programme_events
from domain.programme import evolve as programme_evolve
from domain.programme.state import Programme
from domain.relationship import commands as relationship_commands
from domain.relationship import corrections
from domain.relationship import events as relationship_events
from domain.relationship import evolve as relationship_evolve
from domain.relationship.state import Relationship

Kind = Literal["relationship", "mentor", "case", "programme", "person"]
State = Relationship | Mentor | Case | Programme | Person

_COMMANDS: Final[dict[Kind, tuple[type[Command], ...]]] = {
    "relationship": get_args(relationship_commands.RelationshipCommand),
    "mentor": get_args(mentor_commands.MentorCommand),
    "case": get_args(case_commands.CaseCommand),
    "programme": get_args(programme_commands.ProgrammeCommand),
    "person": get_args(person_commands.PersonCommand),
}
_EVENTS: Final[dict[Kind, tuple[type[Event], ...]]] = {
    "relationship": get_args(relationship_events.RelationshipEvent),
    "mentor": get_args(mentor_events.MentorEvent),
    "case": get_args(case_events.CaseEvent),
    "programme": get_args(programme_events.ProgrammeEvent),
    "person": get_args(person_events.PersonEvent),
}

COMMANDS: Final = {command.__name__: command for group in _COMMANDS.values() for command in group}
EVENTS: Final = {event.__name__: event for group in _EVENTS.values() for event in group}


def _kinds(groups: Mapping[Kind, Sequence[type]]) -> dict[str, tuple[Kind, ...]]:
    """The aggregates of each name: terms are set on programmes and on relationships, everything else is one aggregate's."""
    found: dict[str, tuple[Kind, ...]] = {}
    for kind, group in groups.items():
        for each in group:
            found[each.__name__] = (*found.get(each.__name__, ()), kind)
    return found


AGGREGATES_OF: Final = _kinds(_COMMANDS)
AGGREGATES_OF_EVENT: Final = _kinds(_EVENTS)

# (event name, from version) to a function from the stored data of that version to the data of the next.
UPCASTERS: Final[dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {}

_PREFIXES: Final[dict[str, Kind]] = {
    "mentor": "mentor",
    "case": "case",
    "programme": "programme",
    "person": "person",
}


def kind_of(subject: str) -> Kind:
    """The aggregate that a subject names: a prefix for mentors, cases, programmes and people, a bare UUID for relationships."""
    prefix, separator, _ = subject.partition(":")
    return _PREFIXES[prefix] if separator else "relationship"


_DECISIONS: Final[dict[Kind, Callable[[Any, Any, Context], Sequence[Event]]]] = {
    "case": case_decide.decide,
    "programme": programme_decide.decide,
}


def decide(subject: str, state: State | None, command: Command, context: Context) -> Accepted:
    """The events that a command records on its aggregate, and the findings.

    Raises:
        Refused: with all problems.
    """
    kind = kind_of(subject)
    if kind == "relationship":
        return corrections.decide(state, command, context)  # type: ignore[arg-type]
    if kind == "mentor":
        mentor_id = subject.partition(":")[2]
        return Accepted(mentor_decide.decide(state, command, context, mentor_id=mentor_id))  # type: ignore[arg-type]
    if kind == "person":
        return Accepted(person_decide.decide(state, command, context, person_id=subject.partition(":")[2]))  # type: ignore[arg-type]
    return Accepted(_DECISIONS[kind](state, command, context))


_FOLDS: Final[dict[Kind, Callable[[Any, Any], State]]] = {
    "relationship": relationship_evolve.evolve,
    "mentor": mentor_evolve.evolve,
    "case": case_evolve.evolve,
    "programme": programme_evolve.evolve,
    "person": person_evolve.evolve,
}


def effective(subject: str, history: Iterable[AnyRecorded]) -> list[AnyRecorded]:
    """The history of whichever aggregate as it counts: of a relationship, with its corrections applied."""
    return corrections.effective(history) if kind_of(subject) == "relationship" else list(history)


def replay(subject: str, history: Iterable[AnyRecorded]) -> State | None:
    """The state of whichever aggregate after the whole history of a subject; None where nothing happened."""
    kind = kind_of(subject)
    if kind == "relationship":
        return corrections.replay(history)
    nothing: State | None = None
    return reduce(_FOLDS[kind], history, nothing)


def evolve(state: State | None, recorded: AnyRecorded) -> State:
    """The state of whichever aggregate after a recorded event.

    A correction of a relationship changes what came before it: replay the whole history after one.
    """
    return _FOLDS[kind_of(recorded.subject)](state, recorded)


# The command that records an event: both vocabularies of an aggregate keep one order.
COMMAND_OF: Final[dict[str, str]] = {
    event.__name__: command.__name__
    for kind in _COMMANDS
    for command, event in (
        ((command, event) for event, command in corrections.COMMAND_OF.items())
        if kind == "relationship"
        else zip(_COMMANDS[kind], _EVENTS[kind], strict=True)
    )
}


def command_fields(event: Event) -> tuple[type[Command], dict[str, Any]]:
    """The kind of command that records an event and its fields, as far as the event says them."""
    if type(event) in corrections.COMMAND_OF:
        return corrections.command_fields(event)
    command = COMMANDS[COMMAND_OF[type(event).__name__]]
    return command, {name: getattr(event, name) for name in command.model_fields}
