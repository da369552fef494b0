"""Every command with every field filled in, as messages bring them: for tests that go through commands and fields."""

from collections.abc import Iterator
from typing import Any, Final

from domain.registry import AGGREGATES_OF
from tests.messages import message, relationship_id

Read = dict[str, Any]
Path = tuple[str | int, ...]

BOTH: Final = ["mentee", "mentor"]
AT: Final = "2026-03-02T09:00:00Z"
LATER: Final = "2026-03-02T10:00:00Z"
DAY: Final = "2026-03-02"
TERM: Final = {"document": "code_of_conduct", "term": "claim_days"}
MOVE: Final = {"cause": "work", "on_behalf_of": "mentee"}
CONSENT: Final = {"data_class": "goals", "audience": "coordinator", "how": "in writing", "until": DAY}
PERSON: Final = "ana"

WHOLE: Final[dict[str, Read]] = {
    "ProposeRelationship": {
        "programme_id": "p1",
        "mentee_id": PERSON,
        "mentor_id": "ben",
        "codes": ["cmn", "pentalog"],
        "customer_id": "cy",
        "line_manager_id": "lea",
        "supplier_id": "sue",
        "follows": relationship_id(2),
    },
    "RespondToMatch": {"accept": True, "reason": "yes"},
    "ChangeParty": {"role": "customer", "id": "cyd"},
    "AcceptTerms": {"document": "code_of_conduct", "version": "2"},
    "DeclineTerms": {"document": "code_of_conduct", "version": "2"},
    "StateTrustReadiness": {"ready": True},
    "GrantConsent": CONSENT,
    "WithdrawConsent": CONSENT,
    "ConfirmMentorTraining": {"course": "basics", "completed_on": "2026-02-01"},
    "DeclareConflictOfInterest": {"nature": "financial", "stakeholder": "a firm", "description": "shares"},
    "AgreeConflictMitigation": {"mitigation": "told", "nature": "financial"},
    "RecordContractingConversation": {
        "held_at": "2026-03-01T09:00:00Z",
        "covered": ["confidentiality", "termination"],
        "first_mentoring": True,
    },
    "AgreePlan": {
        "sessions": 6,
        "minutes": 60,
        "every_days": 14,
        "starts_on": DAY,
        "ends_on": "2026-08-02",
        "channel": "platform",
    },
    "AgreeConfidentiality": {
        "shared": [{"data_class": "goals", "audience": "hr", "how": "orally", "when": "at the end"}],
        "not_shared": ["challenges"],
    },
    "AgreeReporting": {"with_whom": "line_manager", "outputs": ["attendance", "schedule"], "every_days": 30},
    "ConfirmAgreement": {"version": 2},
    "ShareContactDetails": {"email": "a@example.org", "telephone": "+44 20 7946 0000"},
    "SetTerm": {**TERM, "value": 9},
    "WithdrawTerm": TERM,
    "AgreeGoal": {
        "goal_id": "g1",
        "title": "lead",
        "type": "career",
        "source": "mentee",
        "success_measure": "a team",
        "assessment_id": "a1",
        "agreed_by": BOTH,
    },
    "ReviseGoal": {"goal_id": "g1", "title": "lead two", "success_measure": "two teams", "agreed_by": BOTH},
    "DropGoal": {"goal_id": "g1", "reason": "changed jobs", "agreed_by": BOTH},
    "RecordGoalProgress": {"goal_id": "g1", "session_id": "s1", "progress": "some", "note": "a talk"},
    "RecordAssessment": {"assessment_id": "a1", "area": "listening", "score": 3.5, "scale": "1 to 5", "text": "well"},
    "MarkTopicPrivate": {"topic": "salary"},
    "OpenTopic": {"topic": "salary"},
    "ScheduleSession": {"session_id": "s1", "starts_at": "2026-03-05T17:00:00Z", "minutes": 60, "channel": "platform"},
    "RescheduleSession": {"session_id": "s1", "starts_at": "2026-03-06T17:00:00Z", "reason": "travel", **MOVE},
    "CancelSession": {"session_id": "s1", "reason": "travel", **MOVE},
    "RecordPresessionCheck": {
        "session_id": "s1",
        "checked_at": AT,
        "device": "computer",
        **dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background", "attire"), True),
    },
    "CompleteSession": {
        "session_id": "s1",
        "started_at": "2026-03-02T08:00:00Z",
        "ended_at": AT,
        "present": BOTH,
        "joined": {"mentee": "2026-03-02T08:00:00Z", "mentor": "2026-03-02T08:00:00Z"},
        "agenda": [
            {
                "topic": "the goal",
                "set_by": "mentee",
                "goal_id": "g1",
                "homework_id": "h1",
                "minutes": 55,
                "urgent_concern": False,
            }
        ],
        "call_to_action": "write it down",
        "encouragement": True,
        "camera_on": True,
    },
    "RecordNoShow": {"session_id": "s1", "absent": ["mentee"], "cause": "work"},
    "AssignHomework": {
        "homework_id": "h1",
        "session_id": "s1",
        "description": "read",
        "due_at": "2026-03-09T17:00:00Z",
    },
    "ReportHomework": {"homework_id": "h1", "hours": 2.5, "done": True},
    "RecordSessionNote": {"session_id": "s1", "text": "we talked", "sensitive": True},
    "RecordContact": {"channel": "email", "between": BOTH, "minutes": 5},
    "RespondToNps": {"occasion": "mid", "score": 9, "comment": "it helps"},
    "RequestNps": {"respondent": "mentee", "occasion": "mid"},
    "RequestFeedback": {"respondent": "mentee", "occasion": "mid", "questions": ["leapfrog.openness"]},
    "GiveTestimonial": {"text": "it helped"},
    "RecordSuccessStory": {"text": "it worked"},
    "GiveFeedback": {"about": "process", "answers": {"pace": 4, "leapfrog.openness": "yes"}, "text": "good"},
    "ReportTrustBreakdown": {"description": "told others"},
    "RestoreTrust": {"description": "they talked"},
    "ReportDisrespect": {"against": "mentor", "description": "laughed"},
    "ResolveDisrespect": {"resolution": "excused"},
    "ReportProblem": {"description": "no room"},
    "ReportBreach": {"against": "mentor", "kind": "code", "clause": "cmn.boundaries", "description": "shared a paper"},
    "DiscloseConfidence": {
        "exception": "risk_of_harm",
        "recipient": "hr:eva",
        "disclosed": "a threat",
        "urgency": "urgent",
    },
    "ReferMentee": {"to": "HR", "reason": "beyond mentoring"},
    "SignpostMentee": {"to": "a lawyer", "reason": "beyond mentoring"},
    "RecommendShutdown": {"clause": "pentalog.trust", "evidence": [1]},
    "DismissRecommendation": {"reason": "they talked", "clause": "pentalog.trust"},
    "RaiseConcern": {"clause": "pentalog.late-reschedules", "evidence": [1]},
    "ResolveConcern": {"clause": "pentalog.late-reschedules", "resolution": "another day"},
    "EscalateConcern": {"clause": "pentalog.late-reschedules"},
    "EscalateRecommendation": {"clause": "pentalog.trust"},
    "ContestFact": {"version": 1, "reason": "not so"},
    "AnswerContest": {"version": 2, "answer": "it stands"},
    "CorrectFact": {"version": 2, "reason": "not so", "data": {"channel": "email"}},
    "ActivateRelationship": {},
    "PostponeRelationship": {"start_on": "2026-05-01", "reason": "leave", "informed": BOTH, "next_steps": "meet"},
    "PauseRelationship": {"reason": "leave", "informed": BOTH, "next_steps": "meet", "review_on": "2026-04-01"},
    "ResumeRelationship": {"informed": BOTH, "note": "back"},
    "ReviewRelationship": {"note": "seen", "next_steps": "talk", "look_again_on": "2026-04-01", "about": [1]},
    "ShareReport": {"with_whom": "line_manager", "period_from": "2026-02-01", "period_to": "2026-02-28"},
    "RecordEndReview": {"objectives": [{"goal_id": "g1", "outcome": "achieved"}], "signposting": ["a course"]},
    "TerminateRelationship": {"reason": "goals_met", "informed": BOTH, "next_steps": "go on alone"},
    "SecureRecords": {"retained_until": "2032-03-01"},
    "RequestErasure": {"person": PERSON, "basis": "objection", "legal_hold": "a suit"},
    "ErasePersonalData": {"person": PERSON, "request": 2},
    "RegisterMentor": {"name": "Ben", "programme_id": "p1", "capacity": 3},
    "PublishProfile": {"first_name": "Ben", "work_history": "ships", "role": "captain", "sector": "sea"},
    "RecordTraining": {"course": "basics", "completed_on": "2026-02-01", "due_on": "2027-02-01"},
    "RecordDevelopment": {"what": "a book", "completed_on": "2026-02-01"},
    "SuspendMentor": {"reason": "a review", "programme_id": "p1"},
    "ReinstateMentor": {"reason": "cleared", "programme_id": "p1"},
    "RemoveMentor": {"reason": "left", "programme_id": "p1"},
    "OpenCase": {
        "mentor_id": "ben",
        "about": "mentor:ben",
        "relationship_id": relationship_id(1),
        "kind": "code",
        "description": "late",
    },
    "EscalateCase": {"to": "hr:eva"},
    "DecideCase": {"decision": "no_action", "reason": "nothing in it"},
    "CloseCase": {"reason": "done"},
    "CreateProgramme": {"name": "One", "timezone": "Europe/Bucharest"},
    "AdoptCode": {"code": "cmn"},
}
_SUBJECTS: Final = {"mentor": "mentor:ben", "case": "case:c1", "programme": "programme:p1"}


def whole_message(name: str, data: Any = None, **fields: Any) -> Read:
    """The message of a command with every field, or with other data."""
    kind = AGGREGATES_OF[name][0]
    given = {"subject": _SUBJECTS.get(kind, relationship_id(1)), **fields}
    return {**message(name, **given), "data": WHOLE[name] if data is None else data}


def places(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place of some data below the top, with what is there."""
    if path:
        yield path, data
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def with_value(data: Any, path: Path, value: Any) -> Any:
    """The data with another value at a place."""
    if not path:
        return value
    first, *rest = path
    changed = data.copy()
    changed[first] = with_value(data[first], tuple(rest), value)
    return changed


def dotted(path: Path) -> str:
    """A place as the field of a problem names it."""
    return ".".join(("data", *map(str, path)))
