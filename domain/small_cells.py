"""Which figures of a set of tables may be shown, so that nobody's answer can be worked out from them.

The tables are those by some of the same keys: the total, by programme, by month and so on. Every figure is a sum of cells,
the groups by all keys, so a reader who adds and subtracts figures stays in the linear span of those that are shown.

1. A group of fewer different people than the minimum is small: its figure is hidden.
2. Nothing that is over the answers of too few people lies in the span of the shown ones: no small figure, nor one over some
   months, nor what small groups have together or one more than another (`domain.few_people`). That is exact: the sums are
   eliminated like equations, modulo a large prime.
3. Figures over the same cells are one figure: it is shown or hidden alike in every table.

Figures are taken in one by one: table by table in the order of preference, the largest of a table first. One is hidden if
something that has to stay out would follow from it and those before. So it is the smallest of the last tables that are hidden.
What has to stay out is looked for in the span, kept out by name once it is found, and all is taken in anew.

4. What is shown under a minimum is a part of what is shown under the lowest that there is. Documents set the minimum, and under each of two
   another figure gives way: who has seen both would have what neither shows.

Cells that belong to the same candidates are one unknown: no figures tell them apart. That keeps the elimination small.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from domain.few_people import Cell, sums_of_few, together
from domain.span import Span, Vector
from domain.terms import FEWEST_RESPONDENTS

Group = tuple[str, ...]
Keys = tuple[int, ...]


class Figure(NamedTuple):
    """A group of the table by some keys, which are named by their places."""

    keys: Keys
    group: Group


def part(group: Group, keys: Keys) -> Group:
    """The values of some keys of a group."""
    return tuple(group[key] for key in keys)


class Suppression:
    """What of a set of tables may be shown. `tables` are in the order of preference.

    Cells without people have no answers to give away: they are left out, and never shown.
    """

    def __init__(self, cells: Mapping[Group, Cell], tables: Sequence[Keys]) -> None:
        self.cells = {group: cell for group, cell in sorted(cells.items()) if cell.people}
        sums = list(sums_of(self.cells, tables))
        lowest = at_lowest(self.cells)
        if lowest != self.cells:
            ever = {each.figures[0] for each in Elimination(large(map(Sum.at_lowest, sums)), cells=lowest).taken}
            sums = [each for each in sums if each.figures[0] in ever]
        self._elimination = Elimination(large(sums), cells=self.cells)
        # The preferred come first.
        self.in_order: list[Figure] = [figure for each in self._elimination.taken for figure in each.figures]
        self.shown: set[Figure] = set(self.in_order)

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the sum of these cells follows from what is shown."""
        return self._elimination.follows([group for group in groups if group in self.cells])


def at_lowest(cells: Mapping[Group, Cell]) -> dict[Group, Cell]:
    """Cells under the lowest minimum that a document can set."""
    return {group: cell._replace(minimum=min(cell.minimum, FEWEST_RESPONDENTS)) for group, cell in cells.items()}


class Sum(NamedTuple):
    """The cells of one figure, or of several that have the same; who answered in them."""

    figures: list[Figure]
    groups: tuple[Group, ...]
    people: frozenset[str]
    minimum: float

    @property
    def small(self) -> bool:
        return len(self.people) < self.minimum

    def at_lowest(self) -> "Sum":
        """The same under the lowest minimum that a document can set."""
        return self._replace(minimum=min(self.minimum, FEWEST_RESPONDENTS))


def large(sums: Iterable[Sum]) -> list[Sum]:
    """Those of enough people."""
    return [each for each in sums if not each.small]


def sums_of(cells: Mapping[Group, Cell], tables: Sequence[Keys]) -> Iterator[Sum]:
    """Every sum once, in the order of preference."""
    known: dict[tuple[Group, ...], Sum] = {}
    for keys in tables:
        members: dict[Group, list[Group]] = {}
        value_of = values_of(keys)
        for group in cells:
            members.setdefault(value_of(group), []).append(group)
        fresh = []
        for value, listed in members.items():
            figure, groups = Figure(keys, value), tuple(listed)
            found = known.get(groups)
            if found is None:
                found = known[groups] = sum_of(cells, groups)
                fresh.append(found)
            found.figures.append(figure)
        yield from sorted(fresh, key=lambda each: (-len(each.people), each.figures[0]))


def sum_of(cells: Mapping[Group, Cell], groups: tuple[Group, ...]) -> Sum:
    return Sum([], groups, *together([cells[group] for group in groups]))


def values_of(keys: Keys) -> Callable[[Group], Group]:
    """As `part`, for many groups: a mapping made once for the keys."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return (lambda group: (group[keys[0]],)) if keys else (lambda _: ())


def _unknowns(candidates: Sequence[Sum]) -> tuple[dict[Group, int], list[int]]:
    """The unknown of each cell, and of how many cells each unknown consists."""
    members: dict[Group, list[int]] = {}
    for place, candidate in enumerate(candidates):
        for group in candidate.groups:
            members.setdefault(group, []).append(place)
    numbers: dict[tuple[int, ...], int] = {}
    unknown_of = {group: numbers.setdefault(tuple(places), len(numbers)) for group, places in members.items()}
    sizes = [0] * len(numbers)
    for unknown in unknown_of.values():
        sizes[unknown] += 1
    return unknown_of, sizes


class Elimination:
    """Sums of cells that are taken in one by one, in order, unless a sum that is kept out would follow. `taken` are those that are in.

    With `cells`, every sum or difference over answers of too few people is kept out as well.
    """

    def __init__(
        self, candidates: Sequence[Sum], out: Iterable[Sequence[Group]] = (), cells: Mapping[Group, Cell] | None = None
    ) -> None:
        self._unknown_of, self._sizes = _unknowns(candidates)
        kept_out = [vector for groups in out if (vector := self._vector(groups)) is not None]
        self._span, self.taken = self._taken(candidates, kept_out)
        if cells is not None:
            unknowns = self._people(cells)
            while found := list(sums_of_few(self._span, unknowns)):
                kept_out += found
                self._span, self.taken = self._taken(candidates, kept_out)

    def _taken(self, candidates: Sequence[Sum], kept_out: Sequence[Vector]) -> tuple[Span, list[Sum]]:
        span, taken = Span(), []
        for out in kept_out:
            span.keep_out(out)
        for each in candidates:
            vector = self._vector(each.groups)
            assert vector is not None, "candidates are made of whole unknowns"
            if span.take_in(vector):
                taken.append(each)
        return span, taken

    def _people(self, cells: Mapping[Group, Cell]) -> list[Cell]:
        """Who answered in each unknown."""
        of_unknown: list[list[Cell]] = [[] for _ in self._sizes]
        for group, unknown in self._unknown_of.items():
            of_unknown[unknown].append(cells[group])
        return list(map(together, of_unknown))

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the sum of these cells follows from what was taken in."""
        vector = self._vector(groups)
        return vector is not None and self._span.holds(vector)

    def _vector(self, groups: Collection[Group]) -> Vector | None:
        """The unknowns of a sum of cells; None where it has a part of one, which no figures tell from the rest."""
        found: dict[int, int] = {}
        for group in groups:
            unknown = self._unknown_of.get(group)
            if unknown is None or self._sizes[unknown] > len(groups):
                return None
            found[unknown] = found.get(unknown, 0) + 1
        if any(self._sizes[unknown] != size for unknown, size in found.items()):
            return None
        return dict.fromkeys(found, 1)
