"""`rapport nps`: Net Promoter Scores by role and occasion, and by programme, mentor and month where asked for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, get_args

import typer

from domain.calendar import last_of_month
from infra.cli.bars import interval
from infra.cli.output import USAGE, AllOption, JsonOption, fail, print_json, print_table
from infra.cli.projecting import projecting
from infra.cli.tabular import CsvOption, RawOption, print_csv, raw_needs_csv
from infra.cli.times import AsOf, KnownAt, aware_time
from infra.unknown_name import unknown_name

FIGURES = (
    "n",
    "asked",
    "response_rate",
    "promoters",
    "passives",
    "detractors",
    "nps",
    "low",
    "high",
    "suppressed",
)


def register(app: typer.Typer) -> None:
    """Add `nps`."""
    app.command("nps")(nps)


def _first(text: str) -> datetime | date:
    return _day(f"{text}-01") or _day(text) or aware_time(text)


def _last(text: str) -> datetime | date:
    month = _day(f"{text}-01")
    if month is not None:
        return last_of_month(month)
    return _day(text) or aware_time(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def nps(
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="KEY", help="programme, mentor or month; may be repeated."),
    ] = None,
    start: Annotated[
        Any,
        typer.Option(
            "--from",
            parser=_first,
            metavar="TIME",
            help="Answers from this month (YYYY-MM), day or time on; days are the programme's.",
        ),
    ] = None,
    end: Annotated[
        Any,
        typer.Option(
            "--to", parser=_last, metavar="TIME", help="Answers up to the end of this month or day, or up to this time."
        ),
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show Net Promoter Scores with their intervals and response rates; figures of small groups are not shown."""
    from infra.queries.as_at import Asked
    from infra.queries.nps import KEYS, By, Window, figures

    if as_json and as_csv:
        fail("either --json or --csv", USAGE)
    raw_needs_csv(raw=raw, as_csv=as_csv)
    if unknown := set(by or ()) - set(KEYS):
        fail(unknown_name("key to go by", min(unknown), KEYS), USAGE)
    keys: list[By] = [key for key in get_args(By) if key in (by or ())]
    with projecting() as engine:
        rows = figures(engine, keys, Asked(as_of or engine.clock.now(), known_at), Window(start, end))
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(("role", "occasion", *keys, *FIGURES), rows, raw=raw)
    else:
        columns = ("role", "occasion", *keys, "n", "asked", "rate", "NPS", "95 %", *(() if keys else ("-100 to 100",)))
        print_table(columns, (_cells(row, keys) for row in rows), every=every)


def _cells(row: dict[str, Any], keys: Sequence[str]) -> tuple[object, ...]:
    """The drawing is left out beside keys: 80 columns have no room for both."""
    counts = (row["n"], row["asked"], f"{row['response_rate']:.0%}")
    named = (row["role"], row["occasion"], *(row[key] for key in keys), *counts)
    if row["nps"] is None:
        return (*named, "suppressed" if row["suppressed"] else "", "", *(() if keys else ("",)))
    low, score, high = row["low"], row["nps"], row["high"]
    drawn = () if keys else (interval(low, score, high, -100, 100, 11),)
    return (*named, f"{score:+.1f}", f"{low:+.1f} to {high:+.1f}", *drawn)
