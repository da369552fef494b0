"""Is the tree beside the log the one that events and receipts make, and do these match one to one?

The whole log is read once in the order of its leaves, in flat memory: events, receipts, the hashes of leaves. In that order
the receipt of a message comes right after its events, so what belongs together stands together.
"""

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from typing import Any, Final, NamedTuple

import orjson

from domain.registry import COMMAND_OF
from domain.relationship.events import AgreementConfirmed
from infra.evidence import tree
from infra.evidence.decisions import AHEAD
from infra.evidence.log_tree import TreeReader, read_frontier
from infra.evidence.wrong import TREE, Wrong
from infra.intake.receipt import Attempt
from infra.store import attempts
from infra.store.errors import DamagedStore
from infra.store.merkle import EMPTY_ROOT, LEVELS, Frontier, Node, event_leaf, receipt_digest, receipt_leaf
from infra.store.session import Row, StoreSession

_EVENT_COLUMNS: Final = "leaf, position, originator_id, originator_version, topic, state, hash FROM stored_events"
_EVENTS: Final = f"SELECT {_EVENT_COLUMNS} ORDER BY position"
_RECEIPT_COLUMNS: Final = "leaf, position, source, message_id, fingerprint, answer FROM receipts"
_RECEIPTS: Final = f"SELECT {_RECEIPT_COLUMNS} ORDER BY leaf"
_LEAVES: Final = "SELECT number, hash FROM tree_leaves ORDER BY number"
_NODES: Final = "SELECT level, number, hash FROM tree_nodes"
# Who agrees to what the other has claimed confirms that, by whichever of these commands.
_CONFIRMING: Final = ("AgreePlan", "AgreeConfidentiality", "AgreeGoal")
NEVER: Final = datetime.min.replace(tzinfo=UTC)
EVENT, RECEIPT, LEAF = range(3)
# Enough to see what happened; a tree that is gone would name every event.
MOST: Final = 1000


class Computed(NamedTuple):
    """A leaf as it follows from the event or receipt that it stands for."""

    number: int
    hash: bytes
    subject: str
    version: int


class Told(NamedTuple):
    """An event as its receipt should tell it."""

    source: str | None
    message_id: str | None
    subject: str
    name: str
    version: int


@dataclass
class TreeVerdict:
    """What the tree is, and what is wrong with it. `roots` are those that it had at the sizes that were asked for."""

    size: int
    root: bytes
    roots: Mapping[int, bytes]
    problems: list[Wrong]


def audit_tree(session: StoreSession, sizes: Collection[int] = ()) -> TreeVerdict:
    """Recompute the tree from all events and receipts and compare it with what is kept of it."""
    walk = _Walk(frozenset(sizes))
    streams = (
        _numbered(EVENT, session.stream(_EVENTS)),
        _numbered(RECEIPT, session.stream(_RECEIPTS)),
        _numbered(LEAF, session.stream(_LEAVES)),
    )
    # No two of them have both number and kind in common, so rows are never compared.
    for _, kind, row in merge(*streams):
        walk.take(kind, row)
    walk.finish()
    if not walk.problems:
        # Otherwise it would follow from what is wrong already.
        walk.problems += _kept_otherwise(session, walk)
    return TreeVerdict(walk.frontier.size, walk.frontier.root(), walk.roots, walk.problems[:MOST])


def audit_leaves_of(session: StoreSession, subject: str, sizes: Collection[int] = ()) -> TreeVerdict:
    """Prove that every event and receipt of a subject is a leaf of the tree, and match them one to one."""
    try:
        reader = TreeReader(session)
        roots = {size: reader.root(size) for size in sizes if size <= reader.size}
    except DamagedStore as error:
        return TreeVerdict(0, EMPTY_ROOT, {}, [Wrong(TREE, 0, str(error))])
    root = reader.frontier.root()
    walk = _Walk(frozenset())
    rows = [(leaf, EVENT, (leaf, *row)) for leaf, *row in events_of(session, subject)]
    rows += [(leaf, RECEIPT, (leaf, *row)) for leaf, *row in receipts_of(session, subject)]
    for number, kind, row in sorted(rows, key=lambda each: each[:2]):
        # Other subjects' events may stand between.
        walk.position = row[1] - (kind == EVENT)
        walk.take(kind, row)
        assert walk.computed is not None, "it was just computed"
        computed, walk.computed = walk.computed, None
        if (problem := _unproved(reader, number, computed.hash, root)) is not None:
            walk.wrong(computed.subject, computed.version, problem)
    walk.finish()
    return TreeVerdict(reader.size, root, roots, walk.problems)


def events_of(session: StoreSession, subject: str) -> list[Row]:
    """Leaf, position, subject, version, topic, stored bytes and hash of every event of a subject."""
    return session.query(f"SELECT {_EVENT_COLUMNS} WHERE originator_id = ? ORDER BY originator_version", (subject,))


def receipts_of(session: StoreSession, subject: str) -> list[Row]:
    """Leaf, position, source, id, fingerprint and kept answer of every receipt about a subject, in the order of the leaves."""
    return session.query(
        f"SELECT {_RECEIPT_COLUMNS} WHERE {attempts.SUBJECT[session.kind]} = ? ORDER BY leaf", (subject,)
    )


def _unproved(reader: TreeReader, number: int, leaf: bytes, root: bytes) -> str | None:
    try:
        if 0 <= number < reader.size and tree.is_included(
            leaf, number, reader.size, tree.inclusion(number, reader.size, reader.whole), root
        ):
            return None
    except DamagedStore as error:
        return f"what is stored is not proved to be in the tree: {error}"
    return f"leaf {number} of the tree says something else than what is stored"


def _numbered(kind: int, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    for row in rows:
        # A change by hand may have left anything in the place of a number.
        yield (row[0] if isinstance(row[0], int) else -1), kind, row


@dataclass
class _Walk:
    """The log as far as it was read in the order of its leaves."""

    sizes: frozenset[int]
    frontier: Frontier = field(default_factory=Frontier)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    problems: list[Wrong] = field(default_factory=list)
    # The leaf that was computed last, until the kept one comes.
    computed: "Computed | None" = None
    position: int = 0
    _recorded_at: datetime = NEVER
    _told_last: Any = None
    _untold: list[Told] = field(default_factory=list)
    # What the first of these says of its message.
    _envelope: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if 0 in self.sizes:
            self.roots[0] = self.frontier.root()

    def take(self, kind: int, row: tuple[Any, ...]) -> None:
        """The next event, receipt or kept leaf."""
        try:
            if kind == EVENT:
                self._event(*row)
            elif kind == RECEIPT:
                self._receipt(*row)
            else:
                self._leaf(*row)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError, struct.error) as error:
            self.wrong(TREE, 0, f"what is stored for leaf {row[0]} can't be read: {error}")

    def finish(self) -> None:
        """The end of the log."""
        self._unkept()
        self._without_receipt()

    def _event(self, leaf: int, position: int, subject: str, version: int, topic: str, state: Any, hash_: Any) -> None:
        self._is_computed(leaf, event_leaf(position, subject, version, bytes(hash_)), subject, version)
        if position <= self.position:
            self.wrong(subject, version, f"the event at position {position} comes after one at {self.position}")
        self.position = position
        try:
            envelope = orjson.loads(state)
        except ValueError:
            envelope = {}
        self._is_later(envelope.get("recorded_at"), subject, version)
        told = Told(envelope.get("source"), envelope.get("message_id"), subject, topic.partition("#")[0], version)
        if self._untold and self._untold[-1][:3] != told[:3]:
            self._without_receipt()
        if not self._untold:
            self._envelope = envelope
        self._untold.append(told)

    def _is_later(self, recorded_at: Any, subject: str, version: int) -> None:
        """Recorded time never goes back. What is no time is no event either, and is found there."""
        if recorded_at == self._told_last:
            # Events of one batch have the same time.
            return
        self._told_last = recorded_at
        with suppress(ValueError, TypeError):
            at = datetime.fromisoformat(recorded_at)
            if at < self._recorded_at:
                self.wrong(subject, version, f"recorded at {recorded_at}, before what came earlier in the log")
            self._recorded_at = max(at, self._recorded_at)

    def _receipt(self, leaf: int, position: int, source: str, id_: str, fingerprint: Any, answer: Any) -> None:
        named = f"receipt {source} {id_}"
        digest = receipt_digest(source, id_, bytes(fingerprint), bytes(answer))
        self._is_computed(leaf, receipt_leaf(position, digest), named, 0)
        if position != self.position:
            self.wrong(named, 0, f"the receipt has position {position}, the event before it {self.position}")
        untold, self._untold = self._untold, []
        try:
            subject, status, events, problems, *attempt = orjson.loads(answer)
            promised = [Told(source, id_, subject, name, version) for name, version in events]
        except (ValueError, TypeError):
            self.wrong(named, 0, "what is kept of the receipt of this message can't be read")
            return
        if status != "accepted" and promised:
            self.wrong(named, 0, f"the message was {status} and its receipt names events")
        if untold == promised:
            if promised and self._envelope:
                self._is_of_message(named, problems, attempt, promised[0].name)
            return
        for missing in promised:
            if missing not in untold:
                self.wrong(
                    subject, missing.version, f"the receipt of {source} {id_} names this event, which is not its own"
                )
        for told in untold:
            if told not in promised:
                self.wrong(told.subject, told.version, "no receipt names the event")

    def _is_of_message(self, named: str, problems: Any, attempt: Sequence[Any], event: str) -> None:
        """The receipt of a message that was accepted tells of it what its events tell: no other time, actor or command, and no problem.

        It was answered when it was decided. Its events may be recorded later than that, since recorded time never goes back.
        """
        told, found = self._envelope, Attempt(*attempt)
        occurred, recorded = told["occurred_at"], told["recorded_at"]
        confirms = event == AgreementConfirmed.__name__ and found.command in _CONFIRMING
        # Nearly always the times are the very same texts.
        unlike = {
            "time": found.time != occurred and _time(found.time) != _time(occurred),
            "actor": found.actor != told["actor"],
            "command": not confirms and found.command != COMMAND_OF.get(event),
            "time of the answer": found.at != recorded
            and not _time(occurred) - AHEAD <= _time(found.at) <= _time(recorded),
        }
        if problems:
            self.wrong(named, 0, "the message was accepted and its receipt names problems")
        elif any(unlike.values()):
            said = " and ".join(name for name, is_unlike in unlike.items() if is_unlike)
            self.wrong(named, 0, f"the receipt says another {said} than the events of its message")

    def _leaf(self, number: int, hash_: Any) -> None:
        computed, self.computed = self.computed, None
        if computed is None or computed[0] != number:
            if computed is not None:
                self.computed = computed
                self._unkept()
            self.wrong(TREE, 0, f"leaf {number} stands for an event or receipt that is not there")
            self._grow(bytes(hash_))
            return
        _, expected, subject, version = computed
        if bytes(hash_) != expected:
            self.wrong(subject, version, f"leaf {number} of the tree says something else than what is stored")
        self._grow(expected)

    def _is_computed(self, number: int, hash_: bytes, subject: str, version: int) -> None:
        self._unkept()
        self.computed = Computed(number, hash_, subject, version)

    def _unkept(self) -> None:
        """The leaf that was computed last is not kept."""
        if self.computed is not None:
            number, hash_, subject, version = self.computed
            self.wrong(subject, version, f"what is stored should be leaf {number} of the tree, which is not there")
            self._grow(hash_)
            self.computed = None

    def _without_receipt(self) -> None:
        for told in self._untold:
            self.wrong(told.subject, told.version, "no receipt names the event")
        self._untold = []

    def _grow(self, leaf: bytes) -> None:
        for level, number, hash_ in self.frontier.grow([leaf]):
            self.nodes[level, number] = hash_
        if self.frontier.size in self.sizes:
            self.roots[self.frontier.size] = self.frontier.root()

    def wrong(self, subject: str, version: int, problem: str) -> None:
        """Note what is wrong."""
        if len(self.problems) < MOST:
            self.problems.append(Wrong(subject, version, problem))


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(value)


def _kept_otherwise(session: StoreSession, walk: _Walk) -> Iterator[Wrong]:
    """What is kept of the tree beside its leaves and does not follow from them."""
    try:
        kept = read_frontier(session)
    except DamagedStore as error:
        yield Wrong(TREE, 0, str(error))
    else:
        if (kept.size, kept.roots) != (walk.frontier.size, walk.frontier.roots):
            yield Wrong(
                TREE,
                0,
                f"the tree has {walk.frontier.size} leaves by what is stored; its frontier is of {kept.size}"
                + ("" if kept.size != walk.frontier.size else " and of others"),
            )
    nodes = dict(walk.nodes)
    for node in session.stream(_NODES):
        level, number, hash_ = Node(*node)
        if nodes.pop((level, number), None) != bytes(hash_):
            yield Wrong(TREE, 0, f"the kept hash {number} of level {level} does not follow from the leaves")
    for level, number in nodes:
        yield Wrong(TREE, 0, f"the tree lacks hash {number} of level {level}, of {1 << LEVELS} hashes below it")
