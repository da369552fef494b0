"""A correction whose data has not the form of the fact's command is invalid, as any malformed message is, in the same words."""

from typing import Any, Final

import pytest

from domain.model import FIRST_YEAR, LAST_YEAR
from infra.bootstrap import Rapport
from infra.intake.receipt import Receipt
from tests.messages import line, proposal

Data = dict[str, Any]
Put = list[tuple[str | None, str | None]]
LATE: Final = "2026-03-04T12:00:00Z"


def told(name: str, data: Data, *, at: str = LATE, by: str = "mentee:ana", key: str = "") -> bytes:
    """A message of the story."""
    return line(name, data, time=at, actor=by, id=f"{name}-{key}")


def session(key: str) -> bytes:
    """A session on the calendar."""
    data = {"session_id": key, "starts_at": f"2026-03-04T0{key[-1]}:00:00Z", "channel": "platform", "minutes": 30}
    return told("ScheduleSession", data, at="2026-03-02T10:00:00Z", key=key)


CHECK: Final = {
    "session_id": "s1",
    "checked_at": "2026-03-04T00:40:00Z",
    "device": "computer",
    **dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background"), True),
}
HELD: Final = {
    "session_id": "s1",
    "started_at": "2026-03-04T01:00:00Z",
    "ended_at": "2026-03-04T01:30:00Z",
    "present": ["mentee", "mentor"],
    "joined": {"mentee": "2026-03-04T01:00:00Z"},
    "agenda": [{"topic": "goals", "set_by": "mentee", "minutes": 30}],
}
MOVED: Final = {"session_id": "s4", "starts_at": "2026-03-05T04:00:00Z", "reason": "travel"}
GOAL: Final = {
    "goal_id": "g1",
    "title": "lead",
    "type": "career",
    "source": "mentee",
    "agreed_by": ["mentee", "mentor"],
}
PLAN: Final = {"every_days": 14, "starts_on": "2026-03-01", "ends_on": "2026-09-01", "channel": "platform"}
FACTS: Final[dict[str, Data]] = {
    "AgreePlan": PLAN,
    "RecordContractingConversation": {"held_at": "2026-03-01T09:00:00Z", "covered": ["termination"]},
    "AgreeGoal": GOAL,
    "ReviseGoal": {"goal_id": "g1", "title": "lead two", "agreed_by": ["mentee", "mentor"]},
    "RecordGoalProgress": {"goal_id": "g1", "progress": "some", "note": "a talk"},
    "DeclareConflictOfInterest": {"nature": "financial", "description": "shares"},
    "RecordAssessment": {"assessment_id": "a1", "area": "listening", "text": "well"},
    "RecordPresessionCheck": CHECK,
    "CompleteSession": HELD,
    "RecordNoShow": {"session_id": "s2", "absent": ["mentor"]},
    "CancelSession": {"session_id": "s3", "reason": "ill"},
    "RescheduleSession": MOVED,
    "ReportHomework": {"session_id": "s1", "hours": 2},
    "RecordSessionNote": {"session_id": "s1", "text": "we talked"},
    "RecordContact": {"channel": "email", "minutes": 5},
}
BEFORE: Final = {"CancelSession": "2026-03-02T11:00:00Z", "RescheduleSession": "2026-03-02T11:00:00Z"}
BY: Final = {"RecordAssessment": "coordinator:cora"}
STORY: Final = [
    proposal(1),
    line("ActivateRelationship"),
    *(session(f"s{number}") for number in range(1, 5)),
    *(told(name, data, at=BEFORE.get(name, LATE), by=BY.get(name, "mentee:ana")) for name, data in FACTS.items()),
]
# A field of each kind for each way to be wrong, where it has one: a text, an id, a time or day.
TEXTS: Final = {
    "ReviseGoal": "title",
    "AgreeGoal": "title",
    "RecordGoalProgress": "note",
    "DeclareConflictOfInterest": "description",
    "RecordAssessment": "text",
    "CompleteSession": "agenda.0.topic",
    "CancelSession": "reason",
    "RescheduleSession": "reason",
    "RecordSessionNote": "text",
}
IDS: Final = {
    name: next(field for field in data if field.endswith("_id"))
    for name, data in FACTS.items()
    if any(field.endswith("_id") for field in data)
}
DAYS: Final = {"AgreePlan": "starts_on"}
TIMES: Final = {
    "RecordContractingConversation": "held_at",
    "RecordPresessionCheck": "checked_at",
    "CompleteSession": "joined.mentee",
    "RescheduleSession": "starts_at",
}


@pytest.fixture
def versions(rapport: Rapport) -> dict[str, int]:
    """The story on record: the version of each fact, by its command."""
    receipts = rapport.handler.handle(STORY)
    assert {receipt.status for receipt in receipts} == {"accepted"}, receipts
    return {receipt.id.partition("-")[0]: receipt.events[0][1] for receipt in receipts if receipt.id}


def corrected(rapport: Rapport, version: int, data: Data, id_: str = "c", by: str = "coordinator:cora") -> Receipt:
    """The answer to a correction, by the office if not said otherwise."""
    (receipt,) = rapport.handler.handle(
        [line("CorrectFact", {"version": version, "reason": "not so", "data": data}, id=id_, time=LATE, actor=by)]
    )
    return receipt


def put(data: Any, path: str, value: Any) -> Any:
    """The data with another value at a path."""
    first, _, rest = path.partition(".")
    key = int(first) if isinstance(data, list) else first
    changed = data.copy()
    changed[key] = put(data[key], rest, value) if rest else value
    return changed


def said(receipt: Receipt) -> list[tuple[str, str | None]]:
    """Code and field of each problem of a malformed correction, whose id is not used."""
    assert receipt.status == "invalid", receipt
    return [(problem.code, problem.field) for problem in receipt.problems]


@pytest.mark.parametrize("name", FACTS)
def test_what_a_message_of_the_command_would_be_told_a_correction_is_told(
    rapport: Rapport, versions: dict[str, int], name: str
) -> None:
    data, version = FACTS[name], versions[name]
    first, *_ = data
    near = f"{first[:-1]}"
    wrong: list[tuple[Data, list[tuple[str, str | None]]]] = [
        (data | {near: 1}, [("unknown_field", f"data.data.{near}")]),
        (data | {"zzzz": 1}, [("unknown_field", "data.data.zzzz")]),
        (data | {first: {"a": 1}}, [("bad_id" if first.endswith("_id") else "bad_value", f"data.data.{first}")]),
    ]
    if name != "ReportHomework":
        wrong.append(({key: value for key, value in data.items() if key != first}, [("missing", f"data.data.{first}")]))
    if path := TEXTS.get(name):
        wrong += [
            (put(data, path, text), [("bad_value", f"data.data.{path}")]) for text in ("x" * 20_001, "", "\u200b ", 7)
        ]
        wrong += [(put(data, path, "a\0b"), [("bad_character", f"data.data.{path}")])]
    if path := IDS.get(name):
        wrong += [(put(data, path, id_), [("bad_id", f"data.data.{path}")]) for id_ in ("", "an a", "ö", "x" * 65, 7)]
    for path in filter(None, [TIMES.get(name)]):
        wrong += [
            (put(data, path, "2026-03-04T01:00:00"), [("naive_time", f"data.data.{path}")]),
            (put(data, path, "yesterday"), [("bad_value", f"data.data.{path}")]),
            (put(data, path, f"{FIRST_YEAR}-01-01T00:00:00+14:00"), [("bad_value", f"data.data.{path}")]),
            (put(data, path, f"{LAST_YEAR}-12-31T23:59:59-12:00"), [("bad_value", f"data.data.{path}")]),
        ]
    for path in filter(None, [DAYS.get(name)]):
        wrong += [
            (put(data, path, day), [("bad_value", f"data.data.{path}")])
            for day in ("1.3.2026", "2026-02-30", "1899-12-31")
        ]
    for number, (changed, expected) in enumerate(wrong):
        receipt = corrected(rapport, version, changed, f"c{number}")
        assert said(receipt) == expected, changed
        assert all("expected" in problem.message for problem in receipt.problems)


@pytest.mark.parametrize("name", FACTS)
def test_a_malformed_correction_has_not_used_its_id(rapport: Rapport, versions: dict[str, int], name: str) -> None:
    assert said(corrected(rapport, versions[name], FACTS[name] | {"zzzz": 1})) == [("unknown_field", "data.data.zzzz")]
    # The same data as it stands changes nothing, and is taken.
    assert corrected(rapport, versions[name], FACTS[name]).status == "accepted"
    assert corrected(rapport, versions[name], FACTS[name]).status == "duplicate"


def test_an_unknown_field_says_what_it_may_have_meant(rapport: Rapport, versions: dict[str, int]) -> None:
    receipt = corrected(rapport, versions["RecordContact"], {"chanel": "email"})
    assert said(receipt) == [("missing", "data.data.channel"), ("unknown_field", "data.data.chanel")]
    assert receipt.problems[1].message == "expected no such field; did you mean channel?"
    agenda = [HELD["agenda"][0] | {"homework": "h1"}]  # type: ignore[index]
    receipt = corrected(rapport, versions["CompleteSession"], HELD | {"agenda": agenda})
    assert said(receipt) == [("unknown_field", "data.data.agenda.0.homework")]
    assert receipt.problems[0].message == "expected no such field; did you mean homework_id?"


def test_a_whole_number_may_be_written_as_json_lets_it(rapport: Rapport, versions: dict[str, int]) -> None:
    assert corrected(rapport, versions["RecordContact"], {"channel": "email", "minutes": 7.0}).status == "accepted"
    assert said(corrected(rapport, versions["RecordContact"], {"channel": "email", "minutes": 7.5}, "d")) == [
        ("bad_value", "data.data.minutes")
    ]


def test_a_party_passes_on_nobodys_wish_in_a_correction_either(rapport: Rapport, versions: dict[str, int]) -> None:
    changed = FACTS["CancelSession"] | {"on_behalf_of": "mentor"}
    receipt = corrected(rapport, versions["CancelSession"], changed, by="mentee:ana")
    assert said(receipt) == [("bad_value", "data.data.on_behalf_of")]
    # The office may say whose wish it was.
    assert corrected(rapport, versions["CancelSession"], changed).status == "accepted"


def test_all_that_is_wrong_is_told_at_once_up_to_the_most(rapport: Rapport, versions: dict[str, int]) -> None:
    receipt = corrected(
        rapport, versions["RecordNoShow"], {"session_id": "!", "absent": ["nobody"], "cause": 1, "x": 2}
    )
    assert {field for _, field in said(receipt)} == {
        f"data.data.{field}" for field in ("session_id", "absent.0", "cause", "x")
    }
    receipt = corrected(rapport, versions["RecordNoShow"], {f"x{number}": 1 for number in range(200)}, "d")
    assert receipt.problems[-1].code == "more"
    assert len(receipt.problems) == 51


def test_rules_still_refuse_a_correction_whose_form_is_right(rapport: Rapport, versions: dict[str, int]) -> None:
    receipt = corrected(rapport, versions["RecordNoShow"], {"session_id": "s9", "absent": ["mentor"]})
    assert (receipt.status, receipt.problems[0].field) == ("refused", "data.data.session_id")
    receipt = corrected(rapport, versions["RescheduleSession"], MOVED | {"reason": "fun"}, "d")
    assert [(receipt.status, problem.code) for problem in receipt.problems] == [("refused", "not_correctable")]
