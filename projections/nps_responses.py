"""`nps_responses` and `nps`: who was asked and what counts of what they answered, and the figures of each programme."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never

from domain.model import AnyRecorded, events_of
from domain.nps import PLACES, SurveyRecord, counted, figure, kind_of
from domain.relationship.events import NpsRequested, NpsResponded, RelationshipProposed
from domain.small_cells import Cell, hidden
from domain.terms import suppression_min
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import Given, StateFold, Summary, Worked

Heard = RelationshipProposed | NpsRequested | NpsResponded

RESPONSES: Final = Table(
    "nps_responses",
    "One row a respondent and occasion of a relationship: asked or answered. The latest answer counts.",
    (
        relationship_id(),
        Column("role", "text", "Who: mentee, mentor or customer."),
        Column("occasion", "text", "When: mid or end."),
        Column("programme_id", "text", "The programme of the relationship."),
        Column("mentor_id", "text", "The mentor of the relationship.", "identity"),
        Column("score", "integer", "The answer that counts, 0 to 10; empty while only asked.", "nps_score"),
        Column("answer", "text", "What it makes of the respondent: promoter, passive or detractor.", "nps_score"),
        Column("counted_at", "time", "When the answer was given that counts, else when it was first asked for."),
        Column("requests", "integer", "How often it was asked for."),
        Column("answers", "integer", "How many answers were given; all but one were replaced."),
    ),
    key=("relationship_id", "role", "occasion"),
    indexes=(("programme_id", "role", "occasion"), ("mentor_id",)),
)
FIGURES: Final = Table(
    "nps",
    "One row a programme, role and occasion: the Net Promoter Score, hidden where the group is too small to be shown.",
    (
        Column("programme_id", "text", "The programme."),
        Column("role", "text", "Who answered: mentee, mentor or customer. Roles are never mixed."),
        Column("occasion", "text", "When: mid or end."),
        Column("n", "integer", "How many answered."),
        Column("asked", "integer", "How many were asked or answered."),
        Column("response_rate", "real", "n / asked, from 0 to 1."),
        Column("promoters", "integer", "How many answered 9 or 10.", "nps_score"),
        Column("passives", "integer", "How many answered 7 or 8.", "nps_score"),
        Column("detractors", "integer", "How many answered 6 or less.", "nps_score"),
        Column("nps", "real", "100 x (promoters - detractors) / n, to one decimal.", "nps_score"),
        Column("low", "real", "The lower end of the 95 % interval.", "nps_score"),
        Column("high", "real", "The upper end of the 95 % interval.", "nps_score"),
        Column(
            "suppressed",
            "boolean",
            "Whether the figures are hidden: they, or another group's, would give answers away.",
        ),
        Column(
            "counts", "json", "Promoters, passives and detractors, also of a hidden group.", "nps_score", private=True
        ),
    ),
    key=("programme_id", "role", "occasion"),
)
HIDEABLE: Final = ("promoters", "passives", "detractors", "nps", "low", "high")


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
            return _with(state, event, None, recorded)
        case NpsResponded():
            return _with(state, event, event.score, recorded)
        case _:
            assert_never(event)


def _with(
    state: State | None, event: NpsRequested | NpsResponded, score: int | None, recorded: AnyRecorded
) -> State | None:
    if state is None:
        return None
    one = SurveyRecord(recorded.occurred_at, recorded.recorded_at, recorded.version, score)
    key = (event.respondent, event.occasion)
    return state._replace(records={**state.records, key: (*state.records.get(key, ()), one)})


def work(state: State, given: Given) -> Worked:
    """A row for each respondent and occasion."""
    return Worked(
        {RESPONSES.name: [_row(given.subject, state, *key, records) for key, records in state.records.items()]}
    )


def _row(relationship: str, state: State, role: str, occasion: str, records: Sequence[SurveyRecord]) -> Row:
    counts = counted(records)
    assert counts is not None, "there is at least one record"
    return {
        "relationship_id": relationship,
        "role": role,
        "occasion": occasion,
        "programme_id": state.programme_id,
        "mentor_id": state.mentor_id,
        "score": counts.score,
        "answer": None if counts.score is None else kind_of(counts.score),
        "counted_at": counts.at,
        "requests": sum(one.score is None for one in records),
        "answers": sum(one.score is not None for one in records),
    }


def dump(state: State) -> Any:
    """The state as JSON values."""
    rows = [[*key, [[*_times(one), one.order, one.score] for one in records]] for key, records in state.records.items()]
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
            (role, occasion): tuple(
                SurveyRecord(time(at), time(known), order, score) for at, known, order, score in records
            )
            for role, occasion, records in rows
        },
    )


# --- the figures ---------------------------------------------------------------------------------------------------
def group_of(row: Row) -> Key:
    """The group of a response."""
    return (row["programme_id"], row["role"], row["occasion"])


def add(group: Row | None, response: Row, sign: int) -> Row | None:
    """The group's row with a response more or less; only the counts are right, `settle` does the rest."""
    programme_id, role, occasion = group_of(response)
    row = dict(group) if group else {"programme_id": programme_id, "role": role, "occasion": occasion, "asked": 0}
    counts = list(row.get("counts") or (0, 0, 0))
    if response["answer"] is not None:
        counts[PLACES[response["answer"]]] += sign
    row |= {"asked": row["asked"] + sign, "counts": counts}
    return row if row["asked"] else None


def settle(groups: Sequence[Row], terms: Callable[[str], Mapping[str, float]]) -> list[Row]:
    """All groups with their figures; those that must not be shown without."""
    minimum = {group["programme_id"]: suppression_min(terms(group["programme_id"])) for group in groups}
    questions: dict[tuple[str, str], dict[tuple[str, ...], Cell]] = {}
    for group in groups:
        cells = questions.setdefault((group["role"], group["occasion"]), {})
        cells[(group["programme_id"],)] = Cell(sum(group["counts"]), minimum[group["programme_id"]])
    unseen = {question: hidden(cells) for question, cells in questions.items()}
    return [
        shown(group, suppressed=(group["programme_id"],) in unseen[group["role"], group["occasion"]])
        for group in groups
    ]


def shown(group: Row, *, suppressed: bool) -> Row:
    """A group with its figures, or with none of those that reveal answers."""
    promoters, passives, detractors = group["counts"]
    suppressed = suppressed or not sum(group["counts"])
    figures = figure(promoters, passives, detractors, group["asked"])._asdict()
    if suppressed:
        figures |= dict.fromkeys(HIDEABLE)
    return {**group, **figures, "suppressed": suppressed}


PROJECTION: Final = StateFold(
    "nps_responses",
    1,
    (RESPONSES,),
    events_of(Heard),
    fold,
    work,
    dump,
    load,
    summary=Summary(FIGURES, RESPONSES.name, group_of, add, settle),
)
