"""Keys shared out among processes: 64 partitions, each held by one process at a time under a lease, each with its own position.

The workers stand on it. A process extends all that it holds in one statement, whose count of rows is the fence: one that lost a
partition writes nothing. Each process aims at its share, 64 by the processes that live; it gives up what it has too much
and takes what is free, or was held by a process that was silent for longer than its lease.

The positions of the partitions that one process holds may differ, after it took some over: see `Level`. A key's partition is made of
its last three characters, so that a query on either kind of database can tell it too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple, Self
from uuid import uuid4

from infra.store.errors import FencedSource
from infra.store.lease import NOW
from infra.store.session import Database, Kind, StoreSession

COUNT: Final = 64
EVERY: Final = frozenset(range(COUNT))
NOBODY: Final = ""
# The name under which one process held all keys before there were partitions, and a time that never comes.
BEFORE: Final = "workers"
NEVER: Final = 1 << 62
# Of the last three characters of a key, from the last one on. They spread random ids and numbers in a row about evenly.
_WEIGHTS: Final = (39, 7, 1)
_CHARACTER: Final[dict[Kind, str]] = {
    "sqlite": "unicode(substr({column}, -{place}, 1))",
    "postgresql": "ascii(substr({column}, length({column}) + 1 - {place}, 1))",
}


def partition_of(key: str) -> int:
    """The partition of a key, which has at least three characters."""
    last, before, third = _WEIGHTS
    return (ord(key[-1]) * last + ord(key[-2]) * before + ord(key[-3]) * third) % COUNT


def among(kind: Kind, column: str, partitions: Collection[int]) -> str:
    """The condition in SQL that the key in a column is in one of these partitions."""
    if len(partitions) == COUNT:
        return "1 = 1"
    characters = (_CHARACTER[kind].format(column=column, place=place) for place in range(1, len(_WEIGHTS) + 1))
    made = " + ".join(f"{character} * {weight}" for character, weight in zip(characters, _WEIGHTS, strict=True))
    return f"({made}) % {COUNT} IN ({', '.join(map(str, sorted(partitions))) or 'NULL'})"


class Level(NamedTuple):
    """The partitions of a process that have come to one position, and the next position at which it has others, if it has."""

    position: int
    partitions: frozenset[int]
    end: int | None = None


@dataclass
class Held:
    """The partitions that this process holds, with the position of each: everything of its keys up to there is done."""

    database: Database
    owner: str
    seconds: float
    reached: dict[int, int]

    @property
    def position(self) -> int:
        """Up to where everything is done."""
        return min(self.reached.values())

    def levels(self) -> list[Level]:
        """The partitions by position, those that have come least far first."""
        positions = sorted(set(self.reached.values()))
        return [
            Level(position, frozenset(number for number, at in self.reached.items() if at == position), end)
            for position, end in zip(positions, [*positions[1:], None], strict=True)
        ]

    def hold(self, session: StoreSession, level: Level | None = None, position: int = 0) -> None:
        """Extend the leases, in the transaction that writes what was done; a level is at a new position from then on.

        Raises:
            FencedSource: Another process holds one of them now; nothing of this transaction may stay.
        """
        moved, params = "", [int(self.seconds * 1000)]
        if level is not None and position != level.position:
            numbers = ", ".join(map(str, sorted(level.partitions)))
            moved = f", position = CASE WHEN number IN ({numbers}) THEN ? ELSE position END"
            params.append(position)
            self.reached |= dict.fromkeys(level.partitions, position)
        sql = f"UPDATE worker_partitions SET until = {NOW[session.kind]} + ?{moved} WHERE owner = ?"  # noqa: S608
        if session.execute(sql, (*params, self.owner)) != len(self.reached):
            raise FencedSource("another process holds some of the keys now")

    def read_again(self, session: StoreSession) -> None:
        """Take up what is written: which partitions are held, and their positions.

        Raises:
            FencedSource: None is held any more.
        """
        rows = session.query("SELECT number, position FROM worker_partitions WHERE owner = ?", (self.owner,))
        self.reached = {int(number): int(position) for number, position in rows}
        if not rows:
            raise FencedSource("other processes hold all keys now")

    def give_up(self, keeping: int = 0) -> None:
        """Let others take all at once, or all but so many. Raises `StoreError`."""
        given = sorted(self.reached)[keeping:]
        numbers = ", ".join(map(str, given))
        with self.database.transaction() as session:
            session.execute(
                f"UPDATE worker_partitions SET owner = ?, until = 0 WHERE owner = ? AND number IN ({numbers})",  # noqa: S608
                (NOBODY, self.owner),
            )
        for number in given:
            del self.reached[number]


def take_all(database: Database, seconds: float, owner: str | None = None) -> Held | None:
    """Hold every key; None while another process holds any. Raises `StoreError`."""
    owner = owner or str(uuid4())
    with database.reading() as session:
        now = NOW[session.kind]
        if session.query(f"SELECT 1 FROM worker_partitions WHERE until > {now} AND owner <> ? LIMIT 1", (owner,)):  # noqa: S608
            return None
    with database.transaction() as session:
        _take(session, owner, seconds, EVERY)
        held = _held(session, database, owner, seconds)
        if len(held.reached) == COUNT:
            return held
        # Another process was faster.
        session.execute("UPDATE worker_partitions SET owner = ?, until = 0 WHERE owner = ?", (NOBODY, owner))
        return None


class Share:
    """One process among those that share: what it may hold, and what it takes. Its name is an id of its own."""

    def __init__(self, database: Database, seconds: float) -> None:
        self.database, self.seconds = database, seconds
        self.owner = str(uuid4())

    def fair(self, session: StoreSession) -> int:
        """How many partitions each process may hold, this one counted among those that live."""
        now = NOW[session.kind]
        [(others,)] = session.query(
            f"SELECT COUNT(*) FROM (SELECT owner FROM worker_partitions WHERE until > {now} AND owner <> ? "  # noqa: S608
            f"UNION SELECT owner FROM worker_applicants WHERE until > {now} AND owner <> ?) living",
            (self.owner, self.owner),
        )
        return -(-COUNT // (int(others) + 1))

    def free(self, session: StoreSession) -> list[int]:
        """The partitions that can be taken."""
        rows = session.query(
            f"SELECT number FROM worker_partitions WHERE until <= {NOW[session.kind]} AND owner <> ?",  # noqa: S608
            (self.owner,),
        )
        return [int(number) for (number,) in rows]

    def apply(self) -> None:
        """Let the others know that this process wants a share. Raises `StoreError`."""
        with self.database.transaction() as session:
            now = NOW[session.kind]
            session.execute(f"DELETE FROM worker_applicants WHERE until <= {now}")  # noqa: S608 - our own words
            session.execute(
                f"INSERT INTO worker_applicants (owner, until) VALUES (?, {now} + ?) "  # noqa: S608
                "ON CONFLICT (owner) DO UPDATE SET until = excluded.until",
                (self.owner, int(self.seconds * 1000)),
            )

    def withdraw(self) -> None:
        """Want no share any more. Raises `StoreError`."""
        with self.database.transaction() as session:
            session.execute("DELETE FROM worker_applicants WHERE owner = ?", (self.owner,))

    def take(self, numbers: Collection[int]) -> Held | None:
        """Take these partitions, as far as they are free still; what is held afterwards. Raises `StoreError`."""
        with self.database.transaction() if numbers else self.database.reading() as session:
            _take(session, self.owner, self.seconds, numbers)
            held = _held(session, self.database, self.owner, self.seconds)
        return held if held.reached else None


def _take(session: StoreSession, owner: str, seconds: float, numbers: Collection[int]) -> None:
    now = NOW[session.kind]
    for number in sorted(numbers):
        session.execute(
            f"UPDATE worker_partitions SET owner = ?, until = {now} + ? "  # noqa: S608
            f"WHERE number = ? AND (until <= {now} OR owner = ?)",
            (owner, int(seconds * 1000), number, owner),
        )


def _held(session: StoreSession, database: Database, owner: str, seconds: float) -> Held:
    rows = session.query("SELECT number, position FROM worker_partitions WHERE owner = ?", (owner,))
    return Held(database, owner, seconds, {int(number): int(position) for number, position in rows})


class Reached(NamedTuple):
    """How far the holders of each partition have come."""

    positions: tuple[int, ...]

    @classmethod
    def read(cls, session: StoreSession) -> Self:
        """As it is written; in a store of before that no process has prepared yet, as its one process left it."""
        if session.columns("worker_partitions"):
            rows = session.query("SELECT position FROM worker_partitions ORDER BY number")
        else:
            rows = session.query("SELECT position FROM leases WHERE name = ?", (BEFORE,)) * COUNT
        return cls(tuple(int(at) for (at,) in rows))

    @property
    def least(self) -> int:
        """Up to where everything is done."""
        return min(self.positions, default=0)

    @property
    def most(self) -> int:
        """Up to where something is done."""
        return max(self.positions, default=0)

    def has(self, key: str, position: int) -> bool:
        """Whether a key has come to a position."""
        return position <= self.positions[partition_of(key)]


def reached_by_all(session: StoreSession) -> int:
    """The position up to which everything is done; 0 before anybody began."""
    return Reached.read(session).least


def prepare(database: Database) -> None:
    """Make the tables where they are missing. A store of before goes on where its one process was; that kind may work no more.

    Raises:
        StoreError: The database can't.
    """
    types = database.types
    with database.changing_schema() as session:
        session.execute(
            f"CREATE TABLE IF NOT EXISTS worker_partitions (number {types['integer']} PRIMARY KEY, "
            f"owner {types['text']} NOT NULL, until {types['integer']} NOT NULL, position {types['integer']} NOT NULL)"
        )
        session.execute(
            f"CREATE TABLE IF NOT EXISTS worker_applicants (owner {types['text']} PRIMARY KEY, "
            f"until {types['integer']} NOT NULL)"
        )
        session.open_to("worker_partitions", "auditor", columns=("number", "position"))
        if session.query("SELECT 1 FROM worker_partitions LIMIT 1"):
            return
        found = session.query("SELECT position FROM leases WHERE name = ?", (BEFORE,))
        position = int(found[0][0]) if found else 0
        session.insert(
            "worker_partitions",
            ("number", "owner", "until", "position"),
            [(number, NOBODY, 0, position) for number in range(COUNT)],
        )
        session.execute(
            "INSERT INTO leases (name, token, until, position) VALUES (?, 1, ?, 0) "
            "ON CONFLICT (name) DO UPDATE SET token = leases.token + 1, until = excluded.until",
            (BEFORE, NEVER),
        )
