"""Commitment health at a time: the scores, the band, why, and when passing time will change the score next."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.commitment.evidence import evidence_of
from domain.commitment.facts import Facts, Proposed, Terminated
from domain.commitment.judgement import NO_RATING, Judgement, judge, next_check, passes
from domain.commitment.moments import EPOCH, moment, time_of
from domain.commitment.picture import Picture
from domain.commitment.policy import POLICY, RULES, Band, backing, scored
from domain.commitment.terms import Terms, TermSettings, TermsInTime, terms_in_time
from domain.commitment.timeline import Change, Reached, picture_at, walk_to, walked
from domain.commitment.verdict import Accountable, Finding, SignalName
from domain.words import Status


class Signal(NamedTuple):
    """One signal that holds: what it costs whom, the adopted clauses behind it, the versions of its evidence events."""

    signal: SignalName
    party: Accountable
    points: int
    clauses: tuple[str, ...]
    evidence: tuple[int, ...]


class Health(NamedTuple):
    """Commitment health as of a time, from the facts that had occurred by then.

    Scores are whole, 0 to 100. Without a score (before proposal, while contracting, after termination) scores and band are
    None and there are no signals. `next_change_at` is the next time at which the score changes though nothing happens,
    `refresh_at` the next at which anything here does, a party's score or a piece of evidence; never the later of the two.
    """

    as_of: datetime
    policy: str
    status: Status | None
    score: int | None
    band: Band | None
    mentee_score: int | None
    mentor_score: int | None
    signals: tuple[Signal, ...]
    next_change_at: datetime | None
    refresh_at: datetime | None


def evaluate(
    facts: Facts, at: datetime, settings: TermSettings = (), overrides: Mapping[str, float] | None = None
) -> Health:
    """Health as of a time, past or future, under the programme's dated settings; `overrides` are what-if values of terms."""
    return _health(walked(facts, terms_in_time(settings, overrides), at), at)


class Stands(NamedTuple):
    """The score and band at a time, and when the score changes next though nothing happens."""

    score: int | None
    band: Band | None
    next_change_at: datetime | None


def standing_at(facts: Facts, at: datetime, settings: TermSettings = ()) -> Stands:
    """What `evaluate` says of score and band, without the signals, whose evidence may be as long as the relationship."""
    end = moment(at)
    walk = walk_to(facts, terms_in_time(settings), end)
    picture, judgement = walk.picture, walk.judged(end)
    if judgement.terms is None:
        return Stands(None, None, None)
    changes = _ahead(picture, judgement)[0] if picture.course.status == "active" else None
    return Stands(*judgement.rating, changes)


def bands(
    facts: Facts, until: datetime, settings: TermSettings = (), overrides: Mapping[str, float] | None = None
) -> tuple[Change, ...]:
    """Every change of score or band up to a time, in order; the first is activation."""
    return walked(facts, terms_in_time(settings, overrides), until).changes


class Reasoned(NamedTuple):
    """Health as of a time, and every change of score or band on the way there."""

    health: Health
    changes: tuple[Change, ...]


def reason(facts: Facts, at: datetime, terms: TermsInTime) -> Reasoned:
    """Health as of a time, past or future, with its changes; the relationship's own terms come from its facts."""
    reached = walked(facts, terms, at)
    return Reasoned(_health(reached, at), reached.changes)


def after_the_end(facts: Facts, at: datetime) -> Health | None:
    """Health of a relationship that had ended by a time: it has no score, so nothing is judged; None of one that had not ended."""
    before = facts.kinds_by(moment(at))
    if Terminated in before and Proposed in before:
        return Health(at, POLICY, "terminated", None, None, None, None, (), None, None)
    return None


class SignalHeld(NamedTuple):
    """A signal from when it began to when it ended or its points changed; None: it holds still."""

    signal: Signal
    since: datetime
    until: datetime | None


class Assessment(NamedTuple):
    """Health as of a time, every change of score or band on the way there, and when each signal held."""

    health: Health
    changes: tuple[Change, ...]
    history: tuple[SignalHeld, ...]


def assess(facts: Facts, at: datetime, terms: TermsInTime) -> Assessment:
    """Health as of a time, past or future, and how it came about; the relationship's own terms come from its facts."""
    reached = walked(facts, terms, at)
    codes = reached.walk.picture.codes
    history = (
        SignalHeld(
            Signal(each.signal, each.party, each.points, backing(each.signal, each.party, codes), each.evidence),
            EPOCH + timedelta(microseconds=each.since),
            None if each.until is None else EPOCH + timedelta(microseconds=each.until),
        )
        for each in reached.stretches.all()
    )
    return Assessment(_health(reached, at), reached.changes, tuple(history))


def _health(reached: Reached, at: datetime) -> Health:
    picture, judgement = reached.walk.picture, reached.judgement
    status = picture.course.status
    if judgement.terms is None:
        return Health(at, POLICY, status, None, None, None, None, (), None, None)
    scores = scored(judgement.verdicts)
    changes, refresh = _ahead(picture, judgement) if status == "active" else (None, None)
    signals = tuple(_signals(reached, moment(at)))
    return Health(at, POLICY, status, *judgement.rating, scores.mentee, scores.mentor, signals, changes, refresh)


def _signals(reached: Reached, now: int) -> Iterator[Signal]:
    walk, judgement = reached.walk, reached.judgement
    for verdict in judgement.verdicts:
        for finding in verdict.findings:
            name, party, points, _ = finding
            clauses = backing(name, party, walk.picture.codes)
            yield Signal(name, party, points, clauses, walk.evidence(finding, now, judgement.terms))


def shown(finding: Finding, picture: Picture, now: int, terms: Terms) -> Signal:
    """A finding with the clauses behind it and its evidence."""
    clauses = backing(finding.signal, finding.party, picture.codes)
    return Signal(finding.signal, finding.party, finding.points, clauses, evidence_of(finding, picture, now, terms))


class Watched(NamedTuple):
    """One signal at a time, and when it changes next though nothing happens."""

    signals: tuple[Signal, ...]
    changes_at: datetime | None


def watch(facts: Facts, signal: SignalName, at: datetime, settings: TermSettings = ()) -> Watched:
    """One signal of an active relationship, without scores and bands.

    Who asks for later and later times, with more and more facts, pays for each fact once, in whatever order they are told.
    """
    programme, now = terms_in_time(settings), moment(at)
    picture = picture_at(facts, programme, now)
    terms, rule = programme.with_own(facts.own).at(now), RULES[signal]
    if picture.course.status != "active":
        return Watched((), None)
    verdict = rule(picture, now, terms)
    later = verdict
    while later.until is not None and later.findings == verdict.findings:
        until = later.until
        later = rule(picture, until, terms)
        if later.findings != verdict.findings:
            return Watched(tuple(shown(each, picture, now, terms) for each in verdict.findings), time_of(until))
    return Watched(tuple(shown(each, picture, now, terms) for each in verdict.findings), None)


class Scored(NamedTuple):
    """The score at a time, and when it changes next though nothing happens."""

    score: int
    next_change_at: datetime | None


def score_at(facts: Facts, at: datetime, settings: TermSettings = ()) -> Scored | None:
    """The score of an active relationship without its band, at the price of `watch`; None in any other status."""
    programme, now = terms_in_time(settings), moment(at)
    picture = picture_at(facts, programme, now)
    if picture.course.status != "active":
        return None
    judgement = judge(picture, now, programme.with_own(facts.own).at(now), NO_RATING)
    score = judgement.rating.score
    assert score is not None, "an active relationship has a score"
    return Scored(score, _ahead(picture, judgement)[0])


def _ahead(picture: Picture, judgement: Judgement) -> tuple[datetime | None, datetime | None]:
    """When the score, and when anything, changes next by passing time alone under the terms in force."""
    rating, verdicts, check_at, terms = judgement
    assert terms is not None, "a rating has terms"
    refresh: int | None = None
    while check_at is not None:
        verdicts, changed = passes(verdicts, picture, check_at, terms)
        if changed:
            refresh = check_at if refresh is None else refresh
            if scored(verdicts).score != rating.score:
                return time_of(check_at), time_of(refresh)
        check_at = next_check(verdicts)
    return None, None if refresh is None else time_of(refresh)
