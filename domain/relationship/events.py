"""What happened to a relationship: one frozen model an event, the fields as they are stored.

The fields are written out rather than shared with the commands: commands may change, stored events never do.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from domain.ids import AssessmentId, GoalId, HomeworkId, PersonId, ProgrammeId, Recipient, RelationshipId, SessionId
from domain.model import Day, Event, Flag, Holds, Minutes, Name, OperationalDay, ProcessText, Text, Vocabulary
from domain.relationship.fields import (
    AgendaItem,
    AgreedBy,
    AttendingRoles,
    AudienceName,
    BreachClause,
    CauseName,
    ChannelName,
    ClauseName,
    Course,
    DataClasses,
    DataClassName,
    DocumentVersion,
    EventName,
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
from domain.term_setting import TermSet as TermSet  # noqa: PLC0414 - one of this vocabulary too
from domain.term_setting import TermWithdrawn as TermWithdrawn  # noqa: PLC0414 - one of this vocabulary too
from domain.words import (
    BreachKind,
    ChangeableParty,
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
    Status,
    Urgency,
)

# Commands bring times to UTC and check their years. An event is read as often as its stream is, and takes them as they stand.
OperationalTime = Annotated[AwareDatetime, Holds("operational")]
ScheduleTime = Annotated[AwareDatetime, Holds("schedule")]
NoticeHours = Annotated[float, Holds("schedule")]
Late = Annotated[bool, Holds("schedule")]
CheckFinding = Literal[
    "device", "connection", "microphone", "speakers", "camera", "quiet", "background", "attire", "late_check"
]
Clauses = Annotated[tuple[Annotated[str, Vocabulary("clauses")], ...], Holds("operational")]


# --- proposal and contracting --------------------------------------------------------------------------------------
class RelationshipProposed(Event):
    """A mentee and a mentor were brought together; `codes` pins each code to the version in force."""

    programme_id: ProgrammeId
    mentee_id: PersonId
    mentor_id: PersonId
    codes: Annotated[dict[str, str], Vocabulary("codes"), Holds("operational")]
    customer_id: PersonId | None = None
    line_manager_id: PersonId | None = None
    supplier_id: PersonId | None = None
    follows: RelationshipId | None = None


class MatchAccepted(Event):
    """The actor said yes to the match."""

    reason: ProcessText | None = None


class MatchDeclined(Event):
    """The actor said no to the match."""

    reason: ProcessText | None = None


class PartyChanged(Event):
    """Somebody else took the part of customer, line manager or supplier; without an id nobody has it now."""

    role: Annotated[ChangeableParty, Holds("operational")]
    id: PersonId | None = None


class TermsAccepted(Event):
    """The actor accepted a document."""

    document: DocumentName
    version: DocumentVersion


class TermsDeclined(Event):
    """The actor declined a document."""

    document: DocumentName
    version: DocumentVersion


class TrustReadinessStated(Event):
    """The actor stated whether they are ready to trust; `settled` when by this no report of broken trust stands any more."""

    ready: Flag
    settled: Flag = False


class ConsentGranted(Event):
    """The actor let an audience have a class of data."""

    data_class: DataClassName
    audience: AudienceName
    how: ProcessText | None = None
    until: OperationalDay | None = None


class ConsentWithdrawn(Event):
    """The actor took a consent back."""

    data_class: DataClassName
    audience: AudienceName
    how: ProcessText | None = None
    until: OperationalDay | None = None


class MentorTrainingConfirmed(Event):
    """The mentor's training was confirmed."""

    course: Course
    completed_on: OperationalDay


class ConflictOfInterestDeclared(Event):
    """The actor declared a conflict of interest, or none."""

    nature: Annotated[ConflictNature, Holds("operational")]
    stakeholder: Annotated[Text | None, Holds("identity", "author")] = None
    description: ProcessText | None = None


class ConflictMitigationAgreed(Event):
    """A mitigation of declared conflicts was agreed."""

    mitigation: ProcessText
    nature: Annotated[ConflictNature | None, Holds("operational")] = None


class ContractingConversationRecorded(Event):
    """A contracting conversation covered these topics."""

    held_at: ScheduleTime
    covered: Topics
    first_mentoring: Annotated[bool | None, Holds("process_improvement")] = None


class PlanAgreed(Event):
    """The plan of sessions was agreed."""

    sessions: Annotated[int, Holds("schedule")]
    minutes: Minutes
    every_days: Annotated[int, Holds("schedule")]
    starts_on: Annotated[Day, Holds("schedule")]
    ends_on: Annotated[Day, Holds("schedule")]
    channel: ChannelName


class ConfidentialityAgreed(Event):
    """The level of confidentiality was agreed."""

    shared: SharingTerms
    not_shared: DataClasses


class ReportingAgreed(Event):
    """Reporting to one audience was agreed."""

    with_whom: Annotated[ReportingAudience, Holds("operational")]
    outputs: DataClasses
    every_days: Annotated[int | None, Field(ge=1, le=3660), Holds("schedule")] = None


class AgreementConfirmed(Event):
    """The actor confirmed an agreement, whose event has this version."""

    version: FactVersion


class ContactDetailsShared(Event):
    """The actor's contact details went to the other party."""

    email: Annotated[Text | None, Holds("contact_details", "author")] = None
    telephone: Annotated[Text | None, Holds("contact_details", "author")] = None


# --- goals ---------------------------------------------------------------------------------------------------------
class GoalAgreed(Event):
    """Mentee and mentor agreed on a goal."""

    goal_id: GoalId
    title: GoalText
    type: Annotated[GoalType, Holds("goal_types")]
    source: Annotated[GoalSource, Holds("goal_types")]
    agreed_by: AgreedBy
    success_measure: GoalText | None = None
    assessment_id: AssessmentId | None = None


class GoalRevised(Event):
    """A goal got another title or another measure of success."""

    goal_id: GoalId
    title: GoalText | None = None
    success_measure: GoalText | None = None
    agreed_by: AgreedBy


class GoalDropped(Event):
    """A goal was given up."""

    goal_id: GoalId
    reason: GoalText
    agreed_by: AgreedBy | None = None


class GoalProgressRecorded(Event):
    """Progress on a goal, or its absence, was recorded."""

    goal_id: GoalId
    progress: Annotated[Progress, Holds("goal_outcomes")]
    session_id: SessionId | None = None
    note: GoalText | None = None


class GoalAchieved(Event):
    """A goal was reached."""

    goal_id: GoalId
    session_id: SessionId | None = None


class AssessmentRecorded(Event):
    """The result of an assessment of the mentee was recorded."""

    assessment_id: AssessmentId
    area: Annotated[Name, Holds("assessment", "mentee")]
    score: Annotated[float | None, Holds("assessment", "mentee")] = None
    scale: Annotated[Name | None, Holds("assessment", "mentee")] = None
    text: Annotated[Text | None, Holds("assessment", "mentee")] = None


class TopicMarkedPrivate(Event):
    """The mentee keeps a topic to themselves."""

    topic: PrivateTopic


class TopicOpened(Event):
    """The mentee opened a private topic."""

    topic: PrivateTopic


# --- sessions ------------------------------------------------------------------------------------------------------
class SessionScheduled(Event):
    """A session was put on the calendar.

    `usual_minutes` where its length was not told but is the plan's or the term's, `unpaid_at_risk` where a paid platform
    does not know its channel.
    """

    session_id: SessionId
    starts_at: ScheduleTime
    channel: ChannelName
    minutes: Minutes
    unpaid_at_risk: Flag = False
    usual_minutes: Annotated[bool | None, Holds("schedule")] = None


class SessionRescheduled(Event):
    """A session moved from one start to another; notice in hours before the start it had, `late` under the term then in force."""

    session_id: SessionId
    starts_at: ScheduleTime
    reason: ProcessText
    previous_starts_at: ScheduleTime
    notice_hours: NoticeHours
    late: Late
    cause: CauseName | None = None
    on_behalf_of: RoleName | None = None


class SessionCancelled(Event):
    """A session was cancelled; `by_pause` or `by_end` when a pause or the end did it, and then it counts for nobody."""

    session_id: SessionId
    reason: ProcessText
    notice_hours: NoticeHours
    late: Late
    cause: CauseName | None = None
    on_behalf_of: RoleName | None = None
    by_pause: Late = False
    by_end: Late = False


class PresessionCheckRecorded(Event):
    """The check before a session was recorded; `findings` names the failed items."""

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
    findings: Annotated[tuple[CheckFinding, ...], Holds("process_improvement")]


class SessionCompleted(Event):
    """A session took place; `status` is the relationship's at that time (a contracting session counts for no signal)."""

    session_id: SessionId
    started_at: Annotated[OperationalTime, Holds("time_spent")]
    ended_at: Annotated[OperationalTime, Holds("time_spent")]
    present: AttendingRoles
    joined: Annotated[dict[Role, OperationalTime], Holds("attendance")]
    agenda: Annotated[tuple[AgendaItem, ...], Holds("session_content", "mentee")]
    status: Annotated[Status, Holds("operational")]
    call_to_action: SessionText | None = None
    encouragement: Annotated[bool | None, Holds("process_improvement")] = None
    camera_on: Annotated[bool | None, Holds("process_improvement")] = None


class SessionMissed(Event):
    """A session did not take place because somebody stayed away."""

    session_id: SessionId
    absent: Annotated[AttendingRoles, Field(min_length=1)]
    cause: CauseName | None = None


class HomeworkAssigned(Event):
    """Work between sessions was given."""

    homework_id: HomeworkId
    session_id: SessionId
    description: SessionText
    due_at: ScheduleTime | None = None


class HomeworkReported(Event):
    """The hours so far of a homework, or of the work after a session without one, were reported."""

    homework_id: HomeworkId | None = None
    hours: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False), Holds("time_spent")]
    done: Annotated[bool | None, Holds("goal_outcomes")] = None
    session_id: SessionId


class SessionNoteRecorded(Event):
    """A note on a session was taken."""

    session_id: SessionId
    text: NoteText
    sensitive: Flag = False


class ContactRecorded(Event):
    """Some of the people were in touch outside a session: `between` whom."""

    channel: ChannelName
    between: AttendingRoles = ("mentee", "mentor")
    minutes: Minutes | None = None


# --- feedback -----------------------------------------------------------------------------------------------------
class NpsResponded(Event):
    """An NPS answer was given; a later one for the same occasion replaces it in the figures."""

    occasion: Annotated[Occasion, Holds("operational")]
    score: Annotated[int, Field(ge=0, le=10), Holds("nps_score", "author")]
    respondent: Annotated[Respondent, Holds("operational")]
    comment: Annotated[Text | None, Holds("nps_comment", "author")] = None


class NpsRequested(Event):
    """Somebody was asked for an NPS answer."""

    respondent: Annotated[Respondent, Holds("operational")]
    occasion: Annotated[Occasion, Holds("operational")]


class FeedbackGiven(Event):
    """Feedback questions were answered."""

    about: Annotated[FeedbackSubject, Holds("operational")]
    answers: Annotated[dict[Name, bool | int | float | Text], Holds("feedback", "author")]
    text: FeedbackText | None = None


class FeedbackRequested(Event):
    """Somebody was asked the practice questions of these clauses."""

    respondent: RoleName
    occasion: Annotated[Occasion, Holds("operational")]
    questions: Clauses


class TestimonialGiven(Event):
    """The actor spoke for the mentoring."""

    __test__ = False  # pytest takes the name for that of a test

    text: Annotated[Text, Holds("testimonial", "author")]


class SuccessStoryRecorded(Event):
    """The supplier told what the mentoring achieved."""

    text: Annotated[Text, Holds("success_story", "author")]


# --- trust, respect, problems, conduct -----------------------------------------------------------------------------
class TrustBreakdownReported(Event):
    """A breakdown of trust was reported."""

    description: SafeText


class TrustRestored(Event):
    """Who reported broken trust, or the office, restored it; `settled` when by this no report of it stands any more."""

    description: SafeText | None = None
    settled: Flag = True


class DisrespectReported(Event):
    """Disrespect was reported."""

    against: RoleName
    description: SafeText


class DisrespectResolved(Event):
    """The reported disrespect was dealt with."""

    resolution: SafeText


class ProblemReported(Event):
    """A problem was reported that the parties cannot solve."""

    description: SafeText


class BreachReported(Event):
    """A breach was reported."""

    against: RoleName
    kind: Annotated[BreachKind, Holds("operational")]
    description: SafeText
    clause: BreachClause | None = None


class ConfidenceDisclosed(Event):
    """Something confidential went to one recipient; `clauses` are those that permit it."""

    exception: Annotated[DisclosureException, Holds("safeguarding", "author")]
    recipient: Recipient
    disclosed: SafeText
    urgency: Annotated[Urgency, Holds("safeguarding", "author")]
    clauses: Clauses = ()


class MenteeReferred(Event):
    """The mentee was referred to somebody else."""

    to: ProcessText
    reason: ProcessText


class MenteeSignposted(Event):
    """The mentee was shown where else to find help."""

    to: ProcessText
    reason: ProcessText


class ShutdownRecommended(Event):
    """Ending the relationship was recommended, because of something that the roles in `about` are said to have done.

    `clauses` are all that say the same, `clause` is the first of them.
    """

    clause: ClauseName
    evidence: Evidence
    clauses: Clauses = ()
    about: Roles = ()


class RecommendationDismissed(Event):
    """Open recommendations were dismissed."""

    reason: ProcessText
    clause: ClauseName | None = None


class CommitmentConcernRaised(Event):
    """A concern about commitment was raised; the parties in `about` answer for it, none where it is about both together."""

    clause: ClauseName
    evidence: Evidence
    about: Roles = ()


class CommitmentConcernResolved(Event):
    """A concern was settled."""

    clause: ClauseName
    resolution: ProcessText


class ConcernEscalated(Event):
    """An unanswered concern was escalated."""

    clause: ClauseName


class RecommendationEscalated(Event):
    """An undecided recommendation was escalated."""

    clause: ClauseName


# --- contests and corrections ---------------------------------------------------------------------------------------
class FactContested(Event):
    """The actor said that the fact of this version is wrong."""

    version: FactVersion
    reason: ProcessText


class ContestAnswered(Event):
    """The office answered the contest of this version; the fact stands as it is."""

    version: FactVersion
    answer: ProcessText


class FactCorrected(Event):
    """The fact of this version was put right: `data` is the whole data of its command; or it is void. `fact` is its type."""

    version: FactVersion
    reason: ProcessText
    fact: EventName
    data: Annotated[dict[str, Any] | None, Holds("session_content", "fact")] = None
    void: Annotated[bool | None, Holds("operational")] = None


# --- status -------------------------------------------------------------------------------------------------------
class RelationshipActivated(Event):
    """Every gate was met: the relationship is active."""


class RelationshipPostponed(Event):
    """The start was put off to a day."""

    start_on: OperationalDay
    reason: ProcessText
    informed: Roles = ()
    next_steps: NextSteps = ""


class RelationshipPaused(Event):
    """The relationship stopped for a while."""

    reason: ProcessText
    review_on: OperationalDay
    informed: Roles = ()
    next_steps: NextSteps = ""


class RelationshipResumed(Event):
    """The relationship went on after a pause."""

    informed: Roles = ()
    note: ProcessText | None = None


class RelationshipReviewed(Event):
    """The office looked at the relationship."""

    note: ProcessText
    next_steps: ProcessText | None = None
    look_again_on: OperationalDay | None = None
    about: Evidence | None = None


class ReportShared(Event):
    """The mentee shared a report with exactly the agreed outputs."""

    with_whom: Annotated[ReportingAudience, Holds("operational")]
    period_from: OperationalDay
    period_to: OperationalDay


class EndReviewRecorded(Event):
    """The end review was recorded."""

    objectives: Annotated[tuple[Objective, ...], Holds("goal_outcomes")]
    signposting: Annotated[tuple[Text, ...], Holds("goals", "mentee")]


class RelationshipTerminated(Event):
    """The relationship ended."""

    reason: Annotated[EndingReason, Holds("operational")]
    informed: Roles = ()
    next_steps: NextSteps = ""


class RecordsSecured(Event):
    """The records are safe, with a retention date."""

    retained_until: OperationalDay


class ErasureRequested(Event):
    """The erasure of a person's content was requested."""

    person: PersonId
    basis: Annotated[ErasureBasis, Holds("operational")]
    legal_hold: ProcessText | None = None


class PersonalDataErased(Event):
    """A person's content was erased, as the request of this version asked."""

    person: PersonId
    request: FactVersion


AgreementEvent = (
    RelationshipProposed
    | MatchAccepted
    | MatchDeclined
    | PartyChanged
    | TermsAccepted
    | TermsDeclined
    | TrustReadinessStated
    | ConsentGranted
    | ConsentWithdrawn
    | MentorTrainingConfirmed
    | ConflictOfInterestDeclared
    | ConflictMitigationAgreed
    | ContractingConversationRecorded
    | PlanAgreed
    | ConfidentialityAgreed
    | ReportingAgreed
    | AgreementConfirmed
    | ContactDetailsShared
    | TermSet
    | TermWithdrawn
)
GoalEvent = (
    GoalAgreed
    | GoalRevised
    | GoalDropped
    | GoalProgressRecorded
    | GoalAchieved
    | AssessmentRecorded
    | TopicMarkedPrivate
    | TopicOpened
)
SessionEvent = (
    SessionScheduled
    | SessionRescheduled
    | SessionCancelled
    | PresessionCheckRecorded
    | SessionCompleted
    | SessionMissed
    | HomeworkAssigned
    | HomeworkReported
    | SessionNoteRecorded
    | ContactRecorded
)
FeedbackEvent = (
    NpsResponded | NpsRequested | FeedbackGiven | FeedbackRequested | TestimonialGiven | SuccessStoryRecorded
)
CorrectionEvent = FactContested | ContestAnswered | FactCorrected
ConcernEvent = (
    TrustBreakdownReported
    | TrustRestored
    | DisrespectReported
    | DisrespectResolved
    | ProblemReported
    | BreachReported
    | ConfidenceDisclosed
    | MenteeReferred
    | MenteeSignposted
    | ShutdownRecommended
    | RecommendationDismissed
    | CommitmentConcernRaised
    | CommitmentConcernResolved
    | ConcernEscalated
    | RecommendationEscalated
)
StatusEvent = (
    RelationshipActivated
    | RelationshipPostponed
    | RelationshipPaused
    | RelationshipResumed
    | RelationshipReviewed
    | ReportShared
    | EndReviewRecorded
    | RelationshipTerminated
    | RecordsSecured
    | ErasureRequested
    | PersonalDataErased
)
RelationshipEvent = (
    AgreementEvent | GoalEvent | SessionEvent | FeedbackEvent | ConcernEvent | CorrectionEvent | StatusEvent
)
