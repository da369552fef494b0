"""A message as it comes in: a CloudEvents 1.0 JSON object whose type names a command.

`parse` turns bytes into a `Message` or an invalid receipt that names every wrong field. It looks at form only; whether the
rules agree is decided later. JSON is read twice, by orjson for everything that pydantic lets pass (duplicate
keys, NaN, unpaired surrogates, numbers over 64 bits), and by pydantic for types. What orjson read is written once more with sorted keys:
the fingerprint is a digest of that, and a key that the message has twice is missing from it.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, TypeVar

import orjson
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationError

from domain import form, ids, time_form
from domain.model import Actor, Command, Data, Time
from domain.problem import Problem
from domain.registry import AGGREGATES_OF, COMMAND_OF, COMMANDS, Kind
from domain.relationship.moves import passing_on_problem
from domain.words import ROLES
from infra.intake import attributes, failure, form_problems
from infra.intake.proof import MAX_LENGTH, Proof
from infra.intake.receipt import Receipt

PREFIX: Final = "rapport."
MAX_BYTES: Final = 262_144
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
IN_BASE64: Final = "data_base64"
ON_BEHALF_OF: Final = "on_behalf_of"
# Source and id together are a key of the database, which may have some 2,700 bytes.
KEY_BYTES: Final = 1000
# These tell of one delivery of a message and not of its content: sent again by another way they differ. JSON is what
# the data is in any case. A proof is about the content.
PER_DELIVERY: Final = frozenset({"traceparent", "tracestate", "datacontenttype", "proof"})
_ROLES: Final = frozenset(ROLES)
_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

C = TypeVar("C", bound=Command)
Label = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(attributes.printable)]


class Envelope(Data, Generic[C]):
    """The fields that a message may have."""

    specversion: Literal["1.0"]
    id: Label
    source: Annotated[Label, AfterValidator(attributes.uri_reference)]
    type: Label
    subject: Label
    time: Time
    actor: Label
    data: C
    datacontenttype: Annotated[Label, AfterValidator(attributes.json_media_type)] | None = None
    dataschema: Annotated[Label, AfterValidator(attributes.uri)] | None = None
    correlationid: Label | None = None
    causationid: Label | None = None
    traceparent: Label | None = None
    tracestate: Label | None = None
    proof: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)] | None = None
    expectedversion: Annotated[int, Field(ge=0)] | None = None


KNOWN: Final = Envelope.model_fields.keys()
REQUIRED: Final = frozenset(name for name, info in Envelope.model_fields.items() if info.is_required())
# What a proof covers: all that is recorded.
SIGNED: Final = frozenset(KNOWN) - PER_DELIVERY


class AnyData(Command):
    """Stands in for a command that is unknown, so that the envelope's own problems are still found."""

    model_config = ConfigDict(extra="allow")


class Message(NamedTuple):
    """A well-formed message. `fingerprint` is equal for contents that are equal as JSON values; `raw` is how it was sent.

    `programmes` are those that the token covers with which it came, in lower case; None is all of them.
    """

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
    raw: bytes = b""
    programmes: frozenset[str] | None = None

    @property
    def origin(self) -> bytes:
        """The bytes that name this message in a log; one that was made inside Rapport was never sent as bytes."""
        return self.raw or orjson.dumps([self.source, self.id])


def parse(raw: bytes) -> Message | Receipt:
    """The message in these bytes, or an invalid receipt with everything that is wrong with its form."""
    try:
        return _parsed(raw)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not stop what comes after this message
        return failure.in_raw(error, raw)


def _parsed(raw: bytes) -> Message | Receipt:
    sent = raw
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    if len(raw) > MAX_BYTES:
        return form_problems.invalid({}, [form_problems.too_large(MAX_BYTES)])
    try:
        read: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return form_problems.unread(raw, str(error))
    text = raw.decode()
    # Before anything that goes down into what was read level by level: writers and validators go only so deep.
    deep = form_problems.too_deep(text, read)
    if type(read) is not dict:
        problem = form_problems.TOO_DEEP if deep else Problem("not_an_object", form_problems.NO_OBJECT)
        return form_problems.invalid({}, [problem])
    if deep:
        return form_problems.invalid(read, [form_problems.TOO_DEEP])
    written = orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    if problems := [*form_problems.irregular(text, read, written.decode()), *form_problems.too_many(text, read)]:
        return form_problems.invalid(read, problems)
    proof = _proof(read)
    if read.get(IN_BASE64) is not None:
        inner = _decoded(read)
        return inner if isinstance(inner, Receipt) else _as_sent(_parsed(inner), sent, proof)
    problems = []
    if None in read.values() or not read.keys() <= KNOWN:
        problems = attributes.strangers(read, KNOWN, REQUIRED)
        raw = written = orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    shape = _shape(_command_name(read))
    if shape.asks_for_nothing and "data" not in read:
        read["data"] = {}
        raw = written = orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    try:
        envelope = shape.validate(raw)
    except ValidationError as error:
        # To JSON 9.0 is a whole number, to pydantic it is none.
        plain = orjson.dumps(form.with_plain_numbers(read), option=orjson.OPT_SORT_KEYS)
        if plain != written and not problems:
            return _as_sent(_parsed(plain), sent, proof)
        found = form.problems(error, read, shape.envelope, shape.ids)
        further = _further(read, shape)
        # That it is no id says more than that a text may not hold this character.
        no_ids = [problem for problem in further if problem.code == "bad_id"]
        return form_problems.invalid(
            read, form.each_once(time_form.problems(read, shape.dated), no_ids, found, further, problems)
        )
    if problems := [*time_form.problems(read, shape.dated), *_further(read, shape), *problems]:
        return form_problems.invalid(read, problems)
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
        sent,
    )


def _as_sent(found: Message | Receipt, sent: bytes, proof: Proof | None) -> Message | Receipt:
    """What was read of a message in another form, with the bytes and the proof with which it was sent."""
    if isinstance(found, Receipt):
        return found
    if found.proof is not None and proof is not None:
        proof = proof._replace(counted=found.proof.counted)
    return found._replace(raw=sent, proof=proof)


def _decoded(read: dict[str, Any]) -> bytes | Receipt:
    """The message with the data that it brings in base64 in plain JSON, which is what CloudEvents lets a sender do."""
    if read.get("data") is not None:
        sentence = "expected the data once, as data or as data_base64"
        return form_problems.invalid(read, [Problem("duplicate_key", sentence, field=IN_BASE64)])
    try:
        data = b64decode(read[IN_BASE64], validate=True).removeprefix(BYTE_ORDER_MARK)
    except (TypeError, ValueError):
        return form_problems.invalid(read, [Problem("bad_value", "expected base64 (RFC 4648)", field=IN_BASE64)])
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return form_problems.invalid(read, [form_problems.unreadable(data, str(error))._replace(field=IN_BASE64)])
    rest = {name: value for name, value in read.items() if name not in {"data", IN_BASE64}}
    return orjson.dumps({**rest, "data": orjson.Fragment(data)})


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
    data: Mapping[str, Any] | None = None,
) -> Message:
    """A message made inside Rapport, by a worker for instance; the same arguments give the same fingerprint.

    `data` is the command as JSON has it, where that is at hand.
    """
    if data is None:
        data = orjson.loads(command.__pydantic_serializer__.to_json(command, exclude_none=True))
    content = {
        "type": PREFIX + type(command).__name__,
        "subject": subject,
        "time": time.isoformat(),
        "actor": str(actor),
        "data": data,
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
        written = orjson.dumps(form.with_plain_numbers(lasting), option=orjson.OPT_SORT_KEYS)
    return blake2b(written, digest_size=16).digest()


def _may_have_whole_floats(written: str) -> bool:
    """Whether there is a number like 4.0 or 1e16; never says no where there is one."""
    return (
        ".0," in written
        or ".0}" in written
        or ".0]" in written
        or ("e1" in written and _EXPONENT.search(written) is not None)
    )


_EXPONENT: Final = re.compile(r"\de1[678][,}\]]")


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


class _Shape(NamedTuple):
    """What a message that names one command, or none that we know, looks like.

    `kinds` are the aggregates that its subject may name, none for an unknown command. `asks_for_nothing` says that `data` may be
    left out: CloudEvents lets it, and the command has no field that must be there. `dated` are the places of times and days,
    `ids` the fields with ids, by their path.
    """

    envelope: type[Envelope[Any]]
    validate: Callable[[bytes], Envelope[Any]]
    command: type[Command]
    kinds: tuple[Kind, ...]
    asks_for_nothing: bool
    dated: tuple[time_form.Place, ...]
    ids: Mapping[str, ids.Namespace]


@cache
def _shape(name: str) -> _Shape:
    command = COMMANDS[name] if name else AnyData
    envelope: type[Envelope[Any]] = Envelope[command]  # type: ignore[valid-type]
    return _Shape(
        envelope,
        envelope.__pydantic_validator__.validate_json,
        command,
        AGGREGATES_OF.get(name, ()),
        bool(name) and not any(info.is_required() for info in command.model_fields.values()),
        (time_form.Place(("time",), "time"), *time_form.places(command, ("data",))),
        ids.paths(command, "data."),
    )


def _further(read: dict[str, Any], shape: _Shape) -> list[Problem]:
    """What pydantic's types do not say: unknown type, wrong kind of subject, unknown role."""
    problems = []
    if not shape.kinds:
        if "type" in read:
            problems.append(Problem("unknown_type", _type_expected(read["type"]), field="type"))
    elif isinstance(subject := read.get("subject"), str):
        problems += _subject_problems(subject, shape.kinds)
    if isinstance(actor := read.get("actor"), str):
        role, _, id_ = actor.partition(":")
        if role not in _ROLES:
            expected = f"expected role:id, with one of the roles {', '.join(ROLES)}"
            problems.append(Problem("bad_value", expected, field="actor"))
        elif not ids.is_id(id_):
            problems.append(Problem("bad_id", ids.expected("person", id_), field="actor"))
        elif isinstance(data := read.get("data"), dict) and (problem := _speaking_for_another(role, data, shape)):
            problems.append(problem)
    for name in ("source", "id"):
        value = read.get(name)
        if isinstance(value, str) and len(value) > KEY_BYTES // 4 and len(value.encode()) > KEY_BYTES:
            problems.append(Problem("bad_value", f"expected at most {KEY_BYTES} bytes of UTF-8", field=name))
    return problems


def _speaking_for_another(role: str, data: dict[str, Any], shape: _Shape) -> Problem | None:
    """The problem of an actor who passes on another's wish and may not; that such a one exists is checked elsewhere."""
    whom = data.get(ON_BEHALF_OF) if ON_BEHALF_OF in shape.command.model_fields else None
    return None if whom is None else passing_on_problem(role, whom)  # type: ignore[arg-type]


def _type_expected(given: Any) -> str:
    """What the type should have been: the command of that event, or the one whose name is nearest."""
    expected = f"expected {PREFIX} and the name of a command"
    name = given.rpartition(".")[2] if isinstance(given, str) else ""
    meant = COMMAND_OF.get(name) or form.nearest(name, tuple(COMMANDS))
    return f"{expected}; did you mean {PREFIX}{meant}?" if meant else expected


def _subject_problems(subject: str, kinds: tuple[Kind, ...]) -> list[Problem]:
    kind = kinds[0]
    if len(kinds) > 1:
        # Terms: of a relationship where there is no prefix, else of the other aggregate.
        kind = "relationship" if ":" not in subject else next(each for each in kinds if each != "relationship")
    if kind == "relationship":
        if _UUID.fullmatch(subject):
            return []
        return [Problem("bad_value", "expected the UUID of a relationship, in 36 characters", field="subject")]
    prefix, _, id_ = subject.partition(":")
    if prefix != kind:
        return [Problem("bad_value", f"expected {kind}:ID", field="subject")]
    if not ids.is_id(id_):
        return [Problem("bad_id", ids.expected(ids.OF_SUBJECT[kind], id_), field="subject")]
    return []
