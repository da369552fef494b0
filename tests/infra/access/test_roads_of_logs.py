"""No log line of a process holds words, at whatever level: not of `submit`, `work` and `serve` (those of Kafka: tests/infra/kafka/test_roads.py).

Nor do the numbers of a server, whatever is sent to it, asked of it, or typed into its pages: words of messages, reasons, names, tokens.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from domain.words import ROLES
from tests.e2e.contract.outside import iso
from tests.infra.access.roads import LATER, Told
from tests.infra.http.server import PLAIN, Server, serving
from tests.infra.sealing.test_canaries import BIRD

pytestmark = pytest.mark.xdist_group("roads")

LINES = "application/x-ndjson"
ONE = "application/cloudevents+json"
PEOPLE = """
[[person]]
id = "cora"
name = "canary-person"
roles = ["coordinator"]
"""
# What nobody has, in every place of a request.
TYPED = f"{BIRD}typed"


def test_neither_submit_nor_work_logs_words(story: Told) -> None:
    assert {name for name, text in story.written.items() if BIRD.encode() in text} == set()
    assert {name for name, text in story.written.items() if b"{" not in text} == set()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("logs")
    (folder / "persons.toml").write_text(PEOPLE)
    settings = {
        "RAPPORT_CLOCK": iso(LATER),
        "RAPPORT_LOG_LEVEL": "debug",
        "RAPPORT_DEMO_PERSONS": str(folder / "persons.toml"),
    }
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder, **settings) as found:
        yield found


def test_a_server_logs_and_counts_no_words(server: Server, story: Told) -> None:
    token = server.token("service:booking", acts_for=[role for role in ROLES if role != "worker"])
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60, verify=PLAIN) as client:
        _send(client, story.lines)
        _ask(client, story)
    with server.client("coordinator:cora") as client:
        _ask(client, story)
    with httpx.Client(base_url=server.url, timeout=60, follow_redirects=True, verify=PLAIN) as client:
        _type(client, story)
        numbers = client.get("/metrics").text
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    by_status = defaultdict[int, int](int)
    for line in lines:
        if line["event"] == "answered":
            by_status[line["status"]] += 1
    assert {200, 400, 401, 404, 422} <= by_status.keys(), by_status
    for secret in (BIRD, token, token.rpartition(".")[2]):
        assert [line for line in server.log.splitlines() if secret in line] == []
        assert secret not in numbers


def _send(client: httpx.Client, lines: list[bytes]) -> None:
    got = client.post("/v1/messages", content=b"\n".join(lines), headers={"Content-Type": LINES})
    assert got.status_code == 200
    statuses = [json.loads(line)["status"] for line in got.text.splitlines()]
    assert statuses.count("accepted") > 100
    accepted = next(
        line for line, status in zip(lines, statuses, strict=True) if status == "accepted" and BIRD.encode() in line
    )
    message = json.loads(accepted)
    wrong: tuple[Any, ...] = (
        {**message, "id": "again-1"},
        {**message, "id": "again-2", "data": {**message["data"], TYPED: TYPED}},
        {**message, "id": TYPED, "type": TYPED, "actor": TYPED, "time": TYPED},
        {**message, "subject": TYPED},
        {**message, TYPED: TYPED},
    )
    for each in wrong:
        assert client.post("/v1/messages", json=each, headers={"Content-Type": ONE}).status_code < 500
    for body, kind in (
        (accepted[:-9], ONE),
        (accepted, TYPED),
        (accepted, f"{LINES}; charset={TYPED}"),
        (b"\xff" + accepted, LINES),
    ):
        assert client.post("/v1/messages", content=body, headers={"Content-Type": kind}).status_code < 500
    binary = {
        f"ce-{name}": str(message[name]) for name in ("specversion", "id", "source", "type", "subject", "time", "actor")
    }
    binary |= {"ce-id": TYPED, "ce-subject": TYPED, "Content-Type": "application/json", "traceparent": TYPED}
    assert client.post("/v1/messages", json=message["data"], headers=binary).status_code < 500


def _ask(client: httpx.Client, story: Told) -> None:
    document = client.get("/openapi.json").json()
    for path, calls in document["paths"].items():
        if "get" not in calls:
            continue
        names = [each["name"] for each in calls["get"].get("parameters", ()) if each.get("in") == "query"]
        for id_ in {TYPED, story.busiest}:
            asked = path.replace("{id}", id_).replace("{name}", id_)
            for query in ({TYPED: TYPED}, {"reveal": TYPED} if "reveal" in names else {}, dict.fromkeys(names, TYPED)):
                found = client.get(asked, params=query, headers={"Accept": TYPED} if query else {})
                assert found.status_code < 500, (asked, found.text)
    for method in ("PUT", "DELETE", TYPED.upper()):
        assert client.request(method, f"/v1/{TYPED}").status_code < 500
    bad = {"Authorization": f"Bearer {TYPED}", "Rapport-Role": TYPED, "Cookie": f"session={TYPED}", "User-Agent": TYPED}
    assert client.get(f"/{TYPED}").status_code == 404
    assert client.get("/v1/me", headers=bad).status_code == 401
    webhook = {"url": f"https://{TYPED}.example/{TYPED}?{TYPED}", "programme": TYPED}
    assert client.post("/v1/webhooks", json=webhook).status_code < 500


def _type(client: httpx.Client, story: Told) -> None:
    """What somebody types into pages: another's name, a reason, a note, an address that does not exist."""
    csrf = client.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert client.post("/sign-in/demo", data={"csrf": csrf, "person": TYPED}).status_code == 404
    signed_in = client.post("/sign-in/demo", data={"csrf": csrf, "person": "cora", "next": f"/{TYPED}"})
    csrf = client.get("/preferences").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert (signed_in.status_code, bool(csrf)) == (404, True)
    page = f"/relationships/{story.busiest}"
    read = client.post(f"{page}/words", data={"csrf": csrf, "why": TYPED})
    assert read.status_code == 200
    assert (
        client.post(
            f"{page}/do/ReviewRelationship", data={"csrf": csrf, "note": TYPED, "message_id": TYPED}
        ).status_code
        == 200
    )
    assert client.post(f"{page}/do/AgreeGoal", data={"csrf": csrf, "title": TYPED, "type": TYPED}).status_code in {
        400,
        422,
    }
    for path in (
        f"/{TYPED}",
        f"/relationships?who={TYPED}",
        f"/what-if?term={TYPED}",
        f"/codes/{TYPED}",
        f"{page}/time?on={TYPED}",
    ):
        assert client.get(path).status_code < 500
