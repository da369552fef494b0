"""Facts can be wrong: the parties contest them, and the office or their authors put them right, in the open.

This is the theme of ContestFact, AnswerContest and CorrectFact: who may, about which fact. What a correction does to the
facts after it is `corrections`.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, assert_never

from pydantic import ValidationError

from domain import time_form
from domain.codes.implements import implements
from domain.ids import expected as expected_of
from domain.ids import paths, same_person
from domain.model import Actor, AnyRecorded, Command, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import Contest, Relationship
from domain.words import OFFICE

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
        yield from _content_problems(fact.data, kind, command)


def _content_problems(fact: Event, kind: type[Command], command: c.CorrectFact) -> Iterator[Problem]:
    """What is wrong with that which the fact is to be."""
    if isinstance(fact, e.NpsResponded) and command.data is not None:
        message = "an answer is not put into other words: void it, and answer again"
        yield Problem("not_correctable", message, field="data.data")
    elif isinstance(fact, e.SessionRescheduled) and command.data is None:
        message = "a move is corrected in its cause and on_behalf_of only: move the session again"
        yield Problem("not_correctable", message, field="data.void")
    elif command.data is not None:
        times = [_within(problem) for problem in time_form.problems(command.data, time_form.places(kind))]
        yield from times
        try:
            stated = stated_by(kind, command.data)
        except ValidationError as error:
            dated = {problem.field for problem in times}
            yield from (problem for problem in _form_problems(error, kind) if problem.field not in dated)
            return
        if isinstance(stated, c.RescheduleSession):
            yield from _move_problems(fact, stated)


def _move_problems(fact: Event, stated: c.RescheduleSession) -> Iterator[Problem]:
    for name in _FIXED_IN_A_MOVE:
        before, after = getattr(fact, name), getattr(stated, name)
        if before != after and not (name == "session_id" and before.lower() == after.lower()):
            message = "a move is corrected in its cause and on_behalf_of only: leave this as it was recorded"
            yield Problem("not_correctable", message, field=f"data.data.{name}")


def _within(problem: Problem) -> Problem:
    """A problem of the fact's data, by its path in the message of the correction."""
    return problem._replace(field=f"data.data.{problem.field}")


def stated_by(kind: type[Command], data: Mapping[str, Any]) -> Command:
    """The command that states a fact with this data.

    Raises:
        ValidationError: the data is not that of such a command.
    """
    return kind.model_validate_json(json.dumps(data))


def _form_problems(error: ValidationError, kind: type[Command]) -> Iterator[Problem]:
    ids = paths(kind)
    for found in error.errors(include_url=False, include_context=False):
        code, expected = _in_words(found["type"], found["msg"], kind)
        path = ["data", "data", *(str(part) for part in found["loc"])]
        namespace = ids.get(".".join(part for part in path[2:] if not part.isdecimal()))
        if found["type"] == "string_pattern_mismatch" and namespace is not None:
            code, expected = "bad_id", expected_of(namespace, found["input"])
        if found["type"] == "value_error" and ": expected " in expected:
            # A model's own check names the field that it is about.
            name, _, expected = expected.partition(": ")
            path.append(name)
        yield Problem(code, expected, field=".".join(path))


def _in_words(found: str, message: str, kind: type[Command]) -> tuple[str, str]:
    match found:
        case "bad_id":
            return "bad_id", message
        case "missing":
            return "missing", "expected a value, found none: give the whole data of the fact"
        case "extra_forbidden":
            return "unknown_field", f"expected no such field, only {', '.join(kind.model_fields)}"
        case _:
            words = message.removeprefix("Value error, ")
            return "bad_value", words.replace("Input should be ", "expected ").replace("Input should ", "expected to ")


# --- the record ----------------------------------------------------------------------------------------------------
def group_of(history: Sequence[AnyRecorded], version: int) -> list[AnyRecorded]:
    """What the message recorded that recorded the event of this version: the first is the fact, the rest came with it."""
    place = bisect_left(history, version, key=lambda recorded: recorded.version)
    if place == len(history) or history[place].version != version:
        return []
    fact = history[place]
    start, end = place, place + 1
    while start and is_same_message(history[start - 1], fact):
        start -= 1
    while end < len(history) and is_same_message(fact, history[end]):
        end += 1
    return list(history[start:end])


def groups(history: Iterable[AnyRecorded]) -> Iterator[list[AnyRecorded]]:
    """What each message recorded, in order."""
    group: list[AnyRecorded] = []
    for recorded in history:
        if group and not is_same_message(group[0], recorded):
            yield group
            group = []
        group.append(recorded)
    if group:
        yield group


def _settled(state: Relationship, group: Sequence[AnyRecorded]) -> dict[int, Contest]:
    """The open contests that a correction of a fact settles: of the fact, and of what came with it."""
    versions = {recorded.version for recorded in group}
    return {version: contest for version, contest in state.contests.items() if contest.fact in versions}


def is_same_message(one: AnyRecorded, other: AnyRecorded) -> bool:
    """Whether one message recorded both."""
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
