"""The Merkle tree over the log (RFC 6962): what its leaves say, how it grows, and what is kept of it beside the log.

Each event is a leaf, and after the events of a message the receipt of the message, refused ones too. Leaves have the order of
commits and are written in the transaction of what they stand for. What a leaf says begins with 0 and a letter:

- an event: `E`, its position, its version (8 bytes each, the highest first), its hash of the chain, its subject;
- a receipt: `R`, its position (that of the last event before it), and the SHA-256 over source, id, fingerprint and kept answer,
  each after its length (4 bytes). The kept answer has the subject, status, time, actor and type.

The hash of the chain covers the topic and the stored bytes. Kept are the hash of every leaf, the root of every whole
subtree of 256, 65,536 (and so on) leaves, so that proofs read little, and the frontier: the roots of the largest whole
subtrees side by side, so that a leaf costs one hash more on average and no look at the leaves before it.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from struct import Struct
from typing import Any, Final, NamedTuple

HASH_BYTES: Final = 32
# Of so many levels one is kept.
LEVELS: Final = 8
EMPTY_ROOT: Final = sha256().digest()

_event: Final = Struct(">2sqq").pack
_receipt: Final = Struct(">2sq").pack
_length: Final = Struct(">I").pack


class Node(NamedTuple):
    """The root of a whole subtree of 2**level leaves, the one with this number among those of its level."""

    level: int
    number: int
    hash: bytes


class Frontier:
    """What a tree needs to grow: its size and the roots of its largest whole subtrees, the largest first."""

    __slots__ = ("roots", "size")

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self.roots = list(roots)

    @classmethod
    def of(cls, size: int, stored: bytes) -> "Frontier":
        """The frontier from its stored form, in which the roots follow one another."""
        return cls(size, [stored[start : start + HASH_BYTES] for start in range(0, len(stored), HASH_BYTES)])

    @property
    def stored(self) -> bytes:
        """The roots one after the other."""
        return b"".join(self.roots)

    def grow(self, leaves: Iterable[bytes]) -> list[Node]:
        """Add leaves, given by their hashes; the roots that are kept of the subtrees which they make whole."""
        size, roots, kept = self.size, self.roots, []
        for leaf in leaves:
            size += 1
            hash_, rest, level = leaf, size, 0
            while not rest & 1:
                hash_ = sha256(b"\1" + roots.pop() + hash_).digest()
                rest >>= 1
                level += 1
                if level % LEVELS == 0:
                    kept.append(Node(level, rest - 1, hash_))
            roots.append(hash_)
        self.size = size
        return kept

    def root(self) -> bytes:
        """The root of the tree."""
        return root_of(self.roots)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees side by side."""
    return sha256(b"\1" + left + right).digest()


def root_of(roots: Sequence[bytes]) -> bytes:
    """The root over whole subtrees of falling size."""
    if not roots:
        return EMPTY_ROOT
    hash_ = roots[-1]
    for left in reversed(roots[:-1]):
        hash_ = node_hash(left, hash_)
    return hash_


def event_leaf(position: int, subject: str, version: int, hash_: bytes) -> bytes:
    """The hash of the leaf of an event."""
    return sha256(_event(b"\0E", position, version) + hash_ + subject.encode()).digest()


def receipt_digest(source: str, message_id: str, fingerprint: bytes, answer: bytes) -> bytes:
    """What the leaf of a receipt says of it, but for its position."""
    from_, id_, length = source.encode(), message_id.encode(), _length
    parts = (
        length(len(from_)), from_, length(len(id_)), id_, length(len(fingerprint)), fingerprint, length(len(answer)), answer
    )  # fmt: skip
    return sha256(b"".join(parts)).digest()


def receipt_leaf(position: int, digest: bytes) -> bytes:
    """The hash of the leaf of a receipt."""
    return sha256(_receipt(b"\0R", position) + digest).digest()


def places(events: int, receipts: Sequence[Any]) -> tuple[list[int], list[int], list[int]]:
    """How many leaves of a commit come before each event, before each receipt, and how many events before each receipt.

    Each receipt says after how many events of the commit it comes (`after`), or comes last.
    """
    before_events: list[int] = []
    before_receipts: list[int] = []
    after: list[int] = []
    come = 0
    for number, receipt in enumerate(receipts):
        upto = events if receipt.after is None else receipt.after
        before_events += range(come + number, upto + number)
        come = max(come, upto)
        before_receipts.append(come + number)
        after.append(come)
    before_events += range(come + len(receipts), events + len(receipts))
    return before_events, before_receipts, after
