"""The one way in: messages are decided in memory on cached states and committed together, events with receipts and offsets.

Nobody is told `accepted` before the commit. When somebody else wrote first to a stream that the batch relied on, what
they wrote is read and the whole batch is decided again; a decision is never recorded on a state that has passed.

While a batch is under way in the store, the next may be decided, on the states to which that one leads. It is sent when
the one before has ended, and decided again first if that one came to nothing or to something else: the record reads as
if they had taken turns.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from domain.relationship.commands import ProposeRelationship
from domain.relationship.state import Relationship
from infra.clock import Clock
from infra.eventstore.failure import Conflict, StoreError
from infra.eventstore.recording import Guard, Head, Offset
from infra.eventstore.store import EventStore
from infra.intake.batch import Batch, Key
from infra.intake.cache import Entry, StateCache
from infra.intake.folding import fold_streams
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt

CACHE_SIZE: Final = 4000
ATTEMPTS: Final = 50


class UnderWay:
    """A batch that was decided and sent to the store."""

    def __init__(self, handler: "Handler", parsed: Sequence[Message | Receipt], offsets: Sequence[Offset]) -> None:
        self.handler = handler
        self.parsed = parsed
        self.messages = [message for message in parsed if isinstance(message, Message)]
        self.offsets = offsets
        self.batch: Batch
        self.answers: list[Receipt]
        self.heads: dict[str, Head]
        self.guard: Guard
        self.commit: Callable[[], object] | None
        self.error: Exception | None = None

    def receipts(self) -> list[Receipt]:
        """Wait for the commit; the receipts of the messages, in order. Raises what `Handler.handle` raises."""
        self.handler.finish(self)
        self.check()
        decided = iter(self.answers)
        return [next(decided) if isinstance(each, Message) else each for each in self.parsed]

    def check(self) -> None:
        """Raise what became of the commit if it failed."""
        if self.error is not None:
            raise self.error

    def decide(self, batch: Batch) -> None:
        """Answer the messages by a batch that has read what they need."""
        self.batch = batch
        self.answers = [batch.answer(message) for message in self.messages]


class Handler:
    """Takes batches of messages. Threads may share it; they take turns."""

    def __init__(self, store: EventStore, clock: Clock, cache_size: int = CACHE_SIZE) -> None:
        self.store = store
        self.clock = clock
        self.cache = StateCache(cache_size)
        self._position = store.head()
        self._turn = threading.Lock()
        self._under_way: UnderWay | None = None
        # Subjects whose states turned out wrong while the batch in hand was decided.
        self._outdated: set[str] = set()

    def handle(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The receipts of these messages, in order, committed with the offsets of their sources.

        Raises `StoreError` when the store can't commit: then nothing of the batch is recorded and it may come again;
        `FencedSource` when an offset was taken by a newer consumer.
        """
        return self.begin(raws, offsets=offsets).receipts()

    def handle_messages(self, messages: Sequence[Message], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The same for messages made inside Rapport (`infra.intake.message.compose`)."""
        return self._begin(messages, offsets).receipts()

    def begin(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> UnderWay:
        """The same begun, where the database works by itself; the receipts have to be asked for.

        Raises `StoreError` also when the batch under way fails: what came later must not overtake it.
        """
        return self._begin([parse(raw) for raw in raws], offsets)

    def handle_all(self, batches: Iterable[Iterable[bytes]]) -> Iterator[list[Receipt]]:
        """The receipts of each batch. While one is being committed the next is decided, so none should be long in coming.

        Raises what `handle` raises; then neither that batch nor any later one is recorded.
        """
        before: UnderWay | None = None
        for raws in batches:
            try:
                work = self.begin(raws)
            except StoreError:
                if before is not None:
                    yield before.receipts()
                raise
            if before is not None:
                yield before.receipts()
            before = work
        if before is not None:
            yield before.receipts()

    def finish(self, work: UnderWay) -> None:
        """Wait for the commit of a batch, unless whoever began the next one has done so."""
        with self._turn:
            if self._under_way is work:
                self._end(work)

    def _begin(self, parsed: Sequence[Message | Receipt], offsets: Sequence[Offset]) -> UnderWay:
        work = UnderWay(self, parsed, offsets)
        with self._turn:
            self._outdated.clear()
            work.decide(self._supposed(work.messages))
            if self._under_way is not None:
                self._end(self._under_way).check()
            if not self._outdated.isdisjoint(work.batch.read):
                work.decide(self._supposed(work.messages))
            if not _would_tell(work.batch, work.answers):
                work.decide(self._prepared(work.messages))
            self._send(work)
            self._under_way = work
            if self.store.database.overlaps:
                self._keep(work)
            else:
                self._end(work).check()
        return work

    def _send(self, work: UnderWay) -> None:
        batch = work.batch
        work.heads = {subject: batch.read[subject].head for subject in batch.touched}
        work.guard = Guard(self._position, batch.read.keys())
        work.commit = None
        if batch.rows or work.offsets:
            rows = list(batch.rows.values())
            work.commit = self.store.begin_append(
                batch.events, heads=work.heads, receipts=rows, offsets=work.offsets, guard=work.guard
            )

    def _end(self, work: UnderWay) -> UnderWay:
        """Wait for a commit; where others wrote first, decide and send again. What fails is kept for whoever began it."""
        self._under_way = None
        work.error = StoreError("the commit was interrupted; the messages may be sent again")
        try:
            for attempts_left in reversed(range(ATTEMPTS)):
                try:
                    self._commit(work)
                    break
                except Conflict:
                    if not attempts_left:
                        raise
                    self._forget(work.batch.touched)
                    work.decide(self._prepared(work.messages))
                    self._outdated.update(work.batch.touched)
                    self._send(work)
            work.error = None
        except StoreError as error:
            self._forget(work.batch.touched)
            work.error = error
        return work

    def _commit(self, work: UnderWay) -> None:
        if work.commit is not None:
            work.commit()
        self._forget(work.guard.changed)
        self._position = work.guard.position
        self._keep(work)

    def _keep(self, work: UnderWay) -> None:
        """Remember the states to which a batch leads."""
        batch = work.batch
        for subject, entry in batch.read.items():
            if entry.broken is None and subject not in batch.touched:
                self.cache.put(subject, entry)
        for subject, entry in batch.touched.items():
            self.cache.put(subject, Entry(entry.state, work.heads[subject]))

    def _forget(self, subjects: Collection[str]) -> None:
        """What is known of these subjects doesn't hold any more, or never did."""
        self.cache.forget(subjects)
        self._outdated.update(subjects)

    def _supposed(self, messages: Sequence[Message]) -> Batch:
        """A batch on the supposition that nobody else wrote and no message was answered before, which saves a look.

        The commit tells otherwise: by its guard, and because a receipt is kept only once.
        """
        return Batch(self.store.mapper, self.clock.now(), self._entries(messages), self._load, {})

    def _prepared(self, messages: Sequence[Message]) -> Batch:
        """A batch that knows which messages were answered before and has the streams that it will need."""
        keys: set[Key] = {(message.source, message.id) for message in messages}
        self._position, changed, answered = self.store.news(self._position, keys)
        self._forget(changed)
        # What was answered before needs no state.
        read = self._entries([m for m in messages if (m.source, m.id) not in answered])
        return Batch(self.store.mapper, self.clock.now(), read, self._load, answered)

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
            if entry := self.cache.get(subject):
                into[subject] = entry
            else:
                missing.append(subject)
        if missing:
            into.update(self._read(missing))

    def _load(self, subject: str) -> Entry:
        return self._read([subject])[subject]

    def _read(self, subjects: Collection[str]) -> dict[str, Entry]:
        if self._under_way is not None:
            # Of what it changes, there is no telling yet on which side of the change this reading is.
            self._outdated.update(self._under_way.batch.touched.keys() & set(subjects))
        return fold_streams(self.store, subjects)


def _would_tell(batch: Batch, answers: Sequence[Receipt]) -> bool:
    """Whether the commit of a batch would find out that a supposition was wrong: not where it keeps no receipt."""
    return bool(batch.rows) and all(answer.status != "invalid" for answer in answers)
