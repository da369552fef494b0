"""Do the kept first spellings follow from the events? Every event spells its ids as the store does, and no other is kept."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from domain.ids import introduced, key
from domain.model import Actor, AnyRecorded
from infra.evidence.wrong import Wrong
from infra.store.log import EventStore

AT_ONCE: Final = 1000


class Place(NamedTuple):
    """An event that names an id: its subject and version, and how it spells the id."""

    subject: str
    version: int
    spelling: str


class Spelled:
    """What the events of some streams make of their ids."""

    def __init__(self) -> None:
        self.seen: dict[str, Place] = {}

    def hear(self, event: AnyRecorded) -> str | None:
        """Take note of an event; what is wrong with how it spells an id, or None."""
        for namespace, id_ in introduced(event.subject, event.data, Actor.parse(event.actor)):
            folded = key(namespace, id_)
            place = self.seen.get(folded)
            if place is None:
                self.seen[folded] = Place(event.subject, event.version, id_)
            elif place.spelling != id_:
                return _otherwise(id_, place)
        return None

    def differences(self, store: EventStore) -> Iterator[Wrong]:
        """Yields every id that the store spells differently from the events."""
        keys = sorted(self.seen)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            stored = store.spellings(some)
            for folded in some:
                place, spelling = self.seen[folded], stored.get(folded)
                if spelling != place.spelling:
                    has = "has no spelling" if spelling is None else f"has the first spelling {spelling}"
                    yield Wrong(
                        place.subject, place.version, f"the store {has} of {place.spelling}, an id in the event"
                    )


def never_named(kept: AbstractSet[str], named: AbstractSet[str]) -> Iterator[Wrong]:
    """Yields every id that the store `kept` and no event has `named`, both by what all spellings have in common."""
    for folded in sorted(kept - named):
        yield Wrong(folded, 0, "the store has a first spelling of an id that no event names")


def _otherwise(spelling: str, place: Place) -> str:
    return f"the event spells {spelling} what version {place.version} of {place.subject} spells {place.spelling}"
