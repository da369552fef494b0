"""A record of `rapport.commands` read as a message: CloudEvents in structured mode, and in binary mode.

Structured: the value is the whole message, as in files and over HTTP. Binary: the value is `data`, and the attributes come as
headers `ce_id`, `ce_source` and so on. A `traceparent` header counts where the message itself carries none.
"""

from typing import Any, Final, NamedTuple

import orjson

from domain.problem import Problem
from infra.intake import faults
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.observe.tracing import valid

Headers = list[tuple[str, bytes]]

PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"
STRUCTURED: Final = "application/cloudevents"
JSON: Final = "application/json"


class Arrived(NamedTuple):
    """A record, and what was read in it: a message, or an invalid receipt that says what is wrong with its form."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    read: Message | Receipt

    @property
    def id(self) -> str:
        """The stable name of this arrival: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def traceparent(self) -> str | None:
        """The trace that the message belongs to."""
        if isinstance(self.read, Message):
            return valid(self.read.traceparent)
        return valid(_header(self.headers, "traceparent")) or valid(_written(self.value, "traceparent"))


def arrived(record: Any) -> Arrived:
    """What has arrived in a consumer's record."""
    headers: Headers = [(str(name), value or b"") for name, value in record.headers or ()]
    return Arrived(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        headers,
        read(record.value, headers),
    )


def read(value: bytes | None, headers: Headers) -> Message | Receipt:
    """The message in a record's value and headers, or an invalid receipt."""
    if not headers:
        return parse(value or b"")
    if _is_binary(headers):
        raw = _assembled(value, headers)
        found = parse(raw) if isinstance(raw, bytes) else raw
    else:
        found = parse(value or b"")
    if isinstance(found, Message) and found.traceparent is None:
        return found._replace(traceparent=valid(_header(headers, "traceparent")))
    return found


def _is_binary(headers: Headers) -> bool:
    kind = _header(headers, CONTENT_TYPE)
    if kind is not None and kind.lower().startswith(STRUCTURED):
        return False
    return any(name.startswith(PREFIX) for name, _ in headers)


def _header(headers: Headers, wanted: str) -> str | None:
    for name, value in headers:
        if name.lower() == wanted:
            return value.decode(errors="replace")
    return None


def _written(value: bytes | None, name: str) -> str | None:
    """What an invalid message says under a name, as far as it can be read."""
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    said = found.get(name) if isinstance(found, dict) else None
    return said if isinstance(said, str) else None


def _assembled(value: bytes | None, headers: Headers) -> bytes | Receipt:
    """The structured form of a message in binary mode."""
    attributes: dict[str, Any] = {}
    problems = []
    for header, text in headers:
        name = header.removeprefix(PREFIX)
        if name == header:
            continue
        if name in attributes:
            problems.append(Problem("duplicate_key", f"expected the header {header} only once", field=name))
        try:
            attributes[name] = text.decode()
        except UnicodeDecodeError:
            problems.append(Problem("bad_utf8", f"expected UTF-8 in the header {header}", field=name))
    # All attributes are text in headers; this one is a number.
    version = attributes.get("expectedversion", "")
    if version.isascii() and version.isdigit() and len(version) < 19:
        attributes["expectedversion"] = int(version)
    kind = _header(headers, CONTENT_TYPE)
    if kind is not None:
        attributes["datacontenttype"] = JSON if _is_json(kind) else kind
    if value:
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError as error:
            problems.append(faults.unreadable(value, str(error))._replace(field="data"))
        attributes["data"] = orjson.Fragment(value)
    if problems:
        return faults.invalid(attributes, problems)
    return orjson.dumps(attributes)


def _is_json(kind: str) -> bool:
    media = kind.partition(";")[0].strip().lower()
    return media in {JSON, "text/json"} or media.endswith("+json")
