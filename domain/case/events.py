"""What happened in a conduct case: facts in the past tense, a storage format."""

from domain.case.commands import CaseKindName, DecisionName
from domain.ids import PersonId, ProgrammeId, RelationshipId, RoleOrPerson, Whom
from domain.model import Event
from domain.relationship.fields import SafeText


class CaseOpened(Event):
    """A breach is being looked into: `about` whom, the mentor's id where it is a mentor, the programme of the relationship."""

    mentor_id: PersonId | None = None
    about: RoleOrPerson
    kind: CaseKindName
    description: SafeText
    relationship_id: RelationshipId | None = None
    programme_id: ProgrammeId | None = None


class CaseEscalated(Event):
    """The case was handed on."""

    to: Whom


class CaseDecided(Event):
    """The review had this outcome."""

    decision: DecisionName
    reason: SafeText


class CaseClosed(Event):
    """The case was closed."""

    reason: SafeText | None = None


CaseEvent = CaseOpened | CaseEscalated | CaseDecided | CaseClosed
