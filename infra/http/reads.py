"""Reads of relationships: the list, one of them, its history, health, decisions, and who may see what of it.

What a caller has no standing in is answered like what does not exist: by one query to the same table, with the same body.
"""

from typing import Annotated, Any, NamedTuple, cast, get_args

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import WithJsonSchema

from domain.commitment.policy import Band
from domain.ids import ROLE_AND_ID, is_id
from domain.problem import Problem
from domain.sharing.question import PUBLIC, Reader
from domain.words import ROLES, DataClass, ReportingAudience, Status
from infra.access.lists import Chosen, Lists
from infra.access.seen import DECISIONS, Seen
from infra.access.standing import READERS, Asker, stands_in
from infra.http.asking import (
    RELATIONSHIP,
    AskerOf,
    Day,
    Desk,
    DeskOf,
    MomentOf,
    MomentOrVersion,
    PagingOf,
    ReasonOf,
    answered,
    page_of,
    whole,
)
from infra.http.log_head import Visible
from infra.http.problems import HttpProblem, forbidden, not_found, wrong_query
from infra.queries.as_at import Moment
from infra.queries.outputs import Days
from infra.queries.report import Asked, NoReport
from infra.queries.report import report as report_of
from infra.queries.sharing import Question, first_spelling

router = APIRouter(prefix="/v1/relationships", tags=["relationships"], dependencies=[Visible])

IdPath = Annotated[str, Path(alias="id", description="The UUID of the relationship.", examples=[RELATIONSHIP])]
StateQuery = Annotated[Status | None, Query(description="Only relationships in this state.")]
ProgrammeQuery = Annotated[str | None, Query(description="Only this programme.")]
MentorQuery = Annotated[str | None, Query(description="Only this mentor.")]
MenteeQuery = Annotated[str | None, Query(description="Only this mentee.")]
BandQuery = Annotated[Band | None, Query(description="Only this band of commitment health.")]


async def reader_of_relationships(who: AskerOf) -> Asker:
    """The asker, if their role reads single relationships.

    Raises:
        HttpProblem: It does not.
    """
    if who.role not in READERS:
        raise forbidden(
            "analysts read figures and datasets, no single relationship: /v1/nps, /v1/datasets/NAME", code="role"
        )
    return who


ReaderOf = Annotated[Asker, Depends(reader_of_relationships)]


class OneAsked(NamedTuple):
    """One relationship that somebody asks for. Nothing is read yet: an answer is worked out in one thread from here on."""

    at: Desk
    who: Asker
    subject: str

    def seen(self) -> Seen:
        """The relationship as the caller sees it.

        Raises:
            HttpProblem: There is none that the caller may know of.
        """
        at, found = self.at, None
        if stands_in(at.store, lambda: at.engine, self.who, self.subject, or_was_told=True):
            found = Seen.of(at.store, lambda: at.engine, self.who, self.subject, at.now)
        if found is None:
            raise not_found()
        return found

    def seen_with_state(self) -> Seen:
        """The same, if its state is for them to see.

        Raises:
            HttpProblem: There is none, or they may read what they were told alone.
        """
        seen = self.seen()
        if not seen.shows_state:
            raise forbidden("without a conduct case hr reads what was disclosed to it: see the history", code="role")
        return seen


async def relationship(at: DeskOf, who: ReaderOf, id_: IdPath) -> OneAsked:
    """The relationship that is asked for."""
    return OneAsked(at, who, id_.lower())


AskedOf = Annotated[OneAsked, Depends(relationship)]


@router.get("", operation_id="listRelationships")
def relationships(
    request: Request,
    at: DeskOf,
    who: ReaderOf,
    paging: PagingOf,
    state: StateQuery = None,
    programme: ProgrammeQuery = None,
    mentor: MentorQuery = None,
    mentee: MenteeQuery = None,
    band: BandQuery = None,
) -> Response:
    """The relationships in which the caller stands, in the order of their ids."""
    chosen = Chosen(state, programme, mentor, mentee, band)
    return page_of(request, at, lists_of(at, who, chosen).relationships(chosen, paging.of(request, who)))


def lists_of(at: Desk, who: Asker, chosen: Chosen) -> Lists:
    """The lists of the asker.

    Raises:
        HttpProblem: They choose by what they may not see.
    """
    if who.role == "auditor" and (chosen.mentor or chosen.mentee):
        raise forbidden("auditors see pseudonyms, so they can't choose by a person", code="identity")
    if who.role == "line_manager" and chosen.band:
        raise forbidden("line managers see state and dates, so they can't choose by a band", "band", "role")
    return Lists(at.engine, who, at.pseudonyms, at.now)


@router.get("/{id}", operation_id="getRelationship")
def show(request: Request, asked: AskedOf, moment: MomentOrVersion, why: ReasonOf) -> Response:
    """The relationship: its state, what is agreed, sessions, goals, open concerns, unmet gates, health and tasks."""
    at, seen = asked.at, asked.seen_with_state()
    _check_version(seen, moment)
    return answered(request, at, _by_then(seen.show_with_words(moment, why)), why)


def _check_version(seen: Seen, moment: Moment) -> None:
    """Make sure that the relationship has the version that is asked for.

    Raises:
        HttpProblem: It has not.
    """
    if moment.version is not None and moment.version > seen.last_version:
        raise wrong_query("version", f"expected at most {seen.last_version}, the last version of this relationship")


@router.get("/{id}/history", operation_id="getHistory")
def history(request: Request, asked: AskedOf, moment: MomentOrVersion, why: ReasonOf) -> Response:
    """The events of the relationship in order, their content sealed; what is confidential by itself has no type and no names."""
    at, seen = asked.at, asked.seen()
    _check_version(seen, moment)
    return whole(request, at, _by_then(seen.history(moment, why)), why)


@router.get("/{id}/health", operation_id="getHealth")
def health(request: Request, asked: AskedOf, moment: MomentOrVersion) -> Response:
    """The commitment health of the relationship: scores, band and the signals behind them."""
    at, seen = asked.at, asked.seen_with_state()
    if seen.asker.role == "line_manager":
        raise forbidden(
            "line managers see the state of a relationship, its dates and the agreed reporting", code="role"
        )
    _check_version(seen, moment)
    return answered(request, at, _by_then(seen.health(moment)))


@router.get("/{id}/decisions", operation_id="getDecisions")
def decisions(request: Request, asked: AskedOf, moment: MomentOrVersion) -> Response:
    """What workers decided about the relationship: clauses, evidence, terms, and what followed.

    By a moment those that were decided by then, on what was known by then.
    """
    at, seen = asked.at, asked.seen_with_state()
    if seen.asker.role not in DECISIONS:
        raise forbidden(f"expected one of the roles {', '.join(sorted(DECISIONS))}", code="role")
    _check_version(seen, moment)
    return whole(request, at, seen.decisions(moment))


@router.get("/{id}/report", operation_id="getReport")
def report(
    request: Request,
    asked: AskedOf,
    moment: MomentOf,
    to: Annotated[ReportingAudience | None, Query(description="For whom. Without it: the caller's own role.")] = None,
    first: Annotated[Day | None, Query(alias="from", description="From this day of the programme on.")] = None,
    last: Annotated[Day | None, Query(alias="to_day", description="Up to and with this day.")] = None,
) -> Response:
    """What was agreed to be reported to a sponsor, and nothing else: for the sponsor, and for the mentee who shares it.

    At a moment the facts are told as they were; what the sponsor may see is asked as of now.
    """
    at, seen = asked.at, asked.seen()
    role = seen.asker.role
    if role != "mentee" and (role not in get_args(ReportingAudience) or to not in {None, role}):
        raise forbidden("expected the recipient of the report, or the mentee who shares it", code="role")
    if role == "mentee" and to is None:
        raise wrong_query("to", f"expected one of {', '.join(get_args(ReportingAudience))}", "missing")
    if first and last and last < first:
        raise wrong_query("to_day", f"expected {first} or a later day")
    wanted = Asked(to or cast("ReportingAudience", role), Days(first, last), moment)
    try:
        found = report_of(seen.store, lambda: at.engine, seen.subject, wanted, at.now, str(seen.asker.reader))
    except NoReport as error:
        raise HttpProblem(403, Problem("no_report", str(error), error.clause)) from None
    return answered(request, at, found)


_Recipient = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"{ROLE_AND_ID}|^public$"})]
ToQuery = Annotated[
    _Recipient | None, Query(description="Whom it is about: role:id, or public. Without it: the caller.")
]


def _reader(at: Desk, who: Asker, to: str | None) -> Reader:
    """Whom the question is about; the caller where nobody is named.

    Raises:
        HttpProblem: It is no role with an id.
    """
    if to is None:
        return who.reader
    if to == "public":
        return PUBLIC
    role, colon, id_ = to.partition(":")
    if role not in ROLES or not colon or not is_id(id_):
        raise wrong_query("to", "expected role:id, such as coordinator:cora, or public")
    return first_spelling(at.store, Reader(cast("Any", role), id_))


@router.get("/{id}/can-share", operation_id="getCanShare")
def can_share(
    request: Request,
    asked: AskedOf,
    *,
    to: ToQuery = None,
    moment: MomentOrVersion,
    data_class: Annotated[DataClass, Query(description="Such as goals, feedback or session_content.")],
) -> Response:
    """Whether somebody may see a class of data of the relationship (of the event of a `version`), the clause, and why."""
    at, seen = asked.at, asked.seen()
    _check_version(seen, moment)
    question = Question(data_class, moment.version)
    answer = seen.can_share(
        question, _reader(at, asked.who, to), Moment(moment.as_of, moment.known_at), lambda: at.engine
    )
    return answered(request, at, answer.in_words())


def _by_then(found: Any) -> Any:
    """What was found; nothing is 404.

    Raises:
        HttpProblem: There was nothing by the time asked about.
    """
    if not found:
        raise not_found("the relationship did not exist, or was not known, by then")
    return found
