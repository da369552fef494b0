"""One of every command, and histories that bring a relationship into each state under every code."""

from datetime import timedelta
from typing import get_args

from domain.model import Command
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem, Objective, SharingTerm
from domain.words import Party, Status, Topic
from tests.given_when_then import ALL_CODES, START, At, day, proposed

TOPICS: tuple[Topic, ...] = get_args(Topic)
BOTH: tuple[Party, ...] = ("mentee", "mentor")
PLAN = e.PlanAgreed(
    sessions=6,
    minutes=60,
    every_days=14,
    starts_on=START.date(),
    ends_on=(START + timedelta(days=120)).date(),
    channel="virtual_meeting",
)
GOAL = e.GoalAgreed(goal_id="g1", title="Lead a team", type="career", source="mentee", agreed_by=BOTH)
REPORTING = e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",))
SESSION = e.SessionScheduled(session_id="s1", starts_at=day(10), channel="platform", minutes=60)
# One that has started before anything of it is told.
STARTED = e.SessionScheduled(session_id="s0", starts_at=day(0.51), channel="platform", minutes=60)


def contracted(*without: str, codes: tuple[str, ...] = ALL_CODES) -> list[At]:
    """Everything that any gate asks for, less what is named by the event's type (or `TermsAccepted/document`)."""
    events = [
        At(0, proposed(*codes)),
        *(At(0, e.TermsAccepted(document=d, version="1"), "mentor") for d in ("terms_of_use", "privacy_policy")),
        At(0, e.TermsAccepted(document="code_of_conduct", version="1"), "mentor"),
        *(At(0, e.TrustReadinessStated(ready=True), party) for party in BOTH),
        At(0, e.MentorTrainingConfirmed(course="basics", completed_on=START.date())),
        At(0, e.ConflictOfInterestDeclared(nature="none"), "mentor"),
        At(0, e.ContractingConversationRecorded(held_at=START, covered=TOPICS), "mentor"),
        At(0, GOAL, "mentee"),
        At(0, PLAN, "mentee"),
        At(0, e.ConfidentialityAgreed(shared=(), not_shared=()), "mentee"),
        *(At(0, REPORTING, role) for role in ("mentee", "line_manager")),
    ]
    return [at for at in events if type(at.event).__name__ not in without]


def in_state(status: Status, *codes: str) -> list[At]:
    """A history that ends in a state, with a goal, a session to come, one that has started, and homework."""
    events = contracted(codes=codes or ALL_CODES)
    if status != "contracting":
        events += [
            At(0.5, e.RelationshipActivated()),
            At(0.5, SESSION, "mentee"),
            At(0.5, e.HomeworkAssigned(homework_id="h1", session_id="s1", description="read"), "mentor"),
            At(0.5, STARTED, "mentee"),
        ]
    if status == "paused":
        pause = e.RelationshipPaused(reason="leave", informed=BOTH, next_steps="meet", review_on=day(30).date())
        events.append(At(0.6, pause, "mentor"))
    if status == "terminated":
        events.append(At(0.6, e.RelationshipTerminated(reason="goals_met", informed=BOTH, next_steps="none"), "mentor"))
    return events


COMMANDS: dict[type[Command], Command] = {
    type(command): command
    for command in (
        c.ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ben", codes=("cmn",)),
        c.RespondToMatch(accept=True),
        c.ChangeParty(role="line_manager", id="lena"),
        # The goal that the mentee says both agreed.
        c.ConfirmAgreement(version=10),
        c.SetTerm(document="statement_of_work", term="late_notice_hours", value=48),
        c.WithdrawTerm(document="statement_of_work", term="late_notice_hours"),
        c.AcceptTerms(document="master_agreement", version="1"),
        c.DeclineTerms(document="master_agreement", version="1"),
        c.StateTrustReadiness(ready=False),
        c.GrantConsent(data_class="contact_details", audience="mentor"),
        c.WithdrawConsent(data_class="goals", audience="customer"),
        c.ConfirmMentorTraining(course="advanced", completed_on=START.date()),
        c.DeclareConflictOfInterest(nature="financial", description="shares"),
        c.AgreeConflictMitigation(mitigation="step aside"),
        c.RecordContractingConversation(held_at=START, covered=("process",)),
        c.AgreePlan(every_days=7, starts_on=START.date(), ends_on=START.date(), channel="email"),
        c.AgreeConfidentiality(
            shared=(SharingTerm(data_class="goals", audience="customer", how="mail", when="monthly"),),
            not_shared=("session_content",),
        ),
        c.AgreeReporting(with_whom="customer", outputs=("goals",), every_days=30),
        c.ShareContactDetails(email="ana@example.org"),
        c.AgreeGoal(goal_id="g2", title="Speak well", type="business", source="mentee", agreed_by=BOTH),
        c.ReviseGoal(goal_id="g1", title="Lead two teams", agreed_by=BOTH),
        c.DropGoal(goal_id="g1", reason="done with it"),
        c.RecordGoalProgress(goal_id="g1", progress="achieved"),
        c.RecordAssessment(assessment_id="a1", area="leadership", score=3.5, scale="1 to 5"),
        c.MarkTopicPrivate(topic="Health"),
        c.OpenTopic(topic="Divorce"),
        c.ScheduleSession(session_id="s2", starts_at=day(20), channel="platform"),
        c.RescheduleSession(session_id="s1", starts_at=day(11), reason="travel"),
        c.CancelSession(session_id="s1", reason="travel"),
        c.RecordPresessionCheck(
            session_id="s1",
            checked_at=day(10),
            device="phone",
            connection=True,
            microphone=True,
            speakers=True,
            camera=False,
            quiet=True,
            background=True,
        ),
        c.CompleteSession(
            session_id="s0",
            started_at=day(0.51),
            ended_at=day(0.55),
            present=BOTH,
            joined={"mentee": day(0.51)},
            agenda=(AgendaItem(topic="work", set_by="mentee", goal_id="g1", minutes=60),),
        ),
        c.RecordNoShow(session_id="s0", absent=("mentee",)),
        c.AssignHomework(homework_id="h2", session_id="s1", description="write"),
        c.ReportHomework(homework_id="h1", hours=3.5, done=True),
        c.RecordSessionNote(session_id="s1", text="went well"),
        c.RecordContact(channel="email"),
        c.RespondToNps(occasion="end", score=9, comment="good"),
        c.RequestNps(respondent="mentee", occasion="end"),
        c.RequestFeedback(respondent="mentee", occasion="end", questions=("pentalog.attention",)),
        c.GiveTestimonial(text="it helped me"),
        c.RecordSuccessStory(text="a new team"),
        c.GiveFeedback(about="mentor", answers={"pentalog.attention": True, "stars": 5}),
        c.ReportTrustBreakdown(description="told others"),
        c.RestoreTrust(),
        c.ReportDisrespect(against="mentor", description="shouted"),
        c.ResolveDisrespect(resolution="apologised"),
        c.ReportProblem(description="stuck"),
        c.ReportBreach(against="mentor", kind="policy", description="shared a file"),
        c.DiscloseConfidence(exception="illegal_activity", recipient="hr:hanna", disclosed="fraud", urgency="urgent"),
        c.ReferMentee(to="a coach", reason="other needs"),
        c.SignpostMentee(to="a course", reason="depth"),
        c.RecommendShutdown(clause="pentalog.trust", evidence=(1,)),
        c.DismissRecommendation(reason="talked"),
        c.RaiseConcern(clause="pentalog.late-reschedules", evidence=(1,)),
        c.ResolveConcern(clause="pentalog.late-reschedules", resolution="better"),
        c.EscalateConcern(clause="pentalog.late-reschedules"),
        c.EscalateRecommendation(clause="pentalog.trust"),
        c.ActivateRelationship(),
        c.PostponeRelationship(start_on=day(9).date(), reason="leave", informed=BOTH, next_steps="meet in May"),
        c.PauseRelationship(reason="leave", informed=BOTH, next_steps="meet in May", review_on=day(40).date()),
        c.ResumeRelationship(),
        c.ReviewRelationship(note="seen", look_again_on=day(20).date(), about=(1,)),
        c.ShareReport(with_whom="line_manager", period_from=START.date(), period_to=START.date()),
        c.RecordEndReview(objectives=(Objective(goal_id="g1", outcome="reached"),), signposting=("a book",)),
        c.TerminateRelationship(reason="goals_met", informed=BOTH, next_steps="stay in touch"),
        c.SecureRecords(retained_until=day(2190).date()),
        c.RequestErasure(person="ana", basis="objection"),
        c.ContestFact(version=1, reason="it was otherwise"),
        c.AnswerContest(version=1, answer="it was so"),
        c.CorrectFact(version=1, reason="it was otherwise", void=True),
        c.ErasePersonalData(person="ana", request=1),
    )
}
