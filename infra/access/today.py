"""What an office has to look at today, besides its tasks: what got worse, what is stuck, what nobody has told the outcome of.

Each is of the relationships in which the asker stands. How health moved is for those who may know of every report in it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from domain.commitment.policy import BANDS
from domain.relationship.gates import GATES, able_to_meet
from domain.sharing.cells import cell, is_strict, ways
from domain.words import DataClass
from infra.access.standing import KNOWERS, Asker, scope
from infra.projection_engine.engine import Engine
from infra.projection_engine.quarantine import held
from infra.store.session import as_time, time_text
from workers.stalled import STALLED
from workers.stalled import TASK as STALLED_MATCH

MOST: Final = 50
_OF_OUTCOMES: Final[Sequence[DataClass]] = ("schedule", "attendance")
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
    """A match that has not begun: since when, until when it should have, and each gate that is not met, with the clause and the roles that can meet it."""

    who: Who
    proposed_at: datetime
    begin_by: datetime | None
    missing: Sequence[tuple[str, str, tuple[str, ...]]]


def worsened(engine: Engine, asker: Asker, since: datetime, now: datetime) -> list[Worse]:
    """The relationships whose band is worse than it was, or whose score fell by ten points or more, the worst first."""
    if asker.role not in KNOWERS:
        return []
    engine.catch_up()
    where, params = _scope(asker)
    # What has not changed since then is not worse. Few have, and an index finds them.
    changed = {
        row[0]: row[1:]
        for row in engine.database.query(
            "SELECT relationship_id, band, score, since FROM commitment_bands "
            "WHERE since > ? AND since <= ? AND (until IS NULL OR until > ?)",
            (time_text(since), time_text(now), time_text(now)),
        )
    }
    rows = engine.database.keyed(
        f"SELECT {_WHO}, b.band, b.score FROM relationships r JOIN commitment_bands b "  # noqa: S608 - our own words
        "ON b.relationship_id = r.relationship_id WHERE r.relationship_id IN ({keys}) "
        f"AND b.since <= ? AND (b.until IS NULL OR b.until > ?) AND {where}",
        [(each,) for each in changed],
        (time_text(since), time_text(since), *params),
    )
    found = []
    for *who, then_band, then_score in rows:
        band, score, at = changed[who[0]]
        found.append(Worse(Who(*who), then_band, then_score, band, score, as_time(at)))
    fell = [each for each in found if _rank(each.band) > _rank(each.then_band) or each.then_score - each.score >= 10]
    return sorted(fell, key=lambda each: (each.score, each.who))[:MOST]


def stands(engine: Engine, asker: Asker, subjects: Collection[str]) -> dict[str, tuple[str, int]]:
    """The band and score now of these relationships, for who may know of every report in them."""
    if asker.role not in KNOWERS:
        return {}
    rows = engine.database.keyed(
        "SELECT relationship_id, band, score FROM commitment_health WHERE relationship_id IN ({keys}) AND band IS NOT NULL",
        [(each,) for each in subjects],
    )
    return {subject: (band, score) for subject, band, score in rows}


def types_of(engine: Engine, asker: Asker, events: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What these events of relationships are, for who may know of every report in them."""
    if asker.role not in KNOWERS:
        return {}
    rows = engine.database.keyed(
        "SELECT subject, version, type FROM timeline WHERE subject IN ({keys}) AND source = 'event'",
        [(each,) for each in {subject for subject, _ in events}],
    )
    return {(subject, version): type_ for subject, version, type_ in rows if (subject, version) in events}


def one_zone(engine: Engine, asker: Asker) -> str | None:
    """The time zone of the programmes in which the asker stands, if these have the same."""
    engine.catch_up()
    where, params = scope(asker)
    rows = engine.database.query(
        "SELECT DISTINCT COALESCE(p.timezone, 'UTC') FROM (SELECT DISTINCT LOWER(programme_id) AS id FROM relationships "  # noqa: S608 - our own words
        f"WHERE {where}) r LEFT JOIN programmes p ON LOWER(p.programme_id) = r.id",
        params,
    )
    return rows[0][0] if len(rows) == 1 else None


def _rank(band: str) -> int:
    return BANDS.index(band)


def without_outcome(engine: Engine, asker: Asker, before: datetime) -> list[Unknown]:
    """The sessions that were to begin before a time and of which nobody told how they went, the oldest first; not of what has ended.

    They are of relationships whose schedule and attendance are for the asker to know.
    """
    if any("yes" not in ways(cell(data_class, asker.role)) for data_class in _OF_OUTCOMES):
        return []
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(
        f"SELECT {_WHO}, r.codes, s.session_id, s.starts_at FROM relationships r JOIN sessions s "  # noqa: S608 - our own words
        f"ON s.relationship_id = r.relationship_id WHERE {where} AND r.status <> 'terminated' AND s.status = 'scheduled' AND s.starts_at < ? "
        "ORDER BY s.starts_at, r.relationship_id",
        (*params, time_text(before)),
    )
    found = (Unknown(Who(*row[:4]), row[5], as_time(row[6])) for row in rows if not is_strict(orjson.loads(row[4])))
    return list(islice(found, MOST))


def stalled(engine: Engine, asker: Asker, before: datetime) -> list[Stalled]:
    """The matches that were proposed before a time and have not begun, the oldest first."""
    engine.catch_up()
    where, params = _scope(asker)
    rows = engine.database.query(
        f"SELECT {_WHO}, r.proposed_at FROM relationships r WHERE {where} AND r.status = 'contracting' "  # noqa: S608 - our own words
        f"AND r.proposed_at < ? ORDER BY r.proposed_at, r.relationship_id LIMIT {MOST}",
        (*params, time_text(before)),
    )
    clauses: dict[str, list[str]] = {row[0]: [] for row in rows}
    for relationship_id, clause in engine.database.keyed(
        "SELECT relationship_id, clause FROM gates WHERE relationship_id IN ({keys}) AND met_at IS NULL ORDER BY clause",
        [(each,) for each in clauses],
    ):
        clauses[relationship_id].append(clause)
    due = begin_by(engine, clauses)
    return [Stalled(Who(*row[:4]), as_time(row[4]), due.get(row[0]), _missing(clauses[row[0]])) for row in rows]


def begin_by(engine: Engine, subjects: Collection[str]) -> dict[str, datetime]:
    """Until when each of these matches should have begun (`contracting_days`): the deadline that workers keep, or the one that ran out."""
    if not subjects:
        return {}
    rows = engine.database.keyed(
        "SELECT key, due_at FROM deadline_history WHERE key IN ({keys}) AND worker = ? AND name = ? ORDER BY seq",
        [(each,) for each in subjects],
        (STALLED.name, STALLED_MATCH),
    )
    return {key: as_time(due_at) for key, due_at in rows}


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
    with engine.database.reading() as session:
        found = held(session, engine.live())
    if not found:
        return []
    where, params = _scope(asker)
    rows = engine.database.query(f"SELECT r.relationship_id FROM relationships r WHERE {where}", params)  # noqa: S608 - our own words
    theirs = {row[0] for row in rows}
    return [each._asdict() for each in found if each.subject in theirs]


def _scope(asker: Asker) -> tuple[str, tuple[str, ...]]:
    """The relationships of the asker, called `r` in a query with other tables."""
    where, params = scope(asker)
    return f"r.relationship_id IN (SELECT relationship_id FROM relationships WHERE {where})", params  # noqa: S608 - our own words
