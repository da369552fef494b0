"""What is agreed in a relationship, as its events say it: plan, confidentiality, reporting, consents, conflicts, documents.

The state keeps of agreements what the rules ask for, often a hash alone. People who look at a relationship want to read
the agreement itself, so it is taken from the events here. Free words (descriptions, mitigations) are left out.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, assert_never

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.relationship.state import Relationship

Shown = dict[str, Any]
Heard = (
    e.PlanAgreed
    | e.ConfidentialityAgreed
    | e.ReportingAgreed
    | e.ConsentGranted
    | e.ConsentWithdrawn
    | e.PartyChanged
    | e.TermsAccepted
    | e.TermsDeclined
    | e.ContractingConversationRecorded
)


def agreements(state: Relationship, events: Iterable[AnyRecorded], day: date) -> Shown:
    """The agreements in force on a day of the programme, from the events that count.

    Each names the version of its event, which is what a party confirms or contests, and says how it stands: `agreed`,
    `claimed` (one side's word, the other's is awaited) or `contested`.
    """
    plan: Shown | None = None
    confidentiality: Shown | None = None
    reporting: dict[str, Shown] = {}
    consents: dict[tuple[str, str, str], Shown] = {}
    documents: dict[tuple[str, str], Shown] = {}
    conversations: list[Shown] = []
    for recorded in events:
        event = recorded.data
        if not isinstance(event, Heard):
            continue
        of = _of(state, recorded)
        match event:
            case e.PlanAgreed():
                plan = of | event.model_dump()
            case e.ConfidentialityAgreed():
                confidentiality = of | event.model_dump()
            case e.ReportingAgreed():
                reporting[event.with_whom] = of | event.model_dump()
            case e.ConsentGranted():
                until = event.until
                consents[recorded.role, event.data_class, event.audience] = {
                    "version": recorded.version,
                    "by": recorded.role,
                    "data_class": event.data_class,
                    "audience": event.audience,
                    "until": until,
                }
            case e.ConsentWithdrawn():
                consents.pop((recorded.role, event.data_class, event.audience), None)
            case e.PartyChanged():
                consents = {key: one for key, one in consents.items() if key[0] != event.role}
            case e.TermsAccepted() | e.TermsDeclined():
                documents[recorded.role, event.document] = {
                    "version": recorded.version,
                    "by": recorded.role,
                    "document": event.document,
                    # Words: with those that are shown of a subject (`subject_words`).
                    "document_version": None,
                    "accepted": isinstance(event, e.TermsAccepted),
                }
            case e.ContractingConversationRecorded():
                conversations.append(of | {"held_at": event.held_at, "covered": list(event.covered)})
            case _:
                assert_never(event)
    return {
        "plan": plan,
        "confidentiality": confidentiality,
        "reporting": [_reporting(state, agreed) for agreed in reporting.values()],
        "consents": [one for one in consents.values() if one["until"] is None or one["until"] >= day],
        "conflicts": [conflict._asdict() for conflict in state.conflicts],
        "accepted_terms": [one for one in documents.values() if one["accepted"]],
        "declined_terms": [one for one in documents.values() if not one["accepted"]],
        "contracting": conversations,
    }


def _of(state: Relationship, recorded: AnyRecorded) -> Shown:
    return {"version": recorded.version, "by": recorded.role, "status": _status(state, (recorded.version,))}


def _status(state: Relationship, versions: tuple[int, ...]) -> str:
    if set(versions) & set(state.contested):
        return "contested"
    return "claimed" if any(claim.version in versions for claim in state.claims) else "agreed"


def _reporting(state: Relationship, agreed: Shown) -> Shown:
    """Reporting may have been agreed in several events: it stands as they do together."""
    known = state.reporting.get(agreed["with_whom"])
    if known is None:
        return agreed
    return agreed | {"status": _status(state, known.versions), "words": list(known.words)}
