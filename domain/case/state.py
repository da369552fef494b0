"""What is known of a conduct case."""

from dataclasses import dataclass
from typing import Literal

from domain.immutable import Immutable
from domain.words import CaseDecision, CaseKind

CaseStatus = Literal["open", "escalated", "decided", "closed"]


@dataclass(frozen=True)
class Case(Immutable):
    """A case as its events leave it; `escalated_to` names everybody it was handed on to, in order."""

    case_id: str = ""
    version: int = 0
    status: CaseStatus = "open"
    mentor_id: str | None = None
    about: str = ""
    kind: CaseKind = "code"
    description: str = ""
    relationship_id: str | None = None
    programme_id: str | None = None
    escalated_to: tuple[str, ...] = ()
    decision: CaseDecision | None = None
    decision_reason: str | None = None
    closing_reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is neither decided nor closed; an escalated one is open."""
        return self.status not in {"decided", "closed"}

    def is_about(self, person: str) -> bool:
        """Whether it is about the person of an id."""
        return person in (self.mentor_id, self.about.rpartition(":")[2])


UNKNOWN = Case()
