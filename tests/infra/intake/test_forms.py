"""The form of every field of every command: no blank text, no year out of range, no entry twice; what is wrong is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.codes.questions import QUESTIONS
from domain.model import FIRST_YEAR, LAST_YEAR, is_blank
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from tests.whole_commands import WHOLE, Path, dotted, places, whole_message, with_value

BLANKS = {
    "empty": "",
    "a space": " ",
    "white space": " \t\r\n\v\f",
    "no-break spaces": "\u00a0\u202f\u2007",
    "wide spaces": "\u2003\u3000\u1680",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "line separators": "\u2028\u2029\u0085",
    "direction marks": "\u200e\u202e\u2066",
    "a variation selector": "\ufe0f",
    "a soft hyphen": "\u00ad",
    "a joiner": "\u034f",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "a Braille blank": "\u2800",
    "a tag": "\U000e0020",
    "very long": " " * 20_000,
}
# A rule asks for next steps, and says what to do.
NEXT_STEPS = {
    ("PostponeRelationship", "next_steps"),
    ("PauseRelationship", "next_steps"),
    ("TerminateRelationship", "next_steps"),
}
# What a correction brings is looked at by the fact that it corrects (test_malformed_corrections).
PLACES = [
    (name, path, value)
    for name, data in WHOLE.items()
    for path, value in places(data)
    if name != "CorrectFact" or path[0] != "data"
]
TEXTS = [(name, path) for name, path, value in PLACES if isinstance(value, str) and (name, path[0]) not in NEXT_STEPS]
LISTS = [(name, path) for name, path, value in PLACES if isinstance(value, list) and path != ("agenda",)]
TIMES = [
    (name, path) for name, path, value in PLACES if isinstance(value, str) and "T" in value and value.endswith("Z")
]
DAYS = [
    (name, path)
    for name, path, value in PLACES
    if isinstance(value, str) and len(value) == 10 and value[4] == "-" == value[7]
]
OUT_OF_RANGE = [
    f"{FIRST_YEAR}-01-01T00:00:00+14:00",
    f"{FIRST_YEAR}-01-01T00:00:00+00:01",
    f"{FIRST_YEAR - 1}-12-31T23:59:59Z",
    f"{LAST_YEAR}-12-31T23:59:59-12:00",
    f"{LAST_YEAR}-12-31T23:59:59-00:01",
    f"{LAST_YEAR + 1}-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    # In range in UTC, but nobody's calendar says so.
    f"{FIRST_YEAR - 1}-12-31T23:00:00-02:00",
    f"{LAST_YEAR + 1}-01-01T01:00:00+02:00",
]
IN_RANGE = [
    f"{FIRST_YEAR}-01-01T00:00:00Z",
    f"{FIRST_YEAR}-01-01T00:00:00-12:00",
    f"{LAST_YEAR}-12-31T23:59:59Z",
    f"{LAST_YEAR}-12-31T23:59:59+14:00",
]


def named(case: tuple[str, Path]) -> str:
    """What pytest calls a case."""
    return f"{case[0]}.{'.'.join(map(str, case[1]))}"


def sent(name: str, data: Any, **fields: Any) -> Message | Receipt:
    """What is read of a command with this data."""
    return parse(json.dumps(whole_message(name, data, **fields)).encode())


def wrong(name: str, path: Path, value: Any) -> list[tuple[str | None, str]]:
    """Field and message of each problem of a command that must be invalid for its value at a place."""
    found = sent(name, with_value(WHOLE[name], path, value))
    assert isinstance(found, Receipt), (name, path, value)
    assert found.status == "invalid"
    return [(problem.field, problem.message) for problem in found.problems]


def read(name: str, data: Any) -> Message:
    """The message that must be well-formed."""
    found = sent(name, data)
    assert isinstance(found, Message), found
    return found


def test_the_whole_of_every_command_is_well_formed() -> None:
    for name, data in WHOLE.items():
        read(name, data)


# --- texts --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", TEXTS, ids=named)
def test_a_text_that_says_nothing_is_invalid_wherever_it_stands(case: tuple[str, Path]) -> None:
    name, path = case
    for blank in BLANKS.values():
        fields = {field for field, message in wrong(name, path, blank) if "expected" in message}
        assert dotted(path) in fields


@pytest.mark.parametrize("blank", BLANKS.values(), ids=list(BLANKS))
def test_who_leaves_a_text_blank_learns_what_was_expected(blank: str) -> None:
    assert is_blank(blank)
    said = "expected a text that says something, found a blank one"
    assert wrong("ReportProblem", ("description",), blank) == [("data.description", said)]
    assert wrong("RecordEndReview", ("signposting", 0), blank) == [("data.signposting.0", said)]
    assert wrong("CompleteSession", ("agenda", 0, "topic"), blank) == [("data.agenda.0.topic", said)]
    assert wrong("RegisterMentor", ("name",), blank)[0][0] == "data.name"
    optional = f"{said}; leave the field out if there is nothing to say"
    assert wrong("RecordGoalProgress", ("note",), blank) == [("data.note", optional)]
    assert wrong("RespondToNps", ("comment",), blank) == [("data.comment", optional)]


@pytest.mark.parametrize("name,field", sorted(NEXT_STEPS))
def test_blank_next_steps_are_left_to_the_rule_that_asks_for_them(name: str, field: str) -> None:
    for blank in BLANKS.values():
        read(name, WHOLE[name] | {field: blank})


@pytest.mark.parametrize(
    "text", ["no", " padded ", "-", "?", "0", "é", "ш", "語", "ـب", "👍", "\u200b.", "e\u0301", "\ue000"]
)
def test_a_text_with_anything_to_read_is_taken_as_it_is(text: str) -> None:
    assert not is_blank(text)
    assert read("ReportProblem", {"description": text}).command.model_dump() == {"description": text}


@given(st.text(max_size=40))
def test_no_text_is_blank_that_shows_a_letter_or_a_digit(text: str) -> None:
    assert is_blank(text) == is_blank(text[::-1])
    assert not is_blank(text + "a")
    assert not is_blank("7" + text)


# --- times and days -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", TIMES, ids=named)
def test_a_time_is_judged_by_its_year_in_utc(case: tuple[str, Path]) -> None:
    name, path = case
    for time in OUT_OF_RANGE:
        assert (dotted(path), f"expected a time whose year is from {FIRST_YEAR} to {LAST_YEAR} in UTC") in wrong(
            name, path, time
        )
    for time in IN_RANGE:
        found = sent(name, with_value(WHOLE[name], path, time))
        # Other fields may not fit to so early or late a time.
        assert isinstance(found, Message) or "year" not in found.problems[0].message


@pytest.mark.parametrize("time", OUT_OF_RANGE)
def test_so_is_the_time_of_a_message(time: str) -> None:
    found = sent("ActivateRelationship", {}, time=time)
    assert isinstance(found, Receipt)
    assert [(found.status, problem.field) for problem in found.problems] == [("invalid", "time")]


@pytest.mark.parametrize("case", DAYS, ids=named)
def test_a_day_has_a_year_in_range(case: tuple[str, Path]) -> None:
    name, path = case
    for day in (f"{FIRST_YEAR - 1}-12-31", f"{LAST_YEAR + 1}-01-01", "0001-01-01", "9999-12-31"):
        assert (dotted(path), f"expected a year from {FIRST_YEAR} to {LAST_YEAR}") in wrong(name, path, day)


# --- lists --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", LISTS, ids=named)
def test_an_entry_that_comes_twice_counts_once_at_its_first_place(case: tuple[str, Path]) -> None:
    name, path = case
    (entries,) = [value for place, value in places(WHOLE[name]) if place == path]
    once = read(name, WHOLE[name]).command
    for doubled in ([*entries, entries[0]], [*entries, *entries], [entries[0], *entries]):
        assert read(name, with_value(WHOLE[name], path, doubled)).command == once


def test_what_an_agenda_has_twice_took_place_twice() -> None:
    item = WHOLE["CompleteSession"]["agenda"][0]
    command: Any = read("CompleteSession", WHOLE["CompleteSession"] | {"agenda": [item, item]}).command
    assert len(command.agenda) == 2


@pytest.mark.parametrize("not_shared", [["goals"], ["challenges", "goals"], ["goals", "goals"]])
def test_no_class_of_data_is_both_shared_and_not_shared(not_shared: list[str]) -> None:
    ((field, message),) = wrong("AgreeConfidentiality", ("not_shared",), not_shared)
    assert (field, message.partition(",")[2]) == ("data.not_shared", " found goals")


# --- clauses and answers ------------------------------------------------------------------------------------------
def feedback(answers: dict[str, Any]) -> Message | Receipt:
    """What is read of feedback with these answers."""
    return sent("GiveFeedback", {"about": "process", "answers": answers})


@pytest.mark.parametrize("answer", [True, False, "yes", "no", " Yes", "NO\n", 1, 2, 3, 4, 5, 4.0])
@pytest.mark.parametrize("question", ["pentalog.attention", "mentor247.language", "mentor247.surroundings"])
def test_a_question_about_practice_is_answered_yes_no_or_1_to_5(question: str, answer: Any) -> None:
    assert isinstance(feedback({question: answer}), Message)


@pytest.mark.parametrize("answer", ["maybe", "4", "yes please", "oui", 0, 6, -1, 2.5, 10, 2**62, 1e300, "true"])
@pytest.mark.parametrize("question", ["pentalog.attention", "leapfrog.openness", "mentor247.surroundings"])
def test_another_answer_is_invalid_and_the_scale_is_told(question: str, answer: Any) -> None:
    found = feedback({"free": answer, question: answer, "cmn.inclusion": answer})
    assert isinstance(found, Receipt)
    assert [(problem.code, problem.field) for problem in found.problems] == [
        ("bad_value", f"data.answers.{question}"),
        ("bad_value", "data.answers.cmn.inclusion"),
    ]
    said = "expected yes, no (or true, false) or a whole number from 1 to 5"
    assert all(problem.message.startswith(said) for problem in found.problems)
    assert QUESTIONS["cmn.inclusion"] in found.problems[1].message


@pytest.mark.parametrize("answer", ["a lot", 0, 11, 2.5, -3, True])
def test_a_free_key_takes_any_answer(answer: Any) -> None:
    assert isinstance(feedback({"how often": answer, "pentalog.goals": answer, "Pentalog.attention": answer}), Message)


@pytest.mark.parametrize(
    "clause,meant",
    [
        ("cmn.boundary", "cmn.boundaries"),
        ("CMN.Boundaries", "cmn.boundaries"),
        ("pentalog.respects", "pentalog.respect"),
        ("leapfrog-respect", "leapfrog.respect"),
    ],
)
def test_a_breach_of_a_code_names_a_clause_of_one(clause: str, meant: str) -> None:
    data = {"against": "mentor", "description": "x", "kind": "code"}
    said = f"expected the id of a clause, CODE.CLAUSE; did you mean {meant}?"
    found = sent("ReportBreach", data | {"clause": clause})
    assert isinstance(found, Receipt)
    assert [(problem.field, problem.message) for problem in found.problems] == [("data.clause", said)]
    read("ReportBreach", data | {"clause": meant})
    read("ReportBreach", data)
    for kind in ("policy", "law"):
        read("ReportBreach", data | {"kind": kind, "clause": clause})


def test_a_clause_that_is_like_none_is_told_where_clauses_are_listed() -> None:
    found = sent("ReportBreach", {"against": "mentor", "description": "x", "kind": "code", "clause": "§ 12"})
    assert isinstance(found, Receipt)
    assert "rapport codes list" in found.problems[0].message
