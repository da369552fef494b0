"""The span of vectors, exactly, and vectors that are kept out of it: elimination modulo a large prime, on sparse rows."""

from collections.abc import Iterator
from typing import Final

# Factors by the numbers of unknowns.
Vector = dict[int, int]

# Sums that follow from each other do so modulo a prime as well, unless it divides the factors between them. Those are small.
PRIME: Final = 2**61 - 1


class Span:
    """The span of vectors modulo the prime, and vectors that stay out of it.

    The rows are fully reduced: each has a pivot, an unknown with the factor 1 that no other row has. What stays out is kept
    reduced by them too; it would enter the span with a new vector exactly when the two, both reduced, are multiples of each other.
    `rows` are by their pivots; `rows_with` says which rows have an unknown that is no pivot.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Vector] = {}
        self.rows_with: dict[int, set[int]] = {}
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
            row = self.rows.get(unknown)
            if row is not None:
                subtract(found, row, factor)
        return found

    def _near(self, reduced: Vector) -> Iterator[Vector]:
        """What stays out and has that unknown of this vector which the fewest have."""
        rarest = min(reduced, key=lambda unknown: len(self._out_with.get(unknown, ())))
        for place in self._out_with.get(rarest, ()):
            yield self._out[place]

    def _widen(self, reduced: Vector) -> None:
        pivot = min(reduced, key=self._uses)
        row = times(reduced, inverse(reduced[pivot]))
        for other in self.rows_with.pop(pivot, ()):
            _eliminate(self.rows[other], other, row, pivot, self.rows_with)
        for place in self._out_with.pop(pivot, ()):
            _eliminate(self._out[place], place, row, pivot, self._out_with)
        self.rows[pivot] = row
        for unknown in row:
            if unknown != pivot:
                self.rows_with.setdefault(unknown, set()).add(pivot)

    def _uses(self, unknown: int) -> tuple[int, int]:
        """How much work it is to do without an unknown."""
        return len(self.rows_with.get(unknown, ())) + len(self._out_with.get(unknown, ())), unknown


def subtract(vector: Vector, row: Vector, factor: int) -> None:
    """Take a row, times a factor, from a vector."""
    for unknown, value in row.items():
        left = (vector.get(unknown, 0) - factor * value) % PRIME
        if left:
            vector[unknown] = left
        else:
            vector.pop(unknown, None)


def times(vector: Vector, factor: int) -> Vector:
    """A vector times a factor."""
    return {unknown: value * factor % PRIME for unknown, value in vector.items()}


def inverse(factor: int) -> int:
    """By which a factor gives 1."""
    return pow(factor, -1, PRIME)


def _eliminate(vector: Vector, name: int, row: Vector, pivot: int, users: dict[int, set[int]]) -> None:
    """Take the pivot of a new row out of a vector, and keep note of the vectors that have each unknown."""
    before = vector.keys() & row.keys()
    subtract(vector, row, vector[pivot])
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
