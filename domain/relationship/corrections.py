"""The effective history: what a relationship's record says once its corrections are applied.

It is the recorded history with corrected facts replaced or left out, at their places. Facts after the first corrected place
rest on another state now, so their commands are decided again, and what the rules derive (lateness, notice, findings, the
sessions that a pause cancelled, an achieved goal) follows. Contests, answers, corrections and what workers sent rely on
nothing and stay as they are. An agreement that was put into other words is confirmed anew: who confirmed it had read the others.
Every fold of the stream is made from the effective history; the record keeps both versions.

A *group* is what one message recorded: its first event is the fact, the others came with it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args, overload

from pydantic import ValidationError

from domain.model import (
    NOTHING_KNOWN,
    Accepted,
    Actor,
    AnyRecorded,
    Command,
    Context,
    Correction,
    Event,
    Finding,
    Known,
)
from domain.problem import Problem, Refused, refuse
from domain.relationship import commands as c
from domain.relationship import decide as decisions
from domain.relationship import events as e
from domain.relationship.contests import (
    CORRECTABLE,
    contests_settled,
    corrections_of,
    group_of,
    groups,
    is_same_message,
    stated_by,
)
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
# The fields that an event took over from its command.
_SHARED: Final[Mapping[type[Event], tuple[str, ...]]] = {
    event: tuple(name for name in command.model_fields if name in event.model_fields)
    for event, command in COMMAND_OF.items()
}
_STANDING: Final = get_args(e.CorrectionEvent)
# The findings that rest on what people wrote, which is not there to be read wherever a history is decided again.
_OF_WORDS: Final = "private_topic"
NO_PROBLEMS: Final[Sequence[Problem]] = ()
NO_STATES: Final[Mapping[int, Relationship]] = {}
NOWHERE: Final = range(0)
# A history keeps the state before every so many groups, and not of more places than that.
LEAST_SPACING, MOST_STATES = 32, 32


# --- from events back to commands ------------------------------------------------------------------------------------
def command_of(event: Event) -> Command:
    """The command that recorded an event: its fields of the same names, but for those that the event states otherwise."""
    kind, fields = command_fields(event)
    return kind.model_construct(**fields)


def command_fields(event: Event) -> tuple[type[Command], dict[str, Any]]:
    """The kind of command that recorded an event, and its fields."""
    said, kind = event.__dict__, type(event)
    return COMMAND_OF[kind], {name: said[name] for name in _SHARED[kind]} | _otherwise(event)


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
    # Those of the corrected fact that rest on what people wrote.
    findings: tuple[Finding, ...] = ()


NOTHING_CORRECTED: Final[Mapping[int, Corrected]] = {}


class Group(NamedTuple):
    """One group: its events as recorded and as they count, and what the stream had learned of others by then.

    `problems` are those for which its command is refused when it is decided again.
    """

    recorded: list[AnyRecorded]
    counted: list[AnyRecorded]
    known: Known
    problems: Sequence[Problem] = ()

    @property
    def version(self) -> int:
        """The version of the fact."""
        return self.recorded[0].version


class History(Sequence[AnyRecorded]):
    """The recorded events of one relationship, and what counts of them. A frozen value: more events give another.

    It keeps the state at some places. So a correction decides again what comes after the corrected fact and nothing before it, and
    that only until the state is what it was. In whatever steps a history is made, it is as if it were made at once.
    """

    def __init__(
        self,
        recorded: Sequence[AnyRecorded] = (),
        grouped: Sequence[Group] = (),
        corrected: Mapping[int, Corrected] = NOTHING_CORRECTED,
        tested: range = NOWHERE,
        states: Mapping[int, Relationship] = NO_STATES,
        state: Relationship | None = None,
    ) -> None:
        """`tested` are the places of the groups that were decided again, `states` the states before the groups at some places."""
        self.recorded, self.groups, self.corrected, self.state = recorded, grouped, corrected, state
        self._tested, self._states = tested, states
        # The last correction that was tried, and what it makes of the history: it is asked for next.
        self._tried: tuple[Corrected, History] | None = None

    @classmethod
    def of(cls, events: Sequence[AnyRecorded]) -> "History":
        """The history of these events, the first of which is the first of the stream."""
        return events if isinstance(events, cls) else cls().then(events)

    @overload
    def __getitem__(self, index: int) -> AnyRecorded: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[AnyRecorded]: ...
    def __getitem__(self, index: int | slice) -> AnyRecorded | Sequence[AnyRecorded]:
        return self.recorded[index]

    def __len__(self) -> int:
        return len(self.recorded)

    @property
    def version(self) -> int:
        """The version of the last event; 0 before there is one."""
        return self.recorded[-1].version if self.recorded else 0

    @property
    def counted(self) -> list[AnyRecorded]:
        """The events as they count, in the order of versions."""
        return [event for group in self.groups for event in group.counted]

    @property
    def refused(self) -> dict[int, Sequence[Problem]]:
        """The problems of commands that were refused when they were decided again, by the version of their fact."""
        return {group.version: group.problems for group in self.groups if group.problems}

    def changed_since(self, before: "History") -> frozenset[type[Event]]:
        """The kinds of the events of an earlier history that count otherwise here, and of those that stand in their place."""
        kinds: set[type[Event]] = set()
        for was, is_ in zip(before.groups, self.groups, strict=False):
            if was is not is_:
                kinds.update(type(each.data) for each in was.counted if each not in is_.counted)
                kinds.update(type(each.data) for each in is_.counted if each not in was.counted)
        return frozenset(kinds)

    def then(self, events: Sequence[AnyRecorded]) -> "History":
        """The history with more events, which may correct any before them.

        Raises:
            ValueError: the first event of all is no proposal.
        """
        if not events:
            return self
        before, corrections = self, latest_corrections(events)
        if self._tried is not None and latest_corrections(events[:1]) == {self._tried[0].words.version: self._tried[0]}:
            corrected, before = self._tried
            corrections = {version: each for version, each in corrections.items() if each != corrected}
        # What one message recorded may come in parts.
        in_parts = bool(before.groups) and is_same_message(before.groups[-1].recorded[0], events[0])
        grouped = list(before.groups[:-1] if in_parts else before.groups)
        known = grouped[-1].known if grouped else NOTHING_KNOWN
        for group in groups([*(before.groups[-1].recorded if in_parts else ()), *events]):
            known = group[0].known or known
            grouped.append(Group(group, group, known))
        fresh = len(before.groups) - in_parts
        until = max((recorded.version for recorded in events if isinstance(recorded.data, e.FactCorrected)), default=0)
        return before.with_groups([*before.recorded, *events], grouped, fresh, corrections, _place(grouped, until))

    def corrected_by(self, correction: Corrected) -> "History":
        """What the history would be with this correction as its next event."""
        end = len(self.groups)
        return self.with_groups(self.recorded, self.groups, end, {correction.words.version: correction}, end)

    def expect(self, correction: Corrected, made: "History") -> None:
        """Remember what this correction makes of the history: it is likely to be the next event."""
        self._tried = correction, made

    def tested_from(self, version: int) -> "History":
        """The history with everything from this fact on decided again: the same, unless the rules have changed since."""
        place, end = _place(self.groups, version), len(self.groups)
        tested = self._tested or range(place, place)
        start = place if place < tested.start else tested.stop
        now_tested = range(min(place, tested.start), end)
        return self._remade(self.recorded, self.groups, start, self.corrected, range(start, end), tested, now_tested)

    def with_groups(
        self,
        recorded: Sequence[AnyRecorded],
        grouped: Sequence[Group],
        fresh: int,
        corrections: Mapping[int, Corrected],
        until: int,
    ) -> "History":
        """The history with groups that are new from the place `fresh` on, and with corrections of what comes before `until`."""
        corrected = {**self.corrected, **corrections} if corrections else self.corrected
        places = sorted(place for place in _places(grouped, corrections) if place < until)
        tested = range(self._tested.start, min(self._tested.stop, fresh))
        if not places:
            return self._remade(recorded, grouped, fresh, corrected, NOWHERE, NOWHERE, tested)
        start = min(places[0], tested.stop) if tested else places[0]
        changed = [place for place in places if place < tested.stop]
        settled = range(max(tested.start, changed[-1] + 1), tested.stop) if changed else NOWHERE
        now_tested = range(min(start, tested.start) if tested else start, until)
        return self._remade(recorded, grouped, min(start, fresh), corrected, range(start, until), settled, now_tested)

    def _remade(
        self,
        recorded: Sequence[AnyRecorded],
        grouped: Sequence[Group],
        place: int,
        corrected: Mapping[int, Corrected],
        again: range,
        settled: range,
        tested: range,
    ) -> "History":
        """The history made anew from a place on: groups are decided `again` at these places, and stand as they are at the others.

        Once the state at one of the places that are `settled` is what it was, so are all groups up to their end.
        """
        made = list(grouped[:place])
        states = {each: state for each, state in self._states.items() if each < place}
        every = _spacing(len(grouped))
        state = self._before(place)
        while place < len(grouped):
            if place % every == 0 and state is not None:
                assert isinstance(state, Draft)
                now = state.apart()
                if place in settled and self._states.get(place) == now:
                    made += grouped[place : settled.stop]
                    states |= {each: state for each, state in self._states.items() if place <= each < settled.stop}
                    place, state = settled.stop, self._before(settled.stop)
                    continue
                states[place] = now
            group = grouped[place]
            if state is not None and (corrected or place in again):
                group = _counting(recorded, state, group, corrected, again=place in again)
            made.append(group)
            for each in group.counted:
                state = _next(state, each)
            place += 1
        return History(recorded, made, corrected, tested, states, state.freeze() if isinstance(state, Draft) else None)

    def _before(self, place: int) -> Relationship | None:
        """The state before the group at a place, to be changed."""
        if place == len(self.groups):
            return self.state and Draft.apart_from(self.state)
        kept = max((each for each in self._states if each <= place), default=0)
        state: Relationship | None = Draft.apart_from(self._states[kept]) if kept else None
        for group in self.groups[kept:place]:
            for each in group.counted:
                state = _next(state, each)
        return state


def _next(draft: Relationship | None, event: AnyRecorded) -> Relationship:
    """The draft after an event, which begins with the first."""
    return Draft.of(evolve(None, event)) if draft is None else evolve(draft, event)


def _place(grouped: Sequence[Group], version: int) -> int:
    """The place of the group with the event of this version."""
    return max(bisect_right(grouped, version, key=lambda group: group.version) - 1, 0)


def _places(grouped: Sequence[Group], corrections: Mapping[int, Corrected]) -> Iterator[int]:
    """Where these corrections are looked at: the places of the facts, and of what confirms one of them."""
    for version in corrections:
        yield _place(grouped, version)
    for place, group in enumerate(grouped) if corrections else ():
        fact = group.recorded[0].data
        if isinstance(fact, e.AgreementConfirmed) and fact.version in corrections:
            yield place


def _spacing(count: int) -> int:
    """Between how many groups a state is kept: a power of two, so that what is kept of a shorter history serves a longer one."""
    return max(LEAST_SPACING, 1 << (count // MOST_STATES).bit_length())


def effective(history: Iterable[AnyRecorded]) -> list[AnyRecorded]:
    """The history of one relationship with its corrections applied, in the order of versions.

    From the earliest corrected fact to the latest correction everything is decided again; what was recorded after that was decided
    with all of them applied. A command that is refused when it is decided again leaves its events as they were recorded: history
    is never refused.
    """
    events = list(history)
    return History.of(events).counted if latest_corrections(events) else events


def replay(history: Iterable[AnyRecorded]) -> Relationship | None:
    """The state after a whole history, with its corrections applied. None where nothing happened.

    Raises:
        ValueError: the first event is no proposal.
    """
    events = list(history)
    return History.of(events).state if latest_corrections(events) else replay_events(events)


def latest_corrections(history: Iterable[AnyRecorded]) -> dict[int, Corrected]:
    """The correction that counts of each corrected fact, by the version of the fact: the latest."""
    return {
        recorded.data.version: Corrected(
            recorded.data,
            Correction(Actor.parse(recorded.actor), recorded.occurred_at, recorded.recorded_at),
            _of_words(recorded.findings),
        )
        for recorded in history
        if isinstance(recorded.data, e.FactCorrected)
    }


def _counting(
    recorded: Sequence[AnyRecorded],
    state: Relationship,
    group: Group,
    corrected: Mapping[int, Corrected],
    *,
    again: bool,
) -> Group:
    """The group as it counts on this state, where it is decided `again` or stands as it was recorded."""
    counted, problems = group.recorded, NO_PROBLEMS
    if again:
        try:
            if _confirms_other_words(recorded, group.recorded[0], corrected):
                counted = []
            else:
                counted = _again(state, group.recorded, corrected.get(group.version), group.known)
        except Refused as refusal:
            problems = refusal.problems
    counted = _knowing(counted, state.known, group.known)
    if counted == group.counted and problems == group.problems:
        return group
    return group._replace(counted=counted, problems=problems)


def _confirms_other_words(
    events: Sequence[AnyRecorded], confirmation: AnyRecorded, corrected: Mapping[int, Corrected]
) -> bool:
    """Whether it is a confirmation of an agreement that was put into other words since, or is void."""
    if not isinstance(confirmation.data, e.AgreementConfirmed):
        return False
    agreed = confirmation.data.version
    if (now := corrected.get(agreed)) is None:
        return False
    fact = group_of(events, agreed)[0].data
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
    accepted = decisions.decide(state, command, context)  # type: ignore[arg-type]
    of_words = _of_words(fact.findings) if corrected is None else corrected.findings
    return _recorded(group, accepted._replace(findings=_with(accepted.findings, of_words, fact.findings or ())))


def _of_words(findings: Iterable[Finding] | None) -> tuple[Finding, ...]:
    return tuple(each for each in findings or () if each.code == _OF_WORDS)


def _with(found: Sequence[Finding], of_words: Sequence[Finding], before: Sequence[Finding]) -> tuple[Finding, ...]:
    """What was found and what rests on words, those that were recorded before in their order."""
    every = (*found, *(each for each in of_words if each not in found))
    return (*(each for each in before if each in every), *(each for each in every if each not in before))


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
    if state is None or not isinstance(command, c.CorrectFact):
        return decisions.decide(state, command, context)
    history = History.of(context.history())
    accepted = decisions.decide(state, command, context._replace(history=lambda: history))
    if not accepted.events:
        return accepted
    correction = accepted.events[0]
    assert isinstance(correction, e.FactCorrected)
    by = Correction(context.actor, context.occurred_at, context.recorded_at)
    corrected = Corrected(correction, by)
    before = history.tested_from(correction.version)
    after = before.corrected_by(corrected)
    refuse(*_in_the_way(correction.version, before.refused, after.refused))
    # A correction that changes nothing settles a contest all the same: the office says that it is so.
    if after.counted == before.counted and not contests_settled(state, context, correction.version):
        return Accepted(())
    of_words = tuple(each for group in after.groups if group.version == correction.version for each in _found(group))
    history.expect(corrected._replace(findings=of_words), after)
    return accepted._replace(findings=(*accepted.findings, *of_words))


def _found(group: Group) -> tuple[Finding, ...]:
    """The findings of a fact that rest on words."""
    return _of_words(group.counted[0].findings) if group.counted else ()


Refusals = Mapping[int, Sequence[Problem]]


def _in_the_way(corrected: int, before: Refusals, after: Refusals) -> Iterator[Problem]:
    """What the fact itself may not be, else the facts that would not have been possible after it."""
    if own := after.get(corrected):
        for problem in own:
            field = problem.field.replace("data.", "data.data.", 1) if problem.field else "data.data"
            yield problem._replace(field=field)
        return
    versions = sorted(after.keys() - before.keys())
    if versions:
        reasons = "; ".join(f"{version}: {after[version][0].message}" for version in versions)
        *others, last = versions
        message = (
            f"events {', '.join(map(str, others))} and {last} rely on what was recorded ({reasons}); correct or void them first"
            if others
            else f"event {last} relies on what was recorded ({reasons}); correct or void it first"
        )
        yield Problem("still_relied_on", message, field="data.version")
