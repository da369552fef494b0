"""What may be asked of a relationship: one frozen model a command, its fields as the messages carry them.

Models check form only; whether the rules agree is decided in `decide`. The order is that of a relationship's life:
proposal and contracting, goals, sessions, feedback, concerns and conduct, the changes of status up to the end.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from domain.codes.clauses import CLAUSES, clause_expected
from domain.codes.questions import Answer, off_the_scale
from domain.ids import AssessmentId, GoalId, HomeworkId, PersonId, ProgrammeId, Recipient, RelationshipId, SessionId
from domain.model import (
    Command,
    Day,
    EachOnce,
    Flag,
    Holds,
    Minutes,
    Name,
    OperationalDay,
    OperationalTime,
    ProcessText,
    ScheduleTime,
    Text,
)
from domain.relationship.fields import (
    AgendaItem,
    AgreedBy,
    AttendingRoles,
    AudienceName,
    BreachClause,
    CauseName,
    ChannelName,
    ClauseName,
    ClauseNames,
    Course,
    DataClasses,
    DataClassName,
    DocumentVersion,
    Evidence,
    FactVersion,
    FeedbackText,
    GoalText,
    NextSteps,
    NoteText,
    Objective,
    PrivateTopic,
    RoleName,
    Roles,
    SafeText,
    SessionText,
    SharingTerms,
    Topics,
)
from domain.term_setting import DocumentName
from domain.term_setting import SetTerm as SetTerm  # noqa: PLC0414 - one of this vocabulary too
from domain.term_setting import WithdrawTerm as WithdrawTerm  # noqa: PLC0414 - one of this vocabulary too
from domain.words import (
    BreachKind,
    ChangeableParty,
    CodeId,
    ConflictNature,
    Device,
    DisclosureException,
    EndingReason,
    ErasureBasis,
    FeedbackSubject,
    GoalSource,
    GoalType,
    Occasion,
    Progress,
    ReportingAudience,
    Respondent,
    Role,
    Urgency,
)

# What pydantic calls an answer that is not on the scale of its question.
OFF_THE_SCALE: Final = "off_the_scale"


def _on_scale(answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
    wrong = [
        InitErrorDetails(
            type=PydanticCustomError(OFF_THE_SCALE, "{expected}", {"expected": said}), loc=(key,), input=answers[key]
        )
        for key, said in off_the_scale(answers)
    ]
    if wrong:
        raise ValidationError.from_exception_data("answers", wrong)
    return answers


# --- proposal and contracting -------------------------------------------------------------------------------------
class ProposeRelationship(Command):
    """Bring a mentee and a mentor together under a programme and its codes."""

    programme_id: ProgrammeId
    mentee_id: PersonId
    mentor_id: PersonId
    codes: Annotated[tuple[CodeId, ...], EachOnce, Holds("operational")] | None = None
    customer_id: PersonId | None = None
    line_manager_id: PersonId | None = None
    supplier_id: PersonId | None = None
    follows: RelationshipId | None = None


class RespondToMatch(Command):
    """The actor says yes or no to the match; a yes binds nothing more."""

    accept: Flag
    reason: ProcessText | None = None


class ChangeParty(Command):
    """Somebody else takes the part of customer, line manager or supplier; null: nobody."""

    role: Annotated[ChangeableParty, Holds("operational")]
    id: PersonId | None


class AcceptTerms(Command):
    """The actor accepts one version of a document."""

    document: DocumentName
    version: DocumentVersion


class DeclineTerms(Command):
    """The actor declines one version of a document."""

    document: DocumentName
    version: DocumentVersion


class StateTrustReadiness(Command):
    """The actor states whether they are ready to trust (pentalog.trust)."""

    ready: Flag


class GrantConsent(Command):
    """The actor lets an audience have a class of data, up to and with a day or until withdrawn."""

    data_class: DataClassName
    audience: AudienceName
    how: ProcessText | None = None
    until: OperationalDay | None = None


class WithdrawConsent(Command):
    """The actor takes a consent back."""

    data_class: DataClassName
    audience: AudienceName
    how: ProcessText | None = None
    until: OperationalDay | None = None


class ConfirmMentorTraining(Command):
    """The mentor has completed the training that must come first (nottingham.training)."""

    course: Course
    completed_on: OperationalDay


class DeclareConflictOfInterest(Command):
    """The actor declares a conflict of interest, or that there is none."""

    nature: Annotated[ConflictNature, Holds("operational")]
    stakeholder: Annotated[Text | None, Holds("identity", "author")] = None
    description: ProcessText | None = None


class AgreeConflictMitigation(Command):
    """How a declared conflict is kept from doing harm: all open ones, or those of one nature."""

    mitigation: ProcessText
    nature: Annotated[ConflictNature | None, Holds("operational")] = None


class RecordContractingConversation(Command):
    """A contracting conversation took place and covered these topics."""

    held_at: ScheduleTime
    covered: Topics
    first_mentoring: Annotated[bool | None, Holds("process_improvement")] = None


class AgreePlan(Command):
    """How many sessions, how long, how often, from when to when, over which channel."""

    sessions: Annotated[int, Field(ge=1, le=1000), Holds("schedule")] = 6
    minutes: Minutes = 60
    every_days: Annotated[int, Field(ge=1, le=3660), Holds("schedule")]
    starts_on: Annotated[Day, Holds("schedule")]
    ends_on: Annotated[Day, Holds("schedule")]
    channel: ChannelName

    @model_validator(mode="after")
    def _in_order(self) -> "AgreePlan":
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on: expected a day not before starts_on")
        return self


class AgreeConfidentiality(Command):
    """What may be shared, with whom, how and when; and what may not (cmn.confidentiality-level)."""

    shared: SharingTerms
    not_shared: DataClasses

    @model_validator(mode="after")
    def _either(self) -> "AgreeConfidentiality":
        if both := {term.data_class for term in self.shared} & set(self.not_shared):
            raise ValueError(
                f"not_shared: expected no class that shared lets somebody have, found {', '.join(sorted(both))}"
            )
        return self


class AgreeReporting(Command):
    """Which outputs are reported to whom, and how often (cmn.reporting)."""

    with_whom: Annotated[ReportingAudience, Holds("operational")]
    outputs: DataClasses
    every_days: Annotated[int | None, Field(ge=1, le=3660), Holds("schedule")] = None


class ConfirmAgreement(Command):
    """The actor confirms what the other side says both agreed; `version` is that of the agreement's event."""

    version: FactVersion


class ShareContactDetails(Command):
    """The actor hands their own contact details to the other party."""

    email: Annotated[Text | None, Holds("contact_details", "author")] = None
    telephone: Annotated[Text | None, Holds("contact_details", "author")] = None

    @model_validator(mode="after")
    def _something(self) -> "ShareContactDetails":
        if self.email is None and self.telephone is None:
            raise ValueError("email: expected an e-mail address, a telephone number, or both")
        return self


# --- goals --------------------------------------------------------------------------------------------------------
class AgreeGoal(Command):
    """Mentee and mentor agree on a goal."""

    goal_id: GoalId
    title: GoalText
    type: Annotated[GoalType, Holds("goal_types")]
    source: Annotated[GoalSource, Holds("goal_types")]
    success_measure: GoalText | None = None
    assessment_id: AssessmentId | None = None
    agreed_by: AgreedBy


class ReviseGoal(Command):
    """An open goal gets another title or another measure of success; both parties agree."""

    goal_id: GoalId
    title: GoalText | None = None
    success_measure: GoalText | None = None
    agreed_by: AgreedBy

    @model_validator(mode="after")
    def _something(self) -> "ReviseGoal":
        if self.title is None and self.success_measure is None:
            raise ValueError("title: expected a title, a success_measure, or both")
        return self


class DropGoal(Command):
    """A goal is given up, by the mentee or by both."""

    goal_id: GoalId
    reason: GoalText
    agreed_by: AgreedBy | None = None


class RecordGoalProgress(Command):
    """What a session, or the time around it, did for a goal."""

    goal_id: GoalId
    session_id: SessionId | None = None
    progress: Annotated[Progress, Holds("goal_outcomes")]
    note: GoalText | None = None


class RecordAssessment(Command):
    """The result of an assessment of the mentee, which the mentee always sees (pentalog.assessment-visible)."""

    assessment_id: AssessmentId
    area: Annotated[Name, Holds("assessment", "mentee")]
    score: Annotated[float | None, Field(allow_inf_nan=False), Holds("assessment", "mentee")] = None
    scale: Annotated[Name | None, Holds("assessment", "mentee")] = None
    text: Annotated[Text | None, Holds("assessment", "mentee")] = None


class MarkTopicPrivate(Command):
    """The mentee keeps a topic to themselves (leapfrog.privacy)."""

    topic: PrivateTopic


class OpenTopic(Command):
    """The mentee opens a topic that was private."""

    topic: PrivateTopic


# --- sessions -----------------------------------------------------------------------------------------------------
class ScheduleSession(Command):
    """A session is put on the calendar; `minutes` defaults to the plan's, else to the term session_minutes."""

    session_id: SessionId
    starts_at: ScheduleTime
    minutes: Minutes | None = None
    channel: ChannelName


class RescheduleSession(Command):
    """A session moves to another start."""

    session_id: SessionId
    starts_at: ScheduleTime
    reason: ProcessText
    cause: CauseName | None = None
    on_behalf_of: RoleName | None = None


class CancelSession(Command):
    """A session will not take place."""

    session_id: SessionId
    reason: ProcessText
    cause: CauseName | None = None
    on_behalf_of: RoleName | None = None


class RecordPresessionCheck(Command):
    """What the mentor's check before a session found (mentor247)."""

    session_id: SessionId
    checked_at: OperationalTime
    device: Annotated[Device, Holds("process_improvement")]
    connection: Annotated[bool, Holds("process_improvement")]
    microphone: Annotated[bool, Holds("process_improvement")]
    speakers: Annotated[bool, Holds("process_improvement")]
    camera: Annotated[bool, Holds("process_improvement")]
    quiet: Annotated[bool, Holds("process_improvement")]
    background: Annotated[bool, Holds("process_improvement")]
    attire: Annotated[bool | None, Holds("process_improvement")] = None


class CompleteSession(Command):
    """A session took place; `joined` says when each role joined."""

    session_id: SessionId
    started_at: Annotated[OperationalTime, Holds("time_spent")]
    ended_at: Annotated[OperationalTime, Holds("time_spent")]
    present: AttendingRoles
    joined: Annotated[dict[Role, OperationalTime], Holds("attendance")]
    agenda: Annotated[tuple[AgendaItem, ...], Holds("session_content", "mentee")]
    call_to_action: SessionText | None = None
    encouragement: Annotated[bool | None, Holds("process_improvement")] = None
    camera_on: Annotated[bool | None, Holds("process_improvement")] = None

    @model_validator(mode="after")
    def _in_order(self) -> "CompleteSession":
        if self.ended_at <= self.started_at:
            raise ValueError("ended_at: expected a time after started_at")
        return self


class RecordNoShow(Command):
    """A session did not take place because somebody stayed away."""

    session_id: SessionId
    absent: Annotated[AttendingRoles, Field(min_length=1)]
    cause: CauseName | None = None


class AssignHomework(Command):
    """Work between sessions, given in a session."""

    homework_id: HomeworkId
    session_id: SessionId
    description: SessionText
    due_at: ScheduleTime | None = None


class ReportHomework(Command):
    """How many hours a homework, or the work after a session, took so far, and whether it is done."""

    homework_id: HomeworkId | None = None
    session_id: SessionId | None = None
    hours: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False), Holds("time_spent")]
    done: Annotated[bool | None, Holds("goal_outcomes")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReportHomework":
        if (self.homework_id is None) == (self.session_id is None):
            raise ValueError("homework_id: expected either a homework_id or a session_id")
        return self


class RecordSessionNote(Command):
    """A note on a session; `sensitive` keeps it to the parties present for good (pentalog.sensitive)."""

    session_id: SessionId
    text: NoteText
    sensitive: Flag = False


class RecordContact(Command):
    """Some of the people were in touch outside a session; `between` whom, for how many minutes."""

    channel: ChannelName
    between: Annotated[AttendingRoles, Field(min_length=1)] | None = None
    minutes: Minutes | None = None


# --- feedback -----------------------------------------------------------------------------------------------------
class RespondToNps(Command):
    """How likely the respondent is to recommend mentoring, 0 to 10."""

    occasion: Annotated[Occasion, Holds("operational")]
    score: Annotated[int, Field(ge=0, le=10), Holds("nps_score", "author")]
    comment: Annotated[Text | None, Holds("nps_comment", "author")] = None


class RequestNps(Command):
    """Ask somebody for their NPS answer."""

    respondent: Annotated[Respondent, Holds("operational")]
    occasion: Annotated[Occasion, Holds("operational")]


class RequestFeedback(Command):
    """Ask somebody the practice questions of these clauses."""

    respondent: RoleName
    occasion: Annotated[Occasion, Holds("operational")]
    questions: Annotated[ClauseNames, Field(min_length=1)]


class GiveTestimonial(Command):
    """The actor speaks for the mentoring."""

    text: Annotated[Text, Holds("testimonial", "author")]


class RecordSuccessStory(Command):
    """The supplier tells what the mentoring achieved."""

    text: Annotated[Text, Holds("success_story", "author")]


class GiveFeedback(Command):
    """Answers to feedback questions: practice clause id or free key to text, number or yes/no."""

    about: Annotated[FeedbackSubject, Holds("operational")]
    answers: Annotated[dict[Name, bool | int | float | Text], AfterValidator(_on_scale), Holds("feedback", "author")]
    text: FeedbackText | None = None


# --- trust, respect, problems, conduct ----------------------------------------------------------------------------
class ReportTrustBreakdown(Command):
    """Trust is gone (pentalog.trust)."""

    description: SafeText


class RestoreTrust(Command):
    """Trust is back."""

    description: SafeText | None = None


class ReportDisrespect(Command):
    """Somebody was disrespectful (pentalog.respect, leapfrog.respect)."""

    against: RoleName
    description: SafeText


class ResolveDisrespect(Command):
    """The reported disrespect was dealt with."""

    resolution: SafeText


class ReportProblem(Command):
    """A problem that the parties cannot solve themselves (nottingham.problems)."""

    description: SafeText


class ReportBreach(Command):
    """A breach of a code, a policy or the law; `clause` is one of a code's, or names a paragraph of the policy or the law."""

    against: RoleName
    kind: Annotated[BreachKind, Holds("operational")]
    clause: BreachClause | None = None
    description: SafeText

    @model_validator(mode="after")
    def _of_a_code(self) -> "ReportBreach":
        # A policy or a law has paragraphs of its own.
        if self.kind == "code" and self.clause is not None and self.clause not in CLAUSES:
            raise ValueError(f"clause: {clause_expected(self.clause)}")
        return self


class DiscloseConfidence(Command):
    """Something confidential is disclosed under an exception, to one recipient and nobody else."""

    exception: Annotated[DisclosureException, Holds("safeguarding", "author")]
    recipient: Recipient
    disclosed: SafeText
    urgency: Annotated[Urgency, Holds("safeguarding", "author")]


class ReferMentee(Command):
    """The mentee is referred to somebody else."""

    to: ProcessText
    reason: ProcessText


class SignpostMentee(Command):
    """The mentee is shown where else to find help."""

    to: ProcessText
    reason: ProcessText


class RecommendShutdown(Command):
    """Recommend to end the relationship; the parties and the coordinator decide."""

    clause: ClauseName
    evidence: Evidence


class DismissRecommendation(Command):
    """The recommendation is not followed: all open ones, or the one of a clause."""

    reason: ProcessText
    clause: ClauseName | None = None


class RaiseConcern(Command):
    """A concern about commitment, with the events that are its evidence."""

    clause: ClauseName
    evidence: Evidence


class ResolveConcern(Command):
    """A concern is settled."""

    clause: ClauseName
    resolution: ProcessText


class EscalateConcern(Command):
    """A concern went unanswered for too long."""

    clause: ClauseName


class EscalateRecommendation(Command):
    """A recommendation went undecided for too long."""

    clause: ClauseName


# --- contests and corrections ---------------------------------------------------------------------------------------
class ContestFact(Command):
    """The actor says that a recorded fact is wrong; `version` is that of its event."""

    version: FactVersion
    reason: ProcessText


class AnswerContest(Command):
    """The office answers a contest without correcting the fact; `version` is that of the contest."""

    version: FactVersion
    answer: ProcessText


class CorrectFact(Command):
    """A recorded fact is put right: `data` is the whole data of its command as it should be; or it is void."""

    version: FactVersion
    reason: ProcessText
    data: Annotated[dict[str, Any] | None, Holds("session_content", "fact")] = None
    void: Annotated[bool | None, Holds("operational")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "CorrectFact":
        if (self.data is None) == (self.void is not True):
            raise ValueError("data: expected either data, the whole data of the corrected fact, or void = true")
        return self


# --- status -------------------------------------------------------------------------------------------------------
class ActivateRelationship(Command):
    """Contracting is done: every gate of the adopted codes must be met."""


class PostponeRelationship(Command):
    """The start is put off to a day; both parties know, the next steps are clear (cmn.pause-or-stop)."""

    start_on: OperationalDay
    reason: ProcessText
    informed: Roles = ()
    next_steps: NextSteps = ""


class PauseRelationship(Command):
    """Stop for a while; both parties know, the next steps are clear (cmn.pause-or-stop)."""

    reason: ProcessText
    informed: Roles = ()
    next_steps: NextSteps = ""
    review_on: OperationalDay


class ResumeRelationship(Command):
    """Go on after a pause."""

    informed: Roles = ()
    note: ProcessText | None = None


class ReviewRelationship(Command):
    """The office has looked at a relationship: what it saw, what follows, when to look again, which events it was about."""

    note: ProcessText
    next_steps: ProcessText | None = None
    look_again_on: OperationalDay | None = None
    about: Evidence | None = None


class ShareReport(Command):
    """The mentee shares a report with exactly the agreed outputs, about a period of days (cmn.reporting)."""

    with_whom: Annotated[ReportingAudience, Holds("operational")]
    period_from: OperationalDay
    period_to: OperationalDay

    @model_validator(mode="after")
    def _in_order(self) -> "ShareReport":
        if self.period_to < self.period_from:
            raise ValueError("period_to: expected a day not before period_from")
        return self


class RecordEndReview(Command):
    """The review at the end, against the agreed goals, with signposting (cmn.end-review)."""

    objectives: Annotated[tuple[Objective, ...], EachOnce, Holds("goal_outcomes")]
    signposting: Annotated[tuple[Text, ...], EachOnce, Holds("goals", "mentee")]


class TerminateRelationship(Command):
    """End the relationship, for any of the known reasons; both parties know, the next steps are clear."""

    reason: Annotated[EndingReason, Holds("operational")]
    informed: Roles = ()
    next_steps: NextSteps = ""


class SecureRecords(Command):
    """The records are safe and have a retention date (cmn.records)."""

    retained_until: OperationalDay


class RequestErasure(Command):
    """A person's content is to be erased; `legal_hold` says why it can't be yet."""

    person: PersonId
    basis: Annotated[ErasureBasis, Holds("operational")]
    legal_hold: ProcessText | None = None


class ErasePersonalData(Command):
    """A requested erasure is carried out; `request` is the version of the request, which somebody else sent."""

    person: PersonId
    request: FactVersion


AgreementCommand = (
    ProposeRelationship
    | RespondToMatch
    | ChangeParty
    | AcceptTerms
    | DeclineTerms
    | StateTrustReadiness
    | GrantConsent
    | WithdrawConsent
    | ConfirmMentorTraining
    | DeclareConflictOfInterest
    | AgreeConflictMitigation
    | RecordContractingConversation
    | AgreePlan
    | AgreeConfidentiality
    | AgreeReporting
    | ConfirmAgreement
    | ShareContactDetails
    | SetTerm
    | WithdrawTerm
)
GoalCommand = AgreeGoal | ReviseGoal | DropGoal | RecordGoalProgress | RecordAssessment | MarkTopicPrivate | OpenTopic
SessionCommand = (
    ScheduleSession
    | RescheduleSession
    | CancelSession
    | RecordPresessionCheck
    | CompleteSession
    | RecordNoShow
    | AssignHomework
    | ReportHomework
    | RecordSessionNote
    | RecordContact
)
FeedbackCommand = RespondToNps | RequestNps | GiveFeedback | RequestFeedback | GiveTestimonial | RecordSuccessStory
CorrectionCommand = ContestFact | AnswerContest | CorrectFact
ConcernCommand = (
    ReportTrustBreakdown
    | RestoreTrust
    | ReportDisrespect
    | ResolveDisrespect
    | ReportProblem
    | ReportBreach
    | DiscloseConfidence
    | ReferMentee
    | SignpostMentee
    | RecommendShutdown
    | DismissRecommendation
    | RaiseConcern
    | ResolveConcern
    | EscalateConcern
    | EscalateRecommendation
)
StatusCommand = (
    ActivateRelationship
    | PostponeRelationship
    | PauseRelationship
    | ResumeRelationship
    | ReviewRelationship
    | ShareReport
    | RecordEndReview
    | TerminateRelationship
    | SecureRecords
    | RequestErasure
    | ErasePersonalData
)
RelationshipCommand = (
    AgreementCommand
    | GoalCommand
    | SessionCommand
    | FeedbackCommand
    | ConcernCommand
    | CorrectionCommand
    | StatusCommand
)
