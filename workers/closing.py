"""After the end: the review, the mentee's feedback, the records made safe, and one day their erasure.

What an organisation owes after the mentoring stays a task until somebody has done it; nothing here is done by a machine,
and erasure is only ever proposed.
"""

from datetime import timedelta
from typing import Final, assert_never

from domain.calendar import add_months, end_of_local_day, local_day
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import PARTIES
from workers.ground import Ground
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    OpenTask,
    Reaction,
    State,
    Worker,
    of_relationship,
)
from workers.reactions import COORDINATOR, because, notify, parties, tidy

REVIEW: Final = "end_review"
FEEDBACK: Final = "end_feedback"
RECORDS: Final = "records"
RETENTION: Final = "retention"
# In which a person must have an answer to their request.
ANSWER_MONTHS: Final = 1


Heard = (
    e.RelationshipTerminated
    | e.EndReviewRecorded
    | e.FeedbackGiven
    | e.RecordsSecured
    | e.ErasureRequested
    | e.PersonalDataErased
)


class Closing(State):
    """`reviewed`: an end review was recorded; `ended`: the version of the termination; `erased`: whose data is gone."""

    reviewed: bool = False
    ended: int | None = None
    erased: tuple[str, ...] = ()


def _react(state: Closing, recorded: AnyRecorded, given: Given) -> tuple[Closing, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.RelationshipTerminated():
            reaction = _review(state, version, given) + _wind_down(state, version, given) + _feedback(version, given)
            return state.but(ended=version), reaction + _records(version, given) + _keep(version, given)
        case e.EndReviewRecorded():
            return state.but(reviewed=True), tidy(CloseTask(REVIEW), *(CloseTask(f"winding:{p}") for p in PARTIES))
        case e.FeedbackGiven() if recorded.role == "mentee":
            return state, tidy(CloseTask(FEEDBACK))
        case e.RecordsSecured():
            until = end_of_local_day(event.retained_until, given.programme.timezone)
            kept = because(given.cite_or("care.closing", "cmn.records"), (version,), Arm(RETENTION, until))
            return state, (*tidy(Cancel(RECORDS), CloseTask(RECORDS)), kept)
        case e.ErasureRequested():
            return state, _requested(event, version, given)
        case e.PersonalDataErased():
            return state.but(erased=(*state.erased, event.person)), tidy(CloseTask(f"erasure:{event.person}"))
        case e.FeedbackGiven():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("cmn.end-review")
def _review(state: Closing, version: int, given: Given) -> Reaction:
    """The look back at the goals, unless it was recorded before the end."""
    clauses = given.cite("cmn.end-review")
    if not clauses or state.reviewed:
        return NOTHING
    task = OpenTask(REVIEW, REVIEW, ("RecordEndReview",))
    return (because(clauses, (version,), task, *notify((COORDINATOR,), REVIEW, of=REVIEW)),)


@implements("leapfrog.finish")
def _wind_down(state: Closing, version: int, given: Given) -> Reaction:
    """Winding down is shared: a task of both until the end review is recorded."""
    clauses = given.cite("leapfrog.finish")
    if not clauses or state.reviewed or given.relation is None:
        return NOTHING
    due = given.at + timedelta(days=given.term("records_days"))
    tasks = [
        OpenTask(f"winding:{party}", "winding_down", ("RecordEndReview",), due=due, about=party, owner=party)
        for party in PARTIES
    ]
    notices = [
        note
        for person, task in zip(parties(given.relation), tasks, strict=True)
        for note in notify((person,), "winding_down", of=task.id)
    ]
    return (because(clauses, (version,), *tasks, *notices, terms=("records_days",)),)


def _requested(event: e.ErasureRequested, version: int, given: Given) -> Reaction:
    """A requested erasure waits for somebody else's approval, within a month; one under a legal hold can't be carried out yet."""
    if event.legal_hold is not None:
        return NOTHING
    zone = given.programme.timezone
    answer_by = add_months(local_day(given.at, zone), ANSWER_MONTHS)
    task = _erasure(event.person)._replace(due=end_of_local_day(answer_by, zone))
    notices = notify((COORDINATOR,), "erasure_requested", of=task.id)
    return (because(given.cite_or("care.closing", "cmn.records"), (version,), task, *notices),)


def _erasure(person: str) -> OpenTask:
    return OpenTask(f"erasure:{person}", "erasure", ("ErasePersonalData",), about=person)


@implements("cmn.end-feedback")
def _feedback(version: int, given: Given) -> Reaction:
    """The mentee is asked how the mentoring was."""
    clauses = given.cite("cmn.end-feedback")
    if not clauses or given.relation is None:
        return NOTHING
    task = OpenTask(FEEDBACK, FEEDBACK, ("GiveFeedback",))
    return (because(clauses, (version,), task, *notify((given.relation.mentee,), FEEDBACK, of=FEEDBACK)),)


@implements("cmn.records")
def _records(version: int, given: Given) -> Reaction:
    """The records are made safe within the days that the terms give."""
    clauses = given.cite("cmn.records")
    if not clauses:
        return NOTHING
    due = given.at + timedelta(days=given.term("records_days"))
    task = OpenTask(RECORDS, RECORDS, ("SecureRecords",), due=due)
    return (because(clauses, (version,), task, Arm(RECORDS, due), terms=("records_days",)),)


def _keep(version: int, given: Given) -> Reaction:
    """Until somebody sets a day, the records are kept as long as the terms say."""
    until = given.at + timedelta(days=given.term("retention_days"))
    clauses = given.cite_or("care.closing", "cmn.records")
    return (because(clauses, (version,), Arm(RETENTION, until), terms=("retention_days",)),)


@implements("cmn.records")
def _due(state: Closing, deadline: Deadline, given: Given) -> tuple[Closing, Reaction]:
    """The records are still not safe, or have been kept for as long as they may be."""
    if given.relation is None:
        return state, NOTHING
    if deadline.name == RECORDS:
        notices = notify((COORDINATOR,), "records_overdue", of=RECORDS)
        return state, (because(deadline.clauses, deadline.evidence, *notices, terms=("records_days",)),)
    people = [person for person in (given.relation.mentee_id, given.relation.mentor_id) if person not in state.erased]
    if not people:
        return state, NOTHING
    tasks = [_erasure(person) for person in people]
    notices = notify((COORDINATOR,), "erasure")
    return state, (because(deadline.clauses, deadline.evidence, *tasks, *notices),)


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """The relationship; or the person, where everything about them is to be erased."""
    return (recorded.subject,) if recorded.subject.startswith("person:") else of_relationship(recorded, ground)


CLOSING: Final = Worker(
    name="closing",
    state=Closing,
    listens=events_of(Heard),
    react=_react,
    due=_due,
    keys=_keys,
)
