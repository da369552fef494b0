"""The examples of the OpenAPI document: requests sent to a server that was told a story, and what it answered.

`python -m tests.infra.http.document_examples` sends them anew and writes `infra/http/examples.json`, from which the document takes them.
Lists are cut to their first two items, and of an answer of lines the first two are kept.
"""

import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from infra.access import local_key
from infra.http.asking import RELATIONSHIP
from infra.http.document import EXAMPLES
from tests.infra.http.server import PLAIN, Server, serving
from tests.infra.http.telling import ELSEWHERE, PARTIES, PROGRAMME, one_relationship, story, told
from tests.infra.http.test_faults import slow_post
from tests.messages import relationship_id

Example = dict[str, Any]
CLOCK: Final = "2026-03-20T09:00:00Z"
MOST: Final = 2
UNKNOWN: Final = relationship_id(999)
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
CORA: Final = "coordinator:cora"
NETWORKS: Final = {"RAPPORT_CLOCK": CLOCK, "RAPPORT_TOKEN_RATE": "100000/second"}


class Asked(NamedTuple):
    """A request: which call, what it shows, who sends it, and with what. Without an actor there is no token."""

    call: str
    name: str
    actor: str | None = CORA
    path: str = ""
    query: str = ""
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    acts_for: tuple[str, ...] = ()
    elsewhere: bool = False


def message(id_: str, type_: str, data: dict[str, Any], actor: str = "mentee:ana", **more: Any) -> dict[str, Any]:
    given = {"source": "/services/booking", "time": "2026-03-16T09:00:00Z", "subject": RELATIONSHIP}
    return {
        "specversion": "1.0",
        "id": id_,
        **given,
        "type": f"rapport.{type_}",
        "actor": actor,
        **more,
        "data": data,
    }


MOVE: Final = message(
    "bk-81f2", "RescheduleSession", {"session_id": "s3", "starts_at": "2026-03-19T17:00:00Z", "reason": "travel"}
)
CONTACTS: Final = [message(f"bk-81f{n}", "RecordContact", {"channel": "email"}, CORA) for n in (3, 4)]
BAD: Final = message("bk-81f5", "RecordContact", {"chanel": "email"}, CORA)


def _messages() -> Iterator[Asked]:
    def sent(name: str, body: Any, actor: str | None = "service:booking", **more: Any) -> Asked:
        given = {"content_type": STRUCTURED, "acts_for": ("mentee", "coordinator"), **more}
        return Asked("postMessages", name, actor, "/v1/messages", body=body, **given)

    yield sent("accepted", MOVE)
    yield sent("duplicate", MOVE)
    yield sent("several", [CONTACTS[0], BAD], content_type=BATCH)
    yield sent("lines", "\n".join(map(json.dumps, [CONTACTS[1], BAD])), content_type=LINES)
    binary = {f"ce-{name}": value for name, value in MOVE.items() if name not in {"data", "id"}}
    yield sent("binary", MOVE["data"], content_type="application/json", headers={**binary, "ce-id": "bk-81f6"})
    yield sent("unknown_field", BAD)
    yield sent("bad_json", "{", content_type=STRUCTURED)
    yield sent("not_an_array", BAD, content_type=BATCH)
    yield sent("unknown_parameter", MOVE, query="dry_run=1")
    yield sent("token", MOVE, None)
    yield sent("not_the_caller", MOVE, "service:another", acts_for=())
    yield sent("programme", {**MOVE, "id": "bk-81f7"}, CORA, elsewhere=True, acts_for=("mentee",))
    yield sent("conflict", {**MOVE, "id": "bk-81f8", "expectedversion": 3})
    yield sent("refused", {**MOVE, "id": "bk-81f9", "data": {**MOVE["data"], "session_id": "s9"}})
    yield sent("unsupported_media_type", "mail", content_type="text/plain")
    yield sent("too_large", [MOVE, " " * 34_000_000], content_type=BATCH)


# Each read: the call, its path, a query that asks for less, and who may not.
READS: Final = (
    ("listRelationships", "/v1/relationships", "limit=2", "analyst:alf"),
    ("getRelationship", f"/v1/relationships/{RELATIONSHIP}", "", "analyst:alf"),
    ("getHistory", f"/v1/relationships/{RELATIONSHIP}/history", "", "analyst:alf"),
    ("getHealth", f"/v1/relationships/{RELATIONSHIP}/health", "", "line_manager:lina"),
    ("getDecisions", f"/v1/relationships/{RELATIONSHIP}/decisions", "", "mentee:ana"),
    ("getReport", f"/v1/relationships/{RELATIONSHIP}/report", "to=line_manager", "supplier:sam"),
    (
        "getCanShare",
        f"/v1/relationships/{RELATIONSHIP}/can-share",
        "data_class=goals&to=customer%3Acarl",
        "analyst:alf",
    ),
    ("listHealth", "/v1/health", "limit=2", "line_manager:lina"),
    ("listTasks", "/v1/tasks", "limit=2", "analyst:alf"),
    ("getNps", "/v1/nps", "by=programme", "mentee:ana"),
    ("getMentor", "/v1/mentors/ben", "", "analyst:alf"),
    ("getCase", "/v1/cases/c1", "", None),
    ("listClauses", "/v1/codes", "", None),
    ("getDataset", "/v1/datasets/sessions", "", "mentee:ana"),
    ("getMe", "/v1/me", "", None),
    ("getMyData", "/v1/me/data", "", "service:booking"),
    ("getEvents", "/v1/events", "after=0&limit=2", "mentee:ana"),
    ("getCheckpoint", "/v1/checkpoint", "", None),
    ("getBundle", f"/v1/audit/bundles/{RELATIONSHIP}", "", "mentee:ana"),
    ("listWebhooks", "/v1/webhooks", "", "mentee:ana"),
)
WITH_ID: Final = {
    RELATIONSHIP: UNKNOWN,
    "/v1/mentors/ben": "/v1/mentors/nobody",
    "/v1/cases/c1": "/v1/cases/none",
    "/v1/datasets/sessions": "/v1/datasets/none",
}
OWNER: Final = {"getMyData": "mentee:ana", "getReport": "mentee:ana", "getMe": "mentee:ana"}


def _reads() -> Iterator[Asked]:
    for call, path, query, outsider in READS:
        actor = OWNER.get(call, CORA)
        yield Asked(call, "found", actor, path, query)
        yield Asked(call, "unknown_parameter", actor, path, "colour=blue")
        yield Asked(call, "token", None, path)
        if outsider is not None:
            yield Asked(call, "forbidden", outsider, path, query)
        for known, unknown in WITH_ID.items():
            if known in path:
                yield Asked(call, "not_found", actor, path.replace(known, unknown), query)
    yield Asked("getRelationship", "duplicate_parameter", CORA, READS[1][1], "version=1&version=2")
    yield Asked("getRelationship", "not_visible_yet", CORA, READS[1][1], "after=999999999")
    yield Asked("getRelationship", "role", CORA, READS[1][1], headers={"Rapport-Role": "hr"})
    yield Asked("getReport", "no_report", "mentee:ana", READS[5][1], "to=customer")
    yield Asked("getDataset", "csv", CORA, "/v1/datasets/sessions", headers={"Accept": "text/csv"})
    yield Asked("getDataset", "not_acceptable", CORA, "/v1/datasets/sessions", headers={"Accept": "image/png"})
    yield Asked("getCheckpoint", "json", CORA, "/v1/checkpoint", headers={"Accept": "application/json"})
    yield Asked("getEvents", "batch", CORA, "/v1/events", "after=0&limit=2", headers={"Accept": BATCH})
    for call, path in (("getLiveness", "livez"), ("getReadiness", "readyz")):
        yield Asked(call, "well", None, f"/{path}")


HOOK: Final = {"url": "https://192.0.2.10/hooks/rapport", "programme_id": PROGRAMME}


def _writes() -> Iterator[Asked]:
    yield Asked("requestMyErasure", "accepted", "mentee:ana", "/v1/me/erasure", body={"basis": "objection"})
    yield Asked("requestMyErasure", "bad_value", "mentee:ana", "/v1/me/erasure", body={"basis": "because"})
    yield Asked("requestMyErasure", "role", "service:booking", "/v1/me/erasure", body={"basis": "objection"})
    yield Asked("requestMyErasure", "token", None, "/v1/me/erasure", body={"basis": "objection"})
    yield Asked("subscribe", "subscribed", CORA, "/v1/webhooks", body=HOOK)
    yield Asked("subscribe", "bad_value", CORA, "/v1/webhooks", body={**HOOK, "url": "https://10.0.0.1/"})
    yield Asked("subscribe", "unknown_type", CORA, "/v1/webhooks", body={**HOOK, "types": ["rapport.BreachReported"]})
    yield Asked("subscribe", "role", "mentee:ana", "/v1/webhooks", body=HOOK)
    yield Asked("subscribe", "not_covered", CORA, "/v1/webhooks", body=HOOK, elsewhere=True)
    yield Asked("subscribe", "token", None, "/v1/webhooks", body=HOOK)
    yield Asked("listWebhooks", "found", CORA, "/v1/webhooks")
    yield Asked("enableWebhook", "enabled", CORA, "/v1/webhooks/{webhook}/enable", body="")
    yield Asked("enableWebhook", "not_found", CORA, f"/v1/webhooks/{UNKNOWN}/enable", body="")
    yield Asked("enableWebhook", "role", "mentee:ana", "/v1/webhooks/{webhook}/enable", body="")
    yield Asked("unsubscribe", "role", "mentee:ana", "/v1/webhooks/{webhook}")
    yield Asked("unsubscribe", "removed", CORA, "/v1/webhooks/{webhook}")
    yield Asked("unsubscribe", "not_found", CORA, "/v1/webhooks/{webhook}")


def examples(folder: Path) -> list[Example]:
    """Every request sent and answered, in order."""
    found = []
    env = {**NETWORKS, "RAPPORT_WEBHOOK_NETWORKS": "192.0.2.0/24"}
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder, "--api-only", **env) as server:
        with server.client("service:booking", acts_for=[*PARTIES, "coordinator"]) as teller:
            lines = [*story(), *one_relationship(RELATIONSHIP), SCHEDULED]
            got = teller.post(
                "/v1/messages", content="\n".join(map(json.dumps, lines)), headers={"Content-Type": LINES}
            )
            assert {json.loads(line)["status"] for line in got.text.splitlines()} == {"accepted"}, got.text
        webhook = ""
        for asked in (*_messages(), *_reads(), *_writes()):
            with _client(server, asked) as client:
                got = _answer(client, asked._replace(path=asked.path.replace("{webhook}", webhook)))
            if asked.name == "subscribed":
                webhook = got.json()["id"]
            found.append(_example(asked, got))
        found += _of_the_connection(server)
    (folder / "hasty").mkdir()
    return found + list(_of_a_strict_server(folder / "hasty"))


SCHEDULED: Final = told(
    "ScheduleSession",
    "mentee:ana",
    "03-11T09:00",
    {"session_id": "s3", "starts_at": "2026-03-18T17:00:00Z", "channel": "platform"},
    RELATIONSHIP,
)


def _of_the_connection(server: Server) -> Iterator[Example]:
    """What is answered to no call: a method that a path does not take, and what is no request or not a whole one."""
    with server.client() as client:
        yield _example(Asked("", "method_not_allowed", CORA, "/v1/me"), client.put("/v1/me"))
    many = b"".join(b"X-%d: a\r\n" % n for n in range(201))
    yield _refused("bad_http", _told(server, b"no http\r\n\r\n"))
    yield _refused("head_too_large", _told(server, b"GET /v1/me HTTP/1.1\r\n" + many + b"\r\n"))
    with slow_post(server, 100) as connection:
        connection.sendall(b"{")
        connection.shutdown(socket.SHUT_WR)
        yield _refused("incomplete_body", _until_closed(connection))


def _told(server: Server, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(sent)
        return _until_closed(connection)


def _until_closed(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def _refused(name: str, answer: bytes, asked: Asked | None = None) -> Example:
    """The example of an answer as it came over the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    return _record(asked or Asked("", name, None), status, "application/problem+json", json.loads(body))


def _of_a_strict_server(folder: Path) -> Iterator[Example]:
    """What becomes of a body or a head that does not come on, of a token that asks too often, and of keys that can't be read."""
    env = {"RAPPORT_CLOCK": CLOCK, "RAPPORT_TOKEN_RATE": "1/hour"}
    options = ("--api-only", "--body-timeout", "1", "--head-timeout", "1")
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder, *options, **env) as server:
        with slow_post(server, 100) as connection:
            connection.sendall(b"{")
            asked = Asked("postMessages", "slow_body", CORA, "/v1/messages", content_type=STRUCTURED)
            yield _refused("slow_body", _until_closed(connection), asked)
        yield _refused("slow_head", _told(server, b"GET /v1/me HTTP/1.1\r\n"))
        often = Asked("getMe", "too_many_requests", "mentee:ana", "/v1/me")
        with _client(server, often) as client:
            client.get("/v1/me")
            yield _example(often, client.get("/v1/me"))
        unread = often._replace(name="keys_not_reached", actor="mentor:ben")
        with _client(server, unread) as client:
            local_key.place(server.settings).write_text("no key")
            yield _example(unread, client.get("/v1/me"))


@contextmanager
def _client(server: Server, asked: Asked) -> Iterator[httpx.Client]:
    if asked.actor is None:
        with httpx.Client(base_url=server.url, timeout=60, verify=PLAIN) as client:
            yield client
        return
    programmes = [ELSEWHERE] if asked.elsewhere else [PROGRAMME]
    with server.client(asked.actor, programmes=programmes, acts_for=asked.acts_for) as client:
        yield client


def _answer(client: httpx.Client, asked: Asked) -> httpx.Response:
    url = f"{asked.path}?{asked.query}" if asked.query else asked.path
    if asked.call == "unsubscribe":
        return client.delete(url)
    if asked.body is None:
        return client.get(url, headers=asked.headers)
    content = asked.body if isinstance(asked.body, str) else json.dumps(asked.body)
    return client.post(url, content=content, headers={"Content-Type": asked.content_type, **asked.headers})


def _example(asked: Asked, got: httpx.Response) -> Example:
    kind = got.headers.get("content-type", "").partition(";")[0]
    answer: Any = None
    if kind in {LINES, "text/csv"}:
        answer = "".join(got.text.splitlines(keepends=True)[:MOST])
    elif kind.endswith("json"):
        answer = _cut(got.json())
    elif kind.startswith("text/"):
        answer = got.text
    return _record(asked, got.status_code, kind, answer)


def _record(asked: Asked, status: int, kind: str, answer: Any) -> Example:
    request: Example = {"actor": asked.actor, "path": asked.path, "query": asked.query, "headers": asked.headers}
    if asked.body and asked.name != "too_large":
        request |= {"content_type": asked.content_type, "body": asked.body}
    return {
        "call": asked.call,
        "name": asked.name,
        "request": request,
        "status": status,
        "content_type": kind,
        "answer": answer,
    }


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in value.items()}
    return [_cut(each) for each in value[:MOST]] if isinstance(value, list) else value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = examples(Path(folder))
    EXAMPLES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{len(found)} examples in {EXAMPLES.name}\n")


if __name__ == "__main__":
    main()
