"""Safeguarding: a confidence disclosed under an exception goes to its recipient, at once, and nowhere else.

The notification names the relationship and the event; the content stays in the record,
readable by the recipient alone. HR hears of an offence against law or policy where the organisation's code says so, and
hears only that there was one. The coordinator reviews a disclosure that an adopted code would not permit.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.ids import same_person
from domain.model import Actor, AnyRecorded, events_of
from domain.relationship.events import ConfidenceDisclosed, RelationshipReviewed
from domain.relationship.reviews import is_about
from workers.model import NOTHING, CloseTask, Given, Notify, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, HR, because, decide_by, notify, tidy

# The exceptions of the organisation's code: offences against its policies and against the law.
OFFENCES: Final = ("policy_breach", "illegal_activity")


Heard = ConfidenceDisclosed | RelationshipReviewed


class Safeguarding(State):
    """The disclosures that wait for a review: the version of each, and who made it."""

    waiting: tuple[tuple[int, str], ...] = ()


def _react(state: Safeguarding, recorded: AnyRecorded, given: Given) -> tuple[Safeguarding, Reaction]:
    event: Heard = recorded.data
    match event:
        case ConfidenceDisclosed():
            reaction = _to_recipient(event, recorded.version, given) + _to_hr(event, recorded.version, given)
            if review := _review(recorded, given):
                state = state.but(waiting=(*state.waiting, (recorded.version, recorded.actor)))
            return state, reaction + review
        case RelationshipReviewed():
            # Who disclosed it does not settle it, even by a look at the relationship as a whole.
            reviewer = Actor.parse(recorded.actor)
            seen = [each for each in state.waiting if is_about(event, each[:1]) and not same_person(each[1], reviewer)]
            closed = tidy(*(CloseTask(f"disclosure:{version}") for version, _ in seen))
            return state.but(waiting=tuple(each for each in state.waiting if each not in seen)), closed
        case _:
            assert_never(event)


@implements("nottingham.confidentiality", "care.disclosure")
def _to_recipient(event: ConfidenceDisclosed, version: int, given: Given) -> Reaction:
    note = Notify(event.recipient, "disclosure", {"version": version}, alone=True)
    clauses = dict.fromkeys((*event.clauses, *given.cite("care.disclosure")))
    return (because(tuple(clauses), (version,), note),)


@implements("cmn.disclosure")
def _to_hr(event: ConfidenceDisclosed, version: int, given: Given) -> Reaction:
    """The organisation's code escalates an offence; someone in HR who received the disclosure is not notified twice."""
    clauses = given.cite("cmn.disclosure")
    if not clauses or event.exception not in OFFENCES or event.recipient.startswith(f"{HR}:"):
        return NOTHING
    return (because(clauses, (version,), *notify((HR,), "hr_escalation", version=version)),)


@implements("care.disclosure")
def _review(recorded: AnyRecorded, given: Given) -> Reaction:
    """What an adopted code forbids is recorded with a finding, and the coordinator looks at it."""
    forbidding = dict.fromkeys(found.clause for found in recorded.findings or () if found.clause is not None)
    if not forbidding:
        return NOTHING
    due = decide_by(given)
    task = OpenTask(f"disclosure:{recorded.version}", "disclosure_review", ("ReviewRelationship",), due=due)
    notices = notify((COORDINATOR,), "disclosure_review", of=task.id, version=recorded.version)
    clauses = (*forbidding, *given.cite("care.disclosure"))
    return (because(clauses, (recorded.version,), task, *notices, terms=("decision_days",)),)


SAFEGUARDING: Final = Worker(name="safeguarding", state=Safeguarding, listens=events_of(Heard), react=_react)
