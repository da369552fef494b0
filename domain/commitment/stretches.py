"""The history of the signals: from when to when each held against whom, for how many points, and what showed it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from domain.commitment.verdict import Accountable, Finding, SignalName


class Stretch(NamedTuple):
    """A signal that holds without a change of its points; `evidence` as it was at first, `until` None for the present."""

    signal: SignalName
    party: Accountable
    points: int
    since: int
    until: int | None
    evidence: tuple[int, ...]


class Stretches:
    """The stretches so far, told moment by moment. Of several facts at one moment only the sum counts."""

    def __init__(self) -> None:
        self._over: list[Stretch] = []
        self._open: dict[tuple[SignalName, Accountable], Stretch] = {}

    def copy(self) -> "Stretches":
        """The same stretches, to go on with separately."""
        other = Stretches()
        other._over, other._open = list(self._over), dict(self._open)
        return other

    def at(self, now: int, findings: Iterable[Finding], evidence: Callable[[Finding], tuple[int, ...]]) -> None:
        """What holds from a moment on, not before the last."""
        holding = {(each.signal, each.party): each for each in findings}
        for key, stretch in list(self._open.items()):
            if key not in holding or holding[key].points != stretch.points:
                del self._open[key]
                if stretch.since < now:
                    self._over.append(stretch._replace(until=now))
        for key, finding in holding.items():
            known = self._open.get(key)
            if known is None:
                known = self._resumed(finding, now)
            if known is None or known.since == now:
                known = Stretch(finding.signal, finding.party, finding.points, now, None, evidence(finding))
            self._open[key] = known

    def _resumed(self, finding: Finding, now: int) -> Stretch | None:
        """The stretch that was over only within this very moment."""
        place = len(self._over) - 1
        while place >= 0 and self._over[place].until == now:
            over = self._over[place]
            if (over.signal, over.party, over.points) == finding[:3]:
                return self._over.pop(place)._replace(until=None)
            place -= 1
        return None

    def all(self) -> tuple[Stretch, ...]:
        """All of them, in order of their beginnings."""
        return tuple(
            sorted((*self._over, *self._open.values()), key=lambda each: (each.since, each.signal, each.party))
        )
