"""The decision about a conduct case: the events to record, or a refusal with every problem found.

A case is opened about anybody, escalated where others must look at it, decided once and closed (cmn.breaches). A breach of
some other policy is a matter of that policy (cmn.policy-breach), an offer to leave the platform one of
mentor247.on-platform; the way of the case is the same and a refusal cites the clause of its kind. Nobody settles a case
about themselves.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from domain.case.commands import CaseCommand, CloseCase, DecideCase, EscalateCase, OpenCase
from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseEvent, CaseOpened
from domain.case.state import Case
from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.model import Actor, Command, Context
from domain.permission import role_problems
from domain.problem import Problem, refuse
from domain.words import CaseKind, Role

_OFFICE: Final[frozenset[Role]] = frozenset({"hr", "coordinator", "supplier"})
MAY_SEND: Final[Mapping[type[Command], frozenset[Role]]] = MappingProxyType(
    {OpenCase: _OFFICE | {"worker"}, EscalateCase: _OFFICE, DecideCase: _OFFICE, CloseCase: _OFFICE}
)
# The clause under which a case of each kind is pursued.
CLAUSE: Final[Mapping[CaseKind, str]] = MappingProxyType(
    {
        "code": "cmn.breaches",
        "policy": "cmn.policy-breach",
        "law": "cmn.breaches",
        "off_platform": "mentor247.on-platform",
    }
)

# The same, then the policy that holds for everybody.
CLAUSES: Final[Mapping[CaseKind, tuple[str, ...]]] = MappingProxyType(
    {kind: (clause, "care.breach") for kind, clause in CLAUSE.items()}
)


def decide(state: Case | None, command: CaseCommand, context: Context) -> list[CaseEvent]:
    """The events that a command leads to; none when it asks for what already is.

    Raises:
        Refused: the role may not, there is no such case, or it is not where the command wants it.
    """
    refuse(*case_problems(state, command, context))
    return case_events(state, command, context)


@implements("cmn.breaches", "care.breach")
def case_problems(case: Case | None, command: CaseCommand, context: Context) -> Iterator[Problem]:
    """The role must be allowed to send the command, the case must exist and be where the command needs it."""
    yield from role_problems(MAY_SEND, command, context)
    if case is None:
        if not isinstance(command, OpenCase):
            yield Problem("unknown_case", "no case was opened under this id", "cmn.breaches", "subject")
        return
    clause = _clause(case, context)
    if not isinstance(command, OpenCase) and _is_about(case, context.actor):
        message = f"the case is about {case.about}: nobody settles a case about themselves"
        yield Problem("own_matter", message, clause, "actor")
    if not _already(case, command):
        yield from _obstacles(case, command, clause)


def _clause(case: Case, context: Context) -> str:
    """The clause under which a case is pursued: where it comes from a relationship, one that holds for that."""
    own = CLAUSE[case.kind]
    return own if case.relationship_id is None else cite(context.codes, own, "care.breach")[0]


def _is_about(case: Case, actor: Actor) -> bool:
    """Whether a case is about the actor: the person, in whatever role they act, or everybody in their role."""
    role, colon, id_ = case.about.partition(":")
    return actor.id == id_ if colon else actor.role == role


def _obstacles(case: Case, command: CaseCommand, clause: str) -> Iterator[Problem]:
    match command:
        case OpenCase():
            yield Problem("already_opened", "another case was opened under this id", clause, "subject")
        case EscalateCase() if not case.is_open:
            yield Problem(
                "state", f"the case is {case.status}; EscalateCase is possible while it is open or escalated", clause
            )
        case DecideCase() if case.decision is not None:
            yield Problem("already_decided", f"the case was decided: {case.decision}", clause)
        case DecideCase() if case.status == "closed":
            yield Problem("state", "the case is closed; DecideCase is possible while it is open or escalated", clause)
        case DecideCase(decision="mentor_removed") if case.mentor_id is None:
            message = f"the case is about {case.about}, not about one mentor: decide other_measure and say which"
            yield Problem("not_a_mentor", message, clause, "data.decision")
        case CloseCase() if case.status == "closed":
            yield Problem("state", "the case was closed with another reason", clause)
        case CloseCase() if case.decision is None and command.reason is None:
            yield Problem("undecided", "a case without a decision closes only with a reason", clause, "data.reason")
        case EscalateCase() | DecideCase() | CloseCase():
            pass
        case _:
            assert_never(command)


def _already(case: Case, command: CaseCommand) -> bool:
    """Whether the record already says exactly what the command asks for."""
    match command:
        case OpenCase():
            asked = about(command), command.relationship_id, command.kind, command.description
            return asked == (case.about, case.relationship_id, case.kind, case.description)
        case EscalateCase():
            return command.to in case.escalated_to
        case DecideCase():
            return (command.decision, command.reason) == (case.decision, case.decision_reason)
        case CloseCase():
            return case.status == "closed" and command.reason == case.closing_reason
        case _:
            assert_never(command)


def about(command: OpenCase) -> str:
    """Whom a case is about: a person in a role, or a role."""
    return command.about or f"mentor:{command.mentor_id}"


def mentor_of(command: OpenCase) -> str | None:
    """The id of the mentor whom a case is about, or None."""
    role, _, id_ = about(command).partition(":")
    return id_ or None if role == "mentor" else None


def case_events(case: Case | None, command: CaseCommand, context: Context) -> list[CaseEvent]:
    """The event of a command without problems; none when the record shows it already."""
    return [] if case is not None and _already(case, command) else [_recorded(command, context)]


def _recorded(command: CaseCommand, context: Context) -> CaseEvent:
    match command:
        case OpenCase():
            return CaseOpened(
                mentor_id=mentor_of(command),
                about=about(command),
                kind=command.kind,
                description=command.description,
                relationship_id=command.relationship_id,
                programme_id=context.programme_id,
            )
        case EscalateCase():
            return CaseEscalated(to=command.to)
        case DecideCase():
            return CaseDecided(decision=command.decision, reason=command.reason)
        case CloseCase():
            return CaseClosed(reason=command.reason)
        case _:
            assert_never(command)
