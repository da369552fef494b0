"""What would be under other terms: health, bands, concerns and tasks of the relationships in which somebody stands, beside today's.

Nothing is recorded. Health is worked out as for every question of this reader: what they may not know of counts for nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from infra.access.secrets import with_secret_health
from infra.access.seen import Seen, may_see_task
from infra.access.standing import KNOWERS, Asker, scope
from infra.projection_engine.engine import Engine
from infra.queries import tasks as task_queries
from infra.queries.as_at import Asked, Moment
from infra.queries.health import Assessed, compare_all, concerns, shown
from workers.model import TaskKind

Shown = dict[str, Any]
# The task that a concern about commitment is.
CONCERN: Final[TaskKind] = "commitment_concern"
BANDS: Final = ("healthy", "watch", "at_risk", "critical")


class Compared(NamedTuple):
    """How many relationships there are in each band, now and then, and those that would be otherwise, the largest changes first."""

    total: int
    bands: list[Shown]
    differing: list[Shown]


def compare(engine: Engine, asker: Asker, now: datetime, terms: Mapping[str, float]) -> Compared:
    """Today's terms beside these values.

    Raises:
        ImpossibleTerms: Under these values the bands would be out of order.
    """
    pairs = list(_pairs(engine, asker, now, terms))
    moves = Counter((before.health.band, after.health.band) for before, after in pairs)
    bands = [
        {
            "band": band,
            "now": sum(count for (was, _), count in moves.items() if was == band),
            "then": sum(count for (_, becomes), count in moves.items() if becomes == band),
        }
        for band in BANDS
    ]
    open_now = _open_concerns(engine, asker)
    rows = [_row(before, after, open_now) for before, after in pairs if before.health != after.health]
    rows = [
        row for row in rows if row["changes"] or row["score"][0] != row["score"][1] or row["band"][0] != row["band"][1]
    ]
    rows.sort(key=lambda row: (-abs((row["score"][1] or 0) - (row["score"][0] or 0)), row["relationship_id"]))
    return Compared(len(pairs), bands, rows)


def _pairs(
    engine: Engine, asker: Asker, now: datetime, terms: Mapping[str, float]
) -> Iterator[tuple[Assessed, Assessed]]:
    engine.catch_up()
    where, params = scope(asker)
    rows = engine.database.query(f"SELECT relationship_id FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    theirs = {subject for (subject,) in rows}
    hidden = set() if asker.role in KNOWERS else with_secret_health(engine.store)
    for before, after in compare_all(engine, Asked(now), terms):
        subject = before.relationship_id
        if subject not in theirs:
            continue
        if subject not in hidden:
            yield before, after
            continue
        seen = Seen.of(engine.store, lambda: engine, asker, subject, now)
        was = seen and seen.assessed(Moment())
        becomes = seen and seen.assessed(Moment(), terms)
        if was and becomes:
            yield was, becomes


def _open_concerns(engine: Engine, asker: Asker) -> frozenset[str]:
    """The relationships with an open concern about commitment that is for the asker to know."""
    found = task_queries.open_tasks(engine.database, task_queries.Chosen(kind=CONCERN))
    return frozenset(task["subject"] for task in found if may_see_task(asker, task))


def _row(before: Assessed, after: Assessed, open_now: frozenset[str]) -> Shown:
    was, becomes = shown(before), shown(after)
    points = [{(s["signal"], s["party"]): s["points"] for s in each["signals"]} for each in (was, becomes)]
    raised = [bool(concerns(each.health)) for each in (before, after)]
    return {
        "relationship_id": before.relationship_id,
        "programme_id": was["programme_id"],
        "score": (was["score"], becomes["score"]),
        "band": (was["band"], becomes["band"]),
        "changes": [
            {"signal": signal, "party": party, "now": now, "then": then}
            for signal, party in sorted(points[0].keys() | points[1].keys())
            if (now := points[0].get((signal, party), 0)) != (then := points[1].get((signal, party), 0))
        ],
        "concern": (raised[0], raised[1]),
        # The task goes with the concern; one that is open for another reason stays.
        "task": (
            before.relationship_id in open_now,
            raised[1] or (before.relationship_id in open_now and not raised[0]),
        ),
    }
