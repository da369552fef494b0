import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

from domain.codes.clauses import CLAUSES
from domain.registry import COMMANDS

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "projections", "workers", "infra")
SCHEMAS = Path("docs/reference/schemas")


class Installed(NamedTuple):
    """A fresh environment with the built wheel and nothing of this folder, and another folder to stand in."""

    bin: Path
    env: dict[str, str]
    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        program = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(program, cwd=self.folder, env=self.env, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / SCHEMAS, source / SCHEMAS)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "rapport.py", "rapport_command.py"):
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    fresh = folder / "venv"
    venv.create(fresh)
    # Dependencies come from the environment of this test; on PYTHONPATH its .pth files, the way to this folder, are not read.
    env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    python = fresh / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return Installed(fresh / "bin", env, folder)


def test_no_other_distribution_owns_the_packages_names() -> None:
    owners = packages_distributions()
    assert [(name, owner) for name in PACKAGES for owner in owners.get(name, ()) if owner != "rapport"] == []


def test_the_wheel_alone_brings_the_packages_and_the_codes(installed: Installed) -> None:
    program = "import domain, infra, rapport; print(domain.__file__); print(infra.__file__); print(rapport.__file__)"
    for line in installed.run("python", "-c", program).stdout.split():
        assert Path(line).is_relative_to(installed.folder / "venv")


def test_the_installed_command_runs_in_another_folder(installed: Installed) -> None:
    assert "codes" in installed.run("rapport", "--help").stdout
    rows = json.loads(installed.run("rapport", "codes", "list", "--json").stdout)
    assert [row["id"] for row in rows] == list(CLAUSES)


def test_the_installed_trace_says_that_the_tests_are_not_there(installed: Installed) -> None:
    traced = installed.run("rapport", "codes", "trace", "--json")
    assert "not installed" in traced.stderr
    assert {tuple(row["tests"]) for row in json.loads(traced.stdout)} == {()}


def test_the_wheel_brings_the_schema_of_every_message(installed: Installed) -> None:
    program = """
import json
from importlib.resources import files
from jsonschema import Draft202012Validator
from infra.schemas import schemas
folder = files("infra.reference") / "message_schemas"
for name, schema in schemas().items():
    shipped = json.loads((folder / name).read_text("utf-8"))
    assert shipped == schema, name
    Draft202012Validator.check_schema(shipped)
print(sum(1 for _ in (folder / "commands").iterdir()), folder)
"""
    count, folder = installed.run("python", "-c", program).stdout.split(maxsplit=1)
    assert int(count) == len(COMMANDS)
    assert Path(folder.strip()).is_relative_to(installed.folder / "venv")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_pin_every_package_and_name_no_address(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []
    assert not any("://" in line for line in lines)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["local"]]
    if name == "requirements-dev.txt":
        wanted += project["dependency-groups"]["dev"]
    pinned = {line.partition("==")[0] for line in (ROOT / name).read_text(encoding="utf-8").splitlines()}
    assert {re.split(r"[\[=<>~! ]", line)[0] for line in wanted} <= pinned
