"""Facts that are told out of order: they lead to the same picture and cost a search each, whatever their order."""

import sys
from collections.abc import Callable, Iterable
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commitment import Facts, TermsInTime, assess, watch
from domain.commitment import facts as f
from domain.commitment.facts import Fact
from domain.commitment.moments import DAY, HOUR, moment, time_of
from domain.commitment.picture import Picture
from domain.commitment.policy import ORDER
from tests.domain.commitment import stories as any_story
from tests.domain.commitment.story import START, Story
from tests.sizes import size

TERMS = TermsInTime()
BEGAN = moment(START)
FIRST: list[Fact] = [f.Proposed(-2, BEGAN, ("pentalog", "leapfrog")), f.Activated(-1, BEGAN)]


def told(facts: Iterable[Fact]) -> list[object]:
    """Everything that the signals say of facts taken in this order, at some moments."""
    picture = Picture(TERMS)
    taken = list(facts)
    for fact in taken:
        picture.take(fact)
    latest = max(fact.at for fact in taken)
    return [rule(picture, latest + days * DAY, TERMS.at(latest)) for days in (0, 9, 31, 91) for rule in ORDER]


@settings(max_examples=size(100, 300), deadline=None)
@given(st.one_of(any_story.stories(late=False), any_story.stories(late=True)), st.randoms(use_true_random=False))
def test_what_the_signals_say_does_not_depend_on_the_order_in_which_facts_are_taken(
    story: Story, random: Random
) -> None:
    facts = list(story.facts)
    shuffled = random.sample(facts, len(facts))
    assert told(shuffled) == told(facts)


# --- what it costs -------------------------------------------------------------------------------------------------
def moved_late(count: int) -> list[Fact]:
    """As a programme from the outside told it: sessions that were all moved late, and none has an outcome."""
    facts: list[Fact] = []
    for n in range(count):
        at, session = BEGAN + 6 * n * HOUR, f"s{n}"
        facts.append(f.Scheduled(2 * n, at, session, at + 20 * HOUR, at + 21 * HOUR))
        facts.append(f.Rescheduled(2 * n + 1, at + 19 * HOUR, session, at + 22 * HOUR, HOUR, True, "mentee"))
    return facts


def close_together(count: int) -> list[Fact]:
    """All in one window: every move, cancellation and no-show counts at once."""
    facts: list[Fact] = []
    for n in range(count):
        at, session = BEGAN + n * 60_000_000, f"s{n}"
        facts.append(f.Scheduled(4 * n, at, session, at + HOUR, at + 2 * HOUR))
        facts.append(f.Rescheduled(4 * n + 1, at, session, at + 2 * HOUR, HOUR, True, "mentor"))
        facts.append(f.Missed(4 * n + 2, at + 3 * HOUR, session, ("mentee", "mentor")) if n % 3 else
                     f.Cancelled(4 * n + 2, at, session, 2 * HOUR, True, "mentee", False))  # fmt: skip
    return facts


def held(count: int) -> list[Fact]:
    """Sessions that are held late, without a goal or progress, with little homework; the run without progress grows."""
    facts: list[Fact] = []
    for n in range(count):
        at, session = BEGAN + n * DAY, f"s{n}"
        facts.append(f.Scheduled(4 * n, at, session, at + HOUR, at + 2 * HOUR))
        late = at + HOUR + HOUR // 2
        facts.append(f.Completed(4 * n + 1, at + 3 * HOUR, session, late, late + HOUR, True, True, late, late, False))
        facts.append(f.Worked(4 * n + 2, at + 4 * HOUR, f"h{n}", session, 1.0))
    return facts


def one_moved_often(count: int) -> list[Fact]:
    first: list[Fact] = [f.Scheduled(0, BEGAN, "s1", BEGAN + HOUR, BEGAN + 2 * HOUR)]
    moves = (
        f.Rescheduled(n, BEGAN + n * HOUR, "s1", BEGAN + (n + 2) * HOUR, HOUR, True, "mentee") for n in range(1, count)
    )
    return [*first, *moves]


def paused_often(count: int) -> list[Fact]:
    """Pauses with late moves before, between and after them."""
    facts: list[Fact] = []
    for n in range(count):
        at = BEGAN + n * DAY
        facts.append(f.Cancelled(4 * n, at, f"s{n}", HOUR, True, "mentee", False))
        facts.append(f.Paused(4 * n + 1, at + HOUR))
        facts.append(f.Cancelled(4 * n + 2, at + HOUR, f"p{n}", HOUR, False, None, True))
        facts.append(f.Resumed(4 * n + 3, at + 5 * HOUR))
    return facts


def trust_lost_often(count: int) -> list[Fact]:
    return [
        fact
        for n in range(count)
        for fact in (
            f.TrustLost(2 * n, BEGAN + n * HOUR, "mentee"),
            f.TrustRegained(2 * n + 1, BEGAN + (n + 1) * HOUR - 1, "mentee" if n % 2 else None),
        )
    ]


def in_order(facts: list[Fact]) -> list[Fact]:
    return [*FIRST, *facts]


def backwards(facts: list[Fact]) -> list[Fact]:
    """Each group of facts about one thing is told before those that occurred earlier."""
    size = sum(1 for fact in facts if fact.version < 4) or 1
    groups = [facts[i : i + size] for i in range(0, len(facts), size)]
    return [*FIRST, *_numbered(fact for group in reversed(groups) for fact in group)]


def outcomes_first(facts: list[Fact]) -> list[Fact]:
    """Whatever came of a session is told before what had been planned."""
    return [*FIRST, *_numbered(reversed(facts))]


def _numbered(facts: Iterable[Fact]) -> list[Fact]:
    return [fact._replace(version=version) for version, fact in enumerate(facts, 1)]


LIVES = [moved_late, close_together, held, one_moved_often, paused_often, trust_lost_often]


def steps(work: Callable[[], object]) -> int:
    """How many lines of Rapport's code a piece of work runs through."""
    count, known = 0, sys.gettrace()

    def line(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    sys.settrace(line)
    try:
        work()
    finally:
        sys.settrace(known)
    return count


def walk(facts: list[Fact]) -> Callable[[], object]:
    at = time_of(max(fact.at for fact in facts) + DAY)
    assert at is not None
    return lambda: assess(Facts(facts), at, TERMS)


def follow(facts: list[Fact]) -> Callable[[], object]:
    """As a worker that assesses a signal after each event, never earlier than before."""

    def work() -> None:
        known, latest = Facts(), BEGAN
        for fact in facts:
            known, latest = known.plus(fact), max(latest, fact.at)
            at = time_of(latest)
            assert at is not None
            watch(known, "no_next_session", at, TERMS)

    return work


@pytest.mark.parametrize("order", [in_order, backwards, outcomes_first])
@pytest.mark.parametrize(
    "reader, life", [*((walk, life) for life in LIVES), *((follow, life) for life in LIVES if life is not paused_often)]
)
def test_twice_as_many_facts_cost_little_more_than_twice_as_much(
    reader: Callable[[list[Fact]], Callable[[], object]],
    life: Callable[[int], list[Fact]],
    order: Callable[[list[Fact]], list[Fact]],
) -> None:
    few, many = (steps(reader(order(life(count)))) for count in (30, 120))
    assert many < 4 * 1.35 * few
