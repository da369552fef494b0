"""What is known of a programme. One that nobody created has the defaults."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from domain.immutable import Immutable
from domain.model import TermSetting
from domain.terms import DatedSetting
from domain.words import CodeId


@dataclass(frozen=True)
class Programme(Immutable):
    """A programme as its events leave it.

    `settings` are in the order in which they count: by time, then by version. `timeline` holds, for each time at which
    something was set, the settings in force from then on, so that asking for a moment's terms is one search.
    """

    programme_id: str = ""
    version: int = 0
    created: bool = False
    name: str = ""
    timezone: str = "UTC"
    adopted: tuple[tuple[datetime, CodeId], ...] = ()
    settings: tuple[DatedSetting, ...] = ()
    timeline: tuple[tuple[datetime, tuple[TermSetting, ...]], ...] = ()

    @property
    def codes(self) -> tuple[CodeId, ...]:
        """The adopted codes, in the order of adoption."""
        return tuple(code for _, code in self.adopted)

    def codes_at(self, at: datetime) -> tuple[CodeId, ...]:
        """The codes adopted by that time."""
        return tuple(code for adopted_at, code in self.adopted if adopted_at <= at)

    def settings_at(self, at: datetime) -> tuple[TermSetting, ...]:
        """The settings in force at a time (occurred time), one for each document and term."""
        index = bisect_right(self.timeline, at, key=_time)
        return self.timeline[index - 1][1] if index else ()


def _time(entry: tuple[datetime, tuple[TermSetting, ...]]) -> datetime:
    return entry[0]


UNKNOWN = Programme()
