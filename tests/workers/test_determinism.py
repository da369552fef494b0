"""For any history the workers do the same again, and what they keep survives being written down and read back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseOpened
from domain.mentor.events import (
    DevelopmentRecorded,
    MentorReinstated,
    MentorRemoved,
    MentorSuspended,
    TrainingRecorded,
)
from domain.model import Event
from domain.programme.events import TermSet
from domain.relationship import events as e
from tests.given_when_then import ALL_CODES, SUBJECT, day
from tests.workers.happenings import booked, checked, completed, ended, missed, moved, paused, planned
from tests.workers.stage import MENTOR, Blank, Stage
from workers.desk import Done
from workers.model import Deadline, Task
from workers.step import Memory

CASE = "case:c1"
OF_RELATIONSHIP: tuple[Event, ...] = (
    e.RelationshipActivated(),
    planned(4),
    booked("s1", 9),
    booked("s2", 16, "telephone"),
    moved("s1", 9, 12, 2),
    moved("s2", 16, 19, 3),
    checked("s1", 8.99, "quiet", "late_check"),
    completed("s1", 12, camera_on=False, call_to_action=None),
    completed("s3", 14),
    missed("s2", "mentee"),
    missed("s1", "mentee", "mentor"),
    e.SessionCancelled(session_id="s1", reason="ill", notice_hours=1, late=True),
    e.ContactRecorded(channel="email"),
    e.TrustBreakdownReported(description="x"),
    e.TrustRestored(),
    e.DisrespectReported(against="mentee", description="x"),
    e.DisrespectResolved(resolution="x"),
    e.RecommendationDismissed(reason="x"),
    e.CommitmentConcernRaised(clause="pentalog.late-reschedules", evidence=(1,)),
    e.CommitmentConcernResolved(clause="pentalog.late-reschedules", resolution="x"),
    e.NpsRequested(respondent="mentor", occasion="mid"),
    e.NpsResponded(respondent="mentor", occasion="mid", score=9),
    e.FeedbackGiven(about="process", answers={}),
    e.ConflictOfInterestDeclared(nature="family"),
    e.ConflictOfInterestDeclared(nature="other"),
    e.ConflictMitigationAgreed(mitigation="x"),
    e.ProblemReported(description="x"),
    e.BreachReported(against="mentor", kind="code", description="x"),
    e.BreachReported(against="mentor", kind="policy", description="x"),
    e.MenteeReferred(to="x", reason="x"),
    e.MenteeSignposted(to="x", reason="x"),
    e.TermsDeclined(document="terms_of_use", version="1"),
    e.ConfidenceDisclosed(exception="illegal_activity", recipient="hr:h", disclosed="x", urgency="routine"),
    e.MatchDeclined(),
    e.PartyChanged(role="line_manager", id="lou"),
    e.TermsDeclined(document="code_of_conduct", version="2"),
    e.TermsAccepted(document="terms_of_use", version="1"),
    e.TrustReadinessStated(ready=False),
    e.TrustReadinessStated(ready=True, settled=True),
    e.GoalAgreed(goal_id="g1", title="x", type="career", source="mentee", agreed_by=("mentee", "mentor")),
    e.GoalAchieved(goal_id="g1"),
    e.GoalDropped(goal_id="g1", reason="x"),
    e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",), every_days=5),
    e.ReportingAgreed(with_whom="line_manager", outputs=("schedule",)),
    e.ReportShared(with_whom="line_manager", period_from=day(0).date(), period_to=day(5).date()),
    e.AgreementConfirmed(version=3),
    e.FactContested(version=2, reason="x"),
    e.ContestAnswered(version=3, answer="x"),
    e.FeedbackRequested(respondent="mentor", occasion="end", questions=("leapfrog.openness",)),
    e.FeedbackGiven(about="mentor", answers={"leapfrog.openness": 1, "pentalog.attention": "no"}),
    e.RelationshipReviewed(note="x"),
    e.RelationshipReviewed(note="x", look_again_on=day(50).date()),
    e.RelationshipPostponed(start_on=day(20).date(), reason="x"),
    TermSet(document="code_of_conduct", term="decision_days", value=3, resolved=3, winner="code_of_conduct"),
    paused(40),
    e.RelationshipResumed(),
    ended(),
    e.EndReviewRecorded(objectives=(), signposting=()),
    e.RecordsSecured(retained_until=day(90).date()),
    e.PersonalDataErased(person="ana", request=1),
)
OF_OTHERS: tuple[tuple[str, Event], ...] = (
    (CASE, CaseOpened(mentor_id="ben", about="mentor:ben", relationship_id=SUBJECT, kind="code", description="x")),
    (CASE, CaseEscalated(to="hr:h")),
    (CASE, CaseDecided(decision="further_training", reason="x")),
    (CASE, CaseDecided(decision="mentor_removed", reason="x")),
    (CASE, CaseClosed()),
    (MENTOR, MentorSuspended(reason="x")),
    (MENTOR, MentorReinstated()),
    (MENTOR, MentorRemoved(reason="x")),
    (MENTOR, MentorSuspended(reason="x", programme_id="p1")),
    (MENTOR, MentorReinstated(programme_id="p1")),
    (MENTOR, MentorRemoved(reason="x", programme_id="p1")),
    (MENTOR, TrainingRecorded(course="c", completed_on=day(0).date(), due_on=day(20).date())),
    (MENTOR, DevelopmentRecorded(what="d", completed_on=day(3).date())),
    ("programme:p1", TermSet(document="code_of_conduct", term="late_notice_hours", value=1, resolved=1, winner="code_of_conduct")),
)  # fmt: skip
happening = st.tuples(
    st.one_of(st.tuples(st.just(SUBJECT), st.sampled_from(OF_RELATIONSHIP)), st.sampled_from(OF_OTHERS)),
    st.sampled_from((0.0, 0.01, 0.5, 2, 7, 30, -3)),
    st.sampled_from(("mentee", "mentor", "coordinator")),
)


DEADLINE, TASK = TypeAdapter(Deadline), TypeAdapter(Task)


class Written(Blank):
    """A desk on which every memory is written down and read back after every step."""

    def keep(self, done: Done) -> None:
        memory = done.step.memory
        state = type(memory.state).model_validate_json(memory.state.model_dump_json())
        deadlines = {k: DEADLINE.validate_json(DEADLINE.dump_json(v)) for k, v in memory.deadlines.items()}
        tasks = {k: TASK.validate_json(TASK.dump_json(v)) for k, v in memory.tasks.items()}
        super().keep(done._replace(step=done.step._replace(memory=Memory(state, deadlines, tasks))))


def play(codes: list[str], happenings: list[Any], desk: type[Blank]) -> Stage:
    stage = Stage(propose=False)
    stage.desk = desk(stage.desk.workers)
    stage.happens(
        e.RelationshipProposed(
            programme_id="p1", mentee_id="ana", mentor_id="ben", customer_id="acme", codes=dict.fromkeys(codes, "1")
        )
    )
    on = 0.0
    for (subject, event), later, by in happenings:
        if subject != CASE or isinstance(event, CaseOpened) or CASE in stage.states:
            on = max(0.0, on + later)
            stage.happens(event, on=on, by=by, subject=subject)
    return stage.passes(on + 400)


def story(stage: Stage) -> Any:
    said = [(sent.at, sent.worker, sent.subject, sent.command, sent.accepted) for sent in stage.all_sent]
    return stage.notes, said, stage.tasks(), stage.deadlines(), [receipt for _, receipt in stage.receipts]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ALL_CODES), unique=True), st.lists(happening, max_size=25))
def test_the_same_history_leads_to_the_same_and_nothing_is_lost_in_writing(
    codes: list[str], happenings: list[Any]
) -> None:
    first = play(codes, happenings, Blank)
    assert story(first) == story(play(codes, happenings, Written))
    for _, receipt in first.receipts:
        assert {clause.partition(".")[0] for clause in receipt.clauses} <= {*codes, "pentalog", "care"}
    assert not [sent for sent in first.all_sent if type(sent.command).__name__ not in MAY]


MAY = {
    "RaiseConcern", "ResolveConcern", "EscalateConcern", "RecommendShutdown", "EscalateRecommendation", "RequestNps",
    "RequestFeedback", "OpenCase", "RemoveMentor", "TerminateRelationship",
}  # fmt: skip
