"""What-if: a term at another value, and what would become of scores, bands, concerns and tasks. Nothing is recorded."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from domain.problem import Problem
from domain.terms import TERMS, unknown_term, value_problem
from infra.access.lists import Lists
from infra.access.what_if import compare
from infra.http.asking import DeskOf
from infra.queries.health import ImpossibleTerms
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS
from infra.web.names import names_of
from infra.web.page import page
from infra.web.visitor import VisitorOf, of_roles

router = APIRouter(prefix="/what-if", route_class=PageRoute)

ROLES: Final = ("coordinator", "supplier")
# Relationships that are listed; all are counted.
LISTED: Final = 50
# Terms of which health is made; the others change deadlines, which have come or not.
OF_HEALTH: Final = tuple(
    name
    for name in TERMS
    if name.startswith(("points_", "band_"))
    or name
    in {
        "late_notice_hours",
        "homework_hours_per_session",
        "punctuality_minutes",
        "contact_gap_days",
        "contact_slack_days",
        "next_session_days",
        "first_session_days",
        "no_goal_days",
        "late_window_days",
        "outcome_hours",
        "planned_sessions",
    }
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")


@router.get("")
def what_if(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    term: Annotated[str | None, Query(max_length=100, description="The term.")] = None,
    value: Annotated[str, Query(max_length=40, description="The value that it would have.")] = "",
) -> Response:
    """The form, and with a term and its value what would be beside what is."""
    of_roles(visitor, *ROLES)
    problem: Problem | None = None
    found = None
    if term is not None:
        problem = _problem(term, value.strip())
        if problem is None:
            try:
                found = compare(at.engine, visitor.asker, at.now, {term: float(value)})
            except ImpossibleTerms as error:
                problem = Problem("bad_value", str(error), field="value")
    listed = {row["relationship_id"] for row in found.differing[:LISTED]} if found else set()
    parties = Lists(at.engine, visitor.asker, at.pseudonyms, at.now).parties(listed)
    return page(
        request,
        "what_if",
        status=200 if problem is None else 422,
        terms={name: TERMS[name] for name in OF_HEALTH},
        term=term,
        value=value.strip(),
        problem=problem,
        found=found,
        listed=LISTED,
        bands=BANDS,
        parties=parties,
        names=names_of(request, at, visitor, (id_ for pair in parties.values() for id_ in pair)),
    )


def _problem(term: str, value: str) -> Problem | None:
    if term not in TERMS:
        return unknown_term(term)
    if not _NUMBER.fullmatch(value):
        return Problem("bad_value", "expected a number, such as 24 or 7.5", field="value")
    return value_problem(term, float(value))
