"""A build that is killed with SIGKILL, again and again, goes on where it was and ends with the right tables."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from infra.projection_engine.build import AlreadyBuilding, rebuild
from infra.projection_engine.check import check
from infra.projection_engine.engine import Engine
from infra.projection_engine.status import status
from infra.store.opening import open_database
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, everything

# A build with many small steps, one line on stdout when each is committed.
BUILD = """
import sys, time
from datetime import datetime
from infra.clock import Clock
from infra.store.opening import open_database
from infra.store.log import EventStore
from infra.projection_engine import build
from infra.projection_engine.engine import Engine
from infra.worker_runtime.schema import prepare

build.BUNDLE = 25
plain = build._write

def write(*arguments):
    plain(*arguments)
    print("written", flush=True)
    time.sleep(0.02)

build._write = write
with open_database(sys.argv[1]) as database:
    engine = Engine(EventStore(database), Clock(datetime.fromisoformat(sys.argv[2])), prepare_shown=prepare)
    build.rebuild(engine, list(engine.projections))
"""


def start(url: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", BUILD, url, LATE.isoformat()]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})


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
            assert process.stdout is not None
            for _ in range(bundles):
                assert process.stdout.readline() == "written\n"
            process.send_signal(signal.SIGKILL)
            assert process.wait(20) == -signal.SIGKILL
            process.stdout.close()
            # All are at one stream, further on than the last time; readers have the old rows.
            (at,) = reached(engine)
            assert at is not None
            assert at > stood[-1]
            stood.append(at)
            assert harness.all_rows() == before
        finished = start(store_url)
        count = len((finished.communicate(timeout=120)[0] or "").splitlines())
        assert finished.returncode == 0
        assert 0 < count < len(everything()) / 25
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
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        # Whichever comes second to a stream gives way to the other.
        with suppress(AlreadyBuilding):
            rebuild(harness.engine(), list(engine.projections))
        process.communicate(timeout=60)
        assert reached(engine) == set()
        assert check(harness.engine(), all_streams=True).wrong == []


def test_a_question_waits_for_the_build_of_another_process(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.projection_engine.engine.FAR_BEHIND", 100)
    with open_database(store_url) as database:
        harness = ProjectionHarness(database)
        harness.append(everything())
        harness.engine()._make_tables()
        process = start(store_url)
        begun = time.monotonic()
        harness.engine().catch_up()
        assert time.monotonic() - begun < 60
        process.communicate(timeout=60)
        assert check(harness.engine(), all_streams=True).wrong == []
