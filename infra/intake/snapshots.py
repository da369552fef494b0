"""Snapshots of relationships: written when a state leaves memory or was long to fold, read when it is asked for again.

A box is bound to the subject, the version, the hash of the event at that version and the code: a snapshot of another history, or of
another Rapport, opens nowhere. Its key is one of its own for each relationship, which every erasure there destroys.
"""

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from domain.relationship.state import Relationship
from infra.intake import state_form
from infra.intake.state_cache import CachedState
from infra.store.errors import StoreError
from infra.store.hash_chain import Head
from infra.store.log import EventStore
from infra.store.state_snapshots import SinceRow, SnapshotRow, keep

logger = logging.getLogger("rapport.store")

# A state that leaves memory is worth a snapshot once it is so many events further than the last one; any state is once it is so far.
WORTH: Final = 8
FAR: Final = 64
# Snapshots written together.
TOGETHER: Final = 64


class Snapshots:
    """The snapshots of one store, those to be written waiting until there are enough. Not for several threads at once."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._waiting: dict[str, SnapshotRow] = {}

    def kept_now(self, subject: str, entry: CachedState) -> CachedState:
        """The entry of a committed stream, with a snapshot of it on its way if the last one is far behind."""
        far = entry.head.version - entry.kept >= FAR
        return entry._replace(kept=entry.head.version) if far and self._add(subject, entry) else entry

    def take(self, gone: Iterable[tuple[str, CachedState]]) -> None:
        """Keep the committed streams that leave memory and are worth it, and write what waits once it is enough."""
        for subject, entry in gone:
            if entry.head.version - entry.kept >= WORTH:
                self._add(subject, entry)
        if len(self._waiting) >= TOGETHER:
            self.write()

    def _add(self, subject: str, entry: CachedState) -> bool:
        """Let a state wait to be written; whether it is one of which there are snapshots."""
        if not (isinstance(entry.state, Relationship) and self.store.mapper.seals):
            return False
        boxed = self.store.mapper.seal_state(subject, _bound_to(subject, entry.head), state_form.encode(entry.state))
        if boxed is None:
            return False
        self._waiting[subject] = SnapshotRow(subject, entry.head.version, state_form.code(), *boxed)
        return True

    def write(self) -> None:
        """Write those that wait. Nothing depends on it: where the store can't, that is logged."""
        rows, self._waiting = list(self._waiting.values()), {}
        try:
            self.store.flush_keys()
            with self.store.database.transaction() as session:
                keep(session, rows)
        except StoreError as error:
            logger.warning("%d snapshots of states could not be kept: %s", len(rows), error)


def opened(store: EventStore, row: SinceRow) -> CachedState | None:
    """The state of a snapshot; None where its key is gone, or where it is not one of this stream as it is."""
    subject, version, key, box, hash_, _ = row
    head = Head(version, bytes(hash_))
    plain = store.mapper.unseal_state(subject, _bound_to(subject, head), key, bytes(box))
    if plain is None:
        return None
    try:
        return CachedState(state_form.decode(plain), head, kept=version)
    except msgspec.MsgspecError:
        return None


def _bound_to(subject: str, head: Head) -> bytes:
    return b"state\n%b\n%d\n%b\n%b" % (subject.encode(), head.version, head.hash, state_form.code().encode())
