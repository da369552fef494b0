"""Small charts in the terminal: a bar, a line of heights, an interval on a scale."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

FULL: Final = "█"
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
HEIGHTS: Final = "▁▂▃▄▅▆▇█"
COLOURS: Final = {"healthy": "green", "watch": "yellow", "at_risk": "dark_orange", "critical": "red"}


def bar(value: float, most: float, width: int = 20, colour: str = "") -> Text:
    """A bar as long as the value is of the most."""
    eighths = round(8 * width * max(0.0, min(value, most)) / most) if most else 0
    whole, rest = divmod(eighths, 8)
    return Text((FULL * whole + (EIGHTHS[rest] if rest else "")).ljust(width), style=colour)


def line(values: Sequence[float], least: float, most: float) -> Text:
    """A height for each value between the least and the most."""
    top = len(HEIGHTS) - 1
    return Text(
        "".join(HEIGHTS[round(top * (max(least, min(value, most)) - least) / (most - least))] for value in values)
    )


def interval(low: float, value: float, high: float, least: float, most: float, width: int = 41) -> Text:
    """An interval on a scale with its value, and a mark in the middle of the scale."""

    def place(at: float) -> int:
        return round((width - 1) * (at - least) / (most - least))

    cells = [" "] * width
    cells[(width - 1) // 2] = "┊"
    for at in range(place(low), place(high) + 1):
        cells[at] = "─"
    cells[place(value)] = "●"
    return Text("".join(cells))
