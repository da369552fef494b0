"""Erasures carried out: what the log says is erased has no keys. The log decides, so a restored backup forgets no erasure.

An erasure is recorded first and carried out then. Every process that opens the store carries out what is still to be done, before
it serves anything: after a crash in between, and after an old backup of the keys came back. Which keys are a person's is read
from the facts of the log alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from eventsourcing.persistence import StoredEvent

from domain.model import AnyRecorded
from domain.registry import kind_of
from domain.relationship.events import FactCorrected, PersonalDataErased, RelationshipProposed
from infra.sealing.key_store import EVERYWHERE, Owned, is_among
from infra.sealing.keys import Keys
from infra.sealing.sealer import OF_STATE, author, of_fact, of_role, owner
from infra.store.log import EventStore
from infra.store.state_snapshots import drop

TOPIC: Final = PersonalDataErased.__name__
# What may ask for keys of the erased that they never had: a relationship that names them, a correction of their facts.
NEW_OWNERS: Final = RelationshipProposed.__name__, FactCorrected.__name__
LAST: Final = 2**63 - 1
# So many events are looked at when a store is opened; then it is noted that there was nothing among them.
NOTED_EVERY: Final = 5_000


class Erased:
    """What the log of a store says is erased."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def all_owned(self) -> set[Owned]:
        """The keys that are destroyed."""
        return self._owned_after(0)

    def _owned_after(self, position: int, up_to: int | None = None) -> set[Owned]:
        rows = self.store.database.query(
            "SELECT topic, state FROM stored_events WHERE position > ? AND position <= ? AND topic = ? ORDER BY position",
            (position, LAST if up_to is None else up_to, TOPIC),
        )
        found = [self.store.mapper.decode_facts(topic, state) for topic, state in rows]
        return {each for event in found for each in self.owned(event.subject, event.data.person)}

    def owned(self, subject: str, person: str) -> set[Owned]:
        """The keys of a person in a relationship; of `person:<id>`, everywhere."""
        if kind_of(subject) != "person":
            return set(self._in_relationship(subject, person))
        everywhere = {Owned(EVERYWHERE, author(f"mentee:{person}"))}
        for relationship in self.naming(person):
            everywhere |= set(self._in_relationship(relationship, person))
        return everywhere

    def naming(self, person: str) -> list[str]:
        """The relationships whose events have the person's id in them, in their order."""
        return [each for each in self.store.subjects_naming(person) if kind_of(each) == "relationship"]

    def _in_relationship(self, subject: str, person: str) -> Iterator[Owned]:
        events = list(self._facts(subject))
        mine = owners_of(events, person)
        yield from (Owned(subject, each) for each in (*sorted(mine), OF_STATE))
        by_version = {each.version: each for each in events}
        for each in events:
            if isinstance(each.data, FactCorrected) and owner(by_version[each.data.version]) in mine:
                yield Owned(subject, of_fact(each.data.version))

    def _facts(self, subject: str) -> Iterable[AnyRecorded]:
        return (self.store.mapper.decode_facts(each.topic, each.state) for each in self.store.stored(subject))


class Erasures(Erased):
    """The erasures of one store and its keys."""

    def __init__(self, store: EventStore, keys: Keys) -> None:
        super().__init__(store)
        self.keys = keys

    def carry_out(self) -> int:
        """Destroy the keys of whom the log says that they are erased; how many there were.

        Raises:
            StoreError: The keys, or the store, can't be written.
        """
        done = self.keys.erased_up_to()
        if done is None:
            return 0
        head = self.store.head()
        # An older log came back: its positions are given anew.
        after = done if done <= head else 0
        owned = self._owned_after(after)
        if not owned and after == done and head - done < NOTED_EVERY:
            return 0
        if not owned and not self.keys.writable:
            return 0
        destroyed = self.keys.destroy(owned, head)
        with self.store.database.transaction() as session:
            drop(session, {each.subject for each in owned if each.person == OF_STATE})
        return destroyed

    def before_append(self, events: Sequence[StoredEvent]) -> None:
        """Make sure that no key is stored for the words of the erased in events that are appended next.

        Raises:
            StoreError: The keys can't be written.
        """
        told = [each for each in events if each.topic in NEW_OWNERS]
        if told and (fenced := self.keys.fenced({str(each.originator_id) for each in told})):
            stored = {(str(each.originator_id), each.originator_version): each for each in events}
            new = {owned for each in told for owned in self._also_erased(self._decoded(each), stored, fenced)}
            if new := new - set(fenced):
                self.keys.fence(new)

    def _also_erased(
        self, told: AnyRecorded, stored: Mapping[tuple[str, int], StoredEvent], fenced: Collection[Owned]
    ) -> Iterator[Owned]:
        """The owners of keys that come with an event and are those of the erased."""
        subject, data = told.subject, told.data
        if isinstance(data, RelationshipProposed):
            for person in (data.mentee_id, data.mentor_id):
                if is_among(fenced, subject, author(f"mentee:{person}")):
                    yield from (Owned(subject, each) for each in (*owners_of([told], person), OF_STATE))
        elif isinstance(data, FactCorrected):
            here = stored.get((subject, data.version))
            fact = self.store.event(subject, data.version) if here is None else self._decoded(here)
            if fact is not None and is_among(fenced, subject, owner(fact)):
                yield Owned(subject, of_fact(data.version))

    def _decoded(self, event: StoredEvent) -> AnyRecorded:
        return self.store.mapper.decode_facts(event.topic, event.state)

    def undone(self) -> list[Owned]:
        """Whose keys are there though an erasure was carried out: an erased key is never made again, so somebody has put it back.

        Erasures that are not carried out yet do not count: that is done when the store is opened.

        Raises:
            StoreError: The keys, or the store, can't be read.
        """
        done = self.keys.erased_up_to()
        return [] if done is None else sorted(self.keys.kept.kept_of(self._owned_after(0, done)))


def owners_of(events: Iterable[AnyRecorded], person: str) -> set[str]:
    """As which owners a person has keys in a relationship: by their id, and by being its mentee or mentor."""
    mine = {author(f"mentee:{person}")}
    for each in events:
        if isinstance(each.data, RelationshipProposed):
            mine |= {of_role("mentee")} if each.data.mentee_id == person else set()
            mine |= {of_role("mentor")} if each.data.mentor_id == person else set()
    return mine
