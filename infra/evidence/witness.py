"""A witness: somebody with an account, a machine and a key of their own, who has seen the log grow and says so.

It remembers the last checkpoint that it signed. It signs a newer one only if that is signed by the store and proved to have grown
out of the last; so two histories can never both have the signature of one witness.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from infra.evidence import tree
from infra.evidence.checkpoints import Kept, Refused, read, write
from infra.evidence.log_tree import TreeReader
from infra.evidence.note import Checkpoint, Note, Signer, Verifier
from infra.store.log import EventStore


class Witnessed(NamedTuple):
    """What a witness signed: which tree, from which size on it saw it grow, and the note with its signature."""

    checkpoint: Checkpoint
    since: int
    note: Note


def witness(store: EventStore, newest: Note, log: Verifier, signer: Signer, file: Path, at: datetime) -> Witnessed:
    """Cosign the newest checkpoint of a store, if it follows from the last one in the witness's file, and keep it there.

    Raises:
        Refused: It does not follow: the log was rewritten or cut off, or one of the checkpoints can't be trusted.
        DamagedStore: The store's tree lacks a hash.
    """
    last = read(file, log.name, [log, signer.verifier]) if file.exists() else None
    found = Checkpoint.of(newest)
    if found.origin != log.name:
        raise Refused(f"the newest checkpoint is of {found.origin}, and the key of {log.name}")
    with store.database.reading() as session:
        _check(TreeReader(session), last, found)
    cosigned = signer.signed(newest, at)
    write(file, bytes(cosigned))
    return Witnessed(found, last.checkpoint.size if last else 0, cosigned)


def _check(reader: TreeReader, last: Kept | None, newest: Checkpoint) -> None:
    """Make sure that the store's tree begins with the newest checkpoint, and that with the last. Raises `Refused`."""
    if newest.size > reader.size or reader.root(newest.size) != newest.root:
        raise Refused(
            f"the store has not the tree of its newest checkpoint, which is of {newest.size} leaves: it was rewritten or cut off"
        )
    if last is None:
        return
    old = last.checkpoint
    if old.size > newest.size:
        raise Refused(
            f"a fork: the newest checkpoint is of {newest.size} leaves, and one of {old.size} was witnessed ({last.file}): "
            "what was recorded is gone"
        )
    proof = tree.consistency(old.size, newest.size, reader.whole)
    if not tree.is_consistent(old.size, old.root, newest.size, newest.root, proof):
        raise Refused(
            f"a fork: the tree of {newest.size} leaves did not grow out of the one of {old.size} that was witnessed "
            f"({last.file}): what was recorded has been changed"
        )


def newest_of(kept: Iterable[Kept]) -> Kept | None:
    """The checkpoint of the largest tree."""
    return max(kept, key=lambda each: each.checkpoint.size, default=None)
