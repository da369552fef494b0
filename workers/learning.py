"""Mentors keep learning: courses to be taken again in time, professional development every so often, training after a case.

Keys are mentors. The first two are watched over for as long as a relationship that has not ended came under a code
which asks for them.
"""

from datetime import date
from typing import Final, assert_never

from pydantic import Field

from domain.calendar import add_months, end_of_local_day, local_day
from domain.case.decide import CLAUSE
from domain.case.events import CaseDecided
from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.mentor.events import DevelopmentRecorded, MentorRemoved, TrainingRecorded
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from workers.model import NOTHING, Arm, Cancel, CloseTask, Deadline, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, notify, tidy
from workers.standing import of_mentor

DEVELOPMENT: Final = "development"
AFTER_CASE: Final = "after_case"
COMPETENCE: Final = "leapfrog.competence"
FURTHER: Final = "nottingham.further-training"


Heard = (
    MentorRemoved
    | TrainingRecorded
    | DevelopmentRecorded
    | CaseDecided
    | e.RelationshipProposed
    | e.RelationshipTerminated
)


class Learning(State):
    """A mentor: the codes of each relationship that has not ended, since when development counts, courses to be taken again.

    `developed_on` is the day of the latest development, `since` the day from which the months are counted at present.
    """

    bonds: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    developed_on: date | None = None
    since: date | None = None
    again: dict[str, date] = Field(default_factory=dict)

    def cite(self, clause: str) -> tuple[str, ...]:
        """The clause, if it binds the mentor at present."""
        return cite({code for codes in self.bonds.values() for code in codes}, clause)


def _react(state: Learning, recorded: AnyRecorded, given: Given) -> tuple[Learning, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.RelationshipProposed():
            return _bound(state, recorded, given)
        case e.RelationshipTerminated():
            return _unbound(state, recorded.subject)
        case TrainingRecorded():
            return _trained(state, event, version, given)
        case DevelopmentRecorded():
            return _developed(state, event.completed_on, version, given)
        case CaseDecided(decision="further_training"):
            return state, _after_case(recorded, given)
        case MentorRemoved():
            return Learning(), tidy(Over())
        case CaseDecided():
            return state, NOTHING
        case _:
            assert_never(event)


def _bound(state: Learning, recorded: AnyRecorded, given: Given) -> tuple[Learning, Reaction]:
    """A new relationship may bring the first code that asks for something."""
    before, state = state, state.but(bonds={**state.bonds, recorded.subject: tuple(recorded.data.codes)})
    reaction: Reaction = NOTHING
    if state.cite(COMPETENCE) and state.since is None:
        state = state.but(since=state.developed_on or local_day(given.at, given.programme.timezone))
        reaction += _watch_development(state, recorded.version, given)
    if state.cite(FURTHER) and not before.cite(FURTHER):
        for course in state.again:
            reaction += _watch_course(state, course, recorded.version, given)
    return state, reaction


def _unbound(state: Learning, subject: str) -> tuple[Learning, Reaction]:
    """With the last relationship under a code goes what the code asked for."""
    state = state.but(bonds={key: codes for key, codes in state.bonds.items() if key != subject})
    reaction: Reaction = NOTHING
    if not state.cite(COMPETENCE):
        state = state.but(since=None)
        reaction += tidy(Cancel(DEVELOPMENT), CloseTask(DEVELOPMENT))
    if not state.cite(FURTHER):
        for course in state.again:
            reaction += tidy(Cancel(_name(course)), CloseTask(_name(course)))
    return state, reaction


@implements("nottingham.further-training")
def _trained(state: Learning, event: TrainingRecorded, version: int, given: Given) -> tuple[Learning, Reaction]:
    """A course was taken; the day by which it must be taken again, if any, is watched."""
    rest = {course: due for course, due in state.again.items() if course != event.course}
    done = tidy(CloseTask(AFTER_CASE), CloseTask(_name(event.course)), Cancel(_name(event.course)))
    if event.due_on is None:
        return state.but(again=rest), done
    state = state.but(again={**rest, event.course: event.due_on})
    return state, done + _watch_course(state, event.course, version, given)


def _watch_course(state: Learning, course: str, version: int, given: Given) -> Reaction:
    clauses = state.cite(FURTHER)
    due = max(end_of_local_day(state.again[course], given.programme.timezone), given.at)
    return (because(clauses, (version,), Arm(_name(course), due)),) if clauses else NOTHING


def _name(course: str) -> str:
    return f"training:{course}"


@implements("leapfrog.competence")
def _developed(state: Learning, completed_on: date, version: int, given: Given) -> tuple[Learning, Reaction]:
    """Professional development: the months are counted anew from its day."""
    if state.developed_on is not None and completed_on <= state.developed_on:
        return state, NOTHING
    state = state.but(developed_on=completed_on)
    if state.since is None:
        return state, NOTHING
    state = state.but(since=completed_on)
    return state, tidy(CloseTask(DEVELOPMENT)) + _watch_development(state, version, given)


def _watch_development(state: Learning, version: int, given: Given) -> Reaction:
    assert state.since is not None, "counted from some day"
    last = add_months(state.since, int(given.term("development_months")))
    due = max(end_of_local_day(last, given.programme.timezone), given.at)
    return (because(state.cite(COMPETENCE), (version,), Arm(DEVELOPMENT, due), terms=("development_months",)),)


@implements("cmn.breaches")
def _after_case(recorded: AnyRecorded, given: Given) -> Reaction:
    """A case ended in further training: a task until some training is recorded."""
    clauses = given.cite_or("care.breach", *((CLAUSE[given.case.kind],) if given.case else ()))
    task = OpenTask(AFTER_CASE, "further_training", ("RecordTraining",), about=recorded.subject)
    notices = notify((given.key, COORDINATOR), "further_training", of=task.id)
    return (because(clauses, (recorded.version,), task, *notices),)


@implements("leapfrog.competence", "nottingham.further-training")
def _due(state: Learning, deadline: Deadline, given: Given) -> tuple[Learning, Reaction]:
    """Overdue: a task for the mentor."""
    if deadline.name == DEVELOPMENT:
        task = OpenTask(DEVELOPMENT, DEVELOPMENT, ("RecordDevelopment",), owner="mentor")
        notices = notify((given.key,), DEVELOPMENT, of=DEVELOPMENT)
        return state, (because(deadline.clauses, deadline.evidence, task, *notices, terms=("development_months",)),)
    course = deadline.name.partition(":")[2]
    task = OpenTask(deadline.name, "further_training", ("RecordTraining",), about=course)
    notices = notify((given.key, COORDINATOR), "further_training", of=task.id)
    return state, (because(deadline.clauses, deadline.evidence, task, *notices),)


LEARNING: Final = Worker(
    name="learning",
    state=Learning,
    listens=events_of(Heard),
    react=_react,
    due=_due,
    keys=of_mentor,
    crosses=True,
)
