"""Who is in the made-up world: programmes with their codes and coordinators, and mentors with several mentees each.

Their ids say nothing about them; how they are called is in their entries alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.words import CodeId
from infra.simulate.lots import Lots

FIRST_NAMES: Final = (
    "Ana", "Bogdan", "Chidi", "Daria", "Emeka", "Farah", "Grace", "Hugo", "Ioana", "Jamal", "Katya", "Liam", "Mei",
    "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Samir", "Tomasz", "Ursula", "Viktor", "Wanjiru", "Ximena", "Yusuf",
    "Zoe", "Aiko", "Bruno", "Carmen", "Dmitri", "Elif", "Fatou",
)  # fmt: skip
LAST_NAMES: Final = (
    "Popescu", "Okafor", "Silva", "Nowak", "Haddad", "Keller", "Mwangi", "Tanaka", "Novak", "Rossi", "Duarte", "Singh",
    "Larsen", "Moreau", "Petrov", "Kowalski", "Adeyemi", "Campbell", "Ionescu", "Yilmaz", "Fischer", "Osei", "Castro",
    "Lindqvist", "Murphy", "Chen", "Diallo", "Bauer", "Santos", "Walsh", "Ferrari", "Kaya",
)  # fmt: skip

# Each programme: the codes it adopts, its name, its time zone, and a term that its papers set, if any.
PROGRAMMES: Final[tuple[tuple[tuple[CodeId, ...], str, str, tuple[str, str, float] | None], ...]] = (
    (("pentalog",), "CTO mentoring", "Europe/Bucharest", None),
    (("mentor247",), "Mentors on call", "UTC", None),
    (("cmn",), "Spark inside", "Europe/London", ("master_agreement", "retention_days", 1095.0)),
    (("leapfrog",), "Enterprise mentors", "Europe/London", None),
    (("nottingham",), "Career mentors", "Europe/London", ("statement_of_work", "contact_gap_days", 21.0)),
    (("pentalog", "cmn"), "Engineering leaders", "Europe/Paris", ("master_agreement", "late_notice_hours", 48.0)),
    (("cmn", "leapfrog"), "Founders in residence", "Europe/Dublin", None),
    (("leapfrog", "nottingham"), "Graduates in business", "Europe/London", None),
    (("pentalog", "mentor247"), "CTO hotline", "Europe/Bucharest", ("statement_of_work", "punctuality_minutes", 3.0)),
    (("cmn", "nottingham"), "Alumni at work", "Europe/London", None),
    (("pentalog", "mentor247", "cmn", "leapfrog", "nottingham"), "Everything agreed", "UTC", None),
)
MENTORS_OPEN: Final = 24


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme of the made-up world, and the coordinator who looks after it."""

    id: str
    name: str
    timezone: str
    codes: tuple[CodeId, ...]
    term: tuple[str, str, float] | None
    coordinator: str


@dataclass(slots=True)
class Mentor:
    """A mentor of one programme; `places` counts the mentees still to come."""

    id: str
    name: str
    programme: Programme
    places: int
    registered: bool = False


def programmes(world: str, codes: Sequence[CodeId]) -> list[Programme]:
    """The programmes whose codes are all among the wanted ones; a code on its own always has one."""
    wanted = set(codes)
    chosen = [entry for entry in PROGRAMMES if wanted.issuperset(entry[0])]
    return [
        Programme(
            f"{name.lower().replace(' ', '-')}-{world}", name, timezone, adopted, term,
            f"coordinator:coordinator-{world}{number + 1}",
        )
        for number, (adopted, name, timezone, term) in enumerate(chosen)
    ]  # fmt: skip


def mentors(lots: Lots, world: str, among: Sequence[Programme], relationships: int) -> Iterator[Mentor]:
    """The mentor of each relationship in turn; every mentor takes one to six mentees before making way for the next."""
    number = 0

    def next_mentor() -> Mentor:
        nonlocal number
        number += 1
        name = full_name(lots)
        return Mentor(f"mentor-{world}{number}", name, among[number % len(among)], 1 + int(lots.expovariate(0.5)))

    width = max(1, min(MENTORS_OPEN, relationships // 2))
    open_ = [next_mentor() for _ in range(width)]
    for _ in range(relationships):
        place = lots.whole(0, width - 1)
        if open_[place].places == 0:
            open_[place] = next_mentor()
        open_[place].places -= 1
        yield open_[place]


def full_name(lots: Lots) -> str:
    """A first and a last name."""
    return f"{lots.pick(FIRST_NAMES)} {lots.pick(LAST_NAMES)}"


def name_of(number: int) -> str:
    """The name of one of the few whom many relationships share, by their number."""
    return f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number * 7 % len(LAST_NAMES)]}"
