"""What mentee, mentor and the office agree on: terms, trust, consents, conflicts, plan, confidentiality, reporting.

Each theme of a relationship has the same three functions: the problems of a command, the events that record a command
without problems, and the fold of those events into the state.
"""

from collections.abc import Iterator
from typing import assert_never

from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import Conflict, Consent, Plan, Relationship, content_hash
from domain.terms import DEFAULTS


def agreement_problems(state: Relationship, command: c.AgreementCommand, context: Context) -> Iterator[Problem]:
    """Nothing can be withdrawn or mitigated that was never granted or declared."""
    match command:
        case c.WithdrawConsent():
            role = context.actor.role
            if (role, command.data_class, command.audience) not in state.consents:
                message = f"{role} has no consent for {command.data_class} to {command.audience} to take back"
                yield Problem("no_consent", message, field="data.data_class")
        case c.AgreeConflictMitigation():
            if not any(_is_open(conflict, command.nature) for conflict in state.conflicts):
                which = f"of nature {command.nature} " if command.nature else ""
                yield Problem("nothing_open", f"no declared conflict {which}is without mitigation", field="data.nature")
        case _:
            # Every other agreement may be made at any time that the statechart allows.
            pass


def agreement_events(state: Relationship, command: c.AgreementCommand, context: Context) -> list[e.AgreementEvent]:
    """The event of an agreement; none when exactly that is agreed already."""
    event = _recorded(command)
    return [] if event is None or _is_in_force(state, event, context.actor.role) else [event]


def _recorded(command: c.AgreementCommand) -> e.AgreementEvent | None:
    match command:
        case c.ProposeRelationship():
            # `decide` answers the first proposal; the statechart refuses a second one before this is asked.
            return None
        case c.RespondToMatch():
            return e.MatchAccepted(reason=command.reason) if command.accept else e.MatchDeclined(reason=command.reason)
        case c.ChangeParty():
            return e.PartyChanged(role=command.role, id=command.id)
        case c.ConfirmAgreement():
            return e.AgreementConfirmed(version=command.version)
        case c.SetTerm():
            return e.TermSet(
                document=command.document,
                term=command.term,
                value=command.value,
                resolved=command.value,
                winner=command.document,
            )
        case c.WithdrawTerm():
            return e.TermWithdrawn(document=command.document, term=command.term, resolved=DEFAULTS[command.term])
        case c.AcceptTerms():
            return e.TermsAccepted(document=command.document, version=command.version)
        case c.DeclineTerms():
            return e.TermsDeclined(document=command.document, version=command.version)
        case c.StateTrustReadiness():
            return e.TrustReadinessStated(ready=command.ready)
        case c.GrantConsent():
            return e.ConsentGranted(
                data_class=command.data_class, audience=command.audience, how=command.how, until=command.until
            )
        case c.WithdrawConsent():
            return e.ConsentWithdrawn(
                data_class=command.data_class, audience=command.audience, how=command.how, until=command.until
            )
        case c.ConfirmMentorTraining():
            return e.MentorTrainingConfirmed(course=command.course, completed_on=command.completed_on)
        case c.DeclareConflictOfInterest():
            return e.ConflictOfInterestDeclared(
                nature=command.nature, stakeholder=command.stakeholder, description=command.description
            )
        case c.AgreeConflictMitigation():
            return e.ConflictMitigationAgreed(mitigation=command.mitigation, nature=command.nature)
        case c.RecordContractingConversation():
            return e.ContractingConversationRecorded(
                held_at=command.held_at, covered=command.covered, first_mentoring=command.first_mentoring
            )
        case c.AgreePlan():
            return e.PlanAgreed(
                sessions=command.sessions,
                minutes=command.minutes,
                every_days=command.every_days,
                starts_on=command.starts_on,
                ends_on=command.ends_on,
                channel=command.channel,
            )
        case c.AgreeConfidentiality():
            return e.ConfidentialityAgreed(shared=command.shared, not_shared=command.not_shared)
        case c.AgreeReporting():
            return e.ReportingAgreed(
                with_whom=command.with_whom, outputs=command.outputs, every_days=command.every_days
            )
        case c.ShareContactDetails():
            return e.ContactDetailsShared(email=command.email, telephone=command.telephone)
        case _:
            assert_never(command)


def _is_in_force(state: Relationship, event: e.AgreementEvent, role: str) -> bool:
    """Whether the state shows that exactly this is agreed already."""
    match event:
        case e.TermsAccepted():
            return state.answers.get((role, event.document)) == (True, event.version)
        case e.TermsDeclined():
            return state.answers.get((role, event.document)) == (False, event.version)
        case e.TrustReadinessStated():
            return state.ready.get(role) is event.ready
        case e.ConsentGranted():
            consent = state.consents.get((role, event.data_class, event.audience))
            return consent is not None and consent.content_hash == content_hash(event)
        case e.MentorTrainingConfirmed():
            return state.trained == content_hash(event)
        case e.PlanAgreed():
            return state.plan is not None and state.plan.content_hash == content_hash(event)
        case e.ConfidentialityAgreed():
            return state.confidentiality == content_hash(event)
        case e.ReportingAgreed():
            return state.reporting.get(event.with_whom) == content_hash(event)
        case (
            e.RelationshipProposed()
            | e.ConsentWithdrawn()
            | e.ConflictOfInterestDeclared()
            | e.ConflictMitigationAgreed()
            | e.ContractingConversationRecorded()
            | e.ContactDetailsShared()
            | e.MatchAccepted()
            | e.MatchDeclined()
            | e.PartyChanged()
            | e.AgreementConfirmed()
            | e.TermSet()
            | e.TermWithdrawn()
        ):
            return False
        case _:
            assert_never(event)


def _is_open(conflict: Conflict, nature: str | None) -> bool:
    return not conflict.mitigated and conflict.nature != "none" and nature in (None, conflict.nature)


def fold_agreement(state: Relationship, event: e.AgreementEvent, recorded: AnyRecorded) -> Relationship:
    """The state after an agreement."""
    role = recorded.role
    match event:
        case (
            e.RelationshipProposed()
            | e.ContactDetailsShared()
            | e.MatchAccepted()
            | e.MatchDeclined()
            | e.AgreementConfirmed()
            | e.TermSet()
            | e.TermWithdrawn()
        ):
            return state
        case e.PartyChanged():
            return state.but(**{f"{event.role}_id": event.id})
        case e.TermsAccepted():
            return state.put("answers", (role, event.document), (True, event.version))
        case e.TermsDeclined():
            return state.put("answers", (role, event.document), (False, event.version))
        case e.TrustReadinessStated():
            return state.put("ready", role, event.ready)
        case e.ConsentGranted():
            consent = Consent(event.until, content_hash(event))
            return state.put("consents", (role, event.data_class, event.audience), consent)
        case e.ConsentWithdrawn():
            gone = (role, event.data_class, event.audience)
            return state.but(consents={key: consent for key, consent in state.consents.items() if key != gone})
        case e.MentorTrainingConfirmed():
            return state.but(trained=content_hash(event))
        case e.ConflictOfInterestDeclared():
            return state.but(conflicts=(*state.conflicts, Conflict(event.nature, role)))
        case e.ConflictMitigationAgreed():
            settled = (k._replace(mitigated=True) if _is_open(k, event.nature) else k for k in state.conflicts)
            return state.but(conflicts=tuple(settled))
        case e.ContractingConversationRecorded():
            return state.but(conversations=state.conversations + 1, covered=state.covered | set(event.covered))
        case e.PlanAgreed():
            return state.but(plan=Plan(event.minutes, content_hash(event)))
        case e.ConfidentialityAgreed():
            return state.but(confidentiality=content_hash(event))
        case e.ReportingAgreed():
            return state.put("reporting", event.with_whom, content_hash(event))
        case _:
            assert_never(event)
