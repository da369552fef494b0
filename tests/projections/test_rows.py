"""What each projection makes of a history."""

from datetime import timedelta
from typing import Any

import pytest

from domain.case import events as case
from domain.codes.questions import PRACTICES
from domain.commitment.terms import TermsInTime
from domain.model import TermSetting
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem, Objective
from domain.terms import DatedSetting
from projections import cases, commitment, concerns, goals, nps_responses, practice_measures, relationships, sessions
from projections.catalogue import all_projections, datasets, projection_of
from projections.dataset import Row
from projections.projection import Programme
from tests.given_when_then import START, SUBJECT, At, day, proposed
from tests.infra.projection_engine.harness import troubled
from tests.projections.given import Given, given

ACTIVE = (proposed(), At(1, e.RelationshipActivated()))


def schedule(session: str, days: float, by: str = "mentee") -> At:
    return At(days - 1, e.SessionScheduled(session_id=session, starts_at=day(days), channel="platform", minutes=60), by)


def complete(session: str, days: float, *agenda: AgendaItem, late: float = 0, **fields: Any) -> At:
    start = day(days)
    event = e.SessionCompleted(
        session_id=session,
        started_at=start,
        ended_at=start + timedelta(minutes=50),
        present=("mentee", "mentor"),
        joined={"mentee": start + timedelta(minutes=late), "mentor": start - timedelta(minutes=3)},
        agenda=agenda,
        status="active",
        **fields,
    )
    return At(days + 0.05, event)


def item(set_by: str, minutes: int, goal: str | None = "g1", *, urgent: bool = False) -> AgendaItem:
    return AgendaItem(topic="-", set_by=set_by, minutes=minutes, goal_id=goal, urgent_concern=urgent)  # type: ignore[arg-type]


def goal(goal_id: str = "g1", type_: str = "career", days: float = 1) -> At:
    event = e.GoalAgreed(goal_id=goal_id, title="-", type=type_, source="mentee", agreed_by=("mentee", "mentor"))  # type: ignore[arg-type]
    return At(days, event)


class TestRelationships:
    def test_the_course(self) -> None:
        found = given(
            relationships.PROJECTION,
            *ACTIVE,
            At(5, e.RelationshipPaused(reason="-", review_on=day(30).date())),
        )
        assert found.values("status", "activated_at", "paused_at", "pauses") == [("paused", day(1), day(5), 1)]
        end = (
            At(9, e.RelationshipResumed()),
            At(20, e.RelationshipTerminated(reason="goals_met")),
            At(21, e.EndReviewRecorded(objectives=(), signposting=())),
            At(22, e.RecordsSecured(retained_until=day(400).date())),
        )
        row = given(relationships.PROJECTION, *ACTIVE, At(5, e.RelationshipPaused(reason="-", review_on=day(30).date())), *end).row()  # fmt: skip
        assert (row["status"], row["paused_at"], row["ending_reason"]) == ("terminated", None, "goals_met")
        assert (row["end_review"], row["retained_until"]) == (True, day(400).date())

    def test_the_parties_and_the_codes(self) -> None:
        row = given(relationships.PROJECTION, proposed("cmn", "pentalog")).row()
        assert (row["mentee_id"], row["mentor_id"], row["customer_id"]) == ("ana", "ben", "acme")
        assert row["codes"] == ["cmn", "pentalog"]
        assert row["position"] == 1

    def test_counts(self) -> None:
        row = given(
            relationships.PROJECTION,
            *ACTIVE,
            goal("g1"),
            goal("g2"),
            schedule("s1", 5),
            complete("s1", 5),
            schedule("s2", 9),
            At(9.1, e.SessionMissed(session_id="s2", absent=("mentor",))),
            At(10, e.GoalAchieved(goal_id="g1")),
            At(11, e.GoalDropped(goal_id="g2", reason="-")),
        ).row()
        assert (row["sessions_scheduled"], row["sessions_completed"], row["sessions_missed"]) == (2, 1, 1)
        assert (row["goals_agreed"], row["goals_achieved"], row["goals_dropped"]) == (2, 1, 1)
        assert row["last_session_at"] == day(5) + timedelta(minutes=50)

    def test_a_contact_told_late_is_not_the_latest(self) -> None:
        contacts = (At(9, e.ContactRecorded(channel="email")), At(4, e.ContactRecorded(channel="email")))
        assert given(relationships.PROJECTION, *ACTIVE, *contacts).row()["last_contact_at"] == day(9)

    def test_what_comes_before_a_proposal_has_no_row(self) -> None:
        assert given(relationships.PROJECTION, e.RelationshipActivated()).rows() == []


class TestSessions:
    def test_moves_by_whom_and_how_late(self) -> None:
        moved = e.SessionRescheduled(session_id="s1", starts_at=day(7), reason="-", previous_starts_at=day(5), notice_hours=3, late=True)  # fmt: skip
        again = moved.model_copy(update={"starts_at": day(8), "late": False})
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), At(4, moved, "mentor"), At(5, again, "coordinator")).row()  # fmt: skip
        assert (row["starts_at"], row["reschedules"], row["late_moves"]) == (day(8), 2, 1)
        assert (row["reschedules_by_mentor"], row["reschedules_by_mentee"]) == (1, 0)

    @pytest.mark.parametrize("by_pause, who", [(True, "pause"), (False, "mentee")])
    def test_a_cancellation(self, by_pause: bool, who: str) -> None:
        event = e.SessionCancelled(session_id="s1", reason="-", notice_hours=2.5, late=True, by_pause=by_pause)
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), At(4.9, event, "mentee")).row()
        assert (row["status"], row["cancelled_by"], row["cancellation_notice_hours"]) == ("cancelled", who, 2.5)

    @pytest.mark.clause("pentalog.urgent-concerns")
    def test_minutes_given_to_an_urgent_concern_are_counted_as_such_and_as_off_goal(self) -> None:
        agenda = (item("mentee", 30), item("mentor", 20, urgent=True), item("mentor", 10, None))
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), complete("s1", 5, *agenda)).row()
        assert (row["agenda_minutes"], row["off_goal_minutes"], row["urgent_minutes"]) == (60, 30, 20)
        assert (row["agenda_items"], row["agenda_items_by_mentee"], row["goals_worked_on"]) == (3, 1, 1)

    def test_attendance(self) -> None:
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), complete("s1", 5, late=7)).row()
        assert (row["mentee_late_minutes"], row["mentor_late_minutes"], row["minutes_spent"]) == (7, 0, 50)
        missed = At(5.1, e.SessionMissed(session_id="s1", absent=("mentee", "mentor")))
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), missed).row()["absent"] == ["mentee", "mentor"]

    def test_whether_a_session_ended_with_a_call_to_action(self) -> None:
        for text, is_one in (("go", True), (None, False)):
            events = (*ACTIVE, schedule("s1", 5), complete("s1", 5, call_to_action=text))
            assert given(sessions.PROJECTION, *events).row()["call_to_action"] is is_one

    def test_what_is_said_of_a_session_that_was_never_scheduled_has_no_row(self) -> None:
        assert given(sessions.PROJECTION, *ACTIVE, complete("s9", 5)).rows() == []


class TestGoals:
    def test_progress_and_the_end(self) -> None:
        events = (
            goal(),
            At(2, e.GoalProgressRecorded(goal_id="g1", progress="some")),
            At(3, e.GoalProgressRecorded(goal_id="g1", progress="achieved")),
            At(3, e.GoalAchieved(goal_id="g1")),
            At(4, e.EndReviewRecorded(objectives=(Objective(goal_id="g1", outcome="-"),), signposting=())),
        )
        row = given(goals.PROJECTION, proposed(), *events).row()
        assert (row["status"], row["closed_at"], row["progress"], row["progress_records"]) == ("achieved", day(3), "achieved", 2)  # fmt: skip
        assert row["reviewed"] is True
        assert "title" not in row

    def test_a_review_of_an_unknown_goal_changes_nothing(self) -> None:
        review = e.EndReviewRecorded(objectives=(Objective(goal_id="g9", outcome="-"),), signposting=())
        assert given(goals.PROJECTION, proposed(), goal(), At(4, review)).values("goal_id", "reviewed") == [
            ("g1", False)
        ]


class TestConcerns:
    def test_a_concern_is_raised_escalated_and_resolved(self) -> None:
        events = (
            At(2, e.CommitmentConcernRaised(clause="pentalog.late-reschedules", evidence=(3, 4)), "worker"),
            At(9, e.ConcernEscalated(clause="pentalog.late-reschedules"), "worker"),
            At(10, e.CommitmentConcernResolved(clause="pentalog.late-reschedules", resolution="-")),
        )
        row = given(concerns.PROJECTION, *ACTIVE, *events).row()
        assert (row["kind"], row["status"], row["evidence"], row["raised_by"]) == (
            "concern",
            "resolved",
            [3, 4],
            "worker",
        )
        assert (row["escalated_at"], row["settled_at"], row["settled_by"]) == (day(9), day(10), "coordinator")

    @pytest.mark.parametrize(
        "answer, statuses",
        [
            (e.RecommendationDismissed(reason="-"), ["dismissed", "dismissed", "open"]),
            (e.RecommendationDismissed(reason="-", clause="pentalog.respect"), ["open", "dismissed", "open"]),
            (e.RecommendationDismissed(reason="-", clause="care.trust"), ["dismissed", "open", "open"]),
            (e.TrustRestored(settled=True), ["resolved", "open", "open"]),
            (e.TrustReadinessStated(ready=True, settled=True), ["resolved", "open", "open"]),
            # The other party's report stands.
            (e.TrustRestored(settled=False), ["open", "open", "open"]),
            (e.TrustReadinessStated(ready=True), ["open", "open", "open"]),
            (e.DisrespectResolved(resolution="-"), ["open", "resolved", "open"]),
            (e.CommitmentConcernResolved(clause="pentalog.trust", resolution="-"), ["open", "open", "resolved"]),
        ],
    )
    def test_an_answer_settles_the_open_ones_that_it_is_about(self, answer: Any, statuses: list[str]) -> None:
        raised = (
            At(2, e.ShutdownRecommended(clause="pentalog.trust", evidence=(1,))),
            At(3, e.ShutdownRecommended(clause="pentalog.respect", evidence=(1,))),
            At(4, e.CommitmentConcernRaised(clause="pentalog.trust", evidence=(1,))),
        )
        found = given(concerns.PROJECTION, *ACTIVE, *raised, At(5, answer))
        assert [status for (status,) in found.values("status")] == statuses

    def test_one_that_is_raised_again_after_it_was_settled_is_another_row(self) -> None:
        raised = e.CommitmentConcernRaised(clause="pentalog.trust", evidence=(1,))
        settled = e.CommitmentConcernResolved(clause="pentalog.trust", resolution="-")
        found = given(concerns.PROJECTION, *ACTIVE, At(2, raised), At(3, settled), At(4, raised))
        assert found.values("raised_version", "status") == [(3, "resolved"), (5, "open")]


def test_a_case_from_its_opening_to_its_end_without_what_was_said_and_decided() -> None:
    events = (
        case.CaseOpened(mentor_id="ben", about="mentor:ben", kind="law", description="secret", relationship_id=SUBJECT),
        case.CaseEscalated(to="hanna"),
        case.CaseEscalated(to="hugo"),
        case.CaseDecided(decision="mentor_removed", reason="secret"),
        case.CaseClosed(reason="secret"),
    )
    row = given(cases.PROJECTION, *events, subject="case:c7").row()
    assert (row["case_id"], row["status"], row["kind"], row["escalated_to"]) == (
        "c7",
        "closed",
        "law",
        ["hanna", "hugo"],
    )
    assert row["decided_at"] is not None
    assert "secret" not in repr(row)
    assert "mentor_removed" not in repr(row)


class TestCommitment:
    def test_health_signals_and_history(self) -> None:
        found = given(commitment.PROJECTION, *ACTIVE, at=day(40))
        row = found.row()
        assert (row["score"], row["band"], row["signals"], row["since"]) == (75, "watch", 2, row["since"])
        assert {signal for (signal,) in found.values("signal", table="commitment_signals")} == {"no_next_session", "out_of_contact"}  # fmt: skip
        bands = found.values("since", "until", "score", table="commitment_bands")
        assert [score for *_, score in bands] == [100, 90, 75]
        assert [until for _, until, _ in bands] == [since for since, *_ in bands[1:]] + [None]
        assert bands[0][0] == day(1)
        assert row["since"] == bands[-1][0]

    def test_signals_history_says_when_each_signal_began_and_ended(self) -> None:
        contact = At(35, e.ContactRecorded(channel="email"))
        found = given(commitment.PROJECTION, *ACTIVE, contact, at=day(40))
        columns = "signal", "party", "points", "since", "until", "clauses"
        assert sorted(found.values(*columns, table="signals_history")) == [
            ("no_next_session", "relationship", 10, day(11), None, ["pentalog.next-session"]),
            (
                "out_of_contact",
                "relationship",
                15,
                day(31) + timedelta(microseconds=1),
                day(35),
                ["nottingham.regular-contact"],
            ),
        ]

    def test_rows_say_until_when_they_hold(self) -> None:
        found = given(commitment.PROJECTION, *ACTIVE, at=day(2))
        assert found.unit is not None
        kept = found.unit.states["commitment"]
        assert kept.due == day(11) == found.row()["next_change_at"]
        assert kept.since is None

    def test_without_a_score_there_are_no_signals(self) -> None:
        for events in ((proposed(),), (*ACTIVE, At(2, e.RelationshipTerminated(reason="goals_met")))):
            found = given(commitment.PROJECTION, *events)
            assert found.values("score", "band", "signals", "next_change_at") == [(None, None, 0, None)]
            assert found.rows("commitment_signals") == []

    def test_a_programmes_terms_count(self) -> None:
        setting = DatedSetting(day(0), TermSetting(document="code_of_conduct", term="points_no_next_session", value=50))
        found = given(commitment.PROJECTION, *ACTIVE, at=day(12), terms=TermsInTime([setting]))
        assert found.row()["score"] == 50


class TestNps:
    def test_the_latest_answer_counts_and_all_are_kept(self) -> None:
        events = (
            At(2, e.NpsRequested(respondent="mentee", occasion="mid")),
            At(3, e.NpsResponded(respondent="mentee", occasion="mid", score=3), "mentee"),
            At(5, e.NpsResponded(respondent="mentee", occasion="mid", score=9), "mentee"),
            At(4, e.NpsRequested(respondent="mentor", occasion="end")),
        )
        found = given(nps_responses.PROJECTION, proposed(), *events)
        columns = ("role", "occasion", "month", "answered", "answer", "respondent_id")
        assert found.values(*columns) == [
            ("mentee", "mid", "2026-03", True, "promoter", "ana"),
            ("mentor", "end", "2026-03", False, None, None),
        ]
        assert found.unit is not None
        state = found.unit.states["nps_responses"].state
        assert nps_responses.load(nps_responses.dump(state)) == state


class TestPracticeMeasures:
    def row(self, *events: Any) -> Row:
        return given(practice_measures.PROJECTION, proposed(), *events).row()

    @pytest.mark.clause("cmn.mentee-schedules")
    def test_the_share_of_sessions_that_the_mentee_scheduled(self) -> None:
        row = self.row(schedule("s1", 5), schedule("s2", 6, "mentor"), schedule("s3", 7), schedule("s4", 8, "service"))
        assert (row["sessions_scheduled"], row["sessions_scheduled_by_mentee"], row["mentee_schedules_share"]) == (4, 2, 0.5)  # fmt: skip

    @pytest.mark.clause("leapfrog.mentee-agenda")
    def test_the_share_of_agenda_items_that_the_mentee_set(self) -> None:
        row = self.row(complete("s1", 5, item("mentee", 30), item("mentor", 5), item("mentee", 5), item("mentee", 5)))
        assert (row["agenda_items"], row["agenda_items_by_mentee"], row["mentee_agenda_share"]) == (4, 3, 0.75)

    @pytest.mark.clause("leapfrog.responsibility")
    def test_what_the_mentee_takes_on_early_and_late(self) -> None:
        early = (schedule("s1", 5, "mentor"), complete("s1", 5, item("mentor", 60)))
        late = (schedule("s2", 9), complete("s2", 9, item("mentee", 60)))
        row = self.row(*early, *late)
        assert (row["mentee_share_early"], row["mentee_share_late"]) == (0, 1)

    @pytest.mark.clause("cmn.homework-reviewed")
    @pytest.mark.parametrize("named, reviewed", [("h1", 1), ("h2", 0), (None, 0)])
    def test_homework_that_the_agenda_of_the_next_session_names_was_reviewed(
        self, named: str | None, reviewed: int
    ) -> None:
        row = self.row(
            schedule("s1", 5),
            complete("s1", 5),
            At(5.1, e.HomeworkAssigned(homework_id="h1", session_id="s1", description="-")),
            At(8, e.HomeworkReported(homework_id="h1", session_id="s1", hours=1, done=True)),
            complete("s2", 9, item("mentee", 20).model_copy(update={"homework_id": named})),
            At(9.1, e.HomeworkAssigned(homework_id="h2", session_id="s2", description="-")),
        )
        # Nothing took place after the second session: its homework is not due yet.
        assert (row["homework_assigned"], row["homework_reviewed"]) == (1, reviewed)

    @pytest.mark.clause("mentor247.surroundings")
    def test_checks_with_a_professional_background(self) -> None:
        good: dict[str, Any] = dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet"), True)
        checks = [
            At(2, e.PresessionCheckRecorded(session_id="s1", checked_at=START, device="computer", background=fine, findings=(), **good))
            for fine in (True, False, True)
        ]  # fmt: skip
        row = self.row(*checks)
        assert (row["checks"], row["checks_with_background"]) == (3, 2)

    @pytest.mark.clause(
        "pentalog.attention",
        "mentor247.language",
        "cmn.inclusion",
        "cmn.ownership",
        "leapfrog.openness",
        "nottingham.individual-needs",
        "nottingham.opinions",
    )
    def test_which_practices_feedback_is_about_and_not_what_it_says(self) -> None:
        asked = sorted(clause for clause in PRACTICES if clause != "cmn.mentee-schedules")
        answers: dict[str, Any] = {**dict.fromkeys(asked, "secret"), "free": 7, "pentalog.trust": True}
        row = self.row(At(2, e.FeedbackGiven(about="mentor", answers=answers)), At(3, e.FeedbackGiven(about="mentee", answers={"x": 1})))  # fmt: skip
        assert (row["feedback_given"], row["practices_asked_about"]) == (2, asked)
        assert "secret" not in repr(row)

    def test_goals_and_time(self) -> None:
        row = self.row(goal("g1"), goal("g2", "technical"), goal("g3"), complete("s1", 5, item("mentee", 9)), complete("s2", 6), At(9, e.GoalAchieved(goal_id="g1")))  # fmt: skip
        assert (row["goal_types"], row["goals_agreed"], row["goals_achieved"]) == (["career", "technical"], 3, 1)
        assert (row["sessions_completed"], row["sessions_with_goals"], row["minutes_spent"]) == (2, 1, 100)

    def test_nothing_to_divide_by_is_no_share(self) -> None:
        row = self.row()
        assert {row[name] for name in row if name.endswith("share")} == {None}

    def test_the_state_survives_json(self) -> None:
        found = Given(practice_measures.PROJECTION, troubled(), day(90), Programme())
        assert found.unit is not None
        state = found.unit.states["practice_measures"].state
        assert practice_measures.load(practice_measures.dump(state)) == state


def test_the_promised_datasets_are_there() -> None:
    promised = (
        "relationships sessions goals commitment_health commitment_signals nps_responses nps concerns tasks cases timeline "
        "practices practice_measures session_moves homework gates pauses requests mentors programmes corrections"
    )
    assert set(promised.split()) <= datasets().keys()
    assert all("position" in {column.name for column in dataset.columns} for dataset in datasets().values())


def test_a_projection_is_found_by_its_name_and_by_its_datasets() -> None:
    for projection in all_projections():
        assert projection_of(projection.name) is projection
    assert projection_of("nps") is nps_responses.PROJECTION
    assert projection_of("commitment_bands") is commitment.PROJECTION
    assert projection_of("timeline") is None


def test_no_column_holds_content() -> None:
    content = {"goals", "challenges", "testimonial", "feedback", "nps_comment", "session_content", "contact_details", "safeguarding"}  # fmt: skip
    held = {column.data_class for dataset in datasets().values() for column in dataset.columns}
    assert not held & content
