"""The OpenAPI document of the API: what the framework knows of the routes, and what it can't know: bodies, answers, problems, examples.

It is served as `/openapi.json`, checked in as `docs/reference/openapi.json`, and shown to people by `/docs`.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from domain.ids import ROLE_AND_ID
from domain.registry import COMMANDS
from domain.words import ROLES
from infra.http.asking import RELATIONSHIP
from infra.http.bodies import BATCH, LINES, STRUCTURED
from infra.http.caller import ROLE
from infra.http.messages import POSITION
from infra.http.reads_of_datasets import FORMS, MEDIA_TYPES
from infra.intake.message import AnyData, Envelope
from infra.schemas import TEXT, Schema, attributes_of_facts, problem_form, receipt_form, tidy

ABOUT: Final = (
    "Messages in, facts and answers out. Every call but those of operations needs a bearer token; every answer that is no 2xx is problem "
    "details (RFC 9457). Query parameters that a call does not have are an error."
)
PROBLEM: Final = "application/problem+json"
MESSAGE: Final[Schema] = {
    "specversion": "1.0",
    "id": "bk-81f2",
    "source": "/services/booking",
    "type": "rapport.RescheduleSession",
    "subject": RELATIONSHIP,
    "time": "2026-03-02T09:00:00Z",
    "actor": "mentee:ana",
    "data": {"session_id": "s3", "starts_at": "2026-03-05T17:00:00Z", "reason": "travel"},
}
RECEIPT: Final[Schema] = {
    "source": "/services/booking",
    "id": "bk-81f2",
    "subject": RELATIONSHIP,
    "status": "accepted",
    "events": [{"type": "rapport.SessionRescheduled", "version": 14}],
    "problems": [],
}
WEBHOOK: Final[Schema] = {
    "id": "0b2f6e7e-4a0e-4b8e-9a57-4c0b6f1d2e3f",
    "url": "https://example.org/hooks/rapport",
    "programme_id": "spring",
    "types": [],
    "created_at": "2026-03-02T09:00:00Z",
    "created_by": "coordinator:cora",
    "position": 812,
    "status": "active",
    "failures": 0,
    "failing_since": None,
    "last_error": None,
    "sent_at": "2026-03-02T09:00:02Z",
}
# What can be wrong, by status: the code and the words of an example.
WRONG: Final[Mapping[int, tuple[str, str, str | None]]] = {
    400: ("unknown_parameter", "there is no such parameter; did you mean after?", "afer"),
    401: ("token", "the token has expired", None),
    403: ("role", "expected a role that the token names", ROLE),
    404: ("not_found", "there is nothing here that you may know of", None),
    406: ("not_acceptable", f"expected to accept one of {FORMS}", "Accept"),
    408: ("slow_body", "the body did not come on in time: send it again", None),
    409: ("version", "expected version 3, the last event of the subject has 4", "expectedversion"),
    413: ("too_large", "expected a body of at most 33554432 bytes: send it in several requests", None),
    415: (
        "unsupported_media_type",
        f"expected one of {STRUCTURED}, {BATCH}, {LINES}, application/json",
        "content-type",
    ),
    422: ("role", "a mentee may not send this command", "actor"),
    429: ("too_many_requests", "the token makes too many requests: send it again in 2 s", None),
    503: ("store", "the store can't answer now: send it again later", None),
}
# The statuses of an answer about one message, with that of its receipt.
OF_RECEIPTS: Final = {400: "invalid", 403: "refused", 404: "refused", 409: "conflict", 422: "refused"}
FOR_ALL: Final = (400, 401, 403, 404, 429, 503)
FOR_MESSAGES: Final = (408, 409, 413, 415, 422)
# The reads that answer a page of a list.
LISTS: Final = frozenset(
    {"listRelationships", "getHistory", "getDecisions", "listHealth", "listTasks", "getNps", "listClauses"}
)
BINARY: Final[Schema] = {"type": "string", "format": "binary"}
POSITION_HEADER: Final[Schema] = {
    "description": "Up to where the record has grown; reads take it as `after`.",
    "schema": {"type": "integer", "minimum": 0},
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
    components["responses"] = {_name(status): _problem(status) for status in WRONG}
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
    return found


def _operations(found: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _reference(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _problem(status: int) -> Schema:
    example = example_of_problem(status)
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "example": example}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def example_of_problem(status: int) -> Schema:
    """Problem details as an answer has them."""
    code, message, field = WRONG[status]
    problem = {"code": code, "message": message, "clause": None, "field": field}
    return {
        "type": f"urn:rapport:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{field}: {message}" if field else message,
        "problems": [problem],
    }


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
        "Message": {**message, "description": "A CloudEvent whose type names a command.", "examples": [MESSAGE]},
        "Receipt": {**receipt, "description": "What became of a message.", "examples": [RECEIPT]},
        "Problem": {**problem_form(), "description": "One thing that is wrong."},
        "ProblemDetails": details,
        "Fact": fact,
        "Webhook": {**_webhook(), "description": "A subscription to facts."},
    }


def _content(schema: Schema, example: Any) -> Schema:
    return {"schema": schema, "example": example}


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _describe_messages(operation: Schema) -> None:
    message: Schema = {"$ref": "#/components/schemas/Message"}
    operation["requestBody"] = {
        "required": True,
        "content": {
            STRUCTURED: _content(message, MESSAGE),
            BATCH: _content({**_list_of("Message"), "maxItems": 1000}, [MESSAGE]),
            LINES: {"schema": {"type": "string", "description": "A message a line."}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "With headers `ce-…` the data of a message in binary mode, without them a message.",
                },
                "example": MESSAGE,
            },
        },
    }
    receipt: Schema = {"$ref": "#/components/schemas/Receipt"}
    duplicate = {**RECEIPT, "status": "duplicate", "first_status": "accepted"}
    one_or_several: Schema = {"oneOf": [receipt, _list_of("Receipt")]}
    answers = {
        "accepted": {"value": RECEIPT},
        "duplicate": {"value": duplicate},
        "batch": {"value": [RECEIPT, duplicate]},
    }
    operation["responses"]["200"] = {
        "description": "One message: accepted, or a duplicate. Several: a receipt for each, in order.",
        "headers": {POSITION: POSITION_HEADER},
        "content": {
            "application/json": {"schema": one_or_several, "examples": answers},
            LINES: {"schema": {"type": "string", "description": "A receipt a line."}},
        },
    }
    for status in FOR_MESSAGES:
        operation["responses"][str(status)] = _reference(status)
    _describe_problems_of_receipts(operation)


def _describe_erasure(operation: Schema) -> None:
    told = {**RECEIPT, "source": "/v1/me/erasure", "id": "erasure-1", "subject": "person:ana"}
    told["events"] = [{"type": "rapport.ErasureRequested", "version": 2}]
    operation["responses"]["200"] = {
        "description": "It is asked for; somebody of the office approves it.",
        "headers": {POSITION: POSITION_HEADER},
        "content": {"application/json": _content({"$ref": "#/components/schemas/Receipt"}, told)},
    }
    _describe_problems_of_receipts(operation)


def _describe_problems_of_receipts(operation: Schema) -> None:
    """The answers about one message that was not accepted."""
    for status, said in OF_RECEIPTS.items():
        example = example_of_problem(status)
        example["receipt"] = {**RECEIPT, "status": said, "events": [], "problems": example["problems"]}
        content = {PROBLEM: _content({"$ref": "#/components/schemas/ProblemDetails"}, example)}
        operation["responses"][str(status)] = {"description": f"The message is {said}.", "content": content}


def _describe_facts(operation: Schema) -> None:
    fact = {
        "specversion": "1.0",
        "id": f"{RELATIONSHIP}/14",
        "source": "/rapport",
        "type": "rapport.SessionRescheduled",
        "subject": RELATIONSHIP,
        "time": "2026-03-02T09:00:00Z",
        "recordedat": "2026-03-02T09:00:01Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:rapport:schema:events:SessionRescheduled:1",
        "position": 812,
        "version": 14,
        "actor": "mentee:ana",
        "data": {"session_id": "s3", "starts_at": "2026-03-05T17:00:00Z", "notice_hours": 56.0, "late": False},
    }
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
            "application/json": _content(page, {"items": [fact], "next": 812}),
            BATCH: _content(_list_of("Fact"), [fact]),
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
        "content": {
            "application/json": _content(webhook, {**WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"})
        },
    }
    calls["post"]["responses"]["409"] = _reference(409)
    calls["get"]["responses"]["200"] = {
        "description": "The subscriptions, the oldest first.",
        "content": {"application/json": _content(_page_of(webhook), {"items": [WEBHOOK], "next": None})},
    }
    paths["/v1/webhooks/{id}/enable"]["post"]["responses"]["200"] = {
        "description": "The subscription, which is sent facts again.",
        "content": {"application/json": _content(webhook, WEBHOOK)},
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
    well = {"ok": True, "work": "ok", "projections": "ok", "database": "ok"}
    ill = {**well, "ok": False, "database": "has not answered for 3 s"}
    for path in ("/livez", "/readyz"):
        paths[path]["get"]["responses"] = {
            "200": {"description": "All is well.", "content": {"application/json": _content(report, well)}},
            "503": {"description": "A part is not.", "content": {"application/json": _content(report, ill)}},
        }
    text: Schema = {"schema": {"type": "string"}}
    paths["/metrics"]["get"]["responses"]["200"] = {"description": "The numbers.", "content": {"text/plain": text}}
    paths["/docs"]["get"]["responses"]["200"] = {"description": "A page for people.", "content": {"text/html": text}}
    found: Schema = {"schema": {"type": "object"}}
    paths["/openapi.json"]["get"]["responses"]["200"] = {
        "description": "This document.",
        "content": {"application/json": found},
    }
