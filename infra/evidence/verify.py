"""Is the record whole? Streams, decisions, receipts and the tree over all of it, put together to one verdict.

Streams are checked in `infra/evidence/streams.py`. Events and receipts must be the leaves of the tree beside the
log and match one to one (`infra/evidence/tree_audit.py`), so that whatever was cut off or slipped in is noticed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from infra.evidence.spellings import never_named
from infra.evidence.streams import StreamsVerdict, audit_streams
from infra.evidence.tree_audit import TreeVerdict, audit_leaves_of, audit_tree
from infra.evidence.wrong import TREE, Wrong
from infra.store.log import EventStore

# Subject and version of an event.
Place = tuple[str, int]
UNREAD: Final = "of {} only that was compared which does not rest on words that can't be read here"
LOST: Final = "{} can't be read: the key is gone, and no erasure on record has destroyed it"


class Tree(NamedTuple):
    """The tree that was recomputed: its size, its root, and the roots that it had at the sizes asked for."""

    size: int
    root: bytes
    roots: Mapping[int, bytes]


class Verdict(NamedTuple):
    """What was checked, what was found wrong (the first of each stream), and what was not checked and why."""

    relationships: int
    subjects: int
    events: int
    problems: tuple[Wrong, ...]
    tree: Tree
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is wrong, and nothing was skipped."""
        return not self.problems and not self.skipped


def verify(
    store: EventStore,
    subject: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
    sizes: Collection[int] = (),
) -> Verdict:
    """Check one subject, or the whole record with its receipts and the tree over both.

    `advance` hears how many events were checked. `sizes` are those at which the tree's root is wanted.
    """
    # Read before the events: while the store is in use, ids that are new have their events later.
    kept = store.spelling_keys() if subject is None else frozenset[str]()
    streams = audit_streams(store, subject, advance)
    with store.database.reading() as session:
        tree = audit_tree(session, sizes) if subject is None else audit_leaves_of(session, subject, sizes)
    return put_together(kept, [streams], tree)


def put_together(kept: frozenset[str], parts: Iterable[StreamsVerdict], tree: TreeVerdict) -> Verdict:
    """The verdict on streams, in the order of the database, and on the tree. `kept` are the ids that the store had before."""
    problems, misspelled, named = list[Wrong](), list[Wrong](), set[str]()
    not_compared, lost = list[Place](), list[Place]()
    relationships = subjects = events = 0
    for part in parts:
        relationships, subjects, events = (
            relationships + part.relationships,
            subjects + part.subjects,
            events + part.events,
        )
        problems += part.problems
        misspelled += part.misspelled
        named |= part.named
        not_compared += part.not_compared
        lost += part.lost
    problems = _first_of_each([*problems, *tree.problems])
    if not problems:
        # Events that can't be read name no ids.
        problems += [*misspelled, *never_named(kept, named)]
    found = Tree(tree.size, tree.root, tree.roots)
    skipped = (
        *_skipped(LOST, "the words", "the words of {} events", lost),
        *_skipped(UNREAD, "a decision", "{} decisions", not_compared),
    )
    return Verdict(relationships, subjects, events, tuple(problems), found, skipped)


def _skipped(what: str, one: str, many: str, places: Sequence[Place]) -> list[str]:
    """What to say of events of which something could not be checked."""
    if not places:
        return []
    subject, version = places[0]
    which = one if len(places) == 1 else many.format(len(places))
    where = f"{'' if len(places) == 1 else 'the first is '}version {version} of {subject}"
    return [f"{what.format(which)}: {where}"]


def _first_of_each(problems: Sequence[Wrong]) -> list[Wrong]:
    """The first problem of each stream and of each receipt, and those of the tree."""
    first: dict[str, Wrong] = {}
    for wrong in problems:
        if wrong.subject != TREE and wrong.version < first.setdefault(wrong.subject, wrong).version:
            first[wrong.subject] = wrong
    return [*first.values(), *(wrong for wrong in problems if wrong.subject == TREE)]
