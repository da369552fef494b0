"""One stream while it is folded: its rows and states in memory, for all projections that are fed together.

A correction changes what came before it, so at each one the stream is folded anew from its effective history up to there; a
row that the correction changed has its position from then on.

An error of a projection holds up this one stream in that one projection: earlier rows stay, the rest waits in
quarantine for `rapport projections retry`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from domain.model import Event
from domain.registry import AGGREGATES_OF_EVENT, Kind, kind_of
from domain.relationship.events import FactCorrected, RelationshipProposed
from infra.store.log_reader import LogEntry, is_correction
from projections.dataset import PROGRAMME, Key, Row
from projections.projection import Programme, Projection, RowContext, RowFold, StateFold

_NOT_PLAIN: Final = frozenset({FactCorrected, RelationshipProposed})
NO_TIMES: Final[Mapping[str, datetime]] = MappingProxyType({})
ProgrammeOf = Callable[[str], Programme]


class Corrected(NamedTuple):
    """A stream up to a correction and with it: its events as they count, and the kinds of those that counted otherwise before.

    `error` says why there is none.
    """

    entries: Sequence[LogEntry] = ()
    changed: frozenset[type[Event]] = frozenset()
    error: str | None = None


CorrectedBy = Callable[[LogEntry], Corrected]


class Broken(NamedTuple):
    """Why a stream is held up in a projection, and since which event."""

    position: int
    version: int
    topic: str
    error: str


@dataclass(slots=True)
class Kept:
    """The state of a stream in one `StateFold`, and what is stored beside it."""

    state: Any = None
    position: int = 0
    since: datetime | None = None
    due: datetime | None = None
    dirty: bool = False


@dataclass(slots=True)
class Unit:
    """One stream: rows by table and key, states by projection.

    `touched` are the keys that may differ from what is stored, with the rows that are stored. `held` are the projections
    in which the stream is in quarantine, `broken` those in which it has just come there. `last` is the last event folded.
    `programme_id` is that of a relationship, which its rows have beside what projections put into them.
    """

    subject: str
    rows: dict[str, dict[Key, Row]]
    states: dict[str, Kept] = field(default_factory=dict)
    touched: dict[str, dict[Key, Row | None]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    broken: dict[str, Broken] = field(default_factory=dict)
    last: LogEntry | None = None
    programme_id: str | None = None

    def replaces(self, stored: "Unit") -> None:
        """These rows, folded from the first event, stand in for those that are stored."""
        for table, rows in self.rows.items():
            old = stored.rows[table]
            self.touched[table] = {key: old.get(key) for key in old.keys() | rows.keys()}

    def settled(self) -> None:
        """What was touched is stored now."""
        self.touched = {}
        self.held |= self.broken.keys()
        self.broken = {}
        for kept in self.states.values():
            kept.dirty = False


class Folder:
    """Folds events into units for a set of projections."""

    def __init__(self, projections: Iterable[Projection]) -> None:
        self.projections = tuple(projections)
        self.row_folds = tuple(each for each in self.projections if isinstance(each, RowFold))
        self.state_folds = tuple(each for each in self.projections if isinstance(each, StateFold))
        self._by_event: dict[type[Event], tuple[int, ...]] = {}
        self._tables = {each.name: tuple(table.name for table in each.tables) for each in self.projections}
        kinds: dict[Kind, set[str]] = {}
        for each in self.projections:
            for event in each.listens:
                for kind in AGGREGATES_OF_EVENT[event.__name__]:
                    kinds.setdefault(kind, set()).add(each.name)
        self._by_kind: Mapping[Kind, set[str]] = kinds

    def concerns(self, subject: str) -> bool:
        """Whether any projection folds events of this kind of stream."""
        return kind_of(subject) in self._by_kind

    def fresh(self, subject: str) -> Unit:
        """A stream before its first event."""
        return Unit(subject, {name: {} for names in self._tables.values() for name in names})

    def fold(self, unit: Unit, entry: LogEntry, corrected_by: CorrectedBy) -> None:
        """Take in one event; one that corrects another changes whatever rests on that."""
        unit.last = entry
        if is_correction(entry):
            self._fold_anew(unit, corrected_by(entry))
        else:
            self._fold(unit, entry)

    def fold_effective(self, unit: Unit, entry: LogEntry) -> None:
        """Take in an event of an effective history, in which corrections are applied."""
        unit.last = entry
        self._fold(unit, entry)

    def fold_streams(self, streams: Sequence[tuple[Unit, Sequence[LogEntry]]], corrected_by: CorrectedBy) -> None:
        """Take in the events of several streams, each of which has some.

        It comes to the same as `fold` event by event, and is faster: one projection has all of them before the next has any. Where an
        event changes what was before it or can't be read, its stream is folded event by event.
        """
        folding: list[list[tuple[Unit, LogEntry]]] = [[] for _ in self.projections]
        for unit, entries in streams:
            if not _is_plain(entries):
                for entry in entries:
                    self.fold(unit, entry, corrected_by)
                continue
            for entry in entries:
                if (recorded := entry.recorded) is not None:
                    event = type(recorded.data)
                    if event is RelationshipProposed:
                        unit.programme_id = recorded.data.programme_id
                    for place in self._folding(event):
                        folding[place].append((unit, entry))
        for projection, events in zip(self.projections, folding, strict=True):
            for unit, entry in events:
                unit.last = entry
                self._fold_one(projection, unit, entry)
        for unit, entries in streams:
            unit.last = entries[-1]

    def _fold_anew(self, unit: Unit, corrected: Corrected) -> None:
        here = self._by_kind.get(kind_of(unit.subject), set())
        if corrected.error is not None:
            for name in sorted(here):
                self._break(unit, name, corrected.error)
            return
        # Where no event that a projection hears counts otherwise, its rows stand.
        concerned = [
            each for each in self.projections if each.name in here and not corrected.changed.isdisjoint(each.listens)
        ]
        fresh = self.fresh(unit.subject)
        fresh.held = frozenset(each.name for each in self.projections if each not in concerned)
        for entry in corrected.entries:
            fresh.last = entry
            self._fold(fresh, entry)
        for projection in concerned:
            if projection.name in unit.held or projection.name in unit.broken:
                continue
            if projection.name in fresh.broken:
                self._break(unit, projection.name, fresh.broken[projection.name].error)
            elif isinstance(projection, RowFold):
                _take_rows(projection, unit, fresh)
            else:
                _take_state(projection, unit, fresh)

    def _fold(self, unit: Unit, entry: LogEntry) -> None:
        recorded = entry.recorded
        if recorded is None:
            if entry.error is None:
                return
            for name in self._by_kind.get(kind_of(entry.subject), ()):
                self._break(unit, name, entry.error)
            return
        event = type(recorded.data)
        if event is RelationshipProposed:
            unit.programme_id = recorded.data.programme_id
        for place in self._folding(event):
            self._fold_one(self.projections[place], unit, entry)

    def _folding(self, event: type[Event]) -> tuple[int, ...]:
        """The places of the projections that fold events of a kind."""
        found = self._by_event.get(event)
        if found is None:
            places = range(len(self.projections))
            found = self._by_event[event] = tuple(each for each in places if event in self.projections[each].listens)
        return found

    def _fold_one(self, projection: Projection, unit: Unit, entry: LogEntry) -> None:
        if projection.name in unit.held or projection.name in unit.broken:
            return
        try:
            if isinstance(projection, RowFold):
                _fold_rows(projection, unit, entry)
            else:
                _fold_state(projection, unit, entry)
        except Exception as error:  # noqa: BLE001 - whatever a fold raises is its stream's trouble, not the engine's
            self._break(unit, projection.name, reason(error))

    def work(
        self, unit: Unit, at: datetime, programme_of: ProgrammeOf, times: Mapping[str, datetime] = NO_TIMES
    ) -> None:
        """Compute the rows of dirty states, once for all events that changed them.

        `times` names other times than `at` for some projections.
        """
        self.work_streams([(unit, times)], at, programme_of)

    def work_streams(
        self, streams: Sequence[tuple[Unit, Mapping[str, datetime]]], at: datetime, programme_of: ProgrammeOf
    ) -> None:
        """The same for several streams, one projection after the other."""
        for projection in self.state_folds:
            name = projection.name
            for unit, times in streams:
                kept = unit.states.get(name)
                if kept is None or not kept.dirty or name in unit.held:
                    continue
                try:
                    self._work(projection, unit, kept, RowContext(unit.subject, times.get(name, at)), programme_of)
                except Exception as error:  # noqa: BLE001 - as in `fold`
                    self._break(unit, name, reason(error))

    def _work(
        self, projection: StateFold[Any], unit: Unit, kept: Kept, context: RowContext, programme_of: ProgrammeOf
    ) -> None:
        rows: Mapping[str, Iterable[Row]] = {}
        since = due = None
        if kept.state is not None:
            programme = projection.programme(kept.state)
            if programme is not None:
                context = context._replace(programme=programme_of(programme))
            rows, since, due = projection.work(kept.state, context)
        for table in projection.tables:
            new = {table.key_of(row): row for row in rows.get(table.name, ())}
            if table.of_relationships:
                for row in new.values():
                    row[PROGRAMME.name] = unit.programme_id
            old = unit.rows[table.name]
            if old != new:
                touched = unit.touched.setdefault(table.name, {})
                for key in old.keys() | new.keys():
                    if old.get(key) != new.get(key):
                        touched.setdefault(key, old.get(key))
                unit.rows[table.name] = new
        kept.since, kept.due = since, due

    def _break(self, unit: Unit, name: str, error: str) -> None:
        if name in unit.held or name in unit.broken:
            return
        # Without an event it was time passing that broke it.
        last = unit.last or LogEntry(unit.states[name].position, unit.subject, 0, "", None)
        unit.broken[name] = Broken(last.position, last.version, last.topic, error)


def _is_plain(entries: Sequence[LogEntry]) -> bool:
    """Whether each event stands for itself: none can't be read, none corrects another, and what is proposed is proposed first."""
    first = entries[0]
    for entry in entries:
        recorded = entry.recorded
        if recorded is None:
            if entry.error is not None:
                return False
        elif type(recorded.data) in _NOT_PLAIN and (entry is not first or type(recorded.data) is FactCorrected):
            return False
    return True


def _fold_rows(projection: RowFold, unit: Unit, entry: LogEntry) -> None:
    table = projection.table.name
    rows = unit.rows[table]
    recorded = entry.recorded
    assert recorded is not None
    # First all of them, then none can be left half done.
    evolved = [(key, old := rows.get(key), projection.evolve(old, recorded)) for key in projection.keys(recorded, rows)]
    for key, old, new in evolved:
        if new is old:
            continue
        if new is None:
            del rows[key]
        else:
            new["position"] = entry.position
            if projection.table.of_relationships:
                new[PROGRAMME.name] = unit.programme_id
            rows[key] = new
        touched = unit.touched.get(table)
        if touched is None:
            touched = unit.touched[table] = {}
        if key not in touched:
            touched[key] = old


def _fold_state(projection: StateFold[Any], unit: Unit, entry: LogEntry) -> None:
    assert entry.recorded is not None
    kept = unit.states.get(projection.name)
    before = None if kept is None else kept.state
    state = projection.fold(before, entry.recorded)
    if kept is None:
        if state is None:
            return
        kept = unit.states[projection.name] = Kept()
    kept.state, kept.position, kept.dirty = state, entry.position, True


def _take_rows(projection: RowFold, unit: Unit, fresh: Unit) -> None:
    """Let rows that were folded anew stand in for those before the correction, which is the last event of the unit."""
    assert unit.last is not None
    table = projection.table.name
    rows, new = unit.rows[table], fresh.rows[table]
    position = unit.last.position
    for key in [*rows, *(key for key in new if key not in rows)]:
        old, row = rows.get(key), new.get(key)
        if row is not None and old is not None and {**row, "position": old["position"]} == old:
            continue
        unit.touched.setdefault(table, {}).setdefault(key, old)
        if row is None:
            del rows[key]
        else:
            rows[key] = {**row, "position": position}


def _take_state(projection: StateFold[Any], unit: Unit, fresh: Unit) -> None:
    """The same for a state."""
    assert unit.last is not None
    kept, new = unit.states.get(projection.name), fresh.states.get(projection.name)
    if kept is None or new is None:
        # Nothing that can be corrected comes before the first event of a state.
        return
    # As they are stored: of equal states, one may have been read from there.
    if _stored(projection, kept.state) != _stored(projection, new.state):
        kept.state, kept.position, kept.dirty = new.state, unit.last.position, True


def _stored(projection: StateFold[Any], state: Any) -> Any:
    return orjson.loads(orjson.dumps(projection.dump(state)))


def reason(error: Exception) -> str:
    """Why a stream is held up, in a line."""
    return f"{type(error).__name__}: {error}"[:500]
