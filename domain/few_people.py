"""Which sums over answers of too few people follow from what is shown, whatever groups the answers are of.

Each of two small groups may be hidden and what they have together follow, or what one has more than the other: both are found by adding and
subtracting figures that are shown, and tell of a few people alone. So every vector in the span counts that is over answers of fewer people
than an unknown in it needs. They are sought by what has to cancel out:

A vector in the span is a sum of its rows, times factors. It has the pivots of these rows, and of the other unknowns those that don't
cancel out. So in a search that begins with a row and the people of its pivot, every other unknown of the row must be of the vector, or another
row must cancel it: one of the two brings its people. Unknowns for which no person could come twice need different people, and few are
allowed: nearly every search ends where it began.

Where one programme needs many more people than others, a search may have no end in sight. It is given up then, and its row stays out:
more is hidden than has to be, and nobody is given away.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
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


def together(cells: Sequence[Cell]) -> Cell:
    """Several cells as one. There is one at least."""
    if len(cells) == 1:
        return cells[0]
    return Cell(frozenset().union(*[cell.people for cell in cells]), max([cell.minimum for cell in cells]))


People = frozenset[str]


def sums_of_few(span: Span, cells: Sequence[Cell]) -> Iterator[Vector]:
    """Vectors of the span over answers of too few people: one at least, if there are any. `cells` are by unknown."""
    for minimum in sorted({cell.minimum for cell in cells}):
        yield from _Search(span, cells, minimum).vectors()


# A search is given up after so many sets of people.
MOST_TRIED: Final = 300


class _Search:
    """For vectors over fewer than `minimum` people with an unknown that needs so many."""

    def __init__(self, span: Span, cells: Sequence[Cell], minimum: float) -> None:
        self._cells = cells
        self._minimum = minimum
        self._rows = {pivot: row for pivot, row in span.rows.items() if len(cells[pivot].people) < minimum}
        self._rows_with: dict[int, set[int]] = defaultdict(set)
        for pivot, row in self._rows.items():
            for unknown in row:
                self._rows_with[unknown].add(pivot)
        self._of_person: dict[str, set[int]] = defaultdict(set)
        for unknown in self._rows_with:
            if len(people := cells[unknown].people) < minimum:
                for person in people:
                    self._of_person[person].add(unknown)

    def vectors(self) -> Iterator[Vector]:
        """At least one, if there are any."""
        todo = set(self._rows)
        while todo:
            pivot = todo.pop()
            if self._is_useless(pivot):
                todo.update(*(self._rows_with[unknown] for unknown in self._leave_out(pivot)))
        for pivot in sorted(self._rows):
            if self._is_needed(self._rows[pivot]):
                yield from self._with_row(pivot)
                # What has this row is found, or it follows from what is found and from others without it.
                self._leave_out(pivot)

    def _leave_out(self, pivot: int) -> Vector:
        row = self._rows.pop(pivot)
        for unknown in row:
            self._rows_with[unknown].discard(pivot)
        return row

    def _is_needed(self, vector: Vector) -> bool:
        return any(self._cells[unknown].minimum >= self._minimum for unknown in vector)

    def _is_useless(self, pivot: int) -> bool:
        """Whether a row is of no vector that is sought: too many people would have to come with it."""
        people = self._cells[pivot].people
        theirs, others = self._theirs(pivot, people)
        alone = self._alone(pivot, theirs, others)
        return bool(alone) and not self._fewest_ways(people, ({unknown} for unknown in alone))

    def _with_row(self, pivot: int) -> Iterator[Vector]:
        """One with this row, if there are any; the row itself where they are sought in vain for too long."""
        todo, tried = [self._cells[pivot].people], set[People]()
        while todo:
            people = todo.pop()
            if people in tried:
                continue
            if len(tried) == MOST_TRIED:
                yield self._rows[pivot]
                return
            tried.add(people)
            theirs, others = self._theirs(pivot, people)
            if alone := self._alone(pivot, theirs, others):
                todo += self._fewest_ways(people, ({unknown} for unknown in alone))
                continue
            rows = _Rows(theirs)
            for other in sorted(others):
                rows.add(self._rows[other])
            left, vector = rows.reduced(self._rows[pivot])
            if left:
                todo += self._fewest_ways(people, (rows.that_bring(unknown) for unknown in sorted(left)))
            elif self._is_needed(vector):
                yield vector
                return

    def _theirs(self, pivot: int, people: People) -> tuple[set[int], set[int]]:
        """The unknowns of these people alone, and the other rows whose pivots are among them."""
        some = set[int]().union(*(self._of_person[person] for person in people))
        theirs = {unknown for unknown in some if self._cells[unknown].people <= people}
        return theirs, (theirs & self._rows.keys()) - {pivot}

    def _alone(self, pivot: int, theirs: Collection[int], others: Collection[int]) -> list[int]:
        """The unknowns of a row, but for theirs, that none of the other rows cancels; those first that few rows have."""
        row, rows_with = self._rows[pivot], self._rows_with
        found = [each for each in row if each not in theirs and rows_with[each].isdisjoint(others)]
        return sorted(found, key=lambda unknown: (len(rows_with[unknown]), unknown))

    def _fewest_ways(self, people: People, unsettled: Iterable[Collection[int]]) -> list[People]:
        """By whose answers an unknown can be settled: of all, the one that leaves least to try. `unsettled` has those that bring each.

        None where one can't be, or where those for which nobody could come twice need too many in all.
        """
        fewest: set[People] | None = None
        apart, count = set[str](), len(people)
        for bring in unsettled:
            ways = set(bring).union(*(self._rows_with.get(each, ()) for each in bring))
            found = {people | self._cells[way].people for way in ways}
            found = {more for more in found if len(people) < len(more) < self._minimum}
            if fewest is None or len(found) < len(fewest):
                fewest = found
            if not found:
                break
            brought = frozenset().union(*found) - people
            if apart.isdisjoint(brought):
                apart |= brought
                count += min(map(len, found)) - len(people)
                if count >= self._minimum:
                    return []
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

    def add(self, row: Vector) -> None:
        """Take in one more, unless nothing is left of it."""
        left, whole = self.reduced(row)
        if left:
            lead = min(left)
            factor = inverse(left[lead])
            self._rows.append((lead, times(left, factor), times(whole, factor)))

    def that_bring(self, unknown: int) -> set[int]:
        """The unknowns that leave this one once they are replaced by what these rows have besides them, and itself."""
        found = {unknown}
        for lead, left, _ in reversed(self._rows):
            if found & left.keys():
                found.add(lead)
        return found
