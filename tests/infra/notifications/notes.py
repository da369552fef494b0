"""Notifications to test with, and a secret to sign them."""

import base64
from datetime import UTC, datetime

from infra.notifications.outbox import Notification

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a secret for tests, 32 bytes long").decode()


def note(
    id_: str, recipient: str = "mentee:ana", *, clauses: tuple[str, ...] = (), alone: bool = False
) -> Notification:
    return Notification(
        id_, "sessions", "0197-r1", recipient, "next_session", {"sessions_left": 2}, clauses, AT, alone=alone
    )
