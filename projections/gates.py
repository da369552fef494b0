"""`gates`: one row a clause whose gate a relationship has to pass before it becomes active: when it was met, and by which event.

A gate is met as long as its question is answered with yes, so a goal that is dropped before activation opens it again.
Once the relationship is active its gates are not asked again, and the rows stay as they are. The questions are those of
`domain.relationship.gates`, put to the relationship as it stands after each event of the contracting time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.immutable import Immutable
from domain.model import AnyRecorded, Recorded, events_of
from domain.relationship import events as e
from domain.relationship.evolve import evolve, replay
from domain.relationship.gates import gates_under, unmet
from domain.relationship.state import Relationship
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowContext, StateFold, Worked

# What any gate asks about, and what ends the asking.
Heard = (
    e.RelationshipProposed
    | e.PartyChanged
    | e.TermsAccepted
    | e.TermsDeclined
    | e.TrustReadinessStated
    | e.MentorTrainingConfirmed
    | e.ConflictOfInterestDeclared
    | e.ConflictMitigationAgreed
    | e.ContractingConversationRecorded
    | e.PlanAgreed
    | e.ConfidentialityAgreed
    | e.ReportingAgreed
    | e.AgreementConfirmed
    | e.GoalAgreed
    | e.GoalDropped
    | e.GoalAchieved
    | e.RelationshipActivated
    | e.RelationshipTerminated
)
_RECORDED: Final[Mapping[str, type[AnyRecorded]]] = {
    event.__name__: Recorded[event]  # type: ignore[valid-type]
    for event in events_of(Heard)
}

TABLE: Final = Table(
    "gates",
    "One row a clause whose gate a relationship has to pass before it becomes active: when it was met.",
    (
        relationship_id(),
        Column("clause", "text", "The clause that asks for it."),
        Column("met", "boolean", "Whether it is met; after activation, whether it was."),
        Column("met_at", "time", "Since when it is met; empty while it is not."),
        Column("met_version", "integer", "The version of the event that met it; empty while it is not."),
        Column("proposed_at", "time", "When the relationship was proposed."),
        Column("activated_at", "time", "When it became active, all its gates met."),
        Column("days_to_meet", "real", "Days of 24 hours from the proposal until it was met.", "process_improvement"),
    ),
    key=("relationship_id", "clause"),
    indexes=(("clause",), ("met",)),
)


LEFT_OUT: Final = "-"


class Met(NamedTuple):
    """When a gate was met, and the version of the event that met it."""

    at: datetime
    version: int


@dataclass(frozen=True)
class State(Immutable):
    """The events of the contracting time, the relationship that they lead to, and what is met of the gates."""

    events: tuple[AnyRecorded, ...]
    relationship: Relationship
    proposed_at: datetime
    met: Mapping[str, Met] = field(default_factory=dict)
    activated_at: datetime | None = None
    is_over: bool = False


def fold(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event."""
    recorded = _without_words(recorded)
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipProposed):
        relationship = evolve(None, recorded)
        return _asked(State((recorded,), relationship, recorded.occurred_at), recorded)
    if state is None or state.is_over:
        return state
    if isinstance(event, e.RelationshipActivated):
        # The decision saw what other aggregates say, such as the mentor's training: all gates were met by then.
        met = {clause: state.met.get(clause, Met(recorded.occurred_at, recorded.version)) for clause in _clauses(state)}
        return state.but(met=met, activated_at=recorded.occurred_at, is_over=True)
    if isinstance(event, e.RelationshipTerminated):
        return state.but(is_over=True)
    after = state.but(events=(*state.events, recorded), relationship=evolve(state.relationship, recorded))
    return _asked(after, recorded)


def _without_words(recorded: AnyRecorded) -> AnyRecorded:
    """The event without anybody's own words: no gate asks for them, and the state keeps no content."""
    event: Heard = recorded.data
    words: dict[str, str | None]
    match event:
        case e.GoalAgreed():
            words = {"title": LEFT_OUT, "success_measure": None}
        case e.GoalDropped():
            words = {"reason": LEFT_OUT}
        case e.ConflictOfInterestDeclared():
            words = {"stakeholder": None, "description": None}
        case e.ConflictMitigationAgreed():
            words = {"mitigation": LEFT_OUT}
        case _:
            return recorded
    return recorded.model_copy(update={"data": event.model_copy(update=words)})


def _clauses(state: State) -> list[str]:
    return [clause for _, clauses in gates_under(tuple(state.relationship.codes)) for clause in clauses]


def _asked(state: State, recorded: AnyRecorded) -> State:
    """The gates asked after an event: what is met keeps its first time, what no longer is loses it."""
    missing = {problem.clause for problem in unmet(state.relationship)}
    here = Met(recorded.occurred_at, recorded.version)
    return state.but(met={clause: state.met.get(clause, here) for clause in _clauses(state) if clause not in missing})


def work(state: State, context: RowContext) -> Worked:
    """A row for each clause with a gate among the adopted codes."""
    return Worked({TABLE.name: [_row(context.subject, state, clause) for clause in _clauses(state)]})


def _row(relationship: str, state: State, clause: str) -> Row:
    met = state.met.get(clause)
    return {
        "relationship_id": relationship,
        "clause": clause,
        "met": met is not None,
        "met_at": met and met.at,
        "met_version": met and met.version,
        "proposed_at": state.proposed_at,
        "activated_at": state.activated_at,
        "days_to_meet": None if met is None else (met.at - state.proposed_at).total_seconds() / 86_400,
    }


def dump(state: State) -> Any:
    """The state as JSON values: the relationship is made again from its events."""
    events = [
        [type(one.data).__name__, one.__pydantic_serializer__.to_json(one, exclude_none=True).decode()]
        for one in state.events
    ]
    met = {clause: [met.at.isoformat(), met.version] for clause, met in state.met.items()}
    return [events, met, state.activated_at and state.activated_at.isoformat(), state.is_over]


def load(values: Any) -> State:
    """Read what `dump` gave."""
    told, met, activated_at, is_over = values
    events = tuple(_RECORDED[name].model_validate_json(one) for name, one in told)
    relationship = replay(events)
    assert relationship is not None, "a state begins with the proposal"
    time = datetime.fromisoformat
    return State(
        events,
        relationship,
        events[0].occurred_at,
        {clause: Met(time(at), version) for clause, (at, version) in met.items()},
        activated_at and time(activated_at),
        is_over,
    )


PROJECTION: Final = StateFold("gates", 1, (TABLE,), events_of(Heard), fold, work, dump, load)
