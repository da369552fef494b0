"""A mentor's standing, and what it means in each of their relationships.

Keys are mentors. A case decided that way removes the mentor from the programme; a removal ends each of the mentor's
relationships there, the one ending that a machine brings about; a suspension asks the coordinator what becomes of each.
Standing is of a programme or, without one, of everywhere.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from pydantic import Field

from domain.case.decide import CLAUSES
from domain.case.events import CaseDecided
from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.mentor.commands import RemoveMentor
from domain.mentor.events import MentorReinstated, MentorRemoved, MentorSuspended
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.relationship.commands import TerminateRelationship
from domain.words import CaseKind, EndingReason, Status
from workers.ground import EVERYWHERE, Case, Ground
from workers.model import NOTHING, Cancel, CloseTask, Given, Notify, OpenTask, Over, Reaction, Send, State, Worker
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

SUSPENDED: Final = "suspended"
SETTLED_BY: Final = "ReinstateMentor", "PauseRelationship", "TerminateRelationship"
NEXT_STEPS: Final = "The mentor has left the role. The coordinator speaks with the mentee about another mentor."

SessionNews = e.SessionScheduled | e.SessionRescheduled | e.SessionCancelled | e.SessionCompleted | e.SessionMissed
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
    | SessionNews
)


class Planned(State):
    """A session before activation: its start, and when its latest move was asked for."""

    starts_at: Time
    moved_at: Time | None = None


class Bond(State):
    """One of the mentor's relationships that has not ended. `planned`: its sessions before activation."""

    programme: str
    codes: tuple[str, ...]
    mentee: str
    status: Status
    planned: dict[str, Planned] = Field(default_factory=dict)

    def needs_care(self, at: datetime) -> bool:
        """Whether it is active or has sessions to come."""
        return self.status == "active" or any(each.starts_at > at for each in self.planned.values())


class MentorState(State):
    """A mentor: the relationships that have not ended, and the programmes of which the mentor is suspended or removed.

    `case_kind` is of the case that ended in removal.
    """

    bonds: dict[str, Bond] = Field(default_factory=dict)
    suspended: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    case_kind: CaseKind | None = None

    def bonds_in(self, programme: str) -> Iterator[tuple[str, Bond]]:
        """The relationships of a programme, or all; in order of their ids."""
        for subject, bond in sorted(self.bonds.items()):
            if programme in (EVERYWHERE, bond.programme):
                yield subject, bond

    def is_suspended(self, bond: Bond) -> bool:
        """Whether the mentor is suspended where a relationship is."""
        return EVERYWHERE in self.suspended or bond.programme in self.suspended


def of_mentor(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """The mentor of the relationship or of the case, or the mentor whose own event it is."""
    if relation := ground.relation(recorded.subject):
        return (relation.mentor,)
    fact = ground.fact(recorded.subject)
    if isinstance(fact, Case):
        return (f"mentor:{fact.mentor_id}",) if fact.mentor_id is not None else ()
    return (recorded.subject,)


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    # Sessions of a relationship that is active say nothing new: it is looked after as it is.
    if isinstance(recorded.data, SessionNews):
        relation = ground.relation(recorded.subject)
        return (relation.mentor,) if relation is not None and relation.status == "contracting" else ()
    return of_mentor(recorded, ground)


def _react(state: MentorState, recorded: AnyRecorded, given: Given) -> tuple[MentorState, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case MentorRemoved():
            return _removed(state, event.programme_id or EVERYWHERE, version, given)
        case MentorSuspended():
            return _suspended(state, event.programme_id or EVERYWHERE, version, given)
        case MentorReinstated():
            return _reinstated(state, event.programme_id or EVERYWHERE)
        case CaseDecided():
            return _decided(state, event, recorded, given)
        case (
            e.RelationshipProposed()
            | e.RelationshipActivated()
            | e.RelationshipPaused()
            | e.RelationshipResumed()
            | e.RelationshipTerminated()
            | e.SessionScheduled()
            | e.SessionRescheduled()
            | e.SessionCancelled()
            | e.SessionCompleted()
            | e.SessionMissed()
        ):
            return _of_bond(state, recorded, given)
        case _:
            assert_never(event)


def _of_bond(state: MentorState, recorded: AnyRecorded, given: Given) -> tuple[MentorState, Reaction]:
    """One of the mentor's relationships begins, changes its state, plans its first session or ends."""
    relation, subject = given.relation, recorded.subject
    if relation is None:
        return state, NOTHING
    settled = tidy(CloseTask(f"{SUSPENDED}:{subject}"))
    if relation.status == "terminated":
        rest = {key: bond for key, bond in state.bonds.items() if key != subject}
        return state.but(bonds=rest), settled
    before, contracting = state.bonds.get(subject), relation.status == "contracting"
    bond = Bond(
        programme=relation.programme_id,
        codes=relation.codes,
        mentee=relation.mentee,
        status=relation.status,
        planned=_planned(before.planned if before is not None else {}, recorded) if contracting else {},
    )
    state = state.but(bonds={**state.bonds, subject: bond})
    if EVERYWHERE in state.removed or bond.programme in state.removed:
        return state, _end(subject, bond, state.case_kind, recorded.version, given)
    if state.is_suspended(bond):
        return state, _ask_what_becomes(subject, bond, recorded.version, given) or settled
    return state, NOTHING


def _planned(before: dict[str, Planned], recorded: AnyRecorded) -> dict[str, Planned]:
    """The sessions of a relationship that is not active yet, after an event; they keep the start of their latest move."""
    match recorded.data:
        case e.SessionScheduled(session_id=session_id, starts_at=starts_at):
            return {**before, session_id: Planned(starts_at=starts_at)}
        case e.SessionRescheduled(session_id=session_id, starts_at=starts_at):
            known, at = before.get(session_id), recorded.occurred_at
            if known is None or (known.moved_at is not None and at < known.moved_at):
                return before
            return {**before, session_id: Planned(starts_at=starts_at, moved_at=at)}
        case e.SessionCancelled() | e.SessionCompleted() | e.SessionMissed():
            return {key: value for key, value in before.items() if key != recorded.data.session_id}
        case _:
            return before


# --- removal -------------------------------------------------------------------------------------------------------
@implements("cmn.breaches", "mentor247.on-platform")
def _decided(
    state: MentorState, event: CaseDecided, recorded: AnyRecorded, given: Given
) -> tuple[MentorState, Reaction]:
    """A case that was decided so ends in the mentor leaving the role, in the programme of the case where it has one."""
    programme = given.relation.programme_id if given.relation is not None else None
    known = EVERYWHERE in state.removed or programme in state.removed
    if event.decision != "mentor_removed" or known or given.case is None:
        return state, NOTHING
    kind = given.case.kind
    command = RemoveMentor(reason=f"Decided in {recorded.subject}.", programme_id=programme)
    sent = Send(given.key, command, "remove")
    return state.but(case_kind=kind), (because(given.cite(*CLAUSES[kind]), (recorded.version,), sent),)


def _removed(state: MentorState, programme: str, version: int, given: Given) -> tuple[MentorState, Reaction]:
    """Every relationship there that has not ended is ended."""
    gone = list(state.bonds_in(programme))
    suspended = () if programme == EVERYWHERE else tuple(each for each in state.suspended if each != programme)
    state = state.but(removed=(*state.removed, programme), suspended=suspended)
    closed = (CloseTask(f"{SUSPENDED}:{subject}") for subject, _ in gone)
    reaction = tidy(Over()) if programme == EVERYWHERE else tidy(*closed)
    for subject, bond in gone:
        reaction += _end(subject, bond, state.case_kind, version, given)
    return state, reaction


@implements("mentor247.terms", "cmn.breaches", "pentalog.trust", "care.standing")
def _end(subject: str, bond: Bond, case_kind: CaseKind | None, version: int, given: Given) -> Reaction:
    """A removed mentor's relationship ends, whatever its state; both parties are notified of what comes next."""
    reason: EndingReason = "breach" if case_kind else "supplier_decision"
    command = TerminateRelationship(reason=reason, informed=("mentee", "mentor"), next_steps=NEXT_STEPS)
    people = bond.mentee, given.key, COORDINATOR
    notices = (Notify(person, "mentor_removed", {"relationship": subject}) for person in people)
    clauses = cite(bond.codes, *(CLAUSES[case_kind] if case_kind else ("mentor247.terms", "care.standing")))
    return (because(clauses, (version,), Send(subject, command, f"terminate:{subject}"), *notices),)


# --- suspension ----------------------------------------------------------------------------------------------------
def _suspended(state: MentorState, programme: str, version: int, given: Given) -> tuple[MentorState, Reaction]:
    """Each relationship there that runs, or has sessions to come, waits for the coordinator's word."""
    state = state.but(suspended=(*(each for each in state.suspended if each != programme), programme))
    notices = notify((given.key,), "mentor_suspended", of=SUSPENDED)
    reaction: Reaction = (because(given.cite("care.standing"), (version,), *notices),)
    for subject, bond in state.bonds_in(programme):
        reaction += _ask_what_becomes(subject, bond, version, given)
    return state, reaction


def _reinstated(state: MentorState, programme: str) -> tuple[MentorState, Reaction]:
    """Reinstated everywhere, the mentor is suspended nowhere."""
    left = () if programme == EVERYWHERE else tuple(each for each in state.suspended if each != programme)
    state = state.but(suspended=left)
    closed = (
        CloseTask(f"{SUSPENDED}:{subject}")
        for subject, bond in state.bonds_in(programme)
        if not state.is_suspended(bond)
    )
    return state, tidy(Cancel(SUSPENDED), *closed)


@implements("cmn.breaches", "care.standing")
def _ask_what_becomes(subject: str, bond: Bond, version: int, given: Given) -> Reaction:
    if not bond.needs_care(given.at):
        return NOTHING
    due = decide_by(given)
    task = OpenTask(f"{SUSPENDED}:{subject}", "mentor_suspended", SETTLED_BY, due=due, subject=subject)
    notices = notify((COORDINATOR,), "mentor_suspended", of=task.id, relationship=subject)
    clauses = cite(bond.codes, "cmn.breaches", "care.standing")
    return (because(clauses, (version,), task, *notices, terms=("decision_days",)),)


STANDING: Final = Worker(
    name="standing",
    state=MentorState,
    listens=events_of(Heard),
    react=_react,
    keys=_keys,
    crosses=True,
)
