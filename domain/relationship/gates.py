"""The gates: what the adopted codes ask for before a relationship may become active.

Each gate is a question to the state; `unmet` lists every gate that is not met, with its clause and what is
missing. A gate holds only for relationships that adopted its code.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.problem import Problem
from domain.relationship.state import Relationship
from domain.words import COMPROMISING_NATURES, PARTIES, PLATFORM_DOCUMENTS, Document, Topic


class Gate(NamedTuple):
    """Clauses that ask for one thing, what is missing when it is not there, and the question to the state."""

    clauses: tuple[str, ...]
    missing: str
    met: Callable[[Relationship], bool]


def _covered(*topics: Topic) -> Callable[[Relationship], bool]:
    wanted = frozenset(topics)
    return lambda state: wanted <= state.covered


@implements("pentalog.goals", "cmn.objectives")
def goal_agreed_by_both(state: Relationship) -> bool:
    """At least one open goal that mentee and mentor agreed on."""
    return any(goal.status == "open" and set(PARTIES) <= set(goal.agreed_by) for goal in state.goals.values())


@implements("nottingham.goals")
def career_goal_open(state: Relationship) -> bool:
    """At least one open goal of type career."""
    return any(goal.status == "open" and goal.type == "career" for goal in state.goals.values())


@implements("pentalog.trust")
def both_ready_to_trust(state: Relationship) -> bool:
    """Each party's latest statement is that they are ready."""
    return all(state.ready.get(party, False) for party in PARTIES)


def _accepted(state: Relationship, document: Document) -> bool:
    return state.answers.get(("mentor", document), (False, ""))[0]


@implements("mentor247.terms")
def mentor_accepted_platform_terms(state: Relationship) -> bool:
    """The mentor's latest answer to each of the three documents is yes."""
    return all(_accepted(state, document) for document in PLATFORM_DOCUMENTS)


@implements("cmn.commitment-to-code")
def mentor_accepted_code(state: Relationship) -> bool:
    """The mentor's latest answer to the code of conduct is yes."""
    return _accepted(state, "code_of_conduct")


@implements("cmn.contracting")
def contracting_held(state: Relationship) -> bool:
    """A contracting conversation is on record."""
    return state.conversations > 0


@implements("cmn.timeframe", "nottingham.schedule")
def plan_agreed(state: Relationship) -> bool:
    """A plan is agreed."""
    return state.plan is not None


@implements("cmn.conflict-of-interest")
def conflicts_settled(state: Relationship) -> bool:
    """The mentor declared, be it that there is none, and every declared conflict has its mitigation."""
    declared = any(conflict.declared_by == "mentor" for conflict in state.conflicts)
    return declared and all(conflict.mitigated or conflict.nature == "none" for conflict in state.conflicts)


@implements("cmn.confidentiality-level")
def confidentiality_agreed(state: Relationship) -> bool:
    """The level of confidentiality is agreed."""
    return state.confidentiality is not None


@implements("cmn.reporting")
def reporting_agreed(state: Relationship) -> bool:
    """Reporting is agreed."""
    return bool(state.reporting)


@implements("nottingham.training")
def mentor_trained(state: Relationship) -> bool:
    """The mentor's training is confirmed."""
    return state.trained is not None


@implements("nottingham.compromising")
def not_compromised(state: Relationship) -> bool:
    """Nobody ever declared a friendship, family tie or sexual relationship; no mitigation helps."""
    return not any(conflict.nature in COMPROMISING_NATURES for conflict in state.conflicts)


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
    )
    yield Gate(
        ("cmn.boundaries",),
        "the contracting conversation has yet to cover expectations, boundaries and what mentoring is not",
        _covered("expectations", "boundaries", "what_mentoring_is_not"),
    )
    for clause, topic, words in (
        ("cmn.termination-discussed", "termination", "how the relationship may end"),
        ("leapfrog.role", "mentor_role", "the mentor's role"),
        ("leapfrog.protocols", "complaints_procedure", "the complaints procedure"),
        ("nottingham.ways-of-working", "ways_of_working", "the ways of working"),
        ("nottingham.expectations", "expectations", "the mentee's expectations"),
    ):
        yield Gate((clause,), f"the contracting conversation has yet to cover {words}", _covered(topic))  # type: ignore[arg-type]


GATES: Final[tuple[Gate, ...]] = (
    Gate(("pentalog.goals", "cmn.objectives"), "no open goal is agreed by mentee and mentor", goal_agreed_by_both),
    Gate(("nottingham.goals",), "no open career goal is agreed", career_goal_open),
    Gate(
        ("pentalog.trust",), "mentee and mentor have not both stated that they are ready to trust", both_ready_to_trust
    ),
    Gate(
        ("mentor247.terms",),
        "the mentor has not accepted terms of use, privacy policy and code of conduct",
        mentor_accepted_platform_terms,
    ),
    Gate(("cmn.commitment-to-code",), "the mentor has not accepted the code of conduct", mentor_accepted_code),
    Gate(("cmn.contracting",), "no contracting conversation is recorded", contracting_held),
    *_conversation_gates(),
    Gate(("cmn.timeframe", "nottingham.schedule"), "no plan of sessions is agreed", plan_agreed),
    Gate(
        ("cmn.conflict-of-interest",),
        "the mentor has not declared on conflicts of interest, or a declared one has no agreed mitigation",
        conflicts_settled,
    ),
    Gate(("cmn.confidentiality-level",), "the level of confidentiality is not agreed", confidentiality_agreed),
    Gate(("cmn.reporting",), "reporting is not agreed", reporting_agreed),
    Gate(("nottingham.training",), "the mentor's training is not confirmed", mentor_trained),
    Gate(
        ("nottingham.compromising",),
        "a friendship, family or sexual relationship was declared, which rules this relationship out for good",
        not_compromised,
    ),
)


def unmet(state: Relationship) -> list[Problem]:
    """Every gate that the adopted codes ask for and the state does not meet, one problem a clause."""
    return [
        Problem("gate", gate.missing, clause)
        for gate in GATES
        if (clauses := cite(state.codes, *gate.clauses)) and not gate.met(state)
        for clause in clauses
    ]
