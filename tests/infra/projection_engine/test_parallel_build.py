"""Other processes fold bundles of streams: the same comes of it, and none of them is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.operations import helper_process
from infra.projection_engine import build, parallel_build, summaries
from infra.projection_engine.check import check
from infra.projection_engine.status import status
from infra.store.session import Database
from projections.projection import Summary
from tests.infra.projection_engine.harness import ProjectionHarness, everything


@pytest.fixture
def harness(database: Database, monkeypatch: pytest.MonkeyPatch) -> ProjectionHarness:
    monkeypatch.setattr(build, "BUNDLE", 25)
    harness = ProjectionHarness(database)
    harness.append(everything())
    harness.engine().catch_up()
    return harness


def test_bundles_are_whole_streams_and_all_of_them(harness: ProjectionHarness) -> None:
    with harness.database.reading() as session:
        found = parallel_build.bundles(session, "", 100)
        assert parallel_build.bundles(session, found[0].last, 100) == found[1:]
    assert [bundle.after for bundle in found] == ["", *(bundle.last for bundle in found[:-1])]
    assert sum(bundle.events for bundle in found) == len(everything())
    assert all(bundle.events >= 100 for bundle in found[:-1])


def test_several_processes_come_to_the_same(harness: ProjectionHarness) -> None:
    before = harness.all_rows()
    engine = harness.engine()
    differences = build.rebuild(engine, list(engine.projections), explain=True, processes=2)
    assert [each for each in differences if each.new or each.gone or each.changed] == []
    assert harness.all_rows() == before
    assert check(engine, all_streams=True).wrong == []


def test_when_one_of_them_dies_this_one_does_the_rest(
    harness: ProjectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, plain, given = harness.all_rows(), helper_process.give, 0

    def give(helper: "subprocess.Popen[bytes]", what: object) -> None:
        nonlocal given
        given += 1
        if given == 4:
            helper.kill()
            helper.wait()
        plain(helper, what)

    monkeypatch.setattr(helper_process, "give", give)
    engine = harness.engine()
    build.rebuild(engine, list(engine.projections), processes=2)
    assert given >= 4
    assert harness.all_rows() == before
    assert [each.building for each in status(engine).projections if each.building] == []


def test_figures_are_settled_once_however_many_bundles_there_are(
    harness: ProjectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a group shows depends on all others: settled with each bundle, a build would grow with the square of the record."""
    settled: list[str] = []
    plain = summaries.add_up

    def add_up(summary: Summary, *rest: Any) -> Any:
        settled.append(summary.table.name)
        return plain(summary, *rest)

    monkeypatch.setattr(summaries, "add_up", add_up)
    engine = harness.engine()
    build.rebuild(engine, list(engine.projections), processes=1)
    assert len(everything()) > 10 * build.BUNDLE
    assert sorted(settled) == ["nps", "practices"]


BUILD = """
import sys
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
    sys.stdin.readline()

build._write = write
with open_database(sys.argv[1]) as database:
    engine = Engine(EventStore(database), Clock(), prepare_shown=prepare)
    build.rebuild(engine, list(engine.projections), processes=2)
"""


def test_when_this_one_is_killed_the_others_end(harness: ProjectionHarness) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", BUILD, harness.database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "written\n"
        helpers = children(parent.pid)
        assert len(helpers) == 2
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(alive, helpers)):
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(found.name) for found in Path("/proc").iterdir() if found.name.isdigit() and parent_of(found) == pid]


def parent_of(found: Path) -> int | None:
    try:
        return int((found / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
