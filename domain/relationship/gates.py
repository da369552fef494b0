"""The gates: what the adopted codes ask for before a relationship may become active.

Each gate is a question; `unmet` lists every gate that is not met, with its clause and what is
missing. A gate holds only for relationships that adopted its code.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cache
from typing import Final, NamedTuple

from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.model import Command, Known
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.state import Relationship
from domain.words import COMPROMISING_NATURES, PARTIES, PLATFORM_DOCUMENTS, Document, Role, Topic


class Asked(NamedTuple):
    """What a gate is asked about: a relationship, the day, and the first day on which the mentor completed a training."""

    state: Relationship
    day: date
    mentor_trained_on: date | None


class Gate(NamedTuple):
    """Clauses that ask for one thing, what is missing when it is not there, the question, the command that meets it and the roles that can.

    No command and no role meet a gate that rules the relationship out.
    """

    clauses: tuple[str, ...]
    missing: str
    met: Callable[[Asked], bool]
    command: type[Command] | None
    by: tuple[Role, ...] = PARTIES


def _covered(*topics: Topic) -> Callable[[Asked], bool]:
    wanted = frozenset(topics)
    return lambda asked: wanted <= asked.state.covered


@implements("pentalog.goals", "cmn.objectives")
def goal_agreed_by_both(asked: Asked) -> bool:
    """At least one open goal that mentee and mentor agreed on."""
    return any(goal.status == "open" and set(PARTIES) <= set(goal.agreed_by) for goal in asked.state.goals.values())


@implements("nottingham.goals")
def career_goal_open(asked: Asked) -> bool:
    """At least one open goal of type career."""
    return any(goal.status == "open" and goal.type == "career" for goal in asked.state.goals.values())


@implements("pentalog.trust")
def both_ready_to_trust(asked: Asked) -> bool:
    """Each party's latest statement is that they are ready."""
    return all(asked.state.ready.get(party, False) for party in PARTIES)


def _accepted(state: Relationship, document: Document) -> bool:
    return state.answers.get(("mentor", document), (False, ""))[0]


@implements("mentor247.terms")
def mentor_accepted_platform_terms(asked: Asked) -> bool:
    """The mentor's latest answer to each of the three documents is yes."""
    return all(_accepted(asked.state, document) for document in PLATFORM_DOCUMENTS)


@implements("cmn.commitment-to-code")
def mentor_accepted_code(asked: Asked) -> bool:
    """The mentor's latest answer to the code of conduct is yes."""
    return _accepted(asked.state, "code_of_conduct")


@implements("cmn.contracting")
def contracting_held(asked: Asked) -> bool:
    """A contracting conversation is on record."""
    return asked.state.conversations > 0


@implements("cmn.timeframe", "nottingham.schedule")
def plan_agreed(asked: Asked) -> bool:
    """A plan is agreed."""
    return asked.state.plan is not None


@implements("cmn.conflict-of-interest")
def conflicts_settled(asked: Asked) -> bool:
    """The mentor declared, be it that there is none, and every declared conflict has its mitigation."""
    declared = any(conflict.declared_by == "mentor" for conflict in asked.state.conflicts)
    return declared and all(conflict.mitigated or conflict.nature == "none" for conflict in asked.state.conflicts)


@implements("cmn.confidentiality-level")
def confidentiality_agreed(asked: Asked) -> bool:
    """The level of confidentiality is agreed."""
    return asked.state.confidentiality is not None


@implements("cmn.reporting")
def reporting_agreed(asked: Asked) -> bool:
    """Reporting to somebody has the words of mentee and line manager, or the office's where none is named."""
    state = asked.state
    return any(not state.awaited(agreed) for agreed in state.reporting.values())


@implements("nottingham.training")
def mentor_trained(asked: Asked) -> bool:
    """Mentor training, confirmed for the relationship or recorded for the mentor, was completed by that day."""
    days = [*asked.state.trainings.values(), *([asked.mentor_trained_on] if asked.mentor_trained_on else [])]
    return any(completed_on <= asked.day for completed_on in days)


@implements("nottingham.compromising")
def not_compromised(asked: Asked) -> bool:
    """Nobody ever declared a friendship, family tie or sexual relationship; no mitigation helps."""
    return not any(conflict.nature in COMPROMISING_NATURES for conflict in asked.state.conflicts)


@implements(
    "mentor247.first-session",
    "cmn.boundaries",
    "cmn.termination-discussed",
    "leapfrog.role",
    "leapfrog.protocols",
    "nottingham.ways-of-working",
    "nottingham.expectations",
)
def _conversation_gates() -> Iterator[Gate]:
    """What the contracting conversations must have covered, all of them together."""
    yield Gate(
        ("mentor247.first-session",),
        "the contracting conversation has yet to cover confidentiality, the process, the invitation to share, "
        "realistic results, and questions and feedback",
        _covered("confidentiality", "process", "invitation_to_share", "realistic_results", "questions_and_feedback"),
        c.RecordContractingConversation,
    )
    yield Gate(
        ("cmn.boundaries",),
        "the contracting conversation has yet to cover expectations, boundaries and what mentoring is not",
        _covered("expectations", "boundaries", "what_mentoring_is_not"),
        c.RecordContractingConversation,
    )
    for clause, topic, words in (
        ("cmn.termination-discussed", "termination", "how the relationship may end"),
        ("leapfrog.role", "mentor_role", "the mentor's role"),
        ("leapfrog.protocols", "complaints_procedure", "the complaints procedure"),
        ("nottingham.ways-of-working", "ways_of_working", "the ways of working"),
        ("nottingham.expectations", "expectations", "the mentee's expectations"),
    ):
        missing = f"the contracting conversation has yet to cover {words}"
        yield Gate((clause,), missing, _covered(topic), c.RecordContractingConversation)  # type: ignore[arg-type]


GATES: Final[tuple[Gate, ...]] = (
    Gate(
        ("pentalog.goals", "cmn.objectives"),
        "no open goal is agreed by mentee and mentor",
        goal_agreed_by_both,
        c.AgreeGoal,
    ),
    Gate(("nottingham.goals",), "no open career goal is agreed", career_goal_open, c.AgreeGoal),
    Gate(
        ("pentalog.trust",),
        "mentee and mentor have not both stated that they are ready to trust",
        both_ready_to_trust,
        c.StateTrustReadiness,
    ),
    Gate(
        ("mentor247.terms",),
        "the mentor has not accepted terms of use, privacy policy and code of conduct",
        mentor_accepted_platform_terms,
        c.AcceptTerms,
        by=("mentor",),
    ),
    Gate(
        ("cmn.commitment-to-code",),
        "the mentor has not accepted the code of conduct",
        mentor_accepted_code,
        c.AcceptTerms,
        by=("mentor",),
    ),
    Gate(
        ("cmn.contracting",),
        "no contracting conversation is recorded",
        contracting_held,
        c.RecordContractingConversation,
    ),
    *_conversation_gates(),
    Gate(("cmn.timeframe", "nottingham.schedule"), "no plan of sessions is agreed", plan_agreed, c.AgreePlan),
    Gate(
        ("cmn.conflict-of-interest",),
        "the mentor has not declared on conflicts of interest, or a declared one has no agreed mitigation",
        conflicts_settled,
        c.DeclareConflictOfInterest,
        by=("mentor",),
    ),
    Gate(
        ("cmn.confidentiality-level",),
        "the level of confidentiality is not agreed",
        confidentiality_agreed,
        c.AgreeConfidentiality,
    ),
    Gate(
        ("cmn.reporting",),
        "reporting lacks the word of the mentee or of the line manager (the office where none is named), each in their own name",
        reporting_agreed,
        c.AgreeReporting,
        by=("mentee", "line_manager"),
    ),
    Gate(
        ("nottingham.training",),
        "no completed mentor training is recorded for the mentor or confirmed for the relationship",
        mentor_trained,
        c.ConfirmMentorTraining,
        by=("coordinator",),
    ),
    Gate(
        ("nottingham.compromising",),
        "a friendship, family or sexual relationship was declared, which rules this relationship out for good",
        not_compromised,
        None,
        by=(),
    ),
)


@cache
def gates_under(codes: tuple[str, ...]) -> tuple[tuple[Gate, tuple[str, ...]], ...]:
    """The gates that the adopted codes ask for, each with the clauses that do."""
    return tuple((gate, clauses) for gate in GATES if (clauses := cite(codes, *gate.clauses)))


def unmet(state: Relationship, day: date | None = None, known: Known | None = None) -> list[Problem]:
    """Every gate that the adopted codes ask for and that is not met, one problem a clause.

    `day` is that of the activation, in the programme's time zone (absent: any day will do); `known` is what other aggregates
    say by then, else what the relationship last recorded of them.
    """
    asked = Asked(state, day or date.max, (known or state.known).mentor_trained_on)
    return [
        Problem("gate", gate.missing, clause)
        for gate, clauses in gates_under(tuple(state.codes))
        if not gate.met(asked)
        for clause in clauses
    ]


def able_to_meet(clauses: Iterable[str]) -> dict[Role, tuple[str, ...]]:
    """Who can do something about these unmet gates: each role with the clauses that wait for it."""
    found: dict[Role, tuple[str, ...]] = {}
    for clause in clauses:
        for gate in GATES:
            if clause in gate.clauses:
                for role in gate.by:
                    found[role] = (*found.get(role, ()), clause)
    return found


def command_for(clause: str) -> type[Command] | None:
    """The command that meets the gate of a clause; None where none does."""
    return next((gate.command for gate in GATES if clause in gate.clauses), None)
