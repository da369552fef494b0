"""Facts: what they take from events, how they are kept; terms."""

import json
from datetime import timedelta
from typing import get_args

import pytest

from domain.commitment import (
    SIGNALS,
    Facts,
    TermsInTime,
    bands,
    evaluate,
    fold,
    terms_in_time,
)
from domain.commitment.facts import InTouch
from domain.commitment.moments import moment
from domain.commitment.policy import RULES, TOUCHES, backing
from domain.commitment.reading import HEALTH_EVENTS, read
from domain.relationship import events as e
from tests.domain.commitment.story import START, TICK, Story, day, item, setting

# Events that say nothing about commitment. A new kind of event is either read or added here, after thought.
OF_NO_CONCERN = {
    e.TermsAccepted,
    e.TermsDeclined,
    e.ConsentGranted,
    e.ConsentWithdrawn,
    e.MentorTrainingConfirmed,
    e.ConflictOfInterestDeclared,
    e.ConflictMitigationAgreed,
    e.ContractingConversationRecorded,
    e.ConfidentialityAgreed,
    e.ReportingAgreed,
    e.ContactDetailsShared,
    e.GoalRevised,
    e.TopicMarkedPrivate,
    e.TopicOpened,
    e.PresessionCheckRecorded,
    e.HomeworkAssigned,
    e.SessionNoteRecorded,
    e.NpsResponded,
    e.NpsRequested,
    e.FeedbackGiven,
    e.ProblemReported,
    e.BreachReported,
    e.ConfidenceDisclosed,
    e.MenteeReferred,
    e.MenteeSignposted,
    e.ShutdownRecommended,
    e.CommitmentConcernRaised,
    e.CommitmentConcernResolved,
    e.ConcernEscalated,
    e.RecommendationEscalated,
    e.EndReviewRecorded,
    e.RecordsSecured,
    e.PersonalDataErased,
    e.AgreementConfirmed,
    e.AssessmentRecorded,
    e.ContestAnswered,
    e.ErasureRequested,
    e.FactContested,
    e.FactCorrected,
    e.FeedbackRequested,
    e.MatchAccepted,
    e.MatchDeclined,
    e.PartyChanged,
    e.RelationshipPostponed,
    e.RelationshipReviewed,
    e.ReportShared,
    e.SuccessStoryRecorded,
    e.TestimonialGiven,
}


def test_every_event_of_a_relationship_is_read_or_left_out_on_purpose() -> None:
    # That a fact was corrected is no fact: the effective history is folded.
    assert set(HEALTH_EVENTS) | OF_NO_CONCERN == set(get_args(e.RelationshipEvent))
    assert not set(HEALTH_EVENTS) & OF_NO_CONCERN


def troubled() -> Story:
    """Every signal at once, on day 40."""
    story = Story().planned(30).active().held("s0", 1, progress=None, hours=0)
    for i in range(1, 4):
        story.scheduled(f"s{i}", 3 + i, 1).moved(f"s{i}", 6 + i, 2.5 + i)
        story.held(f"s{i}", 6 + i, agenda=(item(60, None),), joined={"mentee": 9, "mentor": 9}, progress=None, hours=0)
    for i in range(4, 6):
        story.scheduled(f"s{i}", 6 + i, 9).missed(f"s{i}", ("mentee", "mentor"), 6 + i)
    story.tell(e.TrustBreakdownReported(description="d"), 12)
    return story.tell(e.DisrespectReported(against="mentee", description="d"), 12)


def test_all_signals_can_hold_together_each_with_evidence_from_the_record() -> None:
    story = troubled()
    health = story.health(43)
    assert [one.signal for one in health.signals if one.party != "mentor"] == list(SIGNALS)
    assert [(one.signal, one.party) for one in health.signals if one.party == "mentor"] == [
        ("no_show", "mentor"),
        ("unpunctual", "mentor"),
    ]
    for signal in health.signals:
        assert signal.evidence
        assert list(signal.evidence) == sorted(set(signal.evidence))
        assert set(signal.evidence) <= {one.version for one in story.log}
        assert signal.clauses == backing(
            signal.signal, signal.party, ("pentalog", "mentor247", "leapfrog", "nottingham")
        )
        assert signal.clauses
    assert (health.score, health.band, health.mentee_score, health.mentor_score) == (0, "critical", 0, 70)


@pytest.mark.parametrize(
    "term, signal",
    [
        ("points_off_goal_work", "off_goal_work"),
        ("points_no_goal_progress_3", "no_goal_progress"),
        ("points_no_goal", "no_goal"),
        ("points_frequent_reschedules", "frequent_reschedules"),
        ("points_late_reschedules_max", "late_reschedules"),
        ("points_homework_shortfall", "homework_shortfall"),
        ("points_no_show_running", "no_show"),
        ("points_unpunctual", "unpunctual"),
        ("points_no_next_session", "no_next_session"),
        ("points_out_of_contact", "out_of_contact"),
        ("points_trust_breakdown", "trust_breakdown"),
        ("points_disrespect", "disrespect"),
    ],
)
def test_every_number_of_points_is_a_term(term: str, signal: str) -> None:
    story = troubled()
    changed = {term: 22.0, "points_late_reschedules_each": 50.0}
    for one in story.health(43, overrides=changed).signals:
        if one.signal == signal:
            assert one.points == 22
        else:
            assert one.points != 22


@pytest.mark.parametrize(
    "term, value",
    [
        ("late_notice_hours", 3.0),
        ("homework_hours_per_session", 0.0),
        ("planned_sessions", 2.0),
        ("punctuality_minutes", 10.0),
        ("contact_gap_days", 50.0),
        ("next_session_days", 50.0),
        ("no_goal_days", 50.0),
        ("late_window_days", 3.0),
        ("points_no_goal_progress", 1.0),
        ("points_late_reschedules", 1.0),
        ("points_homework_shortfall_mild", 1.0),
        ("points_no_show", 90.0),
        ("points_late_reschedules_each", 1.0),
        ("first_session_days", 0.5),
        ("band_healthy", 101.0),
        ("band_watch", 75.0),
        ("band_at_risk", 55.0),
        ("band_hysteresis", 25.0),
    ],
)
def test_every_number_of_the_rules_is_a_term(term: str, value: float) -> None:
    """Each makes a difference somewhere in a life in which everything goes mildly wrong."""
    story = Story().active().held("s0", 5, progress=None, hours=2).scheduled("s1", 6, 1).moved("s1", 7, 5.5)
    story.held("s1", 7, progress=None, hours=2, joined={"mentee": 6}).scheduled("s2", 8, 1).moved("s2", 9, 7.5)
    story.held("s2", 9, joined={"mentee": 6}, hours=2).scheduled("s3", 10, 1).missed("s3", ("mentor",), 10)
    story.scheduled("s4", 12, 1).cancelled("s4", 11.5).held("s5", 12, progress=None, hours=2).held(
        "s6", 13, progress=None
    )
    story.goal(at=40).scheduled("s7", 300, 40).contact(60).contact(80).contact(100).contact(120)
    assert bands(story.facts, day(125), overrides={term: value}) != bands(story.facts, day(125))


# --- keeping -------------------------------------------------------------------------------------------------------
def test_facts_outlive_json_and_hold_no_content() -> None:
    facts = troubled().facts
    text = json.dumps(facts.to_json())
    again = Facts.from_json(json.loads(text))
    assert (again.to_json(), again.in_order, len(again)) == (facts.to_json(), facts.in_order, len(facts))
    assert evaluate(again, day(43)) == evaluate(facts, day(43))
    assert "ana" not in text


def test_two_futures_of_the_same_facts_do_not_see_each_other() -> None:
    facts = Story().goal().active().facts
    one = facts.plus(InTouch(9, moment(day(5))))
    other = facts.plus(InTouch(9, moment(day(7)))).plus(InTouch(10, moment(day(6))))
    assert [len(facts), len(one), len(other)] == [3, 4, 5]
    assert [one.in_order, other.in_order] == [True, False]
    assert evaluate(one, day(36)).score == 75
    assert evaluate(other, day(36)).score == 90
    assert [fact.at for fact in other.by_time()] == sorted(fact.at for fact in other)


def test_events_of_no_concern_change_nothing() -> None:
    story = Story().goal().active()
    before = story.facts
    story.tell(e.ProblemReported(description="d"), -400)
    assert story.facts is before
    assert read(story.log[-1]) is None


def test_terms_told_since_count_from_their_own_time() -> None:
    story = Story().goal().active().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2)
    terms = terms_in_time()
    assert [evaluate(story.facts, day(at), terms).score for at in (2.5, 3)] == [90, 90]
    later = TermsInTime([setting(3, "points_no_show", 40)])
    assert [evaluate(story.facts, day(at), later).score for at in (2.5, 3)] == [90, 60]
    assert [change.at for change in bands(story.facts, day(4), later)][-1] == day(3)


def test_nothing_known_is_no_health() -> None:
    for at in (START, START + timedelta(days=400), day(0) - TICK):
        health = evaluate(Facts(), at)
        assert (health.status, health.score, health.next_change_at) == (None, None, None)
    assert fold(None, Story().log[0]).to_json() == [
        [0, 1, moment(day(-30)), ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")]
    ]
    assert set(RULES) == set(SIGNALS)
    assert set(TOUCHES) == {type(fact) for fact in [*_one_of_each()]}


def _one_of_each() -> list[object]:
    from domain.commitment.facts import KINDS

    return [kind._make([None] * len(kind._fields)) for kind in KINDS]
