"""Who a store is: an id for others to know it by and a secret that nobody else has, both made at its birth.

The id names the store where others remember it (the consumer group of Kafka belongs to one store, checkpoints name one). The
secret keys what nobody outside may be able to compute, such as the ids of the workers' messages. Both last as long as the
record does: a copy of the record is the same store, so it gets them too. On PostgreSQL only the service reads the secret;
auditors read the id.
"""

import secrets
from typing import Final, NamedTuple
from uuid import uuid4

from infra.store.errors import DamagedStore
from infra.store.session import StoreSession

SECRET_BYTES: Final = 32
COLUMNS: Final = ("id", "secret")
LOST: Final = "the store has lost its identity: the table store_identity is empty; restore it from a backup"


class Identity(NamedTuple):
    """The store's id (a random UUID as text) and its secret (32 random bytes; never printed, logged or sent)."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        """Only the id: a secret has no place in a log or an error."""
        return f"Identity(id={self.id!r})"


def new_identity() -> Identity:
    """An identity that no other store has."""
    return Identity(str(uuid4()), secrets.token_bytes(SECRET_BYTES))


def read_identity(session: StoreSession) -> Identity:
    """The identity of the store.

    Raises:
        DamagedStore: The row is gone; it was written together with its table.
    """
    rows = session.query("SELECT id, secret FROM store_identity")
    if not rows:
        raise DamagedStore(LOST)
    return Identity(rows[0][0], bytes(rows[0][1]))


def read_id(session: StoreSession) -> str:
    """The id alone, which auditors may read too.

    Raises:
        DamagedStore: The row is gone.
    """
    rows = session.query("SELECT id FROM store_identity")
    if not rows:
        raise DamagedStore(LOST)
    return str(rows[0][0])


def replace_identity(session: StoreSession, identity: Identity) -> None:
    """Give a store the identity of the record that is copied into it."""
    session.execute("UPDATE store_identity SET id = ?, secret = ?", identity)
