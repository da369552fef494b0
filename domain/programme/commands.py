"""What may be asked of a programme: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PlainSerializer

from domain.model import Command, Holds, Label, Name
from domain.relationship.fields import DocumentName
from domain.terms import plain
from domain.words import CodeId

# Names of the zone database that mean another zone on another machine, or count leap seconds.
_NOT_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")


def _known_zone(key: str) -> str:
    if not _is_zone(key):
        raise ValueError("expected the name of a time zone, such as Europe/Bucharest")
    return key


def _is_zone(key: str) -> bool:
    try:
        ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not key.startswith(_NOT_ZONES)


Timezone = Annotated[Name, AfterValidator(_known_zone), Holds("operational")]
ProgrammeName = Annotated[Name, Holds("operational")]
CodeName = Annotated[CodeId, Holds("operational")]
TermValue = Annotated[
    float, Field(allow_inf_nan=False), PlainSerializer(plain, return_type=int | float), Holds("operational")
]


class CreateProgramme(Command):
    """Set up a programme; its days and working days are those of its time zone."""

    name: ProgrammeName
    timezone: Timezone = "UTC"


class AdoptCode(Command):
    """Relationships proposed from now on come under this code unless the proposal names others."""

    code: CodeName


class SetTerm(Command):
    """One document sets one term, in the term's own unit; it counts from the time of the message (pentalog.prevalence)."""

    document: DocumentName
    term: Label
    value: TermValue


ProgrammeCommand = CreateProgramme | AdoptCode | SetTerm
