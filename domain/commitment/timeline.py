"""The timeline of a relationship's score and band, walked from one moment at which something may change to the next.

A band depends on the band before it, so the band at a time follows from every change of the score up to it: those that
events bring, those that passing time brings, those that new terms bring. A `Walk` stands at the last fact it took and goes on
from there; a fact that occurred before makes it start over. `picture_at` needs no bands and starts over for no fact.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final, NamedTuple

from domain.commitment.course import Mark
from domain.commitment.evidence import evidence_of
from domain.commitment.facts import Cancelled, Fact, Facts
from domain.commitment.judgement import NO_JUDGEMENT, NO_RATING, Judgement, Rating, at_once, judge, judge_again
from domain.commitment.moments import EPOCH, FOREVER, moment
from domain.commitment.picture import Picture
from domain.commitment.policy import ALL, AT_ONCE, NONE, SIGNALS, TOUCHES, Band
from domain.commitment.stretches import Stretches
from domain.commitment.terms import Terms, TermsInTime
from domain.commitment.verdict import Finding

VERSION: Final = attrgetter("version")


class Change(NamedTuple):
    """From this time on the score or the band is another than before."""

    at: datetime
    score: int | None
    band: Band | None


class Place(NamedTuple):
    """A moment of the walk and how things stand there.

    `before` is the rating right before `at`: several facts may share a moment, and only their sum counts.
    """

    at: int = -FOREVER
    before: Rating = NO_RATING
    judgement: Judgement = NO_JUDGEMENT


class Reached(NamedTuple):
    """The walk at a time: how things stand, the changes on the way by moment, and from when to when each signal held."""

    walk: "Walk"
    judgement: Judgement
    dated: list[tuple[int, Change]]
    stretches: Stretches

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change of score or band, in order; the first is activation."""
        return tuple([change for _, change in self.dated])


class Walk:
    """A relationship followed from its first fact to the last it took, under these terms.

    While paused `frozen` is the judgement right after the pause and its cancellations, on a picture of its own if more was told. `_known` are the facts taken in the
    order of their versions: what was recorded after a pause is told meanwhile, whenever it occurred.
    """

    def __init__(self, terms: TermsInTime) -> None:
        self.terms = terms
        self.picture = Picture(terms)
        self.place = Place()
        self.frozen: Judgement | None = None
        self._frozen_picture: Picture | None = None
        self.dated: list[tuple[int, Change]] = []
        self.stretches = Stretches()
        self._known: list[Fact] = []
        self._pause: Mark | None = None
        self._told_meanwhile = False

    @property
    def taken(self) -> int:
        """How many facts it took."""
        return len(self._known)

    def take(self, fact: Fact) -> None:
        """Go on to a fact, not before the last one, and take it."""
        self.place = self._advanced(self.place, fact.at - 1, self.dated, self.stretches)
        latest = self._known[-1].version if self._known else 0
        more = self.picture.take(fact)
        # What corrects a fact may put two in its place, which share its version.
        if latest <= fact.version:
            self._known.append(fact)
        else:
            insort(self._known, fact, key=VERSION)
        pause = self.picture.course.pause
        if pause is None:
            self._pause = self.frozen = self._frozen_picture = None
        elif pause != self._pause:
            self._pause, self.frozen, self._frozen_picture = pause, None, None
            self._told_meanwhile = pause.version != fact.version or latest > pause.version
        elif _comes_with(fact, pause):
            self.frozen = self._frozen_picture = None
        else:
            self._told_meanwhile = True
        stale = ALL if more else TOUCHES[type(fact)]
        self.place = self._assessed(self.place, fact.at, stale, self.dated, self.stretches)

    def ahead(self, to: int) -> Reached:
        """How things stand at a moment, not before the last fact, if nothing happens until then."""
        dated, stretches = self.dated[-1:], self.stretches.copy()
        place = self._advanced(self.place, to, dated, stretches)
        return Reached(self, place.judgement, [*self.dated[:-1], *dated], stretches)

    def judged(self, to: int) -> Judgement:
        """The judgement of `ahead` alone, which costs next to nothing where nothing is to be looked at until then."""
        at = self._next_look(self.place)
        return self.place.judgement if at is None or at > to else self.ahead(to).judgement

    def _next_look(self, place: Place) -> int | None:
        """The first moment after a place at which time or new terms may change something."""
        if not place.judgement.verdicts:
            return None
        ahead, setting = place.judgement.next_check_at, self.terms.next_after(place.at)
        return setting if ahead is None or (setting is not None and setting < ahead) else ahead

    def _advanced(self, place: Place, to: int, dated: list[tuple[int, Change]], stretches: Stretches) -> Place:
        """Evaluate at every moment up to and including `to` at which time or new terms may change something."""
        while (at := self._next_look(place)) is not None and at <= to:
            place = self._assessed(place, at, NONE, dated, stretches)
        return place

    def _assessed(
        self, place: Place, now: int, stale: tuple[int, ...], dated: list[tuple[int, Change]], stretches: Stretches
    ) -> Place:
        """The place at a moment, after evaluating the signals in `stale` again.

        A change of the rating at this moment is added to `dated` and replaces an earlier one at the same moment.
        """
        known = place.judgement
        before = known.rating if now > place.at else place.before
        match self.picture.course.status:
            case "active":
                terms = self.terms.at(now)
                if stale is ALL or not known.verdicts or known.terms is not terms:
                    known = judge(self.picture, now, terms, before)
                else:
                    known = judge_again(known, self.picture, now, stale, before)
            case "paused":
                if self.frozen is None:
                    self.frozen = self._freeze(before)
                known = at_once(self.frozen, self.picture, now, self.terms.at(now), before)
            case _:
                known = NO_JUDGEMENT
        if dated and dated[-1][0] == now:
            dated.pop()
        if known.rating != before:
            dated.append((now, Change(EPOCH + timedelta(microseconds=now), *known.rating)))
        # Without another rating no verdict found anything else; only within one moment the evidence may be another all the same.
        if known.rating is not place.judgement.rating or (
            now == place.at and known.verdicts is not place.judgement.verdicts
        ):
            findings = (finding for verdict in known.verdicts for finding in verdict.findings)
            stretches.at(now, findings, lambda finding: self.evidence(finding, now, known.terms))
        return Place(now, before, known)

    def evidence(self, finding: Finding, now: int, terms: Terms | None) -> tuple[int, ...]:
        """What shows a finding at a moment; while paused, what showed it right after the pause, but for what comes at once."""
        assert terms is not None, "a finding follows terms"
        if self._pause is None or SIGNALS.index(finding.signal) in AT_ONCE:
            return evidence_of(finding, self.picture, now, terms)
        return evidence_of(finding, self._picture_at_the_pause(), self._pause.at, terms)

    # --- what a pause froze ----------------------------------------------------------------------------------------
    def _freeze(self, before: Rating) -> Judgement:
        assert self._pause is not None, "a pause is on"
        at = self._pause.at
        return judge(self._picture_at_the_pause(), at, self.terms.at(at), before)

    def _picture_at_the_pause(self) -> Picture:
        """The picture of what was recorded before the pause, and of its cancellations."""
        pause = self._pause
        if pause is None or not self._told_meanwhile:
            return self.picture
        if self._frozen_picture is None:
            self._frozen_picture = Picture(self.terms)
            for fact in self._recorded_before(pause):
                self._frozen_picture.take(fact)
        return self._frozen_picture

    def _recorded_before(self, pause: Mark) -> Iterator[Fact]:
        known = self._known
        place = bisect_left(known, pause.version, key=VERSION)
        yield from (fact for fact in known[:place] if fact.at <= pause.at)
        for fact in known[place + 1 :]:
            if not _comes_with(fact, pause):
                break
            yield fact


def _comes_with(fact: Fact, pause: Mark) -> bool:
    """Whether the fact is one of the cancellations that came with a pause."""
    return isinstance(fact, Cancelled) and fact.by_pause and fact.at == pause.at


def walked(facts: Facts, terms: TermsInTime, until: datetime | None = None) -> Reached:
    """How things stand after the walk from the first fact to the last that had occurred by `until`, and on to `until` when it is given."""
    end = None if until is None else moment(until)
    walk = walk_to(facts, terms, end)
    return walk.ahead(walk.place.at if end is None else end)


def walk_to(facts: Facts, terms: TermsInTime, end: int | None) -> Walk:
    """The walk from the first fact to the last that had occurred by a moment; None: to the last of all.

    The terms are the programme's; the relationship's own come from its facts. The last walk over these facts, or over
    fewer of them, is continued where the new ones come after it.
    """
    terms = terms.with_own(facts.own)
    walk = _continued(facts, terms, end)
    if walk is None:
        walk = Walk(terms)
        for fact in facts.by_time():
            if end is not None and fact.at > end:
                break
            walk.take(fact)
        if walk.taken == len(facts):
            facts.log.walk = walk
    return walk


def _continued(facts: Facts, terms: TermsInTime, end: int | None) -> Walk | None:
    """The last walk, after taking the facts recorded since; None where one of them is not for it to take."""
    walk = facts.log.walk
    if not isinstance(walk, Walk) or not walk.terms.is_as(terms) or walk.taken > len(facts):
        return None
    at = walk.place.at
    new = list(facts.after(walk.taken))
    for fact in new:
        if fact.at < at:
            return None
        at = fact.at
    if end is not None and end < at:
        return None
    for fact in new:
        walk.take(fact)
    return walk


class _Watch:
    """The picture at a moment that only moves on, and the facts recorded so far that are still to come."""

    def __init__(self, terms: TermsInTime, at: int) -> None:
        self.terms, self.at = terms, at
        self.picture = Picture(terms)
        self.taken = 0
        # The third says which came first: a correction may put two facts at one version.
        self.ahead: list[tuple[int, int, int, Fact]] = []


def picture_at(facts: Facts, terms: TermsInTime, at: int) -> Picture:
    """The picture at a moment: of the facts that had occurred by then, in whatever order they were recorded.

    Who asks for later and later moments, with more and more facts, pays for each fact once.
    """
    terms = terms.with_own(facts.own)
    watch = facts.log.watch
    if not isinstance(watch, _Watch) or not watch.terms.is_as(terms) or watch.at > at or watch.taken > len(facts):
        watch = facts.log.watch = _Watch(terms, at)
    for place, fact in enumerate(facts.after(watch.taken), start=watch.taken):
        heappush(watch.ahead, (fact.at, fact.version, place, fact))
    watch.taken, watch.at = len(facts), at
    while watch.ahead and watch.ahead[0][0] <= at:
        watch.picture.take(heappop(watch.ahead)[3])
    return watch.picture
