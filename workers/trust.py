"""Trust and respect: a report puts the end of the mentoring up for decision; nothing is shut down by a machine.

A recommendation waits for the parties and the coordinator. Undecided for too long it is escalated, once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
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
from workers.reactions import because, everybody, notify, tidy, with_clause

SETTLED_BY: Final = "DismissRecommendation", "TerminateRelationship"
RESTORED_BY: Final = {
    **dict.fromkeys(TRUST_CLAUSES, "RestoreTrust"),
    **dict.fromkeys(RESPECT_CLAUSES, "ResolveDisrespect"),
}


Heard = (
    e.TrustBreakdownReported
    | e.DisrespectReported
    | e.ShutdownRecommended
    | e.TrustRestored
    | e.DisrespectResolved
    | e.RecommendationDismissed
    | e.RelationshipTerminated
)


class Trust(State):
    """The clauses under which a recommendation is open."""

    open: tuple[str, ...] = ()


@implements(*TRUST_CLAUSES, *RESPECT_CLAUSES)
def _react(state: Trust, recorded: AnyRecorded, given: Given) -> tuple[Trust, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.TrustBreakdownReported():
            return _recommend(state, given.cite(*TRUST_CLAUSES), version, given)
        case e.DisrespectReported():
            return _recommend(state, given.cite(*RESPECT_CLAUSES), version, given)
        case e.ShutdownRecommended():
            task = _ask_for_decision(event, given)
            if recorded.role == "worker":
                return state, task
            # Somebody else's recommendation: it waits for a decision like our own.
            waiting = _await_decision((event.clause,), event.evidence, given)
            return state.but(open=with_clause(state.open, event.clause)), task + waiting
        case e.TrustRestored():
            return _settled(state, TRUST_CLAUSES)
        case e.DisrespectResolved():
            return _settled(state, RESPECT_CLAUSES)
        case e.RecommendationDismissed():
            return _settled(state, None if event.clause is None else (event.clause,))
        case e.RelationshipTerminated():
            return Trust(), tidy(Over())
        case _:
            assert_never(event)


def _recommend(state: Trust, clauses: tuple[str, ...], version: int, given: Given) -> tuple[Trust, Reaction]:
    """Recommend to end it, under every adopted clause that says so and under which no recommendation is open yet."""
    new = tuple(clause for clause in clauses if clause not in state.open)
    if not new:
        return state, NOTHING
    sent = (
        Send(given.key, RecommendShutdown(clause=clause, evidence=(version,)), f"recommend:{clause}") for clause in new
    )
    because_of = because(new, (version,), *sent)
    return state.but(open=(*state.open, *new)), (because_of, *_await_decision(new, (version,), given))


def _await_decision(clauses: tuple[str, ...], evidence: Iterable[int], given: Given) -> Reaction:
    """The parties and the coordinator are notified, and have the days of decision."""
    if given.relation is None:
        return NOTHING
    notices = notify(
        everybody(given.relation), "shutdown_recommended", of=f"decide:{'+'.join(clauses)}", clauses=" ".join(clauses)
    )
    due = _decide_by(given)
    arms = (because((clause,), evidence, Arm(f"escalate:{clause}", due, freezes=True)) for clause in clauses)
    return (because(clauses, evidence, *notices), *arms)


def _ask_for_decision(event: e.ShutdownRecommended, given: Given) -> Reaction:
    """A recommendation that is on record is a task until it is decided."""
    clause = event.clause
    settled_by = (*SETTLED_BY, *((RESTORED_BY[clause],) if clause in RESTORED_BY else ()))
    task = OpenTask(f"decide:{clause}", "shutdown_recommendation", settled_by, due=_decide_by(given), about=clause)
    return (because((clause,), event.evidence, task, terms=("decision_days",)),)


def _decide_by(given: Given) -> datetime:
    return given.at + timedelta(days=given.term("decision_days"))


def _settled(state: Trust, clauses: tuple[str, ...] | None) -> tuple[Trust, Reaction]:
    """Decided or set right: those clauses, or all."""
    gone = (*TRUST_CLAUSES, *RESPECT_CLAUSES, *state.open) if clauses is None else clauses
    effects = [effect for clause in gone for effect in (Cancel(f"escalate:{clause}"), CloseTask(f"decide:{clause}"))]
    return state.but(open=tuple(clause for clause in state.open if clause not in gone)), tidy(*effects)


@implements(*TRUST_CLAUSES, *RESPECT_CLAUSES)
def _due(state: Trust, deadline: Deadline, given: Given) -> tuple[Trust, Reaction]:
    """No decision in time: the record says so, and those who oversee the mentoring hear of it."""
    clause = deadline.name.partition(":")[2]
    if given.relation is None or clause not in state.open:
        return state, NOTHING
    sent = Send(given.key, EscalateRecommendation(clause=clause), f"escalate:{clause}")
    notices = notify(given.relation.overseers, "recommendation_escalated", of=deadline.name, clause=clause)
    return state, (because((clause,), deadline.evidence, sent, *notices, terms=("decision_days",)),)


TRUST_WORKER: Final = Worker(
    name="trust",
    state=Trust,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
