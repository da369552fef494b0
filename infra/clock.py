"""The present moment, asked for in one place, so that it may be fixed."""

from datetime import UTC, datetime
from typing import Literal


class Clock:
    """The time of this machine in UTC, or one fixed time (`RAPPORT_CLOCK`, for tests and what-ifs)."""

    def __init__(self, fixed: datetime | None = None) -> None:
        self.fixed = fixed.astimezone(UTC) if fixed else None

    @property
    def kind(self) -> Literal["machine", "fixed"]:
        """Which of the two it is at present."""
        return "machine" if self.fixed is None else "fixed"

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self.fixed or datetime.now(UTC)
