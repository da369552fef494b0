"""Contested facts: each is a task until the office has corrected it or answered the contest."""

from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.words import OFFICE
from workers.model import NOTHING, CloseTask, Given, OpenTask, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

Heard = e.FactContested | e.ContestAnswered | e.FactCorrected


class Contests(State):
    """The open contests: the version of each, and that of the fact it is about."""

    open: tuple[tuple[int, int], ...] = ()


@implements("care.contested")
def _react(state: Contests, recorded: AnyRecorded, given: Given) -> tuple[Contests, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.FactContested():
            due = decide_by(given)
            task = OpenTask(
                f"contested:{recorded.version}",
                "contested",
                ("CorrectFact", "AnswerContest"),
                due=due,
                about=str(event.version),
            )
            notices = notify((COORDINATOR,), "contested", of=task.id, version=event.version)
            state = state.but(open=(*state.open, (recorded.version, event.version)))
            evidence = recorded.version, event.version
            return state, (because(given.cite("care.contested"), evidence, task, *notices, terms=("decision_days",)),)
        case e.ContestAnswered():
            return _settled(state, {contest for contest, _ in state.open if contest == event.version})
        case e.FactCorrected():
            # The correction of an author settles nothing: the office still looks at the contest.
            contests = {contest for contest, fact in state.open if fact == event.version}
            return _settled(state, contests) if recorded.role in OFFICE else (state, NOTHING)
        case _:
            assert_never(event)


def _settled(state: Contests, contests: set[int]) -> tuple[Contests, Reaction]:
    rest = tuple(each for each in state.open if each[0] not in contests)
    return state.but(open=rest), tidy(*(CloseTask(f"contested:{contest}") for contest in sorted(contests)))


CONTESTS: Final = Worker(name="contests", state=Contests, listens=events_of(Heard), react=_react)
