"""Messages over HTTP by 32 clients, on both stores, beside a bare FastAPI route that inserts one row; and reads of 10,000 relationships.

Wanted: single posts at 0.7 of the bare route's rate, reads with p99 of 50 ms at most.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from infra.access import local_key, tokens
from infra.bootstrap import open_rapport
from infra.local.postgres import Postgres
from infra.settings import Settings
from infra.simulate import Simulation

CLIENTS = 32
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
RAPPORT = str(Path(sys.executable).with_name("rapport"))


def run(*, full: bool) -> None:
    seconds, rounds, relationships = (10, 3, 10_000) if full else (3, 1, 500)
    with TemporaryDirectory() as name, Postgres(Path(name) / "server", durable=True) as server:
        folder = Path(name)
        for kind in ("sqlite", "postgresql"):
            print(f"  {kind}, {CLIENTS} clients, {seconds} s each, best of {rounds} in turn")
            bare = single = batch = {"rate": 0.0}
            for number in range(rounds):
                store = (
                    f"sqlite:///{folder / f'{number}.sqlite'}"
                    if kind == "sqlite"
                    else server.create_database(f"http{number}")
                )
                bare = max(bare, _bare(store, seconds), key=_rate)
                with served(store, folder) as (port, token, _):
                    subjects = _propose(port, token, 200)
                    single = max(single, _load(port, [_single(token, each) for each in subjects], seconds), key=_rate)
                    batch = max(batch, _load(port, [_batch(token, subjects)], seconds), key=_rate)
            _told("bare route, one row", bare)
            _told("single messages", single, f"ratio {single['rate'] / bare['rate']:.2f} (wanted: 0.7)")
            _told("batches of 100", batch, f"{batch['rate'] * 100:,.0f} messages/s")
        _reads(folder, relationships, seconds)


def _rate(found: dict[str, Any]) -> float:
    return float(found["rate"])


def _told(what: str, found: dict[str, Any], more: str = "") -> None:
    assert not found["wrong"], found["wrong"]
    print(
        f"    {what:24}{found['rate']:8,.0f}/s  p50 {found['p50']:7.1f} ms  p99 {found['p99']:7.1f} ms  {more}",
        flush=True,
    )


@contextmanager
def _listening(command: Sequence[str], folder: Path, **env: str) -> Iterator[tuple[int, int]]:
    log = folder / f"{uuid.uuid4()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=env or None)
    try:
        while not (found := LISTENING.search(log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        process.wait()


def _bare(store: str, seconds: float) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/bare.sqlite" if store.startswith("sqlite:") else store
        with _listening([sys.executable, "-m", "benchmarks.bare_route", store], Path(folder)) as (port, _):
            return _load(port, [_single("none", str(uuid.uuid4()), "application/json")], seconds)


class Served(NamedTuple):
    """A server: its port, a token for it, its process."""

    port: int
    token: str
    pid: int


@contextmanager
def served(
    store: str, folder: Path, *options: str, role: str = "coordinator", acts_for: Collection[str] = ()
) -> Iterator[Served]:
    """`rapport serve` on a store while the block runs, and a token of a role that lasts for a day."""
    settings = Settings(store=store, token_key_file=folder / "token-key")
    local_key.make(local_key.place(settings))
    token = tokens.issue(settings, role, "cora", acts_for=acts_for, lasting=timedelta(days=1))
    env = {
        **os.environ,
        "RAPPORT_STORE": store,
        "RAPPORT_TOKEN_KEY_FILE": str(folder / "token-key"),
        "RAPPORT_LOG_LEVEL": "warning",
    }
    with _listening([RAPPORT, "serve", "--port", "0", *options], folder, **env) as (port, pid):
        yield Served(port, token, pid)


def _load(port: int, requests: list[dict[str, Any]], seconds: float, clients: int = CLIENTS) -> dict[str, Any]:
    asked = {
        "port": port,
        "clients": clients,
        "seconds": seconds,
        "requests": requests,
        "first": time.time_ns() % 10**12,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.http_clients"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _message(subject: str, place: str = "NUMBER") -> str:
    message = {
        "specversion": "1.0",
        "id": place,
        "source": "/bench",
        "type": "rapport.RecordContact",
        "subject": subject,
        "time": "TIME",
        "actor": "coordinator:cora",
        "data": {"channel": "email"},
    }
    return json.dumps(message)


def _posted(token: str, content_type: str, body: str) -> dict[str, Any]:
    return {
        "head": f"POST /v1/messages HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: {content_type}",
        "body": body,
    }


def _single(token: str, subject: str, content_type: str = "application/cloudevents+json") -> dict[str, Any]:
    return _posted(token, content_type, _message(subject))


def _batch(token: str, subjects: Sequence[str]) -> dict[str, Any]:
    messages = [_message(subjects[number], f"NUMBER:{number}") for number in range(100)]
    return _posted(token, "application/cloudevents-batch+json", f"[{','.join(messages)}]")


def _propose(port: int, token: str, count: int) -> list[str]:
    subjects = [str(uuid.uuid4()) for _ in range(count)]
    data = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
    messages = [
        {
            **json.loads(_message(each, each)),
            "type": "rapport.ProposeRelationship",
            "time": "2024-01-02T09:00:00Z",
            "data": data,
        }
        for each in subjects
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    got = httpx.post(f"http://127.0.0.1:{port}/v1/messages", content=json.dumps(messages), headers=headers, timeout=60)
    assert {receipt["status"] for receipt in got.json()} == {"accepted"}, got.text
    return subjects


def _reads(folder: Path, relationships: int, seconds: float) -> None:
    store = f"sqlite:///{folder / 'reads.sqlite'}"
    with open_rapport(Settings(store=store)) as rapport:
        lines, subjects = [], set()
        for raw in Simulation(relationships, 1).messages():
            lines.append(raw)
            subjects.add(json.loads(raw)["subject"])
            if len(lines) == 500:
                rapport.handler.handle(lines)
                lines = []
        rapport.handler.handle(lines)
        rapport.engine().catch_up()
    chosen = sorted(each for each in subjects if ":" not in each)[:200]
    # Workers that take up a whole history at once would be measured beside the reads, as would what is prepared for pages.
    print(f"  reads of {relationships} relationships, 4 clients, workers elsewhere")
    with served(store, folder, "--api-only") as (port, token, _):
        while httpx.get(f"http://127.0.0.1:{port}/readyz").status_code != HTTPStatus.OK:
            time.sleep(0.1)
        _load(port, [_get(token, "/v1/relationships?limit=20")], 1, 1)
        for what, path in (("show", ""), ("history", "/history"), ("health", "/health")):
            _told(
                what,
                _load(port, [_get(token, f"/v1/relationships/{each}{path}") for each in chosen], seconds, 4),
                "(wanted: p99 of 50 ms)",
            )
        _told("list, pages of 20", _load(port, [_get(token, "/v1/relationships?limit=20")], seconds, 4))
        _told("tasks, pages of 20", _load(port, [_get(token, "/v1/tasks?limit=20")], seconds, 4))


def _get(token: str, path: str) -> dict[str, Any]:
    return {"head": f"GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}"}
