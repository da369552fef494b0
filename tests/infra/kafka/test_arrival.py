"""A record of Kafka is the same message in structured and in binary mode, and what is wrong with it has a name."""

import json
from typing import Any

import pytest

from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.kafka.arrival import Headers, read

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MESSAGE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "m1",
    "source": "/tests",
    "type": "rapport.CreateProgramme",
    "subject": "programme:p1",
    "time": "2026-03-02T09:00:00Z",
    "actor": "supplier:s",
    "expectedversion": 0,
    "data": {"name": "Programme", "timezone": "UTC"},
}
WHOLE = json.dumps(MESSAGE).encode()
DATA = json.dumps(MESSAGE["data"]).encode()


def binary(**more: str | None) -> Headers:
    attributes = {name: str(value) for name, value in MESSAGE.items() if name != "data"} | more
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items() if value is not None]
    return [*headers, ("content-type", b"application/json")]


def message(value: bytes | None, headers: Headers) -> Message:
    found = read(value, headers)
    assert isinstance(found, Message), found
    return found


def codes(value: bytes | None, headers: Headers) -> list[tuple[str, str | None]]:
    found = read(value, headers)
    assert isinstance(found, Receipt), found
    return [(problem.code, problem.field) for problem in found.problems]


class TestModes:
    def test_structured_needs_no_header(self) -> None:
        assert read(WHOLE, []) == parse(WHOLE)

    def test_structured_by_its_content_type_ignores_ce_headers(self) -> None:
        headers = [("content-type", b"application/cloudevents+json; charset=UTF-8"), ("ce_id", b"another")]
        assert message(WHOLE, headers).id == "m1"

    def test_binary_says_the_same_as_structured(self) -> None:
        structured = parse(json.dumps({**MESSAGE, "datacontenttype": "application/json"}).encode())
        found = read(DATA, binary())
        assert isinstance(structured, Message)
        assert isinstance(found, Message)
        assert found._replace(raw=b"") == structured._replace(raw=b"")

    def test_binary_without_data_is_a_command_that_asks_for_none(self) -> None:
        found = message(b"", binary(type="rapport.ReinstateMentor", subject="mentor:m", expectedversion=None))
        assert type(found.command).__name__ == "ReinstateMentor"

    @pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"text/json", b"application/x+json"])
    def test_binary_takes_every_kind_of_json(self, kind: bytes) -> None:
        assert message(DATA, [*binary()[:-1], ("content-type", kind)])


class TestFaults:
    @pytest.mark.parametrize(
        "value, headers, expected",
        [
            (None, [], [("bad_json", None)]),
            (b"{", binary(), [("bad_json", "data")]),
            (b"\xff", binary(), [("bad_utf8", "data")]),
            (DATA, [*binary(), ("ce_id", b"m2")], [("duplicate_key", "id")]),
            (DATA, [*binary(), ("ce_extra", b"\xff")], [("bad_utf8", "extra")]),
            (DATA, [*binary()[:-1], ("content-type", b"text/plain")], [("bad_value", "datacontenttype")]),
            (
                DATA,
                [*binary()[:-1], ("content-type", b"application/json; charset=latin-1")],
                [("bad_value", "datacontenttype")],
            ),
            (DATA, binary(expectedversion="soon"), [("bad_value", "expectedversion")]),
            (DATA, binary(subject=None), [("missing", "subject")]),
        ],
    )
    def test_are_named(self, value: bytes | None, headers: Headers, expected: list[tuple[str, str | None]]) -> None:
        assert codes(value, headers) == expected

    def test_data_can_not_smuggle_attributes_in(self) -> None:
        assert codes(DATA + b',"expectedversion":7', binary(expectedversion=None)) == [("bad_json", "data")]

    def test_the_receipt_still_names_the_message(self) -> None:
        found = read(b"{", binary())
        assert isinstance(found, Receipt)
        assert (found.source, found.id, found.subject) == ("/tests", "m1", "programme:p1")


class TestTraces:
    def test_the_header_counts_where_the_message_has_none(self) -> None:
        assert message(WHOLE, [("traceparent", TRACE.encode())]).traceparent == TRACE

    def test_the_message_counts_before_the_header(self) -> None:
        whole = json.dumps({**MESSAGE, "traceparent": OTHER_TRACE}).encode()
        assert message(whole, [("traceparent", TRACE.encode())]).traceparent == OTHER_TRACE

    def test_what_is_no_trace_is_no_reason_to_refuse(self) -> None:
        assert message(WHOLE, [("traceparent", b"\xffnonsense")]).traceparent is None

    def test_a_trace_does_not_make_it_another_message(self) -> None:
        assert message(WHOLE, [("traceparent", TRACE.encode())]).fingerprint == message(WHOLE, []).fingerprint
