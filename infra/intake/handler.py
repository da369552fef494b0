"""The one way in: messages are decided in memory on cached states and committed together, events with receipts and offsets.

Nobody is told `accepted` before the commit. When somebody else wrote first to a stream that the batch relied on, what
they wrote is read and the whole batch is decided again; a decision is never recorded on a state that has passed.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from domain.relationship.commands import ProposeRelationship
from domain.relationship.state import Relationship
from infra.clock import Clock
from infra.eventstore.failure import Conflict
from infra.eventstore.recording import Guard, Head, Offset
from infra.eventstore.store import EventStore
from infra.intake.batch import Batch, Key
from infra.intake.cache import Entry, StateCache
from infra.intake.folding import fold_streams
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt

CACHE_SIZE: Final = 4000
ATTEMPTS: Final = 50


class Handler:
    """Takes batches of messages. Threads may share it; they take turns."""

    def __init__(self, store: EventStore, clock: Clock, cache_size: int = CACHE_SIZE) -> None:
        self.store = store
        self.clock = clock
        self.cache = StateCache(cache_size)
        self._position = store.head()
        self._turn = threading.Lock()

    def handle(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The receipts of these messages, in order, committed with the offsets of their sources.

        Raises `StoreError` when the store can't commit: then nothing of the batch is recorded and it may come again;
        `FencedSource` when an offset was taken by a newer consumer.
        """
        return self._handle([parse(raw) for raw in raws], offsets)

    def handle_messages(self, messages: Sequence[Message], *, offsets: Sequence[Offset] = ()) -> list[Receipt]:
        """The same for messages made inside Rapport (`infra.intake.message.compose`)."""
        return self._handle(messages, offsets)

    def _handle(self, parsed: Sequence[Message | Receipt], offsets: Sequence[Offset]) -> list[Receipt]:
        messages = [message for message in parsed if isinstance(message, Message)]
        with self._turn:
            for attempt in range(ATTEMPTS):
                batch = self._prepared(messages) if attempt else self._supposed(messages)
                answers = [batch.answer(message) for message in messages]
                if attempt == 0 and not _would_tell(batch, answers):
                    continue
                try:
                    self._commit(batch, offsets)
                except Conflict:
                    if attempt == ATTEMPTS - 1:
                        raise
                else:
                    decided = iter(answers)
                    return [next(decided) if isinstance(each, Message) else each for each in parsed]
        raise AssertionError

    def _supposed(self, messages: Sequence[Message]) -> Batch:
        """A batch on the supposition that nobody else wrote and no message was answered before, which saves a look.

        The commit tells otherwise: by its guard, and because a receipt is kept only once.
        """
        return Batch(self.store.mapper, self.clock.now(), self._entries(messages), self._load, {})

    def _prepared(self, messages: Sequence[Message]) -> Batch:
        """A batch that knows which messages were answered before and has the streams that it will need."""
        keys: set[Key] = {(message.source, message.id) for message in messages}
        self._position, changed, answered = self.store.news(self._position, keys)
        self.cache.forget(changed)
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
            into.update(fold_streams(self.store, missing))

    def _load(self, subject: str) -> Entry:
        return fold_streams(self.store, [subject])[subject]

    def _commit(self, batch: Batch, offsets: Sequence[Offset]) -> None:
        heads: dict[str, Head] = {subject: batch.read[subject].head for subject in batch.touched}
        if batch.rows or offsets:
            guard = Guard(self._position, batch.read.keys())
            rows = list(batch.rows.values())
            self.store.append_stored(batch.events, heads=heads, receipts=rows, offsets=offsets, guard=guard)
            self.cache.forget(guard.changed)
            self._position = guard.position
        for subject, entry in batch.read.items():
            if entry.broken is None and subject not in batch.touched:
                self.cache.put(subject, entry)
        for subject, entry in batch.touched.items():
            self.cache.put(subject, Entry(entry.state, heads[subject]))


def _would_tell(batch: Batch, answers: Sequence[Receipt]) -> bool:
    """Whether the commit of a batch would find out that a supposition was wrong: not where it keeps no receipt."""
    return bool(batch.rows) and all(answer.status != "invalid" for answer in answers)
