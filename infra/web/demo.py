"""Signing in as one of the persons of a demo, without a password: for trying Rapport out on one's own machine, and for nothing else."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.ids import is_id
from domain.words import ROLES
from infra.access.caller import Caller
from infra.access.tokens import TOKEN_ROLES
from infra.configured_file import read_text
from infra.settings import WrongSettings

SETTING = "RAPPORT_DEMO_PERSONS"


class DemoPerson(NamedTuple):
    """A person as whom anybody may sign in: who they are, and what they come for in a sentence."""

    caller: Caller
    name: str
    about: str


DemoPersons = Sequence[DemoPerson]


class _Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    name: str = Field(min_length=1, max_length=100)
    about: str = Field(default="", max_length=300)
    roles: list[str] = Field(min_length=1)
    programmes: list[str] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    person: list[_Person] = Field(min_length=1)


def read_demo(file: Path | None) -> DemoPersons:
    """The persons of the file that the setting names; none without it.

    Raises:
        WrongSettings: The file can't be read or understood.
    """
    if file is None:
        return ()
    try:
        found = _File.model_validate(tomllib.loads(read_text(file, SETTING)))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise WrongSettings(f"{SETTING}: {file}: expected [[person]] tables with id, name and roles: {error}") from None
    return [_person(each) for each in found.person]


def _person(given: _Person) -> DemoPerson:
    if not is_id(given.id):
        raise WrongSettings(
            f"{SETTING}: {given.id!r}: expected an id of letters, digits, dots, underscores and hyphens"
        )
    roles = frozenset(given.roles)
    if wrong := roles - TOKEN_ROLES:
        known = ", ".join(role for role in ROLES if role in TOKEN_ROLES)
        raise WrongSettings(f"{SETTING}: {given.id}: {', '.join(sorted(wrong))}: expected roles among {known}")
    programmes = None if given.programmes is None else frozenset(each.lower() for each in given.programmes)
    return DemoPerson(Caller(given.id, roles, programmes, frozenset()), given.name, given.about)
