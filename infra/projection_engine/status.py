"""How far every projection is, for `rapport projections status` and the metrics of any process; nothing is caught up."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from infra.operations.followers import Reading
from infra.projection_engine import generation as generation_table
from infra.projection_engine import quarantine, refresh, schema
from infra.projection_engine.engine import Engine
from infra.projection_engine.quarantine import Held
from infra.projection_engine.schema import GENERATIONS, QUARANTINE
from infra.store import log_reader
from infra.store.session import StoreSession
from projections.catalogue import tables_of


class Progress(NamedTuple):
    """A build in progress or left unfinished: the last stream that is in, and the position that it is for."""

    reached: str | None
    target: int | None
    position: int


class Status(NamedTuple):
    """One projection: its datasets, version and position, how many events it has yet to see, and what it waits for.

    `outdated`: this program would build it differently, and will at the next query. `held` are the streams in
    quarantine, `due` the time at which the first row changes by itself.
    """

    name: str
    datasets: list[str]
    version: int
    position: int
    lag: int
    outdated: bool
    held: list[Held]
    due: datetime | None
    building: Progress | None


class Statuses(NamedTuple):
    """The head of the log, and every projection."""

    head: int
    projections: list[Status]


def status(engine: Engine) -> Statuses:
    """How far every projection is. One that was never built is at 0."""
    with engine.database.reading() as session:
        head = log_reader.head(session)
        known = schema.exists(session, schema.GENERATIONS)
        found = generation_table.load(session, engine.projections) if known else []
        live = {each.name: each for each in found if each.state == "live"}
        building = {each.name: each for each in found if each.state == "building"}
        waiting = quarantine.held(session, list(live.values())) if known else []
        due = {name: refresh.next_due(session, each) for name, each in live.items() if refresh.is_timed(each)}
    statuses = []
    for name, projection in engine.projections.items():
        mine, begun = live.get(name), building.get(name)
        position = mine.position if mine else 0
        statuses.append(
            Status(
                name,
                [table.name for table in tables_of(projection)],
                projection.version,
                position,
                head - position,
                bool(mine and not mine.current),
                [each for each in waiting if each.projection == name],
                due.get(name),
                Progress(begun.reached, begun.target, begun.position) if begun else None,
            )
        )
    return Statuses(head, statuses)


def readings(session: StoreSession) -> Iterator[Reading]:
    """The position of every live projection, and the streams that are held up in it."""
    if not schema.exists(session, GENERATIONS):
        return
    for name, position, held in session.query(
        f"SELECT g.name, g.position, (SELECT COUNT(*) FROM {QUARANTINE} q WHERE q.name = g.name AND q.mark = g.mark) "
        f"FROM {GENERATIONS} g WHERE g.state = 'live' ORDER BY g.name"
    ):
        yield Reading(f"projection {name}", position=position, parked=held)
