"""A process that keeps the datasets at the log's head: at once where little happens, resting in a rush."""

import threading
from typing import Any
from uuid import UUID

import pytest

from domain.model import AnyRecorded
from domain.relationship import events as e
from infra.operations.keep import REST_SECONDS, RUSH_EVENTS
from infra.projection_engine import summaries
from infra.projection_engine.following import Following
from infra.projection_engine.status import status
from infra.store.session import Database
from projections.dataset import Key
from tests.given_when_then import At, history, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, day, programme, recorded


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


def _answered(number: int, programme_id: str) -> list[AnyRecorded]:
    """A relationship of a programme in which the mentee answered both surveys."""
    subject = str(UUID(int=number, version=4))
    opened = proposed().model_copy(update={"programme_id": programme_id, "mentee_id": f"mentee-{number}"})
    given = (
        e.FeedbackGiven(about="mentor", answers={"mentor247.language": True}),
        e.NpsResponded(occasion="mid" if number % 2 else "end", score=9, respondent="mentee"),
    )
    return [
        recorded(subject, version, event, day(version)).model_copy(update={"actor": f"mentee:mentee-{number}"})
        for version, event in enumerate((opened, *given), 1)
    ]


def test_of_the_figures_only_those_that_may_change_are_read_and_settled(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With hundreds of programmes all groups with each answer would cost seconds a page."""
    harness, read = ProjectionHarness(database), dict[str, set[Key]]()
    plain = summaries.load_concerned

    def load_concerned(*args: Any) -> Any:
        found = plain(*args)
        read[args[2].table.name] = set(found)
        return found

    monkeypatch.setattr(summaries, "load_concerned", load_concerned)
    engine = harness.engine()
    for number in range(1, 9):
        harness.append(_answered(number, f"p{number % 4}"))
    engine.catch_up()
    read.clear()
    harness.append(_answered(11, "p1"))
    engine.catch_up()
    practice = ("mentor247.language", "p1", "ben", "2026-03")
    # The total of a role and occasion is shown too, so all of its programmes are settled together.
    assert read == {"practices": {practice}, "nps": {("p1", "mentee", "mid"), ("p3", "mentee", "mid")}}
    read.clear()
    harness.append(programme("p1", (1, "suppression_min", 3)))
    engine.catch_up()
    assert read == {"practices": {practice}, "nps": {("p1", "mentee", "mid"), ("p3", "mentee", "mid")}}
    assert harness.rows("practices", "programme_id, respondents") == [
        ("p0", None), ("p1", 3), ("p2", None), ("p3", None)
    ]  # fmt: skip
