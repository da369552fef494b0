"""Would every message be accepted again, and record the same? Decided anew on the state before it and on what was known then.

The command follows from the events that it recorded. It is decided with the roles, gates, guards and findings of the rules, on what
mentors, programmes and cases had recorded before it (`infra/evidence/others.py`). So an event that the rules would have refused is
found, however well it is chained and planted into the tree.

Where words that the rules compare can't be read (they were erased, or this login has no keys), all else is compared, and it is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from domain.content import content_of, is_erased, is_out_of_reach
from domain.context import context_for, news
from domain.model import Accepted, Actor, AnyRecorded, Context, Event, Finding
from domain.problem import Malformed, Problem, Refused
from domain.registry import State, command_fields, decide
from domain.relationship.contests import is_same_message
from domain.relationship.corrections import History
from domain.relationship.events import RelationshipProposed
from domain.relationship.moves import passing_on_problem
from infra.evidence.others import Courses, OthersAt

AHEAD: Final = timedelta(minutes=5)
# What comes of words that are compared with one another.
OF_WORDS: Final = frozenset({"private_topic"})
REFUSED_FOR_WORDS: Final = frozenset({"not_private"})
OVER_CAPACITY: Final = Finding(code="over_capacity")
_ENVELOPE: Final = ("occurred_at", "recorded_at", "actor", "correlation_id", "causation_id", "traceparent")


@dataclass
class Decided:
    """One message decided again: the events that it should record, and how many of them have come."""

    first: AnyRecorded
    events: Sequence[Event] = ()
    come: int = 0
    # Whether its events can't be compared with what is decided: they rest on words that can't be read.
    unread: bool = False

    def rest(self) -> str | None:
        """What is wrong at the end of the message's events, or None."""
        missing = self.events[self.come :]
        if self.unread or not missing:
            return None
        return f"the message {self.first.message_id} records {_names(missing)} too, which is not there"


@dataclass
class Decisions:
    """The decisions of one stream, event by event. `unreadable` tells whether words of the stream so far can't be read."""

    courses: Courses
    current: Decided | None = None
    # Versions of which only that was compared which does not rest on words.
    not_compared: list[int] = field(default_factory=list)

    def problem(
        self, position: int, state: State | None, event: AnyRecorded, history: History, *, unreadable: bool
    ) -> str | None:
        """What is wrong with an event that comes on this state, or None. `history` is what was recorded before it."""
        if self.current is not None:
            if is_same_message(self.current.first, event):
                return self._further(self.current, event, unreadable)
            if problem := self.finished():
                return f"{problem}, before this event"
        self.current = Decided(event)
        try:
            return self._first(self.current, position, state, history, unreadable)
        except Malformed as malformed:
            return f"no such message would be taken: {_listed(malformed.problems)}"
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            where = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
            return f"no such message would be taken: {where}"
        except Refused as refused:
            if unreadable and REFUSED_FOR_WORDS.issuperset(each.code for each in refused.problems):
                self.current.unread = True
                self.not_compared.append(event.version)
                return None
            return f"the message would be refused: {_listed(refused.problems)}"

    def finished(self) -> str | None:
        """What is wrong with the message whose events have come, or None."""
        return self.current.rest() if self.current is not None else None

    def _first(
        self, decided: Decided, position: int, state: State | None, history: History, unreadable: bool
    ) -> str | None:
        event = decided.first
        if event.occurred_at > event.recorded_at + AHEAD:
            return "the event happened more than five minutes after it was recorded"
        actor, (kind, fields) = Actor.parse(event.actor), command_fields(event.data)
        # What stands in the place of words that can't be read need not be what a message may say.
        command = kind.model_construct(**fields) if unreadable else kind.__pydantic_validator__.validate_python(fields)
        if problem := passing_on_problem(actor.role, fields.get("on_behalf_of")):
            raise Malformed([problem])
        others = OthersAt(self.courses, position)
        context = context_for(
            event.subject,
            state,
            command,
            Context(actor, event.occurred_at, event.recorded_at),
            others,
            lambda: history,
        )
        accepted = decide(event.subject, state, command, context)
        decided.events, decided.come = accepted.events, 1
        expected = news(state, context, accepted.events or [event.data])
        if expected != event.known:
            return "what others said at that time was recorded otherwise than it was"
        if not accepted.events or not _is_same(accepted.events[0], event.data):
            if unreadable:
                decided.unread = True
                self.not_compared.append(event.version)
                return None
            return _instead(event, accepted.events[:1])
        return self._unlike_findings(decided, accepted, context, others, unreadable)

    def _unlike_findings(
        self, decided: Decided, accepted: Accepted, context: Context, others: OthersAt, unreadable: bool
    ) -> str | None:
        event = decided.first
        recorded, expected = list(event.findings or ()), list(accepted.findings)
        if isinstance(event.data, RelationshipProposed) and context.mentor_limit is not None:
            seen = others.loads(event.data.mentor_id, event.recorded_at)
            if seen.start < context.mentor_limit < seen.stop:
                recorded, expected = (
                    [each for each in findings if each != OVER_CAPACITY] for findings in (recorded, expected)
                )
        if recorded == expected:
            return None
        if unreadable and [each for each in recorded if each.code not in OF_WORDS] == expected:
            self.not_compared.append(event.version)
            return None
        return f"the findings {_codes(recorded)} are recorded where the rules find {_codes(expected)}"

    def _further(self, current: Decided, event: AnyRecorded, unreadable: bool) -> str | None:
        first, place = current.first, current.come
        current.come += 1
        for name in _ENVELOPE:
            if getattr(first, name) != getattr(event, name):
                return f"the event has another {name} than version {first.version}, which came with the same message"
        if event.known is not None or event.findings is not None:
            return "only the first event of a message says what others said and what was found"
        if current.unread:
            return None
        if place >= len(current.events):
            return f"the message {event.message_id} records no {type(event.data).__name__} after the events before"
        if not _is_same(current.events[place], event.data):
            if unreadable and _differ_in_words(current.events[place], event.data):
                if not _unlike_are_out_of_reach(current.events[place], event.data):
                    self.not_compared.append(event.version)
                return None
            return _instead(event, current.events[place : place + 1])
        return None


def _is_same(made: Event, recorded: Event) -> bool:
    """Whether two events are equal; pydantic's own comparison takes several times as long."""
    return type(made) is type(recorded) and made.__dict__ == recorded.__dict__


def _differ_in_words(one: Event, other: Event) -> bool:
    """Whether two events are of one kind and differ in their words alone."""
    if type(one) is not type(other):
        return False
    return content_of(type(one)).keys() >= set(_unlike(one, other))


def _unlike_are_out_of_reach(made: Event, recorded: Event) -> bool:
    """Whether all that differs are words of the rules' own (why an end cancels a session), sealed as those of people are.

    No decision rests on them. As with what the sender of a message wrote, the hash alone holds them here.
    """
    unlike = [(getattr(made, name), getattr(recorded, name)) for name in _unlike(made, recorded)]
    return all(is_out_of_reach(there) and not is_erased(ours) for ours, there in unlike)


def _unlike(one: Event, other: Event) -> list[str]:
    """The fields in which two events of one kind differ."""
    return [name for name, value in one if getattr(other, name) != value]


def _instead(event: AnyRecorded, expected: Sequence[Event]) -> str:
    name = type(event.data).__name__
    if not expected:
        return f"the message {event.message_id} records no {name}: decided again it brings nothing new here"
    if type(expected[0]) is not type(event.data):
        return f"the message {event.message_id} records {_names(expected)} here, not {name}"
    unlike = ", ".join(_unlike(expected[0], event.data))
    return f"{name} says something else in {unlike} than the rules make of the message"


def _names(events: Sequence[Event]) -> str:
    return ", ".join(type(event).__name__ for event in events)


def _codes(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{each.code} ({each.clause})" if each.clause else each.code for each in findings) or "none"


def _listed(problems: Sequence[Problem]) -> str:
    return "; ".join(f"{each.code}{f' ({each.clause})' if each.clause else ''}: {each.message}" for each in problems)
