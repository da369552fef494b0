"""The shapes that every aggregate shares: commands, events, the envelope of a recorded event, the context of a decision.

Every field of every command and event declares its data class through `Holds`, so that the one seam
which writes events (the mapper) knows what is content and the sharing rules know what a reader may see.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from sys import intern
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from domain.calendar import local_day
from domain.words import DataClass, Document, MentorStanding, Role

FIRST_YEAR, LAST_YEAR = 1900, 2999
TEXT_MAX = 20_000
NAME_MAX = 200


# Whose what a field holds is: the author's of the event, the mentee's or the mentor's no matter who wrote it down, that of the person
# whom the field names, or whom the subject is about; or the record's, facts of the mentoring that are nobody's alone.
# A correction's are those of the fact that it corrects.
Whose = Literal["author", "mentee", "mentor", "named", "subject", "fact", "record"]


class Holds(NamedTuple):
    """Annotation of a field: the data class of what it holds (the sharing lists of the codes name these), and whose it is."""

    data_class: DataClass
    whose: Whose = "record"


class Vocabulary(NamedTuple):
    """Annotation of a field of text that no type closes: Rapport writes it, or the rules check it against a closed vocabulary."""

    name: str


# What no reader sees: separators, control and format characters, marks without a letter; and letters and a sign that are blank.
_UNSEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Me"})
# A text that can't be read here begins with it (`domain.content`).
OUT_OF_REACH: Final = "\ufffc"
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _to_utc(value: datetime) -> datetime:
    # The year of a time is that of its UTC form, which is recorded; the local one is asked first, for Python's years end.
    if FIRST_YEAR <= value.year <= LAST_YEAR and FIRST_YEAR <= (in_utc := value.astimezone(UTC)).year <= LAST_YEAR:
        return in_utc
    raise ValueError(f"expected a time whose year is from {FIRST_YEAR} to {LAST_YEAR} in UTC")


def _one_day(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return value


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing of a text: it is empty, or all spaces and characters without a shape."""
    if "!" <= text[:1] <= "~" or text[:1] == OUT_OF_REACH:
        return False
    return all(each in _BLANK_LETTERS or unicodedata.category(each) in _UNSEEN for each in text)


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError(BLANK, "expected a text that says something, found a blank one")
    return text


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    once = tuple(dict.fromkeys(values))
    return values if len(once) == len(values) else once


BLANK: Final = "blank"
Time = Annotated[AwareDatetime, AfterValidator(_to_utc)]
Day = Annotated[date, AfterValidator(_one_day)]
# Every text of a message says something: one with nothing to say is left out, where it may be.
NotBlank = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"minLength": 1})]
Text = Annotated[NotBlank, StringConstraints(max_length=TEXT_MAX)]
# But for next steps: a rule asks for them, which says what to do instead (cmn.pause-or-stop).
MaybeBlank = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Name = Annotated[NotBlank, StringConstraints(max_length=NAME_MAX)]
# Annotation of a list in which an entry counts once, at its first place.
EachOnce: Final = AfterValidator(_each_once)

# Reasons, next steps, notes on consents and bases.
ProcessText = Annotated[Text, Holds("process", "author")]
OperationalTime = Annotated[Time, Holds("operational")]
ScheduleTime = Annotated[Time, Holds("schedule")]
OperationalDay = Annotated[Day, Holds("operational")]
Flag = Annotated[bool, Holds("operational")]
Minutes = Annotated[int, Field(ge=1, le=1440), Holds("schedule")]


class Data(BaseModel):
    """A frozen value of the domain; unknown fields are refused, types are not bent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Command(Data):
    """A request, in the imperative: the rules accept or refuse it. Its fields are the `data` of the CloudEvent."""


class Event(Data):
    """A fact, in the past tense. Its name, version and fields are a storage format: add and upcast, never edit."""

    VERSION: ClassVar[int] = 1


def events_of(union: Any) -> frozenset[type[Event]]:
    """The event classes of a union such as `RelationshipPaused | RelationshipResumed`, or of a single class."""
    return frozenset(get_args(union) or (union,))


class TermSetting(Data):
    """One value that one document gives to one term (pentalog.prevalence ranks the documents)."""

    document: Document
    term: str
    value: float


class TermWithdrawal(Data):
    """The end of what one document set for one term."""

    document: Document
    term: str


class Known(Data):
    """What other aggregates recorded by the time of a decision, recorded with its events so that replay needs no other stream."""

    mentor_standing: MentorStanding = "good"
    # The programme's settings in force, then the relationship's own.
    terms: tuple[TermSetting, ...] = ()
    # Absent for UTC, which most programmes have.
    timezone: str | None = None
    # The first day on which a training recorded for the mentor was completed.
    mentor_trained_on: date | None = None

    def day(self, at: datetime) -> date:
        """The day that it is in the programme's time zone at an instant."""
        return local_day(at, self.timezone or "UTC")


NOTHING_KNOWN: Final = Known()


class Finding(Data):
    """A rule that a fact went against which was told afterwards: `code` is the word that a refusal would have used."""

    code: str
    clause: str | None = None


class Accepted(NamedTuple):
    """An accepted command: the events that it records, in order, and the findings, which stand with the first of them."""

    events: Sequence[Event]
    findings: tuple[Finding, ...] = ()


class Actor(NamedTuple):
    """Who acts: `role:id`."""

    role: Role
    id: str

    @classmethod
    @lru_cache(maxsize=10_000)
    def parse(cls, text: str) -> "Actor":
        """Read `role:id`; the text was validated where it came in."""
        role, _, id_ = text.partition(":")
        return cls(role, id_)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.role}:{self.id}"


class Correction(NamedTuple):
    """Who put a fact into the words that are decided, and when; the fact keeps its own actor and times."""

    by: Actor
    occurred_at: datetime
    recorded_at: datetime


class Context(NamedTuple):
    """What a decision may use besides the state: the actor, when the act happened, when it is recorded, what others recorded.

    `codes` are the codes which the programme has adopted by then, for a proposal that names none, and those of the
    relationship that a conduct case comes from. For a proposal to a mentor
    with a limit, `mentor_load` counts the mentor's relationships that have not ended, and `mentor_limit` says how many fit.
    `history` reads what is recorded of the subject, which only contests and corrections ask for. `programme_id` is the programme of the
    relationship that a conduct case comes from, `followed_mentee` the mentee of the earlier relationship that a proposal follows.
    `correction` is present when a corrected fact is decided again. For an erasure, `open_case` says whether a conduct case is open
    about the person or the relationship.
    """

    actor: Actor
    occurred_at: datetime
    recorded_at: datetime
    known: Known = NOTHING_KNOWN
    codes: tuple[str, ...] = ()
    mentor_load: int = 0
    mentor_limit: int | None = None
    history: "Callable[[], Sequence[AnyRecorded]]" = tuple
    programme_id: str | None = None
    followed_mentee: str | None = None
    correction: Correction | None = None
    open_case: bool = False

    @property
    def told_at(self) -> datetime:
        """When the fact was told in its present words: what it says took place must lie before."""
        return max(self.occurred_at, self.correction.occurred_at) if self.correction else self.occurred_at

    @property
    def today(self) -> date:
        """The day of the act in the programme's time zone."""
        return self.known.day(self.occurred_at)


E_co = TypeVar("E_co", bound=Event, covariant=True)


class Recorded(BaseModel, Generic[E_co]):
    """An event as it stands in the record: which stream, which version, when it happened, when it was recorded, by whom.

    `version` counts from 1 within the subject. `source` and `message_id` name the message that caused it.
    `known` is present when what other aggregates say differs from what the stream last recorded, `findings` when the fact
    went against a rule.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    source: str = ""
    message_id: str = ""
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    known: Known | None = None
    findings: tuple[Finding, ...] | None = None
    data: E_co

    @property
    def role(self) -> str:
        """The acting role: the part of `actor` before the colon; one text for all who have it, for states keep many."""
        return intern(self.actor.partition(":")[0])


AnyRecorded = Recorded[Any]


def holds(model: type[BaseModel], field: str) -> Holds | None:
    """What a field of a command or event declares of what it holds, or None where it forgot to."""
    info = model.model_fields[field]
    return _declared([*info.metadata, info.annotation])


def data_class_of(model: type[BaseModel], field: str) -> DataClass | None:
    """The data class that a field of a command or event declares, or None where it forgot to."""
    declared = holds(model, field)
    return declared and declared.data_class


def whose_of(model: type[BaseModel], data_class: DataClass) -> Whose | None:
    """Whose it is that a command or event holds of a data class, in its fields and in the values inside; None: it holds nothing of it."""
    for field, info in model.model_fields.items():
        if (declared := holds(model, field)) and declared.data_class == data_class:
            return declared.whose
        for inner in values_in([info.annotation]):
            if whose := whose_of(inner, data_class):
                return whose
    return None


def values_in(parts: list[Any]) -> Iterator[type[Data]]:
    """The models of values that an annotation holds, alone or in a list."""
    for part in parts:
        if isinstance(part, type) and issubclass(part, Data):
            yield part
        else:
            yield from values_in([*getattr(part, "__metadata__", ()), *get_args(part)])


def _declared(parts: list[Any]) -> Holds | None:
    for part in parts:
        if isinstance(part, Holds):
            return part
    for part in parts:
        if found := _declared([*getattr(part, "__metadata__", ()), *get_args(part)] if get_args(part) else []):
            return found
    return None
