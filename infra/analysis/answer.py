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

    @property
    def can_be_drawn(self) -> bool:
        """Whether there is anything to draw: practices of which every group is hidden have rows without a share."""
        return any(row.get("share", 0) is not None for row in self.rows)


def counted(count: int, one: str) -> str:
    """A count and what is counted, as "1 month" and "2,000 months"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def hidden_sentences(count: int, one: str, why: str) -> tuple[str, ...]:
    """What is said of what is not shown; nothing where all is."""
    return (f"{counted(count, one)} {'is' if count == 1 else 'are'} hidden: {why}.",) if count else ()
