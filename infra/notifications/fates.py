"""Which fates of notifications can't be? No fact of the record says what became of one, but delivery leaves none of these behind.

`infra/notifications/deliveries.py` and `outbox.py` write what is looked at here; an audit asks for it.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, get_args

from infra.notifications.deliveries import RESTRICTED
from infra.notifications.outbox import BEGUN, SETTLED, Status
from infra.store.session import StoreSession


def _quoted(text: str) -> str:
    """A text of ours in SQL."""
    return "'" + text.replace("'", "''") + "'"


_STATES: Final = ", ".join(f"'{status}'" for status in get_args(Status))
# Why a fate can't be, and what is so then. One that was sent or missed stays so; all others may be tried again.
_IMPOSSIBLE: Final[Mapping[str, str]] = {
    "it has a state that there is not": f"status NOT IN ({_STATES})",
    "it was sent, and the attempt, its way or its time are not noted": (
        "status = 'sent' AND (attempts < 1 OR channel IS NULL OR sent_at IS NULL OR last_error IS NOT NULL)"
    ),
    "it has a time of sending and was not sent": "status <> 'sent' AND sent_at IS NOT NULL",
    "it was given up, and no attempt, way or reason is noted": (
        "status = 'dead' AND (attempts < 1 OR channel IS NULL OR last_error IS NULL)"
    ),
    "it was missed for no reason that it can have": (
        "status = 'missed' AND NOT ("
        f"COALESCE(last_error, '') = {_quoted(RESTRICTED)} "
        f"OR COALESCE(last_error, '') = {_quoted(BEGUN)} AND until IS NOT NULL "
        f"OR COALESCE(last_error, '') = {_quoted(SETTLED)} AND topic IS NOT NULL)"
    ),
    "it was tried, and why that failed is not noted": (
        "status IN ('pending', 'kept') AND attempts > 0 AND last_error IS NULL"
    ),
    "it was tried less than never": "attempts < 0",
}


class Impossible(NamedTuple):
    """A notification whose fate can't be: the key of its worker, its id, and why."""

    key: str
    id: str
    why: str


def impossible_fates(session: StoreSession, key: str | None = None) -> Iterator[Impossible]:
    """Yields the notifications, of one key or of all, whose fate can't be."""
    cases = " ".join(f"WHEN {when} THEN {place}" for place, when in enumerate(_IMPOSSIBLE.values()))
    reasons, of = list(_IMPOSSIBLE), " WHERE key = ?" if key is not None else ""
    sql = f"SELECT * FROM (SELECT key, id, CASE {cases} END AS why FROM notifications{of}) n WHERE why IS NOT NULL ORDER BY id"  # noqa: S608
    for about, id_, why in session.stream(sql, () if key is None else (key,)):
        yield Impossible(about, id_, reasons[why])
