"""What the codes ask for happens when the workers run: events, tasks, deadlines, and each thing once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, minutes
from tests.e2e.contract.story import Story, World

BEGINS = at("2026-01-05 09:00")
NOW = CLOCK = at("2026-03-02 12:00")  # a Monday
SINCE = at("2026-02-01 09:00")
WORKERS = "worker:"


@dataclass
class Year:
    """The stories by name, and what the coordinator's list said at three times."""

    world: World
    stories: dict[str, Story] = field(default_factory=dict)
    tasks: dict[str, list[Any]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def look(self, when: str) -> None:
        self.tasks[when] = self.world.rapport.ask("tasks")
        self.events[when] = self.world.rapport.ask("audit", "verify")["events"]

    def history(self, name: str) -> list[Any]:
        return self.stories[name].history()

    def recorded(self, name: str, event: str) -> list[Any]:
        return [one for one in self.history(name) if one["type"] == f"rapport.{event}"]

    def tasks_of(self, when: str, name: str) -> list[Any]:
        """The tasks about a relationship, its mentor or a case of theirs."""
        story = self.stories[name]
        subjects = {story.subject, f"mentor:{story.party('mentor')}", *self.cases(name)}
        return [task for task in self.tasks[when] if task["subject"] in subjects]

    def clauses(self, when: str, name: str) -> set[str]:
        return {task["clause"] for task in self.tasks_of(when, name)}

    def task(self, when: str, name: str, clause: str) -> Any:
        (found,) = [task for task in self.tasks_of(when, name) if task["clause"] == clause]
        return found

    def cases(self, name: str) -> list[str]:
        """The conduct cases about this relationship's mentor."""
        mentor = self.stories[name].party("mentor")
        events = self.world.rapport.sql("SELECT DISTINCT originator_id FROM stored_events")
        cases = [row["originator_id"] for row in events if row["originator_id"].startswith("case:")]
        return [case for case in cases if self.world.rapport.history(case)[0]["data"]["mentor_id"] == mentor]


def late_moves(story: Story, count: int) -> None:
    for number in range(count):
        start = NOW - days(10 - number)
        story.schedule(f"late-{number}", start, when=NOW - days(20))
        story.move(f"late-{number}", NOW + days(200 + number), start - hours(2))


def tell(year: Year) -> None:
    world = year.world

    def active(name: str, *codes: str, **proposal: Any) -> Story:
        year.stories[name] = world.active(*codes, since=SINCE, **proposal)
        return year.stories[name]

    late_moves(active("two late", "pentalog"), 2)
    late_moves(active("one late", "pentalog"), 1)
    for name in ("distrust", "distrust restored"):
        active(name, "pentalog").say("ReportTrustBreakdown", when=NOW - hours(3), description="Told others")
    active("disrespect", "leapfrog").say(
        "ReportDisrespect", when=NOW - hours(3), against="mentor", description="Laughed"
    )
    declining = active("declined", "mentor247")
    mentor = declining.party("mentor")
    year.stories["declined, other"] = world.relationship("leapfrog", when=SINCE, mentor_id=mentor)
    declining.say("DeclineTerms", "mentor", NOW - hours(2), document="privacy_policy", version="2")
    removed = active("removed", "pentalog")
    for name in ("removed, contracting", "removed, paused"):
        year.stories[name] = world.contracted("pentalog", when=SINCE, mentor_id=removed.party("mentor"))
    year.stories["removed, paused"].say("ActivateRelationship")
    year.stories["removed, paused"].pause(NOW - days(3))
    world.say("RemoveMentor", f"mentor:{removed.party('mentor')}", "hr:eva", NOW - hours(1), reason="Breach")
    active("breach", "cmn").say(
        "ReportBreach", when=NOW - hours(3), against="mentor", kind="code", description="Shared it"
    )
    active("policy breach", "cmn").say(
        "ReportBreach", when=NOW - hours(3), against="mentor", kind="policy", description="Used the car"
    )
    off_platform = active("off platform", "mentor247")
    off_platform.schedule("s1", NOW + days(9), when=NOW - hours(3), channel="off_platform")
    active("on platform", "mentor247").schedule("s1", NOW + days(9), when=NOW - hours(3))
    for name in ("ended", "ended and closed"):
        active(name, "cmn").terminate(NOW - hours(3))
    closed = year.stories["ended and closed"]
    closed.say("RecordEndReview", objectives=[{"goal_id": "g1", "outcome": "achieved"}], signposting=["A course"])
    closed.say("SecureRecords", "hr", retained_until="2032-03-01")
    active("friends", "nottingham").say("DeclareConflictOfInterest", "mentor", NOW - hours(3), nature="friendship")
    active("conflict", "leapfrog").say("DeclareConflictOfInterest", "mentor", NOW - hours(3), nature="financial")
    half = active("half", "pentalog")
    for number in range(3):
        half.held(f"s{number}", NOW - days(12 - 5 * number))
    active("paused", "pentalog").pause(NOW - hours(3), review_on=(NOW + days(5)).date())
    active("disclosed", "nottingham").say(
        "DiscloseConfidence",
        "mentor",
        NOW - hours(3),
        exception="risk_of_harm",
        recipient="hr:eva",
        disclosed="A secret threat",
        urgency="urgent",
    )
    trained = active("untrained", "nottingham")
    world.say(
        "RecordTraining",
        f"mentor:{trained.party('mentor')}",
        "coordinator:cora",
        SINCE,
        course="Listening",
        completed_on="2025-02-01",
        due_on="2026-02-20",
    )


@pytest.fixture(scope="module")
def year(world: World) -> Year:
    """Everything told by NOW, the workers run twice; trust restored a day later, and the clock turned by 8 and 100 days."""
    year = Year(world)
    tell(year)
    world.submit()
    assert world.accepted(*range(len(world.receipts)))
    world.rapport.work()
    year.look("now")
    world.rapport.work()
    year.look("again")
    year.stories["distrust restored"].say("RestoreTrust", when=NOW + hours(20))
    world.submit(NOW + hours(20))
    world.rapport.work(until=NOW + days(8))
    year.look("next week")
    world.rapport.work(until=NOW + days(110))
    year.look("summer")
    return year


def moment(event: Any) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


def test_the_record_is_whole_after_all_that_workers_did(year: Year) -> None:
    assert year.world.rapport.ask("audit", "verify")["ok"] is True


def test_running_again_changes_nothing(year: Year) -> None:
    assert year.events["again"] == year.events["now"]
    assert year.tasks["again"] == year.tasks["now"]


def test_every_task_has_the_promised_shape(year: Year) -> None:
    codes = {clause["id"] for clause in year.world.rapport.ask("codes", "list")}
    for when, tasks in year.tasks.items():
        assert tasks, when
        for task in tasks:
            assert {"subject", "kind", "clause", "since", "due", "evidence", "settled_by"} <= task.keys()
            assert task["clause"] is None or task["clause"] in codes
            assert task["kind"]


# -- concerns


@pytest.mark.clause("pentalog.late-reschedules")
def test_the_second_late_reschedule_raises_a_concern_with_its_evidence(year: Year) -> None:
    (raised,) = year.recorded("two late", "CommitmentConcernRaised")
    assert raised["actor"].startswith(WORKERS)
    assert raised["data"]["clause"] == "pentalog.late-reschedules"
    moves = {one["version"] for one in year.recorded("two late", "SessionRescheduled")}
    assert moves <= set(raised["data"]["evidence"])
    assert moment(raised) <= NOW + minutes(5)
    assert year.recorded("one late", "CommitmentConcernRaised") == []


def test_a_concern_that_nobody_answers_for_7_days_is_escalated(year: Year) -> None:
    (raised,) = year.recorded("two late", "CommitmentConcernRaised")
    (escalated,) = year.recorded("two late", "ConcernEscalated")
    assert escalated["data"]["clause"] == "pentalog.late-reschedules"
    assert days(7) <= moment(escalated) - moment(raised) <= days(7) + minutes(5)


def test_a_concern_is_resolved_when_its_signal_clears(year: Year) -> None:
    (resolved,) = year.recorded("two late", "CommitmentConcernResolved")
    assert resolved["actor"].startswith(WORKERS)
    (concern,) = year.stories["two late"].show("--as-of", "2026-07-01T00:00:00Z")["concerns"]
    assert concern["status"] == "resolved"


# -- recommendations


@pytest.mark.clause("pentalog.trust")
def test_a_trust_breakdown_leads_to_a_recommendation_and_to_nothing_more(year: Year) -> None:
    (recommended,) = year.recorded("distrust", "ShutdownRecommended")
    assert recommended["actor"].startswith(WORKERS)
    assert recommended["data"]["clause"] == "pentalog.trust"
    (reported,) = year.recorded("distrust", "TrustBreakdownReported")
    assert reported["version"] in recommended["data"]["evidence"]
    assert year.recorded("distrust", "RelationshipTerminated") == []
    assert year.stories["distrust"].show()["state"] == "active"


def test_a_recommendation_without_a_decision_is_escalated_after_7_days(year: Year) -> None:
    (recommended,) = year.recorded("distrust", "ShutdownRecommended")
    (escalated,) = year.recorded("distrust", "RecommendationEscalated")
    assert escalated["data"]["clause"] == "pentalog.trust"
    assert days(7) <= moment(escalated) - moment(recommended) <= days(7) + minutes(5)


def test_a_settled_recommendation_is_not_escalated(year: Year) -> None:
    assert len(year.recorded("distrust restored", "ShutdownRecommended")) == 1
    assert year.recorded("distrust restored", "RecommendationEscalated") == []


@pytest.mark.clause("leapfrog.respect")
def test_disrespect_leads_to_a_recommendation(year: Year) -> None:
    (recommended,) = year.recorded("disrespect", "ShutdownRecommended")
    assert recommended["data"]["clause"] == "leapfrog.respect"


# -- the mentor's standing


@pytest.mark.clause("mentor247.terms")
def test_declining_the_terms_ends_in_the_mentors_removal_and_of_each_of_the_relationships(year: Year) -> None:
    mentor = year.stories["declined"].party("mentor")
    events = [event["type"] for event in year.world.rapport.history(f"mentor:{mentor}")]
    assert "rapport.MentorRemoved" in events
    for name in ("declined", "declined, other"):
        (terminated,) = year.recorded(name, "RelationshipTerminated")
        assert terminated["actor"].startswith(WORKERS), name


@pytest.mark.clause("pentalog.trust")
def test_a_mentors_removal_ends_each_relationship_of_the_mentor_in_every_state(year: Year) -> None:
    for name in ("removed", "removed, contracting", "removed, paused"):
        (terminated,) = year.recorded(name, "RelationshipTerminated")
        assert terminated["actor"].startswith(WORKERS), name
        assert moment(terminated) <= NOW + minutes(5), name


@pytest.mark.clause("nottingham.further-training")
def test_overdue_training_is_a_task(year: Year) -> None:
    task = year.task("now", "untrained", "nottingham.further-training")
    assert task["settled_by"] == "RecordTraining"


# -- conduct


@pytest.mark.clause("cmn.breaches")
def test_a_breach_opens_a_case_that_is_to_be_reviewed_within_10_working_days(year: Year) -> None:
    (case,) = year.cases("breach")
    opened = year.world.rapport.history(case)[0]
    assert opened["type"] == "rapport.CaseOpened"
    assert opened["actor"].startswith(WORKERS)
    assert (opened["data"]["kind"], opened["data"]["relationship_id"]) == ("code", year.stories["breach"].subject)
    reviews = [task for task in year.tasks_of("now", "breach") if task["clause"] == "cmn.breaches"]
    assert {task["settled_by"] for task in reviews} == {"DecideCase"}
    # Ten working days after Monday the 2nd are Monday the 16th.
    assert {datetime.fromisoformat(task["due"]).date().isoformat() for task in reviews} <= {"2026-03-16", "2026-03-17"}


@pytest.mark.clause("cmn.policy-breach")
def test_a_breach_of_another_policy_is_escalated_to_hr_as_such(year: Year) -> None:
    clauses = year.clauses("now", "policy breach")
    cases = year.cases("policy breach")
    assert "cmn.policy-breach" in clauses or any(
        event["type"] == "rapport.CaseEscalated" for case in cases for event in year.world.rapport.history(case)
    )


@pytest.mark.clause("mentor247.on-platform")
def test_a_session_off_the_platform_opens_a_case_for_removal(year: Year) -> None:
    (case,) = year.cases("off platform")
    opened = year.world.rapport.history(case)[0]
    assert (opened["type"], opened["data"]["kind"]) == ("rapport.CaseOpened", "off_platform")
    assert year.cases("on platform") == []


# -- closing


@pytest.mark.clause("cmn.end-review")
def test_a_missing_end_review_is_a_task_until_it_is_recorded(year: Year) -> None:
    for when in ("now", "next week", "summer"):
        assert year.task(when, "ended", "cmn.end-review")["settled_by"] == "RecordEndReview"
        assert "cmn.end-review" not in year.clauses(when, "ended and closed")


@pytest.mark.clause("cmn.records")
def test_records_are_to_be_secured_within_14_days_of_the_end(year: Year) -> None:
    task = year.task("now", "ended", "cmn.records")
    assert task["settled_by"] == "SecureRecords"
    ended = NOW - hours(3)
    assert datetime.fromisoformat(task["due"]).date() == (ended + days(14)).date()
    (terminated,) = year.recorded("ended", "RelationshipTerminated")
    assert terminated["version"] in task["evidence"]
    assert "cmn.records" not in year.clauses("now", "ended and closed")


@pytest.mark.clause("cmn.end-feedback")
def test_at_the_end_the_nps_is_asked(year: Year) -> None:
    requests = year.recorded("ended", "NpsRequested")
    assert ("mentee", "end") in {(one["data"]["respondent"], one["data"]["occasion"]) for one in requests}
    assert len({(one["data"]["respondent"], one["data"]["occasion"]) for one in requests}) == len(requests)


def test_in_the_middle_the_nps_is_asked(year: Year) -> None:
    requests = year.recorded("half", "NpsRequested")
    assert {one["data"]["occasion"] for one in requests} == {"mid"}
    assert {"mentee", "mentor"} <= {one["data"]["respondent"] for one in requests}


# -- what reaches the coordinator


@pytest.mark.clause("nottingham.compromising")
def test_a_compromising_relationship_declared_while_active_is_a_task_to_terminate(year: Year) -> None:
    assert year.task("now", "friends", "nottingham.compromising")["settled_by"] == "TerminateRelationship"
    assert year.stories["friends"].show()["state"] == "active"


@pytest.mark.clause("leapfrog.conflicts")
def test_a_conflict_declared_while_active_asks_for_mitigation(year: Year) -> None:
    assert year.task("now", "conflict", "leapfrog.conflicts")["settled_by"] == "AgreeConflictMitigation"


def test_a_pause_is_a_task_for_the_day_of_its_review(year: Year) -> None:
    reviews = [task for task in year.tasks_of("now", "paused") if task["settled_by"] == "ResumeRelationship"]
    assert [datetime.fromisoformat(task["due"]).date() for task in reviews] == [(NOW + days(5)).date()]


def test_a_pause_of_more_than_60_days_is_a_matter_of_its_own(year: Year) -> None:
    kinds = {when: {task["kind"] for task in year.tasks_of(when, "paused")} for when in ("next week", "summer")}
    assert kinds["summer"] - kinds["next week"]


def test_no_task_tells_what_was_disclosed(year: Year) -> None:
    for tasks in year.tasks.values():
        assert "secret threat" not in str(tasks)


def test_where_nothing_is_wrong_workers_record_nothing(year: Year) -> None:
    for name in ("one late", "on platform"):
        assert [event for event in year.history(name) if event["actor"].startswith(WORKERS)] == []
