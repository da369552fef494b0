from datetime import UTC, date, datetime

import pytest

from domain.case.events import CaseDecided, CaseOpened
from domain.mentor.events import DevelopmentRecorded, MentorRemoved, TrainingRecorded
from domain.programme.events import TermSet
from tests.given_when_then import SUBJECT, proposed
from tests.workers.happenings import ended, kinds
from tests.workers.stage import MENTOR, Stage
from workers.learning import LEARNING

OTHER = "22222222-2222-4222-8222-222222222222"


def stage(*codes: str) -> Stage:
    return Stage(*codes, workers=[LEARNING]).active()


def trained(told: Stage, on: float, due: date | None, course: str = "Listening") -> Stage:
    event = TrainingRecorded(course=course, completed_on=date(2026, 3, 1), due_on=due)
    return told.happens(event, on=on, subject=MENTOR)


def developed(told: Stage, on: float, day: date) -> Stage:
    return told.happens(DevelopmentRecorded(what="A course.", completed_on=day), on=on, subject=MENTOR)


@pytest.mark.clause("leapfrog.competence")
def test_twelve_months_without_development_are_a_task_for_the_mentor() -> None:
    told = stage("leapfrog").passes(365.6)
    # From 2 March 2026, the day of the proposal, to the end of 2 March 2027.
    assert told.nothing()
    [task] = told.passes(366).tasks()
    assert (task.kind, task.subject, task.clauses) == ("development", MENTOR, ("leapfrog.competence",))
    assert task.since == datetime(2027, 3, 3, tzinfo=UTC)
    assert task.owner == "mentor"
    assert told.told("development") == ["mentor:ben"]
    assert developed(told, 370, date(2027, 3, 6)).tasks() == []
    assert told.passes(370 + 363).tasks() == []
    assert kinds(told.passes(370 + 367).tasks()) == ["development"]


@pytest.mark.clause("leapfrog.competence")
def test_development_is_counted_from_the_latest_and_only_while_a_relationship_asks_for_it() -> None:
    told = developed(stage("leapfrog"), 100, date(2026, 6, 1))
    told.happens(proposed("leapfrog"), on=200, subject=OTHER)
    assert told.deadlines() == {"learning:development": datetime(2027, 6, 2, tzinfo=UTC)}
    assert developed(told, 210, date(2026, 5, 1)).deadlines() == {
        "learning:development": datetime(2027, 6, 2, tzinfo=UTC)
    }
    assert told.happens(ended(), on=220).deadlines()
    assert told.happens(ended(), on=230, subject=OTHER).deadlines() == {}
    assert stage("pentalog", "nottingham").passes(400).nothing()


@pytest.mark.clause("leapfrog.competence")
def test_a_mentor_whose_development_lies_long_back_is_asked_at_once() -> None:
    told = Stage("leapfrog", workers=[LEARNING], propose=False)
    developed(told, 0, date(2020, 1, 1))
    told.happens(proposed("leapfrog"), on=1).passes(1)
    assert kinds(told.tasks()) == ["development"]


def test_the_months_are_a_term_of_the_mentors_programme() -> None:
    told = Stage("leapfrog", workers=[LEARNING], propose=False)
    term = TermSet(
        document="statement_of_work", term="development_months", value=6, resolved=6, winner="statement_of_work"
    )
    told.happens(term, subject="programme:p1").happens(proposed("leapfrog"), on=1)
    assert told.deadlines() == {"learning:development": datetime(2026, 9, 4, tzinfo=UTC)}


@pytest.mark.clause("nottingham.further-training")
def test_a_course_that_was_not_taken_again_in_time_is_a_task() -> None:
    told = trained(stage("nottingham"), 1, date(2026, 4, 1)).passes(30.6)
    assert told.nothing()
    [task] = told.passes(30.7).tasks()
    assert (task.kind, task.about, task.clauses) == ("further_training", "Listening", ("nottingham.further-training",))
    assert task.settled_by == ("RecordTraining",)
    assert told.told("further_training") == ["mentor:ben", "coordinator"]
    assert trained(told, 40, None).tasks() == []


@pytest.mark.clause("nottingham.further-training")
def test_training_is_watched_once_the_code_binds_and_no_longer_than_that() -> None:
    told = trained(stage("pentalog"), 1, date(2026, 4, 1))
    assert told.deadlines() == {}
    told.happens(proposed("nottingham"), on=50, subject=OTHER).passes(50)
    assert kinds(told.tasks()) == ["further_training"]
    assert told.happens(ended(), on=60, subject=OTHER).tasks() == []


@pytest.mark.clause("cmn.breaches")
def test_a_case_that_ends_in_further_training_is_a_task_until_some_is_recorded() -> None:
    told = stage("cmn")
    opened = CaseOpened(mentor_id="ben", about="mentor:ben", relationship_id=SUBJECT, kind="code", description="x")
    told.happens(opened, CaseDecided(decision="further_training", reason="x"), on=3, subject="case:c1")
    [task] = told.tasks()
    assert (task.kind, task.subject, task.clauses) == ("further_training", MENTOR, ("cmn.breaches",))
    assert trained(told, 9, None).tasks() == []


def test_nothing_is_asked_of_a_mentor_who_was_removed() -> None:
    told = trained(stage("nottingham", "leapfrog"), 1, date(2026, 4, 1))
    told.happens(MentorRemoved(reason="x"), on=2, subject=MENTOR).passes(500)
    assert told.nothing()
