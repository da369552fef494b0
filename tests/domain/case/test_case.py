"""A conduct case from opening to closing."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case.commands import CaseCommand, CloseCase, DecideCase, EscalateCase, OpenCase
from domain.case.decide import CLAUSE, CLAUSES, MAY_SEND, decide
from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseOpened
from domain.case.evolve import evolve
from domain.case.state import Case
from domain.model import Command
from domain.words import ROLES, CaseDecision, CaseKind
from tests.domain.stream import Stream, codes
from tests.given_when_then import ALL_CODES

NO_ACTION = DecideCase(decision="no_action", reason="nothing in it")
REMOVAL = DecideCase(decision="mentor_removed", reason="it was so")


def case(*of: str) -> Stream[Case]:
    """A case that comes from a relationship under these codes, by default all."""
    return Stream("case:c1", decide, evolve, actor="hr:hanna", codes=of or ALL_CODES)


def opening(kind: CaseKind = "code", description: str = "said") -> OpenCase:
    return OpenCase(mentor_id="ana", relationship_id="r1", kind=kind, description=description)


def opened(kind: CaseKind = "code") -> Stream[Case]:
    stream = case()
    stream.when(opening(kind))
    return stream


def known(stream: Stream[Case]) -> Case:
    assert stream.state is not None
    return stream.state


@pytest.mark.clause("cmn.breaches")
def test_a_breach_is_opened_escalated_decided_and_closed() -> None:
    stream = case()
    statuses = []
    events = []
    for command in (opening(), EscalateCase(to="hr:petra"), REMOVAL, CloseCase()):
        events += stream.when(command)
        statuses.append(known(stream).status)
    assert statuses == ["open", "escalated", "decided", "closed"]
    assert events == [
        CaseOpened(mentor_id="ana", about="mentor:ana", relationship_id="r1", kind="code", description="said"),
        CaseEscalated(to="hr:petra"),
        CaseDecided(decision="mentor_removed", reason="it was so"),
        CaseClosed(),
    ]


def test_a_case_remembers_what_it_is_about() -> None:
    stream = opened("law")
    stream.when(EscalateCase(to="hr:petra"))
    stream.when(REMOVAL)
    stream.when(CloseCase(reason="done"))
    assert known(stream) == Case(
        case_id="c1",
        version=4,
        status="closed",
        mentor_id="ana",
        about="mentor:ana",
        kind="law",
        description="said",
        relationship_id="r1",
        escalated_to=("hr:petra",),
        decision="mentor_removed",
        decision_reason="it was so",
        closing_reason="done",
    )


@pytest.mark.parametrize("command", [EscalateCase(to="hr"), NO_ACTION, CloseCase(reason="none")])
def test_a_case_that_nobody_opened_takes_no_other_command(command: Command) -> None:
    assert codes(case().refused(command)) == ["unknown_case"]


def test_opening_again_with_the_same_data_is_nothing_new() -> None:
    assert opened().when(opening()) == []


def test_another_case_under_the_same_id_is_refused() -> None:
    assert codes(opened().refused(opening(description="did"))) == ["already_opened"]


def test_a_case_goes_to_each_recipient_once() -> None:
    stream = opened()
    stream.when(EscalateCase(to="hr"))
    assert stream.when(EscalateCase(to="hr")) == []
    assert stream.when(EscalateCase(to="board")) == [CaseEscalated(to="board")]


@pytest.mark.clause("cmn.breaches")
def test_a_case_is_decided_once() -> None:
    stream = opened()
    stream.when(NO_ACTION)
    assert stream.when(NO_ACTION) == []
    (problem,) = stream.refused(REMOVAL)
    assert (problem.code, problem.clause) == ("already_decided", "cmn.breaches")


@pytest.mark.clause("cmn.breaches")
def test_a_case_without_a_decision_does_not_close_without_a_reason() -> None:
    (problem,) = opened().refused(CloseCase())
    assert (problem.code, problem.clause, problem.field) == ("undecided", "cmn.breaches", "data.reason")


def test_a_case_without_a_decision_closes_for_a_reason() -> None:
    stream = opened()
    assert stream.when(CloseCase(reason="withdrawn")) == [CaseClosed(reason="withdrawn")]
    assert codes(stream.refused(NO_ACTION)) == ["state"]
    assert codes(stream.refused(EscalateCase(to="hr"))) == ["state"]


def test_a_decided_case_is_not_escalated() -> None:
    stream = opened()
    stream.when(NO_ACTION)
    assert codes(stream.refused(EscalateCase(to="hr"))) == ["state"]


def test_a_closed_case_stays_closed_for_the_reason_it_had() -> None:
    stream = opened()
    stream.when(CloseCase(reason="withdrawn"))
    assert stream.when(CloseCase(reason="withdrawn")) == []
    assert codes(stream.refused(CloseCase(reason="settled"))) == ["state"]


@pytest.mark.clause("cmn.breaches", "cmn.policy-breach", "mentor247.on-platform")
@pytest.mark.parametrize(
    "kind, clause",
    [
        ("code", "cmn.breaches"),
        ("law", "cmn.breaches"),
        ("policy", "cmn.policy-breach"),
        ("off_platform", "mentor247.on-platform"),
    ],
)
def test_a_refusal_cites_the_clause_of_the_kind_of_case(kind: CaseKind, clause: str) -> None:
    (problem,) = opened(kind).refused(CloseCase())
    assert problem.clause == clause


@pytest.mark.clause("cmn.breaches", "care.breach")
@pytest.mark.parametrize(
    "data, about, mentor_id",
    [
        ({"mentor_id": "ana"}, "mentor:ana", "ana"),
        ({"about": "mentor:ana"}, "mentor:ana", "ana"),
        ({"about": "mentor:ana", "mentor_id": "ana"}, "mentor:ana", "ana"),
        ({"about": "mentee:eva"}, "mentee:eva", None),
        ({"about": "coordinator:cora"}, "coordinator:cora", None),
        ({"about": "mentor"}, "mentor", None),
        ({"about": "line_manager"}, "line_manager", None),
    ],
)
def test_a_case_is_about_anybody(data: dict[str, str], about: str, mentor_id: str | None) -> None:
    stream = case()
    assert stream.when(OpenCase(**data, kind="code", description="said")) == [
        CaseOpened(about=about, mentor_id=mentor_id, kind="code", description="said")
    ]
    # The same person in other words.
    assert stream.when(OpenCase(about=about, kind="code", description="said")) == []


@pytest.mark.clause("cmn.breaches")
@pytest.mark.parametrize("about", ["mentee:eva", "coordinator:cora", "mentor", "customer"])
def test_only_a_case_about_one_mentor_ends_in_a_removal(about: str) -> None:
    def open_case() -> Stream[Case]:
        stream = case()
        stream.when(OpenCase(about=about, kind="code", description="said"))
        return stream

    (problem,) = open_case().refused(REMOVAL)
    assert (problem.code, problem.clause, problem.field) == ("not_a_mentor", "cmn.breaches", "data.decision")
    for decision in ("no_action", "further_training", "other_measure"):
        command = DecideCase(decision=decision, reason="a talk")
        assert open_case().when(command) == [CaseDecided(decision=decision, reason="a talk")]


@pytest.mark.parametrize("decision", ["no_action", "further_training", "mentor_removed", "other_measure"])
def test_a_case_about_a_mentor_ends_in_any_of_the_four(decision: CaseDecision) -> None:
    assert opened().when(DecideCase(decision=decision, reason="x")) == [CaseDecided(decision=decision, reason="x")]


STEPS = (EscalateCase(to="board"), NO_ACTION, CloseCase(reason="none"))


@pytest.mark.clause("cmn.breaches")
@pytest.mark.parametrize("command", STEPS, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize(
    "about, themselves, others",
    [
        ("hr:hanna", ["hr:hanna", "coordinator:hanna"], ["hr:petra", "coordinator:cora"]),
        ("mentor:ana", ["hr:ana", "supplier:ana"], ["hr:hanna"]),
        # Where nobody is named, everybody in the role is.
        ("coordinator", ["coordinator:cora", "coordinator:dan"], ["hr:hanna", "supplier:guild"]),
    ],
)
def test_nobody_settles_a_case_about_themselves(
    about: str, themselves: list[str], others: list[str], command: Command
) -> None:
    for actor in themselves + others:
        stream = case()
        stream.when(OpenCase(about=about, kind="policy", description="said"))
        if actor in others:
            assert stream.when(command, actor)
        else:
            (problem,) = stream.refused(command, actor)
            assert (problem.code, problem.clause, problem.field) == ("own_matter", "cmn.policy-breach", "actor")


def test_a_case_may_be_opened_about_oneself() -> None:
    assert case().when(OpenCase(about="hr:hanna", kind="code", description="I shared it"), "hr:hanna")


def test_the_clauses_of_each_kind_end_with_the_policy() -> None:
    assert {kind: (clause, "care.breach") for kind, clause in CLAUSE.items()} == CLAUSES
    assert set(CLAUSES) == set(get_args(CaseKind))


@pytest.mark.parametrize("role", ROLES)
def test_workers_open_cases_and_the_office_and_hr_see_them_through(role: str) -> None:
    actor = f"{role}:x"
    if role in {"hr", "coordinator", "supplier", "worker"}:
        assert case().when(opening(), actor)
    else:
        assert codes(case().refused(opening(), actor)) == ["role"]
    for command in (EscalateCase(to="hr"), NO_ACTION, CloseCase(reason="r")):
        if role in {"hr", "coordinator", "supplier"}:
            assert opened().when(command, actor)
        else:
            assert codes(opened().refused(command, actor)) == ["role"]


def test_every_problem_is_told_at_once() -> None:
    assert codes(case().refused(NO_ACTION, "mentee:m")) == ["role", "unknown_case"]


def test_every_command_says_who_may_send_it() -> None:
    assert set(MAY_SEND) == set(get_args(CaseCommand))


_commands = st.one_of(
    st.builds(opening, st.sampled_from(["code", "policy"]), st.sampled_from(["said", "did"])),
    st.builds(EscalateCase, to=st.sampled_from(["hr", "board"])),
    st.sampled_from([NO_ACTION, REMOVAL]),
    st.builds(CloseCase, reason=st.sampled_from([None, "withdrawn"])),
)


@given(st.lists(_commands, max_size=12))
def test_no_event_is_ever_recorded_twice_and_replay_gives_the_same_state(sent: list[Command]) -> None:
    stream = case()
    for command in sent:
        stream.attempt(command)
        assert stream.attempt(command) == []
    recorded = [entry.data for entry in stream.log]
    assert all(recorded.count(event) == 1 for event in recorded)
    assert [type(event) for event in recorded].count(CaseDecided) <= 1
    assert stream.replayed() == stream.state


@pytest.mark.clause("care.breach", "cmn.breaches")
@pytest.mark.parametrize("code, clause", [("pentalog", "care.breach"), ("cmn", "cmn.breaches")])
def test_a_refusal_cites_no_code_that_the_relationship_of_the_case_did_not_adopt(code: str, clause: str) -> None:
    stream = case(code)
    stream.when(opening())
    stream.when(NO_ACTION)
    [problem] = stream.refused(REMOVAL)
    assert (problem.code, problem.clause) == ("already_decided", clause)
