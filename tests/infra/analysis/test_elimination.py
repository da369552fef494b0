"""What follows from all questions about one population together, worked out apart from what hides: by ranks over whole numbers."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from infra.analysis.calibration import calibration
from infra.analysis.lasting import cohorts, funnel, survival
from infra.analysis.population import GOOD_ENDINGS, KEYS, TOTAL, Population, Relationship, shown_parts
from infra.analysis.standing import WITHHELD, bands, endings, pauses
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.projection_engine.engine import Engine
from infra.simulate import messages
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.schema import prepare
from tests.domain.ranks import Sums
from tests.infra.projection_engine.harness import LATE
from tests.sizes import size

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MINIMUM = 5
SEEDS = size(15, 60)
REASONS = ("goals_met", "plan_completed", "help_received", "no_longer_helping", "left_company", "time")


class Told(Population):
    """A population that is told, and stands in no store."""

    def __init__(self, relationships: Sequence[Relationship]) -> None:
        self.relationships, self.minimum, self.now = list(relationships), MINIMUM, NOW


@cache
def some(seed: int) -> Population:
    """A small programme owner's relationships, in which much is small: some never began, some mentees have several."""
    chance = random.Random(seed)
    most = chance.choice((12, 25, 60))
    mentees, mentors = chance.randint(8, most), chance.randint(2, 6)
    return Told([_one(chance, number, mentees, mentors) for number in range(most)])


def _one(chance: random.Random, number: int, mentees: int, mentors: int) -> Relationship:
    proposed = NOW - timedelta(days=chance.randint(100, 200))
    activated = proposed + timedelta(days=3) if chance.random() < 0.7 else None
    ended = (activated or proposed) + timedelta(days=chance.randint(1, 90)) if chance.random() < 0.6 else None
    return Relationship(
        id=f"r{number}",
        programme=f"p{chance.choice((1, 1, 1, 2, 3))}",
        mentee=f"m{chance.randrange(mentees)}",
        mentor=f"b{chance.randrange(mentors)}",
        codes=chance.choice((("pentalog",), ("pentalog",), ("cmn",), ("cmn", "pentalog"))),
        status="terminated" if ended else "active" if activated else "contracting",
        proposed_at=proposed,
        activated_at=activated,
        terminated_at=ended,
        ending_reason=chance.choice(REASONS) if ended else None,
        planned_sessions=6,
        sessions_completed=chance.randrange(8),
        goals_achieved=chance.randrange(2),
        end_review=False,
        started=f"2025-{chance.choice((9, 9, 10, 11)):02}",
    )


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Population]:
    with open_database(f"sqlite:///{tmp_path_factory.mktemp('sums') / 's.sqlite'}", synchronous="off") as database:
        store = EventStore(database)
        Handler(store, Clock(LATE)).handle(messages(size(200, 400), 5))
        yield Population(Engine(store, Clock(LATE), prepare_shown=prepare))


# --- groups ------------------------------------------------------------------------------------------------------------
def members_of(population: Population, by: str, group: str, *, activated: bool) -> frozenset[str]:
    """Their ids, as who knows all relationships would find them."""
    values = {
        each.id: {
            "programme": each.programme,
            "month": each.started,
            "codes": " + ".join(each.codes) or "none",
            "mentor": each.mentor,
        }[by]
        for each in (population.activated if activated else population.relationships)
    }
    return frozenset(id_ for id_, value in values.items() if group in (TOTAL, value))


def is_small(population: Population, ids: AbstractSet[str]) -> bool:
    return 0 < len({population.by_id[one].mentee for one in ids}) < population.minimum


def sums_of_groups(population: Population) -> list[frozenset[str]]:
    """Every count of a group that one of the questions shows."""
    found = []
    for by in KEYS:
        for key in (by, None):
            groups = {row["group"] for row in survival(population, key).rows}
            found += [members_of(population, by, group, activated=True) for group in groups]
            for row in funnel(population, key).rows:
                if row["step"] in ("proposed", "active"):
                    ids = members_of(population, by, row["group"], activated=row["step"] == "active")
                    assert len(ids) == row["relationships"]
                    found.append(ids)
    found += [members_of(population, "month", row["month"], activated=True) for row in cohorts(population).rows]
    return found


def assert_no_small_group_follows(population: Population) -> int:
    """How many small groups there are.

    How many of a shown group never became active is an outcome, and shown whatever its number; a small group that consists of just these is
    looked for in the counts of all relationships alone.
    """
    shown = sums_of_groups(population)
    active = frozenset(one.id for one in population.activated)
    both, of_all = Sums(shown), Sums(ids for ids in shown if not ids <= active)
    small = 0
    for by in KEYS:
        for group in {getattr(each, "started" if by == "month" else by) for each in population.relationships}:
            name = " + ".join(group) if isinstance(group, tuple) else group
            for activated in (True, False):
                ids = members_of(population, by, name, activated=activated)
                if is_small(population, ids):
                    small += 1
                    assert not (both if ids & active else of_all).give(ids), (by, name, activated)
    return small


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_small_group_follows_from_all_questions_together(seed: int) -> None:
    assert_no_small_group_follows(some(seed))


def test_no_small_group_of_a_simulated_programme_follows(simulated: Population) -> None:
    assert assert_no_small_group_follows(simulated) > 100


@pytest.mark.parametrize("by", KEYS)
def test_a_group_is_shown_or_hidden_alike_by_every_question(simulated: Population, by: str) -> None:
    populations = [simulated, *map(some, range(SEEDS))]
    hidden = 0
    for population in populations:
        lasting = {row["group"] for row in survival(population, by).rows}  # type: ignore[arg-type]
        coming = {row["group"]: row["relationships"] for row in funnel(population, by).rows if row["step"] == "active"}  # type: ignore[arg-type]
        # Of a group of which nobody became active there is nothing to last.
        assert lasting == {group for group, active in coming.items() if active}
        if by == "month":
            assert lasting == {row["month"] for row in cohorts(population).rows}
        hidden += funnel(population, by).summary["hidden"]  # type: ignore[arg-type]
    assert hidden, "or the test says nothing"


# --- parts of a whole --------------------------------------------------------------------------------------------------
def hidden_people(parts: dict[str, list[str]], shown: Iterable[str]) -> set[str]:
    return {one for name, people in parts.items() if name not in shown for one in people}


def test_parts_that_are_hidden_are_no_small_group_together() -> None:
    """Random wholes: what is left of the whole has enough people, and nothing is hidden where nothing is small."""
    chance = random.Random(66)
    rescued = 0
    for _ in range(3000):
        sizes = [chance.choice((1, 2, 3, 4, 5, 8, 40)) for _ in range(chance.randint(1, 6))]
        people = max(1, round(sum(sizes) * chance.choice((0.3, 1, 3))))
        parts = {f"part {n}": [f"m{chance.randrange(people)}" for _ in range(size)] for n, size in enumerate(sizes)}
        shown = shown_parts(parts, MINIMUM, str)
        small = {name for name, each in parts.items() if len(set(each)) < MINIMUM}
        assert not shown & small
        assert shown == parts.keys() if not small else True
        assert not shown or not small or len(hidden_people(parts, shown)) >= MINIMUM
        rescued += len(small) > 1 and len(hidden_people(parts, parts.keys() - small)) < MINIMUM
    assert rescued > 100, "two or more small ones are often too few together, or the test says nothing"


def test_sums_that_another_question_shows_are_wholes_too() -> None:
    parts = {"a": ["1", "2", "3"], "b": list("abcdef"), "c": ["4", "5", "6"], "d": list("uvwxyz")}
    assert shown_parts(parts, MINIMUM, str) == {"b", "d"}
    assert shown_parts(parts, MINIMUM, str, wholes=(("a", "b"), ("c", "d"))) == frozenset()
    assert shown_parts(parts, MINIMUM, str, wholes=(("a", "b", "c"),)) == {"b", "d"}


@pytest.mark.parametrize("day", [30, 45, 60, 75, 90, 120])
def test_no_small_band_follows_from_a_calibration(simulated: Population, day: int) -> None:
    """The whole is told ("Of 337 relationships"), and each band that is shown."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in simulated.rows("commitment_bands", "relationship_id", "since", "until", "band"):
        one = simulated.by_id[row["relationship_id"]]
        if one.activated_at is None:
            continue
        at = one.activated_at + timedelta(days=day)
        if (
            at < (one.terminated_at or simulated.now)
            and row["since"] <= at
            and (row["until"] is None or at < row["until"])
        ):
            found[row["band"]].add(one.id)
    rows = {row["band"]: row["relationships"] for row in calibration(simulated, day).rows}
    assert rows == {band: len(found[band]) for band in rows}
    assert not any(is_small(simulated, found[band]) for band in rows)
    rest = set().union(*(ids for band, ids in found.items() if band not in rows))
    assert not is_small(simulated, rest), "the whole less what is shown"


def test_a_whole_of_too_few_is_not_told() -> None:
    """Nobody learns how many had come to a day where they are too few."""
    few = some(0).activated[:3]
    population = Told(few)
    stretches = [
        {"relationship_id": one.id, "since": one.activated_at, "until": None, "score": 90, "band": "healthy"}
        for one in few
    ]
    population.rows = lambda dataset, *columns, where="1 = 1": stretches  # type: ignore[method-assign]
    answer = calibration(population, 1)
    assert (answer.rows, answer.summary["compared"]) == ([], None)
    assert answer.sentences == ("1 band is hidden: fewer than 5 mentees, or such a band would follow.",)


def test_no_small_band_of_a_month_follows(simulated: Population) -> None:
    shown: defaultdict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for row in bands(simulated).rows:
        shown[row["month"]][row["band"]] = (row["relationships"], row["share"])
    for month in shown.values():
        whole = [round(count / share) for count, share in month.values()]
        rest = whole[0] - sum(count for count, _ in month.values())
        assert rest == 0 or rest >= simulated.minimum
        assert all(count >= simulated.minimum for count, _ in month.values())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_small_reason_follows_from_how_relationships_ended_and_how_many_early(seed: int) -> None:
    """Survival counts those that ended early, the cohorts those that ended well; how many ended in all, shares say."""
    population = some(seed)
    by_reason: defaultdict[str, set[str]] = defaultdict(set)
    for one in population.relationships:
        if one.terminated_at is not None:
            by_reason[one.ending_reason or "none"].add(one.id)
    good = {id_ for reason, ids in by_reason.items() if reason in GOOD_ENDINGS for id_ in ids}
    everything = {id_ for ids in by_reason.values() for id_ in ids}
    shown = {row["reason"] for row in endings(population).rows}
    assert WITHHELD not in shown
    sums = [by_reason[reason] for reason in shown]
    if shown:
        sums.append(everything)
    # Outcomes of a group that is shown are shown whatever their number; a reason is hidden beside those that are large enough.
    sums += [whole for whole in (good, everything - good) if not is_small(population, whole)]
    reader = Sums(map(frozenset, sums))
    for reason, ids in by_reason.items():
        assert not (is_small(population, ids) and reader.give(ids)), reason


def test_no_small_role_follows_from_who_asked_for_pauses(simulated: Population) -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in simulated.rows("pauses", "relationship_id", "paused_by"):
        found[row["paused_by"]].append(row["relationship_id"])
    rows = {row["paused_by"]: row["pauses"] for row in pauses(simulated).rows}
    assert rows == {role: len(found[role]) for role in rows}
    assert not is_small(simulated, set(hidden_people(found, rows)))
