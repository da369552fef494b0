"""How NPS moves from month to month beyond chance, and who answers and who does not."""

import math
from collections import defaultdict
from typing import Final

from infra.analysis import charts
from infra.analysis.answer import Answer, Row, counted, hidden_sentences
from infra.analysis.population import Population, Relationship, enough
from infra.analysis.statistics import median_of_enough, share
from infra.projection_engine.engine import Engine
from infra.queries.nps import figures

# As many standard errors from the mean are the limits of a control chart.
SIGMAS: Final = 3
_ASKED: Final = ("relationship_id", "kind", "respondent", "occasion", "answered", "days_to_answer")


def nps(engine: Engine) -> Answer:
    """A control chart: each month's NPS by role and occasion, and whether it lies beyond the limits of chance.

    The mean is that of the months that are shown. A month's limits lie three standard errors from it, by how many different people
    answered; a month beyond them differs from the others by more than chance makes likely.
    """
    shown: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    hidden = 0
    for row in figures(engine, ["month"]):
        if row["suppressed"] or not row["n"]:
            hidden += bool(row["suppressed"])
        else:
            shown[row["role"], row["occasion"]].append(row)
    rows = [row for question, months in shown.items() for row in _limits(question, months)]
    outside = sum(row["outside"] for row in rows)
    sentences = [
        f"Beyond the limits: {outside} of {counted(len(rows), 'month')}.",
        *hidden_sentences(hidden, "month", "too few different people answered, or such a group would follow"),
    ]
    columns = ("role", "occasion", "month", "n", "respondents", "nps", "low", "high", "mean", "lower_limit", "upper_limit", "outside")  # fmt: skip
    return Answer(
        "NPS from month to month",
        columns,
        rows,
        lambda each: charts.control([{**row, "question": f"{row['role']}, {row['occasion']}"} for row in each]),
        {"hidden": hidden, "outside": outside},
        tuple(sentences),
        (
            ("role", "occasion", "month", "people", "nps", "95 %", "mean", "limits", "out"),
            [_brief(row) for row in rows],
        ),
    )


def _brief(row: Row) -> Row:
    return {
        **{name: row[name] for name in ("role", "occasion", "month", "nps", "mean")},
        "people": row["respondents"],
        "out": row["outside"],
        "95 %": f"{row['low']:+.0f} to {row['high']:+.0f}",
        "limits": f"{row['lower_limit']:+.0f} to {row['upper_limit']:+.0f}",
    }


def _limits(question: tuple[str, str], months: list[Row]) -> list[Row]:
    n = sum(row["n"] for row in months)
    promoters, detractors = (sum(row[kind] for row in months) / n for kind in ("promoters", "detractors"))
    mean = promoters - detractors
    deviation = math.sqrt(promoters + detractors - mean**2)
    found = []
    for row in months:
        reach = SIGMAS * deviation / math.sqrt(row["respondents"])
        lower, upper = max(-100.0, 100 * (mean - reach)), min(100.0, 100 * (mean + reach))
        found.append(
            {
                "role": question[0],
                "occasion": question[1],
                **{name: row[name] for name in ("month", "n", "respondents", "nps", "low", "high")},
                "mean": round(100 * mean, 1),
                "lower_limit": round(lower, 1),
                "upper_limit": round(upper, 1),
                "outside": not lower <= row["nps"] <= upper,
            }
        )
    return found


def responses(population: Population) -> Answer:
    """Who answers what they are asked, how soon, and whether the relationships of those who don't end early more often."""
    known = population.by_id
    asked: defaultdict[tuple[str, str, str], list[tuple[Relationship, Row]]] = defaultdict(list)
    for row in population.rows("requests", *_ASKED, where="requested_at IS NOT NULL"):
        if row["relationship_id"] in known:
            asked[row["kind"], row["respondent"], row["occasion"]].append((known[row["relationship_id"]], row))
    rows: list[Row] = []
    hidden = 0
    for (kind, respondent, occasion), found in sorted(asked.items()):
        answered = [one for one, row in found if row["answered"]]
        silent = [one for one, row in found if not row["answered"]]
        if not all(enough(each, population.minimum) for each in (answered, silent) if each):
            hidden += 1
            continue
        rate = share(len(answered), len(found))
        assert rate is not None, "somebody was asked"
        days = [(one.mentee, row["days_to_answer"]) for one, row in found if row["days_to_answer"] is not None]
        rows.append(
            {
                "kind": kind,
                "respondent": respondent,
                "occasion": occasion,
                "asked": len(found),
                "answered": len(answered),
                "rate": rate.share,
                "low": rate.low,
                "high": rate.high,
                "median_days": median_of_enough(days, population.minimum),
                "early_if_answered": _early(answered),
                "early_if_silent": _early(silent),
            }
        )
    sentences = [
        "early_if_answered, early_if_silent: the share of their relationships that ended early by now.",
        *hidden_sentences(hidden, "question", f"fewer than {population.minimum} mentees' parties answered, or did not"),
    ]
    return Answer(
        "Who answers, and who does not",
        (
            "kind",
            "respondent",
            "occasion",
            "asked",
            "answered",
            "rate",
            "low",
            "high",
            "median_days",
            "early_if_answered",
            "early_if_silent",
        ),
        rows,
        lambda each: charts.intervals(
            [{**row, "question": f"{row['kind']}, {row['occasion']}".strip(", ")} for row in each],
            x="question",
            y="rate",
            titles=("question", "response rate"),
            color="respondent",
        ),
        {"hidden": hidden},
        tuple(sentences),
        (
            ("kind", "who", "occasion", "asked", "rate", "95 %", "median_days", "early_if_answered", "early_if_silent"),
            [
                {**row, "who": row["respondent"], "95 %": f"{100 * row['low']:.0f}-{100 * row['high']:.0f}"}
                for row in rows
            ],
        ),
    )


def _early(members: list[Relationship]) -> float | None:
    found = share(sum(each.ended_early for each in members), len(members))
    return found and found.share
