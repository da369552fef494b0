"""The decision about a programme: the events to record, or a refusal with every problem found.

What its documents set is decided in `domain.term_setting`, for relationships too.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from domain.model import Command, Context
from domain.permission import role_problems
from domain.problem import Problem, refuse
from domain.programme.commands import AdoptCode, CreateProgramme, ProgrammeCommand, SetTerm, WithdrawTerm
from domain.programme.events import CodeAdopted, ProgrammeCreated, ProgrammeEvent
from domain.programme.state import UNKNOWN, Programme
from domain.term_setting import term_events, term_problems
from domain.words import Role

_OFFICE: Final[frozenset[Role]] = frozenset({"supplier", "coordinator", "service"})
MAY_SEND: Final[Mapping[type[Command], frozenset[Role]]] = MappingProxyType(
    {CreateProgramme: _OFFICE, AdoptCode: _OFFICE, SetTerm: _OFFICE, WithdrawTerm: _OFFICE}
)


def decide(state: Programme | None, command: ProgrammeCommand, context: Context) -> list[ProgrammeEvent]:
    """The events that a command leads to; none when it asks for what already is.

    Raises:
        Refused: the role may not, the programme exists with other details, or the term or its value is not possible.
    """
    programme = state or UNKNOWN
    refuse(*programme_problems(programme, command, context))
    return programme_events(programme, command, context)


def programme_problems(programme: Programme, command: ProgrammeCommand, context: Context) -> Iterator[Problem]:
    """The role must be allowed to send the command; a programme is created once, and a term has a known name and range."""
    yield from role_problems(MAY_SEND, command, context)
    match command:
        case CreateProgramme():
            if programme.created and (command.name, command.timezone) != (programme.name, programme.timezone):
                yield Problem("already_created", f"the programme exists as {programme.name}, {programme.timezone}")
        case AdoptCode():
            pass
        case SetTerm() | WithdrawTerm():
            yield from term_problems(programme.terms, command, context)
        case _:
            assert_never(command)


def programme_events(programme: Programme, command: ProgrammeCommand, context: Context) -> list[ProgrammeEvent]:
    """The event of a command without problems; none when the record shows it already."""
    match command:
        case CreateProgramme():
            created = ProgrammeCreated(name=command.name, timezone=command.timezone)
            return [] if programme.created else [created]
        case AdoptCode():
            return [] if command.code in programme.codes else [CodeAdopted(code=command.code)]
        case SetTerm() | WithdrawTerm():
            return [*term_events(programme.terms, command, context)]
        case _:
            assert_never(command)
