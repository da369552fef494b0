"""What of another record may be shown, in which answers are missing that were told after their month had ended.

The record that was known by the end of a month lacks what was told later. Of the same months, today's record has it. So where both
are shown, so is what was told late: its sums, over (key, ..., month, month in which it was told), are settled here for
all ends of months together, as `domain.small_cells` settles the figures of today.

Today's figures tell no answers of a cell apart, those told late or in time. So what follows from both is a sum that follows from
today's figures, less a sum of late answers that follows from those settled here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from domain.few_people import Cell
from domain.small_cells import Elimination, Group, Keys, Sum, at_lowest, large, part, sums_of

# Groups here end with the month of the answer and the month in which it was told.
MONTH: Final = -2
TOLD: Final = -1
Cells = Mapping[Group, Cell]


class ToldLate:
    """`answers` are all that count today. `tables` are in the order of preference; `month` is the place of the month in their keys."""

    def __init__(self, answers: Cells, tables: Sequence[Keys], month: int) -> None:
        first = min((group[TOLD] for group in answers), default="")
        # Before the first month in which anything was told there is no record that could lack it.
        late = {group: cell for group, cell in sorted(answers.items()) if group[MONTH] < group[TOLD] > first}
        ends = sorted({month for group in late for month in group[MONTH:]})
        candidates: list[Sum] = []
        out: list[Sequence[Group]] = []
        for end in reversed(ends):
            missing = {group: cell for group, cell in late.items() if group[MONTH] <= end < group[TOLD]}
            candidates += large(sums_of(missing, tables))
        for keys in tables:
            if late and month not in keys:
                of_group = _by_group(late, keys)
                for group, cells in _by_group(answers, keys).items():
                    if group in of_group:
                        out += _few_left(cells, of_group[group], ends)
        place = {keys: number for number, keys in enumerate(tables)}
        candidates.sort(key=lambda each: place[each.figures[0].keys])
        lowest = at_lowest(answers)
        if lowest != answers:
            # Of what is missing, too, a minimum shows a part of what the lowest does.
            ever = ToldLate(lowest, tables, month).taken
            candidates = [each for each in candidates if each.groups in ever]
        self._elimination: Final = Elimination(candidates, dict.fromkeys(tuple(sorted(groups)) for groups in out), late)

    @property
    def taken(self) -> frozenset[tuple[Group, ...]]:
        """The sums that may be seen to be missing."""
        return frozenset(each.groups for each in self._elimination.taken)

    def follows(self, groups: Collection[Group]) -> bool:
        """Whether it may be seen that these late answers are missing, all those of their cells."""
        return self._elimination.follows(groups)


def _by_group(cells: Cells, keys: Keys) -> dict[Group, dict[Group, Cell]]:
    found: dict[Group, dict[Group, Cell]] = {}
    for group, cell in cells.items():
        found.setdefault(part(group, keys), {})[group] = cell
    return found


def _few_left(answers: Cells, late: Cells, ends: Sequence[str]) -> Iterator[list[Group]]:
    """What some months of a figure lack at the end of a month, where the answers that were known of them are of too few people."""
    for end in ends:
        missing = {group: cell for group, cell in late.items() if group[MONTH] <= end < group[TOLD]}
        if missing:
            known = {group: cell for group, cell in answers.items() if group[MONTH] <= end and group[TOLD] <= end}
            months = {group[MONTH] for group in missing}
            for first, last in _few_people(known, months):
                lacked = [group for group in missing if first <= group[MONTH] <= last]
                if lacked:
                    yield lacked


def _few_people(cells: Cells, also: Collection[str]) -> Iterator[tuple[str, str]]:
    """Months that follow each other and have answers of too few people: the first and the last.

    They are months of the cells, or `also` others.
    """
    by_month: dict[str, list[Group]] = {month: [] for month in also}
    for group in cells:
        by_month.setdefault(group[MONTH], []).append(group)
    months = sorted(by_month)
    most = max((cell.minimum for cell in cells.values()), default=0)
    for start, first in enumerate(months):
        groups: list[Group] = []
        people: set[str] = set()
        for last in months[start:]:
            groups = groups + by_month[last]
            people.update(*(cells[group].people for group in by_month[last]))
            if len(people) >= most:
                break
            if people and len(people) < max(cells[group].minimum for group in groups):
                yield first, last
