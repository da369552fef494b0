"""A relationship's health as `rapport health` tells it, and the moments that the stories about it lead up to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.e2e.contract.outside import at, days, seconds

# The moment of the question, the moments right before and after, and when the stories' relationships were activated.
NOW = at("2026-06-15 12:00")
BEFORE, AFTER = NOW - seconds(1), NOW + seconds(1)
SINCE = NOW - days(120)
# The last of a row of sessions.
LAST = NOW - days(2)


def weekly(count: int, last: datetime = LAST) -> list[datetime]:
    """Starts a week apart, up to the last."""
    return [last - days(7 * number) for number in reversed(range(count))]


@dataclass(frozen=True)
class Health:
    """A relationship's health at one time."""

    row: dict[str, Any]

    def points(self, signal: str) -> dict[str, int]:
        """Party to the points that this signal costs it; empty when the signal doesn't hold."""
        return {one["party"]: one["points"] for one in self.row["signals"] if one["signal"] == signal}

    def cost(self, signal: str) -> int:
        """The points of a signal of the relationship's own; 0 when it doesn't hold."""
        return sum(self.points(signal).values())

    def of(self, signal: str) -> dict[str, Any]:
        """The one entry of this signal."""
        (found,) = [one for one in self.row["signals"] if one["signal"] == signal]
        assert isinstance(found, dict)
        return found

    @property
    def score(self) -> int | None:
        score: int | None = self.row["score"]
        return score

    @property
    def band(self) -> str | None:
        band: str | None = self.row["band"]
        return band
