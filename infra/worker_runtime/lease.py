"""The lease of the workers: one process works at a time, and one that was stopped past its lease can write nothing.

The token is checked in the very transaction that writes, by the database's clock; the position up to which the log was
seen is in the same row.
"""

from typing import Final

from infra.store.errors import FencedSource
from infra.store.lease import NOW, Lease, take
from infra.store.session import Database, Session

NAME: Final = "workers"


def acquire(database: Database, seconds: float) -> Lease | None:
    """The lease, or None while somebody else holds it."""
    return take(database, NAME, seconds)


def hold(session: Session, lease: Lease, position: int) -> None:
    """Hold on to the lease in a writing transaction, and write down the position.

    Raises:
        FencedSource: somebody else holds it now; nothing of this transaction may stay.
    """
    held = session.execute(
        f"UPDATE leases SET position = ?, until = {NOW[session.kind]} + ? WHERE name = ? AND token = ?",  # noqa: S608
        (position, int(lease.seconds * 1000), NAME, lease.token),
    )
    if not held:
        raise FencedSource("another process has taken over the workers' lease")
    lease.position = position


def position(session: Session) -> int:
    """Up to which position of the log the workers have seen everything; 0 before they ever worked."""
    rows = session.query("SELECT position FROM leases WHERE name = ?", (NAME,))
    return int(rows[0][0]) if rows else 0
