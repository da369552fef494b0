"""The desk of the workers with a database behind it, and its bulkheads: what fails twice at a key is put aside.

Reading happens key by key as a walk asks for it, many at once where they are known beforehand. Nothing is written here;
what was done since the last save is for `journal` to write, under the lease.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from domain.model import AnyRecorded
from domain.relationship.corrections import History
from infra.operations.logs import logger
from infra.store.histories import HistoryCache
from infra.store.log import EventStore
from infra.store.log_reader import LogReader, effective_entries, is_correction, places, stream
from infra.store.partitions import COUNT, EVERY, partition_of
from infra.store.session import StoreSession, as_list, as_time
from infra.worker_runtime.elsewhere import facts_before
from infra.worker_runtime.schema import DEADLINES, PARKED
from workers.correction import effect_key, stored_effect_key
from workers.desk import Desk, Done, Fired, KeyState, Past, Trigger
from workers.ground import Case, Fact, Mentor, Programme, Relation
from workers.model import AnyWorker, Deadline, Notify, Send, Task
from workers.step import Memory, Step

EVERYBODY: Final = "*"
# This many keys stay in memory between two transactions.
KEPT_KEYS: Final = 10_000
log = logger("rapport.working")

_READ_FACT: Final[dict[str, Callable[[str], Any]]] = {
    kind.__name__: kind.__pydantic_validator__.validate_json for kind in (Relation, Mentor, Case, Programme)
}
_FACTS_OF: Final = "SELECT subject, fact FROM worker_ground WHERE subject IN ({keys})"
# What of a table is about keys, or about pairs of a worker and a key. A join: SQLite would scan the table for pairs in a list.
_OF_KEYS: Final = "SELECT {} FROM {} WHERE key IN ({{keys}})"
_OF_WORKERS: Final = "WITH wanted (w, k) AS ({{keys}}) SELECT {} FROM wanted CROSS JOIN {} WHERE key = k AND worker = w"


class Parked(NamedTuple):
    """A key put aside: whose, at which trigger, and what went wrong. What lies before `position` was seen."""

    worker: str
    key: str
    since: datetime
    trigger_id: str
    position: int
    error: str


def parked(session: StoreSession) -> list[Parked]:
    """All keys that are put aside, in order."""
    rows = session.query(f"SELECT {PARKED.listed} FROM parked ORDER BY worker, key")  # noqa: S608 - our own words
    return [Parked(worker, key, as_time(since), *rest) for worker, key, since, *rest in rows]


class Placed(NamedTuple):
    """A step, with the position of the log at which it was made and the name of its trigger."""

    done: Done
    position: int
    trigger: str


class DueAlone(NamedTuple):
    """What is kept about a key, as far as it was read: for these workers alone, of which deadlines ran out."""

    entry: KeyState
    read: set[str]


class StoredDesk(Desk):
    """See the module. `position` is that of the event about to be seen; deadlines fire right before it."""

    def __init__(self, workers: Sequence[AnyWorker], store: EventStore) -> None:
        super().__init__(workers)
        self.store = store
        self.session: StoreSession | None = None
        self.position = 0
        self.partitions = EVERY
        self.parked: dict[tuple[str, str], Parked] = {}
        self.placed: list[Placed] = []
        self.learned: dict[str, Fact] = {}
        self.newly_parked: list[Parked] = []
        self.heard: set[tuple[str, str]] = set()
        # The keys and positions at which a correction was taken up since the last save.
        self.corrected: list[tuple[str, int]] = []
        self._known_sources: set[tuple[str, str]] = set()
        self._histories = HistoryCache()
        self._due_alone: dict[str, DueAlone] = {}
        self._by_name = {worker.name: worker for worker in workers}

    def forget(self) -> None:
        """Drop everything that was not written, and all that was read."""
        self.entries.clear()
        self._due_alone.clear()
        self.parked.clear()
        self._known_sources.clear()
        self.heard.clear()
        self._histories = HistoryCache()
        self.written()

    def written(self) -> None:
        """What was done is kept in the database now."""
        if len(self._known_sources) > KEPT_KEYS:
            self._known_sources.clear()
        self._known_sources |= self.heard
        self.heard.clear()
        self.done.clear()
        self.placed.clear()
        self.learned.clear()
        self.corrected.clear()
        self.newly_parked.clear()

    # --- reading ---------------------------------------------------------------------------------------------------
    @contextmanager
    def reading(self, session: StoreSession) -> Iterator[None]:
        """Read with this session while the block runs."""
        self.session = session
        try:
            yield
        finally:
            self.session = None

    def load_parked(self) -> None:
        """Read which keys are put aside."""
        self.parked = {(each.worker, each.key): each for each in parked(self._reading)}

    def load(self, key: str) -> KeyState:
        self.prefetch([key])
        return self.entries[key]

    def work_on(self, partitions: frozenset[int]) -> None:
        """From now on ask workers about the keys of these partitions alone."""
        if partitions != self.partitions:
            self.partitions = partitions
            self.entries.clear()

    def keeps(self, key: str) -> bool:
        return len(self.partitions) == COUNT or partition_of(key) in self.partitions

    def prefetch(self, keys: Iterable[str]) -> None:
        """Read what is kept about many keys at once; of those that others keep what is known of them at the position."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self.entries]
        if elsewhere := [key for key in wanted if not StoredDesk.keeps(self, key)]:
            with self.store.database.reading() as session:
                facts = facts_before(session, self.store.mapper, elsewhere, self.position)
            self.entries |= {key: KeyState(facts.get(key)) for key in elsewhere}
            wanted = [key for key in wanted if key not in self.entries]
        self._fill({key: KeyState() for key in wanted}, [(key,) for key in wanted], _OF_KEYS)
        for key in wanted if self._due_alone else ():
            self._due_alone.pop(key, None)

    def prefetch_due(self, places: Iterable[tuple[str, str]]) -> None:
        """Read of many keys what is kept for the workers of which deadlines run out, a worker and a key each, until `let_go_of_due`.

        What others keep at these keys, most of it, is nothing to them: so nothing but deadlines may be given to workers meanwhile.
        """
        wanted = [place for place in dict.fromkeys(places) if place[1] not in self.entries]
        known = {key: self._due_alone[key] for _, key in wanted if key in self._due_alone}
        new = [(worker, key) for worker, key in wanted if key not in known or worker not in known[key].read]
        fresh = {key: known[key].entry if key in known else KeyState() for _, key in new}
        self._fill(fresh, new, _OF_WORKERS)
        self.entries |= {key: due.entry for key, due in known.items()}
        for worker, key in new:
            if key not in self._due_alone:
                self._due_alone[key] = DueAlone(fresh[key], set())
            self._due_alone[key].read.add(worker)

    def let_go_of_due(self) -> None:
        """Take what `prefetch_due` read out of the entries, for it is not all that is kept there; deadlines may ask for it again.

        It holds until all that is kept at the key is read, which is what anything else begins with.
        """
        for key in self._due_alone:
            self.entries.pop(key, None)
        if len(self._due_alone) > KEPT_KEYS:
            self._due_alone.clear()

    def _fill(self, found: dict[str, KeyState], places: Sequence[tuple[str, ...]], which: str) -> None:
        """Read what is kept about these keys; `which` says in SQL what is read of it, given these places."""
        for subject, fact in self._keyed(_FACTS_OF, [(key,) for key in found]):
            # As `journal` writes it: a list of the kind and the fact.
            kind, _, value = fact.removeprefix('["').removesuffix("]").partition('",')
            found[subject].fact = _READ_FACT[kind](value)
        deadlines, tasks = self._deadlines(which, places), self._tasks(which, places)
        rows = self._keyed(which.format("worker, key, state", "worker_state"), places)
        for name, key, state in rows:
            worker, place = self._by_name.get(name), (name, key)
            if worker is not None:
                found[key].unread[name] = state
                if place in deadlines or place in tasks:
                    found[key].memories[name] = Memory(worker.blank, deadlines.get(place, {}), tasks.get(place, {}))
        self.entries |= found
        for _, key in deadlines:
            self.find_next_due(key)

    def memory(self, worker: AnyWorker, key: str) -> Memory:
        entry = self.entries.get(key) or self.entry(key)
        if entry.unread and (text := entry.unread.get(worker.name)) is not None:
            state = worker.state.__pydantic_validator__.validate_json(text)
            known = entry.memories.get(worker.name)
            entry.memories[worker.name] = Memory(state) if known is None else known._replace(state=state)
            del entry.unread[worker.name]
        return entry.memories.get(worker.name) or self._blank[worker.name]

    def members(self, programme: str) -> tuple[str, ...]:
        rows = self._reading.query("SELECT subject FROM worker_ground WHERE programme = ?", (programme,))
        kept = [subject for (subject,) in rows if self.keeps(subject)]
        recent = (
            subject
            for subject, fact in self.learned.items()
            if isinstance(fact, Relation) and f"programme:{fact.programme_id}" == programme
        )
        return tuple(sorted({*kept, *recent}))

    @property
    def _reading(self) -> StoreSession:
        assert self.session is not None, "the desk is read within a transaction"
        return self.session

    def _keyed(self, sql: str, keys: Collection[tuple[str, ...]]) -> Iterable[tuple[Any, ...]]:
        return self._reading.keyed(sql, keys)

    def _deadlines(self, which: str, places: Collection[tuple[str, ...]]) -> dict[tuple[str, str], dict[str, Deadline]]:
        found: dict[tuple[str, str], dict[str, Deadline]] = {}
        rows = self._keyed(which.format(DEADLINES.listed, "deadlines"), places)
        for worker, key, name, due_at, frozen_at, freezes, clauses, evidence, evidence_of in rows:
            found.setdefault((worker, key), {})[name] = Deadline(
                name,
                as_time(due_at),
                as_list(clauses),
                as_list(evidence),
                evidence_of,
                bool(freezes),
                as_time(frozen_at) if frozen_at else None,
            )
        return found

    def _tasks(self, which: str, places: Collection[tuple[str, ...]]) -> dict[tuple[str, str], dict[str, Task]]:
        found: dict[tuple[str, str], dict[str, Task]] = {}
        listed = (
            "worker, key, name, kind, subject, clauses, since, due, evidence, evidence_of, settled_by, about, "
            "owner, programme_id, mentee_id, mentor_id"
        )
        rows = self._keyed(f"{which.format(listed, 'worker_tasks')} AND closed_at IS NULL", places)
        for worker, key, name, kind, subject, clauses, since, due, evidence, evidence_of, settled_by, *rest in rows:
            about, owner, programme_id, mentee_id, mentor_id = rest
            found.setdefault((worker, key), {})[name] = Task(
                id=name,
                kind=kind,
                subject=subject,
                clauses=as_list(clauses),
                since=as_time(since),
                due=as_time(due) if due else None,
                evidence=as_list(evidence),
                evidence_of=evidence_of,
                settled_by=as_list(settled_by),
                about=about,
                owner=owner,
                programme_id=programme_id,
                mentee_id=mentee_id,
                mentor_id=mentor_id,
            )
        return found

    # --- the past --------------------------------------------------------------------------------------------------
    def hear(self, key: str, subject: str) -> None:
        if (key, subject) not in self._known_sources:
            self.heard.add((key, subject))

    def past(self, correction: AnyRecorded) -> Past:
        """What came about at a key, from the streams whose events are seen there: its own, its programme's and the sources."""
        key, session = correction.subject, self._reading
        sources = {row[0] for row in session.query("SELECT subject FROM worker_sources WHERE key = ?", (key,))}
        sources |= {subject for heard, subject in self.heard if heard == key}
        if relation := self.relation(key):
            sources.add(f"programme:{relation.programme_id}")
        reader = LogReader(self.store.mapper)
        with self.store.database.reading() as log:
            row, before, after = self._histories_at(log, reader, correction)
            positions = places(log, key)
            seen = [(positions[each.version], each) for each in after.counted]
            for subject in sorted(sources - {key}):
                readable = [each for each in stream(log, reader, subject, self.position) if each.recorded is not None]
                seen += [
                    (each.position, each.recorded) for each in effective_entries(readable) if each.recorded is not None
                ]
            rows = log.query("SELECT worker, position FROM worker_positions WHERE position < ?", (self.position,))
        seen.sort(key=lambda each: each[0])
        changed = after.changed_since(before) | {type(correction.data)}
        self.corrected.append((key, self.position))
        return Past(seen, self._fired(key), self._effects(key), dict(rows), row, changed)

    def _histories_at(
        self, log: StoreSession, reader: LogReader, correction: AnyRecorded
    ) -> tuple[tuple[int, ...], History, History]:
        """The corrections to take up, this one with those before it in a row, and the histories before and after them.

        What cannot be read is left out.
        """
        known = self._histories.get(correction.subject)
        if known is None or known.version >= correction.version:
            known = History()
        entries = stream(log, reader, correction.subject, self.position, known.version)
        later = [(each, each.recorded) for each in entries if each.recorded is not None]
        taken_up = self._taken_up(correction.subject)
        start = len(later) - 1
        while start and is_correction(later[start - 1][0]) and later[start - 1][0].position > taken_up:
            start -= 1
        before = known.then([recorded for _, recorded in later[:start]])
        after = before.then([recorded for _, recorded in later[start:]])
        self._histories.put(correction.subject, after)
        return tuple(entry.version for entry, _ in later[start:]), before, after

    def _taken_up(self, key: str) -> int:
        """The position of the last correction that was taken up at a key; 0 where there was none."""
        kept = self._reading.query("SELECT COALESCE(MAX(position), 0) FROM worker_corrections WHERE key = ?", (key,))
        return max([int(kept[0][0]), *(position for place, position in self.corrected if place == key)])

    def _fired(self, key: str) -> list[Fired]:
        rows = self._reading.query(
            "SELECT position, worker, name, due_at FROM deadline_history WHERE key = ? AND change = 'fired' ORDER BY seq",
            (key,),
        )
        fired = [Fired(position, worker, name, as_time(due_at)) for position, worker, name, due_at in rows]
        return fired + [
            Fired(placed.position, placed.done.worker, change.deadline.name, change.deadline.due_at)
            for placed in self.placed
            if placed.done.key == key
            for change in placed.done.step.deadlines
            if change.change == "fired"
        ]

    def _effects(self, key: str) -> dict[str, list[str]]:
        """What was sent by worker, as the receipts have it."""
        found: dict[str, list[str]] = {}
        for worker, sent in self._reading.query("SELECT worker, sent FROM decisions WHERE key = ?", (key,)):
            found.setdefault(worker, []).extend(
                text for each in orjson.loads(sent) if (text := stored_effect_key(each))
            )
        for placed in self.placed:
            if placed.done.key == key:
                effects = [effect for receipt in placed.done.step.receipts for effect in receipt.effects]
                keys = [effect_key(effect) for effect in effects if isinstance(effect, Send | Notify)]
                found.setdefault(placed.done.worker, []).extend(keys)
        return found

    # --- what is done ----------------------------------------------------------------------------------------------
    def learn(self, subject: str, fact: Fact | None) -> None:
        super().learn(subject, fact)
        if fact is not None and StoredDesk.keeps(self, subject):
            self.learned[subject] = fact

    def rests(self, worker: AnyWorker, key: str) -> bool:
        return bool(self.parked) and ((worker.name, key) in self.parked or (EVERYBODY, key) in self.parked)

    def make(
        self, worker: AnyWorker, key: str, trigger: Trigger, step: Callable[[Memory], Step], cause: AnyRecorded | None
    ) -> None:
        """One step; what fails is tried once more, and after that the key is put aside and the others go on."""
        for attempt in (1, 2):
            try:
                super().make(worker, key, trigger, step, cause)
            except Exception as error:
                if attempt == 1:
                    continue
                log.exception("a worker failed twice", worker=worker.name, key=key, trigger=trigger.id)
                self.park(worker.name, key, trigger, f"{type(error).__name__}: {error}")
            return

    def park(self, worker: str, key: str, trigger: Trigger, error: str) -> None:
        """Put a key aside."""
        aside = Parked(worker, key, trigger.at, trigger.id, self.position, error[:2000])
        self.parked[worker, key] = aside
        self.newly_parked.append(aside)
        if key in self.entries:
            self.find_next_due(key)

    def keep(self, done: Done) -> None:
        self.remember(done)
        trigger, last = done.trigger, self.placed[-1] if self.placed else None
        # A deadline fires before the event that is about to be seen.
        position = self.position if trigger.version is not None else self.position - 1
        # Several workers see one event.
        name = last.trigger if last is not None and last.done.trigger is trigger else trigger.id
        self.placed.append(Placed(done, position, name))
