"""Deciding and folding what is agreed in contracting and after: terms, trust, consents, conflicts, plan, reporting."""

from typing import assert_never

from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.said import said
from domain.relationship.state import Conflict, Consent, Plan, Relationship, saying


def decide_agreement(
    state: Relationship, command: c.AgreementCommand, context: Context, found: list[Problem]
) -> list[Event]:
    """Events of an agreement; what was agreed already in the same words gives none."""
    role = context.actor.role
    match command:
        case c.ProposeRelationship():
            # The statechart knows no second proposal, so this is refused before it comes here.
            return []
        case c.AcceptTerms():
            same = state.answers.get((role, command.document)) == (True, command.version)
            return [] if same else [said(e.TermsAccepted, command)]
        case c.DeclineTerms():
            same = state.answers.get((role, command.document)) == (False, command.version)
            return [] if same else [said(e.TermsDeclined, command)]
        case c.StateTrustReadiness():
            return [] if state.ready.get(role) is command.ready else [said(e.TrustReadinessStated, command)]
        case c.GrantConsent():
            granted = said(e.ConsentGranted, command)
            before = state.consents.get((role, command.data_class, command.audience))
            return [] if before and before.said == saying(granted) else [granted]
        case c.WithdrawConsent():
            if (role, command.data_class, command.audience) not in state.consents:
                message = f"{role} has no consent for {command.data_class} to {command.audience} to take back"
                found.append(Problem("no_consent", message, field="data.data_class"))
            return [said(e.ConsentWithdrawn, command)]
        case c.ConfirmMentorTraining():
            confirmed = said(e.MentorTrainingConfirmed, command)
            return [] if state.trained == saying(confirmed) else [confirmed]
        case c.DeclareConflictOfInterest():
            return [said(e.ConflictOfInterestDeclared, command)]
        case c.AgreeConflictMitigation():
            return _mitigate(state, command, found)
        case c.RecordContractingConversation():
            return [said(e.ContractingConversationRecorded, command)]
        case c.AgreePlan():
            plan = said(e.PlanAgreed, command)
            return [] if state.plan and state.plan.said == saying(plan) else [plan]
        case c.AgreeConfidentiality():
            level = said(e.ConfidentialityAgreed, command)
            return [] if state.confidentiality == saying(level) else [level]
        case c.AgreeReporting():
            reporting = said(e.ReportingAgreed, command)
            return [] if state.reporting.get(command.with_whom) == saying(reporting) else [reporting]
        case c.ShareContactDetails():
            return [said(e.ContactDetailsShared, command)]
        case _:
            assert_never(command)


def _mitigate(state: Relationship, command: c.AgreeConflictMitigation, found: list[Problem]) -> list[Event]:
    if not any(_is_open(conflict, command.nature) for conflict in state.conflicts):
        which = f"of nature {command.nature} " if command.nature else ""
        found.append(Problem("nothing_open", f"no declared conflict {which}is without mitigation", field="data.nature"))
    return [said(e.ConflictMitigationAgreed, command)]


def _is_open(conflict: Conflict, nature: str | None) -> bool:
    return not conflict.mitigated and conflict.nature != "none" and nature in (None, conflict.nature)


def fold_agreement(state: Relationship, event: e.AgreementEvent, recorded: AnyRecorded) -> Relationship:
    """The state after an agreement."""
    role = recorded.role
    match event:
        case e.RelationshipProposed() | e.ContactDetailsShared():
            return state
        case e.TermsAccepted():
            return state.put("answers", (role, event.document), (True, event.version))
        case e.TermsDeclined():
            return state.put("answers", (role, event.document), (False, event.version))
        case e.TrustReadinessStated():
            return state.put("ready", role, event.ready)
        case e.ConsentGranted():
            consent = Consent(event.until, saying(event))
            return state.put("consents", (role, event.data_class, event.audience), consent)
        case e.ConsentWithdrawn():
            gone = (role, event.data_class, event.audience)
            return state.but(consents={key: consent for key, consent in state.consents.items() if key != gone})
        case e.MentorTrainingConfirmed():
            return state.but(trained=saying(event))
        case e.ConflictOfInterestDeclared():
            return state.but(conflicts=(*state.conflicts, Conflict(event.nature, role)))
        case e.ConflictMitigationAgreed():
            settled = (k._replace(mitigated=True) if _is_open(k, event.nature) else k for k in state.conflicts)
            return state.but(conflicts=tuple(settled))
        case e.ContractingConversationRecorded():
            return state.but(conversations=state.conversations + 1, covered=state.covered | set(event.covered))
        case e.PlanAgreed():
            return state.but(plan=Plan(event.minutes, saying(event)))
        case e.ConfidentialityAgreed():
            return state.but(confidentiality=saying(event))
        case e.ReportingAgreed():
            return state.put("reporting", event.with_whom, saying(event))
        case _:
            assert_never(event)
