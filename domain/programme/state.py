"""What is known of a programme. One that nobody created has the defaults."""

from dataclasses import dataclass
from datetime import datetime

from domain.immutable import Immutable
from domain.model import TermSetting
from domain.terms import NO_SETTINGS, DatedSetting, TermTimeline
from domain.words import CodeId


@dataclass(frozen=True)
class Programme(Immutable):
    """A programme as its events leave it.

    `adopted` holds each code with the time of its adoption, `terms` what the documents set, each from its own time on.
    """

    programme_id: str = ""
    version: int = 0
    created: bool = False
    name: str = ""
    timezone: str = "UTC"
    adopted: tuple[tuple[datetime, CodeId], ...] = ()
    terms: TermTimeline = NO_SETTINGS

    @property
    def settings(self) -> tuple[DatedSetting, ...]:
        """The settings in the order in which they count: by time, then by version."""
        return self.terms.settings

    @property
    def codes(self) -> tuple[CodeId, ...]:
        """The adopted codes, in the order of adoption."""
        return tuple(code for _, code in self.adopted)

    def codes_at(self, at: datetime) -> tuple[CodeId, ...]:
        """The codes adopted by that time."""
        return tuple(code for adopted_at, code in self.adopted if adopted_at <= at)

    def settings_at(self, at: datetime) -> tuple[TermSetting, ...]:
        """The settings in force at a time (occurred time), one for each document and term."""
        return self.terms.settings_at(at)


UNKNOWN = Programme()
