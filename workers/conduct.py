"""Conduct: a breach becomes a case, the case is reviewed in time, and work past the platform is put on record.

Keys are relationships and cases. A case names the relationship and the event, never what was reported; who may read that
finds it there. What a decision means for the mentor is the standing worker's business.
"""

from datetime import datetime
from typing import Final, assert_never

from domain.calendar import working_day_deadline
from domain.case.commands import CASE_OF_EVENT, OpenCase
from domain.case.decide import CLAUSES
from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseOpened
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import CaseKind, Role
from workers.ground import Case, Ground
from workers.model import NOTHING, Arm, CloseTask, Deadline, Given, OpenTask, Over, Reaction, Send, State, Worker
from workers.reactions import COORDINATOR, HR, because, notify, tidy

REVIEW: Final = "review"
ESCALATE: Final = "escalate"


Heard = (
    e.BreachReported | e.SessionScheduled | e.SessionCancelled | CaseOpened | CaseEscalated | CaseDecided | CaseClosed
)


class Conduct(State):
    """For a relationship: the open case about work past the platform, and the sessions it is about."""

    case: str | None = None
    unpaid: tuple[str, ...] = ()


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    fact = ground.fact(recorded.subject)
    if isinstance(fact, Case) and fact.relationship_id and ground.relation(fact.relationship_id):
        return recorded.subject, fact.relationship_id
    return (recorded.subject,)


def case_for(recorded: AnyRecorded) -> str:
    """The subject of the case that an event opens: the same event always opens the same case."""
    return f"{CASE_OF_EVENT}{recorded.subject}.{recorded.version}"


def _react(state: Conduct, recorded: AnyRecorded, given: Given) -> tuple[Conduct, Reaction]:
    event: Heard = recorded.data
    match event:
        case CaseOpened() | CaseEscalated() | CaseDecided() | CaseClosed():
            return _of_case(state, recorded, given)
        case e.BreachReported():
            return state, _breach(recorded, given)
        case e.SessionScheduled(channel=channel) if channel != "platform":
            return _off_platform(state, recorded, given)
        case e.SessionCancelled(session_id=session_id) if session_id in state.unpaid:
            unpaid = tuple(session for session in state.unpaid if session != session_id)
            return state.but(unpaid=unpaid), tidy(CloseTask(f"unpaid:{session_id}"))
        case e.SessionScheduled() | e.SessionCancelled():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("cmn.breaches", "cmn.policy-breach", "care.breach")
def _breach(recorded: AnyRecorded, given: Given) -> Reaction:
    """A breach of any kind opens a case, no matter who reports it or whom it is about; one of another policy goes to HR as such."""
    event: e.BreachReported = recorded.data
    clauses = given.cite(*CLAUSES[event.kind])
    # HR hears of a case when it is open; of a breach of another policy at once.
    notices = notify((HR,), "policy_breach", version=recorded.version) if event.kind == "policy" else ()
    return (because(clauses, (recorded.version,), *_case(recorded, event.kind, event.against, given), *notices),)


def _case(recorded: AnyRecorded, kind: CaseKind, against: Role, given: Given) -> tuple[Send, ...]:
    """Open a case about the person in a role, or about the role where the relationship names nobody for it."""
    if given.relation is None:
        return ()
    where = f"Relationship {recorded.subject}, event {recorded.version}."
    command = OpenCase(
        about=given.relation.person(against) or against,
        relationship_id=recorded.subject,
        kind=kind,
        description=where,
    )
    return (Send(case_for(recorded), command, "case"),)


@implements("mentor247.on-platform")
def _off_platform(state: Conduct, recorded: AnyRecorded, given: Given) -> tuple[Conduct, Reaction]:
    """A session arranged past the platform may go unpaid, and the mentor's place is reviewed: one case at a time."""
    clauses = given.cite("mentor247.on-platform")
    if not clauses or given.relation is None:
        return state, NOTHING
    session_id = recorded.data.session_id
    task = OpenTask(f"unpaid:{session_id}", "unpaid_at_risk", ("DecideCase", "CancelSession"), about=session_id)
    notices = notify((given.relation.mentor, COORDINATOR), "off_platform", of=task.id, session_id=session_id)
    sent = () if state.case else _case(recorded, "off_platform", "mentor", given)
    state = state.but(case=state.case or case_for(recorded), unpaid=(*state.unpaid, session_id))
    return state, (because(clauses, (recorded.version,), task, *sent, *notices),)


def _of_case(state: Conduct, recorded: AnyRecorded, given: Given) -> tuple[Conduct, Reaction]:
    event, done = recorded.data, isinstance(recorded.data, CaseDecided | CaseClosed)
    if given.key != recorded.subject:
        if not done or state.case != recorded.subject:
            return state, NOTHING
        return Conduct(), tidy(*(CloseTask(f"unpaid:{session}") for session in state.unpaid))
    if isinstance(event, CaseOpened):
        return state, _watch(event, recorded.version, given)
    return state, tidy(Over()) if done else tidy(CloseTask(ESCALATE))


@implements("cmn.breaches", "cmn.policy-breach", "care.breach")
def _watch(event: CaseOpened, version: int, given: Given) -> Reaction:
    """The review has its working days in the programme's time zone; a matter of another policy is handed on besides."""
    clauses = given.cite(*CLAUSES[event.kind])
    notices = notify(_office(given), "case_opened", of=REVIEW, kind=event.kind)
    due = _review_by(given)
    task = OpenTask(REVIEW, "case_review", ("DecideCase", "CloseCase"), due=due, about=event.about, owner=HR)
    opened = because(clauses, (version,), task, Arm(REVIEW, due), *notices, terms=("review_working_days",))
    if event.kind != "policy":
        return (opened,)
    handed_on = OpenTask(ESCALATE, "case_escalation", ("EscalateCase", "CloseCase"), owner=HR)
    return (opened, because(clauses, (version,), handed_on))


def _review_by(given: Given) -> datetime:
    return working_day_deadline(given.at, int(given.term("review_working_days")), given.programme.timezone)


def _office(given: Given) -> tuple[str, ...]:
    """Who looks into cases: HR where the organisation's code holds, else the coordinator; nobody else may know of one (decision 0041)."""
    if given.relation is None or "cmn" in given.relation.codes:
        return (HR,)
    return (COORDINATOR,)


@implements("cmn.breaches")
def _due(state: Conduct, deadline: Deadline, given: Given) -> tuple[Conduct, Reaction]:
    """The working days are over and the case is not decided."""
    notices = notify(dict.fromkeys((*_office(given), COORDINATOR)), "case_review_overdue", of=REVIEW)
    return state, (because(deadline.clauses, deadline.evidence, *notices, terms=("review_working_days",)),)


CONDUCT: Final = Worker(
    name="conduct",
    state=Conduct,
    listens=events_of(Heard),
    react=_react,
    due=_due,
    keys=_keys,
)
