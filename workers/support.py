"""Help beyond the mentor: problems the two can't solve, what is beyond the mentor's competence, bad answers about practice.

Each waits for the office. The search for another mentor is `workers.rematch`.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.codes.questions import CONCERNING, is_bad
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.reviews import is_about
from domain.words import OFFICE
from workers.model import NOTHING, CloseTask, Given, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, HR, because, decide_by, notify, tidy

# What a coordinator does about a problem: look into it, find other help, or stop for a while or for good.
PROBLEM_SETTLED_BY: Final = ("ReviewRelationship", "ReferMentee", "PauseRelationship", "TerminateRelationship")


Heard = (
    e.ProblemReported
    | e.FeedbackGiven
    | e.MenteeSignposted
    | e.MenteeReferred
    | e.RelationshipReviewed
    | e.RelationshipPaused
    | e.RelationshipTerminated
)


class Support(State):
    """The versions of the problems, referrals and answers that wait for somebody to look into them, with the task of each."""

    problems: tuple[int, ...] = ()
    referrals: tuple[int, ...] = ()
    answers: tuple[str, ...] = ()


def _react(state: Support, recorded: AnyRecorded, given: Given) -> tuple[Support, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.ProblemReported():
            return _problem(state, version, given)
        case e.FeedbackGiven():
            return _answered(state, event, version, given)
        case e.MenteeSignposted():
            return state, _signposted(version, given)
        case e.MenteeReferred():
            after, closed = _problems_attended(state)
            after, referred = _to_hr(after, version, given)
            return after, closed + referred
        case e.RelationshipReviewed():
            return _reviewed(state, event, recorded.role)
        case e.RelationshipPaused() | e.RelationshipTerminated():
            return _problems_attended(state)
        case _:
            assert_never(event)


@implements("nottingham.problems", "care.problem")
def _problem(state: Support, version: int, given: Given) -> tuple[Support, Reaction]:
    """A problem reaches the coordinator at once, and stays on their list until somebody has seen to it."""
    due = decide_by(given)
    task = OpenTask(f"problem:{version}", "problem", PROBLEM_SETTLED_BY, due=due)
    notices = notify((COORDINATOR,), "problem", of=task.id, version=version)
    clauses = given.cite("nottingham.problems", "care.problem")
    reported = because(clauses, (version,), task, *notices, terms=("decision_days",))
    return state.but(problems=(*state.problems, version)), (reported,)


def _problems_attended(state: Support) -> tuple[Support, Reaction]:
    """Somebody has dealt with the open problems."""
    closed = tidy(*(CloseTask(f"problem:{version}") for version in state.problems))
    return state.but(problems=()), closed


def _reviewed(state: Support, event: e.RelationshipReviewed, role: str) -> tuple[Support, Reaction]:
    """The office has looked at the relationship, or at some matters: problems are coordinator's and supplier's, referrals HR's."""
    problems = _seen(event, state.problems) if role in OFFICE else ()
    referrals = _seen(event, state.referrals) if role == HR else ()
    answers = tuple(task for task in state.answers if is_about(event, (_version(task),)))
    after = state.but(
        problems=tuple(version for version in state.problems if version not in problems),
        referrals=tuple(version for version in state.referrals if version not in referrals),
        answers=tuple(task for task in state.answers if task not in answers),
    )
    tasks = (*(f"problem:{version}" for version in problems), *(f"referral:{version}" for version in referrals))
    return after, tidy(*(CloseTask(task) for task in (*tasks, *answers)))


def _seen(event: e.RelationshipReviewed, versions: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(version for version in versions if is_about(event, (version,)))


def _version(task: str) -> int:
    """The version of the answer that a task is about."""
    return int(task.rpartition(":")[2])


@implements(*CONCERNING, "care.feedback")
def _answered(state: Support, event: e.FeedbackGiven, version: int, given: Given) -> tuple[Support, Reaction]:
    """A bad answer comes before the coordinator under every code, without the words."""
    reaction: Reaction = NOTHING
    due = decide_by(given)
    for clause in CONCERNING:
        if clause not in event.answers or not is_bad(event.answers[clause]):
            continue
        task = OpenTask(
            f"feedback:{clause}:{version}", "feedback_concern", ("ReviewRelationship",), due=due, about=clause
        )
        notices = notify((COORDINATOR,), "feedback_concern", of=task.id, clause=clause)
        clauses = given.cite(clause, "care.feedback")
        reaction += (because(clauses, (version,), task, *notices, terms=("decision_days",)),)
        state = state.but(answers=(*state.answers, task.id))
    return state, reaction


@implements("leapfrog.boundaries")
def _signposted(version: int, given: Given) -> Reaction:
    """The mentee is notified that help is available elsewhere; where, they read in the record."""
    clauses = given.cite("leapfrog.boundaries")
    if not clauses or given.relation is None:
        return NOTHING
    return (because(clauses, (version,), *notify((given.relation.mentee,), "signposting", version=version)),)


@implements("cmn.competence")
def _to_hr(state: Support, version: int, given: Given) -> tuple[Support, Reaction]:
    """What is beyond the mentor's competence goes to HR, as a task."""
    clauses = given.cite("cmn.competence")
    if not clauses:
        return state, NOTHING
    due = decide_by(given)
    task = OpenTask(f"referral:{version}", "hr_referral", ("ReviewRelationship",), due=due, owner="hr")
    notices = notify((HR,), "hr_referral", of=task.id, version=version)
    referred = because(clauses, (version,), task, *notices, terms=("decision_days",))
    return state.but(referrals=(*state.referrals, version)), (referred,)


SUPPORT: Final = Worker(name="support", state=Support, listens=events_of(Heard), react=_react)
