"""One process's turn at the work: read the log, let deadlines fire, send what waits, for the keys that this process holds.

Processes that share the work hold some partitions of the keys each (`infra.store.partitions`). One that repairs, walks, or introduces
a new worker holds them all.

In a turn what waits in the outbox is sent first, then the next events of the log are seen, and only when nothing was sent and the
end of the log is reached do deadlines fire. So whatever follows from an event or a deadline is on record and has been
seen before time goes on. What a turn did is written in one transaction, under the lease. Where partitions have come
to different positions, after some were taken over, those that are behind catch up first.
"""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import sample
from time import monotonic
from typing import Final

from domain.model import AnyRecorded
from domain.relationship.events import FactCorrected
from infra.intake.handler import Handler
from infra.store.errors import DamagedEvent, FencedSource, UnknownEvent
from infra.store.log import EventStore, LoggedEvent
from infra.store.partitions import COUNT, Held, Level, Share, among, take_all
from infra.store.session import Database, StoreSession, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.desk import EVERYBODY, KEPT_KEYS, Parked, StoredDesk
from infra.worker_runtime.elsewhere import own_topics
from infra.worker_runtime.horizon import Horizon, last_turned_to
from infra.worker_runtime.journal import Delivery, Rows, StoredNumbers
from infra.worker_runtime.outbox import Answers, Commands
from infra.worker_runtime.repair import rebuild, unknown
from workers.catalogue import WORKERS
from workers.desk import Trigger
from workers.model import AnyWorker, Send
from workers.timeline import ring, take

BATCH: Final = 500
# Deadlines of so many batches fire in one transaction: what many write at once touches each page of the database less often.
BATCHES_FIRED: Final = 4
# A process looks so often whether it holds its share, or as often as three times in a lease.
LOOK_SECONDS: Final = 1.0
CORRECTED: Final = FactCorrected.__name__


@dataclass
class Tally:
    """What a runner did so far: events seen, deadlines fired, commands sent, and how those were answered."""

    events: int = 0
    deadlines: int = 0
    commands: int = 0
    answers: Answers = field(default_factory=Answers)

    def __str__(self) -> str:
        counted = f"{self.events} events seen, {self.deadlines} deadlines fired, {self.commands} commands sent"
        return f"{counted}: {self.answers}" if self.commands else counted


class Runner:
    """The workers of one process. Not for several threads at once."""

    def __init__(
        self,
        store: EventStore,
        handler: Handler,
        horizon: Horizon,
        *,
        workers: Sequence[AnyWorker] = WORKERS,
        batch: int = BATCH,
        lease_seconds: float = 10.0,
        mute: bool = False,
        shares: bool = False,
    ) -> None:
        """`mute`: notifications are kept and not sent. `shares`: other processes may work on other keys meanwhile."""
        self.store, self.horizon, self.batch, self.lease_seconds = store, horizon, batch, lease_seconds
        self.most_fired = BATCHES_FIRED * batch
        self.mute = mute
        self.desk = StoredDesk(workers, store)
        self.commands = Commands(handler)
        self.numbers = StoredNumbers(store.database.transaction)
        self.lease: Held | None = None
        self.tally = Tally(answers=self.commands.answers)
        self._fresh = False
        schema.prepare(store.database)
        self._key = schema.key_of(store.identity.secret)
        self._share = Share(store.database, lease_seconds) if shares else None
        self._looks_at = self._applies_at = self._extends_at = 0.0
        self._own_topics = own_topics(workers)

    @property
    def database(self) -> Database:
        """The database of the record."""
        return self.store.database

    @property
    def look_seconds(self) -> float:
        """After how many seconds a process looks again whether it holds its share."""
        return min(LOOK_SECONDS, self.lease_seconds / 3)

    # --- the lease -------------------------------------------------------------------------------------------------
    def take_lease(self) -> bool:
        """Take the lease of all keys, if they are free, or of a share; whether any is held."""
        if self._share is not None:
            self._take_share(self._share)
        elif self.lease is None:
            self.lease = take_all(self.database, self.lease_seconds)
            self._forget()
        return self.lease is not None

    def _take_share(self, share: Share) -> None:
        """Give up what is more than a share, or take what is free, now and then."""
        if monotonic() < self._looks_at:
            return
        self._looks_at = monotonic() + self.look_seconds
        if self.lease is None and unknown(self.database, self.desk.workers):
            self.lease = take_all(self.database, self.lease_seconds, share.owner)
        else:
            self._balance(share)
        if self.lease is None and monotonic() >= self._applies_at:
            share.apply()
            self._applies_at = monotonic() + self.lease_seconds / 3

    def _balance(self, share: Share) -> None:
        held = len(self.lease.reached) if self.lease is not None else 0
        with self.database.reading() as session:
            fair = share.fair(session)
            free = share.free(session) if held < fair else []
        if self.lease is not None and held > fair:
            self._save()
            self.lease.give_up(keeping=fair)
            self._forget()
        elif free or (self.lease is None and fair):
            taken = share.take(sample(free, min(fair - held, len(free))))
            self._forget()
            self.lease = taken

    def release(self) -> None:
        """Write down the last answers and let others work."""
        if self.lease is not None:
            lease = self.lease
            try:
                self._save()
            except FencedSource:
                pass
            else:
                lease.give_up()
            self.lease = None
            self._forget()
        if self._share is not None:
            self._share.withdraw()
            self._looks_at = self._applies_at = 0.0

    def keep(self) -> None:
        """Hold on to the lease while there is nothing to do.

        Raises:
            FencedSource: Another process holds the lease.
        """
        if self.lease is not None and (self.commands.answered or monotonic() >= self._extends_at):
            self._save()

    @contextmanager
    def _forgetting_failures(self) -> Iterator[None]:
        """Whatever goes wrong in the block, what it left in memory is dropped; and the lease, where another process has it now."""
        try:
            yield
        except FencedSource:
            self._lose()
            raise
        except BaseException:
            self._forget()
            raise

    def _lose(self) -> None:
        """Another process took over some of the keys, or all: look again what is held."""
        self.lease = None
        self._looks_at = 0.0
        self._forget()

    def _forget(self) -> None:
        """Drop what is only in memory; it is read again from what is written."""
        self._fresh = False
        self.desk.forget()
        self.commands.forget()

    def _refresh(self, lease: Held) -> None:
        """Take up what is written: the positions, the commands that wait, the keys put aside, the clock of a broken-off walk.

        The positions too: in memory they have run ahead when a commit failed, and what lies between was never seen.
        """
        with self.database.reading() as session:
            lease.read_again(session)
        if self._share is None and len(lease.reached) < COUNT:
            raise FencedSource("another process holds some of the keys now")
        if new := unknown(self.database, self.desk.workers):
            self._welcome(lease, new)
        with self.database.reading() as session, self.desk.reading(session):
            self.desk.load_parked()
            self.numbers = StoredNumbers(self.database.transaction)
            self.commands.load(session, lease.reached)
            self.horizon.resume(last_turned_to(session))
        self._fresh = True

    def _welcome(self, lease: Held, new: Sequence[AnyWorker]) -> None:
        """A worker that joins later starts with what the record says, and reacts to what happens from now on."""
        if len(lease.reached) < COUNT:
            raise FencedSource("a worker that is new to the store is introduced by a process that holds all keys")
        if any(lease.reached.values()):
            rebuild(self.store, lease, new, self.horizon.end())
            return
        with self.database.transaction() as session:
            lease.hold(session)
            positions = schema.POSITIONS
            session.upsert(positions.name, positions.columns, positions.key, [(w.name, 0) for w in new])

    # --- turns -----------------------------------------------------------------------------------------------------
    def turn(self) -> bool:
        """Do what comes next, if there is anything to do.

        Raises:
            FencedSource: Another process holds the lease.
            StoreError: The database can't; what was not written by then is done again.
        """
        lease = self.lease
        assert lease is not None, "only who holds the lease works"
        with self._forgetting_failures():
            if not self._fresh:
                self._refresh(lease)
            sent = self._send()
            levels = lease.levels()
            if any(self._read(level) for level in levels):
                return True
            if sent:
                self._save()
            return sent or any(self._ring(level) for level in levels)

    def _send(self) -> bool:
        """Send what waits. The answers are written with what the workers do next about what came of it."""
        latest = self.commands.latest()
        if latest is None:
            return False
        self.horizon.turn(latest)
        self.tally.commands += len(self.commands.waiting)
        self.commands.send()
        return True

    def _read(self, level: Level) -> bool:
        """See the next events of the log, up to where others of this process's keys have come already."""
        page = self.store.logged(level.position, self.batch)
        if level.end is not None:
            page = [logged for logged in page if logged.position <= level.end]
        if not page:
            return False
        position = level.position
        with self.database.reading() as session, self.desk.reading(session):
            self._work_on(level)
            self.desk.prefetch(logged.subject for logged in page if self._matters(logged))
            for logged, following in zip(page, [*page[1:], None], strict=True):
                if self._matters(logged) and not self._see(logged, following):
                    break
                position = logged.position
                self.tally.events += 1
        if position == level.position:
            return False
        self._save(level, position)
        return True

    def _work_on(self, level: Level) -> None:
        self.desk.work_on(level.partitions)
        self.desk.position = level.position + 1

    def _matters(self, logged: LoggedEvent) -> bool:
        """Whether an event may concern a key that this process holds."""
        return self.desk.keeps(logged.subject) or logged.topic not in self._own_topics

    def _see(self, logged: LoggedEvent, following: LoggedEvent | None) -> bool:
        """Let the workers see an event; False when it lies beyond the horizon, or what is sent must go before it.

        A correction that is followed at once by another of its subject is left to that.
        """
        recorded = self._decoded(logged)
        if recorded is not None:
            if self.horizon.hides(recorded) or (self.horizon.ahead(recorded.occurred_at) and self._sends()):
                return False
            self.horizon.turn(recorded.occurred_at)
            self.desk.position = logged.position
            if not (logged.topic == CORRECTED and following is not None and self._takes_up(following, logged)):
                take(self.desk, recorded, self.horizon.end())
        return True

    def _takes_up(self, following: LoggedEvent, logged: LoggedEvent) -> bool:
        """Whether a correction is taken up by the event after it."""
        return (following.subject, following.topic) == (logged.subject, CORRECTED) and self._comes_now(following)

    def _comes_now(self, logged: LoggedEvent) -> bool:
        try:
            return not self.horizon.hides(self.store.decode_facts(logged))
        except (UnknownEvent, DamagedEvent):
            return False

    def _sends(self) -> bool:
        return any(receipt.sends for step in self.desk.placed for receipt in step.done.step.receipts)

    def _decoded(self, logged: LoggedEvent) -> AnyRecorded | None:
        """The event, or None with its subject put aside for everybody when it can't be read."""
        if (EVERYBODY, logged.subject) in self.desk.parked:
            return None
        try:
            return self.store.decode_facts(logged)
        except (UnknownEvent, DamagedEvent) as error:
            self.desk.position = logged.position
            trigger = Trigger(logged.subject, self.horizon.clock.now(), version=logged.version)
            if self.desk.keeps(logged.subject):
                self.desk.park(EVERYBODY, logged.subject, trigger, str(error))
            else:
                # Who holds the key writes it down.
                aside = Parked(EVERYBODY, logged.subject, trigger.at, trigger.id, logged.position, str(error))
                self.desk.parked[EVERYBODY, logged.subject] = aside
            return None

    def _ring(self, level: Level) -> bool:
        """Let deadlines fire, as many as may go into one transaction."""
        end = self.horizon.end()
        with self.database.reading() as session, self.desk.reading(session):
            due, last = self._due(session, end, level)
            if not due:
                return False
            self._work_on(level)
            if due[0][:2] == due[-1][:2]:
                self.desk.prefetch([due[0][1]])
            self.desk.prefetch_due((worker, key) for _, key, worker in due)
            self._fire([(at, key) for at, key, _ in due], last)
        if not self.desk.placed and not self.desk.newly_parked:
            self.desk.let_go_of_due()
            return False
        self._save(level, level.position)
        self.desk.let_go_of_due()
        return True

    def _due(
        self, session: StoreSession, end: datetime, level: Level
    ) -> tuple[list[tuple[datetime, str, str]], datetime]:
        """The deadlines that are due, as many as may fire, with their keys and workers; and the time up to which these are all.

        Those of a key that run out at one time are together, for which comes first is a matter of their workers.
        """
        rows = session.query(
            "SELECT d.due_at, d.key, d.worker FROM deadlines d WHERE d.frozen_at IS NULL AND d.due_at <= ? AND NOT EXISTS "  # noqa: S608
            "(SELECT 1 FROM parked p WHERE p.key = d.key AND p.worker IN (d.worker, ?)) "
            f"AND {among(session.kind, 'd.key', level.partitions)} "
            "ORDER BY d.due_at, d.key LIMIT ?",
            (end, EVERYBODY, self.most_fired + 1),
        )
        if more := len(rows) > self.most_fired:
            place = rows.pop()[:2]
            if rows[0][:2] != place:
                while rows[-1][:2] == place:
                    rows.pop()
        due = [(as_time(at), key, worker) for at, key, worker in rows]
        return due, due[-1][0] if more else end

    def _fire(self, due: list[tuple[datetime, str]], last: datetime) -> None:
        """Fire them in order, up to `last`.

        The batch ends as soon as what is sent concerns a key of it, or the clock would have to be turned past it.
        """
        heapq.heapify(due)
        busy: set[str] = set()
        while due and len(self.desk.placed) < self.most_fired:
            at, key = heapq.heappop(due)
            found = self.desk.due_at(key)
            if found is None or found[1].due_at != at:
                continue
            if key in busy or (busy and self.horizon.ahead(at)):
                return
            self.horizon.turn(at)
            before = len(self.desk.placed)
            ring(self.desk, key)
            sent_to = [
                effect.subject
                for step in self.desk.placed[before:]
                for receipt in step.done.step.receipts
                for effect in receipt.effects
                if type(effect) is Send
            ]
            busy.update(sent_to)
            if any(subject != key for subject in sent_to):
                return
            following = self.desk.due_at(key)
            if following and following[1].due_at <= last:
                heapq.heappush(due, (following[1].due_at, key))

    # --- writing ---------------------------------------------------------------------------------------------------
    def _delivery(self) -> Delivery:
        """Notifications leave once the workers have seen what is on record now; a walk sees only part of it."""
        walks = self.horizon.until is not None
        seen_from = 0 if walks or not self.desk.placed else self.store.head()
        return Delivery("kept" if self.mute else "pending", seen_from, self.horizon.began if walks else None)

    def _save(self, level: Level | None = None, position: int = 0) -> None:
        """Write down what was done, the answers to what was sent, and the position of a level, if the lease still holds."""
        lease = self.lease
        assert lease is not None, "only who holds the lease writes"
        self._extends_at = monotonic() + self.lease_seconds / 3
        with self._forgetting_failures():
            rows = Rows.of(self.desk, self.numbers, self.horizon.clock.now(), self._key, self._delivery())
            answers = self.commands.answer_rows()
        with self._forgetting_failures(), self.database.transaction() as session:
            lease.hold(session, level, position)
            rows.write(session)
            self.commands.save(session, answers)
            self.horizon.save(session)
        self.commands.answered.clear()
        self.tally.deadlines += sum(step.done.trigger.deadline is not None for step in self.desk.placed)
        self.desk.written()
        self.commands.add(rows.waiting)
        if len(self.desk.entries) > KEPT_KEYS:
            self.desk.entries.clear()
