"""What is known of a person: their entry, and whether their data may be used."""

from dataclasses import dataclass

from domain.immutable import Immutable


@dataclass(frozen=True)
class Person(Immutable):
    """A person as the events leave their entry. All but the id and the restriction is content."""

    person_id: str = ""
    version: int = 0
    registered: bool = False
    restricted: bool = False
    display_name: str | None = None
    email: str | None = None
    telephone: str | None = None
    timezone: str | None = None
    locale: str | None = None


UNKNOWN = Person()
