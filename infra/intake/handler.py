"""The one way in: messages are decided in memory on cached states and committed together, events with receipts and offsets.

Nobody is told `accepted` before the commit. When somebody else wrote first to a stream that the batch relied on, what
they wrote is read and the whole batch is decided again; a decision is never recorded on a state that has passed.

While a batch is under way in the store, the next may be decided, on the states to which that one leads. It is sent when
the one before has ended, and decided again first if that one came to nothing or to something else: the record reads as
if they had taken turns.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from domain.model import AnyRecorded
from domain.relationship.commands import ProposeRelationship
from domain.relationship.state import Relationship
from infra.clock import Clock
from infra.intake.batch import Batch, Key
from infra.intake.failure import Failure
from infra.intake.folding import fold_streams
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.intake.senders import EVERYBODY, Senders
from infra.intake.spelling import SpellingCache, Spellings
from infra.intake.state_cache import Entry, StateCache
from infra.store.clocks import ClockMark
from infra.store.errors import Conflict, StoreError, Unstorable
from infra.store.hash_chain import Guard, Head, Offset, ReceiptRow
from infra.store.log import EventStore

CACHE_SIZE: Final = 4000
NOTHING: Final[Mapping[str, str]] = {}
ATTEMPTS: Final = 50


class Decided(NamedTuple):
    """Messages decided: what to write, and the receipt of each."""

    batch: Batch
    answers: list[Receipt]


class Sent(NamedTuple):
    """A commit under way: the heads it leads to, what it relies on, and how to wait for its end (None: nothing to write)."""

    heads: dict[str, Head]
    guard: Guard
    end: Callable[[], object] | None


class UnderWay:
    """A batch that was decided and sent to the store."""

    def __init__(
        self,
        handler: "Handler",
        parsed: Sequence[Message | Receipt],
        offsets: Sequence[Offset],
        decided: Decided,
        sent: Sent,
        senders: Senders | None,
    ) -> None:
        self.handler = handler
        self.senders = senders
        self.parsed = parsed
        self.offsets = offsets
        self.decided = decided
        self.sent = sent
        self.error: Exception | None = None

    def receipts(self) -> list[Receipt]:
        """Wait for the commit; the receipts of the messages, in order. Raises what `Handler.handle` raises."""
        self.handler.finish(self)
        if self.error is not None:
            raise self.error
        decided = iter(self.decided.answers)
        return [next(decided) if isinstance(each, Message) else each for each in self.parsed]

    def known(self, subject: str) -> Entry | None:
        """The state to which this batch leads, or on which it relies."""
        batch = self.decided.batch
        if entry := batch.touched.get(subject):
            return Entry(entry.state, self.sent.heads[subject])
        return batch.read.get(subject)


class Handler:
    """Takes batches of messages. Threads may share it; they take turns. Its cache holds only what is committed."""

    def __init__(
        self, store: EventStore, clock: Clock, cache_size: int = CACHE_SIZE, senders: Senders = EVERYBODY
    ) -> None:
        self.store = store
        self.clock = clock
        self.senders = senders
        self.cache = StateCache(cache_size)
        self.spellings = SpellingCache(store)
        self._position, self._recorded_at = store.latest()
        self._clocks = {mark.clock for mark in store.clocks()}
        self._turn = threading.Lock()
        self._under_way: UnderWay | None = None

    def handle(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The receipts of these messages, in order, committed with the offsets of their sources.

        Raises `StoreError` when the store can't commit: then nothing of the batch is recorded and it may come again;
        `FencedSource` when an offset was taken by a newer consumer.
        """
        return self.begin(raws, offsets=offsets).receipts()

    def handle_messages(self, messages: Sequence[Message], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The same for messages that were parsed where they came in."""
        return self._begin([self._admitted(each) for each in messages], offsets, self.senders).receipts()

    def handle_own(self, messages: Sequence[Message]) -> list[Receipt]:
        """The same for messages of Rapport's own workers (`infra.intake.message.compose`), whose sender is not checked."""
        return self._begin(messages, (), None).receipts()

    def turned_away(self, messages: Sequence[Message]) -> list[Receipt | None]:
        """The receipt of each message that is refused for its sender, as things are now; nothing is recorded."""
        with self._turn:
            admitted = [self._admitted(message) for message in messages]
            spellings, spelled = self._spelled(_well_formed(admitted))
            batch = self._batch({}, {}, spellings, self.senders)
            mine = iter(spelled)
            return [each if isinstance(each, Receipt) else batch.turned_away(next(mine)) for each in admitted]

    def begin(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> UnderWay:
        """The same begun, where the database works by itself; the receipts have to be asked for.

        Raises `StoreError` also when the batch under way fails: what came later must not overtake it.
        """
        parsed = (parse(raw) for raw in raws)
        admit = self._admitted
        return self._begin(
            [admit(each) if isinstance(each, Message) else each for each in parsed], offsets, self.senders
        )

    def handle_all(self, batches: Iterable[Iterable[bytes]]) -> Iterator[list[Receipt]]:
        """The receipts of each batch. While one is being committed the next is decided, so none should be long in coming.

        Raises what `handle` raises; then neither that batch nor any later one is recorded.
        """
        before: UnderWay | None = None
        try:
            for raws in batches:
                work = self.begin(raws)
                if before is not None:
                    yield before.receipts()
                before = work
        except Exception:
            # Whatever it is, what is recorded is told.
            if before is not None:
                yield before.receipts()
            raise
        if before is not None:
            yield before.receipts()

    def finish(self, work: UnderWay) -> None:
        """Wait for the commit of a batch, unless whoever began the next one has done so."""
        with self._turn:
            if self._under_way is work:
                self._end(work)

    def _begin(
        self, parsed: Sequence[Message | Receipt], offsets: Sequence[Offset], senders: Senders | None
    ) -> UnderWay:
        messages = _well_formed(parsed)
        with self._turn:
            decided = self._supposed(messages, senders)
            if (before := self._under_way) is not None:
                changed = self._end(before)
                if before.error is not None:
                    raise StoreError(
                        f"nothing was recorded, for the batch before failed: {before.error}"
                    ) from before.error
                relied = decided.batch.read.keys() | decided.batch.spellings.met
                if not changed.isdisjoint(relied):
                    decided = self._supposed(messages, senders)
                elif self._recorded_at is not None and decided.batch.recorded_at < self._recorded_at:
                    decided.batch.restamp(self._recorded_at)
            if not _would_tell(decided):
                decided, _ = self._prepared(messages, senders)
            sent = self._send(decided, offsets)
            work = self._under_way = UnderWay(self, parsed, offsets, decided, sent, senders)
            if not self.store.database.overlaps:
                self._end(work)
                if work.error is not None:
                    raise work.error
        return work

    def _send(self, decided: Decided, offsets: Sequence[Offset]) -> Sent:
        batch = decided.batch
        heads = {subject: batch.read[subject].head for subject in batch.touched}
        guard = Guard(self._position, batch.read.keys(), batch.recorded_at, batch.restamp)
        if not batch.rows and not offsets:
            return Sent(heads, guard, None)
        self._mark_clock(batch)
        rows = list(batch.rows.values())
        end: Callable[[], object]
        try:
            end = self.store.begin_append(
                batch.events,
                heads=heads,
                receipts=rows,
                spellings=batch.spellings.rows(),
                offsets=offsets,
                guard=guard,
            )
        except Exception as error:
            if not _is_for_its_own_sake(error):
                raise
            end = partial(_fail, error)
        return Sent(heads, guard, end)

    def _mark_clock(self, batch: Batch) -> None:
        if self.clock.kind not in self._clocks:
            self.store.leave_clock_mark(ClockMark(self.clock.kind, self._position, batch.now))
            self._clocks.add(self.clock.kind)

    def _end(self, work: UnderWay) -> set[str]:
        """Wait for a commit; where others wrote first, decide and send again. What fails is kept for whoever began it.

        Gives the subjects whose states, and the ids whose first spellings, are others than whoever looked while it was
        under way has seen.
        """
        self._under_way = None
        work.error = StoreError("the commit was interrupted; the messages may be sent again")
        changed: set[str] = set()
        try:
            try:
                self._commit(work, changed)
            except Exception as error:
                if not _is_for_its_own_sake(error):
                    raise
                self._apart(work, changed)
            work.error = None
        except StoreError as error:
            work.error = error
        return changed

    def _commit(self, work: UnderWay, changed: set[str]) -> None:
        """Wait for a commit, and add to the subjects whose states it changed. Raises what the store raises."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                if work.sent.end is not None:
                    work.sent.end()
                break
            except Conflict:
                if not attempts_left:
                    raise
                changed.update(work.decided.batch.touched, work.decided.batch.spellings.new)
                work.decided, news = self._prepared(_well_formed(work.parsed), work.senders)
                changed.update(news, work.decided.batch.touched, work.decided.batch.spellings.new)
                work.sent = self._send(work.decided, work.offsets)
        changed |= work.sent.guard.changed
        self._remember(work)

    def _apart(self, work: UnderWay, changed: set[str]) -> None:
        """Commit each message of a batch by itself and the offsets last: what the store refuses in one harms no other.

        Whoever is interrupted in between finds what is recorded answered as a duplicate.
        """
        changed.update(work.decided.batch.touched, work.decided.batch.spellings.new)
        answers = [self._alone(message, work.senders, changed) for message in _well_formed(work.parsed)]
        rest = self._sent([], work.offsets, None)
        self._commit(rest, changed)
        work.decided, work.sent = Decided(rest.decided.batch, answers), rest.sent

    def _alone(self, message: Message, senders: Senders | None, changed: set[str]) -> Receipt:
        try:
            work = self._sent([message], (), senders)
            self._commit(work, changed)
        except Exception as error:
            if not _is_for_its_own_sake(error):
                raise
            failure = Failure.of(error, message.origin)
            failure.log()
            return failure.receipt(message.source, message.id, message.subject)
        changed.update(work.decided.batch.touched, work.decided.batch.spellings.new)
        return work.decided.answers[0]

    def _sent(self, messages: Sequence[Message], offsets: Sequence[Offset], senders: Senders | None) -> UnderWay:
        decided, _ = self._prepared(messages, senders)
        return UnderWay(self, messages, offsets, decided, self._send(decided, offsets), senders)

    def _admitted(self, message: Message) -> Message | Receipt:
        """The message, or the receipt that refuses its sender, or that of a mistake of ours with it."""
        try:
            return self.senders.admit(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others' messages have nothing to do with it
            failure = Failure.of(error, message.origin)
            failure.log()
            return failure.receipt(message.source, message.id, message.subject)

    def _remember(self, work: UnderWay) -> None:
        """Keep the states of a batch that is committed, and forget those of which others wrote more meanwhile."""
        batch, guard = work.decided.batch, work.sent.guard
        self.spellings.keep(batch.spellings.new)
        self.cache.forget(guard.changed)
        for subject, entry in batch.read.items():
            if entry.broken is None and subject not in batch.touched:
                self.cache.put(subject, entry)
        for subject, entry in batch.touched.items():
            self.cache.put(subject, Entry(entry.state, work.sent.heads[subject]))
        for failure in batch.failures:
            failure.log()
        if work.sent.end is not None:
            # Refusals count too: the commit has looked at what others recorded up to its position.
            self._recorded_at = batch.recorded_at
        # At the end: whoever is interrupted before looks from further back the next time.
        self._position = guard.position

    def _supposed(self, messages: Sequence[Message], senders: Senders | None) -> Decided:
        """Decided on the supposition that nobody else wrote and no message was answered before, which saves a look.

        The commit tells otherwise: by its guard, and because a receipt is kept only once.
        """
        return self._decided(messages, {}, senders)

    def _prepared(self, messages: Sequence[Message], senders: Senders | None) -> tuple[Decided, set[str]]:
        """Decided knowing which messages were answered before and who wrote since; the subjects that others wrote to."""
        keys: set[Key] = {(message.source, message.id) for message in messages}
        position, recorded_at, changed, answered = self.store.news(self._position, keys)
        self.cache.forget(changed)
        self._recorded_at = _latest(self._recorded_at, recorded_at)
        self._position = position
        return self._decided(messages, answered, senders), changed

    def _decided(
        self, messages: Sequence[Message], answered: Mapping[Key, ReceiptRow], senders: Senders | None
    ) -> Decided:
        spellings, spelled = self._spelled(messages)
        # What was answered before needs no state, unless its programme has to be known.
        everything = senders is not None and senders.limits_programmes
        new = [each for each in spelled if everything or (each.source, each.id) not in answered]
        batch = self._batch(self._entries(new), answered, spellings, senders)
        return Decided(batch, [batch.answer(message) for message in spelled])

    def _spelled(self, messages: Sequence[Message]) -> tuple[Spellings, list[Message]]:
        ahead = self._under_way.decided.batch.spellings.new if self._under_way is not None else NOTHING
        return self.spellings.settle(messages, ahead)

    def _batch(
        self, read: dict[str, Entry], answered: Mapping[Key, ReceiptRow], spellings: Spellings, senders: Senders | None
    ) -> Batch:
        limits = senders if senders is not None and senders.limits_programmes else None
        now = self.clock.now()
        recorded_at = self._recorded_time(now)
        return Batch(self.store.mapper, now, recorded_at, read, self._load, self._history, answered, spellings, limits)

    def _recorded_time(self, now: datetime) -> datetime:
        """When a batch that is decided now is recorded: a clock that is behind the log records at the log's latest time."""
        under_way = self._under_way.decided.batch.recorded_at if self._under_way is not None else None
        return max(time for time in (now, self._recorded_at, under_way) if time is not None)

    def _entries(self, messages: Sequence[Message]) -> dict[str, Entry]:
        read: dict[str, Entry] = {}
        self._fetch({message.subject for message in messages}, read)
        further = set()
        for message in messages:
            state, command = read[message.subject].state, message.command
            of: Relationship | ProposeRelationship
            if isinstance(state, Relationship):
                of = state
            elif isinstance(command, ProposeRelationship):
                of = command
            else:
                continue
            further.add(f"mentor:{of.mentor_id}")
            further.add(f"programme:{of.programme_id}")
        self._fetch(further - read.keys(), read)
        return read

    def _fetch(self, subjects: Iterable[str], into: dict[str, Entry]) -> None:
        missing = []
        for subject in subjects:
            if entry := self._known(subject):
                into[subject] = entry
            else:
                missing.append(subject)
        if missing:
            into.update(fold_streams(self.store, missing))

    def _load(self, subject: str) -> Entry:
        return self._known(subject) or fold_streams(self.store, [subject])[subject]

    def _history(self, subject: str) -> list[AnyRecorded]:
        """The events of a subject, those under way too: what is stored already may be among them."""
        ahead = self._under_way.decided.batch.recorded_of(subject) if self._under_way is not None else []
        return [*self.store.read(subject), *ahead]

    def _known(self, subject: str) -> Entry | None:
        """What the batch under way says comes first: it may not be committed yet, but what follows it comes after it."""
        ahead = self._under_way.known(subject) if self._under_way is not None else None
        return ahead or self.cache.get(subject)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _well_formed(parsed: Sequence[Message | Receipt]) -> list[Message]:
    return [each for each in parsed if isinstance(each, Message)]


def _would_tell(decided: Decided) -> bool:
    """Whether the commit of a batch would find out that a supposition was wrong: not where it keeps no receipt."""
    return bool(decided.batch.rows) and all(answer.status != "invalid" for answer in decided.answers)


def _is_for_its_own_sake(error: Exception) -> bool:
    """Whether a commit failed for what was to be stored, and not because the store can do nothing at all just now."""
    return isinstance(error, Unstorable) or not isinstance(error, StoreError | MemoryError | OSError)


def _fail(error: Exception) -> None:
    raise error
