"""What overlaps is found as if everything were looked at, and almost nothing is."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.relationship.occupied import FREE, Occupied, Stretch

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return BEGIN + timedelta(hours=hour)


STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.booleans()), max_size=25)


@given(STRETCHES, st.integers(0, 60), st.integers(1, 20))
def test_overlaps_are_those_that_a_look_at_all_finds(
    stretches: list[tuple[int, int, bool]], start: int, hours: int
) -> None:
    occupied, there = FREE, {}
    for number, (begin, length, _) in enumerate(stretches):
        occupied = occupied.taken(f"s{number}", at(begin), at(begin + length))
        there[f"s{number}"] = (begin, begin + length)
    for number, (begin, _, gone) in enumerate(stretches):
        if gone:
            occupied = occupied.freed(f"s{number}", at(begin))
            del there[f"s{number}"]
    expected = {name for name, (begin, end) in there.items() if begin < start + hours and start < end}
    assert set(occupied.overlapping(at(start), at(start + hours))) == expected
    later = [name for name, (begin, _) in there.items() if begin > start]
    assert sorted(occupied.after(at(start))) == sorted(later)


def test_what_was_never_taken_is_not_freed() -> None:
    taken = FREE.taken("a", at(1), at(2))
    assert taken.freed("b", at(1)) == taken
    assert taken.freed("a", at(2)) == taken
    assert taken.freed("a", at(1)) == FREE


def test_of_thousands_only_the_neighbours_are_looked_at() -> None:
    looked = []

    class Watched(Stretch):
        @property
        def reach(self) -> datetime:
            looked.append(self.session_id)
            return self[3]

    # One of a hundred years before all the others is no reason to look at them.
    long = [Watched(at(-900_000), "long", at(-1), at(-1))]
    many = Occupied((*long, *(Watched(at(24 * n), f"s{n}", at(24 * n + 1), at(24 * n + 1)) for n in range(8000))))
    assert list(many.overlapping(at(24 * 5000), at(24 * 5000 + 2))) == ["s5000"]
    assert len(looked) <= 3
