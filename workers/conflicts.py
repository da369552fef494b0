"""Conflicts of interest that come up once the mentoring runs: each is mitigated, or the mentoring ends.

Before activation the gates handle them, so this worker handles what is declared while active or paused.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import COMPROMISING_NATURES, ConflictNature
from workers.model import NOTHING, CloseTask, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import because, decide_by, everybody, notify, tidy

Heard = e.ConflictOfInterestDeclared | e.ConflictMitigationAgreed | e.RelationshipTerminated


class Conflicts(State):
    """The natures of declared conflicts that wait for a mitigation."""

    open: tuple[ConflictNature, ...] = ()


def _react(state: Conflicts, recorded: AnyRecorded, given: Given) -> tuple[Conflicts, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.ConflictOfInterestDeclared() if given.runs and event.nature != "none":
            return _declared(state, event.nature, recorded.version, given)
        case e.ConflictMitigationAgreed():
            settled = tuple(nature for nature in state.open if event.nature in (None, nature))
            rest = tuple(nature for nature in state.open if nature not in settled)
            return state.but(open=rest), tidy(*(CloseTask(f"conflict:{nature}") for nature in settled))
        case e.RelationshipTerminated():
            return Conflicts(), tidy(Over())
        case e.ConflictOfInterestDeclared():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("leapfrog.conflicts", "cmn.conflict-of-interest", "nottingham.compromising", "care.conflict")
def _declared(state: Conflicts, nature: ConflictNature, version: int, given: Given) -> tuple[Conflicts, Reaction]:
    """A conflict is a task until a mitigation is agreed; under nottingham one that compromises the mentoring has none."""
    assert given.relation is not None, "only a relationship that runs asks"
    ends = "nottingham" in given.relation.codes and nature in COMPROMISING_NATURES
    compromising = ("nottingham.compromising",) if ends else ()
    clauses = given.cite("leapfrog.conflicts", "cmn.conflict-of-interest", *compromising, "care.conflict")
    settled_by = ("TerminateRelationship",) if ends else ("AgreeConflictMitigation", "TerminateRelationship")
    due = decide_by(given)
    task = OpenTask(f"conflict:{nature}", "conflict", settled_by, due=due, about=nature)
    template = "compromising_relationship" if ends else "conflict_mitigation"
    notices = notify(everybody(given.relation), template, of=task.id)
    state = state if ends or nature in state.open else state.but(open=(*state.open, nature))
    return state, (because(clauses, (version,), task, *notices, terms=("decision_days",)),)


CONFLICTS: Final = Worker(
    name="conflicts",
    state=Conflicts,
    listens=events_of(Heard),
    react=_react,
)
