"""What the signals are evaluated on: the facts of a relationship folded up to some moment, arranged for quick answers.

A picture never changes; `with_fact` in `fold.py` gives the next one. Its lists are kept sorted by what they are read by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from domain.commitment.moments import Pauses
from domain.immutable import Immutable
from domain.words import Party, Status


class Mark(NamedTuple):
    """A moment and the version of the event that made it count."""

    at: int
    version: int


class Move(NamedTuple):
    """A reschedule or cancellation for which a party answers; `notice` is the time left until the start it then had."""

    at: int
    version: int
    session: str
    party: Party
    notice: int
    rescheduled: bool


class Held(NamedTuple):
    """A completed session; how late each party joined after the scheduled start (0 where that isn't known)."""

    started: int
    version: int
    session: str
    ended: int
    off_goal: bool
    mentee_late: int
    mentor_late: int


class NoShow(NamedTuple):
    """A missed session: the start it last had, when it was recorded as missed, and who stayed away."""

    start: int
    version: int
    session: str
    at: int
    absent: tuple[Party, ...]


class Due(NamedTuple):
    """A session that was due or moved, and the latest event that made it so."""

    at: int
    version: int
    session: str


class Work(NamedTuple):
    """The hours of one homework, as last reported."""

    homework: str | None
    hours: float
    version: int


@dataclass(frozen=True)
class Picture(Immutable):
    """A relationship as commitment health sees it.

    `frozen` is, while paused, the picture right after the pause and its cancellations: it alone counts until resumption.
    `in_touch` is the latest of activation, resumption, a session's end and a contact; `last_session` the latest time of
    a completed, missed or cancelled session; `goal_closed` the latest closing of a goal. `calendar` holds the starts of
    the sessions without an outcome, `due` is in order of time. Sessions completed while contracting are nowhere.
    """

    version: int = 0
    codes: tuple[str, ...] = ()
    status: Status | None = None
    activated: Mark | None = None
    paused: Mark | None = None
    frozen: "Picture | None" = None
    pauses: Pauses = ()
    in_touch: Mark | None = None
    last_session: Mark | None = None
    planned: int | None = None
    goals: frozenset[str] = frozenset()
    goal_closed: Mark | None = None
    calendar: Mapping[str, int] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    no_shows: tuple[NoShow, ...] = ()
    due: dict[str, Due] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    progressed: frozenset[str] = frozenset()
    progress: tuple[int, ...] = ()
    homework: Mapping[str, tuple[Work, ...]] = field(default_factory=dict)
    trust_lost: tuple[int, ...] = ()
    disrespected: tuple[int, ...] = ()

    def to_json(self) -> list[Any]:
        """The picture as JSON values, in the order of its fields."""
        return [
            self.version,
            self.codes,
            self.status,
            _bare(self.activated),
            _bare(self.paused),
            None if self.frozen is None else self.frozen.to_json(),
            self.pauses,
            _bare(self.in_touch),
            _bare(self.last_session),
            self.planned,
            sorted(self.goals),
            _bare(self.goal_closed),
            self.calendar,
            [tuple(held) for held in self.held],
            [tuple(no_show) for no_show in self.no_shows],
            [tuple(due) for due in self.due.values()],
            [tuple(move) for move in self.moves],
            sorted(self.progressed),
            self.progress,
            {session: [tuple(work) for work in works] for session, works in self.homework.items()},
            self.trust_lost,
            self.disrespected,
        ]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> "Picture":
        """Read what `to_json` gave."""
        (version, codes, status, activated, paused, frozen, pauses, in_touch, last_session, planned, goals, goal_closed,
         calendar, held, no_shows, due, moves, progressed, progress, homework, trust_lost, disrespected) = values  # fmt: skip
        return cls(
            version=version,
            codes=tuple(codes),
            status=status,
            activated=_mark(activated),
            paused=_mark(paused),
            frozen=None if frozen is None else cls.from_json(frozen),
            pauses=tuple((first, last) for first, last in pauses),
            in_touch=_mark(in_touch),
            last_session=_mark(last_session),
            planned=planned,
            goals=frozenset(goals),
            goal_closed=_mark(goal_closed),
            calendar=calendar,
            held=tuple(map(Held._make, held)),
            no_shows=tuple(NoShow._make((*rest, tuple(absent))) for *rest, absent in no_shows),
            due={each[2]: Due._make(each) for each in due},
            moves=tuple(map(Move._make, moves)),
            progressed=frozenset(progressed),
            progress=tuple(progress),
            homework={session: tuple(map(Work._make, works)) for session, works in homework.items()},
            trust_lost=tuple(trust_lost),
            disrespected=tuple(disrespected),
        )


EMPTY: Final = Picture()


def _bare(mark: Mark | None) -> tuple[int, int] | None:
    return None if mark is None else (mark.at, mark.version)


def _mark(values: Sequence[int] | None) -> Mark | None:
    return None if values is None else Mark(*values)
