"""`practices` and `practice_answers`: the figures of the practice questions, and who was asked what and whether they answered.

The figures have no totals, and no two of their groups share an answer, so a hidden group can't be worked out from those
that are shown. What somebody answered is kept in private columns alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never

from domain.calendar import local_month
from domain.codes.questions import PRACTICES, Answer, is_bad, is_good
from domain.immutable import Immutable
from domain.model import Actor, AnyRecorded, events_of
from domain.relationship.events import FeedbackGiven, FeedbackRequested, RelationshipProposed
from domain.terms import suppression_min
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowContext, Signed, StateFold, Summary, Worked

Heard = RelationshipProposed | FeedbackRequested | FeedbackGiven

UNASKED: Final = ""

ANSWERS: Final = Table(
    "practice_answers",
    "One row a practice question to one respondent on one occasion of a relationship: asked, and answered or not.",
    (
        relationship_id(),
        Column("respondent", "text", "The role that was asked, or that answered unasked."),
        Column("occasion", "text", "mid or end; empty for an answer that nobody had asked for."),
        Column("clause", "text", "The practice clause that the question is about."),
        Column("programme_id", "text", "The programme of the relationship."),
        Column("month", "text", "The month of the first request, or of an answer that nobody had asked for, in the programme's time zone: YYYY-MM."),
        Column("answered", "boolean", "Whether it was answered."),
        Column("mentor_id", "text", "The mentor of the relationship.", "identity", private=True),
        Column("good", "boolean", "Whether the latest answer is good; empty if it is neither good nor bad.", "process_improvement", private=True),
        Column("respondent_id", "text", "The person who gave the latest answer.", "identity", private=True),
    ),
    key=("relationship_id", "respondent", "occasion", "clause"),
)  # fmt: skip
FIGURES: Final = Table(
    "practices",
    "One row a practice clause, programme, mentor and month: how its question was answered, hidden where too few people answered it.",
    (
        Column("clause", "text", "The practice clause that the question is about."),
        Column("programme_id", "text", "The programme."),
        Column("mentor_id", "text", "The mentor.", "identity"),
        Column("month", "text", "The month of the request, or of an answer that nobody had asked for, in the programme's time zone: YYYY-MM."),
        Column("asked", "integer", "How often somebody was asked, or answered unasked: once a relationship, respondent and occasion."),
        Column("answered", "integer", "How many of these were answered."),
        Column("share_good", "real", "The share of good answers (yes, 3 to 5) among the good and the bad (no, 1, 2), from 0 to 1. The latest answer counts.", "process_improvement"),
        Column("respondents", "integer", "How many different people gave those good and bad answers."),
        Column("suppressed", "boolean", "Whether the figures are hidden: fewer people than suppression_min, or than 3, answered."),
        Column("counts", "json", "The counts behind the figures, also of a hidden group.", "process_improvement", private=True),
    ),
    key=("clause", "programme_id", "mentor_id", "month"),
    figures=True,
    indexes=(("programme_id", "month"),),
)  # fmt: skip
HIDEABLE: Final = ("asked", "answered", "share_good", "respondents")


class Question(NamedTuple):
    """A question to one respondent on one occasion."""

    respondent: str
    occasion: str
    clause: str


class Answered(NamedTuple):
    """One answer: when, in which order, by whom, about what; `good` is None if it is neither good nor bad."""

    at: datetime
    order: int
    respondent: str
    respondent_id: str
    clause: str
    good: bool | None


@dataclass(frozen=True)
class State(Immutable):
    """When each question of a relationship was asked, and everything that was answered."""

    programme_id: str
    mentor_id: str
    asked: Mapping[Question, tuple[datetime, ...]] = field(default_factory=dict)
    answers: tuple[Answered, ...] = ()


def fold(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event."""
    event: Heard = recorded.data
    if isinstance(event, RelationshipProposed):
        return State(event.programme_id, event.mentor_id)
    return None if state is None else _after(state, event, recorded)


def _after(state: State, event: FeedbackRequested | FeedbackGiven, recorded: AnyRecorded) -> State:
    match event:
        case FeedbackRequested():
            asked = dict(state.asked)
            for clause in sorted(PRACTICES.intersection(event.questions)):
                question = Question(event.respondent, event.occasion, clause)
                asked[question] = (*asked.get(question, ()), recorded.occurred_at)
            return state.but(asked=asked)
        case FeedbackGiven():
            by = Actor.parse(recorded.actor)
            given = [
                Answered(recorded.occurred_at, recorded.version, by.role, by.id, clause, _good(event.answers[clause]))
                for clause in sorted(PRACTICES.intersection(event.answers))
            ]
            return state.but(answers=(*state.answers, *given))
        case _:
            assert_never(event)


def _good(answer: Answer) -> bool | None:
    if is_good(answer):
        return True
    return False if is_bad(answer) else None


def work(state: State, context: RowContext) -> Worked:
    """A row for each question. An answer belongs to the latest request before it; a later answer replaces an earlier one."""
    latest: dict[Question, Answered] = {}
    for answer in sorted(state.answers, key=lambda one: (one.at, one.order)):
        latest[_question(state, answer)] = answer
    questions = sorted(state.asked.keys() | latest.keys())
    return Worked({ANSWERS.name: [_row(context, state, question, latest.get(question)) for question in questions]})


def _question(state: State, answer: Answered) -> Question:
    """The question that an answer belongs to."""
    requests = [
        (at, question)
        for question, times in state.asked.items()
        if (question.respondent, question.clause) == (answer.respondent, answer.clause)
        for at in times
        if at <= answer.at
    ]
    return max(requests)[1] if requests else Question(answer.respondent, UNASKED, answer.clause)


def _row(context: RowContext, state: State, question: Question, answer: Answered | None) -> Row:
    times = state.asked.get(question, ()) if answer is None else state.asked.get(question, (answer.at,))
    return {
        "relationship_id": context.subject,
        **question._asdict(),
        "programme_id": state.programme_id,
        "mentor_id": state.mentor_id,
        "month": local_month(min(times), context.programme.timezone),
        "answered": answer is not None,
        "good": answer and answer.good,
        "respondent_id": answer and answer.respondent_id,
    }


def dump(state: State) -> Any:
    """The state as JSON values."""
    asked = [[*question, [at.isoformat() for at in times]] for question, times in state.asked.items()]
    return [state.programme_id, state.mentor_id, asked, [[one.at.isoformat(), *one[1:]] for one in state.answers]]


def load(values: Any) -> State:
    """Read what `dump` gave."""
    programme_id, mentor_id, asked, answers = values
    time = datetime.fromisoformat
    return State(
        programme_id,
        mentor_id,
        {Question(*question): tuple(map(time, times)) for *question, times in asked},
        tuple(Answered(time(at), *rest) for at, *rest in answers),
    )


# --- the figures ---------------------------------------------------------------------------------------------------
def group_of(row: Row) -> Key:
    """The group of a question."""
    return tuple(row[name] for name in FIGURES.key)


def add(group: Row | None, rows: Sequence[Signed]) -> Row | None:
    """The group's row with questions more or less; only the counts are right, `settle` does the rest."""
    counts: Row = group["counts"] if group else {"asked": 0, "answered": 0, "good": 0, "people": {}}
    asked, answered, good, people = counts["asked"], counts["answered"], counts["good"], dict(counts["people"])
    for row, sign in rows:
        asked += sign
        answered += sign * row["answered"]
        good += sign * (row["good"] is True)
        if row["good"] is not None:
            # The answers of each person: someone who answered twice is one respondent.
            people[row["respondent_id"]] = people.get(row["respondent_id"], 0) + sign
    after = {
        "asked": asked,
        "answered": answered,
        "good": good,
        "people": {person: answers for person, answers in sorted(people.items()) if answers},
    }
    return {**dict(zip(FIGURES.key, group_of(rows[0].row), strict=True)), "counts": after} if asked else None


def settle(groups: Sequence[Row], terms: Callable[[str], Mapping[str, float]]) -> list[Row]:
    """These groups with their figures; those that must not be shown without.

    By programme, mentor and month together there are no totals, so no group's answers follow from what others show.
    """
    minimum = {programme: suppression_min(terms(programme)) for programme in {each["programme_id"] for each in groups}}
    return [
        _with_figures(each, is_shown=len(each["counts"]["people"]) >= minimum[each["programme_id"]]) for each in groups
    ]


def _with_figures(group: Row, *, is_shown: bool) -> Row:
    counts = group["counts"]
    people = counts["people"]
    if not is_shown:
        return {**group, **dict.fromkeys(HIDEABLE), "suppressed": True}
    return {
        **group,
        "asked": counts["asked"],
        "answered": counts["answered"],
        "share_good": counts["good"] / sum(people.values()),
        "respondents": len(people),
        "suppressed": False,
    }


def alike(then: Row, today: Row | None) -> Row:
    """A group at another time, hidden unless today's row shows the same: the difference may be one person's answer."""
    is_shown = today is not None and not today["suppressed"] and today["counts"] == then["counts"]
    return then if is_shown else {**then, **dict.fromkeys(HIDEABLE), "suppressed": True}


PROJECTION: Final = StateFold(
    "practices",
    3,
    (ANSWERS,),
    events_of(Heard),
    fold,
    work,
    dump,
    load,
    programme=lambda state: state.programme_id,
    summary=Summary(FIGURES, ANSWERS.name, FIGURES.key, group_of, add, settle),
)
