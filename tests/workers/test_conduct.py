from datetime import UTC, datetime

import pytest

from domain.case.commands import CloseCase, DecideCase, EscalateCase, OpenCase
from domain.case.events import CaseOpened
from domain.programme.events import ProgrammeCreated, TermSet
from domain.relationship import events as e
from domain.words import BreachKind, Role
from tests.given_when_then import SUBJECT
from tests.workers.happenings import booked, kinds
from tests.workers.stage import Stage
from workers.conduct import CONDUCT


def breach(kind: BreachKind, against: Role = "mentor") -> e.BreachReported:
    return e.BreachReported(against=against, kind=kind, description="What happened.")


def stage(*codes: str) -> Stage:
    return Stage(*(codes or ("cmn",)), workers=[CONDUCT]).active()


def case_of(told: Stage) -> str:
    [subject] = {recorded.subject for recorded in told.log if isinstance(recorded.data, CaseOpened)}
    return subject


@pytest.mark.clause("cmn.breaches")
@pytest.mark.parametrize("kind", ["code", "law"])
def test_a_breach_opens_a_case_with_hr(kind: BreachKind) -> None:
    told = stage().happens(breach(kind), on=3, by="mentee")
    [command] = told.sent(OpenCase)
    assert (command.about, command.relationship_id, command.kind) == ("mentor:ben", SUBJECT, kind)
    assert "What happened" not in command.description
    assert told.told("case_opened") == ["hr"]
    [task] = told.tasks()
    assert (task.kind, task.subject, task.clauses) == ("case_review", case_of(told), ("cmn.breaches", "care.breach"))
    assert task.settled_by == ("DecideCase", "CloseCase")


@pytest.mark.clause("cmn.breaches")
def test_the_review_has_ten_working_days_in_the_programmes_time_zone() -> None:
    told = stage()
    told.happens(ProgrammeCreated(name="P", timezone="America/New_York"), on=1, subject="programme:p1")
    # Thursday 5 March; ten working days end with Thursday 19 March, when New York keeps summer time already.
    told.happens(breach("code"), on=3, by="mentee")
    due = datetime(2026, 3, 20, 4, tzinfo=UTC)
    assert told.tasks()[0].due == due
    assert told.passes(17.7).told("case_review_overdue") == []
    assert told.passes(18).told("case_review_overdue") == ["hr", "coordinator"]
    assert told.notes[-1].at == due


@pytest.mark.clause("cmn.breaches")
def test_a_document_may_give_the_review_other_days() -> None:
    told = stage()
    term = TermSet(document="privacy_policy", term="review_working_days", value=1, resolved=1, winner="privacy_policy")
    told.happens(term, on=1, subject="programme:p1").happens(breach("code"), on=3, by="mentee")
    assert told.tasks()[0].due == datetime(2026, 3, 7, tzinfo=UTC)
    assert told.receipts[-1][1].terms == {"review_working_days": 1}


@pytest.mark.clause("cmn.breaches")
@pytest.mark.parametrize(
    "command", [DecideCase(decision="no_action", reason="Nothing."), CloseCase(reason="Reported by mistake.")]
)
def test_a_decision_settles_the_review(command: DecideCase | CloseCase) -> None:
    told = stage().happens(breach("code"), on=3, by="mentee")
    told.says(command, by="hr", on=5, subject=case_of(told)).passes(40)
    assert told.tasks() == []
    assert told.told("case_review_overdue") == []


@pytest.mark.clause("cmn.policy-breach")
def test_a_breach_of_another_policy_goes_to_hr_as_such_outside_the_codes_procedure() -> None:
    told = stage().happens(breach("policy"), on=3, by="mentee")
    assert told.told("policy_breach") == ["hr"]
    assert told.clauses("policy_breach") == ("cmn.policy-breach", "care.breach")
    assert [command.kind for command in told.sent(OpenCase)] == ["policy"]
    assert sorted(kinds(told.tasks())) == ["case_escalation", "case_review"]
    told.says(EscalateCase(to="hr:hanna"), by="hr", on=4, subject=case_of(told))
    assert kinds(told.tasks()) == ["case_review"]


@pytest.mark.clause("cmn.breaches", "care.breach")
def test_a_breach_by_the_mentee_is_a_case_about_the_mentee() -> None:
    told = stage().happens(breach("code", "mentee"), on=3, by="mentor")
    assert [command.about for command in told.sent(OpenCase)] == ["mentee:ana"]
    [task] = told.tasks("case_review")
    assert (task.owner, task.about) == ("hr", "mentee:ana")


@pytest.mark.clause("care.breach")
@pytest.mark.parametrize("kind", ["code", "law", "policy"])
def test_without_the_organisations_code_a_breach_is_a_case_by_rapports_own_policy(kind: BreachKind) -> None:
    told = stage("pentalog", "mentor247").happens(breach(kind), on=3, by="mentee")
    [task] = told.tasks("case_review")
    assert (task.owner, task.clauses) == ("hr", ("care.breach",))


@pytest.mark.clause("mentor247.on-platform")
def test_a_session_past_the_platform_is_on_record_as_unpaid_at_risk_and_opens_a_case() -> None:
    told = stage("mentor247").happens(booked("s1", 9, "off_platform"), on=3, by="mentor")
    [unpaid] = told.tasks("unpaid_at_risk")
    assert (unpaid.about, unpaid.evidence, unpaid.clauses) == ("s1", (3,), ("mentor247.on-platform",))
    assert [command.kind for command in told.sent(OpenCase)] == ["off_platform"]
    assert told.told("off_platform") == ["mentor:ben", "coordinator"]
    assert told.told("case_opened") == ["coordinator"]


@pytest.mark.clause("mentor247.on-platform")
def test_one_case_at_a_time_and_its_end_settles_the_sessions() -> None:
    told = stage("mentor247").happens(booked("s1", 9, "telephone"), booked("s2", 12, "in_person"), on=3)
    assert len(told.sent(OpenCase)) == 1
    assert [task.about for task in told.tasks("unpaid_at_risk")] == ["s1", "s2"]
    told.happens(e.SessionCancelled(session_id="s1", reason="moved", notice_hours=99, late=False), on=4)
    assert [task.about for task in told.tasks("unpaid_at_risk")] == ["s2"]
    told.says(DecideCase(decision="no_action", reason="Agreed."), by="supplier", on=5, subject=case_of(told))
    assert told.tasks() == []
    assert len(told.happens(booked("s3", 20, "email"), on=6).sent(OpenCase)) == 2


@pytest.mark.clause("mentor247.on-platform")
def test_on_the_platform_or_under_other_codes_channels_are_free() -> None:
    assert stage("mentor247").happens(booked("s1", 9), on=3).nothing()
    assert stage("cmn").happens(booked("s1", 9, "in_person"), on=3).nothing()


def test_a_case_opened_by_hand_is_reviewed_too() -> None:
    told = stage("pentalog")
    opened = OpenCase(mentor_id="ben", relationship_id=SUBJECT, kind="code", description="x")
    told.says(opened, by="hr", on=3, subject="case:c1")
    assert kinds(told.tasks()) == ["case_review"]
    assert told.tasks()[0].clauses == ("care.breach",)
