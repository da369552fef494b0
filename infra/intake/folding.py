"""Streams folded to states, many in one reading."""

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from domain.model import AnyRecorded
from domain.registry import replay
from domain.relationship.events import FactCorrected
from domain.relationship.evolve import TRACELESS
from infra.intake.state_cache import CachedState
from infra.store.errors import UnreachableStore
from infra.store.hash_chain import Head
from infra.store.log import EventStore, StoredRow
from infra.store.mapper import RapportMapper

# Streams in memory at once, not decoded; one may have thousands of events.
AT_ONCE: Final = 100
# The stored form of an event that brought news of what others said.
NEWS: Final = b'"known":{'
_SUBJECT: Final = itemgetter(0)
_TRACELESS: Final = frozenset(event.__name__ for event in TRACELESS)
_CORRECTED: Final = FactCorrected.__name__


def fold_streams(store: EventStore, subjects: Collection[str]) -> dict[str, CachedState]:
    """The entry of each subject; one that can't be read says why in `broken` and harms no other."""
    entries = dict.fromkeys(subjects, CachedState())
    names = list(subjects)
    for start in range(0, len(names), AT_ONCE):
        for subject, rows in groupby(store.streams(names[start : start + AT_ONCE]), key=_SUBJECT):
            entries[subject] = _entry(store.mapper, subject, list(rows))
    return entries


def _entry(mapper: RapportMapper, subject: str, rows: list[StoredRow]) -> CachedState:
    latest = {topic: version for _, version, topic, _, _ in rows}
    # A correction may take back the latest of a type, and then an earlier one leaves its trace.
    whole = _CORRECTED in latest
    version = 0

    def history() -> Iterator[AnyRecorded]:
        nonlocal version
        decode = mapper.decode
        for _, version, topic, body, _ in rows:
            if not whole and topic in _TRACELESS and version != latest[topic] and NEWS not in body:
                continue
            yield decode(topic, body)

    try:
        state = replay(subject, history())
    except UnreachableStore:
        # The keys of the content, for one: the stream is not to blame.
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this stream, the others can be read
        return CachedState(broken=f"event {version} of {subject} can't be read: {error}")
    return CachedState(state, Head(rows[-1][1], rows[-1][4]))
