"""The store is gone or does not answer under a server that runs: it says so, acknowledges nothing, and its numbers are there."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.infra.http.server import Server, serving
from tests.infra.http.test_messages import contact, post, proposal


def ready(server: Server, expected: int, seconds: float = 30) -> httpx.Response:
    """What `/readyz` says once its status is the expected one."""
    until = time.monotonic() + seconds
    while (got := httpx.get(f"{server.url}/readyz")).status_code != expected:
        assert time.monotonic() < until, got.text
        time.sleep(0.1)
    return got


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
