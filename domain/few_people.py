"""Which sums over answers of too few people follow from what is shown, whatever groups the answers are of.

Each of two small groups may be hidden and what they have together follow, or what one has more than the other: both are found by adding and
subtracting figures that are shown, and tell of a few people alone. So every vector in the span counts whose unknowns have answers of fewer
people than the highest minimum of theirs. All of them are sought, and only those, by what has to cancel out:

A vector in the span is a sum of its rows, times factors. It has the pivots of these rows, and of the other unknowns those that don't
cancel out. So in a search that begins with the people of a pivot, an unknown of others that its row has must be of the vector, or
another row must cancel it: one of the two brings its people. Few unknowns are of few people, so nearly every search ends where it began.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from typing import Final, NamedTuple

from domain.span import PRIME, Span, Vector, subtract


class Cell(NamedTuple):
    """Who answered in a group by all keys, or in several, and how many different people a figure with them needs."""

    people: frozenset[str]
    minimum: float

    @property
    def small(self) -> bool:
        """Whether they are too few."""
        return len(self.people) < self.minimum

    def with_more(self, more: "Cell") -> "Cell":
        """Two together."""
        return Cell(self.people | more.people, max(self.minimum, more.minimum))


NOBODY: Final = Cell(frozenset(), 0)
People = frozenset[str]


def sums_of_few(span: Span, cells: Sequence[Cell]) -> Iterator[Vector]:
    """Vectors of the span over unknowns of too few people, some for every few people of whom there are any. `cells` are by unknown."""
    search = _Search(span, cells)
    for pivot in sorted(span.rows):
        yield from search.vectors(pivot, cells[pivot].people)


class _Search:
    def __init__(self, span: Span, cells: Sequence[Cell]) -> None:
        self._span = span
        self._cells = cells
        self._most = max((cell.minimum for cell in cells), default=0)
        self._tried: set[tuple[int, People]] = set()
        self._of_person: dict[str, list[int]] = {}
        for unknown, cell in enumerate(cells):
            if len(cell.people) < self._most:
                for person in cell.people:
                    self._of_person.setdefault(person, []).append(unknown)

    def vectors(self, pivot: int, people: People) -> Iterator[Vector]:
        """Those that have a pivot, over answers of these people and perhaps of some more."""
        if len(people) >= self._most or (pivot, people) in self._tried:
            return
        self._tried.add((pivot, people))
        theirs = {
            unknown for person in people for unknown in self._of_person[person] if self._cells[unknown].people <= people
        }
        rows = _Rows(theirs)
        for other in sorted(theirs & self._span.rows.keys() - {pivot}):
            rows.add(self._span.rows[other])
        left = rows.add(self._span.rows[pivot])
        small = [vector for vector in rows.over_theirs if self._together(vector).small]
        yield from small
        if left and not small:
            for more in self._fewest_ways(rows, left, people):
                yield from self.vectors(pivot, more)

    def _together(self, vector: Vector) -> Cell:
        return reduce(Cell.with_more, (self._cells[unknown] for unknown in vector), NOBODY)

    def _fewest_ways(self, rows: "_Rows", left: Vector, people: People) -> list[People]:
        """Of each unknown that has to be settled, by whose answers it can be; those of the unknown that leaves least to try."""
        fewest: set[People] | None = None
        for unknown in sorted(left):
            ways = {unknown}.union(*(self._span.rows_with.get(each, ()) for each in rows.that_bring(unknown)))
            found = {people | self._cells[way].people for way in ways}
            found = {more for more in found if len(people) < len(more) < self._most}
            if fewest is None or len(found) < len(fewest):
                fewest = found
            if not fewest:
                break
        return sorted(fewest or (), key=sorted)


class _Rows:
    """Rows of a span without the unknowns of some people, each also without what those before it have.

    `over_theirs` are the sums of rows of which nothing else is left.
    """

    def __init__(self, theirs: Collection[int]) -> None:
        self._theirs = theirs
        self._rows: list[tuple[int, Vector, Vector]] = []
        self.over_theirs: list[Vector] = []

    def add(self, row: Vector) -> Vector:
        """What is left of one more row."""
        whole = dict(row)
        left = {unknown: factor for unknown, factor in row.items() if unknown not in self._theirs}
        for lead, other_left, other in self._rows:
            if lead in left:
                factor = left[lead]
                subtract(left, other_left, factor)
                subtract(whole, other, factor)
        if left:
            lead = min(left)
            inverse = pow(left[lead], -1, PRIME)
            self._rows.append((lead, _times(left, inverse), _times(whole, inverse)))
        else:
            self.over_theirs.append(whole)
        return left

    def that_bring(self, unknown: int) -> set[int]:
        """The unknowns with which a further row would have this one, once it is without what these rows have."""
        found = {unknown}
        for lead, left, _ in reversed(self._rows):
            if found & left.keys():
                found.add(lead)
        return found


def _times(vector: Vector, factor: int) -> Vector:
    return {unknown: value * factor % PRIME for unknown, value in vector.items()}
