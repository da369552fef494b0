"""One batch being decided: what it reads, what it will write. Nothing outside changes until it is committed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeVar

from eventsourcing.persistence import StoredEvent

from domain.context import context_for, news
from domain.mentor.state import Mentor
from domain.model import Accepted, AnyRecorded, Context
from domain.problem import Malformed, Problem, Refused
from domain.programme.state import Programme
from domain.registry import State, decide, evolve
from domain.relationship.corrections import History
from domain.relationship.events import FactCorrected
from domain.relationship.state import Relationship
from infra.intake import form_problems
from infra.intake.failure import Failure
from infra.intake.message import Message
from infra.intake.receipt import KEPT, Attempt, Receipt
from infra.intake.senders import Lookup, Senders, token_problem, turned_away
from infra.intake.spelling import Spellings
from infra.intake.state_cache import CachedState
from infra.store.errors import DamagedEvent, StoreError, UnknownEvent
from infra.store.hash_chain import Head, ReceiptRow
from infra.store.mapper import RapportMapper

AHEAD: Final = timedelta(minutes=5)
Key = tuple[str, str]
NOT_DECIDED: Final[Mapping[Key, "Decision"]] = MappingProxyType({})
K = TypeVar("K")
V = TypeVar("V")


class RelationshipsOf(Protocol):
    """The relationships of a mentor, all or those that have not ended, as far as they were recorded before."""

    def __call__(self, mentor_id: str, *, open_only: bool) -> set[str]: ...


class Batch:
    """Decides messages one after the other, each on the state that those before it left.

    `recorded_at` is later than `now` where the log is ahead of the clock: recorded time never goes back. `load` gives the entry of
    a subject, `later` its events after a version as far as they were recorded before this batch, `known` the history of a
    relationship as far as it is at hand. `before` are decisions about the same messages, by source and id, which are taken over where
    they would be the same again.
    """

    def __init__(
        self,
        mapper: RapportMapper,
        now: datetime,
        recorded_at: datetime,
        read: dict[str, CachedState],
        load: Callable[[str], CachedState],
        later: Callable[[str, int], Sequence[AnyRecorded]],
        known: Callable[[str], History | None],
        relationships_of: RelationshipsOf,
        cases: Callable[[], set[str]],
        answered: Mapping[Key, ReceiptRow],
        spellings: Spellings,
        limits: Senders | None = None,
        before: "Mapping[Key, Decision]" = NOT_DECIDED,
    ) -> None:
        self.mapper = mapper
        self.now = now
        self.recorded_at = recorded_at
        self.events: list[StoredEvent] = []
        self._recorded_events: list[AnyRecorded] = []
        self.rows: dict[Key, ReceiptRow] = {}
        # The receipts of the messages, in order, once all of them are decided.
        self.answers: list[Receipt] = []
        # Logged once the batch is committed: it may be decided more than once until then.
        self.failures: list[Failure] = []
        self.read = read
        self.touched: dict[str, CachedState] = {}
        # What was accepted, and on what.
        self.decisions: dict[Key, Decision] = {}
        self._before = before
        self.spellings = spellings
        self._load = load
        # Of the relationships that had something corrected.
        self.histories: dict[str, History] = {}
        self._later = later
        self._known = known
        self._stored_relationships_of = relationships_of
        self._cases = cases
        self._answered = answered
        # Asked only where some sender may not send for every programme.
        self._limits = limits

    def answer(self, message: Message) -> Receipt:
        """The receipt of a message, respelled as far as was known before; what it records is added to the batch.

        A mistake of ours must not take the rest of the batch with it: then nothing of the message stays in the batch, and it may
        be sent again. Raises `StoreError` where the store can't be read.
        """
        key = message.source, message.id
        if key in self.spellings.unsettled:
            message = self.spellings.respelled(message)
        known = len(self.spellings.new)
        events, row, touched = len(self.events), self.rows.get(key), self.touched.get(message.subject)
        try:
            return self._answered_or_decided(message)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others' messages have nothing to do with it
            del self.events[events:], self._recorded_events[events:]
            self.histories.pop(message.subject, None)
            self.spellings.forget_after(known)
            _put_back(self.rows, key, row)
            _put_back(self.touched, message.subject, touched)
            failure = Failure.of(error, message.origin)
            self.failures.append(failure)
            return failure.receipt(message.source, message.id, message.subject)

    def _answered_or_decided(self, message: Message) -> Receipt:
        # First of all: who may not send neither uses up an id nor learns what became of it.
        if (refused := self.turned_away(message)) is not None:
            return refused
        key = message.source, message.id
        if before := self.rows.get(key) or self._answered.get(key):
            if before.fingerprint != self.mapper.fingerprint(message.fingerprint):
                sentence = "expected the same content as before under this source and id, or another id"
                return self._invalid(message, Problem("id_reused", sentence, field="id"))
            return Receipt.duplicate(message.source, message.id, before.answer)
        if message.time > self.now + AHEAD:
            sentence = f"expected a time not more than 5 minutes after {self.now.isoformat(timespec='seconds')}"
            return self._invalid(message, Problem("future_time", sentence, field="time"))
        receipt = self._decided(message)
        if receipt.status in KEPT:
            tried = Attempt(self.recorded_at, message.time, str(message.actor), type(message.command).__name__)
            fingerprint = self.mapper.fingerprint(message.fingerprint)
            kept = receipt.kept(tried)
            self.rows[key] = ReceiptRow(message.source, message.id, fingerprint, kept, len(self.events))
        return receipt

    def turned_away(self, message: Message) -> Receipt | None:
        """The receipt of a message whose sender, or the token it came with, may not send for its programme."""
        if self._limits is None and message.programmes is None:
            return None
        lookup = Lookup(self._state, self._relationships_of)
        problem = token_problem(message, lookup)
        if problem is None and self._limits is not None:
            problem = self._limits.programme_problem(message, lookup)
        return None if problem is None else turned_away(message, problem)

    def _state(self, subject: str) -> State | None:
        """The state of a subject; None also where it can't be read, so that nobody knows its programme."""
        try:
            return self._entry(subject).state
        except _Broken:
            return None

    def recorded_of(self, subject: str) -> list[AnyRecorded]:
        """The events of a subject that this batch records."""
        return [recorded for recorded in self._recorded_events if recorded.subject == subject]

    def restamp(self, recorded_at: datetime) -> list[StoredEvent]:
        """The events with a later recorded time, on which no state and no answer depends."""
        self.recorded_at = recorded_at
        self.histories.clear()
        self._recorded_events = self._stamped(self._recorded_events)
        self.events = [self.mapper.to_stored_event(recorded) for recorded in self._recorded_events]
        return self.events

    def _decided(self, message: Message) -> Receipt:
        try:
            entry = self._entry(message.subject)
            expected = message.expected_version
            if expected is not None and expected != entry.head.version:
                sentence = f"expected version {expected}, the last event of the subject has {entry.head.version}"
                problem = Problem("version", sentence, field="expectedversion")
                return Receipt(message.source, message.id, message.subject, "conflict", (), (problem,))
            context = self._context(message, entry)
            decision = self._taken_over(message, entry, context) or self._decision(message, entry, context)
        except Malformed as malformed:
            return self._invalid(message, *malformed.problems)
        except Refused as refused:
            return Receipt(message.source, message.id, message.subject, "refused", (), refused.problems)
        except _Broken as broken:
            return self._invalid(message, Problem("unreadable", str(broken), field="subject"))
        self._add(decision)
        return decision.receipt

    def _decision(self, message: Message, entry: CachedState, context: Context) -> "Decision":
        accepted = decide(message.subject, entry.state, message.command, context)
        if accepted.events:
            return self._recorded(message, entry, context, accepted)
        return Decision(
            message, entry, _value(context), Receipt(message.source, message.id, message.subject, "accepted")
        )

    def _taken_over(self, message: Message, entry: CachedState, context: Context) -> "Decision | None":
        """The decision that was taken before, where it was taken on the same: neither state nor context nor message has changed.

        On the recorded time no decision depends, so its events may have another.
        """
        decision = self._before.get((message.source, message.id))
        if decision is None or decision.entry is not entry or decision.message != message:
            return None
        known = _value(context)
        recorded_at = decision.context.recorded_at
        if known._replace(recorded_at=recorded_at) != decision.context:
            return None
        if recorded_at == self.recorded_at:
            return decision
        made = self._stamped(decision.made)
        stored = [self.mapper.to_stored_event(recorded) for recorded in made]
        return decision._replace(context=known, made=made, stored=stored, history=None)

    def _stamped(self, made: Sequence[AnyRecorded]) -> list[AnyRecorded]:
        return [recorded.model_copy(update={"recorded_at": self.recorded_at}) for recorded in made]

    def _add(self, decision: "Decision") -> None:
        """Let the batch record what was decided."""
        message = decision.message
        key = message.source, message.id
        if decision.after is not None:
            self.events += decision.stored
            self._recorded_events += decision.made
            self.touched[message.subject] = decision.after
            if decision.history is not None:
                self.histories[message.subject] = decision.history
            if key in self.spellings.unsettled:
                self.spellings.accept(message)
        self.decisions[key] = decision

    def _recorded(self, message: Message, entry: CachedState, context: Context, accepted: Accepted) -> "Decision":
        state, version = entry.state, entry.head.version
        known = news(state, context, accepted.events)
        findings = accepted.findings or None
        made: list[AnyRecorded] = []
        names = []
        history: History | None = None
        for event in accepted.events:
            version += 1
            recorded = self.mapper.envelopes[type(event)](
                subject=message.subject,
                version=version,
                occurred_at=message.time,
                recorded_at=self.recorded_at,
                actor=f"{message.actor.role}:{message.actor.id}",
                source=message.source,
                message_id=message.id,
                correlation_id=message.correlation_id,
                causation_id=message.causation_id,
                traceparent=message.traceparent,
                known=known,
                findings=findings,
                data=event,
            )
            known = findings = None
            made.append(recorded)
            if isinstance(event, FactCorrected):
                # It changes what came before it.
                history = self._history_of(message.subject, entry.head.version).then(made)
                state = history.state
            else:
                state = evolve(state, recorded)
            names.append((type(event).__name__, version))
        return Decision(
            message,
            entry,
            _value(context),
            Receipt(message.source, message.id, message.subject, "accepted", tuple(names)),
            made,
            # Encoded here, so that what can't be stored is this message's problem alone.
            [self.mapper.to_stored_event(recorded) for recorded in made],
            # The hash follows at the append; until then only the version of the head counts.
            CachedState(state, Head(version, entry.head.hash), kept=entry.kept),
            history,
        )

    def _context(self, message: Message, entry: CachedState) -> Context:
        context = Context(message.actor, message.time, self.recorded_at)
        history = partial(self._history_of, message.subject, entry.head.version)
        return context_for(message.subject, entry.state, message.command, context, self, history)

    def _history_of(self, subject: str, version: int) -> History:
        """The history of a subject up to the version that is decided on: others may have written meanwhile."""
        before = self.histories.get(subject) or self._known(subject) or History()
        if before.version == version:
            return before
        if before.version > version:
            before = History()
        try:
            later = self._later(subject, before.version)
        except (UnknownEvent, DamagedEvent) as error:
            raise _Broken(f"an event of {subject} can't be read: {error}") from error
        recorded = {each.version: each for each in (*later, *self.recorded_of(subject))}
        history = before.then([recorded[each] for each in sorted(recorded) if before.version < each <= version])
        self.histories[subject] = history
        return history

    # --- what others say ---------------------------------------------------------------------------------------------
    def mentor(self, mentor_id: str) -> Mentor | None:
        """A mentor's state as far as this batch."""
        state = self._entry(f"mentor:{mentor_id}").state
        return state if isinstance(state, Mentor) else None

    def programme(self, programme_id: str) -> Programme | None:
        """A programme's state as far as this batch."""
        state = self._entry(f"programme:{programme_id}").state
        return state if isinstance(state, Programme) else None

    def relationship(self, subject: str) -> Relationship | None:
        """A relationship's state as far as this batch; None also where it can't be read."""
        state = self._state(subject)
        return state if isinstance(state, Relationship) else None

    def mentee_of(self, subject: str) -> str | None:
        """The mentee of an earlier relationship."""
        state = self._entry(subject).state
        return state.mentee_id if isinstance(state, Relationship) else None

    def mentor_load(self, mentor_id: str) -> int:
        """How many relationships of a mentor have not ended."""
        return len(self._relationships_of(mentor_id, open_only=True))

    def cases(self) -> Iterator[State | None]:
        """The state of every conduct case, those of this batch too."""
        named = self._cases() | {each for each in self.touched if each.startswith("case:")}
        return (self._entry(each).state for each in named)

    def _relationships_of(self, mentor_id: str, *, open_only: bool = False) -> set[str]:
        """A mentor's relationships, or those that have not ended: those on record, with what this batch says of them."""
        found = self._stored_relationships_of(mentor_id, open_only=open_only)
        return self.with_own(found, mentor_id, open_only=open_only)

    def with_own(self, found: set[str], mentor_id: str, *, open_only: bool) -> set[str]:
        """A mentor's relationships on record (or the open ones), brought up to the states that this batch leads to."""
        found = set(found)
        for subject, entry in self.touched.items():
            state = entry.state
            if isinstance(state, Relationship) and state.mentor_id == mentor_id:
                (found.discard if open_only and state.status == "terminated" else found.add)(subject)
        return found

    def _entry(self, subject: str) -> CachedState:
        entry = self.touched.get(subject) or self.read.get(subject)
        if entry is None:
            entry = self.read[subject] = self._load(subject)
        if entry.broken is not None:
            raise _Broken(entry.broken)
        return entry

    def _invalid(self, message: Message, *problems: Problem) -> Receipt:
        listed = form_problems.listed(problems, form_problems.MAX_PROBLEMS)
        return Receipt(message.source, message.id, message.subject, "invalid", (), listed)


class Decision(NamedTuple):
    """What was accepted of a message, and on what: the state of its subject before it, and what others said.

    `made` are its events, `stored` how they are stored, `after` is the state that they lead to, with `history` where a fact was
    corrected. The context is without the way to the subject's history, which leads to the batch: the batch would hold itself, and
    stay in memory with all that it recorded until somebody looks for cycles.
    """

    message: Message
    entry: CachedState
    context: Context
    receipt: Receipt
    made: Sequence[AnyRecorded] = ()
    stored: Sequence[StoredEvent] = ()
    after: CachedState | None = None
    history: History | None = None


def _value(context: Context) -> Context:
    """A context without the way to its subject's own history, which is a function and has no value."""
    return context._replace(history=tuple)


class _Broken(Exception):
    """A stream that the decision needs can't be read."""


def _put_back(into: dict[K, V], key: K, value: V | None) -> None:
    """Let an entry be as it was before; None says that there was none."""
    if value is None:
        into.pop(key, None)
    else:
        into[key] = value
