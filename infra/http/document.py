"""The OpenAPI document of the API: what the framework knows of the routes, and what it can't know: bodies, answers, problems, examples.

It is served as `/openapi.json`, checked in as `docs/reference/openapi.json`, and shown to people by `/docs`.
"""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from domain.ids import ROLE_AND_ID
from domain.registry import COMMANDS
from domain.words import ROLES
from infra.http.bodies import BATCH, LINES, STRUCTURED
from infra.http.messages import POSITION
from infra.http.problems import body_of, of_store
from infra.http.reads_of_datasets import MEDIA_TYPES
from infra.intake.group_commit import Closed, Overloaded
from infra.intake.message import AnyData, Envelope
from infra.schemas import TEXT, Schema, attributes_of_facts, problem_form, receipt_form, tidy
from infra.store.errors import StoreError

ABOUT: Final = (
    "Messages in, facts and answers out. Every call but those of operations needs a bearer token; every answer that is no 2xx is problem "
    "details (RFC 9457). Query parameters that a call does not have are an error."
)
PROBLEM: Final = "application/problem+json"
# What a message can come back as, by the status of its answer.
OF_RECEIPTS: Final = {400: "invalid", 403: "refused", 404: "refused", 409: "conflict", 422: "refused"}
# Requests that were sent and what was answered: made by tests/infra/http/document_examples.py.
EXAMPLES: Final = Path(__file__).with_name("examples.json")
PROBLEMS: Final = (400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 429, 431, 503)
# The failures of a store and its queue, which nobody brings about for an example.
AWAY: Final = (StoreError(), Overloaded(), Closed())
FOR_ALL: Final = (400, 401, 403, 404, 408, 429, 431, 503)
FOR_MESSAGES: Final = (409, 413, 415, 422)
# The reads that answer a page of a list.
LISTS: Final = frozenset(
    {"listRelationships", "getHistory", "getDecisions", "listHealth", "listTasks", "getNps", "listClauses"}
)
BINARY: Final[Schema] = {"type": "string", "format": "binary"}
POSITION_HEADER: Final[Schema] = {
    "description": "Up to where the record has grown; reads take it as `after`.",
    "schema": {"type": "integer", "minimum": 0},
}

# Declared once, and named where an answer has them.
HEADERS: Final[Schema] = {
    "ETag": {
        "description": "Which answer this is, for `If-None-Match`. An answer with content that was revealed has none.",
        "schema": TEXT,
    },
    "Location": {"description": "The path of what was made.", "schema": TEXT},
    "Retry-After": {
        "description": "After how many seconds to send the request again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "That a bearer token is expected (RFC 6750).", "schema": TEXT},
}
OF_PROBLEMS: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
IF_NONE_MATCH: Final[Schema] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an answer that the caller has: where it is the same still, the answer is 304 without a body.",
    "schema": TEXT,
}


def document(app: FastAPI, root_path: str = "") -> Schema:
    """The document of an app that is shown under a path."""
    found: Schema = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=ABOUT,
        routes=app.routes,
        servers=[{"url": root_path or "/"}],
    )
    components = found.setdefault("components", {})
    made = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        made.pop(name, None)
    made |= _schemas()
    components["responses"] = {_name(status): _problem(status) for status in PROBLEMS}
    components["headers"] = HEADERS
    said = "The caller has this answer already: there is no body."
    components["responses"][_name(304)] = {"description": said, "headers": _header("ETag")}
    for path, _, operation in _operations(found):
        responses = operation["responses"]
        responses.pop("422", None)
        if path.startswith("/v1/"):
            for status in FOR_ALL:
                responses.setdefault(str(status), _reference(status))
    _describe_messages(found["paths"]["/v1/messages"]["post"])
    _describe_erasure(found["paths"]["/v1/me/erasure"]["post"])
    _describe_facts(found["paths"]["/v1/events"]["get"])
    _describe_webhooks(found["paths"])
    _describe_reads(found["paths"])
    _describe_evidence(found["paths"])
    _describe_operations(found["paths"])
    _give_examples(found)
    _describe_tags(found)
    return found


def _header(name: str) -> Schema:
    """A header of an answer, by its name."""
    return {name: {"$ref": f"#/components/headers/{name}"}}


def _describe_tags(found: Schema) -> None:
    """Every read has a tag, but for facts, which are asked for by their position."""
    found["components"]["parameters"] = {IF_NONE_MATCH["name"]: IF_NONE_MATCH}
    for path, method, operation in _operations(found):
        if path.startswith("/v1/") and method == "get" and operation["operationId"] != "getEvents":
            operation.setdefault("parameters", []).append({"$ref": f"#/components/parameters/{IF_NONE_MATCH['name']}"})
            operation["responses"]["200"].setdefault("headers", {}).update(_header("ETag"))
            operation["responses"]["304"] = _reference(304)


def _operations(found: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _reference(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _problem(status: int) -> Schema:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    found: Schema = {"description": HTTPStatus(status).phrase, "content": content}
    return found | {"headers": _header(OF_PROBLEMS[status])} if status in OF_PROBLEMS else found


# --- examples ---------------------------------------------------------------------------------------------------------
def recorded() -> list[Schema]:
    """The examples: `call`, `name`, `request`, `status`, `content_type` and `answer` of each.

    What the connection answers, or a path to a method that it does not take, belongs to no call: it is "".
    """
    found: list[Schema] = orjson.loads(EXAMPLES.read_bytes())
    return found


def _give_examples(found: Schema) -> None:
    """Put each recorded request and answer where it belongs: with its call, and problems with all calls that can have them."""
    calls = {operation["operationId"]: (path, operation) for path, _, operation in _operations(found)}
    shared = found["components"]["responses"]
    for error in AWAY:
        _add(shared[_name(503)]["content"][PROBLEM], of_store(error).problems[0].code, body_of(of_store(error)))
    for each in recorded():
        status = each["status"]
        if status >= HTTPStatus.BAD_REQUEST:
            code = each["answer"]["problems"][0]["code"]
            _add(shared[_name(status)]["content"][PROBLEM], code, each["answer"])
        if not each["call"]:
            continue
        path, operation = calls[each["call"]]
        if status < HTTPStatus.BAD_REQUEST:
            _give_request(path, operation, each)
        if each["answer"] is not None:
            content = _own(operation["responses"], status)["content"]
            _add(content.setdefault(each["content_type"], {}), each["name"], each["answer"])


def _own(responses: Schema, status: int) -> Schema:
    """The answer of one call with a status: what was shared becomes its own."""
    given: Schema = responses.get(str(status), _reference(status))
    if "$ref" in given:
        given = responses[str(status)] = _problem(status)
    return given


def _give_request(path: str, operation: Schema, each: Schema) -> None:
    request = each["request"]
    values: dict[tuple[str, str], str] = {("query", name): value for name, value in parse_qsl(request["query"])}
    for part, given in zip(path.split("/"), request["path"].split("/"), strict=True):
        if part.startswith("{"):
            values["path", part.strip("{}")] = given
    for parameter in operation.get("parameters", ()):
        value = values.get((parameter["in"], parameter["name"]))
        if value is not None and "{" not in value:
            parameter.setdefault("example", _typed(parameter["schema"], value))
    if "body" in request:
        content = operation["requestBody"]["content"].get(request["content_type"])
        if content is not None:
            _add(content, each["name"], request["body"])


def _typed(schema: Schema, text: str) -> Any:
    """The value of a parameter as its schema has it."""
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("type") == "array" for kind in kinds):
        return [text]
    return int(text) if any(kind.get("type") in {"integer", "number"} for kind in kinds) else text


def _add(content: Schema, name: str, value: Any) -> None:
    content.setdefault("examples", {}).setdefault(name, {"value": value})


def _schemas() -> Schema:
    details: Schema = {
        "type": "object",
        "description": "What is wrong (RFC 9457).",
        "properties": {
            "type": {
                "type": "string",
                "format": "uri",
                "description": "`urn:rapport:problem:` and the code of the first problem.",
            },
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
            "receipt": {"$ref": "#/components/schemas/Receipt"},
        },
        "required": ["type", "title", "status", "detail", "problems"],
    }
    fact = {**attributes_of_facts(), "description": "What happened, as a CloudEvent: no content."}
    fact["properties"]["actor"] = {
        "type": "string",
        "pattern": f"{ROLE_AND_ID}|^({'|'.join(ROLES)})$",
        "description": "Who acted, role:id; analysts and auditors are told the role alone.",
    }
    receipt = receipt_form()
    receipt["properties"]["problems"]["items"] = {"$ref": "#/components/schemas/Problem"}
    message = tidy(Envelope[AnyData].model_json_schema())
    message.pop("$defs", None)
    message["properties"]["data"] = {"type": "object", "description": "The fields of the command."}
    message["properties"]["type"] = {"enum": [f"rapport.{name}" for name in COMMANDS]}
    message["additionalProperties"] = True
    return {
        "Message": {**message, "description": "A CloudEvent whose type names a command."},
        "Receipt": {**receipt, "description": "What became of a message."},
        "Problem": {**problem_form(), "description": "One thing that is wrong."},
        "ProblemDetails": details,
        "Fact": fact,
        "Webhook": {**_webhook(), "description": "A subscription to facts."},
    }


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _describe_messages(operation: Schema) -> None:
    message: Schema = {"$ref": "#/components/schemas/Message"}
    operation["requestBody"] = {
        "required": True,
        "content": {
            STRUCTURED: {"schema": message},
            BATCH: {"schema": {**_list_of("Message"), "maxItems": 1000}},
            LINES: {"schema": {"type": "string", "description": "A message a line."}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "With headers `ce-…` the data of a message in binary mode, without them a message.",
                },
            },
        },
    }
    receipt: Schema = {"$ref": "#/components/schemas/Receipt"}
    operation["responses"]["200"] = {
        "description": "One message: accepted, or a duplicate. Several: a receipt for each, in order.",
        "headers": {POSITION: POSITION_HEADER},
        "content": {
            "application/json": {"schema": {"oneOf": [receipt, _list_of("Receipt")]}},
            LINES: {"schema": {"type": "string", "description": "A receipt a line."}},
        },
    }
    for status in FOR_MESSAGES:
        operation["responses"][str(status)] = _reference(status)
    for status, said in OF_RECEIPTS.items():
        operation["responses"][str(status)] = {**_problem(status), "description": f"The message is {said}."}


def _describe_erasure(operation: Schema) -> None:
    operation["responses"]["200"] = {
        "description": "It is asked for; somebody of the office approves it.",
        "headers": {POSITION: POSITION_HEADER},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
    }
    operation["responses"]["422"] = _reference(422)


def _describe_facts(operation: Schema) -> None:
    page: Schema = {
        "type": "object",
        "properties": {
            "items": _list_of("Fact"),
            "next": {"type": "integer", "description": "The `after` of the next call."},
        },
        "required": ["items", "next"],
    }
    operation["responses"]["200"] = {
        "description": "Facts in order; none where there is none yet.",
        "headers": {POSITION: {**POSITION_HEADER, "description": "The same as `next`."}},
        "content": {
            "application/json": {"schema": page},
            BATCH: {"schema": _list_of("Fact")},
            "text/event-stream": {
                "schema": {
                    "type": "string",
                    "description": "Server-sent events: `id` is the position, `data` the fact.",
                }
            },
        },
    }


def _describe_webhooks(paths: Schema) -> None:
    webhook: Schema = {"$ref": "#/components/schemas/Webhook"}
    calls, one = paths["/v1/webhooks"], paths["/v1/webhooks/{id}"]
    calls["post"]["responses"]["201"] = {
        "description": "It is subscribed. `secret` signs what is sent, and is shown here alone.",
        "headers": _header("Location"),
        "content": {"application/json": {"schema": webhook}},
    }
    calls["post"]["responses"]["409"] = _reference(409)
    calls["get"]["responses"]["200"] = {
        "description": "The subscriptions, the oldest first.",
        "content": {"application/json": {"schema": _page_of(webhook)}},
    }
    paths["/v1/webhooks/{id}/enable"]["post"]["responses"]["200"] = {
        "description": "The subscription, which is sent facts again.",
        "content": {"application/json": {"schema": webhook}},
    }
    one["delete"]["responses"]["204"] = {"description": "It is removed."}


def _webhook() -> Schema:
    at: Schema = {"type": ["string", "null"], "format": "date-time"}
    properties: Schema = {
        "id": TEXT,
        "url": TEXT,
        "programme_id": {"type": ["string", "null"], "description": "Whose facts; null: those of all programmes."},
        "types": {"type": "array", "items": TEXT, "description": "Which facts; none: all."},
        "created_at": {"type": "string", "format": "date-time"},
        "created_by": TEXT,
        "position": {"type": "integer", "description": "Up to where in the log it was told everything."},
        "status": {"enum": ["active", "disabled"]},
        "failures": {"type": "integer", "description": "In a row; the next fact that is taken makes it 0."},
        "failing_since": at,
        "last_error": {"type": ["string", "null"]},
        "sent_at": {**at, "description": "When the last fact was taken."},
        "secret": {"type": "string", "description": "In the answer to who subscribes alone."},
    }
    return {"type": "object", "properties": properties, "required": [name for name in properties if name != "secret"]}


def _describe_reads(paths: Schema) -> None:
    item: Schema = {"type": "object"}
    for path, method, operation in _operations({"paths": paths}):
        content = operation["responses"].get("200", {}).get("content", {})
        if path.startswith("/v1/") and method == "get" and content.get("application/json") == {"schema": {}}:
            content["application/json"] = {"schema": _page_of(item) if operation["operationId"] in LISTS else item}
    operation = paths["/v1/datasets/{name}"]["get"]
    operation["responses"]["200"] = {
        "description": "The rows: the first form that `Accept` takes, JSON lines where it takes all.",
        "content": {
            media_type: {"schema": BINARY if form == "parquet" else TEXT} for media_type, form in MEDIA_TYPES.items()
        },
    }
    operation["responses"]["406"] = _reference(406)


def _page_of(item: Schema) -> Schema:
    following: Schema = {
        "type": ["string", "null"],
        "description": "The `cursor` of the next page; null: there is none.",
    }
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}, "next": following},
        "required": ["items", "next"],
    }


def _describe_evidence(paths: Schema) -> None:
    made: Schema = {
        "type": "object",
        "properties": {"origin": TEXT, "size": {"type": "integer"}, "root": TEXT, "checkpoint": TEXT, "key": TEXT},
        "required": ["origin", "size", "root", "checkpoint", "key"],
    }
    paths["/v1/checkpoint"]["get"]["responses"]["200"] = {
        "description": "The checkpoint.",
        "content": {"text/plain": {"schema": TEXT}, "application/json": {"schema": made}},
    }
    paths["/v1/audit/bundles/{id}"]["get"]["responses"]["200"] = {
        "description": "The bundle; `rapport audit check-bundle` checks it.",
        "content": {"application/zip": {"schema": BINARY}},
    }


def _describe_operations(paths: Schema) -> None:
    report: Schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": True,
    }
    for path in ("/livez", "/readyz"):
        paths[path]["get"]["responses"] = {
            "200": {"description": "All is well.", "content": {"application/json": {"schema": report}}},
            "503": {"description": "A part is not.", "content": {"application/json": {"schema": report}}},
        }
    text: Schema = {"schema": {"type": "string"}}
    paths["/metrics"]["get"]["responses"]["200"] = {"description": "The numbers.", "content": {"text/plain": text}}
    paths["/docs"]["get"]["responses"]["200"] = {"description": "A page for people.", "content": {"text/html": text}}
    found: Schema = {"schema": {"type": "object"}}
    paths["/openapi.json"]["get"]["responses"]["200"] = {
        "description": "This document.",
        "content": {"application/json": found},
    }
