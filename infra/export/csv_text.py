"""CSV as every reader takes it: the same bytes on every Python, and no cell that a spreadsheet would run.

Python's own writer has changed what it quotes (a bare CR, an empty line) from release to release, so the quoting is ours: RFC
4180, and quotes around all that some reader could take for something else. What is empty stays empty; an empty text is `""`.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

# A spreadsheet takes a cell that begins so for a formula; full-width signs too, and whatever space stands before.
FORMULA: Final = re.compile(r"[\s\x00-\x20\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
NEGATIVE: Final = re.compile(r"-\d+(\.\d+)?", re.ASCII)
# Anything else than letters, digits and what stands in ids, times and sums is worth a pair of quotes.
PLAIN: Final = re.compile(r"[\w./:@+-](?:[\w ./:@+-]*[\w./:@+-])?")


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
