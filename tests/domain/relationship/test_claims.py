"""Agreements of two: what one side says both agreed, who confirms it, and what reporting waits for."""

import pytest

from domain.model import Command, Event
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.gates import unmet
from domain.relationship.state import Claim, Relationship
from tests.domain.relationship.samples import BOTH, GOAL, PLAN, contracted
from tests.domain.relationship.telling import Told
from tests.given_when_then import START, At, day, fold, given, history, proposed

CONFIDENTIALITY = e.ConfidentialityAgreed(shared=(), not_shared=("session_content",))
TALK = e.ContractingConversationRecorded(held_at=START, covered=("process",))
ATTENDANCE = e.ReportingAgreed(with_whom="line_manager", outputs=("attendance", "schedule"))
AGREEMENTS: list[Event] = [GOAL, PLAN, CONFIDENTIALITY, TALK]
CONFIRM = c.ConfirmAgreement(version=2)
ACTIVATE = c.ActivateRelationship()
CONFIRMED = e.AgreementConfirmed(version=2)
WITHOUT_MANAGER = proposed("cmn").model_copy(update={"line_manager_id": None})


def claims(*events: Event | At) -> list[tuple[int, str, str]]:
    """Version, by whom, and whose word is awaited."""
    state = fold(history(*events))
    assert isinstance(state, Relationship)
    return [(claim.version, claim.by, claim.waits_for) for claim in state.claims]


def reporting(*outputs: str, to: str = "line_manager") -> e.ReportingAgreed:
    return e.ReportingAgreed(with_whom=to, outputs=outputs)  # type: ignore[arg-type]


# --- one party's word is its claim of the other's -------------------------------------------------------------------
@pytest.mark.clause("care.claims")
@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("by, other", [("mentee", "mentor"), ("mentor", "mentee")])
def test_an_agreement_of_one_party_waits_for_the_others_word(agreement: Event, by: str, other: str) -> None:
    told: list[Event | At] = [proposed(), At(1, agreement, by)]
    assert claims(*told) == [(2, by, other)]
    given(*told).when(CONFIRM, by=other).then(CONFIRMED)
    assert claims(*told, At(2, CONFIRMED, other)) == []


@pytest.mark.clause("care.claims")
@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("office", ["coordinator", "supplier"])
def test_what_the_office_records_holds_for_both(agreement: Event, office: str) -> None:
    told: list[Event | At] = [proposed(), At(1, agreement, office)]
    assert claims(*told) == []
    for party in BOTH:
        if (type(agreement), party) == (e.ConfidentialityAgreed, "mentee"):
            continue  # what is shared under it needs the mentee's own word as well
        given(*told).when(CONFIRM, by=party).then_refused("nothing_open")


@pytest.mark.parametrize("office", ["coordinator", "supplier"])
def test_the_mentee_may_say_in_their_own_name_what_the_office_agreed_to_share(office: str) -> None:
    told: list[Event | At] = [proposed(), At(1, CONFIDENTIALITY, office)]
    given(*told).when(CONFIRM, by="mentee").then(CONFIRMED)
    again = c.AgreeConfidentiality(shared=CONFIDENTIALITY.shared, not_shared=CONFIDENTIALITY.not_shared)
    given(*told).when(again, by="mentee").then(CONFIRMED)
    given(*told).when(again, by="mentor").then()
    given(*told, At(2, CONFIRMED, "mentee")).when(again, by="mentee").then()
    given(*told, At(2, CONFIRMED, "mentee")).when(CONFIRM, by="mentee").then_refused("nothing_open")
    assert claims(*told, At(2, CONFIRMED, "mentee")) == []


def test_the_mentee_may_say_in_their_own_name_what_the_office_agreed_to_report() -> None:
    reporting = e.ReportingAgreed(with_whom="coordinator", outputs=("attendance",))
    told: list[Event | At] = [proposed(), At(1, reporting, "coordinator")]
    given(*told).when(CONFIRM, by="mentee").then(CONFIRMED)
    again = c.AgreeReporting(with_whom="coordinator", outputs=("attendance",))
    given(*told).when(again, by="mentee").then(reporting)
    given(*told, At(2, CONFIRMED, "mentee")).when(CONFIRM, by="mentee").then_refused("nothing_open")
    given(*told, At(2, CONFIRMED, "mentee")).when(again, by="mentee").then()


@pytest.mark.clause("care.claims")
@pytest.mark.parametrize(
    "later",
    [
        PLAN.model_copy(update={"sessions": 9}),
        CONFIDENTIALITY.model_copy(update={"not_shared": ()}),
        GOAL.model_copy(update={"title": "Lead two teams"}),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_later_agreement_of_the_same_matter_ends_the_claim(later: Event) -> None:
    earlier = next(event for event in AGREEMENTS if type(event) is type(later))
    told: list[Event | At] = [proposed(), At(1, earlier, "mentee"), At(2, later, "mentor")]
    assert claims(*told) == [(3, "mentor", "mentee")]
    given(*told).when(CONFIRM, by="mentor").then_refused("nothing_open")
    assert claims(*told[:2], At(2, later, "coordinator")) == []


def test_each_conversation_waits_for_a_word_of_its_own() -> None:
    told: list[Event | At] = [proposed(), At(1, TALK, "mentee"), At(2, TALK, "mentee")]
    assert claims(*told) == [(2, "mentee", "mentor"), (3, "mentee", "mentor")]
    assert claims(*told, At(3, CONFIRMED, "mentor")) == [(3, "mentee", "mentor")]


def test_a_dropped_goal_and_an_ended_relationship_wait_for_nobody() -> None:
    told: list[Event | At] = [proposed(), At(1, GOAL, "mentee")]
    assert claims(*told, At(2, e.GoalDropped(goal_id="g1", reason="no"), "mentee")) == []
    end = e.RelationshipTerminated(reason="mentee_choice", informed=BOTH, next_steps="none")
    assert claims(*told, At(2, end, "mentee")) == []


@pytest.mark.clause("care.claims")
@pytest.mark.parametrize(
    "command",
    [
        c.AgreePlan(every_days=14, starts_on=PLAN.starts_on, ends_on=PLAN.ends_on, channel="virtual_meeting"),
        c.AgreeConfidentiality(shared=(), not_shared=("session_content",)),
        c.AgreeGoal(goal_id="g1", title=GOAL.title, type="career", source="mentee", agreed_by=BOTH),
    ],
    ids=lambda command: type(command).__name__,
)
def test_saying_the_same_as_the_other_confirms_it(command: Command) -> None:
    told = given(*(At(n, event, "mentee") for n, event in enumerate([proposed(), GOAL, PLAN, CONFIDENTIALITY])))
    version = {c.AgreeGoal: 2, c.AgreePlan: 3, c.AgreeConfidentiality: 4}[type(command)]
    told.when(command, by="mentor", at=9).then(e.AgreementConfirmed(version=version))
    told.when(command, by="mentee", at=9).then_nothing()
    told.when(command, by="coordinator", at=9).then_nothing()


# --- what cannot be confirmed ---------------------------------------------------------------------------------------
def test_only_an_agreement_on_record_is_confirmed() -> None:
    told = given(proposed(), At(1, PLAN, "mentee"))
    for version, words in ((3, "there is no event 3"), (1, "event 1 is no agreement of two")):
        problems = told.when(c.ConfirmAgreement(version=version), by="mentor").then_refused("unknown_fact")
        assert (problems[0].field, words in problems[0].message) == ("data.version", True)


def test_nobody_confirms_their_own_claim() -> None:
    told = given(proposed(), At(1, PLAN, "mentee"))
    assert "mentor must say so too" in told.when(CONFIRM, by="mentee").then_refused("own_matter")[0].message


def test_what_is_confirmed_already_is_not_open() -> None:
    told = given(proposed(), At(1, PLAN, "mentee"), At(2, CONFIRMED, "mentor"))
    told.when(CONFIRM, by="mentor").then_refused("nothing_open")
    told.when(CONFIRM, by="mentee").then_refused("nothing_open")


def test_a_line_manager_confirms_reporting_alone() -> None:
    problems = given(proposed(), At(1, PLAN, "mentee")).when(CONFIRM, by="line_manager").then_refused("role")
    assert problems[0].field == "actor"
    given(proposed(), At(1, ATTENDANCE, "mentee")).when(CONFIRM, by="line_manager").then(CONFIRMED)


# --- cmn.reporting: both words, each in their own name --------------------------------------------------------------
def activation(*agreed: At, line_manager: str | None = "lou") -> set[str]:
    """The clauses of the gates that are unmet under cmn, with everything but reporting agreed."""
    first, *rest = contracted("ReportingAgreed", codes=("cmn",))
    first = At(0, first.event.model_copy(update={"line_manager_id": line_manager}))
    asked = given(first, *rest, *agreed).when(ACTIVATE, by="coordinator")
    return set() if isinstance(asked.outcome, list) else {str(p.clause) for p in asked.then_refused()}


CLAUSE = {"cmn.reporting"}


@pytest.mark.clause("cmn.reporting")
def test_reporting_needs_mentee_and_line_manager_each_in_their_own_name() -> None:
    assert activation() == CLAUSE
    for words in (["mentee"], ["line_manager"], ["mentor"], ["mentor", "mentee"], ["mentor", "line_manager"]):
        assert activation(*(At(0.1, ATTENDANCE, role) for role in words)) == CLAUSE, words
    for words in (["mentee", "line_manager"], ["line_manager", "mentee"], ["mentor", "mentee", "line_manager"]):
        assert activation(*(At(0.1, ATTENDANCE, role) for role in words)) == set(), words


@pytest.mark.clause("cmn.reporting")
def test_reporting_is_confirmed_as_well_as_agreed() -> None:
    version = len(contracted("ReportingAgreed", codes=("cmn",))) + 1
    confirmed = e.AgreementConfirmed(version=version)
    assert activation(At(0.1, ATTENDANCE, "mentee"), At(0.2, confirmed, "line_manager")) == set()
    assert activation(At(0.1, ATTENDANCE, "mentor"), At(0.2, confirmed, "line_manager")) == CLAUSE
    both = At(0.2, confirmed, "line_manager"), At(0.3, confirmed, "mentee")
    assert activation(At(0.1, ATTENDANCE, "mentor"), *both) == set()


@pytest.mark.clause("cmn.reporting")
@pytest.mark.parametrize("office", ["coordinator", "supplier"])
def test_the_offices_word_stands_for_the_mentee_and_for_a_line_manager_where_none_is_named(office: str) -> None:
    assert activation(At(0.1, ATTENDANCE, office)) == CLAUSE
    assert activation(At(0.1, ATTENDANCE, office), At(0.2, ATTENDANCE, "line_manager")) == set()
    assert activation(At(0.1, ATTENDANCE, office), At(0.2, ATTENDANCE, "mentee")) == CLAUSE
    assert activation(At(0.1, ATTENDANCE, office), line_manager=None) == set()
    assert activation(At(0.1, ATTENDANCE, "mentee"), line_manager=None) == CLAUSE
    assert activation(At(0.1, ATTENDANCE, "mentee"), At(0.2, ATTENDANCE, office), line_manager=None) == set()


@pytest.mark.clause("cmn.reporting")
def test_with_other_outputs_both_words_are_awaited_anew() -> None:
    words = [At(0.1, ATTENDANCE, "mentee"), At(0.2, reporting("attendance"), "line_manager")]
    assert activation(*words) == CLAUSE
    assert activation(*words, At(0.3, reporting("attendance"), "mentee")) == set()
    agreed = [At(0.1, ATTENDANCE, "mentee"), At(0.2, ATTENDANCE, "line_manager")]
    assert activation(*agreed, At(0.3, reporting("goals"), "mentee")) == CLAUSE


@pytest.mark.clause("cmn.reporting")
def test_the_order_of_the_outputs_makes_no_difference() -> None:
    words = [At(0.1, reporting("schedule", "attendance"), "mentee"), At(0.2, ATTENDANCE, "line_manager")]
    assert activation(*words) == set()


@pytest.mark.clause("cmn.reporting")
def test_each_audience_has_an_agreement_of_its_own() -> None:
    words = [At(0.1, ATTENDANCE, "mentee"), At(0.2, reporting("attendance", "schedule", to="customer"), "line_manager")]
    assert activation(*words) == CLAUSE


@pytest.mark.clause("cmn.reporting", "care.claims")
def test_reporting_shows_whose_words_are_awaited() -> None:
    first = proposed("cmn")
    assert claims(first, At(1, ATTENDANCE, "mentor")) == [(2, "mentor", "line_manager"), (2, "mentor", "mentee")]
    assert claims(first, At(1, ATTENDANCE, "mentee")) == [(2, "mentee", "line_manager")]
    assert claims(first, At(1, ATTENDANCE, "line_manager")) == [(2, "line_manager", "mentee")]
    assert claims(first, At(1, ATTENDANCE, "coordinator")) == [(2, "coordinator", "line_manager")]
    assert claims(WITHOUT_MANAGER, At(1, ATTENDANCE, "mentee")) == [(2, "mentee", "coordinator")]
    assert claims(WITHOUT_MANAGER, At(1, ATTENDANCE, "supplier")) == []
    other = proposed("pentalog").model_copy(update={"line_manager_id": None})
    assert claims(other, At(1, ATTENDANCE, "mentee")) == [(2, "mentee", "mentor")]


@pytest.mark.clause("cmn.reporting")
def test_a_second_agreement_of_the_same_outputs_is_that_ones_word() -> None:
    agree = c.AgreeReporting(with_whom="line_manager", outputs=("attendance", "schedule"))
    told = given(proposed("cmn"), At(0.1, ATTENDANCE, "mentee"))
    told.when(agree, by="line_manager").then(ATTENDANCE)
    told.when(agree, by="mentee").then_nothing()
    # The mentor is not asked, so the mentor's word adds nothing.
    told.when(agree, by="mentor").then_nothing()
    agreed = given(proposed("cmn"), At(0.1, ATTENDANCE, "mentee"), At(0.2, ATTENDANCE, "line_manager"))
    for role in ("mentee", "line_manager", "coordinator"):
        agreed.when(agree, by=role).then_nothing()
    monthly = agree.model_copy(update={"every_days": 30})
    agreed.when(monthly, by="mentee").then(e.ReportingAgreed)


@pytest.mark.clause("cmn.reporting")
def test_any_event_of_the_agreement_may_be_confirmed() -> None:
    told: list[Event | At] = [proposed("cmn"), At(0.1, ATTENDANCE, "mentor"), At(0.2, ATTENDANCE, "mentee")]
    for version in (2, 3):
        given(*told).when(c.ConfirmAgreement(version=version), by="line_manager").then(e.AgreementConfirmed)
    superseded = given(*told, At(0.3, reporting("goals"), "mentee"))
    superseded.when(CONFIRM, by="line_manager").then_refused("nothing_open")


# --- who has a part -------------------------------------------------------------------------------------------------
@pytest.mark.clause("cmn.reporting")
def test_the_word_of_a_new_line_manager_is_awaited() -> None:
    agreed = [At(0.1, ATTENDANCE, "mentee"), At(0.2, ATTENDANCE, "line_manager")]
    assert activation(*agreed, At(0.3, e.PartyChanged(role="line_manager", id="lena"), "coordinator")) == CLAUSE
    assert activation(*agreed, At(0.3, e.PartyChanged(role="line_manager", id=None), "coordinator")) == CLAUSE
    by_office = [At(0.1, ATTENDANCE, "coordinator")]
    assert activation(*by_office, At(0.3, e.PartyChanged(role="line_manager", id=None), "coordinator")) == set()
    changed: list[Event | At] = [
        proposed("cmn"),
        *agreed,
        At(0.3, e.PartyChanged(role="line_manager", id="lena"), "coordinator"),
    ]
    told = given(*changed)
    told.when(CONFIRM, by="line_manager").then_refused("actor")
    told.when(CONFIRM, by="line_manager", as_id="lena").then(CONFIRMED)


@pytest.mark.parametrize("role", ["customer", "line_manager", "supplier"])
def test_another_person_takes_a_part(role: str) -> None:
    change = c.ChangeParty(role=role, id="zoe")  # type: ignore[arg-type]
    told = given(proposed())
    told.when(change, by="coordinator").then(e.PartyChanged(role=role, id="zoe"))  # type: ignore[arg-type]
    told.when(change.model_copy(update={"id": None}), by="coordinator").then(e.PartyChanged(role=role))  # type: ignore[arg-type]
    after = fold(history(proposed(), At(1, e.PartyChanged(role=role, id="zoe"))))  # type: ignore[arg-type]
    assert isinstance(after, Relationship)
    assert after.named(role) == "zoe"  # type: ignore[arg-type]
    given(proposed(), At(1, e.PartyChanged(role=role, id="zoe"))).when(change, by="coordinator").then_nothing()  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["line_manager", "supplier"])
@pytest.mark.parametrize("party", ["ana", "ben"])
def test_a_party_neither_manages_itself_nor_runs_the_programme(role: str, party: str) -> None:
    change = c.ChangeParty(role=role, id=party)  # type: ignore[arg-type]
    assert given(proposed()).when(change, by="coordinator").then_refused("same_person")[0].field == "data.id"
    propose = c.ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ben", **{f"{role}_id": party})  # type: ignore[arg-type]
    problems = given().when(propose, by="coordinator").then_refused("same_person")
    assert [problem.field for problem in problems] == [f"data.{role}_id"]


def test_a_mentee_may_pay_for_themselves() -> None:
    given(proposed()).when(c.ChangeParty(role="customer", id="ana"), by="coordinator").then(e.PartyChanged)


def test_the_mentor_is_not_the_customer_who_would_score_the_mentoring_and_the_mentee_may_be() -> None:
    change = c.ChangeParty(role="customer", id="ben")
    (problem,) = given(proposed()).when(change, by="coordinator").then_refused("same_person")
    assert problem.field == "data.id"
    propose = c.ProposeRelationship(
        programme_id="p1", mentee_id="ana", mentor_id="ben", customer_id="ben", codes=("pentalog",)
    )
    (problem,) = given().when(propose, by="coordinator").then_refused("same_person")
    assert problem.field == "data.customer_id"
    given().when(propose.model_copy(update={"customer_id": "ana"}), by="coordinator").then(e.RelationshipProposed)


# --- the match ------------------------------------------------------------------------------------------------------
def test_each_party_answers_the_match_for_itself() -> None:
    told = given(proposed())
    told.when(c.RespondToMatch(accept=True), by="mentee").then(e.MatchAccepted())
    told.when(c.RespondToMatch(accept=False, reason="no time"), by="mentor").then(e.MatchDeclined(reason="no time"))
    for role in ("coordinator", "supplier", "customer", "line_manager", "hr", "service"):
        told.when(c.RespondToMatch(accept=True), by=role).then_refused("role")


def test_a_second_answer_changes_the_first_and_the_same_again_gives_none() -> None:
    told = given(proposed(), At(0.1, e.MatchAccepted(), "mentee"))
    told.when(c.RespondToMatch(accept=True), by="mentee").then_nothing()
    told.when(c.RespondToMatch(accept=False), by="mentee").then(e.MatchDeclined)
    told.when(c.RespondToMatch(accept=True), by="mentor").then(e.MatchAccepted)


def test_both_acceptances_are_shown_as_matched_and_bind_nothing_more() -> None:
    def matched(*answers: At) -> bool:
        state = fold(history(proposed(), *answers))
        assert isinstance(state, Relationship)
        return state.matched

    yes, no = e.MatchAccepted(), e.MatchDeclined()
    assert not matched()
    assert not matched(At(1, yes, "mentee"))
    assert not matched(At(1, yes, "mentee"), At(1, no, "mentor"))
    assert matched(At(1, yes, "mentee"), At(1, no, "mentor"), At(2, yes, "mentor"))
    assert not matched(At(1, yes, "mentee"), At(1, yes, "mentor"), At(2, no, "mentee"))
    given(*contracted()).when(ACTIVATE, by="coordinator").then(e.RelationshipActivated)


def test_a_match_is_answered_while_contracting() -> None:
    given(*contracted(), At(0.5, e.RelationshipActivated())).when(
        c.RespondToMatch(accept=True), by="mentee"
    ).then_refused("state")


EARLIER = "0b8f2b9e-6f6e-4d2e-9f3a-111111111111"
SUCCESSOR = c.ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ben", codes=(), follows=EARLIER)


def test_a_relationship_remembers_which_one_it_follows() -> None:
    [event] = given().following("ana").when(SUCCESSOR, by="coordinator").then(e.RelationshipProposed)
    state = fold(history(event))
    assert isinstance(state, Relationship)
    assert state.follows == EARLIER


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize("mentee", [None, "eva", "ben"])
def test_what_a_proposal_follows_is_a_recorded_relationship_of_the_same_mentee(mentee: str | None) -> None:
    (problem,) = given().following(mentee).when(SUCCESSOR, by="coordinator").then_refused("unknown_relationship")
    assert problem.field == "data.follows"


# --- postponing -----------------------------------------------------------------------------------------------------
POSTPONE = c.PostponeRelationship(start_on=day(30).date(), reason="leave", informed=BOTH, next_steps="meet in April")


@pytest.mark.clause("cmn.pause-or-stop")
def test_a_start_is_postponed_while_contracting_with_both_informed_and_next_steps() -> None:
    told = given(proposed("cmn"))
    told.when(POSTPONE, by="coordinator").then(e.RelationshipPostponed)
    told.when(POSTPONE, by="mentee").then(e.RelationshipPostponed)
    lacking = {"informed": ("mentee",), "next_steps": " "}
    told.when(POSTPONE.model_copy(update=lacking), by="mentor").then_refused("not_informed", "no_next_steps")
    active = given(*contracted(), At(0.5, e.RelationshipActivated()))
    active.when(POSTPONE, by="coordinator").then_refused("state")


def test_claims_are_plain_values() -> None:
    state = fold(history(proposed(), At(1, PLAN, "mentee")))
    assert isinstance(state, Relationship)
    assert state.claims == (Claim(2, "mentee", "mentor", "plan"),)


@pytest.mark.clause("care.claims", "cmn.reporting")
def test_the_offices_word_does_not_hold_for_both_where_it_is_that_of_a_party() -> None:
    told = Told(proposed("cmn").model_copy(update={"line_manager_id": None}))
    agree = c.AgreeGoal(goal_id="g1", title="x", type="career", source="mentee", agreed_by=("mentee", "mentor"))
    (agreed,) = told.tell(agree, by="coordinator", as_id="ben", at=1)
    outputs = c.AgreeReporting(with_whom="coordinator", outputs=("attendance",))
    told.tell(outputs, by="coordinator", as_id="ben", at=1)
    assert [(claim.by, claim.waits_for) for claim in told.state.claims if claim.version == agreed] == [
        ("mentor", "mentee")
    ]
    assert "cmn.reporting" in {problem.clause for problem in unmet(told.state)}
    told.tell(c.ConfirmAgreement(version=agreed), by="mentee", at=2)
    told.tell(outputs, by="coordinator", at=2)
    assert told.state.claims == ()
    assert "cmn.reporting" not in {problem.clause for problem in unmet(told.state)}
