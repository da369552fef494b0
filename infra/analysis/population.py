"""Relationships as the questions take them, in groups of which only those are shown that give nobody away.

Groups follow the suppression of NPS (`domain.small_cells`): one of fewer different mentees than the minimum is hidden, and so is what
would give it away by subtraction, over all ways of grouping together.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any, Final, Literal, get_args

from domain.calendar import local_month
from domain.small_cells import Cell, Figure, Group, Suppression
from infra.analysis.answer import hidden_sentences
from infra.projection_engine.engine import Engine
from infra.projection_engine.rows import codec
from infra.queries.nps import Programmes
from infra.store.session import StoreSession
from projections.catalogue import datasets
from projections.dataset import Row

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

    def groups(self, members: Iterable[Relationship], by: By | None, *, of_rows: bool = False) -> "Groups":
        """These relationships in groups by a key, or all together; of any size for who may see each of them (`of_rows`)."""
        return Groups(list(members), by, 0 if of_rows else self.minimum)


class Groups:
    """Relationships by group; `shown` are those that may be shown, `hidden` counts the others."""

    def __init__(self, members: Sequence[Relationship], by: By | None, minimum: int) -> None:
        self.minimum = minimum
        if by is None:
            # The total comes before all other figures, so nothing but its own size can hide it.
            self.shown = {TOTAL: list(members)} if enough(members, minimum) else {}
            self.hidden = int(bool(members)) - len(self.shown)
            return
        people: defaultdict[Group, set[str]] = defaultdict(set)
        key = KEYS.index(by)
        found: defaultdict[str, list[Relationship]] = defaultdict(list)
        for each in members:
            people[each.group].add(each.mentee)
            found[each.group[key]].append(each)
        cells = {group: Cell(frozenset(mentees), minimum) for group, mentees in people.items()}
        figures = Suppression(cells, TABLES).shown
        self.shown = {value: found[value] for value in sorted(found) if Figure((key,), (value,)) in figures}
        self.hidden = len(found) - len(self.shown)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said of hidden groups."""
        return hidden_sentences(
            self.hidden, "group", f"of fewer than {self.minimum} mentees, or such a group would follow"
        )


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
