"""The figures of the practice questions: by hand, replaced answers, too few people, unasked answers, corrections."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.codes.questions import Answer
from domain.few_people import Cell
from domain.model import AnyRecorded, Event
from domain.programme.events import ProgrammeCreated
from domain.relationship import events as e
from domain.small_cells import Figure, Group, Suppression
from domain.words import Occasion, Role
from infra.projection_engine.build import rebuild
from infra.store.session import Database
from projections.catalogue import datasets
from projections.practices import PROJECTION, dump, load, settle
from tests.given_when_then import At, day, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, programme, recorded
from tests.projections.given import given

LANGUAGE = "mentor247.language"
INCLUSION = "cmn.inclusion"
# START is 2 March 2026: April is a month later.
MARCH, APRIL = "2026-03", "2026-04"
SHOWN = "clause, mentor_id, month, asked, answered, share_good, respondents, suppressed"
HIDDEN = (None, None, None, None, 1)


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def request(*clauses: str, respondent: Role = "mentee", occasion: Occasion = "mid") -> Event:
    return e.FeedbackRequested(respondent=respondent, occasion=occasion, questions=clauses)


def answer(value: Answer, clause: str = LANGUAGE) -> Event:
    return e.FeedbackGiven(about="mentor", answers={clause: value})


def told(
    number: int, *events: tuple[float, Event], person: str | None = None, by: Role = "mentee", mentor: str = "ben"
) -> list[AnyRecorded]:
    """A relationship of its own in the programme p1; answers are by this person."""
    subject = str(UUID(int=number, version=4))
    person = person or f"person-{number}"
    opened = proposed().model_copy(update={"mentee_id": person, "mentor_id": mentor})
    found = [recorded(subject, 1, opened, day(-10))]
    for version, (at, event) in enumerate(events, 2):
        found.append(recorded(subject, version, event, day(at)).model_copy(update={"actor": f"{by}:{person}"}))
    return found


def figures(harness: ProjectionHarness) -> list[tuple[Any, ...]]:
    harness.engine([PROJECTION]).catch_up()
    return harness.rows("practices", SHOWN)


def test_practices_gives_asked_answered_and_the_share_of_good_answers_by_clause_programme_mentor_and_month(
    harness: ProjectionHarness,
) -> None:
    """`practices` gives asked, answered, share of good answers by clause, programme, mentor and month."""
    answers: list[Answer] = [True, "yes", 3, 2, "No"]
    for number, value in enumerate(answers, 1):
        harness.append(told(number, (1, request(LANGUAGE, INCLUSION)), (2, answer(value))))
    # Asked and not answered; in another month; of another mentor.
    harness.append(told(6, (3, request(LANGUAGE))))
    harness.append(told(7, (40, request(LANGUAGE)), (41, answer(True))))
    harness.append(told(8, (1, request(LANGUAGE)), (2, answer(True)), mentor="bo"))
    assert figures(harness) == [
        (INCLUSION, "ben", MARCH, *HIDDEN),
        (LANGUAGE, "ben", MARCH, 6, 5, 0.6, 5, 0),
        (LANGUAGE, "ben", APRIL, *HIDDEN),
        (LANGUAGE, "bo", MARCH, *HIDDEN),
    ]
    assert set(harness.rows("practices", "programme_id")) == {("p1",)}


BUCHAREST = recorded("programme:p1", 1, ProgrammeCreated(name="p1", timezone="Europe/Bucharest"), day(-300))
# 31 March, 22:30 UTC: half past one in Bucharest, on 1 April.
LAST_EVENING = 29 + 13.5 / 24


@pytest.mark.parametrize("created", ["before", "afterwards"])
def test_months_are_those_of_the_programmes_time_zone(harness: ProjectionHarness, created: str) -> None:
    """Months and days are those of the programme's time zone: also when the programme is created after the answers."""
    if created == "before":
        harness.append([BUCHAREST])
    for number in range(1, 6):
        harness.append(told(number, (LAST_EVENING, request(LANGUAGE)), (LAST_EVENING + 1, answer(True))))
    if created == "afterwards":
        assert figures(harness) == [(LANGUAGE, "ben", MARCH, 5, 5, 1.0, 5, 0)]
        harness.append([BUCHAREST])
    assert figures(harness) == [(LANGUAGE, "ben", APRIL, 5, 5, 1.0, 5, 0)]
    assert set(harness.rows("practice_answers", "month")) == {(APRIL,)}


def test_programmes_are_told_apart(harness: ProjectionHarness) -> None:
    for number in range(1, 6):
        opened, *rest = told(number, (1, answer(True)))
        other = opened.data.model_copy(update={"programme_id": "p2"})
        harness.append([opened.model_copy(update={"data": other}), *rest])
        harness.append(told(number + 10, (1, answer(False))))
    harness.engine([PROJECTION]).catch_up()
    assert harness.rows("practices", "programme_id, share_good") == [("p1", 0.0), ("p2", 1.0)]


def test_a_later_answer_of_the_same_respondent_and_occasion_replaces_the_earlier(harness: ProjectionHarness) -> None:
    for number in range(1, 5):
        harness.append(told(number, (1, request(LANGUAGE)), (2, answer(False)), (3, answer(True))))
    # The later answer was told first; and one was asked again at the end, in another month.
    harness.append(told(5, (1, request(LANGUAGE)), (4, answer(5)), (3, answer(1)), (40, request(LANGUAGE, occasion="end")), (41, answer(False))))  # fmt: skip
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, 5, 5, 1.0, 5, 0), (LANGUAGE, "ben", APRIL, *HIDDEN)]


def test_an_answer_belongs_to_the_latest_request_before_it() -> None:
    found = given(
        PROJECTION,
        proposed(),
        At(1, request(LANGUAGE, INCLUSION)),
        At(2, answer(True), "mentee"),
        At(40, request(LANGUAGE, occasion="end")),
        At(40.1, request(LANGUAGE, respondent="mentor", occasion="end")),
        At(41, answer(False), "mentee"),
        At(41, answer("x", INCLUSION), "mentee"),
    )
    assert found.values("respondent", "occasion", "clause", "month", "answered", "good") == [
        ("mentee", "end", LANGUAGE, APRIL, True, False),
        ("mentee", "mid", INCLUSION, MARCH, True, None),
        ("mentee", "mid", LANGUAGE, MARCH, True, True),
        ("mentor", "end", LANGUAGE, APRIL, False, None),
    ]
    assert found.unit is not None
    state = found.unit.states["practices"].state
    assert load(dump(state)) == state


def test_an_answer_without_a_request_was_asked_and_has_the_month_of_the_answer(harness: ProjectionHarness) -> None:
    for number in range(1, 6):
        harness.append(told(number, (40, answer(number > 1))))
    assert figures(harness) == [(LANGUAGE, "ben", APRIL, 5, 5, 0.8, 5, 0)]
    assert set(harness.rows("practice_answers", "occasion, answered")) == {("", 1)}


def test_an_answer_that_is_neither_good_nor_bad_counts_for_no_share_and_for_no_respondent(
    harness: ProjectionHarness,
) -> None:
    answers: list[Answer] = [True, True, True, True, False, "it depends", 7, 0]
    for number, value in enumerate(answers, 1):
        harness.append(told(number, (1, request(LANGUAGE)), (2, answer(value))))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, 8, 8, 0.8, 5, 0)]


def test_free_questions_and_clauses_that_are_no_practices_have_no_figures(harness: ProjectionHarness) -> None:
    for number in range(1, 6):
        harness.append(told(number, (1, answer(True, "stars")), (2, answer(True, "pentalog.trust"))))
    assert figures(harness) == []


def test_a_group_of_fewer_different_people_than_suppression_min_is_hidden(harness: ProjectionHarness) -> None:
    """A group is shown with at least suppression_min different respondents; else it is hidden: only that it is hidden."""
    for number in range(1, 5):
        harness.append(told(number, (1, request(LANGUAGE)), (2, answer(True))))
    # A fifth answer, by a person who answered before.
    harness.append(told(5, (1, request(LANGUAGE)), (2, answer(True)), person="person-4"))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, *HIDDEN)]
    harness.append(told(6, (1, request(LANGUAGE)), (2, answer(True))))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, 6, 6, 1.0, 5, 0)]


def test_a_person_is_one_respondent_in_whatever_role(harness: ProjectionHarness) -> None:
    harness.append(programme("p1", (-50, "suppression_min", 3)))
    harness.append(told(1, (1, answer(True)), person="ana"))
    harness.append(told(2, (1, answer(True)), person="ana", by="mentor"))
    harness.append(told(3, (1, answer(True)), person="eve"))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, *HIDDEN)]


def test_never_fewer_than_three_whatever_a_document_says(harness: ProjectionHarness) -> None:
    harness.append(programme("p1", (-50, "suppression_min", 1)))
    for number in (1, 2):
        harness.append(told(number, (1, answer(True))))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, *HIDDEN)]
    harness.append(told(3, (1, answer(False))))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, 3, 3, 2 / 3, 3, 0)]


def test_groups_settled_one_by_one_show_what_the_sums_of_all_would() -> None:
    """No total is shown, so `domain.small_cells`, which looks at what follows from all groups together, hides the same: however they share people."""
    random = Random(12)
    hidden = 0
    for _ in range(300):
        minimums = {f"p{number}": random.choice([3, 3, 4, 6]) for number in range(3)}
        cells: dict[Group, Cell] = {
            (programme, mentor, month): Cell(
                frozenset(random.sample("abcdefgh", random.randrange(8))), minimums[programme]
            )
            for programme in minimums
            for mentor in ("ben", "eve")
            for month in (MARCH, APRIL)
        }
        groups = [
            {
                **dict(zip(("programme_id", "mentor_id", "month"), group, strict=True)),
                "clause": LANGUAGE,
                "counts": {"asked": 9, "answered": 9, "good": 1, "people": dict.fromkeys(cell.people, 1)},
            }
            for group, cell in cells.items()
        ]
        settled = settle(groups, lambda programme, of=minimums: {"suppression_min": of[programme]})  # type: ignore[misc]
        shown = Suppression(cells, [(0, 1, 2)]).shown
        expected = [Figure((0, 1, 2), group) not in shown for group in cells]
        assert [each["suppressed"] for each in settled] == expected
        hidden += sum(expected)
    assert 0 < hidden < 300 * 12


def test_todays_minimum_holds_also_for_the_past(harness: ProjectionHarness) -> None:
    terms = programme("p1", (-50, "suppression_min", 3), (90, "suppression_min", 4))
    harness.append(terms[:2])
    for number in (1, 2, 3):
        harness.append(told(number, (1, answer(True))))
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, 3, 3, 1.0, 3, 0)]
    harness.append(terms[2:])
    assert figures(harness) == [(LANGUAGE, "ben", MARCH, *HIDDEN)]


def test_a_history_told_anew_after_a_correction_counts_each_answer_once(harness: ProjectionHarness) -> None:
    """Feedback itself can't be corrected; a correction of another fact folds all answers of the relationship again."""
    for number in range(1, 6):
        contact = (1.5, e.ContactRecorded(channel="email"))
        harness.append(told(number, (1, request(LANGUAGE)), contact, (2, answer(number > 1))))
    wanted = [(LANGUAGE, "ben", MARCH, 5, 5, 0.8, 5, 0)]
    assert figures(harness) == wanted
    subject = str(UUID(int=1, version=4))
    void = e.FactCorrected(version=3, reason="it was another", fact="ContactRecorded", void=True)
    harness.append([recorded(subject, 5, void, day(5)), recorded(subject, 6, answer(True), day(6), by="mentee").model_copy(update={"actor": "mentee:person-1"})])  # fmt: skip
    wanted = [(LANGUAGE, "ben", MARCH, 5, 5, 1.0, 5, 0)]
    assert figures(harness) == wanted
    rebuild(harness.engine([PROJECTION]), [PROJECTION.name])
    assert harness.rows("practices", SHOWN) == wanted


def test_nobody_reads_who_answered_or_what(harness: ProjectionHarness) -> None:
    harness.append(told(1, (1, answer("he looked at his phone")), person="ana"))
    harness.engine([PROJECTION]).catch_up()
    read = repr(harness.rows("practices") + harness.rows("practice_answers"))
    assert "phone" not in read
    assert "ana" not in read
    read_columns = {column.name for name in ("practices", "practice_answers") for column in datasets()[name].columns}
    assert read_columns.isdisjoint({"good", "respondent_id", "counts"})
