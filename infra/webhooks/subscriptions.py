"""The subscriptions as the store keeps them: whom to tell what, how far each has come, and what stands in its way.

The secret that signs is sealed under a key that is kept apart from the record, and is shown once, when it is made.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import uuid4

import orjson

from infra.sealing.keys import Keys
from infra.sealing.master_key import NONCE_BYTES
from infra.store import lease
from infra.store.lease import NOW
from infra.store.session import Database, Row, as_time

Status = Literal["active", "disabled"]
TABLE: Final = "webhooks"
# The place of their keys among those of subjects.
SEALED_FOR: Final = "webhooks"
SECRET_BYTES: Final = 32
PREFIX: Final = "whsec_"
# So many subscriptions may a programme have.
MOST: Final = 20
_COLUMNS: Final = "id, url, programme_id, types, created_at, created_by, position, status, failures, failing_since, last_error, sent_at"
_TABLE: Final = (
    "id {text} PRIMARY KEY, url {text} NOT NULL, programme_id {text}, types {json} NOT NULL, created_at {time} NOT NULL, "
    "created_by {text} NOT NULL, position {integer} NOT NULL, status {text} NOT NULL, failures {integer} NOT NULL DEFAULT 0, "
    "failing_since {time}, last_error {text}, sent_at {time}, next_at {integer} NOT NULL DEFAULT 0, key_id {text} NOT NULL, "
    "secret {blob} NOT NULL"
)


class TooMany(Exception):
    """The programme has as many subscriptions as one may have."""


class Subscription(NamedTuple):
    """Who is told: the URL; the facts of which programme (None: of all) and of which types (none: of all); up to which position.

    `failures` in a row since `failing_since`. A disabled one is told nothing until somebody enables it.
    """

    id: str
    url: str
    programme_id: str | None
    types: tuple[str, ...]
    created_at: datetime
    created_by: str
    position: int
    status: Status
    failures: int
    failing_since: datetime | None
    last_error: str | None
    sent_at: datetime | None

    @property
    def programmes(self) -> frozenset[str] | None:
        """The programmes whose facts it is told, in lower case; None: all."""
        return None if self.programme_id is None else frozenset({self.programme_id.lower()})


class Wanted(NamedTuple):
    """What somebody subscribes to; `position`: after which facts it begins."""

    url: str
    programme_id: str | None
    types: tuple[str, ...]
    position: int
    created_by: str


class Subscriptions:
    """The subscriptions of a store. Threads may share it. Every method raises `StoreError` where the database can't."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        with database.changing_schema() as session:
            session.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({_TABLE.format_map(database.types)})")
        lease.prepare(database)

    def make(self, wanted: Wanted) -> tuple[Subscription, str]:
        """A new subscription, and its secret, which nobody is shown again.

        Raises:
            TooMany: The programme has enough.
        """
        id_, secret = str(uuid4()), secrets.token_bytes(SECRET_BYTES)
        key = self._keys.to_seal(SEALED_FOR, id_)
        self._keys.flush()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, secret, id_.encode())
        row = (
            id_,
            wanted.url,
            wanted.programme_id,
            orjson.dumps(wanted.types).decode(),
            datetime.now(UTC),
            wanted.created_by,
        )
        with self._database.transaction() as session:
            [(count,)] = session.query(
                f"SELECT COUNT(*) FROM {TABLE} WHERE COALESCE(LOWER(programme_id), '') = ?",  # noqa: S608 - our own name
                ((wanted.programme_id or "").lower(),),
            )
            if count >= MOST:
                raise TooMany(f"a programme has at most {MOST} subscriptions: remove one first")
            session.execute(
                f"INSERT INTO {TABLE} (id, url, programme_id, types, created_at, created_by, position, status, key_id, secret) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?, ?)",
                (*row, wanted.position, key.id, sealed),
            )
        found = self.one(id_)
        assert found is not None
        return found, PREFIX + b64encode(secret).decode()

    def all(self) -> list[Subscription]:
        """All of them, the oldest first."""
        rows = self._database.query(f"SELECT {_COLUMNS} FROM {TABLE} ORDER BY created_at, id")  # noqa: S608
        return [_read(row) for row in rows]

    def one(self, id_: str) -> Subscription | None:
        """The one of this id."""
        rows = self._database.query(f"SELECT {_COLUMNS} FROM {TABLE} WHERE id = ?", (id_,))  # noqa: S608
        return _read(rows[0]) if rows else None

    def due(self, head: int) -> list[Subscription]:
        """Those that are to be told something now: the log has grown past them, and they do not rest."""
        with self._database.reading() as session:
            rows = session.query(
                f"SELECT {_COLUMNS} FROM {TABLE} WHERE status = 'active' AND position < ? "  # noqa: S608
                f"AND next_at <= {NOW[session.kind]} ORDER BY position, id",
                (head,),
            )
        return [_read(row) for row in rows]

    def secret(self, id_: str) -> bytes | None:
        """The secret that signs what it is told; None where the subscription, or its key, is gone."""
        rows = self._database.query(f"SELECT key_id, secret FROM {TABLE} WHERE id = ?", (id_,))  # noqa: S608
        if not rows or (cipher := self._keys.to_unseal(SEALED_FOR, str(rows[0][0]))) is None:
            return None
        sealed = bytes(rows[0][1])
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], id_.encode())

    def told(self, id_: str, position: int, *, took: bool) -> bool:
        """Everything up to a position is told, the last of it just now (`took`) or withheld; whether it is to be told more."""
        well = ", failures = 0, failing_since = NULL, last_error = NULL, next_at = 0, sent_at = ?" if took else ""
        params = (position, *([datetime.now(UTC)] if took else []), id_, position)
        with self._database.transaction() as session:
            sql = f"UPDATE {TABLE} SET position = ?{well} WHERE id = ? AND position < ? AND status = 'active'"  # noqa: S608
            return bool(session.execute(sql, params))

    def failed(self, id_: str, reason: str, wait: float) -> None:
        """It could not be told something, and rests for so many seconds."""
        with self._database.transaction() as session:
            session.execute(
                f"UPDATE {TABLE} SET failures = failures + 1, failing_since = COALESCE(failing_since, ?), last_error = ?, "  # noqa: S608
                f"next_at = {NOW[session.kind]} + ? WHERE id = ? AND status = 'active'",
                (datetime.now(UTC), reason, int(wait * 1000), id_),
            )

    def disable(self, id_: str, reason: str) -> None:
        """Tell it nothing more until somebody enables it."""
        with self._database.transaction() as session:
            session.execute(
                f"UPDATE {TABLE} SET status = 'disabled', last_error = ? WHERE id = ? AND status = 'active'",  # noqa: S608
                (reason, id_),
            )

    def enable(self, id_: str) -> None:
        """Tell it again, from where it stopped, at once."""
        with self._database.transaction() as session:
            session.execute(
                f"UPDATE {TABLE} SET status = 'active', failures = 0, failing_since = NULL, last_error = NULL, next_at = 0 "  # noqa: S608
                "WHERE id = ?",
                (id_,),
            )

    def remove(self, id_: str) -> None:
        """Forget it and its secret."""
        with self._database.transaction() as session:
            session.execute(f"DELETE FROM {TABLE} WHERE id = ?", (id_,))  # noqa: S608


def _read(row: Row) -> Subscription:
    id_, url, programme_id, types, created_at, created_by, position, status, failures, since, error, sent_at = row
    kept: Any = orjson.loads(types) if isinstance(types, str | bytes) else types
    return Subscription(
        id_, url, programme_id, tuple(kept), as_time(created_at), created_by, int(position), status, int(failures),
        _time(since), error, _time(sent_at),
    )  # fmt: skip


def _time(value: Any) -> datetime | None:
    return None if value is None else as_time(value)


def covered(found: Sequence[Subscription], programmes: frozenset[str] | None) -> list[Subscription]:
    """Those that concern nothing but these programmes (in lower case; None: all)."""
    if programmes is None:
        return list(found)
    return [each for each in found if each.programmes is not None and each.programmes <= programmes]
