"""What deploy/ holds is right as far as a machine without Docker can tell: linted, for a user who is not root, hardened."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli.app import build

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
BIN = Path(sys.executable).parent


def test_the_dockerfile_has_no_complaint_of_hadolint() -> None:
    done = subprocess.run([BIN / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_runs_as_a_user_who_is_not_root() -> None:
    last = (DEPLOY / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert not re.search(r"^USER (root|0)", last, re.MULTILINE)


def test_the_image_gets_nothing_but_what_it_is_built_of() -> None:
    ignored, *let_in = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert ignored == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    wanted = {name for line in copied for name in line.split()}
    assert {name.removeprefix("!") for name in let_in} - {"**/__pycache__"} == wanted
    assert all((DEPLOY.parent / name).exists() for name in wanted)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_no_complaint(unit: Path, tmp_path: Path) -> None:
    name = unit.name.replace("@.", "@work.")
    copy = tmp_path / name
    copy.write_text(unit.read_text().replace("/opt/rapport/bin/rapport", str(BIN / "rapport")))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if name in line]
    assert complaints == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_exposes_little(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_units_run_commands_that_there_are() -> None:
    named = {
        line.rpartition("/rapport ")[2]
        for unit in UNITS
        for line in re.findall("^ExecStart=.*", unit.read_text(), re.MULTILINE)
    }
    enabled = re.findall(r"rapport@(\w+)", (DEPLOY / "rapport@.service").read_text())
    assert named == {"%i", "projections follow"}
    commands = {
        command.name or command.callback.__name__ for command in build().registered_commands if command.callback
    }
    assert set(enabled) == {"work", "consume", "publish"} <= commands
