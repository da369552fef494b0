"""Terms that a mentor declines during the mentoring: the mentor accepts them in time, or the office decides.

Under mentor247 the mentor leaves the programme when the days are over; a pause stops them.
"""

from datetime import timedelta
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.mentor.commands import RemoveMentor
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.words import PLATFORM_DOCUMENTS, Document
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    OpenTask,
    Over,
    Reaction,
    Send,
    State,
    Worker,
)
from workers.reactions import COORDINATOR, because, notify, tidy

SETTLED_BY: Final = "AcceptTerms", "PauseRelationship", "TerminateRelationship"

Heard = e.TermsDeclined | e.TermsAccepted | e.RelationshipPaused | e.RelationshipResumed | e.RelationshipTerminated


class Declined(State):
    """A document that the mentor declined: the version of the event, and until when it may be accepted."""

    document: Document = "terms_of_use"
    version: int = 0
    due: Time | None = None


class Terms(State):
    """The declined documents, and since when the relationship is paused."""

    declined: tuple[Declined, ...] = ()
    paused_at: Time | None = None


def _react(state: Terms, recorded: AnyRecorded, given: Given) -> tuple[Terms, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.TermsDeclined():
            return _declined(state, event.document, recorded, given)
        case e.TermsAccepted():
            return _accepted(state, event.document) if recorded.role == "mentor" else (state, NOTHING)
        case e.RelationshipPaused():
            return state.but(paused_at=given.at), _stopped(state)
        case e.RelationshipResumed():
            return _resumed(state, given)
        case e.RelationshipTerminated():
            return Terms(), tidy(Over())
        case _:
            assert_never(event)


@implements("mentor247.terms", "cmn.commitment-to-code", "care.commitment")
def _declined(state: Terms, document: Document, recorded: AnyRecorded, given: Given) -> tuple[Terms, Reaction]:
    """A mentor who declines a document of the platform after activation is asked to accept it.

    Declined once more meanwhile, it is still the first time from which the days run: nobody puts off the end of them.
    """
    if any(each.document == document for each in state.declined):
        return state, NOTHING
    if recorded.role != "mentor" or document not in PLATFORM_DOCUMENTS or not given.runs:
        return state, NOTHING
    days = timedelta(days=given.term("decision_days"))
    # In a pause no time passes: the days begin when the mentoring goes on.
    found = Declined(document=document, version=recorded.version, due=(state.paused_at or given.at) + days)
    state = state.but(declined=(*state.declined, found))
    if state.paused_at is not None:
        return state, tidy(Cancel(f"terms:{document}"))
    return state, _asked(found, given)


def _asked(found: Declined, given: Given) -> Reaction:
    assert given.relation is not None, "only a relationship that runs asks"
    task = OpenTask(f"terms:{found.document}", "terms_declined", SETTLED_BY, due=found.due, about=found.document)
    people = given.relation.mentor, COORDINATOR
    notices = notify(people, "terms_declined", of=task.id, document=found.document)
    clauses = _clauses(found.document, given)
    return (because(clauses, (found.version,), task, _armed(found), *notices, terms=("decision_days",)),)


def _clauses(document: Document, given: Given) -> tuple[str, ...]:
    code = ("cmn.commitment-to-code",) if document == "code_of_conduct" else ()
    return given.cite("mentor247.terms", *code, "care.commitment")


def _armed(found: Declined) -> Arm:
    assert found.due is not None, "what was declined may be accepted until a day"
    return Arm(f"terms:{found.document}", found.due)


def _stopped(state: Terms) -> Reaction:
    """A pause stops the days, and the task closes until the mentoring goes on."""
    names = [f"terms:{each.document}" for each in state.declined]
    return tidy(*map(Cancel, names), *map(CloseTask, names))


def _accepted(state: Terms, document: Document) -> tuple[Terms, Reaction]:
    rest = tuple(each for each in state.declined if each.document != document)
    return state.but(declined=rest), tidy(Cancel(f"terms:{document}"), CloseTask(f"terms:{document}"))


def _resumed(state: Terms, given: Given) -> tuple[Terms, Reaction]:
    """The days go on where the pause stopped them, if they were not over before it, and the task opens again."""
    declined = tuple(_gone_on(each, state.paused_at, given) for each in state.declined)
    reaction: Reaction = NOTHING
    for each in declined:
        reaction += _asked(each, given)
    return Terms(declined=declined), reaction


def _gone_on(found: Declined, paused_at: Time | None, given: Given) -> Declined:
    if found.due is None or paused_at is None or found.due < paused_at:
        return found
    return found.but(due=found.due + max(given.at - paused_at, timedelta(0)))


@implements("mentor247.terms")
def _due(state: Terms, deadline: Deadline, given: Given) -> tuple[Terms, Reaction]:
    """The days are over: under mentor247 the mentor leaves the programme."""
    if given.relation is None or "mentor247" not in given.relation.codes:
        return state, NOTHING
    document = deadline.name.partition(":")[2]
    reason = f"The mentor declined a document and did not accept it in time: {document}."
    command = RemoveMentor(reason=reason, programme_id=given.relation.programme_id)
    sent = Send(given.relation.mentor, command, f"remove:{document}")
    return state, (because(given.cite("mentor247.terms"), deadline.evidence, sent, terms=("decision_days",)),)


TERMS: Final = Worker(name="terms", state=Terms, listens=events_of(Heard), react=_react, due=_due)
