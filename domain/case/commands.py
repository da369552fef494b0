"""What may be asked about a conduct case: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated, Final

from pydantic import Field

from domain.ids import PersonId, RelationshipId, Whom
from domain.model import Command, Holds
from domain.relationship.fields import SafeText
from domain.words import CaseDecision, CaseKind

CaseKindName = Annotated[CaseKind, Holds("operational")]
DecisionName = Annotated[CaseDecision, Holds("safeguarding")]
Reason = Annotated[SafeText, Field(min_length=1)]

# Workers open the case about an event under a subject that begins so, and nobody else may: a case that somebody opened
# first under that id would stand in the place of theirs.
CASE_OF_EVENT: Final = "case:event."


class OpenCase(Command):
    """Look into a breach by a mentor: of the code, another policy, the law, or the rule to stay on the platform."""

    mentor_id: PersonId
    relationship_id: RelationshipId | None = None
    kind: CaseKindName
    description: SafeText


class EscalateCase(Command):
    """Hand the case on, to HR for one (cmn.policy-breach)."""

    to: Whom


class DecideCase(Command):
    """The outcome of the review: nothing, more training, or the mentor leaves the role (cmn.breaches)."""

    decision: DecisionName
    reason: Reason


class CloseCase(Command):
    """Nothing is left to do; a case that was never decided needs a reason."""

    reason: SafeText | None = None


CaseCommand = OpenCase | EscalateCase | DecideCase | CloseCase
