"""An outage is told once when it begins and once when it is over, however often and by how many it is noticed."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.kafka.clients import KafkaTrouble
from infra.operations import keep, vitals
from infra.operations.logs import configure
from infra.operations.outages import BEGINS, OVER, Outages
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from infra.store.errors import FencedSource, StoreError, UnreachableStore


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[Any]]]:
    """The log lines so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(keep, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(vitals, "FRESH_SECONDS", 0.0)
    found: list[Any] = []

    def lines() -> list[Any]:
        found.extend(json.loads(line) for line in capsys.readouterr().err.splitlines())
        return found

    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)


class Session:
    """Each turn is the next step: nothing, or an error that is raised. After the last the process is asked to stop."""

    at_work = True

    def __init__(self, process: Process, steps: list[Exception | None]) -> None:
        self.process = process
        self.steps = steps

    def turn(self) -> None:
        if not self.steps:
            self.process.stop.set()
        elif error := self.steps.pop(0):
            raise error

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


def go(*steps: Exception | None, check: Callable[[], object] | None = None) -> None:
    configure("consume", form="json")
    process, left = Process("consume", Tracing(enabled=False)), list(steps)
    if check is not None:
        process.vitals.check("broker", check)
    keep.keep_going(process, "consumer", lambda: Session(process, left), troubles={KafkaTrouble: "broker"})


def told(lines: list[Any]) -> list[tuple[str, str]]:
    return [(line["event"], line["what"]) for line in lines if "what" in line]


def test_it_is_told_once_however_often_it_is_tried(said: Callable[[], list[Any]]) -> None:
    go(None, UnreachableStore("gone"), UnreachableStore("still gone"), StoreError("other words"), None, None)
    lines = [line for line in said() if "what" in line]
    assert told(lines) == [(BEGINS, "database"), (OVER, "database")]
    assert (lines[0]["error"], lines[0]["why"], lines[0]["level"]) == ("gone", "UnreachableStore", "warning")
    assert lines[1]["seconds"] >= 0
    assert lines[1]["level"] == "warning"


def test_the_next_one_is_told_again(said: Callable[[], list[Any]]) -> None:
    go(KafkaTrouble("one"), None, KafkaTrouble("two"), None)
    assert told(said()) == [(BEGINS, "broker"), (OVER, "broker")] * 2


def test_two_at_a_time_are_two(said: Callable[[], list[Any]]) -> None:
    go(KafkaTrouble("gone"), UnreachableStore("gone"), KafkaTrouble("gone"), None)
    lines = told(said())
    assert lines[:2] == [(BEGINS, "broker"), (BEGINS, "database")]
    assert sorted(lines[2:]) == [(OVER, "broker"), (OVER, "database")]


def test_a_mistake_of_our_own_has_its_traceback_once_a_kind(said: Callable[[], list[Any]]) -> None:
    go(ValueError("a"), ValueError("a"), TypeError("b"), ValueError("a"), None)
    lines = [line for line in said() if "what" in line]
    assert [(line["level"], line["what"]) for line in lines] == [
        ("error", "consumer"),
        ("error", "consumer"),
        ("warning", "consumer"),
    ]
    assert "ValueError: a" in lines[0]["exception"]
    assert "TypeError: b" in lines[1]["exception"]
    assert lines[2]["event"] == OVER


def test_another_process_that_took_over_is_no_outage(said: Callable[[], list[Any]]) -> None:
    go(FencedSource("taken"), None)
    assert told(said()) == []


def test_what_a_check_finds_is_told_even_if_the_session_notices_nothing(said: Callable[[], list[Any]]) -> None:
    """As with a client that hides that its broker is away."""
    configure("consume", form="json")
    answers = iter(["well", "away", "away", "well"])
    asked = threading.Event()
    process = Process("consume", Tracing(enabled=False))

    def check() -> None:
        answer = next(answers, None)
        if answer is None:
            asked.set()
        if answer == "away":
            raise KafkaTrouble("the broker does not answer")

    process.vitals.check("broker", check)

    class Idle(Session):
        def turn(self) -> None:
            if asked.wait(0.01):
                process.stop.set()

    keep.keep_going(process, "consumer", lambda: Idle(process, []), troubles={KafkaTrouble: "broker"})
    lines = [line for line in said() if "what" in line]
    assert told(lines) == [(BEGINS, "broker"), (OVER, "broker")]
    assert lines[0]["error"] == "the broker does not answer"


def test_it_is_not_over_while_the_check_still_fails(said: Callable[[], list[Any]]) -> None:
    def check() -> None:
        raise KafkaTrouble("away")

    go(KafkaTrouble("gone"), *[None] * 20, check=check)
    assert told(said()) == [(BEGINS, "broker")]


def test_threads_that_notice_it_at_once_tell_it_once(said: Callable[[], list[Any]]) -> None:
    configure("consume", form="json")
    outages = Outages()
    threads = [threading.Thread(target=outages.begins, args=("database", "gone")) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    outages.over("database")
    outages.over("database")
    assert told(said()) == [(BEGINS, "database"), (OVER, "database")]
