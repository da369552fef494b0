"""Facts can be wrong: the parties contest them, and the office or their authors put them right, in the open.

This is the theme of ContestFact, AnswerContest and CorrectFact: who may, about which fact. What a correction does to the
facts after it is `corrections`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final, assert_never

from pydantic import ValidationError

from domain import form, ids, time_form
from domain.codes.implements import implements
from domain.ids import same_person
from domain.model import Actor, AnyRecorded, Command, Context, Event
from domain.problem import Malformed, Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.moves import passing_on_problem
from domain.relationship.state import Contest, Relationship
from domain.words import OFFICE, Role

# The facts that can be corrected, each with the command that states it. Everything else has a command of its own.
CORRECTABLE: Final[Mapping[type[Event], type[Command]]] = {
    e.SessionCompleted: c.CompleteSession,
    e.SessionMissed: c.RecordNoShow,
    e.SessionCancelled: c.CancelSession,
    e.SessionRescheduled: c.RescheduleSession,
    e.PresessionCheckRecorded: c.RecordPresessionCheck,
    e.HomeworkReported: c.ReportHomework,
    e.ContactRecorded: c.RecordContact,
    e.GoalProgressRecorded: c.RecordGoalProgress,
    e.GoalAgreed: c.AgreeGoal,
    e.GoalRevised: c.ReviseGoal,
    e.ContractingConversationRecorded: c.RecordContractingConversation,
    e.PlanAgreed: c.AgreePlan,
    e.SessionNoteRecorded: c.RecordSessionNote,
    e.ConflictOfInterestDeclared: c.DeclareConflictOfInterest,
    e.AssessmentRecorded: c.RecordAssessment,
    e.NpsResponded: c.RespondToNps,
}
# A move is corrected only in why it came about; to where it led is told by the next move.
_OF_A_MOVE: Final = frozenset({"cause", "on_behalf_of"})
_FIXED_IN_A_MOVE: Final = tuple(name for name in c.RescheduleSession.model_fields if name not in _OF_A_MOVE)


# --- problems ------------------------------------------------------------------------------------------------------
@implements("care.contested")
def correction_problems(state: Relationship, command: c.CorrectionCommand, context: Context) -> Iterator[Problem]:
    """The fact must be on record and, to be corrected, of a kind that can be; nobody settles their own contest."""
    if command.version > state.version:
        message = f"there is no event {command.version}: the last event of this relationship is version {state.version}"
        yield Problem("unknown_fact", message, field="data.version")
        return
    match command:
        case c.ContestFact():
            pass
        case c.AnswerContest():
            yield from _answer_problems(state, command, context)
        case c.CorrectFact():
            yield from _correct_problems(state, command, context)
        case _:
            assert_never(command)


def _answer_problems(state: Relationship, command: c.AnswerContest, context: Context) -> Iterator[Problem]:
    contest = state.contests.get(command.version)
    if contest is None:
        open_ones = ", ".join(map(str, state.contests)) or "none"
        message = f"event {command.version} is no open contest; open are {open_ones}"
        yield Problem("nothing_open", message, field="data.version")
    elif same_person(contest.by, context.actor):
        yield _own_contest(command.version)


def _own_contest(version: int) -> Problem:
    message = (
        f"whoever contested a fact does not settle the contest ({version}): leave it to somebody else of the office"
    )
    return Problem("own_matter", message, "care.contested", "actor")


def _correct_problems(state: Relationship, command: c.CorrectFact, context: Context) -> Iterator[Problem]:
    group = group_of(context.history(), command.version)
    if not group:
        yield Problem("unknown_fact", f"there is no event {command.version}", field="data.version")
        return
    fact = group[0]
    for version, contest in _settled(state, group).items():
        if same_person(contest.by, context.actor):
            yield _own_contest(version)
    if isinstance(fact.data, e.NpsResponded) and str(context.actor) != fact.actor:
        message = "an answer is voided by the respondent alone, not by the office: ask the respondent"
        yield Problem("role", message, field="actor")
    elif context.actor.role not in OFFICE and str(context.actor) != fact.actor:
        role = Actor.parse(fact.actor).role
        message = f"a fact is corrected by the {role} who stated it, a coordinator or a supplier; contest it instead"
        yield Problem("role", message, field="actor")
    if fact.version != command.version:
        message = f"event {command.version} came with event {fact.version}: correct that one"
        yield Problem("not_correctable", message, field="data.version")
    elif (kind := CORRECTABLE.get(type(fact.data))) is None:
        message = f"{type(fact.data).__name__} is not corrected: tell what holds now by the command for it"
        yield Problem("not_correctable", message, field="data.version")
    else:
        yield from _content_problems(fact.data, command)
        if command.data is not None and not isinstance(fact.data, e.NpsResponded):
            _refuse_malformed(kind, command.data, Actor.parse(fact.actor).role)


def _content_problems(fact: Event, command: c.CorrectFact) -> Iterator[Problem]:
    """What is wrong with that which the fact is to be."""
    if isinstance(fact, e.NpsResponded) and command.data is not None:
        message = "an answer is not put into other words: void it, and answer again"
        yield Problem("not_correctable", message, field="data.data")
    elif isinstance(fact, e.SessionRescheduled) and command.data is None:
        message = "a move is corrected in its cause and on_behalf_of only: move the session again"
        yield Problem("not_correctable", message, field="data.void")
    elif isinstance(fact, e.SessionRescheduled) and command.data is not None:
        with suppress(ValidationError):
            yield from _move_problems(fact, stated_by(c.RescheduleSession, command.data))


def _move_problems(fact: e.SessionRescheduled, stated: Command) -> Iterator[Problem]:
    for name in _FIXED_IN_A_MOVE:
        before, after = getattr(fact, name), getattr(stated, name)
        if before != after and not (name == "session_id" and before.lower() == after.lower()):
            message = "a move is corrected in its cause and on_behalf_of only: leave this as it was recorded"
            yield Problem("not_correctable", message, field=f"data.data.{name}")


def _refuse_malformed(kind: type[Command], data: Mapping[str, Any], role: Role) -> None:
    """Do nothing when the data has the form of the command that states the fact; `role` is that of whoever stated it.

    Raises:
        Malformed: it has not, by the same rules and in the same words as the data of any message.
    """
    found: list[Problem] = []
    try:
        stated = stated_by(kind, data)
    except ValidationError as error:
        found = form.problems(error, data, kind, _id_paths(kind))
    else:
        if isinstance(stated, c.RescheduleSession | c.CancelSession) and (
            problem := passing_on_problem(role, stated.on_behalf_of)
        ):
            found = [problem]
    if malformed := form.each_once(time_form.problems(dict(data), _dated(kind)), found):
        raise Malformed([problem._replace(field=_within(problem.field)) for problem in malformed])


def _within(path: str | None) -> str:
    """The path of a field of the fact's data in the message of the correction."""
    return f"data.data.{path.removeprefix('data.')}" if path else "data.data"


_dated: Final = cache(time_form.places)
_id_paths: Final = cache(ids.paths)


def stated_by(kind: type[Command], data: Mapping[str, Any]) -> Command:
    """The command that states a fact with this data.

    Raises:
        ValidationError: the data is not that of such a command.
    """
    written = json.dumps(data)
    try:
        return kind.model_validate_json(written)
    except ValidationError:
        # As in every message, 9.0 is a whole number.
        if (plain := json.dumps(form.with_plain_numbers(data))) == written:
            raise
        return kind.model_validate_json(plain)


# --- the record ----------------------------------------------------------------------------------------------------
def group_of(history: Sequence[AnyRecorded], version: int) -> list[AnyRecorded]:
    """What the message recorded that recorded the event of this version: the first is the fact, the rest came with it."""
    return next((group for group in groups(history) if any(recorded.version == version for recorded in group)), [])


def groups(history: Iterable[AnyRecorded]) -> Iterator[list[AnyRecorded]]:
    """What each message recorded, in order."""
    group: list[AnyRecorded] = []
    for recorded in history:
        if group and not _is_same_message(group[0], recorded):
            yield group
            group = []
        group.append(recorded)
    if group:
        yield group


def _settled(state: Relationship, group: Sequence[AnyRecorded]) -> dict[int, Contest]:
    """The open contests that a correction of a fact settles: of the fact, and of what came with it."""
    versions = {recorded.version for recorded in group}
    return {version: contest for version, contest in state.contests.items() if contest.fact in versions}


def _is_same_message(one: AnyRecorded, other: AnyRecorded) -> bool:
    return bool(one.message_id) and (one.source, one.message_id) == (other.source, other.message_id)


# --- events --------------------------------------------------------------------------------------------------------
def correction_events(
    state: Relationship, command: c.CorrectionCommand, context: Context
) -> Sequence[e.CorrectionEvent]:
    """The event of a contest, an answer or a correction; a contest that is open already gives none."""
    match command:
        case c.ContestFact():
            again = any(
                contest.fact == command.version and same_person(contest.by, context.actor)
                for contest in state.contests.values()
            )
            return [] if again else [e.FactContested(version=command.version, reason=command.reason)]
        case c.AnswerContest():
            return [e.ContestAnswered(version=command.version, answer=command.answer)]
        case c.CorrectFact():
            return _correction_events(state, command, context)
        case _:
            assert_never(command)


def _correction_events(
    state: Relationship, command: c.CorrectFact, context: Context
) -> list[e.FactCorrected | e.ContestAnswered]:
    """The correction, which settles the contests of its fact, and an answer to those of what came with the fact."""
    group = group_of(context.history(), command.version)
    corrected = e.FactCorrected(
        version=command.version,
        reason=command.reason,
        fact=type(group[0].data).__name__,
        data=command.data,
        void=True if command.void else None,
    )
    answer = f"event {command.version}, with which it came, was corrected"
    others = [version for version, contest in _settled(state, group).items() if contest.fact != command.version]
    return [corrected, *(e.ContestAnswered(version=version, answer=answer) for version in others)]


# --- the fold ------------------------------------------------------------------------------------------------------
def fold_correction(state: Relationship, event: e.CorrectionEvent, recorded: AnyRecorded) -> Relationship:
    """The contests that are open, and the facts that were corrected.

    What a correction does to everything else comes from folding the effective history (`corrections.effective`).
    """
    match event:
        case e.FactContested():
            return state.put("contests", recorded.version, Contest(event.version, recorded.actor))
        case e.ContestAnswered():
            return state.but(contests={key: each for key, each in state.contests.items() if key != event.version})
        case e.FactCorrected():
            contests = {key: each for key, each in state.contests.items() if each.fact != event.version}
            return state.but(contests=contests).put("corrected", event.version, recorded.version)
        case _:
            assert_never(event)
