"""A fixed clock and a real store: refused without force, and never without a mark."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build
from tests.messages import contact, proposal

EARLY, LATE = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"


@pytest.fixture
def file(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files of messages beside a store that the environment names."""
    monkeypatch.setenv("RAPPORT_STORE", store_url)
    monkeypatch.setenv("RAPPORT_SYNCHRONOUS", "off")
    for name in ("RAPPORT_CLOCK", "RAPPORT_CLOCK_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for number in (1, 2, 3):
        (tmp_path / f"{number}.jsonl").write_bytes(proposal(number) + b"\n" + contact(number, f"c{number}") + b"\n")
    return tmp_path


def rapport(*arguments: str, clock: str | None = None, force: bool = False) -> Result:
    environment = {"RAPPORT_CLOCK": clock, "RAPPORT_CLOCK_FORCE": "1" if force else None}
    return CliRunner().invoke(build(), list(arguments), env=environment)


def submit(file: Path, number: int, clock: str | None = None, force: bool = False) -> Result:
    return rapport("submit", "--no-datasets", str(file / f"{number}.jsonl"), clock=clock, force=force)


def verified() -> Any:
    found = rapport("audit", "verify", "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def recorded(number: int) -> list[str]:
    found = rapport("history", f"00000000-0000-4000-8000-{number:012x}", "--json")
    return [event["recorded_at"] for event in json.loads(found.stdout)]


def test_a_real_store_takes_no_fixed_clock_without_force(file: Path) -> None:
    assert submit(file, 1).exit_code == 0
    refused = submit(file, 2, LATE)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "RAPPORT_CLOCK_FORCE=1" in refused.stderr
    assert rapport("work", "--once", clock=LATE).exit_code == 2
    found = verified()
    assert found["events"] == 2
    assert [mark["clock"] for mark in found["clocks"]] == ["machine"]


def test_by_force_it_does_and_the_mark_stays(file: Path) -> None:
    assert submit(file, 1).exit_code == 0
    assert submit(file, 2, LATE, force=True).exit_code == 0
    assert [(mark["clock"], mark["position"]) for mark in verified()["clocks"]] == [("machine", 0), ("fixed", 2)]
    assert "a fixed clock was used" in rapport("audit", "verify").stdout
    # The next time it takes force again.
    assert submit(file, 3, LATE).exit_code == 2
    # The fixed time was earlier than the log's latest.
    assert min(recorded(2)) >= max(recorded(1))


@pytest.mark.parametrize("first, second", [(EARLY, LATE), (LATE, EARLY), (LATE, LATE)])
def test_a_store_born_under_a_fixed_clock_takes_any(file: Path, first: str, second: str) -> None:
    assert submit(file, 1, first).exit_code == 0
    assert submit(file, 2, second).exit_code == 0
    assert {time[:10] for time in recorded(1)} == {first[:10]}
    assert {time[:10] for time in recorded(2)} == {max(first, second)[:10]}
    assert submit(file, 3).exit_code == 0
    assert [mark["clock"] for mark in verified()["clocks"]] == ["fixed", "machine"]
    assert rapport("work", "--once", clock=LATE).exit_code == 0


def test_questions_may_be_asked_of_a_real_store_at_any_time(file: Path) -> None:
    assert submit(file, 1).exit_code == 0
    for question in (["health", "--json"], ["tasks", "--json"], ["audit", "verify"]):
        assert rapport(*question, clock="2031-01-01T00:00:00Z").exit_code == 0
    assert [mark["clock"] for mark in verified()["clocks"]] == ["machine"]
    # What was worked out for then is worked out anew for now.
    assert rapport("projections", "check").exit_code == 0


def test_turning_the_clock_of_a_real_store_forward_is_a_fixed_clock_too(file: Path) -> None:
    assert submit(file, 1).exit_code == 0
    refused = rapport("work", "--until", "2999-01-01T00:00:00Z")
    assert refused.exit_code == 2
    assert "--until" in refused.stderr
    assert rapport("work", "--until", "2026-03-05T00:00:00Z").exit_code == 0
    assert [mark["clock"] for mark in verified()["clocks"]] == ["machine"]


def test_a_copy_keeps_the_marks(file: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert submit(file, 1, EARLY).exit_code == 0
    assert submit(file, 2).exit_code == 0
    before = verified()["clocks"]
    target = f"sqlite:///{file / 'copy.sqlite'}"
    assert rapport("copy", "--from", store_url, "--to", target).exit_code == 0
    monkeypatch.setenv("RAPPORT_STORE", target)
    assert verified()["clocks"] == before
