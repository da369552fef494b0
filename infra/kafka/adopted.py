"""Which programme a relationship belongs to and which codes it adopted: settled by its first event, and kept for the next."""

from threading import Lock
from typing import Final, NamedTuple

from cachetools import LRUCache

from domain.model import AnyRecorded
from domain.registry import kind_of
from domain.relationship.events import RelationshipProposed
from infra.store.log import EventStore

KNOWN: Final = 10_000


class Terms(NamedTuple):
    """The programme of an event, None where it belongs to none or to all; the codes of its relationship."""

    programme_id: str | None = None
    codes: frozenset[str] = frozenset()


NOTHING: Final = Terms()


class Adopted:
    """Looks up the terms of events. Threads may share it."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: LRUCache[str, Terms] = LRUCache(KNOWN)
        self._turn = Lock()

    def of(self, recorded: AnyRecorded) -> Terms:
        """The terms under which an event stands; one query for each relationship whose first event did not come by."""
        subject = recorded.subject
        match kind_of(subject):
            case "relationship":
                return self._of_relationship(recorded)
            case "programme":
                return Terms(subject.partition(":")[2])
            case _:
                return Terms(getattr(recorded.data, "programme_id", None))

    def _of_relationship(self, recorded: AnyRecorded) -> Terms:
        subject = recorded.subject
        with self._turn:
            if subject in self._known:
                return self._known[subject]
        proposal = recorded.data if recorded.version == 1 else None
        if proposal is None:
            first = self._store.first(subject)
            proposal = first.data if first is not None else None
        found = NOTHING
        if isinstance(proposal, RelationshipProposed):
            found = Terms(proposal.programme_id, frozenset(proposal.codes))
        with self._turn:
            self._known[subject] = found
        return found
