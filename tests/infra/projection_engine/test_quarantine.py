"""A stream that can't be folded is held up, in the one projection or in all; it says so, and the others go on."""

from collections.abc import Callable

import pytest

from domain.model import AnyRecorded
from domain.relationship import events as e
from infra.projection_engine.build import rebuild
from infra.projection_engine.check import check
from infra.projection_engine.quarantine import retry
from infra.projection_engine.status import status
from infra.store.mapper import RapportMapper
from infra.store.session import Database
from projections import practice_measures, relationships, sessions
from projections.dataset import Row
from projections.projection import RowFold
from tests.given_when_then import At, history, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, day

ONE, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def scheduled(session_id: str, days: float) -> At:
    return At(days, e.SessionScheduled(session_id=session_id, starts_at=day(days + 5), channel="platform", minutes=60))


def stream(subject: str) -> list[AnyRecorded]:
    return history(proposed(), scheduled("s1", 1), scheduled("s2", 2), scheduled("s3", 3), subject=subject)


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def write_unknown(harness: ProjectionHarness, subject: str, version: int) -> int:
    """An event that a newer Rapport wrote; its position."""
    event = harness.store.mapper.to_stored_event(history(proposed(), subject=subject)[0])
    newer = type(event)(subject, version, "SessionDreamt", event.state)
    return harness.store.append_stored([newer])[0]


def test_an_unknown_event_holds_up_its_stream_everywhere_and_nothing_else(harness: ProjectionHarness) -> None:
    harness.append(stream(ONE)[:2])
    position = write_unknown(harness, ONE, 3)
    harness.append(stream(OTHER))
    harness.engine().catch_up()
    held = {each.projection: each for one in status(harness.engine()).projections for each in one.held}
    assert {"relationships", "sessions", "goals", "commitment", "practice_measures"} <= held.keys()
    assert "cases" not in held
    assert {(each.subject, each.position, each.event) for each in held.values()} == {(ONE, position, "SessionDreamt")}
    assert "a newer Rapport wrote it" in held["sessions"].error
    assert harness.rows("sessions", "relationship_id, session_id, stale_since") == [
        (ONE, "s1", position),
        (OTHER, "s1", None),
        (OTHER, "s2", None),
        (OTHER, "s3", None),
    ]
    assert harness.rows("commitment_health", "relationship_id, stale_since") == [(ONE, position), (OTHER, None)]
    assert {lag for *_, lag in [(each.name, each.lag) for each in status(harness.engine()).projections]} == {0}


def test_what_follows_in_a_stream_that_is_held_up_waits_with_it(harness: ProjectionHarness) -> None:
    harness.append(stream(ONE)[:2])
    engine = harness.engine()
    engine.catch_up()
    write_unknown(harness, ONE, 3)
    engine.catch_up()
    harness.append(stream(ONE)[3:])
    engine.catch_up()
    assert len(harness.rows("sessions")) == 1


def test_retry_does_nothing_while_the_reason_stands(harness: ProjectionHarness) -> None:
    harness.append(stream(ONE)[:2])
    write_unknown(harness, ONE, 3)
    engine = harness.engine()
    found = retry(engine, list(engine.projections))
    assert found.released == []
    assert {each.subject for each in found.held} == {ONE}
    assert len(harness.rows("sessions")) == 1


def test_retry_lets_go_when_the_program_knows_the_event(
    harness: ProjectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.append(stream(ONE)[:2])
    write_unknown(harness, ONE, 3)
    engine = harness.engine()
    engine.catch_up()
    harness.append(stream(ONE)[3:])
    engine.catch_up()
    plain = RapportMapper.decode_facts

    def newer(self: RapportMapper, topic: str, state: bytes) -> AnyRecorded:
        # A newer program, to which the event says that the second session was put on the calendar.
        return stream(ONE)[2] if topic == "SessionDreamt" else plain(self, topic, state)

    monkeypatch.setattr(RapportMapper, "decode_facts", newer)
    found = retry(harness.engine(), list(engine.projections))
    assert found.held == []
    assert {each.projection for each in found.released} >= {"sessions", "goals", "commitment"}
    assert harness.rows("sessions", "session_id, stale_since") == [("s1", None), ("s2", None), ("s3", None)]
    # The engine with a memory of the stream as it was held up goes on with the stream as it is.
    harness.append(history(*[scheduled(f"s{n}", n) for n in range(5)], subject=ONE)[4:])
    engine.catch_up()
    assert len(harness.rows("sessions")) == 4
    assert check(engine, all_streams=True).wrong == []


def broken(fold: RowFold, fails: Callable[[AnyRecorded], bool]) -> RowFold:
    """A projection with a bug."""

    def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
        if fails(recorded):
            raise KeyError("no such thing")
        return fold.evolve(row, recorded)

    return RowFold(fold.name, fold.version, fold.table, fold.listens, evolve, fold.keys)


def test_a_fold_that_raises_holds_up_one_stream_of_its_projection(harness: ProjectionHarness) -> None:
    bug = broken(sessions.PROJECTION, lambda recorded: recorded.subject == ONE and recorded.version == 3)
    harness.append(stream(ONE) + stream(OTHER))
    harness.engine([bug, relationships.PROJECTION, practice_measures.PROJECTION]).catch_up()
    assert harness.rows("sessions", "relationship_id, session_id, position, stale_since") == [
        (ONE, "s1", 2, 3),
        (OTHER, "s1", 6, None),
        (OTHER, "s2", 7, None),
        (OTHER, "s3", 8, None),
    ]
    assert harness.rows("relationships", "sessions_scheduled, stale_since") == [(3, None), (3, None)]
    assert harness.rows("practice_measures", "sessions_scheduled, stale_since") == [(3, None), (3, None)]
    # The bug is mended.
    engine = harness.engine([sessions.PROJECTION, relationships.PROJECTION, practice_measures.PROJECTION])
    assert [each.subject for each in retry(engine, ["sessions"]).released] == [ONE]
    assert len(harness.rows("sessions")) == 6


def test_a_build_holds_up_what_it_cannot_fold_and_switches_all_the_same(harness: ProjectionHarness) -> None:
    harness.append(stream(ONE)[:3])
    position = write_unknown(harness, ONE, 4)
    harness.append(stream(OTHER))
    engine = harness.engine()
    engine.catch_up()
    before = harness.all_rows()
    rebuild(engine, list(engine.projections))
    assert harness.all_rows() == before
    assert (ONE, position) in harness.rows("relationships", "relationship_id, stale_since")


def test_an_unknown_event_of_a_programme_holds_up_what_depends_on_its_terms(harness: ProjectionHarness) -> None:
    write_unknown(harness, "programme:p1", 1)
    harness.append(stream(ONE))
    harness.engine().catch_up()
    held = [each for one in status(harness.engine()).projections for each in one.held if each.subject == ONE]
    # Points and bands rest on the programme's terms, months on its time zone.
    assert {each.projection for each in held} == {"commitment", "nps_responses", "practices"}
    assert all("terms of programme p1 are not known" in each.error for each in held)
    assert len(harness.rows("sessions")) == 3
