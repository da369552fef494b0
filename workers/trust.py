"""Trust and respect: a report puts the end of the mentoring up for decision; nothing is shut down by a machine.

A recommendation waits for the coordinator and the party who reported; the party it is about learns of it from them. Undecided for too long it is escalated, once: the record says so, and the coordinator hears of it again (decision 0041). There is one
matter of trust and one of respect, each with one recommendation and one task under all the clauses that ask for it.
"""

from collections.abc import Iterable
from typing import Final, assert_never

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.commands import EscalateRecommendation, RecommendShutdown
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
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

# Trust, respect, or the clause of a recommendation about neither.
Matter = str
TRUST: Final = "trust"
RESPECT: Final = "respect"
_CLAUSES: Final[dict[Matter, tuple[str, ...]]] = {TRUST: TRUST_CLAUSES, RESPECT: RESPECT_CLAUSES}
SETTLED_BY: Final = "DismissRecommendation", "TerminateRelationship"
RESTORED_BY: Final[dict[Matter, str]] = {TRUST: "RestoreTrust", RESPECT: "ResolveDisrespect"}


Heard = (
    e.TrustBreakdownReported
    | e.TrustReadinessStated
    | e.DisrespectReported
    | e.ShutdownRecommended
    | e.TrustRestored
    | e.DisrespectResolved
    | e.RecommendationDismissed
    | e.RelationshipTerminated
)


class Trust(State):
    """The matters that wait for a decision."""

    open: tuple[Matter, ...] = ()


def matter_of(clause: str) -> Matter:
    """The matter that a clause belongs to."""
    return next((matter for matter, clauses in _CLAUSES.items() if clause in clauses), clause)


def _react(state: Trust, recorded: AnyRecorded, given: Given) -> tuple[Trust, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.TrustBreakdownReported():
            return _recommend(state, TRUST, recorded, given)
        case e.TrustReadinessStated():
            return _readiness(state, event, recorded, given)
        case e.DisrespectReported():
            return _recommend(state, RESPECT, recorded, given)
        case e.ShutdownRecommended():
            matter = matter_of(event.clause)
            if matter in state.open:
                return state, NOTHING
            # Somebody else's recommendation: it waits for a decision like our own.
            state = state.but(open=(*state.open, matter))
            clauses = event.clauses or (event.clause,)
            return state, _await_decision(matter, clauses, event.evidence, recorded.actor, given)
        case e.TrustRestored():
            return _settled(state, TRUST) if event.settled else (state, NOTHING)
        case e.DisrespectResolved():
            return _settled(state, RESPECT)
        case e.RecommendationDismissed():
            gone = state.open if event.clause is None else (matter_of(event.clause),)
            return _settled(state, *gone)
        case e.RelationshipTerminated():
            return Trust(), tidy(Over())
        case _:
            assert_never(event)


@implements("pentalog.trust", "care.trust")
def _readiness(
    state: Trust, event: e.TrustReadinessStated, recorded: AnyRecorded, given: Given
) -> tuple[Trust, Reaction]:
    """To state during the mentoring that one is not ready to trust is to report broken trust; to be ready again restores it."""
    if event.ready:
        return _settled(state, TRUST) if event.settled else (state, NOTHING)
    if not given.runs:
        return state, NOTHING
    return _recommend(state, TRUST, recorded, given)


@implements(*TRUST_CLAUSES, *RESPECT_CLAUSES)
def _recommend(state: Trust, matter: Matter, report: AnyRecorded, given: Given) -> tuple[Trust, Reaction]:
    """Recommend to end it, unless that is under decision already."""
    version = report.version
    clauses = given.cite(*_CLAUSES[matter])
    if matter in state.open or not clauses:
        return state, NOTHING
    sent = Send(given.key, RecommendShutdown(clause=clauses[0], evidence=(version,)), f"recommend:{clauses[0]}")
    asked = _await_decision(matter, clauses, (version,), report.actor, given)
    return state.but(open=(*state.open, matter)), (because(clauses, (version,), sent), *asked)


def _await_decision(
    matter: Matter, clauses: tuple[str, ...], evidence: Iterable[int], by: str, given: Given
) -> Reaction:
    """The coordinator is notified, and the party who reported it; they have the days of decision.

    Nobody else: a recommendation gives away that there is a report, which is for its author and the office to know.
    """
    if given.relation is None:
        return NOTHING
    due = decide_by(given)
    settled_by = (*SETTLED_BY, *((RESTORED_BY[matter],) if matter in RESTORED_BY else ()))
    task = OpenTask(f"decide:{matter}", "shutdown_recommendation", settled_by, due=due, about=clauses[0])
    told = (by, COORDINATOR) if by in (given.relation.mentee, given.relation.mentor) else (COORDINATOR,)
    notices = notify(told, "shutdown_recommended", of=task.id, clauses=" ".join(clauses))
    armed = Arm(f"escalate:{matter}", due)
    return (because(clauses, evidence, task, armed, *notices, terms=("decision_days",)),)


def _settled(state: Trust, *matters: Matter) -> tuple[Trust, Reaction]:
    """Decided or set right."""
    effects = [effect for each in matters for effect in (Cancel(f"escalate:{each}"), CloseTask(f"decide:{each}"))]
    return state.but(open=tuple(each for each in state.open if each not in matters)), tidy(*effects)


@implements(*TRUST_CLAUSES, *RESPECT_CLAUSES)
def _due(state: Trust, deadline: Deadline, given: Given) -> tuple[Trust, Reaction]:
    """No decision in time: the record says so, and the coordinator hears of it; the supplier may not know that there is a report."""
    matter = deadline.name.partition(":")[2]
    if matter not in state.open:
        return state, NOTHING
    clause = deadline.clauses[0]
    sent = Send(given.key, EscalateRecommendation(clause=clause), f"escalate:{clause}")
    notices = notify((COORDINATOR,), "recommendation_escalated", of=deadline.name, clause=clause)
    return state, (because(deadline.clauses, deadline.evidence, sent, *notices, terms=("decision_days",)),)


TRUST_WORKER: Final = Worker(
    name="trust",
    state=Trust,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
