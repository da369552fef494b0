"""One relationship on a page: who, how it stands and why, what is agreed, what comes next, what the visitor can do now.

Everything comes from `Seen`, which asks the matrix; the page decides nothing about who may know what.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response

from domain.codes.clauses import CLAUSES
from domain.ids import MACHINES
from domain.model import is_blank
from domain.problem import Problem
from domain.registry import COMMANDS
from domain.relationship.contests import CORRECTABLE
from domain.relationship.lifecycle import TABLE, impossible
from domain.relationship.permissions import may_send
from domain.words import NAMED_ROLES
from infra.access.seen import DECISIONS, Seen, Shown
from infra.access.standing import KNOWERS
from infra.http.asking import Desk, DeskOf
from infra.http.problems import HttpProblem
from infra.queries.as_at import NOW
from infra.sealing.errors import KeysRefused
from infra.web.command_words import GROUPS, title
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS, SIGNALS
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.page import page
from infra.web.subject_seen import READ_BY_A_PARTY, SeenOf, shown_with_words
from infra.web.task_words import task_words
from infra.web.visitor import Visitor, VisitorOf

router = APIRouter(route_class=PageRoute)
# What a party does most: offered first, before the groups of everything else.
COMMONEST: Final[Mapping[str, tuple[str, ...]]] = {
    "mentee": ("ScheduleSession", "RescheduleSession", "CompleteSession", "RecordGoalProgress", "ReportHomework", "AgreeGoal", "RespondToNps", "ReportProblem"),
    "mentor": ("ScheduleSession", "RescheduleSession", "CompleteSession", "RecordSessionNote", "AssignHomework", "RecordGoalProgress", "AgreeGoal", "ReportProblem"),
    "coordinator": ("ReviewRelationship", "ActivateRelationship", "ScheduleSession", "RescheduleSession", "RecordContact", "PauseRelationship", "ResumeRelationship", "ResolveConcern"),
    "supplier": ("ReviewRelationship", "ActivateRelationship", "RecordAssessment", "RecordContact", "RecordSuccessStory"),
    "hr": ("ReviewRelationship", "ResolveDisrespect", "DismissRecommendation", "ReportProblem"),
    "customer": ("RespondToNps", "GiveTestimonial", "ReportProblem", "TerminateRelationship"),
    "line_manager": ("AgreeReporting", "ConfirmAgreement", "AcceptTerms", "ReportProblem"),
}  # fmt: skip
ASSIGNED: Final = "rapport.HomeworkAssigned"
CORRECTABLE_EVENTS: Final = frozenset(f"rapport.{event.__name__}" for event in CORRECTABLE)


class Possible(NamedTuple):
    """What the visitor can do about a relationship now: the commonest, the others by group, and what is not possible, with why."""

    commonest: list[tuple[str, str]]
    groups: list[tuple[str, list[tuple[str, str]]]]
    impossible: list[tuple[str, str]]


@router.get("/relationships/{id}")
def relationship(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf) -> Response:
    """The page of a relationship."""
    return _page(request, at, visitor, seen)


@router.post("/relationships/{id}/words")
def words(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf, form: FormOf) -> Response:
    """The same page with what people wrote, as far as the visitor may read it; the reason is kept."""
    why = form.text("why")
    if not why or is_blank(why) or len(why) > 500:
        said = "expected the reason for which content is read, in at most 500 letters"
        raise HttpProblem(400, Problem("bad_value", said, field="why"))
    return _page(request, at, visitor, seen, why)


def _page(request: Request, at: Desk, visitor: Visitor, seen: Seen, why: str | None = None) -> Response:
    shown = shown_with_words(seen, why)
    entries = seen.history(NOW)
    health = None if visitor.role == "line_manager" else shown.get("health")
    return page(
        request,
        "relationship",
        programme_zone=seen.zone,
        shown=shown,
        subject=seen.subject,
        health=health,
        signals=SIGNALS,
        bands=BANDS,
        tasks=[task_words(task) for task in shown.get("tasks", [])],
        homework=homework(entries, _homework_words(seen, entries, why)),
        disputed=[entry for entry in entries if entry["version"] in shown.get("contested", ())],
        possible=possible(visitor.role, shown),
        read_words=why is not None,
        may_reveal=visitor.role not in NAMED_ROLES and visitor.role not in MACHINES,
        names=names_of(request, at, visitor, persons(shown, entries), seen),
        codes={id_: CLAUSES[id_].rule for id_ in CLAUSES},
        has_decisions=visitor.role in DECISIONS,
    )


@router.get("/relationships/{id}/events")
def events(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf) -> Response:
    """What was recorded, in order, each with what the visitor can do about it."""
    shown = shown_with_words(seen)
    entries = seen.history(NOW)
    return page(
        request,
        "events",
        programme_zone=seen.zone,
        shown=shown,
        subject=seen.subject,
        entries=entries,
        may_contest=_may(visitor.role, shown, "ContestFact"),
        may_correct=_may(visitor.role, shown, "CorrectFact"),
        correctable=CORRECTABLE_EVENTS,
        names=names_of(request, at, visitor, persons(shown, entries), seen),
    )


def persons(shown: Mapping[str, Any], entries: Sequence[Shown] = ()) -> Iterator[str | None]:
    """The people whom a page names: the parties, and those who acted."""
    for role in NAMED_ROLES:
        id_ = shown.get(f"{role}_id")
        yield id_ if isinstance(id_, str) else None
    for entry in entries:
        yield (entry["actor"] or "").partition(":")[2] or None


def _homework_words(seen: Seen, entries: Sequence[Shown], why: str | None) -> Mapping[int, Shown]:
    """What was given as homework, as a party reads it, or somebody else for a reason."""
    versions = {entry["version"] for entry in entries if entry["type"] == ASSIGNED}
    if why is None and seen.asker.role in NAMED_ROLES:
        why = READ_BY_A_PARTY
    try:
        return seen.words_of(versions, why) if versions else {}
    except KeysRefused:
        return {}


def homework(entries: Sequence[Shown], words: Mapping[int, Shown]) -> list[dict[str, Any]]:
    """Each homework with the hours that were reported for it, in the order in which it was given."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        data, kind = entry["data"], entry["type"]
        if kind == ASSIGNED:
            found[data["homework_id"]] = {
                **data,
                **words.get(entry["version"], {}),
                "at": entry["occurred_at"],
                "hours": None,
                "done": None,
            }
        elif kind == "rapport.HomeworkReported" and data.get("homework_id") in found:
            found[data["homework_id"]].update(hours=data.get("hours"), done=data.get("done"))
    return list(found.values())


def possible(role: str, shown: Shown) -> Possible:
    """What a role can do about a relationship in its state, and why not the rest."""
    state = shown["state"]
    mine = [name for name in COMMANDS if (state, name) in TABLE or any(command == name for _, command in TABLE)]
    mine = [name for name in mine if role in may_send(COMMANDS[name])]
    now = {name for name in mine if (state, name) in TABLE}
    empty = {name: why for name, why in nothing_to_do(role, shown) if name in now}
    now -= empty.keys()
    first = [name for name in COMMONEST.get(role, ()) if name in now]
    groups = [
        (group.label, [(name, title(name)) for name in group.commands if name in now and name not in first])
        for group in GROUPS
    ]
    return Possible(
        [(name, title(name)) for name in first],
        [(label, commands) for label, commands in groups if commands],
        [
            (title(name), empty.get(name) or impossible(name, state))
            for group in GROUPS
            for name in group.commands
            if name in mine and name not in now
        ],
    )


def nothing_to_do(role: str, shown: Shown) -> Iterator[tuple[str, str]]:
    """The commands that the state lets pass and that have nothing to act on, each with what is missing."""
    sessions = [session["status"] for session in shown.get("sessions", [])]
    if "scheduled" not in sessions and all(isinstance(status, str) for status in sessions):
        for name in ("RescheduleSession", "CancelSession", "CompleteSession", "RecordNoShow", "RecordPresessionCheck"):
            yield name, N_("no session is scheduled")
    if "completed" not in sessions and all(isinstance(status, str) for status in sessions):
        for name in ("AssignHomework", "ReportHomework", "RecordSessionNote"):
            yield name, N_("no session took place yet")
    goals = shown.get("goals", [])
    if isinstance(goals, list) and not any(
        goal["status"] == "open" or isinstance(goal["status"], dict) for goal in goals
    ):
        for name in ("RecordGoalProgress", "ReviseGoal", "DropGoal"):
            yield name, N_("no goal is open")
    if not any(each["status"] == "open" for each in shown["concerns"]):
        yield "ResolveConcern", N_("no concern is open")
    if not any(claim["waits_for"] == role for claim in shown["claims"]):
        yield "ConfirmAgreement", N_("nothing waits for you to confirm it")
    if role not in KNOWERS:
        return
    if not any(each["status"] == "open" for each in shown["recommendations"]):
        yield "DismissRecommendation", N_("no recommendation to end the mentoring is open")


def _may(role: str, shown: Shown, command: str) -> bool:
    return (shown["state"], command) in TABLE and role in may_send(COMMANDS[command])
