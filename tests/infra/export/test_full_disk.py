"""A file that can't be written leaves nothing behind, and what stood there before stays."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from infra.store.opening import open_database
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, simulated

# A full disk, as far as one file of more than so many bytes goes: the limit gives a real error from the kernel.
EXPORT = """
import resource, sys
from infra.cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""

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
    return subprocess.run(
        [sys.executable, "-c", EXPORT, str(limit), "export", dataset, "-o", str(target)],
        # Python must not leave its own compiled modules cut off at the limit.
        env={
            "RAPPORT_STORE": f"sqlite:///{store}",
            "RAPPORT_CLOCK": LATE.isoformat(),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
