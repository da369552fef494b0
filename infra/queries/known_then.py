"""What was known of many streams at an earlier time, from the states that a projection keeps of them today.

Events are only ever added to a stream. So what was known of it is the beginning of what is known, and a state of which the later
facts can be left out says it without a look at the log. A stream is folded from its events only where a fact was corrected
since, where it is held up, or where it grew beyond what the projection has taken in.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from domain.relationship.events import FactCorrected
from infra.projection_engine import rows
from infra.projection_engine.engine import Engine
from infra.store import log_reader
from infra.store.log import EventStore
from infra.store.session import StoreSession
from projections import corrections
from projections.projection import StateFold


class Since(NamedTuple):
    """What came after a time: all that had been recorded by then has a position up to `until`.

    `first_versions` are the versions of the first later event of each stream that grew. Of the streams of these in `refolded` no
    state says what was known.
    """

    until: int
    first_versions: Mapping[str, int]
    refolded: frozenset[str]


def since(
    engine: Engine, session: StoreSession, projection: StateFold[Any], known_at: datetime, position: int
) -> Since:
    """What came after a time, where the states of a projection are those of a position or of a later one."""
    until = log_reader.known_up_to(session, known_at)
    first = log_reader.first_versions_after(session, min(until, position))
    if until > position:
        return Since(until, first, frozenset(first))
    live = engine.projections
    held = {*rows.held(session, live, projection), *rows.held(session, live, corrections.PROJECTION)}
    corrected = {
        subject
        for subject, version in rows.keys(session, live, corrections.PROJECTION, corrections.TABLE)
        if version >= first.get(subject, version + 1)
    }
    return Since(until, first, frozenset(corrected | (held & first.keys())))


def reader_of(store: EventStore, projection: StateFold[Any]) -> log_reader.LogReader:
    """Reads what a projection hears, and the corrections."""
    return log_reader.LogReader(store.mapper, projection.listens | {FactCorrected})


def whole(store: EventStore, session: StoreSession, subject: str, until: int) -> list[log_reader.LogEntry]:
    """A stream up to a position with all its events: a correction concerns them all."""
    return log_reader.stream(session, log_reader.LogReader(store.mapper), subject, until)
