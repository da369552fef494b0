"""Folding facts into the picture of a moment: all that had occurred by then, in the order in which they were recorded.

Nearly always facts are recorded as they occur, and each picture is the one before and one more fact. A fact that is recorded
late has its place at its own time, and yet comes last in the order of versions; so in the order of time a fact may come
after others that were recorded later. Facts about different things don't mind in which order they are folded, and of most
that are about the same thing the one recorded last counts: so such a fact is put in among those recorded later without folding
them again. `Gathering` knows which may be.
"""

from collections.abc import Iterable, Iterator

from domain.commitment.facts import (
    Activated,
    Cancelled,
    Completed,
    Dismissed,
    Disrespected,
    Fact,
    Facts,
    GoalClosed,
    GoalOpened,
    Missed,
    Paused,
    Planned,
    Proposed,
    Rescheduled,
    RespectRestored,
    Resumed,
    Scheduled,
    Terminated,
    TrustLost,
    TrustRegained,
)
from domain.commitment.fold import of_pause, settles, with_fact
from domain.commitment.picture import EMPTY, Picture


def pictures(facts: Facts) -> Iterator[tuple[Fact, Picture, bool]]:
    """Each fact in the order in which they occurred, with the picture of all that had occurred by then.

    With it comes whether the picture is the one before and this fact, and nothing else of it changed.
    """
    gathering = Gathering()
    for fact in facts.by_time():
        one_more = gathering.take(fact)
        yield fact, gathering.picture, one_more


def as_of(facts: Iterable[Fact], at: int) -> Picture:
    """The picture at a moment: the facts that had occurred by then, in the order of their versions.

    A fact that was recorded before a pause but occurred after it is not in what the pause froze.
    """
    picture = EMPTY
    occurred = [fact for fact in facts if fact.at <= at]
    for fact in occurred:
        picture = with_fact(picture, fact)
    if picture.paused is None:
        return picture
    frozen = EMPTY
    for fact in occurred:
        if fact.at <= picture.paused.at and (fact.version < picture.paused.version or of_pause(fact, picture.paused)):
            frozen = with_fact(frozen, fact)
    return picture.but(frozen=frozen)


class Gathering:
    """The picture of the facts taken so far, which come in the order in which they occurred.

    Kept beside it are the highest versions taken: of all, of the course, of each session's dates and outcomes, of each goal,
    of the plan, and of what settled trust or respect. `folds` counts how often a fact was folded into a picture.
    """

    def __init__(self) -> None:
        self.picture = EMPTY
        self.folds = 0
        self._taken: list[Fact] = []
        self._course = 0
        self._latest: dict[tuple[str, str], int] = {}

    def take(self, fact: Fact) -> bool:
        """Take the next fact; whether the picture is the one before and this fact."""
        picture = self.picture
        self._taken.append(fact)
        if fact.version > picture.version:
            self.picture, one_more = self._after_fact(fact), True
        elif self._disturbs(fact):
            in_order = sorted(self._taken)
            self.folds += len(in_order)
            self.picture, one_more = as_of(in_order, fact.at), False
        else:
            self.picture, one_more = self._put_in(fact).but(version=picture.version), True
        self._note(fact)
        return one_more

    def _after_fact(self, fact: Fact) -> Picture:
        self.folds += 1
        return with_fact(self.picture, fact)

    def _disturbs(self, fact: Fact) -> bool:
        """Whether those that were recorded later have to be folded again after a fact."""
        picture, version = self.picture, fact.version
        if picture.paused is not None and fact.at == picture.paused.at:
            return True
        match fact:
            case Proposed() | Activated() | Resumed() | Terminated():
                return version < self._course
            case Paused():
                return True
            case Scheduled() | Rescheduled():
                return version < self._known("outcome", fact.session)
            case Cancelled() | Completed() | Missed():
                return version < max(self._known("outcome", fact.session), self._known("date", fact.session))
            case GoalOpened() | GoalClosed():
                return version < self._known("goal", fact.goal)
            case _:
                return False

    def _put_in(self, fact: Fact) -> Picture:
        """The picture with a fact that was recorded before others of it."""
        picture, version = self.picture, fact.version
        match fact:
            case Scheduled() | Rescheduled() if version < self._known("date", fact.session):
                return self._after_fact(fact).but(calendar=picture.calendar)
            case Planned() if version < self._known("plan"):
                return picture
            case TrustLost() if version < self._known("trust"):
                return picture
            case Disrespected() if version < self._known("respect"):
                return picture
            case _:
                return self._after_fact(fact)

    def _known(self, what: str, which: str = "") -> int:
        return self._latest.get((what, which), 0)

    def _note(self, fact: Fact) -> None:
        """Remember the version of a fact."""
        match fact:
            case Proposed() | Activated() | Paused() | Resumed() | Terminated():
                self._course = max(self._course, fact.version)
            case Scheduled() | Rescheduled():
                self._raise("date", fact.session, fact.version)
            case Cancelled() | Completed() | Missed():
                self._raise("outcome", fact.session, fact.version)
            case GoalOpened() | GoalClosed():
                self._raise("goal", fact.goal, fact.version)
            case Planned():
                self._raise("plan", "", fact.version)
            case TrustRegained() | RespectRestored() | Dismissed():
                for what in settles(fact):
                    self._raise(what, "", fact.version)
            case _:
                pass

    def _raise(self, what: str, which: str, version: int) -> None:
        self._latest[what, which] = max(self._known(what, which), version)
