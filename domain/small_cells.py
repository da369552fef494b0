"""Which figures of a set of tables may be shown, so that nobody's answer can be worked out from them.

The tables are those by some of the same keys: the total, by programme, by month and so on. Every figure is a sum of cells,
the groups by all keys, so a reader who adds and subtracts figures stays in the linear span of those that are shown.

1. A group of fewer different people than the minimum is small: its figure is hidden.
2. No small figure lies in the span of the shown ones. That is exact: the sums are eliminated like equations, modulo a large
   prime.
3. The small parts of a figure in a finer table are a sum that follows where all other parts are shown: if they have too few
   people together, their sum stays out of the span as well.
4. Figures over the same cells are one figure: it is shown or hidden alike in every table.

Figures are taken in one by one: table by table in the order of preference, the largest of a table first. One is hidden if
a sum that has to stay out would follow from it and those before. So it is the smallest of the last tables that are hidden.

Cells that belong to the same candidates are one unknown: no figures tell them apart. That keeps the elimination small.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

Group = tuple[str, ...]
Keys = tuple[int, ...]
Vector = dict[int, int]

# Sums that follow from each other do so modulo a prime as well, unless it divides the factors between them. Those are small.
PRIME: Final = 2**61 - 1


class Figure(NamedTuple):
    """A group of the table by some keys, which are named by their places."""

    keys: Keys
    group: Group


class Cell(NamedTuple):
    """Who answered in a group by all keys, and how many different people a figure with them needs."""

    people: frozenset[str]
    minimum: float


def part(group: Group, keys: Keys) -> Group:
    """The values of some keys of a group."""
    return tuple(group[key] for key in keys)


class Suppression:
    """What of a set of tables may be shown. `tables` are in the order of preference.

    `ordered` is the place of a key, such as the month, by whose values people ask from one to another: figures over some
    that follow each other stay unknown as well where they are small. Cells without people have no answers to give away: they
    are left out, and never shown.
    """

    def __init__(self, cells: Mapping[Group, Cell], tables: Sequence[Keys], ordered: int | None = None) -> None:
        self.cells = {group: cell for group, cell in sorted(cells.items()) if cell.people}
        sums = list(sums_of(self.cells, tables))
        small_ranges = () if ordered is None else self._small_ranges(sums, ordered)
        out = (*kept_out(self.cells, sums), *small_ranges)
        self._elimination = Elimination([each for each in sums if not each.small], out)
        # The preferred come first.
        self.in_order: list[Figure] = [figure for each in self._elimination.taken for figure in each.figures]
        self.shown: set[Figure] = set(self.in_order)

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the sum of these cells follows from what is shown."""
        return self._elimination.follows([group for group in groups if group in self.cells])

    def _small_ranges(self, sums: Sequence["Sum"], ordered: int) -> Iterator[Sequence[Group]]:
        """The cells of each figure over two or more neighbouring values of the ordered key, where they have too few people."""
        for each in sums:
            if all(ordered in figure.keys for figure in each.figures):
                continue
            by_value: dict[str, list[Group]] = {}
            for group in each.groups:
                by_value.setdefault(group[ordered], []).append(group)
            values = sorted(by_value)
            for start in range(len(values) - 1):
                groups = by_value[values[start]]
                for value in values[start + 1 :]:
                    groups = groups + by_value[value]
                    people = frozenset().union(*[self.cells[group].people for group in groups])
                    if len(people) >= each.minimum:
                        break
                    # More values bring more people, and may bring a programme that asks for more of them.
                    if len(people) < max([self.cells[group].minimum for group in groups]):
                        yield groups


class Sum(NamedTuple):
    """The cells of one figure, or of several that have the same; who answered in them."""

    figures: list[Figure]
    groups: tuple[Group, ...]
    people: frozenset[str]
    minimum: float

    @property
    def small(self) -> bool:
        return len(self.people) < self.minimum


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
    if len(groups) == 1:
        return Sum([], groups, *cells[groups[0]])
    people = frozenset().union(*[cells[group].people for group in groups])
    return Sum([], groups, people, max([cells[group].minimum for group in groups]))


def kept_out(cells: Mapping[Group, Cell], sums: Sequence[Sum]) -> Iterator[Sequence[Group]]:
    """The small figures, and the small parts of each figure in each finer table together where they are too few."""
    yield from (each.groups for each in sums if each.small)
    in_big_parts: dict[Keys, set[Group]] = {}
    big = [(figure, each) for each in sums if not each.small for figure in each.figures]
    for figure, each in big:
        in_big_parts.setdefault(figure.keys, set()).update(each.groups)
    tables = {figure.keys for each in sums for figure in each.figures}
    for figure, each in big:
        for finer in tables:
            if set(finer) > set(figure.keys):
                parts = _few(cells, each, in_big_parts.get(finer, set()))
                if parts:
                    yield parts


def _few(cells: Mapping[Group, Cell], whole: Sum, without: Collection[Group]) -> list[Group]:
    """The cells of a figure without some of them, if too few people are left in them."""
    people: set[str] = set()
    groups = []
    for group in whole.groups:
        if group not in without:
            groups.append(group)
            people |= cells[group].people
            if len(people) >= whole.minimum:
                return []
    return groups if groups and len(people) < max(cells[group].minimum for group in groups) else []


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
    """Sums of cells that are taken in one by one, in order, unless a sum that is kept out would follow. `taken` are those that are in."""

    def __init__(self, candidates: Sequence[Sum], out: Iterable[Sequence[Group]]) -> None:
        self._unknown_of, self._sizes = _unknowns(candidates)
        self._span = Span()
        for groups in out:
            vector = self._vector(groups)
            if vector is not None:
                self._span.keep_out(vector)
        self.taken: list[Sum] = []
        for each in candidates:
            vector = self._vector(each.groups)
            assert vector is not None, "candidates are made of whole unknowns"
            if self._span.take_in(vector):
                self.taken.append(each)

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


class Span:
    """The span of vectors modulo the prime, and vectors that stay out of it.

    The rows are fully reduced: each has a pivot, an unknown with the factor 1 that no other row has. What stays out is kept
    reduced by them too; it would enter the span with a new vector exactly when the two, both reduced, are multiples of each other.
    """

    def __init__(self) -> None:
        self._rows: dict[int, Vector] = {}
        self._rows_with: dict[int, set[int]] = {}
        self._out: list[Vector] = []
        self._out_with: dict[int, set[int]] = {}

    def keep_out(self, vector: Vector) -> None:
        """Never let this one into the span. It must not be in it by now."""
        reduced = self._reduced(vector)
        assert reduced, "it is in the span already"
        for unknown in reduced:
            self._out_with.setdefault(unknown, set()).add(len(self._out))
        self._out.append(reduced)

    def take_in(self, vector: Vector) -> bool:
        """Widen the span by a vector unless one that stays out would come in with it; whether the vector is in it now."""
        reduced = self._reduced(vector)
        if not reduced:
            return True
        if any(_are_multiples(reduced, each) for each in self._near(reduced)):
            return False
        self._widen(reduced)
        return True

    def holds(self, vector: Vector) -> bool:
        """Whether a vector is in the span."""
        return not self._reduced(vector)

    def _reduced(self, vector: Vector) -> Vector:
        found = dict(vector)
        for unknown, factor in vector.items():
            row = self._rows.get(unknown)
            if row is not None:
                _subtract(found, row, factor)
        return found

    def _near(self, reduced: Vector) -> Iterator[Vector]:
        """What stays out and has that unknown of this vector which the fewest have."""
        rarest = min(reduced, key=lambda unknown: len(self._out_with.get(unknown, ())))
        for place in self._out_with.get(rarest, ()):
            yield self._out[place]

    def _widen(self, reduced: Vector) -> None:
        pivot = min(reduced, key=self._uses)
        inverse = pow(reduced[pivot], -1, PRIME)
        row = {unknown: factor * inverse % PRIME for unknown, factor in reduced.items()}
        for other in self._rows_with.pop(pivot, ()):
            _eliminate(self._rows[other], other, row, pivot, self._rows_with)
        for place in self._out_with.pop(pivot, ()):
            _eliminate(self._out[place], place, row, pivot, self._out_with)
        self._rows[pivot] = row
        for unknown in row:
            if unknown != pivot:
                self._rows_with.setdefault(unknown, set()).add(pivot)

    def _uses(self, unknown: int) -> tuple[int, int]:
        """How much work it is to do without an unknown."""
        return len(self._rows_with.get(unknown, ())) + len(self._out_with.get(unknown, ())), unknown


def _subtract(vector: Vector, row: Vector, factor: int) -> None:
    for unknown, value in row.items():
        left = (vector.get(unknown, 0) - factor * value) % PRIME
        if left:
            vector[unknown] = left
        else:
            vector.pop(unknown, None)


def _eliminate(vector: Vector, name: int, row: Vector, pivot: int, users: dict[int, set[int]]) -> None:
    """Take the pivot of a new row out of a vector, and keep note of the vectors that have each unknown."""
    before = vector.keys() & row.keys()
    _subtract(vector, row, vector[pivot])
    for unknown in row:
        if unknown == pivot:
            continue
        if unknown not in vector:
            users[unknown].discard(name)
        elif unknown not in before:
            users.setdefault(unknown, set()).add(name)


def _are_multiples(one: Vector, other: Vector) -> bool:
    if one.keys() != other.keys():
        return False
    first = next(iter(one))
    a, b = one[first], other[first]
    return all((one[unknown] * b - other[unknown] * a) % PRIME == 0 for unknown in one)
