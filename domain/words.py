"""The closed vocabularies of Rapport: the words that messages, events and datasets may use."""

from typing import Final, Literal, get_args

Role = Literal[
    "mentee",
    "mentor",
    "customer",
    "line_manager",
    "supplier",
    "coordinator",
    "hr",
    "service",
    "worker",
    "analyst",
    "auditor",
]
Party = Literal["mentee", "mentor"]
Respondent = Literal["mentee", "mentor", "customer"]
Status = Literal["contracting", "active", "paused", "terminated"]

Document = Literal[
    "master_agreement", "statement_of_work", "privacy_policy", "terms_and_conditions", "terms_of_use", "code_of_conduct"
]
DataClass = Literal[
    "attendance",
    "schedule",
    "time_spent",
    "goal_presence",
    "goal_types",
    "goal_outcomes",
    "process_improvement",
    "nps_score",
    "goals",
    "challenges",
    "testimonial",
    "feedback",
    "nps_comment",
    "session_content",
    "contact_details",
    "assessment",
    "profile",
    "success_story",
    "safeguarding",
    "process",
    "identity",
    "operational",
]
Audience = Literal[
    "parties_present",
    "mentee",
    "mentor",
    "customer",
    "line_manager",
    "supplier",
    "coordinator",
    "hr",
    "analyst",
    "auditor",
    "public",
]
ConflictNature = Literal["none", "stakeholder", "friendship", "family", "sexual", "financial", "other"]
Topic = Literal[
    "confidentiality",
    "process",
    "invitation_to_share",
    "realistic_results",
    "questions_and_feedback",
    "expectations",
    "boundaries",
    "what_mentoring_is_not",
    "mentor_role",
    "termination",
    "complaints_procedure",
    "ways_of_working",
]
GoalType = Literal["career", "leadership", "technical", "business", "wellbeing", "other"]
GoalSource = Literal["assessment", "mentee", "urgent_concern"]
Progress = Literal["none", "some", "achieved"]
Channel = Literal["platform", "email", "telephone", "virtual_meeting", "in_person", "off_platform"]
Cause = Literal["personal", "work", "illness", "supplier"]
Device = Literal["computer", "tablet", "phone"]
Occasion = Literal["mid", "end"]
FeedbackSubject = Literal["mentor", "mentee", "process"]
BreachKind = Literal["code", "policy", "law"]
CaseKind = Literal["code", "policy", "law", "off_platform"]
CaseDecision = Literal["no_action", "further_training", "mentor_removed", "other_measure"]
DisclosureException = Literal["coordinator_discussion", "risk_of_harm", "illegal_activity", "policy_breach"]
Urgency = Literal["routine", "urgent"]
ReportingAudience = Literal["line_manager", "customer", "coordinator"]
ErasureBasis = Literal["consent_withdrawn", "objection", "no_longer_needed", "unlawful", "legal_duty"]
# The parties besides mentee and mentor, whom the office may change.
ChangeableParty = Literal["customer", "line_manager", "supplier"]
EndingReason = Literal[
    "goals_met",
    "plan_completed",
    "help_received",
    "no_longer_helping",
    "referred",
    "mentee_choice",
    "mentor_withdrawal",
    "trust_breakdown",
    "disrespect",
    "breach",
    "compromising_relationship",
    "never_started",
    "supplier_decision",
]
RecipientRole = Literal["manager", "third_party", "authority"]
MentorStanding = Literal["good", "suspended", "removed"]
CodeId = Literal["pentalog", "mentor247", "cmn", "leapfrog", "nottingham"]
# Rapport's own policy, in force for every relationship, adopted or not.
PolicyId = Literal["care"]

ROLES: Final = get_args(Role)
# To whom a confidence may be disclosed: a role of the house, or somebody outside it.
RECIPIENT_ROLES: Final[tuple[str, ...]] = (*get_args(Role), *get_args(RecipientRole))
PARTIES: Final[tuple[Party, ...]] = get_args(Party)
OTHER_PARTY: Final[dict[str, Party]] = {"mentee": "mentor", "mentor": "mentee"}
# Who runs a programme: what they record of two who agreed holds for both.
OFFICE: Final[tuple[Role, ...]] = ("coordinator", "supplier")
# The office, and the house's HR.
OVERSEERS: Final[tuple[Role, ...]] = (*OFFICE, "hr")
# Who takes part in a mentoring, or looks after it; the others work for the house.
PEOPLE: Final[tuple[Role, ...]] = (*PARTIES, "customer", "line_manager", "supplier", "coordinator", "hr")
# A session that is missed or moved for one of these causes counts for neither party.
EXCUSING: Final[tuple[Cause, ...]] = ("illness", "supplier")
DOCUMENTS: Final = get_args(Document)
DATA_CLASSES: Final = get_args(DataClass)
# What a mentor may share without anybody's consent (pentalog.mentor-free).
MENTOR_FREE: Final[tuple[DataClass, ...]] = DATA_CLASSES[: DATA_CLASSES.index("nps_score") + 1]
# What people said, wrote or are: everything but facts that a mentor may share freely, ids and names, and the record's own facts.
CONTENT: Final[tuple[DataClass, ...]] = tuple(
    each for each in DATA_CLASSES if each not in (*MENTOR_FREE, "identity", "operational")
)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
# The roles for which a relationship names a person.
NAMED_ROLES: Final[tuple[Role, ...]] = ("mentee", "mentor", "customer", "line_manager", "supplier")
# What a mentor accepts to be on the platform, and leaves it by declining.
PLATFORM_DOCUMENTS: Final[tuple[Document, ...]] = ("terms_of_use", "privacy_policy", "code_of_conduct")
# Conflicts of interest that no mitigation settles.
COMPROMISING_NATURES: Final[tuple[ConflictNature, ...]] = ("friendship", "family", "sexual")
