"""How every command speaks: JSON or text on stdout, complaints and progress on stderr, three exit codes.

All text passes here, and nothing of it is obeyed: no escape sequence, no markup, no line end of anybody else (see
`infra.visible_text`). We write none ourselves: tables have no colours, and progress is told in lines.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, NoReturn, TypeVar

import orjson
import typer

from infra.cli import streams
from infra.visible_text import visible, visible_json, visible_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

OK: Final = 0
REFUSED: Final = 1  # or found wrong
USAGE: Final = 2

# Text is for a person: so many rows of a list, and a line that says how many more there are.
ROWS: Final = 100
NARROWEST: Final = 20
# A first column up to this width is never broken: it is what a person copies.
WHOLE: Final = 40
SAY_EVERY_SECONDS: Final = 2.0

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AllOption = Annotated[bool, typer.Option("--all", help=f"Print every row; without it, text ends after {ROWS}.")]
Row = TypeVar("Row")


def print_json(value: object) -> None:
    """One JSON document on stdout; times as RFC 3339 with Z, pydantic models and sets included."""
    _write(_json(value, indent=True).encode() + b"\n")


def json_text(value: object) -> str:
    """The same document as it is written into a file."""
    return _json(value, indent=True)


def print_json_line(value: object) -> None:
    """The same on one line, for streams of documents."""
    _write(_json(value, indent=False).encode() + b"\n")


def print_json_bytes(lines: bytes) -> None:
    """Lines of JSON that are made already; what a terminal would obey in their strings is escaped.

    Raises:
        NobodyReads: the pipe has no reader any more.
    """
    streams.write(lines if lines.isascii() and b"\x7f" not in lines else _safe_json(lines).encode())


def print_text(text: str, indent: int = 0) -> None:
    """A line on stdout, our own words with somebody's in them: broken at the terminal's width, its rest indented."""
    first, *more = _wrapped(visible(text, streams.encoding()), _width() - indent) or [""]
    _write("\n".join([first, *(" " * indent + line for line in more), ""]))


def print_ready(text: str) -> None:
    """A text that is made for programs, such as CSV: exactly as it is, but on a terminal."""
    _write(visible_lines(text, streams.encoding()) if streams.answers().isatty() else text)


def print_lines(text: str) -> None:
    """A text of several lines that are all our own, as it is, such as a diagram to be copied."""
    _write(visible_lines(text, streams.encoding()) + "\n")


def print_table(
    columns: Iterable[str],
    rows: Iterable[Iterable[object]],
    title: str | None = None,
    *,
    every: bool = False,
    rest: str = "--all shows all, --json too",
) -> None:
    """A table on stdout that fits the terminal; cells are shown, never obeyed. It ends after `ROWS` rows unless `every`."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    encoding = streams.encoding()
    shown, left = capped(list(rows), every=every)
    cells = [[visible(str(cell), encoding) for cell in row] for row in shown]
    table = Table(box=None, pad_edge=False)
    for position, column in enumerate(columns):
        whole = position == 0 and all(cell_len(row[0]) <= WHOLE for row in cells)
        # The others break rather than lose their ends.
        table.add_column(Text(visible(column, encoding)), no_wrap=whole, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    heading = f"\n{visible(title, encoding)}\n" if title else ""
    _write(heading + _rendered(table, _width()))
    print_rest(left, rest)


def capped(rows: Sequence[Row], *, every: bool) -> tuple[Sequence[Row], int]:
    """The rows that text shows, and how many are left out."""
    return (rows, 0) if every else (rows[:ROWS], max(0, len(rows) - ROWS))


def evidence_note(versions: Iterable[int]) -> str:
    """What stands behind the clauses on a line: the versions of the evidence, where there is any."""
    listed = ", ".join(map(str, versions))
    return f"  evidence {listed}" if listed else ""


def print_rest(left: int, how: str = "--all shows all, --json too") -> None:
    """Say how many rows were left out, if any."""
    if left:
        print_text(f"and {left:,} more: {how}")


def print_note(message: str) -> None:
    """A remark for a person on stderr, on one line, where it can't disturb the output."""
    streams.complain(visible(message, _error_encoding()))


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """Say on stderr what is wrong and leave with an exit code: REFUSED, or USAGE for a wrong call."""
    print_error(message)
    raise typer.Exit(code)


def unknown(what: str, *, person: bool = False) -> str:
    """That nothing is recorded of what was asked about, and where else to look."""
    of = "a person " if person else ""
    ids = "" if person else ", and a relationship is named by its whole UUID"
    return f"nothing is recorded of {of}{what!r} in this store; RAPPORT_STORE names another{ids}"


def fail_unknown(what: str, *, person: bool = False) -> NoReturn:
    """Say so: a wrong call."""
    fail(unknown(what, person=person), USAGE)


def print_error(message: str) -> None:
    """One plain line on stderr."""
    print_note(f"error: {message}")


def standard_input() -> BinaryIO:
    """The bytes of standard input; ends the command when it is closed."""
    if sys.stdin is None:
        fail("standard input is closed: there is nothing to read", USAGE)
    return sys.stdin.buffer


def is_watched() -> bool:
    """Whether a person watches stderr."""
    return bool(sys.stderr.isatty())


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Tell on stderr now and then how far the block is, if that is a terminal.

    The block receives a function to call with the number of steps just done.
    """
    lines = ProgressLines(description, total)
    yield lines.done if is_watched() else lambda _steps: None


class ProgressLines:
    """Long work told in lines, every other second: a bar would have to move the cursor."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total, self.count = what, total, 0
        self.told_at = time.monotonic()

    def done(self, steps: int) -> None:
        """So many more steps are done."""
        self.count += steps
        if time.monotonic() - self.told_at >= SAY_EVERY_SECONDS:
            self.told_at = time.monotonic()
            print_note(f"{self.what}: {self.count:,}" + (f" of {self.total:,}" if self.total else ""))


def _write(data: str | bytes) -> None:
    """Once nobody reads any more, the rest is for nobody; the command ends with the exit code that it has anyway."""
    with suppress(streams.NobodyReads):
        streams.write(data)


def _width() -> int:
    """Columns of the terminal, or of the variable COLUMNS; 80 in a pipe."""
    return max(NARROWEST, get_terminal_size((80, 24)).columns)


def _rendered(renderable: "RenderableType", width: int) -> str:
    """As rich lays it out, without a single escape."""
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, color_system=None, markup=False, highlight=False, emoji=False).print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().removesuffix("\n").split("\n"))


def _wrapped(text: str, width: int) -> list[str]:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), width=width, color_system=None)
    return [line.plain.rstrip() for line in Text(text).wrap(console, width, overflow="fold")]


def _error_encoding() -> str:
    return getattr(sys.stderr, "encoding", None) or "utf-8"


def _json(value: object, *, indent: bool) -> str:
    option = orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return _safe_json(orjson.dumps(value, default=_plain, option=option))
    except TypeError:
        # Numbers over 64 bits and lone surrogates: JSON has them, orjson doesn't.
        separators = None if indent else (",", ":")
        return json.dumps(value, default=_plainer, indent=2 if indent else None, separators=separators)


def _safe_json(data: bytes) -> str:
    return visible_json(data.decode(), streams.encoding())


def _plain(value: object) -> Any:
    """What orjson doesn't know by itself: pydantic models, sets."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _plainer(value: object) -> Any:
    """What the standard library doesn't know besides: times and the like, as orjson writes them."""
    try:
        return _plain(value)
    except TypeError:
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))
