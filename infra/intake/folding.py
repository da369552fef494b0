"""Streams folded to states, many in one reading."""

from collections.abc import Collection

from domain.registry import evolve
from infra.eventstore.failure import StoreError
from infra.eventstore.recording import Head
from infra.eventstore.store import EventStore
from infra.intake.cache import Entry


def fold_streams(store: EventStore, subjects: Collection[str]) -> dict[str, Entry]:
    """The entry of each subject; one that can't be read says why in `broken` and harms no other."""
    entries = dict.fromkeys(subjects, Entry())
    decode = store.mapper.decode
    for subject, version, topic, body, hash_ in store.streams(subjects):
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
