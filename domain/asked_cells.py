"""Of which figures it may be shown how many were asked, so that it can't be worked out for a group in which nobody answered.

Such a group is hidden: nothing is said of it, not even how many were asked. What `domain.small_cells` shows gives away nothing of
groups with answers; but a sum of how many were asked takes in cells without answers as well. So the sums that are shown are
taken in once more, with these cells, and one stays without its number of asked if a group without answers would follow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from domain.small_cells import Cell, Elimination, Figure, Group, Keys, Sum, sums_of


class Asked:
    """What of the numbers of asked may be shown. `cells` are all of them, those in which nobody answered too.

    `shown` are the figures that are shown. `ordered` is the place of the key, if any, by whose values people ask from one to another.
    """

    def __init__(
        self,
        cells: Mapping[Group, Cell],
        tables: Sequence[Keys],
        shown: Collection[Figure],
        ordered: int | None = None,
    ) -> None:
        sums = list(sums_of(dict(sorted(cells.items())), tables))
        candidates = [each for each in sums if any(figure in shown for figure in each.figures)]
        self._elimination: Final = Elimination(candidates, _without_answers(sums, candidates, ordered))

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the number of asked of these cells together follows from what is shown."""
        return self._elimination.follows(groups)


def _without_answers(sums: Sequence[Sum], candidates: Sequence[Sum], ordered: int | None) -> Iterator[Sequence[Group]]:
    """The figures in which nobody answered; the parts of a figure that are such in a finer table; and months one after another."""
    silent: dict[Keys, set[Group]] = {}
    for each in sums:
        if not each.people:
            yield each.groups
        for figure in each.figures:
            silent_cells = silent.setdefault(figure.keys, set())
            if not each.people:
                silent_cells.update(each.groups)
    for each in candidates:
        for figure in each.figures:
            for finer, silent_cells in silent.items():
                if set(finer) > set(figure.keys):
                    parts = [group for group in each.groups if group in silent_cells]
                    if parts:
                        yield parts
    if ordered is not None:
        for each in sums:
            for figure in each.figures:
                if ordered not in figure.keys:
                    yield from _silent_ranges(each, silent.get((*figure.keys, ordered), set()), ordered)


def _silent_ranges(each: Sum, silent: Collection[Group], ordered: int) -> Iterator[Sequence[Group]]:
    """The cells of a figure over two or more values of the ordered key that follow each other and have no answers."""
    by_value: dict[str, list[Group]] = {}
    for group in each.groups:
        by_value.setdefault(group[ordered], []).append(group)
    values = sorted(by_value)
    for start, value in enumerate(values):
        groups: list[Group] = []
        for end in values[start:]:
            if by_value[end][0] not in silent:
                break
            groups = groups + by_value[end]
            if end != value:
                yield groups
