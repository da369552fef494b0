"""Of which figures it may be shown how many were asked, so that it can't be worked out for a group in which nobody answered.

Such a group is hidden: nothing is said of it, not even how many were asked. What `domain.small_cells` shows gives away nothing of
groups with answers; but a sum of how many were asked takes in cells without answers as well. So the sums that are shown are
taken in once more, with these cells, and one stays without its number of asked if a group without answers would follow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from domain.few_people import Cell
from domain.small_cells import Elimination, Figure, Group, Keys, Sum, values_of

# The groups of a table by their values.
Parts = dict[Group, list[Group]]


class Asked:
    """What of the numbers of asked may be shown. `cells` are all of them, those in which nobody answered too.

    `shown` are the figures that are shown, the preferred of a table first. `ordered` is the place of the key, if any, by whose values
    people ask from one to another.
    """

    def __init__(
        self,
        cells: Mapping[Group, Cell],
        tables: Sequence[Keys],
        shown: Sequence[Figure],
        ordered: int | None = None,
    ) -> None:
        silent = sorted(group for group, cell in cells.items() if not cell.people)
        self._elimination: Final = (
            Elimination(
                list(_candidates(sorted(cells), tables, shown)),
                _without_answers(
                    silent, [group for group, cell in cells.items() if cell.people], tables, shown, ordered
                ),
            )
            if silent
            else None
        )

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the number of asked of these cells together follows from what is shown, if that of their answers does."""
        return self._elimination is None or self._elimination.follows(groups)


def _candidates(cells: Sequence[Group], tables: Sequence[Keys], shown: Sequence[Figure]) -> Iterator[Sum]:
    """The shown figures with all of their cells."""
    for keys in tables:
        wanted: Parts = {figure.group: [] for figure in shown if figure.keys == keys}
        if wanted:
            value_of = values_of(keys)
            for group in cells:
                value = value_of(group)
                if value in wanted:
                    wanted[value].append(group)
        yield from (Sum([Figure(keys, value)], tuple(groups), frozenset(), 0) for value, groups in wanted.items())


def _without_answers(
    silent: Sequence[Group],
    answered: Sequence[Group],
    tables: Sequence[Keys],
    shown: Sequence[Figure],
    ordered: int | None,
) -> Iterator[Sequence[Group]]:
    """The figures in which nobody answered; the parts of a shown figure that are such in a finer table; and months one after another."""
    known: dict[Keys, set[Group]] = {}
    for figure in shown:
        known.setdefault(figure.keys, set()).add(figure.group)
    for keys in tables:
        value_of = values_of(keys)
        with_answers = set(map(value_of, answered))
        hidden = [group for group in silent if value_of(group) not in with_answers]
        yield from _parts(hidden, keys).values()
        for coarse, groups_of in known.items():
            if set(keys) > set(coarse):
                yield from (groups for value, groups in _parts(hidden, coarse).items() if value in groups_of)
        if ordered is not None and ordered in keys:
            coarse = tuple(key for key in keys if key != ordered)
            months = _parts(answered, coarse)
            for value, groups in _parts(hidden, coarse).items():
                yield from _silent_ranges(groups, months.get(value, ()), ordered)


def _parts(groups: Sequence[Group], keys: Keys) -> Parts:
    found: Parts = {}
    value_of = values_of(keys)
    for group in groups:
        found.setdefault(value_of(group), []).append(group)
    return found


def _silent_ranges(silent: Sequence[Group], answered: Sequence[Group], ordered: int) -> Iterator[Sequence[Group]]:
    """The cells of a figure over two or more values of the ordered key that follow each other and have no answers."""
    by_value: dict[str, list[Group]] = {}
    for group in silent:
        by_value.setdefault(group[ordered], []).append(group)
    if len(by_value) > 1:
        between = {group[ordered] for group in answered}
        values = sorted({*by_value, *between})
        for start, first in enumerate(values):
            found: list[Group] = []
            for last in values[start:]:
                if last in between:
                    break
                found = found + by_value[last]
                if last != first:
                    yield found
