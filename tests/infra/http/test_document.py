"""The OpenAPI document and the page for people: served, complete, and without anything from elsewhere."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra.http.app import bare_app
from infra.http.document import document, recorded
from infra.intake.message import Message, parse
from infra.problem_codes import CODES
from infra.reference import pages
from tests.infra.http import document_examples
from tests.infra.http.server import Server

DOCUMENT = document(bare_app())
EXAMPLES = recorded()
MESSAGE = next(each["request"]["body"] for each in EXAMPLES if each["call"] == "postMessages")
# Calls whose answers are files or documents, which stand nowhere inside another.
FILES = {"getMetrics", "getOpenapi", "getDocs", "getBundle"}
CALLS = [(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations]
# The calls that others rely on.
PROMISED = [
    "/v1/messages",
    "/v1/relationships",
    "/v1/relationships/{id}",
    "/v1/relationships/{id}/history",
    "/v1/relationships/{id}/health",
    "/v1/relationships/{id}/report",
    "/v1/relationships/{id}/can-share",
    "/v1/relationships/{id}/decisions",
    "/v1/health",
    "/v1/nps",
    "/v1/tasks",
    "/v1/mentors/{id}",
    "/v1/cases/{id}",
    "/v1/codes",
    "/v1/datasets/{name}",
    "/v1/events",
    "/v1/me",
    "/v1/me/data",
    "/v1/me/erasure",
    "/v1/checkpoint",
    "/v1/audit/bundles/{id}",
    "/v1/webhooks",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
]


def test_it_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(json.loads(pages.openapi_page())).validate()


@pytest.mark.parametrize("path", PROMISED)
def test_it_has_every_call_that_is_promised(path: str) -> None:
    assert path in DOCUMENT["paths"]


@pytest.mark.parametrize("path, method", CALLS)
def test_a_call_says_what_it_does_who_may_and_what_can_be_wrong(path: str, method: str) -> None:
    call = DOCUMENT["paths"][path][method]
    assert call["operationId"]
    assert call["description"]
    assert bool(call.get("security")) == path.startswith("/v1/")
    for given in call.get("parameters", ()):
        shared = DOCUMENT["components"]["parameters"]
        each = shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        assert each.get("description") or each["in"] == "path", each["name"]
    if path.startswith("/v1/"):
        assert {"400", "401", "403", "404", "429", "503"} <= call["responses"].keys()


def test_ids_of_calls_are_there_once() -> None:
    ids = [DOCUMENT["paths"][path][method]["operationId"] for path, method in CALLS]
    assert len(set(ids)) == len(ids)


def examples() -> list[tuple[Any, Any]]:
    """Each example with its schema."""
    found = []
    contents = [
        response["content"] for response in DOCUMENT["components"]["responses"].values() if "content" in response
    ]
    for path, method in CALLS:
        call = DOCUMENT["paths"][path][method]
        contents += [each["content"] for each in call["responses"].values() if "content" in each]
        contents += [call["requestBody"]["content"]] if "requestBody" in call else []
    for content in contents:
        for given in content.values():
            found += [(given["schema"], given["example"])] if "example" in given else []
            found += [(given["schema"], each["value"]) for each in given.get("examples", {}).values()]
    return found


def test_every_example_fits_its_schema() -> None:
    assert len(examples()) > 25
    for schema, example in examples():
        jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(example)


def test_the_example_of_a_message_is_well_formed() -> None:
    assert isinstance(parse(json.dumps(MESSAGE).encode()), Message)


@pytest.mark.parametrize("path, method", CALLS)
def test_a_call_has_an_example_of_its_request_and_of_every_answer(path: str, method: str) -> None:
    call = DOCUMENT["paths"][path][method]
    if "requestBody" in call:
        assert any(
            "examples" in each or "example" in each["schema"] for each in call["requestBody"]["content"].values()
        )
    if call["operationId"] in FILES:
        return
    for status, given in call["responses"].items():
        # A liveness that is ill has no server that could be asked for it.
        # Nor has an answer without a body an example.
        if status in {"204", "304"} or (status, path[1:].partition("/")[0]) in {("503", "livez"), ("503", "readyz")}:
            continue
        found = DOCUMENT["components"]["responses"][given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        assert any("examples" in each for each in found["content"].values()), (status, path)


# Said to people who sign in; the document has the calls of services.
ONLY_ON_PAGES = {"public_url"}


def test_every_problem_of_http_has_an_example() -> None:
    shown = {name for given in DOCUMENT["components"]["responses"].values() for name in _names(given)}
    assert {code for code, each in CODES.items() if each.speaker == "http"} - ONLY_ON_PAGES <= shown


def _names(given: dict[str, Any]) -> set[str]:
    return {
        each["value"]["problems"][0]["code"]
        for kind in given.get("content", {}).values()
        for each in kind["examples"].values()
    }


def shape(value: Any, name: str = "") -> Any:
    """What an answer looks like whoever asks when: its words where they are Rapport's, and what kind of value it has elsewhere."""
    match value:
        case dict():
            return {key: shape(each, key) for key, each in value.items()}
        case list():
            return [shape(each, name) for each in value]
        case str() if name not in {"status", "code", "title", "type", "clause", "kind"}:
            return "text"
        case float() | int() if not isinstance(value, bool):
            return "number"
        case _:
            return value


def test_every_example_is_what_a_server_answers_to_its_request(tmp_path: Path) -> None:
    made = json.loads(json.dumps(document_examples.examples(tmp_path)))
    assert [(each["call"], each["name"], each["request"]) for each in made] == [
        (each["call"], each["name"], each["request"]) for each in EXAMPLES
    ], "python -m tests.infra.http.document_examples"
    for then, now in zip(EXAMPLES, made, strict=True):
        told = (now["call"], now["name"])
        assert (told, now["status"], now["content_type"]) == (told, then["status"], then["content_type"])
        assert (told, shape(now["answer"])) == (told, shape(then["answer"]))


def of_answer(call: str, status: int) -> dict[str, Any]:
    """The headers that the document says an answer of a call has, each resolved."""
    [found] = [each for path, method in CALLS if (each := DOCUMENT["paths"][path][method])["operationId"] == call]
    given = found["responses"][str(status)]
    if "$ref" in given:
        given = DOCUMENT["components"]["responses"][given["$ref"].rpartition("/")[2]]
    headers = given.get("headers", {})
    return {
        name: DOCUMENT["components"]["headers"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for name, each in headers.items()
    }


def test_headers_are_said_once_and_of_every_answer_that_has_them() -> None:
    for path, method in CALLS:
        call = DOCUMENT["paths"][path][method]
        name, told = (
            call["operationId"],
            {each.get("$ref", "").rpartition("/")[2] for each in call.get("parameters", ())},
        )
        if path.startswith("/v1/"):
            assert {"WWW-Authenticate"} == of_answer(name, 401).keys(), name
            assert {"Retry-After"} == of_answer(name, 429).keys() == of_answer(name, 503).keys(), name
            has_tag = method == "get" and path != "/v1/events"
            assert has_tag == ("304" in call["responses"]) == ("If-None-Match" in told), name
            assert not has_tag or "ETag" in of_answer(name, 200).keys() & of_answer(name, 304).keys(), name
    assert "Location" in of_answer("subscribe", 201)


def test_the_headers_that_are_said_are_sent(server: Server) -> None:
    with server.client() as client:
        for path, method in CALLS:
            if path.startswith("/v1/") and method == "get" and "{" not in path:
                call = DOCUMENT["paths"][path][method]["operationId"]
                got = client.get(path)
                assert (path, got.status_code) in {(path, 200), ("/v1/me/data", 404)}, path
                assert ("ETag" in got.headers) == ("ETag" in of_answer(call, 200) and got.status_code == 200), path
    for token in ({}, {"Authorization": "Bearer none"}):
        got = httpx.get(f"{server.url}/v1/tasks", headers=token)
        assert (got.status_code, "WWW-Authenticate" in got.headers) == (401, True)


def test_the_server_shows_it_and_a_page_that_fetches_nothing(server: Server) -> None:
    served = httpx.get(f"{server.url}/openapi.json").json()
    assert served == json.loads(pages.openapi_page())
    got = httpx.get(f"{server.url}/docs")
    assert got.headers["content-type"].startswith("text/html")
    assert got.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(
        r"<script|\ssrc=|https?://(?!127\.0\.0\.1|id\.example\.org|example\.org|192\.0\.2\.10|10\.0\.0\.1)", got.text
    )
    for path, method in CALLS:
        assert f"<code>{method.upper()} {path}</code>" in got.text


def test_an_answer_fits_the_schema_that_is_said_of_it(server: Server) -> None:
    def check(schema: str, value: Any) -> None:
        whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)

    with server.client() as client:
        headers = {"Content-Type": "application/cloudevents+json"}
        check("ProblemDetails", client.post("/v1/messages", content=b"{}", headers=headers).json())
        check("ProblemDetails", client.get("/v1/nothing").json())
        sent = {**MESSAGE, "type": "rapport.ProposeRelationship", "actor": "coordinator:cora"}
        sent["data"] = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
        answer = client.post("/v1/messages", json=sent, headers=headers)
        check("Receipt", answer.json())
        for each in client.get("/v1/events").json()["items"]:
            check("Fact", each)
