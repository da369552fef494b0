"""What counts of the answers to one question of NPS, and what of it may be shown: today's record, and another time's beside it.

The tables by all combinations of keys are settled together, over all months, and a window shows what follows from them. Another
time's record has a part of today's answers. So it shows what may be shown of that part, and of what it lacks.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final, Literal, NamedTuple, get_args

from domain.asked_cells import Asked
from domain.few_people import Cell
from domain.nps import PLACES, SurveyRecord, kind_of
from domain.small_cells import Figure, Group, Keys, Suppression, part
from domain.told_late import ToldLate

By = Literal["programme", "mentor", "month"]
KEYS: Final[tuple[By, ...]] = get_args(By)
PROGRAMME, MENTOR, MONTH = range(3)
# In the order of preference: totals and programmes, then months, then mentors.
TABLES: Final[tuple[Keys, ...]] = (
    (),
    (PROGRAMME,),
    (MONTH,),
    (PROGRAMME, MONTH),
    (MENTOR,),
    (PROGRAMME, MENTOR),
    (MENTOR, MONTH),
    (PROGRAMME, MENTOR, MONTH),
)


class Window(NamedTuple):
    """From a month to another, both included, as YYYY-MM. An open end is no boundary: nothing lies beyond it."""

    first: str | None = None
    last: str | None = None

    def holds(self, month: str) -> bool:
        """Whether a month is in it."""
        return (self.first is None or month >= self.first) and (self.last is None or month <= self.last)

    def up_to(self, month: str) -> "Window":
        """As much of it as ends with a month."""
        return self._replace(last=month if self.last is None else min(self.last, month))

    def beside_its_boundaries(self) -> set[str]:
        """The months by which a window that ends a month sooner or later, or begins so, differs from it."""
        first = set() if self.first is None else {self.first, month_from(self.first, -1)}
        return first if self.last is None else first | {self.last, month_from(self.last, 1)}


EVER: Final = Window()


class Tally:
    """Counts of one group: promoters, passives, detractors; asked; who answered; how many people a figure needs."""

    __slots__ = ("asked", "counts", "minimum", "people")

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.asked = 0
        self.people: set[str] = set()
        self.minimum: float = 0

    def add(self, counts: SurveyRecord, minimum: float) -> None:
        self.asked += 1
        self.minimum = max(self.minimum, minimum)
        if counts.score is not None:
            assert counts.by is not None, "an answer has somebody who gave it"
            self.counts[PLACES[kind_of(counts.score)]] += 1
            self.people.add(counts.by)

    def take_in(self, other: "Tally") -> None:
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.asked += other.asked
        self.people |= other.people
        self.minimum = max(self.minimum, other.minimum)


def _tally(cells: dict[Group, Tally], group: Group) -> Tally:
    """The tally of a group, which begins with its first record."""
    if group not in cells:
        cells[group] = Tally()
    return cells[group]


def _people(cells: Mapping[Group, Tally]) -> dict[Group, Cell]:
    return {group: Cell(frozenset(tally.people), tally.minimum) for group, tally in cells.items()}


class Record:
    """What counts of all answers to one question, by programme, mentor and month, and what of it may be shown."""

    def __init__(self) -> None:
        self.cells: dict[Group, Tally] = {}
        # The same by the month in which it was told as well; kept where it matters.
        self.told: dict[Group, Tally] = {}

    def add(self, group: Group, counts: SurveyRecord, minimum: float) -> None:
        _tally(self.cells, group).add(counts, minimum)

    def tell(self, group: Group, counts: SurveyRecord, minimum: float) -> None:
        """The same, where the group ends with the month in which it was told."""
        _tally(self.told, group).add(counts, minimum)

    @cached_property
    def suppression(self) -> Suppression:
        return Suppression(_people(self.cells), TABLES)

    @cached_property
    def asked(self) -> Asked:
        return Asked(_people(self.cells), TABLES, self.suppression.in_order, MONTH)

    @cached_property
    def told_late(self) -> ToldLate:
        return ToldLate({group: cell for group, cell in _people(self.told).items() if cell.people}, TABLES, MONTH)

    def table(self, keys: Keys, window: Window) -> dict[Group, Tally]:
        """The groups by some keys that have something in a window."""
        found: dict[Group, Tally] = {}
        for group, tally in self.cells.items():
            if window.holds(group[MONTH]):
                found.setdefault(part(group, keys), Tally()).take_in(tally)
        return found

    def shown(self, keys: Keys, window: Window) -> set[Group]:
        """The groups by some keys that may be shown in a window.

        A group that is hidden in a month is hidden in each window that differs from another by that month alone. Beyond that
        a window shows what follows from the figures of all months: it gives nothing away that they don't. Figures over the same
        cells are one figure in a window too: where one of them is hidden, so are the others.
        """
        if window == EVER:
            return {group for table, group in self.suppression.shown if table == keys}
        beside = window.beside_its_boundaries()
        closed: set[frozenset[Group]] = set()
        for table in TABLES:
            if MONTH not in table:
                hidden = {
                    part(group, table)
                    for group, tally in self.cells.items()
                    if tally.people and group[MONTH] in beside and not self._in_month(table, group)
                }
                closed |= {cells for value, cells in self._answered(table, window).items() if value in hidden}
        return {
            value
            for value, cells in self._answered(keys, window).items()
            if cells not in closed and self._enough(cells) and self.suppression.follows(cells)
        }

    def asked_of(self, keys: Keys, window: Window) -> set[Group]:
        """The groups by some keys of which it may be shown how many were asked in a window, where the group is shown."""
        found: dict[Group, list[Group]] = {}
        for group in self.cells:
            if window.holds(group[MONTH]):
                found.setdefault(part(group, keys), []).append(group)
        return {value for value, groups in found.items() if self.asked.follows(groups)}

    def _answered(self, keys: Keys, window: Window) -> dict[Group, frozenset[Group]]:
        """The cells with answers of each group by some keys in a window."""
        found: dict[Group, list[Group]] = {}
        for group, tally in self.cells.items():
            if tally.people and window.holds(group[MONTH]):
                found.setdefault(part(group, keys), []).append(group)
        return {value: frozenset(groups) for value, groups in found.items()}

    def _in_month(self, keys: Keys, group: Group) -> bool:
        """Whether the figure of a group by some keys is shown for the month of a cell."""
        with_month = (*keys, MONTH)
        return Figure(with_month, part(group, with_month)) in self.suppression.shown

    def _enough(self, groups: Iterable[Group]) -> bool:
        tallies = [self.cells[group] for group in groups]
        people = frozenset().union(*(tally.people for tally in tallies))
        return len(people) >= max(tally.minimum for tally in tallies)


class LastMonths(NamedTuple):
    """The last month of each programme that had ended by a moment: of what had occurred by it, and of what was known by it."""

    occurred: Mapping[str, str]
    known: Mapping[str, str]


class Beside:
    """What of another time's table may be shown beside today's record, of which it has a part.

    An answer that counts today counted then as well if it had occurred and was known. So what has not been replaced since is what
    today's record has of the months up to then, less what was told later. A group is shown where both may be.
    """

    def __init__(self, today: Record, keys: Keys, window: Window, last: LastMonths) -> None:
        self.today = today
        seen = [window.up_to(month) for month in {*last.occurred.values()}]
        self._open, self._shown = today.shown(keys, window), [today.shown(keys, each) for each in seen]
        self._open_asked, self._asked = today.asked_of(keys, window), [today.asked_of(keys, each) for each in seen]
        self._all: dict[Group, list[Group]] = {}
        self._then: dict[Group, list[Group]] = {}
        for group in today.cells:
            if window.holds(group[MONTH]):
                self._all.setdefault(part(group, keys), []).append(group)
                if group[MONTH] <= last.occurred[group[PROGRAMME]]:
                    self._then.setdefault(part(group, keys), []).append(group)
        self._late: dict[Group, list[Group]] = {}
        for group in today.told:
            *_, month, told = group
            until = last.known.get(group[PROGRAMME])
            if until is not None and window.holds(month) and month <= last.occurred[group[PROGRAMME]] and told > until:
                self._late.setdefault(part(group, keys), []).append(group)

    def shows(self, group: Group) -> bool:
        """Whether a group that the other time's record shows may be shown beside today's."""
        cells = self._answered(self._then, group)
        if not cells:
            # All that was answered then has been replaced.
            return True
        whole = cells == self._answered(self._all, group) and group in self._open
        late = [each for each in self._late.get(group, ()) if self.today.told[each].people]
        return (
            (whole or all(group in shown for shown in self._shown))
            and self.today.suppression.follows(cells)
            and (not late or self.today.told_late.follows(late))
        )

    def shows_asked(self, group: Group) -> bool:
        """Whether it may be shown how many were asked of a group that is shown. Nothing was told late of it."""
        cells = self._then.get(group, [])
        whole = cells == self._all.get(group, []) and group in self._open_asked
        return group not in self._late and (not cells or whole or all(group in asked for asked in self._asked))

    def _answered(self, cells: Mapping[Group, list[Group]], group: Group) -> list[Group]:
        return [each for each in cells.get(group, ()) if self.today.cells[each].people]


def month_from(month: str, months: int) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + months, 12)
    return f"{year:04}-{number + 1:02}"
