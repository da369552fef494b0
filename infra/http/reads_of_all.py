"""Reads over many relationships: health, Net Promoter Scores, tasks, datasets; mentors, cases and the codes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from domain.codes.clauses import CLAUSES
from domain.ids import is_id
from domain.time_form import MONTH
from domain.words import Role
from infra.access import figures, others
from infra.access.lists import Chosen, Lists
from infra.http.asking import (
    AskerOf,
    Desk,
    DeskOf,
    MomentOf,
    PagingOf,
    ReasonOf,
    answered,
    page_of,
    whole,
)
from infra.http.caller import CallerOf
from infra.http.log_head import Visible
from infra.http.problems import forbidden, not_found, wrong_query
from infra.http.reads import BandQuery, MentorQuery, ProgrammeQuery, ReaderOf, StateQuery, lists_of
from infra.queries.nps import Moment as MonthMoment
from infra.queries.nps import WrongWindow
from infra.queries.nps_record import By, Window
from infra.queries.subject import found_subject
from infra.queries.tasks import Chosen as ChosenTasks
from workers.model import TaskKind

router = APIRouter(prefix="/v1", dependencies=[Visible])

MentorPath = Annotated[str, Path(alias="id", description="The id of the mentor.", examples=["ben"])]
CasePath = Annotated[str, Path(alias="id", description="The id of the case.", examples=["c1"])]
Month = Annotated[str, Field(pattern=MONTH)]


@router.get("/health", operation_id="listHealth", tags=["relationships"])
def health(
    request: Request,
    at: DeskOf,
    who: ReaderOf,
    moment: MomentOf,
    paging: PagingOf,
    state: StateQuery = None,
    programme: ProgrammeQuery = None,
    mentor: MentorQuery = None,
    band: BandQuery = None,
) -> Response:
    """The commitment health of the relationships in which the caller stands, in the order of their ids."""
    if who.role == "line_manager":
        raise forbidden(
            "line managers see the state of a relationship, its dates and the agreed reporting", code="role"
        )
    chosen = Chosen(state, programme, mentor, None, band)
    return page_of(request, at, lists_of(at, who, chosen).health(chosen, moment, paging.of(request, who)))


@router.get("/tasks", operation_id="listTasks", tags=["tasks"])
def tasks(
    request: Request,
    at: DeskOf,
    who: ReaderOf,
    paging: PagingOf,
    owner: Annotated[Role | None, Query(description="Only tasks of this role.")] = None,
    programme: ProgrammeQuery = None,
    kind: Annotated[TaskKind | None, Query(description="Only tasks of this kind.")] = None,
) -> Response:
    """The open tasks that are for the caller to know, those due first at the top."""
    chosen = ChosenTasks(owner, programme, kind)
    return page_of(request, at, Lists(at.engine, who, at.pseudonyms, at.now).tasks(chosen, paging.of(request, who)))


@router.get("/nps", operation_id="getNps", tags=["figures"])
def nps(
    request: Request,
    at: DeskOf,
    who: AskerOf,
    moment: MomentOf,
    by: Annotated[list[By] | None, Query(description="programme, mentor or month; may be repeated.")] = None,
    programme: ProgrammeQuery = None,
    mentor: MentorQuery = None,
    first: Annotated[Month | None, Query(alias="from", description="From this month on.")] = None,
    last: Annotated[Month | None, Query(alias="to", description="Up to the end of this month.")] = None,
) -> Response:
    """Net Promoter Scores with their intervals and response rates; figures of small groups are hidden."""
    try:
        found = figures.nps(
            at.engine,
            who,
            at.pseudonyms,
            by=by or (),
            programme=programme,
            mentor=mentor,
            window=Window(first, last),
            moment=MonthMoment(moment.as_of, moment.known_at),
        )
    except figures.MayNot:
        raise forbidden("scores are shown to this role of no relationship but as figures agreed", code="role") from None
    except WrongWindow as error:
        raise wrong_query("from" if first else "to", str(error)) from None
    return whole(request, at, found)


@router.get("/mentors/{id}", operation_id="getMentor", tags=["mentors and cases"])
def mentor(request: Request, at: DeskOf, who: AskerOf, moment: MomentOf, why: ReasonOf, id_: MentorPath) -> Response:
    """A mentor: standing, training, capacity, load and relationships."""
    found = None
    if is_id(id_):
        spelled = _spelled(at, "mentor", id_)
        try:
            found = others.mentor(at.engine, who, spelled, at.pseudonyms, moment, at.now, why)
        except others.MayNot:
            raise forbidden("expected the mentor, or a role that looks after mentors", code="role") from None
    if found is None:
        raise not_found()
    return answered(request, at, found, why)


@router.get("/cases/{id}", operation_id="getCase", tags=["mentors and cases"])
def case(request: Request, at: DeskOf, who: AskerOf, moment: MomentOf, why: ReasonOf, id_: CasePath) -> Response:
    """A conduct case: whom it concerns and how far it is, without what was said."""
    found = others.case(at.engine, who, _spelled(at, "case", id_), moment, at.now, why) if is_id(id_) else None
    if found is None:
        raise not_found()
    return answered(request, at, found, why)


def _spelled(at: Desk, kind: str, id_: str) -> str:
    return found_subject(at.store, f"{kind}:{id_}").partition(":")[2]


@router.get("/codes", operation_id="listClauses", tags=["codes"])
def codes(request: Request, at: DeskOf, _: CallerOf) -> Response:
    """Every clause of every code: its id, its rule in a sentence, and its kind."""
    found: list[Any] = [
        {
            "id": clause.id,
            "code": clause.code,
            "kind": clause.kind,
            "rule": clause.rule,
            "kinds": clause.kinds,
            "binds": clause.binds,
        }
        for clause in CLAUSES.values()
    ]
    return whole(request, at, found)
