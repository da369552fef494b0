"""`nps_responses` and `nps`: how many were asked and answered, and the figures of each programme.

Single answers are not for analysts: what somebody answered, and who it was, is kept in private columns alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never

from domain.asked_cells import Asked
from domain.calendar import local_month
from domain.few_people import Cell
from domain.model import Actor, AnyRecorded, events_of
from domain.nps import HIDDEN, PLACES, SurveyRecord, counted, figure, kind_of, without_asked
from domain.relationship.events import NpsRequested, NpsResponded, RelationshipProposed
from domain.small_cells import Figure, Group, Keys, Suppression
from domain.terms import suppression_min
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowContext, Signed, StateFold, Summary, Worked

Heard = RelationshipProposed | NpsRequested | NpsResponded

RESPONSES: Final = Table(
    "nps_responses",
    "One row a respondent and occasion of a relationship, whichever they are: asked, and answered or not. No answer is here.",
    (
        relationship_id(private=True),
        Column("programme_id", "text", "The programme of the relationship."),
        Column("role", "text", "Who: mentee, mentor or customer."),
        Column("occasion", "text", "When: mid or end."),
        Column("month", "text", "The month of the answer that counts, else of the first request, in the programme's time zone: YYYY-MM."),
        Column("answered", "boolean", "Whether it was answered."),
        Column("answer", "text", "What the answer makes of the respondent: promoter, passive or detractor.", "nps_score", private=True),
        Column("respondent_id", "text", "The person who gave the answer that counts.", "identity", private=True),
    ),
    key=("relationship_id", "role", "occasion"),
    indexes=(("programme_id", "role", "occasion"),),
    order=("programme_id", "role", "occasion", "month", "answered"),
    anonymous=True,
)  # fmt: skip
FIGURES: Final = Table(
    "nps",
    "One row a programme, role and occasion: the Net Promoter Score, hidden where the group is too small to be shown.",
    (
        Column("programme_id", "text", "The programme."),
        Column("role", "text", "Who answered: mentee, mentor or customer. Roles are never mixed."),
        Column("occasion", "text", "When: mid or end."),
        Column("n", "integer", "How many answers count."),
        Column("respondents", "integer", "How many different people gave them."),
        Column("asked", "integer", "How many were asked or answered; empty where a group in which nobody answered would follow."),
        Column("response_rate", "real", "n / asked, from 0 to 1."),
        Column("promoters", "integer", "How many answered 9 or 10.", "nps_score"),
        Column("passives", "integer", "How many answered 7 or 8.", "nps_score"),
        Column("detractors", "integer", "How many answered 6 or less.", "nps_score"),
        Column("nps", "real", "100 x (promoters - detractors) / n, to one decimal.", "nps_score"),
        Column("low", "real", "The lower end of the 95 % interval.", "nps_score"),
        Column("high", "real", "The upper end of the 95 % interval.", "nps_score"),
        Column("suppressed", "boolean", "Whether the figures are hidden: fewer people than suppression_min, or than 3, answered, or the figures would give such a group away."),
        Column("counts", "json", "The counts behind the figures, also of a hidden group.", "nps_score", private=True),
    ),
    key=("programme_id", "role", "occasion"),
    figures=True,
)  # fmt: skip
TOTAL_AND_PROGRAMMES: Final[tuple[Keys, ...]] = ((), (0,))


class State(NamedTuple):
    """Who is asked about, and everything that was asked and answered by (role, occasion)."""

    programme_id: str
    mentor_id: str
    records: Mapping[tuple[str, str], tuple[SurveyRecord, ...]]


def fold(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event."""
    event: Heard = recorded.data
    match event:
        case RelationshipProposed():
            return State(event.programme_id, event.mentor_id, {})
        case NpsRequested():
            return _with(state, event, recorded, None)
        case NpsResponded():
            return _with(state, event, recorded, event.score, Actor.parse(recorded.actor).id)
        case _:
            assert_never(event)


def _with(
    state: State | None,
    event: NpsRequested | NpsResponded,
    recorded: AnyRecorded,
    score: int | None,
    by: str | None = None,
) -> State | None:
    if state is None:
        return None
    one = SurveyRecord(recorded.occurred_at, recorded.recorded_at, recorded.version, score, by)
    key = (event.respondent, event.occasion)
    return state._replace(records={**state.records, key: (*state.records.get(key, ()), one)})


def work(state: State, context: RowContext) -> Worked:
    """A row for each respondent and occasion."""
    return Worked({RESPONSES.name: [_row(context, state, *key, records) for key, records in state.records.items()]})


def _row(context: RowContext, state: State, role: str, occasion: str, records: Sequence[SurveyRecord]) -> Row:
    counts = counted(records)
    assert counts is not None, "there is at least one record"
    return {
        "relationship_id": context.subject,
        "programme_id": state.programme_id,
        "role": role,
        "occasion": occasion,
        "month": local_month(counts.at, context.programme.timezone),
        "answered": counts.score is not None,
        "answer": None if counts.score is None else kind_of(counts.score),
        "respondent_id": counts.by,
    }


def dump(state: State) -> Any:
    """The state as JSON values."""
    rows = [[*key, [[*_times(one), *one[2:]] for one in records]] for key, records in state.records.items()]
    return [state.programme_id, state.mentor_id, rows]


def _times(one: SurveyRecord) -> tuple[str, str]:
    return one.at.isoformat(), one.recorded_at.isoformat()


def load(values: Any) -> State:
    """Read what `dump` gave."""
    programme_id, mentor_id, rows = values
    time = datetime.fromisoformat
    return State(
        programme_id,
        mentor_id,
        {
            (role, occasion): tuple(SurveyRecord(time(at), time(known), *rest) for at, known, *rest in records)
            for role, occasion, records in rows
        },
    )


# --- the figures ---------------------------------------------------------------------------------------------------
def group_of(row: Row) -> Key:
    """The group of a response."""
    return (row["programme_id"], row["role"], row["occasion"])


def add(group: Row | None, responses: Sequence[Signed]) -> Row | None:
    """The group's row with responses more or less; only the counts are right, `settle` does the rest."""
    counts: Row = group["counts"] if group else {"asked": 0, "kinds": [0, 0, 0], "people": {}}
    asked, kinds, people = counts["asked"], list(counts["kinds"]), dict(counts["people"])
    for response, sign in responses:
        asked += sign
        if response["answered"]:
            kinds[PLACES[response["answer"]]] += sign
            # The answers of each person: someone who answered twice is one respondent.
            people[response["respondent_id"]] = people.get(response["respondent_id"], 0) + sign
    after = {
        "asked": asked,
        "kinds": kinds,
        "people": {person: answers for person, answers in sorted(people.items()) if answers},
    }
    return {**dict(zip(FIGURES.key, group_of(responses[0].row), strict=True)), "counts": after} if asked else None


def settle(groups: Sequence[Row], terms: Callable[[str], Mapping[str, float]]) -> list[Row]:
    """All groups of some roles and occasions with their figures; those that must not be shown without."""
    minimum = {programme: suppression_min(terms(programme)) for programme in {each["programme_id"] for each in groups}}
    questions: dict[tuple[str, str], dict[Group, Cell]] = {}
    for group in groups:
        programme = group["programme_id"]
        cells = questions.setdefault((group["role"], group["occasion"]), {})
        cells[(programme,)] = Cell(frozenset(group["counts"]["people"]), minimum[programme])
    settled = {question: Suppression(cells, TOTAL_AND_PROGRAMMES) for question, cells in questions.items()}
    asked = {
        question: Asked(cells, TOTAL_AND_PROGRAMMES, settled[question].in_order)
        for question, cells in questions.items()
    }
    found = []
    for group in groups:
        question, cell = (group["role"], group["occasion"]), (group["programme_id"],)
        is_shown, with_asked = Figure((0,), cell) in settled[question].shown, asked[question].follows([cell])
        found.append(_with_figures(group, is_shown=is_shown, with_asked=with_asked))
    return found


def _with_figures(group: Row, *, is_shown: bool, with_asked: bool) -> Row:
    counts = group["counts"]
    promoters, passives, detractors = counts["kinds"]
    people = len(counts["people"])
    figures = figure(promoters, passives, detractors, counts["asked"], people) if is_shown else HIDDEN
    figures = figures if with_asked else without_asked(figures)
    return {**group, **figures._asdict(), "suppressed": not is_shown}


PROJECTION: Final = StateFold(
    "nps_responses",
    3,
    (RESPONSES,),
    events_of(Heard),
    fold,
    work,
    dump,
    load,
    programme=lambda state: state.programme_id,
    # The total of a role and occasion is shown as well, so what one programme shows depends on the others.
    summary=Summary(FIGURES, RESPONSES.name, ("role", "occasion"), group_of, add, settle),
)
