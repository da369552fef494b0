"""One made-up relationship while it is told: who takes part, where it stands, and how its messages are written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID, uuid5

import orjson

from domain.words import CodeId
from infra.simulate import rates
from infra.simulate.cast import Mentor, full_name
from infra.simulate.lots import HOUR, Lots, moment

Message = tuple[int, bytes]
Telling = Iterator[Message]
Data = dict[str, object]
# Something to be told at a time that is already known: time, command, actor, data.
Aside = tuple[int, str, str, Data]

_NAMESPACE: Final = UUID("7d1f0f4e-6a0b-5a53-9d35-0c2f3f6f1f7a")
# So low that no number of messages makes it a version.
_UNKNOWN: Final = -1_000_000
_BOOKING = frozenset({"ScheduleSession", "RescheduleSession", "CancelSession", "RecordNoShow"})
_CALLS = frozenset({"CompleteSession", "RecordPresessionCheck"})


def envelope(
    world: str, number: int, count: int, time: int, command: str, subject: str, actor: str, data: object
) -> bytes:
    """The message as JSON: a CloudEvent whose id says which relationship of which world it is, and the how-manieth."""
    source = "booking" if command in _BOOKING else "calls" if command in _CALLS else "portal"
    text = orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{world}-{number}-{count}",
            "source": f"/simulate/{source}",
            "type": f"rapport.{command}",
            "subject": subject,
            "time": moment(time),
            "actor": actor,
            "data": data,
        },
        option=orjson.OPT_UTC_Z,
    )
    # What orjson returns keeps the spare room of its buffer, ten times the message; thousands of messages wait here.
    return bytes(memoryview(text))


class Left(NamedTuple):
    """A mentee whose mentor left, the relationship that ended, and the mentor."""

    mentee: str
    subject: str
    mentor: str


@dataclass(slots=True)
class Shared:
    """What relationships know of each other: who waits for another mentor, by programme, and who has an entry already."""

    waiting: dict[str, list[Left]] = field(default_factory=dict)
    entered: set[str] = field(default_factory=set)


class Story:
    """A relationship's traits, drawn once, and its course so far.

    `now` is the time of its latest message; `version` that of the event which this message recorded, as long as each message
    recorded one and no worker sent anything.
    """

    __slots__ = (
        "asked_mid", "booked", "books_ahead", "channel", "codes", "completed", "count", "customer", "diligence",
        "disappointed", "early_end", "every_days", "extended", "follows", "goals", "held_at", "homework", "line_manager", "lots", "mentee",
        "mentor", "minutes", "movers", "name", "now", "number", "open_goals", "pause_after", "planned", "programme", "proneness",
        "reason", "sessions", "shared", "strain", "subject", "version", "world",
    )  # fmt: skip

    def __init__(self, lots: Lots, world: str, number: int, mentor: Mentor, begins: int, shared: Shared) -> None:
        """A mentee of the programme who waits for another mentor may find one here."""
        self.lots, self.world, self.number, self.now = lots, world, number, begins
        self.mentor, self.programme = mentor, mentor.programme
        self.codes: tuple[CodeId, ...] = mentor.programme.codes
        self.subject = str(uuid5(_NAMESPACE, f"{world}/{number}"))
        self.mentee, self.name = f"mentee:mentee-{world}{number}", full_name(lots)
        self.shared, self.follows = shared, ""
        if (left := shared.waiting.get(self.programme.id)) and left[0].mentor != mentor.id:
            self.mentee, self.follows, _ = left.pop(0)
        self.customer = f"customer:customer-{world}{number % 97}" if "pentalog" in self.codes else ""
        self.line_manager = f"line_manager:manager-{world}{number % 211}" if "cmn" in self.codes else ""
        self.planned, self.every_days = lots.weigh(rates.PLANS)
        self.minutes = 90 if lots.chance(0.08) else 60
        self.channel = self._usual_channel()
        self.proneness = lots.weigh(rates.PRONENESS)
        self.movers = lots.random()
        self.diligence = 0.5 + lots.random()
        self.early_end: int | None = None
        if lots.chance(rates.NEVER_STARTED):
            self.early_end = -1
        self.strain, self.extended = 0.0, False
        self.pause_after = lots.whole(1, self.planned - 1) if lots.chance(rates.PAUSE) else -1
        self.disappointed = lots.chance(0.06)
        self.booked: list[tuple[str, int]] = []
        self.goals: list[str] = []
        self.open_goals: list[str] = []
        self.homework = self.reason = ""
        self.books_ahead, self.asked_mid = lots.chance(rates.BOOKS_AHEAD), False
        self.completed = self.sessions = self.count = self.held_at = self.version = 0

    def _usual_channel(self) -> str:
        if "mentor247" in self.codes:
            return "platform"
        if "nottingham" in self.codes:
            return self.lots.pick(("virtual_meeting", "virtual_meeting", "telephone", "platform"))
        return self.lots.pick(("virtual_meeting", "platform", "in_person"))

    def session_channel(self) -> str:
        """Where the next session is to be: nearly always where the plan said."""
        if "nottingham" not in self.codes and self.lots.chance(0.01):
            return "off_platform"
        return self.channel

    @property
    def mentor_actor(self) -> str:
        """The mentor as an actor."""
        return f"mentor:{self.mentor.id}"

    def other(self, actor: str) -> str:
        """The other party."""
        return self.mentor_actor if actor == self.mentee else self.mentee

    @property
    def known_version(self) -> int:
        """The version of the latest event, 0 when it can't be told any more."""
        return max(self.version, 0)

    def lose_count(self) -> None:
        """From now on workers may have sent something, or one message may have recorded several events."""
        self.version = _UNKNOWN

    def strained(self, by: str) -> None:
        """Something happened that makes an early end likelier."""
        self.strain += rates.STRAIN[by]

    def waits_for_another(self) -> None:
        """The mentee would like another mentor of the programme."""
        self.shared.waiting.setdefault(self.programme.id, []).append(Left(self.mentee, self.subject, self.mentor.id))

    def gives_up(self) -> bool:
        """Whether the two end it now, before their plan: most do early on, and those whose time together is a strain."""
        hazard = (rates.HAZARD + rates.HAZARD_OF_STRAIN * self.strain) * rates.HAZARD_DECAY**self.completed
        return self.lots.chance(min(hazard, rates.HAZARD_AT_MOST))

    def either(self, mentee_share: float = 0.5) -> str:
        """The mentee or the mentor as an actor."""
        return self.mentee if self.lots.random() < mentee_share else self.mentor_actor

    def say(self, command: str, actor: str, data: Data, *, at: int = 0) -> Message:
        """A message on this relationship, now or at a later time, which then is now."""
        self.version += 1
        return self.say_of(self.subject, command, actor, data, at=at)

    def say_of(self, subject: str, command: str, actor: str, data: Data, *, at: int = 0) -> Message:
        """A message on another subject, told as part of this story."""
        assert at == 0 or at >= self.now, f"{command}: a story is told in order of time"
        self.now = at or self.now
        self.count += 1
        return self.now, envelope(self.world, self.number, self.count, self.now, command, subject, actor, data)

    def told(self, asides: list[Aside], until: int) -> Telling:
        """The asides up to a time, taken off the list."""
        while asides and asides[0][0] <= until:
            at, command, actor, data = asides.pop(0)
            yield self.say(command, actor, data, at=at)

    def after(self, low_hours: float, high_hours: float) -> int:
        """A working time that many hours from now, not set yet; a session that is booked is not passed."""
        lots = self.lots
        at = lots.working_time(self.now + int((low_hours + lots.random() * (high_hours - low_hours)) * HOUR))
        return min(at, max(self.now, self.booked[0][1])) if self.booked else at

    def wait(self, low_hours: float, high_hours: float) -> None:
        """Let that many hours pass, to a working time."""
        self.now = self.after(low_hours, high_hours)

    def has(self, *codes: CodeId) -> bool:
        """Whether the relationship adopted any of these codes."""
        return any(code in self.codes for code in codes)


def day_after(time: int, days: int) -> date:
    """The day that many days after the time."""
    return moment(time + days * 24 * HOUR).date()
