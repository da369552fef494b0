"""Workers that were away: what came too late is not sent, and says so; what is still true is sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.relationship import commands as c
from infra.bootstrap import open_rapport
from infra.notifications.deliver import Deliverer, Tally
from infra.notifications.listing import NoSuchNotifications, listed, release
from infra.notifications.outbox import BEGUN, SETTLED
from infra.queries.tasks import decisions
from infra.settings import Settings
from infra.worker_runtime.verify import verify
from tests.given_when_then import IDS, day
from tests.infra.notifications.notes import SECRET
from tests.infra.notifications.receiver import Receiver, receiving
from tests.infra.worker_runtime.harness import WorkerHarness, run, subject

REMINDED, OUTCOME, NEXT = "session_reminder", "session_outcome", "next_session"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Away(WorkerHarness):
    """Workers with a way out, that are at work now and then."""

    def at_work(self, on: float) -> Tally:
        """What `rapport work --once` does on that day."""
        self.now(on).work()
        return self.deliver()

    def deliver(self) -> Tally:
        settings = self.rapport.settings.model_copy(update={"clock": self.rapport.clock.now()})
        return Deliverer(self.rapport.database, settings).deliver()

    def statuses(self, template: str) -> list[str]:
        return [status for status, _ in self.fates(template)]

    def fates(self, template: str) -> list[tuple[str, str | None]]:
        rows = self.query(
            "SELECT status, last_error FROM notifications WHERE template = ? ORDER BY recipient", template
        )
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def away(settings: Settings, receiver: Receiver, tmp_path: Any) -> Iterator[Away]:
    """A relationship with a session on day 10, of which the workers know."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    found = settings.model_copy(update={"notify_webhook": receiver.url, "notify_secret_file": secret})
    with open_rapport(found) as rapport:
        harness = Away(rapport)
        proposal = c.ProposeRelationship(programme_id="p1", mentee_id=IDS["mentee"], mentor_id=IDS["mentor"], codes=())
        harness.send(proposal, "coordinator", 0)
        harness.send(c.ActivateRelationship(), "coordinator", 0)
        harness.send(schedule("s1", 10), "coordinator", 1)
        harness.at_work(1.5)
        yield harness


def schedule(session: str, on: float) -> c.ScheduleSession:
    return c.ScheduleSession(session_id=session, starts_at=day(on), channel="platform")


def test_a_reminder_in_time_is_sent(away: Away, receiver: Receiver) -> None:
    assert away.at_work(9.5).sent == 2
    assert away.statuses(REMINDED) == ["sent", "sent"]
    assert len(receiver.posts) == 2


@pytest.mark.parametrize("back", [10, 10.01, 10.9, 18])
def test_a_reminder_of_a_session_that_has_begun_is_missed(away: Away, receiver: Receiver, back: float) -> None:
    tally = away.at_work(back)
    assert (tally.missed, away.fates(REMINDED)) == (2, [("missed", BEGUN)] * 2)
    # What became of the session is asked all the same, where its time has come.
    assert away.statuses(OUTCOME) == (["sent", "sent"] if back > 12 else [])
    assert len(receiver.posts) == tally.sent
    effects = [effect for each in decisions(away.rapport.database, subject()) for effect in each["effects"]]
    assert [effect["missed"] for effect in effects if effect.get("template") == REMINDED] == [BEGUN] * 2
    assert verify(away.rapport.store) == []


MOVED = c.RescheduleSession(session_id="s1", starts_at=day(14), reason="travel")
CANCELLED = c.CancelSession(session_id="s1", reason="travel")
ENDED = c.TerminateRelationship(reason="mentee_choice", informed=("mentee", "mentor"), next_steps="None.")
PAUSED = c.PauseRelationship(
    reason="leave", informed=("mentee", "mentor"), next_steps="We talk.", review_on=day(20).date()
)


@pytest.mark.parametrize("command", [MOVED, CANCELLED, ENDED, PAUSED], ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("batch", [1, 500])
def test_a_reminder_of_a_session_that_was_moved_or_is_off_by_then_is_missed(
    away: Away, receiver: Receiver, command: Any, batch: int
) -> None:
    # Said after the reminder was due and before the workers come back, with the session still to come.
    away.send(command, "coordinator", 9.3)
    away.now(9.5).work(batch=batch)
    assert away.fates(REMINDED) == [("missed", SETTLED)] * 2
    away.deliver()
    assert away.statuses(REMINDED) == ["missed"] * 2
    assert not any(REMINDED.encode() in post.body for post in receiver.posts)
    assert verify(away.rapport.store) == []


def test_the_reminder_of_the_new_date_comes(away: Away) -> None:
    away.send(MOVED, "coordinator", 9.3)
    away.at_work(9.5)
    assert away.at_work(13.5).sent == 2
    assert sorted(away.statuses(REMINDED)) == ["missed", "missed", "sent", "sent"]


def test_what_became_of_a_session_is_not_asked_once_it_is_told(away: Away) -> None:
    held = c.CompleteSession(
        session_id="s1", started_at=day(10), ended_at=day(10.05), present=("mentee", "mentor"), joined={}, agenda=()
    )
    away.send(held, "mentor", 15)
    away.at_work(20)
    assert away.fates(OUTCOME) == [("missed", SETTLED)] * 2


def test_people_wait_for_what_the_workers_have_not_seen_yet(away: Away, receiver: Receiver) -> None:
    """A reminder that was decided waits for the events that were on record by then: one of them may move the session."""
    away.send(c.RecordContact(channel="email"), "mentee", 9.2)
    away.send(CANCELLED, "coordinator", 9.3)
    away.now(9.5)
    runner = away.runner(batch=1)
    assert runner.take_lease()
    while REMINDED not in [template for template, _ in away.notified()]:
        assert runner.turn()
    assert away.statuses(REMINDED) == ["pending"] * 2
    assert away.deliver() == Tally()
    runner.release()
    run(runner)
    away.deliver()
    assert away.statuses(REMINDED) == ["missed"] * 2
    assert receiver.posts == []


def test_a_reminder_that_waited_for_its_route_is_missed_once_the_session_has_begun(away: Away) -> None:
    away.now(9.5).work()
    assert away.statuses(REMINDED) == ["pending"] * 2
    away.now(11)
    assert away.deliver().missed == 2
    assert away.statuses(REMINDED) == ["missed"] * 2


def test_what_is_missed_is_listed_and_not_tried_again(away: Away) -> None:
    away.at_work(18)
    missed = listed(away.rapport.database, ["missed"])
    assert {each["last_error"] for each in missed} == {BEGUN}
    with pytest.raises(NoSuchNotifications, match="missed"):
        release(away.rapport.database, [missed[0]["id"]])
    assert not set(release(away.rapport.database)) & {each["id"] for each in missed}


def test_without_a_way_out_it_is_missed_as_well_and_what_is_kept_is_missed_later(away: Away) -> None:
    bare = away.rapport.settings.model_copy(update={"notify_webhook": None, "notify_secret_file": None})

    def keep() -> Tally:
        return Deliverer(away.rapport.database, bare.model_copy(update={"clock": away.rapport.clock.now()})).deliver()

    away.now(9.5).work()
    assert keep() == Tally(kept=2)
    away.now(18).work()
    assert keep().missed == 2
    assert away.statuses(REMINDED) == ["missed"] * 2


def test_a_walk_makes_its_time_up_and_misses_nothing(away: Away, receiver: Receiver) -> None:
    """The clock that is turned is not that of the post: what it would have sent in time is sent."""
    runner = away.runner(day(18))
    run(runner)
    settings = away.rapport.settings.model_copy(update={"clock": day(1.5)})
    assert Deliverer(away.rapport.database, settings).deliver().missed == 0
    assert away.statuses(REMINDED) == ["sent"] * 2
    assert len(receiver.posts) >= 4


def test_a_walk_through_what_is_over_reminds_nobody(away: Away) -> None:
    away.now(100)
    run(away.runner(day(18)))
    assert away.deliver().missed == 2
    assert away.statuses(REMINDED) == ["missed"] * 2


def test_a_question_is_not_asked_twice_of_whom_has_answered(away: Away, receiver: Receiver) -> None:
    """The mentoring ended and the NPS was given while the workers were away: neither question nor reminder go out."""
    away.send(ENDED, "coordinator", 9.1)
    away.send(c.RespondToNps(occasion="end", score=9), "mentee", 9.2)
    away.now(40).work()
    away.deliver()
    asked = {
        (row[0], row[1]): row[2]
        for row in away.query("SELECT template, recipient, status FROM notifications WHERE template LIKE 'nps%'")
    }
    assert asked["nps_request", f"mentee:{IDS['mentee']}"] == "missed"
    assert asked["nps_request", f"mentor:{IDS['mentor']}"] == "sent"
    assert ("nps_reminder", f"mentee:{IDS['mentee']}") not in asked
