"""The timeline of a relationship's score and band, built from one moment at which something may change to the next.

A band depends on the band before it, so the band at a time follows from every change of the score up to it: those that
events bring, those that passing time brings, those that new terms bring. A `Cursor` stands at one moment and knows all
it needs to go on, so the next fact costs one step. A fact that occurred before that moment can't be added to a cursor:
`build_timeline` then starts over.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from domain.commitment.facts import Fact, Facts
from domain.commitment.fold import with_fact
from domain.commitment.folding import pictures
from domain.commitment.judgement import NO_JUDGEMENT, NO_STANDING, Judgement, Standing, judge, judge_again
from domain.commitment.moments import EPOCH, FOREVER, moment
from domain.commitment.picture import EMPTY, Picture
from domain.commitment.policy import ALL, NONE, TOUCHES, Band
from domain.commitment.reading import read
from domain.commitment.terms import TermsInTime
from domain.model import AnyRecorded

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class Change(NamedTuple):
    """From this time on the score or the band is another than before."""

    at: datetime
    score: int | None
    band: Band | None


class Timeline(NamedTuple):
    """The cursor at the end of a timeline, and the changes on the way.

    The changes replace all earlier known ones from `since` on. None: there are no changes, and all earlier ones stand.
    """

    cursor: "Cursor"
    since: datetime | None
    changes: tuple[Change, ...]


class Cursor(NamedTuple):
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
        """Whether no setting was recorded since that counts from before this moment."""
        return terms.count(self.at) == self.settings

    def after_event(self, recorded: AnyRecorded, terms: TermsInTime) -> Timeline | None:
        """The timeline up to an event. None when the event, or a setting, lies before this moment: build it from the facts."""
        fact = read(recorded)
        return Timeline(self, None, ()) if fact is None else self.after_fact(fact, terms)

    def after_fact(self, fact: Fact, terms: TermsInTime) -> Timeline | None:
        """As `after_event`, for a fact."""
        if fact.at < self.at or fact.version <= self.picture.version or not self.agrees(terms):
            return None
        dated: list[_DatedChange] = []
        replaces = fact.at == self.at and self.judgement.standing != self.before
        cursor = _advanced(self, fact.at - 1, terms, dated)
        cursor = _assessed(cursor, with_fact(cursor.picture, fact), fact.at, terms, TOUCHES[type(fact)], dated)
        since = _time(fact.at) if replaces else dated[0][1].at if dated else None
        return Timeline(cursor, since, _changes(dated))

    def advanced_to(self, to: datetime, terms: TermsInTime) -> Timeline:
        """The timeline up to a time, without further facts.

        Raises:
            ValueError: the time, or a setting, lies before this moment.
        """
        at = moment(to)
        if at < self.at or not self.agrees(terms):
            raise ValueError("a timeline can't go back in time")
        dated: list[_DatedChange] = []
        cursor = _advanced(self, at, terms, dated)
        return Timeline(cursor, dated[0][1].at if dated else None, _changes(dated))

    def to_json(self) -> list[Any]:
        """The cursor as JSON values."""
        return [self.at, *self.before, self.settings, self.picture.to_json()]

    @classmethod
    def from_json(cls, values: list[Any], terms: TermsInTime) -> "Cursor":
        """Read what `to_json` gave; the signals are evaluated again under the terms."""
        at, score, band, settings, picture = values
        before = Standing(score, band)
        start = cls(before=before, judgement=Judgement(before))
        return _assessed(start, Picture.from_json(picture), at, terms, ALL, [])._replace(settings=settings)


class _Checkpoint(NamedTuple):
    """The cursor after so many facts under these terms, and the changes up to it."""

    terms: TermsInTime
    cursor: Cursor
    dated: tuple["_DatedChange", ...]
    taken: int


def build_timeline(facts: Facts, terms: TermsInTime, until: datetime | None = None) -> Timeline:
    """The timeline from the first fact to the last that had occurred by `until`, and on to `until` when it is given.

    Where the facts are in order, it continues from the checkpoint of the last timeline over them or over fewer of them.
    """
    end = None if until is None else moment(until)
    last = facts.last
    if facts.in_order and last is not None and (end is None or last.at <= end):
        cursor, dated = _continued(facts, terms)
    else:
        cursor, dated = _from_start(facts, terms, end)
    if end is not None:
        cursor = _advanced(cursor, end, terms, dated)
    return Timeline(cursor, BEGINNING, _changes(dated))


def _continued(facts: Facts, terms: TermsInTime) -> tuple[Cursor, list["_DatedChange"]]:
    checkpoint = facts.checkpoint
    if not isinstance(checkpoint, _Checkpoint) or checkpoint.terms is not terms:
        checkpoint = _Checkpoint(terms, Cursor(), (), 0)
    cursor, dated = checkpoint.cursor, list(checkpoint.dated)
    for fact in facts.after(checkpoint.taken):
        cursor = _advanced(cursor, fact.at - 1, terms, dated)
        cursor = _assessed(cursor, with_fact(cursor.picture, fact), fact.at, terms, TOUCHES[type(fact)], dated)
    facts.checkpoint = _Checkpoint(terms, cursor, tuple(dated), len(facts))
    return cursor, dated


def _from_start(facts: Facts, terms: TermsInTime, end: int | None) -> tuple[Cursor, list["_DatedChange"]]:
    cursor, dated = Cursor(), list[_DatedChange]()
    for fact, picture, last_recorded in pictures(facts):
        if end is not None and fact.at > end:
            break
        cursor = _advanced(cursor, fact.at - 1, terms, dated)
        cursor = _assessed(cursor, picture, fact.at, terms, TOUCHES[type(fact)] if last_recorded else ALL, dated)
    return cursor, dated


_DatedChange = tuple[int, Change]


def _time(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def _changes(dated: list[_DatedChange]) -> tuple[Change, ...]:
    return tuple([change for _, change in dated]) if dated else ()


def _advanced(cursor: Cursor, to: int, terms: TermsInTime, dated: list[_DatedChange]) -> Cursor:
    """Evaluate at every moment up to and including `to` at which time or new terms may change something."""
    while cursor.picture.status == "active":
        ahead, setting = cursor.judgement.next_check_at, terms.next_after(cursor.at)
        if setting is not None and (ahead is None or setting < ahead):
            ahead = setting
        if ahead is None or ahead > to:
            break
        cursor = _assessed(cursor, cursor.picture, ahead, terms, NONE, dated)
    return cursor


def _assessed(
    cursor: Cursor, picture: Picture, now: int, terms: TermsInTime, stale: tuple[int, ...], dated: list[_DatedChange]
) -> Cursor:
    """The cursor at a moment with this picture, after evaluating the signals in `stale` again.

    A change of the standing at this moment is added to `dated` and replaces an earlier one at the same moment.
    """
    known = cursor.judgement
    before = known.standing if now > cursor.at else cursor.before
    if picture.frozen is not None and picture.paused is not None:
        if not known.verdicts or cursor.picture.frozen is not picture.frozen:
            known = judge(picture.frozen, picture.paused.at, terms.at(picture.paused.at), before)
    elif picture.status != "active":
        known = NO_JUDGEMENT
    elif stale is ALL or not known.verdicts or known.terms is not terms.at(now):
        known = judge(picture, now, terms.at(now), before)
    else:
        known = judge_again(known, picture, now, stale, before)
    if dated and dated[-1][0] == now:
        dated.pop()
    if known.standing != before:
        dated.append((now, Change(_time(now), *known.standing)))
    return Cursor(picture, now, before, known, terms.count(now))
