"""The workers once more, from the beginning, with nothing sent: into a database of its own that is thrown away.

Events come in the order of the log and deadlines fire where they fired, as their history says. What comes of it can
be compared with what is on record (`verify`), or take the place of it (`repair`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from zlib import crc32

from domain.model import AnyRecorded, Event
from domain.relationship.events import FactCorrected
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.partitions import Reached
from infra.store.session import Database, StoreSession, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.desk import EVERYBODY, KEPT_KEYS, Parked, StoredDesk, parked
from infra.worker_runtime.elsewhere import own_topics, unheard_topics
from infra.worker_runtime.journal import AT_ONCE, Numbers, Rows
from workers.desk import Trigger
from workers.ground import Fact
from workers.model import AnyWorker
from workers.step import Memory
from workers.timeline import fire, pass_time, take

BATCH: Final = 1000
CORRECTED: Final = FactCorrected.__name__
NEVER: Final = datetime.min.replace(tzinfo=UTC)
Pair = tuple[str, str]
# A key and a position.
Place = tuple[str, int]


class Fired(NamedTuple):
    """A deadline that fired, after all events up to a position and before the next."""

    position: int
    worker: str
    key: str
    name: str
    due_at: datetime


class Correction(NamedTuple):
    """Where a correction stands: its stream, its version there, and its position in the log."""

    subject: str
    version: int
    position: int


class Odd(NamedTuple):
    """A deadline that fired, and that replay does not find running."""

    fired: Fired


@dataclass(frozen=True)
class Share:
    """One of so many shares of the keys, for replays side by side."""

    number: int = 0
    of: int = 1

    def has(self, key: str) -> bool:
        """Whether a key is in this share."""
        return self.of == 1 or _spread(key) % self.of == self.number


@lru_cache(maxsize=KEPT_KEYS)
def _spread(key: str) -> int:
    """A number that spreads keys over shares, the same in every process."""
    return crc32(key.encode())


ALL: Final = Share()


class ReplayDesk(StoredDesk):
    """A desk at which what is put aside now is put aside from the same place on, and which knows the keys of a share alone.

    `runs_out`: deadlines fire as they run out; else only as their history says, and none has to be looked for.
    """

    def __init__(
        self, workers: Sequence[AnyWorker], store: EventStore, share: Share, reached: Reached | None, *, runs_out: bool
    ) -> None:
        super().__init__(workers, store)
        self.share, self.reached, self.lets_run_out = share, reached, runs_out
        self._keeps_all = share.of == 1 and reached is None
        self.puts_off = False
        self.of_others = False
        # What is known of subjects whose own partition has not come so far: only others look at it.
        self._ahead: dict[str, Fact] = {}
        # While steps are put off: up to which position what is known counts, and what was known before it changed, with where it did.
        self.known_at: int | None = None
        self._known_before: dict[str, list[tuple[int, Fact | None]]] = {}

    def keeps(self, key: str) -> bool:
        """Whether a key is in the share, and was worked on up to here."""
        return self._keeps_all or (
            self.share.has(key) and (self.reached is None or self.reached.has(key, self.position))
        )

    def prefetch(self, keys: Iterable[str]) -> None:
        wanted = [key for key in keys if key not in self.entries]
        super().prefetch(wanted)
        for key in wanted if self._ahead else ():
            if key in self._ahead:
                self.entries[key].fact = self._ahead[key]

    def fact(self, subject: str) -> Fact | None:
        if self.known_at is not None:
            for position, before in self._known_before.get(subject, ()):
                if position > self.known_at:
                    return before
        return self.entry(subject).fact

    def catch_up(self) -> None:
        """Nothing is put off any more."""
        self.known_at = None
        self._known_before.clear()

    def learn(self, subject: str, fact: Fact | None) -> None:
        if self.puts_off:
            self._known_before.setdefault(subject, []).append((self.position, self.entry(subject).fact))
        if self.reached is None or self.reached.has(subject, self.position):
            super().learn(subject, fact)
        else:
            self.entry(subject).fact = fact
            if fact is not None:
                self._ahead[subject] = fact

    def workers_for(self, kind: type[Event]) -> tuple[AnyWorker, ...]:
        """Of what happens in a relationship of another share only what crosses over to other keys."""
        found = super().workers_for(kind)
        return tuple(worker for worker in found if worker.crosses) if self.of_others else found

    def find_next_due(self, key: str) -> None:
        if self.lets_run_out:
            super().find_next_due(key)

    def rests(self, worker: AnyWorker, key: str) -> bool:
        if not self.parked:
            return False
        aside = (self.parked.get((name, key)) for name in (worker.name, EVERYBODY))
        return any(each is not None and self.position >= each.position for each in aside)

    def park(self, worker: str, key: str, trigger: Trigger, error: str) -> None:
        self.parked.setdefault((worker, key), Parked(worker, key, trigger.at, trigger.id, self.position, error))
        if key in self.entries:
            self.find_next_due(key)


@dataclass
class Replay:
    """One replay, of the log up to a position.

    `only` limits it to some subjects. With `fires_until` deadlines fire as they run out, up to then, and not as they
    fired. `released` are pairs of worker and key that are no longer put aside: they see what
    they missed, and their deadlines fire in between as they run out. With a `share` only what is kept at its keys is made, and what all
    stand on. Notifications are made only if they are `notified`. `reached`: up to where the keys were worked on, where some lag behind `upto`.
    """

    store: EventStore
    scratch: Database
    workers: Sequence[AnyWorker]
    upto: int
    only: Collection[str] | None = None
    released: Collection[Pair] = ()
    fires_until: datetime | None = None
    share: Share = ALL
    notified: bool = True
    reached: Reached | None = None
    odd: list[Odd] = field(default_factory=list)
    # The keys at which corrections are noted as taken up that can't be, or are not noted that must be; and which.
    odd_corrections: list[tuple[str, str]] = field(default_factory=list)

    def run(self, advance: Callable[[int], None] = lambda _: None) -> None:
        """Go through the log up to the position.

        Raises:
            StoreError: The database can't.
        """
        runs_out = self.fires_until is not None or bool(self.released)
        reached = self.reached if self.reached is not None and self.reached.least < self.reached.most else None
        desk = self.desk = ReplayDesk(self.workers, self.store, self.share, reached, runs_out=runs_out)
        self._key = schema.read_key(self.store.database)
        self._again = {key for _, key in self.released}
        self.numbers = Numbers()
        self._by_name = {worker.name: worker for worker in self.workers}
        with self.store.database.reading() as live:
            fired = iter(()) if self.fires_until else self._fired(live)
            desk.parked = {
                (each.worker, each.key): each for each in parked(live) if (each.worker, each.key) not in self.released
            }
            corrections = _corrections(live, self.upto)
            self._corrected = {each.subject for each in corrections}
            taken_up = {(key, position) for key, position in live.query("SELECT key, position FROM worker_corrections")}
            self._left_to_the_next = _followed(corrections).difference(taken_up)
            self.odd_corrections = list(self._taken_up_otherwise(corrections, taken_up))
            upcoming = next(fired, None)
            for events, logged in self._batches():
                with self.scratch.reading() as session, desk.reading(session):
                    desk.prefetch(each.subject for _, each in events if each)
                    for position, recorded in events:
                        while upcoming is not None and upcoming.position < position:
                            self._fire(upcoming)
                            upcoming = next(fired, None)
                        if recorded is not None:
                            self.see(position, recorded)
                    self._catch_up()
                self._save()
                advance(logged)
            with self.scratch.reading() as session, desk.reading(session):
                while upcoming is not None:
                    self._fire(upcoming)
                    upcoming = next(fired, None)
                self._catch_up()
            self._save()
        if self.fires_until is not None:
            self._let_run_out(self.fires_until)

    def _batches(self) -> Iterator[tuple[list[tuple[int, AnyRecorded | None]], int]]:
        """Yields the events that concern anybody, batch by batch, and of how many in the log."""
        position, own = 0, frozenset() if self.share.of == 1 else own_topics(self.workers)
        # Where deadlines fire as their history says, nothing is to be done at these; whether they can be read the audit of streams says.
        unheard = frozenset() if self.desk.lets_run_out else unheard_topics(self.workers)
        while position < self.upto:
            page = [n for n in self.store.logged(position, BATCH) if n.position <= self.upto]
            if not page:
                return
            position = page[-1].position
            events: list[tuple[int, AnyRecorded | None]] = []
            for logged in page:
                subject, topic = logged.subject, logged.topic
                if self.only is not None and subject not in self.only:
                    continue
                if topic in unheard or (topic in own and not self.share.has(subject)):
                    continue
                try:
                    events.append((logged.position, self.store.decode_facts(logged)))
                except (UnknownEvent, DamagedEvent) as error:
                    trigger = Trigger(logged.subject, NEVER, version=logged.version)
                    self.desk.position = logged.position
                    self.desk.park(EVERYBODY, logged.subject, trigger, str(error))
            yield events, len(page)

    def see(self, position: int, recorded: AnyRecorded) -> None:
        """Give an event to the workers."""
        if self.is_aside(position, recorded.subject):
            return
        self.desk.position = position
        if (recorded.subject, position) in self._left_to_the_next:
            return
        if recorded.subject in self._again and self.desk.keeps(recorded.subject):
            pass_time(self.desk, (recorded.subject,), recorded.occurred_at)
        self.desk.of_others = ":" not in recorded.subject and not self.share.has(recorded.subject)
        self._take(recorded)

    def _take(self, recorded: AnyRecorded) -> None:
        take(self.desk, recorded, self.fires_until or NEVER)

    def _catch_up(self) -> None:
        """Do what was put off."""

    def _taken_up_otherwise(
        self, corrections: Sequence[Correction], taken_up: Collection[Place]
    ) -> Iterator[tuple[str, str]]:
        """Corrections that were taken up and are not there or not come to yet, and those that should have been: the last of some in a row.

        Which of those before it were taken up too depends on where each process was; what came of it is replayed.
        """
        there = {(each.subject, each.position) for each in corrections}
        followed = _followed(corrections)
        for key, position in sorted(taken_up):
            if self._is_about(key) and ((key, position) not in there or not self._has_come(key, position)):
                yield key, f"a correction is noted as taken up at position {position} where workers have come to none"
        for key, position in sorted(there - followed - set(taken_up)):
            if self._is_about(key) and self._has_come(key, position) and not self.is_aside(position, key):
                yield key, f"the correction at position {position} is not noted as taken up"

    def _is_about(self, key: str) -> bool:
        return self.share.has(key) and (self.only is None or key in self.only)

    def _has_come(self, key: str, position: int) -> bool:
        return position <= self.upto if self.reached is None else self.reached.has(key, position)

    def is_aside(self, position: int, subject: str) -> bool:
        """Whether an event of a subject is seen by nobody: one before it could not be read."""
        aside = self.desk.parked.get((EVERYBODY, subject)) if self.desk.parked else None
        return aside is not None and position >= aside.position

    def _let_run_out(self, until: datetime) -> None:
        """At the end of the log, what has run out by now."""
        rows = self.scratch.query("SELECT DISTINCT key FROM deadlines WHERE due_at <= ?", (until,))
        self.desk.position = self.upto + 1
        with self.scratch.reading() as session, self.desk.reading(session):
            pass_time(self.desk, (row[0] for row in rows), until)
        self._save()

    def _fire(self, fired: Fired) -> None:
        self.desk.position = fired.position + 1
        worker = self._by_name.get(fired.worker)
        if worker is None:
            return
        memory: Memory = self.desk.memory(worker, fired.key)
        deadline = memory.running_at(fired.name, fired.due_at)
        if deadline is None:
            if self.only is None or fired.key in self.only:
                self.odd.append(Odd(fired))
            return
        fire(self.desk, worker, fired.key, deadline)

    def _fired(self, live: StoreSession) -> Iterator[Fired]:
        rows = live.stream(
            "SELECT position, worker, key, name, due_at FROM deadline_history WHERE change = 'fired' "
            "ORDER BY position, seq"
        )
        for position, worker, key, name, due_at in rows:
            if (self.only is None or key in self.only) and self.share.has(key):
                yield Fired(position, worker, key, name, _due(due_at))

    def _save(self) -> None:
        delivery = AT_ONCE if self.notified else None
        rows = Rows.of(self.desk, self.numbers, datetime.max.replace(tzinfo=UTC), self._key, delivery)
        with self.scratch.transaction() as session:
            rows.write(session)
        self.desk.written()
        if len(self.desk.entries) > KEPT_KEYS:
            self.desk.entries.clear()


def _due(stored: Any) -> datetime:
    """When a deadline that fired was due; of what is no time a time at which none was."""
    try:
        return as_time(stored)
    except (ValueError, TypeError, AttributeError):
        return NEVER


def _corrections(live: StoreSession, upto: int) -> list[Correction]:
    """All corrections up to a position, stream by stream in order of version. One look through the log, which has no index of topics."""
    rows = live.query(
        "SELECT originator_id, originator_version, position FROM stored_events WHERE topic = ? AND position <= ?",
        (CORRECTED, upto),
    )
    return sorted(Correction(*row) for row in rows)


def _followed(corrections: Sequence[Correction]) -> frozenset[Place]:
    """The places of corrections that another of the same stream follows at once: workers may leave them to that."""
    return frozenset(
        (one.subject, one.position)
        for one, other in pairwise(corrections)
        if one.subject == other.subject and one.version + 1 == other.version
    )


@contextmanager
def scratch_database() -> Iterator[Database]:
    """A database that is thrown away after the block, with the tables of the workers."""
    with (
        TemporaryDirectory(prefix="rapport-replay-") as folder,
        open_database(f"sqlite:///{Path(folder) / 'replay.sqlite'}", synchronous="off") as database,
    ):
        schema.prepare(database)
        yield database
