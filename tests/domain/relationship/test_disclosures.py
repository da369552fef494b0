"""Disclosures, sentence by sentence: who may be told under each exception, which codes permit, which forbid, what is refused."""

from collections.abc import Iterable
from itertools import chain, combinations
from typing import Final, get_args

import pytest

from domain.model import Actor, Context, Finding
from domain.problem import Problem, Refused
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.decide import decide
from domain.relationship.state import Relationship
from domain.words import RECIPIENT_ROLES, DisclosureException
from tests.domain.relationship.samples import in_state
from tests.given_when_then import ALL_CODES, day, fold, given, history

TALK, HARM, CRIME, POLICY = "coordinator_discussion", "risk_of_harm", "illegal_activity", "policy_breach"
FITTING: Final = {TALK: "coordinator:cora", HARM: "third_party:aunt", CRIME: "authority:police", POLICY: "hr:hanna"}
CONFIDENTIAL: Final = {
    "pentalog": "pentalog.session-content",
    "mentor247": "mentor247.confidentiality",
    "leapfrog": "leapfrog.confidentiality",
}


def disclosure(exception: str, recipient: str | None = None) -> c.DiscloseConfidence:
    return c.DiscloseConfidence(
        exception=exception,  # type: ignore[arg-type]
        recipient=recipient or FITTING[exception],
        disclosed="what was said",
        urgency="routine",
    )


def answer(codes: Iterable[str], exception: str, recipient: str | None = None) -> tuple[str, set[str | None]]:
    """Permitted, found or refused, and the clauses that the finding or the refusal names."""
    events = in_state("active", "cmn")
    proposal = events[0].event.model_copy(update={"codes": dict.fromkeys(codes, "1")})
    state = fold(history(proposal, *events[1:]))
    assert isinstance(state, Relationship)
    spoken: tuple[Problem | Finding, ...]
    try:
        accepted = decide(state, disclosure(exception, recipient), Context(Actor("mentor", "ben"), day(1), day(1)))
        spoken, outcome = accepted.findings, "found" if accepted.findings else "permitted"
    except Refused as refused:
        spoken, outcome = refused.problems, "refused"
    assert all(each.code == "not_an_exception" for each in spoken)
    return outcome, {each.clause for each in spoken}


NOTTINGHAM, CMN = "nottingham.confidentiality", "cmn.disclosure"
# codes, exception: what becomes of it, and which clauses the finding or the refusal names.
TRUTH: Final = [
    # Coordinator's talk: nottingham permits it, cmn forbids it, the three forbid it unless nottingham is adopted too.
    ("nottingham", TALK, "permitted", ()),
    ("nottingham pentalog", TALK, "permitted", ()),
    ("nottingham mentor247", TALK, "permitted", ()),
    ("nottingham leapfrog", TALK, "permitted", ()),
    ("nottingham cmn", TALK, "found", (CMN,)),
    ("nottingham cmn pentalog mentor247 leapfrog", TALK, "found", (CMN,)),
    ("cmn", TALK, "refused", (CMN,)),
    ("cmn leapfrog", TALK, "refused", (CMN, CONFIDENTIAL["leapfrog"])),
    *((code, TALK, "refused", (clause,)) for code, clause in CONFIDENTIAL.items()),
    ("", TALK, "refused", (None,)),
    # Policy breach: cmn permits it, nottingham forbids it, the three forbid it unless cmn is adopted too.
    ("cmn", POLICY, "permitted", ()),
    ("cmn pentalog", POLICY, "permitted", ()),
    ("cmn mentor247", POLICY, "permitted", ()),
    ("cmn leapfrog", POLICY, "permitted", ()),
    ("cmn nottingham", POLICY, "found", (NOTTINGHAM,)),
    ("nottingham", POLICY, "refused", (NOTTINGHAM,)),
    ("nottingham pentalog", POLICY, "refused", (NOTTINGHAM, CONFIDENTIAL["pentalog"])),
    *((code, POLICY, "refused", (clause,)) for code, clause in CONFIDENTIAL.items()),
    ("", POLICY, "refused", (None,)),
]  # fmt: skip


@pytest.mark.clause(
    "cmn.disclosure",
    "nottingham.confidentiality",
    "care.disclosure",
    "pentalog.session-content",
    "mentor247.confidentiality",
    "leapfrog.confidentiality",
)
@pytest.mark.parametrize("codes, exception, outcome, clauses", TRUTH)
def test_permitted_where_one_adopted_code_permits_it_and_found_where_another_forbids_it(
    codes: str, exception: str, outcome: str, clauses: tuple[str | None, ...]
) -> None:
    assert answer(codes.split(), exception) == (outcome, set(clauses))


EVERY_SET: Final = list(chain.from_iterable(combinations(ALL_CODES, size) for size in range(len(ALL_CODES) + 1)))


@pytest.mark.clause("care.disclosure")
@pytest.mark.parametrize("codes", EVERY_SET, ids="+".join)
@pytest.mark.parametrize("exception", [HARM, CRIME])
def test_harm_and_illegal_acts_are_permitted_under_every_code_with_no_finding(
    exception: str, codes: tuple[str, ...]
) -> None:
    assert answer(codes, exception) == ("permitted", set())


@pytest.mark.parametrize("codes", EVERY_SET, ids="+".join)
def test_the_other_two_need_the_one_code_that_permits_them(codes: tuple[str, ...]) -> None:
    for exception, permits, forbids in ((TALK, "nottingham", "cmn"), (POLICY, "cmn", "nottingham")):
        outcome, _ = answer(codes, exception)
        assert outcome == ("refused" if permits not in codes else "found" if forbids in codes else "permitted")


WHO_MAY_BE_TOLD: Final = {
    HARM: set(RECIPIENT_ROLES),
    CRIME: {"hr", "coordinator", "supplier", "manager", "authority"},
    TALK: {"coordinator", "manager"},
    POLICY: {"hr", "supplier"},
}


@pytest.mark.parametrize("role", RECIPIENT_ROLES)
@pytest.mark.parametrize("exception", get_args(DisclosureException))
def test_each_exception_says_who_may_be_told(exception: str, role: str) -> None:
    code = "cmn" if exception == POLICY else "nottingham"
    told = given(*in_state("active", code)).when(disclosure(exception, f"{role}:x"), by="mentor")
    if role in WHO_MAY_BE_TOLD[exception]:
        told.then(e.ConfidenceDisclosed)
    else:
        [problem] = told.then_refused("recipient")
        assert problem.field == "data.recipient"
        assert all(each in problem.message for each in WHO_MAY_BE_TOLD[exception])


@pytest.mark.parametrize(
    "codes, exception, clauses",
    [
        ("nottingham", TALK, ("nottingham.confidentiality", "care.disclosure")),
        ("cmn", POLICY, ("cmn.disclosure", "care.disclosure")),
        ("cmn nottingham", CRIME, ("cmn.disclosure", "nottingham.confidentiality", "care.disclosure")),
        ("cmn nottingham", HARM, ("nottingham.confidentiality", "care.disclosure")),
        ("pentalog", HARM, ("care.disclosure",)),
    ],
)
def test_the_event_names_the_clauses_that_permit_it_and_the_policy_after_them(
    codes: str, exception: str, clauses: tuple[str, ...]
) -> None:
    [event] = (
        given(*in_state("active", *codes.split())).when(disclosure(exception), by="mentor").then(e.ConfidenceDisclosed)
    )
    assert isinstance(event, e.ConfidenceDisclosed)
    assert event.clauses == clauses


@pytest.mark.parametrize("status", ["contracting", "active", "paused", "terminated"])
def test_mentor_and_coordinator_disclose_in_every_state_and_nobody_else(status: str) -> None:
    there = given(*in_state(status, "pentalog"))  # type: ignore[arg-type]
    for role in ("mentor", "coordinator"):
        there.when(disclosure(HARM), by=role).then(e.ConfidenceDisclosed)
    for role in ("mentee", "supplier", "hr", "customer"):
        there.when(disclosure(HARM), by=role).then_refused("role")


def test_a_finding_names_the_word_that_a_refusal_would_have_used() -> None:
    state = fold(history(*in_state("active", "cmn", "nottingham")))
    assert isinstance(state, Relationship)
    accepted = decide(state, disclosure(POLICY), Context(Actor("coordinator", "cora"), day(1), day(1)))
    assert accepted.findings == (Finding(code="not_an_exception", clause="nottingham.confidentiality"),)
