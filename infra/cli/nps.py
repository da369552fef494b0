"""`rapport nps`: Net Promoter Scores by role and occasion, and by programme, mentor and month where asked for."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

import typer

from domain.time_form import MONTH
from infra.cli.bars import interval
from infra.cli.filters import Filters, MentorOption, ProgrammeOption, TopOption
from infra.cli.output import USAGE, AllOption, JsonOption, fail, print_json, print_table, print_text
from infra.cli.projecting import projecting
from infra.cli.tabular import CsvOption, RawOption, print_csv, raw_needs_csv
from infra.cli.times import AsOf, KnownAt
from infra.unknown_name import unknown_name

FIGURES: Final = (
    "n",
    "respondents",
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
WHY_HIDDEN: Final = (
    " The others are hidden: too few different people answered, or such a group would follow from what is shown."
)


def register(app: typer.Typer) -> None:
    """Add `nps`."""
    app.command("nps")(nps)


def _month(text: str) -> str:
    if not re.fullmatch(MONTH, text):
        raise typer.BadParameter(
            f"{text!r} is no month: expected one such as 2026-03. Figures are given for whole months alone, "
            "for two windows that differ by a day may differ by one person's answer"
        )
    return text


FromOption = Annotated[
    str | None,
    typer.Option("--from", parser=_month, metavar="YYYY-MM", help="Only answers from this month of the programme on."),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", parser=_month, metavar="YYYY-MM", help="Only answers up to the end of this month."),
]


def nps(
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="KEY", help="programme, mentor or month; may be repeated."),
    ] = None,
    programme: ProgrammeOption = None,
    mentor: MentorOption = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    top: TopOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show Net Promoter Scores with their intervals and response rates; figures of small groups are not shown.

    A window is one of whole months in the programme's time zone. --as-of and --known-at are taken back to the last end of a
    month.
    """
    from infra.queries.nps import Moment, WrongWindow, figures
    from infra.queries.nps_record import KEYS, By, Window

    if as_json and as_csv:
        fail("either --json or --csv", USAGE)
    raw_needs_csv(raw=raw, as_csv=as_csv)
    if unknown := set(by or ()) - set(KEYS):
        fail(unknown_name("key to go by", min(unknown), KEYS), USAGE)
    filters = Filters(programme, mentor, None, top)
    # Who asks for one programme wants its figures, not those of all.
    wanted = {*(by or ()), *(name for name in ("programme", "mentor") if getattr(filters, name) is not None)}
    keys: list[By] = [key for key in get_args(By) if key in wanted]
    with projecting() as engine:
        try:
            found = figures(engine, keys, Window(start, end), Moment(as_of, known_at))
        except WrongWindow as error:
            fail(str(error), USAGE)
        filters.note_unknown(engine.store)
    chosen = [row for row in found if filters.holds(row.get("programme"), row.get("mentor"))]
    rows = filters.first(chosen, _badness)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(("role", "occasion", *keys, *FIGURES), rows, raw=raw)
    else:
        _print(rows, keys, filters, every=every)


def _badness(row: dict[str, Any]) -> tuple[bool, float]:
    """The lowest scores first, what is hidden last."""
    return row["nps"] is None, row["nps"] or 0


def _print(rows: list[dict[str, Any]], keys: Sequence[str], filters: Filters, *, every: bool) -> None:
    # 80 columns have room for keys, or for the number of those asked and a drawing.
    columns = (
        ("n", "people", "rate", "NPS", "95 %")
        if keys
        else ("n", "people", "asked", "rate", "NPS", "95 %", "-100 to 100")
    )
    listed = sorted(rows, key=lambda row: bool(row["suppressed"]))
    print_table(("role", "occasion", *keys, *columns), (_cells(row, keys, len(columns)) for row in listed), every=every)
    if not rows:
        print_text(f"nobody was asked or has answered{filters.in_words()}")
        return
    shown = sum(not row["suppressed"] for row in rows)
    print_text(
        f"Shown: {shown} of {len(rows)} {'group' if len(rows) == 1 else 'groups'}.{WHY_HIDDEN if shown < len(rows) else ''}"
    )


def _cells(row: dict[str, Any], keys: Sequence[str], columns: int) -> tuple[object, ...]:
    named = (row["role"], row["occasion"], *(row[key] for key in keys))
    if row["suppressed"]:
        return (*named, "hidden", *[""] * (columns - 1))
    low, score, high = row["low"], row["nps"], row["high"]
    rate = "hidden" if row["response_rate"] is None else f"{row['response_rate']:.0%}"
    within = f"{low:+.0f} to {high:+.0f}"
    if keys:
        return (*named, row["n"], row["respondents"], rate, f"{score:+.1f}", within)
    drawn = interval(low, score, high, -100, 100, 11)
    return (
        *named,
        row["n"],
        row["respondents"],
        "hidden" if row["asked"] is None else row["asked"],
        rate,
        f"{score:+.1f}",
        within,
        drawn,
    )
