"""What an answer is: a table, what sums it up, what has to be said beside it, and a drawing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
# A specification of Vega-Lite.
Chart = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """An answer to one question.

    `rows` are whole and have the `columns`; `brief` are those that text shows, where they are too many. `chart` makes the drawing when it
    is wanted.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[Row]
    chart: Callable[[list[Row]], Chart]
    summary: dict[str, Any] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    brief: tuple[tuple[str, ...], list[Row]] | None = None
