"""A file that can't be written leaves nothing behind, and what stood there before stays."""

import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest

from infra.store.opening import open_database
from tests.command import own_environment, start
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, simulated

# SQLite's own file of shared memory has 32 KiB; the exports here have more than this.
LIMIT = 40_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "store.sqlite"
    with open_database(f"sqlite:///{file}", synchronous="off") as database:
        harness = ProjectionHarness(database)
        harness.append(simulated(60))
        harness.engine().catch_up()
    return file


def run(store: Path, limit: int, target: Path, dataset: str = "timeline") -> subprocess.CompletedProcess[str]:
    environment = own_environment(RAPPORT_STORE=f"sqlite:///{store}", RAPPORT_CLOCK=LATE.isoformat())
    arguments = (str(limit), "export", dataset, "-o", str(target))
    with Path(os.devnull).open("r+b") as nothing, tempfile.TemporaryFile() as err:
        files = (nothing.fileno(), nothing.fileno(), err.fileno())
        code = start(*arguments, env=environment, files=files, program="tests.infra.export.limited").wait(60)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, "", err.read().decode())


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_no_partial_file(store: Path, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    done = run(store, LIMIT, folder / f"t.{form}")
    assert done.returncode == 1
    assert "nothing was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []


def test_what_stood_there_stays(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.csv"
    target.write_text("yesterday's")
    assert run(store, LIMIT, target).returncode == 1
    assert target.read_text() == "yesterday's"


def test_without_the_limit_it_is_written(store: Path, tmp_path: Path) -> None:
    done = run(store, resource.RLIM_INFINITY, tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t.csv").stat().st_size > LIMIT


def test_a_folder_that_is_not_there_is_said_to_be_missing(store: Path, tmp_path: Path) -> None:
    done = run(store, resource.RLIM_INFINITY, tmp_path / "nowhere" / "t.csv")
    assert done.returncode == 1
    assert "nothing was written" in done.stderr
    assert "Traceback" not in done.stderr
