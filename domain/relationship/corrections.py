"""The effective history: what a relationship's record says once its corrections are applied.

It is the recorded history with corrected facts replaced or left out, at their places. Facts after the first corrected place
rest on another state now, so their commands are decided again, and what the rules derive (lateness, notice, findings, the
sessions that a pause cancelled, an achieved goal) follows. Contests, answers, corrections and what workers sent rely on
nothing and stay as they are. An agreement that was put into other words is confirmed anew: who confirmed it had read the others.
Every fold of the stream is made from the effective history; the record keeps both versions.

A *group* is what one message recorded: its first event is the fact, the others came with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, get_args

from pydantic import ValidationError

from domain.model import NOTHING_KNOWN, Accepted, Actor, AnyRecorded, Command, Context, Correction, Event, Known
from domain.problem import Problem, Refused, refuse
from domain.relationship import commands as c
from domain.relationship import decide as decisions
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE, contests_settled, corrections_of, groups, stated_by
from domain.relationship.evolve import evolve
from domain.relationship.evolve import replay as replay_events
from domain.relationship.state import Draft, Relationship

# Events that share their command with the event before them in the vocabulary.
_SECOND: Final = frozenset({e.GoalAchieved, e.MatchDeclined})
# The command that records an event: both vocabularies keep one order, but for those events.
COMMAND_OF: Final[Mapping[type[Event], type[Command]]] = {
    event: command
    for command, event in zip(
        get_args(c.RelationshipCommand),
        [event for event in get_args(e.RelationshipEvent) if event not in _SECOND],
        strict=True,
    )
} | {e.GoalAchieved: c.RecordGoalProgress, e.MatchDeclined: c.RespondToMatch}
_STANDING: Final = get_args(e.CorrectionEvent)


# --- from events back to commands ------------------------------------------------------------------------------------
def command_of(event: Event) -> Command:
    """The command that recorded an event: its fields of the same names, but for those that the event states otherwise."""
    kind = COMMAND_OF[type(event)]
    fields = {name: getattr(event, name) for name in kind.model_fields if name in type(event).model_fields}
    return kind.model_construct(**(fields | _otherwise(event)))


def _otherwise(event: Event) -> dict[str, Any]:
    match event:
        case e.RelationshipProposed():
            return {"codes": tuple(event.codes)}
        case e.MatchAccepted() | e.MatchDeclined():
            return {"accept": isinstance(event, e.MatchAccepted)}
        case e.GoalAchieved():
            return {"progress": "achieved"}
        case e.SessionScheduled() if event.usual_minutes:
            return {"minutes": None}
        case e.HomeworkReported() if event.homework_id is not None:
            return {"session_id": None}
        case _:
            return {}


# --- the effective history -------------------------------------------------------------------------------------------
class Corrected(NamedTuple):
    """The correction of a fact that counts: what it says, by whom, when."""

    words: e.FactCorrected
    by: Correction


class Redecided(NamedTuple):
    """A history decided again: its events, and the problems of commands that were refused, by the version of their fact."""

    events: list[AnyRecorded]
    refused: Mapping[int, Sequence[Problem]]


def effective(history: Iterable[AnyRecorded]) -> list[AnyRecorded]:
    """The history of one relationship with its corrections applied, in the order of versions.

    A command that is refused when it is decided again leaves its events as they were recorded: history is never refused.
    """
    events = list(history)
    if corrected := latest_corrections(events):
        until = max(recorded.version for recorded in events if isinstance(recorded.data, e.FactCorrected))
        return _redecided(events, corrected, min(corrected), until).events
    return events


def replay(history: Iterable[AnyRecorded]) -> Relationship | None:
    """The state after a whole history, with its corrections applied. None where nothing happened.

    Raises:
        ValueError: the first event is no proposal.
    """
    return replay_events(effective(history))


def latest_corrections(history: Iterable[AnyRecorded]) -> dict[int, Corrected]:
    """The correction that counts of each corrected fact, by the version of the fact: the latest."""
    return {
        recorded.data.version: Corrected(
            recorded.data, Correction(Actor.parse(recorded.actor), recorded.occurred_at, recorded.recorded_at)
        )
        for recorded in history
        if isinstance(recorded.data, e.FactCorrected)
    }


def _redecided(events: Sequence[AnyRecorded], corrected: Mapping[int, Corrected], start: int, until: int) -> Redecided:
    """The history with these corrections applied; what comes from version `start` on, before `until`, is decided again.

    What was recorded after the latest correction (`until`) was decided with all of them applied already.
    """
    made: list[AnyRecorded] = []
    refused: dict[int, Sequence[Problem]] = {}
    state: Relationship | None = None
    known = NOTHING_KNOWN
    for group in groups(events):
        fact = group[0]
        known = fact.known or known
        after = group
        if state is not None and start <= fact.version < until:
            try:
                if not _confirms_other_words(events, fact, corrected):
                    after = _again(state, group, corrected.get(fact.version), known)
                else:
                    after = []
            except Refused as refusal:
                refused[fact.version] = refusal.problems
        if state is not None and fact.version >= start:
            after = _knowing(after, state.known, known)
        made += after
        for each in after:
            state = Draft.of(evolve(None, each)) if state is None else evolve(state, each)
    return Redecided(made, refused)


def _confirms_other_words(
    events: Sequence[AnyRecorded], confirmation: AnyRecorded, corrected: Mapping[int, Corrected]
) -> bool:
    """Whether it is a confirmation of an agreement that was put into other words since."""
    if not isinstance(confirmation.data, e.AgreementConfirmed):
        return False
    agreed = confirmation.data.version
    if (now := corrected.get(agreed)) is None or now.words.data is None:
        return False
    fact = next(recorded.data for recorded in events if recorded.version == agreed)
    earlier = [each.data for each in corrections_of(events, agreed) if each.version < confirmation.version]
    return _stated(fact, earlier[-1] if earlier else None) != _stated(fact, now.words)


def _stated(fact: Event, correction: e.FactCorrected | None) -> Command | None:
    """The command that states a fact in its first words or in those of a correction; None where it is void.

    Raises:
        Refused: a correction is accepted only with the data of its command; a later Rapport may know the command otherwise.
    """
    if correction is None:
        return command_of(fact)
    if correction.data is None:
        return None
    try:
        return stated_by(CORRECTABLE[type(fact)], correction.data)
    except (ValidationError, KeyError) as error:
        raise Refused([Problem("bad_value", str(error), field="data.data")]) from error


def _again(
    state: Relationship, group: list[AnyRecorded], corrected: Corrected | None, known: Known
) -> list[AnyRecorded]:
    """What the command of a group records on this state.

    Raises:
        Refused: it is not possible on this state.
    """
    fact = group[0]
    if isinstance(fact.data, _STANDING) or fact.role == "worker":
        return group
    command = _stated(fact.data, corrected.words if corrected else None)
    if command is None:
        return []
    context = Context(
        Actor.parse(fact.actor),
        fact.occurred_at,
        fact.recorded_at,
        known,
        correction=corrected.by if corrected else None,
    )
    return _recorded(group, decisions.decide(state, command, context))  # type: ignore[arg-type]


def _recorded(group: Sequence[AnyRecorded], accepted: Accepted) -> list[AnyRecorded]:
    """The events in the envelopes of the group: the i-th takes the i-th version, further ones the last."""
    made = []
    for place, event in enumerate(accepted.events):
        was = group[min(place, len(group) - 1)]
        findings = (accepted.findings or None) if place == 0 else None
        if was.data == event and type(was.data) is type(event) and was.findings == findings:
            made.append(was)
        else:
            made.append(was.model_copy(update={"data": event, "findings": findings}))
    return made


def _knowing(group: list[AnyRecorded], before: Known, known: Known) -> list[AnyRecorded]:
    """The group with what it was decided to know: news that came with a fact that is left out stand with the next one."""
    if not group:
        return group
    first = group[0]
    news = None if known == before else known
    if first.known == news:
        return group
    return [first.model_copy(update={"known": news}), *group[1:]]


# --- the decision ----------------------------------------------------------------------------------------------------
def decide(state: Relationship | None, command: c.RelationshipCommand, context: Context) -> Accepted:
    """The decision of any command of a relationship; a correction must leave a history in which everything is legal.

    Raises:
        Refused: with all problems.
    """
    if isinstance(command, c.CorrectFact | c.AnswerContest):
        # It is asked for at every step of the decision, and long.
        context = context._replace(history=cache(context.history))
    accepted = decisions.decide(state, command, context)
    if state is None or not isinstance(command, c.CorrectFact) or not accepted.events:
        return accepted
    history = context.history()
    before = latest_corrections(history)
    correction = accepted.events[0]
    assert isinstance(correction, e.FactCorrected)
    by = Correction(context.actor, context.occurred_at, context.recorded_at)
    after = before | {correction.version: Corrected(correction, by)}
    start = min(after)
    until = state.version + 1
    was, is_ = _redecided(history, before, start, until), _redecided(history, after, start, until)
    refuse(*_in_the_way(correction.version, was, is_))
    # A correction that changes nothing settles a contest all the same: the office says that it is so.
    says_nothing = is_.events == was.events and not contests_settled(state, context, correction.version)
    return Accepted(()) if says_nothing else accepted


def _in_the_way(corrected: int, was: Redecided, is_: Redecided) -> Iterator[Problem]:
    """What the fact itself may not be, else the facts that would not have been possible after it."""
    if own := is_.refused.get(corrected):
        for problem in own:
            field = problem.field.replace("data.", "data.data.", 1) if problem.field else "data.data"
            yield problem._replace(field=field)
        return
    versions = sorted(is_.refused.keys() - was.refused.keys())
    if versions:
        reasons = "; ".join(f"{version}: {is_.refused[version][0].message}" for version in versions)
        message = (
            f"{_listed(versions)} rely on what was recorded ({reasons}); correct or void them first"
            if len(versions) > 1
            else f"{_listed(versions)} relies on what was recorded ({reasons}); correct or void it first"
        )
        yield Problem("still_relied_on", message, field="data.version")


def _listed(versions: Sequence[int]) -> str:
    *others, last = versions
    return f"events {', '.join(map(str, others))} and {last}" if others else f"event {last}"
