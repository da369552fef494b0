"""What first visitors of a large store would wait for is done while the server starts, and the server says so."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import orjson
import pytest

from infra.access.secrets import secrets_of
from infra.http.serving import _warming
from infra.operations import tracing
from infra.operations.process import Process
from infra.web import warming
from tests.infra.http import telling
from tests.infra.web.browsing import Served, serving_pages


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving_pages(tmp_path, clock="2026-03-16T09:00:00Z") as found:
        found.tell([orjson.dumps(each) for each in telling.story()])
        yield found


def test_a_small_store_needs_none(served: Served) -> None:
    assert warming.warming(served.rapport) is None


def test_what_is_held_back_from_suppliers_is_worked_out(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "LARGE", 1)
    warm = warming.warming(served.rapport)
    assert warm is not None
    warm(lambda: True)
    kept = secrets_of(served.rapport.store)._standings
    assert len(kept) == 0
    warm(lambda: False)
    assert {(reader.role, subject) for reader, subject, *_ in kept} == {("supplier", telling.REPORTED)}


def test_until_it_is_done_the_server_says_that_it_is_not_ready(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    process, done = Process("serve", tracing.configure("serve")), Event()
    app = served.client.app
    monkeypatch.setattr(app.state, "warming", lambda _: lambda _: done.wait(20))  # type: ignore[attr-defined]
    with _warming(app, served.rapport, process):  # type: ignore[arg-type]
        assert process.vitals.ready().parts["pages"] == "is being prepared"
        done.set()
    assert "pages" not in process.vitals.ready().parts
