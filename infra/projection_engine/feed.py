"""Going with the log: a feed takes page after page of events into generations that stand at the same position.

Rows are read and events folded outside of any lock; the writing transaction compares positions with those that were read
before anything is changed, so of several processes that do the same step one wins, and the others read again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from cachetools import LRUCache

from domain.commitment.terms import TermsInTime
from domain.programme.events import ProgrammeCreated, TermSet, TermWithdrawn
from domain.programme.evolve import evolve
from domain.programme.state import UNKNOWN
from domain.registry import kind_of
from domain.relationship.corrections import History
from domain.relationship.events import FactCorrected, RelationshipProposed
from domain.terms import in_force, values
from infra.clock import Clock
from infra.collector import collecting_seldom
from infra.projection_engine import generation as generation_table
from infra.projection_engine import rows, summaries
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import drop_tables, physical, state_table
from infra.projection_engine.stream_fold import (
    Corrected,
    CorrectedBy,
    Folder,
    ProgrammeOf,
    Unit,
    reason,
)
from infra.store import log_reader
from infra.store.errors import StoreError
from infra.store.histories import HistoryCache
from infra.store.log import EventStore
from infra.store.mapper import RapportMapper
from infra.store.session import Database, StoreSession
from projections.projection import Programme, Projection, StateFold, Summary

PAGE: Final = 2_000
CACHED_STREAMS: Final = 2_000
CACHED_PROGRAMMES: Final = 10_000
# Before any time that could be asked about: rows due then are due now.
LONG_AGO: Final = datetime.fromisoformat("1000-01-01T00:00:00+00:00")


class Watcher(Protocol):
    """Hears how far a long piece of work is: what begins, of how many steps, and how many were done since."""

    def begin(self, what: str, total: int | None) -> None:
        """A piece of work begins; the one before has ended."""

    def done(self, steps: int) -> None:
        """This many more steps are done."""

    def note(self, message: str) -> None:
        """A sentence for a person."""


class Nobody:
    """Watches nothing."""

    def begin(self, what: str, total: int | None) -> None:
        """See `Watcher`."""

    def done(self, steps: int) -> None:
        """See `Watcher`."""

    def note(self, message: str) -> None:
        """See `Watcher`."""


NOBODY = Nobody()


class Snapshot(NamedTuple):
    """What one reading of the database gave: the events, and the streams that they concern as they are stored."""

    entries: list[log_reader.LogEntry]
    units: dict[str, Unit]
    to: int


class Feed:
    """Feeds generations that stand at one position; other generations need another feed."""

    def __init__(self, database: Database, mapper: RapportMapper, generations: Sequence[Generation]) -> None:
        self.database = database
        self.generations = tuple(generations)
        self.folder = Folder(generation.projection for generation in generations)
        # The engine itself needs terms and the programmes of relationships, whether or not a projection folds them.
        self.reader = log_reader.LogReader(
            mapper,
            {
                ProgrammeCreated,
                TermSet,
                TermWithdrawn,
                FactCorrected,
                RelationshipProposed,
                *(event for each in generations for event in each.projection.listens),
            },
        )
        # A correction concerns events whether or not a projection folds them.
        self.whole_reader = log_reader.LogReader(mapper)
        self.programmes = Programmes(mapper)
        self._units: LRUCache[str, Unit] = LRUCache(CACHED_STREAMS)
        self._histories = HistoryCache()

    @property
    def position(self) -> int:
        """Where the generations stand."""
        return self.generations[0].position

    def step(self, until: int, at: datetime, limit: int = PAGE) -> int:
        """Take in the next page of events up to a position; returns how many there were.

        Raises:
            Overtaken: Another process wrote meanwhile.
        """
        try:
            with self.database.reading() as session:
                taken = self._read(session, until, limit)
                self._fold(session, taken, at)
                resummed = self.summed(
                    session, self.touched(taken.units.values()), taken.to, _changed_programmes(taken.entries)
                )
            changes = rows.changes(self.database.kind, self.generations, list(taken.units.values()))
            with self.database.transaction() as session:
                moved = generation_table.advance(session, self.generations, taken.to)
                rows.write(session, changes)
                summaries.write(session, resummed)
                self._mark_due(session, taken.entries)
        except BaseException:
            self._units.clear()
            self.programmes.forget_all()
            raise
        self.generations = tuple(moved)
        for unit in taken.units.values():
            unit.settled()
            unit.last = None
            self._units[unit.subject] = unit
        return len(taken.entries)

    def replace(self, generation: Generation) -> None:
        """Continue with a generation that something else wrote to; forgets the rows in memory."""
        self.generations = tuple(generation if each.id == generation.id else each for each in self.generations)
        self._units.clear()

    def _read(self, session: StoreSession, until: int, limit: int) -> Snapshot:
        self.check(session)
        entries = log_reader.page(session, self.reader, self.position, until, limit)
        subjects = dict.fromkeys(entry.subject for entry in entries)
        units = {subject: unit for subject in subjects if (unit := self._units.get(subject))}
        missing = [subject for subject in subjects if subject not in units]
        units |= self.load(session, missing)
        # With fewer than a page there was nothing else to read.
        return Snapshot(entries, units, entries[-1].position if len(entries) == limit else until)

    def load(
        self, session: StoreSession, subjects: Sequence[str], generations: Sequence[Generation] | None = None
    ) -> dict[str, Unit]:
        """The units of these streams as they are stored in all or some generations, each relationship with its programme."""
        units = rows.load(session, self.generations if generations is None else generations, self.folder, subjects)
        relationships = [subject for subject in units if kind_of(subject) == "relationship"]
        for entry in log_reader.beginnings(session, self.reader, relationships):
            # Rows of a stream that begins with something else are in quarantine.
            if entry.recorded is not None and isinstance(entry.recorded.data, RelationshipProposed):
                units[entry.subject].programme_id = entry.recorded.data.programme_id
        return units

    def check(self, session: StoreSession) -> None:
        """Make sure that all generations are as they were left.

        Raises:
            Overtaken: Another process wrote meanwhile.
        """
        projections = {each.name: each.projection for each in self.generations}
        found = {each.id: each.writes for each in generation_table.load(session, projections)}
        for each in self.generations:
            if found.get(each.id) != each.writes:
                raise generation_table.Overtaken(each.name)

    def _fold(self, session: StoreSession, taken: Snapshot, at: datetime) -> None:
        corrected_by = self.corrected_by(session, taken.to)
        for entry in taken.entries:
            if entry.subject.startswith("programme:"):
                self.programmes.forget(entry.subject.partition(":")[2])
            self.folder.fold(taken.units[entry.subject], entry, corrected_by)
        programme_of = self.programme_of(session, taken.to)
        for unit in taken.units.values():
            self.folder.work(unit, at, programme_of)

    def programme_of(self, session: StoreSession, until: int) -> ProgrammeOf:
        """Returns a look-up for a programme as it stands in the log up to a position."""
        return lambda programme_id: self.programmes.find(session, programme_id, until)

    def corrected_by(self, session: StoreSession, until: int) -> CorrectedBy:
        """Returns a look-up for what a correction makes of its stream; the correction is not after a position of the log."""

        def look_up(correction: log_reader.LogEntry) -> Corrected:
            subject = correction.subject
            known = self._histories.get(subject)
            if known is None or known.version >= correction.version:
                known = History()
            entries = log_reader.stream(
                session, self.whole_reader, subject, min(until, correction.position), known.version
            )
            if unread := next((entry.error for entry in entries if entry.error is not None), None):
                return Corrected(error=unread)
            later = [entry.recorded for entry in entries if entry.recorded is not None]
            try:
                before = known.then(later[:-1])
                after = before.then(later[-1:])
            except Exception as error:  # noqa: BLE001 - whatever is wrong with this stream, the others can be folded
                return Corrected(error=reason(error))
            self._histories.put(subject, after)
            return Corrected(
                log_reader.placed(after.counted, log_reader.places(session, subject)),
                after.changed_since(before) | {FactCorrected},
            )

        return look_up

    # --- summaries -------------------------------------------------------------------------------------------------
    def touched(self, units: Iterable[Unit]) -> list[list[summaries.Change]]:
        """What these units change for each of the summaries."""
        each_once = list(units)
        return [summaries.changes(summary, each_once) for _, summary in self.summaries()]

    def summed(
        self,
        session: StoreSession,
        touched: Sequence[Sequence[summaries.Change]],
        until: int,
        programmes: Collection[str] = (),
    ) -> list[summaries.Resummed]:
        """The groups of summaries that change by what was touched, or with new terms of these programmes."""
        found = []
        for (generation, summary), changes in zip(self.summaries(), touched, strict=True):
            if changes or programmes:
                before = summaries.load_concerned(session, generation, summary, changes, programmes)
                after = summaries.add_up(summary, before, changes, self.values_of(session, until))
                found.append(summaries.Resummed(generation, summary, before, after))
        return found

    def summaries(self) -> list[tuple[Generation, Summary]]:
        """The generations that have a summary, with it."""
        return [
            (each, each.projection.summary)
            for each in self.generations
            if isinstance(each.projection, StateFold) and each.projection.summary
        ]

    def values_of(self, session: StoreSession, until: int) -> Callable[[str], Mapping[str, float]]:
        """Returns a look-up for the values of a programme's terms, with everything recorded up to a position in force."""

        def look_up(programme_id: str) -> Mapping[str, float]:
            settings = self.programmes.find(session, programme_id, until).terms.settings
            return values(in_force(settings, settings[-1].at)) if settings else values()

        return look_up

    # --- programmes ------------------------------------------------------------------------------------------------
    def _mark_due(self, session: StoreSession, entries: Iterable[log_reader.LogEntry]) -> None:
        """Mark all streams of a programme that changed as due: their rows are computed again before the next answer."""
        programmes = _changed_programmes(entries)
        for generation in self.generations:
            if isinstance(generation.projection, StateFold):
                name = physical(state_table(generation.projection).name, generation.mark)
                for programme_id in sorted(programmes):
                    session.execute(f"UPDATE {name} SET due = ? WHERE programme_id = ?", (LONG_AGO, programme_id))
        if programmes:
            self._units.clear()


def _changed_programmes(entries: Iterable[log_reader.LogEntry]) -> set[str]:
    """The programmes that got their time zone, or of which a document set a term or no longer sets it.

    A relationship's own terms are in its state.
    """
    return {
        entry.subject.partition(":")[2]
        for entry in entries
        if entry.subject.startswith("programme:")
        and entry.recorded is not None
        and isinstance(entry.recorded.data, ProgrammeCreated | TermSet | TermWithdrawn)
    }


class Programmes:
    """Looks up programmes and remembers them; `forget` one that has new events."""

    def __init__(self, mapper: RapportMapper) -> None:
        self.reader = log_reader.LogReader(mapper)
        self._known: LRUCache[str, Programme] = LRUCache(CACHED_PROGRAMMES)

    def find(self, session: StoreSession, programme_id: str, until: int) -> Programme:
        """The terms and the time zone of a programme, as far as they stand in the log up to a position.

        Raises:
            StoreError: An event of the programme can't be read, so its terms are not known.
        """
        known = self._known.get(programme_id)
        if known is None:
            known = self._known[programme_id] = self._read(session, programme_id, until)
        return known

    def forget(self, programme_id: str) -> None:
        """Read the programme's stream again when it is asked for."""
        self._known.pop(programme_id, None)

    def forget_all(self) -> None:
        """Read every programme's stream again."""
        self._known.clear()

    def _read(self, session: StoreSession, programme_id: str, until: int) -> Programme:
        programme = UNKNOWN
        for entry in log_reader.stream(session, self.reader, f"programme:{programme_id}", until):
            if entry.recorded is None:
                raise StoreError(f"the terms of programme {programme_id} are not known: {entry.error}")
            programme = evolve(programme, entry.recorded)
        return Programme(TermsInTime(programme.settings), programme.timezone)


class Feeds:
    """The generations of one store and their feeds: moves generations along the log, as far as they are asked to go."""

    def __init__(
        self, store: EventStore, clock: Clock, projections: Iterable[Projection], watcher: Watcher, page: int
    ) -> None:
        self.store = store
        self.database = store.database
        self.clock = clock
        self.watcher = watcher
        self.page = page
        self.projections: Mapping[str, Projection] = {each.name: each for each in projections}
        self._feeds: dict[tuple[tuple[str, str], ...], Feed] = {}

    def live(self) -> list[Generation]:
        """The generations behind the plain names."""
        with self.database.reading() as session:
            return generation_table.live(session, self.projections)

    def feed_to(self, generations: Sequence[Generation], head: int) -> None:
        """Feed generations up to a position: those furthest behind first, until all go together."""
        self.watcher.begin("bringing projections up to date", sum(head - each.position for each in generations))
        while behind := [each for each in generations if each.position < head]:
            lowest = min(each.position for each in behind)
            together = [each for each in behind if each.position == lowest]
            until = min([head, *(each.position for each in generations if each.position > lowest)])
            feed = self.feed_of(together)
            with collecting_seldom():
                while feed.position < until:
                    before = feed.position
                    feed.step(until, self.clock.now(), self.page)
                    self.watcher.done((feed.position - before) * len(together))
            moved = {each.id: each for each in feed.generations}
            generations = [moved.get(each.id, each) for each in generations]

    def feed_of(self, generations: Sequence[Generation]) -> Feed:
        """Returns the feed of these generations; it keeps its memory if they are as it left them."""
        key = tuple(each.id for each in generations)
        feed = self._feeds.get(key)
        if feed is None or feed.generations != tuple(generations):
            feed = self._feeds[key] = Feed(self.database, self.store.mapper, generations)
        return feed

    def clean_up(self) -> None:
        """Drop the tables of generations that are no longer needed."""
        with self.database.reading() as session:
            found = generation_table.load(session, self.projections)
        for each in found:
            if each.state == "retired" or (each.state == "building" and not each.current):
                with self.database.changing_schema() as session:
                    drop_tables(session, each.mark)
                    rows.forget_quarantine(session, each)
                    generation_table.remove(session, each)
