"""Refusals are said in the reader's language, found by their shape; each stands in the code that makes it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from infra.web.catalogue import catalogue
from infra.web.refusals import REFUSALS

ROOT = Path(__file__).parents[3]
MADE_IN = (*sorted((ROOT / "domain").rglob("*.py")), ROOT / "infra" / "queries" / "person_data.py")


def texts() -> Iterator[str]:
    """Every text of this code, with an underline for each value in it."""
    for file in MADE_IN:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(each.value) if isinstance(each, ast.Constant) else "_" for each in node.values)


@cache
def known() -> frozenset[str]:
    return frozenset(texts())


@pytest.mark.parametrize("sentence", REFUSALS)
def test_each_sentence_is_one_that_the_code_makes(sentence: str) -> None:
    plain = re.sub(r"%\(\w+\)s", "_", sentence)
    assert plain in known()


def test_a_refusal_with_values_is_said_in_german_with_them() -> None:
    said = catalogue("de").gettext
    assert said("this overlaps with session s-4b1, scheduled for 2026-03-01T09:00:00+00:00") == "das überschneidet sich mit Sitzung s-4b1, geplant für 2026-03-01T09:00:00+00:00"  # fmt: skip
    assert said("mentee and mentor must be informed first: name them in informed once they are").startswith("Mentee und Mentor")  # fmt: skip
    assert said("event 7 waits for the word of mentor, not of mentee") == "Ereignis 7 wartet auf das Wort von Mentor, nicht von Mentee"  # fmt: skip


def test_what_is_no_refusal_stays_as_it_is() -> None:
    assert catalogue("de").gettext("that the %(mentor)s is late, 100 % of the time") == "that the %(mentor)s is late, 100 % of the time"  # fmt: skip
    assert catalogue("en").gettext("this topic is not private") == "this topic is not private"
