"""A message as it comes in: a CloudEvents 1.0 JSON object whose type names a command.

`parse` turns bytes into a `Message` or an invalid receipt that names every wrong field. It looks at form only; whether the
rules agree is decided later. JSON is read twice, by orjson for everything that pydantic lets pass (duplicate
keys, NaN, unpaired surrogates), and by pydantic for types. What orjson read is written once more with sorted keys:
the fingerprint is a digest of that, and a key that the message has twice is missing from it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

import orjson
from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from domain.model import Actor, Command, Data, Time
from domain.problem import Problem
from domain.registry import AGGREGATE_OF, COMMANDS, Kind
from domain.words import ROLES
from infra.intake import faults
from infra.intake.proof import MAX_LENGTH, Proof
from infra.intake.receipt import Receipt

PREFIX: Final = "rapport."
MAX_BYTES: Final = 262_144
ID_MAX: Final = 200
# Source and id together are a key of the database, which may have some 2,700 bytes.
KEY_BYTES: Final = 1000
# These tell of one delivery of a message and not of its content: sent again by another way they differ. JSON is what
# the data is in any case. A proof is about the content.
PER_DELIVERY: Final = frozenset({"traceparent", "tracestate", "datacontenttype", "proof"})
_ROLES: Final = frozenset(ROLES)
_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

C = TypeVar("C", bound=Command)
Label = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Envelope(Data, Generic[C]):
    """The fields that a message may have."""

    specversion: Literal["1.0"]
    id: Label
    source: Label
    type: Label
    subject: Label
    time: Time
    actor: Label
    data: C
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Label | None = None
    correlationid: Label | None = None
    causationid: Label | None = None
    traceparent: Label | None = None
    tracestate: Label | None = None
    proof: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)] | None = None
    expectedversion: Annotated[int, Field(ge=0)] | None = None


# What a proof covers: all that is recorded.
SIGNED: Final = frozenset(Envelope.model_fields) - PER_DELIVERY


class AnyData(Command):
    """Stands in for a command that is unknown, so that the envelope's own problems are still found."""

    model_config = ConfigDict(extra="allow")


class Message(NamedTuple):
    """A well-formed message. `fingerprint` is equal for contents that are equal as JSON values."""

    source: str
    id: str
    subject: str
    time: datetime
    actor: Actor
    command: Command
    fingerprint: bytes
    expected_version: int | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    proof: Proof | None = None


def parse(raw: bytes) -> Message | Receipt:
    """The message in these bytes, or an invalid receipt with everything that is wrong with its form."""
    if len(raw) > MAX_BYTES:
        return faults.invalid({}, [faults.too_large(MAX_BYTES)])
    try:
        read: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return faults.invalid({}, [faults.unreadable(raw, str(error))])
    if type(read) is not dict:
        return faults.invalid({}, [Problem("not_an_object", "expected a JSON object with the fields of a CloudEvent")])
    text, written = raw.decode(), orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    if faults.too_deep(text, read):
        return faults.invalid(read, [faults.TOO_DEEP])
    if problems := faults.irregular(text, read, written.decode()):
        return faults.invalid(read, problems)
    proof = _proof(read)
    form = _form(_command_name(read))
    if form.asks_for_nothing and "data" not in read:
        read["data"] = {}
        raw = written = orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    try:
        envelope = form.validate(raw)
    except ValidationError as error:
        # To JSON 9.0 is a whole number, to pydantic it is none.
        plain = orjson.dumps(_with_plain_numbers(read), option=orjson.OPT_SORT_KEYS)
        if plain != written:
            return parse(plain)
        found = faults.in_fields(error, read)
        known = {problem.field for problem in found}
        return faults.invalid(read, [*found, *(more for more in _further(read, form) if more.field not in known)])
    if problems := _further(read, form):
        return faults.invalid(read, problems)
    return Message(
        envelope.source,
        envelope.id,
        envelope.subject if ":" in envelope.subject else envelope.subject.lower(),
        envelope.time,
        Actor.parse(envelope.actor),
        envelope.data,
        _fingerprint(read, written),
        envelope.expectedversion,
        envelope.correlationid,
        envelope.causationid,
        envelope.traceparent,
        proof,
    )


def compose(
    command: Command,
    *,
    source: str,
    id: str,  # noqa: A002 - the field's name
    subject: str,
    time: datetime,
    actor: Actor,
    correlation_id: str | None = None,
    causation_id: str | None = None,
    traceparent: str | None = None,
    expected_version: int | None = None,
) -> Message:
    """A message made inside Rapport, by a worker for instance; the same arguments give the same fingerprint."""
    content = {
        "type": PREFIX + type(command).__name__,
        "subject": subject,
        "time": time.isoformat(),
        "actor": str(actor),
        "data": orjson.loads(command.__pydantic_serializer__.to_json(command, exclude_none=True)),
        "expectedversion": expected_version,
    }
    return Message(
        source,
        id,
        subject,
        time,
        actor,
        command,
        fingerprint(content),
        expected_version,
        correlation_id,
        causation_id,
        traceparent,
    )


def fingerprint(content: Mapping[str, Any]) -> bytes:
    """A digest of a message's content, the same for contents that are equal as JSON values (1 and 1.0 are)."""
    return _fingerprint(content, orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def _fingerprint(content: Mapping[str, Any], written: bytes) -> bytes:
    """The same for a content that was written already."""
    if not PER_DELIVERY.isdisjoint(content) or _may_have_whole_floats(written.decode()):
        lasting = {key: value for key, value in content.items() if key not in PER_DELIVERY}
        written = orjson.dumps(_with_plain_numbers(lasting), option=orjson.OPT_SORT_KEYS)
    return blake2b(written, digest_size=16).digest()


def _may_have_whole_floats(written: str) -> bool:
    """Whether there is a number like 4.0 or 1e16; never says no where there is one."""
    return (
        ".0," in written
        or ".0}" in written
        or ".0]" in written
        or ("e1" in written and _EXPONENT.search(written) is not None)
    )


def _with_plain_numbers(value: Any) -> Any:
    """The value with whole floats as integers."""
    if isinstance(value, dict):
        return {key: _with_plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _ROOM else value


_EXPONENT: Final = re.compile(r"\de1[678][,}\]]")
_ROOM: Final = 2**63


def _proof(read: dict[str, Any]) -> Proof | None:
    """The proof that a message carries, beside the message as it was sent."""
    jws = read.get("proof")
    if not isinstance(jws, str):
        return None
    counted = {name: value for name, value in read.items() if name in SIGNED and value is not None}
    return Proof(jws, counted, {name: value for name, value in read.items() if name != "proof"})


def _command_name(read: dict[str, Any]) -> str:
    """The command that `type` names; empty when it names none."""
    type_ = read.get("type")
    if isinstance(type_, str) and type_.startswith(PREFIX):
        name = type_[len(PREFIX) :]
        if name in COMMANDS:
            return name
    return ""


class _Form(NamedTuple):
    """What a message that names one command, or none that we know, looks like.

    `kind` is the aggregate that its subject names, None for an unknown command. `asks_for_nothing` says that `data` may be
    left out: CloudEvents lets it, and the command has no field that must be there. `dated` are the fields with times.
    """

    validate: Callable[[bytes], Envelope[Any]]
    kind: Kind | None
    asks_for_nothing: bool
    dated: tuple[str, ...]


@cache
def _form(name: str) -> _Form:
    command = COMMANDS[name] if name else AnyData
    envelope: type[Envelope[Any]] = Envelope[command]  # type: ignore[valid-type]
    return _Form(
        envelope.__pydantic_validator__.validate_json,
        AGGREGATE_OF.get(name),
        bool(name) and not any(info.is_required() for info in command.model_fields.values()),
        faults.dated(command),
    )


def _further(read: dict[str, Any], form: _Form) -> list[Problem]:
    """What pydantic's types do not say: unknown type, wrong kind of subject, unknown role, times without an offset."""
    problems = []
    if form.kind is None:
        if "type" in read:
            problems.append(Problem("unknown_type", "expected rapport. and the name of a command", field="type"))
    elif isinstance(subject := read.get("subject"), str):
        problems += _subject_problems(subject, form.kind)
    if isinstance(actor := read.get("actor"), str):
        role, _, id_ = actor.partition(":")
        if role not in _ROLES or not id_.strip() or len(id_) > ID_MAX:
            expected = f"expected role:id, with one of the roles {', '.join(ROLES)}"
            problems.append(Problem("bad_value", expected, field="actor"))
    for name in ("source", "id"):
        value = read.get(name)
        if isinstance(value, str) and len(value) > KEY_BYTES // 4 and len(value.encode()) > KEY_BYTES:
            problems.append(Problem("bad_value", f"expected at most {KEY_BYTES} bytes of UTF-8", field=name))
    return problems + faults.bare_numbers(read, form.dated)


def _subject_problems(subject: str, kind: Kind) -> list[Problem]:
    if kind == "relationship":
        if _UUID.fullmatch(subject):
            return []
        return [Problem("bad_value", "expected the UUID of a relationship, in 36 characters", field="subject")]
    prefix, _, id_ = subject.partition(":")
    if prefix == kind and id_.strip() and len(id_) <= ID_MAX:
        return []
    return [Problem("bad_value", f"expected {kind}:ID, with an id of at most {ID_MAX} characters", field="subject")]
