"""Disclosures of a confidence without agreement: to whom each exception lets it be told, and which code permits or forbids it.

Risk of harm and illegal activity are permitted by the rules themselves, whatever a code says. A talk with the
coordinator and a breach of policy need one adopted code that permits them; where another adopted code forbids what is
permitted, what was disclosed is recorded all the same, with a finding that names the clause.
"""

from collections.abc import Collection, Iterator
from typing import Final

from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.model import Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.guards import Attempt
from domain.relationship.state import Relationship
from domain.words import DisclosureException

# The roles that may be told; None: anybody.
_RECIPIENTS: Final[dict[DisclosureException, tuple[str, ...] | None]] = {
    "risk_of_harm": None,
    "illegal_activity": ("hr", "coordinator", "supplier", "manager", "authority"),
    "coordinator_discussion": ("coordinator", "manager"),
    "policy_breach": ("hr", "supplier"),
}
# Permitted under every code.
_ALWAYS: Final[tuple[DisclosureException, ...]] = ("risk_of_harm", "illegal_activity")
# What the codes that know exceptions permit. They forbid the others.
_PERMITTED: Final[dict[str, tuple[DisclosureException, ...]]] = {
    "cmn.disclosure": ("policy_breach", "illegal_activity"),
    "nottingham.confidentiality": ("coordinator_discussion", "risk_of_harm", "illegal_activity"),
}
# Clauses that know no exception: they forbid what no adopted code permits, and give way where one does.
_CONFIDENTIAL: Final = ("pentalog.session-content", "mentor247.confidentiality", "leapfrog.confidentiality")
_POLICY: Final = "care.disclosure"


@implements("cmn.disclosure", "nottingham.confidentiality", *_CONFIDENTIAL)
def disclosure_permitted(attempt: Attempt) -> Iterator[Problem]:
    """Refused when no adopted code and no rule of Rapport permits it, or when it goes to somebody who may not be told."""
    state, command, _ = attempt
    assert isinstance(command, c.DiscloseConfidence)
    exception = command.exception
    if not _is_permitted(state.codes, exception):
        message = (
            f"no adopted code permits a disclosure under the exception {exception}: seek the other party's agreement"
        )
        for clause in cite(state.codes, *_PERMITTED, *_CONFIDENTIAL) or (None,):
            yield Problem("not_an_exception", message, clause, "data.exception")
    recipients, recipient = _RECIPIENTS[exception], command.recipient.partition(":")[0]
    if recipients is not None and recipient not in recipients:
        clause = next(iter(permitting(state.codes, exception)), None)
        message = f"under the exception {exception} it may be told to {', '.join(recipients)}, not to {recipient}"
        yield Problem("recipient", message, clause, "data.recipient")


@implements(_POLICY)
def disclosure_findings(state: Relationship, command: c.DiscloseConfidence) -> Iterator[Finding]:
    """Each adopted clause that forbids what another adopted code permits."""
    exception = command.exception
    if exception not in _ALWAYS:
        for clause in cite(state.codes, *_PERMITTED):
            if exception not in _PERMITTED[clause]:
                yield Finding(code="not_an_exception", clause=clause)


def permitting(codes: Collection[str], exception: DisclosureException) -> tuple[str, ...]:
    """The clauses that permit a disclosure: those of the adopted codes, then Rapport's own policy."""
    adopted = tuple(clause for clause in cite(codes, *_PERMITTED) if exception in _PERMITTED[clause])
    return (*adopted, _POLICY)


def _is_permitted(codes: Collection[str], exception: DisclosureException) -> bool:
    return exception in _ALWAYS or permitting(codes, exception) != (_POLICY,)
