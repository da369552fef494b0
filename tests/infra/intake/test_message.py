"""The form of messages: every malformed one is invalid and says which field is wrong and what was expected."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model import Actor
from domain.relationship.commands import RecordContact
from infra.intake.form_problems import MAX_ITEMS, MAX_PROBLEMS
from infra.intake.message import MAX_BYTES, Message, compose, fingerprint, parse
from infra.intake.receipt import Receipt
from tests.messages import line, message, relationship_id

SESSION = {"session_id": "s1", "starts_at": "2026-03-05T17:00:00Z", "channel": "platform"}
GOOD = line("ScheduleSession", SESSION)


def wrong(raw: bytes) -> list[tuple[str, str | None]]:
    """Code and field of every problem of a message that must be invalid."""
    receipt = parse(raw)
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.events) == ("invalid", ())
    assert all("expected" in problem.message for problem in receipt.problems)
    return [(problem.code, problem.field) for problem in receipt.problems]


def session(**changes: Any) -> bytes:
    return line("ScheduleSession", SESSION | changes)


def padded(size: int) -> bytes:
    return line("RecordSessionNote", {"session_id": "s1", "text": "x"}).ljust(size)


NOT_JSON = {
    "nothing": (b"", "bad_json"),
    "cut off": (GOOD[:-5], "bad_json"),
    "two objects": (GOOD + GOOD, "bad_json"),
    "single quotes": (GOOD.replace(b'"', b"'"), "bad_json"),
    "bad UTF-8": (GOOD.replace(b"platform", b"pl\xffatform"), "bad_utf8"),
    "overlong UTF-8": (GOOD.replace(b"platform", b"pl\xc0\x80atform"), "bad_utf8"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "bad_utf8"),
    "NaN": (GOOD.replace(b'"platform"', b"NaN"), "bad_json"),
    "Infinity": (GOOD.replace(b'"platform"', b"-Infinity"), "bad_json"),
    "a control character": (GOOD.replace(b"platform", b"plat\x01form"), "bad_json"),
    "a NUL byte": (GOOD.replace(b"platform", b"plat\x00form"), "bad_json"),
    "an encoded surrogate": (GOOD.replace(b"platform", b"plat\xed\xa0\xbdform"), "bad_utf8"),
    "65 levels": (GOOD.replace(b'"platform"', b"[" * 63 + b"]" * 63), "too_deep"),
    "100,000 levels": (b"[" * 100_000, "too_deep"),
    "one byte too many": (padded(MAX_BYTES + 1), "too_large"),
    "a list": (b"[" + GOOD + b"]", "not_an_object"),
    "a text": (b'"hello"', "not_an_object"),
    "null": (b"null", "not_an_object"),
}


@pytest.mark.parametrize("raw,code", NOT_JSON.values(), ids=list(NOT_JSON))
def test_what_is_no_message_is_invalid_and_says_why(raw: bytes, code: str) -> None:
    assert wrong(raw) == [(code, None)]


FIELDS = {
    "a key twice": (GOOD.replace(b'"id":', b'"id": "x", "id":'), [("duplicate_key", "id")]),
    "a key twice in the data": (GOOD.replace(b'"channel":', b'"channel": 1, "channel" :'), [("duplicate_key", "data.channel")]),
    "a key twice, one with space": (GOOD.replace(b'"id":', b'"id" : "x", "id":'), [("duplicate_key", "id")]),
    "an escaped key twice": (GOOD.replace(b'"id":', b'"\\u0069d": "x", "id":'), [("duplicate_key", "id")]),
    "a key twice, and a text that hides a quotation mark": (
        GOOD.replace(b'"id":', b'"id":"x\\u0022:","id":'),
        [("duplicate_key", "id")],
    ),
    "a key twice, and a text that hides a colon": (
        GOOD.replace(b'"id":', b'"id":"x\\"\\u003a","id":'),
        [("duplicate_key", "id")],
    ),
    "NUL": (session(channel="plat\0form"), [("bad_character", "data.channel")]),
    "NUL in a key": (session(**{"chan\0nel": 1}), [("bad_character", "data")]),
    "NUL in an id": (line("ScheduleSession", SESSION, id="a\0"), [("bad_character", "id")]),
    "an unpaired surrogate": (GOOD.replace(b"platform", b"plat\\ud83dform"), [("bad_character", "data.channel")]),
    "a low surrogate alone": (GOOD.replace(b"platform", b"plat\\ude00form"), [("bad_character", "data.channel")]),
    "two unpaired surrogates": (
        GOOD.replace(b"platform", b"plat\\ud83dform").replace(b'"id":', b'"tenant":"\\udc00","id":'),
        [("bad_character", "tenant"), ("bad_character", "data.channel")],
    ),
    "an unpaired surrogate in a key": (
        GOOD.replace(b'"channel":', b'"chan\\ud83dnel": {"a": "\\ud83d"}, "channel":'),
        [("bad_character", "data")],
    ),
    "naive time": (line("ScheduleSession", SESSION, time="2026-03-02T09:00:00"), [("naive_time", "time")]),
    "naive time in the data": (session(starts_at="2026-03-05T17:00:00"), [("naive_time", "data.starts_at")]),
    "seconds as a time": (line("ScheduleSession", SESSION, time="1772442000"), [("naive_time", "time")]),
    "seconds as a time in the data": (session(starts_at="1772442000"), [("naive_time", "data.starts_at")]),
    "seconds as a day": (line("SecureRecords", {"retained_until": "86400"}), [("naive_time", "data.retained_until")]),
    "a number as a time": (session(starts_at=1772442000), [("bad_value", "data.starts_at")]),
    "a day as a time": (session(starts_at="2026-03-05"), [("bad_value", "data.starts_at")]),
    "no day of the calendar": (session(starts_at="2026-02-30T09:00:00Z"), [("bad_value", "data.starts_at")]),
    "the year 1": (session(starts_at="0001-01-01T00:00:00+14:00"), [("bad_value", "data.starts_at")]),
    "the year 9999": (session(starts_at="9999-12-31T23:59:59-14:00"), [("bad_value", "data.starts_at")]),
    "an attribute that is no extension": (line("ScheduleSession", SESSION, Colour="red"), [("unknown_field", "Colour")]),
    "a number without end": (GOOD.replace(b'"platform"', b"1e999"), [("bad_value", "data.channel")]),
    "unknown field in the data": (session(colour="red"), [("unknown_field", "data.colour")]),
    "another version of CloudEvents": (line("ScheduleSession", SESSION, specversion="0.3"), [("bad_value", "specversion")]),
    "another media type": (line("ScheduleSession", SESSION, datacontenttype="text/xml"), [("bad_value", "datacontenttype")]),
    "unknown type": (line("Dance"), [("unknown_type", "type")]),
    "type without prefix": (line("ScheduleSession", SESSION, type="ScheduleSession"), [("unknown_type", "type")]),
    "type that is no text": (line("ScheduleSession", SESSION, type=7), [("bad_value", "type")]),
    "empty id": (line("ScheduleSession", SESSION, id=""), [("bad_value", "id")]),
    "no UUID": (line("ScheduleSession", SESSION, subject="r1"), [("bad_value", "subject")]),
    "UUID in braces": (line("ScheduleSession", SESSION, subject="{" + relationship_id(1) + "}"), [("bad_value", "subject")]),
    "UUID without dashes": (line("ScheduleSession", SESSION, subject=relationship_id(1).replace("-", "")), [("bad_value", "subject")]),
    "a mentor's subject": (line("ScheduleSession", SESSION, subject="mentor:ben"), [("bad_value", "subject")]),
    "a relationship's subject": (line("SuspendMentor", {"reason": "Under review"}), [("bad_value", "subject")]),
    "a mentor without id": (line("SuspendMentor", {"reason": "Under review"}, subject="mentor: "), [("bad_id", "subject")]),
    "a mentor with a long id": (line("SuspendMentor", {"reason": "Under review"}, subject="mentor:" + "x" * 65), [("bad_id", "subject")]),
    "unknown role": (line("ScheduleSession", SESSION, actor="boss:ana"), [("bad_value", "actor")]),
    "role without id": (line("ScheduleSession", SESSION, actor="mentee:"), [("bad_id", "actor")]),
    "id without role": (line("ScheduleSession", SESSION, actor="ana"), [("bad_value", "actor")]),
    "negative version": (line("ScheduleSession", SESSION, expectedversion=-1), [("bad_value", "expectedversion")]),
    "half a version": (line("ScheduleSession", SESSION, expectedversion=1.5), [("bad_value", "expectedversion")]),
    "a text as a number": (session(minutes="60"), [("bad_value", "data.minutes")]),
    "yes as a number": (session(minutes=True), [("bad_value", "data.minutes")]),
    "a long text": (line("ReportProblem", {"description": "x" * 20_001}), [("bad_value", "data.description")]),
    "in a list": (line("RecordNoShow", {"session_id": "s1", "absent": ["mentee", "dog"]}), [("bad_value", "data.absent.1")]),
    "in a mapping": (
        line("GiveFeedback", {"about": "mentor", "answers": {"q1": [], "q2": 1}}),
        [("bad_value", "data.answers.q1")],
    ),
    "one of two kinds": (
        line("GrantConsent", {"data_class": "goals", "audience": "hr", "until": "soon"}),
        [("bad_value", "data.until")],
    ),
    "two fields at odds": (
        line("AgreePlan", {"every_days": 7, "starts_on": "2026-02-01", "ends_on": "2026-01-01", "channel": "email"}),
        [("bad_value", "data.ends_on")],
    ),
    "data that is no object": (GOOD.replace(b'"data": {', b'"data": [], "datum": {'), [("bad_value", "data"), ("bad_value", "datum")]),
    "NPS out of range": (line("RespondToNps", {"occasion": "mid", "score": 11}), [("bad_value", "data.score")]),
}  # fmt: skip


@pytest.mark.parametrize("raw,problems", FIELDS.values(), ids=list(FIELDS))
def test_a_wrong_field_is_named(raw: bytes, problems: list[tuple[str, str]]) -> None:
    assert wrong(raw) == problems


@pytest.mark.parametrize("field", ["specversion", "id", "source", "type", "subject", "time", "actor", "data"])
def test_a_missing_field_is_named(field: str) -> None:
    whole = message("ScheduleSession", SESSION)
    del whole[field]
    assert wrong(json.dumps(whole).encode()) == [("missing", field)]


def test_all_problems_are_named_at_once() -> None:
    raw = line("ScheduleSession", {"starts_at": "x"}, actor="boss", subject="r1", time="y", Colour="red")
    assert set(wrong(raw)) == {
        ("missing", "data.session_id"),
        ("bad_value", "data.starts_at"),
        ("missing", "data.channel"),
        ("bad_value", "actor"),
        ("bad_value", "subject"),
        ("bad_value", "time"),
        ("unknown_field", "Colour"),
    }


@pytest.mark.parametrize("command", ["RescheduleSession", "CancelSession"])
@pytest.mark.parametrize("role, fine", [("mentee", False), ("mentor", False), ("customer", False), ("hr", False), ("service", True), ("coordinator", True), ("supplier", True)])  # fmt: skip
def test_on_behalf_of_from_a_party_is_invalid(command: str, role: str, fine: bool) -> None:
    data: dict[str, Any] = {"session_id": "s1", "reason": "travel", "on_behalf_of": "mentee"}
    if command == "RescheduleSession":
        data["starts_at"] = "2026-03-05T17:00:00Z"
    raw = line(command, data, actor=f"{role}:ana")
    if fine:
        assert isinstance(parse(raw), Message)
    else:
        assert wrong(raw) == [("bad_value", "data.on_behalf_of")]
    absent = line(command, {**data, "on_behalf_of": None}, actor=f"{role}:ana")
    assert isinstance(parse(absent), Message)


def test_a_contact_is_between_somebody() -> None:
    assert wrong(line("RecordContact", {"channel": "email", "between": []})) == [("bad_value", "data.between")]


def test_an_invalid_receipt_echoes_what_could_be_read() -> None:
    receipt = parse(line("Dance", id="d1", source="/s", subject="nobody"))
    assert isinstance(receipt, Receipt)
    assert (receipt.source, receipt.id, receipt.subject) == ("/s", "d1", "nobody")
    receipt = parse(line("Dance", id=5, source=None))
    assert isinstance(receipt, Receipt)
    assert (receipt.source, receipt.id, receipt.subject) == (None, None, relationship_id(1))

    receipt = parse(line("ReportProblem", {"description": "Late \ud83d"}, id="d1", source="/s", subject="x\ud83d"))
    assert isinstance(receipt, Receipt)
    assert (receipt.source, receipt.id, receipt.subject) == ("/s", "d1", None)
    assert sorted(problem.field or "" for problem in receipt.problems) == ["data.description", "subject"]


GOOD_ONES = {
    "the largest": padded(MAX_BYTES),
    "text that looks like a key": line("ReportProblem", {"description": 'say "x": 1 and \\"y\\" : 2'}),
    "text that looks like NUL": line("ReportProblem", {"description": "\\u0000"}),
    "text that looks deep": line("ReportProblem", {"description": "[" * 1000}),
    "a pair of surrogates": line("ReportProblem", {"description": "\U0001f600"}),
    "data left out where nothing is asked": json.dumps(
        {name: value for name, value in message("ActivateRelationship").items() if name != "data"}
    ).encode(),
    "spaces before colons": GOOD.replace(b'":', b'" :'),
    "extensions": line(
        "ScheduleSession",
        SESSION,
        datacontenttype="application/json",
        dataschema="https://example.com/schemas/1",
        correlationid="c",
        causationid="d",
        traceparent="00-1-1-01",
        tracestate="a=b",
        expectedversion=3,
    ),
}


@pytest.mark.parametrize("raw", GOOD_ONES.values(), ids=list(GOOD_ONES))
def test_what_is_well_formed_is_taken(raw: bytes) -> None:
    assert isinstance(parse(raw), Message)


def test_a_message_is_read_as_it_says() -> None:
    subject = relationship_id(1).upper()
    found = parse(line("RecordContact", {"channel": "email"}, subject=subject, time="2026-03-02T10:00:00+01:00"))
    assert isinstance(found, Message)
    assert found[:6] == (
        "/tests",
        "RecordContact-1",
        relationship_id(1),
        datetime(2026, 3, 2, 9, tzinfo=UTC),
        Actor("coordinator", "cora"),
        RecordContact(channel="email"),
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.binary())
def test_no_bytes_make_the_reader_fail(raw: bytes) -> None:
    assert isinstance(parse(raw), Receipt)


@given(st.dictionaries(st.sampled_from(sorted(message("Dance", expectedversion=1))), JSON), JSON)
def test_no_values_make_the_reader_fail(fields: dict[str, Any], data: Any) -> None:
    parse(json.dumps(message("GiveFeedback") | {"data": data} | fields).encode())


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text(), min_size=1))
def test_contents_that_are_equal_as_json_values_have_one_fingerprint(data: dict[str, Any]) -> None:
    as_floats = {name: float(value) if isinstance(value, int) else value for name, value in reversed(data.items())}
    assert fingerprint({"id": "x", "data": data}) == fingerprint({"data": as_floats, "id": "x"})
    changed = {**data, next(iter(data)): "another value"}
    assert (fingerprint({"data": changed}) == fingerprint({"data": data})) == (changed == data)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    plain, pointed = (
        parse(session(minutes=minutes).replace(b'"specversion"', b'"expectedversion": 3.0, "specversion"'))
        for minutes in (60, 60.0)
    )
    assert isinstance(plain, Message)
    assert isinstance(pointed, Message)
    assert (plain.command, plain.expected_version, plain.fingerprint) == (pointed.command, 3, pointed.fingerprint)
    assert wrong(session(minutes=60.5)) == [("bad_value", "data.minutes")]
    assert wrong(session(minutes=1e300)) == [("bad_value", "data.minutes")]


def test_an_id_fits_into_the_key_of_a_database() -> None:
    long: dict[str, Any] = {"id": "\U00020000" * 251, "source": "/" + "s" * 499}
    assert wrong(line("ActivateRelationship", **long)) == [("bad_value", "id")]
    assert isinstance(parse(line("ActivateRelationship", id="\U00020000" * 250, source="/" + "s" * 499)), Message)


def test_the_trace_of_a_delivery_is_not_content() -> None:
    one, other = (parse(line("ActivateRelationship", traceparent=trace)) for trace in ("00-1-1-01", "00-2-2-01"))
    assert isinstance(one, Message)
    assert isinstance(other, Message)
    assert one.fingerprint == other.fingerprint


def test_saying_that_the_data_is_json_changes_nothing() -> None:
    one, other = (parse(line("ActivateRelationship", datacontenttype=kind)) for kind in ("application/json", None))
    assert isinstance(one, Message)
    assert isinstance(other, Message)
    assert one.fingerprint == other.fingerprint


def test_a_composed_message_has_the_same_fingerprint_each_time() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def composed(channel: Any) -> Message:
        command = RecordContact(channel=channel)
        return compose(command, source="/w", id="1", subject=relationship_id(1), time=at, actor=Actor("worker", "w"))

    assert composed("email") == composed("email")
    assert composed("email").fingerprint != composed("platform").fingerprint


class TestManyProblems:
    def test_a_receipt_lists_fifty_and_counts_the_rest(self) -> None:
        data = {"session_id": "s1", "agenda": [{}] * 1000}
        receipt = parse(line("CompleteSession", data, subject=relationship_id(1), id="m"))
        assert isinstance(receipt, Receipt)
        *listed, more = receipt.problems
        assert len(listed) == MAX_PROBLEMS
        assert more.code == "more"
        assert len(receipt.to_json()) < 20_000

    @pytest.mark.parametrize(
        "data, field",
        [
            ({"agenda": [{}] * (MAX_ITEMS + 1)}, "data.agenda"),
            ({"agenda": [{}] * 60_000}, "data.agenda"),
            ({"present": [1] * (MAX_ITEMS + 1)}, "data.present"),
            ({"x": {"y": [[0] * (MAX_ITEMS + 1)]}}, "data.x.y.0"),
        ],
    )
    def test_a_list_has_so_many_entries_at_most(self, data: dict[str, Any], field: str) -> None:
        receipt = parse(line("CompleteSession", data, subject=relationship_id(1), id="m"))
        assert isinstance(receipt, Receipt)
        assert [(problem.code, problem.field) for problem in receipt.problems] == [("too_many", field)]

    def test_as_many_entries_as_may_be_are_looked_at(self) -> None:
        data = {"covered": ["process"] * MAX_ITEMS, "held_at": "2026-03-02T09:00:00Z"}
        read = parse(line("RecordContractingConversation", data, subject=relationship_id(1), id="m"))
        assert not isinstance(read, Receipt) or {problem.code for problem in read.problems}.isdisjoint({"too_many"})
