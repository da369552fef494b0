"""Relationships as the questions take them, in groups of which only those are shown that give nobody away.

Groups follow the suppression of NPS (`domain.small_cells`): one of fewer different mentees than the minimum is hidden, and so is what
would give it away by subtraction, over all ways of grouping together. What is shown is settled once for all questions: some are about all
relationships, others about those that became active, and a group that is hidden for one is hidden for all (decision 0066). Parts of one
whole, such as bands, are hidden so that those hidden have enough mentees together (`shown_parts`).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any, Final, Literal, TypeVar, get_args

from domain.calendar import local_month
from domain.few_people import Cell
from domain.small_cells import Figure, Group, Keys, Suppression, part
from infra.analysis.answer import hidden_sentences
from infra.projection_engine.engine import Engine
from infra.projection_engine.rows import codec
from infra.queries.nps import Programmes
from infra.store.session import StoreSession
from projections.catalogue import datasets
from projections.dataset import Row

T = TypeVar("T")
By = Literal["programme", "month", "codes", "mentor"]
KEYS: Final[tuple[By, ...]] = get_args(By)
# The total first, then programmes, months of the start, codes and mentors. Pairs are never shown, but what two tables give away
# together is a figure of theirs.
TABLES: Final = tuple(keys for size in range(3) for keys in combinations(range(len(KEYS)), size))
TOTAL: Final = "all"
DAY: Final = timedelta(days=1)
# Endings in which a relationship came to its good end. All others are early.
GOOD_ENDINGS: Final = frozenset({"goals_met", "plan_completed", "help_received"})


@dataclass(frozen=True)
class Relationship:
    """What of a relationship the questions are about."""

    id: str
    programme: str
    mentee: str
    mentor: str
    codes: tuple[str, ...]
    status: str
    proposed_at: datetime
    activated_at: datetime | None
    terminated_at: datetime | None
    ending_reason: str | None
    planned_sessions: int | None
    sessions_completed: int
    goals_achieved: int
    end_review: bool
    started: str

    @property
    def ended_early(self) -> bool:
        """Whether it ended otherwise than well."""
        return self.terminated_at is not None and self.ending_reason not in GOOD_ENDINGS

    @property
    def group(self) -> Group:
        """Its values of all keys."""
        return (self.programme, self.started, " + ".join(self.codes) or "none", self.mentor)

    def days(self, until: datetime) -> int:
        """Whole days from its activation to its end, or to a time; a day that has begun counts."""
        assert self.activated_at is not None
        return max(0, math.ceil(((self.terminated_at or until) - self.activated_at) / DAY))


class Population:
    """All relationships of a store now."""

    def __init__(self, engine: Engine) -> None:
        engine.catch_up()
        self.now = engine.clock.now()
        with engine.database.reading() as session:
            self.relationships, self.minimum = _relationships(engine, session)
            self._session_kind = session.kind
        self._engine = engine

    @cached_property
    def by_id(self) -> Mapping[str, Relationship]:
        """The relationships by their ids."""
        return {each.id: each for each in self.relationships}

    @property
    def activated(self) -> list[Relationship]:
        """Those that became active."""
        return [each for each in self.relationships if each.activated_at is not None]

    def rows(self, dataset: str, *columns: str, where: str = "1 = 1") -> list[Row]:
        """The rows of another dataset, with these columns."""
        with self._engine.database.reading() as session:
            return read(session, dataset, columns, where)

    @cached_property
    def shown(self) -> Collection[Figure]:
        """The groups of one key that any question may show.

        A group of which somebody became active is settled by these alone: it has no fewer in all, and its count in all follows only where the
        count of these does. So those of one key are enough of all relationships: that is for groups of which nobody became active.
        """
        of_activated = Suppression(_cells(self.activated, self.minimum), TABLES).shown
        of_all = Suppression(_cells(self.relationships, self.minimum), [keys for keys in TABLES if len(keys) < 2]).shown
        activated = {figure for group in {each.group for each in self.activated} for figure in _figures(group)}
        return {figure for figure in of_all if figure in of_activated or figure not in activated}

    def _may_show(self, keys: Keys, group: Group) -> bool:
        if keys:
            return Figure(keys, group) in self.shown
        # The total comes before all other figures, so nothing but its own size can hide it.
        return all(enough(each, self.minimum) for each in (self.relationships, self.activated) if each)

    def groups(self, members: Iterable[Relationship], by: By | None, *, of_rows: bool = False) -> "Groups":
        """All relationships, or all that became active, in groups by a key or together; of any size for who may see each (`of_rows`)."""
        keys = () if by is None else (KEYS.index(by),)
        found: defaultdict[Group, list[Relationship]] = defaultdict(list)
        for each in members:
            found[part(each.group, keys)].append(each)
        shown = {
            group[0] if group else TOTAL: found[group]
            for group in sorted(found)
            if of_rows or self._may_show(keys, group)
        }
        return Groups(shown, len(found) - len(shown), 0 if of_rows else self.minimum)


@dataclass(frozen=True)
class Groups:
    """Relationships by group; `shown` are those that may be shown, `hidden` counts the others."""

    shown: Mapping[str, list[Relationship]]
    hidden: int
    minimum: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said of hidden groups."""
        return hidden_sentences(
            self.hidden, "group", f"of fewer than {self.minimum} mentees, or such a group would follow"
        )


def shown_parts(
    found: Mapping[str, Collection[T]],
    minimum: int,
    mentee: Callable[[T], str] = lambda one: one.mentee,  # type: ignore[attr-defined]
    wholes: Sequence[Collection[str]] = (),
) -> frozenset[str]:
    """The parts of a whole that may be shown: those hidden have enough different mentees together, or there are none.

    What is hidden follows as a sum from the whole, which is known. Small parts are hidden, then the smallest of the others until that sum
    is no small group. `wholes` are some of the parts whose sum is known besides, from this question or another.
    """
    people = {name: {mentee(one) for one in each} for name, each in found.items()}
    hidden = {name for name, each in people.items() if len(each) < minimum}
    for whole in (*wholes, tuple(found)):
        within = sorted(set(whole) & found.keys(), key=lambda name: (len(people[name]), name))
        together = set().union(*(people[name] for name in within if name in hidden))
        for name in within:
            if not together or len(together) >= minimum:
                break
            if name not in hidden:
                hidden.add(name)
                together |= people[name]
    return frozenset(found.keys() - hidden)


def _cells(members: Iterable[Relationship], minimum: int) -> dict[Group, Cell]:
    people: defaultdict[Group, set[str]] = defaultdict(set)
    for each in members:
        people[each.group].add(each.mentee)
    return {group: Cell(frozenset(mentees), minimum) for group, mentees in people.items()}


def _figures(group: Group) -> Iterable[Figure]:
    """The figures by one key that a relationship of this group is in."""
    for key, value in enumerate(group):
        yield Figure((key,), (value,))


def read(session: StoreSession, dataset: str, columns: Collection[str], where: str = "1 = 1") -> list[Row]:
    """The rows of a dataset in its order, with these columns: to take in all of them costs more than the question itself."""
    found = datasets()[dataset]
    reader = codec(tuple(column for column in found.columns if column.name in columns), session.kind)
    assert len(reader.names) == len(columns), f"{dataset} has no such columns"
    query = f"SELECT {', '.join(reader.names)} FROM {dataset} WHERE {where} ORDER BY {', '.join(found.order)}"  # noqa: S608 - known names
    return [reader.decode(values) for values in session.stream(query)]


_COLUMNS: Final = (
    "relationship_id",
    "programme_id",
    "mentee_id",
    "mentor_id",
    "codes",
    "status",
    "proposed_at",
    "activated_at",
    "terminated_at",
    "ending_reason",
    "planned_sessions",
    "sessions_completed",
    "goals_achieved",
    "end_review",
)


def _relationships(engine: Engine, session: StoreSession) -> tuple[list[Relationship], int]:
    """The relationships of programmes whose terms can be read, and the largest minimum of these."""
    programmes = Programmes(engine, session)
    found: list[Relationship] = []
    minimum = 0.0
    for row in read(session, "relationships", _COLUMNS):
        rules = programmes.of(row["programme_id"])
        if rules is not None:
            minimum = max(minimum, rules.minimum)
            found.append(_relationship(row, rules.timezone))
    return found, math.ceil(minimum)


def _relationship(row: Mapping[str, Any], timezone: str) -> Relationship:
    began = row["activated_at"] or row["proposed_at"]
    return Relationship(
        row["relationship_id"],
        row["programme_id"],
        row["mentee_id"],
        row["mentor_id"],
        tuple(row["codes"]),
        row["status"],
        row["proposed_at"],
        row["activated_at"],
        row["terminated_at"],
        row["ending_reason"],
        row["planned_sessions"],
        row["sessions_completed"],
        row["goals_achieved"],
        row["end_review"],
        local_month(began, timezone),
    )


def enough(members: Collection[Relationship], minimum: int) -> bool:
    """Whether a figure over these relationships may be shown beside others of its group."""
    return bool(members) and len({each.mentee for each in members}) >= minimum


def both_enough(members: Iterable[Relationship], ids: Collection[str], minimum: int) -> bool:
    """Whether of these relationships those with some ids, and all others, are no small groups; either may be of nobody."""
    parts: tuple[list[Relationship], list[Relationship]] = ([], [])
    for one in members:
        parts[one.id in ids].append(one)
    return all(enough(each, minimum) for each in parts if each)
