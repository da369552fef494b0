"""Tasks as they stood at another time, against the workers' book of a record that ends there, and where a fact was corrected later.

And how far in the log what was known at a time goes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.relationship import commands as c
from domain.relationship import events as e
from infra.bootstrap import Rapport, open_rapport
from infra.export.rows_then import rows_then
from infra.projection_engine.feed import Nobody
from infra.queries.as_at import Moment
from infra.settings import Settings
from infra.simulate import Simulation
from infra.store import log_reader
from infra.worker_runtime.pace import keeping_pace
from projections.tasks import TASKS, WORKER_TASKS
from tests.given_when_then import day
from tests.infra.worker_runtime.harness import WorkerHarness
from tests.infra.worker_runtime.test_corrections import agreed, void
from tests.sizes import size

THEN, END = datetime(2024, 6, 20, 12, tzinfo=UTC), datetime(2024, 10, 1, tzinfo=UTC)
# A task is known again by these; its id is that of what opened it.
SAME = ("subject", "kind", "clauses", "since", "due", "evidence", "settled_by", "about", "owner", "programme_id", "closed_at")  # fmt: skip


def at(rapport: Rapport, moment: Moment) -> list[dict[str, Any]]:
    return rows_then(rapport.engine(), TASKS, moment).rows


def kinds(rapport: Rapport, moment: Moment) -> list[str]:
    return sorted(row["kind"] for row in at(rapport, moment) if row["closed_at"] is None)


@pytest.fixture
def harness(settings: Settings) -> Iterator[WorkerHarness]:
    with open_rapport(settings) as rapport:
        yield WorkerHarness(rapport)


@contextmanager
def told(folder: Path, until: datetime) -> Iterator[Rapport]:
    """A simulated programme up to a time, with which workers kept pace."""
    path = folder / f"{until:%m}.sqlite"
    with open_rapport(Settings(store=f"sqlite:///{path}", clock=END, synchronous="off")) as rapport:
        with keeping_pace(rapport.store, rapport.handler, rapport.clock) as pace:
            for _ in pace.handle_all([list(Simulation(size(20, 40), 8, until=until).messages())]):
                pass
            pace.reach(until)
        yield rapport


def test_the_tasks_at_a_time_are_those_of_a_record_that_ends_there(tmp_path: Path) -> None:
    with told(tmp_path, THEN) as part, told(tmp_path, END) as whole:
        streams = whole.database.query("SELECT originator_id FROM stored_events WHERE topic = 'FactCorrected'")
        corrected = {row[0] for row in streams}

        def seen(rapport: Rapport) -> list[tuple[str, ...]]:
            rows = [row for row in at(rapport, Moment(as_of=THEN)) if row["subject"] not in corrected]
            return sorted(tuple(str(row[name]) for name in SAME) for row in rows)

        book = part.database.query(f"SELECT subject, closed_at FROM {WORKER_TASKS}")
        closed = [when for subject, when in book if subject not in corrected]
        assert len(seen(part)) == len(closed) > 20
        assert sum(row[-1] == "None" for row in seen(part)) == closed.count(None) > 5
        assert seen(whole) == seen(part)


class Told(Nobody):
    """Hears of the work, and adds up its steps."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.steps = 0

    def begin(self, what: str, total: int | None) -> None:
        self.begun.append((what, total))

    def done(self, steps: int) -> None:
        self.steps += steps


def test_how_far_the_workers_are_is_told(harness: WorkerHarness) -> None:
    for command, by, on in agreed():
        harness.send(command, by, on)
    harness.work()
    heard, head = Told(), harness.rapport.store.head()
    rows_then(harness.rapport.engine(heard), TASKS, Moment(as_of=day(2)))
    assert heard.begun == [("replaying decisions", head)]
    assert heard.steps == head > 0


def test_before_a_correction_there_are_the_tasks_of_the_corrected_fact_and_known_then_those_of_what_was_believed(
    harness: WorkerHarness,
) -> None:
    for command, by, on in agreed():
        assert harness.send(command, by, on).status == "accepted"
    for number in (1, 2):
        missed = c.RecordNoShow(session_id=f"s{number}", absent=("mentee",))
        assert harness.send(missed, "mentor", 10 * number + 0.1).status == "accepted"
        harness.work()
    assert "two_no_shows" in harness.open_tasks()
    void(harness, e.SessionMissed, on=25)
    harness.now(25.1).work()
    assert "two_no_shows" not in harness.open_tasks()
    rapport = harness.rapport
    assert "two_no_shows" not in kinds(rapport, Moment(as_of=day(22)))
    assert "two_no_shows" in kinds(rapport, Moment(known_at=day(22)))
    assert "two_no_shows" in kinds(rapport, Moment(as_of=day(22), known_at=day(22)))
    assert "two_no_shows" not in kinds(rapport, Moment(known_at=day(20)))
    assert not any(kind == "two_no_shows" for kind in kinds(rapport, Moment(as_of=day(25.1))))


def test_nothing_after_the_position_up_to_which_all_was_known_had_been_recorded(harness: WorkerHarness) -> None:
    for command, by, on in agreed():
        harness.send(command, by, on)
    for on in (3, 3, 8, 30):
        harness.send(c.RecordContact(channel="email"), "mentee", on)
    with harness.rapport.database.reading() as session:
        entries = log_reader.page(session, log_reader.LogReader(harness.rapport.store.mapper), 0, 1_000, 1_000)
        recorded = [(each.position, each.recorded.recorded_at) for each in entries if each.recorded is not None]
        assert len({when for _, when in recorded}) > 3
        for known_at in (day(-1), day(2), day(3), day(5), day(8), day(29.9), day(30), day(99)):
            last = max((position for position, when in recorded if when <= known_at), default=0)
            assert log_reader.known_up_to(session, known_at) == last
