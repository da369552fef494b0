"""Workers that keep pace with a history submitted afterwards: `rapport submit --walk`.

Before a message of time T is taken, everything of the workers that is due before T happens, as `rapport work --until T`
does it. A message that comes out of order changes nothing about the time that was reached. Messages are taken together
while no worker could have a word between them: those of different relationships, of which no deadline runs out meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.relationship.commands import DeclineTerms
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.store.errors import FencedSource, StoreError
from infra.store.log import EventStore
from infra.store.session import as_time
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner, Tally

# At most this many messages are taken together.
TOGETHER: Final = 200
INSTANT: Final = timedelta(microseconds=1)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class AnotherWorks(StoreError):
    """Another process holds the lease of the workers, so that these can't keep pace."""


@contextmanager
def keeping_pace(store: EventStore, handler: Handler, clock: Clock) -> Iterator["Pace"]:
    """Workers that keep pace while the block runs, and afterwards reach the time of the last message.

    Raises:
        AnotherWorks: another process works on this store.
        StoreError: the store can't.
    """
    pace = Pace(store, handler, clock)
    try:
        pace.take_lease()
        yield pace
        pace.reach(pace.reached)
    finally:
        pace.runner.release()


class Pace:
    """The workers of this process and the time that they have reached. `clock` is that of the record and is never turned."""

    def __init__(self, store: EventStore, handler: Handler, clock: Clock) -> None:
        self.store, self.handler, self.clock = store, handler, clock
        self.reached = LONG_AGO
        horizon = Horizon(Clock(LONG_AGO), LONG_AGO, began=clock.now())
        # Nobody wants a notification about something that happened long ago.
        self.runner = Runner(store, handler, horizon, mute=True)

    @property
    def tally(self) -> Tally:
        """What the workers did so far."""
        return self.runner.tally

    def take_lease(self) -> None:
        """Be the one that works.

        Raises:
            AnotherWorks: Another process holds the workers' lease.
        """
        if not self.runner.take_lease():
            raise AnotherWorks(
                "another process works on this store (`rapport work`), so the workers can't keep pace with these messages; "
                "stop it, or wait until its lease has run out, and hand them in again"
            )

    def handle_all(self, batches: Iterable[Iterable[bytes]]) -> Iterator[list[Receipt]]:
        """The receipts of each batch, in order, some at a time.

        Raises:
            AnotherWorks: another process has taken over the workers; what has a receipt is recorded.
            StoreError: the store can't.
        """
        for batch in batches:
            raws = list(batch)
            parsed = [parse(raw) for raw in raws]
            place = 0
            while place < len(parsed):
                end = place + self._together(parsed[place : place + TOGETHER])
                yield self.handler.handle(raws[place:end])
                place = end

    def reach(self, until: datetime) -> None:
        """Let everything happen that is due up to a time.

        Raises:
            AnotherWorks: Another process holds the workers' lease.
            StoreError: The database can't.
        """
        self.runner.horizon.until = until
        while True:
            self.take_lease()
            try:
                while self.runner.turn():
                    pass
            except FencedSource:
                continue
            return

    def _together(self, parsed: Sequence[Message | Receipt]) -> int:
        """How many of these can be taken together, once all that is due before them has happened."""
        first = self._time(parsed[0])
        if first > LONG_AGO:
            self.reach(first - INSTANT)
        times = self._times(parsed)
        end = self._unrelated(parsed, times)
        if times[end - 1] > first:
            end = self._undisturbed(parsed[:end], times)
        self.reached = times[end - 1]
        return end

    def _time(self, each: Message | Receipt) -> datetime:
        """The time that is reached with a message; a malformed message has none, and the time never passes the present."""
        return max(self.reached, min(each.time, self.clock.now())) if isinstance(each, Message) else self.reached

    def _times(self, parsed: Sequence[Message | Receipt]) -> list[datetime]:
        times, latest = [], self.reached
        for each in parsed:
            latest = max(latest, self._time(each))
            times.append(latest)
        return times

    def _unrelated(self, parsed: Sequence[Message | Receipt], times: Sequence[datetime]) -> int:
        """How many come before the first that may meet what workers make of an earlier one."""
        seen: dict[str, datetime] = {}
        alone: datetime | None = None
        for place, (each, at) in enumerate(zip(parsed, times, strict=True)):
            if not isinstance(each, Message):
                continue
            wide = _concerns_others(each)
            met = seen.setdefault(each.subject, at) < at or (alone is not None and alone < at)
            if met or (wide and times[0] < at):
                return place
            if wide:
                alone = at
        return len(parsed)

    def _undisturbed(self, parsed: Sequence[Message | Receipt], times: Sequence[datetime]) -> int:
        """How many come before the first of which a deadline runs out in between."""
        rows = self.store.database.query(
            "SELECT key, MIN(due_at) FROM deadlines WHERE frozen_at IS NULL AND due_at < ? GROUP BY key",
            (times[len(parsed) - 1],),
        )
        due = {key: as_time(at) for key, at in rows}
        wide = min((at for key, at in due.items() if ":" in key), default=None)
        for place, (each, at) in enumerate(zip(parsed, times, strict=False)):
            if place and at > times[0] and isinstance(each, Message):
                runs_out = due.get(each.subject)
                if (runs_out is not None and runs_out < at) or (wide is not None and wide < at):
                    return place
        return len(parsed)


def _concerns_others(message: Message) -> bool:
    """Whether workers may change other relationships because of it: mentors, programmes, cases, and what removes a mentor."""
    return ":" in message.subject or isinstance(message.command, DeclineTerms)
