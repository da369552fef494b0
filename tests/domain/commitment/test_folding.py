"""Facts that are told out of order cost one fold each, and lead to the picture to which folding all of them anew leads."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commitment import facts as f
from domain.commitment.facts import Fact, Facts
from domain.commitment.folding import Gathering, as_of, pictures
from domain.words import Party

SESSIONS = st.sampled_from(["s1", "s2"])
PARTIES: tuple[Party | None, ...] = ("mentee", None)
GOALS = st.sampled_from(["g1", "g2"])
KINDS: dict[str, st.SearchStrategy[Callable[[int, int], Fact]]] = {
    "contact": st.just(f.InTouch),
    "progress": st.sampled_from([None, "s1"]).map(lambda session: lambda v, at: f.Progressed(v, at, session)),
    "scheduled": st.tuples(SESSIONS, st.integers(0, 9)).map(lambda x: lambda v, at: f.Scheduled(v, at, *x)),
    "moved": st.tuples(SESSIONS, st.integers(0, 9), st.sampled_from(PARTIES)).map(
        lambda x: lambda v, at: f.Rescheduled(v, at, x[0], x[1], 3, x[2])
    ),
    "cancelled": st.tuples(SESSIONS, st.booleans()).map(
        lambda x: lambda v, at: f.Cancelled(v, at, x[0], 2, "mentor", x[1])
    ),
    "completed": st.tuples(SESSIONS, st.booleans()).map(
        lambda x: lambda v, at: f.Completed(v, at, x[0], at, at + 1, True, at, None, x[1])
    ),
    "missed": SESSIONS.map(lambda session: lambda v, at: f.Missed(v, at, session, ("mentee",))),
    "worked": st.tuples(st.sampled_from(["h1", "h2"]), SESSIONS, st.integers(1, 5)).map(
        lambda x: lambda v, at: f.Worked(v, at, *x)
    ),
    "opened": GOALS.map(lambda goal: lambda v, at: f.GoalOpened(v, at, goal)),
    "closed": GOALS.map(lambda goal: lambda v, at: f.GoalClosed(v, at, goal)),
    "planned": st.integers(1, 9).map(lambda sessions: lambda v, at: f.Planned(v, at, sessions)),
    "trust": st.sampled_from([f.TrustLost, f.TrustRegained, f.Disrespected, f.RespectRestored]),
    "dismissed": st.sampled_from([None, "pentalog.trust", "leapfrog.respect", "pentalog.next-session"]).map(
        lambda clause: lambda v, at: f.Dismissed(v, at, clause)
    ),
    "course": st.sampled_from([f.Activated, f.Paused, f.Resumed, f.Paused, f.Resumed, f.Terminated]),
}
TOLD = st.lists(st.tuples(st.one_of(*KINDS.values()), st.integers(0, 12)), max_size=14)


def told(entries: list[tuple[Callable[[int, int], Fact], int]]) -> Facts:
    first: list[Fact] = [f.Proposed(1, 0, ("pentalog",)), f.Activated(2, 0)]
    return Facts([*first, *(make(version, at) for version, (make, at) in enumerate(entries, 3))])


@settings(max_examples=1500, deadline=None)
@given(TOLD)
def test_every_picture_is_that_of_the_facts_so_far_folded_anew(
    entries: list[tuple[Callable[[int, int], Fact], int]],
) -> None:
    facts, taken = told(entries), list[Fact]()
    for fact, picture, _ in pictures(facts):
        taken.append(fact)
        assert picture == as_of(sorted(taken), fact.at)


def contacts(count: int) -> list[Fact]:
    return [f.InTouch(2 * count - at, at) for at in range(count)]


def sessions(count: int) -> list[Fact]:
    """Each session is told before those that were held before it."""
    return [
        fact
        for number in range(count)
        for fact in (
            f.Scheduled(5 * (count - number), 10 * number, f"s{number}", 10 * number + 3),
            f.Rescheduled(5 * (count - number) + 1, 10 * number + 1, f"s{number}", 10 * number + 5, 2, "mentee"),
            f.Completed(
                5 * (count - number) + 2, 10 * number + 6, f"s{number}", 10 * number + 5, 10 * number + 6, True, None, None,
                False,
            ),
            f.Worked(5 * (count - number) + 3, 10 * number + 7, f"h{number}", f"s{number}", 2.0),
        )
    ]  # fmt: skip


def moves(count: int) -> list[Fact]:
    """One session, of which the last move is told first."""
    return [f.Rescheduled(2 * count - at, at, "s1", at + 9, 2, "mentor") for at in range(count)]


def trust(count: int) -> list[Fact]:
    """Each breakdown and what restored it are told before those of earlier times."""
    pairs = (
        (f.TrustLost(2 * (count - n), 2 * n), f.TrustRegained(2 * (count - n) + 1, 2 * n + 1)) for n in range(count)
    )
    return [fact for pair in pairs for fact in pair]


def shuffled(count: int) -> list[Fact]:
    order = Random(4).sample(range(count), count)
    return [f.InTouch(version, at) for at, version in enumerate(order, 1)]


def in_a_pause(count: int) -> list[Fact]:
    """A pause told last, and in it contacts told in reverse."""
    return [f.Paused(10 * count, 0), *(f.InTouch(2 * count - at, at) for at in range(1, count))]


@pytest.mark.parametrize("story", [contacts, sessions, moves, trust, shuffled, in_a_pause])
def test_facts_told_in_any_order_are_folded_once_each(story: Callable[[int], list[Fact]]) -> None:
    first: list[Fact] = [f.Proposed(-2, -2, ()), f.Activated(-1, -1)]
    for count in (40, 400):
        gathering = Gathering()
        late = sorted([*first, *story(count)], key=lambda fact: (fact.at, fact.version))
        for fact in late:
            gathering.take(fact)
        # The pause itself folds again what it freezes, once.
        assert gathering.folds <= len(late) + 5
        assert gathering.picture == as_of(sorted(late), late[-1].at)
