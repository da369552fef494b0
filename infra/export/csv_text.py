"""CSV as every reader takes it: the same bytes on every Python, and no cell that a spreadsheet would run.

Python's own writer has changed what it quotes (a bare CR, an empty line) from release to release, so the quoting is ours: RFC
4180, and quotes around all that some reader could take for something else. What is empty stays empty; an empty text is `""`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import orjson

from projections.dataset import Type

# A spreadsheet takes a cell that begins so for a formula; full-width signs too, and whatever space stands before.
FORMULA: Final = re.compile(r"[\s\x00-\x20\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
NEGATIVE: Final = re.compile(r"-\d+(\.\d+)?", re.ASCII)
# Anything else than letters, digits and what stands in ids, times and sums is worth a pair of quotes.
PLAIN: Final = re.compile(r"[\w./:@+-](?:[\w ./:@+-]*[\w./:@+-])?")


class Cells(dict[Any, str]):
    """The texts of the values of one column, each worked out once while it keeps coming.

    Values may be those that SQLite keeps: times as texts with a fraction, lists as JSON, and 1 for what is true.
    """

    KEPT: Final = 10_000

    def __init__(self, type_: Type, *, guard: bool) -> None:
        super().__init__()
        self._type, self._guard = type_, guard

    def of(self, values: Sequence[Any]) -> list[str]:
        """The texts of some values. Numbers and times are worked out each time: most are new."""
        match self._type:
            case "integer":
                return ["" if value is None else f"{value}" for value in values]
            case "time":
                return _times(values, guard=self._guard)
            case "integers" | "texts":
                values = [orjson.dumps(value).decode() if isinstance(value, list) else value for value in values]
            case _:
                pass
        return list(map(self.__getitem__, values))

    def __missing__(self, value: Any) -> str:
        if len(self) >= self.KEPT:
            self.clear()
        if value is not None and self._type == "boolean":
            text = "true" if value else "false"
        else:
            text = _field(value, guard=self._guard)
        self[value] = text
        return text


def _times(values: Sequence[Any], *, guard: bool) -> list[str]:
    try:
        # Texts as SQLite keeps them, none or all in one go: no time has a line feed.
        return "\n".join([value or "" for value in values]).replace(".000000Z", "Z").split("\n")
    except TypeError:
        return [_field(value, guard=guard) for value in values]


def row(cells: Iterable[Any], *, guard: bool) -> str:
    """One line with its line end; with `guard` a cell that a spreadsheet would run begins with an apostrophe."""
    return ",".join(_field(cell, guard=guard) for cell in cells) + "\n"


def guarded(text: str) -> str:
    """The text as no spreadsheet runs it; plain negative numbers are left as they are."""
    return f"'{text}" if FORMULA.match(text) and not NEGATIVE.fullmatch(text) else text


def _field(cell: Any, *, guard: bool) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int() | float():
            return repr(cell)
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case date():
            return cell.isoformat()
        case _:
            return _text(guarded(str(cell)) if guard else str(cell))


def _text(text: str) -> str:
    return text if PLAIN.fullmatch(text) else f'"{text.replace(chr(34), chr(34) * 2)}"'
