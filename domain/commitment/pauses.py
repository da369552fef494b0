"""The clock that stands still during pauses: days in every window and gap are days outside them.

Pauses are a sorted tuple of (from, to) moments that do not overlap. Only pauses that are over are kept: while one
lasts, nothing is measured.
"""

Pauses = tuple[tuple[int, int], ...]


def with_pause(pauses: Pauses, start: int, end: int) -> Pauses:
    """The pauses and one more; overlapping ones become one, and one that ends before it starts is none."""
    if end <= start:
        return pauses
    apart = [pause for pause in pauses if pause[1] < start or end < pause[0]]
    joined = [pause for pause in pauses if pause[0] <= end and start <= pause[1]]
    whole = (min([start, *(first for first, _ in joined)]), max([end, *(last for _, last in joined)]))
    return tuple(sorted([*apart, whole]))


def elapsed(pauses: Pauses, since: int, now: int) -> int:
    """Microseconds outside pauses from one moment to another; negative when `since` is still to come."""
    if not pauses:
        return now - since
    return _outside(pauses, now) - _outside(pauses, since)


def _outside(pauses: Pauses, at: int) -> int:
    return at - sum(min(at, last) - first for first, last in pauses if first < at)
