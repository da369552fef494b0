"""The tasks as they stood at another time: the workers once more, over the events that counted then.

Their own book is no answer. It has each task as the workers came to it: what they opened before a fact was told late, or before one was
corrected, stands there as it was believed. So the workers go through the record again, from its beginning, with corrections applied
and with deadlines that fire as they run out, up to the time. Nothing is sent, and what they make is thrown away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.model import AnyRecorded
from domain.relationship.events import FactCorrected
from infra.projection_engine.feed import NOBODY, Watcher
from infra.projection_engine.rows import codec
from infra.queries.as_at import END, NOW, Moment
from infra.store import log_reader
from infra.store.log import EventStore
from infra.store.partitions import reached_by_all
from infra.store.session import StoreSession
from infra.worker_runtime.replay import Replay, scratch_database
from projections.dataset import Row
from projections.tasks import TASKS, WORKER_TASKS
from workers.catalogue import WORKERS
from workers.timeline import give


def tasks_then(store: EventStore, moment: Moment, now: datetime, watcher: Watcher = NOBODY) -> list[Row]:
    """The tasks that had been opened by a moment, as far as workers have come in the log: in the order and shape of the dataset."""
    at = min(time for time in (moment.as_of, moment.known_at, now) if time is not None)
    with scratch_database() as scratch:
        with store.database.reading() as session:
            upto = reached_by_all(session)
            corrected = dict(_corrected(session, store, moment))
        watcher.begin("replaying decisions", upto)
        ReplayThen(
            store, scratch, WORKERS, upto, fires_until=at, notified=False, moment=moment, corrected=corrected
        ).run(watcher.done)
        names = ", ".join(column.name for column in TASKS.columns)
        rows = scratch.query(f"SELECT {names} FROM {WORKER_TASKS} ORDER BY {', '.join(TASKS.order)}")  # noqa: S608 - known names
        return list(map(codec(TASKS.columns, scratch.kind).decode, rows))


def _corrected(
    session: StoreSession, store: EventStore, moment: Moment
) -> Iterator[tuple[str, Mapping[int, AnyRecorded]]]:
    """The events by position of each stream that had been corrected, as was known, with these corrections."""
    reader = log_reader.LogReader(store.mapper)
    streams = session.query(
        "SELECT DISTINCT originator_id FROM stored_events WHERE topic = ?", (FactCorrected.__name__,)
    )
    for (subject,) in streams:
        entries = log_reader.stream(session, reader, subject, END)
        known = [each for each in entries if each.recorded is None or moment.knows(each.recorded)]
        # A stream that can't be read is put aside by the workers, as far as they could read it.
        if any(map(log_reader.is_correction, known)) and all(each.error is None for each in known):
            counting = log_reader.effective_entries(known)
            yield subject, {each.position: each.recorded for each in counting if each.recorded is not None}


@dataclass
class ReplayThen(Replay):
    """A replay of what counted at a moment. `corrected` has the events of streams with corrections, by position."""

    moment: Moment = NOW
    corrected: Mapping[str, Mapping[int, AnyRecorded]] = field(default_factory=dict)

    def see(self, position: int, recorded: AnyRecorded) -> None:
        """Give an event that counts to the workers, as it counts."""
        counting: AnyRecorded | None = recorded
        if recorded.subject in self.corrected:
            counting = self.corrected[recorded.subject].get(position)
        if counting is None or not self.moment.holds(counting) or self.is_aside(position, recorded.subject):
            return
        assert self.fires_until is not None, "deadlines run out by themselves"
        self.desk.position = position
        give(self.desk, counting, self.fires_until)
