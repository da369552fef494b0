"""One process at a time: a lease in the database, by the database's clock, with a token that fences former holders.

A publisher, the workers and the sending of notifications each have one. The position up to which the holder has come is in the
same row and is only written under the present token. A holder that was stopped past its lease and goes on finds that it is no
longer the one, and stops; what it had done since its last position is done again by the next, under the same ids.
"""

from dataclasses import dataclass
from typing import Final

from infra.store.errors import FencedSource
from infra.store.session import Database, StoreSession

# Milliseconds since 1970, by the clock of the database.
NOW: Final = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}


@dataclass
class Lease:
    """A lease that is held: no other process may do the work of this name. Everything up to `position` is done."""

    database: Database
    name: str
    token: int
    position: int
    seconds: float

    def keep(self, position: int) -> None:
        """Extend the lease and write down the position, in a transaction of its own.

        Raises:
            FencedSource: Another process holds the lease.
            StoreError: The database can't.
        """
        with self.database.transaction() as session:
            self._write(session, position)
        self.position = position

    def hold(self, session: StoreSession, position: int) -> None:
        """Extend the lease and write down the position, in the transaction that writes what was done.

        Raises:
            FencedSource: Another process holds the lease; nothing of this transaction may stay.
        """
        self._write(session, position)
        self.position = position

    def _write(self, session: StoreSession, position: int) -> None:
        held = session.execute(
            f"UPDATE leases SET position = ?, until = {NOW[session.kind]} + ? WHERE name = ? AND token = ?",  # noqa: S608
            (position, int(self.seconds * 1000), self.name, self.token),
        )
        if not held:
            raise FencedSource(f"another process holds the lease {self.name} now")

    def release(self) -> None:
        """Let another take it at once."""
        with self.database.transaction() as session:
            session.execute("UPDATE leases SET until = 0 WHERE name = ? AND token = ?", (self.name, self.token))


def prepare(database: Database) -> None:
    """Create the table of leases where it is missing.

    Raises:
        StoreError: The database can't.
    """
    types = database.types
    with database.changing_schema() as session:
        session.execute(
            f"CREATE TABLE IF NOT EXISTS leases (name {types['text']} PRIMARY KEY, token {types['integer']} NOT NULL, "
            f"until {types['integer']} NOT NULL, position {types['integer']} NOT NULL)"
        )
        # Up to where workers have come is up to where an auditor replays them.
        session.open_to("leases", "auditor", columns=("name", "position"))


def take(database: Database, name: str, seconds: float) -> Lease | None:
    """Take the lease; None while another process holds it.

    Raises:
        StoreError: The database can't.
    """
    with database.reading() as session:
        now = NOW[session.kind]
        found = session.query(f"SELECT until > {now} FROM leases WHERE name = ?", (name,))  # noqa: S608
    if found and found[0][0]:
        return None
    with database.transaction() as session:
        if not found:
            session.execute(
                "INSERT INTO leases (name, token, until, position) VALUES (?, 0, 0, 0) ON CONFLICT (name) DO NOTHING",
                (name,),
            )
        now = NOW[session.kind]
        taken = session.execute(
            f"UPDATE leases SET token = token + 1, until = {now} + ? WHERE name = ? AND until <= {now}",  # noqa: S608
            (int(seconds * 1000), name),
        )
        if not taken:
            return None
        [(token, position)] = session.query("SELECT token, position FROM leases WHERE name = ?", (name,))
    return Lease(database, name, int(token), int(position), seconds)


def position_of(session: StoreSession, name: str) -> int:
    """The position that the holders of a lease have reached; 0 before anybody held it."""
    rows = session.query("SELECT position FROM leases WHERE name = ?", (name,))
    return int(rows[0][0]) if rows else 0
