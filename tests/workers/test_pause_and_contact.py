from datetime import UTC, datetime

import pytest

from domain.programme.events import ProgrammeCreated, TermSet
from domain.relationship import events as e
from tests.given_when_then import day
from tests.workers.happenings import completed, ended, kinds, paused
from tests.workers.stage import Stage
from workers.contact import CONTACT
from workers.pause import PAUSE


def pausing(*codes: str) -> Stage:
    return Stage(*(codes or ("cmn", "nottingham")), workers=[PAUSE]).active()


@pytest.mark.clause("cmn.pause-or-stop", "nottingham.withdrawal")
def test_a_pause_is_looked_at_again_on_its_review_day() -> None:
    told = pausing().happens(paused(20), on=4)
    assert kinds(told.tasks()) == ["pause_review"]
    assert told.tasks()[0].clauses == ("cmn.pause-or-stop", "nottingham.withdrawal")
    assert told.passes(19.9).notes == []
    told.passes(20.1)
    assert told.told("pause_review") == ["mentee:ana", "mentor:ben", "coordinator"]
    assert told.notes[0].at == datetime(2026, 3, 22, 9, tzinfo=UTC)


def test_the_review_comes_in_the_morning_of_the_programmes_time_zone_also_after_clocks_change() -> None:
    told = pausing("pentalog")
    told.happens(ProgrammeCreated(name="P", timezone="Europe/Bucharest"), on=1, subject="programme:p1")
    told.happens(paused(30), on=4).passes(31)
    # 1 April is after the change to summer time: nine o'clock is 06:00 UTC, in March it was 07:00.
    assert told.notes[0].at == datetime(2026, 4, 1, 6, tzinfo=UTC)
    assert told.clauses("pause_review") == ("care.attention",)


def test_sixty_days_of_pause_are_put_before_those_who_oversee_it() -> None:
    told = pausing().happens(paused(20), on=4).passes(63.99)
    assert told.told("pause_too_long") == []
    told.passes(64)
    assert told.told("pause_too_long") == ["coordinator", "supplier:guild"]
    assert kinds(told.tasks()) == ["pause_review", "pause_too_long"]
    assert told.happens(e.RelationshipResumed(), on=65).tasks() == []


@pytest.mark.parametrize("event", [e.RelationshipResumed(), ended()])
def test_resumption_or_the_end_settle_a_pause(event: e.RelationshipEvent) -> None:
    told = pausing().happens(paused(20), on=4).happens(event, on=10).passes(90)
    assert told.nothing()
    assert told.deadlines() == {}


def test_a_document_may_set_the_days_of_a_pause() -> None:
    told = pausing()
    term = TermSet(
        document="statement_of_work", term="pause_days_max", value=30, resolved=30, winner="statement_of_work"
    )
    told.happens(term, on=1, subject="programme:p1").happens(paused(20), on=4).passes(34)
    assert told.told("pause_too_long")
    assert told.receipts[-1][1].terms == {"pause_days_max": 30}


def silent(*codes: str) -> Stage:
    return Stage(*(codes or ("nottingham",)), workers=[CONTACT]).active()


@pytest.mark.clause("nottingham.regular-contact")
def test_more_than_thirty_days_of_silence_reach_the_coordinator_once() -> None:
    told = silent().passes(30)
    assert told.nothing()
    told.passes(30.01)
    assert told.told("out_of_contact") == ["coordinator"]
    [task] = told.tasks()
    assert (task.kind, task.clauses, task.evidence) == ("out_of_contact", ("nottingham.regular-contact",), (2,))
    assert told.passes(200).told("out_of_contact") == ["coordinator"]


def test_contact_or_a_session_begins_a_new_count_and_settles_the_task() -> None:
    told = silent().passes(31)
    assert told.tasks()
    assert told.happens(e.ContactRecorded(channel="email"), on=32).tasks() == []
    told.happens(completed("s1", 40), on=41)
    assert told.deadlines()["contact:silence"] > day(70)
    assert told.passes(70).told("out_of_contact") == ["coordinator"]
    assert told.passes(70.1).told("out_of_contact") == ["coordinator"] * 2


def test_what_is_told_late_does_not_shorten_the_count() -> None:
    told = silent().happens(e.ContactRecorded(channel="email"), on=20)
    before = told.deadlines()
    assert told.happens(completed("s1", 12), on=21).deadlines() == before


def test_days_in_a_pause_are_no_silence() -> None:
    told = silent("cmn").happens(paused(60), on=20).passes(55)
    assert told.nothing()
    told.happens(e.RelationshipResumed(), on=55).passes(85)
    assert told.nothing()
    assert told.passes(85.1).tasks()[0].clauses == ("care.attention",)
