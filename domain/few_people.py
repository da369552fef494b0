"""Which sums over answers of too few people follow from what is shown, whatever groups the answers are of.

Each of two small groups may be hidden and what they have together follow, or what one has more than the other: both are found by adding and
subtracting figures that are shown, and tell of a few people alone. So every vector in the span counts that is over answers of fewer people
than an unknown in it needs. They are sought by what has to cancel out:

A vector in the span is a sum of its rows, times factors. It has the pivots of these rows, and of the other unknowns those that don't
cancel out. So in a search that begins with the people of an unknown and of a row that has it, every unknown of others in that row must be of
the vector, or another row must cancel it: one of the two brings its people. Few unknowns are of few people, so nearly every search ends
where it began.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from domain.span import Span, Vector, inverse, subtract, times


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
    """Vectors of the span over answers of too few people: one at least, if there are any. `cells` are by unknown."""
    search = _Search(span, cells)
    for unknown, cell in enumerate(cells):
        if cell.small:
            yield from search.vectors_with(unknown)


class Sought(NamedTuple):
    """Vectors with an unknown, and with a pivot, whose row it is in; without some other pivots."""

    unknown: int
    pivot: int
    without: frozenset[int]


class _Search:
    def __init__(self, span: Span, cells: Sequence[Cell]) -> None:
        self._span = span
        self._cells = cells
        self._tried: set[tuple[Sought, People]] = set()
        self._of_person: dict[str, list[int]] = {}
        most = max((cell.minimum for cell in cells), default=0)
        for unknown, cell in enumerate(cells):
            if len(cell.people) < most:
                for person in cell.people:
                    self._of_person.setdefault(person, []).append(unknown)

    def vectors_with(self, unknown: int) -> Iterator[Vector]:
        """Those with an unknown, over answers of fewer people than it needs."""
        pivots = [unknown] if unknown in self._span.rows else sorted(self._span.rows_with.get(unknown, ()))
        for place, pivot in enumerate(pivots):
            people = self._cells[unknown].people | self._cells[pivot].people
            # Those with the pivots before are found already, or follow from others without them.
            yield from self._vectors(Sought(unknown, pivot, frozenset(pivots[:place])), people)

    def _vectors(self, sought: Sought, people: People) -> Iterator[Vector]:
        """Those sought over answers of these people, and perhaps of some more."""
        if len(people) >= self._cells[sought.unknown].minimum or (sought, people) in self._tried:
            return
        self._tried.add((sought, people))
        theirs = {
            unknown for person in people for unknown in self._of_person[person] if self._cells[unknown].people <= people
        }
        rows = _Rows(theirs)
        for pivot in sorted((theirs & self._span.rows.keys()) - sought.without - {sought.pivot}):
            vector = rows.add(self._span.rows[pivot])
            if vector is not None and sought.unknown in vector:
                yield vector
                return
        left, vector = rows.reduced(self._span.rows[sought.pivot])
        if left:
            for more in self._fewest_ways(sought, rows, left, people):
                yield from self._vectors(sought, more)
        elif sought.unknown in vector:
            yield vector

    def _fewest_ways(self, sought: Sought, rows: "_Rows", left: Vector, people: People) -> list[People]:
        """Of each unknown that has to be settled, by whose answers it can be; those of the unknown that leaves least to try."""
        fewest: set[People] | None = None
        for unknown in sorted(left):
            bring = rows.that_bring(unknown)
            ways = bring.union(*(self._span.rows_with.get(each, ()) for each in bring)) - sought.without
            found = {people | self._cells[way].people for way in ways}
            found = {more for more in found if len(people) < len(more) < self._cells[sought.unknown].minimum}
            if fewest is None or len(found) < len(fewest):
                fewest = found
            if not fewest:
                break
        return sorted(fewest or (), key=sorted)


class _Rows:
    """Rows of a span without the unknowns of some people; each also without what those before it have."""

    def __init__(self, theirs: Collection[int]) -> None:
        self._theirs = theirs
        self._rows: list[tuple[int, Vector, Vector]] = []

    def reduced(self, row: Vector) -> tuple[Vector, Vector]:
        """What is left of a row, and the sum of rows of which that is left."""
        left = {unknown: factor for unknown, factor in row.items() if unknown not in self._theirs}
        whole = dict(row)
        for lead, other_left, other in self._rows:
            if lead in left:
                factor = left[lead]
                subtract(left, other_left, factor)
                subtract(whole, other, factor)
        return left, whole

    def add(self, row: Vector) -> Vector | None:
        """Take in one more; where nothing is left of it, a sum of rows over nothing but the unknowns of these people."""
        left, whole = self.reduced(row)
        if not left:
            return whole
        lead = min(left)
        factor = inverse(left[lead])
        self._rows.append((lead, times(left, factor), times(whole, factor)))
        return None

    def that_bring(self, unknown: int) -> set[int]:
        """The unknowns that leave this one once they are replaced by what these rows have besides them, and itself."""
        found = {unknown}
        for lead, left, _ in reversed(self._rows):
            if found & left.keys():
                found.add(lead)
        return found
