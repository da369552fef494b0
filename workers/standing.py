"""A mentor's standing, and what it means in each of their relationships.

Keys are mentors. Terms declined, or a case decided that way, remove the mentor; a removal ends each of the mentor's
relationships, the one ending that a machine brings about; a suspension asks the coordinator what becomes of each.
"""

from typing import Final, assert_never

from pydantic import Field

from domain.case.decide import CLAUSE
from domain.case.events import CaseDecided
from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.mentor.commands import RemoveMentor
from domain.mentor.events import MentorReinstated, MentorRemoved, MentorSuspended
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.commands import TerminateRelationship
from domain.words import PLATFORM_DOCUMENTS, CaseKind, EndingReason, Status
from workers.ground import Case, Ground
from workers.model import NOTHING, Cancel, CloseTask, Given, Notify, OpenTask, Over, Reaction, Send, State, Worker
from workers.reactions import COORDINATOR, because, notify, tidy

SUSPENDED: Final = "suspended"
NEXT_STEPS: Final = "The mentor has left the role. The coordinator speaks with the mentee about another mentor."


Heard = (
    MentorRemoved
    | MentorSuspended
    | MentorReinstated
    | CaseDecided
    | e.RelationshipProposed
    | e.RelationshipActivated
    | e.RelationshipPaused
    | e.RelationshipResumed
    | e.RelationshipTerminated
    | e.TermsDeclined
)


class Bond(State):
    """One of the mentor's relationships that has not ended."""

    codes: tuple[str, ...]
    mentee: str
    status: Status


class Standing(State):
    """A mentor: the relationships that have not ended, and the standing. `case_kind` is of the case that ended in removal."""

    bonds: dict[str, Bond] = Field(default_factory=dict)
    suspended: bool = False
    removed: bool = False
    case_kind: CaseKind | None = None


def of_mentor(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """The mentor of the relationship or of the case, or the mentor whose own event it is."""
    if relation := ground.relation(recorded.subject):
        return (relation.mentor,)
    fact = ground.fact(recorded.subject)
    return (f"mentor:{fact.mentor_id}",) if isinstance(fact, Case) else (recorded.subject,)


def _react(state: Standing, recorded: AnyRecorded, given: Given) -> tuple[Standing, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case MentorRemoved():
            return _removed(state, version, given)
        case MentorSuspended():
            return state.but(suspended=True), _suspended(state, version, given)
        case MentorReinstated():
            closed = (CloseTask(f"{SUSPENDED}:{subject}") for subject in state.bonds)
            return state.but(suspended=False), tidy(Cancel(SUSPENDED), *closed)
        case CaseDecided():
            return _decided(state, event, recorded, given)
        case e.TermsDeclined():
            return state, _declined(state, event, recorded, given)
        case (
            e.RelationshipProposed()
            | e.RelationshipActivated()
            | e.RelationshipPaused()
            | e.RelationshipResumed()
            | e.RelationshipTerminated()
        ):
            return _of_bond(state, recorded, given)
        case _:
            assert_never(event)


def _of_bond(state: Standing, recorded: AnyRecorded, given: Given) -> tuple[Standing, Reaction]:
    """One of the mentor's relationships begins, changes its state or ends."""
    relation, subject = given.relation, recorded.subject
    if relation is None:
        return state, NOTHING
    settled = tidy(CloseTask(f"{SUSPENDED}:{subject}"))
    if relation.status == "terminated":
        rest = {key: bond for key, bond in state.bonds.items() if key != subject}
        return state.but(bonds=rest), settled
    bond = Bond(codes=relation.codes, mentee=relation.mentee, status=relation.status)
    state = state.but(bonds={**state.bonds, subject: bond})
    if state.removed:
        return state, _end(subject, bond, state.case_kind, recorded.version, given)
    if state.suspended:
        return state, _ask_what_becomes(subject, bond, recorded.version) or settled
    return state, NOTHING


# --- removal -------------------------------------------------------------------------------------------------------
@implements("mentor247.terms")
def _declined(state: Standing, event: e.TermsDeclined, recorded: AnyRecorded, given: Given) -> Reaction:
    """A mentor who declines one of the platform's documents is removed."""
    clauses = given.cite("mentor247.terms")
    if not clauses or state.removed or recorded.role != "mentor" or event.document not in PLATFORM_DOCUMENTS:
        return NOTHING
    sent = Send(given.key, RemoveMentor(reason=f"The mentor declined a document: {event.document}."), "remove")
    notices = notify((given.key, COORDINATOR), "terms_declined", document=event.document)
    return (because(clauses, (recorded.version,), sent, *notices),)


@implements("cmn.breaches", "mentor247.on-platform")
def _decided(state: Standing, event: CaseDecided, recorded: AnyRecorded, given: Given) -> tuple[Standing, Reaction]:
    """A case that was decided so ends in the mentor leaving the role."""
    if event.decision != "mentor_removed" or state.removed or given.case is None:
        return state, NOTHING
    kind = given.case.kind
    sent = Send(given.key, RemoveMentor(reason=f"Decided in {recorded.subject}."), "remove")
    return state.but(case_kind=kind), (because(given.cite(CLAUSE[kind]), (recorded.version,), sent),)


def _removed(state: Standing, version: int, given: Given) -> tuple[Standing, Reaction]:
    """Every relationship that has not ended is ended."""
    state, reaction = state.but(removed=True, suspended=False), tidy(Over())
    for subject, bond in sorted(state.bonds.items()):
        reaction += _end(subject, bond, state.case_kind, version, given)
    return state, reaction


@implements("mentor247.terms", "cmn.breaches", "pentalog.trust")
def _end(subject: str, bond: Bond, case_kind: CaseKind | None, version: int, given: Given) -> Reaction:
    """A removed mentor's relationship ends, whatever its state; both parties are notified of what comes next."""
    reason: EndingReason = "breach" if case_kind else "supplier_decision"
    command = TerminateRelationship(reason=reason, informed=("mentee", "mentor"), next_steps=NEXT_STEPS)
    people = bond.mentee, given.key, COORDINATOR
    notices = (Notify(person, "mentor_removed", {"relationship": subject}) for person in people)
    clauses = cite(bond.codes, CLAUSE[case_kind] if case_kind else "mentor247.terms")
    return (because(clauses, (version,), Send(subject, command, f"terminate:{subject}"), *notices),)


# --- suspension ----------------------------------------------------------------------------------------------------
def _suspended(state: Standing, version: int, given: Given) -> Reaction:
    """Each relationship that runs or is about to waits for the coordinator's word."""
    reaction: Reaction = (because((), (version,), *notify((given.key,), "mentor_suspended", of=SUSPENDED)),)
    for subject, bond in sorted(state.bonds.items()):
        reaction += _ask_what_becomes(subject, bond, version)
    return reaction


def _ask_what_becomes(subject: str, bond: Bond, version: int) -> Reaction:
    if bond.status == "paused":
        return NOTHING
    settled_by = "PauseRelationship", "TerminateRelationship", "ReinstateMentor"
    task = OpenTask(f"{SUSPENDED}:{subject}", "mentor_suspended", settled_by, subject=subject)
    notices = notify((COORDINATOR,), "mentor_suspended", of=task.id, relationship=subject)
    return (because((), (version,), task, *notices),)


STANDING: Final = Worker(
    name="standing",
    state=Standing,
    listens=events_of(Heard),
    react=_react,
    keys=of_mentor,
)
