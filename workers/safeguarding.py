"""Safeguarding: a confidence disclosed under an exception goes to its recipient, at once, and nowhere else.

The notification names the relationship and the event; the content stays in the record,
readable by the recipient alone. HR hears of an offence against law or policy where the organisation's code says so, and
hears only that there was one.
"""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship.events import ConfidenceDisclosed
from workers.model import NOTHING, Given, Notify, Reaction, State, Worker
from workers.reactions import HR, because, notify

# The exceptions of the organisation's code: offences against its policies and against the law.
OFFENCES: Final = ("policy_breach", "illegal_activity")


Heard = ConfidenceDisclosed


class Safeguarding(State):
    """Nothing is kept."""


def _react(state: Safeguarding, recorded: AnyRecorded, given: Given) -> tuple[Safeguarding, Reaction]:
    event: Heard = recorded.data
    match event:
        case ConfidenceDisclosed():
            return state, _to_recipient(event, recorded.version) + _to_hr(event, recorded.version, given)
        case _:
            assert_never(event)


@implements("nottingham.confidentiality")
def _to_recipient(event: ConfidenceDisclosed, version: int) -> Reaction:
    note = Notify(event.recipient, "disclosure", {"version": version}, alone=True)
    return (because(event.clauses, (version,), note),)


@implements("cmn.disclosure")
def _to_hr(event: ConfidenceDisclosed, version: int, given: Given) -> Reaction:
    """The organisation's code escalates an offence; someone in HR who received the disclosure is not notified twice."""
    clauses = given.cite("cmn.disclosure")
    if not clauses or event.exception not in OFFENCES or event.recipient.startswith(f"{HR}:"):
        return NOTHING
    return (because(clauses, (version,), *notify((HR,), "hr_escalation", version=version)),)


SAFEGUARDING: Final = Worker(name="safeguarding", state=Safeguarding, listens=events_of(Heard), react=_react)
