"""Is the record whole? Every event decodable, in its place, linked to the one before, legal under the statechart.

Streams are read one after the other in flat memory. In a stream the first wrong event ends the check: what follows a
broken link proves nothing. Ids must be spelled as the store has them. Events and receipts must be the leaves of the tree beside the
log and match one to one (`infra/evidence/tree_audit.py`), so that whatever was cut off or slipped in is noticed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from domain.model import Actor, AnyRecorded, Context
from domain.problem import Refused
from domain.registry import COMMAND_OF, State, decide, evolve
from domain.relationship.corrections import History, command_of
from domain.relationship.events import FactCorrected
from domain.relationship.lifecycle import illegal
from domain.relationship.state import Relationship
from infra.evidence.spellings import Spelled
from infra.evidence.tree_audit import audit_leaves_of, audit_tree
from infra.evidence.wrong import TREE, Wrong
from infra.store.errors import StoreError
from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.log import EventStore, StoredRow

STEP = 1000


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

    `advance` hears of every thousand events. `sizes` are those at which the tree's root is wanted.
    """
    relationships = subjects = events = 0
    problems = []
    # Read before the events: while the store is in use, ids that are new have their events later.
    spelled = Spelled(store.spelling_keys() if subject is None else frozenset())
    for name, rows in groupby(_counted(store.all_streams(subject), advance), key=itemgetter(0)):
        count, wrong = _stream(store, name, rows, spelled)
        events += count
        subjects += 1
        relationships += ":" not in name
        if wrong:
            problems.append(wrong)
    with store.database.reading() as session:
        found = audit_tree(session, sizes) if subject is None else audit_leaves_of(session, subject, sizes)
    problems = _first_of_each([*problems, *found.problems])
    if not problems:
        # Events that can't be read name no ids.
        problems += [Wrong(*difference) for difference in spelled.differences(store)]
    return Verdict(relationships, subjects, events, tuple(problems), Tree(found.size, found.root, found.roots))


def _first_of_each(problems: Sequence[Wrong]) -> list[Wrong]:
    """The first problem of each stream and of each receipt, and those of the tree."""
    first: dict[str, Wrong] = {}
    for wrong in problems:
        if wrong.subject != TREE and wrong.version < first.setdefault(wrong.subject, wrong).version:
            first[wrong.subject] = wrong
    return [*first.values(), *(wrong for wrong in problems if wrong.subject == TREE)]


def _counted(rows: Iterator[StoredRow], advance: Callable[[int], None]) -> Iterator[StoredRow]:
    for count, row in enumerate(rows, 1):
        yield row
        if count % STEP == 0:
            advance(STEP)


def _stream(store: EventStore, subject: str, rows: Iterator[StoredRow], spelled: Spelled) -> tuple[int, Wrong | None]:
    """How many events there are, and the first wrong one."""
    state: State | None = None
    wrong: Wrong | None = None
    told = _Told()
    count, version, previous = 0, 0, NO_HASH
    for _, found, topic, stored, hash_ in rows:
        count += 1
        if wrong is not None:
            continue
        body, version = _bytes(stored), version + 1
        if found != version:
            wrong = Wrong(subject, version, f"the event is missing: the next one has version {found}")
        elif _bytes(hash_) != next_hash(previous, topic, body):
            wrong = Wrong(subject, version, "the hash does not follow from the event before and the stored bytes")
        else:
            previous = _bytes(hash_)
            state, problem = _next(store, subject, version, state, topic, body, spelled, told)
            wrong = Wrong(subject, version, problem) if problem else None
    return count, wrong


def _bytes(stored: object) -> bytes:
    """The stored bytes; a change by hand may have left a text in their place."""
    return stored.encode() if isinstance(stored, str) else bytes(stored)  # type: ignore[call-overload]


def _next(
    store: EventStore,
    subject: str,
    version: int,
    before: State | None,
    topic: str,
    body: bytes,
    spelled: Spelled,
    told: "_Told",
) -> tuple[State | None, str | None]:
    """The state after an event, and what is wrong with it. `told` is the stream before it, to which it is added."""
    try:
        event = store.mapper.decode(topic, body)
        if (event.subject, event.version) != (subject, version):
            return None, f"the event says that it is version {event.version} of {event.subject}"
        if isinstance(event.data, FactCorrected) and (problem := _unfounded(before, event, told.history())):
            return None, problem
        told.later.append(event)
        # A correction changes what came before it: the state follows from the whole history.
        after = told.history().state if isinstance(event.data, FactCorrected) else evolve(before, event)
    except StoreError as error:
        return None, str(error)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return None, f"the event does not fit here: {error}"
    if problem := spelled.hear(event):
        return after, problem
    if isinstance(after, Relationship):
        was = before if isinstance(before, Relationship) else None
        return after, illegal(was, event, COMMAND_OF[type(event.data).__name__], after)
    return after, None


class _Told:
    """A stream as far as it was read; its history is carried along from one correction to the next."""

    def __init__(self) -> None:
        self.later: list[AnyRecorded] = []
        self._known = History()

    def history(self) -> History:
        """The history up to here."""
        self._known, self.later = self._known.then(self.later), []
        return self._known


def _unfounded(before: State | None, event: AnyRecorded, history: History) -> str | None:
    """Why a correction could not have been recorded, or None: it is decided again on the history before it."""
    known = event.known or before.known if isinstance(before, Relationship) else None
    if known is None:
        return "a correction before any proposal"
    context = Context(Actor.parse(event.actor), event.occurred_at, event.recorded_at, known, history=lambda: history)
    try:
        accepted = decide(event.subject, before, command_of(event.data), context)
    except Refused as refused:
        return f"the correction is not possible: {refused}"
    return None if event.data in accepted.events else "the correction corrects nothing"
