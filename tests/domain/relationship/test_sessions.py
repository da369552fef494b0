"""What scheduling takes from the terms in force at its own moment."""

from domain.model import Known, TermSetting
from domain.relationship import events as e
from domain.relationship.commands import ScheduleSession
from tests.given_when_then import Given, day, history, proposed


def test_a_session_without_minutes_has_those_of_the_terms_at_that_moment() -> None:
    term = TermSetting(document="code_of_conduct", term="session_minutes", value=45)
    command = ScheduleSession(session_id="s9", starts_at=day(30), channel="platform")
    [scheduled] = Given(history(proposed())).knowing(Known(terms=(term,))).when(command).then(e.SessionScheduled)
    assert isinstance(scheduled, e.SessionScheduled)
    assert scheduled.minutes == 45
