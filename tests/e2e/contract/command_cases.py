"""Every command of a relationship with what it takes: who may, the event, its data, and what has to come before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.e2e.contract.outside import at, days, hours, minutes
from tests.e2e.contract.story import CONTRACTING, PARTIES, TOPICS, Story, World, item

ROLES = (
    "mentee",
    "mentor",
    "customer",
    "line_manager",
    "supplier",
    "coordinator",
    "hr",
    "service",
    "analyst",
    "auditor",
)
SINCE = at("2026-02-01 09:00")
NOW = at("2026-03-01 09:00")
SESSION = at("2026-03-05 17:00")
BOTH = {"mentee", "mentor"}
OFFICE = {"coordinator", "supplier"}
LEADERS = BOTH | OFFICE
ANYBODY = LEADERS | {"customer", "line_manager", "hr"}


@dataclass(frozen=True)
class Case:
    """A command as it is sent to an active relationship under leapfrog, which has a scheduled session s1 and a goal g1.

    `may` are those who may send it from outside; Rapport's own workers may send some besides.
    """

    may: set[str]
    event: str | list[str]
    data: dict[str, Any]
    # What has to be told before, by name.
    after: str = ""
    # Roles that the texts leave open.
    open_to_doubt: frozenset[str] = frozenset()
    # Events that come with it.
    then: tuple[str, ...] = ()
    when: datetime = NOW


SUPPLIER_OR_NOT = frozenset({"supplier"})
CASES: dict[str, Case] = {
    "AcceptTerms": Case(
        BOTH | {"customer", "line_manager"},
        "TermsAccepted",
        {"document": "master_agreement", "version": "2"},
        open_to_doubt=SUPPLIER_OR_NOT,
    ),
    "DeclineTerms": Case(
        BOTH | {"customer", "line_manager"},
        "TermsDeclined",
        {"document": "statement_of_work", "version": "2"},
        open_to_doubt=SUPPLIER_OR_NOT,
    ),
    "StateTrustReadiness": Case(
        BOTH | {"customer", "line_manager"}, "TrustReadinessStated", {"ready": False}, open_to_doubt=SUPPLIER_OR_NOT
    ),
    "GrantConsent": Case(
        BOTH | {"customer", "line_manager"},
        "ConsentGranted",
        {"data_class": "goals", "audience": "coordinator", "how": "in writing"},
        open_to_doubt=SUPPLIER_OR_NOT,
    ),
    "WithdrawConsent": Case(
        BOTH | {"customer", "line_manager"},
        "ConsentWithdrawn",
        {"data_class": "goals", "audience": "coordinator"},
        after="consent",
        open_to_doubt=SUPPLIER_OR_NOT,
    ),
    "ConfirmMentorTraining": Case(
        {"coordinator", "supplier", "service"},
        "MentorTrainingConfirmed",
        {"course": "Listening", "completed_on": "2026-02-10"},
    ),
    "DeclareConflictOfInterest": Case(BOTH, "ConflictOfInterestDeclared", {"nature": "stakeholder"}),
    "AgreeConflictMitigation": Case(LEADERS, "ConflictMitigationAgreed", {"mitigation": "Tell both"}, after="conflict"),
    "RecordContractingConversation": Case(
        LEADERS, "ContractingConversationRecorded", {"held_at": NOW, "covered": list(TOPICS)}
    ),
    "AgreeGoal": Case(
        LEADERS,
        "GoalAgreed",
        {"goal_id": "g2", "title": "Speak", "type": "leadership", "source": "assessment", "agreed_by": list(PARTIES)},
    ),
    "ReviseGoal": Case(BOTH, "GoalRevised", {"goal_id": "g1", "title": "Lead two teams", "agreed_by": list(PARTIES)}),
    "DropGoal": Case(BOTH, "GoalDropped", {"goal_id": "g1", "reason": "Changed jobs", "agreed_by": list(PARTIES)}),
    "RecordAssessment": Case(
        OFFICE, "AssessmentRecorded", {"assessment_id": "a1", "area": "Delegation", "score": 3, "scale": "1 to 5"}
    ),
    "AgreePlan": Case(
        LEADERS,
        "PlanAgreed",
        {
            "sessions": 8,
            "minutes": 45,
            "every_days": 7,
            "starts_on": "2026-03-01",
            "ends_on": "2026-06-01",
            "channel": "platform",
        },
    ),
    "AgreeConfidentiality": Case(
        LEADERS,
        "ConfidentialityAgreed",
        {
            "shared": [{"data_class": "goals", "audience": "hr", "how": "orally", "when": "at the end"}],
            "not_shared": ["challenges"],
        },
    ),
    "AgreeReporting": Case(
        LEADERS | {"line_manager"},
        "ReportingAgreed",
        {"with_whom": "coordinator", "outputs": ["attendance", "schedule"], "every_days": 30},
    ),
    "ConfirmAgreement": Case(BOTH, "AgreementConfirmed", {"version": "{claim}"}, after="claim"),
    "ChangeParty": Case(OFFICE, "PartyChanged", {"role": "customer", "id": "another"}),
    "SetTerm": Case(OFFICE, "TermSet", {"document": "code_of_conduct", "term": "claim_days", "value": 9}),
    "WithdrawTerm": Case(
        OFFICE, "TermWithdrawn", {"document": "code_of_conduct", "term": "claim_days"}, after="own term"
    ),
    "ShareReport": Case(
        {"mentee"},
        "ReportShared",
        {"with_whom": "line_manager", "period_from": "2026-02-01", "period_to": "2026-02-28"},
    ),
    "MarkTopicPrivate": Case({"mentee"}, "TopicMarkedPrivate", {"topic": "salary"}),
    "OpenTopic": Case({"mentee"}, "TopicOpened", {"topic": "family"}, after="private topic"),
    "ShareContactDetails": Case(BOTH, "ContactDetailsShared", {"email": "x@example.org"}),
    "ScheduleSession": Case(
        LEADERS | {"service"},
        "SessionScheduled",
        {"session_id": "s2", "starts_at": SESSION + days(7), "minutes": 60, "channel": "platform"},
    ),
    "RescheduleSession": Case(
        LEADERS | {"service"},
        "SessionRescheduled",
        {"session_id": "s1", "starts_at": SESSION + days(1), "reason": "travel", "cause": "work"},
    ),
    "CancelSession": Case(
        LEADERS | {"service"}, "SessionCancelled", {"session_id": "s1", "reason": "travel", "cause": "personal"}
    ),
    "RecordPresessionCheck": Case(
        BOTH | {"service"},
        "PresessionCheckRecorded",
        {
            "session_id": "s1",
            "checked_at": SESSION - minutes(20),
            "device": "computer",
            **dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background"), True),
        },
        when=SESSION - minutes(20),
    ),
    "CompleteSession": Case(
        BOTH | {"service"},
        "SessionCompleted",
        {
            "session_id": "s1",
            "started_at": SESSION,
            "ended_at": SESSION + minutes(55),
            "present": list(PARTIES),
            "joined": dict.fromkeys(PARTIES, SESSION),
            "agenda": [item("the goal", 55, goal_id="g1")],
            "call_to_action": "Write it down",
            "camera_on": True,
        },
        when=SESSION + hours(1),
    ),
    "RecordNoShow": Case(
        LEADERS | {"service"},
        "SessionMissed",
        {"session_id": "s1", "absent": ["mentee"]},
        when=SESSION + hours(1),
    ),
    "RecordGoalProgress": Case(
        BOTH, "GoalProgressRecorded", {"goal_id": "g1", "progress": "some", "note": "A first talk"}
    ),
    "AssignHomework": Case(
        BOTH,
        "HomeworkAssigned",
        {"homework_id": "h1", "session_id": "s1", "description": "Read", "due_at": SESSION + days(9)},
        after="session",
        when=SESSION + days(1),
    ),
    "ReportHomework": Case(
        BOTH,
        "HomeworkReported",
        {"homework_id": "h0", "hours": 2.5, "done": True},
        after="homework",
        when=SESSION + days(2),
    ),
    "RecordSessionNote": Case(
        BOTH,
        "SessionNoteRecorded",
        {"session_id": "s1", "text": "We talked", "sensitive": False},
        after="session",
        when=SESSION + days(1),
    ),
    "RecordContact": Case(LEADERS | {"service"}, "ContactRecorded", {"channel": "telephone"}),
    "RespondToNps": Case(BOTH | {"customer"}, "NpsResponded", {"occasion": "mid", "score": 9, "comment": "It helps"}),
    "GiveFeedback": Case(
        BOTH,
        "FeedbackGiven",
        {"about": "process", "answers": {"pentalog.attention": True, "pace": 4, "best": "the talks"}, "text": "Good"},
    ),
    "RequestFeedback": Case(
        {"coordinator"},
        "FeedbackRequested",
        {"respondent": "mentee", "occasion": "mid", "questions": ["leapfrog.openness"]},
    ),
    "GiveTestimonial": Case(BOTH | {"customer"}, "TestimonialGiven", {"text": "It helped"}),
    "RecordSuccessStory": Case({"supplier"}, "SuccessStoryRecorded", {"text": "It worked"}),
    "ReportTrustBreakdown": Case(BOTH, "TrustBreakdownReported", {"description": "Told others"}),
    "RestoreTrust": Case(LEADERS, "TrustRestored", {}, after="trust breakdown"),
    "ReportDisrespect": Case(ANYBODY, "DisrespectReported", {"against": "mentor", "description": "Laughed"}),
    "ResolveDisrespect": Case(
        {"coordinator", "supplier", "hr"}, "DisrespectResolved", {"resolution": "Excused"}, after="disrespect"
    ),
    "ReportProblem": Case(ANYBODY, "ProblemReported", {"description": "No room"}),
    "ReportBreach": Case(
        ANYBODY, "BreachReported", {"against": "mentor", "kind": "policy", "description": "Shared a paper"}
    ),
    "DiscloseConfidence": Case(
        {"mentor", "coordinator"},
        "ConfidenceDisclosed",
        {"exception": "risk_of_harm", "recipient": "hr:eva", "disclosed": "A threat", "urgency": "urgent"},
    ),
    "ReferMentee": Case(LEADERS, "MenteeReferred", {"to": "HR", "reason": "Beyond mentoring"}),
    "SignpostMentee": Case(
        LEADERS,
        "MenteeSignposted",
        {"to": "A lawyer", "reason": "Beyond mentoring"},
    ),
    "PauseRelationship": Case(
        LEADERS,
        "RelationshipPaused",
        {"reason": "Leave", "informed": list(PARTIES), "next_steps": "Meet in May", "review_on": "2026-05-01"},
        when=SESSION + days(1),
    ),
    "ResumeRelationship": Case(
        LEADERS,
        "RelationshipResumed",
        {"informed": list(PARTIES), "note": "Back"},
        after="pause",
        when=SESSION + days(9),
    ),
    "RecommendShutdown": Case(
        {"coordinator", "supplier"}, "ShutdownRecommended", {"clause": "pentalog.trust", "evidence": [1]}
    ),
    "DismissRecommendation": Case(
        LEADERS | {"hr"}, "RecommendationDismissed", {"reason": "They talked"}, after="disrespect by the asker"
    ),
    "RaiseConcern": Case(
        {"coordinator", "supplier"},
        "CommitmentConcernRaised",
        {"clause": "pentalog.late-reschedules", "evidence": [1]},
    ),
    "ResolveConcern": Case(
        LEADERS,
        "CommitmentConcernResolved",
        {"clause": "pentalog.late-reschedules", "resolution": "New day"},
        after="concern",
    ),
    "EscalateConcern": Case(set(), "ConcernEscalated", {"clause": "pentalog.late-reschedules"}, after="concern"),
    "EscalateRecommendation": Case(
        set(), "RecommendationEscalated", {"clause": "pentalog.trust"}, after="recommendation"
    ),
    "RequestNps": Case({"coordinator"}, "NpsRequested", {"respondent": "mentee", "occasion": "mid"}),
    "ContestFact": Case(ANYBODY, "FactContested", {"version": 1, "reason": "Not so"}),
    "AnswerContest": Case(OFFICE, "ContestAnswered", {"version": "{last}", "answer": "It stands"}, after="contest"),
    "CorrectFact": Case(
        OFFICE,
        "FactCorrected",
        {"version": "{goal}", "reason": "Not so", "data": "{goal's data}"},
        open_to_doubt=frozenset({"mentee"}),
    ),
    "ReviewRelationship": Case(OFFICE | {"hr"}, "RelationshipReviewed", {"note": "Seen"}),
    "RecordEndReview": Case(
        LEADERS,
        "EndReviewRecorded",
        {"objectives": [{"goal_id": "g1", "outcome": "achieved"}], "signposting": ["A course"]},
        after="termination",
        when=SESSION + days(9),
    ),
    "TerminateRelationship": Case(
        LEADERS | {"customer"},
        "RelationshipTerminated",
        {"reason": "goals_met", "informed": list(PARTIES), "next_steps": "Go on alone"},
        then=("SessionCancelled",),
    ),
    "SecureRecords": Case(
        {"coordinator", "supplier", "hr"},
        "RecordsSecured",
        {"retained_until": "2032-03-01"},
        after="termination",
        when=SESSION + days(9),
    ),
    "RequestErasure": Case(OFFICE | {"mentee", "hr"}, "ErasureRequested", {"person": "{mentee}", "basis": "objection"}),
    "ErasePersonalData": Case(
        {"coordinator", "supplier", "hr"},
        "PersonalDataErased",
        {"person": "{mentee}", "request": "{last}"},
        after="request",
    ),
}


def prepare(world: World, after: str, asked_by: str) -> Story:
    """An active relationship with a goal and a session to come, and what the case has to come after."""
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", SESSION, when=SINCE)
    story.when = NOW - days(1)
    match after:
        case "consent":
            story.say("GrantConsent", asked_by, data_class="goals", audience="coordinator")
        case "conflict":
            story.say("DeclareConflictOfInterest", "mentor", nature="financial")
        case "private topic":
            story.say("MarkTopicPrivate", topic="family")
        case "session":
            story.complete("s1", SESSION)
        case "homework":
            story.complete("s1", SESSION)
            story.say("AssignHomework", homework_id="h0", session_id="s1", description="Write")
        case "trust breakdown":
            reporter = asked_by if asked_by in PARTIES else "mentee"
            story.say("ReportTrustBreakdown", reporter, description="Told others")
        case "disrespect by the asker":
            reporter = asked_by if asked_by in PARTIES else "mentee"
            other = "mentor" if reporter == "mentee" else "mentee"
            story.say("ReportDisrespect", reporter, against=other, description="Laughed")
        case "claim":
            other = "mentor" if asked_by == "mentee" else "mentee"
            story.say("RecordContractingConversation", other, held_at=story.when, covered=list(TOPICS))
        case "own term":
            story.say("SetTerm", "coordinator", document="code_of_conduct", term="claim_days", value=9)
        case "contest":
            story.say("ContestFact", "mentee", version=1, reason="Not so")
        case "request":
            story.say("RequestErasure", "mentee", person=story.party("mentee"), basis="objection")
        case "disrespect":
            story.say("ReportDisrespect", against="mentor", description="Laughed")
        case "pause":
            story.pause(SESSION - days(2))
        case "recommendation":
            story.say("ReportTrustBreakdown", description="Told others")
            story.say("RecommendShutdown", "coordinator", clause="pentalog.trust", evidence=[1])
        case "concern":
            story.say("RaiseConcern", "coordinator", clause="pentalog.late-reschedules", evidence=[1])
        case "termination":
            story.terminate(SESSION - days(2))
        case _:
            assert not after
    return story


def send(story: Story, name: str, role: str, when: datetime | None = None) -> int:
    """The command of a case, with this relationship's own mentee and versions where the case names them."""
    # What is accepted before, one event a message but for what is asked twice: versions follow one another.
    told = story.told()
    own: dict[object, Any] = {
        "{mentee}": story.party("mentee"),
        "{last}": len(told),
        "{claim}": len(told),
        "{goal}": told.index("AgreeGoal") + 1 if "AgreeGoal" in told else 0,
        "{goal's data}": CONTRACTING["goal"][2] | {"title": "Lead a big team"},
    }
    data = {key: own.get(value, value) if isinstance(value, str) else value for key, value in CASES[name].data.items()}
    message = story.message(name, role, when or CASES[name].when)
    return story.world.send({**message, "data": data})


def differing(expected: Mapping[Any, Any], got: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """Where two tables differ: expected, got."""
    return {key: (expected[key], got[key]) for key in expected if expected[key] != got[key]}
