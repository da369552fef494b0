"""Rows as CSV on stdout, for pipes."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")]


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A heading and a line a row; lists are written with spaces between, times as RFC 3339 with Z."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    typer.echo(out.getvalue(), nl=False)


def _cell(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return " ".join(map(str, value))
        case None:
            return ""
        case _:
            return value
