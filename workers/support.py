"""Help beyond the mentor: problems the two can't solve, and mentees who need somebody else.

Keys are relationships, and for the search for another mentor the mentee: it is over when a new relationship is proposed for them.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from workers.ground import Ground
from workers.model import NOTHING, CloseTask, Given, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, HR, because, notify, tidy

MENTEE: Final = "mentee:"


# What a coordinator does about a problem: talk to the two, find other help, or stop for a while or for good.
PROBLEM_SETTLED_BY: Final = ("RecordContact", "ReferMentee", "PauseRelationship", "TerminateRelationship")
OFFICE: Final = ("coordinator", "supplier")


Heard = (
    e.RelationshipProposed
    | e.ProblemReported
    | e.ContactRecorded
    | e.MenteeSignposted
    | e.MenteeReferred
    | e.RelationshipPaused
    | e.RelationshipTerminated
)


class Support(State):
    """For a mentee, the relationships out of which they were referred and which wait for a new mentor; for a relationship, its open problems."""

    referred: tuple[str, ...] = ()
    problems: tuple[int, ...] = ()


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    relation = ground.relation(recorded.subject)
    if relation is None:
        return ()
    match recorded.data:
        case e.RelationshipProposed():
            return (f"{MENTEE}{relation.mentee_id}",)
        case e.MenteeReferred():
            return recorded.subject, f"{MENTEE}{relation.mentee_id}"
        case _:
            return (recorded.subject,)


def _react(state: Support, recorded: AnyRecorded, given: Given) -> tuple[Support, Reaction]:
    event: Heard = recorded.data
    version, of_mentee = recorded.version, given.key.startswith(MENTEE)
    match event:
        case e.ProblemReported():
            return _problem(state, version, given)
        case e.ContactRecorded() if recorded.role in OFFICE:
            return _attended(state)
        case e.RelationshipPaused() | e.RelationshipTerminated():
            return _attended(state)
        case e.MenteeSignposted():
            return state, _signposted(version, given)
        case e.MenteeReferred() if of_mentee:
            return _seek_mentor(state, recorded, given)
        case e.MenteeReferred():
            after, closed = _attended(state)
            return after, (*closed, *_to_hr(version, given))
        case e.RelationshipProposed():
            found = [relation for relation in state.referred if relation != recorded.subject]
            return Support(), tidy(*(CloseTask(f"new_mentor:{relation}") for relation in found))
        case e.ContactRecorded():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("nottingham.problems")
def _problem(state: Support, version: int, given: Given) -> tuple[Support, Reaction]:
    """A problem reaches the coordinator at once, and stays on their list until they have dealt with it."""
    clauses = given.cite("nottingham.problems")
    if not clauses:
        return state, NOTHING
    task = OpenTask(f"problem:{version}", "problem", PROBLEM_SETTLED_BY)
    notices = notify((COORDINATOR,), "problem", of=task.id, version=version)
    return state.but(problems=(*state.problems, version)), (because(clauses, (version,), task, *notices),)


def _attended(state: Support) -> tuple[Support, Reaction]:
    """Somebody has dealt with the open problems."""
    closed = tidy(*(CloseTask(f"problem:{version}") for version in state.problems)) if state.problems else NOTHING
    return state.but(problems=()), closed


@implements("leapfrog.boundaries")
def _signposted(version: int, given: Given) -> Reaction:
    """The mentee is notified that help is available elsewhere; where, they read in the record."""
    clauses = given.cite("leapfrog.boundaries")
    if not clauses or given.relation is None:
        return NOTHING
    return (because(clauses, (version,), *notify((given.relation.mentee,), "signposting", version=version)),)


@implements("cmn.competence")
def _to_hr(version: int, given: Given) -> Reaction:
    """What is beyond the mentor's competence goes to HR."""
    clauses = given.cite("cmn.competence")
    return (because(clauses, (version,), *notify((HR,), "hr_referral", version=version)),) if clauses else NOTHING


@implements("nottingham.refer")
def _seek_mentor(state: Support, recorded: AnyRecorded, given: Given) -> tuple[Support, Reaction]:
    """The coordinator looks for another mentor, until a relationship with one is proposed."""
    clauses = given.cite("nottingham.refer")
    if not clauses:
        return state, NOTHING
    subject = recorded.subject
    task = OpenTask(f"new_mentor:{subject}", "new_mentor", ("ProposeRelationship",), subject=subject)
    notices = notify((COORDINATOR,), "new_mentor", of=task.id, version=recorded.version)
    return state.but(referred=(*state.referred, subject)), (because(clauses, (recorded.version,), task, *notices),)


SUPPORT: Final = Worker(
    name="support",
    state=Support,
    listens=events_of(Heard),
    react=_react,
    keys=_keys,
)
