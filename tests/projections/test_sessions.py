"""The datasets of sessions: `sessions`, `session_moves`, `homework` and `pauses`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.model import Finding
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.words import Cause, Role
from projections import homework, pauses, session_moves, sessions
from projections.catalogue import datasets
from tests.given_when_then import At, day, proposed
from tests.projections.given import given

ACTIVE = (proposed(), At(1, e.RelationshipActivated()))


def schedule(session_id: str, days: float, **fields: Any) -> At:
    event = e.SessionScheduled(session_id=session_id, starts_at=day(days), channel="platform", minutes=60, **fields)
    return At(days - 1, event, "mentee")


def move(
    before: float,
    to: float,
    at: float,
    by: str = "mentee",
    *,
    on_behalf_of: Role | None = None,
    cause: Cause | None = None,
) -> At:
    hours = (before - at) * 24
    event = e.SessionRescheduled(
        session_id="s1",
        starts_at=day(to),
        reason="-",
        previous_starts_at=day(before),
        notice_hours=hours,
        late=hours < 24,
        on_behalf_of=on_behalf_of,
        cause=cause,
    )
    return At(at, event, by)


def cancelled(at: float = 4, by: str = "mentee", **fields: Any) -> At:
    return At(at, e.SessionCancelled(session_id="s1", reason="-", notice_hours=24, late=False, **fields), by)


def complete(
    days: float,
    session_id: str = "s1",
    *,
    homework_id: str | None = None,
    joined: datetime | None = None,
    **fields: Any,
) -> e.SessionCompleted:
    start = day(days)
    agenda = (AgendaItem(topic="-", set_by="mentee", minutes=30, homework_id=homework_id),)
    return e.SessionCompleted(
        session_id=session_id,
        started_at=start,
        ended_at=start + timedelta(minutes=50),
        present=("mentee", "mentor"),
        joined={"mentee": joined or start},
        agenda=agenda,
        status="active",
        **fields,
    )


class TestSessions:
    def test_a_move_that_is_told_late_changes_no_start(self) -> None:
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), move(5, 20, 4.9), move(5, 15, 4.5)).row()
        assert (row["starts_at"], row["reschedules"], row["late_moves"]) == (day(20), 2, 2)

    def test_a_move_that_is_told_after_the_session_counts_for_who_was_late(self) -> None:
        joined = day(5) + timedelta(minutes=30)
        held = At(5.1, complete(5, joined=joined), "mentor")
        before = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), held).row()
        assert (before["mentee_joined_at"], before["mentee_late_minutes"]) == (joined, 30)
        moved = move(5, 5 + 20 / 1440, 4.5)
        after = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), held, moved).row()
        assert (after["status"], after["mentee_late_minutes"]) == ("completed", pytest.approx(10))

    def test_a_move_belongs_to_whoever_asked_for_it(self) -> None:
        moves = (
            move(5, 6, 1),
            move(6, 7, 2, "service", on_behalf_of="mentor"),
            move(7, 8, 3, "coordinator", on_behalf_of="mentee"),
            move(8, 9, 4, "service"),
        )
        row = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), *moves).row()
        assert (row["reschedules"], row["reschedules_by_mentee"], row["reschedules_by_mentor"]) == (4, 2, 1)

    @pytest.mark.parametrize(
        "told, who",
        [
            (cancelled(by_pause=True), "pause"),
            (cancelled(by_end=True), "end"),
            (cancelled(by="service", on_behalf_of="mentor"), "mentor"),
            (cancelled(by="service"), "service"),
        ],
    )
    def test_who_cancelled_it(self, told: At, who: str) -> None:
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), told).row()["cancelled_by"] == who

    @pytest.mark.clause("mentor247.on-platform")
    def test_unpaid_at_risk_is_for_good(self) -> None:
        outside = schedule("s1", 5, unpaid_at_risk=True)
        for told in ((), (move(5, 6, 4),), (cancelled(),), (At(5.1, complete(5)),)):
            assert given(sessions.PROJECTION, *ACTIVE, outside, *told).row()["unpaid_at_risk"] is True
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5)).row()["unpaid_at_risk"] is False

    @pytest.mark.clause("leapfrog.privacy")
    def test_findings_of_all_that_was_told_of_it(self) -> None:
        found = Finding(code="private_topic", clause="leapfrog.privacy"), Finding(code="overlap")
        late = At(6, schedule("s1", 5).event, "coordinator", (Finding(code="overlap"),))
        row = given(sessions.PROJECTION, *ACTIVE, late, At(6.1, complete(5), "mentor", found)).row()
        assert row["findings"] == ["overlap", "private_topic"]
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5)).row()["findings"] == []

    @pytest.mark.parametrize("cause, excused", [("illness", True), ("supplier", True), ("work", False), (None, False)])
    def test_a_no_show_for_illness_or_the_supplier_is_excused(self, cause: Cause | None, excused: bool) -> None:
        missed = At(5.1, e.SessionMissed(session_id="s1", absent=("mentee",), cause=cause), "mentor")
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), missed).row()["excused"] is excused

    def test_contracting_sessions_are_marked(self) -> None:
        before = At(5.1, complete(5).model_copy(update={"status": "contracting"}))
        assert given(sessions.PROJECTION, proposed(), schedule("s1", 5), before).row()["contracting"] is True
        assert (
            given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), At(5.1, complete(5))).row()["contracting"] is False
        )

    def test_homework_hours_of_a_session(self) -> None:
        hours = (
            At(6, e.HomeworkReported(homework_id="h1", session_id="s1", hours=2), "mentee"),
            At(7, e.HomeworkReported(session_id="s1", hours=1), "mentee"),
            At(8, e.HomeworkReported(homework_id="h1", session_id="s1", hours=3.5), "mentee"),
            At(8, e.HomeworkReported(homework_id="h2", session_id="s2", hours=9), "mentee"),
        )
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), *hours).row()["homework_hours"] == 4.5
        assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5)).row()["homework_hours"] is None

    def test_encouragement(self) -> None:
        for said in (True, False, None):
            held = At(5.1, complete(5, encouragement=said))
            assert given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5), held).row()["encouragement"] is said


class TestSessionMoves:
    def test_each_move_and_cancellation_has_a_row(self) -> None:
        story = (schedule("s1", 5), move(5, 20, 4.5, cause="work"), cancelled(6, "service", on_behalf_of="mentor", cause="illness"))  # fmt: skip
        columns = ("kind", "time", "notice_hours", "late", "cause", "excused", "party", "told_by", "starts_at")
        assert given(session_moves.PROJECTION, *ACTIVE, *story).values(*columns) == [
            ("move", day(4.5), pytest.approx(12), True, "work", False, "mentee", "mentee", day(20)),
            ("cancellation", day(6), 24, False, "illness", True, "mentor", "service", None),
        ]

    @pytest.mark.parametrize(
        "told",
        [
            cancelled(by_pause=True),
            cancelled(by_end=True),
            cancelled(by="service"),
            cancelled(by="coordinator"),
            move(5, 6, 4, "service"),
        ],
    )
    def test_what_nobody_asked_for_belongs_to_nobody(self, told: At) -> None:
        assert given(session_moves.PROJECTION, *ACTIVE, schedule("s1", 5), told).row()["party"] is None

    def test_a_pause_and_the_end_are_named(self) -> None:
        for fields, by in (({"by_pause": True}, "pause"), ({"by_end": True}, "end"), ({}, None)):
            told = cancelled(**fields)  # type: ignore[arg-type]
            assert given(session_moves.PROJECTION, *ACTIVE, schedule("s1", 5), told).row()["cancelled_by"] == by


class TestHomework:
    ASSIGNED = At(5.1, e.HomeworkAssigned(homework_id="h1", session_id="s1", description="-", due_at=day(9)), "mentor")

    def test_from_its_assignment_to_its_report(self) -> None:
        reports = (
            At(6, e.HomeworkReported(homework_id="h1", session_id="s1", hours=2), "mentee"),
            At(8, e.HomeworkReported(homework_id="h1", session_id="s1", hours=3, done=True), "mentee"),
        )
        row = given(homework.PROJECTION, *ACTIVE, schedule("s1", 5), self.ASSIGNED, *reports).row()
        assert (row["assigned_at"], row["assigned_by"], row["due_at"]) == (day(5.1), "mentor", day(9))
        assert (row["hours"], row["done"], row["reported_at"], row["reports"]) == (3, True, day(6), 2)

    def test_hours_that_nobody_assigned_are_those_of_their_session(self) -> None:
        report = At(6, e.HomeworkReported(session_id="s1", hours=2), "mentee")
        found = given(homework.PROJECTION, *ACTIVE, schedule("s1", 5), self.ASSIGNED, report)
        assert found.values("homework_id", "session_id", "hours", "assigned_by") == [
            ("", "s1", 2, None),
            ("h1", "s1", None, "mentor"),
        ]

    @pytest.mark.clause("cmn.homework-reviewed")
    def test_the_first_session_whose_agenda_names_it(self) -> None:
        later = At(16, complete(15, "s3", homework_id="h1"), "mentor")
        sooner = At(17, complete(10, "s2", homework_id="h1"), "mentor")
        other = At(18, complete(7, "s4", homework_id="h9"), "mentor")
        row = given(homework.PROJECTION, *ACTIVE, schedule("s1", 5), self.ASSIGNED, later, sooner, other).row()
        assert (row["discussed_in"], row["discussed_at"]) == ("s2", day(10) + timedelta(minutes=50))


class TestPauses:
    PAUSED = At(5, e.RelationshipPaused(reason="-", review_on=day(30).date()), "mentor")

    def test_from_its_beginning_to_resumption(self) -> None:
        resumed = At(15, e.RelationshipResumed(), "mentee")
        row = given(pauses.PROJECTION, *ACTIVE, self.PAUSED, cancelled(5, by_pause=True), resumed).row()
        assert (row["paused_at"], row["paused_by"], row["review_on"]) == (day(5), "mentor", day(30).date())
        assert (row["until"], row["over_by"], row["resumed_by"], row["days"]) == (day(15), "resumption", "mentee", 10)
        assert row["sessions_cancelled"] == 1

    def test_a_pause_that_the_end_ends_and_one_that_lasts(self) -> None:
        ended = At(8, e.RelationshipTerminated(reason="mentee_choice"), "mentee")
        assert given(pauses.PROJECTION, *ACTIVE, self.PAUSED, ended).values("over_by", "until") == [("end", day(8))]
        assert given(pauses.PROJECTION, *ACTIVE, self.PAUSED).values("over_by", "until", "days") == [(None, None, None)]

    def test_a_pause_that_is_told_to_be_over_before_it_began_lasted_no_time(self) -> None:
        resumed = At(3, e.RelationshipResumed(), "mentee")
        row = given(pauses.PROJECTION, *ACTIVE, self.PAUSED, resumed).row()
        assert (row["paused_at"], row["until"], row["days"]) == (day(5), day(3), 0)

    def test_each_pause_is_a_row(self) -> None:
        again = At(20, self.PAUSED.event, "mentee")
        story = (
            self.PAUSED,
            At(15, e.RelationshipResumed(), "mentee"),
            cancelled(18),
            again,
            cancelled(20, by_pause=True),
        )
        found = given(pauses.PROJECTION, *ACTIVE, schedule("s1", 4), *story)
        assert found.values("paused_at", "until", "sessions_cancelled") == [(day(5), day(15), 0), (day(20), None, 1)]


def test_every_dataset_of_a_relationship_has_its_programme() -> None:
    of_relationships = [each for each in datasets().values() if each.columns[0].name == "relationship_id"]
    assert {"sessions", "session_moves", "homework", "pauses"} <= {each.name for each in of_relationships}
    assert all("programme_id" in {column.name for column in each.columns} for each in of_relationships)
    found = given(sessions.PROJECTION, *ACTIVE, schedule("s1", 5))
    assert found.values("programme_id") == [("p1",)]
