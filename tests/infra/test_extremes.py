"""Values at the ends of their ranges, in every field of every command and in every term, park no worker and stop no projection.

Each is told to an active relationship of its own; then the workers do all that is due, up to the last day that there is.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final, cast

import pytest

from domain.model import FIRST_YEAR, LAST_YEAR
from domain.terms import TERMS
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.intake.message import Message, parse
from infra.projection_engine.check import check
from infra.projection_engine.quarantine import held
from infra.settings import Settings
from infra.worker_runtime import verify as decisions
from infra.worker_runtime.desk import parked
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from tests.e2e.contract.command_cases import CASES, ROLES, prepare
from tests.e2e.contract.outside import at
from tests.e2e.contract.story import CONTRACTING, Story, World, encode
from tests.infra.worker_runtime.harness import run
from tests.whole_commands import places, with_value

FIRST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
LAST: Final = datetime(LAST_YEAR, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
CLOCK: Final = at("2026-07-01 12:00")
# Tried wherever a value of the type stands; what the form does not take is left out.
EXTREMES: Final[dict[type, tuple[Any, ...]]] = {
    datetime: (FIRST, LAST),
    date: (FIRST.date(), LAST.date()),
    int: (0, 1, 10, 1000, 1440, 3660, 2**53, 2**63 - 1),
    float: (0, 1000, -1e308, 1e308),
}
# Reports of every day for a thousand years are many, and no two differ.
SELDOM: Final = 1000
DAYS: Final = ("starts_on", "ends_on", "completed_on", "review_on", "look_again_on", "retained_until", "until")


class Extremes(World):
    """Relationships of one programme whose documents set all terms to the least, or to the most, that they can be."""

    def __init__(self, name: str, zone: str, codes: tuple[str, ...], terms: dict[str, float]) -> None:
        super().__init__(cast("Any", None), name, at("2026-01-05 09:00"))
        self.codes_of_all = codes
        programme, supplier = f"programme:{name}-programme", "supplier:s"
        self.say("CreateProgramme", programme, supplier, self.begins, name=name, timezone=zone)
        for term, value in terms.items():
            setting = {"document": "master_agreement", "term": term, "value": value}
            self.say("SetTerm", programme, supplier, self.begins, **setting)

    def active(self, *codes: str, **how: Any) -> Story:
        """An active relationship under these codes, whichever the case would have."""
        return super().active(*(self.codes_of_all or codes), **how)

    def tell(self) -> None:
        """Every command with every extreme, each to a relationship of its own."""
        for name, case in CASES.items():
            # Workers send what nobody else may.
            for role in [role for role in ROLES if role in case.may][:1]:
                for data in variants(case.data):
                    story = prepare(self, case.after, role)
                    message = {**story.message(name, role, case.when), "data": fill(story, data)}
                    if isinstance(parse(json.dumps(message, default=encode).encode()), Message):
                        self.send(message)


def variants(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The data, and the data with one value at one end of its range."""
    if "outputs" in data:
        data = data | {"every_days": SELDOM}
    yield data
    plain = json.loads(json.dumps(data, default=encode))
    for path, value in places(plain):
        for extreme in EXTREMES.get(kind(path, value), ()):
            changed = with_value(plain, path, extreme)
            if "outputs" not in data or changed["every_days"] >= SELDOM:
                yield changed


def kind(path: tuple[str | int, ...], value: Any) -> type:
    """What type of value a message has at a place: times and days are texts there."""
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if isinstance(value, str) and (name in DAYS or name.endswith("_on")):
        return date
    if isinstance(value, str) and value.endswith("Z") and value[:2] == "20":
        return datetime
    return type(value)


def fill(story: Story, data: dict[str, Any]) -> dict[str, Any]:
    """The data with this relationship's own versions and people where a case names them."""
    told = story.told()
    own = {
        "{mentee}": story.party("mentee"),
        "{last}": len(told),
        "{claim}": len(told),
        "{goal}": told.index("AgreeGoal") + 1,
        "{goal's data}": CONTRACTING["goal"][2] | {"title": "Lead a big team"},
    }
    return {key: own.get(value, value) if isinstance(value, str) else value for key, value in data.items()}


def ends(most: bool) -> dict[str, float]:
    """Every term at the end of its range, but for how few respondents are shown."""
    return {name: term.most if most else term.least for name, term in TERMS.items()}


WORLDS: Final = {
    "the terms at their most, west": ("Etc/GMT+12", (), ends(most=True)),
    "the terms at their least, east": ("Pacific/Kiritimati", ("pentalog", "cmn"), ends(most=False)),
    "all codes": ("Europe/Bucharest", ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham"), {}),
}


def work(rapport: Rapport, now: datetime) -> Runner:
    """Everything that is due at a time."""
    rapport.clock.fixed = now
    runner = Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None))
    run(runner)
    return runner


@pytest.mark.parametrize("name", WORLDS)
def test_no_legal_value_parks_a_worker_or_stops_a_projection(name: str, tmp_path: Any) -> None:
    zone, codes, terms = WORLDS[name]
    world = Extremes("x", zone, codes, terms)
    world.tell()
    settings = Settings(store=f"sqlite:///{tmp_path}/store.sqlite", clock=CLOCK)
    with open_rapport(settings) as rapport:
        receipts = rapport.handler.handle(world.lines)
        assert {receipt.status for receipt in receipts} <= {"accepted", "refused"}
        for now in (CLOCK, at("2027-07-01 12:00"), LAST):
            work(rapport, now)
            with rapport.database.reading() as session:
                assert parked(session) == []
        engine = rapport.engine()
        checked = check(engine, all_streams=True)
        assert checked.wrong == []
        with rapport.database.reading() as session:
            assert held(session, engine.live()) == []
        assert verify(rapport.store).problems == ()
        assert decisions.verify(rapport.store) == []
