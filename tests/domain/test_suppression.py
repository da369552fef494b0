"""Suppression, against worked tables and against linear algebra: is a hidden figure a combination of shown ones?"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.small_cells import Cell, Group, Keys, hidden

MINIMUM = 5


def table(counts: Mapping[tuple[str, ...], int]) -> dict[Group, Cell]:
    return {group: Cell(n, MINIMUM) for group, n in counts.items()}


@pytest.mark.parametrize(
    "counts, expected",
    [
        ({"a": 5, "b": 9}, ""),
        ({"a": 4}, "a"),
        ({"a": 10, "b": 4}, "ab"),
        ({"a": 12, "b": 6, "c": 4}, "bc"),
        ({"a": 12, "b": 3, "c": 4}, "bc"),
        ({"a": 14, "b": 2, "c": 1, "d": 9}, "bcd"),
        ({"a": 3, "b": 1}, "ab"),
        ({"a": 12, "b": 0, "c": 8}, ""),
        ({"a": 12, "b": 0, "c": 4}, "ac"),
    ],
)
def test_small_groups_are_hidden_with_whatever_would_give_them_away(counts: dict[str, int], expected: str) -> None:
    assert hidden(table({(name,): n for name, n in counts.items()})) == {(name,) for name in expected}


def test_a_total_without_keys_is_hidden_when_it_is_small() -> None:
    assert hidden({(): Cell(4, MINIMUM)}) == {()}
    assert hidden({(): Cell(5, MINIMUM)}) == set()
    assert hidden({}) == set()


def test_the_minimum_is_that_of_the_group() -> None:
    assert hidden({("a",): Cell(4, 3), ("b",): Cell(9, 5)}) == set()


def test_in_two_keys_a_second_way_round_is_closed_by_the_smallest_rectangle() -> None:
    rows = {"p": (9, 2, 30), "q": (7, 8, 30), "r": (20, 20, 20)}
    counts: dict[Group, int] = {
        (row, column): n for row, ns in rows.items() for column, n in zip("xyz", ns, strict=True)
    }
    assert hidden(table(counts)) == {("p", "y"), ("p", "x"), ("q", "y"), ("q", "x")}


def test_a_mentor_is_hidden_where_the_programme_would_give_another_away() -> None:
    by_both = table({("p", "ana"): 8, ("p", "bo"): 2, ("q", "cy"): 7, ("q", "di"): 8})
    assert hidden(by_both, nested=(0, 1)) == {("p", "ana"), ("p", "bo")}
    assert hidden(by_both, wanted=(1,), nested=(0, 1)) == {("ana",), ("bo",)}
    assert hidden(by_both, wanted=(0,), nested=(0, 1)) == set()


counts = st.integers(0, 12)


@given(st.lists(st.lists(counts, min_size=1, max_size=4), min_size=1, max_size=4))
def test_no_small_figure_follows_from_the_shown_ones(rows: list[list[int]]) -> None:
    _check(
        table({(str(r), str(c)): n for r, row in enumerate(rows) for c, n in enumerate(row)}),
        nested=None,
        fixed=[(), (0,), (1,)],
    )


@given(st.lists(st.lists(counts, min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_mentor_follows_from_the_shown_programmes(rows: list[list[int]]) -> None:
    _check(
        table({(f"p{r}", f"m{r}{c}"): n for r, row in enumerate(rows) for c, n in enumerate(row)}),
        nested=(0, 1),
        fixed=[(), (0,)],
    )


def _check(cells: dict[Group, Cell], nested: tuple[int, int] | None, fixed: list[Keys]) -> None:
    """Every figure is a sum of cells: a 0-1 vector. None under the minimum lies in the span of the shown ones.

    Excepted is what the totals alone, settled before, give away: no hiding of cells can help there.
    """
    basis = [group for group, cell in cells.items() if cell.n]
    shown: dict[Keys, list[list[int]]] = {}
    small: list[tuple[Keys, list[int]]] = []
    for size in range(3):
        for keys in combinations((0, 1), size):
            unseen = hidden(cells, wanted=keys, nested=nested)
            for part in {tuple(group[key] for key in keys) for group in basis}:
                vector = [int(tuple(group[key] for key in keys) == part) for group in basis]
                if sum(cells[group].n for group, one in zip(basis, vector, strict=True) if one) < MINIMUM:
                    assert part in unseen
                    small.append((keys, vector))
                if part not in unseen:
                    shown.setdefault(keys, []).append(vector)
    everything = [vector for vectors in shown.values() for vector in vectors]
    totals = [vector for keys in fixed for vector in shown.get(keys, ())]
    for _, vector in small:
        assert not _spanned(vector, everything) or _spanned(vector, totals)


def _spanned(vector: list[int], by: Iterable[list[int]]) -> bool:
    rows = [[Fraction(x) for x in row] for row in by]
    left = [Fraction(x) for x in vector]
    for column in range(len(vector)):
        pivot = next((row for row in rows if row[column] and not any(row[:column])), None)
        if pivot is None:
            continue
        for row in (*rows, left):
            if row is not pivot and row[column]:
                factor = row[column] / pivot[column]
                row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
    return not any(left)
