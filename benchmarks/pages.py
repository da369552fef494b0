"""Pages for people: how large each is, and how long it takes to answer, for each role.

A programme of relationships at many stages, in one file of SQLite, asked in this process by one person after the other, as a browser asks.
What a server prepares before it says that it is ready is prepared here too. The first answer of a page may fill caches and is told apart; the promise is a median under 100 ms and less than 100 KB. Beside the time that
passed stands that of the processor, which other work on the machine does not lengthen.

The file is kept in the folder of temporary files for as long as the code that made it is the same.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

from infra.access import local_key
from infra.access.tokens import Tokens
from infra.bootstrap import Rapport, open_rapport
from infra.http.app import create_app
from infra.operations import logs, tracing
from infra.operations.process import Process
from infra.settings import Settings
from infra.simulate.stream import Simulation
from infra.web.site import pages

NOW = datetime(2024, 12, 1, 9, tzinfo=UTC)
TIMES = 9
BATCH = 2_000
# Subjects kept in memory while the programme is told: all that are alive at one time, else most are read again for each message.
CACHE = 60_000
ROOT = Path(__file__).parents[1]
MADE_BY = (
    "domain",
    "projections",
    "infra/intake",
    "infra/projection_engine",
    "infra/sealing",
    "infra/simulate",
    "infra/store",
)
OF_ONE = ("{one}", "{one}/events", "{one}/time", "{one}/time?step=3&event=5")
LISTS = (
    "/",
    "/relationships",
    "/relationships?page=3",
    "/relationships?who=an",
    "/relationships?state=active&band=critical",
)
PARTY = ("/", "/relationships", "{one}", "{one}/events", "{one}/time", "/mine", "/mine/data")
PAGES = {
    "coordinator": (*LISTS, *OF_ONE, "/codes", "/what-if", "/programme"),
    "hr": ("/", "/relationships"),
    "supplier": ("/", "/relationships", "/programme", "/what-if", "/programme/data/sessions"),
    "mentee": PARTY,
    "mentor": PARTY,
    "line_manager": ("/", "/relationships", "{one}", "/mine"),
    "customer": ("/", "/relationships", "/mine", "/mine?page=2"),
    "analyst": (
        "/", "/programme", "/programme/figures/survival", "/programme/figures/bands", "/programme/figures/nps",
        "/programme/data/sessions", "/programme/data/timeline", "/programme/data/relationships",
    ),
    "auditor": ("/", "/relationships", "{one}", "{one}/time", "/audit", "/audit/reads", "/audit/attempts"),
}  # fmt: skip


def run(*, full: bool) -> None:
    from starlette.testclient import TestClient

    count = 10_000 if full else 1_000
    logs.configure("bench", "error")
    folder = _programme(count)
    persons, one = _persons(folder)
    (folder / "people.toml").write_text(
        "".join(f'[[person]]\nid = "{id_}"\nname = "{role}"\nroles = ["{role}"]\n' for role, id_ in persons.items())
    )
    settings = _settings(folder).model_copy(update={"demo_persons": folder / "people.toml"})
    with open_rapport(settings) as rapport:
        app = create_app(
            rapport, Process("serve", tracing.configure("serve")), Tokens.of(settings), part=pages(settings)
        )
        print(
            f"   {count:,} relationships, {rapport.store.head():,} events; milliseconds of a processor, in brackets those that passed"
        )
        warm = app.state.warming(rapport)
        if warm is not None:
            start = time.process_time()
            warm(lambda: False)
            print(
                f"   prepared in {time.process_time() - start:.1f} s of a processor, before the server says that it is ready"
            )
        print(f"   {'role':13}{'page':38}{'first':>8}{'median':>18}{'size':>10}")
        for role, paths in PAGES.items():
            with TestClient(app, client=("127.0.0.1", 50_000)) as client:
                _sign_in(client, persons[role])
                for path in paths:
                    _measure(client, role, path.format(one=f"/relationships/{one}"))


def _settings(folder: Path) -> Settings:
    return Settings(
        store=f"sqlite:///{folder / 'store.sqlite'}",
        synchronous="off",
        cache=CACHE,
        clock=NOW,
        log_level="error",
        sign_in_rate="1000/second",
    )


def _programme(count: int) -> Path:
    """The folder of a simulated programme, told now unless the same code has told it before."""
    files = sorted(file for room in MADE_BY for file in (ROOT / room).rglob("*.py"))
    made_by = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"rapport-bench-pages-{count}-{made_by}"
    if (folder / "whole").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    settings = _settings(folder)
    local_key.make(local_key.place(settings))
    start = time.process_time()
    with open_rapport(settings) as rapport:
        _tell(rapport, Simulation(count, 1, until=NOW).messages())
    (folder / "whole").touch()
    print(f"   {count:,} relationships told in {time.process_time() - start:,.0f} s of a processor")
    return folder


def _tell(rapport: Rapport, messages: Iterator[bytes]) -> None:
    while told := list(islice(messages, BATCH)):
        rapport.handler.handle(told)
    rapport.engine().catch_up()


def _persons(folder: Path) -> tuple[dict[str, str], str]:
    """A person of each role, those of the office by any id, and the relationship that the pages of one are of."""
    with open_rapport(_settings(folder)) as rapport:
        query = rapport.database.query
        [(one, mentee, mentor, manager)] = query(
            "SELECT relationship_id, mentee_id, mentor_id, line_manager_id FROM relationships "
            "WHERE status = 'active' AND line_manager_id IS NOT NULL ORDER BY position DESC LIMIT 1"
        )
        found = {"coordinator": "cora", "hr": "hugo", "analyst": "alf", "auditor": "ada"}
        found |= {"mentee": mentee, "mentor": mentor, "line_manager": manager}
        for role in ("customer", "supplier"):
            [(found[role],)] = query(
                f"SELECT {role}_id FROM relationships WHERE {role}_id IS NOT NULL GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1"
            )
    return found, str(one)


def _sign_in(client: object, person: str) -> None:
    page = client.get("/sign-in").text  # type: ignore[attr-defined]
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    got = client.post("/sign-in/demo", data={"person": person, "next": "/preferences", "csrf": csrf})  # type: ignore[attr-defined]
    assert got.status_code == 200, got.text


def _measure(client: object, role: str, path: str) -> None:
    passed, worked = [], []
    for _ in range(TIMES + 1):
        start, busy = time.perf_counter(), time.process_time()
        got = client.get(path, headers={"accept": "text/html"})  # type: ignore[attr-defined]
        passed.append(1000 * (time.perf_counter() - start))
        worked.append(1000 * (time.process_time() - busy))
        assert got.status_code == 200, (role, path, got.status_code)
    median, lasted = statistics.median(worked[1:]), statistics.median(passed[1:])
    shown = path if len(path) <= 36 else f"{path[:15]}…{path[-20:]}"
    over = "  over" if median > 100 or len(got.content) > 100_000 else ""
    times = f"{worked[0]:8.0f}{f'{median:.1f} ({lasted:.1f})':>18}"
    print(f"   {role:13}{shown:38}{times}{len(got.content) / 1000:7.1f} KB{over}", flush=True)
