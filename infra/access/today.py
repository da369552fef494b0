"""What an office has to look at today, besides its tasks: what got worse, what is stuck, what nobody has told the outcome of.

Each is of the relationships in which the asker stands. How health moved is for those who may know of every report in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.commitment.policy import BANDS
from domain.relationship.gates import GATES, able_to_meet
from infra.access.standing import KNOWERS, Asker, scope
from infra.projection_engine.engine import Engine
from infra.projection_engine.quarantine import held
from infra.projection_engine.rows import time_value
from infra.store.session import as_time

MOST: Final = 50
_WHO: Final = "r.relationship_id, r.programme_id, r.mentee_id, r.mentor_id"


class Who(NamedTuple):
    """The relationship that a line is about."""

    relationship_id: str
    programme_id: str
    mentee_id: str
    mentor_id: str


class Worse(NamedTuple):
    """A relationship whose health fell: the band and score then and now."""

    who: Who
    then_band: str
    then_score: int
    band: str
    score: int
    since: datetime


class Unknown(NamedTuple):
    """A session that should have been over by now, and of which nobody has told how it went."""

    who: Who
    session_id: str
    starts_at: datetime


class Stalled(NamedTuple):
    """A match that has not begun: since when, and each gate that is not met, with the clause and the roles that can meet it."""

    who: Who
    proposed_at: datetime
    missing: Sequence[tuple[str, str, tuple[str, ...]]]


def worsened(engine: Engine, asker: Asker, since: datetime, now: datetime) -> list[Worse]:
    """The relationships whose band is worse than it was, or whose score fell by ten points or more, the worst first."""
    if asker.role not in KNOWERS:
        return []
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(
        f"SELECT {_WHO}, b.band, b.score, n.band, n.score, n.since FROM relationships r "  # noqa: S608 - our own words
        "JOIN commitment_bands b ON b.relationship_id = r.relationship_id AND b.since <= ? AND (b.until IS NULL OR b.until > ?) "
        "JOIN commitment_bands n ON n.relationship_id = r.relationship_id AND n.since <= ? AND (n.until IS NULL OR n.until > ?) "
        f"WHERE {where} AND n.score < b.score",
        (time_value(since), time_value(since), time_value(now), time_value(now), *params),
    )
    found = [Worse(Who(*row[:4]), row[4], row[5], row[6], row[7], as_time(row[8])) for row in rows]
    fell = [each for each in found if _rank(each.band) > _rank(each.then_band) or each.then_score - each.score >= 10]
    return sorted(fell, key=lambda each: (each.score, each.who))[:MOST]


def _rank(band: str) -> int:
    return BANDS.index(band)


def without_outcome(engine: Engine, asker: Asker, before: datetime) -> list[Unknown]:
    """The sessions that were to begin before a time and of which nobody told how they went, the oldest first; not of what has ended."""
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(
        f"SELECT {_WHO}, s.session_id, s.starts_at FROM relationships r JOIN sessions s "  # noqa: S608 - our own words
        f"ON s.relationship_id = r.relationship_id WHERE {where} AND r.status <> 'terminated' AND s.status = 'scheduled' AND s.starts_at < ? "
        f"ORDER BY s.starts_at, r.relationship_id LIMIT {MOST}",
        (*params, time_value(before)),
    )
    return [Unknown(Who(*row[:4]), row[4], as_time(row[5])) for row in rows]


def stalled(engine: Engine, asker: Asker, before: datetime) -> list[Stalled]:
    """The matches that were proposed before a time and have not begun, the oldest first."""
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(
        f"SELECT {_WHO}, r.proposed_at, g.clause FROM relationships r LEFT JOIN gates g "  # noqa: S608 - our own words
        f"ON g.relationship_id = r.relationship_id AND g.met_at IS NULL WHERE {where} AND r.status = 'contracting' "
        "AND r.proposed_at < ? ORDER BY r.proposed_at, r.relationship_id, g.clause",
        (*params, time_value(before)),
    )
    found: dict[Who, tuple[datetime, list[str]]] = {}
    for *who, proposed_at, clause in rows:
        _, clauses = found.setdefault(Who(*who), (as_time(proposed_at), []))
        if clause is not None:
            clauses.append(clause)
    return [Stalled(who, proposed_at, _missing(clauses)) for who, (proposed_at, clauses) in list(found.items())[:MOST]]


def _missing(clauses: Sequence[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The gates of these clauses; where two codes ask for the same, it is missing once."""
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for clause in clauses:
        said = next((gate.missing for gate in GATES if clause in gate.clauses), clause)
        found.setdefault(said, (clause, said, tuple(able_to_meet([clause]))))
    return list(found.values())


def held_up(engine: Engine, asker: Asker) -> list[dict[str, Any]]:
    """The relationships of which the datasets lag behind, since an event could not be folded."""
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(f"SELECT r.relationship_id FROM relationships r WHERE {where}", params)  # noqa: S608 - our own words
    theirs = {row[0] for row in rows}
    with engine.database.reading() as session:
        return [each._asdict() for each in held(session, engine.live()) if each.subject in theirs]


def _scope(asker: Asker) -> tuple[str, tuple[str, ...]]:
    """The relationships of the asker, called `r` in a query with other tables."""
    where, params = scope(asker)
    return f"r.relationship_id IN (SELECT relationship_id FROM relationships WHERE {where})", params  # noqa: S608 - our own words
