"""NPS: the figures, their intervals, what is asked and answered, and what is hidden."""

from math import sqrt
from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, iso
from tests.e2e.contract.story import Story, World

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
FEBRUARY, MARCH = at("2026-02-10 09:00"), at("2026-03-10 09:00")

# Answers of mentees in the middle, by programme: all groups are large enough to be shown.
SCORES = {
    "five-of-five": [9, 10, 9, 10, 10],
    "mixed": [10, 9, 9, 8, 7, 6, 0, 3, 9, 10],
    "passive": [7, 8, 7, 8, 7, 8],
    "detracted": [0, 1, 2, 3, 4, 5, 6],
}


def interval(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    """The adjusted Wald interval of an NPS, in points, clipped to what an NPS can be."""
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = 100 * 1.96 * sqrt((p + d - (p - d) ** 2) / (n + 3))
    return max(-100, 100 * (p - d) - half), min(100, 100 * (p - d) + half)


def answer(story: Story, role: str, score: int, when: Any = FEBRUARY, occasion: str = "mid") -> int:
    return story.say("RespondToNps", role, when, occasion=occasion, score=score)


def ask(story: Story, role: str, when: Any = FEBRUARY, occasion: str = "mid") -> int:
    return story.say("RequestNps", "coordinator", when, respondent=role, occasion=occasion)


@pytest.fixture(scope="module")
def told(world: World) -> World:
    """Answers of some programmes, and of their mentors and customers to other questions."""
    for programme, scores in SCORES.items():
        stories = [world.active("leapfrog", programme_id=programme) for _ in scores]
        for story, score in zip(stories, scores, strict=True):
            answer(story, "mentee", score)
    # Asked: nine of them, answered: six, one of those without having been asked.
    for number in range(10):
        story = world.active("leapfrog", programme_id="asked")
        if number < 9:
            ask(story, "mentor")
        if number in {0, 1, 2, 3, 4, 9}:
            answer(story, "mentor", 9)
    # Changed: five mentees who first were detractors and later promoters; their mentors answer too.
    for _ in range(5):
        story = world.active("leapfrog", programme_id="changed")
        answer(story, "mentee", 2)
        answer(story, "mentee", 10, MARCH)
        answer(story, "mentor", 0)
        answer(story, "mentee", 7, MARCH, "end")
    # Few: too few to show.
    for _ in range(4):
        answer(world.active("leapfrog", programme_id="few"), "customer", 10)
    world.submit()
    assert world.accepted(*range(len(world.receipts)))
    return world


def figures(world: World, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.rapport.ask("nps", *options)
    return found


def figure(world: World, role: str, occasion: str, *options: str, **keys: str) -> dict[str, Any]:
    wanted = {"role": role, "occasion": occasion, **keys}
    (found,) = [row for row in figures(world, *options) if wanted.items() <= row.items()]
    return found


@pytest.mark.parametrize("programme", SCORES)
def test_the_figures_of_a_group(told: World, programme: str) -> None:
    scores = SCORES[programme]
    n = len(scores)
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    row = figure(told, "mentee", "mid", "--by", "programme", programme=programme)
    low, high = interval(promoters, detractors, n)
    assert {
        "n": n,
        "asked": n,
        "promoters": promoters,
        "passives": n - promoters - detractors,
        "detractors": detractors,
        "suppressed": False,
    }.items() <= row.items()
    assert row["response_rate"] == 1
    assert row["nps"] == pytest.approx(100 * (promoters - detractors) / n, abs=0.05)
    assert (row["low"], row["high"]) == (pytest.approx(low, abs=0.05), pytest.approx(high, abs=0.05))
    assert all(row[name] == round(row[name], 1) for name in ("nps", "low", "high"))


def test_five_of_five_promoters_are_100_with_an_interval_of_62_and_a_half_plus_and_minus_45_clipped(
    told: World,
) -> None:
    row = figure(told, "mentee", "mid", "--by", "programme", programme="five-of-five")
    assert (row["nps"], row["low"], row["high"]) == (100, pytest.approx(17.5, abs=0.05), 100)


def test_the_response_rate_is_answers_over_those_asked_or_answering(told: World) -> None:
    row = figure(told, "mentor", "mid", "--by", "programme", programme="asked")
    assert (row["n"], row["asked"], row["response_rate"]) == (6, 10, 0.6)


def test_a_later_answer_replaces_the_earlier(told: World) -> None:
    row = figure(told, "mentee", "mid", "--by", "programme", programme="changed")
    assert (row["n"], row["asked"], row["promoters"], row["nps"]) == (5, 5, 5, 100)


def test_as_of_a_time_before_the_later_answer_the_earlier_counts(told: World) -> None:
    """--as-of is taken back to the last end of a month."""
    for time in (iso(MARCH - days(1)), "2026-03-01T00:00:00Z"):
        before = figure(told, "mentee", "mid", "--by", "programme", "--as-of", time, programme="changed")
        assert (before["n"], before["detractors"], before["nps"]) == (5, 5, -100)
    assert figures(told, "--as-of", iso(FEBRUARY + days(1))) == []


def test_what_was_not_yet_recorded_was_not_known(told: World) -> None:
    """--known-at is taken back to the last end of a month."""
    assert figures(told, "--known-at", iso(CLOCK - days(1))) == []


def test_roles_and_occasions_are_never_in_one_figure(told: World) -> None:
    rows = figures(told)
    assert len({(row["role"], row["occasion"]) for row in rows}) == len(rows)
    assert {row["role"] for row in rows} == {"mentee", "mentor", "customer"}
    assert figure(told, "mentor", "mid", "--by", "programme", programme="changed")["nps"] == -100
    assert figure(told, "mentee", "end", "--by", "programme", programme="changed")["passives"] == 5


def test_all_programmes_together(told: World) -> None:
    row = figure(told, "mentee", "mid")
    assert row["n"] == sum(len(scores) for scores in SCORES.values()) + 5


def test_a_figure_of_fewer_than_five_is_hidden_and_not_zero(told: World) -> None:
    """It is hidden: no n, no asked, no rate, no counts, only that it is hidden."""
    row = dict(figure(told, "customer", "mid"))
    assert row.pop("role") == "customer"
    assert row.pop("occasion") == "mid"
    assert row.pop("suppressed") is True
    assert set(row.values()) == {None}


def test_by_month_is_the_month_of_the_answer_that_counts(told: World) -> None:
    rows = [row for row in figures(told, "--by", "programme", "--by", "month") if row["programme"] == "changed"]
    assert {(row["role"], row["occasion"]): row["month"] for row in rows} == {
        ("mentee", "mid"): "2026-03",
        ("mentee", "end"): "2026-03",
        ("mentor", "mid"): "2026-02",
    }


def test_without_an_answer_it_is_the_month_of_the_request(told: World) -> None:
    row = figure(told, "mentor", "mid", "--by", "month", "--by", "programme", programme="asked", month="2026-02")
    assert (row["n"], row["asked"]) == (6, 10)


def test_from_and_to_are_months_and_both_included(told: World) -> None:
    march = [row for row in figures(told, "--from", "2026-03", "--to", "2026-03") if not row["suppressed"]]
    assert {(row["role"], row["occasion"], row["n"]) for row in march} == {("mentee", "mid", 5), ("mentee", "end", 5)}
    both = [row for row in figures(told, "--from", "2026-02", "--to", "2026-03") if not row["suppressed"]]
    assert both == [row for row in figures(told) if not row["suppressed"]]


@pytest.mark.parametrize(
    "options, why",
    [
        (("--from", "2026-03-01"), "whole months"),
        (("--to", "2026-03-31T00:00:00Z"), "whole months"),
        (("--from", "2026-13"), "whole months"),
        (("--from", "March"), "expected one such as 2026-03"),
        (("--from", "2026-04", "--to", "2026-03"), "before it begins in 2026-04"),
        (("--to", "2026-08"), "has not begun"),
    ],
)
def test_other_windows_are_refused_with_the_reason(told: World, options: tuple[str, ...], why: str) -> None:
    answer = told.rapport.run("nps", *options)
    assert answer.code == 2
    assert why in " ".join(answer.err.replace("│", " ").split())


def test_by_mentor_each_single_answer_is_hidden(told: World) -> None:
    rows = figures(told, "--by", "mentor")
    assert len(rows) > 5
    assert all("mentor" in row for row in rows)
    assert all(row["suppressed"] for row in rows)
    assert all(row["nps"] is None and row["promoters"] is None for row in rows)


class TestDifferences:
    """What a small group would be given away by is hidden with it."""

    def test_a_hidden_slice_cannot_be_computed_from_the_total_and_the_others(self, hidden: World) -> None:
        total = figure(hidden, "mentee", "mid")
        slices = [row for row in figures(hidden, "--by", "programme") if row["role"] == "mentee"]
        assert len(slices) == 3
        open_slices = [row["programme"] for row in slices if not row["suppressed"]]
        assert "small" not in open_slices
        assert total["suppressed"] or len(open_slices) < 2

    def test_by_two_keys_a_hidden_slice_cannot_be_computed_either(self, hidden: World) -> None:
        by_programme = {
            row["programme"]: row for row in figures(hidden, "--by", "programme") if row["role"] == "mentee"
        }
        both = [row for row in figures(hidden, "--by", "programme", "--by", "month") if row["role"] == "mentee"]
        for programme, whole in by_programme.items():
            cells = [row for row in both if row["programme"] == programme]
            concealed = [row for row in cells if row["suppressed"]]
            assert whole["suppressed"] or len(concealed) != 1, programme


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two large programmes and a small one; one of the large ones has a month of two answers."""
    from tests.e2e.contract.outside import Rapport

    world = World(Rapport(tmp_path_factory.mktemp("hidden"), CLOCK), "hidden", BEGINS)
    for programme, months in {
        "large": [FEBRUARY] * 6 + [MARCH] * 2,
        "other": [FEBRUARY] * 7,
        "small": [FEBRUARY] * 3,
    }.items():
        for when in months:
            answer(world.active("leapfrog", programme_id=programme), "mentee", 9, when)
    world.submit()
    assert world.accepted(*range(len(world.receipts)))
    return world
