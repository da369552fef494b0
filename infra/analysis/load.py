"""How many relationships each mentor has, and how much of their capacity that is."""

from collections import defaultdict
from functools import partial

from infra.analysis import charts
from infra.analysis.answer import Answer, Row, counted
from infra.analysis.population import Population, Relationship
from infra.analysis.statistics import quantile


def load(population: Population) -> Answer:
    """Mentor by mentor: relationships that go on, sessions held in those, capacity. It is who has how much to do, and no figure of answers."""
    mentors = {row["mentor_id"]: row for row in population.rows("mentors", "mentor_id", "capacity")}
    of_mentor: defaultdict[str, list[Relationship]] = defaultdict(list)
    for each in population.relationships:
        of_mentor[each.mentor].append(each)
    rows: list[Row] = []
    for mentor in sorted({*mentors, *of_mentor}):
        status = [each.status for each in of_mentor[mentor]]
        capacity = (mentors.get(mentor) or {}).get("capacity")
        going = status.count("active") + status.count("paused")
        rows.append(
            {
                "mentor": mentor,
                "contracting": status.count("contracting"),
                "active": status.count("active"),
                "paused": status.count("paused"),
                "ended": status.count("terminated"),
                "sessions": sum(each.sessions_completed for each in of_mentor[mentor]),
                "capacity": capacity,
                "used": going / capacity if capacity else None,
            }
        )
    rows.sort(key=lambda row: (-(row["active"] + row["paused"]), row["mentor"]))
    loads = [row["active"] + row["paused"] for row in rows]
    full = sum(1 for row in rows if row["used"] is not None and row["used"] >= 1)
    summary = {"mentors": len(rows), "median": quantile(loads, 0.5), "most": max(loads, default=0), "full": full}
    return Answer(
        "The load of mentors",
        ("mentor", "contracting", "active", "paused", "ended", "sessions", "capacity", "used"),
        rows,
        lambda each: partial(charts.bars, x="mentor", y="active", titles=("mentor", "active relationships"))(each[:40]),
        summary,
        (
            (
                f"{counted(len(rows), 'mentor')}; active or paused relationships of each: median {summary['median'] or 0:g}, most {summary['most']}. "
                f"At or over their own capacity: {full}."
            ),
        ),
        (
            ("mentor", "going_on", "ended", "sessions", "capacity", "used"),
            [{**row, "going_on": row["active"] + row["paused"]} for row in rows],
        ),
    )
