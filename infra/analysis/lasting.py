"""How long relationships last, how each month's starters fare, and how far relationships come on their way."""

from datetime import timedelta
from functools import partial
from typing import Final, Literal

from infra.analysis import charts
from infra.analysis.answer import Answer, Row
from infra.analysis.population import GOOD_ENDINGS, By, Population, Relationship
from infra.analysis.statistics import curve, log_rank, share

Ending = Literal["early", "any"]
# The days at which text says how many last longer.
DAYS: Final = (30, 90, 180, 365)
CURVE: Final = ("group", "day", "at_risk", "ended", "survival", "low", "high")


def survival(population: Population, by: By | None = None, ending: Ending = "early") -> Answer:
    """How long relationships last from their activation (Kaplan-Meier), by group, and whether the groups differ (log-rank).

    With `early` only endings count that are no good ones; a relationship that came to its good end counts as lasting until then.
    """
    groups = population.groups(population.activated, by)
    rows: list[Row] = []
    brief: list[Row] = []
    compared = []
    medians = {}
    for name, members in groups.shown.items():
        days = [each.days(population.now) for each in members]
        ended = [_counts(each, ending) for each in members]
        compared.append((days, ended))
        found = curve(days, ended, groups.minimum, [each.mentee for each in members])
        rows += [{"group": name, **step._asdict()} for step in found.steps]
        medians[name] = {
            "n": found.n,
            "ended": found.ended,
            "median": found.median,
            "low": found.median_low,
            "high": found.median_high,
        }
        at = {f"day {day}": step for day in DAYS if (step := found.at(day)) is not None}
        brief.append(
            {
                "group": name,
                "n": found.n,
                "ended": found.ended,
                "median": found.median,
                **{
                    f"day {day}": f"{at[name_].survival:.0%} {100 * at[name_].low:.0f}-{100 * at[name_].high:.0f}"
                    if (name_ := f"day {day}") in at
                    else None
                    for day in DAYS
                },
            }
        )
    tested = log_rank(compared)
    early = f"Endings that count: all but {', '.join(sorted(GOOD_ENDINGS))}."
    sentences = [early if ending == "early" else "Endings that count: all."]
    if tested is not None:
        sentences.append(
            f"Log-rank test between the groups: chi-square {tested.statistic:.2f} with {tested.degrees} degrees of freedom, p = {tested.p:.3g}."
        )
    return Answer(
        "How long relationships last from their activation",
        CURVE,
        rows,
        partial(charts.steps, group="group", x="day", y="survival", titles=("days from activation", "still going")),
        {"groups": medians, "log_rank": tested and tested._asdict(), "hidden": groups.hidden, "ending": ending},
        (*sentences, *groups.sentences),
        (("group", "n", "ended", "median", *(f"day {day}" for day in DAYS)), brief),
    )


def _counts(relationship: Relationship, ending: Ending) -> bool:
    return relationship.ended_early if ending == "early" else relationship.terminated_at is not None


def cohorts(population: Population) -> Answer:
    """Each month's starters: how they stand now, and how many of those who have had the time were still there after 30, 90 and 180 days."""
    groups = population.groups(population.activated, "month")
    columns = ("month", "started", "active", "paused", "ended_well", "ended_early", "day_30", "day_90", "day_180")
    rows: list[Row] = []
    for month, members in groups.shown.items():
        status = [each.status for each in members]
        early = sum(each.ended_early for each in members)
        row: Row = {
            "month": month,
            "started": len(members),
            "active": status.count("active"),
            "paused": status.count("paused"),
            "ended_well": status.count("terminated") - early,
            "ended_early": early,
        }
        for day in (30, 90, 180):
            row[f"day_{day}"] = _still_there(population, members, day, groups.minimum)
        rows.append(row)
    shares = [{**row, "low": row["day_90"], "high": row["day_90"]} for row in rows]
    return Answer(
        "Relationships by the month in which they became active",
        columns,
        rows,
        lambda _: charts.bars(shares, x="month", y="day_90", titles=("month", "not ended early by day 90")),
        {"hidden": groups.hidden},
        (
            "day_30, day_90, day_180: the share that had not ended early by then, once all of the month have come so far.",
            *groups.sentences,
        ),
    )


def _still_there(population: Population, members: list[Relationship], day: int, minimum: int) -> float | None:
    """The share that had not ended early by a day, once that day has come for every one of them."""
    past = population.now - timedelta(days=day)
    if any(each.activated_at is None or each.activated_at > past for each in members):
        return None
    gone = [each for each in members if each.ended_early and each.days(population.now) <= day]
    return 1 - len(gone) / len(members) if len(members) >= minimum else None


def funnel(population: Population, by: By | None = None) -> Answer:
    """How many relationships come how far: from the proposal to the end review."""
    groups = population.groups(population.relationships, by)
    rows: list[Row] = []
    for name, members in groups.shown.items():
        before = first = len(members)
        reached = members
        for step, holds in _STEPS:
            reached = [each for each in reached if holds(each)]
            of_all = share(len(reached), first)
            rows.append(
                {
                    "group": name,
                    "step": step,
                    "relationships": len(reached),
                    "of_all": of_all and of_all.share,
                    "low": of_all and of_all.low,
                    "high": of_all and of_all.high,
                    "of_step_before": len(reached) / before if before else None,
                }
            )
            before = len(reached)
    return Answer(
        "How far relationships come",
        ("group", "step", "relationships", "of_all", "low", "high", "of_step_before"),
        rows,
        partial(charts.bars, x="step", y="relationships", titles=("step", "relationships"), color="group"),
        {"hidden": groups.hidden},
        (
            "Of those who have come to a step, how many to the next; relationships that still go on may come further.",
            *groups.sentences,
        ),
    )


_STEPS: Final = (
    ("proposed", lambda _: True),
    ("active", lambda each: each.activated_at is not None),
    ("first session", lambda each: each.sessions_completed > 0),
    ("half of the plan", lambda each: 2 * each.sessions_completed >= (each.planned_sessions or 6)),
    (
        "whole plan or a goal",
        lambda each: each.sessions_completed >= (each.planned_sessions or 6) or each.goals_achieved > 0,
    ),
    ("good end", lambda each: each.ending_reason in GOOD_ENDINGS),
    ("end review", lambda each: each.end_review),
)
