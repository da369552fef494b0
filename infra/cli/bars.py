"""Small charts in the terminal: a bar, a line of heights, an interval on a scale; in ASCII where there is nothing else."""

from collections.abc import Sequence
from typing import Final

from infra.cli import streams

EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
HEIGHTS: Final = "▁▂▃▄▅▆▇█"
ASCII_HEIGHTS: Final = "_.-=+*%#"
SCALE: Final = "┊─●"
ASCII_SCALE: Final = "|-o"
BANDS: Final = ("healthy", "watch", "at_risk", "critical")


def bar(value: float, most: float, width: int = 20) -> str:
    """A bar as long as the value is of the most."""
    eighths = round(8 * width * max(0.0, min(value, most)) / most) if most else 0
    if not _drawable(EIGHTHS):
        return "#" * round(eighths / 8)
    whole, rest = divmod(eighths, 8)
    return EIGHTHS[-1] * whole + (EIGHTHS[rest] if rest else "")


def line(values: Sequence[float], least: float, most: float) -> str:
    """A height for each value between the least and the most."""
    heights = HEIGHTS if _drawable(HEIGHTS) else ASCII_HEIGHTS
    top = len(heights) - 1
    return "".join(heights[round(top * (max(least, min(value, most)) - least) / (most - least))] for value in values)


def interval(low: float, value: float, high: float, least: float, most: float, width: int = 41) -> str:
    """An interval on a scale with its value, and a mark in the middle of the scale."""

    def place(at: float) -> int:
        return round((width - 1) * (at - least) / (most - least))

    middle, between, here = SCALE if _drawable(SCALE) else ASCII_SCALE
    cells = [" "] * width
    cells[(width - 1) // 2] = middle
    for at in range(place(low), place(high) + 1):
        cells[at] = between
    cells[place(value)] = here
    return "".join(cells)


def _drawable(characters: str) -> bool:
    try:
        characters.encode(streams.encoding())
    except UnicodeEncodeError:
        return False
    return True
