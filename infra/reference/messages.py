"""The reference of messages: every command with its fields, the event it records, who may send it and when."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from domain.case import decide as case_rules
from domain.ids import ID
from domain.mentor import decide as mentor_rules
from domain.model import Command, holds
from domain.person import decide as person_rules
from domain.programme import decide as programme_rules
from domain.registry import AGGREGATES_OF, COMMAND_OF, COMMANDS, Kind
from domain.relationship.lifecycle import CREATION, TABLE
from domain.relationship.permissions import may_send
from domain.words import STATUSES

_OTHERS = {**case_rules.MAY_SEND, **mentor_rules.MAY_SEND, **programme_rules.MAY_SEND, **person_rules.MAY_SEND}
_SUBJECTS: dict[Kind, str] = {
    "relationship": "the UUID of the relationship",
    "mentor": "`mentor:<id>`",
    "case": "`case:<id>`",
    "programme": "`programme:<id>`",
    "person": "`person:<id>`",
}
_HEAD = f"""# Messages

Made from the code by `python -m infra.reference.pages`; don't edit.

A message is a CloudEvents 1.0 JSON object: `specversion` ("1.0"), `id`, `source`, `type` (`rapport.` and a command below),
`subject`, `time` (when it happened, with an offset), `actor` (`role:id`) and `data`. Optional: `expectedversion`,
`correlationid`, `causationid`, `traceparent`, `tracestate`, `datacontenttype`, `dataschema`, and
[`proof`](../how-to/prove-who-sends.md). Each gets one receipt. Who may send for whom is said in
[senders](senders.md).

An id of a person, programme, session, goal, homework, assessment or case is opaque: 1 to 64 characters, letters A to Z and a to z,
digits, dots, underscores and hyphens, beginning with a letter or a digit (`{ID}`); anything else is invalid (`bad_id`). Names and
addresses belong into the person's own entry. Two ids that differ in case alone are the same, and the first spelling stands:
`mentor:BEN` is the person whom the record knows as `Ben`, in whatever role, and events say `Ben`. Sessions, goals and homework
keep their first spelling within their relationship. `source` and the message's `id` are no such ids.

The data class of a field and whose it is decide who may see it (`rapport can-share`): the author's of the message, the mentee's or the
mentor's no matter who wrote it down, that of the person whom the field names, or as the corrected fact's; an empty cell is the record's own.

Fields marked `?` may be left out. Unknown fields of `data` make a message invalid; the problem names the one that was
probably meant.

- Extensions that Rapport does not know are taken, but neither recorded nor part of the message's content. Their names have
  lower-case letters and digits alone, their values are a text, a whole number, true or false. One that looks like an attribute above,
  written wrong (`expectedVersion`, `correlation_id`), is invalid.
- An attribute that is null counts as left out.
- `source` is a URI reference, `dataschema` a URI (RFC 3986). `datacontenttype` is a JSON media type, with or without
  `charset=utf-8`. Instead of `data` there may be `data_base64`, the same JSON in base64.
- Times are those of RFC 3339 with an offset (`2026-03-02T09:00:00Z`), without leap seconds; days are written `2026-03-02`.
- Whole numbers fit into 64 bits: from -9223372036854775808 to 9223372036854775807. Other languages than Python keep only those up to 2^53
  exactly.
- How large a message, a text or a list may be is in [limits](limits.md), what the answers mean in [receipts](receipts.md).
- Every message has a JSON Schema in [schemas](schemas). The wheel brings them as the folder `message_schemas` of the package
  `infra.reference` (`importlib.resources.files("infra.reference") / "message_schemas"`). `$id` names a schema with its
  version, which grows when a field is removed or changes its meaning; fields may be added within a version.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([_HEAD, *_kinds(), *_nested()]).rstrip() + "\n"


def nested() -> dict[str, type[BaseModel]]:
    """Return the models that fields of commands hold, by name."""
    found: dict[str, type[BaseModel]] = {}
    for command in COMMANDS.values():
        for info in command.model_fields.values():
            found |= {model.__name__: model for model in _models(info.annotation)}
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for info in annotation.model_fields.values():
            yield from _models(info.annotation)
    else:
        for part in get_args(annotation):
            yield from _models(part)


def _nested() -> Iterator[str]:
    yield "## Values inside fields\n"
    for name, model in nested().items():
        users = ", ".join(f"`{command}`" for command, fields in COMMANDS.items() if name in _held_by(fields))
        yield f"### {name}\n\n{(model.__doc__ or '').strip()} Used by {users}.\n"
        yield "| field | what | data class | whose |\n| --- | --- | --- | --- |"
        yield from _fields(model)
        yield ""


def _held_by(command: type[Command]) -> set[str]:
    return {model.__name__ for info in command.model_fields.values() for model in _models(info.annotation)}


def _kinds() -> Iterator[str]:
    for kind, subject in _SUBJECTS.items():
        yield f"## {kind.capitalize()}\n\n`subject` is {subject}.\n"
        for name, command in COMMANDS.items():
            if AGGREGATES_OF[name][0] == kind:
                yield from _command(name, command)


def _command(name: str, command: type[Command]) -> Iterator[str]:
    events = ", ".join(f"`{event}`" for event, by in COMMAND_OF.items() if by == name)
    roles = may_send(command) if AGGREGATES_OF[name][0] == "relationship" else _OTHERS[command]
    yield f"### {name}\n\n{(command.__doc__ or '').strip()} Records {events}.\n"
    yield f"Sent by {', '.join(sorted(roles))}{_when(name)}.\n"
    if command.model_fields:
        yield "| field | what | data class | whose |\n| --- | --- | --- | --- |"
        yield from _fields(command)
        yield ""


def _when(name: str) -> str:
    if AGGREGATES_OF[name][0] != "relationship":
        return ""
    if name == CREATION:
        return "; before there is a relationship"
    return f"; while {', '.join(status for status in STATUSES if (status, name) in TABLE)}"


def _fields(command: type[BaseModel]) -> Iterator[str]:
    properties: dict[str, dict[str, Any]] = command.model_json_schema()["properties"]
    for field, info in command.model_fields.items():
        optional = "" if info.is_required() else "?"
        shape = _shape(properties[field])
        default = (
            f", default {_plain(info.default)}" if not info.is_required() and info.default not in (None, (), "") else ""
        )
        held = holds(command, field)
        assert held is not None, f"{command.__name__}.{field} says nothing of what it holds"
        whose = "" if held.whose == "record" else held.whose
        yield f"| `{field}{optional}` | {shape}{default} | {held.data_class} | {whose} |"


def _plain(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _shape(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    match schema.get("type"):
        case "array":
            return f"list of: {_shape(schema['items'])}" if "items" in schema else "list"
        case "object":
            return (
                f"map to {_shape(further)}"
                if isinstance(further := schema.get("additionalProperties"), dict)
                else "object"
            )
        case "integer" | "number" as number:
            low, high = schema.get("minimum"), schema.get("maximum")
            return f"{number} {low} to {high}" if high is not None else number
        case "string":
            return {"date-time": "time", "date": "day"}.get(schema.get("format", ""), "text")
        case "boolean":
            return "true or false"
        case _:
            return "value"
