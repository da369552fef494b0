"""How relationships stand: their bands from month to month, the signals behind them, how they end and pause, and what is practised.

Each figure is over all relationships, or of the programmes or codes that are wanted. What is small is hidden as in
`infra.analysis.population`: a count of fewer different mentees than the minimum, and others until those hidden are no small group together.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from domain.sharing import confidential
from infra.analysis import charts
from infra.analysis.answer import Answer, Row, hidden_sentences
from infra.analysis.calibration import BANDS
from infra.analysis.population import DAY, GOOD_ENDINGS, By, Population, Relationship, both_enough, shown_parts
from infra.analysis.statistics import median_of_enough, share


class Among(NamedTuple):
    """The groups that are wanted: of a key, by their names in lower case."""

    by: By
    names: frozenset[str]


# None: all relationships together.
Wanted = Among | None
MONTHS: Final = 12
_PRACTICES: Final = ("clause", "programme_id", "asked", "answered", "share_good", "respondents", "suppressed")
WITHHELD: Final = "withheld"


def bands(population: Population, wanted: Wanted = None, *, of_rows: bool = False) -> Answer:
    """How many relationships were in each band at the end of each of the last twelve months, and now.

    For who may see the band of every relationship (`of_rows`) no count is small: the list says the same.
    """
    stretches: defaultdict[str, list[Row]] = defaultdict(list)
    for row in population.rows("commitment_bands", "relationship_id", "since", "until", "band"):
        stretches[row["relationship_id"]].append(row)
    rows: list[Row] = []
    hidden = 0
    for name, members in _groups(population, population.activated, wanted, of_rows=of_rows):
        for label, at in _ends(population.now):
            found: defaultdict[str, list[Relationship]] = defaultdict(list)
            for one in members:
                if (band := _band_at(stretches[one.id], at)) is not None:
                    found[band].append(one)
            shown = found.keys() if of_rows else shown_parts(found, population.minimum)
            hidden += len(found) - len(shown)
            scored = sum(len(each) for each in found.values())
            rows += [
                {"group": name, "month": label, "band": band, "relationships": len(found[band]), "share": len(found[band]) / scored}
                for band in BANDS
                if band in shown
            ]  # fmt: skip
    return Answer(
        "Relationships by band, month by month",
        ("group", "month", "band", "relationships", "share"),
        rows,
        partial(charts.stacked, x="month", y="relationships", color="band", order=BANDS, titles=("end of month", "relationships")),
        {"hidden": hidden},
        _hidden(hidden, "count", population.minimum),
    )  # fmt: skip


def signals(population: Population, wanted: Wanted = None) -> Answer:
    """Of the relationships that were active: in how many each signal ever held, in how many it holds now, and how long it lasts.

    What comes of a report is no figure.
    """
    known = population.by_id
    held: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in population.rows("signals_history", "relationship_id", "signal", "party", "since", "until"):
        if row["signal"] not in confidential.SIGNALS and row["relationship_id"] in known:
            held[row["signal"], row["party"]].append(row)
    rows: list[Row] = []
    hidden = 0
    for name, members in _groups(population, population.activated, wanted):
        ids = {one.id for one in members}
        for (signal, party), stretches in held.items():
            mine = [row for row in stretches if row["relationship_id"] in ids]
            ever = {row["relationship_id"] for row in mine}
            now = {row["relationship_id"] for row in mine if row["until"] is None}
            if not ever:
                continue
            if not both_enough(members, ever, population.minimum):
                hidden += 1
                continue
            is_known = not now or both_enough([known[one] for one in ever], now, population.minimum)
            of_all = share(len(ever), len(members))
            assert of_all is not None, "there are some"
            days = [
                (known[row["relationship_id"]].mentee, (row["until"] - row["since"]) / DAY)
                for row in mine
                if row["until"] is not None
            ]
            rows.append(
                {
                    "group": name,
                    "signal": signal,
                    "party": party,
                    "relationships": len(ever),
                    "share": of_all.share,
                    "low": of_all.low,
                    "high": of_all.high,
                    "now": len(now) if is_known else None,
                    "median_days": median_of_enough(days, population.minimum),
                }
            )
    rows.sort(key=lambda row: (row["group"], -row["relationships"], row["signal"], row["party"]))
    return Answer(
        "Signals by frequency",
        ("group", "signal", "party", "relationships", "share", "low", "high", "now", "median_days"),
        rows,
        lambda each: charts.bars(
            [{**row, "what": f"{row['signal']}, {row['party']}".replace("_", " ")} for row in each],
            x="what",
            y="relationships",
            titles=("signal", "relationships"),
        ),
        {"hidden": hidden},
        _hidden(hidden, "signal", population.minimum),
    )


def endings(population: Population, wanted: Wanted = None) -> Answer:
    """How relationships ended, by reason. A reason that is a report by itself is withheld."""
    rows: list[Row] = []
    hidden = 0
    for name, members in _groups(population, population.relationships, wanted):
        found: defaultdict[str, list[Relationship]] = defaultdict(list)
        ended = [one for one in members if one.terminated_at is not None]
        for one in ended:
            found[WITHHELD if one.ending_reason in confidential.ENDINGS else one.ending_reason or "none"].append(one)
        # How many came to a good end, and how many ended early, other questions say.
        shown = shown_parts(found, population.minimum, wholes=(GOOD_ENDINGS, found.keys() - GOOD_ENDINGS))
        hidden += len(found) - len(shown)
        for reason in sorted(shown, key=lambda each: (-len(found[each]), each)):
            those = found[reason]
            of_all = share(len(those), len(ended))
            assert of_all is not None, "some ended"
            days = [(one.mentee, float(one.days(population.now))) for one in those if one.activated_at is not None]
            rows.append(
                {
                    "group": name,
                    "reason": reason,
                    "relationships": len(those),
                    "share": of_all.share,
                    "low": of_all.low,
                    "high": of_all.high,
                    "median_days": median_of_enough(days, population.minimum),
                }
            )
    return Answer(
        "How relationships ended",
        ("group", "reason", "relationships", "share", "low", "high", "median_days"),
        rows,
        lambda each: charts.bars(
            [{**row, "reason": row["reason"].replace("_", " ")} for row in each],
            x="reason",
            y="relationships",
            titles=("reason", "relationships"),
        ),
        {"hidden": hidden},
        _hidden(hidden, "reason", population.minimum),
    )


def pauses(population: Population, wanted: Wanted = None) -> Answer:
    """Pauses by who asked for them: how many, how long, and how many were followed by going on."""
    known = population.by_id
    rows: list[Row] = []
    hidden = 0
    asked = population.rows("pauses", "relationship_id", "paused_by", "until", "days")
    kept = [row for row in asked if row["relationship_id"] in known]
    for name, members in _groups(population, population.activated, wanted):
        ids = {one.id for one in members}
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in kept:
            if row["relationship_id"] in ids:
                found[row["paused_by"]].append(row)
        shown = shown_parts(found, population.minimum, lambda row: known[row["relationship_id"]].mentee)
        hidden += len(found) - len(shown)
        for role in sorted(shown, key=lambda each: (-len(found[each]), each)):
            those = found[role]
            over = [row for row in those if row["until"] is not None and row["days"] is not None]
            days = [(known[row["relationship_id"]].mentee, row["days"]) for row in over]
            rows.append(
                {
                    "group": name,
                    "paused_by": role,
                    "pauses": len(those),
                    "relationships": len({row["relationship_id"] for row in those}),
                    "median_days": median_of_enough(days, population.minimum),
                }
            )
    return Answer(
        "Pauses",
        ("group", "paused_by", "pauses", "relationships", "median_days"),
        rows,
        partial(charts.bars, x="paused_by", y="pauses", titles=("asked for by", "pauses")),
        {"hidden": hidden},
        _hidden(hidden, "group", population.minimum),
    )


def practices(population: Population, wanted: Wanted = None) -> Answer:
    """What people said about each practice when they were asked: over the groups that are large enough to be shown."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in population.rows("practices", *_PRACTICES):
        if wanted is None or _of_practice(row, wanted.by) in wanted.names:
            found[row["clause"]].append(row)
    rows: list[Row] = []
    for clause, cells in sorted(found.items()):
        shown = [row for row in cells if not row["suppressed"] and row["share_good"] is not None]
        people = sum(row["respondents"] for row in shown)
        rows.append(
            {
                "clause": clause,
                # Nothing shown is not nobody asked.
                "asked": sum(row["asked"] for row in shown) if shown else None,
                "answered": sum(row["answered"] for row in shown) if shown else None,
                "respondents": people or None,
                "share": sum(row["share_good"] * row["respondents"] for row in shown) / people if people else None,
                "hidden": len(cells) - len(shown),
            }
        )
    return Answer(
        "What is practised",
        ("clause", "asked", "answered", "respondents", "share", "hidden"),
        rows,
        partial(charts.bars, x="clause", y="share", titles=("clause", "good answers")),
        {},
        (
            "A group is a mentor's answers of a month; hidden ones are too small to be shown and don't count in the share.",
        ),
    )


def _groups(
    population: Population, members: Sequence[Relationship], wanted: Wanted, *, of_rows: bool = False
) -> list[tuple[str, list[Relationship]]]:
    """All of them as one group; or the groups that are wanted, as far as they may be shown beside all others."""
    shown = population.groups(members, None if wanted is None else wanted.by, of_rows=of_rows).shown
    return [(name, each) for name, each in shown.items() if wanted is None or name.lower() in wanted.names]


def _of_practice(row: Row, by: By) -> str:
    """The group of a row of practices: its programme, or the code of its clause."""
    return str(row["programme_id"].lower() if by == "programme" else row["clause"].partition(".")[0])


def _ends(now: datetime) -> list[tuple[str, datetime]]:
    """The ends of the last full months in UTC with their names, the earliest first, and now."""
    found = [(f"{now:%Y-%m}", now)]
    at = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS):
        found.append((f"{at - timedelta(days=1):%Y-%m}", at))
        at = (at - timedelta(days=1)).replace(day=1)
    return found[::-1]


def _band_at(stretches: Iterable[Row], at: datetime) -> str | None:
    return next(
        (row["band"] for row in stretches if row["since"] <= at and (row["until"] is None or at < row["until"])), None
    )


def _hidden(count: int, one: str, minimum: int) -> tuple[str, ...]:
    return hidden_sentences(count, one, f"of fewer than {minimum} mentees, or such a one would follow")
