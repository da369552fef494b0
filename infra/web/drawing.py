"""The chart of a figure in a reader's language: the titles of its axes and legends, and the words of closed vocabularies in its rows.

Names that people chose, such as those of programmes, stay as they are.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.web.catalogue import catalogue
from infra.web.event_words import BANDS
from infra.web.wording import filters

# Fields of rows that hold one word, or several parted by commas.
_WORDS: Final = frozenset({"band", "step", "reason", "paused_by", "respondent", "party", "signal", "what", "question"})
_LISTS: Final = frozenset({"domain", "sort"})


def in_language(chart: Any, language: str) -> Any:
    """The specification of a chart (Vega-Lite) as somebody reads it."""
    word, said = filters(language)["word"], catalogue(language).gettext

    def worded(text: str, name: str | None = None) -> str:
        parts = text.split(", ")
        return ", ".join(part if part == name else said(BANDS[part]) if part in BANDS else word(part) for part in parts)

    def row(values: Mapping[str, Any]) -> dict[str, Any]:
        # The group of all is no name.
        own = values.get("programme")
        return {
            name: worded(value, own)
            if isinstance(value, str) and (name in _WORDS or (name == "group" and value == "all"))
            else value
            for name, value in values.items()
        }

    def within(name: str, value: Any) -> Any:
        if name == "title" and isinstance(value, str):
            return word(value)
        if name in _LISTS and isinstance(value, list):
            return [worded(each) if isinstance(each, str) else each for each in value]
        if name == "values" and isinstance(value, list):
            return [row(each) if isinstance(each, dict) else each for each in value]
        if name == "datasets":
            return {each: [row(values) for values in rows] for each, rows in value.items()}
        found = in_language(value, language)
        if name == "color" and isinstance(found, dict) and "field" in found and "title" not in found:
            found["title"] = word(found["field"])
        return found

    match chart:
        case dict():
            return {name: within(name, value) for name, value in chart.items()}
        case list():
            return [in_language(each, language) for each in chart]
        case _:
            return chart
