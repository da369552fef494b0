"""Which groups of a table of figures must not be shown, so that nobody's answer can be worked out from it.

The rule, for one question (a role and an occasion) and one window of time:

1. A group with fewer answers than the minimum is hidden. One without answers has no figures to hide and gives nothing
   away, so it is shown as hidden too, and drags no other with it.
2. A reader who asks with fewer keys gets the totals: with `programme` and `month`, the figures by programme, by month and of
   all. What those show is settled first and by the same rule, so that a figure is shown or hidden alike in every table.
   Mentors belong to programmes, so figures by mentor are settled together with those by programme and mentor.
3. In a table by one or two keys no figure under the minimum may follow from the shown ones and the totals by any chain of
   differences. Hidden figures are the edges of a graph whose vertices are the sums (each row, each column, the row of
   totals, the column of totals); a hidden figure follows exactly when its edge is a bridge. While one does, the
   smallest shown groups that close a second way round are hidden too.
4. With three keys every two sides are treated so: each pair within each value of the third, and each key against the
   other two.
5. The hidden groups of one shown total together count at least the minimum, or the next smallest joins them: their sum
   follows from the total, and would itself be a figure under the minimum.

What it can't prevent: a group that makes up all of a shown total is that total; and answers to two questions with
different windows of time may differ by a single answer.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from domain.graph import Ends, Graph

Group = tuple[str, ...]
Keys = tuple[int, ...]
Figure = tuple[Keys, Group]


class Cell(NamedTuple):
    """A group's number of answers, and the minimum for showing it."""

    n: int
    minimum: float


def hidden(
    cells: Mapping[Group, Cell], wanted: Keys | None = None, nested: tuple[int, int] | None = None
) -> set[Group]:
    """The groups that must not be shown in the table by the `wanted` keys (all of them, unless given).

    `cells` is the whole table by all keys; `nested` are the places of an outer key and an inner one that belongs to it.
    """
    keys = tuple(range(len(next(iter(cells), ()))))
    tables = _Tables({group: cell for group, cell in sorted(cells.items()) if cell.n})
    for together in _stages(keys, nested):
        tables.settle(together)
    by = keys if wanted is None else wanted
    return {group for figure_keys, group in tables.hidden if figure_keys == by}


def _stages(keys: Keys, nested: tuple[int, int] | None) -> list[tuple[Keys, ...]]:
    """The sets of keys, from the coarsest table to the finest; those that are settled together in one tuple."""
    stages: list[tuple[Keys, ...]] = []
    for size in range(len(keys) + 1):
        for some in combinations(keys, size):
            if nested and nested[1] in some:
                if nested[0] in some:
                    stages.append((tuple(key for key in some if key != nested[0]), some))
            else:
                stages.append((some,))
    return stages


class _Tables:
    """The tables by every set of keys."""

    def __init__(self, cells: Mapping[Group, Cell]) -> None:
        self.cells = cells
        self.tables: dict[Keys, dict[Group, Cell]] = {}
        self.small: set[Figure] = set()
        self.hidden: set[Figure] = set()

    def settle(self, together: tuple[Keys, ...]) -> None:
        """Decide for the tables by these sets of keys; all coarser ones are decided."""
        for keys in together:
            table = self.tables[keys] = self._summed(keys)
            small = {(keys, group) for group, cell in table.items() if cell.n < cell.minimum}
            self.small |= small
            self.hidden |= small
        # The finest first: what protects a part of a programme protects the mentor, and seldom the other way about.
        views = [Graph(edges) for keys in reversed(together) for edges in _views(keys, self.tables[keys])]
        while self._closed(together, views) or any(self._crowded(keys) for keys in together):
            pass

    def _summed(self, keys: Keys) -> dict[Group, Cell]:
        table: dict[Group, Cell] = {}
        for group, cell in self.cells.items():
            part = tuple(group[key] for key in keys)
            held = table.get(part, Cell(0, 0))
            table[part] = Cell(held.n + cell.n, max(held.minimum, cell.minimum))
        return table

    def _closed(self, together: Collection[Keys], views: list[Graph[Figure]]) -> bool:
        """Rules 3 and 4: open a second way round every bridge that is a figure under the minimum; whether any was."""
        changed = False
        for view in views:
            unseen = self.hidden.intersection(view.edges)
            for bridge in sorted(view.bridges(unseen) & self.small):
                cost = {
                    figure: 0 if figure in self.hidden else self.tables[figure[0]][figure[1]].n
                    for figure in view.edges
                    if figure in self.hidden or figure[0] in together
                }
                fresh = set(view.bypass(bridge, cost) or ()) - self.hidden
                self.hidden |= fresh
                changed |= bool(fresh)
        return changed

    def _crowded(self, keys: Keys) -> bool:
        """Rule 5: hide more until the hidden groups of each shown total are enough of a crowd; whether any was."""
        changed = False
        for size in range(len(keys)):
            for fewer in combinations(range(len(keys)), size):
                members: dict[Group, list[Group]] = {}
                for group in self.tables[keys]:
                    members.setdefault(tuple(group[place] for place in fewer), []).append(group)
                total_keys = tuple(keys[place] for place in fewer)
                for total, groups in members.items():
                    if (total_keys, total) not in self.hidden:
                        changed |= self._crowd(keys, groups)
        return changed

    def _crowd(self, keys: Keys, groups: list[Group]) -> bool:
        table = self.tables[keys]
        unseen = [table[group] for group in groups if (keys, group) in self.hidden]
        if not unseen:
            return False
        count, least = sum(cell.n for cell in unseen), max(cell.minimum for cell in unseen)
        changed = False
        for n, group in sorted((table[group].n, group) for group in groups if (keys, group) not in self.hidden):
            if count >= least:
                break
            self.hidden.add((keys, group))
            count, changed = count + n, True
        return changed


def _views(keys: Keys, table: Mapping[Group, Cell]) -> Iterator[dict[Figure, Ends]]:
    """Every way to lay the table out in rows and columns: its figures, each with the two sums that it is part of."""
    if len(keys) == 1:
        line: dict[Figure, Ends] = {(keys, group): Ends("parts", "whole") for group in table}
        yield {**line, ((), ()): Ends("parts", "whole")}
    for fixed_size in range(len(keys) - 1):
        for fixed in combinations(keys, fixed_size):
            free = tuple(key for key in keys if key not in fixed)
            for size in range(1, len(free)):
                for rows in combinations(free, size):
                    if rows[0] == free[0]:  # the other splits are these with rows and columns swapped
                        columns = tuple(key for key in free if key not in rows)
                        yield from _laid_out(keys, table, fixed, rows, columns)


def _laid_out(
    keys: Keys, table: Mapping[Group, Cell], fixed: Keys, rows: Keys, columns: Keys
) -> Iterator[dict[Figure, Ends]]:
    views: dict[Group, dict[Figure, Ends]] = {}
    row_keys, column_keys = tuple(sorted(fixed + rows)), tuple(sorted(fixed + columns))
    for group in table:
        value = dict(zip(keys, group, strict=True))
        total: Figure = fixed, tuple(value[key] for key in fixed)
        row: Figure = row_keys, tuple(value[key] for key in row_keys)
        column: Figure = column_keys, tuple(value[key] for key in column_keys)
        edges = views.setdefault(total[1], {total: Ends("row of totals", "column of totals")})
        edges[keys, group] = Ends(("row", row), ("column", column))
        edges[row] = Ends(("row", row), "row of totals")
        edges[column] = Ends(("column", column), "column of totals")
    yield from views.values()
