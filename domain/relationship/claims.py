"""Agreements of two: what one side says both agreed is its own word, and its claim of the other's (care.claims).

Goals, plans, confidentiality, reporting and contracting conversations that one party records wait for the other party, who
confirms or contests them; what coordinator or supplier record holds for both, unless they are one of the two. Only the gate of cmn.reporting asks for both
words, each in their own name; the other gates are met by the claim. A later agreement of the same matter ends the claim.
"""

from collections.abc import Iterator

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import first_clause
from domain.relationship.state import Claim, Relationship, Reporting
from domain.words import OTHER_PARTY, Role


@implements("care.claims")
def confirmation_problems(state: Relationship, command: c.ConfirmAgreement, context: Context) -> Iterator[Problem]:
    """The version must be that of an agreement whose other word is awaited from this actor."""
    version, role, field = command.version, context.actor.role, "data.version"
    matter = state.agreements.get(version)
    if matter is None:
        there = version <= state.version
        found = f"event {version} is no agreement of two" if there else f"there is no event {version}"
        message = f"{found}; name the version of an agreement that waits for your word"
        yield Problem("unknown_fact", message, field=field)
        return
    kind = matter.partition(":")[0]
    if role == "line_manager" and kind != "reporting":
        message = f"a line manager confirms reporting alone; a {kind} is for mentee and mentor to confirm"
        yield Problem("role", message, first_clause(state.codes, "cmn.reporting"), "actor")
        return
    waiting = [claim for claim in state.claims if claim.matter == matter and _is_of(state, claim, version)]
    if any(claim.waits_for == role for claim in waiting) or lacks_mentees_word(state, version, role):
        return
    if any(claim.by == role for claim in waiting):
        others = " and ".join(claim.waits_for.replace("_", " ") for claim in waiting)
        yield Problem("own_matter", f"{role} said this; {others} must say so too", "care.claims", field)
    elif waiting:
        others = " and ".join(claim.waits_for.replace("_", " ") for claim in waiting)
        yield Problem("nothing_open", f"event {version} waits for the word of {others}, not of {role}", field=field)
    else:
        message = (
            f"nothing of event {version} waits to be confirmed: it was confirmed, or a later agreement took its place"
        )
        yield Problem("nothing_open", message, field=field)


def _is_of(state: Relationship, claim: Claim, version: int) -> bool:
    """Whether a claim of the same matter is that of this version; reporting may have been agreed on by several events."""
    kind, _, audience = claim.matter.partition(":")
    return version in state.reporting[audience].versions if kind == "reporting" else claim.version == version


def lacks_mentees_word(state: Relationship, version: int, role: Role) -> bool:
    """Whether the mentee, who acts, may still say in their own name what the office agreed for them.

    What is shared under an agreement needs the mentee's own word, though the office's holds for both everywhere else.
    """
    if role != "mentee":
        return False
    agreed = state.confidentiality
    if agreed is not None and agreed.version == version:
        return not agreed.mentee_agreed
    reportings = [reporting for reporting in state.reporting.values() if version in reporting.versions]
    return any(f"mentee:{state.mentee_id}" not in reporting.words for reporting in reportings)


def claim_for(state: Relationship, role: Role, matter: str) -> Claim | None:
    """The claim of a matter that waits for this party's word."""
    claim = state.claimed.get(matter)
    return claim if claim is not None and claim.waits_for == role else None


def with_claim(state: Relationship, recorded: AnyRecorded, matter: str) -> Relationship:
    """The state after an agreement: one party's word waits for the other's, the office's holds for both."""
    state = state.put("agreements", recorded.version, matter)
    by = state.speaks_as(recorded.actor)
    other = OTHER_PARTY.get(by)
    if other is None:
        return without_claim(state, matter)
    return state.put("claimed", matter, Claim(recorded.version, by, other, matter))


def without_claim(state: Relationship, matter: str) -> Relationship:
    """The state when nothing of a matter waits to be confirmed any more."""
    if matter not in state.claimed:
        return state
    return state.but(claimed={other: claim for other, claim in state.claimed.items() if other != matter})


def confirmed(state: Relationship, event: e.AgreementConfirmed, recorded: AnyRecorded) -> Relationship:
    """The state after a confirmation."""
    matter = state.agreements.get(event.version, "")
    kind, _, audience = matter.partition(":")
    if kind == "reporting":
        agreed = state.reporting[audience]
        return state.put("reporting", audience, agreed._replace(words=(*agreed.words, recorded.actor)))
    level = state.confidentiality
    if recorded.role == "mentee" and level is not None and level.version == event.version:
        state = state.but(confidentiality=level._replace(mentee_agreed=True))
    claim = state.claimed.get(matter)
    return without_claim(state, matter) if claim is not None and claim.version == event.version else state


# --- reporting -----------------------------------------------------------------------------------------------------
def reporting_is_known(state: Relationship, event: e.ReportingAgreed, context: Context) -> bool:
    """Whether exactly this is agreed and the actor's word adds nothing: it is there already, or is not asked for."""
    agreed = state.reporting.get(event.with_whom)
    if agreed is None or agreed.outputs != frozenset(event.outputs) or agreed.every_days != event.every_days:
        return False
    with_word = agreed._replace(words=(*agreed.words, str(context.actor)))
    adds_nothing = state.awaited(with_word) == state.awaited(agreed)
    return adds_nothing and not lacks_mentees_word(state, agreed.versions[0], context.actor.role)


@implements("cmn.reporting")
def with_reporting(state: Relationship, event: e.ReportingAgreed, recorded: AnyRecorded) -> Relationship:
    """The state after reporting was agreed: with the same outputs one more word, with others the first word anew."""
    matter = f"reporting:{event.with_whom}"
    before, outputs = state.reporting.get(event.with_whom), frozenset(event.outputs)
    versions, words = (before.versions, before.words) if before and before.outputs == outputs else ((), ())
    agreed = Reporting(outputs, event.every_days, (*versions, recorded.version), (*words, recorded.actor))
    return state.put("agreements", recorded.version, matter).put("reporting", event.with_whom, agreed)
