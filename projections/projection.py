"""What a projection is: a pure fold of events into rows, of which the engine (infra.projection_engine) takes care.

There are two kinds. A `RowFold` takes the row that an event concerns and gives the row after it: for tables that
hold little more than the events do. A `StateFold` keeps a state per stream, private and as JSON, and works all
rows of the stream out from it: for what depends on the whole history, on the terms of the programme, or on the time.

A projection's `version` is raised whenever the same events would give other rows; the engine then builds it anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from domain.commitment.terms import DEFAULT, TermsInTime
from domain.model import AnyRecorded, Event
from projections.dataset import Key, Row, Table

Rows = Mapping[Key, Row]
Json = Any


def by_subject(recorded: AnyRecorded, _: Rows) -> Iterable[Key]:
    """The keys of a table with one row a stream."""
    return ((recorded.subject,),)


@dataclass(frozen=True)
class RowFold:
    """A projection of one table, row by row.

    `keys` says which rows an event concerns, given the rows that its stream has; the first part of a key is the
    stream. `evolve` gives the row after the event: a new one, the same one when nothing changes, or None for no row.
    """

    name: str
    version: int
    table: Table
    listens: frozenset[type[Event]]
    evolve: Callable[[Row | None, AnyRecorded], Row | None]
    keys: Callable[[AnyRecorded, Rows], Iterable[Key]] = by_subject

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that people read."""
        return (self.table,)


class Programme(NamedTuple):
    """What rows may depend on of a programme: its terms over time, and the time zone of its days and months."""

    terms: TermsInTime = DEFAULT
    timezone: str = "UTC"


class RowContext(NamedTuple):
    """What rows may depend on besides the state: the stream, the time for which they hold, the programme."""

    subject: str
    at: datetime
    programme: Programme = Programme()


class Worked(NamedTuple):
    """The rows of a stream by table.

    They hold until `due`, and from `since` on where it was not an event but time that brought them; None: no such limit.
    """

    rows: Mapping[str, Sequence[Row]]
    since: datetime | None = None
    due: datetime | None = None


S = TypeVar("S")


class Signed(NamedTuple):
    """A row that comes in (sign 1) or goes out (-1)."""

    row: Row
    sign: int


@dataclass(frozen=True)
class Summary:
    """A small table over all rows of one of the projection's tables: what their coming and going makes of it.

    `key` says of which group a row is. `add` takes some rows of one group in or out and gives the group's row, None when nothing is left of it.
    What a group shows depends on its programme's terms, and on the groups that have the same values in the columns `together`, which are
    of the key: `settle` sees all of these, takes the terms in force for a programme, and gives the groups as they should be.
    """

    table: Table
    of: str
    together: tuple[str, ...]
    key: Callable[[Row], Key]
    add: Callable[[Row | None, Sequence[Signed]], Row | None]
    settle: Callable[[Sequence[Row], Callable[[str], Mapping[str, float]]], Sequence[Row]]


@dataclass(frozen=True)
class StateFold(Generic[S]):
    """A projection that keeps a state for each stream and works out its rows.

    `listens` are the events that `fold` takes in. `programme` names the programme which `work` is given; when its terms or its
    time zone change, the rows are worked out anew.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    listens: frozenset[type[Event]]
    fold: Callable[[S | None, AnyRecorded], S | None]
    work: Callable[[S, RowContext], Worked]
    dump: Callable[[S], Json]
    load: Callable[[Json], S]
    programme: Callable[[S], str | None] = lambda _: None
    summary: Summary | None = None


Projection = RowFold | StateFold[Any]

# What the engine keeps of a StateFold beside its tables, in the private table `<name>_state`.
STATE_SUFFIX: Final = "_state"
