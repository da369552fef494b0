from datetime import UTC, datetime

import pytest

from domain.relationship import events as e
from tests.given_when_then import day
from tests.workers.happenings import ended, kinds
from tests.workers.stage import Stage
from workers.closing import CLOSING

REVIEW = e.EndReviewRecorded(objectives=(), signposting=("A network.",))


def over(*codes: str) -> Stage:
    return Stage(*(codes or ("cmn",)), workers=[CLOSING]).active().happens(ended(), on=10)


@pytest.mark.clause("cmn.end-review")
def test_the_end_review_stays_a_task_until_it_is_recorded() -> None:
    told = over().passes(300)
    [task] = told.tasks("end_review")
    assert (task.clauses, task.evidence, task.settled_by, task.since) == (
        ("cmn.end-review",), (3,), ("RecordEndReview",), day(10),
    )  # fmt: skip
    assert told.happens(REVIEW, on=301).tasks("end_review") == []


@pytest.mark.clause("cmn.end-review")
def test_a_review_recorded_before_the_end_counts() -> None:
    told = Stage("cmn", workers=[CLOSING]).active().happens(REVIEW, on=9).happens(ended(), on=10)
    assert told.tasks("end_review") == []


@pytest.mark.clause("cmn.end-feedback")
def test_the_mentee_is_asked_for_feedback_at_the_end() -> None:
    told = over()
    assert told.told("end_feedback") == ["mentee:ana"]
    assert told.clauses("end_feedback") == ("cmn.end-feedback",)
    told.happens(e.FeedbackGiven(about="mentor", answers={}), on=11, by="mentor")
    assert kinds(told.tasks("end_feedback")) == ["end_feedback"]
    assert told.happens(e.FeedbackGiven(about="mentor", answers={}), on=12, by="mentee").tasks("end_feedback") == []


@pytest.mark.clause("cmn.records")
def test_records_are_to_be_secured_within_fourteen_days() -> None:
    told = over()
    [task] = told.tasks("records")
    assert (task.due, task.settled_by, task.clauses) == (day(24), ("SecureRecords",), ("cmn.records",))
    assert told.passes(23.9).told("records_overdue") == []
    assert told.passes(24).told("records_overdue") == ["coordinator"]
    told.happens(e.RecordsSecured(retained_until=day(400).date()), on=25)
    assert told.tasks("records") == []


@pytest.mark.clause("cmn.records")
def test_when_retention_is_over_erasure_is_proposed_and_nothing_is_erased() -> None:
    until = day(400).date()
    told = over().happens(e.RecordsSecured(retained_until=until), on=12).passes(400)
    assert told.tasks("erasure") == []
    told.passes(401)
    assert told.told("erasure") == ["coordinator"]
    assert told.notes[-1].at == datetime(2027, 4, 7, tzinfo=UTC)
    assert [task.about for task in told.tasks("erasure")] == ["ana", "ben"]
    assert told.all_sent == []
    told.happens(e.PersonalDataErased(person="ana", request=1), on=402)
    assert [task.about for task in told.tasks("erasure")] == ["ben"]


def test_records_that_nobody_secured_are_kept_as_long_as_the_terms_say() -> None:
    told = over("pentalog")
    assert told.nothing()
    assert told.passes(10 + 2190).tasks("erasure")


@pytest.mark.clause("cmn.end-review", "cmn.end-feedback", "cmn.records")
def test_other_codes_ask_for_none_of_it() -> None:
    told = over("pentalog", "mentor247", "nottingham").passes(100)
    assert told.nothing(), told.tasks()
