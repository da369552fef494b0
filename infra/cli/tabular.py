"""Rows as CSV on stdout, for pipes and spreadsheets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from infra.cli.output import USAGE, fail, print_ready
from infra.export import csv_text

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")]
RawOption = Annotated[
    bool,
    typer.Option("--raw", help="CSV as it is: without the apostrophe before cells that a spreadsheet would run."),
]


def raw_needs_csv(*, raw: bool, as_csv: bool) -> None:
    """Exit 2 if --raw is given without --csv, where it would mean nothing."""
    if raw and not as_csv:
        fail("--raw goes with --csv", USAGE)


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, raw: bool = False) -> None:
    """A heading and a line a row; lists are written with spaces between, times as RFC 3339 with Z."""
    lines = [csv_text.row(columns, guard=False)]
    lines += [csv_text.row((_cell(row[column]) for column in columns), guard=not raw) for row in rows]
    print_ready("".join(lines))


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
