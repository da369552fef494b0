"""Conflicts of interest that come up once the mentoring runs: one is mitigated, one that compromises ends it.

Before activation the gates handle both, so this worker handles what is declared while active or paused.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import COMPROMISING_NATURES, ConflictNature
from workers.model import NOTHING, CloseTask, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, everybody, notify, tidy

Heard = e.ConflictOfInterestDeclared | e.ConflictMitigationAgreed | e.RelationshipTerminated


class Conflicts(State):
    """The natures of declared conflicts that wait for a mitigation."""

    open: tuple[ConflictNature, ...] = ()


def _react(state: Conflicts, recorded: AnyRecorded, given: Given) -> tuple[Conflicts, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    running = given.relation is not None and given.relation.status in {"active", "paused"}
    match event:
        case e.ConflictOfInterestDeclared() if running and event.nature != "none":
            if ends := _compromising(event.nature, version, given):
                return state, ends
            return _mitigate(state, event.nature, version, given)
        case e.ConflictMitigationAgreed():
            settled = state.open if event.nature is None else (event.nature,)
            rest = tuple(nature for nature in state.open if nature not in settled)
            return state.but(open=rest), tidy(*(CloseTask(f"mitigate:{nature}") for nature in settled))
        case e.RelationshipTerminated():
            return Conflicts(), tidy(Over())
        case e.ConflictOfInterestDeclared():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("leapfrog.conflicts")
def _mitigate(state: Conflicts, nature: ConflictNature, version: int, given: Given) -> tuple[Conflicts, Reaction]:
    """A conflict declared while active asks for an agreement on how to keep it from doing harm."""
    clauses = given.cite("leapfrog.conflicts")
    if not clauses or given.relation is None:
        return state, NOTHING
    task = OpenTask(
        f"mitigate:{nature}", "conflict_mitigation", ("AgreeConflictMitigation", "TerminateRelationship"), about=nature
    )
    notices = notify(everybody(given.relation), "conflict_mitigation", of=task.id)
    return state.but(open=(*state.open, nature)), (because(clauses, (version,), task, *notices),)


@implements("nottingham.compromising")
def _compromising(nature: ConflictNature, version: int, given: Given) -> Reaction:
    """A relationship that compromises the mentoring can't be mitigated: somebody has to end it."""
    clauses = given.cite("nottingham.compromising")
    if not clauses or nature not in COMPROMISING_NATURES:
        return NOTHING
    task = OpenTask("compromising", "compromising_relationship", ("TerminateRelationship",))
    notices = notify((COORDINATOR,), "compromising_relationship", of=task.id)
    return (because(clauses, (version,), task, *notices),)


CONFLICTS: Final = Worker(
    name="conflicts",
    state=Conflicts,
    listens=events_of(Heard),
    react=_react,
)
