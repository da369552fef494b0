"""Commitment health at a time: the scores, the band, why, and when passing time will change the score next."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from domain.commitment.facts import Facts
from domain.commitment.judgement import Judgement, next_check, passes
from domain.commitment.moments import time_of
from domain.commitment.picture import Picture
from domain.commitment.policy import POLICY, Band, backing, scored
from domain.commitment.terms import TermSettings, TermsInTime, terms_in_time
from domain.commitment.timeline import Change, Cursor, build_timeline
from domain.commitment.verdict import Accountable, SignalName
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
    terms = terms_in_time(settings, overrides)
    return health_at(build_timeline(facts, terms, at).cursor, at, terms)


def bands(
    facts: Facts, until: datetime, settings: TermSettings = (), overrides: Mapping[str, float] | None = None
) -> tuple[Change, ...]:
    """Every change of score or band up to a time, in order; the first is activation."""
    return build_timeline(facts, terms_in_time(settings, overrides), until).changes


def health_at(cursor: Cursor, at: datetime, terms: TermsInTime) -> Health:
    """Health at a time not before the cursor's moment, if nothing happens until then.

    Raises:
        ValueError: the time, or a setting, lies before the cursor's moment: evaluate the facts instead.
    """
    stood = cursor.advanced_to(at, terms).cursor
    picture, judgement = stood.picture, stood.judgement
    if judgement.standing.score is None:
        return Health(at, POLICY, picture.status, None, None, None, None, (), None, None)
    scores = scored(judgement.verdicts)
    signals = tuple(
        Signal(name, party, points, backing(name, party, picture.codes), evidence)
        for verdict in judgement.verdicts
        for name, party, points, evidence in verdict.findings
    )
    changes, refresh = _ahead(picture, judgement) if picture.status == "active" else (None, None)
    return Health(
        at, POLICY, picture.status, *judgement.standing, scores.mentee, scores.mentor, signals, changes, refresh
    )


def _ahead(picture: Picture, judgement: Judgement) -> tuple[datetime | None, datetime | None]:
    """When the score, and when anything, changes next by passing time alone under the terms in force."""
    standing, verdicts, check_at, terms = judgement
    assert terms is not None, "a standing has terms"
    refresh: int | None = None
    while check_at is not None:
        later = passes(verdicts, picture, check_at, terms)
        if refresh is None and any(new.findings != old.findings for new, old in zip(later, verdicts, strict=True)):
            refresh = check_at
        if refresh is not None and scored(later).score != standing.score:
            return time_of(check_at), time_of(refresh)
        verdicts, check_at = later, next_check(later)
    return None, None if refresh is None else time_of(refresh)
