"""What may be asked of a programme: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from domain.model import Command, Holds, Name, Vocabulary
from domain.term_setting import SetTerm as SetTerm  # noqa: PLC0414 - one of this vocabulary too
from domain.term_setting import WithdrawTerm as WithdrawTerm  # noqa: PLC0414 - one of this vocabulary too
from domain.words import CodeId

# Names of the zone database that mean another zone on another machine, or count leap seconds.
_NOT_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")


def known_zone(key: str) -> str:
    """The name of a time zone of the zone database.

    Raises:
        ValueError: It is none.
    """
    if not _is_zone(key):
        raise ValueError("expected the name of a time zone, such as Europe/Bucharest")
    return key


def _is_zone(key: str) -> bool:
    try:
        ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not key.startswith(_NOT_ZONES)


Timezone = Annotated[Name, AfterValidator(known_zone), Vocabulary("time zones"), Holds("operational")]
ProgrammeName = Annotated[Name, Holds("identity")]
CodeName = Annotated[CodeId, Holds("operational")]


class CreateProgramme(Command):
    """Set up a programme; its days and working days are those of its time zone."""

    name: ProgrammeName
    timezone: Timezone = "UTC"


class AdoptCode(Command):
    """Relationships proposed from now on come under this code unless the proposal names others."""

    code: CodeName


ProgrammeCommand = CreateProgramme | AdoptCode | SetTerm | WithdrawTerm
