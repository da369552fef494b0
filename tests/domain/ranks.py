"""Whether a figure follows from others, worked out apart from `domain.small_cells`: by ranks over whole numbers.

Every figure is a sum of cells, a vector of zeros and ones. It follows by adding and subtracting exactly when it adds nothing to
the rank of the others.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from math import gcd


def follows(vector: Sequence[int], others: "Echelon") -> bool:
    """Whether a vector is a combination of others."""
    return others.left_of(vector) is None


class Echelon:
    """Vectors of whole numbers in echelon form, without fractions: rows are multiplied crosswise and divided by what they share."""

    def __init__(self, vectors: Iterable[Sequence[int]] = ()) -> None:
        self.rows: list[tuple[int, list[int]]] = []  # each with the place of its first number that is not zero
        for vector in vectors:
            self.add(vector)

    @property
    def rank(self) -> int:
        return len(self.rows)

    def add(self, vector: Sequence[int]) -> None:
        left = self.left_of(vector)
        if left is not None:
            self.rows.append((next(place for place, number in enumerate(left) if number), left))
            self.rows.sort(key=lambda row: row[0])

    def left_of(self, vector: Sequence[int]) -> list[int] | None:
        """What is left of a vector without what the rows give; None where that is nothing."""
        left = list(vector)
        for place, row in self.rows:
            if left[place]:
                mine, its = row[place], left[place]
                left = [mine * one - its * other for one, other in zip(left, row, strict=True)]
                shared = gcd(*left)
                if shared > 1:
                    left = [one // shared for one in left]
        return left if any(left) else None


class Sums:
    """Sums of cells, and what follows from them. Cells that are in the same of the sums count as one."""

    def __init__(self, sums: Iterable[AbstractSet[object]]) -> None:
        listed = list(dict.fromkeys(map(frozenset, sums)))
        members: dict[object, list[int]] = {}
        for place, one in enumerate(listed):
            for cell in one:
                members.setdefault(cell, []).append(place)
        self.classes: dict[tuple[int, ...], set[object]] = {}
        for cell, places in members.items():
            self.classes.setdefault(tuple(places), set()).add(cell)
        self.order = list(self.classes.values())
        self.class_of = {cell: cells for cells in self.order for cell in cells}
        self.echelon = Echelon(self._vector(one) for one in listed)

    def give(self, one: AbstractSet[object]) -> bool:
        """Whether another sum follows. One that takes in a part of cells that count as one does not."""
        if any(cell not in self.class_of or not self.class_of[cell] <= one for cell in one):
            return False
        return follows(self._vector(one), self.echelon)

    def _vector(self, one: AbstractSet[object]) -> list[int]:
        return [int(cells <= one) for cells in self.order]
