"""The made-up messages: the same for the same seed, at the rates of real mentoring, in flat memory, accepted by the rules."""

import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, pairwise
from statistics import mean, median
from typing import Any

import orjson
import pytest

from domain.registry import COMMANDS
from infra.simulate import Simulation, messages
from infra.simulate.cast import mentors, programmes
from infra.simulate.lots import DAY, Lots
from infra.simulate.story import Shared, Story
from infra.simulate.stream import CODES, START
from tests.infra.simulate.tally import Life, lives
from tests.sizes import size

SAMPLE = 1000


@pytest.fixture(scope="module")
def sample() -> list[Life]:
    return lives(messages(SAMPLE, seed=11))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert list(messages(60, seed=3)) == list(messages(60, seed=3))


def test_another_seed_or_size_shares_no_id_with_it() -> None:
    first, second, third = (set(_subjects(*world)) for world in ((40, 3), (40, 4), (41, 3)))
    assert not first & second
    assert not first & third


def test_a_message_id_is_never_used_twice() -> None:
    ids = Counter(orjson.loads(message)["id"] for message in messages(200, seed=5))
    assert max(ids.values()) == 1


def test_times_only_go_forward_and_stay_inside_the_span() -> None:
    simulation = Simulation(200, seed=6)
    times = [datetime.fromisoformat(orjson.loads(message)["time"]) for message in simulation.messages()]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] > START
    assert times[-1] < simulation.ends_before < datetime(2026, 6, 1, tzinfo=UTC)


def test_a_story_waits_for_no_longer_than_until_its_next_session() -> None:
    """In one of fifteen thousand relationships a letter of thanks came after the session that had been booked meanwhile."""
    lots = Lots(1)
    setting = programmes("w", CODES)
    [mentor] = islice(mentors(lots, "w", setting, 1), 1)
    story = Story(lots, "w", 1, mentor, 1_700_000_000, Shared())
    story.booked = [("s1", story.now + DAY)]
    assert {story.after(2 * 24, 3 * 24) for _ in range(20)} == {story.now + DAY}
    story.now += 2 * DAY
    assert {story.after(2 * 24, 3 * 24) for _ in range(20)} == {story.now}
    story.booked = []
    assert story.after(2 * 24, 3 * 24) >= story.now + 2 * DAY


def test_until_cuts_off_and_changes_nothing_before() -> None:
    whole = list(messages(80, seed=8))
    cut = list(messages(80, seed=8, until=datetime(2024, 7, 1, tzinfo=UTC)))
    assert 0 < len(cut) < len(whole)
    assert cut == whole[: len(cut)]


@pytest.mark.parametrize("codes", [("cmn",), ("nottingham",), ("pentalog", "mentor247")])
def test_only_the_wanted_codes_are_adopted(codes: tuple[Any, ...]) -> None:
    told = [orjson.loads(message) for message in messages(30, seed=2, codes=codes)]
    assert {m["data"]["code"] for m in told if m["type"] == "rapport.AdoptCode"} == set(codes)
    named = [m["data"].get("codes", []) for m in told if m["type"] == "rapport.ProposeRelationship"]
    assert {code for each in named for code in each} <= set(codes)


def test_every_message_has_the_form_of_its_command() -> None:
    kinds = set()
    for message in messages(SAMPLE // 2, seed=9):
        told = orjson.loads(message)
        name = told["type"].removeprefix("rapport.")
        COMMANDS[name].model_validate_json(orjson.dumps(told["data"]))
        kinds.add(name)
    assert len(kinds) > 40


def test_no_shows_are_five_to_twelve_percent_of_the_sessions_due(sample: list[Life]) -> None:
    missed, held = sum(life.missed for life in sample), sum(life.completed for life in sample)
    assert 0.05 < missed / (missed + held) < 0.12


def test_late_moves_are_five_to_twenty_percent_of_the_sessions(sample: list[Life]) -> None:
    assert 0.05 < sum(life.moved_late for life in sample) / sum(life.scheduled for life in sample) < 0.20


def test_a_third_end_early_and_most_of_those_early_on(sample: list[Life]) -> None:
    early = [life for life in sample if life.ended_early]
    assert 0.29 < len(early) / len(sample) < 0.40
    assert all(life.completed >= life.planned for life in sample if not life.ended_early)
    first_half = sum(life.completed < life.planned / 2 for life in early)
    assert first_half > 0.6 * len(early)
    by_done = Counter(life.completed for life in early)
    assert by_done[0] > by_done[2] > by_done[4] > 0


def test_late_moves_of_the_first_sessions_make_an_early_end_likelier(sample: list[Life]) -> None:
    """A score that falls with late moves can be held against what became of the relationships."""
    begun = [life for life in sample if life.scheduled >= 2]
    strained = [life.ended_early for life in begun if life.late & {"s1", "s2"}]
    calm = [life.ended_early for life in begun if not life.late]
    assert len(strained) > 50
    assert mean(strained) > 1.5 * mean(calm)


def test_homework_hours_are_skewed_with_many_zeros(sample: list[Life]) -> None:
    hours = [reported for life in sample for reported in life.homework.values()]
    zeros = sum(h == 0 for h in hours) / len(hours)
    assert 0.1 < zeros < 0.35
    assert 2 < median(hours) < mean(hours) < 5
    assert max(hours) > 10


def test_nps_is_bunched_at_eight_to_ten_with_a_tail(sample: list[Life]) -> None:
    scores = Counter(score for life in sample for score in life.nps)
    n = scores.total()
    assert 0.55 < sum(scores[score] for score in (8, 9, 10)) / n < 0.8
    assert 0.1 < sum(scores[score] for score in range(7)) / n < 0.3
    assert all(scores[score] for score in range(11))


def test_a_relationship_has_sixty_odd_messages_and_a_mentor_several_mentees(sample: list[Life]) -> None:
    assert 55 < mean(life.messages for life in sample) < 110
    mentees = Counter(life.mentor for life in sample)
    assert mean(mentees.values()) > 2
    assert max(mentees.values()) > 5


def test_rare_things_happen_rarely(sample: list[Life]) -> None:
    told = Counter(name for life in sample for name in life.kinds)
    assert 0.04 < told["PauseRelationship"] / SAMPLE < 0.15
    assert 0.02 < told["ReportTrustBreakdown"] / SAMPLE < 0.05
    assert 0 < told["ReportDisrespect"] / SAMPLE < 0.02


# Workers send these, or they name a version that nobody can foretell while workers keep pace.
OF_WORKERS = {"RaiseConcern", "ResolveConcern", "EscalateConcern", "EscalateRecommendation", "RequestFeedback"}
OF_VERSIONS = {"RecommendShutdown", "DismissRecommendation", "ErasePersonalData"}


def test_every_other_command_of_the_contract_is_told_in_three_hundred_relationships() -> None:
    """The simulator tells contests, corrections, complaints, extensions and rematches too."""
    told = [orjson.loads(message) for message in messages(300, seed=3)]
    kinds = {message["type"].removeprefix("rapport.") for message in told}
    assert set(COMMANDS) - kinds == OF_WORKERS | OF_VERSIONS
    assert any(message["data"].get("follows") for message in told)
    plans = Counter(message["subject"] for message in told if message["type"] == "rapport.AgreePlan")
    assert sum(count > 1 for count in plans.values()) > 3


def test_everybody_has_an_entry_with_a_name_and_ids_say_nothing() -> None:
    """Names belong into the person's own entry; ids are opaque."""
    told = [orjson.loads(message) for message in messages(200, seed=4)]
    entries = {m["subject"]: m["data"]["display_name"] for m in told if m["type"] == "rapport.RegisterPerson"}
    people = {m["actor"].partition(":")[2] for m in told if not m["actor"].startswith(("service:", "hr:"))}
    assert {f"person:{id_}" for id_ in people} - entries.keys() == set()
    names = {name.lower().replace(" ", "-") for name in entries.values()} - {"the-supplier"}
    assert [id_ for id_ in people if any(name in id_.lower() for name in names)] == []


def test_memory_does_not_grow_with_the_messages() -> None:
    """As many relationships at one time, over a span four times as long: four times the messages, the same memory."""
    short, long = _peak(Simulation(100, 5, spread_days=365)), _peak(Simulation(400, 5, spread_days=1460))
    assert long < 1.25 * short


def test_memory_is_some_kilobytes_for_each_relationship_alive() -> None:
    count = size(250, 600)
    assert _peak(Simulation(count, 5)) < count * 3000


def test_the_stream_starts_at_once() -> None:
    tracemalloc.start()
    first = list(islice(messages(100_000, seed=1), 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(first) == 100
    assert peak < 1_000_000


def _subjects(relationships: int, seed: int) -> list[str]:
    return [orjson.loads(message)["subject"] for message in messages(relationships, seed)]


def _peak(simulation: Simulation) -> int:
    tracemalloc.start()
    for _ in simulation.messages():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
