"""How events change a person's entry. History is never refused."""

from typing import assert_never

from domain.content import erased
from domain.model import Recorded
from domain.person.events import (
    PersonCorrected,
    PersonEvent,
    PersonRegistered,
    ProcessingRestricted,
    RestrictionLifted,
)
from domain.person.state import ENTRY, UNKNOWN, Person
from domain.relationship.erasure import ErasureRequest, holds, lifts
from domain.relationship.events import ErasureRequested, PersonalDataErased
from domain.relationship.state import content_hash


def evolve(state: Person | None, recorded: Recorded[PersonEvent]) -> Person:
    """The person after one more event."""
    person = state or UNKNOWN.but(person_id=recorded.subject.partition(":")[2])
    return _changed(person, recorded.data, recorded).but(version=recorded.version)


def _changed(person: Person, event: PersonEvent, recorded: Recorded[PersonEvent]) -> Person:
    match event:
        case PersonRegistered():
            return person.but(
                registered=True,
                display_name=event.display_name,
                email=event.email,
                telephone=event.telephone,
                timezone=event.timezone,
                locale=event.locale,
            )
        case PersonCorrected():
            return corrected(person, event)
        case ProcessingRestricted():
            return person.but(restricted=True)
        case RestrictionLifted():
            return person.but(restricted=False)
        case ErasureRequested():
            return _requested(person, event, recorded)
        case PersonalDataErased():
            return _erased(person, event, recorded.version)
        case _:
            assert_never(event)


def corrected(person: Person, event: PersonCorrected) -> Person:
    """The person with what a correction names."""
    return person.but(
        display_name=event.display_name or person.display_name,
        email=event.email or person.email,
        telephone=event.telephone or person.telephone,
        timezone=event.timezone or person.timezone,
        locale=event.locale or person.locale,
    )


def _requested(person: Person, event: ErasureRequested, recorded: Recorded[PersonEvent]) -> Person:
    requests = dict(person.erasure_requests)
    for held in holds(requests, event.person) if lifts(event, recorded.role) else ():
        requests[held] = requests[held]._replace(held=False)
    asked = ErasureRequest(event.person, recorded.actor, event.legal_hold is not None, content_hash(event))
    return person.but(erasure_requests={**requests, recorded.version: asked})


def _erased(person: Person, event: PersonalDataErased, version: int) -> Person:
    """The person without their entry: in the place of what it held stands that it can't be read."""
    requests = dict(person.erasure_requests)
    if event.request in requests:
        requests[event.request] = requests[event.request]._replace(done=True)
    entry = {name: erased(version) for name in ENTRY if getattr(person, name) is not None}
    return person.but(erased=True, erasure_requests=requests, **entry)
