"""Markdown for the pages that are made from the code: tables whose cells hold any text."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

MADE: Final = "<!-- Made by `python -m infra.reference.pages`; change the code instead. -->"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table; a `|` or a line end in a cell can't break it."""
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(cell(value) for value in row)} |"


def cell(value: object) -> str:
    """Return a value as the text of one cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def code(value: object) -> str:
    """Return a value as code, or nothing for an empty text."""
    return f"`{value}`" if str(value) else ""
