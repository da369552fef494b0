"""A process that keeps the datasets at the log's head: at once where little happens, resting in a rush."""

import threading

from domain.relationship import events as e
from infra.operations.keep import REST_SECONDS, RUSH_EVENTS
from infra.projection_engine.following import Following
from infra.projection_engine.status import status
from infra.store.session import Database
from tests.given_when_then import At, history, proposed
from tests.infra.projection_engine.harness import ProjectionHarness


class Asked(threading.Event):
    """An event that has come already, and knows how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.set()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return super().wait(timeout)


def test_it_rests_after_a_rush_alone(database: Database) -> None:
    harness, stop = ProjectionHarness(database), Asked()
    following = Following(harness.engine(), stop)
    rush = history(proposed(), *(At(n, e.ContactRecorded(channel="email")) for n in range(RUSH_EVENTS)))
    for events, rests in ((rush[:RUSH_EVENTS], [REST_SECONDS]), (rush[RUSH_EVENTS:], [])):
        stop.seconds.clear()
        head = harness.append(events)
        following.turn()
        assert stop.seconds == rests
        assert {each.position for each in status(harness.engine()).projections} == {head}
