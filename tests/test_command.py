"""A fork of the command does what the command does that is started anew."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests import command
from tests.command import HERE, RAPPORT, Fork, own_environment, rapport, start
from tests.infra.cli.process import at_terminal
from tests.messages import contact, proposal
from tests.shell_command import on_the_path

MESSAGES = b"\n".join([proposal(), contact(1, "c1"), contact(1, "c1"), b"{"])


def anew(*arguments: str, env: dict[str, str], cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([RAPPORT, *arguments], env=env, cwd=cwd, input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        [],
        ["nonsense"],
        ["submit", "-"],
        ["submit", "nowhere"],
        ["tasks", "--json"],
        ["health", "\udcff"],
        ["simulate", "--relationships", "2", "--seed", "1"],
    ],
    ids=" ".join,
)
def test_it_answers_complains_and_ends_alike(arguments: list[str], tmp_path: Path) -> None:
    found = []
    for run, folder in ((rapport, tmp_path / "fork"), (anew, tmp_path / "anew")):
        folder.mkdir()
        clock = {"RAPPORT_CLOCK": "2026-06-01T12:00:00Z", "COLUMNS": "90", "RAPPORT_STORE": "sqlite:///s.sqlite"}
        done = run(*arguments, env=own_environment(**clock), cwd=folder, stdin=MESSAGES)
        modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
        complaints = done.stderr.replace(bytes(folder), b"FOLDER")
        found.append((done.returncode, done.stdout, complaints, modes))
    assert found[0] == found[1]


def test_what_changes_how_python_starts_has_it_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "start", lambda *_arguments, **_how: pytest.fail("forked"))
    done = rapport("tasks", env=own_environment(PYTHONIOENCODING="ascii"), cwd=tmp_path)
    assert done.returncode == 0


def test_it_is_ended_by_its_time(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        rapport("work", env=own_environment(), cwd=tmp_path, timeout=1)


def working(folder: Path) -> Fork:
    with Path(os.devnull).open("r+b") as nothing:
        return start("work", env=own_environment(), cwd=folder, files=[nothing.fileno()] * 3, own_session=True)


def test_a_signal_ends_it_as_it_ends_any_process(tmp_path: Path) -> None:
    killed, stopped = working(tmp_path), working(tmp_path)
    assert (killed.poll(), os.getsid(killed.pid)) == (None, killed.pid)
    killed.kill()
    assert (killed.wait(30), killed.poll()) == (-signal.SIGKILL, -signal.SIGKILL)
    stopped.terminate()
    assert stopped.wait(30) in {0, -signal.SIGTERM}  # before its handler is there, or after


LEFT = """
import sys, time
from pathlib import Path
from tests.test_command import working
print(working(Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_it_is_gone_when_the_tests_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEFT, str(tmp_path)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        process = Path("/proc", tests.stdout.readline().decode().strip())
        assert process.exists()
        tests.kill()
        until = time.monotonic() + 60
        while process.exists():
            assert time.monotonic() < until
            time.sleep(0.05)


def test_in_a_shell_it_reads_writes_and_ends_alike(tmp_path: Path) -> None:
    found = []
    for folder in (tmp_path / "fork", tmp_path / "anew"):
        folder.mkdir()
        line = (
            "umask 077; printf '%s\n' \"$MESSAGES\" | rapport submit - | cat; echo ${PIPESTATUS[1]}; rapport nonsense; echo $?; "
            "cd ..; rapport tasks --json; rapport work 2> /dev/null & sleep 1; kill -9 $!; wait $!; echo $?"
        )
        environment = own_environment(
            RAPPORT_STORE=f"sqlite:///{folder}/s.sqlite", RAPPORT_CLOCK="2026-06-01T12:00:00Z"
        )
        environment |= {"MESSAGES": MESSAGES.decode(), "PATH": f"{folder}:{Path(RAPPORT).parent}:{environment['PATH']}"}
        with on_the_path(folder) if folder.name == "fork" else nullcontext():
            done = subprocess.run(["bash", "-c", line], env=environment, cwd=folder, capture_output=True, check=False)
        assert b"Traceback" not in done.stderr
        complaints = done.stderr.replace(bytes(folder), b"FOLDER").splitlines()
        found.append((done.returncode, done.stdout, [each for each in complaints if b"Killed" not in each]))
    assert found[0] == found[1]
    assert found[0][1].splitlines()[-1] == b"137"


def test_a_signal_in_a_shell_reaches_it(tmp_path: Path) -> None:
    line = "rapport work & while [ ! -s s.sqlite ]; do sleep 0.05; done; sleep 0.5; kill -TERM $!; wait $!; echo $?"
    environment = own_environment(RAPPORT_STORE="sqlite:///s.sqlite")
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    with on_the_path(tmp_path):
        done = subprocess.run(
            ["bash", "-c", line], env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=60
        )
    assert done.stdout in {b"0\n", b"143\n"}  # after its handler is there, or before


def test_a_terminal_is_sent_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forked = at_terminal(f"sqlite:///{tmp_path}/s.sqlite", "codes", "list")

    def start_anew(*arguments: str, env: dict[str, str], files: list[int], own_session: bool) -> Any:
        stdin, stdout, stderr = files
        return subprocess.Popen(
            [RAPPORT, *arguments], env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=own_session
        )

    monkeypatch.setattr(command, "start", start_anew)
    assert at_terminal(f"sqlite:///{tmp_path}/s.sqlite", "codes", "list") == forked
    assert forked[0] == 0
    assert "more: " in forked[1] or len(forked[1]) > 1000
