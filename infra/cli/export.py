"""`rapport export`: a dataset as a file with its manifest."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_note
from infra.cli.projecting import projecting
from infra.cli.tabular import RawOption
from infra.cli.times import AsOf, KnownAt


def register(app: typer.Typer) -> None:
    """Add `export`."""
    app.command("export")(export)


def export(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="The dataset, such as sessions.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="F", help="The file: .csv, .parquet or .jsonl. F.manifest.json goes beside it."
        ),
    ],
    column: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this column; may be repeated.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    pseudonyms: Annotated[
        bool,
        typer.Option(
            "--pseudonyms", help="What analysts see of it, persons under pseudonyms: the same in every file of a store."
        ),
    ] = False,
    raw: RawOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset to a file as it is now, or as it was at another time, with a manifest that says what it is.

    Figures of people, and the rows behind them, are taken back to the last end of a month.
    """
    from infra.export.exporting import Unknown, Unwritable
    from infra.export.exporting import export as write
    from infra.queries.as_at import Moment

    with projecting() as engine:
        try:
            moment = Moment(as_of, known_at)
            manifest = write(engine, dataset, output, column, raw=raw, moment=moment, under_pseudonyms=pseudonyms)
        except Unknown as error:
            fail(str(error), USAGE)
        except Unwritable as error:
            fail(str(error), REFUSED)
    if as_json:
        print_json(manifest)
    else:
        print_note(f"{manifest['rows']:,} rows of {dataset} to {output}, as of position {manifest['position']:,}")
