"""The one way in: messages are decided in memory on cached states and committed together, events with receipts and offsets.

Nobody is told `accepted` before the commit. When somebody else wrote first to a stream that the batch relied on, what
they wrote is read and the whole batch is decided again; a decision is never recorded on a state that has passed.

While a batch is under way in the store, the next may be decided, on the states to which that one leads. It is sent when
the one before has ended, and decided again first if that one came to nothing or to something else: the record reads as
if they had taken turns.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from domain.model import AnyRecorded
from domain.relationship.commands import ProposeRelationship
from domain.relationship.corrections import History
from domain.relationship.state import Relationship
from infra.clock import Clock
from infra.intake.batch import NOT_DECIDED, Batch, Key
from infra.intake.failure import Failure
from infra.intake.folding import fold_streams
from infra.intake.message import Message, parse
from infra.intake.pending_commit import PendingCommit, is_for_its_own_sake
from infra.intake.receipt import Receipt
from infra.intake.senders import EVERYBODY, Senders
from infra.intake.snapshots import Snapshots
from infra.intake.spelling import SpellingCache, Spellings
from infra.intake.state_cache import CachedState, StateCache
from infra.store.clocks import ClockMark
from infra.store.errors import Conflict, StoreError
from infra.store.hash_chain import Offset, ReceiptRow
from infra.store.histories import HistoryCache
from infra.store.log import EventStore

CACHE_BYTES: Final = 64 * 2**20
NOTHING: Final[Mapping[str, str]] = {}
NOTHING_FRESH: Final[Mapping[str, CachedState]] = {}
ATTEMPTS: Final = 50


class Handler:
    """Takes batches of messages. Threads may share it; they take turns. Its cache holds only what is committed."""

    def __init__(
        self, store: EventStore, clock: Clock, cache_bytes: int = CACHE_BYTES, senders: Senders = EVERYBODY
    ) -> None:
        self.store = store
        self.clock = clock
        self.senders = senders
        self.cache = StateCache(cache_bytes)
        self.snapshots = Snapshots(store)
        self.histories = HistoryCache()
        self.spellings = SpellingCache(store)
        self._position, self._recorded_at = store.latest()
        self._clocks = {mark.clock for mark in store.clocks()}
        self._turn = threading.Lock()
        self._pending: PendingCommit | None = None

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
            spellings, spelled = self._spelled([each for each in admitted if isinstance(each, Message)])
            batch = self._batch({}, {}, spellings, self.senders)
            mine = iter(spelled)
            return [each if isinstance(each, Receipt) else batch.turned_away(next(mine)) for each in admitted]

    def begin(self, given: Iterable[bytes | Message], *, offsets: Sequence[Offset] = ()) -> PendingCommit:
        """The same begun, where the database works by itself; the receipts have to be asked for. What was parsed before is taken too.

        Raises `StoreError` also when the batch under way fails: what came later must not overtake it.
        """
        parsed = (each if isinstance(each, Message) else parse(each) for each in given)
        admit = self._admitted
        return self._begin(
            [admit(each) if isinstance(each, Message) else each for each in parsed], offsets, self.senders
        )

    def handle_all(self, batches: Iterable[Iterable[bytes]]) -> Iterator[list[Receipt]]:
        """The receipts of each batch. While one is being committed the next is decided, so none should be long in coming.

        Raises what `handle` raises; then neither that batch nor any later one is recorded.
        """
        before: PendingCommit | None = None
        try:
            for raws in batches:
                commit = self.begin(raws)
                if before is not None:
                    yield before.receipts()
                before = commit
        except Exception:
            # Whatever it is, what is recorded is told.
            if before is not None:
                yield before.receipts()
            raise
        if before is not None:
            yield before.receipts()

    @property
    def position(self) -> int:
        """The position of the log up to which this handler knows it; what it has answered lies before."""
        return self._position

    def finish(self, commit: PendingCommit) -> None:
        """Wait for a commit, unless the one that began the next has done so."""
        with self._turn:
            if self._pending is commit:
                self._end(commit)

    def _begin(
        self, parsed: Sequence[Message | Receipt], offsets: Sequence[Offset], senders: Senders | None
    ) -> PendingCommit:
        commit = PendingCommit(parsed, offsets, senders, self.finish)
        with self._turn:
            self._decide_optimistically(commit)
            if (before := self._pending) is not None:
                changed = self._end(before)
                if before.error is not None:
                    raise StoreError(
                        f"nothing was recorded, for the batch before failed: {before.error}"
                    ) from before.error
                batch = commit.batch
                if not changed.isdisjoint(batch.read.keys() | batch.spellings.met):
                    self._decide_optimistically(commit)
                elif self._recorded_at is not None and batch.recorded_at < self._recorded_at:
                    batch.restamp(self._recorded_at)
            if not commit.detects_a_wrong_guess:
                self._decide(commit)
            self._send(commit)
            self._pending = commit
            if not self.store.database.overlaps:
                self._end(commit)
                if commit.error is not None:
                    raise commit.error
        return commit

    def _send(self, commit: PendingCommit) -> None:
        if commit.stores_something:
            self._mark_clock(commit.batch)
        commit.send(self.store, self._position)

    def _mark_clock(self, batch: Batch) -> None:
        if self.clock.kind not in self._clocks:
            self.store.leave_clock_mark(ClockMark(self.clock.kind, self._position, batch.now))
            self._clocks.add(self.clock.kind)

    def _end(self, commit: PendingCommit) -> set[str]:
        """Wait for a commit; where others wrote first, decide and send it again. What fails is kept in the commit.

        Returns the subjects whose states, and the ids whose first spellings, changed since the next batch read them.
        """
        self._pending = None
        commit.error = StoreError("the commit was interrupted; the messages may be sent again")
        changed: set[str] = set()
        try:
            try:
                self._wait(commit, changed)
            except Exception as error:
                if not is_for_its_own_sake(error):
                    raise
                self._commit_apart(commit, changed)
            commit.error = None
        except StoreError as error:
            commit.error = error
        return changed

    def _wait(self, commit: PendingCommit, changed: set[str]) -> None:
        """Wait for a commit, and add to the subjects whose states it changed.

        Raises:
            StoreError: The store can't commit.
        """
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                if commit.end is not None:
                    commit.end()
                break
            except Conflict:
                if not attempts_left:
                    raise
                changed.update(commit.batch.touched, commit.batch.spellings.new)
                changed.update(self._decide_if_needed(commit), commit.batch.touched, commit.batch.spellings.new)
                self._send(commit)
        changed |= commit.guard.changed
        self._remember(commit)

    def _commit_apart(self, commit: PendingCommit, changed: set[str]) -> None:
        """Commit each message of a batch by itself and the offsets last: what the store refuses in one harms no other.

        If this is interrupted, the messages recorded by then are answered as duplicates when they come again.
        """
        changed.update(commit.batch.touched, commit.batch.spellings.new)
        answers = [self._commit_alone(message, commit.senders, changed) for message in commit.messages]
        offsets = PendingCommit([], commit.offsets, None, self.finish)
        self._commit(offsets, changed)
        offsets.batch.answers = answers
        commit.decide(offsets.batch)

    def _commit_alone(self, message: Message, senders: Senders | None, changed: set[str]) -> Receipt:
        commit = PendingCommit([message], (), senders, self.finish)
        try:
            self._commit(commit, changed)
        except Exception as error:
            if not is_for_its_own_sake(error):
                raise
            failure = Failure.of(error, message.origin)
            failure.log()
            return failure.receipt(message.source, message.id, message.subject)
        changed.update(commit.batch.touched, commit.batch.spellings.new)
        return commit.answers[0]

    def _commit(self, commit: PendingCommit, changed: set[str]) -> None:
        """Decide, send and wait for a commit that no other is under way beside.

        Raises:
            StoreError: The store can't commit.
        """
        self._decide(commit)
        self._send(commit)
        self._wait(commit, changed)

    def _admitted(self, message: Message) -> Message | Receipt:
        """The message, or the receipt that refuses its sender, or that of a mistake of ours with it."""
        try:
            return self.senders.admit(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others' messages have nothing to do with it
            failure = Failure.of(error, message.origin)
            failure.log()
            return failure.receipt(message.source, message.id, message.subject)

    def _remember(self, commit: PendingCommit) -> None:
        """Keep the states of a batch that is committed, and forget those of which others wrote more meanwhile."""
        batch, guard = commit.batch, commit.guard
        self.spellings.keep(batch.spellings.new)
        self.cache.forget(guard.changed)
        for subject, entry in batch.read.items():
            if entry.broken is None and subject not in batch.touched:
                self.cache.put(subject, entry)
        for subject, entry in batch.touched.items():
            self.cache.put(subject, self.snapshots.kept_now(subject, entry._replace(head=commit.heads[subject])))
        self.snapshots.take(self.cache.take_gone())
        for subject, history in batch.histories.items():
            self.histories.put(subject, history)
        for failure in batch.failures:
            failure.log()
        if commit.end is not None:
            # Refusals count too: the commit has looked at what others recorded up to its position.
            self._recorded_at = batch.recorded_at
        # At the end: if this is interrupted before, the next batch looks from further back.
        self._position = guard.position

    def _decide_optimistically(self, commit: PendingCommit) -> None:
        """Decide as if nobody else had written and no message had been answered before, which saves a database check.

        The commit finds out otherwise: see `PendingCommit.detects_a_wrong_guess`.
        """
        commit.decide(self._decided(commit.messages, {}, commit.senders))

    def _decide(self, commit: PendingCommit) -> set[str]:
        """Decide knowing which messages were answered before and who wrote since; returns the subjects that others wrote to."""
        changed, answered = self._news(commit)
        commit.decide(self._decided(commit.messages, answered, commit.senders))
        return changed

    def _decide_if_needed(self, commit: PendingCommit) -> set[str]:
        """The same for what was decided and not stored: where what others wrote makes no difference, the decision stands."""
        changed, answered = self._news(commit)
        before = commit.batch
        fresh = fold_streams(self.store, changed & before.read.keys())
        for subject, entry in fresh.items():
            self.cache.put(subject, entry)
        commit.decide(self._decided(commit.messages, answered, commit.senders, before, fresh))
        return changed

    def _news(self, commit: PendingCommit) -> tuple[set[str], Mapping[Key, ReceiptRow]]:
        """Take up what is recorded by now: the subjects that others wrote to, and the messages that were answered before."""
        keys: set[Key] = {(message.source, message.id) for message in commit.messages}
        position, recorded_at, changed, answered = self.store.news(self._position, keys)
        self.cache.forget(changed)
        self._recorded_at = _latest(self._recorded_at, recorded_at)
        self._position = position
        return changed, answered

    def _decided(
        self,
        messages: Sequence[Message],
        answered: Mapping[Key, ReceiptRow],
        senders: Senders | None,
        before: Batch | None = None,
        fresh: Mapping[str, CachedState] = NOTHING_FRESH,
    ) -> Batch:
        """The batch that decides these messages; `before` is one that did, with `fresh` of what others wrote to since."""
        spellings, spelled = self._spelled(messages)
        # What was answered before needs no state, unless its programme has to be known.
        everything = (senders is not None and senders.limits_programmes) or any(
            each.programmes is not None for each in spelled
        )
        new = [each for each in spelled if everything or (each.source, each.id) not in answered]
        read = {} if before is None else {**before.read, **fresh}
        self._fetch_all(new, read)
        batch = self._batch(read, answered, spellings, senders, before)
        batch.answers = [batch.answer(message) for message in spelled]
        return batch

    def _spelled(self, messages: Sequence[Message]) -> tuple[Spellings, list[Message]]:
        ahead = self._pending.batch.spellings.new if self._pending is not None else NOTHING
        return self.spellings.settle(messages, ahead)

    def _batch(
        self,
        read: dict[str, CachedState],
        answered: Mapping[Key, ReceiptRow],
        spellings: Spellings,
        senders: Senders | None,
        before: Batch | None = None,
    ) -> Batch:
        limits = senders if senders is not None and senders.limits_programmes else None
        now = self.clock.now() if before is None else before.now
        return Batch(
            self.store.mapper,
            now,
            self._recorded_time(now),
            read,
            self._load,
            self._later,
            self._known_history,
            self._relationships_of,
            self.store.cases,
            answered,
            spellings,
            limits,
            NOT_DECIDED if before is None else before.decisions,
        )

    def _recorded_time(self, now: datetime) -> datetime:
        """When a batch that is decided now is recorded: a clock that is behind the log records at the log's latest time."""
        under_way = self._pending.batch.recorded_at if self._pending is not None else None
        return max(time for time in (now, self._recorded_at, under_way) if time is not None)

    def _fetch_all(self, messages: Sequence[Message], read: dict[str, CachedState]) -> None:
        """Add what these messages are decided on and is not read yet."""
        self._fetch({message.subject for message in messages} - read.keys(), read)
        further: set[str] = set()
        for message in messages:
            state, command = read[message.subject].state, message.command
            of: Relationship | ProposeRelationship
            if isinstance(state, Relationship):
                of = state
            elif isinstance(command, ProposeRelationship):
                of = command
                further |= {command.follows} if command.follows is not None else set()
            else:
                continue
            further.add(f"mentor:{of.mentor_id}")
            further.add(f"programme:{of.programme_id}")
        self._fetch(further - read.keys(), read)

    def _fetch(self, subjects: Iterable[str], into: dict[str, CachedState]) -> None:
        missing = []
        for subject in subjects:
            if entry := self._known(subject):
                into[subject] = entry
            else:
                missing.append(subject)
        if missing:
            into.update(fold_streams(self.store, missing))

    def _load(self, subject: str) -> CachedState:
        return self._known(subject) or fold_streams(self.store, [subject])[subject]

    def _later(self, subject: str, version: int) -> list[AnyRecorded]:
        """The events of a subject after a version, those under way too: what is stored already may be among them."""
        ahead = self._pending.batch.recorded_of(subject) if self._pending is not None else []
        return [*self.store.read(subject, version), *ahead]

    def _known_history(self, subject: str) -> History | None:
        ahead = self._pending.batch.histories.get(subject) if self._pending is not None else None
        return ahead or self.histories.get(subject)

    def _relationships_of(self, mentor_id: str, *, open_only: bool) -> set[str]:
        """The relationships of a mentor, or those that have not ended, with those of the batch under way."""
        found = self.store.relationships_of(mentor_id, open_only=open_only)
        return found if self._pending is None else self._pending.batch.with_own(found, mentor_id, open_only=open_only)

    def _known(self, subject: str) -> CachedState | None:
        """What the batch under way says comes first: it may not be committed yet, but what follows it comes after it."""
        ahead = self._pending.entry(subject) if self._pending is not None else None
        return ahead or self.cache.get(subject)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)
