"""NPS asked as of and as known at every end of a month: nothing of few people follows, by an elimination that shares nothing with the package."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from domain.model import AnyRecorded
from infra.queries.nps import NOW, Moment, Shown, figures
from infra.queries.nps_record import EVER, KEYS, By, Window
from infra.store.opening import open_database
from infra.store.session import Database
from tests.domain.ranks import Sums
from tests.infra.projection_engine.harness import ProjectionHarness, day
from tests.infra.queries.test_nps import APRIL, MARCH, MAY, ask, relationship, shown
from tests.sizes import size

MINIMUM = 5
MONTHS = ("2026-03", "2026-04", "2026-05")
FIRST_DAY: dict[str, float] = {"2026-03": 0.0, "2026-04": 30.0, "2026-05": 60.0, "2026-06": 91.0}
TABLES: list[list[By]] = [list(keys) for size in range(len(KEYS) + 1) for keys in combinations(KEYS, size)]


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def first_of(month: int) -> datetime:
    """The first instant of a month of 2026, which is taken back to the end of the one before."""
    return datetime(2026, month, 1, tzinfo=UTC)


def told(events: Sequence[AnyRecorded], *days: float) -> list[AnyRecorded]:
    """The events of a relationship, its answers recorded on other days than those on which they were given."""
    return [events[0]] + [
        each.model_copy(update={"recorded_at": day(at)}) for each, at in zip(events[1:], days, strict=True)
    ]


# --- the stories that were told against the first edition -------------------------------------------------------------
def test_an_answer_given_again_leaves_no_other_between_two_times(harness: ProjectionHarness) -> None:
    """A group that is hidden in some month is hidden at every time that differs from another by that month alone."""
    scores = [9, 8, 7, 10, 9, 3, 8]
    harness.append(relationship(1, "p", "ana", (MARCH, scores[0]), (MAY, 8)))
    for number, score in enumerate(scores[1:], 2):
        harness.append(relationship(number, "p", "ana", (MARCH, score)))
    harness.append(relationship(8, "p", "ana", (APRIL, 1)))
    for number in range(9, 15):
        harness.append(relationship(number, "p", "ana", (MAY + 1, 9)))
    tables: list[list[By]] = [[], ["programme"], ["mentor"], ["programme", "mentor"]]
    for by in tables:
        assert shown(ask(harness, *by), "role") == {("mentee",): 14}
        for month in ("2026-03", "2026-04"):
            assert shown(ask(harness, *by, window=Window(None, month)), "role") == {}
        for at in (first_of(4), first_of(5)):
            assert shown(ask(harness, *by, at=at), "role") == {}
            assert shown(ask(harness, *by, known=at), "role") == {}
        assert shown(ask(harness, *by, at=first_of(6)), "role") == {("mentee",): 14}


def test_an_answer_that_was_told_late_does_not_show_by_what_was_known_before(harness: ProjectionHarness) -> None:
    for number, score in enumerate([9, 8, 7, 10, 9, 3], 1):
        harness.append(relationship(number, "p", "ana", (MARCH, score)))
    harness.append(told(relationship(7, "p", "ana", (MARCH + 10, 2)), APRIL))
    assert shown(ask(harness), "role") == {("mentee",): 7}
    tables: list[list[By]] = [[], ["month"]]
    for by_month in tables:
        assert shown(ask(harness, *by_month, known=first_of(4)), "role") == {}
        assert shown(ask(harness, *by_month, known=first_of(5)), "role") == {("mentee",): 7}


def test_as_many_as_are_shown_may_be_seen_to_have_been_told_late(harness: ProjectionHarness) -> None:
    for number in range(1, 12):
        late = number > 6
        harness.append(told(relationship(number, "p", "ana", (MARCH, 9)), APRIL if late else MARCH))
    assert shown(ask(harness, known=first_of(4)), "role") == {("mentee",): 6}
    assert shown(ask(harness, known=first_of(5)), "role") == {("mentee",): 11}


def test_how_many_were_asked_where_nobody_answered_does_not_follow(harness: ProjectionHarness) -> None:
    """A hidden group has no n, no asked, no rate."""
    for number in range(1, 7):
        harness.append(relationship(number, "p", "ana", (MARCH, 9)))
    for number in (7, 8):
        harness.append(relationship(number, "p", "bo", (MARCH, None)))
    (total,) = ask(harness)
    assert (total["n"], total["asked"], total["response_rate"]) == (6, 8, 0.75)
    ana, bo = ask(harness, "mentor")
    assert (ana["n"], ana["asked"], ana["response_rate"], ana["suppressed"]) == (6, None, None, False)
    assert (bo["n"], bo["asked"], bo["suppressed"]) == (None, None, True)


# --- by linear algebra ---------------------------------------------------------------------------------------------
class Answer(NamedTuple):
    """An answer, or a request (score None): by month of 2026 when it was given, and by when it was told."""

    number: int
    programme: str
    mentor: str
    month: str
    told: str
    order: int
    person: str
    answered: bool


class Asked(NamedTuple):
    """A row of some table, with the answers that are in it and count today."""

    moment: Moment
    window: Window
    keys: tuple[By, ...]
    group: tuple[str, ...]
    row: Shown
    parts: frozenset[Answer]

    @property
    def answers(self) -> frozenset[Answer]:
        return frozenset(one for one in self.parts if one.answered)

    @property
    def people(self) -> int:
        return _people(self.answers)


def _people(answers: frozenset[Answer]) -> int:
    return len({one.person for one in answers})


def tell_at_random(harness: ProjectionHarness, random: Random) -> list[Answer]:
    """A small programme with answers that are told late, answers that replace others, and requests without an answer."""
    found = []
    mentors = [("p", "ana"), ("p", "bo"), ("q", "cy"), random.choice([("q", "ana"), ("q", "di")])]
    late, again, silent = random.choice([0.1, 0.3]), random.choice([0.0, 0.1, 0.3]), random.choice([0.0, 0.15])
    quiet = random.choice([(None, None), *mentors]), random.choice(MONTHS)
    tells = random.sample(MONTHS, random.choice([1, 2, 2]))
    for number in range(1, random.randint(30, 70)):
        programme_id, mentor = random.choices(mentors, (8, 4, 4, 2))[0]
        person = f"person-{number if random.random() < 0.8 else random.randrange(8)}"
        months = sorted(random.choices(MONTHS, k=2 if random.random() < again else 1))
        answered = random.random() >= silent and ((programme_id, mentor), months[0]) != quiet
        given, recorded = [], []
        for order, month in enumerate(months):
            index = MONTHS.index(month)
            is_late = month in tells and random.random() < late
            told_in = (*MONTHS, "2026-06")[random.randint(index + 1, 3)] if is_late else month
            at = FIRST_DAY[month] + random.uniform(1, 12) + 14 * order
            given.append((at, random.choice([2, 7, 9, 10]) if answered else None))
            recorded.append(FIRST_DAY[told_in] + 13 if told_in != month else at)
            found.append(Answer(number, programme_id, mentor, month, told_in, order, person, answered))
        harness.append(told(relationship(number, programme_id, mentor, *given, person=person), *recorded))
    return found


def counted(answers: Sequence[Answer], as_of: str, known: str) -> set[Answer]:
    """Those that count of what was given and told up to two months: the last answer, or the first request, of each relationship."""
    by_number: dict[int, list[Answer]] = defaultdict(list)
    for one in answers:
        if one.month <= as_of and one.told <= known:
            by_number[one.number].append(one)
    return {max(each, key=lambda one: one.order if one.answered else -one.order) for each in by_number.values()}


def every_table(harness: ProjectionHarness, answers: Sequence[Answer]) -> Iterator[Asked]:
    today = counted(answers, "9", "9")
    ends: list[tuple[datetime | None, str]] = [(None, "9")]
    ends += [(first_of(int(month[5:]) + 1), month) for month in MONTHS]
    engine = harness.engine()
    for as_of, given in ends:
        for known_at, known in ends:
            moment = Moment(as_of, known_at)
            then = counted(answers, given, known)
            for window in (EVER, Window(None, "2026-04"), Window("2026-04")) if moment != NOW else every_window():
                inside = {one for one in then if window.holds(one.month)}
                for keys in TABLES:
                    parts: dict[tuple[str, ...], set[Answer]] = defaultdict(set)
                    for one in inside:
                        parts[tuple(getattr(one, key) for key in keys)].add(one)
                    rows = figures(engine, keys, window, moment)
                    assert {tuple(row[key] for key in keys) for row in rows} == set(parts)
                    for row in rows:
                        group = tuple(row[key] for key in keys)
                        whole = frozenset(parts[group])
                        if not row["suppressed"]:
                            assert row["n"] == sum(one.answered for one in whole)
                            assert row["asked"] in (None, len(whole))
                        yield Asked(moment, window, tuple(keys), group, row, whole & today)


def every_window() -> list[Window]:
    ends = [None, *MONTHS]
    return [Window(first, last) for first in ends for last in ends if first is None or last is None or first <= last]


@pytest.mark.parametrize("seed", range(size(2, 12)))
def test_nothing_of_few_people_follows_from_any_two_times(tmp_path: Path, seed: int) -> None:
    """Nor does it where a reader knows all answers that were replaced, which is the one thing that two times may show."""
    with open_database(f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off") as database:
        assert check(ProjectionHarness(database), Random(seed)) > 0


def check(harness: ProjectionHarness, random: Random) -> int:
    """That no figure of few people follows, nor a difference between two times; how many figures of other times are shown."""
    answers = tell_at_random(harness, random)
    rows = list(every_table(harness, answers))
    seen = Sums(each.answers for each in rows if not each.row["suppressed"])
    for each in rows:
        if 0 < each.people < MINIMUM:
            assert not seen.give(each.answers), each
    groups: dict[tuple[object, ...], dict[Moment, frozenset[Answer]]] = defaultdict(dict)
    for each in rows:
        groups[each.window, each.keys, each.group][each.moment] = each.answers
    for which, moments in groups.items():
        for one, other in combinations(moments.items(), 2):
            for less, more in ((one, other), (other, one)):
                left = more[1] - less[1]
                if less[1] <= more[1] and 0 < _people(left) < MINIMUM:
                    assert not seen.give(left), (which, less[0], more[0], left)
    now = [each for each in rows if each.moment == NOW]
    asked = Sums(each.parts for each in now if each.row["asked"] is not None)
    for each in now:
        if each.people < MINIMUM:
            assert not asked.give(each.parts), each
    return sum(not each.row["suppressed"] for each in rows if each.moment != NOW)
