"""The datasets of the second edition that tell of gates, requests, mentors and programmes."""

from datetime import date
from typing import Literal

from domain.mentor import events as m
from domain.programme import events as p
from domain.relationship import events as e
from domain.words import Document
from projections import gates, mentors, programmes, requests
from tests.given_when_then import At, day, proposed
from tests.projections.given import given

GOAL = e.GoalAgreed(goal_id="g1", title="Lead", type="career", source="mentee", agreed_by=("mentee", "mentor"))


# --- gates -----------------------------------------------------------------------------------------------------------
def test_a_gate_says_when_and_by_which_event_it_was_met() -> None:
    found = given(
        gates.PROJECTION,
        proposed("pentalog"),
        At(2, GOAL),
        At(3, e.TrustReadinessStated(ready=True), "mentee"),
        At(4, e.TrustReadinessStated(ready=True), "mentor"),
    )
    assert found.values("clause", "met", "met_at", "met_version", "activated_at") == [
        ("pentalog.goals", True, day(2), 2, None),
        ("pentalog.trust", True, day(4), 4, None),
    ]


def test_a_gate_opens_again_while_contracting_and_is_met_anew() -> None:
    dropped = (proposed("pentalog"), At(2, GOAL), At(3, e.GoalDropped(goal_id="g1", reason="no"), "mentee"))
    assert given(gates.PROJECTION, *dropped).values("met", "met_at")[0] == (False, None)
    again = GOAL.model_copy(update={"goal_id": "g2"})
    assert given(gates.PROJECTION, *dropped, At(5, again)).values("met", "met_at")[0] == (True, day(5))


def test_gates_are_not_asked_again_once_the_relationship_is_active() -> None:
    found = given(
        gates.PROJECTION,
        proposed("nottingham"),
        At(2, GOAL),
        At(9, e.RelationshipActivated()),
        At(10, e.GoalDropped(goal_id="g1", reason="no"), "mentee"),
    )
    assert {activated_at for (activated_at,) in found.values("activated_at")} == {day(9)}
    met = dict(found.values("clause", "met_at"))
    assert (met["nottingham.goals"], met["nottingham.schedule"]) == (day(2), day(9))
    assert all(row["met"] for row in found.rows())


def test_the_state_of_gates_survives_its_json() -> None:
    found = given(gates.PROJECTION, proposed("cmn"), At(2, GOAL))
    assert found.unit is not None
    state = found.unit.states["gates"].state
    assert gates.load(gates.dump(state)) == state
    assert GOAL.title not in str(gates.dump(state))


# --- requests --------------------------------------------------------------------------------------------------------
def test_nps_and_feedback_are_told_as_asked_and_answered() -> None:
    found = given(
        requests.PROJECTION,
        proposed(),
        At(1, e.NpsRequested(respondent="mentee", occasion="mid"), "worker"),
        At(3, e.NpsResponded(respondent="mentee", occasion="mid", score=9)),
        At(4, e.FeedbackRequested(respondent="mentor", occasion="end", questions=("leapfrog.openness",)), "worker"),
    )
    assert found.values("kind", "respondent", "occasion", "requests", "answered", "days_to_answer") == [
        ("feedback", "mentor", "end", 1, False, None),
        ("nps", "mentee", "mid", 1, True, 2.0),
    ]
    assert found.rows()[0]["questions"] == ["leapfrog.openness"]


def test_feedback_answers_the_latest_request_to_that_role_and_nobody_elses() -> None:
    ask = e.FeedbackRequested(respondent="mentee", occasion="mid", questions=("cmn.inclusion",))
    found = given(
        requests.PROJECTION,
        proposed(),
        At(1, ask, "worker"),
        At(2, e.FeedbackGiven(about="mentor", answers={"cmn.inclusion": 4}), "mentor"),
        At(3, e.FeedbackGiven(about="mentor", answers={"cmn.inclusion": 4}), "mentee"),
    )
    assert found.values("respondent", "occasion", "requests", "answered") == [
        ("mentee", "mid", 1, True),
        ("mentor", "", 0, True),
    ]


def test_what_was_asked_and_answered_is_matched_by_its_times_in_whatever_order_it_was_told() -> None:
    def ask(occasion: Literal["mid", "end"]) -> e.FeedbackRequested:
        return e.FeedbackRequested(respondent="mentee", occasion=occasion, questions=("cmn.inclusion",))

    answer = e.FeedbackGiven(about="mentor", answers={"cmn.inclusion": 4})
    told = [
        At(2, ask("mid"), "coordinator"),
        At(4, ask("end"), "worker"),
        At(6, ask("mid"), "worker"),
        At(1, answer, "mentee"),
        At(3, answer, "mentee"),
        At(7, answer, "mentee"),
        At(8, e.NpsResponded(respondent="mentee", occasion="mid", score=9)),
        At(5, e.NpsResponded(respondent="mentee", occasion="mid", score=8)),
        At(3, e.NpsRequested(respondent="mentee", occasion="mid"), "worker"),
    ]
    for each in (told, told[::-1], told[3:] + told[:3]):
        found = given(requests.PROJECTION, proposed(), *each)
        assert found.values("kind", "occasion", "requests", "requested_by", "answers", "days_to_answer") == [
            ("feedback", "", 0, None, 1, None),
            ("feedback", "end", 1, "worker", 0, None),
            ("feedback", "mid", 2, "coordinator", 2, 1.0),
            ("nps", "mid", 1, "worker", 2, 2.0),
        ]
        assert found.unit
        state = found.unit.states["requests"].state
        assert requests.load(requests.dump(state)) == state


# --- mentors and programmes ------------------------------------------------------------------------------------------
def test_a_mentor_has_a_standing_everywhere_and_by_programme() -> None:
    told = (
        m.MentorRegistered(name="Max", programme_id="p1", capacity=3),
        m.TrainingRecorded(course="Basics", completed_on=date(2026, 1, 5), due_on=date(2027, 1, 5)),
        m.TrainingRecorded(course="Basics", completed_on=date(2026, 2, 5), due_on=date(2028, 2, 5)),
        m.MentorSuspended(reason="a report", programme_id="p1"),
        m.MentorRemoved(reason="breach", programme_id="p2"),
    )
    row = given(mentors.PROJECTION, *told, subject="mentor:max").row()
    assert (row["mentor_id"], row["capacity"], row["standing"]) == ("max", 3, "good")
    assert (row["suspended_in"], row["removed_from"]) == (["p1"], ["p2"])
    assert (row["trainings"], row["trained_on"], row["training_due_on"]) == (2, date(2026, 2, 5), date(2028, 2, 5))
    back = given(mentors.PROJECTION, *told, m.MentorReinstated(), subject="mentor:max").row()
    assert (back["suspended_in"], back["removed_from"]) == ([], ["p2"])
    assert "name" not in row


def test_the_row_of_a_mentor_follows_the_latest_registration() -> None:
    first = At(1, m.MentorRegistered(name="Max", programme_id="p1", capacity=3), "coordinator")
    latest = At(2, m.MentorRegistered(name="Maxim", programme_id="p2", capacity=5), "coordinator")
    row = given(mentors.PROJECTION, first, latest, subject="mentor:max").row()
    assert (row["home_programme_id"], row["capacity"], row["registered_at"]) == ("p2", 5, day(1))


def test_a_programme_tells_its_codes_and_what_its_documents_set() -> None:
    document: Document = "privacy_policy"
    days = "decision_days"
    told = (
        p.ProgrammeCreated(name="Spark", timezone="Europe/London"),
        p.CodeAdopted(code="cmn"),
        p.TermSet(document=document, term=days, value=5, resolved=5, winner=document, overruled=()),
    )
    row = given(programmes.PROJECTION, *told, subject="programme:spark").row()
    assert (row["programme_id"], row["timezone"], row["codes"]) == ("spark", "Europe/London", ["cmn"])
    assert row["settings"] == ["privacy_policy decision_days 5"]
    withdrawn = p.TermWithdrawn(document=document, term=days, resolved=7, winner=None, overruled=())
    assert given(programmes.PROJECTION, *told, withdrawn, subject="programme:spark").row()["settings"] == []


def test_a_relationships_own_term_makes_no_programme() -> None:
    document: Document = "statement_of_work"
    term = "contact_gap_days"
    own = p.TermSet(document=document, term=term, value=14, resolved=14, winner=document, overruled=())
    withdrawn = p.TermWithdrawn(document=document, term=term, resolved=30, winner=None, overruled=())
    assert given(programmes.PROJECTION, proposed("pentalog"), own, withdrawn).rows() == []
