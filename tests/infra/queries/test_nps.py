"""NPS as the command tells it: groups, windows of months, other times, suppression."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from domain.model import AnyRecorded, Event
from domain.programme.events import ProgrammeCreated
from domain.relationship import events as e
from infra.queries.nps import Moment, Shown, WrongWindow, figures
from infra.queries.nps_record import EVER, KEYS, By, Window
from infra.store.opening import open_database
from infra.store.session import Database
from projections import nps_responses
from tests import sizes
from tests.domain.ranks import Sums
from tests.given_when_then import proposed
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, day, programme, recorded

# Days after START, 2 March 2026, in the months that follow.
MARCH, APRIL, MAY, JUNE = 1, 35, 65, 95
HIDDEN = ("n", "respondents", "asked", "response_rate", "promoters", "passives", "detractors", "nps", "low", "high")


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def relationship(
    number: int,
    programme_id: str,
    mentor: str,
    *answers: tuple[float, int | None],
    role: str = "mentee",
    person: str | None = None,
) -> list[AnyRecorded]:
    """A relationship whose mentee was asked (None) or answered, each (day, score); a person of its own unless one is named."""
    subject = str(UUID(int=number, version=4))
    parties = {"programme_id": programme_id, "mentor_id": mentor}
    events = [recorded(subject, 1, proposed().model_copy(update=parties), day(-100))]
    for version, (days, score) in enumerate(answers, 2):
        event: Event = (
            e.NpsRequested(respondent=role, occasion="end")  # type: ignore[arg-type]
            if score is None
            else e.NpsResponded(respondent=role, occasion="end", score=score)  # type: ignore[arg-type]
        )
        by = f"{role}:{person or f'person-{number}'}"
        events.append(recorded(subject, version, event, day(days)).model_copy(update={"actor": by}))
    return events


class Story:
    """Answers told one by one, each in a relationship of its own."""

    def __init__(self, harness: ProjectionHarness) -> None:
        self.harness = harness
        self.number = 0

    def tell(self, programme_id: str, mentor: str, scores: Sequence[int | None], days: float = MARCH) -> None:
        for score in scores:
            self.number += 1
            self.harness.append(relationship(self.number, programme_id, mentor, (days, score)))


def tell(harness: ProjectionHarness, *groups: tuple[str, str, Sequence[int]]) -> Story:
    """Relationships by (programme, mentor, scores), answered in March."""
    story = Story(harness)
    for programme_id, mentor, scores in groups:
        story.tell(programme_id, mentor, scores)
    return story


def ask(
    harness: ProjectionHarness,
    *by: By,
    at: datetime | None = None,
    known: datetime | None = None,
    window: Window = EVER,
) -> list[Shown]:
    return figures(harness.engine(), by, window, Moment(at, known))


def shown(rows: Iterable[Shown], *keys: str) -> dict[tuple[str, ...], int]:
    """The answers of each group that is shown."""
    return {tuple(row[key] for key in keys): row["n"] for row in rows if not row["suppressed"]}


def test_five_promoters_of_five(harness: ProjectionHarness) -> None:
    tell(harness, ("p", "ana", [9, 9, 10, 10, 9]))
    (row,) = ask(harness)
    assert row == {
        "role": "mentee",
        "occasion": "end",
        "n": 5,
        "respondents": 5,
        "asked": 5,
        "response_rate": 1.0,
        "promoters": 5,
        "passives": 0,
        "detractors": 0,
        "nps": 100.0,
        "low": 17.5,
        "high": 100.0,
        "suppressed": False,
    }


def test_of_a_hidden_group_nothing_is_said_but_that_it_is_hidden(harness: ProjectionHarness) -> None:
    """It is hidden: no n, no asked, no rate, no counts, only that it is hidden."""
    tell(harness, ("p", "ana", [9, 9, 10, 10]))
    (row,) = ask(harness)
    assert row == {"role": "mentee", "occasion": "end", **dict.fromkeys(HIDDEN), "suppressed": True}


def test_who_was_asked_and_has_not_answered_is_hidden_and_not_zero(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, None)))
    (row,) = ask(harness)
    assert row == {"role": "mentee", "occasion": "end", **dict.fromkeys(HIDDEN), "suppressed": True}


def test_five_answers_of_one_person_are_no_group(harness: ProjectionHarness) -> None:
    """A group is shown with at least suppression_min different respondents."""
    for number in range(1, 6):
        harness.append(relationship(number, "p", "solo", (1, 2), role="mentor", person="solo"))
    assert [row["suppressed"] for row in ask(harness)] == [True]
    for number in range(6, 10):
        harness.append(relationship(number, "p", f"mentor-{number}", (1, 9), role="mentor"))
    (row,) = ask(harness)
    assert (row["n"], row["respondents"], row["asked"]) == (9, 5, 9)


def test_the_interval_is_that_of_the_different_people(harness: ProjectionHarness) -> None:
    """With n answers of r different respondents it is computed from promoters r/n, detractors r/n and r."""
    for number in range(1, 11):
        harness.append(relationship(number, "p", "ana", (1, 9), person=f"person-{number % 5}"))
    (row,) = ask(harness)
    assert (row["n"], row["respondents"], row["nps"], row["low"], row["high"]) == (10, 5, 100.0, 17.5, 100.0)


def test_a_request_and_its_answer_are_asked_once(harness: ProjectionHarness) -> None:
    harness.append(relationship(99, "p", "ana", (1, None), (2, 9), (3, 4)))
    tell(harness, ("p", "ana", [9, 9, 9, 9]))
    (row,) = ask(harness)
    assert (row["n"], row["asked"], row["promoters"], row["detractors"]) == (5, 5, 4, 1)


def test_roles_and_occasions_are_never_mixed(harness: ProjectionHarness) -> None:
    for number in range(1, 7):
        harness.append(relationship(number, "p", "ana", (1, 9), role="mentee"))
    for number in range(7, 13):
        harness.append(relationship(number, "p", "ana", (1, 0), role="mentor"))
    assert [(row["role"], row["nps"]) for row in ask(harness)] == [("mentee", 100.0), ("mentor", -100.0)]


class TestTogether:
    """From all figures of all tables of a window together no figure under the minimum may follow."""

    def test_a_group_that_another_would_give_away_is_hidden_with_it(self, harness: ProjectionHarness) -> None:
        tell(harness, ("p", "ana", [9] * 12), ("q", "bo", [3] * 6), ("r", "cy", [9] * 4))
        assert shown(ask(harness), "role") == {("mentee",): 22}
        assert shown(ask(harness, "programme"), "programme") == {("p",): 12}

    def test_a_group_is_hidden_alike_in_every_table(self, harness: ProjectionHarness) -> None:
        tell(harness, ("p", "ana", [9] * 8), ("p", "bo", [2] * 2), ("q", "cy", [9] * 7), ("q", "di", [9] * 8))
        assert set(shown(ask(harness, "mentor"), "mentor")) == {("cy",), ("di",)}
        both = ask(harness, "programme", "mentor")
        assert set(shown(both, "mentor")) == {("cy",), ("di",)}
        assert [row["programme"] for row in both] == ["p", "p", "q", "q"]
        assert set(shown(ask(harness, "mentor", "month"), "mentor")) == {("cy",), ("di",)}

    def test_the_months_of_a_shown_programme_give_no_small_one_away(self, harness: ProjectionHarness) -> None:
        story = tell(harness, ("p", "ana", [9] * 8), ("q", "bo", [9] * 8))
        story.tell("p", "ana", [1] * 2, APRIL)
        story.tell("q", "bo", [9] * 6, APRIL)
        assert shown(ask(harness, "programme"), "programme") == {("p",): 10, ("q",): 14}
        assert shown(ask(harness, "month"), "month") == {("2026-03",): 16, ("2026-04",): 8}
        assert shown(ask(harness, "programme", "month"), "programme", "month") == {}

    def test_the_table_of_programmes_says_the_same(self, harness: ProjectionHarness) -> None:
        harness.append(programme("p", (-50, "suppression_min", 3)))
        tell(harness, ("p", "ana", [9, 9, 2]), ("q", "bo", [9] * 6), ("r", "cy", [1] * 7), ("s", "di", [1] * 4))
        names = ("programme", *HIDDEN, "suppressed")
        asked = [tuple(row[name] for name in names) for row in ask(harness, "programme")]
        found = harness.rows("nps", ", ".join(("programme_id", *HIDDEN, "suppressed")))
        assert [(*row[:-1], bool(row[-1])) for row in found] == asked
        assert [row[0] for row in asked if not row[-1]] == ["q", "r"]

    def test_a_mentor_of_two_programmes_gives_neither_of_them_away(self, harness: ProjectionHarness) -> None:
        tell(harness, ("p", "ana", [9] * 6), ("p", "bo", [9] * 6), ("q", "ana", [9] * 2), ("q", "cy", [9] * 9))
        assert_nothing_follows(harness, EVER)


class TestMinimum:
    """suppression_min different respondents: never under 3; today's also for the past; over programmes the highest of theirs."""

    def test_over_programmes_the_highest_of_theirs(self, harness: ProjectionHarness) -> None:
        harness.append(programme("p", (-50, "suppression_min", 3)))
        story = tell(harness, ("p", "ana", [9, 9, 9]))
        assert [row["suppressed"] for row in ask(harness)] == [False]
        story.tell("q", "bo", [9])
        assert [row["suppressed"] for row in ask(harness)] == [True]

    def test_never_under_three_whatever_a_document_says(self, harness: ProjectionHarness) -> None:
        harness.append(programme("p", (-50, "suppression_min", 1)))
        story = tell(harness, ("p", "ana", [9, 9]))
        assert [row["suppressed"] for row in ask(harness)] == [True]
        story.tell("p", "ana", [9])
        assert [row["suppressed"] for row in ask(harness)] == [False]

    def test_todays_also_for_the_past(self, harness: ProjectionHarness) -> None:
        harness.append(programme("p", (-50, "suppression_min", 3), (90, "suppression_min", 4)))
        tell(harness, ("p", "ana", [9, 9, 9]))
        assert [row["suppressed"] for row in ask(harness, at=day(60))] == [True]
        assert [row["suppressed"] for row in ask(harness, known=day(60))] == [True]


def test_the_month_is_that_of_the_answer_that_counts_or_else_of_the_request(harness: ProjectionHarness) -> None:
    for number in range(1, 7):
        harness.append(relationship(number, "p", "ana", (MARCH, None), (APRIL, 9)))
        harness.append(relationship(10 + number, "p", "ana", (MARCH, 2), (MAY, 9)))
        harness.append(relationship(20 + number, "p", "ana", (MARCH, 2)))
    harness.append(relationship(30, "p", "ana", (APRIL + 1, None), (MAY, None)))
    rows = {row["month"]: (row["n"], row["asked"]) for row in ask(harness, "month")}
    assert rows == {"2026-03": (6, 6), "2026-04": (6, 7), "2026-05": (6, 6)}


def test_months_are_those_of_the_programmes_time_zone(harness: ProjectionHarness) -> None:
    """Months and days are those of the programme's time zone."""
    created = ProgrammeCreated(name="p", timezone="Europe/Bucharest")
    harness.append([recorded("programme:p", 1, created, day(-300))])
    # 31 March, 22:30 UTC: half past one in Bucharest, on 1 April. q has no time zone of its own.
    evening = 29 + 13.5 / 24
    story = Story(harness)
    for name in ("p", "q"):
        story.tell(name, name, [9] * 6, evening)
    rows = ask(harness, "programme", "month")
    assert shown(rows, "programme", "month") == {("p", "2026-04"): 6, ("q", "2026-03"): 6}
    april, march = Window("2026-04", "2026-04"), Window("2026-03", "2026-03")
    assert shown(ask(harness, "programme", window=april), "programme") == {("p",): 6}
    assert shown(ask(harness, "programme", window=march), "programme") == {("q",): 6}
    # At midnight of the programme its month has ended, which in UTC has two hours to go.
    assert shown(ask(harness, "programme", at=datetime(2026, 4, 30, 21, tzinfo=UTC)), "programme") == {
        ("p",): 6,
        ("q",): 6,
    }
    assert shown(ask(harness, "programme", at=datetime(2026, 4, 30, 20, tzinfo=UTC)), "programme") == {("q",): 6}
    months = harness.rows("nps_responses", "DISTINCT programme_id, month")
    assert months == [("p", "2026-04"), ("q", "2026-03")]


class TestWindows:
    """Windows are whole months: ended ones and the running one to date."""

    def test_both_ends_are_included(self, harness: ProjectionHarness) -> None:
        story = Story(harness)
        for score, days in enumerate((MARCH, APRIL, MAY, JUNE), 6):
            story.tell("p", "ana", [score] * score, days)
        counts = [
            sum(shown(ask(harness, window=window), "role").values())
            for window in (EVER, Window("2026-04"), Window(None, "2026-05"), Window("2026-04", "2026-05"))
        ]
        assert counts == [30, 24, 21, 15]
        assert ask(harness, window=Window("2026-07")) == []

    def test_a_group_hidden_in_a_month_is_hidden_in_windows_that_differ_by_it(self, harness: ProjectionHarness) -> None:
        """A group that is hidden in some month is hidden in every window that differs from another by that month alone."""
        story = Story(harness)
        for days, scores in ((MARCH, [9] * 7), (APRIL, [9] * 6), (MAY, [2] * 2), (JUNE, [9] * 8)):
            story.tell("p", "ana", scores, days)
        assert shown(ask(harness, window=EVER), "role") == {("mentee",): 23}
        with_may = (("2026-03", "2026-05"), ("2026-05", "2026-06"), ("2026-04", "2026-05"), ("2026-05", "2026-05"))
        without = (("2026-03", "2026-04"), ("2026-06", "2026-06"), ("2026-04", "2026-04"))
        for first, last in (*with_may, *without):
            assert shown(ask(harness, window=Window(first, last)), "role") == {}, (first, last)
        assert_nothing_follows(harness, *every_window("2026-03", "2026-04", "2026-05", "2026-06"))

    def test_in_a_window_a_group_is_hidden_alike_in_every_table(self, harness: ProjectionHarness) -> None:
        """The figure of a group in a window of one month is that of the month, and that of its only mentor."""
        story = Story(harness)
        for days, scores in ((MARCH, [9] * 7), (APRIL, [9] * 6), (MAY, [2] * 2)):
            story.tell("p", "ana", scores, days)
        story.tell("q", "bo", [9] * 8, MAY)
        april = Window("2026-04", "2026-04")
        tables: list[list[By]] = [[], ["programme"], ["mentor"], ["month"], ["programme", "month"], ["mentor", "month"]]
        for by in tables:
            assert shown(ask(harness, *by, window=april), "role") == {}, by

    def test_a_window_that_ends_before_it_begins_is_refused(self, harness: ProjectionHarness) -> None:
        with pytest.raises(WrongWindow, match="the window ends in 2026-03, before it begins in 2026-04"):
            ask(harness, window=Window("2026-04", "2026-03"))

    def test_a_month_that_has_not_begun_is_refused(self, harness: ProjectionHarness) -> None:
        assert ask(harness, window=Window(f"{LATE:%Y-%m}")) == []
        with pytest.raises(WrongWindow, match="2027-07 has not begun"):
            ask(harness, window=Window(None, "2027-07"))


class TestOtherTimes:
    """--as-of and --known-at are taken back to the last end of a month."""

    def test_as_of_and_known_at(self, harness: ProjectionHarness) -> None:
        harness.append(programme("p", (-50, "suppression_min", 3)))
        for number in range(1, 4):
            harness.append(relationship(number, "p", "ana", (MARCH, 3), (APRIL, 9)))
        told_late = [relationship(number, "p", "bo", (MARCH, 1)) for number in range(4, 8)]
        for events in told_late:
            harness.append([events[0], events[1].model_copy(update={"recorded_at": day(MAY)})])

        def counts(at: datetime | None, known: datetime | None = None) -> list[tuple[int, int]]:
            rows = ask(harness, at=at, known=known)
            return [(row["promoters"], row["detractors"]) for row in rows]

        april, may, june = (datetime(2026, month, 1, tzinfo=UTC) for month in (4, 5, 6))
        assert counts(None) == [(3, 4)]
        assert counts(april) == counts(day(29.9)) == counts(day(APRIL + 20)) == [(0, 7)]
        assert counts(day(29)) == []
        assert counts(may) == [(3, 4)]
        assert counts(None, april) == counts(None, day(APRIL + 20)) == [(0, 3)]
        assert counts(None, may) == counts(None, day(MAY + 1)) == [(3, 0)]
        assert counts(april, may) == [(0, 3)]
        assert counts(april, june) == [(0, 7)]

    def test_what_a_window_hides_is_hidden_as_of_its_end(self, harness: ProjectionHarness) -> None:
        story = tell(harness, ("p", "ana", [9] * 7))
        april = datetime(2026, 4, 1, tzinfo=UTC)
        assert shown(ask(harness, at=april), "role") == {("mentee",): 7}
        story.tell("p", "ana", [1], APRIL)
        assert shown(ask(harness), "role") == {("mentee",): 8}
        assert shown(ask(harness, at=april), "role") == {}
        assert shown(ask(harness, known=april), "role") == {}
        assert shown(ask(harness, window=Window(None, "2026-03")), "role") == {}
        # Nothing came after April: as of its end the figure is that of today.
        assert shown(ask(harness, at=datetime(2026, 5, 1, tzinfo=UTC)), "role") == {("mentee",): 8}

    def test_a_void_answer_leaves_the_figures_and_was_in_them_as_far_as_was_known_before(
        self, harness: ProjectionHarness
    ) -> None:
        tell(harness, ("p", "ana", [9, 9, 9, 9, 9]))
        harness.append(relationship(6, "p", "ana", (1, 9), (2, 0)))
        assert [(row["promoters"], row["detractors"]) for row in ask(harness)] == [(5, 1)]
        void = e.FactCorrected(version=3, reason="mistyped", fact="NpsResponded", void=True)
        subject = str(UUID(int=6, version=4))
        harness.append([recorded(subject, 4, void, day(APRIL), by="mentee")])
        assert [(row["promoters"], row["detractors"]) for row in ask(harness)] == [(6, 0)]
        assert [(row["promoters"], row["detractors"]) for row in ask(harness, at=day(APRIL))] == [(6, 0)]
        assert [(row["promoters"], row["detractors"]) for row in ask(harness, known=day(APRIL))] == [(5, 1)]
        assert harness.rows("nps", "promoters, detractors") == [(6, 0)]


def test_the_rows_of_single_answers_hold_no_answer_time_or_person(harness: ProjectionHarness) -> None:
    """Their dataset gives month, role, occasion, programme, answered or not; its position is the log's head in every row."""
    tell(harness, ("p", "ana", [9, 2]))
    head = harness.append(relationship(3, "p", "ana", (APRIL, None)))
    ask(harness)
    columns = [column.name for column in nps_responses.RESPONSES.dataset.columns]
    assert columns == ["programme_id", "role", "occasion", "month", "answered", "position", "stale_since"]
    assert harness.rows("nps_responses") == [
        ("p", "mentee", "end", "2026-03", True, head, None),
        ("p", "mentee", "end", "2026-03", True, head, None),
        ("p", "mentee", "end", "2026-04", False, head, None),
    ]


# --- by linear algebra ---------------------------------------------------------------------------------------------
def every_window(*months: str) -> list[Window]:
    """All windows of these months, open ones too."""
    ends = [None, *months]
    return [Window(first, last) for first in ends for last in ends if first is None or last is None or first <= last]


def assert_nothing_follows(harness: ProjectionHarness, *windows: Window) -> Counter[str]:
    """No figure of a small group follows from all that all tables of all windows show; how many figures are shown or hidden."""
    found: Counter[str] = Counter()
    people = people_of(harness)
    seen: list[frozenset[tuple[str, ...]]] = []
    small: dict[frozenset[tuple[str, ...]], Shown] = {}
    for window in windows:
        inside = [cell for cell in people if window.holds(cell[2])]
        for size in range(len(KEYS) + 1):
            for by in combinations(range(len(KEYS)), size):
                parts: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
                for cell in inside:
                    parts.setdefault(tuple(cell[place] for place in by), set()).add(cell)
                for row in figures(harness.engine(), [KEYS[place] for place in by], window):
                    cells = frozenset(parts[tuple(row[KEYS[place]] for place in by)])
                    answered = frozenset().union(*(people[cell] for cell in cells))
                    found["hidden" if row["suppressed"] else "shown"] += 1
                    if len(answered) < 5:
                        assert row["suppressed"], row
                        small[cells] = row
                    elif not row["suppressed"]:
                        assert row["respondents"] == len(answered)
                        seen.append(cells)
    sums = Sums(seen)
    for cells, row in small.items():
        assert not sums.give(cells), row
    return found


def people_of(harness: ProjectionHarness) -> dict[tuple[str, ...], set[str]]:
    """Who answered, by programme, mentor and month, as the events tell it."""
    found: dict[tuple[str, ...], set[str]] = {}
    parties: dict[str, tuple[str, str]] = {}
    for each in harness.store.logged(0, 1_000_000):
        event = harness.store.decode_facts(each)
        if isinstance(event.data, e.RelationshipProposed):
            parties[event.subject] = event.data.programme_id, event.data.mentor_id
        if isinstance(event.data, e.NpsResponded):
            cell = (*parties[event.subject], f"{event.occurred_at:%Y-%m}")
            found.setdefault(cell, set()).add(event.actor)
    return found


@pytest.mark.parametrize("seed", range(sizes.size(2, 9)))
def test_in_a_simulated_programme_nothing_follows_from_all_tables_of_all_windows(tmp_path: Path, seed: int) -> None:
    """No figure under the minimum is in the span of all tables of a window, and none follows from two or more windows."""
    random = Random(seed)
    mentors = [(random.choice("pqr"), f"mentor-{number}") for number in range(12)]
    with open_database(f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off") as database:
        harness = ProjectionHarness(database)
        events: list[AnyRecorded] = []
        for number in range(1, 121):
            programme_id, mentor = random.choices(mentors, range(12, 0, -1))[0]
            days = 150 * random.betavariate(2, 3)
            person = f"person-{random.randrange(100)}"
            events += relationship(number, programme_id, mentor, (days, random.choice([2, 7, 9, 10])), person=person)
        harness.append(events)
        found = assert_nothing_follows(harness, *every_window("2026-03", "2026-04", "2026-05", "2026-06", "2026-07"))
        assert found["shown"] > 60
