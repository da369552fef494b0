"""Each figure beside a count that is large enough has as many different mentees of its own behind it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.analysis.asking import responses
from infra.analysis.beginning import activation
from infra.analysis.calibration import calibration
from infra.analysis.population import Relationship
from infra.analysis.standing import endings, pauses, signals
from infra.analysis.statistics import curve
from tests.infra.analysis.test_elimination import MINIMUM, NOW, Told, some

Row = dict[str, Any]
MANY = 3 * MINIMUM


def members(early: int = 0, young: int = 0) -> list[Relationship]:
    """Active relationships of different mentees; some ended early soon after day 30, some began 40 days ago."""
    found = []
    for number in range(MANY):
        began = NOW - timedelta(days=40 if number >= MANY - young else 200)
        one = replace(some(0).relationships[0], id=f"r{number}", mentee=f"m{number}", programme="p1", status="active")
        one = replace(one, activated_at=began, proposed_at=began, terminated_at=None, ending_reason=None)
        if number < early:
            over = began + timedelta(days=40)
            one = replace(one, status="terminated", terminated_at=over, ending_reason="mentee_choice")
        found.append(one)
    return found


def told(relationships: list[Relationship], **rows: list[Row]) -> Told:
    """These relationships, with these rows of the datasets that a question reads."""
    population = Told(relationships)
    population.rows = lambda dataset, *columns, where="1 = 1": rows[dataset]  # type: ignore[method-assign]
    return population


def stretches(relationships: list[Relationship]) -> list[Row]:
    return [
        {"relationship_id": one.id, "since": one.activated_at, "until": None, "score": 90 - number, "band": "healthy"}
        for number, one in enumerate(relationships)
    ]


@pytest.mark.parametrize(
    "early, young, is_judged, compared",
    [
        (MINIMUM, 0, True, MANY),
        (MINIMUM - 1, 0, False, MANY),
        (MANY - MINIMUM, 0, True, MANY),
        (MANY - MINIMUM + 1, 0, False, MANY),
        # Of fewer than the minimum it is known by now what became of them.
        (0, MANY - MINIMUM + 1, False, None),
    ],
)
def test_a_score_is_judged_where_enough_of_both_outcomes_are_known(
    early: int, young: int, is_judged: bool, compared: int | None
) -> None:
    found = members(early, young)
    answer = calibration(told(found, commitment_bands=stretches(found)), 30, 60)
    assert (answer.summary["auc"] is not None, answer.summary["compared"]) == (is_judged, compared)
    assert any("of at least 5 mentees" in each for each in answer.sentences) is not is_judged


@pytest.mark.parametrize(
    "young, share",
    [
        # Of all it is known: 4 of 15, whatever became of the others.
        (0, 4 / 15),
        # Two that are known for 10 days alone leave before the 4 ended, 20 days after the landmark.
        (2, 4 / 13),
    ],
)
def test_who_ended_well_did_not_end_early(young: int, share: float) -> None:
    found = members(4, young)
    for place, one in enumerate(found[:10]):
        assert one.activated_at is not None
        days, reason = (50, "mentee_choice") if one.ended_early else (35, "goals_met")
        over = one.activated_at + timedelta(days=days)
        found[place] = replace(one, status="terminated", terminated_at=over, ending_reason=reason)
    (row,) = calibration(told(found, commitment_bands=stretches(found)), 30, 60).rows
    assert (row["relationships"], row["ended_early"]) == (MANY, 4)
    assert row["share"] == pytest.approx(share)
    assert row["low"] < share < row["high"]


def signal(over: int) -> tuple[str, list[Row]]:
    held = [
        {
            "relationship_id": f"r{number}",
            "signal": "no_goal",
            "party": "mentee",
            "since": NOW - timedelta(days=9),
            "until": NOW if number < over else None,
        }
        for number in range(2 * MINIMUM)
    ]
    return "signals_history", held


def pause(over: int) -> tuple[str, list[Row]]:
    asked = [
        {
            "relationship_id": f"r{number}",
            "paused_by": "mentee",
            "until": NOW if number < over else None,
            "days": 9.0 if number < over else None,
        }
        for number in range(2 * MINIMUM)
    ]
    return "pauses", asked


def request(timed: int) -> tuple[str, list[Row]]:
    asked = [
        {
            "relationship_id": f"r{number}",
            "kind": "nps",
            "respondent": "mentee",
            "occasion": "mid",
            "answered": number < 2 * MINIMUM,
            "days_to_answer": 9.0 if number < timed else None,
        }
        for number in range(MANY)
    ]
    return "requests", asked


@pytest.mark.parametrize("question, rows", [(signals, signal), (pauses, pause), (responses, request)])
def test_a_median_is_of_enough_mentees(question: Callable[[Told], Any], rows: Callable[[int], Any]) -> None:
    for with_days, median in ((2, None), (MINIMUM - 1, None), (MINIMUM, 9.0)):
        dataset, found = rows(with_days)
        [row] = question(told(members(), **{dataset: found})).rows
        assert row["median_days"] == median, with_days


def test_the_median_of_an_ending_is_of_enough_who_ever_began() -> None:
    for active in (2, MINIMUM):
        found = [
            replace(one, activated_at=one.activated_at if number < active or one.terminated_at is None else None)
            for number, one in enumerate(members(early=2 * MINIMUM))
        ]
        [row] = endings(told(found)).rows
        assert (row["median_days"] is None) is (active < MINIMUM)


def test_the_quarters_of_the_activation_are_of_all_who_were_proposed() -> None:
    found = [replace(one, proposed_at=NOW - timedelta(days=300)) for one in members()]
    found[MINIMUM:] = [replace(one, activated_at=None) for one in found[MINIMUM:]]
    (row,) = activation(told(found, gates=[])).rows
    assert (row["relationships"], row["met"]) == (MANY, MINIMUM)
    assert (row["quarter"], row["median"], row["three_quarters"]) == (100, None, None)


def test_how_often_a_gate_is_the_last_is_of_enough_mentees() -> None:
    """Twelve were last at one gate, three at another: neither is told, for they are parts of one whole."""
    found = members()
    gates = [
        {
            "relationship_id": one.id,
            "clause": clause,
            "met_at": one.proposed_at - timedelta(days=(number < 3) is (clause == "cmn.objectives")),
            "activated_at": one.activated_at,
        }
        for number, one in enumerate(found)
        for clause in ("cmn.objectives", "cmn.boundaries")
    ]
    rows = activation(told(found, gates=gates)).rows
    assert {row["what"]: row["last"] for row in rows[1:]} == {"cmn.boundaries": None, "cmn.objectives": None}


def test_a_curve_ends_where_too_few_people_are_left_however_many_relationships_they_have() -> None:
    days, people = [1.0, 2, 3, *[9] * 6], ["a", "b", "c", *"ddddde"]
    over = [True] * len(days)
    assert [step.day for step in curve(days, over, 3, people).steps] == [0, 1, 2, 3]
    assert [step.day for step in curve(days, over, 3).steps] == [0, 1, 2, 3, 9]
