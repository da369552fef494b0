"""How long it takes from the proposal to the activation, and which gate takes longest."""

import math
from collections import defaultdict
from functools import partial

from infra.analysis import charts
from infra.analysis.answer import Answer, Row, hidden_sentences
from infra.analysis.population import DAY, Population, Relationship, both_enough, enough, shown_parts
from infra.analysis.statistics import curve


def activation(population: Population) -> Answer:
    """For the activation and each gate: how many came to it, and after how many days.

    Median and quarters count those who have not come to it yet (Kaplan-Meier). `last` is how often a gate was the last to be met;
    where that is of too few mentees it is hidden.
    """
    everybody = population.relationships
    known = population.by_id
    gates: defaultdict[str, list[Row]] = defaultdict(list)
    latest: dict[str, Row] = {}
    for gate in population.rows("gates", "relationship_id", "clause", "met_at", "activated_at"):
        if gate["relationship_id"] not in known:
            continue
        gates[gate["clause"]].append(gate)
        if gate["activated_at"] is not None and gate["met_at"] is not None:
            before = latest.get(gate["relationship_id"])
            if before is None or gate["met_at"] > before["met_at"]:
                latest[gate["relationship_id"]] = gate
    last: defaultdict[str, list[Relationship]] = defaultdict(list)
    for gate in latest.values():
        last[gate["clause"]].append(known[gate["relationship_id"]])
    # Each relationship had one that was the last: those counts are parts of one whole.
    may_show = shown_parts(last, population.minimum)
    days = [
        max(0, math.ceil(((each.activated_at or each.terminated_at or population.now) - each.proposed_at) / DAY))
        for each in everybody
    ]
    rows = (
        [_row("activation", days, [each.activated_at is not None for each in everybody], None)]
        if population.groups(everybody, None).shown
        else []
    )
    hidden = 0
    # A gate is one of some codes: what it counts less the codes that are shown is of small ones that have it.
    of_codes: defaultdict[tuple[str, ...], list[Relationship]] = defaultdict(list)
    for one in everybody:
        of_codes[one.codes].append(one)
    of_small_codes = [one for each in of_codes.values() if not enough(each, population.minimum) for one in each]
    for clause, found in sorted(gates.items()):
        members = [known[gate["relationship_id"]] for gate in found]
        ids = {one.id for one in members}
        # Those who met it and those who did not are two groups, and neither may be small; nor those who have no such gate.
        met = {gate["relationship_id"] for gate in found if gate["met_at"] is not None}
        wholes = ((members, met), (everybody, ids), (of_small_codes, ids))
        if not met or not all(both_enough(whole, some, population.minimum) for whole, some in wholes):
            hidden += 1
            continue
        waited = [
            max(0, math.ceil(((gate["met_at"] or one.terminated_at or population.now) - one.proposed_at) / DAY))
            for one, gate in zip(members, found, strict=True)
        ]
        times_last = len(last[clause]) if clause in may_show else None if last[clause] else 0
        rows.append(_row(clause, waited, [gate["met_at"] is not None for gate in found], times_last))
    rows[1:] = sorted(rows[1:], key=lambda row: (-(row["last"] or 0), row["what"]))
    slowest = next((row["what"] for row in rows[1:] if row["last"]), None)
    sentences = [f"The gate that is met last most often: {slowest}."] if slowest else []
    sentences += hidden_sentences(hidden, "gate", f"fewer than {population.minimum} mentees met it, or did not")
    return Answer(
        "From the proposal to the activation, and gate by gate",
        ("what", "relationships", "met", "quarter", "median", "three_quarters", "median_low", "median_high", "last"),
        rows,
        partial(charts.bars, x="what", y="median", titles=("gate", "median days from the proposal")),
        {"slowest": slowest, "hidden": hidden},
        tuple(sentences),
        (("what", "relationships", "met", "25 %", "median", "95 %", "75 %", "last"), [_brief(row) for row in rows]),
    )


def _brief(row: Row) -> Row:
    low, high = (None if row[name] is None else f"{row[name]:g}" for name in ("median_low", "median_high"))
    return {
        **{name: row[name] for name in ("what", "relationships", "met", "median", "last")},
        "25 %": row["quarter"],
        "75 %": row["three_quarters"],
        "95 %": low and f"{low} to {high or '...'}",
    }


def _row(what: str, days: list[int], met: list[bool], last: int | None) -> Row:
    found = curve(days, met)
    return {
        "what": what,
        "relationships": found.n,
        "met": found.ended,
        "quarter": found.reached(0.25),
        "median": found.median,
        "three_quarters": found.reached(0.75),
        "median_low": found.median_low,
        "median_high": found.median_high,
        "last": last,
    }
