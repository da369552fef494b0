"""Samples after the specification of CloudEvents 1.0 and its JSON format, as its conformance suite has them: each type of an
attribute, null attributes, media types, data in each form; in structured mode and in binary mode over Kafka."""

import base64
import json
from typing import Any

import pytest

from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.kafka.arrival import Headers, read
from tests.infra.kafka.sdk.events import DATA, TRACE, attributes

# One extension attribute of every type that the specification has, as JSON writes it (and as text, in headers).
TYPES: dict[str, tuple[Any, str]] = {
    "boolean": (True, "true"),
    "integer": (2147483647, "2147483647"),
    "negative": (-2147483648, "-2147483648"),
    "string": ("A string, with € and ☺", "A%20string"),
    "empty": ("", ""),
    "binary": (base64.b64encode(b"\x00\xff").decode(), "AP8="),
    "uri": ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
    "urireference": ("../a", "../a"),
    "timestamp": ("2026-03-02T09:00:00.123456+01:00", "2026-03-02T09:00:00.123456+01:00"),
}
# Those that the specification documents as extensions.
DOCUMENTED = {
    "dataref": "https://example.org/data/81f2",
    "traceparent": TRACE,
    "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "authtype": "service_account",
    "authid": "booking",
    "expirytime": "2027-03-02T09:00:00Z",
    "partitionkey": "programme:p1",
    "recordedtime": "2026-03-02T09:00:01Z",
    "sampledrate": 30,
    "sequence": "0000042",
    "severitytext": "INFO",
    "severitynumber": 9,
    "deprecated": False,
}
MEDIA_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "APPLICATION/JSON",
    "text/json",
    "application/vnd.rapport.v1+json",
    "application/ld+json; charset=utf-8",
]


def structured(**more: Any) -> bytes:
    return json.dumps({"specversion": "1.0", **attributes(1), "data": DATA, **more}).encode()


def binary(**more: str | None) -> Headers:
    found = {**attributes(1), "specversion": "1.0", **more}
    kind = found.pop("datacontenttype")
    headers = [(f"ce_{name}", text.encode()) for name, text in found.items() if text is not None]
    return headers if kind is None else [*headers, ("content-type", kind.encode())]


def is_taken(found: Message | Receipt) -> bool:
    assert isinstance(found, Message), found.problems
    return (found.source, found.id, found.subject) == ("/services/booking", "m1", "programme:p1")


@pytest.mark.parametrize("name", TYPES)
def test_extensions_of_every_type(name: str) -> None:
    value, text = TYPES[name]
    assert is_taken(parse(structured(**{f"my{name}": value})))
    assert is_taken(read(json.dumps(DATA).encode(), binary(**{f"my{name}": text})))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_extensions(name: str) -> None:
    value = DOCUMENTED[name]
    text = value if isinstance(value, str) else json.dumps(value)
    assert is_taken(parse(structured(**{name: value})))
    assert is_taken(read(json.dumps(DATA).encode(), binary(**{name: text})))


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_media_types_of_json(kind: str) -> None:
    assert is_taken(parse(structured(datacontenttype=kind)))
    assert is_taken(read(json.dumps(DATA).encode(), binary(datacontenttype=kind)))


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", "application/json-seq", "json"])
def test_other_media_types_are_named(kind: str) -> None:
    for found in (
        parse(structured(datacontenttype=kind)),
        read(json.dumps(DATA).encode(), binary(datacontenttype=kind)),
    ):
        assert isinstance(found, Receipt)
        assert "datacontenttype" in {problem.field for problem in found.problems}


@pytest.mark.parametrize(
    "name",
    ["datacontenttype", "dataschema", "traceparent", "correlationid", "expectedversion", "partitionkey", "myextension"],
)
def test_a_null_attribute_is_an_absent_one(name: str) -> None:
    without = {key: value for key, value in json.loads(structured()).items() if key != name}
    absent, null = parse(json.dumps(without).encode()), parse(structured(**{name: None}))
    assert is_taken(null)
    assert isinstance(absent, Message)
    assert isinstance(null, Message)
    assert null.fingerprint == absent.fingerprint


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion", "subject", "time", "actor"])
def test_a_null_where_an_attribute_must_be_is_named(name: str) -> None:
    found = parse(structured(**{name: None}))
    assert isinstance(found, Receipt)
    assert name in {problem.field for problem in found.problems}


def test_data_in_base64_is_the_same_message() -> None:
    message = json.loads(structured())
    plain = parse(structured())
    message["data_base64"] = base64.b64encode(json.dumps(message.pop("data")).encode()).decode()
    encoded = parse(json.dumps(message).encode())
    assert is_taken(encoded)
    assert isinstance(plain, Message)
    assert isinstance(encoded, Message)
    assert encoded.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    "kind",
    [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        "Application/CloudEvents+JSON",
        None,
    ],
)
def test_structured_mode_over_kafka_by_its_content_type_or_without_headers(kind: str | None) -> None:
    headers = [] if kind is None else [("content-type", kind.encode())]
    assert is_taken(read(structured(), headers))


def test_extensions_are_no_part_of_what_is_said() -> None:
    plain, more = parse(structured()), parse(structured(sequence="1", myflag=True))
    assert isinstance(plain, Message)
    assert isinstance(more, Message)
    assert plain.fingerprint == more.fingerprint


@pytest.mark.parametrize("version", ["0.3", "1.1", "2.0", ""])
def test_other_versions_of_the_specification_are_named(version: str) -> None:
    for found in (
        parse(structured(specversion=version)),
        read(json.dumps(DATA).encode(), binary(specversion=version)),
    ):
        assert isinstance(found, Receipt)
        assert "specversion" in {problem.field for problem in found.problems}
