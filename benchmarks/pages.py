"""Pages for people: how large each is, and how long it takes to answer.

A programme of relationships at many stages, in one file of SQLite, asked in this process by one person after the other, as a browser asks.
The first answer of a page may fill caches and is told apart; the promise is a median under 100 ms and less than 100 KB.
"""

import logging
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from infra.access import local_key
from infra.access.tokens import Tokens
from infra.bootstrap import Rapport, open_rapport
from infra.http.app import create_app
from infra.operations import tracing
from infra.operations.process import Process
from infra.settings import Settings
from infra.simulate.stream import Simulation
from infra.web.site import pages

NOW = datetime(2024, 12, 1, 9, tzinfo=UTC)
TIMES = 15
PEOPLE = """
[[person]]
id = "cora"
name = "Cora"
roles = ["coordinator"]
[[person]]
id = "alf"
name = "Alf"
roles = ["analyst"]
[[person]]
id = "ada"
name = "Ada"
roles = ["auditor"]
"""
PAGES = {
    "cora": ("/", "/relationships", "{one}", "{one}/events", "{one}/time", "{one}/time?step=3&event=5", "/codes", "/what-if"),
    "alf": ("/programme", "/programme/figures/survival", "/programme/figures/bands", "/programme/figures/nps", "/programme/data/sessions"),
    "ada": ("/audit", "/audit/reads", "/audit/attempts"),
}  # fmt: skip


def run(*, full: bool) -> None:
    from starlette.testclient import TestClient

    count = 10_000 if full else 1_000
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        (folder / "people.toml").write_text(PEOPLE)
        settings = Settings(
            store=f"sqlite:///{folder / 'store.sqlite'}",
            synchronous="off",
            clock=NOW,
            demo_persons=folder / "people.toml",
            log_level="error",
        )
        local_key.make(local_key.place(settings))
        with open_rapport(settings) as rapport:
            one = _tell(rapport, count)
            process = Process("serve", tracing.configure("serve"))
            app = create_app(rapport, process, Tokens.of(settings), part=pages(settings))
            print(f"   {count:,} relationships, {rapport.store.head():,} events")
            print(f"   {'page':44} {'first':>9} {'median':>9} {'slowest':>9} {'size':>9}")
            for person, paths in PAGES.items():
                with TestClient(app, client=("127.0.0.1", 50_000)) as client:
                    _sign_in(client, person)
                    for path in paths:
                        _measure(client, path.format(one=f"/relationships/{one}"))


def _tell(rapport: Rapport, count: int) -> str:
    """Tell a simulated programme; the id of a relationship with many events."""
    told: list[bytes] = []
    for line in Simulation(count, 1, until=NOW).messages():
        told.append(line)
        if len(told) == 1_000:
            rapport.handler.handle(told)
            told = []
    rapport.handler.handle(told)
    rapport.engine().catch_up()
    rows = rapport.database.query(
        "SELECT r.relationship_id FROM relationships r WHERE r.status = 'active' ORDER BY r.position DESC LIMIT 1"
    )
    return str(rows[0][0])


def _sign_in(client: object, person: str) -> None:
    page = client.get("/sign-in").text  # type: ignore[attr-defined]
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    got = client.post("/sign-in/demo", data={"person": person, "next": "/preferences", "csrf": csrf})  # type: ignore[attr-defined]
    assert got.status_code == 200, got.text


def _measure(client: object, path: str) -> None:
    taken = []
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        got = client.get(path, headers={"accept": "text/html"})  # type: ignore[attr-defined]
        taken.append(1000 * (time.perf_counter() - start))
        assert got.status_code == 200, (path, got.status_code)
    first, *rest = taken
    shown = path if len(path) <= 44 else f"{path[:15]}…{path[-28:]}"
    print(
        f"   {shown:44} {first:6.0f} ms {statistics.median(rest):6.1f} ms {max(rest):6.1f} ms {len(got.content) / 1000:6.1f} KB",
        flush=True,
    )
