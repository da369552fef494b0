"""What mentee, mentor and the office agree on: terms, trust, consents, conflicts, plan, confidentiality, reporting.

Each theme of a relationship has the same three functions: the problems of a command, the events that record a command
without problems, and the fold of those events into the state.
"""

from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import claims
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.concerns import readiness_events, with_readiness
from domain.relationship.guards import first_clause, in_future
from domain.relationship.settling import is_against
from domain.relationship.state import Confidentiality, Conflict, Consent, Plan, Relationship, content_hash
from domain.term_setting import dated, term_events, term_problems
from domain.terms import DatedSetting, TermTimeline
from domain.words import COMPROMISING_NATURES, ConflictNature


def agreement_problems(state: Relationship, command: c.AgreementCommand, context: Context) -> Iterator[Problem]:
    """Nothing can be withdrawn, mitigated or confirmed that was never granted, declared or claimed."""
    match command:
        case c.WithdrawConsent():
            role = context.actor.role
            if (role, command.data_class, command.audience) not in state.consents:
                message = f"{role} has no consent for {command.data_class} to {command.audience} to take back"
                yield Problem("no_consent", message, field="data.data_class")
        case c.ConfirmMentorTraining():
            clause = first_clause(state.codes, "nottingham.training")
            if is_against(state, context.actor, "mentor"):
                message = "nobody confirms their own training: leave it to somebody else in the office"
                yield Problem("own_matter", message, clause, "actor")
            if command.completed_on > context.today:
                message = f"the training ends on {command.completed_on}, which is yet to come: confirm it afterwards"
                yield Problem("in_future", message, clause, "data.completed_on")
        case c.RecordContractingConversation():
            yield from in_future(command.held_at, context, "the conversation", "data.held_at")
        case c.AgreeConflictMitigation():
            yield from _mitigation_problems(state, command)
        case c.ConfirmAgreement():
            yield from claims.confirmation_problems(state, command, context)
        case c.ChangeParty():
            yield from one_person_problems(command.role, command.id, (state.mentee_id, state.mentor_id), "data.id")
        case c.SetTerm() | c.WithdrawTerm():
            clause = first_clause(state.codes, "pentalog.prevalence")
            yield from term_problems(_terms(state, context), command, context, own=True, clause=clause)
        case _:
            # Every other agreement may be made at any time that the statechart allows.
            pass


def one_person_problems(role: str, id_: str | None, parties: tuple[str, str], field: str) -> Iterator[Problem]:
    """Who manages the mentee or runs the programme must not be a party: they would settle matters about themselves.

    Nor may the customer be the mentor, who would score their own mentoring. Some mentees pay for themselves.
    """
    if id_ is not None and id_ in parties:
        party = "mentee" if id_ == parties[0] else "mentor"
        if (role, party) == ("customer", "mentee"):
            return
        message = f"the {role.replace('_', ' ')} can't be the {party} of the same relationship: name another person"
        yield Problem("same_person", message, field=field)


@implements("nottingham.compromising")
def _mitigation_problems(state: Relationship, command: c.AgreeConflictMitigation) -> Iterator[Problem]:
    """There must be a declared conflict without mitigation; under nottingham a compromising one has none."""
    fitting = [conflict for conflict in state.conflicts if _is_open(conflict, command.nature)]
    if any(_can_be_mitigated(state, conflict.nature) for conflict in fitting):
        return
    if fitting:
        natures = " and ".join(dict.fromkeys(conflict.nature for conflict in fitting))
        message = f"a compromising relationship ({natures}) can't be mitigated: end the relationship instead"
        yield Problem("compromising", message, "nottingham.compromising", "data.nature")
    else:
        which = f"of nature {command.nature} " if command.nature else ""
        yield Problem("nothing_open", f"no declared conflict {which}is without mitigation", field="data.nature")


def _can_be_mitigated(state: Relationship, nature: ConflictNature) -> bool:
    return "nottingham" not in state.codes or nature not in COMPROMISING_NATURES


def _terms(state: Relationship, context: Context) -> TermTimeline:
    """What the documents set at the time of an act: the programme as it was known then, and the relationship's own timeline."""
    known, own = context.known.terms, state.terms.settings_at(context.occurred_at)
    # What is known ends with the relationship's own settings.
    programme = known[: len(known) - len(own)] if own and known[-len(own) :] == own else known
    return TermTimeline(DatedSetting(context.occurred_at, setting) for setting in programme).with_own(
        state.terms.settings
    )


def agreement_events(state: Relationship, command: c.AgreementCommand, context: Context) -> list[e.AgreementEvent]:
    """The event of an agreement; none when exactly that is agreed already. Who repeats the other's claim confirms it."""
    if isinstance(command, c.StateTrustReadiness):
        return [*readiness_events(state, command, context)]
    if isinstance(command, c.SetTerm | c.WithdrawTerm):
        return [*term_events(_terms(state, context), command, context, own=True)]
    event = _recorded(command)
    if event is None:
        return []
    if not _is_in_force(state, event, context):
        return [event]
    matter = _MATTERS.get(type(event), "")
    if claim := claims.claim_for(state, context.actor.role, matter):
        return [e.AgreementConfirmed(version=claim.version)]
    agreed = state.confidentiality
    if matter == "confidentiality" and agreed and claims.lacks_mentees_word(state, agreed.version, context.actor.role):
        return [e.AgreementConfirmed(version=agreed.version)]
    return []


# Agreements of two of which one at a time is in force.
_MATTERS: Final[Mapping[type[Event], str]] = {e.PlanAgreed: "plan", e.ConfidentialityAgreed: "confidentiality"}


def _recorded(command: c.AgreementCommand) -> e.AgreementEvent | None:
    match command:
        case c.ProposeRelationship() | c.SetTerm() | c.WithdrawTerm() | c.StateTrustReadiness():
            # `decide` answers the first proposal, and the statechart refuses a second one before this is asked.
            # What a term comes to depends on all that is set, and what readiness does on the reports of broken trust.
            return None
        case c.RespondToMatch():
            return e.MatchAccepted(reason=command.reason) if command.accept else e.MatchDeclined(reason=command.reason)
        case c.ChangeParty():
            return e.PartyChanged(role=command.role, id=command.id)
        case c.ConfirmAgreement():
            return e.AgreementConfirmed(version=command.version)
        case c.AcceptTerms():
            return e.TermsAccepted(document=command.document, version=command.version)
        case c.DeclineTerms():
            return e.TermsDeclined(document=command.document, version=command.version)
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


def _is_in_force(state: Relationship, event: e.AgreementEvent, context: Context) -> bool:
    """Whether the state shows that exactly this is agreed already."""
    role = context.actor.role
    match event:
        case e.MatchAccepted():
            return state.match_answers.get(role) == (True, event.reason)
        case e.MatchDeclined():
            return state.match_answers.get(role) == (False, event.reason)
        case e.PartyChanged():
            return state.named(event.role) == event.id
        case e.TermsAccepted():
            return state.answers.get((role, event.document)) == (True, event.version)
        case e.TermsDeclined():
            return state.answers.get((role, event.document)) == (False, event.version)
        case e.ConsentGranted():
            consent = state.consents.get((role, event.data_class, event.audience))
            return consent is not None and consent.content_hash == content_hash(event)
        case e.MentorTrainingConfirmed():
            return content_hash(event) in state.trainings
        case e.PlanAgreed():
            return state.plan is not None and state.plan.content_hash == content_hash(event)
        case e.ConfidentialityAgreed():
            agreed = state.confidentiality
            return agreed is not None and agreed.content_hash == content_hash(event)
        case e.ReportingAgreed():
            return claims.reporting_is_known(state, event, context)
        case (
            e.RelationshipProposed()
            | e.TrustReadinessStated()
            | e.ConsentWithdrawn()
            | e.ConflictOfInterestDeclared()
            | e.ConflictMitigationAgreed()
            | e.ContractingConversationRecorded()
            | e.ContactDetailsShared()
            | e.AgreementConfirmed()
            | e.TermSet()
            | e.TermWithdrawn()
        ):
            return False
        case _:
            assert_never(event)


def _is_open(conflict: Conflict, nature: str | None) -> bool:
    return not conflict.mitigated and conflict.nature != "none" and nature in (None, conflict.nature)


def _after_mitigation(state: Relationship, conflict: Conflict, nature: ConflictNature | None) -> Conflict:
    settled = _is_open(conflict, nature) and _can_be_mitigated(state, conflict.nature)
    return conflict._replace(mitigated=True) if settled else conflict


def fold_agreement(state: Relationship, event: e.AgreementEvent, recorded: AnyRecorded) -> Relationship:
    """The state after an agreement."""
    role = recorded.role
    match event:
        case e.RelationshipProposed() | e.ContactDetailsShared():
            return state
        case e.MatchAccepted():
            return state.put("match_answers", role, (True, event.reason))
        case e.MatchDeclined():
            return state.put("match_answers", role, (False, event.reason))
        case e.AgreementConfirmed():
            return claims.confirmed(state, event, recorded)
        case e.TermSet() | e.TermWithdrawn():
            return state.but(terms=state.terms.with_setting(dated(event, recorded.occurred_at, own=True)))
        case e.PartyChanged():
            before = state.named(event.role)
            former = state.former if before is None else (*state.former, before)
            # What somebody let others see is not their successor's word.
            consents = {key: consent for key, consent in state.consents.items() if key[0] != event.role}
            return state.but(former=former, consents=consents, **{f"{event.role}_id": event.id})
        case e.TermsAccepted():
            return state.put("answers", (role, event.document), (True, event.version))
        case e.TermsDeclined():
            return state.put("answers", (role, event.document), (False, event.version))
        case e.TrustReadinessStated():
            return with_readiness(state, event, recorded)
        case e.ConsentGranted():
            consent = Consent(event.until, content_hash(event))
            return state.put("consents", (role, event.data_class, event.audience), consent)
        case e.ConsentWithdrawn():
            gone = (role, event.data_class, event.audience)
            return state.but(consents={key: consent for key, consent in state.consents.items() if key != gone})
        case e.MentorTrainingConfirmed():
            return state.put("trainings", content_hash(event), event.completed_on)
        case e.ConflictOfInterestDeclared():
            return state.but(conflicts=(*state.conflicts, Conflict(event.nature, role)))
        case e.ConflictMitigationAgreed():
            return state.but(conflicts=tuple(_after_mitigation(state, k, event.nature) for k in state.conflicts))
        case e.ContractingConversationRecorded():
            held = state.but(conversations=state.conversations + 1, covered=state.covered | set(event.covered))
            # Each conversation is a matter of its own: what a later one covers does not say what the earlier did.
            return claims.with_claim(held, recorded, f"conversation:{recorded.version}")
        case e.PlanAgreed():
            return claims.with_claim(state.but(plan=Plan(event.minutes, content_hash(event))), recorded, "plan")
        case e.ConfidentialityAgreed():
            shared = {
                (term.data_class, term.audience) for term in event.shared if term.data_class not in event.not_shared
            }
            agreed = Confidentiality(
                recorded.version, content_hash(event), frozenset(shared), mentee_agreed=role == "mentee"
            )
            return claims.with_claim(state.but(confidentiality=agreed), recorded, "confidentiality")
        case e.ReportingAgreed():
            return claims.with_reporting(state, event, recorded)
        case _:
            assert_never(event)
