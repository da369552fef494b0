"""Whether commitment health tells what comes: the band on a day after the start, and what became of those relationships later.

The day is a landmark: only relationships that had come so far without ending count, and only what came after it is an outcome. Without that a
relationship that lasts would look healthy because it lasted (immortal time).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from infra.analysis import charts
from infra.analysis.answer import Answer, Row, counted, hidden_sentences
from infra.analysis.population import Population, Relationship, enough, shown_parts
from infra.analysis.statistics import area, curve

HORIZON_DAYS: Final = 90
BANDS: Final = ("healthy", "watch", "at_risk", "critical")


def calibration(population: Population, day: int = 30, horizon: int = HORIZON_DAYS) -> Answer:
    """By band on the day: how many ended early within so many days after it, and how well the score told which."""
    at_day = _standing(population, day)
    found: defaultdict[str, list[Relationship]] = defaultdict(list)
    for one, _, band in at_day:
        found[band].append(one)
    shown = shown_parts(found, population.minimum)
    hidden = len(found) - len(shown)
    rows = [_row(population, band, found[band], day, horizon) for band in BANDS if band in shown]
    known = [(score, one) for one, score, _ in at_day if _is_known(population, one, day + horizon)]
    if not enough([one for one, _, _ in at_day], population.minimum):
        return _answer(day, horizon, [], {"auc": None, "compared": None, "hidden": hidden}, _hidden(hidden, population))
    compared = len(known) if enough([one for _, one in known], population.minimum) else None
    auc = _auc(population, known, day + horizon)
    sentences = [
        f"Of {counted(len(at_day), 'relationship')} that had come to day {day}, what happened up to day {day + horizon}.",
        f"To judge the score takes outcomes of both kinds, each of at least {population.minimum} mentees."
        if auc is None
        else f"AUC of the day-{day} score for ending early: {auc:.2f} (0.5: tells nothing, 1: tells all).",
        *_hidden(hidden, population),
    ]
    return _answer(day, horizon, rows, {"auc": auc, "compared": compared, "hidden": hidden}, sentences)


def _auc(population: Population, known: Sequence[tuple[int, Relationship]], day: int) -> float | None:
    """How well the score told who ended early by a day. It sets two groups against each other, so neither may be small."""
    early = [one.ended_early and one.days(population.now) <= day for _, one in known]
    for outcome in (True, False):
        if not enough([one for (_, one), was in zip(known, early, strict=True) if was is outcome], population.minimum):
            return None
    return area([score for score, _ in known], early)


def _hidden(count: int, population: Population) -> tuple[str, ...]:
    return hidden_sentences(count, "band", f"fewer than {population.minimum} mentees, or such a band would follow")


def _answer(day: int, horizon: int, rows: list[Row], found: dict[str, Any], sentences: Sequence[str]) -> Answer:
    return Answer(
        f"What became of relationships by their band on day {day}",
        ("band", "relationships", "ended_early", "share", "low", "high"),
        rows,
        partial(charts.intervals, x="band", y="share", titles=("band", f"ended early within {horizon} days")),
        {"day": day, "horizon": horizon, **found},
        tuple(sentences),
    )


def _row(population: Population, band: str, members: list[Relationship], day: int, horizon: int) -> Row:
    found = curve([_followed(population, each) - day for each in members], [each.ended_early for each in members])
    step = next((each for each in reversed(found.steps) if each.day <= horizon), None)
    assert step is not None, "a curve begins at 0"
    return {
        "band": band,
        "relationships": len(members),
        "ended_early": sum(each.ended_early and each.days(population.now) - day <= horizon for each in members),
        "share": 1 - step.survival,
        "low": 1 - step.high,
        "high": 1 - step.low,
    }


def _followed(population: Population, one: Relationship) -> int:
    """Days from the activation for which it is known whether it ended early: one that ended well never does, as far as there was time to see.

    To leave such a one out from its end on, as Kaplan and Meier do, would count the early endings among those that go on alone (the weights
    of Fine and Gray, Journal of the American Statistical Association 94, 1999, where the time that could be seen is known of all).
    """
    if one.terminated_at is None or one.ended_early:
        return one.days(population.now)
    return replace(one, terminated_at=None).days(population.now)


def _standing(population: Population, day: int) -> list[tuple[Relationship, int, str]]:
    """The relationships that had come to the day without ending, each with its score and band then."""
    known = population.by_id
    found = []
    for row in population.rows("commitment_bands", "relationship_id", "since", "until", "score", "band"):
        one = known.get(row["relationship_id"])
        if one is None or one.activated_at is None:
            continue
        at = one.activated_at + timedelta(days=day)
        over = one.terminated_at or population.now
        if row["since"] <= at and (row["until"] is None or at < row["until"]) and at < over:
            found.append((one, row["score"], row["band"]))
    return found


def _is_known(population: Population, one: Relationship, day: int) -> bool:
    """Whether it is known by now if a relationship ended early by a day: it ended, or has come so far."""
    assert one.activated_at is not None
    return one.terminated_at is not None or one.activated_at + timedelta(days=day) <= population.now
