"""How its events change what is known of a conduct case. History is never refused."""

from typing import assert_never

from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseEvent, CaseOpened
from domain.case.state import UNKNOWN, Case
from domain.model import Recorded


def evolve(state: Case | None, recorded: Recorded[CaseEvent]) -> Case:
    """The case after one more event."""
    case = state or UNKNOWN.but(case_id=recorded.subject.partition(":")[2])
    return _changed(case, recorded.data).but(version=recorded.version)


def _changed(case: Case, event: CaseEvent) -> Case:
    match event:
        case CaseOpened():
            return case.but(
                mentor_id=event.mentor_id,
                about=event.about,
                relationship_id=event.relationship_id,
                programme_id=event.programme_id,
                kind=event.kind,
                description=event.description,
            )
        case CaseEscalated():
            return case.but(status="escalated", escalated_to=(*case.escalated_to, event.to))
        case CaseDecided():
            return case.but(status="decided", decision=event.decision, decision_reason=event.reason)
        case CaseClosed():
            return case.but(status="closed", closing_reason=event.reason)
        case _:
            assert_never(event)
