"""The kit in which projections are told: given these events, then these rows.

given(sessions.PROJECTION, proposed(), ...).rows() are the rows of its first table, in order of key.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from domain.commitment.terms import TermsInTime
from domain.model import AnyRecorded, Event
from infra.projection_engine.stream_fold import Corrected, Folder, Unit
from infra.store.log_reader import LogEntry, effective_entries
from projections.dataset import Row
from projections.projection import Programme, Projection
from tests.given_when_then import At, history
from tests.infra.projection_engine.harness import LATE


def _corrected(entries: list[LogEntry]) -> Corrected:
    """A stream with its last event, a correction, as if all of it counted otherwise now."""
    counted = effective_entries(entries)
    return Corrected(counted, frozenset(type(each.recorded.data) for each in (*entries, *counted) if each.recorded))


class Given:
    """A history of one stream, folded by one projection."""

    def __init__(
        self, projection: Projection, records: Iterable[AnyRecorded], at: datetime, programme: Programme
    ) -> None:
        self.projection = projection
        folder = Folder([projection])
        self.unit: Unit | None = None
        entries = [
            LogEntry(position, recorded.subject, recorded.version, "", recorded)
            for position, recorded in enumerate(records, 1)
        ]
        for place, entry in enumerate(entries, 1):
            self.unit = self.unit or folder.fresh(entry.subject)
            folder.fold(self.unit, entry, lambda _, place=place: _corrected(entries[:place]))  # type: ignore[misc]
        if self.unit:
            folder.work(self.unit, at, lambda _: programme)
            assert self.unit.broken == {}

    def rows(self, table: str | None = None) -> list[Row]:
        """The rows of a table, the first if none is named, in order of key."""
        rows = self.unit.rows[table or self.projection.tables[0].name] if self.unit else {}
        return [row for _, row in sorted(rows.items(), key=lambda item: item[0])]

    def row(self) -> Row:
        """The one row of the first table."""
        (row,) = self.rows()
        return row

    def values(self, *columns: str, table: str | None = None) -> list[tuple[Any, ...]]:
        """Some columns of a table."""
        return [tuple(row[column] for column in columns) for row in self.rows(table)]


def given(
    projection: Projection,
    *events: Event | At,
    at: datetime = LATE,
    terms: TermsInTime | None = None,
    timezone: str = "UTC",
    subject: str | None = None,
) -> Given:
    """Fold a history."""
    records = history(*events, subject=subject) if subject else history(*events)
    return Given(projection, records, at, Programme(terms or TermsInTime(), timezone))
