"""What one side says both agreed: the other is asked once to confirm it, when they said nothing for the days of the terms."""

from datetime import timedelta
from typing import Final, assert_never

from pydantic import Field

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import OTHER_PARTY, DataClass, Role
from workers.model import NOTHING, Arm, Cancel, Deadline, Given, Over, Reaction, State, Worker
from workers.reactions import because, notify, tidy

Agreement = (
    e.GoalAgreed | e.PlanAgreed | e.ConfidentialityAgreed | e.ReportingAgreed | e.ContractingConversationRecorded
)
Heard = Agreement | e.GoalDropped | e.AgreementConfirmed | e.FactContested | e.RelationshipTerminated


class OpenClaim(State):
    """An agreement that waits for somebody's word. `outputs` are those of reporting: the same from the other confirm it."""

    version: int = 0
    waits_for: Role = "mentee"
    outputs: tuple[DataClass, ...] = ()


class Claims(State):
    """The claims by matter."""

    open: dict[str, OpenClaim] = Field(default_factory=dict)


def _react(state: Claims, recorded: AnyRecorded, given: Given) -> tuple[Claims, Reaction]:
    event: Heard = recorded.data
    match event:
        case (
            e.GoalAgreed()
            | e.PlanAgreed()
            | e.ConfidentialityAgreed()
            | e.ReportingAgreed()
            | e.ContractingConversationRecorded()
        ):
            return _agreed(state, event, recorded, given)
        case e.GoalDropped():
            return _settled(state, f"goal:{event.goal_id}")
        case e.AgreementConfirmed() | e.FactContested():
            gone = [matter for matter, claim in state.open.items() if claim.version == event.version]
            return _settled(state, *gone)
        case e.RelationshipTerminated():
            return Claims(), tidy(Over())
        case _:
            assert_never(event)


def _matter(event: Agreement, version: int) -> str:
    """What an agreement is about: a later one about the same takes its place."""
    match event:
        case e.GoalAgreed():
            return f"goal:{event.goal_id}"
        case e.PlanAgreed():
            return "plan"
        case e.ConfidentialityAgreed():
            return "confidentiality"
        case e.ReportingAgreed():
            return f"reporting:{event.with_whom}"
        case e.ContractingConversationRecorded():
            return f"conversation:{version}"
        case _:
            assert_never(event)


@implements("care.claims")
def _agreed(state: Claims, event: Agreement, recorded: AnyRecorded, given: Given) -> tuple[Claims, Reaction]:
    """What the office records holds for both; a party's word waits for the other's."""
    matter = _matter(event, recorded.version)
    before = state.open.get(matter)
    state, settled = _settled(state, matter)
    by = given.relation.speaks_as(recorded) if given.relation is not None else recorded.role
    waits_for = _waits_for(event, by, given)
    outputs = tuple(sorted(set(event.outputs))) if isinstance(event, e.ReportingAgreed) else ()
    # The same outputs from the one who is asked confirm them; others are a claim of their own.
    answered = before is not None and before.waits_for == by and before.outputs == outputs != ()
    if waits_for is None or answered:
        return state, settled
    claim = OpenClaim(version=recorded.version, waits_for=waits_for, outputs=outputs)
    state = state.but(open={**state.open, matter: claim})
    due = given.at + timedelta(days=given.term("claim_days"))
    waiting = because(given.cite("care.claims"), (recorded.version,), Arm(f"claim:{matter}", due, freezes=True))
    return state, (*settled, waiting)


def _waits_for(event: Agreement, by: str, given: Given) -> Role | None:
    if isinstance(event, e.ReportingAgreed) and given.relation is not None and given.relation.line_manager_id:
        # The office's word stands for the mentee, not for a line manager who is named.
        return "mentee" if by in {"line_manager", "mentor"} else "line_manager"
    return OTHER_PARTY.get(by)


def _settled(state: Claims, *matters: str) -> tuple[Claims, Reaction]:
    gone = [matter for matter in matters if matter in state.open]
    rest = {matter: claim for matter, claim in state.open.items() if matter not in gone}
    return (state.but(open=rest), tidy(*(Cancel(f"claim:{matter}") for matter in gone))) if gone else (state, NOTHING)


@implements("care.claims")
def _due(state: Claims, deadline: Deadline, given: Given) -> tuple[Claims, Reaction]:
    """The days are over: the other is asked, once."""
    claim = state.open.get(deadline.name.partition(":")[2])
    person = given.relation.person(claim.waits_for) if given.relation is not None and claim is not None else None
    if claim is None or person is None:
        return state, NOTHING
    notices = notify((person,), "claim_waits", of=deadline.name, version=claim.version)
    return state, (because(given.cite("care.claims"), (claim.version,), *notices, terms=("claim_days",)),)


CLAIMS: Final = Worker(name="claims", state=Claims, listens=events_of(Heard), react=_react, due=_due)
