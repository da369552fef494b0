"""Attributes of CloudEvents as others write them: extensions, null, media types, URIs, data in base64, large numbers."""

import json
from base64 import b64encode
from typing import Any

import pytest

from infra.bootstrap import Rapport
from infra.intake.message import BYTE_ORDER_MARK, Message, parse
from infra.intake.receipt import Receipt
from tests.messages import line, message, proposal

PLAIN = line("ReportProblem", {"description": "x"})


def taken(raw: bytes) -> Message:
    found = parse(raw)
    assert isinstance(found, Message), found
    return found


def wrong(raw: bytes) -> list[tuple[str, str | None, str]]:
    found = parse(raw)
    assert isinstance(found, Receipt), found
    assert found.status == "invalid"
    return [(problem.code, problem.field, problem.message) for problem in found.problems]


EXTENSIONS: dict[str, Any] = {
    "partitionkey": "a b é",
    "sequence": "00042",
    "sequencetype": "Integer",
    "sampledrate": 3,
    "dataref": "https://example.com/x",
    "authid": "u",
    "authtype": "user",
    "datacontentencoding": "utf-8",
    "expirytime": "2026-01-01T00:00:00Z",
    "severitynumber": -1,
    "retried": True,
    "recordedtime": "whenever",
    "a": "",
    "x" * 40: "long",
    "123": 5,
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_an_unknown_extension_is_taken_and_no_part_of_the_content(name: str) -> None:
    with_it = taken(line("ReportProblem", {"description": "x"}, **{name: EXTENSIONS[name]}))
    assert with_it._replace(raw=PLAIN) == taken(PLAIN)


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, ["a"], 1.5, 1e400])
def test_an_extension_is_a_text_a_whole_number_or_a_yes_or_no(value: Any) -> None:
    raw = line("ReportProblem", {"description": "x"}, sequence=value).replace(b"Infinity", b"1e400")
    assert [(code, field) for code, field, _ in wrong(raw)] == [("bad_value", "sequence")]


MISTAKEN = {
    "expectedVersion": "expectedversion",
    "expected_version": "expectedversion",
    "expected-version": "expectedversion",
    "EXPECTEDVERSION": "expectedversion",
    "expectversion": "expectedversion",
    "correlation_id": "correlationid",
    "correlationId": "correlationid",
    "corelationid": "correlationid",
    "correlation": "correlationid",
    "causation_id": "causationid",
    "causationID": "causationid",
    "casuationid": "causationid",
    "trace_parent": "traceparent",
    "traceParent": "traceparent",
    "traceparrent": "traceparent",
    "traceState": "tracestate",
    "dataContentType": "datacontenttype",
    "contenttype": "datacontenttype",
    "data_schema": "dataschema",
}


@pytest.mark.parametrize("name,meant", MISTAKEN.items())
def test_what_looks_like_a_known_attribute_is_invalid_and_says_which(name: str, meant: str) -> None:
    found = wrong(line("ReportProblem", {"description": "x"}, **{name: "v"}))
    assert [(code, field) for code, field, _ in found] == [("unknown_field", name)]
    assert found[0][2].endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("name", ["Colour", "my_extension", "my-extension", "é", "", "a b", "a.b", "tenant\n"])
def test_the_name_of_an_extension_has_lower_case_letters_and_digits(name: str) -> None:
    found = wrong(line("ReportProblem", {"description": "x"}, **{name: "v"}))
    assert [(code, field) for code, field, _ in found] == [("unknown_field", name)]


@pytest.mark.parametrize(
    "meant,name", [("source", "sourse"), ("actor", "Actor"), ("time", "Time"), ("subject", "subjects")]
)
def test_a_required_attribute_written_wrong_is_told_beside_the_missing_one(meant: str, name: str) -> None:
    whole = message("ReportProblem", {"description": "x"})
    whole[name] = whole.pop(meant)
    found = wrong(json.dumps(whole).encode())
    assert {(code, field) for code, field, _ in found} == {("missing", meant), ("unknown_field", name)}
    assert any(f"did you mean {meant}?" in said for _, _, said in found)


@pytest.mark.parametrize(
    "name",
    ["correlationid", "causationid", "traceparent", "tracestate", "datacontenttype", "dataschema", "expectedversion",
     "partitionkey", "data_base64", "correlation_id", "Colour"],
)  # fmt: skip
def test_a_null_attribute_is_an_absent_one(rapport: Rapport, name: str) -> None:
    without = json.loads(proposal(1))
    receipts = rapport.handler.handle([json.dumps(without).encode(), json.dumps({**without, name: None}).encode()])
    assert [receipt.status for receipt in receipts] == ["accepted", "duplicate"]


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "actor", "data", "specversion"])
def test_a_required_attribute_that_is_null_is_missing(name: str) -> None:
    raw = json.dumps({**message("ReportProblem", {"description": "x"}), name: None}).encode()
    assert ("missing", name) in [(code, field) for code, field, _ in wrong(raw)]


def test_null_data_of_a_command_that_asks_for_nothing_is_none() -> None:
    null, without, empty = (dict(message("ActivateRelationship")) for _ in range(3))
    null["data"] = None
    del without["data"]
    prints = {taken(json.dumps(each).encode()).fingerprint for each in (null, without, empty)}
    assert len(prints) == 1


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "text/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
     'application/json; Charset="utf-8"', "application/vnd.rapport+json", "application/cloudevents+JSON;charset=utf-8",
     "application/json; profile=x ; charset=utf-8"],
)  # fmt: skip
def test_every_json_media_type_is_taken_and_is_no_content(kind: str) -> None:
    found = taken(line("ReportProblem", {"description": "x"}, datacontenttype=kind))
    assert found.fingerprint == taken(PLAIN).fingerprint


@pytest.mark.parametrize(
    "kind",
    ["text/xml", "application/json; charset=latin-1", "application/json; charset=utf-16", "json", "application/", "",
     "application/jsonx", "application/json+xml", "application /json", "application/json;", "application/json, text/json"],
)  # fmt: skip
def test_another_media_type_or_charset_is_invalid(kind: str) -> None:
    found = wrong(line("ReportProblem", {"description": "x"}, datacontenttype=kind))
    assert [(code, field) for code, field, _ in found] == [("bad_value", "datacontenttype")]


@pytest.mark.parametrize(
    "source",
    ["/services/booking", "services/booking", "https://example.com/a?b=c#d", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
     "mailto:a@b.example", "//host:80/x", "http://[::1]:8080/", "http://[v1.x]/", "?q", "#f", "a%20b", "..", "/a//b", "x:",
     "http://user:pw@h/", "1-555-123-4567"],
)  # fmt: skip
def test_a_source_is_a_uri_reference(source: str) -> None:
    assert taken(line("ReportProblem", {"description": "x"}, source=source)).source == source


@pytest.mark.parametrize(
    "source",
    ["a b", "/é", "%", "%zz", "/a%2", "a\\b", "<x>", 'a"b', "http://[::1/", "http://[::12345]/", "http://[1.2.3]/", "a^b", "{x}",
     "http://h:port/", "1:2", ":x", "a#b#c", "/tab\t", "/line\n", "`", "a|b"],
)  # fmt: skip
def test_what_is_no_uri_reference_is_invalid(source: str) -> None:
    found = wrong(line("ReportProblem", {"description": "x"}, source=source))
    assert [(code, field) for code, field, _ in found] == [("bad_value", "source")]


@pytest.mark.parametrize(
    "schema,good", [("https://example.com/s", True), ("urn:x:y", True), ("/s", False), ("s", False), ("x y:z", False)]
)
def test_a_schema_is_named_by_a_uri(schema: str, good: bool) -> None:
    assert isinstance(parse(line("ReportProblem", {"description": "x"}, dataschema=schema)), Message) == good


@pytest.mark.parametrize("name", ["id", "correlationid", "causationid", "traceparent"])
@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\x7f", "\x9b"])
def test_an_attribute_has_no_control_character(name: str, character: str) -> None:
    found = wrong(line("ReportProblem", {"description": "x"}, **{name: f"a{character}b"}))
    assert [(code, field) for code, field, _ in found] == [("bad_value", name)]


def in_base64(data: bytes, **more: Any) -> bytes:
    whole = message("ReportProblem", **more)
    del whole["data"]
    return json.dumps({**whole, "data_base64": b64encode(data).decode()}).encode()


def test_data_in_base64_is_the_same_data() -> None:
    raw = in_base64(b' {"description" : "x"} ')
    assert taken(raw)._replace(raw=PLAIN) == taken(PLAIN)
    assert taken(raw).raw == raw
    assert taken(in_base64(BYTE_ORDER_MARK + b'{"description":"x"}')).fingerprint == taken(PLAIN).fingerprint


@pytest.mark.parametrize(
    "raw,problem",
    [
        (in_base64(b"\xff\xfe"), ("bad_utf8", "data_base64")),
        (in_base64(b"{"), ("bad_json", "data_base64")),
        (in_base64(b""), ("bad_json", "data_base64")),
        (in_base64(b"[]"), ("bad_value", "data")),
        (in_base64(b'{"description":"x","description":"y"}'), ("duplicate_key", "data.description")),
        (in_base64(b"{}"), ("missing", "data.description")),
        (in_base64(b"{}", data_base64="%%%").replace(b'"e30="', b'"%%%"'), ("bad_value", "data_base64")),
        (in_base64(b"{}").replace(b'"e30="', b"17"), ("bad_value", "data_base64")),
        (in_base64(b"{}").replace(b'"data_base64"', b'"data": {}, "data_base64"'), ("duplicate_key", "data_base64")),
    ],
)
def test_data_in_base64_that_is_no_json_is_invalid(raw: bytes, problem: tuple[str, str]) -> None:
    assert [(code, field) for code, field, _ in wrong(raw)] == [problem]


def answering(number: str) -> bytes:
    return line(
        "GiveFeedback", {"about": "process", "answers": {"q": "?"}}, actor="mentee:ana", id=f"f{number[:40]}"
    ).replace(b'"?"', number.encode())


TOO_LARGE = [
    "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1" * 100, "-" + "9" * 5000,
    "1e400", "-1e400", "1" * 400, "1" + "0" * 400 + ".5",
]  # fmt: skip


@pytest.mark.parametrize("number", TOO_LARGE, ids=lambda number: number[:22])
def test_a_number_over_64_bits_is_invalid_and_named(rapport: Rapport, number: str) -> None:
    receipts = rapport.handler.handle([proposal(1), answering(number), answering("1")])
    assert [receipt.status for receipt in receipts] == ["accepted", "invalid", "accepted"]
    assert [(problem.code, problem.field) for problem in receipts[1].problems] == [("bad_value", "data.answers.q")]
    assert (receipts[1].source, receipts[1].id) == ("/tests", f"f{number[:40]}")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "1e", "- 1"])
def test_what_is_no_number_is_no_json(number: str) -> None:
    assert [(code, field) for code, field, _ in wrong(answering(number))] == [("bad_json", None)]


@pytest.mark.parametrize(
    "number",
    [
        "9223372036854775807",
        "-9223372036854775808",
        "-0",
        "-0.0",
        "1.7e308",
        "5e-324",
        "1e-400",
        "1e19",
        "0.1234567890123456789012",
    ],
)
def test_a_number_that_fits_is_taken_and_can_be_written(rapport: Rapport, number: str) -> None:
    receipts = rapport.handler.handle([proposal(1), answering(number)])
    assert [receipt.status for receipt in receipts] == ["accepted"] * 2
    [_, given] = rapport.store.read(receipts[1].subject or "")
    assert given.data.answers["q"] == json.loads(number)


@pytest.mark.parametrize(
    "field,raw",
    [
        ("expectedversion", line("ActivateRelationship", expectedversion=2**63)),
        ("sequence", line("ActivateRelationship", sequence=2**64)),
    ],
)
def test_numbers_of_attributes_fit_as_well(field: str, raw: bytes) -> None:
    assert [(code, where) for code, where, _ in wrong(raw)] == [("bad_value", field)]


@pytest.mark.parametrize(
    "type_,meant",
    [("rapport.RescheduleSesion", "rapport.RescheduleSession"), ("ScheduleSession", "rapport.ScheduleSession"),
     ("rapport.schedule_session", "rapport.ScheduleSession"), ("Rapport.ScheduleSession", "rapport.ScheduleSession"),
     ("rapport.SessionScheduled", "rapport.ScheduleSession"), ("com.example.rapport.AgreeGoal", "rapport.AgreeGoal")],
)  # fmt: skip
def test_an_unknown_type_says_what_was_meant(type_: str, meant: str) -> None:
    (found,) = wrong(line("X", type=type_))
    assert found[:2] == ("unknown_type", "type")
    assert found[2].endswith(f"did you mean {meant}?")


def test_a_type_like_none_suggests_none() -> None:
    (found,) = wrong(line("X", type="rapport.Qqqqq"))
    assert "did you mean" not in found[2]


SESSION = {"session_id": "s1", "starts_at": "2026-03-05T17:00:00Z", "channel": "platform"}
ITEM = {"topic": "t", "set_by": "mentee", "minutes": 5}


@pytest.mark.parametrize(
    "name,meant",
    [("startsAt", "starts_at"), ("start_at", "starts_at"), ("sessionid", "session_id"), ("minuets", "minutes")],
)
def test_an_unknown_field_says_what_was_meant(name: str, meant: str) -> None:
    found = wrong(line("ScheduleSession", {**SESSION, name: 1}))
    assert ("unknown_field", f"data.{name}", f"expected no such field; did you mean {meant}?") in found


def test_an_unknown_field_deeper_down_says_what_was_meant_there() -> None:
    done = {
        "session_id": "s", "started_at": "2026-03-01T09:00:00Z", "ended_at": "2026-03-01T10:00:00Z", "present": ["mentee"],
        "joined": {}, "agenda": [{**ITEM, "goalId": "g"}],
    }  # fmt: skip
    (found,) = wrong(line("CompleteSession", done))
    assert found == ("unknown_field", "data.agenda.0.goalId", "expected no such field; did you mean goal_id?")


def test_an_unknown_field_like_none_says_which_there_are() -> None:
    (found,) = wrong(line("ScheduleSession", {**SESSION, "qqq": 1}))
    assert found[2] == "expected no such field, only session_id, starts_at, minutes, channel"


@pytest.mark.parametrize("key", ["data", "extension", "value"])
@pytest.mark.parametrize(
    "bad,code", [("\\u0000", "bad_character"), ("\\ud800", "bad_character"), ("\\udc00", "bad_character")]
)
def test_nul_and_unpaired_surrogates_are_invalid_everywhere(key: str, bad: str, code: str) -> None:
    text = {
        "data": '"data": {"x?": 1, ',
        "extension": '"ext?": "v", "data": {',
        "value": '"tenant": "v?", "data": {',
    }[key].replace("?", bad)
    found = wrong(PLAIN.replace(b'"data": {', text.encode()))
    assert {each[0] for each in found} == {code}


def test_a_byte_order_mark_before_a_message_is_no_part_of_it() -> None:
    assert taken(BYTE_ORDER_MARK + PLAIN)._replace(raw=PLAIN) == taken(PLAIN)
