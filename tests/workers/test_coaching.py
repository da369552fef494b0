from datetime import timedelta
from typing import Any

import pytest

from domain.relationship.commands import CompleteSession, CorrectFact
from domain.relationship.events import TopicMarkedPrivate
from domain.relationship.fields import AgendaItem
from tests.given_when_then import day
from tests.workers.happenings import booked, checked, completed, ended, moved
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


# --- facts told late -----------------------------------------------------------------------------------------------
# Each tip is judged against the start that the session then had, whenever the fact is told.
@pytest.mark.clause("mentor247.connection")
def test_a_move_told_after_a_later_one_does_not_move_the_time_by_which_a_check_is_awaited() -> None:
    told = stage().happens(moved("s1", 5, 8, 30), on=3).happens(moved("s1", 5, 6, 60), on=2)
    assert told.deadlines() == {"coaching:check:s1": day(8)}
    assert tips(told.passes(7.9)) == []
    assert tips(told.passes(8)) == [("mentor247.connection", "missing")]


@pytest.mark.clause("mentor247.connection")
def test_a_session_that_had_been_moved_away_awaits_its_check_at_the_new_start() -> None:
    told = stage().passes(5.1)
    assert tips(told) == [("mentor247.connection", "missing")]
    told.happens(moved("s1", 5, 7, 12), on=4.5)
    assert tips(told.passes(6.9)) == [("mentor247.connection", "missing")]
    assert tips(told.passes(7)) == [("mentor247.connection", "missing")] * 2


@pytest.mark.clause("mentor247.connection")
def test_a_move_told_after_the_session_took_place_awaits_no_check() -> None:
    told = stage().happens(checked("s1", 4.9), on=4.9).happens(completed("s1", 5), on=5.1)
    told.happens(moved("s1", 5, 9, 60), on=2).passes(12)
    assert tips(told) == []


@pytest.mark.clause("mentor247.punctuality")
@pytest.mark.parametrize("told_late", [False, True])
def test_the_call_is_judged_by_the_start_that_the_session_had_when_it_was_opened(told_late: bool) -> None:
    told = stage().happens(checked("s1", 4.9), on=4.9)
    moves = [(moved("s1", 5, 6, 60), 2), (moved("s1", 6, 7, 60), 3)]
    for move, on in reversed(moves) if told_late else moves:
        told.happens(move, on=on)
    # Opened ten minutes before the start of the latest move, days after the others.
    joined = {"mentor": day(7) - timedelta(minutes=10)}
    assert tips(told.happens(completed("s1", 7, joined=joined), on=7.1)) == []
    ended_early = stage().happens(checked("s1", 4.9), on=4.9).happens(ended(), on=6)
    late = {"mentor": day(5) + timedelta(minutes=1)}
    assert tips(ended_early.happens(completed("s1", 5, joined=late), on=5.1)) == [("mentor247.punctuality", "")]


@pytest.mark.clause("mentor247.camera", "mentor247.punctuality")
def test_a_corrected_session_is_judged_anew_and_what_was_sent_stays_sent() -> None:
    told = (
        Stage("mentor247", workers=[COACHING]).active().happens(booked("s1", 5), checked("s1", 0.1), on=0.1).passes(5.1)
    )
    wrong: dict[str, Any] = {"session_id": "s1", "started_at": day(5), "ended_at": day(5.04), "agenda": (), "call_to_action": "x", "present": ("mentee", "mentor")}  # fmt: skip
    told.says(CompleteSession(**wrong, joined={"mentor": day(5)}, camera_on=True), by="mentor", on=5.1)
    assert tips(told) == [("mentor247.punctuality", "")]
    version = told.log[-1].version
    right = wrong | {"joined": {"mentor": day(4.99)}, "camera_on": False}
    data = CompleteSession(**right).model_dump(mode="json", exclude_none=True)
    told.says(CorrectFact(version=version, reason="x", data=data), by="coordinator", on=6)
    assert tips(told) == [("mentor247.punctuality", ""), ("mentor247.camera", "")]


@pytest.mark.clause("leapfrog.privacy")
def test_a_session_in_which_a_private_topic_was_raised_earns_the_mentor_a_tip() -> None:
    """A session in which one was raised is recorded with a finding, and the mentor gets a tip."""
    told = Stage("leapfrog", workers=[COACHING]).active().happens(booked("s1", 5), on=1)
    told.happens(TopicMarkedPrivate(topic="debts"), by="mentee").passes(5.1)
    assert told.nothing()
    session: dict[str, Any] = {"session_id": "s1", "started_at": day(5), "ended_at": day(5.04), "joined": {}, "present": ("mentee", "mentor")}  # fmt: skip
    agenda = (AgendaItem(topic="your debts", set_by="mentor", minutes=10),)
    told.says(CompleteSession(**session, agenda=agenda), by="mentor", on=5.1)
    assert tips(told) == [("leapfrog.privacy", "")]
    assert told.clauses("coaching_tip") == ("leapfrog.privacy",)
