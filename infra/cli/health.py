"""`rapport health`: how relationships are doing, why, and how it came about."""

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.bars import BANDS, bar, line
from infra.cli.filters import BandOption, Filters, MentorOption, ProgrammeOption, TopOption
from infra.cli.output import USAGE, AllOption, JsonOption, fail, print_json, print_table, print_text
from infra.cli.projecting import projecting
from infra.cli.tabular import CsvOption, RawOption, print_csv, raw_needs_csv
from infra.cli.times import AsOf, KnownAt, shown_time

if TYPE_CHECKING:
    from infra.queries.health import Assessed

EARLIER = "; --as-of DAY asks about an earlier day"
COLUMNS = (
    "relationship_id",
    "programme_id",
    "mentor_id",
    "as_of",
    "policy",
    "status",
    "score",
    "band",
    "mentee_score",
    "mentor_score",
    "signals",
    "since",
    "next_change_at",
)
TREND_DAYS = 60
RelationshipArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="A relationship's UUID; all of them when none is given.")
]


def register(app: typer.Typer) -> None:
    """Add `health`."""
    app.command("health")(health)


def health(
    relationship: RelationshipArgument = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    programme: ProgrammeOption = None,
    mentor: MentorOption = None,
    band: BandOption = None,
    top: TopOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show the commitment health of one relationship or all: scores, band, and the signals behind them."""
    from infra.queries.as_at import Asked
    from infra.queries.health import assess_all, assess_one, shown

    if as_json and as_csv:
        fail("either --json or --csv", USAGE)
    raw_needs_csv(raw=raw, as_csv=as_csv)
    filters = Filters(programme, mentor, band, top).checked(relationship)
    with projecting() as engine:
        asked = Asked(as_of or engine.clock.now(), known_at)
        if relationship is None:
            found = list(assess_all(engine, asked))
            filters.note_unknown(engine.store)
        else:
            one = assess_one(engine.store, relationship.lower(), asked)
            if one is None:
                fail(f"there is no relationship {relationship!r}, or there was none by then", USAGE)
            found = [one]
    wanted = [row for row in map(shown, found) if relationship is not None or _wanted(filters, row)]
    rows = wanted if relationship is not None else filters.first(wanted, _badness)
    if as_json:
        print_json(rows if relationship is None else rows[0])
    elif as_csv:
        print_csv(
            COLUMNS, (row | {"signals": [signal["signal"] for signal in row["signals"]]} for row in rows), raw=raw
        )
    elif relationship is None:
        _print_counts(wanted, filters)
        _print_list(rows, every=every)
    else:
        _print_one(found[0], rows[0])


def _wanted(filters: Filters, row: dict[str, Any]) -> bool:
    return filters.holds(row["programme_id"], row["mentor_id"], row["band"])


def _badness(row: dict[str, Any]) -> tuple[int, int]:
    """The worst bands first, since a report makes a band worse than its score; within one the lowest scores. Those without come last."""
    return -BANDS.index(row["band"]) if row["band"] else 1, row["score"] or 0


def _print_counts(rows: list[dict[str, Any]], filters: Filters) -> None:
    """How many are in each band: of all that were chosen, also where the list has the worst of them alone."""
    bands = Counter(row["band"] for row in rows if row["band"])
    most = max(bands.values(), default=0)
    if most:
        counted = [(band, bands[band], bar(bands[band], most, 30)) for band in BANDS]
        print_table(("band", "relationships", ""), counted)
        print_text("")
    if rows:
        without = sum(row["score"] is None for row in rows)
        print_text(f"{without} without a score: contracting or ended{EARLIER if without == len(rows) else ''}")
    else:
        print_text(f"there is no relationship{filters.in_words()}")


def _print_list(rows: list[dict[str, Any]], *, every: bool) -> None:
    scored = sorted((row for row in rows if row["score"] is not None), key=_badness)
    if scored:
        print_table(
            ("relationship", "score", "band", "signals"),
            ((row["relationship_id"], row["score"], row["band"], _signals(row)) for row in scored),
            every=every,
        )


def _signals(row: dict[str, Any]) -> str:
    """The names of the signals, the dearest first."""
    dearest = sorted(row["signals"], key=lambda signal: -signal["points"])
    return ", ".join(dict.fromkeys(signal["signal"] for signal in dearest))


def _print_one(assessed: "Assessed", row: dict[str, Any]) -> None:
    print_text(f"{row['relationship_id']}  as of {shown_time(row['as_of'])}, {row['policy']}", 4)
    if row["score"] is None:
        print_text(f"{row['status']}: no score")
        return
    for name in ("score", "mentee_score", "mentor_score"):
        print_text(f"{name.replace('_', ' '):13}{row[name]:4}  {bar(row[name], 100, 40)}")
    print_text(f"band         {row['band']} since {shown_time(row['since'])}")
    print_text(f"next change  {shown_time(row['next_change_at']) or 'only with an event'}")
    trend = _trend(assessed, row["as_of"])
    if trend:
        print_text(f"{len(trend)} days  {line(trend, 0, 100)}")
    if row["signals"]:
        print_text("")
    print_table(
        ("signal", "party", "points", "clauses", "evidence"),
        (
            (
                signal["signal"],
                signal["party"],
                signal["points"],
                ", ".join(signal["clauses"]) or "the policy",
                ", ".join(f"v{version}" for version in signal["evidence"]),
            )
            for signal in row["signals"]
        ),
        every=True,
    )


def _trend(assessed: "Assessed", at: datetime) -> list[int]:
    """The score at the end of each of the last days, as far as there was one."""
    scores: list[int] = []
    for days in range(TREND_DAYS - 1, -1, -1):
        day = at - timedelta(days=days)
        held = [change.score for change in assessed.changes if change.at <= day]
        if held and held[-1] is not None:
            scores.append(held[-1])
    return scores
