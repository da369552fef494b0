"""Reviews, reports, the end review, and the erasure of personal data."""

from datetime import timedelta

import pytest

from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.fields import Objective
from domain.words import Status
from tests.domain.relationship.samples import contracted, in_state
from tests.given_when_then import START, At, day, given

STATES: list[Status] = ["contracting", "active", "paused", "terminated"]


# --- reviews -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("by", ["coordinator", "supplier", "hr"])
def test_the_office_reviews_in_every_state(status: Status, by: str) -> None:
    review = c.ReviewRelationship(note="seen", next_steps="wait", look_again_on=day(9).date(), about=(1, 2))
    [event] = given(*in_state(status)).when(review, by=by).then(e.RelationshipReviewed)
    assert event == e.RelationshipReviewed(note="seen", next_steps="wait", look_again_on=day(9).date(), about=(1, 2))


def test_a_review_is_about_events_that_there_are() -> None:
    known = len(in_state("active"))
    review = c.ReviewRelationship(note="seen", about=(1, known + 1))
    problems = given(*in_state("active")).when(review, by="coordinator").then_refused("evidence")
    assert [problem.field for problem in problems] == ["data.about.1"]
    given(*in_state("active")).when(c.ReviewRelationship(note="seen", about=(known,)), by="hr").then(
        e.RelationshipReviewed
    )


def test_an_unknown_event_in_about_is_refused_with_what_waits_for_a_review() -> None:
    """An unknown version in `about` is refused with the open ones named; reviewed and settled ones are not among them."""
    events = [
        *in_state("active", "cmn"),
        At(1, e.ProblemReported(description="x")),
        At(1, e.MenteeReferred(to="hr", reason="x")),
        At(2, e.ProblemReported(description="x")),
        At(2, e.FeedbackGiven(about="mentor", answers={"cmn.inclusion": "no"}), "mentee"),
        At(2, e.ProblemReported(description="x")),
    ]
    last = len(events)
    events.append(At(3, e.RelationshipReviewed(note="x", about=(last,)), "coordinator"))
    review = c.ReviewRelationship(note="seen", about=(last - 2, 99))
    [problem] = given(*events).when(review, by="coordinator", at=4).then_refused("evidence")
    assert problem.field == "data.about.1"
    waiting = f"{last - 3} (a referral to HR), {last - 2} (a problem), {last - 1} (a bad answer)"
    assert problem.message == f"there is no event 99; for a review wait: {waiting}"


def test_a_review_does_not_look_again_in_the_past() -> None:
    for days, fine in ((1, True), (0, False)):
        again = c.ReviewRelationship(note="seen", look_again_on=day(days).date())
        told = given(*in_state("active")).when(again, by="coordinator", at=1)
        if fine:
            told.then(e.RelationshipReviewed)
        else:
            told.then_refused("in_past")


# --- reports -------------------------------------------------------------------------------------------------------
def report(days: float = 1, with_whom: str = "line_manager") -> c.ShareReport:
    return c.ShareReport(with_whom=with_whom, period_from=START.date(), period_to=day(days).date())  # type: ignore[arg-type]


@pytest.mark.clause("cmn.reporting")
def test_a_report_goes_only_to_somebody_with_whom_reporting_was_agreed() -> None:
    [event] = given(*in_state("active")).when(report()).then(e.ReportShared)
    assert isinstance(event, e.ReportShared)
    assert event.with_whom == "line_manager"
    problems = given(*in_state("active")).when(report(with_whom="customer")).then_refused("not_agreed")
    assert [(problem.clause, problem.field) for problem in problems] == [("cmn.reporting", "data.with_whom")]
    assert "AgreeReporting" in problems[0].message
    unagreed = given(*contracted("ReportingAgreed", codes=("pentalog",)))
    assert [problem.clause for problem in unagreed.when(report()).then_refused("not_agreed")] == [None]


@pytest.mark.clause("cmn.reporting")
def test_a_report_is_about_days_that_have_come() -> None:
    problems = given(*in_state("active")).when(report(2), at=1).then_refused("in_future")
    assert [problem.field for problem in problems] == ["data.period_to"]
    given(*in_state("active")).when(report(2), at=2).then(e.ReportShared)


# --- the end -------------------------------------------------------------------------------------------------------
@pytest.mark.clause("cmn.end-review")
@pytest.mark.parametrize("status", ["active", "paused", "terminated"])
def test_the_end_review_goes_through_the_agreed_goals(status: Status) -> None:
    review = c.RecordEndReview(objectives=(Objective(goal_id="g1", outcome="reached"),), signposting=("a course",))
    given(*in_state(status)).when(review, by="mentee").then(e.EndReviewRecorded)
    unknown = review.model_copy(update={"objectives": (Objective(goal_id="g9", outcome="-"),)})
    problems = given(*in_state(status)).when(unknown, by="mentee").then_refused("unknown_goal")
    assert [problem.field for problem in problems] == ["data.objectives.0.goal_id"]


# --- erasure -------------------------------------------------------------------------------------------------------
REQUEST = c.RequestErasure(person="ana", basis="consent_withdrawn")
REQUESTED = e.ErasureRequested(person="ana", basis="consent_withdrawn")
VERSION = len(in_state("active")) + 1


def requested(by: str, event: e.ErasureRequested = REQUESTED) -> list[At]:
    return [*in_state("active"), At(0.7, event, by)]


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("by", ["mentee", "coordinator", "supplier", "hr"])
def test_erasure_is_requested_by_the_person_the_office_or_hr(status: Status, by: str) -> None:
    given(*in_state(status)).when(REQUEST, by=by).then(e.ErasureRequested)


@pytest.mark.parametrize("by", ["mentor", "customer", "line_manager"])
def test_a_party_requests_erasure_only_for_itself(by: str) -> None:
    problems = given(*in_state("active")).when(REQUEST, by=by).then_refused("role")
    assert [problem.field for problem in problems] == ["data.person"]
    own = {"mentor": "ben", "customer": "acme", "line_manager": "lou"}[by]
    given(*in_state("active")).when(REQUEST.model_copy(update={"person": own}), by=by).then(e.ErasureRequested)


def test_erasure_concerns_a_person_whom_the_relationship_names() -> None:
    stranger = REQUEST.model_copy(update={"person": "zoe"})
    given(*in_state("active")).when(stranger, by="coordinator").then_refused("unknown_person")
    erase = c.ErasePersonalData(person="zoe", request=VERSION)
    given(*requested("mentee")).when(erase, by="coordinator").then_refused("unknown_person")


def test_the_same_open_request_again_gives_none() -> None:
    given(*requested("mentee")).when(REQUEST, by="mentee", at=2).then_nothing()
    given(*requested("mentee")).when(REQUEST, by="hr", at=2).then(e.ErasureRequested)
    done = [*requested("mentee"), At(0.8, e.PersonalDataErased(person="ana", request=VERSION), "hr")]
    given(*done).when(REQUEST, by="mentee", at=2).then(e.ErasureRequested)


@pytest.mark.parametrize("by", ["coordinator", "supplier", "hr"])
def test_an_erasure_carries_out_a_request(by: str) -> None:
    erase = c.ErasePersonalData(person="ana", request=VERSION)
    given(*requested("mentee")).when(erase, by=by).then(e.PersonalDataErased)
    erased = [*requested("mentee"), At(0.8, e.PersonalDataErased(person="ana", request=VERSION), "hr")]
    given(*erased).when(erase, by=by).then_nothing()
    for version in (1, VERSION + 1):
        problems = given(*requested("mentee")).when(erase.model_copy(update={"request": version}), by=by)
        assert [problem.field for problem in problems.then_refused("no_request")] == ["data.request"]
    of_another = e.ErasureRequested(person="ben", basis="objection")
    given(*requested("mentor", of_another)).when(erase, by=by).then_refused("no_request")


HELD = REQUESTED.model_copy(update={"legal_hold": "a claim is pending"})
DUTY = c.RequestErasure(person="ana", basis="legal_duty")


@pytest.mark.parametrize("order", ["the hold first", "the request first"])
def test_nothing_is_erased_while_any_legal_hold_stands_against_the_person(order: str) -> None:
    both = [At(0.7, HELD, "coordinator"), At(0.8, REQUESTED, "mentee")]
    events = [*in_state("active"), *(both if order == "the hold first" else both[::-1])]
    for version in (VERSION, VERSION + 1):
        erase = c.ErasePersonalData(person="ana", request=version)
        (problem,) = given(*events).when(erase, by="hr", at=2).then_refused("legal_hold")
        assert problem.field == "data.request"
        assert "legal_duty" in problem.message
    # The hold of one person is none of another.
    other = [*events, At(0.9, e.ErasureRequested(person="ben", basis="objection"), "mentor")]
    given(*other).when(c.ErasePersonalData(person="ben", request=VERSION + 2), by="hr", at=2).then(e.PersonalDataErased)


@pytest.mark.parametrize("by", ["coordinator", "supplier", "hr"])
def test_the_office_lifts_a_legal_hold_by_a_request_under_legal_duty(by: str) -> None:
    held = requested("coordinator", HELD)
    erase = c.ErasePersonalData(person="ana", request=VERSION)
    for basis, sender in (("objection", by), ("legal_duty", "mentee")):
        [event] = given(*held).when(c.RequestErasure(person="ana", basis=basis), by=sender).then(e.ErasureRequested)  # type: ignore[arg-type]
        given(*held, At(0.8, event, sender)).when(erase, by="hr", as_id="another").then_refused("legal_hold")
    [lifted] = given(*held).when(DUTY, by=by).then(e.ErasureRequested)
    free = [*held, At(0.8, lifted, by)]
    given(*free).when(erase, by="hr", as_id="another").then(e.PersonalDataErased)
    # A hold that is set again is lifted again, by the same words.
    again = [*free, At(0.9, HELD, "hr")]
    given(*again).when(DUTY, by=by).then(e.ErasureRequested)
    given(*free).when(DUTY, by=by).then_nothing()


def test_a_legal_hold_is_set_by_the_office_and_lifted_by_nobody_whose_data_it_keeps() -> None:
    hold = c.RequestErasure(person="ana", basis="objection", legal_hold="a claim")
    (problem,) = given(*in_state("active")).when(hold, by="mentee").then_refused("role")
    assert problem.field == "data.legal_hold"
    for by in ("coordinator", "supplier", "hr"):
        given(*in_state("active")).when(hold, by=by).then(e.ErasureRequested)
    held = requested("coordinator", HELD)
    given(*held).when(DUTY, by="coordinator", as_id="ana").then_refused("own_matter")


def test_whoever_requested_an_erasure_does_not_carry_it_out() -> None:
    erase = c.ErasePersonalData(person="ana", request=VERSION)
    given(*requested("coordinator")).when(erase, by="coordinator").then_refused("own_matter")
    given(*requested("coordinator")).when(erase, by="hr", as_id="cora").then_refused("own_matter")
    given(*requested("coordinator")).when(erase, by="hr").then(e.PersonalDataErased)


@pytest.mark.parametrize("name, command", [("review_on", c.PauseRelationship(reason="-", informed=("mentee", "mentor"), next_steps="-", review_on=START.date())), ("start_on", c.PostponeRelationship(start_on=START.date(), reason="-", informed=("mentee", "mentor"), next_steps="-"))])  # fmt: skip
def test_days_in_the_past_are_refused(name: str, command: c.PauseRelationship | c.PostponeRelationship) -> None:
    status: Status = "active" if name == "review_on" else "contracting"
    problems = given(*in_state(status)).when(command, by="mentor", at=1).then_refused("in_past")
    assert [problem.field for problem in problems] == [f"data.{name}"]
    today = command.model_copy(update={name: (START + timedelta(days=1)).date()})
    assert isinstance(given(*in_state(status)).when(today, by="mentor", at=1).outcome, list)


def test_somebody_whom_the_relationship_once_named_may_be_erased() -> None:
    changed = [*in_state("active"), At(0.7, e.PartyChanged(role="line_manager", id="new"), "coordinator")]
    former = REQUEST.model_copy(update={"person": "lou"})
    given(*changed).when(former, by="coordinator").then(e.ErasureRequested)
