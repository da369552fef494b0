"""What is known of programmes and relationships at another time: the streams, up to what had been recorded by then."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from domain.commitment.terms import TermsInTime
from domain.programme.evolve import evolve
from domain.programme.state import Programme
from infra.store import log_reader
from infra.store.errors import StoreError
from infra.store.session import Session
from projections import commitment

END = 2**62


class UnknownTerms(StoreError):
    """An event of a programme can't be read, so nobody knows what its terms are."""


class Asked(NamedTuple):
    """The time that is asked about (occurred), and when it is asked (recorded; None: now)."""

    at: datetime
    known_at: datetime | None = None


class Found(NamedTuple):
    """What a stream tells. `stale_since` is the first event that could not be read: nothing from there on is in it."""

    state: commitment.State | None
    stale_since: int | None = None


def told(entries: Iterable[log_reader.LogEntry], known_at: datetime | None) -> Found:
    """The state of a relationship by what had been recorded by then."""
    state: commitment.State | None = None
    for entry in entries:
        if entry.error is not None:
            return Found(state, entry.position)
        if entry.recorded is not None and (known_at is None or entry.recorded.recorded_at <= known_at):
            state = commitment.fold_event(state, entry.recorded)
    return Found(state)


class TermsThen:
    """The terms of programmes by what had been recorded by a time."""

    def __init__(self, session: Session, reader: log_reader.LogReader, known_at: datetime | None) -> None:
        self.session, self.reader, self.known_at = session, reader, known_at
        self._found: dict[tuple[str, tuple[tuple[str, float], ...]], TermsInTime] = {}

    def of(self, programme_id: str, overrides: tuple[tuple[str, float], ...] = ()) -> TermsInTime:
        """The terms of a programme over time, with what-if values over them.

        Raises:
            UnknownTerms: an event of the programme can't be read.
        """
        key = programme_id, overrides
        if key not in self._found:
            self._found[key] = self._read(programme_id, overrides)
        return self._found[key]

    def _read(self, programme_id: str, overrides: tuple[tuple[str, float], ...]) -> TermsInTime:
        if overrides:
            return TermsInTime(self.of(programme_id).settings, dict(overrides))
        programme: Programme | None = None
        for entry in log_reader.stream(self.session, self.reader, f"programme:{programme_id}", END):
            if entry.recorded is None:
                raise UnknownTerms(f"the terms of programme {programme_id} are not known: {entry.error}")
            if self.known_at is None or entry.recorded.recorded_at <= self.known_at:
                programme = evolve(programme, entry.recorded)
        return TermsInTime(programme.settings if programme else ())
