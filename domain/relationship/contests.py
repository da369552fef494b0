"""Facts can be wrong: the parties contest them, and the office or their authors put them right, in the open.

This is the theme of ContestFact, AnswerContest and CorrectFact: who may, about which fact. What a correction does to the
facts after it is `corrections`. The office alone settles a contest: an author who is no part of it corrects the fact, and the
contest stays open; once the office has corrected a fact, its author contests it instead.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final, assert_never

from pydantic import ValidationError

from domain import form, ids, time_form
from domain.codes.implements import implements
from domain.ids import same_person
from domain.model import Actor, AnyRecorded, Command, Context, Event, Finding
from domain.problem import Malformed, Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.accountability import concerned
from domain.relationship.guards import Attempt, topics_left_private
from domain.relationship.moves import passing_on_problem
from domain.relationship.settling import is_against
from domain.relationship.state import Contest, Relationship, no_event
from domain.words import COMPROMISING_NATURES, OFFICE, Role

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
_MOVED: Final = "only the cause and on_behalf_of of a move can be corrected: leave this as it was recorded"
# An id that a fact introduces, or of which it is one version among others, names the thing itself: that is no part of its words.
_NAMED: Final = (
    "this names what the fact is about: leave it as it was recorded, or void the fact and tell the right one"
)
# What each kind of fact keeps, whatever is corrected in it, and why.
_FIXED: Final[Mapping[type[Command], tuple[frozenset[str], str]]] = {
    c.RescheduleSession: (frozenset(c.RescheduleSession.model_fields) - _OF_A_MOVE, _MOVED),
    c.AgreeGoal: (frozenset({"goal_id"}), _NAMED),
    c.ReviseGoal: (frozenset({"goal_id"}), _NAMED),
    c.RecordAssessment: (frozenset({"assessment_id"}), _NAMED),
}
_COMPROMISING: Final = "nottingham.compromising"


# --- problems ------------------------------------------------------------------------------------------------------
@implements("care.contested")
def correction_problems(state: Relationship, command: c.CorrectionCommand, context: Context) -> Iterator[Problem]:
    """The fact must be on record and, to be corrected, of a kind that can be; nobody settles their own contest."""
    if command.version > state.version:
        yield Problem("unknown_fact", no_event(state, command.version), field="data.version")
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
        open_ones = f"answer one of {', '.join(map(str, state.contests))}" if state.contests else "none is open"
        message = f"event {command.version} is not an open contest: {open_ones}"
        yield Problem("nothing_open", message, field="data.version")
    elif same_person(contest.by, context.actor):
        yield _own_contest(command.version)
    else:
        yield from _own_fact(state, group_of(context.history(), contest.fact), context.actor)


def _own_contest(version: int) -> Problem:
    message = f"you contested this fact (event {version}): leave it to somebody else in the office to settle it"
    return _own(message)


def _own(message: str) -> Problem:
    return Problem("own_matter", message, "care.contested", "actor")


def _own_fact(state: Relationship, group: Sequence[AnyRecorded], actor: Actor) -> Iterator[Problem]:
    """The office's word on a fact is not that of a person who stated it as a party, or whom it is about."""
    for recorded in group:
        author = Actor.parse(recorded.actor)
        if author.role not in OFFICE and same_person(recorded.actor, actor):
            message = f"you stated this fact as {author.role.replace('_', ' ')}: leave it to somebody else in the office to settle it"
            yield _own(message)
            return
        about = (*concerned(recorded.data, recorded), *state.answers_for.get(recorded.version, ()))
        if any(is_against(state, actor, role) for role in about):
            yield _own("this fact is about you: leave it to somebody else in the office to settle it")
            return


def _correct_problems(state: Relationship, command: c.CorrectFact, context: Context) -> Iterator[Problem]:
    history = context.history()
    group = group_of(history, command.version)
    if not group:
        yield Problem("unknown_fact", f"there is no event {command.version}", field="data.version")
        return
    fact = group[0]
    if context.actor.role not in OFFICE and str(context.actor) != fact.actor:
        # Neither the kind of the fact nor its author is told: that somebody reported something may be confidential.
        message = "only the person who stated a fact, a coordinator or a supplier corrects it: contest it (ContestFact)"
        yield Problem("role", message, field="actor")
        return
    if isinstance(fact.data, e.NpsResponded):
        if str(context.actor) != fact.actor:
            message = "only the respondent voids an NPS answer: ask the respondent to do so"
            yield Problem("role", message, field="actor")
    elif context.actor.role in OFFICE:
        for version, contest in _contests_of(state, group).items():
            if same_person(contest.by, context.actor):
                yield _own_contest(version)
        yield from _own_fact(state, group, context.actor)
    else:
        yield from _author_problems(state, history, fact)
    if fact.version != command.version:
        message = f"event {command.version} came with event {fact.version}: correct that one"
        yield Problem("not_correctable", message, field="data.version")
    elif (kind := CORRECTABLE.get(type(fact.data))) is None:
        message = "a fact of this kind can't be corrected: send the command that says what holds now"
        yield Problem("not_correctable", message, field="data.version")
    else:
        yield from _content_problems(state, fact.data, kind, command, context)
        if command.data is not None and not isinstance(fact.data, e.NpsResponded):
            _refuse_malformed(kind, command.data, context.actor.role)


def _author_problems(state: Relationship, history: Sequence[AnyRecorded], fact: AnyRecorded) -> Iterator[Problem]:
    """Outside the office a fact is corrected by its author, who overturns nothing that the office has put right."""
    if by_office := [each for each in corrections_of(history, fact.version) if each.role in OFFICE]:
        message = f"the office corrected this fact (event {by_office[-1].version}): contest it instead (ContestFact)"
        yield _own(message)
    elif is_compromising(state, history, fact):
        message = (
            "a friendship, family or sexual relationship was declared, which rules the relationship out: "
            "only a coordinator or a supplier corrects that: contest it instead (ContestFact)"
        )
        yield Problem("role", message, _COMPROMISING, "actor")


@implements("nottingham.compromising")
def is_compromising(state: Relationship, history: Sequence[AnyRecorded], fact: AnyRecorded) -> bool:
    """Whether a fact ever declared what no mitigation helps, in its first words or in a correction."""
    if "nottingham" not in state.codes or not isinstance(fact.data, e.ConflictOfInterestDeclared):
        return False
    corrected = (each.data.data or {} for each in corrections_of(history, fact.version))
    natures = (fact.data.nature, *(data.get("nature") for data in corrected))
    return not set(COMPROMISING_NATURES).isdisjoint(natures)


def _content_problems(
    state: Relationship, fact: Event, kind: type[Command], command: c.CorrectFact, context: Context
) -> Iterator[Problem]:
    """What is wrong with that which the fact is to be."""
    if isinstance(fact, e.NpsResponded) and command.data is not None:
        message = "an NPS answer can't be put into other words: void it, and answer again"
        yield Problem("not_correctable", message, field="data.data")
    elif isinstance(fact, e.SessionRescheduled) and command.data is None:
        message = "a move can't be voided, only corrected in its cause and on_behalf_of: move the session again"
        yield Problem("not_correctable", message, field="data.void")
    elif command.data is not None:
        with suppress(ValidationError):
            stated = stated_by(kind, command.data)
            yield from _fixed_problems(fact, stated)
            yield from _privacy_problems(state, fact, stated, context)


def _fixed_problems(fact: Event, stated: Command) -> Iterator[Problem]:
    """What a correction changes in a fact that stays as it was recorded; ids that differ in case alone are the same."""
    names, message = _FIXED.get(type(stated), (frozenset(), ""))
    for name in type(stated).model_fields:
        if name in names and _alike(name, getattr(fact, name)) != _alike(name, getattr(stated, name)):
            yield Problem("not_correctable", message, field=f"data.data.{name}")


@implements("leapfrog.privacy")
def _privacy_problems(state: Relationship, fact: Event, stated: Command, context: Context) -> Iterator[Problem]:
    """New words about a goal are written now, so they keep off what the mentee keeps private now."""
    if isinstance(stated, c.AgreeGoal | c.ReviseGoal):
        for problem in topics_left_private(Attempt(state, stated, context)):
            _, _, name = (problem.field or "").rpartition(".")
            if getattr(fact, name) != getattr(stated, name):
                yield problem._replace(field=_within(problem.field))


def _refuse_malformed(kind: type[Command], data: Mapping[str, Any], role: Role) -> None:
    """Do nothing when the data has the form of the command that states the fact; `role` is that of the person who corrects it.

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


def _alike(name: str, value: object) -> object:
    return str(value).lower() if name.endswith("_id") else value


def corrections_of(history: Iterable[AnyRecorded], version: int) -> list[AnyRecorded]:
    """The corrections of the fact of a version, in order."""
    return [each for each in history if isinstance(each.data, e.FactCorrected) and each.data.version == version]


def _contests_of(state: Relationship, group: Sequence[AnyRecorded]) -> dict[int, Contest]:
    """The open contests of a fact, and of what came with it."""
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
    """The correction; that of the office settles the contests of its fact, and answers those of what came with the fact."""
    group = group_of(context.history(), command.version)
    corrected = e.FactCorrected(
        version=command.version,
        reason=command.reason,
        fact=type(group[0].data).__name__,
        data=command.data,
        void=True if command.void else None,
    )
    answer = f"event {command.version}, with which it came, was corrected"
    settled = contests_settled(state, context, command.version)
    others = [version for version, contest in settled.items() if contest.fact != command.version]
    return [corrected, *(e.ContestAnswered(version=version, answer=answer) for version in others)]


def contests_settled(state: Relationship, context: Context, version: int) -> dict[int, Contest]:
    """The open contests that a correction of a fact settles: none unless the office corrects it."""
    return _contests_of(state, group_of(context.history(), version)) if context.actor.role in OFFICE else {}


# --- findings ------------------------------------------------------------------------------------------------------
@implements("nottingham.compromising")
def correction_findings(state: Relationship, command: c.CorrectionCommand, context: Context) -> Iterator[Finding]:
    """That a compromising relationship was declared is put right in the open: the correction says what it takes away."""
    if isinstance(command, c.CorrectFact):
        history = context.history()
        if is_compromising(state, history, group_of(history, command.version)[0]):
            yield Finding(code="compromising", clause=_COMPROMISING)


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
            if recorded.role in OFFICE:
                state = state.but(
                    contests={k: each for k, each in state.contests.items() if each.fact != event.version}
                )
            return state.put("corrected", event.version, recorded.version)
        case _:
            assert_never(event)
