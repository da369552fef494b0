"""The judgement of all signals about a picture: the rating, and the next moment at which one of them may change."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from domain.commitment.picture import Picture
from domain.commitment.policy import AT_ONCE, ORDER, Band, band_after, scored
from domain.commitment.terms import Terms
from domain.commitment.verdict import Verdict


class Rating(NamedTuple):
    """Score and band; both None while contracting and after termination."""

    score: int | None = None
    band: Band | None = None


class Judgement(NamedTuple):
    """The verdicts of the signals in order, none without a score; `next_check_at` is when one of them may change by itself."""

    rating: Rating = Rating()
    verdicts: tuple[Verdict, ...] = ()
    next_check_at: int | None = None
    terms: Terms | None = None


NO_RATING: Final = Rating()
NO_JUDGEMENT: Final = Judgement()


def judge(picture: Picture, now: int, terms: Terms, before: Rating) -> Judgement:
    """Evaluate all signals, coming from the rating before."""
    verdicts = tuple([rule(picture, now, terms) for rule in ORDER])
    return Judgement(_rating(before, verdicts, terms), verdicts, next_check(verdicts), terms)


def judge_again(known: Judgement, picture: Picture, now: int, stale: Iterable[int], before: Rating) -> Judgement:
    """Evaluate the stale signals and those whose time is over; the others keep their verdicts.

    The caller makes sure that only these can change at this picture, moment and terms.
    """
    rating, verdicts, check_at, terms = known
    if terms is None:
        return known
    over = check_at is not None and check_at <= now
    again, changed, timed = list(verdicts), False, over
    for place in (*stale, *_ripe(verdicts, now)) if over else stale:
        old, new = verdicts[place], ORDER[place](picture, now, terms)
        if new is not old:
            again[place] = new
            changed = changed or new.findings != old.findings
            timed = timed or new.until != old.until
    if not (changed or timed):
        return known
    verdicts = tuple(again)
    return Judgement(
        _rating(before, verdicts, terms) if changed else rating,
        verdicts,
        next_check(verdicts) if timed else check_at,
        terms,
    )


def at_once(frozen: Judgement, picture: Picture, now: int, terms: Terms, before: Rating) -> Judgement:
    """What a pause froze, but for the signals that come and go at once also while paused."""
    if frozen.terms is None:
        return frozen
    verdicts = list(frozen.verdicts)
    for place in AT_ONCE:
        verdicts[place] = ORDER[place](picture, now, terms)
    return Judgement(_rating(before, verdicts, frozen.terms), tuple(verdicts), None, frozen.terms)


class Later(NamedTuple):
    """The verdicts at a later time, and whether one of them finds something else than before."""

    verdicts: tuple[Verdict, ...]
    changed: bool


def passes(verdicts: tuple[Verdict, ...], picture: Picture, now: int, terms: Terms) -> Later:
    """The verdicts once time alone has come to `now`."""
    again, changed = list(verdicts), False
    for place in _ripe(verdicts, now):
        new = again[place] = ORDER[place](picture, now, terms)
        changed = changed or new.findings != verdicts[place].findings
    return Later(tuple(again), changed)


def _ripe(verdicts: Iterable[Verdict], now: int) -> list[int]:
    """The places of the verdicts that may change by now."""
    return [place for place, (_, until) in enumerate(verdicts) if until is not None and until <= now]


def next_check(verdicts: Iterable[Verdict]) -> int | None:
    """The first moment at which one of the verdicts may change by itself."""
    return min([until for _, until in verdicts if until is not None], default=None)


def _rating(before: Rating, verdicts: Iterable[Verdict], terms: Terms) -> Rating:
    scores = scored(verdicts)
    return Rating(scores.score, band_after(before.band, scores.score, terms, forced=scores.forced))
