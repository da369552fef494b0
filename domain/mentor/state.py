"""What is known of a mentor. One whom nobody registered is in good standing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, Self, get_args

from domain.immutable import Immutable
from domain.words import MentorStanding

# From the best to the worst.
_STANDINGS: Final[tuple[MentorStanding, ...]] = get_args(MentorStanding)


class Training(NamedTuple):
    """A completed course; `due_on` is the day by which it must be taken again, None for never."""

    course: str
    completed_on: date
    due_on: date | None


class Development(NamedTuple):
    """One piece of professional development."""

    what: str
    completed_on: date


@dataclass(frozen=True)
class Mentor(Immutable):
    """A mentor as the events leave them.

    `standing` holds everywhere; `standings` has the programmes in which the mentor was suspended or removed besides.
    """

    mentor_id: str = ""
    version: int = 0
    registered: bool = False
    name: str | None = None
    programme_id: str | None = None
    capacity: int | None = None
    # The hash of the profile that was published last.
    profile: bytes | None = None
    standing: MentorStanding = "good"
    standings: Mapping[str, MentorStanding] = field(default_factory=dict)
    trainings: tuple[Training, ...] = ()
    developments: tuple[Development, ...] = ()

    def standing_in(self, programme_id: str | None) -> MentorStanding:
        """The standing in a programme, where the worse of it and of that everywhere holds; None asks for everywhere alone."""
        if not self.standings:
            return self.standing
        here = self.standings.get(programme_id, "good") if programme_id is not None else "good"
        return max(self.standing, here, key=_STANDINGS.index)

    def with_standing(self, programme_id: str | None, standing: MentorStanding) -> Self:
        """The mentor suspended or removed in a programme, or everywhere."""
        return self.but(standing=standing) if programme_id is None else self.put("standings", programme_id, standing)

    def reinstated(self, programme_id: str | None) -> Self:
        """The mentor without the suspension of a programme, or without any; what removed them stays."""
        if programme_id is not None:
            return self.but(standings={key: value for key, value in self.standings.items() if key != programme_id})
        removed = {key: value for key, value in self.standings.items() if value == "removed"}
        return self.but(standing="good", standings=removed)

    @property
    def developed_on(self) -> date | None:
        """The day of the latest professional development, None when there was none (leapfrog.competence)."""
        return max((development.completed_on for development in self.developments), default=None)

    @property
    def trained_on(self) -> date | None:
        """The first day on which a training was completed, None when there was none (nottingham.training)."""
        return min((training.completed_on for training in self.trainings), default=None)


UNKNOWN = Mentor()
