"""A long-running command: JSON logs with the facts in them, traces passed on, a stop that is asked for politely."""

import json
import logging
import os
import signal
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind

from infra.operations import tracing
from infra.operations.logs import configure, logger
from infra.operations.process import observed
from infra.settings import Settings

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_every_line_is_one_json_object_whoever_logs(capsys: pytest.CaptureFixture[str]) -> None:
    configure("consume", form="json")
    logger("rapport.kafka").info("partitions assigned", partitions=[1, 2])
    logging.getLogger("some.library").warning("odd: %s", "thing")
    try:
        int("broken")
    except ValueError:
        logger("rapport.kafka").exception("begins anew")
    first, second, third = lines(capsys)
    assert (first["app"], first["logger"], first["level"], first["event"]) == (
        "consume",
        "rapport.kafka",
        "info",
        "partitions assigned",
    )
    assert first["partitions"] == [1, 2]
    assert (second["app"], second["event"]) == ("consume", "odd: thing")
    assert "ValueError: invalid literal" in str(third["exception"])


def test_libraries_are_quiet_unless_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    configure("consume", "info", "json")
    logging.getLogger("kafka.coordinator").info("joined")
    logging.getLogger("kafka.coordinator").warning("lost")
    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", "KafkaConnectionError: 111 ECONNREFUSED")
    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", RuntimeError("Transport closed for writes"))
    assert [line["event"] for line in lines(capsys)] == ["lost"]


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("consume", "info", "text")
    logger("rapport.kafka").info("publishing", after=7)
    assert "publishing" in capsys.readouterr().err


def test_a_signal_asks_to_stop_and_a_second_one_insists() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with observed("work", Settings(), metrics_port=0) as process:
        assert not process.vitals.ready().ok
        process.vitals.loop("work")
        assert process.vitals.ready().ok
        os.kill(os.getpid(), signal.SIGTERM)
        assert process.stop.wait(5)
        assert process.vitals.ready().to_dict() == {"ok": False, "work": "ok", "process": "is stopping"}
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_without_an_exporter_the_trace_is_passed_on_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tracing.EXPORTER, raising=False)
    ours = tracing.configure("consume")
    assert ours.begin("process", SpanKind.CONSUMER, TRACE, {}) == (None, TRACE)
    assert ours.begin("process", SpanKind.CONSUMER, None, {}) == (None, None)


def test_an_exporter_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.EXPORTER, "pigeon")
    with pytest.raises(tracing.UnknownExporter, match="pigeon"):
        tracing.configure("consume")


@pytest.mark.parametrize(
    "text, expected",
    [
        (TRACE, True),
        (None, False),
        ("", False),
        (TRACE.upper(), False),
        (TRACE.replace("4bf9", "zzzz"), False),
        ("ff" + TRACE[2:], False),
    ],
)
def test_what_a_traceparent_is(text: str | None, expected: bool) -> None:
    assert (tracing.valid(text) is not None) is expected
