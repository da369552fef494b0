"""`rapport simulate`: what its options do, and how it complains."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build
from infra.simulate import messages


def simulate(*options: str) -> Result:
    return CliRunner().invoke(build(), ["simulate", "--relationships", "5", "--seed", "7", *options])


def test_it_prints_one_message_a_line() -> None:
    result = simulate()
    assert result.exit_code == 0
    assert result.stdout_bytes.splitlines() == list(messages(5, seed=7))
    assert result.stdout_bytes.endswith(b"}\n")


def test_it_writes_the_same_to_a_file(tmp_path: Path) -> None:
    result = simulate("-o", str(tmp_path / "told.jsonl"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "told.jsonl").read_bytes() == simulate().stdout_bytes


def test_codes_are_chosen_with_commas() -> None:
    told = simulate("--codes", "cmn,leapfrog").stdout
    assert '"code":"cmn"' in told
    assert '"code":"leapfrog"' in told
    assert "pentalog" not in told


def test_a_start_too_late_for_whole_lives_is_cut_off_at_today_and_says_so() -> None:
    result = simulate("--start", "2026-01-05", "--days", "3650")
    assert result.exit_code == 0
    assert "cut off at" in result.stderr


def test_nothing_is_told_of_the_future() -> None:
    for options in (("--start", "2999-01-01"), ("--until", "2999-01-01")):
        result = simulate(*options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--start must be before today" in result.stderr


def test_an_end_before_the_beginning_is_refused() -> None:
    result = simulate("--start", "2024-05-01", "--until", "2024-03-01")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--until is 2024-03-01, not after --start 2024-05-01" in result.stderr


def test_the_present_is_the_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_CLOCK", "2024-03-01T12:00:00Z")
    result = simulate()
    assert max(orjson.loads(line)["time"] for line in result.stdout.splitlines()) < "2024-03-01"
    assert "--until 2024-03-01" in result.stderr
    monkeypatch.setenv("RAPPORT_CLOCK", "soon")
    assert simulate().exit_code == 2


@pytest.mark.parametrize("codes, named", [("cmn,kindness", "'kindness'"), ("", "''"), ("cmn,", "''")])
def test_an_unknown_code_is_named(codes: str, named: str) -> None:
    result = simulate("--codes", codes)
    assert result.exit_code == 2
    assert named in result.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = simulate("-o", str(tmp_path / "nowhere" / "told.jsonl"))
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


def test_a_reader_who_goes_away_ends_it_quietly() -> None:
    program = "from infra.cli.app import main; main()"
    command = [sys.executable, "-c", program, "simulate", "--relationships", "2000", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline().startswith(b"{")
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=30) == 0
