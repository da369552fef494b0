import json
from datetime import UTC, datetime

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from infra.cli import output
from infra.cli.app import build
from infra.cli.output import REFUSED, USAGE, fail, print_json, print_json_line, print_note, print_table, progress


class Point(BaseModel):
    x: int


def test_json_goes_to_stdout_with_models_sets_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 3, 2, 9, tzinfo=UTC), "points": [Point(x=1)], "names": {"b", "a"}})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"at": "2026-03-02T09:00:00Z", "points": [{"x": 1}], "names": ["a", "b"]}
    assert printed.err == ""


def test_a_json_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_line({"text": "two\nlines"})
    assert capsys.readouterr().out == '{"text":"two\\nlines"}\n'


def test_what_has_no_json_is_a_programming_error() -> None:
    with pytest.raises(TypeError):
        print_json(object())


@pytest.mark.parametrize("code", [REFUSED, USAGE])
def test_a_failure_speaks_on_stderr_and_leaves_with_its_code(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as stopped:
        fail("no such [relationship]", code)
    printed = capsys.readouterr()
    assert stopped.value.exit_code == code
    assert (printed.out, printed.err) == ("", "error: no such [relationship]\n")


def test_a_note_goes_to_stderr_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_note("word " * 40)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_a_table_shows_cells_as_they_are_and_its_first_column_whole(capsys: pytest.CaptureFixture[str]) -> None:
    name = "6f1e2c3d-0000-4000-8000-000000000001"
    print_table(("id", "note"), [(name, "[bold]" + "long " * 40)], title="[1]")
    printed = capsys.readouterr().out
    assert name in printed
    assert "[bold]" in printed
    assert "[1]" in printed


def test_progress_is_silent_when_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", 3) as advance:
        advance(2)
        advance(1)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_progress_is_told_in_lines_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "is_watched", lambda: True)
    monkeypatch.setattr(output, "SAY_EVERY_SECONDS", 0.0)
    with progress("reading \x1b[2K", 3) as advance:
        advance(2)
        advance(1)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "reading \\x1b[2K: 2 of 3\nreading \\x1b[2K: 3 of 3\n")


@pytest.mark.parametrize("group", [(), ("audit",), ("projections",), ("explore",), ("dead-letters",)], ids=" ".join)
def test_a_list_of_commands_has_whole_sentences_in_80_columns(group: tuple[str, ...]) -> None:
    listed = CliRunner().invoke(build(), [*group, "--help"], env={"COLUMNS": "80"}, terminal_width=80).stdout
    assert "..." not in listed.partition("Commands:")[2]
    assert max(map(len, listed.splitlines())) <= 80
