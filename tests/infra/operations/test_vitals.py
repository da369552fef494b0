"""Liveness and readiness say what is so: a loop that does not turn, a check that fails, one that hangs."""

import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from infra.operations import vitals as vitals_module
from infra.operations.endpoints import PortTaken, endpoints
from infra.operations.vitals import Vitals


@pytest.fixture
def served() -> Iterator[tuple[Vitals, int]]:
    vitals = Vitals()
    with endpoints(vitals, 0) as port:
        yield vitals, port


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_process_is_live_while_its_loops_turn(served: tuple[Vitals, int]) -> None:
    vitals, port = served
    loop = vitals.loop("work", patience=0.2)
    assert get(port, "/live")[0] == 200
    time.sleep(0.3)
    assert get(port, "/live") == (503, '{"ok":false,"work":"has not come round for 0 s"}')
    assert get(port, "/ready")[0] == 503
    loop.beat()
    assert get(port, "/live")[0] == 200


def test_a_process_is_ready_while_its_checks_succeed(
    served: tuple[Vitals, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    vitals, port = served
    monkeypatch.setattr(vitals_module, "FRESH_SECONDS", 0)
    broken: list[str] = []

    def check() -> None:
        if broken:
            raise OSError(broken[0])

    vitals.check("database", check)
    assert get(port, "/ready") == (200, '{"ok":true,"database":"ok"}')
    broken.append("no route to the database")
    assert get(port, "/ready") == (503, '{"ok":false,"database":"no route to the database"}')
    assert get(port, "/live")[0] == 200
    broken.clear()
    assert get(port, "/ready")[0] == 200


def test_a_check_that_hangs_is_an_answer_too(served: tuple[Vitals, int], monkeypatch: pytest.MonkeyPatch) -> None:
    vitals, port = served
    monkeypatch.setattr(vitals_module, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(vitals_module, "FRESH_SECONDS", 0)
    hanging = threading.Event()
    vitals.check("broker", lambda: hanging.wait(20))
    assert get(port, "/ready")[0] == 503
    assert "has not answered" in get(port, "/ready")[1]
    hanging.set()
    time.sleep(0.1)
    assert get(port, "/ready")[0] == 200


def test_checks_that_hang_are_waited_for_together(served: tuple[Vitals, int], monkeypatch: pytest.MonkeyPatch) -> None:
    vitals, port = served
    monkeypatch.setattr(vitals_module, "CHECK_SECONDS", 1.0)
    both = threading.Barrier(2)
    for name in ("broker", "database"):
        # Each ends only if the other has begun.
        vitals.check(name, lambda: both.wait(0.9))
    assert get(port, "/ready") == (200, '{"ok":true,"broker":"ok","database":"ok"}')


def test_a_probe_that_has_gone_before_the_answer_leaves_no_trace(
    served: tuple[Vitals, int], capfd: pytest.CaptureFixture[str]
) -> None:
    vitals, port = served
    answering, gone = threading.Event(), threading.Event()

    def check() -> None:
        answering.set()
        gone.wait(2)

    vitals.check("database", check)
    with socket.create_connection(("127.0.0.1", port)) as probe:
        probe.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
        assert answering.wait(10)
        # Closed at once, so that the answer is refused.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.set()
    assert get(port, "/live")[0] == 200
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_trouble_and_stopping_are_not_ready_but_live(served: tuple[Vitals, int]) -> None:
    vitals, port = served
    vitals.troubled("publisher", "is starting")
    assert get(port, "/ready") == (503, '{"ok":false,"publisher":"is starting"}')
    vitals.well("publisher")
    assert get(port, "/ready")[0] == 200
    vitals.stopping = True
    assert get(port, "/ready") == (503, '{"ok":false,"process":"is stopping"}')
    assert get(port, "/live")[0] == 200


def test_metrics_are_in_prometheus_own_words(served: tuple[Vitals, int]) -> None:
    _, port = served
    status, page = get(port, "/metrics")
    assert status == 200
    assert "# TYPE rapport_messages_total counter" in page
    assert get(port, "/elsewhere")[0] == 404


def test_a_port_that_is_taken_is_said(served: tuple[Vitals, int]) -> None:
    _, port = served
    with pytest.raises(PortTaken, match=str(port)), endpoints(Vitals(), port):
        pass
