"""A mentee who needs another mentor: a task until one was proposed, or the mentee was helped otherwise.

Keys are the mentees, since the proposal that ends the search is another relationship's.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import EndingReason
from workers.ground import Ground
from workers.model import NOTHING, CloseTask, Given, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

# Endings after which the mentee needs somebody else.
ENDINGS: Final[tuple[EndingReason, ...]] = ("mentor_withdrawal", "referred", "compromising_relationship")
SETTLED_BY: Final = "ProposeRelationship", "SignpostMentee"

Heard = e.RelationshipProposed | e.MatchDeclined | e.MenteeReferred | e.RelationshipTerminated | e.MenteeSignposted


class Search(State):
    """A relationship whose mentee needs another mentor."""

    subject: str = ""
    programme: str = ""


class Rematch(State):
    """The searches for a mentee, and the relationships after which another was proposed already."""

    open: tuple[Search, ...] = ()
    followed: tuple[str, ...] = ()


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    relation = ground.relation(recorded.subject)
    return () if relation is None else (relation.mentee,)


def _react(state: Rematch, recorded: AnyRecorded, given: Given) -> tuple[Rematch, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.RelationshipProposed():
            return _proposed(state, event, recorded.subject)
        case e.MatchDeclined() | e.MenteeReferred():
            return _seek(state, recorded, given)
        case e.RelationshipTerminated():
            return _ended(state, event, recorded, given)
        case e.MenteeSignposted():
            ended = given.relation is not None and given.relation.status == "terminated"
            return _found(state, {recorded.subject}) if ended else (state, NOTHING)
        case _:
            assert_never(event)


def _ended(
    state: Rematch, event: e.RelationshipTerminated, recorded: AnyRecorded, given: Given
) -> tuple[Rematch, Reaction]:
    """The mentor left or can't help, and nobody else was proposed yet.

    A worker ends a relationship only when its mentor was removed.
    """
    needed = event.reason in ENDINGS or recorded.role == "worker"
    return _seek(state, recorded, given) if needed and recorded.subject not in state.followed else (state, NOTHING)


@implements("nottingham.refer", "care.rematch")
def _seek(state: Rematch, recorded: AnyRecorded, given: Given) -> tuple[Rematch, Reaction]:
    """The coordinator looks for another mentor."""
    subject, relation = recorded.subject, given.relation
    if relation is None or any(each.subject == subject for each in state.open):
        return state, NOTHING
    search = Search(subject=subject, programme=relation.programme_id)
    due = decide_by(given)
    task = OpenTask(f"new_mentor:{subject}", "new_mentor", SETTLED_BY, due=due, subject=subject)
    notices = notify((COORDINATOR,), "new_mentor", of=task.id, version=recorded.version)
    clauses = given.cite("nottingham.refer", "care.rematch")
    sought = because(clauses, (recorded.version,), task, *notices, terms=("decision_days",))
    return state.but(open=(*state.open, search)), (sought,)


def _proposed(state: Rematch, event: e.RelationshipProposed, subject: str) -> tuple[Rematch, Reaction]:
    """A proposal that follows the relationship, or one in the same programme, ends the search."""
    found = {
        each.subject
        for each in state.open
        if each.subject != subject and (event.follows == each.subject or event.programme_id == each.programme)
    }
    followed = found | ({event.follows} if event.follows is not None else set())
    state = state.but(followed=tuple(dict.fromkeys((*state.followed, *sorted(followed)))))
    return _found(state, found)


def _found(state: Rematch, subjects: set[str]) -> tuple[Rematch, Reaction]:
    rest = tuple(each for each in state.open if each.subject not in subjects)
    return state.but(open=rest), tidy(*(CloseTask(f"new_mentor:{subject}") for subject in sorted(subjects)))


REMATCH: Final = Worker(name="rematch", state=Rematch, listens=events_of(Heard), react=_react, keys=_keys, crosses=True)
