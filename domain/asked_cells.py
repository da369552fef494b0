"""Of which figures it may be shown how many were asked, so that it can't be worked out for a group in which nobody answered.

Such a group is hidden: nothing is said of it, not even how many were asked. What `domain.small_cells` shows gives away nothing of
groups with answers; but a sum of how many were asked takes in cells without answers as well. So the sums that are shown are
taken in once more, with these cells, and one stays without its number of asked if a group without answers would follow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from domain.small_cells import Cell, Elimination, Figure, Group, Keys, Sum, values_of

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
        everyone = sorted(cells)
        silent = [group for group in everyone if not cells[group].people]
        parts = {keys: _parts(everyone, keys) for keys in tables} if silent else {}
        candidates = [
            Sum([figure], tuple(parts[keys][figure.group]), frozenset(), 0)
            for keys in parts
            for figure in shown
            if figure.keys == keys
        ]
        answered = {
            keys: set(map(values_of(keys), (group for group in everyone if cells[group].people))) for keys in parts
        }
        out = _without_answers(silent, parts, answered, shown, ordered)
        self._elimination: Final = Elimination(candidates, out) if silent else None

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether the number of asked of these cells together follows from what is shown, if that of their answers does."""
        return self._elimination is None or self._elimination.follows(groups)


def _parts(groups: Sequence[Group], keys: Keys) -> Parts:
    found: Parts = {}
    value_of = values_of(keys)
    for group in groups:
        found.setdefault(value_of(group), []).append(group)
    return found


def _without_answers(
    silent: Sequence[Group],
    parts: Mapping[Keys, Parts],
    answered: Mapping[Keys, Collection[Group]],
    shown: Collection[Figure],
    ordered: int | None,
) -> Iterator[Sequence[Group]]:
    """The figures in which nobody answered; the parts of a shown figure that are such in a finer table; and months one after another."""
    for keys, by_value in parts.items():
        yield from (groups for value, groups in by_value.items() if value not in answered[keys])
    for finer, with_answers in answered.items():
        value_of = values_of(finer)
        hidden = [group for group in silent if value_of(group) not in with_answers]
        for keys in parts:
            if set(finer) > set(keys):
                known = {figure.group for figure in shown if figure.keys == keys}
                yield from (groups for value, groups in _parts(hidden, keys).items() if value in known)
    if ordered is not None:
        for keys, by_value in parts.items():
            if ordered not in keys:
                finer = tuple(sorted((*keys, ordered)))
                for groups in by_value.values():
                    yield from _silent_ranges(groups, finer, answered[finer], ordered)


def _silent_ranges(
    groups: Sequence[Group], finer: Keys, answered: Collection[Group], ordered: int
) -> Iterator[Sequence[Group]]:
    """The cells of a figure over two or more values of the ordered key that follow each other and have no answers."""
    by_value = _parts(groups, (ordered,))
    value_of = values_of(finer)
    values = sorted(by_value)
    silent = [value_of(by_value[value][0]) not in answered for value in values]
    for start in range(len(values)):
        found: list[Group] = []
        for end in range(start, len(values)):
            if not silent[end]:
                break
            found = found + by_value[values[end]]
            if end > start:
                yield found
