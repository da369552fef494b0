"""What may be asked about a conduct case: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated, Final

from pydantic import model_validator

from domain.ids import PersonId, RelationshipId, RoleOrPerson, Whom
from domain.model import Command, Holds
from domain.relationship.fields import SafeText
from domain.words import CaseDecision, CaseKind

CaseKindName = Annotated[CaseKind, Holds("operational")]
DecisionName = Annotated[CaseDecision, Holds("safeguarding", "author")]

# Workers open the case about an event under a subject that begins so, and nobody else may: a case that somebody opened
# first under that id would stand in the place of theirs.
CASE_OF_EVENT: Final = "case:event."


class OpenCase(Command):
    """Look into a breach by anybody: of the code, another policy, the law, or the rule to stay on the platform.

    `about` is whom the case is about, a person in a role or a role alone; `mentor_id` says the same of a mentor.
    """

    mentor_id: PersonId | None = None
    about: RoleOrPerson | None = None
    relationship_id: RelationshipId | None = None
    kind: CaseKindName
    description: SafeText

    @model_validator(mode="after")
    def _about_somebody(self) -> "OpenCase":
        if self.mentor_id is None and self.about is None:
            raise ValueError("about: expected whom the case is about, as role:id, or a mentor_id")
        if self.mentor_id is not None and self.about not in (None, f"mentor:{self.mentor_id}"):
            raise ValueError("about: expected either a mentor_id or about, not two people")
        return self


class EscalateCase(Command):
    """Hand the case on, to HR for one (cmn.policy-breach)."""

    to: Whom


class DecideCase(Command):
    """The outcome of the review: nothing, more training, the mentor leaves the role, or another measure (cmn.breaches)."""

    decision: DecisionName
    reason: SafeText


class CloseCase(Command):
    """Nothing is left to do; a case that was never decided needs a reason."""

    reason: SafeText | None = None


CaseCommand = OpenCase | EscalateCase | DecideCase | CloseCase
