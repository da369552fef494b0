"""`rapport --version`: which Rapport, which stores it reads, which Python runs it."""

import platform
import sqlite3
import tomllib
from pathlib import Path

from tests.infra.cli.process import run

ROOT = Path(__file__).parents[3]


def test_the_version_is_the_projects_and_the_schema_is_that_of_a_store_it_makes(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    file = tmp_path / "s.sqlite"
    assert run(f"sqlite:///{file}", "submit", "-", stdin=b"").returncode == 0
    schema = sqlite3.connect(file).execute("PRAGMA user_version").fetchone()[0]
    shown = run("sqlite:///nowhere", "--version")
    assert shown.returncode == 0
    assert shown.stdout.decode().splitlines() == [
        f"{project['name']} {project['version']}",
        f"store schema {schema}",
        f"Python {platform.python_version()}",
    ]


def test_the_version_wants_no_store_and_no_settings(tmp_path: Path) -> None:
    shown = run(f"sqlite:///{tmp_path}", "--version", env={"RAPPORT_CLOCK": "no time"}, cwd=tmp_path)
    assert (shown.returncode, list(tmp_path.iterdir())) == (0, [])
