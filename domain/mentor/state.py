"""What is known of a mentor. One whom nobody registered is in good standing."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from domain.immutable import Immutable
from domain.words import MentorStanding


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
    """A mentor as the events leave them."""

    mentor_id: str = ""
    version: int = 0
    registered: bool = False
    name: str | None = None
    programme_id: str | None = None
    capacity: int | None = None
    # The hash of the profile that was published last.
    profile: bytes | None = None
    standing: MentorStanding = "good"
    trainings: tuple[Training, ...] = ()
    developments: tuple[Development, ...] = ()

    @property
    def developed_on(self) -> date | None:
        """The day of the latest professional development, None when there was none (leapfrog.competence)."""
        return max((development.completed_on for development in self.developments), default=None)

    @property
    def trained_on(self) -> date | None:
        """The first day on which a training was completed, None when there was none (nottingham.training)."""
        return min((training.completed_on for training in self.trainings), default=None)

    @property
    def trainings_due(self) -> dict[str, date]:
        """Course to the day by which it must be taken again, as its latest completion says (nottingham.further-training)."""
        latest: dict[str, Training] = {}
        for training in self.trainings:
            held = latest.get(training.course)
            if held is None or training.completed_on >= held.completed_on:
                latest[training.course] = training
        return {course: training.due_on for course, training in latest.items() if training.due_on is not None}


UNKNOWN = Mentor()
