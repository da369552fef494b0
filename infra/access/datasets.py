"""Datasets as a reader has them: the rows of their programmes, and the columns that the matrix opens to their role.

Analysts and auditors have what `projections.readers` makes of each row, as in the database: pseudonyms, and what comes of a report
withheld. The office reads rows as they are. Suppliers and services may not know of reports: for them what comes of one is left
out, and health is worked out as if it had not happened (`infra.access.seen`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from cachetools import LRUCache

from domain.sharing import confidential
from domain.sharing.cells import cell, is_strict, ways
from domain.words import MENTOR_FREE, DataClass, Role
from infra.access.figures import Theirs, theirs_of
from infra.access.secrets import with_secrets
from infra.access.seen import Seen
from infra.access.standing import KNOWERS, Asker, scope
from infra.export.exporting import Unusable
from infra.export.masked import codes_of_relationships
from infra.export.rows_then import rows_then
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.projection_engine.rows import codec
from infra.queries.as_at import NOW, Moment
from infra.store.session import StoreSession
from infra.unknown_name import unknown_name
from projections.catalogue import datasets
from projections.dataset import POSITION, RELATIONSHIP, Column, Dataset, Row
from projections.nps_responses import RESPONSES
from projections.readers import READERS as MASKED
from projections.readers import Masking

READERS: Final[frozenset[Role]] = frozenset({"analyst", "auditor", "coordinator", "supplier", "service", "hr"})
# That there is a case is for hr and the office to know, and without names for those who see all rows masked; hr reads nothing else.
CASES: Final = "cases"
OF_CASES: Final[frozenset[str]] = frozenset({"coordinator", "hr", *MASKED})
_PROGRAMME: Final = ("programme_id", "home_programme_id")
_STANDINGS: Final = frozenset({"suspended_in", "removed_from"})
_COURSE: Final[frozenset[DataClass]] = frozenset(MENTOR_FREE) - {"nps_score"}
_VERSION_OF: Final[Mapping[str, str]] = {"timeline": "version", "corrections": "version", "concerns": "raised_version"}
_HIDDEN: Final = ("type", "actor_role", "actor_id", "session_id", "goal_id", "clause")
SIZE: Final = 5_000
# Rows of one relationship stand together in most datasets.
KEPT: Final = 200
Convert = Callable[[Row, Any], Any]


class UnknownDataset(Exception):
    """There is no such dataset; the message names what may have been meant."""


class MayNot(Exception):
    """The reader's role has no datasets, or not this one."""


class Rows(NamedTuple):
    """The columns of a dataset, and its rows as tuples in the order of the columns."""

    columns: Sequence[Column]
    rows: Iterator[tuple[Any, ...]]


def open_dataset(
    engine: Engine, asker: Asker, name: str, pseudonyms: Pseudonyms, moment: Moment, now: datetime, size: int = SIZE
) -> Rows:
    """The rows of a dataset at a moment that are for the asker; `size` rows are read at a time.

    Raises:
        MayNot: The asker's role does not read it.
        UnknownDataset: There is no such dataset.
    """
    if asker.role not in READERS:
        raise MayNot
    known = datasets()
    if name not in known:
        raise UnknownDataset(unknown_name("dataset", name, known))
    if (name == CASES and asker.role not in OF_CASES) or (asker.role == "hr" and name != CASES):
        raise MayNot
    engine.catch_up()
    dataset = known[name]
    reading = _Reading(engine, asker, dataset, pseudonyms, now, size)
    names = [column.name for column in dataset.columns]
    return Rows(dataset.columns, (tuple(row[name] for name in names) for row in reading.rows(moment)))


class _Reading:
    """One dataset on its way to one reader."""

    def __init__(
        self, engine: Engine, asker: Asker, dataset: Dataset, pseudonyms: Pseudonyms, now: datetime, size: int
    ) -> None:
        self.size = size
        self.engine, self.asker, self.dataset, self.now = engine, asker, dataset, now
        names = {column.name for column in dataset.columns}
        self.of_relationships = RELATIONSHIP in names
        self.programme = next((name for name in _PROGRAMME if name in names), None)
        self.masking = Masking(dataset, asker.role, pseudonyms) if asker.role in MASKED else None
        self.order = dataset.order if self.masking is None else self.masking.order
        self._unusable = Unusable.of(engine)
        self.convert = [(column, how) for column in dataset.columns if (how := self._conversion(column)) is not None]

    def rows(self, moment: Moment) -> Iterator[Row]:
        """The rows, each as it is for the reader to see."""
        found = self._stored() if moment == NOW else self._then(moment)
        theirs = (row for row in found if self._is_theirs(row) and self._unusable.allows(row))
        if self.masking is not None:
            yield from self.masking.rows(map(self._converted, theirs), self._codes)
            return
        for row in theirs:
            for seen in self._as_known(row, moment):
                yield self._converted(seen)

    def _stored(self) -> Iterator[Row]:
        names = ", ".join(column.name for column in self.dataset.columns)
        select, order = f"SELECT {names} FROM {self.dataset.name}", ", ".join(self.order)  # noqa: S608 - known names
        with self.engine.database.reading() as session:
            reader = codec(tuple(self.dataset.columns), session.kind)
            for values in self._in_order(session, select, order):
                yield reader.decode(values)

    def _in_order(self, session: StoreSession, select: str, order: str) -> Iterator[tuple[Any, ...]]:
        if self.order[0] != POSITION.name:
            yield from session.stream(f"{select} ORDER BY {order}", size=self.size)
            return
        # The log is read stretch by stretch, each twice as long: putting all of it in order first takes as long as reading all of it.
        [(last,)] = session.query("SELECT MAX(position) FROM stored_events")
        where = f"{POSITION.name} > ? AND {POSITION.name} <= ?"
        start, size = -1, self.size
        while start < (last or 0):
            yield from session.stream(f"{select} WHERE {where} ORDER BY {order}", (start, start + size), SIZE)
            start, size = start + size, 2 * size

    def _then(self, moment: Moment) -> Iterator[Row]:
        """The rows of another time, with the values that a database would give back."""
        as_stored = codec(tuple(self.dataset.columns), "sqlite")
        for row in rows_then(self.engine, self.dataset._replace(order=self.order), moment).rows:
            yield as_stored.decode(as_stored.encode(row))

    # --- whose rows ----------------------------------------------------------------------------------------------------
    def _is_theirs(self, row: Row) -> bool:
        if self.asker.role == "supplier":
            return self._is_suppliers(row)
        if self.asker.programmes is None:
            return True
        if self.dataset.name == "mentors":
            return self.asker.covers(row["home_programme_id"]) or row["mentor_id"].lower() in self._theirs.mentors
        return self.programme is not None and self.asker.covers(row[self.programme])

    def _is_suppliers(self, row: Row) -> bool:
        """Whether a row is of a relationship, a mentor or a programme of the supplier's own, whatever programmes the token covers."""
        if self.of_relationships:
            return row[RELATIONSHIP] in self._scoped
        if "subject" in row:
            return row["subject"] in self._scoped
        if self.dataset.name == "mentors":
            return row["mentor_id"].lower() in self._theirs.mentors
        programme = "" if self.programme is None else (row[self.programme] or "").lower()
        if self.dataset.name == RESPONSES.name:
            # They don't say of which relationship they are.
            return programme in self._theirs.whole_programmes
        if self.dataset.figures and "mentor_id" in row:
            return self._theirs.see(programme, row["mentor_id"], suppressed=row["suppressed"])
        return programme in self._theirs.programmes

    @cached_property
    def _scoped(self) -> frozenset[str]:
        where, params = scope(self.asker)
        found = self.engine.database.query(f"SELECT relationship_id FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
        return frozenset(relationship_id for (relationship_id,) in found)

    @cached_property
    def _theirs(self) -> Theirs:
        return theirs_of(self.engine, self.asker)

    # --- what is confidential by itself --------------------------------------------------------------------------------
    def _as_known(self, row: Row, moment: Moment) -> Iterator[Row]:
        name = self.dataset.name
        if self.asker.role in KNOWERS:
            yield row
        elif name in {"commitment_signals", "signals_history"}:
            if row["signal"] not in confidential.SIGNALS:
                yield row
        elif name == "tasks":
            if row["kind"] not in confidential.TASKS:
                yield row
        elif name == "commitment_bands":
            yield from self._bands(row, moment)
        elif name == "commitment_health":
            yield self._health(row, moment)
        elif name == "timeline" and _is_of_a_case_or_worker(row):
            return
        elif name in _VERSION_OF and self._is_withheld(row, _VERSION_OF[name]):
            if name == "timeline":
                yield row | dict.fromkeys(_HIDDEN) | {"type": "withheld"}
        else:
            yield row

    def _is_withheld(self, row: Row, version: str) -> bool:
        seen = self._seen(row.get(RELATIONSHIP) or row.get("subject"))
        return seen is not None and row[version] in seen.withheld

    def _health(self, row: Row, moment: Moment) -> Row:
        seen = self._seen(row[RELATIONSHIP])
        found = seen and seen.assessed(moment)
        if not found:
            return row
        health = found.health
        return row | {
            "score": health.score,
            "band": health.band,
            "mentee_score": health.mentee_score,
            "mentor_score": health.mentor_score,
            "signals": len(health.signals),
            "since": found.changes[-1].at if found.changes and health.score is not None else None,
            "next_change_at": health.next_change_at,
        }

    def _bands(self, row: Row, moment: Moment) -> Iterator[Row]:
        """The stretches of a relationship, all at the place of its first row where they have to be worked out anew."""
        seen = self._seen(row[RELATIONSHIP])
        if seen is None:
            yield row
            return
        if row[RELATIONSHIP] in self._with_bands:
            return
        self._with_bands.add(row[RELATIONSHIP])
        found = seen.assessed(moment)
        changes = found.changes if found else ()
        for place, change in enumerate(changes):
            until = changes[place + 1].at if place + 1 < len(changes) else None
            if change.score is not None:
                yield row | {"since": change.at, "until": until, "score": change.score, "band": change.band}

    @cached_property
    def _with_bands(self) -> set[str]:
        return set()

    @cached_property
    def _with_secrets(self) -> set[str]:
        return with_secrets(self.engine.store)

    def _seen(self, subject: str | None) -> Seen | None:
        """What the reader sees of a relationship that has something that may be withheld."""
        if not subject or subject not in self._with_secrets:
            return None
        if subject not in self._kept:
            store = self.engine.store
            self._kept[subject] = Seen.of(store, lambda: self.engine, self.asker, subject, self.now)
        return self._kept[subject]

    @cached_property
    def _kept(self) -> LRUCache[str, Seen | None]:
        return LRUCache(KEPT)

    # --- columns -------------------------------------------------------------------------------------------------------
    def _conversion(self, column: Column) -> Convert | None:
        """How a value is shown to a reader whose rows are not masked; None: as it is."""
        if column.name in _STANDINGS:
            return self._own_programmes
        if self.masking is not None or column.data_class in {"operational", "identity"}:
            return None
        if not {"yes", "few"}.intersection(ways(cell(column.data_class, self.asker.role))):
            return _nothing
        if column.data_class in _COURSE and self.of_relationships:
            return self._unless_strict
        return None

    def _own_programmes(self, _row: Row, value: Any) -> Any:
        if self.asker.role == "supplier":
            return [each for each in value or () if each.lower() in self._theirs.programmes]
        return [each for each in value or () if self.asker.covers(each)]

    def _unless_strict(self, row: Row, value: Any) -> Any:
        return None if is_strict(self._codes[row[RELATIONSHIP]]) else value

    @cached_property
    def _codes(self) -> Mapping[str, frozenset[str]]:
        return codes_of_relationships(self.engine)

    def _converted(self, row: Row) -> Row:
        return row | {column.name: how(row, row[column.name]) for column, how in self.convert} if self.convert else row


def _nothing(_row: Row, _value: Any) -> None:
    return None


def _is_of_a_case_or_worker(row: Row) -> bool:
    """Whether a row of the timeline is of a case, or of a worker that deals with what is confidential."""
    return row["subject"].startswith("case:") or (
        row["source"] == "deadline" and row["actor_id"] in confidential.WORKERS
    )
