"""Refusals and what is said under figures come in the reader's language, found by their shape; the code itself says which sentences there are."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from domain import form
from domain.registry import COMMANDS
from domain.relationship.gates import GATES
from infra.analysis.answer import hidden_sentences
from infra.web.catalogue import LANGUAGES, SOURCE, catalogue
from infra.web.page import environment
from infra.web.refusals import LONGEST, OF_FIGURES, REFUSALS, SHAPES
from tests.infra.web.sentences_of_code import ROOT, UNKNOWN, VALUE, Code, Sentence

OTHERS: Final = [language for language in LANGUAGES if language != SOURCE]
DOMAIN: Final = (*sorted((ROOT / "domain").rglob("*.py")), ROOT / "infra" / "intake" / "batch.py")
FIGURES: Final = (*sorted((ROOT / "infra" / "analysis").glob("*.py")), ROOT / "infra" / "web" / "figures.py")
PAGES: Final = sorted((ROOT / "infra" / "web").rglob("*.py"))
MADE_IN: Final = (*PAGES, *DOMAIN, ROOT / "infra" / "queries" / "person_data.py", *FIGURES)
PLAIN: Final = frozenset(sentence for sentence in (*REFUSALS, *OF_FIGURES) if "%(" not in sentence)
# Checks of the code itself, of which no form of a page can be the cause.
OF_CODE: Final = ("domain/calendar.py", "domain/codes/clauses.py", "domain/relationship/evolve.py")
# What is found in another way: findings of pydantic, gates, what was hidden; and what a store says that can't be read.
ELSEWHERE: Final = {
    "domain/form.py": "test_what_a_form_may_be_filled_in_with_wrongly_is_said_in_each_language",
    "domain/relationship/gates.py": "test_each_gate_is_said_in_each_language",
    "domain/relationship/corrections.py": "a fact that a later Rapport recorded",
    "infra/intake/batch.py": "a store that can't be read",
    "infra/analysis/lasting.py": "test_what_is_hidden_is_said_in_each_language",
}
# What a person may fill in wrongly.
WRONG: Final = ("", " ", "x", "x" * 5000, 10**9, -(10**9), 1.5, float("inf"), ["x"] * 500, "2026-13-01", "mentee:", "who:x")  # fmt: skip
# Pages offer these as lists, switches and rows of fields.
OFFERED: Final = re.compile(r"expected '.*|expected a valid (string|tuple|dictionary|boolean)|.* or expected .*|String expected to match pattern .*")  # fmt: skip


@cache
def refusals() -> tuple[Sentence, ...]:
    code = Code(DOMAIN)
    found = (*code.given("Problem", 1, "message"), *code.given("ValueError", 0))
    # A model's own check names its field.
    plain = (each._replace(text=re.sub(r"^\w+: (?=expected )", "", each.text)) for each in found)
    return tuple(each for each in plain if not each.where.startswith(OF_CODE))


@cache
def of_pages() -> tuple[Sentence, ...]:
    code = Code(PAGES)
    said = (*code.given("Problem", 1), *code.given("forbidden", 0), *code.given("not_found", 0), *code.given("wrong_query", 1))  # fmt: skip
    # What another part found is that part's to say.
    return tuple(each for each in said if UNKNOWN not in each.text)


@cache
def of_figures() -> tuple[Sentence, ...]:
    return tuple(each for each in Code(FIGURES).given("Answer", 5, "sentences") if "hidden: " not in each.text)


@cache
def hidden() -> tuple[Sentence, ...]:
    code = Code(FIGURES)
    groups = [each for each in code.given("hidden_sentences", 1) if each.text]
    return tuple(
        Sentence(text, group.where)
        for group in groups
        for why in code.given("hidden_sentences", 2)
        if why.where == group.where
        for count in (1, 12)
        for text in hidden_sentences(count, group.text, why.text)
    )


def lacking(sentences: Iterable[Sentence], language: str) -> Iterator[str]:
    """The sentences that a language does not say, with where they are made."""
    said = catalogue(language).gettext
    for text, where in sentences:
        if UNKNOWN in text:
            if not where.startswith(tuple(ELSEWHERE)):
                yield f"{where}: nobody can tell which sentence this is"
        elif said(text) == text or any(said(value) == value for value in english(text)):
            yield f"{where}: {text}"


def english(text: str) -> Iterator[str]:
    """Words of ours that the shape of a sentence takes for a value."""
    found = None if text in PLAIN else next((found for _, shape in SHAPES if (found := shape.fullmatch(text))), None)
    for value in found.groups() if found else ():
        yield from (part for part in re.split(", | and | or ", value) if VALUE not in part and not part.isdigit())


def texts() -> Iterator[str]:
    """Every text of this code, with a mark for each value in it."""
    for file in MADE_IN:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(each.value) if isinstance(each, ast.Constant) else VALUE for each in node.values)


@cache
def used() -> frozenset[str]:
    """The sentences of ours that some sentence of the code is found by, and those without a value that it has."""
    said = {each.text for each in (*refusals(), *of_pages(), *of_figures(), *hidden())} | findings()
    found = said | {text for text in texts() if VALUE in text or text in PLAIN}
    return (PLAIN & found) | {own for text in found - PLAIN for own, shape in SHAPES if shape.fullmatch(text)}


@cache
def findings() -> frozenset[str]:
    """What models find in what people may fill in wrongly."""
    return frozenset(
        problem.message
        for command in COMMANDS.values()
        for name in command.model_fields
        for value in WRONG
        for problem in _found(command, {name: value})
        if not OFFERED.fullmatch(problem.message)
    )


def _found(command: Any, data: dict[str, Any]) -> list[Any]:
    try:
        command.model_validate(data)
    except ValidationError as error:
        return form.problems(error, data, command, {})
    return []


@pytest.mark.parametrize("language", OTHERS)
def test_each_refusal_that_the_domain_makes_is_said_in_each_language(language: str) -> None:
    assert list(lacking(refusals(), language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_refusal_of_a_page_is_said_in_each_language(language: str) -> None:
    assert len(of_pages()) > 10
    assert list(lacking(of_pages(), language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_under_a_figure_is_said_in_each_language(language: str) -> None:
    assert list(lacking(of_figures(), language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_hidden_is_said_in_each_language(language: str) -> None:
    assert len(hidden()) > 10
    assert list(lacking(hidden(), language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_gate_is_said_in_each_language(language: str) -> None:
    assert list(lacking((Sentence(gate.missing, "gate") for gate in GATES), language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_a_form_may_be_filled_in_with_wrongly_is_said_in_each_language(language: str) -> None:
    said = catalogue(language).gettext
    assert [text for text in findings() if said(text) == text] == []


@pytest.mark.parametrize("sentence", [*REFUSALS, *OF_FIGURES])
def test_each_sentence_is_one_that_the_code_makes(sentence: str) -> None:
    assert sentence in used()


def test_a_sentence_that_nobody_translated_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text(
        "def rule(role, kind):\n"
        "    which = f'of {kind} ' if kind else ''\n"
        "    message = f'{role} may not {which}do this'\n"
        "    yield Problem('role', message, field=_at(role))\n"
        "    yield Problem('role', role)\n"
    )
    code = Code([file], root=tmp_path)
    assert list(lacking(code.given("Problem", 1, "message"), "de")) == [
        "rules.py:4: 4711 may not of 4711 do this",
        "rules.py:4: 4711 may not do this",
        "rules.py:5: nobody can tell which sentence this is",
    ]


def test_a_sentence_whose_words_pass_for_a_value_of_another_is_named() -> None:
    assert list(lacking([Sentence("the mentor is somewhere else", "here")], "de")) == ["here: the mentor is somewhere else"]  # fmt: skip


def test_of_several_shapes_the_one_with_the_most_words_is_taken() -> None:
    own = [len(re.sub(r"%\(\w+\)s", "", sentence)) for sentence, _ in SHAPES]
    assert all(one >= other for one, other in pairwise(own))
    assert catalogue("de").gettext("the mentor is suspended everywhere: reinstate them without a programme_id").startswith("der Mentor ist überall")  # fmt: skip


def test_a_refusal_with_values_is_said_in_german_with_them() -> None:
    said = catalogue("de").gettext
    assert said("this overlaps with session s-4b1, scheduled for 2026-03-01T09:00:00+00:00") == "das überschneidet sich mit Sitzung s-4b1, geplant für 2026-03-01T09:00:00+00:00"  # fmt: skip
    assert said("mentee and mentor must be informed first: name them in informed once they are").startswith("Mentee und Mentor")  # fmt: skip
    assert said("event 7 waits for the word of mentor, not of mentee") == "Ereignis 7 wartet auf das Wort von Mentor, nicht von Mentee"  # fmt: skip


def test_what_later_facts_say_in_a_refusal_is_said_in_german_too() -> None:
    said = catalogue("de").gettext
    text = "event 5 relies on what was recorded (5: this relationship has no goal g-1); correct or void it first"
    assert said(text).startswith("Ereignis 5 beruht auf dem, was festgehalten wurde (5: diese Beziehung hat kein Ziel g-1)")  # fmt: skip


def test_a_number_has_the_comma_of_its_language() -> None:
    said = catalogue("de").gettext
    assert "0,82 (" in said("AUC of the day-30 score for ending early: 0.82 (0.5: tells nothing, 1: tells all).")
    assert environment("de").from_string("{{ 7.5 | number }} {{ 24.0 | number }}").render() == "7,5 24"
    assert environment("en").from_string("{{ 7.5 | number }}").render() == "7.5"


def test_what_is_longer_than_any_refusal_stays_as_it_is() -> None:
    long = "there is no term " + "no " * LONGEST + "; did you mean late_notice_hours?"
    assert catalogue("de").gettext(long) == long


def test_what_is_no_refusal_stays_as_it_is() -> None:
    assert catalogue("de").gettext("that the %(mentor)s is late, 100 % of the time") == "that the %(mentor)s is late, 100 % of the time"  # fmt: skip
    assert catalogue("en").gettext("this topic is not private") == "this topic is not private"
