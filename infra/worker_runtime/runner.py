"""One process's turn at the work: read the log, let deadlines fire, send what waits. The holder of the lease does it.

In a turn what waits in the outbox is sent first, then the next events of the log are seen, and only when nothing was sent and the
end of the log is reached do deadlines fire. So whatever follows from an event or a deadline is on record and has been
seen before time goes on. What a turn did is written in one transaction, under the lease.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.model import AnyRecorded
from domain.relationship.events import FactCorrected
from infra.intake.handler import Handler
from infra.store.errors import DamagedEvent, FencedSource, UnknownEvent
from infra.store.lease import Lease, position_of
from infra.store.lease import take as take_lease
from infra.store.log import EventStore, LoggedEvent
from infra.store.session import Database, StoreSession, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.desk import EVERYBODY, KEPT_KEYS, StoredDesk
from infra.worker_runtime.horizon import Horizon, last_turned_to
from infra.worker_runtime.journal import Delivery, Numbers, last_number, save
from infra.worker_runtime.outbox import Answers, Commands
from infra.worker_runtime.repair import rebuild, unknown
from workers.catalogue import WORKERS
from workers.desk import Trigger
from workers.model import AnyWorker
from workers.timeline import ring, take

BATCH: Final = 500
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
    ) -> None:
        """`mute`: notifications are kept and not sent."""
        self.store, self.horizon, self.batch, self.lease_seconds = store, horizon, batch, lease_seconds
        self.mute = mute
        self.desk = StoredDesk(workers, store)
        self.commands = Commands(handler)
        self.numbers = Numbers(0)
        self.lease: Lease | None = None
        self.tally = Tally(answers=self.commands.answers)
        self._fresh = False
        schema.prepare(store.database)
        self._key = schema.key_of(store.identity.secret)

    @property
    def database(self) -> Database:
        """The database of the record."""
        return self.store.database

    # --- the lease -------------------------------------------------------------------------------------------------
    def take_lease(self) -> bool:
        """Take the lease, if it is free."""
        if self.lease is None:
            self.lease = take_lease(self.database, schema.LEASE, self.lease_seconds)
            self._forget()
        return self.lease is not None

    def release(self) -> None:
        """Write down the last answers and let another work."""
        if self.lease is not None:
            lease = self.lease
            try:
                self._save(lease, lease.position)
            except FencedSource:
                pass
            else:
                lease.release()
            self.lease = None
            self._forget()

    def keep(self) -> None:
        """Hold on to the lease while there is nothing to do.

        Raises:
            FencedSource: Another process holds the lease.
        """
        if self.lease is not None:
            self._save(self.lease, self.lease.position)

    def _forget(self) -> None:
        """Drop what is only in memory; it is read again from what is written."""
        self._fresh = False
        self.desk.forget()
        self.commands.forget()

    def _refresh(self, lease: Lease) -> None:
        """Take up what is written: the position, the commands that wait, the keys put aside, the clock of a broken-off walk.

        The position too: in memory it has run ahead when a commit failed, and what lies between was never seen.
        """
        with self.database.reading() as session:
            lease.position = position_of(session, schema.LEASE)
        if new := unknown(self.database, self.desk.workers):
            self._welcome(lease, new)
        with self.database.reading() as session, self.desk.reading(session):
            self.desk.load_parked()
            self.numbers = Numbers(last_number(session))
            self.commands.load(session)
            self.horizon.resume(last_turned_to(session))
        self._fresh = True

    def _welcome(self, lease: Lease, new: Sequence[AnyWorker]) -> None:
        """A worker that joins later starts with what the record says, and reacts to what happens from now on."""
        if lease.position:
            rebuild(self.store, lease, new, self.horizon.end())
            return
        with self.database.transaction() as session:
            lease.hold(session, 0)
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
        try:
            if not self._fresh:
                self._refresh(lease)
            sent = self._send()
            if self._read(lease):
                return True
            if sent:
                self._save(lease, lease.position)
            return sent or self._ring(lease)
        except FencedSource:
            self.lease = None
            self._forget()
            raise
        except BaseException:
            self._forget()
            raise

    def _send(self) -> bool:
        """Send what waits. The answers are written with what the workers do next about what came of it."""
        latest = self.commands.latest()
        if latest is None:
            return False
        self.horizon.turn(latest)
        self.tally.commands += len(self.commands.waiting)
        self.commands.send()
        return True

    def _read(self, lease: Lease) -> bool:
        """See the next events of the log."""
        page = self.store.logged(lease.position, self.batch)
        if not page:
            return False
        position = lease.position
        with self.database.reading() as session, self.desk.reading(session):
            self.desk.prefetch(logged.subject for logged in page)
            following = {(each.subject, each.version - 1): each for each in page if each.topic == CORRECTED}
            for logged in page:
                if not self._see(logged, following.get((logged.subject, logged.version))):
                    break
                position = logged.position
        if position == lease.position:
            return False
        self._save(lease, position)
        return True

    def _see(self, logged: LoggedEvent, correction: LoggedEvent | None) -> bool:
        """Let the workers see an event; False when it lies beyond the horizon, or what is sent must go before it.

        `correction` is the next event of the subject where that is one. If this one is a correction too, it is left to that.
        """
        recorded = self._decoded(logged)
        if recorded is not None:
            if self.horizon.hides(recorded) or (self.horizon.ahead(recorded.occurred_at) and self._sends()):
                return False
            self.horizon.turn(recorded.occurred_at)
            self.desk.position = logged.position
            if not (correction and logged.topic == CORRECTED and self._comes_now(correction)):
                take(self.desk, recorded, self.horizon.end())
        self.tally.events += 1
        return True

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
            self.desk.park(EVERYBODY, logged.subject, trigger, str(error))
            return None

    def _ring(self, lease: Lease) -> bool:
        """Let deadlines fire, as many as may go into one transaction."""
        end = self.horizon.end()
        with self.database.reading() as session, self.desk.reading(session):
            due = self._due(session, end)
            if not due:
                return False
            self.desk.prefetch(key for _, key in due)
            self.desk.position = lease.position + 1
            self._fire(due, end if len(due) < self.batch else due[-1][0])
        if not self.desk.placed and not self.desk.newly_parked:
            return False
        self._save(lease, lease.position)
        return True

    def _due(self, session: StoreSession, end: datetime) -> list[tuple[datetime, str]]:
        rows = session.query(
            "SELECT d.due_at, d.key FROM deadlines d WHERE d.frozen_at IS NULL AND d.due_at <= ? AND NOT EXISTS "
            "(SELECT 1 FROM parked p WHERE p.key = d.key AND p.worker IN (d.worker, ?)) "
            "ORDER BY d.due_at, d.key LIMIT ?",
            (end, EVERYBODY, self.batch),
        )
        return [(as_time(at), key) for at, key in rows]

    def _fire(self, due: list[tuple[datetime, str]], last: datetime) -> None:
        """Fire them in order, up to `last`.

        The batch ends as soon as what is sent concerns a key of it, or the clock would have to be turned past it.
        """
        heapq.heapify(due)
        busy: set[str] = set()
        while due and len(self.desk.placed) < self.batch:
            at, key = heapq.heappop(due)
            found = self.desk.due_at(key)
            if found is None or found[1].due_at != at:
                continue
            if key in busy or (busy and self.horizon.ahead(at)):
                return
            self.horizon.turn(at)
            before = len(self.desk.placed)
            ring(self.desk, key)
            made = self.desk.placed[before:]
            sent_to = {send.subject for step in made for receipt in step.done.step.receipts for send in receipt.sends}
            busy |= sent_to
            if sent_to - {key}:
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

    def _save(self, lease: Lease, position: int) -> None:
        """Write down what was done, the answers to what was sent, and the position, if the lease still holds."""
        delivery = self._delivery()
        with self.database.transaction() as session:
            lease.hold(session, position)
            waiting = save(session, self.desk, self.numbers, self.horizon.clock.now(), self._key, delivery)
            self.commands.save(session)
            self.horizon.save(session)
        self.commands.answered.clear()
        self.tally.deadlines += sum(step.done.trigger.deadline is not None for step in self.desk.placed)
        self.desk.written()
        self.commands.add(waiting)
        if len(self.desk.entries) > KEPT_KEYS:
            self.desk.entries.clear()
