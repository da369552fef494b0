"""Generations: the tables of one build of one projection, and how far in the log they have come.

A writer first increases the `writes` of a generation from the number that it read: of several processes one wins, and
the others learn that their memory is out of date.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from infra.projection_engine.schema import GENERATIONS, fingerprint
from infra.store.errors import StoreError
from infra.store.session import StoreSession
from projections.catalogue import tables_of
from projections.projection import Projection

State = Literal["live", "building", "retired"]
MARK_LENGTH: Final = 8
# This many events behind, and more than half of the log: a rebuild, stream by stream, is faster than catching up.
FAR_BEHIND: Final = 20_000
_COLUMNS: Final = (
    "name",
    "mark",
    "version",
    "fingerprint",
    "state",
    "position",
    "writes",
    "reached",
    "target",
    "datasets",
)


class Overtaken(Exception):
    """Another process wrote to a generation; read its position again."""


class NewerProjection(StoreError):
    """A projection was built by a newer Rapport than this one."""


class Generation(NamedTuple):
    """One build of one projection.

    `position` is how far it has come. While it is being built stream by stream, `reached` is the last stream that is in
    ("" before the first) and `target` the position up to which streams are read; both are None after that. `current`
    says whether it is what this program would build. `datasets` are the plain names under which it is shown.
    """

    projection: Projection
    mark: str
    state: State
    position: int
    writes: int = 0
    reached: str | None = None
    target: int | None = None
    current: bool = True
    datasets: tuple[str, ...] = ()

    def is_far_behind(self, head: int) -> bool:
        """Whether building it anew is less work than going on to the head of the log."""
        return head - self.position > FAR_BEHIND and head > 2 * self.position

    @property
    def name(self) -> str:
        """The projection's name."""
        return self.projection.name

    @property
    def id(self) -> tuple[str, str]:
        """The key in the table of generations."""
        return self.name, self.mark


def load(session: StoreSession, projections: Mapping[str, Projection]) -> list[Generation]:
    """All generations of these projections."""
    rows = session.query(f"SELECT {', '.join(_COLUMNS)} FROM {GENERATIONS} ORDER BY name, mark")
    return [
        Generation(
            projections[name],
            mark,
            state,
            position,
            writes,
            reached,
            target,
            found == fingerprint(projections[name]),
            tuple(datasets.split()),
        )
        for name, mark, _, found, state, position, writes, reached, target, datasets in rows
        if name in projections
    ]


def newer(session: StoreSession, projections: Mapping[str, Projection]) -> list[str]:
    """The projections whose live generation has a higher version than the program knows."""
    rows = session.query(f"SELECT name, version FROM {GENERATIONS} WHERE state = 'live'")
    return sorted(name for name, version in rows if name in projections and version > projections[name].version)


def add(session: StoreSession, generation: Generation) -> None:
    """Add a generation to the table of generations."""
    projection = generation.projection
    row = (
        projection.name,
        generation.mark,
        projection.version,
        fingerprint(projection),
        generation.state,
        generation.position,
        generation.writes,
        generation.reached,
        generation.target,
        " ".join(table.name for table in tables_of(projection)),
    )
    session.insert(GENERATIONS, _COLUMNS, [row])


def free_mark(projection: Projection, taken: Iterable[str]) -> str:
    """Returns a mark for another generation: from the fingerprint, different from those in use."""
    mark, used = fingerprint(projection)[:MARK_LENGTH], set(taken)
    while mark in used:
        mark += "b"
    return mark


def live(session: StoreSession, projections: Mapping[str, Projection]) -> list[Generation]:
    """The generations behind the plain names."""
    return [each for each in load(session, projections) if each.state == "live"]


def view(session: StoreSession, name: str) -> str | None:
    """Returns what a view of the log was made from; None if there is no view."""
    found = session.query(f"SELECT fingerprint FROM {GENERATIONS} WHERE name = ? AND state = 'view'", (name,))
    return str(found[0][0]) if found else None


def note_view(session: StoreSession, name: str, made_from: str) -> None:
    """Note what a view of the log was made from."""
    row = (name, "view", 1, made_from, "view", 0, 0, None, None, name)
    session.upsert(GENERATIONS, _COLUMNS, ("name", "mark"), [row])


def advance(session: StoreSession, generations: Sequence[Generation], to: int) -> list[Generation]:
    """Move generations to a position.

    Raises:
        Overtaken: Another process wrote meanwhile; the transaction must not be committed.
    """
    return [_write(session, generation, position=to) for generation in generations]


def touch(session: StoreSession, generations: Sequence[Generation]) -> list[Generation]:
    """Note that rows change without an event.

    Raises:
        Overtaken: Another process wrote meanwhile.
    """
    return [_write(session, generation) for generation in generations]


def reach(session: StoreSession, generations: Sequence[Generation], subject: str) -> list[Generation]:
    """Note that the streams up to this one are in, of generations that are built stream by stream.

    Raises:
        Overtaken: Another process wrote meanwhile.
    """
    return [_write(session, generation, reached=subject) for generation in generations]


def complete(session: StoreSession, generations: Sequence[Generation]) -> list[Generation]:
    """All streams are in: from here on generations go with the log.

    Raises:
        Overtaken: Another process wrote meanwhile.
    """
    return [
        _write(session, generation, position=generation.target, reached=None, target=None) for generation in generations
    ]


def turn(session: StoreSession, generation: Generation, state: State) -> Generation:
    """Give a generation another state.

    Raises:
        Overtaken: Another process wrote meanwhile.
    """
    return _write(session, generation, state=state)


def remove(session: StoreSession, generation: Generation) -> None:
    """Delete a generation from the table of generations."""
    session.delete(GENERATIONS, ("name", "mark"), [generation.id])


def _write(session: StoreSession, generation: Generation, **changes: Any) -> Generation:
    changes["writes"] = generation.writes + 1
    settings = ", ".join(f"{column} = ?" for column in changes)
    found = session.execute(
        f"UPDATE {GENERATIONS} SET {settings} WHERE name = ? AND mark = ? AND writes = ?",
        (*changes.values(), *generation.id, generation.writes),
    )
    if not found:
        raise Overtaken(generation.name)
    return generation._replace(**changes)
