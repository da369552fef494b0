"""All relationships at once: one stream of messages in order of time, made while it is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush, heapreplace
from typing import Final, get_args

from domain.words import CodeId
from infra.simulate.cast import Programme, mentors, name_of, programmes
from infra.simulate.contracting import contracting
from infra.simulate.ending import ending
from infra.simulate.lots import DAY, HOUR, Lots
from infra.simulate.sessions import sessions
from infra.simulate.story import Message, Shared, Story, Telling, envelope

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
SPREAD_DAYS: Final = 365
LONGEST_DAYS: Final = 500
CODES: Final[tuple[CodeId, ...]] = get_args(CodeId)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to make up. The same simulation gives the same bytes.

    Relationships begin from `start` (aware) on, evenly over `spread_days`, and take some months each. With `until`,
    nothing from that time on is told: the relationships then alive stay alive. `codes` are those that programmes adopt.
    """

    relationships: int
    seed: int
    start: datetime = START
    until: datetime | None = None
    codes: tuple[CodeId, ...] = CODES
    spread_days: int = SPREAD_DAYS

    @property
    def world(self) -> str:
        """A short name for all that is made up here, part of every id, so that simulations do not get mixed up."""
        told = f"{self.relationships}/{self.seed}/{self.start.timestamp()}/{sorted(self.codes)}/{self.spread_days}"
        return sha256(told.encode()).hexdigest()[:6]

    @property
    def ends_before(self) -> datetime:
        """No message is at or after this time."""
        longest = self.start + timedelta(days=self.spread_days + LONGEST_DAYS)
        return min(self.until, longest) if self.until else longest

    def messages(self) -> Iterator[bytes]:
        """The messages, JSON objects without a line end, in order of `time`."""
        stop = int(self.ends_before.timestamp())
        for at, message in self._merged():
            if at >= stop:
                return
            yield message

    def _merged(self) -> Iterator[Message]:
        lots = Lots(self.seed)
        begins = int(self.start.timestamp())
        setting = programmes(self.world, self.codes)
        yield from _set_up(setting, self.world, begins)
        tellings = self._tellings(lots, setting, begins + DAY)
        upcoming = next(tellings, None)
        alive: list[tuple[int, int, bytes, Telling]] = []
        while alive or upcoming:
            while upcoming and (not alive or upcoming[0] <= alive[0][0]):
                _, number, telling = upcoming
                at, message = next(telling)
                heappush(alive, (at, number, message, telling))
                upcoming = next(tellings, None)
            at, number, message, telling = alive[0]
            yield at, message
            if following := next(telling, None):
                heapreplace(alive, (following[0], number, following[1], telling))
            else:
                heappop(alive)

    def _tellings(self, lots: Lots, setting: list[Programme], begins: int) -> Iterator[tuple[int, int, Telling]]:
        """When each relationship begins, its number and its telling, in order; none is made before its time."""
        spread = self.spread_days * DAY / self.relationships if self.relationships else 0
        shared = Shared()
        for number, mentor in enumerate(mentors(lots, self.world, setting, self.relationships), start=1):
            at = begins + int((number - 1 + lots.random()) * spread)
            yield at, number, _tell(Story(lots, self.world, number, mentor, at, shared))


def messages(
    relationships: int,
    seed: int,
    *,
    start: datetime = START,
    until: datetime | None = None,
    codes: tuple[CodeId, ...] = CODES,
) -> Iterator[bytes]:
    """The messages of a simulation, JSON objects without a line end, in order of `time`."""
    return Simulation(relationships, seed, start, until, codes).messages()


def _tell(story: Story) -> Telling:
    yield from contracting(story)
    if story.early_end != -1:
        yield from sessions(story)
    yield from ending(story)


def _set_up(setting: list[Programme], world: str, at: int) -> Iterator[Message]:
    at += 8 * HOUR
    count = 0
    supplier: dict[str, object] = {"display_name": "The Supplier"}
    who = f"supplier-{world}"
    yield at, envelope(world, 0, 0, at, "RegisterPerson", f"person:{who}", f"supplier:{who}", supplier)
    for number, programme in enumerate(setting):
        commands: list[tuple[str, dict[str, object]]] = [
            ("CreateProgramme", {"name": programme.name, "timezone": programme.timezone})
        ]
        commands += [("AdoptCode", {"code": code}) for code in programme.codes]
        if programme.term:
            commands.append(("SetTerm", dict(zip(("document", "term", "value"), programme.term, strict=True))))
            # The code of conduct had said something else, and has not for long.
            old: dict[str, object] = {"document": "code_of_conduct", "term": programme.term[1]}
            commands += [("SetTerm", old | {"value": programme.term[2]}), ("WithdrawTerm", old)]
        entry: dict[str, object] = {"display_name": name_of(number), "timezone": programme.timezone}
        told = [(f"person:{programme.coordinator.partition(':')[2]}", "RegisterPerson", entry)]
        told += [(f"programme:{programme.id}", command, data) for command, data in commands]
        told += [(f"mentor:aspirant-{programme.id}", command, data) for command, data in _aspirant(programme)]
        for subject, command, data in told:
            count += 1
            at += 60
            yield at, envelope(world, 0, count, at, command, subject, programme.coordinator, data)


def _aspirant(programme: Programme) -> list[tuple[str, dict[str, object]]]:
    """Somebody who registers, is suspended and reinstated, and is removed before any match.

    A mentor with mentees keeps a good standing: each relationship is told by itself, and its sessions would be refused.
    """
    profile: dict[str, object] = {
        "first_name": "Robin",
        "work_history": "Ten years in retail",
        "role": "Manager",
        "sector": "Retail",
    }
    return [
        ("RegisterMentor", {"programme_id": programme.id}),
        ("PublishProfile", profile),
        ("SuspendMentor", {"reason": "A reference is missing.", "programme_id": programme.id}),
        ("ReinstateMentor", {"reason": "The reference came.", "programme_id": programme.id}),
        ("RemoveMentor", {"reason": "Robin moved abroad."}),
    ]
