"""Notifications as a person looks at them, and the second chance that a person may give them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

from infra.notifications.deliveries import now
from infra.notifications.outbox import COLUMNS, Status, notification, ready
from infra.operations.followers import Reading
from infra.store.session import Database, StoreSession, as_time

WITHHELD: Final = "withheld"
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
OVER: Final = ("sent", "missed")
FATE: Final = ("status", "attempts", "next_at", "last_error", "sent_at", "channel")


class NoSuchNotifications(Exception):
    """Some of the ids that were given can't be retried; the message names them."""


def listed(database: Database, statuses: Collection[Status], ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Notifications of these statuses, oldest first; `ids`: these alone. Raises `StoreError`.

    To whom a notification went that is for its recipient alone is withheld.
    """
    if not ready(database) or not statuses or ids == []:
        return []
    where, params = f"status IN ({', '.join('?' * len(statuses))})", [*statuses]
    if ids is not None:
        where += f" AND id IN ({', '.join('?' * len(ids))})"
    rows = database.query(
        f"SELECT {', '.join((*COLUMNS, *FATE))} FROM notifications WHERE {where} ORDER BY created_at, id",  # noqa: S608 - our own names
        [*params, *(ids or ())],
    )
    return [_shown(row) for row in rows]


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    note = notification(row[: len(COLUMNS)])
    status, attempts, next_at, last_error, sent_at, channel = row[len(COLUMNS) :]
    waits = status == "pending" and next_at
    return {
        "id": note.id,
        "status": status,
        "worker": note.worker,
        "subject": note.subject,
        "recipient": WITHHELD if note.alone else note.recipient,
        "template": note.template,
        "parameters": note.parameters,
        "clauses": note.clauses,
        "created_at": note.at,
        "attempts": attempts,
        "next_at": datetime.fromtimestamp(next_at / 1000, UTC) if waits else None,
        "last_error": last_error,
        "sent_at": as_time(sent_at) if sent_at else None,
        "channel": channel,
    }


def release(database: Database, ids: Sequence[str] | None = None) -> list[str]:
    """Make notifications due now that were kept or given up, or wait for another attempt; all of them without `ids`.

    Attempts are counted from 0 again, and resting routes are tried at once. Returns the ids.

    Raises:
        NoSuchNotifications: an id is unknown, was sent already or is missed; nothing is changed then.
        StoreError: see `infra.store.errors`.
    """
    if ids is None:
        wanted = database.query(
            "SELECT id, status FROM notifications WHERE status NOT IN ('sent', 'missed') ORDER BY created_at, id"
        )
    else:
        wanted = database.keyed("SELECT id, status FROM notifications WHERE id IN ({keys})", [(id_,) for id_ in ids])
    found = {str(id_): str(status) for id_, status in wanted}
    if wrong := [_wrong(id_, found.get(id_)) for id_ in ids or () if found.get(id_, "sent") in OVER]:
        raise NoSuchNotifications("; ".join(wrong))
    with database.transaction() as session:
        session.executemany(
            "UPDATE notifications SET status = 'pending', attempts = 0, next_at = 0, channel = NULL "
            "WHERE id = ? AND status NOT IN ('sent', 'missed')",
            [(id_,) for id_ in found],
        )
        session.execute("UPDATE notification_routes SET resting_until = 0")
    return list(found)


def _wrong(id_: str, status: str | None) -> str:
    if status == "missed":
        return f"the notification {id_!r} is missed: it came too late to be of use"
    return f"the notification {id_!r} was sent already" if status else f"there is no notification {id_!r}"


def readings(session: StoreSession) -> Iterator[Reading]:
    """Dead letters, and notifications that are more than a minute late, for the metrics."""
    [(dead, late)] = session.query(
        "SELECT SUM(CASE WHEN status = 'dead' THEN 1 ELSE 0 END), SUM(CASE WHEN status = 'pending' AND next_at < ? THEN 1 "
        "ELSE 0 END) FROM notifications WHERE status IN ('dead', 'pending')",
        (now(session) - 60_000,),
    )
    yield Reading("notifications", overdue=int(late or 0), parked=int(dead or 0))
