"""The statistics of `rapport explore`, against examples that others published."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.analysis.statistics import area, curve, log_rank, quantile, share

# Weeks of remission of 42 patients with leukaemia, under 6-MP and placebo: Freireich and others, Blood 21 (1963), 699-716; as analysed in
# Kleinbaum and Klein, Survival Analysis, whose computer appendix prints these figures of Stata (sts list, sts test).
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
OF_STATA = [
    (6, 21, 3, 0.8571, 0.6197, 0.9516),
    (7, 17, 1, 0.8067, 0.5631, 0.9228),
    (10, 15, 1, 0.7529, 0.5032, 0.8894),
    (13, 12, 1, 0.6902, 0.4316, 0.8491),
    (16, 11, 1, 0.6275, 0.3675, 0.8049),
    (22, 7, 1, 0.5378, 0.2678, 0.7468),
    (23, 6, 1, 0.4482, 0.1881, 0.6801),
]
# Weeks of remission with and without maintenance: Miller, Survival Analysis (1981); the data set `aml` of R's package survival, whose
# survfit and survdiff print these figures (github.com/therneau/survival, tests/doaml.Rout.save).
MAINTAINED = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
ENDED = [True, True, False, True, True, False, True, True, False, True, False]
NOT_MAINTAINED = [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
ALL_BUT_ONE = [True, True, True, True, True, False, True, True, True, True, True, True]

# Days of patients with advanced lung cancer; less than 0: still alive then. Loprinzi and others, Journal of Clinical Oncology 12 (1994),
# 601-607; `lung` of R's package survival.
# fmt: off
MEN = [
    11, 11, 11, 12, 13, 13, 15, 26, 30, 31, 53, 53, 54, 59, 60, 65, 65, 71, 81, 88, 88, 92, 93, 95, 105, 107, 110,
    116, 118, 131, 132, 132, 135, 142, 144, 147, 156, 156, 163, 163, 163, 166, 170, -174, 175, 176, 177, 179, 179,
    180, 181, 181, 183, -185, -188, 189, -191, -196, -197, 197, 202, 207, 210, 212, 218, -221, -222, 222, 223, -225,
    -225, 229, 230, -237, 239, 246, -259, 267, 269, 270, -279, 283, -284, 284, 285, 286, 288, 291, -292, -300, -301,
    301, -303, 303, 306, 310, 320, 329, 337, 353, 353, 363, 364, 371, 387, 390, 394, -404, -413, 428, 429, 442,
    -444, 455, 457, -458, 460, 477, 519, 524, 533, 558, 567, 574, 583, 613, 624, 643, 655, 689, 707, 791, -806, 814,
    -840, 883, -1010, -1022,
]
WOMEN = [
    5, 60, 61, 62, 79, 81, -92, 95, -105, 107, 122, 145, 145, 153, 166, 167, -173, -175, -177, 182, 186, -192, 194,
    199, 201, 201, -202, -203, 208, -211, -224, 226, -235, 239, -240, -243, 245, -252, -266, 268, -269, -272, -276,
    285, -292, 293, -296, 305, 310, -315, -332, 340, 345, 348, 350, 351, -356, 361, 363, -364, 371, -376, -382,
    -384, 426, 433, 444, 450, 473, -511, -511, 520, 524, -529, -543, 550, -551, -559, -588, 641, 654, 687, 705, 728,
    731, 735, -740, 765, -821, -965,
]
# fmt: on


def test_survival_and_its_intervals_are_those_of_the_leukaemia_trial() -> None:
    """Published examples through the product: survival and its intervals equal to theirs."""
    found = curve(TREATED, RELAPSED)
    assert [(s.day, s.at_risk, s.ended, round(s.survival, 4), round(s.low, 4), round(s.high, 4)) for s in found.steps if s.ended] == OF_STATA  # fmt: skip
    assert found.median == 23
    assert curve(PLACEBO, [True] * 21).median == 8
    tested = log_rank([(TREATED, RELAPSED), (PLACEBO, [True] * 21)])
    assert tested is not None
    assert (round(tested.statistic, 2), tested.degrees) == (16.79, 1)
    assert tested.p < 0.0001


def test_survival_and_the_log_rank_test_are_those_of_r() -> None:
    found = curve(MAINTAINED, ENDED)
    assert [round(s.survival, 3) for s in found.steps if s.ended] == [0.909, 0.818, 0.716, 0.614, 0.491, 0.368, 0.184]
    assert found.median == 31
    other = curve(NOT_MAINTAINED, ALL_BUT_ONE)
    shares = [round(s.survival, 4) for s in other.steps if s.ended]
    assert shares == [0.8333, 0.6667, 0.5833, 0.4861, 0.3889, 0.2917, 0.1944, 0.0972, 0.0]
    assert other.median == 23
    tested = log_rank([(MAINTAINED, ENDED), (NOT_MAINTAINED, ALL_BUT_ONE)])
    assert tested is not None
    assert (round(tested.statistic, 1), round(tested.p, 4)) == (3.4, 0.0653)


def test_survival_of_the_lung_cancer_trial_is_that_of_r() -> None:
    """Loprinzi and others, Journal of Clinical Oncology 12 (1994), 601-607: `lung` of R's package survival, by sex, as survfit and survdiff print it."""
    by_sex = [([abs(days) for days in sex], [days > 0 for days in sex]) for sex in (MEN, WOMEN)]
    curves = [curve(days, died) for days, died in by_sex]
    assert [(found.n, found.ended, found.median) for found in curves] == [(138, 112, 270), (90, 53, 426)]
    tested = log_rank(by_sex)
    assert tested is not None
    assert (round(tested.statistic, 1), round(tested.p, 4)) == (10.3, 0.0013)


def test_groups_that_tell_nothing_are_not_tested() -> None:
    """Those who began yesterday have nobody who was there when the first of the others ended."""
    compared = [(MAINTAINED, ENDED), (NOT_MAINTAINED, ALL_BUT_ONE)]
    assert log_rank([*compared, ([1, 2], [False, False])]) == log_rank(compared)
    assert log_rank([([5, 6], [True, True]), ([1, 1], [False, False])]) is None
    assert log_rank([([5], [True]), ([5], [True])]) is None
    assert log_rank([([5, 6], [False, False]), ([5], [False])]) is None
    assert log_rank([(MAINTAINED, ENDED)]) is None


@pytest.mark.parametrize(
    "count, of, low, high",
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_of_shares_are_those_of_newcombe(count: int, of: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3 (Wilson's score interval)."""
    found = share(count, of)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_curve_ends_where_too_few_are_at_risk() -> None:
    whole, cut = curve(TREATED, RELAPSED), curve(TREATED, RELAPSED, minimum=12)
    assert cut.steps == tuple(step for step in whole.steps if step.at_risk >= 12)
    assert (whole.median, cut.median) == (23, None)
    assert cut.at(10) == whole.at(10)
    assert cut.at(20) is None


def test_the_area_under_the_curve_counts_pairs() -> None:
    scores, happened = [90, 80, 70, 70, 40], [False, False, False, True, True]
    pairs = [(a, b) for a, one in zip(scores, happened, strict=True) if one for b, other in zip(scores, happened, strict=True) if not other]  # fmt: skip
    assert area(scores, happened) == sum(1.0 if a < b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
    assert area([50, 60], [True, True]) is None


def test_quantiles_lie_between_the_values() -> None:
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([7], 0.25) == 7
    assert quantile([], 0.5) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40))
def test_the_median_is_the_first_day_on_which_no_more_than_a_half_is_left(each: list[tuple[int, bool]]) -> None:
    days, ended = (list(column) for column in zip(*each, strict=True))
    assert curve(days, ended).median == exact_median(days, ended)


def exact_survival(days: list[int], ended: list[bool]) -> list[Fraction]:
    """The estimate in whole numbers, at each day in order."""
    left, found = Fraction(1), []
    for day in sorted(set(days)):
        at_risk = sum(each >= day for each in days)
        left *= 1 - Fraction(sum(one for each, one in zip(days, ended, strict=True) if each == day), at_risk)
        found.append(left)
    return found


def exact_median(days: list[int], ended: list[bool]) -> int | None:
    survival = exact_survival(days, ended)
    return next((day for day, left in zip(sorted(set(days)), survival, strict=True) if 2 * left <= 1), None)


def test_parts_are_of_all_whether_they_have_come_so_far_or_not() -> None:
    found = curve([10] * 4 + [20] * 4 + [90] * 8, [True] * 8 + [False] * 8)
    assert [found.reached(part) for part in (0.25, 0.5, 0.75)] == [10, found.median, None]
    assert found.median == 20
    assert [curve(TREATED, RELAPSED).reached(part) for part in (0.25, 0.5, 0.75)] == [13, 23, None]


def test_exactly_a_half_left_is_the_median() -> None:
    days, ended = (
        [0] * 5 + [1] * 5 + [2] * 4,
        [False] * 3 + [True] * 3 + [False] * 3 + [True, False, True] + [False] * 2,
    )
    assert Fraction(1, 2) in exact_survival(days, ended)
    assert curve(days, ended).median == 2
