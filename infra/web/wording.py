"""The words of the record in a reader's language: types, states, terms and other words of closed vocabularies, and the rules of clauses.

What people chose freely, ids above all, passes unchanged: it is in no catalogue.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from domain.codes.clauses import CLAUSES
from infra.pages.page import plain, spaced
from infra.web.catalogue import catalogue

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
# `RelationshipProposed` is read as "relationship proposed".
_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def in_words(value: object) -> str:
    """A word of ours as English writes it; what is no text as people write it."""
    if not isinstance(value, str):
        return plain(value)
    word = spaced(value)
    if word.isalpha() and word[:1].isupper() and not word.isupper():
        return _CAPITALS.sub(" ", word).capitalize()
    return word


def filters(language: str) -> dict[str, Callable[[Any], str]]:
    """The filters of templates in a language: `word`, `sentence` of a clause's id, `said` of a sentence of ours."""
    sentences = catalogue(language)

    def said(text: str) -> str:
        return sentences.gettext(text) if text else ""

    def word(value: object) -> str:
        return said(in_words(value))

    def sentence(clause: str | None) -> str:
        found = CLAUSES.get(clause or "")
        return said(found.rule) if found else clause or ""

    return {"word": word, "sentence": sentence, "said": said, "number": number, "share": share}


def number(value: float | None) -> str:
    """A number without a tail of zeros; nothing where there is none."""
    return "" if value is None else f"{value:.1f}".removesuffix(".0")


def share(value: float | None) -> str:
    """A share from 0 to 1 as a percentage; nothing where there is none."""
    return "" if value is None else f"{100 * value:.0f} %"


def is_timely(value: object) -> bool:
    """Whether a value is a time, as such or as text."""
    return isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value) is not None)
