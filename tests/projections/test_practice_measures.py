"""What the practices of the codes come to, counted from events: shares with their parts, and never what anybody answered."""

from typing import Any

import pytest

from domain.codes.questions import PRACTICES
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.words import Role
from projections.practice_measures import PROJECTION, dump, fold, load, work
from projections.projection import RowContext
from tests.given_when_then import SUBJECT, At, day, history, proposed


def row(*events: At) -> dict[str, Any]:
    """The one row after these events; every step survives being written down."""
    state = None
    for recorded in history(At(0, proposed()), *events):
        if type(recorded.data) in PROJECTION.listens:
            state = fold(state, recorded)
            assert state is not None
            assert load(dump(state)) == state
    assert state is not None
    (only,) = work(state, RowContext(SUBJECT, day(100))).rows["practice_measures"]
    return dict(only)


def scheduled(session: str, by: str) -> At:
    return At(1, e.SessionScheduled(session_id=session, starts_at=day(2), channel="platform", minutes=60), by)


def completed(session: str, on: float, *set_by: Role, urgent: int = 0, homework: tuple[str, ...] = ()) -> At:
    agenda = tuple(AgendaItem(topic="x", set_by=role, minutes=20) for role in set_by)
    agenda += tuple(AgendaItem(topic="x", set_by="mentee", minutes=20, homework_id=id_) for id_ in homework)
    if urgent:
        agenda = (*agenda, AgendaItem(topic="fire", set_by="mentor", minutes=urgent, urgent_concern=True))
    held = e.SessionCompleted(
        session_id=session,
        started_at=day(on),
        ended_at=day(on + 1 / 24),
        present=("mentee", "mentor"),
        joined={},
        agenda=agenda,
        status="active",
    )
    return At(on, held)


def feedback(**answers: str) -> At:
    return At(
        3, e.FeedbackGiven(about="mentor", answers={k.replace("__", "."): v for k, v in answers.items()}), "mentee"
    )


@pytest.mark.clause("cmn.mentee-schedules")
def test_the_mentees_share_of_the_sessions_put_on_the_calendar() -> None:
    found = row(
        scheduled("s1", "mentee"), scheduled("s2", "mentor"), scheduled("s3", "mentee"), scheduled("s4", "mentee")
    )
    assert (found["sessions_scheduled"], found["sessions_scheduled_by_mentee"]) == (4, 3)
    assert found["mentee_schedules_share"] == 0.75


@pytest.mark.clause("leapfrog.mentee-agenda")
def test_who_set_each_item_of_the_agenda() -> None:
    found = row(completed("s1", 2, "mentee", "mentor"), completed("s2", 9, "mentee", "mentee"))
    assert (found["agenda_items"], found["agenda_items_by_mentee"], found["mentee_agenda_share"]) == (4, 3, 0.75)


@pytest.mark.clause("leapfrog.responsibility")
def test_the_mentee_takes_on_more_of_the_running() -> None:
    found = row(
        scheduled("s1", "mentor"),
        scheduled("s2", "mentee"),
        completed("s1", 2, "mentor"),
        completed("s2", 9, "mentee"),
    )
    assert (found["mentee_share_early"], found["mentee_share_late"]) == (0.0, 1.0)


@pytest.mark.clause("cmn.homework-reviewed")
def test_homework_is_reviewed_where_the_agenda_of_the_next_session_names_it() -> None:
    def given(homework: str, session: str) -> At:
        return At(2.5, e.HomeworkAssigned(homework_id=homework, session_id=session, description="read"), "mentor")

    found = row(
        given("h1", "s1"),
        given("h2", "s1"),
        given("h3", "s2"),
        given("h4", "s3"),
        completed("s1", 2, "mentee"),
        completed("s2", 9, "mentee", homework=("h1",)),
        # One session too late for the second, and named where it was given.
        completed("s3", 16, "mentee", homework=("h2", "h4")),
        # To report its hours is not to discuss it.
        At(9.5, e.HomeworkReported(homework_id="h3", session_id="s2", hours=2, done=True), "mentee"),
    )
    # The homework of the last session has no session after it yet.
    assert (found["homework_assigned"], found["homework_reviewed"], found["homework_reviewed_share"]) == (3, 1, 1 / 3)


@pytest.mark.clause(
    "pentalog.attention",
    "mentor247.language",
    "cmn.inclusion",
    "cmn.ownership",
    "leapfrog.openness",
    "nottingham.individual-needs",
    "nottingham.opinions",
)
@pytest.mark.parametrize(
    "clause",
    [
        "pentalog.attention",
        "mentor247.language",
        "cmn.inclusion",
        "cmn.ownership",
        "leapfrog.openness",
        "nottingham.individual-needs",
        "nottingham.opinions",
    ],
)
def test_feedback_says_which_practices_it_is_about_and_not_what_was_answered(clause: str) -> None:
    assert clause in PRACTICES
    found = row(feedback(**{clause.replace(".", "__"): "he looked at his phone", "stars": "5"}), feedback(stars="4"))
    assert (found["feedback_given"], found["practices_asked_about"]) == (2, [clause])
    assert "phone" not in str(found)


@pytest.mark.clause("pentalog.urgent-concerns")
def test_time_given_to_urgent_concerns_is_counted() -> None:
    found = row(completed("s1", 2, "mentee", urgent=35))
    assert (found["urgent_minutes"], found["minutes_spent"], found["sessions_with_goals"]) == (35, 60.0, 0)


@pytest.mark.clause("mentor247.surroundings")
def test_checks_with_a_professional_background_are_counted() -> None:
    def checked(background: bool) -> At:
        check = e.PresessionCheckRecorded(
            session_id="s1",
            checked_at=day(1),
            device="computer",
            connection=True,
            microphone=True,
            speakers=True,
            camera=True,
            quiet=True,
            background=background,
            findings=() if background else ("background",),
        )
        return At(1, check, "mentor")

    found = row(checked(True), checked(False))
    assert (found["checks"], found["checks_with_background"]) == (2, 1)


def test_there_are_no_shares_of_nothing() -> None:
    found = row()
    assert [value for name, value in found.items() if name.endswith("share")] == [None, None, None, None]


@pytest.mark.clause("pentalog.mentor-time")
def test_the_time_that_is_asked_of_the_mentor_outside_the_sessions() -> None:
    found = row(
        At(2, e.ContactRecorded(channel="telephone", minutes=25), "mentor"),
        At(3, e.ContactRecorded(channel="email"), "mentee"),
        At(4, e.ContactRecorded(channel="telephone", between=("coordinator", "mentor"), minutes=10), "coordinator"),
        At(5, e.ContactRecorded(channel="telephone", between=("coordinator", "mentee"), minutes=40), "coordinator"),
    )
    assert (found["contacts_with_mentor"], found["contact_minutes"]) == (3, 35)
    assert (row()["contacts_with_mentor"], row()["contact_minutes"]) == (0, 0)
