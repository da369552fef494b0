"""What may be asked about a person: one frozen model a command, its fields as the messages carry them.

Only here a person has a name and an address; everywhere else they are an opaque id. All of it is content, sealed under
the person's own key, no matter who wrote it.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from domain.model import Command, Holds, Name
from domain.programme.commands import known_zone
from domain.relationship.commands import ErasePersonalData, RequestErasure
from domain.relationship.fields import SafeText

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _an_address(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("expected an e-mail address, such as ana@example.org")
    return text


def _a_locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("expected a language tag, such as ro or de-AT")
    return text


DisplayName = Annotated[Name, Holds("identity", "subject")]
Email = Annotated[str, Field(max_length=320), AfterValidator(_an_address), Holds("contact_details", "subject")]
Telephone = Annotated[str, Field(min_length=1, max_length=50), Holds("contact_details", "subject")]
OwnTimezone = Annotated[Name, AfterValidator(known_zone), Holds("identity", "subject")]
Locale = Annotated[str, Field(max_length=35), AfterValidator(_a_locale), Holds("identity", "subject")]
RestrictionReason = Annotated[SafeText, Field(min_length=1)]


class RegisterPerson(Command):
    """Make the entry of a person: how they are called and reached, their time zone and language."""

    display_name: DisplayName
    email: Email | None = None
    telephone: Telephone | None = None
    timezone: OwnTimezone | None = None
    locale: Locale | None = None


class CorrectPerson(Command):
    """Put the entry right: what is named is replaced, the rest stays."""

    display_name: DisplayName | None = None
    email: Email | None = None
    telephone: Telephone | None = None
    timezone: OwnTimezone | None = None
    locale: Locale | None = None

    @model_validator(mode="after")
    def _something(self) -> "CorrectPerson":
        if all(value is None for value in self.__dict__.values()):
            raise ValueError("display_name: expected at least one field to put right")
        return self


class RestrictProcessing(Command):
    """Stop the use of the person's data for everything but storing it."""

    reason: RestrictionReason


class LiftRestriction(Command):
    """The person's data may be used again."""


# An erasure whose subject is a person's entry is about everything that holds their words.
PersonCommand = (
    RegisterPerson | CorrectPerson | RestrictProcessing | LiftRestriction | RequestErasure | ErasePersonalData
)
