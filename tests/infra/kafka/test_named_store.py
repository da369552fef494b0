"""Beside Kafka, what reacts to a store works only on one that is named: the file of the working folder would be a second store."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build

NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rapport(*arguments: str) -> Result:
    return CliRunner().invoke(build(), list(arguments))


@pytest.mark.parametrize("store", [None, ""])
@pytest.mark.parametrize(
    "command",
    [
        "consume",
        "publish",
        "work",
        "work --once",
        "work --until 2026-03-02T09:00:00Z",
        "projections follow",
        "notifications retry --all",
    ],
)
def test_without_it_they_exit_2_say_so_and_make_nothing(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path, command: str, store: str | None
) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", NOBODY)
    if store is not None:
        monkeypatch.setenv("RAPPORT_STORE", store)
    done = rapport(*command.split())
    assert done.exit_code == 2
    assert "RAPPORT_STORE: name the store" in " ".join(done.stderr.split())
    assert list(empty_folder.iterdir()) == []


def test_the_default_is_enough_when_it_is_named(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", NOBODY)
    monkeypatch.setenv("RAPPORT_STORE", "sqlite:///rapport.sqlite")
    assert rapport("work", "--once").exit_code == 0
    assert (empty_folder / "rapport.sqlite").exists()


def test_without_kafka_the_file_of_the_folder_is_taken() -> None:
    assert rapport("work", "--once").exit_code == 0


@pytest.mark.parametrize("command", ["consume", "publish"])
def test_without_kafka_these_make_no_store(empty_folder: Path, command: str) -> None:
    done = rapport(command)
    assert done.exit_code == 2
    assert "RAPPORT_KAFKA" in done.stderr
    assert list(empty_folder.iterdir()) == []
