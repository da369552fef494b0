"""Commitment: a second session moved too late raises a concern; unanswered it is escalated; it goes when the signal goes.

What counts as late, for how long and against whom is decided in `domain.commitment`. Here its answer becomes a concern with
the events that are its evidence. The deadline `clears` is the moment at which passing time alone changes the answer.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, assert_never

from pydantic import PlainSerializer, PlainValidator

from domain.codes.implements import implements
from domain.commitment import Facts, HealthEvent, Signal, fold, watch
from domain.commitment.verdict import SignalName
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.relationship.commands import EscalateConcern, RaiseConcern, ResolveConcern
from domain.term_setting import TermSet, TermWithdrawn
from workers.ground import Ground
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    OpenTask,
    Reaction,
    Send,
    State,
    Worker,
    of_relationship,
)
from workers.reactions import COORDINATOR, because, decide_by, notify, parties, tidy, with_one

CLAUSE: Final = "pentalog.late-reschedules"
SIGNAL: Final[SignalName] = "late_reschedules"
CLEARS: Final = "clears"
RESOLUTION: Final = "the signal no longer holds"
WINDOW: Final = "late_window_days"
TERMS: Final = ("late_notice_hours", WINDOW)


def _facts(value: Any) -> Facts:
    return value if isinstance(value, Facts) else Facts.from_json(value)


KeptFacts = Annotated[Facts, PlainValidator(_facts), PlainSerializer(Facts.to_json, return_type=list)]


Heard = HealthEvent | e.CommitmentConcernRaised | e.CommitmentConcernResolved | e.FactCorrected


class Commitment(State):
    """The facts so far, the clauses of open concerns, and whether ours is among them.

    `evidence`: the versions behind the signal at the last assessment, which was at `looked_at`; none where it did not hold.
    `about`: whom the open concerns of our clause are about. `named`: the open concerns on record; the first of a clause has its
    name, a further one that of whom it is about as well.
    """

    facts: KeptFacts = Facts()
    looked_at: Time | None = None
    evidence: tuple[int, ...] = ()
    open: tuple[str, ...] = ()
    ours: bool = False
    about: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """A programme's window concerns every relationship of it; what was late was judged when it happened."""
    if isinstance(recorded.data, (TermSet, TermWithdrawn)) and recorded.subject.startswith("programme:"):
        return ground.members(recorded.subject) if recorded.data.term == WINDOW else ()
    return of_relationship(recorded, ground)


def _react(state: Commitment, recorded: AnyRecorded, given: Given) -> tuple[Commitment, Reaction]:
    event: Heard = recorded.data
    watched = bool(given.cite(CLAUSE))
    if watched:
        state = state.but(facts=fold(state.facts, recorded))
    match event:
        case e.CommitmentConcernRaised():
            name = _name(event.clause, event.about, state.named)
            task = _ask_for_answer(name, event, given) + _tell_whom_it_is_about(name, event, given)
            state = state.but(open=with_one(state.open, event.clause), named=with_one(state.named, name))
            if event.clause == CLAUSE:
                state = state.but(about=tuple(dict.fromkeys((*state.about, *event.about))))
            if recorded.role == "worker":
                # Ours, on record; after a correction it may be all that is left of it, and is settled like any other.
                return state.but(ours=True), task
            # Somebody else's concern: it waits for an answer like our own.
            return state, task + _await_answer(name, event.clause, event.evidence, given)
        case e.CommitmentConcernResolved():
            if recorded.role == "worker":
                # Should the signal hold after all, because a correction is corrected, it is something new.
                state = state.but(evidence=())
            return _settled(state, event.clause)
        case e.FactCorrected():
            return _corrected(state, given) if watched else (state, NOTHING)
        case e.RelationshipPaused():
            return state, tidy(Cancel(CLEARS))
        case e.RelationshipTerminated():
            # No more escalation: what is open stays on the coordinator's list until somebody settles it.
            return state, tidy(Cancel(CLEARS), *(Cancel(f"escalate:{name}") for name in _names(state)))
        case (
            e.RelationshipActivated()
            | e.RelationshipResumed()
            | e.SessionRescheduled()
            | e.SessionCancelled()
            | TermSet()
            | TermWithdrawn()
        ):
            # Only these may make the signal hold, or hold no longer.
            if watched and given.relation and given.relation.status == "active":
                return _assess(state, max(given.at, state.looked_at or given.at), given)
            return state, NOTHING
        case (
            e.RelationshipProposed()
            | e.PlanAgreed()
            | e.GoalAgreed()
            | e.GoalDropped()
            | e.GoalAchieved()
            | e.GoalProgressRecorded()
            | e.SessionScheduled()
            | e.SessionCompleted()
            | e.SessionMissed()
            | e.HomeworkReported()
            | e.ContactRecorded()
            | e.TrustBreakdownReported()
            | e.TrustRestored()
            | e.DisrespectReported()
            | e.DisrespectResolved()
            | e.RecommendationDismissed()
            | e.TrustReadinessStated()
        ):
            return state, NOTHING
        case _:
            assert_never(event)


def _corrected(state: Commitment, given: Given) -> tuple[Commitment, Reaction]:
    """All was folded anew: a concern of ours whose evidence fell away is resolved, after the end too."""
    if given.relation and given.relation.status == "active":
        return _assess(state, max(given.at, state.looked_at or given.at), given)
    if state.ours and not state.evidence:
        state, settled = _settled(state, CLAUSE)
        return state, _resolve(given) + settled
    return state, NOTHING


def _assess(state: Commitment, at: datetime, given: Given) -> tuple[Commitment, Reaction]:
    """Assess the signal again, and act when there is something new.

    New evidence since the last assessment, about either party, is something new: it raises a resolved concern again. While one
    about the other party is open, it raises one of its own: nobody's lateness is covered by what is said about somebody else.
    """
    late, clears_at = _late(state.facts, at, given)
    news = [signal for signal in late if not set(signal.evidence).issubset(state.evidence)]
    state = state.but(evidence=_evidence(late), looked_at=at)
    timer = tidy(Arm(CLEARS, clears_at) if clears_at else Cancel(CLEARS))
    raised = [signal for signal in news if signal.party not in state.about] if CLAUSE in state.open else news and late
    if raised:
        state, reaction = _raise(state, raised, given)
    elif not late and state.ours:
        state, reaction = _settled(state, CLAUSE)
        reaction = _resolve(given) + reaction
    else:
        reaction = NOTHING
    return state, reaction + timer


def _late(facts: Facts, at: datetime, given: Given) -> tuple[tuple[Signal, ...], datetime | None]:
    """The signal's findings at a time, and when they change without any event."""
    return watch(facts, SIGNAL, at, given.programme.in_time)


def _evidence(signals: Iterable[Signal]) -> tuple[int, ...]:
    return tuple(sorted({version for signal in signals for version in signal.evidence}))


def _name(clause: str, about: Iterable[str], taken: Collection[str]) -> str:
    """What a concern that begins is called among the tasks and deadlines, where these names are taken."""
    return f"{clause}:{'+'.join(sorted(about))}" if clause in taken else clause


def _names(state: Commitment, clause: str | None = None) -> tuple[str, ...]:
    """The open concerns: all, or those of one clause; also one of which the record does not say yet that it was raised."""
    names = dict.fromkeys((*state.open, *state.named) if clause is None else (clause, *state.named))
    return tuple(name for name in names if clause in (None, name.partition(":")[0]))


def _tell_whom_it_is_about(name: str, event: e.CommitmentConcernRaised, given: Given) -> Reaction:
    """The party whom a concern is about hears of it with its evidence, the other one that there is one."""
    if given.relation is None:
        return NOTHING
    of = f"concern:{name}"
    concerned = [person for role in event.about if (person := given.relation.person(role))]
    events = ", ".join(map(str, event.evidence))
    notices = notify(concerned, "concern_about_you", of=of, clause=event.clause, events=events)
    others = [person for person in parties(given.relation) if person not in concerned]
    notices += notify(others, "concern_raised", of=of, clause=event.clause)
    return (because((event.clause,), event.evidence, *notices),)


@implements("pentalog.late-reschedules")
def _raise(state: Commitment, signals: Sequence[Signal], given: Given) -> tuple[Commitment, Reaction]:
    """The signal begins or worsens: a concern, and the mentor and the coordinator know."""
    if given.relation is None:
        return state, NOTHING
    evidence, parties_late = _evidence(signals), [signal.party for signal in signals]
    name = _name(CLAUSE, parties_late, state.open)
    sent = Send(given.key, RaiseConcern(clause=CLAUSE, evidence=evidence), f"raise:{name}")
    notices = notify((COORDINATOR,), "concern_raised", of=f"concern:{name}", clause=CLAUSE)
    state = state.but(open=with_one(state.open, CLAUSE), ours=True, about=(*state.about, *parties_late))
    waiting = _await_answer(name, CLAUSE, evidence, given)
    return state, (because((CLAUSE,), evidence, sent, *notices, terms=TERMS), *waiting)


@implements("pentalog.late-reschedules")
def _resolve(given: Given) -> Reaction:
    """The signal clears: so does the concern."""
    sent = Send(given.key, ResolveConcern(clause=CLAUSE, resolution=RESOLUTION), f"resolve:{CLAUSE}")
    return (because((CLAUSE,), (), sent, terms=("late_window_days",)),)


def _await_answer(name: str, clause: str, evidence: tuple[int, ...], given: Given) -> Reaction:
    """The days of decision run from the moment of the concern."""
    return (because((clause,), evidence, Arm(f"escalate:{name}", decide_by(given), freezes=True)),)


def _ask_for_answer(name: str, event: e.CommitmentConcernRaised, given: Given) -> Reaction:
    """A concern that is on record is a task until it is settled."""
    due = decide_by(given)
    task = OpenTask(f"concern:{name}", "commitment_concern", ("ResolveConcern",), due=due, about=event.clause)
    return (because((event.clause,), event.evidence, task, terms=("decision_days",)),)


def _settled(state: Commitment, clause: str) -> tuple[Commitment, Reaction]:
    """All open concerns of a clause are settled together."""
    names = _names(state, clause)
    left = tuple(other for other in state.open if other != clause)
    state = state.but(open=left, named=tuple(name for name in state.named if name not in names))
    if clause == CLAUSE:
        state = state.but(ours=False, about=())
    tidied = (effect for name in names for effect in (Cancel(f"escalate:{name}"), CloseTask(f"concern:{name}")))
    return state, tidy(*tidied)


def _due(state: Commitment, deadline: Deadline, given: Given) -> tuple[Commitment, Reaction]:
    if given.relation is None:
        return state, NOTHING
    if deadline.name == CLEARS:
        return _assess(state, given.at, given)
    clause = deadline.name.split(":")[1]
    return state, _escalate(clause, deadline, given) if clause in state.open else NOTHING


@implements("pentalog.late-reschedules")
def _escalate(clause: str, deadline: Deadline, given: Given) -> Reaction:
    """Nobody answered in time: the record says so, and those who oversee the mentoring hear of it."""
    overseers = given.relation.overseers if given.relation else (COORDINATOR,)
    sent = Send(given.key, EscalateConcern(clause=clause), f"escalate:{clause}")
    notices = notify(overseers, "concern_escalated", of=deadline.name, clause=clause)
    return (because((clause,), deadline.evidence, sent, *notices, terms=("decision_days",)),)


COMMITMENT: Final = Worker(
    name="commitment",
    state=Commitment,
    listens=events_of(Heard),
    react=_react,
    due=_due,
    keys=_keys,
)
