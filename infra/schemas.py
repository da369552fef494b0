"""A JSON Schema for every message, in and out, made from the models that read and write them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, get_args

import orjson
from pydantic import TypeAdapter

from domain.ids import ID, ROLE_AND_ID
from domain.model import Command, Event
from domain.registry import AGGREGATES_OF, AGGREGATES_OF_EVENT, COMMANDS, Kind
from infra.intake.form_problems import MAX_PROBLEMS
from infra.intake.message import IN_BASE64, PREFIX, Envelope
from infra.intake.receipt import Status
from infra.kafka.answers import MARK, RECEIPT_TYPE, SENDERS
from infra.kafka.facts import PUBLISHED, Include, included, may_be_missing

Schema = dict[str, Any]

# The version of a command's, a receipt's and a dead letter's form; events have their own. It grows when a field is removed
# or changes its meaning. Fields may be added within a version.
FORM: Final = 1
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
UUID: Final = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
TRACEPARENT: Final = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
TEXT: Final[Schema] = {"type": "string"}
STATUS: Final[Schema] = {"enum": list(get_args(Status))}
# What a validator of JSON Schema can be told of attributes that are checked in code.
FORMS: Final[dict[str, Schema]] = {
    "source": {"format": "uri-reference"},
    "dataschema": {"format": "uri"},
    "datacontenttype": {"examples": ["application/json", "application/json; charset=utf-8"]},
}


def subject_of(*kinds: Kind) -> Schema:
    """What the subject of the messages of an aggregate, or of one of several, looks like."""
    patterns = [UUID if kind == "relationship" else f"^{kind}:{ID}$" for kind in kinds]
    return {"type": "string", "pattern": "|".join(patterns)}


def command_schema(name: str, command: type[Command]) -> Schema:
    """What may be sent to have a command carried out."""
    schema = tidy(TypeAdapter(Envelope[command]).json_schema())  # type: ignore[valid-type]
    schema["properties"] |= {
        "type": {"const": PREFIX + name},
        "subject": subject_of(*AGGREGATES_OF[name]),
        "actor": {"type": "string", "pattern": ROLE_AND_ID},
    }
    for attribute, more in FORMS.items():
        schema["properties"][attribute] |= more
    # Extensions that Rapport does not know; what is null counts as left out.
    schema["additionalProperties"] = {"type": ["string", "integer", "boolean", "null"]}
    schema["propertyNames"] = {"anyOf": [{"pattern": "^[a-z0-9]+$"}, {"const": IN_BASE64}]}
    if not any(info.is_required() for info in command.model_fields.values()):
        schema["required"].remove("data")
    _name_defs(schema)
    return _headed(f"commands:{name}", command.__doc__, schema, title=f"{name}Message")


def event_schema(name: str, event: type[Event]) -> Schema:
    """What is published of an event; readers should expect further fields to be added."""
    whole = tidy(event.model_json_schema())
    data = _pruned(whole, included(event), whole.get("$defs", {}))
    data["required"] = [each for each in data["required"] if not may_be_missing(event, each)]
    schema = attributes_of_facts()
    schema["properties"] |= {
        "type": {"const": PREFIX + name},
        "subject": subject_of(*AGGREGATES_OF_EVENT[name]),
        "dataschema": {"const": f"urn:rapport:schema:events:{name}:{event.VERSION}"},
        "data": {"title": name, **data},
    }
    return _headed(f"events:{name}", event.__doc__, schema, event.VERSION, title=f"{name}Fact")


def attributes_of_facts() -> Schema:
    """What every fact has."""
    return {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**TEXT, "description": "subject/version: the same however often the fact is sent."},
            "source": TEXT,
            "type": TEXT,
            "subject": TEXT,
            "time": {**TIME, "description": "When it happened."},
            "recordedat": {**TIME, "description": "When it was recorded."},
            "datacontenttype": {"const": "application/json"},
            "dataschema": TEXT,
            "position": {"type": "integer", "minimum": 1, "description": "Its place in the one log of all facts."},
            "version": {"type": "integer", "minimum": 1, "description": "Counts the events of the subject."},
            "actor": {"type": "string", "pattern": ROLE_AND_ID},
            "correlationid": TEXT,
            "causationid": {**TEXT, "description": "The id of the message that caused it."},
            "traceparent": {"type": "string", "pattern": TRACEPARENT},
            "data": {"type": "object"},
        },
        "required": [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "recordedat",
            "dataschema",
            "position",
            "version",
            "actor",
            "data",
        ],
    }


def receipt_form() -> Schema:
    """What a receipt says, wherever it is given."""
    text_or_none: Schema = {"type": ["string", "null"]}
    event = _object({"type": TEXT, "version": {"type": "integer", "minimum": 1}})
    form = _object(
        {
            "source": text_or_none,
            "id": text_or_none,
            "subject": text_or_none,
            "status": STATUS,
            "events": {"type": "array", "items": event},
            "problems": {"type": "array", "items": problem_form()},
        }
    )
    form["properties"]["first_status"] = {**STATUS, "description": "On a duplicate: what was answered first."}
    return form


def problem_form() -> Schema:
    """One thing that is wrong."""
    text_or_none: Schema = {"type": ["string", "null"]}
    return _object({"code": TEXT, "clause": text_or_none, "message": TEXT, "field": text_or_none})


def receipt_schema() -> Schema:
    """The answer to a message, as it is sent over Kafka."""
    properties: Schema = {
        "specversion": {"const": "1.0"},
        "id": {**TEXT, "description": "topic/partition/offset of the message that is answered."},
        "source": TEXT,
        "type": {"const": RECEIPT_TYPE},
        "time": TIME,
        "datacontenttype": {"const": "application/json"},
        "status": STATUS,
        "data": receipt_form(),
    }
    schema = _object(properties)
    schema["properties"] |= {"subject": TEXT, "traceparent": {"type": "string", "pattern": TRACEPARENT}}
    return _headed("Receipt", "The answer to one message. Sent at least once: copies have the same id.", schema)


def dead_letter_schema() -> Schema:
    """The headers that a dead letter has beside those that the message came with; its value is the message as it was."""
    headers = _object(
        {
            f"{MARK}reason": {**TEXT, "description": "Code, field and sentence of the first problem."},
            f"{MARK}problems": {
                **TEXT,
                "description": f"The problems, a JSON array as in a receipt; of more than {MAX_PROBLEMS} the first, and one that says how many more.",
            },
            f"{MARK}topic": {**TEXT, "description": "Where the message was read."},
            f"{MARK}partition": TEXT,
            f"{MARK}offset": TEXT,
            f"{MARK}time": {**TIME, "description": "When it was put aside."},
        }
    )
    headers["properties"] |= {
        f"{MARK}traceparent": {"type": "string", "pattern": TRACEPARENT},
        f"{MARK}encrypted": {
            "const": "1",
            "description": "The value is the message encrypted to the store's own key, a JWE; without a key it is as it came.",
        },
        f"{MARK}left-out": {
            **TEXT,
            "description": "The bytes of a message that was too large to be kept, or could not be read; the value is empty and its headers are missing.",
        },
        f"{MARK}last-offset": {
            **TEXT,
            "description": "Where several messages could not be read, which one letter stands for: the offset of the last of them.",
        },
    }
    return _headed(
        "DeadLetter",
        "A message that could not be taken; these are headers, the value is as it came, or encrypted. A sender's own header that begins "
        f"with {MARK} is kept as {SENDERS}{MARK}…",
        headers,
    )


def resubmitted_schema() -> Schema:
    """The note that a dead letter was sent again."""
    schema = _object(
        {
            "resubmitted": {**TEXT, "description": "The dead letter: topic/partition/offset of the message."},
            "as": {**TEXT, "description": "Where it was sent to: topic/partition/offset."},
            "time": TIME,
        }
    )
    return _headed("DeadLetterResubmitted", "A dead letter was sent again.", schema)


def makers() -> Mapping[str, Callable[[], Schema]]:
    """What makes each schema, by the name of its file below schemas/."""
    published = {event.__name__: event for event in sorted(PUBLISHED, key=lambda event: event.__name__)}
    return {
        **{f"commands/{name}.json": partial(command_schema, name, command) for name, command in COMMANDS.items()},
        **{f"events/{name}.json": partial(event_schema, name, event) for name, event in published.items()},
        "receipt.json": receipt_schema,
        "dead-letter.json": dead_letter_schema,
        "dead-letter-resubmitted.json": resubmitted_schema,
    }


def schemas() -> Mapping[str, Schema]:
    """Every schema by the name of its file below schemas/."""
    return {file: make() for file, make in makers().items()}


def as_text(schema: Schema) -> str:
    """A schema as it is written to its file."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"


def _name_defs(schema: Schema) -> None:
    """Title what a message holds by its own name, which is another than the message's: generators name classes by titles."""
    for name, inner in schema.get("$defs", {}).items():
        inner["title"] = name


def _headed(name: str, doc: str | None, schema: Schema, version: int = FORM, title: str | None = None) -> Schema:
    """The schema with its dialect, its id and what it is about; `version` is part of the id and stands on its own too."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:rapport:schema:{name}:{version}",
        "title": title or name,
        "description": " ".join((doc or "").split()),
        "version": version,
        **{key: value for key, value in schema.items() if key not in {"title", "description"}},
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def tidy(schema: Any) -> Any:
    """Without the titles that pydantic makes of field names."""
    if isinstance(schema, list):
        return [tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: tidy(each) for name, each in value.items()} if key in {"properties", "$defs"} else tidy(value)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and value is None)
    }


def _pruned(schema: Schema, include: Include, defs: Schema) -> Schema:
    """The schema of what leaves of a value: only the fields that do, nested models in place, absent rather than null."""
    if "items" in schema:
        return {**schema, "items": _pruned(schema["items"], include["__all__"], defs)}
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    properties = {}
    for name, inner in include.items():
        field = _without_null(schema["properties"][name])
        properties[name] = field if inner is True else _pruned(field, inner, defs)
    required = [name for name in schema.get("required", ()) if name in properties]
    return {"type": "object", "properties": properties, "required": required}


def _without_null(schema: Schema) -> Schema:
    options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if not options:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **options[0]} if len(options) == 1 else {**rest, "anyOf": options}
