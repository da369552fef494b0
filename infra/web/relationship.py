"""One relationship on a page: who, how it stands and why, what is agreed, what comes next, what the visitor can do now.

Everything comes from `Seen`, which asks the matrix; the page decides nothing about who may know what.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query, Request, Response

from domain.codes.clauses import CLAUSES
from domain.ids import MACHINES
from domain.registry import COMMANDS
from domain.relationship.contests import CORRECTABLE
from domain.relationship.gates import able_to_meet, command_for
from domain.relationship.lifecycle import TABLE
from domain.relationship.permissions import may_send
from domain.words import NAMED_ROLES
from infra.access.seen import DECISIONS, Seen, Shown
from infra.access.today import begin_by
from infra.http.asking import Desk, DeskOf
from infra.queries.as_at import NOW
from infra.web.command_form import has_begun
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS, SIGNALS
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.offers import possible
from infra.web.page import page, see_other
from infra.web.subject_seen import SeenOf, readable, reason_of, shown_with_words, with_words, written
from infra.web.task_words import task_words
from infra.web.visitor import Visitor, VisitorOf

router = APIRouter(route_class=PageRoute)
ASSIGNED: Final = "rapport.HomeworkAssigned"
CONTEST: Final = "rapport.FactContested"
ANSWER: Final = "rapport.ContestAnswered"
CORRECTION: Final = "rapport.FactCorrected"
OF_CONTESTS: Final = frozenset({CONTEST, ANSWER, CORRECTION})
# What people wrote is listed on the page of the relationship as far back; the page of its events has all of it.
MOST_WRITTEN: Final = 20
CORRECTABLE_EVENTS: Final = frozenset(f"rapport.{event.__name__}" for event in CORRECTABLE)
MATCH: Final[Mapping[str, str]] = {
    "rapport.MatchAccepted": N_("said yes to the match"),
    "rapport.MatchDeclined": N_("said no to the match"),
}


class Gate(NamedTuple):
    """What has to come before the mentoring: the clause, what is missing, who can do it, and the command where the reader can."""

    clause: str
    message: str
    roles: Sequence[str]
    command: str | None


@router.get("/relationships/{id}")
def relationship(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf) -> Response:
    """The page of a relationship."""
    return _page(request, at, visitor, seen)


@router.post("/relationships/{id}/words")
def words(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf, form: FormOf) -> Response:
    """The same page with what people wrote, as far as the visitor may read it; the reason is kept."""
    return _page(request, at, visitor, seen, reason_of(form))


@router.get("/relationships/{id}/words")
def no_words(request: Request, seen: SeenOf) -> Response:
    """Who opens the address of a page with words anew is asked for the reason again."""
    return see_other(request, f"/relationships/{seen.subject}#reveal")


def _page(request: Request, at: Desk, visitor: Visitor, seen: Seen, why: str | None = None) -> Response:
    shown = shown_with_words(at, seen, why)
    closed = seen.history(NOW)
    may_open = readable(closed)
    contested = {entry["version"] for entry in closed if entry["type"] in OF_CONTESTS}
    entries = with_words(seen, closed, {*may_open[-MOST_WRITTEN:], *(contested & {*may_open}), *_homework(closed)}, why)
    answers = answers_to_match(closed)
    health = None if visitor.role == "line_manager" else shown.get("health")
    sessions = shown.get("sessions", [])
    return page(
        request,
        "relationship",
        programme_zone=seen.zone,
        shown=shown,
        subject=seen.subject,
        health=health,
        signals=SIGNALS,
        bands=BANDS,
        tasks=[task_words(task, visitor.asker) for task in shown.get("tasks", [])],
        begun={each["session_id"] for each in sessions if has_begun(each, seen.now)},
        # What has begun is neither moved nor cancelled.
        to_come={each["session_id"] for each in sessions if not has_begun(each, seen.now, timedelta())},
        homework=homework(entries),
        types={(seen.subject, entry["version"]): entry["type"] for entry in closed if entry["type"]},
        begin_by=begin_by(at.engine, [seen.subject]).get(seen.subject) if shown["state"] == "contracting" else None,
        contests=contests(entries, shown.get("contested", ())),
        written=written(closed, entries),
        possible=possible(visitor.asker.reader, shown, seen.situation.state, answers),
        gates=gates(visitor.role, shown),
        answers=[(role, said, MATCH[said]) for role, said in answers.items()]
        if shown["state"] == "contracting"
        else [],
        read_words=why is not None,
        may_reveal=_may_reveal(visitor, may_open),
        names=names_of(request, at, visitor, persons(shown, entries), seen),
        codes={id_: CLAUSES[id_].rule for id_ in CLAUSES},
        has_decisions=visitor.role in DECISIONS,
    )


def _may_reveal(visitor: Visitor, may_open: Sequence[int]) -> bool:
    """Whether a reason would open words to the visitor: parties read theirs without one, and machines read none."""
    return bool(may_open) and visitor.role not in NAMED_ROLES and visitor.role not in MACHINES


@router.get("/relationships/{id}/events")
def events(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    seen: SeenOf,
    opened: Annotated[int | None, Query(alias="open", ge=1, le=2**31 - 1)] = None,
) -> Response:
    """What was recorded, in order, each with what the visitor can do about it; of one it is open what it says."""
    return _events(request, at, visitor, seen, opened)


@router.post("/relationships/{id}/events")
def events_with_words(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf, form: FormOf) -> Response:
    """The same with what people wrote, as far as the visitor may read it; the reason is kept."""
    return _events(request, at, visitor, seen, None, reason_of(form))


def _events(
    request: Request, at: Desk, visitor: Visitor, seen: Seen, opened: int | None, why: str | None = None
) -> Response:
    shown = shown_with_words(at, seen)
    closed = seen.history(NOW)
    may_open = readable(closed)
    entries = with_words(seen, closed, may_open, why)
    return page(
        request,
        "events",
        programme_zone=seen.zone,
        shown=shown,
        subject=seen.subject,
        entries=entries,
        opened=opened,
        about=about_others(entries),
        read_words=why is not None,
        may_reveal=_may_reveal(visitor, may_open),
        may_contest=_may(visitor.role, shown, "ContestFact"),
        may_correct=_may(visitor.role, shown, "CorrectFact"),
        correctable=CORRECTABLE_EVENTS,
        names=names_of(request, at, visitor, persons(shown, entries), seen),
    )


def about_others(entries: Sequence[Shown]) -> dict[int, list[tuple[str, int]]]:
    """Of each event that others are about (contested, put right, answered): what those are, and their versions."""
    found: dict[int, list[tuple[str, int]]] = {}
    for entry in entries:
        version = (entry["data"] or {}).get("version")
        if entry["type"] is not None and isinstance(version, int) and not isinstance(version, bool):
            found.setdefault(version, []).append((entry["type"], entry["version"]))
    return found


def persons(shown: Mapping[str, Any], entries: Sequence[Shown] = ()) -> Iterator[str | None]:
    """The people whom a page names: the parties, and those who acted."""
    for role in NAMED_ROLES:
        id_ = shown.get(f"{role}_id")
        yield id_ if isinstance(id_, str) else None
    for entry in entries:
        yield (entry["actor"] or "").partition(":")[2] or None


def _homework(entries: Sequence[Shown]) -> set[int]:
    return {entry["version"] for entry in entries if entry["type"] == ASSIGNED}


def homework(entries: Sequence[Shown]) -> list[dict[str, Any]]:
    """Each homework with the hours that were reported for it, in the order in which it was given."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        data, kind = entry["data"], entry["type"]
        # Who may not know which homework it was has no list of it.
        if not isinstance(data.get("homework_id") if data else None, str):
            continue
        if kind == ASSIGNED:
            found[data["homework_id"]] = {**data, "at": entry["occurred_at"], "hours": None, "done": None}
        elif kind == "rapport.HomeworkReported" and data["homework_id"] in found:
            found[data["homework_id"]].update(hours=data.get("hours"), done=data.get("done"))
    return list(found.values())


class Contested(NamedTuple):
    """Something recorded that somebody said is wrong: why, what the office answered, and whether it is still to be settled."""

    contest: Shown
    fact: Shown | None
    answers: Sequence[Shown]
    is_open: bool


def contests(entries: Sequence[Shown], still: Collection[int]) -> list[Contested]:
    """What was contested, the last first; `still` are the versions of the facts that stand contested."""
    by_version = {entry["version"]: entry for entry in entries}
    found: list[Contested] = []
    for entry in reversed(entries):
        if entry["type"] == CONTEST and isinstance(fact := entry["data"].get("version"), int):
            answers = [
                each
                for each in entries
                if (each["type"] == ANSWER and each["data"].get("version") == entry["version"])
                or (
                    each["type"] == CORRECTION
                    and each["version"] > entry["version"]
                    and each["data"].get("version") == fact
                )
            ]
            settled = any(each["type"] == ANSWER for each in answers) or fact not in still
            found.append(Contested(entry, by_version.get(fact), answers, not settled))
    return found


def answers_to_match(entries: Sequence[Shown]) -> dict[str, str]:
    """What each role said of the match, as far as the reader knows: the type of its last answer."""
    return {(entry["actor"] or "").partition(":")[0]: entry["type"] for entry in entries if entry["type"] in MATCH}


def gates(role: str, shown: Shown) -> list[Gate]:
    """What has to come before the mentoring begins, with who can do it."""
    found: list[Gate] = []
    for gate in shown["unmet_gates"]:
        roles, command = tuple(able_to_meet([gate["clause"]])), command_for(gate["clause"])
        may = command is not None and role in roles and role in may_send(command)
        found.append(Gate(gate["clause"], gate["message"], roles, command.__name__ if command and may else None))
    return found


def _may(role: str, shown: Shown, command: str) -> bool:
    return (shown["state"], command) in TABLE and role in may_send(COMMANDS[command])
