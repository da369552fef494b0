"""Suppression, against worked tables and against ranks (tests.domain.ranks): does a small figure follow from the shown ones?"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import few_people
from domain.few_people import Cell
from domain.small_cells import Figure, Group, Keys, Suppression, part
from domain.told_late import ToldLate
from tests import sizes
from tests.domain.ranks import Echelon, follows

MINIMUM = 5
ONE_KEY: tuple[Keys, ...] = ((), (0,))
TWO_KEYS: tuple[Keys, ...] = ((), (0,), (1,), (0, 1))
THREE_KEYS: tuple[Keys, ...] = ((), (0,), (2,), (0, 2), (1,), (0, 1), (1, 2), (0, 1, 2))


def table(counts: Mapping[tuple[str, ...], int], minimum: float = MINIMUM) -> dict[Group, Cell]:
    """Cells of so many people each, all of them different."""
    return {
        group: Cell(frozenset(f"{'/'.join(group)} {number}" for number in range(n)), minimum)
        for group, n in counts.items()
    }


def hidden(cells: Mapping[Group, Cell], tables: tuple[Keys, ...], keys: Keys) -> set[Group]:
    """The groups of a table that are not shown."""
    found = Suppression(cells, tables).shown
    return {value for group in cells if Figure(keys, value := part(group, keys)) not in found}


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
        ({"a": 12, "b": 0, "c": 8}, "b"),
        ({"a": 12, "b": 0, "c": 4}, "abc"),
    ],
)
def test_small_groups_are_hidden_with_what_would_give_them_away(counts: dict[str, int], expected: str) -> None:
    cells = table({(name,): n for name, n in counts.items()})
    assert hidden(cells, ONE_KEY, (0,)) == {(name,) for name in expected}


def test_a_total_is_hidden_when_it_is_small() -> None:
    assert Suppression({(): Cell(frozenset("abcd"), MINIMUM)}, ((),)).shown == set()
    assert Suppression({(): Cell(frozenset("abcde"), MINIMUM)}, ((),)).shown == {Figure((), ())}
    assert Suppression({}, ((),)).shown == set()


def test_different_people_count_and_not_answers() -> None:
    one_person = frozenset({"ana"})
    cells: dict[Group, Cell] = {("p", f"2026-0{month}"): Cell(one_person, MINIMUM) for month in range(1, 8)}
    assert Suppression(cells, TWO_KEYS).shown == set()


def test_a_figure_over_several_minimums_needs_the_highest() -> None:
    cells = table({("a",): 4}, 3) | table({("b",): 9}, 20)
    assert hidden(cells, ONE_KEY, (0,)) == {("b",)}
    assert hidden(cells, ONE_KEY, ()) == {()}


def test_in_two_keys_a_small_cell_is_hidden_with_one_of_its_row_and_one_of_its_column() -> None:
    rows = {"p": (9, 2, 30), "q": (7, 8, 30), "r": (20, 20, 20)}
    counts: dict[Group, int] = {
        (row, column): n for row, ns in rows.items() for column, n in zip("xyz", ns, strict=True)
    }
    cells = table(counts)
    assert hidden(cells, TWO_KEYS, (0, 1)) == {("p", "y"), ("p", "x"), ("q", "y"), ("q", "x")}
    assert hidden(cells, TWO_KEYS, (0,)) == hidden(cells, TWO_KEYS, (1,)) == set()


def test_a_group_is_shown_or_hidden_alike_in_every_table() -> None:
    """The mentor of q has all of q's answers: they are one figure, whatever it is called."""
    cells = table({("p", "ana"): 9, ("q", "bo"): 4, ("r", "cy"): 7})
    assert hidden(cells, TWO_KEYS, (0,)) == {("q",), ("r",)}
    assert hidden(cells, TWO_KEYS, (1,)) == {("bo",), ("cy",)}
    assert hidden(cells, TWO_KEYS, (0, 1)) == {("q", "bo"), ("r", "cy")}


def test_three_tables_together_give_nothing_away_that_each_of_them_hides() -> None:
    """Every two of the tables leave the cell open; all of them together would not."""
    counts: dict[Group, int] = {(a, b, c): 6 for a in "xy" for b in "xy" for c in "xy"}
    counts[("x", "x", "x")] = 2
    cells = table(counts)
    unseen = hidden(cells, THREE_KEYS, (0, 1, 2))
    assert ("x", "x", "x") in unseen
    assert len(unseen) > 3
    check(cells, THREE_KEYS)


def test_a_range_of_months_that_a_stricter_programme_joins_is_small_again() -> None:
    """February and March have six people, enough for p; with April of q, which asks for seven, they are too few."""
    people = {
        ("p", "ana", "01"): "134567",
        ("p", "ana", "02"): "034578",
        ("p", "ana", "03"): "0",
        ("q", "bo", "04"): "8",
    }
    cells: dict[Group, Cell] = {
        group: Cell(frozenset(who), 5 if group[0] == "p" else 7) for group, who in people.items()
    }
    check(cells, THREE_KEYS)
    found = Suppression(cells, THREE_KEYS)
    assert Figure((), ()) in found.shown
    assert not found.follows([group for group in cells if group[2] > "01"])


def test_nothing_that_one_small_group_has_more_than_another_follows() -> None:
    """January less the mentor m1 is one answer of m0 less one of m1: with two people, both answers at once."""
    cells = table({("p", "m0", "01"): 1, ("p", "m1", "01"): 7, ("p", "m0", "02"): 7, ("p", "m1", "02"): 1})
    shown = Suppression(cells, THREE_KEYS).shown
    assert Figure((), ()) in shown
    assert not {Figure((2,), ("01",)), Figure((1,), ("m1",))} <= shown
    check_people(cells, THREE_KEYS)


def test_small_groups_of_different_tables_stay_unknown_together_as_well() -> None:
    """All less January and less m2 in March is one person's answers: of m0 in March and of m2 in February."""
    boss = frozenset({"boss"})
    cells = table({("p", "m0", "01"): 5, ("p", "m1", "01"): 3, ("p", "m2", "03"): 6})
    cells |= {("p", "m0", "03"): Cell(boss, MINIMUM), ("p", "m2", "02"): Cell(boss, MINIMUM)}
    found = Suppression(cells, THREE_KEYS)
    assert Figure((), ()) in found.shown
    assert not found.follows([group for group, cell in cells.items() if cell.people == boss])
    check_people(cells, THREE_KEYS)


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=4))
def test_no_small_figure_follows_in_two_keys(rows: list[list[int]]) -> None:
    check(table({(str(r), str(c)): n for r, row in enumerate(rows) for c, n in enumerate(row)}), TWO_KEYS)


@pytest.mark.parametrize("seed", range(sizes.size(8, 60)))
def test_no_small_figure_follows_from_the_shown_ones_in_random_tables(seed: int) -> None:
    """From all figures of all tables of a window together no figure under the minimum may follow."""
    random = Random(seed)
    for _ in range(150):
        cells = random_cells(random)
        check(cells, THREE_KEYS)


def test_a_sum_is_found_whose_unknowns_other_rows_have_as_well() -> None:
    """January of m2 in p2, less three other groups, is of six people; p1 and p2 ask for seven."""
    people = {
        ("p0", "m2", "01"): "0457",
        ("p0", "m2", "02"): "67",
        ("p0", "m2", "03"): "467",
        ("p1", "m0", "01"): "1267",
        ("p2", "m1", "03"): "15",
        ("p2", "m2", "01"): "236",
        ("p2", "m2", "02"): "012357",
        ("p2", "m2", "03"): "1367",
        ("p2", "m3", "02"): "01235",
        ("p2", "m3", "03"): "014",
    }
    check_people(
        {group: Cell(frozenset(who), 5 if group[0] == "p0" else 7) for group, who in people.items()}, THREE_KEYS
    )


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_follows_is_over_the_answers_of_too_few_people(seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        check_people(random_cells(random), THREE_KEYS)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_where_the_search_is_given_up_more_is_hidden_and_nobody_is_given_away(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    random = Random(3)
    tables = [random_cells(random) for _ in range(20)]
    whole = [Suppression(cells, THREE_KEYS).shown for cells in tables]
    monkeypatch.setattr(few_people, "MOST_TRIED", most)
    for cells in tables:
        check_people(cells, THREE_KEYS)
    hurried = [Suppression(cells, THREE_KEYS).shown for cells in tables]
    assert sum(map(len, hurried)) < sum(map(len, whole))


def test_in_tables_of_thousands_of_groups_nearly_every_row_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Years of hundreds of programmes, whose groups are of one to three people each: a search from each group of all took minutes."""
    random = Random(1)
    cells: dict[Group, Cell] = {}
    for number in range(1_500):
        programme, month = f"p{number % 150}", f"2026-{random.randint(1, 12):02}"
        mentor = f"{programme} m{random.randint(1, 15)}"
        group = programme, mentor, month
        answered = cells.get(group, Cell(frozenset(), MINIMUM)).people
        cells[group] = Cell(answered | {f"customer {random.randint(1, 300)}"}, MINIMUM)
    rows, tried = 0, 0

    class Counted(few_people._Search):
        def __init__(self, *args: Any) -> None:
            nonlocal rows
            super().__init__(*args)
            rows += len(self._rows)

        def _fewest_ways(self, *args: Any) -> list[few_people.People]:
            nonlocal tried
            tried += 1
            return super()._fewest_ways(*args)

    monkeypatch.setattr(few_people, "_Search", Counted)
    assert len(Suppression(cells, THREE_KEYS).shown) > 100
    assert 2 * tried < 3 * rows


@pytest.mark.parametrize("seed", range(8))
def test_two_minimums_one_after_the_other_give_nobody_away(seed: int) -> None:
    """Never under 3, whatever documents say: they set another minimum, and who asked before and after has what either shows."""
    random = Random(seed)
    for _ in range(20):
        people = random_cells(random)
        seen: set[Figure] = set()
        for minimum in (3, 4, 5, 6, 8):
            # Of one programme or of all.
            cells = {
                group: cell._replace(minimum=minimum if group[0] == "p0" else random.choice([3, minimum]))
                for group, cell in people.items()
            }
            seen |= Suppression(cells, THREE_KEYS).shown
        check_people({group: cell._replace(minimum=3) for group, cell in people.items()}, THREE_KEYS, seen)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_missing_at_another_time_is_under_no_minimum_more_than_under_the_lowest(seed: int) -> None:
    random = Random(seed)
    found = 0
    for _ in range(20):
        cells: dict[Group, Cell] = {}
        for (programme, mentor, month), cell in random_cells(random).items():
            for told in {month, f"2026-0{random.randint(int(month[5:]), 6)}"}:
                if some := frozenset(who for who in cell.people if random.random() < 0.7):
                    cells[programme, mentor, month, told] = Cell(some, 3)
        lowest = ToldLate(cells, THREE_KEYS, 2).taken
        for minimum in (4, 5, 8):
            higher = ToldLate({group: Cell(each.people, minimum) for group, each in cells.items()}, THREE_KEYS, 2)
            assert higher.taken <= lowest
            found += len(higher.taken)
    assert found


def random_cells(random: Random) -> dict[Group, Cell]:
    """Programmes, mentors and months; mentors are mostly of one programme; people answer more than once, and in several cells."""
    programmes, mentors, months = random.randint(1, 3), random.randint(1, 4), random.randint(1, 4)
    home = [random.randrange(programmes) for _ in range(mentors)]
    minimum = [random.choice([3, 5, 5, 7]) for _ in range(programmes)]
    crowd = random.choice([8, 40, 400])
    fill = random.choice([0.4, 0.7, 1.0])
    size = random.choice([4, 8, 12])
    cells: dict[Group, Cell] = {}
    for mentor in range(mentors):
        for programme in range(programmes):
            if programme != home[mentor] and random.random() > 0.15:
                continue
            for month in range(months):
                if random.random() < fill:
                    people = frozenset(str(random.randrange(crowd)) for _ in range(random.randint(0, size)))
                    cells[f"p{programme}", f"m{mentor}", f"2026-0{month + 1}"] = Cell(people, minimum[programme])
    return cells


def check(cells: Mapping[Group, Cell], tables: tuple[Keys, ...]) -> tuple[int, int]:
    """No small figure is shown or follows from what is; how many figures are shown, and how many are big enough.

    With three keys the last is the month, and no small figure over some months that follow each other follows either.
    """
    shown = Suppression(cells, tables).shown
    basis = [group for group, cell in cells.items() if cell.people]
    seen: list[list[int]] = []
    small: dict[tuple[int, ...], object] = {}
    of_vector: dict[tuple[int, ...], set[bool]] = {}
    big = 0
    for keys in tables:
        for value in {part(group, keys) for group in basis}:
            vector = [int(part(group, keys) == value) for group in basis]
            members = [cells[group] for group, one in zip(basis, vector, strict=True) if one]
            people = frozenset().union(*(cell.people for cell in members))
            is_small = len(people) < max(cell.minimum for cell in members)
            figure = Figure(keys, value)
            of_vector.setdefault(tuple(vector), set()).add(figure in shown)
            if is_small:
                assert figure not in shown
                small[tuple(vector)] = figure
            else:
                big += 1
            if figure in shown:
                seen.append(vector)
    assert all(len(answers) == 1 for answers in of_vector.values()), "alike in every table"
    if tables == THREE_KEYS:
        small |= small_ranges(cells, basis)
    known = Echelon(seen)
    for small_vector, which in small.items():
        assert not follows(small_vector, known), f"{which} follows"
    return len(seen), big


def check_people(
    cells: Mapping[Group, Cell], tables: tuple[Keys, ...], shown: AbstractSet[Figure] | None = None
) -> None:
    """No sum of figures, whatever the factors, is over cells in which too few people answered.

    There is one over some cells with one of them exactly when leaving out that one too gives the figures a lower rank.
    """
    shown = Suppression(cells, tables).shown if shown is None else shown
    basis = [group for group, cell in cells.items() if cell.people]
    seen = [[int(part(group, each.keys) == each.group) for group in basis] for each in shown]

    def rank_without(groups: AbstractSet[Group]) -> int:
        left = [place for place, group in enumerate(basis) if group not in groups]
        return Echelon([[vector[place] for place in left] for vector in seen]).rank

    for people in few_together(cells, basis):
        theirs = {group for group in basis if cells[group].people <= people}
        rank = rank_without(theirs)
        for group in theirs:
            if len(people) < cells[group].minimum:
                assert rank_without(theirs - {group}) == rank, f"{group} is given away with others of {people}"


def few_together(cells: Mapping[Group, Cell], basis: list[Group]) -> set[frozenset[str]]:
    """The people of up to four cells, where they are too few for one of the minimums."""
    most = max((cell.minimum for cell in cells.values()), default=0)
    sets = {cells[group].people for group in basis}
    found: set[frozenset[str]] = set()
    for size in range(1, 5):
        found |= {frozenset().union(*some) for some in combinations(sets, size)}
    return {people for people in found if len(people) < most}


def small_ranges(cells: Mapping[Group, Cell], basis: list[Group]) -> dict[tuple[int, ...], object]:
    """The vectors of small figures over the months from one to another, of all, by programme, mentor, and both."""
    found: dict[tuple[int, ...], object] = {}
    months = sorted({group[2] for group in basis})
    for keys in ((), (0,), (1,), (0, 1)):
        for value in {part(group, keys) for group in basis}:
            for first in months:
                for last in months:
                    vector = tuple(int(part(each, keys) == value and first <= each[2] <= last) for each in basis)
                    members = [cells[group] for group, one in zip(basis, vector, strict=True) if one]
                    people = frozenset().union(*(cell.people for cell in members))
                    if members and len(people) < max(cell.minimum for cell in members):
                        found[vector] = keys, value, first, last
    return found
