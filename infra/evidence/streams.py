"""Are the streams whole? Every event decodable, in its place, linked to the one before, and recorded by a message that the rules take.

Streams are read one after the other, some at a time, so memory stays flat. In a stream the first wrong event ends the check: what follows a
broken link proves nothing. Every message is decided again (`infra/evidence/decisions.py`), its words must be sealed, and ids must be spelled
as the store has them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded
from domain.registry import COMMAND_OF, State, evolve, kind_of
from domain.relationship import events as e
from domain.relationship.corrections import History
from domain.relationship.lifecycle import illegal
from domain.relationship.state import Relationship
from infra.evidence.decisions import Decisions
from infra.evidence.others import Courses
from infra.evidence.spellings import Spelled
from infra.evidence.wrong import Wrong
from infra.sealing.erasures import Erased
from infra.sealing.key_store import Owned, is_among
from infra.sealing.sealer import content_in, owner
from infra.store.errors import StoreError
from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.log import EventStore
from infra.store.mapper import Words
from infra.store.sealed_bytes import SEALED
from infra.store.session import StoreSession

_COLUMNS: Final = "SELECT originator_id, originator_version, topic, state, hash, position FROM stored_events"
_ORDER: Final = "ORDER BY originator_id, originator_version"
# Events in memory at once; of a longer stream, which is the last there, so many are checked at a time.
AT_ONCE: Final = 1000
# What an event raises that is none, or does not fit where it stands.
_UNFIT: Final = (StoreError, ValueError, LookupError, TypeError, AttributeError)
_SALT: Final = b'"salt":"'
# What is corrected or contested rests on the whole history.
_LOOKS_BACK: Final = (e.FactContested, e.ContestAnswered, e.FactCorrected)
# Subject, version, topic, bytes, hash, position.
Row = tuple[Any, ...]
# The position of an event, the event, and what became of its words.
Linked = tuple[int, AnyRecorded, Words]
# The state before an event, and what is wrong with the step that the event makes from there.
Folded = tuple[State | None, str | None]


class Range(NamedTuple):
    """The streams after one up to another, in the order of the database."""

    after: str
    upto: str


@dataclass
class StreamsVerdict:
    """What was checked and the first wrong event of each stream.

    `not_compared` are decisions that rest on words that can't be read, `lost` events whose words have no key though nobody had them erased.
    `named` are the ids in the events, `misspelled` those that the store spells differently.
    """

    relationships: int = 0
    subjects: int = 0
    events: int = 0
    problems: list[Wrong] = field(default_factory=list)
    not_compared: list[tuple[str, int]] = field(default_factory=list)
    lost: list[tuple[str, int]] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    misspelled: list[Wrong] = field(default_factory=list)


def audit_streams(
    store: EventStore,
    of: Range | str | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> StreamsVerdict:
    """Check the streams of a range, one subject's, or all. `advance` hears how many events were checked."""
    found, spelled, courses, destroyed = StreamsVerdict(), Spelled(), Courses(store), Destroyed(store)
    with store.database.reading() as session:
        for streams in _some(_rows(session, of)):
            courses.prefetch(_others(store, streams))
            checks = [
                _Stream(store, courses, destroyed, spelled, subject, found).check(rows) for subject, rows in streams
            ]
            # One kind of work for all of them, then the next: that is faster than one stream after the other.
            while checks:
                checks = [check for check in checks if next(check, False)]
            advance(sum(len(rows) for _, rows in streams))
    found.named, found.misspelled = frozenset(spelled.seen), list(spelled.differences(store))
    return found


def _rows(session: StoreSession, of: Range | str | None) -> Iterator[Row]:
    if of is None:
        return session.stream(f"{_COLUMNS} {_ORDER}")
    if isinstance(of, str):
        return session.stream(f"{_COLUMNS} WHERE originator_id = ? {_ORDER}", (of,))
    return session.stream(f"{_COLUMNS} WHERE originator_id > ? AND originator_id <= ? {_ORDER}", of)


def _some(rows: Iterator[Row]) -> Iterator[list[tuple[str, list[Row]]]]:
    """Whole streams, as many as have some events together."""
    streams: list[tuple[str, list[Row]]] = []
    count = 0
    for subject, stream in groupby(rows, key=lambda row: row[0]):
        streams.append((subject, list(stream)))
        count += len(streams[-1][1])
        if count >= AT_ONCE:
            yield streams
            streams, count = [], 0
    if streams:
        yield streams


def _others(store: EventStore, streams: Sequence[tuple[str, list[Row]]]) -> set[str]:
    """The subjects on which the decisions of these streams rest, as their first events name them."""
    found: set[str] = set()
    for _, rows in streams:
        _, _, topic, body, *_ = rows[0]
        try:
            first = store.mapper.decode_facts(topic, _bytes(body)).data
        except (StoreError, ValueError, TypeError):
            continue
        if isinstance(first, e.RelationshipProposed):
            found |= {f"mentor:{first.mentor_id}", f"programme:{first.programme_id}"}
            found |= {first.follows} if first.follows else set()
        elif of := getattr(first, "relationship_id", None):
            found.add(of)
        elif of := getattr(first, "programme_id", None):
            found.add(f"programme:{of}")
    return found


class Destroyed:
    """The keys that erasures on record have destroyed; looked for once words without a key are met."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    @cached_property
    def _owned(self) -> set[Owned]:
        try:
            return Erased(self._store).all_owned()
        except (StoreError, LookupError):
            # The record is damaged there, which is found at that event.
            return set()

    def explains(self, event: AnyRecorded) -> bool:
        """Whether an erasure destroyed the key of an event's words."""
        return is_among(self._owned, event.subject, owner(event))


class _Stream:
    """One stream, as far as it was checked."""

    def __init__(
        self,
        store: EventStore,
        courses: Courses,
        destroyed: Destroyed,
        spelled: Spelled,
        subject: str,
        verdict: StreamsVerdict,
    ) -> None:
        self._store, self._destroyed, self._spelled = store, destroyed, spelled
        self._subject, self._verdict = subject, verdict
        self._decisions = Decisions(courses)
        self._is_relationship = kind_of(subject) == "relationship" if _is_known(subject) else False
        self._version, self._previous = 0, NO_HASH
        self._state: State | None = None
        # The history is carried along from one correction to the next.
        self._known, self._later = History(), list[AnyRecorded]()
        self._unreadable = False
        # From this version on decisions may rest on words that no erasure has taken away.
        self._unexplained: int | None = None

    def check(self, rows: Sequence[Row]) -> Iterator[bool]:
        """Check all events, up to the first that is wrong; yields before another kind of work."""
        verdict = self._verdict
        verdict.subjects += 1
        verdict.relationships += ":" not in self._subject
        verdict.events += len(rows)
        for start in range(0, len(rows), AT_ONCE):
            linked, unlinked = self._linked(rows[start : start + AT_ONCE])
            yield True
            looks_back = any(isinstance(event.data, _LOOKS_BACK) for _, event, _ in linked)
            folded = None if looks_back else self._folded([event for _, event, _ in linked])
            yield True
            wrong = self._first_wrong(linked, folded) or unlinked
            if wrong is not None:
                verdict.problems.append(wrong)
                return
        if problem := self._decisions.finished():
            verdict.problems.append(Wrong(self._subject, len(rows), problem))
        # Words that the record says were erased are gone by right, and nothing that should be checked was left out.
        if (since := self._unexplained) is not None:
            verdict.not_compared += [(self._subject, each) for each in self._decisions.not_compared if each >= since]

    def _linked(self, rows: Sequence[Row]) -> tuple[list[Linked], Wrong | None]:
        """The next events up to the first that is not well linked or can't be read, and what is wrong with that one."""
        linked: list[Linked] = []
        for _, found, topic, stored, hash_, position in rows:
            version, body = self._version + 1, _bytes(stored)
            if found != version:
                problem: str | None = f"the event is missing: the next one has version {found}"
            elif _bytes(hash_) != next_hash(self._previous, topic, body):
                problem = "the hash does not follow from the event before and the stored bytes"
            else:
                problem = self._read(linked, version, topic, body, position)
            if problem:
                return linked, Wrong(self._subject, version, problem)
            self._version, self._previous = version, bytes(hash_)
        return linked, None

    def _read(self, linked: list[Linked], version: int, topic: str, body: bytes, position: int) -> str | None:
        """Read an event that is well linked; what is wrong with it, or None."""
        mapper = self._store.mapper
        try:
            event, words = mapper.decode_checked(topic, body)
            if (event.subject, event.version) != (self._subject, version):
                return f"the event says that it is version {event.version} of {event.subject}"
            if words == "damaged":
                return "the key of its words is there and does not open them: they were changed"
            if mapper.seals and (problem := _ill_formed(event, body)):
                return problem
        except _UNFIT as error:
            return _unfit(error)
        linked.append((position, event, words))
        return None

    def _first_wrong(self, linked: Sequence[Linked], folded: Sequence[Folded] | None) -> Wrong | None:
        """The first event in which something is wrong with what it says. Where events look back they are not `folded` yet."""
        for place, (position, event, words) in enumerate(linked):
            try:
                if words != "read":
                    self._go_without(event, words)
                if folded is None:
                    problem = self._decided(position, event)
                else:
                    before, unfit = folded[place]
                    problem = self._problem(position, before, event, self._known) or unfit
                problem = problem or self._spelled.hear(event)
            except _UNFIT as error:
                problem = _unfit(error)
            if problem:
                return Wrong(self._subject, event.version, problem)
        return None

    def _go_without(self, event: AnyRecorded, words: Words) -> None:
        """Take note of words that can't be read."""
        self._unreadable = True
        if words == "keyless" and self._destroyed.explains(event):
            return
        if words == "keyless":
            self._verdict.lost.append((self._subject, event.version))
        if self._unexplained is None:
            self._unexplained = event.version

    def _folded(self, events: Sequence[AnyRecorded]) -> list[Folded]:
        """The states before the next events, and what is wrong with the step that each makes, up to the first that makes none."""
        folded: list[Folded] = []
        for event in events:
            before = self._state
            try:
                problem = self._step(before, event, evolve(before, event))
            except _UNFIT as error:
                problem = _unfit(error)
            folded.append((before, problem))
            if problem:
                break
        if self._is_relationship:
            self._later += events
        return folded

    def _problem(self, position: int, before: State | None, event: AnyRecorded, history: History) -> str | None:
        return self._decisions.problem(position, before, event, history, unreadable=self._unreadable)

    def _decided(self, position: int, event: AnyRecorded) -> str | None:
        before = self._state
        history = self._history() if isinstance(event.data, _LOOKS_BACK) else self._known
        if problem := self._problem(position, before, event, history):
            return problem
        if self._is_relationship:
            self._later.append(event)
        # A correction changes what came before it: the state follows from the whole history.
        after = self._history().state if isinstance(event.data, e.FactCorrected) else evolve(before, event)
        return self._step(before, event, after)

    def _step(self, before: State | None, event: AnyRecorded, after: State | None) -> str | None:
        """Go on to the state after an event; what is wrong with how it came to that, or None."""
        self._state = after
        if isinstance(after, Relationship):
            was = before if isinstance(before, Relationship) else None
            return illegal(was, event, COMMAND_OF[type(event.data).__name__], after)
        return None

    def _history(self) -> History:
        """The history up to here."""
        self._known, self._later = self._known.then(self._later), []
        return self._known


def _unfit(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else f"the event does not fit here: {error}"


def _is_known(subject: str) -> bool:
    try:
        kind_of(subject)
    except LookupError:
        return False
    return True


def _ill_formed(event: AnyRecorded, body: bytes) -> str | None:
    """What is wrong with how the words of an event are kept."""
    if _SALT not in body:
        return "the event has no salt, so its hash could be guessed"
    if SEALED not in body and (paths := content_in(event)):
        return f"words stand in the clear: {', '.join(paths)}"
    return None


def _bytes(stored: object) -> bytes:
    """The stored bytes; a change by hand may have left a text in their place."""
    return stored.encode() if isinstance(stored, str) else bytes(stored)  # type: ignore[call-overload]
