"""Trust and respect: a report puts the end of the mentoring up for decision; nothing is shut down by a machine.

A recommendation waits for the coordinator and the party who reported; the party it is about learns of it from them. Undecided for
too long it is escalated, once: the record says so, and the coordinator hears of it again (decision 0041). There is one matter of
trust and one of respect, each with one recommendation under all the clauses that ask for it. Another person who reports something
meanwhile, or against somebody else, has a task beside it: a decision is taken by who knows of all that was reported.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.commands import EscalateRecommendation, RecommendShutdown
from workers.ground import Relation
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    Notify,
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


class Asked(NamedTuple):
    """Who reported what, and the name of the task and the deadline by which a decision on it is waited for."""

    name: str
    report: str


class Trust(State):
    """The matters that wait for a decision, and whose reports are behind them: each has a task of its own.

    The first task of a matter has its name, a further one the version of the report as well.
    """

    open: tuple[Matter, ...] = ()
    asked: tuple[Asked, ...] = ()


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
            return state, _await_decision(matter, matter, clauses, event.evidence, recorded.actor, given)
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
    """Recommend to end it; while that is under decision already, what others report or of others is a task beside it."""
    version, said = report.version, _said(report)
    clauses = given.cite(*_CLAUSES[matter])
    if not clauses:
        return state, NOTHING
    if matter not in state.open:
        sent = Send(given.key, RecommendShutdown(clause=clauses[0], evidence=(version,)), f"recommend:{clauses[0]}")
        asked = _await_decision(matter, matter, clauses, (version,), report.actor, given)
        state = state.but(open=(*state.open, matter), asked=(*state.asked, Asked(matter, said)))
        return state, (because(clauses, (version,), sent), *asked)
    if known := next((each.name for each in _asked(state, matter) if each.report == said), None):
        # It is said once more: who decides hears of it.
        return state, _tell(known, clauses, (version,), report.actor, given)
    name = f"{matter}:{version}"
    state = state.but(asked=(*state.asked, Asked(name, said)))
    return state, _await_decision(name, matter, clauses, (version,), report.actor, given)


def _said(report: AnyRecorded) -> str:
    """Whose report it is, and whom it is against if it says so."""
    against = report.data.against if isinstance(report.data, e.DisrespectReported) else ""
    return f"{report.actor} {against}"


def _asked(state: Trust, matter: Matter) -> tuple[Asked, ...]:
    return tuple(each for each in state.asked if each.name.partition(":")[0] == matter)


def _tell(name: str, clauses: tuple[str, ...], evidence: Iterable[int], by: str, given: Given) -> Reaction:
    if given.relation is None:
        return NOTHING
    return (because(clauses, evidence, *_notices(name, clauses, by, given.relation)),)


def _notices(name: str, clauses: tuple[str, ...], by: str, relation: Relation) -> tuple[Notify, ...]:
    told = (by, COORDINATOR) if by in (relation.mentee, relation.mentor) else (COORDINATOR,)
    return notify(told, "shutdown_recommended", of=f"decide:{name}", clauses=" ".join(clauses))


def _await_decision(
    name: str, matter: Matter, clauses: tuple[str, ...], evidence: Iterable[int], by: str, given: Given
) -> Reaction:
    """The coordinator is notified, and the party who reported it; they have the days of decision.

    Nobody else: a recommendation gives away that there is a report, which is for its author and the office to know.
    """
    if given.relation is None:
        return NOTHING
    due = decide_by(given)
    settled_by = (*SETTLED_BY, *((RESTORED_BY[matter],) if matter in RESTORED_BY else ()))
    task = OpenTask(f"decide:{name}", "shutdown_recommendation", settled_by, due=due, about=clauses[0])
    notices = _notices(name, clauses, by, given.relation)
    armed = Arm(f"escalate:{name}", due)
    return (because(clauses, evidence, task, armed, *notices, terms=("decision_days",)),)


def _settled(state: Trust, *matters: Matter) -> tuple[Trust, Reaction]:
    """Decided or set right."""
    asked = tuple(each for matter in matters for each in _asked(state, matter))
    names = dict.fromkeys((*matters, *(each.name for each in asked)))
    effects = [effect for name in names for effect in (Cancel(f"escalate:{name}"), CloseTask(f"decide:{name}"))]
    waiting = tuple(each for each in state.open if each not in matters)
    return state.but(open=waiting, asked=tuple(each for each in state.asked if each not in asked)), tidy(*effects)


@implements(*TRUST_CLAUSES, *RESPECT_CLAUSES)
def _due(state: Trust, deadline: Deadline, given: Given) -> tuple[Trust, Reaction]:
    """No decision in time: the record says so, and the coordinator hears of it; the supplier may not know that there is a report."""
    matter = deadline.name.split(":")[1]
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
