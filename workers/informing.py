"""The office informs a party who was not informed of an ending."""

from typing import Final, assert_never

from domain.calendar import working_day_deadline
from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import OFFICE, PARTIES, Party, Role
from workers.model import NOTHING, CloseTask, Given, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, notify, tidy

_TELLING: Final[tuple[Role, ...]] = (*OFFICE, "hr")
WORKING_DAYS: Final = 1

Heard = e.RelationshipTerminated | e.ContactRecorded


class Informing(State):
    """The parties who were not informed yet."""

    waiting: tuple[Party, ...] = ()


def _react(state: Informing, recorded: AnyRecorded, given: Given) -> tuple[Informing, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.RelationshipTerminated():
            return _ended(event, recorded, given)
        case e.ContactRecorded() if state.waiting and recorded.role in _TELLING:
            informed = [party for party in state.waiting if party in event.between]
            rest = tuple(party for party in state.waiting if party not in informed)
            return state.but(waiting=rest), tidy(*(CloseTask(f"inform:{party}") for party in informed))
        case e.ContactRecorded():
            return state, NOTHING
        case _:
            assert_never(event)


@implements("cmn.pause-or-stop", "care.informed")
def _ended(event: e.RelationshipTerminated, recorded: AnyRecorded, given: Given) -> tuple[Informing, Reaction]:
    """One task for each party who does not know; the one who ended it does."""
    waiting = tuple(party for party in PARTIES if party not in event.informed and party != recorded.role)
    clauses = given.cite("cmn.pause-or-stop", "care.informed")
    due = working_day_deadline(given.at, WORKING_DAYS, given.programme.timezone)
    reaction: Reaction = NOTHING
    for party in waiting:
        task = OpenTask(f"inform:{party}", "inform_party", ("RecordContact",), due=due, about=party)
        notices = notify((COORDINATOR,), "inform_party", of=task.id, party=party)
        reaction += (because(clauses, (recorded.version,), task, *notices),)
    return Informing(waiting=waiting), reaction


INFORMING: Final = Worker(name="informing", state=Informing, listens=events_of(Heard), react=_react)
