"""Streams folded to states, many in one reading: from their snapshots on, or from their beginning."""

from collections.abc import Callable, Collection, Iterator
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import Final

from domain.model import AnyRecorded
from domain.registry import State, evolve, replay
from domain.relationship.events import FactCorrected
from domain.relationship.evolve import TRACELESS
from infra.intake.snapshots import opened
from infra.intake.state_cache import CachedState
from infra.intake.state_form import code
from infra.store.errors import UnreachableStore
from infra.store.hash_chain import Head
from infra.store.log import EventStore, StoredRow
from infra.store.mapper import RapportMapper
from infra.store.sealed_bytes import SEALED
from infra.store.state_snapshots import SinceRow, read_since

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
        whole = []
        rows = read_since(store.database, names[start : start + AT_ONCE], code())
        sealed = {subject for subject, _, _, state, _, is_event in rows if not is_event or SEALED in state}
        if len(sealed) > 1:
            store.mapper.fetch_keys(sealed)
        for subject, since in groupby(rows, key=_SUBJECT):
            entry = _entry_since(store, subject, list(since))
            if entry is None:
                whole.append(subject)
            else:
                entries[subject] = entry
        for subject, stream in groupby(store.streams(whole), key=_SUBJECT):
            entries[subject] = _entry(store.mapper, subject, list(stream))
    return entries


def _entry_since(store: EventStore, subject: str, rows: list[SinceRow]) -> CachedState | None:
    """The entry of a stream that was read from its snapshot on; None where the whole stream has to be read."""
    if rows[0][-1]:
        return _entry(store.mapper, subject, [row[:-1] for row in rows])
    kept, later = opened(store, rows[0]), [row[:-1] for row in rows[1:]]
    # A correction changes what came before it.
    if kept is None or any(topic == _CORRECTED for _, _, topic, _, _ in later):
        return None

    def state(history: Iterator[AnyRecorded]) -> State | None:
        return reduce(evolve, history, kept.state)

    return _folded(store.mapper, subject, later, state)._replace(kept=kept.head.version) if later else kept


def _entry(mapper: RapportMapper, subject: str, rows: list[StoredRow]) -> CachedState:
    return _folded(mapper, subject, rows, lambda history: replay(subject, history))


def _folded(
    mapper: RapportMapper, subject: str, rows: list[StoredRow], fold: Callable[[Iterator[AnyRecorded]], State | None]
) -> CachedState:
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
        state = fold(history())
    except UnreachableStore:
        # The keys of the content, for one: the stream is not to blame.
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this stream, the others can be read
        return CachedState(broken=f"event {version} of {subject} can't be read: {error}")
    return CachedState(state, Head(rows[-1][1], rows[-1][4]))
