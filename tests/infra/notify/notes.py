"""Notifications to test with."""

from datetime import UTC, datetime

from infra.notify.outbox import Notification

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def note(
    id_: str, recipient: str = "mentee:ana", *, clauses: tuple[str, ...] = (), alone: bool = False
) -> Notification:
    return Notification(
        id_, "sessions", "0197-r1", recipient, "next_session", {"sessions_left": 2}, clauses, AT, alone=alone
    )
