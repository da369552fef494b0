"""Streams folded to states, many in one reading."""

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from domain.registry import State, fold_of
from domain.relationship.evolve import TRACELESS
from infra.eventstore.failure import StoreError
from infra.eventstore.recording import Head
from infra.eventstore.store import EventStore, StoredRow
from infra.intake.cache import Entry

# Streams in memory at once, not decoded; one may have thousands of events.
AT_ONCE: Final = 100
# The stored form of an event that brought news of what others said.
NEWS: Final = b'"known":{'
_TRACELESS: Final = frozenset(event.__name__ for event in TRACELESS)


def _rows(store: EventStore, subjects: list[str]) -> Iterator[StoredRow]:
    for start in range(0, len(subjects), AT_ONCE):
        yield from store.streams(subjects[start : start + AT_ONCE])


def fold_streams(store: EventStore, subjects: Collection[str]) -> dict[str, Entry]:
    """The entry of each subject; one that can't be read says why in `broken` and harms no other."""
    entries = dict.fromkeys(subjects, Entry())
    for subject, rows in groupby(_rows(store, list(subjects)), key=itemgetter(0)):
        entries[subject] = _entry(store, subject, list(rows))
    return entries


def _entry(store: EventStore, subject: str, rows: list[StoredRow]) -> Entry:
    decode, evolve, version = store.mapper.decode, fold_of(subject), 0
    state: State | None = None
    latest = {topic: version for _, version, topic, _, _ in rows}
    try:
        for _, version, topic, body, _ in rows:
            if topic in _TRACELESS and version != latest[topic] and NEWS not in body:
                continue
            state = evolve(state, decode(topic, body))
    except (StoreError, ValueError, LookupError, TypeError, AttributeError) as error:
        return Entry(broken=f"event {version} of {subject} can't be read: {error}")
    return Entry(state, Head(version, rows[-1][4]))
