"""What each command and each of its fields is called on pages, and how commands are grouped: sentences of the catalogue."""

from typing import Final, NamedTuple

from domain.model import Command
from infra.web.navigation import N_


class Group(NamedTuple):
    """Commands that belong together, in the order in which a page offers them."""

    label: str
    commands: tuple[str, ...]


GROUPS: Final[tuple[Group, ...]] = (
    Group(
        N_("Sessions"),
        (
            "ScheduleSession",
            "RescheduleSession",
            "CancelSession",
            "CompleteSession",
            "RecordNoShow",
            "RecordPresessionCheck",
            "RecordSessionNote",
            "AssignHomework",
            "ReportHomework",
            "RecordContact",
        ),
    ),
    Group(
        N_("Goals"),
        (
            "AgreeGoal",
            "RecordGoalProgress",
            "ReviseGoal",
            "DropGoal",
            "RecordAssessment",
            "MarkTopicPrivate",
            "OpenTopic",
        ),
    ),
    Group(
        N_("What is agreed"),
        (
            "RespondToMatch",
            "AgreePlan",
            "AgreeConfidentiality",
            "AgreeReporting",
            "RecordContractingConversation",
            "StateTrustReadiness",
            "DeclareConflictOfInterest",
            "AgreeConflictMitigation",
            "AcceptTerms",
            "DeclineTerms",
            "ConfirmAgreement",
            "ConfirmMentorTraining",
            "ChangeParty",
            "ShareContactDetails",
            "SetTerm",
            "WithdrawTerm",
        ),
    ),
    Group(N_("Who may know"), ("GrantConsent", "WithdrawConsent", "DiscloseConfidence")),
    Group(
        N_("The course of the relationship"),
        (
            "ActivateRelationship",
            "PostponeRelationship",
            "PauseRelationship",
            "ResumeRelationship",
            "ReviewRelationship",
            "ShareReport",
            "TerminateRelationship",
            "RecordEndReview",
            "SecureRecords",
        ),
    ),
    Group(
        N_("When something is wrong"),
        (
            "ReportProblem",
            "ReportDisrespect",
            "ReportTrustBreakdown",
            "ReportBreach",
            "RestoreTrust",
            "ResolveDisrespect",
            "RaiseConcern",
            "ResolveConcern",
            "RecommendShutdown",
            "DismissRecommendation",
            "ReferMentee",
            "SignpostMentee",
        ),
    ),
    Group(
        N_("Feedback"),
        ("RespondToNps", "GiveFeedback", "GiveTestimonial", "RecordSuccessStory", "RequestNps", "RequestFeedback"),
    ),
    Group(N_("Contest and correct"), ("ContestFact", "CorrectFact", "AnswerContest")),
    Group(N_("Erasure"), ("RequestErasure", "ErasePersonalData")),
)

TITLES: Final[dict[str, str]] = {
    "AcceptTerms": N_("Accept a document"),
    "ActivateRelationship": N_("Begin the mentoring"),
    "AgreeConfidentiality": N_("Agree what is shared, and what is not"),
    "AgreeConflictMitigation": N_("Agree how a conflict of interest is kept harmless"),
    "AgreeGoal": N_("Agree a goal"),
    "AgreePlan": N_("Agree the plan of sessions"),
    "AgreeReporting": N_("Agree what is reported to whom"),
    "AnswerContest": N_("Answer a contest"),
    "AssignHomework": N_("Give homework"),
    "CancelSession": N_("Cancel a session"),
    "ChangeParty": N_("Change the customer, line manager or supplier"),
    "CompleteSession": N_("Tell how a session went"),
    "ConfirmAgreement": N_("Confirm what the other side says you agreed"),
    "ConfirmMentorTraining": N_("Confirm the mentor's training"),
    "ContestFact": N_("Say that something recorded is wrong"),
    "CorrectFact": N_("Put something recorded right"),
    "DeclareConflictOfInterest": N_("Declare a conflict of interest, or that there is none"),
    "DeclineTerms": N_("Decline a document"),
    "DiscloseConfidence": N_("Disclose something confidential, under an exception"),
    "DismissRecommendation": N_("Decide not to end the mentoring"),
    "DropGoal": N_("Give a goal up"),
    "ErasePersonalData": N_("Carry an erasure out"),
    "GiveFeedback": N_("Give feedback"),
    "GiveTestimonial": N_("Give a testimonial"),
    "GrantConsent": N_("Give a consent"),
    "MarkTopicPrivate": N_("Keep a topic private"),
    "OpenTopic": N_("Open a private topic"),
    "PauseRelationship": N_("Pause the mentoring"),
    "PostponeRelationship": N_("Put the start off"),
    "RaiseConcern": N_("Raise a concern"),
    "RecommendShutdown": N_("Recommend to end the mentoring"),
    "RecordAssessment": N_("Record an assessment"),
    "RecordContact": N_("Record a contact"),
    "RecordContractingConversation": N_("Record a contracting conversation"),
    "RecordEndReview": N_("Record the end review"),
    "RecordGoalProgress": N_("Record progress on a goal"),
    "RecordNoShow": N_("Record that somebody stayed away"),
    "RecordPresessionCheck": N_("Record the check before a session"),
    "RecordSessionNote": N_("Write a note on a session"),
    "RecordSuccessStory": N_("Record a success story"),
    "ReferMentee": N_("Refer the mentee to somebody else"),
    "ReportBreach": N_("Report a breach"),
    "ReportDisrespect": N_("Report disrespect"),
    "ReportHomework": N_("Report hours of homework"),
    "ReportProblem": N_("Report a problem"),
    "ReportTrustBreakdown": N_("Report that trust is broken"),
    "RequestErasure": N_("Ask for an erasure"),
    "RequestFeedback": N_("Ask for feedback"),
    "RequestNps": N_("Ask how likely somebody is to recommend mentoring"),
    "RescheduleSession": N_("Move a session"),
    "ResolveConcern": N_("Resolve a concern"),
    "ResolveDisrespect": N_("Resolve reported disrespect"),
    "RespondToMatch": N_("Answer the proposed match"),
    "RespondToNps": N_("Say how likely you are to recommend mentoring"),
    "RestoreTrust": N_("Say that trust is restored"),
    "ResumeRelationship": N_("Go on after the pause"),
    "ReviewRelationship": N_("Record that you looked at the relationship"),
    "ReviseGoal": N_("Change a goal"),
    "ScheduleSession": N_("Schedule a session"),
    "SecureRecords": N_("Record that the records are secured"),
    "SetTerm": N_("Set a term"),
    "ShareContactDetails": N_("Hand over your contact details"),
    "ShareReport": N_("Share a report"),
    "SignpostMentee": N_("Show the mentee where else to find help"),
    "StateTrustReadiness": N_("State whether you are ready to trust"),
    "TerminateRelationship": N_("End the mentoring"),
    "WithdrawConsent": N_("Withdraw a consent"),
    "WithdrawTerm": N_("Withdraw a term"),
    # Of mentors, people and cases, which tasks ask for.
    "CloseCase": N_("Close the case"),
    "CorrectPerson": N_("Put an entry right"),
    "DecideCase": N_("Decide the case"),
    "EscalateCase": N_("Escalate the case"),
    "OpenCase": N_("Open a case"),
    "ProposeRelationship": N_("Propose a relationship"),
    "PublishProfile": N_("Publish a profile"),
    "RecordDevelopment": N_("Record professional development"),
    "RecordTraining": N_("Record a training"),
    "RegisterPerson": N_("Register a person"),
    "RegisterMentor": N_("Register a mentor"),
    "ReinstateMentor": N_("Reinstate the mentor"),
    "RemoveMentor": N_("Remove the mentor"),
    "SuspendMentor": N_("Suspend the mentor"),
}

LABELS: Final[dict[str, str]] = {
    "about": N_("About whom or what"),
    "absent": N_("Who stayed away"),
    "accept": N_("Do you say yes to the match?"),
    "agenda": N_("What was worked on"),
    "agreed_by": N_("Agreed by"),
    "answers": N_("Your answers"),
    "audience": N_("For whom"),
    "between": N_("Between whom"),
    "call_to_action": N_("Call to action at the end"),
    "camera_on": N_("Was the camera on?"),
    "cause": N_("Cause"),
    "channel": N_("Channel"),
    "checked_at": N_("Checked at"),
    "clause": N_("Clause"),
    "comment": N_("Comment"),
    "completed_on": N_("Completed on"),
    "correction_reason": N_("Why it has to be put right"),
    "covered": N_("Topics that were covered"),
    "data_class": N_("Which data"),
    "description": N_("What happened, in your words"),
    "done": N_("Is it done?"),
    "due_at": N_("Due at"),
    "encouragement": N_("Did it begin with encouragement?"),
    "ended_at": N_("Ended at"),
    "ends_on": N_("Ends on"),
    "every_days": N_("Every so many days"),
    "first_mentoring": N_("Is it the mentee's first mentoring?"),
    "held_at": N_("Held at"),
    "how": N_("How"),
    "hours": N_("Hours"),
    "informed": N_("Who knows of it"),
    "joined": N_("Who joined when"),
    "look_again_on": N_("Look again on"),
    "measure": N_("Measure"),
    "minutes": N_("Minutes"),
    "next_steps": N_("Next steps"),
    "not_shared": N_("Not shared with anybody"),
    "objectives": N_("Outcome of each goal"),
    "occasion": N_("Occasion"),
    "on_behalf_of": N_("On whose behalf"),
    "outputs": N_("What is reported"),
    "period_from": N_("From"),
    "period_to": N_("To"),
    "present": N_("Who was there"),
    "ready": N_("Are you ready to trust?"),
    "reason": N_("Reason"),
    "retained_until": N_("Kept until"),
    "review_on": N_("Look at it again on"),
    "score": N_("How likely are you to recommend mentoring to a friend or colleague?"),
    "sensitive": N_("Could it harm somebody's credibility or reputation? Then it stays with those who were there."),
    "sessions": N_("Number of sessions"),
    "shared": N_("What is shared"),
    "signposting": N_("Where else to find help, one a line"),
    "start_on": N_("Start on"),
    "started_at": N_("Started at"),
    "starts_at": N_("Starts at"),
    "starts_on": N_("Starts on"),
    "success_measure": N_("How you will know that it is reached"),
    "to": N_("To whom, or where"),
    "topic": N_("Topic"),
    "until": N_("Until (empty: until withdrawn)"),
    "version": N_("Which entry"),
    "void": N_("It never took place"),
    "with_whom": N_("With whom"),
}

# What a command does, where its own sentence is for those who write messages.
ABOUT: Final[dict[str, str]] = {
    "GiveFeedback": N_("Answer the questions that you have something to say about, and leave out the others. 5 is best, 1 is worst."),
    "GrantConsent": N_("From now on those whom you name may see this kind of your data, until the day you set or until you withdraw it."),
    "WithdrawConsent": N_("Those whom you had allowed to see this kind of your data can see it no longer, as of now."),
    "RespondToNps": N_("Say how likely you are to recommend mentoring, from 0 to 10."),
}  # fmt: skip

# What a person can do about a problem, by its code.
ADVICE: Final[dict[str, str]] = {
    "gate": N_("Do this first, then try again."),
    "state": N_("Look at the state of the relationship: this comes before or after."),
    "role": N_("Ask somebody in a role that may do it."),
    "actor": N_("Only the person whom the relationship names can do it."),
    "own_matter": N_("Somebody else decides it: the office has a task."),
    "nothing_open": N_("There is nothing open that this could settle."),
    "not_informed": N_("Tell them first, and tick who knows of it."),
    "missing": N_("Fill it in."),
    "id_reused": N_("This form was sent already. Open the page again to see what it did."),
    "not_the_caller": N_("Change to the role in which you do this."),
    "not_covered": N_("This belongs to another programme than yours."),
    "sender": N_("The operator has to let pages send for your role (RAPPORT_SENDERS)."),
}


def title(command: str) -> str:
    """What a command is called on pages."""
    return TITLES.get(command, command)


def label(field: str) -> str:
    """What a field is called on pages."""
    return LABELS.get(field) or field.removesuffix("_id").replace("_", " ").capitalize()


def about(command: type[Command]) -> str:
    """What a command does, in the first half of its sentence: what follows is for those who write messages."""
    if said := ABOUT.get(command.__name__):
        return said
    return (command.__doc__ or "").strip().partition("\n")[0].partition(";")[0].partition(": `")[0].rstrip(".") + "."
