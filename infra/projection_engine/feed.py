"""One step of going with the log: a page of events into a set of generations that stand at the same position.

Rows are read and events folded outside of any lock; the writing transaction compares positions with those that were read
before anything is changed, so of several processes that do the same step one wins, and the others read again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from domain.commitment.terms import TermsInTime
from domain.programme.events import TermSet
from domain.terms import in_force, values
from infra.projection_engine import generation as books
from infra.projection_engine import log, stored_rows, summary_tables, writing
from infra.projection_engine.generation import Generation
from infra.projection_engine.lru import Recent
from infra.projection_engine.programme_terms import Programmes
from infra.projection_engine.schema import physical, state_table
from infra.projection_engine.stream_fold import Folder, Unit
from infra.store.mapper import RapportMapper
from infra.store.session import Database, Session
from projections.projection import StateFold, Summary

PAGE: Final = 2_000
CACHED_STREAMS: Final = 2_000
# Before any time that could be asked about: what is due then is due now.
LONG_AGO: Final = datetime.fromisoformat("1000-01-01T00:00:00+00:00")


class Snapshot(NamedTuple):
    """What one reading of the database gave: the events, and the streams that they concern as they are stored."""

    entries: list[log.Entry]
    units: dict[str, Unit]
    to: int


class Feed:
    """Feeds generations that stand together; make another one when they are others."""

    def __init__(self, database: Database, mapper: RapportMapper, generations: Sequence[Generation]) -> None:
        self.database = database
        self.generations = tuple(generations)
        self.folder = Folder(generation.projection for generation in generations)
        # Terms are for the engine to know, whoever folds them.
        self.reader = log.Reader(
            mapper, {TermSet, *(event for each in generations for event in each.projection.listens)}
        )
        self.programmes = Programmes(mapper)
        self._units: Recent[str, Unit] = Recent(CACHED_STREAMS)

    @property
    def position(self) -> int:
        """Where the generations stand."""
        return self.generations[0].position

    def step(self, until: int, at: datetime, limit: int = PAGE) -> int:
        """Take in the next page of events up to a position; how many they were. Raises `Overtaken`."""
        try:
            with self.database.reading() as session:
                taken = self._read(session, until, limit)
                self._fold(session, taken, at)
                summaries = self.summed(
                    session, self.touched(taken.units.values()), taken.to, new_terms=_new_terms(taken.entries)
                )
            changes = writing.changes(self.database.kind, self.generations, list(taken.units.values()))
            with self.database.transaction() as session:
                moved = books.advance(session, self.generations, taken.to)
                writing.write(session, changes)
                summary_tables.write(session, summaries)
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
        """Go on with a generation that was written to otherwise; what was remembered of its rows is forgotten."""
        self.generations = tuple(generation if each.id == generation.id else each for each in self.generations)
        self._units.clear()

    def _read(self, session: Session, until: int, limit: int) -> Snapshot:
        self.check(session)
        entries = log.page(session, self.reader, self.position, until, limit)
        subjects = dict.fromkeys(entry.subject for entry in entries)
        units = {subject: unit for subject in subjects if (unit := self._units.get(subject))}
        missing = [subject for subject in subjects if subject not in units]
        units |= stored_rows.load(session, self.generations, self.folder, missing)
        # With fewer than a page there was nothing else to read.
        return Snapshot(entries, units, entries[-1].position if len(entries) == limit else until)

    def check(self, session: Session) -> None:
        """Raises `Overtaken` unless all generations are still as they were left."""
        projections = {each.name: each.projection for each in self.generations}
        found = {each.id: each.writes for each in books.load(session, projections)}
        for each in self.generations:
            if found.get(each.id) != each.writes:
                raise books.Overtaken(each.name)

    def _fold(self, session: Session, taken: Snapshot, at: datetime) -> None:
        for entry in taken.entries:
            if entry.subject.startswith("programme:"):
                self.programmes.forget(entry.subject.partition(":")[2])
            self.folder.fold(taken.units[entry.subject], entry)
        terms_of = self.terms_of(session, taken.to)
        for unit in taken.units.values():
            self.folder.work(unit, at, terms_of)

    def terms_of(self, session: Session, until: int) -> Callable[[str | None], TermsInTime]:
        """Looks up the terms of a programme as they stand in the log up to a position."""
        return lambda programme_id: self.programmes.terms(session, programme_id, until)

    # --- summaries -------------------------------------------------------------------------------------------------
    def touched(self, units: Iterable[Unit]) -> list[list[summary_tables.Change]]:
        """What these units change for each of the summaries."""
        each_once = list(units)
        return [summary_tables.changes(summary, each_once) for _, summary in self.summaries()]

    def summed(
        self, session: Session, touched: Sequence[Sequence[summary_tables.Change]], until: int, *, new_terms: bool
    ) -> list[summary_tables.Resummed]:
        """The summaries that change by what was touched, or with new terms."""
        found = []
        for (generation, summary), changes in zip(self.summaries(), touched, strict=True):
            if changes or new_terms:
                before = summary_tables.load(session, generation, summary)
                after = summary_tables.add_up(summary, before, changes, self.values_of(session, until))
                found.append(summary_tables.Resummed(generation, summary, before, after))
        return found

    def summaries(self) -> list[tuple[Generation, Summary]]:
        """The generations that have a summary, with it."""
        return [
            (each, each.projection.summary)
            for each in self.generations
            if isinstance(each.projection, StateFold) and each.projection.summary
        ]

    def values_of(self, session: Session, until: int) -> Callable[[str], Mapping[str, float]]:
        """Looks up the values that a programme's terms have once all that is said up to a position counts."""

        def look_up(programme_id: str) -> Mapping[str, float]:
            settings = self.programmes.terms(session, programme_id, until).settings
            return values(in_force(settings, settings[-1].at)) if settings else values()

        return look_up

    # --- terms -----------------------------------------------------------------------------------------------------
    def _mark_due(self, session: Session, entries: Iterable[log.Entry]) -> None:
        """New terms change the rows of all streams of a programme: they are worked out anew before anybody is answered."""
        programmes = {
            entry.subject.partition(":")[2]
            for entry in entries
            if entry.recorded is not None and isinstance(entry.recorded.data, TermSet)
        }
        for generation in self.generations:
            if isinstance(generation.projection, StateFold):
                name = physical(state_table(generation.projection).name, generation.mark)
                for programme_id in sorted(programmes):
                    session.execute(f"UPDATE {name} SET due = ? WHERE programme_id = ?", (LONG_AGO, programme_id))
        if programmes:
            self._units.clear()


def _new_terms(entries: Iterable[log.Entry]) -> bool:
    return any(entry.recorded is not None and isinstance(entry.recorded.data, TermSet) for entry in entries)
