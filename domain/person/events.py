"""What happened to a person's entry: facts in the past tense, a storage format. Every field is sealed."""

from typing import Annotated

from domain.model import Event, Holds, Name
from domain.person.commands import DisplayName, RestrictionReason
from domain.relationship.events import ErasureRequested, PersonalDataErased

# An event is read after its words are gone, and then takes what stands in their place.
ContactDetail = Annotated[Name, Holds("contact_details", "subject")]
Detail = Annotated[Name, Holds("identity", "subject")]
LongDetail = Annotated[str, Holds("contact_details", "subject")]


class PersonRegistered(Event):
    """The person has an entry."""

    display_name: DisplayName
    email: LongDetail | None = None
    telephone: ContactDetail | None = None
    timezone: Detail | None = None
    locale: Detail | None = None


class PersonCorrected(Event):
    """What is named here was put right."""

    display_name: DisplayName | None = None
    email: LongDetail | None = None
    telephone: ContactDetail | None = None
    timezone: Detail | None = None
    locale: Detail | None = None


class ProcessingRestricted(Event):
    """The person's data is stored and not used."""

    reason: RestrictionReason


class RestrictionLifted(Event):
    """The person's data may be used again."""


PersonEvent = (
    PersonRegistered
    | PersonCorrected
    | ProcessingRestricted
    | RestrictionLifted
    | ErasureRequested
    | PersonalDataErased
)
