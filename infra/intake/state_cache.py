"""The states of the subjects heard of lately, so that a decision needs no reading. Bounded by memory, least used goes first."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Final, NamedTuple, get_origin, get_type_hints

from cachetools import LRUCache

from domain.registry import State
from domain.relationship.state import Relationship
from infra.store.hash_chain import Head

# What a state takes in memory, in bytes: one of a relationship or another, each session, and each entry of any other collection.
_RELATIONSHIP: Final = 4_000
_OTHER: Final = 1_500
_SESSION: Final = 900
_ENTRY: Final = 250
_COLLECTIONS: Final = (dict, tuple, frozenset, Mapping)
# Reads all fields of a relationship that are declared to hold a collection.
_collections_of: Final = attrgetter(
    *(name for name, declared in get_type_hints(Relationship).items() if get_origin(declared) in _COLLECTIONS)
)


class CachedState(NamedTuple):
    """A stream folded: its state (None before the first event) and its last version and hash.

    `broken` says why the stream can't be read; nothing is decided on such a one. `kept` is the version of its snapshot, 0
    where there is none.
    """

    state: State | None = None
    head: Head = Head()
    broken: str | None = None
    kept: int = 0


class StateCache:
    """Entries by subject, of about so many bytes together. Not for several threads at once."""

    def __init__(self, size: int) -> None:
        assert size > 0
        self._entries = _Entries(size, getsizeof=bytes_of)

    def get(self, subject: str) -> CachedState | None:
        """The entry of a subject, which counts as used now."""
        return self._entries.get(subject)

    def put(self, subject: str, entry: CachedState) -> None:
        """Keep an entry, if it is not larger than all together may be; the least lately used ones make room for it."""
        try:
            self._entries[subject] = entry
        except ValueError:
            self._entries.pop(subject, None)
            self._entries.gone.append((subject, entry))

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop entries that others have outdated."""
        for subject in subjects:
            self._entries.pop(subject, None)

    def take_gone(self) -> list[tuple[str, CachedState]]:
        """The entries that had to make room since this was last asked."""
        gone, self._entries.gone = self._entries.gone, []
        return gone

    def __len__(self) -> int:
        return len(self._entries)


class _Entries(LRUCache[str, CachedState]):
    """Remembers what had to go."""

    gone: list[tuple[str, CachedState]]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.gone = []

    def popitem(self) -> tuple[str, CachedState]:
        item = super().popitem()
        self.gone.append(item)
        return item


def bytes_of(entry: CachedState) -> int:
    """About how many bytes of memory an entry takes."""
    state = entry.state
    if state is None:
        return _ENTRY
    if isinstance(state, Relationship):
        entries = sum(map(len, _collections_of(state)))
        return _RELATIONSHIP + len(state.sessions) * (_SESSION - _ENTRY) + entries * _ENTRY
    return _OTHER + _ENTRY * sum(len(value) for value in state.__dict__.values() if isinstance(value, _COLLECTIONS))
