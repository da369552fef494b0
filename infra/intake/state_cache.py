"""The states of the subjects heard of lately, so that a decision needs no reading. Bounded by count, least used goes first."""

from collections.abc import Iterable
from typing import NamedTuple

from cachetools import LRUCache

from domain.registry import State
from infra.store.hash_chain import Head


class CachedState(NamedTuple):
    """A stream folded: its state (None before the first event) and its last version and hash.

    `broken` says why the stream can't be read; nothing is decided on such a one.
    """

    state: State | None = None
    head: Head = Head()
    broken: str | None = None


class StateCache:
    """Entries by subject. Not for several threads at once."""

    def __init__(self, size: int) -> None:
        assert size > 0
        self._entries: LRUCache[str, CachedState] = LRUCache(size)

    def get(self, subject: str) -> CachedState | None:
        """The entry of a subject, which counts as used now."""
        return self._entries.get(subject)

    def put(self, subject: str, entry: CachedState) -> None:
        """Keep an entry; the least lately used one goes when there are too many."""
        self._entries[subject] = entry

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop entries that others have outdated."""
        for subject in subjects:
            self._entries.pop(subject, None)

    def __len__(self) -> int:
        return len(self._entries)
