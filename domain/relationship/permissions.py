"""Who may send which command, and as whom.

Mentee and mentor may send everything that the table does not keep from them; the others only what the table gives them.
A party acts under the id that the relationship names for its role.
"""

from collections.abc import Iterable
from functools import cache

from domain.model import Actor, Command, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.state import Relationship
from domain.words import NAMED_ROLES, OFFICE, OVERSEERS, PARTIES, PEOPLE, Role

_PARTIES: frozenset[Role] = frozenset(PARTIES)
_OFFICE: frozenset[Role] = frozenset(OFFICE)
_OVERSEERS: frozenset[Role] = frozenset(OVERSEERS)
_EACH_FOR_ITSELF: frozenset[Role] = _PARTIES | {"customer", "line_manager"}
# Everybody but those who work for the house: services, workers, auditors and analysts.
_ANYBODY: frozenset[Role] = frozenset(PEOPLE)

# Commands that mentee and mentor may not send both, or not they alone, with everybody who may.
_RESERVED: dict[type[Command], frozenset[Role]] = {
    c.RespondToMatch: _PARTIES,
    c.ChangeParty: _OFFICE,
    c.AcceptTerms: _EACH_FOR_ITSELF,
    c.DeclineTerms: _EACH_FOR_ITSELF,
    c.StateTrustReadiness: _EACH_FOR_ITSELF,
    c.GrantConsent: _EACH_FOR_ITSELF,
    c.WithdrawConsent: _EACH_FOR_ITSELF,
    c.ConfirmMentorTraining: _OFFICE | {"service"},
    c.ConfirmAgreement: _PARTIES | {"line_manager"},
    c.SetTerm: _OFFICE,
    c.WithdrawTerm: _OFFICE,
    c.RecordAssessment: _OFFICE,
    c.RecommendShutdown: _OFFICE | {"worker"},
    c.RaiseConcern: _OFFICE | {"worker"},
    c.EscalateConcern: frozenset({"worker"}),
    c.EscalateRecommendation: frozenset({"worker"}),
    c.RequestNps: frozenset({"worker", "coordinator"}),
    c.RequestFeedback: frozenset({"worker", "coordinator"}),
    c.RespondToNps: _PARTIES | {"customer"},
    c.GiveTestimonial: _PARTIES | {"customer"},
    c.RecordSuccessStory: frozenset({"supplier"}),
    c.MarkTopicPrivate: frozenset({"mentee"}),
    c.OpenTopic: frozenset({"mentee"}),
    c.ShareReport: frozenset({"mentee"}),
    c.DiscloseConfidence: frozenset({"mentor", "coordinator"}),
    c.ReportBreach: _ANYBODY,
    c.ReportProblem: _ANYBODY,
    c.ReportDisrespect: _ANYBODY,
    c.ContestFact: _ANYBODY,
    c.CorrectFact: _ANYBODY | {"service"},
    c.AnswerContest: _OFFICE,
    c.ReviewRelationship: _OVERSEERS,
    c.SecureRecords: _OVERSEERS,
    c.RequestErasure: _ANYBODY,
    c.ErasePersonalData: _OVERSEERS,
    c.ResolveDisrespect: _OVERSEERS,
}
# What others may send besides mentee and mentor.
_SHARED: dict[type[Command], frozenset[Role]] = {
    c.ProposeRelationship: _OFFICE | {"service"},
    c.ActivateRelationship: _OFFICE | {"service"},
    c.PostponeRelationship: _OFFICE,
    c.ScheduleSession: _OFFICE | {"service"},
    c.RescheduleSession: _OFFICE | {"service"},
    c.CancelSession: _OFFICE | {"service"},
    c.RecordNoShow: _OFFICE | {"service"},
    c.RecordContact: _OFFICE | {"service"},
    c.CompleteSession: frozenset({"service"}),
    c.RecordPresessionCheck: frozenset({"service"}),
    c.AgreeGoal: _OFFICE,
    c.AgreePlan: _OFFICE,
    c.AgreeConfidentiality: _OFFICE,
    c.RecordContractingConversation: _OFFICE,
    c.AgreeReporting: _OFFICE | {"line_manager"},
    c.AgreeConflictMitigation: _OFFICE,
    c.RestoreTrust: _OFFICE,
    c.PauseRelationship: _OFFICE,
    c.ResumeRelationship: _OFFICE,
    c.DismissRecommendation: _OVERSEERS,
    c.ResolveConcern: _OFFICE | {"worker"},
    c.ReferMentee: _OFFICE,
    c.SignpostMentee: _OFFICE,
    c.RecordEndReview: _OFFICE,
    c.TerminateRelationship: _OFFICE | {"customer", "worker"},
}


@cache
def may_send(command: type[Command]) -> frozenset[Role]:
    """The roles that may send a command."""
    return _RESERVED.get(command) or _PARTIES | _SHARED.get(command, frozenset())


def check_actor(state: Relationship | None, command: Command, context: Context) -> Iterable[Problem]:
    """Problems `role` (may not send this) and `actor` (is not who the relationship names)."""
    role, id_ = context.actor
    if problem := role_problem(command, context.actor):
        yield problem
    elif (
        isinstance(command, c.TerminateRelationship) and role == "worker" and context.known.mentor_standing != "removed"
    ):
        yield Problem("role", "a worker may end a relationship only when its mentor was removed", field="actor")
    if role in NAMED_ROLES:
        named = (
            getattr(command, f"{role}_id", None)
            if isinstance(command, c.ProposeRelationship)
            else state and state.named(role)
        )
        # A supplier runs the programme; where the relationship names none, it is any supplier's (decision 0013).
        if named != id_ and not (named is None and role == "supplier"):
            # The message does not say whom it names, so that guessing reveals nothing.
            whom = f"another {role} than {role}:{id_}" if named else f"no {role}"
            yield Problem("actor", f"the relationship names {whom}", field="actor")


def role_problem(command: Command, actor: Actor) -> Problem | None:
    """What forbids a command to an actor, whatever relationship it is about."""
    role, id_ = actor
    allowed = may_send(type(command))
    if role not in allowed:
        return Problem("role", f"{type(command).__name__} is for {_listed(allowed)}, not for {role}", field="actor")
    if isinstance(command, c.RequestErasure) and role not in _OVERSEERS and command.person != id_:
        message = f"{role}:{id_} may ask for the erasure of their own data alone; the office asks for that of others"
        return Problem("role", message, field="data.person")
    return None


def _listed(roles: Iterable[str]) -> str:
    return ", ".join(sorted(roles))
