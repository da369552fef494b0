"""Every practice clause that is asked about has its question, and answers are bad or good as the rules say."""

import pytest

from domain.codes.clauses import CLAUSES, Clause
from domain.codes.questions import QUESTIONS, is_bad, is_good, questions_of
from tests.given_when_then import ALL_CODES


def test_each_practice_clause_that_is_asked_about_has_one_sentence() -> None:
    asked = {clause.id for clause in CLAUSES.values() if any(each.startswith("question:") for each in clause.binds)}
    assert asked == set(QUESTIONS)
    # Those of which a bad answer reaches the office, and the mentee's ownership.
    assert asked == {
        "pentalog.attention",
        "mentor247.language",
        "cmn.inclusion",
        "cmn.ownership",
        "leapfrog.openness",
        "nottingham.opinions",
        "nottingham.individual-needs",
    }
    for sentence in QUESTIONS.values():
        assert sentence.endswith("?")
        assert sentence.count("?") == 1


@pytest.mark.parametrize("change", [{"question": None}, {"question": "Say how it was."}, {"kinds": ("signal",)}])
def test_a_clause_that_asks_without_words_stops_the_program(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"question|practice"):
        Clause.model_validate(CLAUSES["pentalog.attention"].model_dump() | change)


def test_a_code_asks_its_own_questions_alone() -> None:
    assert questions_of(()) == ()
    assert questions_of(("nottingham", "cmn")) == (
        "cmn.inclusion",
        "cmn.ownership",
        "nottingham.individual-needs",
        "nottingham.opinions",
    )
    assert set(questions_of(ALL_CODES)) == set(QUESTIONS)


@pytest.mark.parametrize("answer", [False, "no", "No ", 1, 2, 1.0, 2.0])
def test_a_bad_answer_is_false_no_or_one_or_two_of_five(answer: bool | float | str) -> None:
    assert is_bad(answer)
    assert not is_good(answer)


@pytest.mark.parametrize("answer", [True, "yes", "Yes", 3, 4, 5, 5.0])
def test_yes_and_three_to_five_are_good(answer: bool | float | str) -> None:
    assert is_good(answer)
    assert not is_bad(answer)


@pytest.mark.parametrize("answer", ["", "not really", 0, 6, -1, 100])
def test_other_answers_are_neither(answer: bool | float | str) -> None:
    assert not is_good(answer)
    assert not is_bad(answer)
