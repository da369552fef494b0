"""Questions about another time: which events count, the state that they fold to, and the terms that were known then."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from domain.commitment.terms import TermsInTime
from domain.model import AnyRecorded
from domain.programme.evolve import evolve as evolve_programme
from domain.programme.state import UNKNOWN, Programme
from domain.registry import State, effective, evolve, kind_of
from domain.relationship.events import RelationshipProposed
from infra.store import log_reader
from infra.store.errors import StoreError
from infra.store.session import StoreSession
from infra.store.streams import Stream
from projections.projection import StateFold

END = 2**62
S = TypeVar("S")


# --- one stream ----------------------------------------------------------------------------------------------------
class Moment(NamedTuple):
    """A point in time, asked two ways: `as_of` occurred time, `known_at` recorded time; or a version of the stream.

    What was known decides first, and which corrections count; they are applied before the occurred time is looked at, for a
    correction says how it was, not how it became.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None
    version: int | None = None

    def holds(self, event: AnyRecorded) -> bool:
        """Whether an event counts: it had occurred, it was known, the stream had come that far."""
        return self.knows(event) and (self.as_of is None or event.occurred_at <= self.as_of)

    def knows(self, event: AnyRecorded) -> bool:
        """Whether an event was known, whenever it occurred."""
        return (self.known_at is None or event.recorded_at <= self.known_at) and (
            self.version is None or event.version <= self.version
        )


NOW = Moment()


def state_at(events: Iterable[AnyRecorded], moment: Moment = NOW) -> State | None:
    """The state after the events that count at a moment; None before there was anything."""
    return state_of(counting(events, moment))


def state_of(counted: Iterable[AnyRecorded]) -> State | None:
    """The state after events that count (`counting`), in the order of their versions; None before there was anything.

    What occurred before the proposal did has no relationship to belong to yet.
    """
    state: State | None = None
    for event in counted:
        if (
            state is None
            and kind_of(event.subject) == "relationship"
            and not isinstance(event.data, RelationshipProposed)
        ):
            continue
        state = evolve(state, event)
    return state


def counting(events: Iterable[AnyRecorded], moment: Moment = NOW) -> list[AnyRecorded]:
    """The events that count at a moment, corrected and in the order of their versions."""
    known = [event for event in events if moment.knows(event)]
    return [event for event in effective(known[0].subject, known) if moment.holds(event)] if known else []


def counting_of(stream: Stream, moment: Moment = NOW) -> Sequence[AnyRecorded]:
    """The events of a stream that count at a moment; those that count now are found once."""
    if moment != NOW:
        return counting(stream.events, moment)
    return stream.once("counting", lambda: tuple(counting(stream.events)))


def state_in(stream: Stream, moment: Moment = NOW) -> State | None:
    """The state of a stream at a moment; that of now is folded once. None before there was anything."""
    if moment != NOW:
        return state_of(counting_of(stream, moment))
    return stream.once("state", lambda: state_of(counting_of(stream)))


# --- health and figures --------------------------------------------------------------------------------------------
class UnknownTerms(StoreError):
    """An event of a programme can't be read, so its terms are not known."""


class Asked(NamedTuple):
    """The occurred time that is asked about, and the recorded time by which it was known (None: now)."""

    at: datetime
    known_at: datetime | None = None


class Found(NamedTuple, Generic[S]):
    """What a projection keeps of a stream. `stale_since` is the first event that could not be read; the state ends before it."""

    state: S | None
    stale_since: int | None = None


Entries = Iterable[log_reader.LogEntry]


def known_state(
    projection: StateFold[S], entries: Entries, known_at: datetime | None, whole: Callable[[], Entries]
) -> Found[S]:
    """What a projection would keep of a stream, folded from the entries recorded by a time (None: all).

    `entries` hold what the projection hears, and the corrections; `whole` reads the stream with all its events, where there is one.
    """
    known, stale_since = _known(entries, known_at)
    if any(map(log_reader.is_correction, known)):
        known, stale_since = _known(whole(), known_at)
        known = log_reader.effective_entries(known)
    return Found(folded(projection, known), stale_since)


def folded(projection: StateFold[S], entries: Entries) -> S | None:
    """What a projection keeps of one stream after these entries; None where it heard none of them."""
    state: S | None = None
    for entry in entries:
        if entry.recorded is not None and type(entry.recorded.data) in projection.listens:
            state = projection.fold(state, entry.recorded)
    return state


def _known(entries: Entries, known_at: datetime | None) -> tuple[list[log_reader.LogEntry], int | None]:
    """The entries that were known by a time, up to the first that can't be read; and its position."""
    known: list[log_reader.LogEntry] = []
    for entry in entries:
        if entry.error is not None:
            return known, entry.position
        if entry.recorded is not None and (known_at is None or entry.recorded.recorded_at <= known_at):
            known.append(entry)
    return known, None


class TermsThen:
    """The terms of programmes over time, and their time zones: `read` gives a programme as it was known."""

    def __init__(self, read: Callable[[str], Programme]) -> None:
        self._read_programme = read
        self._found: dict[tuple[str, tuple[tuple[str, float], ...]], TermsInTime] = {}
        self._programmes: dict[str, Programme] = {}

    @classmethod
    def known_at(cls, session: StoreSession, reader: log_reader.LogReader, known_at: datetime | None) -> "TermsThen":
        """The terms as they were known at a time; None: now."""

        def read(programme_id: str) -> Programme:
            programme = UNKNOWN
            for entry in log_reader.stream(session, reader, f"programme:{programme_id}", END):
                if entry.recorded is None:
                    raise UnknownTerms(f"the terms of programme {programme_id} are not known: {entry.error}")
                if known_at is None or entry.recorded.recorded_at <= known_at:
                    programme = evolve_programme(programme, entry.recorded)
            return programme

        return cls(read)

    def of(self, programme_id: str, overrides: tuple[tuple[str, float], ...] = ()) -> TermsInTime:
        """The terms of a programme over time, with what-if values over them.

        Raises:
            UnknownTerms: an event of the programme can't be read.
        """
        key = programme_id, overrides
        if key not in self._found:
            self._found[key] = self._read(programme_id, overrides)
        return self._found[key]

    def timezone(self, programme_id: str) -> str:
        """The time zone of a programme's days and months.

        Raises:
            UnknownTerms: an event of the programme can't be read.
        """
        return self._programme(programme_id).timezone

    def _read(self, programme_id: str, overrides: tuple[tuple[str, float], ...]) -> TermsInTime:
        if overrides:
            return TermsInTime(self.of(programme_id).settings, dict(overrides))
        return TermsInTime(self._programme(programme_id).settings)

    def _programme(self, programme_id: str) -> Programme:
        if programme_id not in self._programmes:
            self._programmes[programme_id] = self._read_programme(programme_id)
        return self._programmes[programme_id]
