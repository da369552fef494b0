"""What a decision may use of other subjects, gathered in one place: for intake, and for the audit that decides again.

`Others` says what other aggregates had recorded by the time of the decision; who asks knows where that is kept.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from domain.case.commands import OpenCase
from domain.case.state import Case
from domain.known import known_at, mentor_limit
from domain.mentor.state import Mentor
from domain.model import NOTHING_KNOWN, AnyRecorded, Command, Context, Event, Known
from domain.programme.state import Programme
from domain.registry import State
from domain.relationship.commands import ErasePersonalData, ProposeRelationship
from domain.relationship.events import RelationshipProposed
from domain.relationship.state import Relationship


class Others(Protocol):
    """What other subjects had recorded by the time of a decision."""

    def mentor(self, mentor_id: str) -> Mentor | None:
        """A mentor's state; None where nothing is recorded."""
        ...

    def programme(self, programme_id: str) -> Programme | None:
        """A programme's state; None where nothing is recorded."""
        ...

    def relationship(self, subject: str) -> Relationship | None:
        """A relationship's state; None also where it can't be read."""
        ...

    def mentee_of(self, subject: str) -> str | None:
        """The mentee of an earlier relationship; None where there is none."""
        ...

    def mentor_load(self, mentor_id: str) -> int:
        """How many relationships of a mentor have not ended."""
        ...

    def cases(self) -> Iterable[State | None]:
        """The state of every conduct case."""
        ...


def context_for(
    subject: str,
    state: State | None,
    command: Command,
    context: Context,
    others: Others,
    history: Callable[[], Sequence[AnyRecorded]],
) -> Context:
    """The context of a decision; `context` has the actor and the times. `history` reads what is recorded of the subject."""
    context = _usual(state, command, context, others, history)
    if isinstance(command, ErasePersonalData):
        return context._replace(open_case=_has_open_case(command.person, subject, others))
    return context


def _usual(
    state: State | None,
    command: Command,
    context: Context,
    others: Others,
    history: Callable[[], Sequence[AnyRecorded]],
) -> Context:
    at = context.occurred_at
    if isinstance(state, Relationship):
        mentor, programme = others.mentor(state.mentor_id), others.programme(state.programme_id)
        known = known_at(at, state.known, state.programme_id, mentor=mentor, programme=programme, own=state.terms)
        return context._replace(known=known, history=history)
    if isinstance(command, ProposeRelationship):
        return _for_proposal(command, context, others)
    if isinstance(state, Mentor) and state.programme_id is not None:
        programme = others.programme(state.programme_id)
        # Of the programme only the days count: its terms are no matter of a mentor.
        zone = known_at(at, NOTHING_KNOWN, state.programme_id, mentor=None, programme=programme).timezone
        return context if zone is None else context._replace(known=Known(timezone=zone))
    of = state.relationship_id if isinstance(state, Case) else None
    if of is None and isinstance(command, OpenCase):
        of = command.relationship_id
    relationship = others.relationship(of) if of is not None else None
    if relationship is not None:
        return context._replace(programme_id=relationship.programme_id, codes=tuple(relationship.codes))
    return context


def _for_proposal(command: ProposeRelationship, context: Context, others: Others) -> Context:
    at = context.occurred_at
    mentor, programme = others.mentor(command.mentor_id), others.programme(command.programme_id)
    known = known_at(at, NOTHING_KNOWN, command.programme_id, mentor=mentor, programme=programme)
    limit = mentor_limit(known, mentor)
    return context._replace(
        known=known,
        codes=programme.codes_at(at) if programme else (),
        mentor_limit=limit,
        mentor_load=0 if limit is None else others.mentor_load(command.mentor_id),
        followed_mentee=others.mentee_of(command.follows) if command.follows is not None else None,
    )


def _has_open_case(person: str, subject: str, others: Others) -> bool:
    """Whether a conduct case about a person, or about the relationship that is to be erased, is neither decided nor closed.

    Where everything about a person is to be erased, every relationship that names them counts.
    """
    everywhere = subject.startswith("person:")
    for case in others.cases():
        if not isinstance(case, Case) or not case.is_open:
            continue
        if subject == case.relationship_id or case.is_about(person):
            return True
        of = others.relationship(case.relationship_id) if everywhere and case.relationship_id else None
        if of is not None and person in of.people:
            return True
    return False


def news(state: State | None, context: Context, events: Sequence[Event]) -> Known | None:
    """What a decision records of what others said: nothing where the stream says it already.

    Only a relationship is decided again without the others, and needs it.
    """
    if isinstance(state, Relationship):
        return None if context.known is state.known else context.known
    if state is None and isinstance(events[0], RelationshipProposed):
        return None if context.known is NOTHING_KNOWN else context.known
    return None
