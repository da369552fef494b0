"""A build that is killed with SIGKILL, again and again, goes on where it was and ends with the right tables."""

import os
import signal
import time
from contextlib import suppress

import pytest

from infra.projection_engine.build import AlreadyBuilding, rebuild
from infra.projection_engine.check import check
from infra.projection_engine.engine import Engine
from infra.projection_engine.status import status
from infra.store.opening import open_database
from tests import writers
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, everything
from tests.infra.projection_engine.slow_build import BUNDLE
from tests.writers import Writer, answer


def start(url: str) -> Writer:
    """A build in small steps, one line when each is committed."""
    return writers.start("tests.infra.projection_engine.slow_build", url, LATE.isoformat(), environment=os.environ)


def rest(build: Writer) -> list[str]:
    """What it says until it has ended."""
    with build.stdin, build.stdout:
        said = build.stdout.read().splitlines()
    build.process.wait(120)
    return said


def reached(engine: Engine) -> set[str | None]:
    return {each.building.reached for each in status(engine).projections if each.building}


def test_a_killed_build_goes_on_where_it_was(store_url: str) -> None:
    with open_database(store_url) as database:
        harness = ProjectionHarness(database)
        harness.append(everything())
        engine = harness.engine()
        engine.catch_up()
        before, stood = harness.all_rows(), [""]
        for bundles in (1, 2, 2):
            process = start(store_url)
            for _ in range(bundles):
                assert answer(process) == "written"
            process.process.kill()
            assert process.process.wait(20) == -signal.SIGKILL
            rest(process)
            # All are at one stream, further on than the last time; readers have the old rows.
            (at,) = reached(engine)
            assert at is not None
            assert at > stood[-1]
            stood.append(at)
            assert harness.all_rows() == before
        finished = start(store_url)
        count = len(rest(finished))
        assert finished.process.returncode == 0
        assert 0 < count < len(everything()) / BUNDLE
        assert reached(engine) == set()
        assert harness.all_rows() == before
        assert check(harness.engine(), all_streams=True).wrong == []


def test_two_builds_at_once_end_with_the_right_tables(store_url: str) -> None:
    with open_database(store_url) as database:
        harness = ProjectionHarness(database)
        harness.append(everything())
        engine = harness.engine()
        engine.catch_up()
        process = start(store_url)
        assert answer(process) == "written"
        # Whichever comes second to a stream gives way to the other.
        with suppress(AlreadyBuilding):
            rebuild(harness.engine(), list(engine.projections))
        rest(process)
        assert reached(engine) == set()
        assert check(harness.engine(), all_streams=True).wrong == []


def test_a_question_waits_for_the_build_of_another_process(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.projection_engine.generation.FAR_BEHIND", 100)
    with open_database(store_url) as database:
        harness = ProjectionHarness(database)
        harness.append(everything())
        harness.engine().make_tables()
        process = start(store_url)
        begun = time.monotonic()
        harness.engine().catch_up()
        assert time.monotonic() - begun < 60
        rest(process)
        assert check(harness.engine(), all_streams=True).wrong == []
