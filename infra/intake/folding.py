"""Streams folded to states, many in one reading."""

from collections.abc import Collection, Iterator
from typing import Final

from domain.registry import evolve
from infra.eventstore.failure import StoreError
from infra.eventstore.recording import Head
from infra.eventstore.store import EventStore, StoredRow
from infra.intake.cache import Entry

# Streams in memory at once, not decoded; one may have thousands of events.
AT_ONCE: Final = 100


def _rows(store: EventStore, subjects: list[str]) -> Iterator[StoredRow]:
    for start in range(0, len(subjects), AT_ONCE):
        yield from store.streams(subjects[start : start + AT_ONCE])


def fold_streams(store: EventStore, subjects: Collection[str]) -> dict[str, Entry]:
    """The entry of each subject; one that can't be read says why in `broken` and harms no other."""
    entries = dict.fromkeys(subjects, Entry())
    decode = store.mapper.decode
    for subject, version, topic, body, hash_ in _rows(store, list(subjects)):
        before = entries[subject]
        if before.broken is not None:
            continue
        try:
            state = evolve(before.state, decode(topic, body))
        except (StoreError, ValueError, LookupError, TypeError, AttributeError) as error:
            entries[subject] = Entry(broken=f"event {version} of {subject} can't be read: {error}")
        else:
            entries[subject] = Entry(state, Head(version, bytes(hash_)))
    return entries
