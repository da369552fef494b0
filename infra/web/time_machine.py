"""The time machine: a relationship as it was, its events in order, what was decided from each, and its place in the tree.

A step is a time at which something happened, or at which it was recorded: two clocks, two slides. Everything is asked of `Seen`, so a
reader sees of another time what they may see now.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response

from domain.calendar import end_of_local_day
from infra.access.seen import DECISIONS, Seen
from infra.evidence.log_tree import LeafPlace, place_of
from infra.evidence.verify import Verdict
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden, wrong_query
from infra.http.reads_of_evidence import READERS as BUNDLES
from infra.queries.as_at import NOW, Moment
from infra.queries.nps import INSTANT
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS, SIGNALS
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.page import page
from infra.web.relationship import persons
from infra.web.subject_seen import SeenOf, readable, with_pseudonyms, with_words
from infra.web.verification import Busy, OneByOne
from infra.web.visitor import Visitor, VisitorOf
from infra.web.zones import zone_of

router = APIRouter(prefix="/relationships/{id}/time", route_class=PageRoute)

Clock = Literal["occurred", "recorded"]
Shown = dict[str, Any]
# Events that are listed at a time, so that a page stays small.
LISTED: Final = 60


class Step(NamedTuple):
    """A point on the slide: the moment that is asked about, its number from 1, and that of the last one, which is now.

    A day that somebody asks for is asked about at its end; its number is that of the last step until then, 0 before the first.
    """

    clock: Clock
    at: datetime
    number: int
    last: int

    @property
    def moment(self) -> Moment:
        """The question that it stands for."""
        return Moment(self.at, self.at if self.clock == "recorded" else None)


def with_history(seen: SeenOf) -> Seen:
    """The relationship as the visitor sees it, if their role reads histories.

    Raises:
        HttpProblem: A line manager sees state and dates, and no history.
    """
    if seen.asker.role == "line_manager":
        raise forbidden(
            "line managers see the state of a relationship, its dates and the agreed reporting", code="role"
        )
    return seen


HistoryOf = Annotated[Seen, Depends(with_history)]
ClockQuery = Annotated[Clock, Query(description="The clock: when it happened, or when it was recorded.")]
StepQuery = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The point on the slide; the last without it.")]
DayQuery = Annotated[
    str, Query(pattern=r"^(|\d{4}-\d\d-\d\d)$", description="The day to jump to, in the reader's zone.")
]
EventQuery = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The version of the event to open.")]


@router.get("")
def time_machine(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    seen: HistoryOf,
    clock: ClockQuery = "occurred",
    step: StepQuery = None,
    on: DayQuery = "",
    event: EventQuery = None,
) -> Response:
    """The relationship at a step of a clock, or at the end of a day, beside its events."""
    return _page(request, at, visitor, seen, clock, step, _day(on), event, None)


@router.post("/verify")
def verify(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    seen: HistoryOf,
    _: FormOf,
    clock: ClockQuery = "occurred",
    step: StepQuery = None,
    event: EventQuery = None,
) -> Response:
    """Check the chain, the decisions, the rows and the places in the tree of this relationship now, and say what was found."""
    checks: OneByOne = request.app.state.checks
    try:
        found = checks.verdict(at, seen.subject)
    except Busy as busy:
        answer = _page(request, at, visitor, seen, clock, step, None, event, None, busy=True)
        answer.status_code = busy.status
        answer.headers.update(busy.headers or {})
        return answer
    return _page(request, at, visitor, seen, clock, step, None, event, found)


def _page(
    request: Request,
    at: Desk,
    visitor: Visitor,
    seen: Seen,
    clock: Clock,
    wanted: int | None,
    day: date | None,
    version: int | None,
    verdict: Verdict | None,
    *,
    busy: bool = False,
) -> Response:
    entries = sorted(seen.history(NOW), key=lambda entry: (entry[f"{clock}_at"], entry["version"]))
    times = _times(entries, clock, at.now)
    zone = zone_of(request, seen.zone)
    day_end = None if day is None else end_of_local_day(day, zone.key) - INSTANT
    step = _step(times, clock, wanted, day_end)
    today = with_pseudonyms(at, seen, seen.show(NOW) or {})
    opened = next((entry for entry in entries if entry["version"] == version), None)
    if opened is not None:
        opened = with_words(seen, [opened], readable([opened]))[0]
    # Around what is opened, else around the step.
    middle = opened[f"{clock}_at"] if opened else step.at
    first = max(0, sum(entry[f"{clock}_at"] <= middle for entry in entries) - LISTED // 2)
    first = max(0, min(first, len(entries) - LISTED))
    return page(
        request,
        "time_machine",
        programme_zone=seen.zone,
        subject=seen.subject,
        step=step,
        day=step.at.astimezone(zone).date(),
        first_day=times[0].astimezone(zone).date(),
        last_day=at.now.astimezone(zone).date(),
        shown=seen.show(step.moment),
        mentee=today.get("mentee_id"),
        mentor=today.get("mentor_id"),
        names=names_of(request, at, visitor, persons(today, entries), seen),
        signals=SIGNALS,
        bands=BANDS,
        takes_bundle=visitor.role in BUNDLES,
        entries=entries[first : first + LISTED],
        earlier=_step_of(entries, times, clock, first - 1),
        later=_step_of(entries, times, clock, first + LISTED),
        total=len(entries),
        opened=opened,
        decisions=_decided_from(seen, opened),
        place=_place(at, seen, opened),
        verdict=verdict,
        busy=busy,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise wrong_query("on", "expected a day, such as 2026-03-05") from None


def _times(entries: Sequence[Shown], clock: Clock, now: datetime) -> list[datetime]:
    """The steps of a clock: each time once, in order, and now."""
    return sorted({entry[f"{clock}_at"] for entry in entries} | {now})


def _step(times: Sequence[datetime], clock: Clock, wanted: int | None, day_end: datetime | None) -> Step:
    if day_end is not None:
        at = min(day_end, times[-1])
        return Step(clock, at, bisect_right(times, at), len(times))
    number = min(wanted or len(times), len(times))
    return Step(clock, times[number - 1], number, len(times))


def _step_of(entries: Sequence[Shown], times: Sequence[datetime], clock: Clock, place: int) -> int | None:
    """The step of the entry at a place; None where there is none."""
    if not 0 <= place < len(entries):
        return None
    return times.index(entries[place][f"{clock}_at"]) + 1


def _place(at: Desk, seen: Seen, opened: Shown | None) -> LeafPlace | None:
    if opened is None:
        return None
    with at.store.database.reading() as session:
        return place_of(session, seen.subject, opened["version"])


def _decided_from(seen: Seen, opened: Shown | None) -> list[Shown]:
    """What workers decided with this event among their evidence, as far as the reader may know of it."""
    if opened is None or seen.asker.role not in DECISIONS:
        return []
    return [
        each
        for each in seen.decisions()
        if each["evidence_of"] == seen.subject and opened["version"] in each["evidence"]
    ]
