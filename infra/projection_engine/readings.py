"""How far each projection is, for the metrics of any process."""

from collections.abc import Iterator

from infra.operations.store import Reading
from infra.projection_engine.schema import GENERATIONS, QUARANTINE, exists
from infra.store.session import Session


def readings(session: Session) -> Iterator[Reading]:
    """The position of every live projection, and the streams that are held up in it."""
    if not exists(session, GENERATIONS):
        return
    for name, position, held in session.query(
        f"SELECT g.name, g.position, (SELECT COUNT(*) FROM {QUARANTINE} q WHERE q.name = g.name AND q.mark = g.mark) "
        f"FROM {GENERATIONS} g WHERE g.state = 'live' ORDER BY g.name"
    ):
        yield Reading(f"projection {name}", position=position, parked=held)
