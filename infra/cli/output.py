"""How every command speaks: JSON or text on stdout, complaints and progress on stderr, three exit codes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

OK: Final = 0
REFUSED: Final = 1  # or found wrong
USAGE: Final = 2

# Rich looks for the streams when it prints, so a test or a pipe may replace them.
stdout: Final = Console()
stderr: Final = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def print_json(value: object) -> None:
    """One JSON document on stdout; times as RFC 3339 with Z, pydantic models and sets included."""
    typer.echo(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))


def print_json_line(value: object) -> None:
    """The same on one line, for streams of documents."""
    typer.echo(orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None) -> None:
    """A table on stdout; cells are shown as they are, never read as markup."""
    table = Table(title=title and Text(title), title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(columns):
        # The first column is what a person copies: it stays whole; the others break rather than lose their ends.
        table.add_column(escape(column), no_wrap=position == 0, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    stdout.print(table)


def print_note(message: str) -> None:
    """A remark for a person on stderr, where it can't disturb the output."""
    stderr.print(Text(message), soft_wrap=True)


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """Say on stderr what is wrong and leave with an exit code: REFUSED, or USAGE for a wrong call."""
    stderr.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr while the block runs, shown only on a terminal.

    The block receives a function to call with the number of steps just done; without a total the bar counts upwards.
    """
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    shown = stderr.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=stderr, transient=True, disable=not shown) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


def _plain(value: object) -> Any:
    """What orjson doesn't know by itself: pydantic models, sets."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
