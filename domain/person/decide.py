"""The decision about a person's entry: the events to record, or a refusal with every problem found.

The person writes their own entry, in whatever role, and the office writes anybody's.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from domain.model import Command, Context
from domain.permission import role_problems
from domain.person.commands import (
    CorrectPerson,
    LiftRestriction,
    PersonCommand,
    RegisterPerson,
    RestrictProcessing,
)
from domain.person.events import (
    PersonCorrected,
    PersonEvent,
    PersonRegistered,
    ProcessingRestricted,
    RestrictionLifted,
)
from domain.person.evolve import corrected
from domain.person.state import UNKNOWN, Person
from domain.problem import Problem, refuse
from domain.relationship.commands import ErasePersonalData, RequestErasure
from domain.relationship.erasure import asked_for, carried_out, erasure_problems, hold_problems, requested
from domain.relationship.state import content_hash
from domain.words import NAMED_ROLES, Role

_OFFICE: Final[frozenset[Role]] = frozenset({"coordinator", "supplier", "hr"})
_PEOPLE: Final[frozenset[Role]] = _OFFICE | frozenset(NAMED_ROLES)
MAY_SEND: Final[Mapping[type[Command], frozenset[Role]]] = MappingProxyType(
    {
        RegisterPerson: _PEOPLE,
        CorrectPerson: _PEOPLE,
        RestrictProcessing: _PEOPLE,
        LiftRestriction: _PEOPLE,
        RequestErasure: _PEOPLE,
        ErasePersonalData: _OFFICE,
    }
)


def decide(state: Person | None, command: PersonCommand, context: Context, *, person_id: str) -> list[PersonEvent]:
    """The events that a command leads to; none when it asks for what already is.

    Raises:
        Refused: the actor is neither the person nor the office, or the entry does not allow it.
    """
    person = state or UNKNOWN
    refuse(*_actor_problems(command, context, person_id), *person_problems(person, command, context, person_id))
    return person_events(person, command, context)


def _actor_problems(command: PersonCommand, context: Context, person_id: str) -> Iterator[Problem]:
    yield from role_problems(MAY_SEND, command, context)
    role, id_ = context.actor
    if role in _PEOPLE - _OFFICE and id_ != person_id:
        yield Problem("actor", f"{role}:{id_} can't act for person:{person_id}", field="actor")


def person_problems(person: Person, command: PersonCommand, context: Context, person_id: str) -> Iterator[Problem]:
    """An entry is made once and then corrected; only a restriction that is in force is lifted; what is erased stays so."""
    match command:
        case RegisterPerson() | CorrectPerson() if person.erased:
            yield Problem("state", "the person's data was erased, and no key is made for it again: take another id")
        case RequestErasure() | ErasePersonalData() if command.person != person_id:
            yield Problem("unknown_person", f"expected {person_id}, whose entry this is", field="data.person")
        case RequestErasure():
            yield from hold_problems(person.erasure_requests, command, context)
        case ErasePersonalData():
            yield from erasure_problems(person.erasure_requests, command, context)
        case RegisterPerson():
            if person.registered and _registered(command) != _entry(person):
                message = "the person is registered with other details: send CorrectPerson"
                yield Problem("already_registered", message)
        case CorrectPerson():
            if not person.registered:
                yield Problem("state", "the person has no entry that could be put right: send RegisterPerson")
        case LiftRestriction():
            if not person.restricted:
                yield Problem("nothing_open", "no restriction is in force")
        case RestrictProcessing():
            pass
        case _:
            assert_never(command)


def person_events(person: Person, command: PersonCommand, context: Context) -> list[PersonEvent]:
    """The event of a command without problems; none when the entry shows it already."""
    match command:
        case RegisterPerson():
            return [] if person.registered else [_registered(command)]
        case CorrectPerson():
            event = PersonCorrected(
                display_name=command.display_name,
                email=command.email,
                telephone=command.telephone,
                timezone=command.timezone,
                locale=command.locale,
            )
            return [] if corrected(person, event) == person else [event]
        case RestrictProcessing():
            return [] if person.restricted else [ProcessingRestricted(reason=command.reason)]
        case LiftRestriction():
            return [RestrictionLifted()]
        case RequestErasure():
            return [*requested(person.erasure_requests, command, context, content_hash(asked_for(command)))]
        case ErasePersonalData():
            return [*carried_out(person.erasure_requests, command)]
        case _:
            assert_never(command)


def _registered(command: RegisterPerson) -> PersonRegistered:
    return PersonRegistered(
        display_name=command.display_name,
        email=command.email,
        telephone=command.telephone,
        timezone=command.timezone,
        locale=command.locale,
    )


def _entry(person: Person) -> PersonRegistered:
    """The entry as it would be registered now."""
    return PersonRegistered(
        display_name=person.display_name or "",
        email=person.email,
        telephone=person.telephone,
        timezone=person.timezone,
        locale=person.locale,
    )
