"""Who is delivering what: rows are held for a while, by the clock of the database, with a number that fences former holders.

While a delivery is held no other process touches the row. A process that was stopped for longer finds the row's token raised:
its failure no longer counts; its success does, since the notification was sent. Routes in trouble are in `notification_routes`, so that all
processes leave them alone for as long as was asked.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from infra.notifications.outbox import BEGUN, COLUMNS, Notification, notification
from infra.notifications.route import Channel
from infra.store.lease import NOW
from infra.store.session import Database, Row, StoreSession

NO_WAY: Final = "no way to the recipient is configured"
RESTRICTED: Final = "the recipient's data may be stored and not used (RestrictProcessing)"
# What may be settled by an event that the workers have not seen yet waits for them.
SEEN: Final = "seen_from <= (SELECT COALESCE(MIN(worker_partitions.position), 0) FROM worker_partitions)"


class Delivery(NamedTuple):
    """A notification to deliver, how often that failed before, and the number of this turn at it."""

    note: Notification
    attempts: int
    token: int


class Taken(NamedTuple):
    """What was taken; the routes that rest, and the failures in a row of each that has had any."""

    due: tuple[Delivery, ...]
    resting: frozenset[str]
    failures: dict[str, int]


def now(session: StoreSession) -> int:
    """The present moment by the clock of the database, in milliseconds since 1970."""
    return int(session.query(f"SELECT {NOW[session.kind]}")[0][0])


def any_due(database: Database) -> bool:
    """Whether something could be taken now; costs one query.

    Raises:
        StoreError: The database can't.
    """
    with database.reading() as session:
        present = now(session)
        found = session.query(
            f"SELECT 1 FROM notifications n WHERE status = 'pending' AND next_at <= ? AND held_until <= ? AND {SEEN} "  # noqa: S608 - our own words
            "AND NOT EXISTS "
            "(SELECT 1 FROM notification_routes r WHERE r.name = n.channel AND r.resting_until > ?) LIMIT 1",
            (present, present, present),
        )
    return bool(found)


def take(
    database: Database,
    until: int,
    limit: int,
    lease: float,
    *,
    avoid: Collection[str] = (),
    only: Collection[str] | None = None,
) -> Taken:
    """Take rows that were due at `until` (milliseconds), for `lease` seconds. Raises `StoreError`.

    Rows whose route is known to rest, or to be one of `avoid`, are left alone. `only`: none but these ids.
    """
    with database.transaction() as session:
        session.lock("notifications")
        present = now(session)
        routes = session.query("SELECT name, resting_until > ?, failures FROM notification_routes", (present,))
        resting = frozenset(str(name) for name, rests, _ in routes if rests)
        where, params = _among(resting | set(avoid), only)
        rows = session.query(
            f"SELECT {', '.join(COLUMNS)}, attempts, token + 1 FROM notifications WHERE status = 'pending' "  # noqa: S608 - our own names
            f"AND next_at <= ? AND held_until <= ? AND {SEEN}{where} ORDER BY next_at, created_at, id LIMIT ?",
            (until, present, *params, limit),
        )
        session.executemany(
            "UPDATE notifications SET token = ?, held_until = ? WHERE id = ?",
            [(row[-1], present + int(lease * 1000), row[0]) for row in rows],
        )
    failures = {str(name): int(count) for name, _, count in routes}
    return Taken(tuple(_delivery(row) for row in rows), resting, failures)


def _among(resting: Collection[str], only: Collection[str] | None) -> tuple[str, list[str]]:
    """The conditions that leave resting routes alone, and all but some ids."""
    where, params = "", [*resting, *(only or ())]
    if resting:
        where += f" AND (channel IS NULL OR channel NOT IN ({', '.join('?' * len(resting))}))"
    if only is not None:
        where += f" AND id IN ({', '.join('?' * len(only)) or 'NULL'})"
    return where, params


def _delivery(row: Row) -> Delivery:
    *fields, attempts, token = row
    return Delivery(notification(fields), int(attempts), int(token))


def renew(database: Database, deliveries: Collection[Delivery], lease: float) -> set[str]:
    """Hold on to deliveries for another while; the ids of those that are still ours.

    Raises:
        StoreError: The database can't.
    """
    held = set()
    with database.transaction() as session:
        for note, _, token in deliveries:
            if session.execute(
                f"UPDATE notifications SET held_until = {NOW[session.kind]} + ? WHERE id = ? AND token = ? "  # noqa: S608
                "AND status = 'pending'",
                (int(lease * 1000), note.id, token),
            ):
                held.add(note.id)
    return held


def sent(database: Database, delivery: Delivery, channel: Channel) -> None:
    """It was delivered, which is true even if the delivery has passed to somebody else.

    Raises:
        StoreError: The database can't.
    """
    with database.transaction() as session:
        session.execute(
            "UPDATE notifications SET status = 'sent', attempts = ?, channel = ?, sent_at = ?, last_error = NULL, "
            "held_until = 0 WHERE id = ? AND status <> 'sent'",
            (delivery.attempts + 1, channel, datetime.now(UTC), delivery.note.id),
        )


def failed(
    database: Database, delivery: Delivery, channel: Channel, error: str, *, wait: float = 0.0, dead: bool = False
) -> bool:
    """It was not delivered: it is a dead letter, or is due again in `wait` seconds.

    False if the delivery has passed to somebody else, and nothing was changed.

    Raises:
        StoreError: The database can't.
    """
    with database.transaction() as session:
        return bool(
            session.execute(
                f"UPDATE notifications SET status = ?, attempts = ?, channel = ?, last_error = ?, held_until = 0, "  # noqa: S608
                f"next_at = {NOW[session.kind]} + ? WHERE id = ? AND token = ? AND status = 'pending'",
                (
                    "dead" if dead else "pending",
                    delivery.attempts + 1,
                    channel,
                    error,
                    int(wait * 1000),
                    delivery.note.id,
                    delivery.token,
                ),
            )
        )


def miss(database: Database, present: datetime, only: Collection[Delivery] | None = None) -> int:
    """What announces something that has begun is not sent any more; how many rows. `only`: of these.

    Raises:
        StoreError: The database can't.
    """
    where = "status IN ('pending', 'kept') AND until <= ?"
    with database.transaction() as session:
        if only is None:
            sql = f"UPDATE notifications SET status = 'missed', last_error = ?, held_until = 0 WHERE {where}"  # noqa: S608
            return session.execute(sql, (BEGUN, present))
        sql = f"UPDATE notifications SET status = 'missed', last_error = ?, held_until = 0 WHERE {where} AND id = ?"  # noqa: S608
        return sum(session.execute(sql, (BEGUN, present, delivery.note.id)) for delivery in only)


def restrict(database: Database, delivery: Delivery) -> int:
    """What concerns somebody whose data may not be used is not sent to them; how many rows.

    Raises:
        StoreError: The database can't.
    """
    with database.transaction() as session:
        return session.execute(
            "UPDATE notifications SET status = 'missed', last_error = ?, held_until = 0 "
            "WHERE id = ? AND token = ? AND status = 'pending'",
            (RESTRICTED, delivery.note.id, delivery.token),
        )


def put_back(database: Database, deliveries: Sequence[tuple[Delivery, str]]) -> None:
    """Give up deliveries without having tried, since the route of that name rests.

    Raises:
        StoreError: The database can't.
    """
    if deliveries:
        with database.transaction() as session:
            session.executemany(
                "UPDATE notifications SET held_until = 0, channel = ? WHERE id = ? AND token = ? AND status = 'pending'",
                [(name, delivery.note.id, delivery.token) for delivery, name in deliveries],
            )


def keep(database: Database, deliveries: Sequence[Delivery]) -> None:
    """No route leads to the recipients of these: they are kept until they are retried.

    Raises:
        StoreError: The database can't.
    """
    if deliveries:
        with database.transaction() as session:
            session.executemany(
                "UPDATE notifications SET status = 'kept', last_error = ?, channel = NULL, held_until = 0 "
                "WHERE id = ? AND token = ? AND status = 'pending'",
                [(NO_WAY, delivery.note.id, delivery.token) for delivery in deliveries],
            )


def keep_all(database: Database) -> int:
    """Nothing is configured: everything that waits is kept; how many rows.

    Raises:
        StoreError: The database can't.
    """
    with database.transaction() as session:
        return session.execute(
            f"UPDATE notifications SET status = 'kept', last_error = ? WHERE status = 'pending' "  # noqa: S608
            f"AND held_until <= {NOW[session.kind]}",
            (NO_WAY,),
        )


def rest(database: Database, name: str, failures: int, wait: float) -> None:
    """Rest a route for `wait` seconds in all processes; with 0 failures and seconds the route is well again.

    Raises:
        StoreError: The database can't.
    """
    with database.transaction() as session:
        session.execute(
            f"INSERT INTO notification_routes (name, failures, resting_until) VALUES (?, ?, {NOW[session.kind]} + ?) "  # noqa: S608
            "ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, resting_until = excluded.resting_until",
            (name, failures, int(wait * 1000)),
        )
