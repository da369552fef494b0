"""The rows of a dataset as they were at another time, or as they were known then: folded anew from the events that count.

What was known decides first, and which corrections count; then what had occurred. Rows that time changes are those of the time
asked about. Figures of people are taken back to the last end of a month, and what today's hide is hidden in them as well.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from domain.model import Event
from domain.relationship.events import FactCorrected, RelationshipProposed
from domain.terms import in_force, values
from infra.collector import collecting_seldom
from infra.export.tasks_then import tasks_then
from infra.projection_engine import generation as generation_table
from infra.projection_engine import summaries
from infra.projection_engine.engine import Engine
from infra.projection_engine.rows import codec
from infra.projection_engine.stream_fold import Folder, Unit
from infra.queries import nps
from infra.queries.as_at import END, Moment, TermsThen
from infra.store import log_reader
from infra.store.session import StoreSession
from projections import nps_responses, practices
from projections.catalogue import projection_of, tables_of
from projections.dataset import POSITION, STALE_SINCE, Dataset, Row, Table
from projections.projection import Programme, Projection, StateFold, Summary
from projections.tasks import TASKS

READ: Final = 4_000


class RowsThen(NamedTuple):
    """The rows, in order, and the last position in the log that had a part in them.

    `moment` is that of the rows. Where each programme has its own, for figures of people, it is the latest.
    """

    rows: list[Row]
    position: int
    moment: Moment


def rows_then(engine: Engine, dataset: Dataset, moment: Moment) -> RowsThen:
    """The rows of a dataset that counted at a moment."""
    projection = projection_of(dataset.name)
    with engine.database.reading() as session:
        if dataset.name == TASKS.name:
            rows = tasks_then(engine.store, moment, engine.clock.now(), engine.watcher)
            return RowsThen(rows, max((row[POSITION.name] for row in rows), default=0), moment)
        if projection is None:
            return _recorded(session, dataset, moment)
        fold = _Fold(engine, session, projection, moment)
        table = next(each for each in tables_of(projection) if each.name == dataset.name)
        with collecting_seldom():
            units = list(fold.units())
        summary = projection.summary if isinstance(projection, StateFold) else None
        if summary is None or table is not summary.table:
            rows = [row for unit in units for row in fold.rows_of(unit, table)]
        elif table is not nps_responses.FIGURES:
            rows = _figures(engine, session, summary, units)
    if table is nps_responses.FIGURES:
        rows = _nps(engine, moment)
    if table.anonymous or (summary is not None and table is summary.table):
        rows = [row | {POSITION.name: fold.position, STALE_SINCE.name: None} for row in rows]
    return RowsThen(
        sorted(rows, key=lambda row: [_placed(row[name]) for name in dataset.order]), fold.position, fold.latest()
    )


def _placed(value: Any) -> tuple[bool, Any]:
    """What is empty comes first, as it does in SQLite."""
    return value is not None, value


class _Fold:
    """One projection folded from the events that counted at a moment. `position` is that of the last of them."""

    def __init__(self, engine: Engine, session: StoreSession, projection: Projection, moment: Moment) -> None:
        self.engine, self.session, self.projection, self.moment = engine, session, projection, moment
        self.folder = Folder([projection])
        self.position = 0
        self._zones: set[str] = set()
        self._of_people = isinstance(projection, StateFold) and projection.summary is not None
        wanted: set[type[Event]] = {RelationshipProposed, FactCorrected, *projection.listens}
        self._reader = log_reader.LogReader(engine.store.mapper, wanted)
        self._whole = log_reader.LogReader(engine.store.mapper)
        self._terms = TermsThen.known_at(session, self._whole, moment.known_at)

    def units(self) -> Iterator[Unit]:
        """Every stream that had begun."""
        at = self.moment.as_of or self.engine.clock.now()
        self.engine.watcher.begin(
            "reading the log", int(self.session.query("SELECT COUNT(*) FROM stored_events")[0][0])
        )
        for subject, entries in groupby(self._entries(), key=lambda entry: entry.subject):
            stream = list(entries)
            if not self.folder.concerns(subject):
                continue
            unit = self.folder.fresh(subject)
            for entry in self._counting(subject, stream):
                self.folder.fold_effective(unit, entry)
                self.position = max(self.position, entry.position)
            self.folder.work(unit, at, self._programme)
            yield unit

    def rows_of(self, unit: Unit, table: Table) -> Iterator[Row]:
        """The rows of a stream, each with its position."""
        kept = unit.states.get(self.projection.name)
        broken = unit.broken.get(self.projection.name)
        for row in unit.rows[table.name].values():
            placed = {POSITION.name: kept.position} if kept is not None else {}
            yield {**row, **placed, STALE_SINCE.name: broken and broken.position}

    def _entries(self) -> Iterator[log_reader.LogEntry]:
        after = ("", 0)
        while True:
            entries = log_reader.streams(self.session, self._reader, after, log_reader.LAST, END, READ)
            yield from entries
            self.engine.watcher.done(len(entries))
            if len(entries) < READ:
                return
            after = entries[-1].subject, entries[-1].version

    def _counting(self, subject: str, stream: list[log_reader.LogEntry]) -> Iterator[log_reader.LogEntry]:
        """The events of a stream that count, corrected; all up to the first that can't be read, and that one."""
        moment = self._moment(stream)
        known = [each for each in stream if each.recorded is None or moment.knows(each.recorded)]
        if any(map(log_reader.is_correction, known)):
            whole = log_reader.stream(self.session, self._whole, subject, END)
            known = [each for each in whole if each.recorded is None or moment.knows(each.recorded)]
            if all(each.error is None for each in known):
                known = log_reader.effective_entries(known)
        for entry in known:
            if entry.error is not None or (entry.recorded is not None and moment.holds(entry.recorded)):
                yield entry

    def _moment(self, stream: list[log_reader.LogEntry]) -> Moment:
        first = stream[0].recorded
        if not self._of_people or first is None or not isinstance(first.data, RelationshipProposed):
            return self.moment
        zone = self._terms.timezone(first.data.programme_id)
        as_of, known_at = self.moment.as_of, self.moment.known_at
        self._zones.add(zone)
        return Moment(as_of and nps.last_end_of_month(as_of, zone), known_at and nps.last_end_of_month(known_at, zone))

    def latest(self) -> Moment:
        """The moment of what was folded, the latest of those of the programmes."""
        as_of, known_at = self.moment.as_of, self.moment.known_at
        return (
            Moment(as_of and self._latest(as_of), known_at and self._latest(known_at))
            if self._of_people
            else self.moment
        )

    def _latest(self, time: datetime) -> datetime:
        return max(nps.last_end_of_month(time, zone) for zone in self._zones or {"UTC"})

    def _programme(self, programme_id: str) -> Programme:
        return Programme(self._terms.of(programme_id), self._terms.timezone(programme_id))


# --- figures of people ---------------------------------------------------------------------------------------------
def _figures(engine: Engine, session: StoreSession, summary: Summary, units: list[Unit]) -> list[Row]:
    """The figures of practices, as far as they may be shown beside today's."""
    terms = TermsThen.known_at(session, log_reader.LogReader(engine.store.mapper), None)
    now = engine.clock.now()
    changes = [summaries.Change(None, row) for unit in units for row in unit.rows[summary.of].values()]
    then = summaries.add_up(summary, {}, changes, lambda programme: values(in_force(terms.of(programme).settings, now)))
    live = next(
        each
        for each in generation_table.live(session, engine.projections)
        if isinstance(each.projection, StateFold) and each.projection.summary is summary
    )
    today = summaries.load(session, live, summary)
    return [practices.alike(row, today.get(key)) for key, row in then.items()]


def _nps(engine: Engine, moment: Moment) -> list[Row]:
    rows = nps.figures(engine, ["programme"], moment=nps.Moment(moment.as_of, moment.known_at))
    return [{**row, "programme_id": row["programme"]} for row in rows]


# --- what is recorded as it is shown --------------------------------------------------------------------------------
def _recorded(session: StoreSession, dataset: Dataset, moment: Moment) -> RowsThen:
    """The rows of the timeline that there were."""
    limits = [("occurred_at", moment.as_of), ("recorded_at", moment.known_at)]
    given = [(column, time) for column, time in limits if time is not None]
    where = " AND ".join(f"{column} <= ?" for column, _ in given) or "1 = 1"
    names = ", ".join(column.name for column in dataset.columns)
    query = f"SELECT {names} FROM {dataset.name} WHERE {where} ORDER BY {', '.join(dataset.order)}"  # noqa: S608 - known names
    reader = codec(dataset.columns, session.kind)
    rows = [reader.decode(row) for row in session.stream(query, [time for _, time in given])]
    return RowsThen(rows, max((row[POSITION.name] for row in rows), default=0), moment)
