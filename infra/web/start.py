"""The start page, what concerns the reader's role: today for the office, what is theirs for parties; and the list of relationships."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from domain.words import NAMED_ROLES, Status
from infra.access import today
from infra.access.lists import Chosen, Lists
from infra.access.pages import Cut
from infra.access.seen import Seen
from infra.access.standing import KNOWERS, READERS
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden
from infra.queries import tasks as task_queries
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS
from infra.web.names import names_of
from infra.web.page import page
from infra.web.task_words import TaskWords, task_words
from infra.web.visitor import Visitor, VisitorOf
from infra.web.zones import moment_of, zone_of

router = APIRouter(route_class=PageRoute)
OFFICE: Final = frozenset({"coordinator", "supplier", "hr"})
WEEK: Final = timedelta(days=7)
# So many days after its proposal a match that has not begun is worth a look; its task comes later.
STALLED: Final = timedelta(days=14)
OUTCOME: Final = timedelta(hours=2)
MOST_TASKS: Final = 60
PAGE: Final = 50
MOST_OWN: Final = 20
BandQuery = Annotated[str | None, Query(pattern="^(|healthy|watch|at_risk|critical)$")]


@router.get("/")
def start(request: Request, at: DeskOf, visitor: VisitorOf) -> Response:
    """The start page."""
    if visitor.role in OFFICE:
        return _today(request, at, visitor)
    if visitor.role in NAMED_ROLES:
        return _mine(request, at, visitor)
    return page(request, "start", visitor=visitor)


def _today(request: Request, at: Desk, visitor: Visitor) -> Response:
    now = at.now
    tasks = tasks_of(at, visitor)
    mine = [task for task in tasks if task.owner == visitor.role]
    worse = today.worsened(at.engine, visitor.asker, now - WEEK, now)
    unknown = today.without_outcome(at.engine, visitor.asker, now - OUTCOME)
    stalled = today.stalled(at.engine, visitor.asker, now - STALLED)
    held = today.held_up(at.engine, visitor.asker)
    whom = [*(each.who for each in worse), *(each.who for each in unknown), *(each.who for each in stalled)]
    people = [id_ for who in whom for id_ in (who.mentee_id, who.mentor_id)]
    return page(
        request,
        "today",
        urgency=by_urgency(mine, now, request),
        others=[task for task in tasks if task.owner != visitor.role],
        worse=worse,
        unknown=unknown,
        stalled=stalled,
        held=held,
        bands=BANDS,
        may_know_health=visitor.role in KNOWERS,
        names=names_of(request, at, visitor, [*people, *_people(tasks)]),
    )


def _mine(request: Request, at: Desk, visitor: Visitor) -> Response:
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    items = lists.relationships(Chosen(), Cut((str(visitor.asker.reader),), None, MOST_OWN)).items
    seen = [Seen.of(at.store, lambda: at.engine, visitor.asker, each["id"], at.now) for each in items]
    tasks = tasks_of(at, visitor)
    people = [id_ for each in items for id_ in (each["mentee_id"], each["mentor_id"])]
    return page(
        request,
        "start_party",
        relationships=sorted(items, key=lambda each: each["state"] == "terminated"),
        urgency=by_urgency(tasks, at.now, request),
        bands=BANDS,
        names=names_of(request, at, visitor, [*people, *_people(tasks)], *(each for each in seen if each is not None)),
    )


@router.get("/relationships")
def relationships(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    state: Annotated[str | None, Query(pattern="^(|contracting|active|paused|terminated)$")] = None,
    band: BandQuery = None,
    programme: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """The relationships in which the visitor stands."""
    if visitor.role not in READERS:
        raise forbidden("analysts read figures and datasets, no single relationship", code="role")
    if visitor.role == "line_manager":
        band = None
    chosen = Chosen(state or None, programme or None, None, None, band or None)
    cut = Cut(("relationships", *chosen, str(visitor.asker.reader)), cursor or None, PAGE)
    found = Lists(at.engine, visitor.asker, at.pseudonyms, at.now).relationships(chosen, cut)
    people = [id_ for each in found.items for id_ in (each["mentee_id"], each["mentor_id"])]
    return page(
        request,
        "relationships",
        found=found,
        chosen=chosen,
        states=Status.__args__,  # type: ignore[attr-defined]
        bands=BANDS,
        names=names_of(request, at, visitor, people),
    )


def tasks_of(at: Desk, visitor: Visitor) -> list[TaskWords]:
    """The open tasks that are for the visitor to know, in words, those due first at the top."""
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    found = lists.tasks(task_queries.ALL, Cut(("tasks", str(visitor.asker.reader)), None, MOST_TASKS))
    return [task_words(task) for task in found.items]


def by_urgency(tasks: Iterable[TaskWords], now: datetime, request: Request) -> list[tuple[str, list[TaskWords]]]:
    """Tasks by how soon they are due on the reader's calendar; groups without a task are left out."""
    zone = zone_of(request)
    groups: dict[str, list[TaskWords]] = {name: [] for name in ("overdue", "today", "this week", "later", "no day")}
    today_ = now.astimezone(zone).date()
    for task in tasks:
        due = moment_of(task.due)
        if due is None:
            groups["no day"].append(task)
        elif due < now:
            groups["overdue"].append(task)
        else:
            days = (due.astimezone(zone).date() - today_).days
            groups["today" if days == 0 else "this week" if days <= WEEK.days else "later"].append(task)
    return [(name, found) for name, found in groups.items() if found]


def _people(tasks: Sequence[TaskWords]) -> list[Any]:
    about = [task.subject.partition(":")[2] for task in tasks if task.subject.startswith(("mentor:", "person:"))]
    return [*about, *(id_ for task in tasks for id_ in (task.mentee_id, task.mentor_id))]
