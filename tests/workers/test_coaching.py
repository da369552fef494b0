from datetime import timedelta

import pytest

from tests.given_when_then import day
from tests.workers.happenings import booked, checked, completed, ended
from tests.workers.stage import Stage
from workers.coaching import COACHING


def stage(*codes: str) -> Stage:
    return Stage(*(codes or ("mentor247",)), workers=[COACHING]).active().happens(booked("s1", 5), on=1)


def tips(told: Stage) -> list[tuple[str, str]]:
    """Clause and items of each tip; all go to the mentor alone."""
    assert set(told.told("coaching_tip")) <= {"mentor:ben"}
    assert {note.template for note in told.notes} <= {"coaching_tip"}
    return [(note.parameters["clause"], note.parameters.get("items", "")) for note in told.notes]


@pytest.mark.clause("mentor247.environment")
def test_a_noisy_place_or_a_phone_earns_a_tip() -> None:
    told = stage().happens(checked("s1", 4.9, "device", "quiet"), on=4.9)
    assert tips(told) == [("mentor247.environment", "device quiet")]
    assert told.clauses("coaching_tip") == ("mentor247.environment",)


@pytest.mark.clause("mentor247.surroundings")
def test_the_background_is_recorded_and_earns_none() -> None:
    assert tips(stage().happens(checked("s1", 4.9, "background"), on=4.9)) == []


@pytest.mark.clause("mentor247.connection")
@pytest.mark.parametrize("item", ["connection", "microphone", "speakers", "camera", "late_check"])
def test_equipment_that_fails_or_is_tried_late_earns_a_tip(item: str) -> None:
    assert tips(stage().happens(checked("s1", 4.99, item), on=4.99)) == [("mentor247.connection", item)]


@pytest.mark.clause("mentor247.connection")
def test_a_missing_check_is_pointed_out_at_the_start() -> None:
    told = stage().passes(4.99)
    assert tips(told) == []
    told.passes(5)
    assert tips(told) == [("mentor247.connection", "missing")]
    assert told.notes[0].at == day(5)
    # A check that is told afterwards is late, which was said already.
    assert len(tips(told.happens(checked("s1", 5, "late_check"), on=5.1))) == 1


@pytest.mark.clause("mentor247.connection")
def test_a_check_in_time_earns_none() -> None:
    assert tips(stage().happens(checked("s1", 4.9), on=4.9).passes(6)) == []


@pytest.mark.clause("mentor247.camera")
def test_a_camera_that_is_off_earns_a_tip_and_an_unknown_one_does_not() -> None:
    told = stage().happens(checked("s1", 4.9), on=4.9).happens(completed("s1", 5, camera_on=False), on=5.1)
    assert tips(told) == [("mentor247.camera", "")]
    quiet = stage().happens(checked("s1", 4.9), on=4.9).happens(completed("s1", 5, camera_on=None), on=5.1)
    assert tips(quiet) == []


@pytest.mark.clause("mentor247.punctuality")
@pytest.mark.parametrize("minutes, how", [(-5, None), (-4.99, "close"), (0, "close"), (0.01, "late")])
def test_the_mentor_opens_the_call_five_minutes_before(minutes: float, how: str | None) -> None:
    joined = {"mentor": day(5) + timedelta(minutes=minutes)}
    told = stage().happens(checked("s1", 4.9), on=4.9).happens(completed("s1", 5, joined=joined), on=5.1)
    assert [note.parameters["how"] for note in told.notes] == ([how] if how else [])
    assert tips(told) == ([("mentor247.punctuality", "")] if how else [])


@pytest.mark.clause("mentor247.call-to-action")
def test_a_session_without_a_call_to_action_earns_a_tip() -> None:
    told = stage().happens(checked("s1", 4.9), on=4.9).happens(completed("s1", 5, call_to_action=None), on=5.1)
    assert tips(told) == [("mentor247.call-to-action", "")]


@pytest.mark.clause("mentor247.environment", "mentor247.connection", "mentor247.camera", "mentor247.call-to-action")
def test_under_other_codes_nobody_is_coached() -> None:
    told = stage("pentalog", "cmn").happens(checked("s1", 4.9, "device", "connection"), on=4.9)
    told.happens(completed("s1", 5, camera_on=False, call_to_action=None), on=5.1)
    assert told.nothing()
    assert told.deadlines() == {}


def test_a_cancelled_or_ended_mentoring_waits_for_no_check() -> None:
    assert stage().happens(ended(), on=2).deadlines() == {}
