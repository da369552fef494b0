"""The AsyncAPI 3 document of Rapport's topics: which messages, in which form, under which keys, with which promise."""

from importlib.metadata import version
from typing import Any, Final

import yaml

from domain.registry import COMMANDS
from infra.kafka.facts import PUBLISHED
from infra.kafka.topics import Topics
from infra.schemas import Schema, dead_letter_schema, schemas

BINDING: Final = "0.5.0"
FORMAT: Final = "application/schema+json;version=draft-2020-12"
CLOUDEVENT: Final = "application/cloudevents+json; charset=UTF-8"
ABOUT: Final = (
    "Messages go in as commands and are answered by receipts; operational facts come out as events. All are CloudEvents "
    "1.0 in JSON, keyed by subject, so that everything about one relationship is in order on one partition. Commands are "
    "taken in binary mode too: the attributes as headers ce_id, ce_source and so on, data as the value. They are "
    "recorded exactly once, by source and id; receipts and events are sent at least once, with an id that stays the same, for "
    "readers to know copies by. Topics may have a prefix (RAPPORT_KAFKA_PREFIX)."
)


def page() -> str:
    """The document as YAML; the schemas are in files beside it."""
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def document() -> dict[str, Any]:
    """The document."""
    made = schemas()
    commands, events = list(COMMANDS), sorted(event.__name__ for event in PUBLISHED)
    topics = Topics.named()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rapport", "version": version("rapport"), "description": ABOUT},
        "defaultContentType": CLOUDEVENT,
        "channels": {
            "commands": _channel(topics.commands, "What is asked of Rapport.", commands),
            "receipts": _channel(topics.receipts, "One answer to each command.", ["Receipt"]),
            "events": _channel(topics.events, "Operational facts: no content, no personal data beyond ids.", events),
            "deadLetters": _channel(
                topics.dead_letters, "Commands that could not be taken.", ["DeadLetter", "DeadLetterResubmitted"]
            ),
        },
        "operations": {
            "takeCommands": {
                **_operation("receive", "commands", "rapport consume"),
                "reply": {"channel": {"$ref": "#/channels/receipts"}},
            },
            "answer": _operation("send", "receipts", "rapport consume"),
            "putAside": _operation("send", "deadLetters", "rapport consume"),
            "publish": _operation("send", "events", "rapport publish"),
        },
        "components": {
            "messages": {
                **{name: _message(name, f"commands/{name}.json", made) for name in commands},
                **{name: _message(name, f"events/{name}.json", made) for name in events},
                "Receipt": _message("Receipt", "receipt.json", made),
                "DeadLetter": _dead_letter(),
                "DeadLetterResubmitted": _message(
                    "DeadLetterResubmitted", "dead-letter-resubmitted.json", made, "application/json"
                ),
            }
        },
    }


def _channel(address: str, summary: str, messages: list[str]) -> Schema:
    return {
        "address": address,
        "summary": summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": address, "bindingVersion": BINDING}},
    }


def _operation(action: str, channel: str, command: str) -> Schema:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": f"Done by `{command}`."}


def _message(name: str, file: str, made: Any, content_type: str = CLOUDEVENT) -> Schema:
    return {
        "name": name,
        "summary": made[file]["description"],
        "contentType": content_type,
        "payload": {"schemaFormat": FORMAT, "schema": {"$ref": f"./schemas/{file}"}},
        "bindings": _keyed(),
    }


def _dead_letter() -> Schema:
    described = dead_letter_schema()["description"]
    return {
        "name": "DeadLetter",
        "summary": described,
        "contentType": "application/octet-stream",
        "headers": {"schemaFormat": FORMAT, "schema": {"$ref": "./schemas/dead-letter.json"}},
        "bindings": _keyed(),
    }


def _keyed() -> Schema:
    key = {"type": "string", "description": "The subject, as far as it can be read."}
    return {"kafka": {"key": key, "bindingVersion": BINDING}}
