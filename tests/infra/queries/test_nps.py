"""NPS as the command tells it: groups, windows, other times, suppression."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import pytest

from domain.model import AnyRecorded, Event
from domain.programme.events import ProgrammeCreated
from domain.relationship import events as e
from infra.queries.as_at import Asked
from infra.queries.nps import By, Shown, Window, figures
from infra.store.session import Database
from tests.given_when_then import proposed
from tests.infra.projection_engine.harness import LATE, ProjectionHarness, day, programme, recorded

EVER = Window()


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def relationship(number: int, programme_id: str, mentor: str, *answers: tuple[float, int | None], role: str = "mentee") -> list[AnyRecorded]:  # fmt: skip
    """A relationship whose mentee was asked (None) or answered, each (day, score)."""
    subject = str(UUID(int=number, version=4))
    events = [recorded(subject, 1, proposed().model_copy(update={"programme_id": programme_id, "mentor_id": mentor}), day(-100))]  # fmt: skip
    for version, (days, score) in enumerate(answers, 2):
        event: Event = (
            e.NpsRequested(respondent=role, occasion="end")  # type: ignore[arg-type]
            if score is None
            else e.NpsResponded(respondent=role, occasion="end", score=score)  # type: ignore[arg-type]
        )
        events.append(recorded(subject, version, event, day(days), by="mentee"))
    return events


def tell(harness: ProjectionHarness, *groups: tuple[str, str, Sequence[int]], start: int = 0) -> None:
    """Relationships by (programme, mentor, scores)."""
    number = start
    for programme_id, mentor, scores in groups:
        for score in scores:
            number += 1
            harness.append(relationship(number, programme_id, mentor, (1, score)))


def ask(
    harness: ProjectionHarness, *by: By, at: datetime = LATE, known: datetime | None = None, window: Window = EVER
) -> list[Shown]:
    return figures(harness.engine(), by, Asked(at, known), window)


def test_five_promoters_of_five(harness: ProjectionHarness) -> None:
    tell(harness, ("p", "ana", [9, 9, 10, 10, 9]))
    (row,) = ask(harness)
    assert row == {
        "role": "mentee",
        "occasion": "end",
        "n": 5,
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


def test_four_answers_are_suppressed(harness: ProjectionHarness) -> None:
    tell(harness, ("p", "ana", [9, 9, 10, 10]))
    (row,) = ask(harness)
    assert (row["n"], row["suppressed"], row["nps"], row["promoters"], row["low"]) == (4, True, None, None, None)


def test_asked_and_not_answered_is_suppressed_and_not_zero(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, None)))
    (row,) = ask(harness)
    assert (row["n"], row["asked"], row["response_rate"], row["nps"], row["suppressed"]) == (0, 1, 0.0, None, True)
    assert (row["promoters"], row["passives"], row["detractors"]) == (None, None, None)


def test_a_request_and_its_answer_are_asked_once(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, None), (2, 9), (3, 4)))
    tell(harness, ("p", "ana", [9, 9, 9, 9]), start=1)
    (row,) = ask(harness)
    assert (row["n"], row["asked"], row["promoters"], row["detractors"]) == (5, 5, 4, 1)


def test_roles_and_occasions_are_never_mixed(harness: ProjectionHarness) -> None:
    for number in range(1, 7):
        harness.append(relationship(number, "p", "ana", (1, 9), role="mentee"))
    for number in range(7, 13):
        harness.append(relationship(number, "p", "ana", (1, 0), role="mentor"))
    assert [(row["role"], row["nps"]) for row in ask(harness)] == [("mentee", 100.0), ("mentor", -100.0)]


def test_a_group_that_another_would_give_away_is_suppressed_with_it(harness: ProjectionHarness) -> None:
    tell(harness, ("p", "ana", [9] * 12), ("q", "bo", [3] * 6), ("r", "cy", [9] * 4))
    rows = {row["programme"]: row for row in ask(harness, "programme")}
    assert {name: row["suppressed"] for name, row in rows.items()} == {"p": False, "q": True, "r": True}
    assert rows["q"]["n"] == 6


def test_by_mentor_the_totals_of_programmes_are_kept_in_mind(harness: ProjectionHarness) -> None:
    tell(harness, ("p", "ana", [9] * 8), ("p", "bo", [2] * 2), ("q", "cy", [9] * 7), ("q", "di", [9] * 8))
    unseen = {row["mentor"] for row in ask(harness, "mentor") if row["suppressed"]}
    assert unseen == {"ana", "bo"}
    both = ask(harness, "programme", "mentor")
    assert {row["mentor"] for row in both if row["suppressed"]} == unseen
    assert [row["programme"] for row in both] == ["p", "p", "q", "q"]


def test_the_month_is_that_of_the_answer_that_counts_or_else_of_the_request(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, None), (40, 9)))
    harness.append(relationship(2, "p", "ana", (1, 2), (70, 9)))
    harness.append(relationship(3, "p", "ana", (5, None), (50, None)))
    rows = {row["month"]: (row["n"], row["asked"]) for row in ask(harness, "month")}
    assert rows == {"2026-03": (0, 1), "2026-04": (1, 1), "2026-05": (1, 1)}


def test_months_and_the_days_of_windows_are_those_of_the_programmes_time_zone(harness: ProjectionHarness) -> None:
    """Months and days are those of the programme's time zone."""
    created = ProgrammeCreated(name="p", timezone="Europe/Bucharest")
    harness.append([recorded("programme:p", 1, created, day(-300))])
    # 31 March, 22:30 UTC: half past one in Bucharest, on 1 April. q has no time zone of its own.
    evening = 29 + 13.5 / 24
    harness.append(relationship(1, "p", "ana", (evening, 9)))
    harness.append(relationship(2, "q", "bo", (evening, 9)))
    rows = ask(harness, "programme", "month")
    assert [(row["programme"], row["month"], row["n"]) for row in rows] == [("p", "2026-04", 1), ("q", "2026-03", 1)]
    april = Window(date(2026, 4, 1), date(2026, 4, 30))
    assert [row["programme"] for row in ask(harness, "programme", window=april)] == ["p"]
    assert [row["programme"] for row in ask(harness, "programme", window=Window(None, date(2026, 3, 31)))] == ["q"]


def test_a_window_takes_in_its_ends(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, 9)))
    harness.append(relationship(2, "p", "ana", (2, 9)))
    harness.append(relationship(3, "p", "ana", (3, 9)))
    asked = [row["asked"] for row in ask(harness, window=Window(day(1), day(2)))]
    assert asked == [2]
    assert ask(harness, window=Window(day(4))) == []


def test_other_times(harness: ProjectionHarness) -> None:
    harness.append(relationship(1, "p", "ana", (1, 3), (5, 9)))
    # Two more people, so that the figures may be shown.
    harness.append(relationship(3, "p", "bo", (0.5, 8)))
    harness.append(relationship(4, "p", "cy", (0.5, 8)))
    harness.append([recorded(str(UUID(int=2, version=4)), 1, proposed(), day(-9))])
    harness.append([recorded(str(UUID(int=2, version=4)), 2, e.NpsResponded(respondent="mentee", occasion="end", score=1), day(2), told=day(30))])  # fmt: skip
    harness.append(programme("p", (-50, "suppression_min", 1)) + programme("p1", (-50, "suppression_min", 1)))

    def counts(at: float, known: float | None = None) -> list[tuple[int, int]]:
        rows = ask(harness, at=day(at), known=None if known is None else day(known))
        return [(row["promoters"], row["detractors"]) for row in rows]

    assert counts(0) == []
    assert counts(1) == [(0, 1)]
    assert counts(3) == [(0, 2)]
    assert counts(3, known=3) == [(0, 1)]
    assert counts(6) == [(1, 1)]


def test_the_minimum_is_the_programmes_and_for_several_the_strictest(harness: ProjectionHarness) -> None:
    harness.append(programme("p", (-50, "suppression_min", 3)))
    tell(harness, ("p", "ana", [9, 9, 9]))
    assert [row["suppressed"] for row in ask(harness)] == [False]
    tell(harness, ("q", "bo", [9]), start=10)
    assert [row["suppressed"] for row in ask(harness)] == [True]


def test_the_table_of_programmes_says_the_same(harness: ProjectionHarness) -> None:
    harness.append(programme("p", (-50, "suppression_min", 3)))
    tell(harness, ("p", "ana", [9, 9, 2]), ("q", "bo", [9] * 6), ("r", "cy", [1] * 7))
    asked = [(r["programme"], r["n"], r["nps"], r["low"], r["suppressed"]) for r in ask(harness, "programme")]
    found = [(*row[:-1], bool(row[-1])) for row in harness.rows("nps", "programme_id, n, nps, low, suppressed")]
    assert found == asked


def test_a_void_answer_leaves_the_figures_and_was_in_them_as_far_as_was_known_before(
    harness: ProjectionHarness,
) -> None:
    tell(harness, ("p", "ana", [9, 9, 9, 9, 9]))
    harness.append(relationship(6, "p", "ana", (1, 9), (2, 0)))
    assert [(row["promoters"], row["detractors"]) for row in ask(harness)] == [(5, 1)]
    void = e.FactCorrected(version=3, reason="mistyped", fact="NpsResponded", void=True)
    harness.append([recorded(str(UUID(int=6, version=4)), 4, void, day(20), by="mentee")])
    assert [(row["promoters"], row["detractors"]) for row in ask(harness)] == [(6, 0)]
    assert [(row["promoters"], row["detractors"]) for row in ask(harness, at=day(3))] == [(6, 0)]
    assert [(row["promoters"], row["detractors"]) for row in ask(harness, known=day(19))] == [(5, 1)]
    assert harness.rows("nps", "promoters, detractors") == [(6, 0)]
