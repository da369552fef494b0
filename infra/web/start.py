"""The start page, what concerns the reader's role: today for the office, what is theirs for parties; and the list of relationships."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from domain.words import NAMED_ROLES, PARTIES, Status
from infra.access import today
from infra.access.lists import Chosen, Lists
from infra.access.pages import Cut
from infra.access.seen import Seen, Shown
from infra.access.standing import KNOWERS, READERS
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden
from infra.queries import tasks as task_queries
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS
from infra.web.figures import figures_of
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.page import page
from infra.web.task_words import TaskWords, task_words
from infra.web.visitor import Visitor, VisitorOf
from infra.web.waiting import own
from infra.web.zones import moment_of, zone_of

router = APIRouter(route_class=PageRoute)
OFFICE: Final = frozenset({"coordinator", "supplier", "hr"})
WEEK: Final = timedelta(days=7)
# So many days after its proposal a match that has not begun is worth a look; its task comes later.
STALLED: Final = timedelta(days=14)
OUTCOME: Final = timedelta(hours=2)
MOST_TASKS: Final = 60
PAGE: Final = 50
# Relationships that are looked through for a name and put in order.
MOST_LISTED: Final = 1000
MOST_OWN: Final = 20
# Relationships of a party on one page: what waits in each takes a fold of its history.
OWN: Final = 4
WITHOUT_DATE: Final = N_("without a date")
URGENCIES: Final = (N_("overdue"), N_("today"), N_("this week"), N_("later"), WITHOUT_DATE)
PageQuery = Annotated[int, Query(alias="page", ge=1, le=10_000)]
BandQuery = Annotated[str | None, Query(pattern="^(|healthy|watch|at_risk|critical)$")]


@router.get("/")
def start(request: Request, at: DeskOf, visitor: VisitorOf, number: PageQuery = 1) -> Response:
    """The start page."""
    if visitor.role in OFFICE:
        return _today(request, at, visitor)
    if visitor.role in NAMED_ROLES:
        return _mine(request, at, visitor, number)
    figures = figures_of(at, visitor.asker) if visitor.role == "analyst" else {}
    return page(request, "start", visitor=visitor, figures=figures)


def _today(request: Request, at: Desk, visitor: Visitor) -> Response:
    now = at.now
    tasks = tasks_of(at, visitor)
    zone = today.one_zone(at.engine, visitor.asker)
    mine = [task for task in tasks if task.owner == visitor.role]
    worse = today.worsened(at.engine, visitor.asker, now - WEEK, now)
    unknown = today.without_outcome(at.engine, visitor.asker, now - OUTCOME)
    stalled = today.stalled(at.engine, visitor.asker, now - STALLED)
    held = today.held_up(at.engine, visitor.asker)
    events = {(task.evidence_of, version) for task in tasks for version in task.evidence}
    whom = [*(each.who for each in worse), *(each.who for each in unknown), *(each.who for each in stalled)]
    people = [id_ for who in whom for id_ in (who.mentee_id, who.mentor_id)]
    return page(
        request,
        "today",
        programme_zone=zone,
        urgency=by_urgency(mine, now, zone_of(request, zone)),
        others=[task for task in tasks if task.owner != visitor.role],
        worse=worse,
        unknown=unknown,
        stalled=stalled,
        held=held,
        types=today.types_of(at.engine, visitor.asker, events),
        stands=today.stands(at.engine, visitor.asker, {task.subject for task in tasks}),
        bands=BANDS,
        may_know_health=visitor.role in KNOWERS,
        names=names_of(request, at, visitor, [*people, *_people(tasks)]),
    )


def _mine(request: Request, at: Desk, visitor: Visitor, number: int) -> Response:
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    every = lists.own()
    items = lists.these(every[(number - 1) * OWN : number * OWN])
    seen = [Seen.of(at.store, lambda: at.engine, visitor.asker, each["id"], at.now) for each in items]
    theirs = [each for each in seen if each is not None]
    tasks = tasks_of(at, visitor)
    zone = today.one_zone(at.engine, visitor.asker)
    people = [id_ for each in items for id_ in (each["mentee_id"], each["mentor_id"])]
    return page(
        request,
        "start_party",
        programme_zone=zone,
        relationships=items,
        number=number,
        more=len(every) > number * OWN,
        own={each.subject: own(at.engine, each) for each in theirs} if visitor.role != "line_manager" else {},
        begin_by=today.begin_by(at.engine, [each["id"] for each in items if each["state"] == "contracting"]),
        urgency=by_urgency(tasks, at.now, zone_of(request, zone)),
        bands=BANDS,
        names=names_of(request, at, visitor, [*people, *_people(tasks)], *theirs),
    )


@router.get("/relationships")
def relationships(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    state: Annotated[str | None, Query(pattern="^(|contracting|active|paused|terminated)$")] = None,
    band: BandQuery = None,
    programme: Annotated[str | None, Query(max_length=64)] = None,
    who: Annotated[str, Query(max_length=100, description="Part of a person's name or id.")] = "",
    number: PageQuery = 1,
) -> Response:
    """The relationships in which the visitor stands: those of the worst band and lowest score first, those that have ended last."""
    if visitor.role not in READERS:
        raise forbidden("analysts read figures and datasets, no single relationship", code="role")
    if visitor.role == "line_manager":
        band = None
    chosen = Chosen(state or None, programme or None, None, None, band or None)
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    found = lists.relationships(chosen, Cut(("relationships", *chosen, str(visitor.asker.reader)), None, MOST_LISTED))
    items = sorted(found.items, key=_worst_first)
    wanted = who.strip().casefold()
    if wanted:
        called = names_of(request, at, visitor, _of_pairs(items))
        items = [
            each
            for each in items
            if any(wanted in f"{id_} {called.get(id_, '')}".casefold() for id_ in _of_pairs([each]))
        ]
    shown = items[(number - 1) * PAGE : number * PAGE]
    return page(
        request,
        "relationships",
        items=shown,
        total=len(items),
        number=number,
        more=len(items) > number * PAGE,
        cut_at=MOST_LISTED if found.next else None,
        who=who.strip(),
        programmes=lists.programmes(),
        chosen=chosen,
        states=Status.__args__,  # type: ignore[attr-defined]
        bands=BANDS,
        names=names_of(request, at, visitor, _of_pairs(shown), *_seen_by_party(at, visitor, shown)),
    )


def _worst_first(item: Mapping[str, Any]) -> tuple[bool, int, float, str]:
    band = -[*BANDS].index(item["band"]) if item["band"] else 1
    return item["state"] == "terminated", band, item["score"] or 0, item["id"]


def _of_pairs(items: Iterable[Mapping[str, Any]]) -> list[str]:
    return [id_ for each in items for id_ in (each["mentee_id"], each["mentor_id"]) if id_]


def _seen_by_party(at: Desk, visitor: Visitor, items: Sequence[Shown]) -> list[Seen]:
    """The relationships of a list as their party sees them, in which the parties know one another's names."""
    if visitor.role not in PARTIES:
        return []
    seen = (Seen.of(at.store, lambda: at.engine, visitor.asker, each["id"], at.now) for each in items[:MOST_OWN])
    return [each for each in seen if each is not None]


def tasks_of(at: Desk, visitor: Visitor) -> list[TaskWords]:
    """The open tasks that are for the visitor to know, in words, those due first at the top."""
    lists = Lists(at.engine, visitor.asker, at.pseudonyms, at.now)
    found = lists.tasks(task_queries.ALL, Cut(("tasks", str(visitor.asker.reader)), None, MOST_TASKS))
    return [task_words(task, visitor.asker) for task in found.items]


def by_urgency(tasks: Iterable[TaskWords], now: datetime, zone: ZoneInfo) -> list[tuple[str, list[TaskWords]]]:
    """Tasks by how soon they are due on the reader's calendar, people in trouble first; groups without a task are left out."""
    groups: dict[str, list[TaskWords]] = {name: [] for name in URGENCIES}
    today_ = now.astimezone(zone).date()
    for task in tasks:
        due = moment_of(task.due)
        if due is None:
            groups[WITHOUT_DATE].append(task)
        elif due < now:
            groups["overdue"].append(task)
        else:
            days = (due.astimezone(zone).date() - today_).days
            groups["today" if days == 0 else "this week" if days <= WEEK.days else "later"].append(task)
    return [(name, sorted(found, key=lambda task: task.rank)) for name, found in groups.items() if found]


def _people(tasks: Sequence[TaskWords]) -> list[Any]:
    about = [task.subject.partition(":")[2] for task in tasks if task.subject.startswith(("mentor:", "person:"))]
    return [*about, *(id_ for task in tasks for id_ in (task.mentee_id, task.mentor_id))]
