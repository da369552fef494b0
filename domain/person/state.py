"""What is known of a person: their entry, and whether their data may be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.immutable import Immutable
from domain.relationship.erasure import ErasureRequest


@dataclass(frozen=True)
class Person(Immutable):
    """A person as the events leave their entry. All but the id and the restriction is content."""

    person_id: str = ""
    version: int = 0
    registered: bool = False
    restricted: bool = False
    # Requests to erase by the version of their event; and whether all was erased.
    erasure_requests: Mapping[int, ErasureRequest] = field(default_factory=dict)
    erased: bool = False
    display_name: str | None = None
    email: str | None = None
    telephone: str | None = None
    timezone: str | None = None
    locale: str | None = None


UNKNOWN = Person()
# What an entry holds.
ENTRY: Final = ("display_name", "email", "telephone", "timezone", "locale")
