"""The Merkle tree as it is kept beside the log, read for roots and proofs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from infra.evidence import tree
from infra.store.errors import DamagedStore
from infra.store.merkle import LEVELS, Frontier, node_hash
from infra.store.session import StoreSession

_FRONTIER: Final = "SELECT size, roots FROM tree_frontier"
_LEAVES: Final = "SELECT number, hash FROM tree_leaves WHERE number >= ? AND number < ?"
_NODES: Final = "SELECT number, hash FROM tree_nodes WHERE number >= ? AND number < ? AND level = ?"
_PLACE: Final = "SELECT leaf, position FROM stored_events WHERE originator_id = ? AND originator_version = ?"
# Ranges of kept hashes in memory, of up to 256 each.
RANGES: Final = 256


class LeafPlace(NamedTuple):
    """Where an event stands: its leaf in a tree of `size` leaves with `root`, its position in the log, and the proof that it is in the tree."""

    leaf: int
    position: int
    size: int
    root: bytes
    proof: list[bytes]


def place_of(session: StoreSession, subject: str, version: int) -> LeafPlace | None:
    """The place of an event in the tree as it is now; None where there is no such event.

    Raises:
        DamagedStore: The tree lacks a hash.
    """
    rows = session.query(_PLACE, (subject, version))
    if not rows:
        return None
    leaf, position = rows[0]
    reader = TreeReader(session)
    if not leaf < reader.size:
        raise DamagedStore(f"the tree of {reader.size} leaves has no leaf {leaf}: see rapport audit verify")
    proof = tree.inclusion(leaf, reader.size, reader.whole)
    return LeafPlace(leaf, position, reader.size, reader.frontier.root(), proof)


class TreeReader:
    """The tree in one state of the database. A proof reads a few hundred hashes at most."""

    def __init__(self, session: StoreSession) -> None:
        self._session = session
        self._range = lru_cache(RANGES)(self._read)
        self.frontier = read_frontier(session)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self.frontier.size

    def whole(self, level: int, number: int) -> bytes:
        """The root of a whole subtree.

        Raises:
            DamagedStore: A hash that is kept is missing.
        """
        kept = level - level % LEVELS
        begin, count = number << (level - kept), 1 << (level - kept)
        tile = begin >> LEVELS
        found = self._range(kept, tile)
        try:
            hashes = [found[each] for each in range(begin, begin + count)]
        except KeyError as error:
            raise DamagedStore(f"the tree lacks hash {error} of level {kept}: see rapport audit verify") from None
        while len(hashes) > 1:
            hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0]

    def root(self, size: int) -> bytes:
        """The root of the tree as it was with so many leaves. Raises `DamagedStore`."""
        return tree.root(size, self.whole)

    def _read(self, level: int, tile: int) -> Mapping[int, bytes]:
        begin, end = tile << LEVELS, (tile + 1) << LEVELS
        rows = self._session.query(_NODES, (begin, end, level)) if level else self._session.query(_LEAVES, (begin, end))
        return {number: bytes(hash_) for number, hash_ in rows}


def read_frontier(session: StoreSession) -> Frontier:
    """The frontier of the tree.

    Raises:
        DamagedStore: The row is gone; it was written together with its table.
    """
    rows = session.query(_FRONTIER)
    if len(rows) != 1:
        raise DamagedStore(
            "the store has lost its tree: the table tree_frontier must have one row; restore it from a backup"
        )
    size, roots = rows[0]
    return Frontier.of(size, bytes(roots))
