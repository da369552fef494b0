"""Events that the rules would have refused, or that say something else than the rules make of their message: each is found.

The forger rewrites chain, receipts and tree, so that all of it fits. What is left to betray them is that the decision is taken again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import pytest

from domain.model import Finding, Known
from domain.registry import COMMAND_OF, EVENTS
from infra.intake.receipt import Attempt, Receipt
from infra.store.hash_chain import NO_HASH
from infra.store.mapper import RapportMapper
from infra.store.session import StoreSession
from tests.given_when_then import day
from tests.infra.evidence.test_tampering import ID, Record, rechain, record, replant, verdicts

pytestmark = pytest.mark.xdist_group("tampering")
__all__ = ["record"]
Forgery = Callable[[StoreSession, RapportMapper], None]
LAST: Final = day(61)
NOTHING: Final[Mapping[str, Any]] = {}


def forged(
    name: str,
    data: Mapping[str, Any] = NOTHING,
    actor: str = "coordinator:cora",
    about: str = ID,
    *,
    id_: str = "forged",
    source: str = "/tests",
    at: datetime = LAST,
    told: bool = True,
    change: Callable[[bytes], bytes] = lambda state: state,
    **envelope: Any,
) -> Forgery:
    """An event at the end of the log, encoded as all are, with its receipt unless it came with the one before.

    `change` changes the stored bytes before they are hashed.
    """

    def forge(session: StoreSession, mapper: RapportMapper) -> None:
        [(last,)] = session.query(
            "SELECT COALESCE(MAX(originator_version), 0) FROM stored_events WHERE originator_id = ?", (about,)
        )
        [(position, leaf)] = session.query("SELECT MAX(position), (SELECT size FROM tree_frontier) FROM stored_events")
        recorded = {"recorded_at": at} | envelope
        event = mapper.envelopes[EVENTS[name]].model_validate_json(
            orjson.dumps(
                {"subject": about, "version": last + 1, "occurred_at": at, "actor": actor, "source": source}
                | {"message_id": id_, "data": data} | recorded,
                default=lambda value: value.model_dump(mode="json"),
            )
        )  # fmt: skip
        topic, state = mapper.encode(event)
        session.insert(
            "stored_events",
            ("position", "originator_id", "originator_version", "topic", "state", "hash", "leaf"),
            [(position + 1, about, last + 1, topic, change(state), NO_HASH, leaf)],
        )
        if told:
            first = 2 if id_ == "two" else 1
            events = tuple((name, last + 2 - number) for number in range(first, 0, -1))
            receipt = Receipt(source, id_, about, "accepted", events).kept(Attempt(at, at, actor, COMMAND_OF[name]))
            session.insert(
                "receipts",
                ("leaf", "position", "source", "message_id", "fingerprint", "answer"),
                [(leaf + 1, position + 1, source, id_, b"x" * 16, receipt)],
            )
        session.execute("UPDATE tree_frontier SET size = ?", (leaf + 2,))

    return forge


def after(*steps: Forgery) -> Forgery:
    """One after the other."""

    def forge(session: StoreSession, mapper: RapportMapper) -> None:
        for step in steps:
            step(session, mapper)

    return forge


def contact(actor: str = "mentee:ana", **others: Any) -> Forgery:
    return forged("ContactRecorded", {"channel": "email", "between": ["mentee", "mentor"]}, actor, **others)


GOAL: Final = {
    "goal_id": "g", "title": "Speak up", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]
}  # fmt: skip
PLAN: Final = {
    "sessions": 6, "minutes": 60, "every_days": 14, "starts_on": "2026-04-01", "ends_on": "2026-09-01", "channel": "platform"
}  # fmt: skip
SESSION: Final = {"session_id": "s", "starts_at": LAST + timedelta(days=9), "channel": "platform", "minutes": 60}
CASE: Final = {"about": "hr:hanna", "kind": "code", "description": "Shouting"}
# By what a stranger would call it: the forgery, and a word of what the audit says of it.
FORGERIES: Final[dict[str, tuple[Forgery, str]]] = {
    "a gate that was not met": (forged("RelationshipActivated"), "gate"),
    "a role that may not": (contact("hr:hanna"), "role"),
    "an auditor who acts": (contact("auditor:axel"), "role"),
    "a party whom the relationship does not name": (contact("mentee:eve"), "actor"),
    "a step that the chart does not know": (forged("RelationshipResumed", {"informed": []}), "state"),
    "an agreement of one alone": (forged("GoalAgreed", GOAL | {"agreed_by": ["mentee"]}), "goal"),
    "a second proposal": (
        forged("RelationshipProposed", {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "codes": {}}),
        "proposed already",
    ),
    "a proposal to oneself": (
        forged(
            "RelationshipProposed",
            {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ana", "codes": {}},
            about="5e1f0000-0000-4000-8000-000000000009",
        ),
        "same_person",
    ),
    "a proposal under another version of a code": (
        forged(
            "RelationshipProposed",
            {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "codes": {"cmn": "9"}},
            about="5e1f0000-0000-4000-8000-000000000009",
        ),
        "codes",
    ),
    "a channel that the codes rule out": (forged("PlanAgreed", PLAN | {"channel": "in_person"}), "nottingham.remote"),
    "a plan of no sessions": (forged("PlanAgreed", PLAN | {"sessions": 0}), "sessions"),
    "a goal that was never agreed": (
        forged("GoalProgressRecorded", {"goal_id": "none", "progress": "some"}, "mentee:ana"),
        "unknown_goal",
    ),
    "a goal that achieves itself": (forged("GoalAchieved", {"goal_id": "none"}, "mentee:ana"), "unknown_goal"),
    "a session that is unpaid on the platform": (forged("SessionScheduled", SESSION | {"unpaid_at_risk": True}), "unpaid_at_risk"),
    "a move that is called in time": (
        after(
            forged("SessionScheduled", SESSION, id_="s"),
            forged(
                "SessionRescheduled",
                {
                    "session_id": "s", "starts_at": LAST + timedelta(days=10), "reason": "Travel",
                    "previous_starts_at": LAST + timedelta(days=9), "notice_hours": 2.0, "late": False,
                },
                "mentee:ana",
            ),
        ),
        "notice_hours",
    ),
    "a move that a party passes on for another": (
        after(
            forged("SessionScheduled", SESSION, id_="s"),
            forged(
                "SessionRescheduled",
                {
                    "session_id": "s", "starts_at": LAST + timedelta(days=10), "reason": "Travel", "on_behalf_of": "mentor",
                    "previous_starts_at": LAST + timedelta(days=9), "notice_hours": 216.0, "late": False,
                },
                "mentee:ana",
            ),
        ),
        "on_behalf_of",
    ),
    "a finding that the rules do not make": (contact("mentor:ben", findings=[Finding(code="private_topic")]), "findings"),
    "a repetition that brings nothing new": (contact(), "nothing new"),
    "an event that its message does not record": (
        after(contact("mentor:ben", id_="two", told=False), contact("mentor:ben", id_="two")),
        "two",
    ),
    "news of the mentor that nobody recorded": (contact("mentor:ben", known=Known(mentor_standing="suspended")), "others"),
    "terms that the programme never set": (
        contact("mentor:ben", known=Known(terms=({"document": "privacy_policy", "term": "claim_days", "value": 1},))),  # type: ignore[arg-type]
        "others",
    ),
    "a fact from the future": (contact("mentor:ben", occurred_at=LAST + timedelta(hours=1)), "after it was recorded"),
    "a recorded time that goes back": (contact("mentor:ben", at=day(20)), "recorded"),
    "a correction by a stranger": (
        forged("FactCorrected", {"version": 2, "reason": "No", "fact": "ContactRecorded", "void": True}, "mentor:ben"),
        "role",
    ),
    "a correction of what can't be corrected": (
        forged("FactCorrected", {"version": 1, "reason": "No", "fact": "RelationshipProposed", "void": True}),
        "not_correctable",
    ),
    "an answer to no contest": (forged("ContestAnswered", {"version": 2, "answer": "Fine"}), "nothing_open"),
    "trust that the other party restored": (forged("TrustRestored", NOTHING, "mentor:ben"), "own_matter"),
    "an erasure that nobody asked for": (
        forged("PersonalDataErased", {"person": "ana", "request": 2}, "hr:hanna"),
        "no_request",
    ),
    "an erasure by the one who asked for it": (
        after(
            forged("ErasureRequested", {"person": "ana", "basis": "objection"}, "hr:hanna", about="person:ana", id_="r"),
            forged("PersonalDataErased", {"person": "ana", "request": 1}, "hr:hanna", about="person:ana"),
        ),
        "own_matter",
    ),
    "an end that a worker makes": (
        forged(
            "RelationshipTerminated",
            {"reason": "breach", "informed": ["mentee", "mentor"], "next_steps": "None"},
            "worker:conduct",
            source="/workers/conduct",
        ),
        "role",
    ),
    "a question that no worker asked": (
        forged(
            "NpsRequested",
            {"respondent": "mentee", "occasion": "mid"},
            "worker:feedback",
            source="/workers/feedback",
        ),
        "sent by no worker",
    ),
    "records secured before the end": (forged("RecordsSecured", {"retained_until": "2035-01-01"}), "state"),
    "a mentor who reinstates themselves": (
        after(
            forged("MentorSuspended", {"reason": "Review"}, "hr:hanna", about="mentor:cora", id_="s"),
            forged("MentorReinstated", NOTHING, about="mentor:cora"),
        ),
        "own_matter",
    ),
    "a mentor who suspends another": (
        forged("MentorSuspended", {"reason": "Review"}, "mentor:eve", about="mentor:ben"),
        "role",
    ),
    "training in the future": (
        forged("TrainingRecorded", {"course": "Basics", "completed_on": "2030-01-01"}, "hr:hanna", about="mentor:ben"),
        "in_future",
    ),
    "a case that decides about itself": (
        after(
            forged("CaseOpened", CASE, about="case:c", id_="c"),
            forged("CaseDecided", {"decision": "no_action", "reason": "Fine"}, "hr:hanna", about="case:c"),
        ),
        "own_matter",
    ),
    "a case of another programme": (
        forged("CaseOpened", CASE | {"relationship_id": ID, "programme_id": "autumn"}, about="case:c"),
        "programme_id",
    ),
    "a term that there is not": (
        forged(
            "TermSet",
            {"document": "master_agreement", "term": "no_such", "value": 1, "resolved": 1, "winner": "master_agreement"},
            about="programme:spring",
        ),
        "no_such",
    ),
    "a term that came to something else": (
        forged(
            "TermSet",
            {"document": "master_agreement", "term": "claim_days", "value": 3, "resolved": 9, "winner": "master_agreement"},
            about="programme:spring",
        ),
        "resolved",
    ),
    "an entry by another person": (
        forged("PersonRegistered", {"display_name": "Ana"}, "mentee:eve", about="person:ana"),
        "actor",
    ),
    "words in the clear": (
        forged("SuccessStoryRecorded", {"text": "Well done"}, "supplier:sam", change=lambda state: state.replace(
            state[state.index(b',"salt"'):], b',"salt":"AAAAAAAAAAAAAAAA"}').replace(b'"data":{}', b'"data":{"text":"Well done"}')),
        "clear",
    ),
    "words that their key does not open": (
        forged("SuccessStoryRecorded", {"text": "Well done"}, "supplier:sam", change=lambda state: state.replace(
            b'"box":"', b'"box":"AAAA')),
        "open",
    ),
    "an event without salt": (
        contact("mentor:ben", change=lambda state: state[:state.index(b',"salt"')] + b"}"),
        "salt",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", FORGERIES)
def test_what_the_rules_would_not_have_recorded_is_found(record: Record, way: str) -> None:
    forge, word = FORGERIES[way]

    def tamper(session: StoreSession) -> None:
        forge(session, record.rapport.store.mapper)
        rechain(session)
        replant(session)

    found, _ = verdicts(record, tamper)
    problems = [wrong.problem for wrong in found.problems]
    assert any(word in problem for problem in problems), problems


def test_what_the_rules_would_have_taken_is_no_forgery_to_them(record: Record) -> None:
    """It is left to the proofs of senders who sign their messages."""

    def tamper(session: StoreSession) -> None:
        contact("mentor:ben")(session, record.rapport.store.mapper)
        rechain(session)
        replant(session)

    found, _ = verdicts(record, tamper)
    assert [wrong for wrong in found.problems if wrong.subject == ID and "dataset" not in wrong.problem] == []
