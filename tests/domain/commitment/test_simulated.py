"""Made-up lives, recorded by the rules themselves: the plain evaluator and the package agree about each of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from domain.commitment import evaluate, fold
from domain.model import AnyRecorded
from domain.terms import DatedSetting
from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.store import log_reader
from tests.domain.commitment.reference import clauses_of
from tests.domain.commitment.reference_walk import Look, Reference, step
from tests.domain.commitment.story import setting
from tests.sizes import size

RELATIONSHIPS = size(50, 600)
TIMES = 8
BATCH = 500
# A contract that asks for more, from a time at which most lives are under way.
DEMANDING = [
    setting(-600, "late_notice_hours", 48, "statement_of_work"),
    setting(-600, "contact_gap_days", 12),
    setting(-500, "homework_hours_per_session", 2),
    setting(-450, "points_unpunctual", 20),
    setting(-400, "outcome_hours", 2),
    setting(-400, "punctuality_minutes", 1),
]
WHAT_IF = {"late_notice_hours": 60.0, "next_session_days": 6.0, "punctuality_minutes": 2.0}


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> list[list[AnyRecorded]]:
    """The history of each relationship of a simulation."""
    folder: Path = tmp_path_factory.mktemp("lives")
    with open_rapport(Settings(store=f"sqlite:///{folder / 'store.sqlite'}")) as rapport:
        told = messages(RELATIONSHIPS, seed=20)
        while batch := list(islice(told, BATCH)):
            rapport.handler.handle(batch)
        with rapport.store.database.reading() as session:
            reader, entries = log_reader.LogReader(rapport.store.mapper), list[log_reader.LogEntry]()
            while page := log_reader.page(session, reader, entries[-1].position if entries else 0, 2**62, 4_000):
                entries += page
    found: dict[str, list[AnyRecorded]] = {}
    for entry in entries:
        if entry.recorded is not None and ":" not in entry.subject:
            found.setdefault(entry.subject, []).append(entry.recorded)
    return list(found.values())


def times(log: list[AnyRecorded], random: Random) -> Iterator[datetime]:
    """Some on an event, some between two, some after the last."""
    first, last = min(one.occurred_at for one in log), max(one.occurred_at for one in log)
    yield random.choice(log).occurred_at
    yield random.choice(log).occurred_at + timedelta(microseconds=1)
    yield last + timedelta(days=random.randrange(1, 60))
    while True:
        yield first + random.random() * (last - first)


def variants(number: int) -> tuple[list[DatedSetting], dict[str, float]]:
    return (DEMANDING if number % 3 == 1 else []), (WHAT_IF if number % 3 == 2 else {})


def test_the_evaluator_agrees_on_simulated_relationships_at_8_times_each(lives: list[list[AnyRecorded]]) -> None:
    assert len(lives) == RELATIONSHIPS
    seen_signals: set[str] = set()
    compared = 0
    for number, log in enumerate(lives):
        dated, what_if = variants(number)
        facts = None
        for recorded in log:
            facts = fold(facts, recorded)
        assert facts is not None
        reference, asked = Reference(log, dated, what_if), sorted(islice(times(log, Random(number)), TIMES))
        walked = reference.walk(asked[-1])
        for at in asked:
            compared += 1
            health, look = evaluate(facts, at, dated, what_if), reference.look(at)
            assert health.policy == "commitment-health/2"
            scores = (health.status, health.score, health.mentee_score, health.mentor_score)
            assert scores == (look.status, look.score, look.mentee, look.mentor), (log[0].subject, at)
            assert {(one.signal, one.party): (one.points, one.evidence) for one in health.signals} == look.found
            codes = log[0].data.codes
            assert all(set(one.clauses) == clauses_of(one.signal, one.party, codes) for one in health.signals)
            assert health.band == band(walked, at, look), (log[0].subject, at)
            seen_signals |= {one.signal for one in health.signals}
        assert evaluate(facts, asked[3], dated, what_if).next_change_at == reference.ahead(asked[3])
    assert compared == RELATIONSHIPS * TIMES
    assert len(seen_signals) >= 10


def band(walked: list[tuple[datetime, Look, str | None]], at: datetime, look: Look) -> str | None:
    before = [reached for moment, _, reached in walked if moment < at]
    return step(before[-1] if before else None, look)
