"""Folding facts into the picture of a moment: all that had occurred by then, in the order in which they were told.

Nearly always facts are told as they occur, and each picture is the one before and one more fact. A fact that is told
late has its place at its own time, and yet comes last in the order of versions.
"""

from bisect import insort
from collections.abc import Iterator
from functools import reduce
from itertools import accumulate
from typing import Final

from domain.commitment.facts import Fact, Facts, Paused
from domain.commitment.picture import EMPTY, Picture
from domain.commitment.seeing import of_pause, see

NEVER: Final = 1 << 62


def pictures(facts: Facts) -> Iterator[tuple[Fact, Picture, bool]]:
    """Each fact in the order in which they occurred, with the picture of all that had occurred by then.

    With it comes whether the fact is the last told of these, so that the picture is the one before and this fact.
    Facts that occurred before others which were told earlier are folded again after each of those, and only they.
    """
    row = list(facts.by_time())
    to_come = list(accumulate((fact.version for fact in reversed(row)), min, initial=NEVER))
    settled, early, latest = EMPTY, list[Fact](), 0
    told_late: set[int] = set()
    for fact in row:
        to_come.pop()
        insort(early, fact)
        while early and early[0].version < to_come[-1]:
            settled = see(settled, early.pop(0))
        if early and isinstance(fact, Paused):
            told_late.add(fact.version)
        picture = reduce(see, early, settled)
        if picture.paused is not None and picture.paused.version in told_late:
            picture = as_of(facts, fact.at)
        yield fact, picture, fact.version > latest
        latest = max(latest, fact.version)


def as_of(facts: Facts, at: int) -> Picture:
    """The picture at a moment: the facts that had occurred by then, in the order of their versions.

    A fact that was told before a pause but occurred after it is not in what the pause froze.
    """
    picture = EMPTY
    occurred = [fact for fact in facts if fact.at <= at]
    for fact in occurred:
        picture = see(picture, fact)
    if picture.paused is None:
        return picture
    frozen = EMPTY
    for fact in occurred:
        if fact.at <= picture.paused.at and (fact.version < picture.paused.version or of_pause(fact, picture.paused)):
            frozen = see(frozen, fact)
    return picture.but(frozen=frozen)
