"""How events change a person's entry. History is never refused."""

from typing import assert_never

from domain.model import Recorded
from domain.person.events import (
    PersonCorrected,
    PersonEvent,
    PersonRegistered,
    ProcessingRestricted,
    RestrictionLifted,
)
from domain.person.state import UNKNOWN, Person


def evolve(state: Person | None, recorded: Recorded[PersonEvent]) -> Person:
    """The person after one more event."""
    person = state or UNKNOWN.but(person_id=recorded.subject.partition(":")[2])
    return _changed(person, recorded.data).but(version=recorded.version)


def _changed(person: Person, event: PersonEvent) -> Person:
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
