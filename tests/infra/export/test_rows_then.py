"""Datasets as they were at another time, against the datasets of a record that holds no more than what counted then."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.programme.events import ProgrammeCreated
from infra.export.exporting import MANIFEST_SUFFIX, export
from infra.queries.as_at import NOW, Moment
from infra.store.session import Database
from projections.catalogue import datasets
from tests import stores
from tests.given_when_then import SUBJECT
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, day, everything, recorded
from tests.infra.queries.test_nps import relationship
from tests.projections.test_practices import LANGUAGE, answer, request, told

# Those of which the workers or the log itself keep the rows.
RECORDED = {"tasks", "timeline"}
# Those which are taken back to the end of a month.
OF_PEOPLE = {"practices", "practice_answers", "nps", "nps_responses"}


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    harness = ProjectionHarness(database)
    harness.append(everything())
    return harness


def exported(harness: ProjectionHarness, tmp_path: Path, name: str, moment: Moment = NOW) -> list[dict[str, Any]]:
    file = tmp_path / f"{name}.jsonl"
    export(harness.engine(), name, file, moment=moment)
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def without_position(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A corrected row has the position of the correction where the row was there before."""
    return [{name: value for name, value in row.items() if name != "position"} for row in rows]


@pytest.fixture(scope="module")
def whole(shared_store_url: str) -> Iterator[ProjectionHarness]:
    """The whole record, to read."""
    with stores.opened(shared_store_url) as database:
        harness = ProjectionHarness(database)
        harness.append(everything())
        yield harness


@pytest.fixture(scope="module", params=[day(10), day(36.5), day(70)], ids=str)
def part(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectionHarness]:
    """The record as it was at a time."""
    when: datetime = request.param
    with stores.opened(f"sqlite:///{tmp_path_factory.mktemp('part') / 'store.sqlite'}") as database:
        harness = ProjectionHarness(database, when)
        harness.append(event for event in everything() if event.recorded_at <= when)
        yield harness


@pytest.mark.parametrize("name", list(datasets()))
def test_as_of_now_the_rows_are_those_of_now(whole: ProjectionHarness, tmp_path: Path, name: str) -> None:
    now = exported(whole, tmp_path, name)
    then = exported(whole, tmp_path, name, Moment(as_of=LATE))
    assert without_position(then) == without_position(now)
    assert now or name in {"practices", "practice_answers", "tasks"}


@pytest.mark.parametrize("name", sorted(datasets().keys() - RECORDED - OF_PEOPLE))
def test_the_rows_at_a_time_are_those_of_a_record_that_ends_there(
    whole: ProjectionHarness, part: ProjectionHarness, tmp_path: Path, name: str
) -> None:
    when = part.clock.now()
    then = exported(whole, tmp_path, name, Moment(when, when))
    assert without_position(then) == without_position(exported(part, tmp_path, name))


def test_as_of_a_time_before_a_correction_the_corrected_fact_is_shown_and_known_at_it_what_was_believed(
    harness: ProjectionHarness, tmp_path: Path
) -> None:
    def hours(moment: Moment) -> list[float]:
        rows = exported(harness, tmp_path, "homework", moment)
        return [row["hours"] for row in rows if row["relationship_id"] == SUBJECT]

    assert hours(NOW) == hours(Moment(as_of=day(40))) == [3]
    assert hours(Moment(known_at=day(62))) == hours(Moment(as_of=day(40), known_at=day(62))) == [2]


def test_signals_are_those_of_the_time(harness: ProjectionHarness, tmp_path: Path) -> None:
    def signals(moment: Moment) -> list[tuple[str, str, int]]:
        rows = exported(harness, tmp_path, "commitment_signals", moment)
        return [(row["signal"], row["party"], row["points"]) for row in rows if row["relationship_id"] == SUBJECT]

    assert signals(Moment(as_of=day(18))) == []
    assert ("late_reschedules", "mentee", 20) in signals(Moment(as_of=day(20)))
    assert ("trust_breakdown", "relationship", 40) in signals(Moment(as_of=day(29)))
    history = exported(harness, tmp_path, "signals_history", Moment(as_of=day(29)))
    assert {
        row["until"] for row in history if (row["relationship_id"], row["signal"]) == (SUBJECT, "trust_breakdown")
    } == {None}


def test_the_manifest_says_which_moment_it_is(harness: ProjectionHarness, tmp_path: Path) -> None:
    file = tmp_path / "goals.csv"
    export(harness.engine(), "goals", file, moment=Moment(as_of=day(10)))
    manifest = orjson.loads(file.with_name(file.name + MANIFEST_SUFFIX).read_bytes())
    assert (manifest["as_of"], manifest["known_at"]) == (day(10).isoformat().replace("+00:00", "Z"), None)
    assert 0 < manifest["position"] < harness.store.head()


def test_the_manifest_of_figures_of_people_names_the_end_of_a_month_to_which_they_go_back(
    harness: ProjectionHarness, tmp_path: Path
) -> None:
    # In Bucharest March has ended three hours before it does in UTC, where the other programme is.
    harness.append([recorded("programme:east", 1, ProgrammeCreated(name="e", timezone="Europe/Bucharest"), day(-300))])
    harness.append(relationship(90, "east", "ana", (1, 9)))
    engine = harness.engine()
    for moment in (Moment(as_of=day(40)), Moment(known_at=day(40))):
        for name in ("nps", "nps_responses", "practices"):
            file = tmp_path / f"{name}.csv"
            export(engine, name, file, moment=moment)
            described = orjson.loads(file.with_name(file.name + MANIFEST_SUFFIX).read_bytes())
            assert {described["as_of"], described["known_at"]} == {None, "2026-03-31T23:59:59.999999Z"}, name


class TestFiguresOfPeople:
    """They are taken back to the last end of a month, and hidden where today's are."""

    def test_nps(self, database: Database, tmp_path: Path) -> None:
        harness = ProjectionHarness(database)
        for number in range(1, 7):
            harness.append(relationship(number, "p", "ana", (1, 9)))
        for number in range(7, 13):
            harness.append(relationship(number, "p", "ana", (40, 0)))

        def nps(at: datetime) -> list[tuple[int | None, float | None]]:
            return [(row["n"], row["nps"]) for row in exported(harness, tmp_path, "nps", Moment(as_of=at))]

        april = datetime(2026, 4, 1, tzinfo=UTC)
        assert nps(april) == nps(day(45)) == [(6, 100.0)]
        assert nps(day(70)) == [(12, 0.0)]
        assert [row["month"] for row in exported(harness, tmp_path, "nps_responses", Moment(as_of=day(45)))] == [
            "2026-03"
        ] * 6
        harness.append(relationship(13, "p", "ana", (70, 0)))
        assert nps(day(70)) == [(None, None)]

    def test_practices(self, database: Database, tmp_path: Path) -> None:
        harness = ProjectionHarness(database)
        for number in range(1, 6):
            harness.append(told(number, (1, request(LANGUAGE)), (2, answer(True))))
        harness.append(told(6, (1, request(LANGUAGE))))

        def answered(at: datetime) -> list[int | None]:
            return [row["answered"] for row in exported(harness, tmp_path, "practices", Moment(as_of=at))]

        assert answered(day(2)) == []
        assert answered(day(45)) == [5]
        harness.append(told(7, (1, request(LANGUAGE)), (40, answer(False))))
        assert answered(day(45)) == [None]
        assert [row["answered"] for row in exported(harness, tmp_path, "practices")] == [6]
