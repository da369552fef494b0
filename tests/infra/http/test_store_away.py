"""The store is gone or does not answer under a server that runs: it says so, acknowledges nothing, and its numbers are there."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from infra.local.postgres import Postgres
from tests.infra.http.server import Server, serving
from tests.infra.http.test_messages import contact, post, proposal

# Reads that wait for a store while it is away.
WAITING = 50


def ready(server: Server, expected: int, seconds: float = 30) -> httpx.Response:
    """What `/readyz` says once its status is the expected one."""
    until = time.monotonic() + seconds
    while (got := httpx.get(f"{server.url}/readyz")).status_code != expected:
        assert time.monotonic() < until, got.text
        time.sleep(0.1)
    return got


def metrics_within(server: Server, seconds: float) -> str:
    """The page of numbers, which is there within so many seconds."""
    began = time.monotonic()
    got = httpx.get(f"{server.url}/metrics", timeout=30)
    assert (got.status_code, time.monotonic() - began < seconds) == (200, True), time.monotonic() - began
    assert "rapport_http_requests_total{" in got.text
    return got.text


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    postgres.stop()
    yield
    postgres.start()


@contextmanager
def halted(postgres: Postgres) -> Iterator[None]:
    """Connections stay open, new ones are taken by the system, and nothing answers."""
    pid = postgres.pid
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            os.kill(each, signal.SIGCONT)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes of PostgreSQL in /proc")
@pytest.mark.parametrize("happens", [stopped, halted])
def test_an_outage_of_postgresql_has_numbers(
    happens: Callable[[Postgres], AbstractContextManager[None]], own_postgres: Postgres, tmp_path: Path
) -> None:
    store = own_postgres.create_database(happens.__name__)
    with serving(store, tmp_path, "--api-only") as server, server.client() as client:
        assert post(client, proposal()).status_code == 200
        assert "rapport_store_reachable 1.0" in metrics_within(server, 10)
        with happens(own_postgres), ThreadPoolExecutor(WAITING) as pool:
            # More requests than the server has threads wait for the store.
            for _ in range(WAITING):
                pool.submit(client.get, "/v1/tasks", timeout=12)
            time.sleep(1)
            for _ in range(3):
                found = metrics_within(server, 5)
                assert "rapport_store_reachable 0.0" in found
                assert "rapport_lag_events{" not in found
            assert "database" in ready(server, 503, 10).json()
        until = time.monotonic() + 60
        while "rapport_store_reachable 1.0" not in metrics_within(server, 10):
            assert time.monotonic() < until


def removed(file: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


def replaced(file: Path) -> None:
    file.rename(file.with_name("elsewhere.sqlite"))
    shutil.copy(file.with_name("elsewhere.sqlite"), file)


@pytest.mark.parametrize("happens", [removed, replaced])
def test_no_message_is_acknowledged_whose_store_is_gone(happens: Callable[[Path], None], tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    with serving(f"sqlite:///{file}", tmp_path) as server, server.client() as client:
        sent = proposal()
        assert post(client, sent).status_code == 200
        ready(server, 200)
        happens(file)
        got = post(client, contact(sent["subject"], "1"))
        assert (got.status_code, got.headers["Retry-After"]) == (503, "1")
        assert got.json()["problems"][0]["code"] == "store"
        found = ready(server, 503).json()
        assert "nothing more is recorded" in found["database"]
        assert "start Rapport anew" in found["database"]
        assert httpx.get(f"{server.url}/livez").status_code == 200
    assert file.exists() == (happens is replaced)


def test_a_store_that_is_moved_back_is_served_again(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    with serving(f"sqlite:///{file}", tmp_path) as server, server.client() as client:
        sent = proposal()
        second = contact(sent["subject"], "1")
        assert post(client, sent).status_code == 200
        file.rename(tmp_path / "elsewhere.sqlite")
        assert post(client, second).status_code == 503
        (tmp_path / "elsewhere.sqlite").rename(file)
        got = post(client, second)
        assert (got.status_code, got.json()["status"]) == (200, "accepted")
        ready(server, 200)
