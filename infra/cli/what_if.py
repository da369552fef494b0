"""`rapport what-if`: health and concerns as they would be under other terms, beside what they are. Nothing is recorded."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from infra.cli.bars import BANDS
from infra.cli.filters import BandOption, Filters, MentorOption, ProgrammeOption, TopOption
from infra.cli.health import RelationshipArgument
from infra.cli.output import (
    USAGE,
    AllOption,
    JsonOption,
    capped,
    fail,
    print_json,
    print_rest,
    print_table,
    print_text,
)
from infra.cli.projecting import projecting
from infra.cli.times import AsOf, KnownAt

if TYPE_CHECKING:
    from infra.projection_engine.engine import Engine
    from infra.queries.as_at import Asked
    from infra.queries.health import Assessed


def register(app: typer.Typer) -> None:
    """Add `what-if`."""
    app.command("what-if")(what_if)


def what_if(
    settings: Annotated[
        list[str], typer.Option("--set", metavar="TERM=VALUE", help="A term and its value; may be repeated.")
    ],
    relationship: RelationshipArgument = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    programme: ProgrammeOption = None,
    mentor: MentorOption = None,
    band: BandOption = None,
    top: TopOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare health and concerns under the present terms with those under other values."""
    from infra.queries.as_at import Asked
    from infra.queries.health import ImpossibleTerms, concerns, shown

    terms = _terms(settings)
    filters = Filters(programme, mentor, band, top).checked(relationship)
    with projecting() as engine:
        asked = Asked(as_of or engine.clock.now(), known_at)
        try:
            pairs = list(_both(engine, relationship, asked, terms))
        except ImpossibleTerms as error:
            fail(str(error), USAGE)
        filters.note_unknown(engine.store)
    rows = [
        {
            "relationship_id": now.relationship_id,
            "now": {**shown(now), "concerns": concerns(now.health)},
            "then": {**shown(then), "concerns": concerns(then.health)},
        }
        for now, then in pairs
    ]
    rows = filters.first([row for row in rows if _wanted(filters, row)], _smallness)
    if as_json:
        print_json(rows)
    else:
        _print(rows, filters, every=every)


# As JSON writes one: what SetTerm takes.
NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _terms(settings: Sequence[str]) -> dict[str, float]:
    terms: dict[str, float] = {}
    for setting in settings:
        name, value = _term(setting)
        if terms.setdefault(name, value) != value:
            fail(f"--set {setting!r}: {name} is given another value before: give one", USAGE)
    return terms


def _term(setting: str) -> tuple[str, float]:
    from domain.terms import TERMS, unknown_term, value_problem

    name, equals, text = setting.partition("=")
    if not equals:
        fail(f"--set {setting!r}: expected TERM=VALUE", USAGE)
    if name not in TERMS:
        fail(unknown_term(name).message, USAGE)
    if not NUMBER.fullmatch(text):
        fail(f"--set {setting!r}: {text!r} is no number", USAGE)
    value = float(text)
    if problem := value_problem(name, value):
        fail(f"--set {setting!r}: {problem.message}", USAGE)
    return name, value


def _both(
    engine: "Engine", relationship: str | None, asked: "Asked", terms: dict[str, float]
) -> "Iterator[tuple[Assessed, Assessed]]":
    from infra.queries.health import assess_one, compare_all

    if relationship is None:
        yield from compare_all(engine, asked, terms)
        return
    now = assess_one(engine.store, relationship.lower(), asked)
    then = assess_one(engine.store, relationship.lower(), asked, terms)
    if now is None or then is None:
        fail(f"there is no relationship {relationship!r}, or there was none by then", USAGE)
    yield now, then


def _wanted(filters: Filters, row: dict[str, Any]) -> bool:
    """Whether a relationship is wanted; one that comes into the band or leaves it is one of that band."""
    now, then = row["now"], row["then"]
    return filters.holds(now["programme_id"], now["mentor_id"], now["band"], then["band"])


def _smallness(row: dict[str, Any]) -> int:
    """The largest changes of the score first."""
    now, then = (int(row[when]["score"] or 0) for when in ("now", "then"))
    return -abs(then - now)


def _print(rows: list[dict[str, Any]], filters: Filters, *, every: bool) -> None:
    _print_bands(rows)
    if not rows:
        print_text(f"there is no relationship{filters.in_words()}")
        return
    differing = [row for row in rows if _figures(row["now"]) != _figures(row["then"])]
    print_text(f"{len(differing)} of {len(rows)} would be otherwise")
    shown, left = capped(differing, every=every)
    for row in shown:
        score = _change(row["now"]["score"], row["then"]["score"])
        print_text(f"{row['relationship_id']}  {score}  {_change(row['now']['band'], row['then']['band'])}", 4)
        print_text(f"    {'; '.join(_changes(row))}", 4)
    print_rest(left)


def _print_bands(rows: list[dict[str, Any]]) -> None:
    """How many relationships are in each band, would be, would come into it and would leave it."""
    moves = Counter((row["now"]["band"], row["then"]["band"]) for row in rows)
    counted = [
        (
            band,
            sum(number for (now, _), number in moves.items() if now == band),
            sum(number for (_, then), number in moves.items() if then == band),
            sum(number for (now, then), number in moves.items() if now != band == then),
            sum(number for (now, then), number in moves.items() if now == band != then),
        )
        for band in BANDS
    ]
    print_table(("band", "now", "then", "come", "leave"), counted)
    print_text("")


def _change(now: object, then: object) -> str:
    return str(now) if now == then else f"{now} → {then}"


def _figures(health: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(health[name] for name in ("score", "band", "mentee_score", "mentor_score", "signals", "concerns"))


def _changes(row: dict[str, Any]) -> Iterator[str]:
    """The signals whose points differ, and the concerns that are raised under one set of terms alone."""
    now, then = ({(s["signal"], s["party"]): s["points"] for s in row[when]["signals"]} for when in ("now", "then"))
    for signal, party in sorted(now.keys() | then.keys()):
        before, after = now.get((signal, party), 0), then.get((signal, party), 0)
        if before != after:
            yield f"{signal} of {party}: {before} → {after}"
    raised = [{concern["clause"] for concern in row[when]["concerns"]} for when in ("now", "then")]
    yield from (f"concern {clause} raised" for clause in sorted(raised[1] - raised[0]))
    yield from (f"concern {clause} not raised" for clause in sorted(raised[0] - raised[1]))
