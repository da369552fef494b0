"""Do the kept first spellings follow from the events? Every event spells its ids as the store does, and no other is kept."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from domain.ids import introduced, key
from domain.model import Actor, AnyRecorded
from infra.store.log import EventStore

AT_ONCE: Final = 1000


class Place(NamedTuple):
    """An event that names an id: its subject and version, and how it spells the id."""

    subject: str
    version: int
    spelling: str


class Spelled:
    """What the events of a record make of its ids. `kept` are the keys that the store had before the events were read."""

    def __init__(self, kept: frozenset[str]) -> None:
        self._kept = kept
        self._seen: dict[str, Place] = {}

    def hear(self, event: AnyRecorded) -> str | None:
        """Take note of an event; what is wrong with how it spells an id, or None."""
        for namespace, id_ in introduced(event.subject, event.data, Actor.parse(event.actor)):
            place = self._seen.setdefault(key(namespace, id_), Place(event.subject, event.version, id_))
            if place.spelling != id_:
                return f"the event spells {id_} what version {place.version} of {place.subject} spells {place.spelling}"
        return None

    def differences(self, store: EventStore) -> Iterator[tuple[str, int, str]]:
        """Yields subject, version and problem of every id that the store spells differently from the events, or that no event names."""
        keys = sorted(self._seen)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            stored = store.spellings(some)
            for folded in some:
                place, spelling = self._seen[folded], stored.get(folded)
                if spelling != place.spelling:
                    has = "has no spelling" if spelling is None else f"has the first spelling {spelling}"
                    yield place.subject, place.version, f"the store {has} of {place.spelling}, an id in the event"
        for folded in sorted(self._kept - self._seen.keys()):
            yield folded, 0, "the store has a first spelling of an id that no event names"
