"""Walking through a relationship's time, from one moment at which something may change to the next.

A band depends on the band before it, so the band at a time is found by passing through every change of the score up to
it: those that events bring, those that passing time brings, those that new terms bring. A `Walker` stands at one moment
and knows all it needs to go on, so that the next fact costs one step and not a new walk. What occurred before the
moment where it stands is beyond it: then `walk` starts over.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from domain.commitment.bands import Band
from domain.commitment.facts import Fact, Facts
from domain.commitment.fold import see
from domain.commitment.folding import pictures
from domain.commitment.judgement import NO_JUDGEMENT, NO_STANDING, Judgement, Standing, judge, judge_again
from domain.commitment.moments import EPOCH, FOREVER, moment
from domain.commitment.picture import EMPTY, Picture
from domain.commitment.policy import ALL, NONE, TOUCHES
from domain.commitment.reading import read
from domain.commitment.terms import TermsInTime
from domain.model import AnyRecorded

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class Change(NamedTuple):
    """From this time on the score or the band is another than before."""

    at: datetime
    score: int | None
    band: Band | None


class Walked(NamedTuple):
    """Where a walk led, and the changes it passed.

    The changes replace all that were known from `since` on; None: there are none, and all that were known stand.
    """

    walker: "Walker"
    since: datetime | None
    changes: tuple[Change, ...]


class Walker(NamedTuple):
    """A relationship at one moment of its time, ready for the next.

    `before` is the standing right before `at`: several facts may share a moment, and only their sum counts.
    `settings` counts the term settings that were in force by `at`.
    """

    picture: Picture = EMPTY
    at: int = -FOREVER
    before: Standing = NO_STANDING
    judgement: Judgement = NO_JUDGEMENT
    settings: int = 0

    def agrees(self, terms: TermsInTime) -> bool:
        """Whether no setting was told since that counts from before the moment where this stands."""
        return terms.count(self.at) == self.settings

    def told(self, recorded: AnyRecorded, terms: TermsInTime) -> Walked | None:
        """Go on to an event's time and take it in. None when it lies behind, or a setting does: walk anew from the facts."""
        fact = read(recorded)
        return Walked(self, None, ()) if fact is None else self.take(fact, terms)

    def take(self, fact: Fact, terms: TermsInTime) -> Walked | None:
        """As `told`, for a fact."""
        if fact.at < self.at or fact.version <= self.picture.version or not self.agrees(terms):
            return None
        passed: list[_Passed] = []
        replaces = fact.at == self.at and self.judgement.standing != self.before
        walker = _advanced(self, fact.at - 1, terms, passed)
        walker = _looked(walker, see(walker.picture, fact), fact.at, terms, TOUCHES[type(fact)], passed)
        since = _time(fact.at) if replaces else passed[0][1].at if passed else None
        return Walked(walker, since, _changes(passed))

    def advanced(self, to: datetime, terms: TermsInTime) -> Walked:
        """Go on to a time without further facts.

        Raises:
            ValueError: it lies behind, or a setting does.
        """
        at = moment(to)
        if at < self.at or not self.agrees(terms):
            raise ValueError("a walk cannot go back")
        passed: list[_Passed] = []
        walker = _advanced(self, at, terms, passed)
        return Walked(walker, passed[0][1].at if passed else None, _changes(passed))

    def to_json(self) -> list[Any]:
        """All that a walker needs to be itself again, as JSON values."""
        return [self.at, *self.before, self.settings, self.picture.to_json()]

    @classmethod
    def from_json(cls, values: list[Any], terms: TermsInTime) -> "Walker":
        """Read what `to_json` gave; what the signals say is worked out again under the terms."""
        at, score, band, settings, picture = values
        before = Standing(score, band)
        start = cls(before=before, judgement=Judgement(before))
        return _looked(start, Picture.from_json(picture), at, terms, ALL, [])._replace(settings=settings)


class _Trail(NamedTuple):
    """Where a walk stood after so many facts, under these terms, and what it had passed."""

    terms: TermsInTime
    walker: Walker
    passed: tuple["_Passed", ...]
    taken: int


def walk(facts: Facts, terms: TermsInTime, until: datetime | None = None) -> Walked:
    """Walk from the first fact to the last that had occurred by `until`, and on to `until` when it is given.

    A walk over facts in order goes on where the last one over them, or over fewer of them, left off.
    """
    end = None if until is None else moment(until)
    last = facts.last
    if facts.in_order and last is not None and (end is None or last.at <= end):
        walker, passed = _walked_on(facts, terms)
    else:
        walker, passed = _walked_anew(facts, terms, end)
    if end is not None:
        walker = _advanced(walker, end, terms, passed)
    return Walked(walker, BEGINNING, _changes(passed))


def _walked_on(facts: Facts, terms: TermsInTime) -> tuple[Walker, list["_Passed"]]:
    trail = facts.trail
    if not isinstance(trail, _Trail) or trail.terms is not terms:
        trail = _Trail(terms, Walker(), (), 0)
    walker, passed = trail.walker, list(trail.passed)
    for fact in facts.after(trail.taken):
        walker = _advanced(walker, fact.at - 1, terms, passed)
        walker = _looked(walker, see(walker.picture, fact), fact.at, terms, TOUCHES[type(fact)], passed)
    facts.trail = _Trail(terms, walker, tuple(passed), len(facts))
    return walker, passed


def _walked_anew(facts: Facts, terms: TermsInTime, end: int | None) -> tuple[Walker, list["_Passed"]]:
    walker, passed = Walker(), list[_Passed]()
    for fact, picture, last_told in pictures(facts):
        if end is not None and fact.at > end:
            break
        walker = _advanced(walker, fact.at - 1, terms, passed)
        walker = _looked(walker, picture, fact.at, terms, TOUCHES[type(fact)] if last_told else ALL, passed)
    return walker, passed


_Passed = tuple[int, Change]


def _time(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def _changes(passed: list[_Passed]) -> tuple[Change, ...]:
    return tuple([change for _, change in passed]) if passed else ()


def _advanced(walker: Walker, to: int, terms: TermsInTime, passed: list[_Passed]) -> Walker:
    """Pass through every moment up to `to`, that one included, at which time or new terms may change something."""
    while walker.picture.status == "active":
        ahead, setting = walker.judgement.look, terms.next_after(walker.at)
        if setting is not None and (ahead is None or setting < ahead):
            ahead = setting
        if ahead is None or ahead > to:
            break
        walker = _looked(walker, walker.picture, ahead, terms, NONE, passed)
    return walker


def _looked(
    walker: Walker, picture: Picture, now: int, terms: TermsInTime, stale: tuple[int, ...], passed: list[_Passed]
) -> Walker:
    """Stand at a moment with this picture, where the signals in `stale` may say something else than before.

    A change of the standing at this moment is added to `passed`, in place of one that was passed at the same moment.
    """
    known = walker.judgement
    before = known.standing if now > walker.at else walker.before
    if picture.frozen is not None and picture.paused is not None:
        if not known.verdicts or walker.picture.frozen is not picture.frozen:
            known = judge(picture.frozen, picture.paused.at, terms.at(picture.paused.at), before)
    elif picture.status != "active":
        known = NO_JUDGEMENT
    elif stale is ALL or not known.verdicts or known.terms is not terms.at(now):
        known = judge(picture, now, terms.at(now), before)
    else:
        known = judge_again(known, picture, now, stale, before)
    if passed and passed[-1][0] == now:
        passed.pop()
    if known.standing != before:
        passed.append((now, Change(_time(now), *known.standing)))
    return Walker(picture, now, before, known, terms.count(now))
