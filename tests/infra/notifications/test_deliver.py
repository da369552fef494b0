"""Delivering, on each kind of store, to real servers: at least once, with patience, and nothing lost."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from infra.bootstrap import open_rapport
from infra.notifications import deliveries
from infra.notifications.deliver import Deliverer, Tally, backoff
from infra.notifications.listing import listed, release
from infra.notifications.outbox import Notification, enqueue, prepare
from infra.operations.outages import BEGINS, OVER
from infra.settings import Settings
from infra.store.opening import open_database
from infra.store.session import Database
from tests.infra.notifications.notes import note
from tests.infra.notifications.post_office import PostOffice, mail_server
from tests.infra.notifications.receiver import Receiver, after, doing, hang, hang_up, receiving, status, when
from tests.messages import line

Give = Callable[..., None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def hooked(settings: Settings, receiver: Receiver, secret_file: Path) -> Settings:
    """Settings with a webhook to the receiver."""
    changes = {"notify_webhook": receiver.url, "notify_secret_file": secret_file, "notify_seconds": 3}
    return settings.model_copy(update=changes)


@pytest.fixture
def give(database: Database) -> Give:
    """Enqueue notifications."""
    prepare(database)

    def enqueued(*notes: Notification) -> None:
        with database.transaction() as session:
            enqueue(session, notes)

    return enqueued


def rows(database: Database) -> dict[str, Any]:
    return {each["id"]: each for each in listed(database, ["pending", "sent", "kept", "dead"])}


def hurry(database: Database) -> None:
    """Let all the time pass that anything waits for."""
    with database.transaction() as session:
        session.execute("UPDATE notifications SET next_at = 0 WHERE status = 'pending'")
        session.execute("UPDATE notification_routes SET resting_until = 0")


def test_what_waits_is_sent_once_with_its_own_id(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    give(*(note(f"n{number:03}") for number in range(120)))
    deliverer = Deliverer(database, hooked)
    assert deliverer.deliver() == Tally(sent=120)
    assert deliverer.deliver() == Tally()
    assert sorted(receiver.ids) == [f"n{number:03}" for number in range(120)]
    found = rows(database)["n007"]
    assert (found["status"], found["attempts"], found["channel"], found["last_error"]) == ("sent", 1, "webhook", None)
    assert found["sent_at"] is not None


def test_without_a_way_out_they_are_kept_and_a_way_configured_later_sends_them(
    database: Database, settings: Settings, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    give(note("a"), note("b"))
    assert Deliverer(database, settings).deliver() == Tally(kept=2)
    assert {each["status"] for each in rows(database).values()} == {"kept"}
    assert Deliverer(database, hooked).deliver() == Tally()
    assert release(database, ["a"]) == ["a"]
    assert Deliverer(database, hooked).deliver() == Tally(sent=1)
    release(database)
    assert Deliverer(database, hooked).deliver() == Tally(sent=1)
    assert receiver.ids == ["a", "b"]


def test_a_failure_is_tried_again_later_each_time_and_then_is_a_dead_letter(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(500)]
    give(note("a"))
    deliverer = Deliverer(database, hooked.model_copy(update={"notify_attempts": 3}))
    waits = []
    for attempt in (1, 2):
        with database.reading() as session:
            before = deliveries.now(session)
        assert deliverer.deliver() == Tally(again=1)
        assert deliverer.deliver() == Tally()
        found = rows(database)["a"]
        assert (found["status"], found["attempts"], found["last_error"]) == (
            "pending", attempt, "the webhook answered 500",
        )  # fmt: skip
        waits.append(found["next_at"].timestamp() - before / 1000)
        hurry(database)
    assert waits == [pytest.approx(10, abs=2), pytest.approx(30, abs=2)]
    assert deliverer.deliver() == Tally(dead=1)
    hurry(database)
    assert deliverer.deliver() == Tally()
    assert rows(database)["a"]["status"] == "dead"
    assert receiver.ids == ["a"] * 3
    receiver.answers = [status(200)]
    release(database)
    assert deliverer.deliver() == Tally(sent=1)
    assert rows(database)["a"]["attempts"] == 1


def test_a_route_s_outage_is_told_once_at_its_start_and_once_at_its_end(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(503), hang_up, status(503), status(200)]
    give(*(note(name) for name in "abcd"))
    deliverer = Deliverer(database, hooked)
    with capture_logs() as told:
        for _ in range(4):
            deliverer.deliver()
            hurry(database)
        deliverer.deliver()
    assert {each["status"] for each in rows(database).values()} == {"sent"}
    begins, over = [line for line in told if line["log_level"] != "debug"]
    assert (begins["event"], begins["what"], begins["error"]) == (BEGINS, "webhook", "the webhook answered 503")
    assert (over["event"], over["what"]) == (OVER, "webhook")


def test_one_process_tells_the_end_that_another_found_out(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(503), status(200)]
    one, other = Deliverer(database, hooked), Deliverer(database, hooked)
    with capture_logs() as told:
        give(note("a"))
        one.deliver()
        hurry(database)
        other.deliver()
        give(note("b"))
        one.deliver()
    loud = [line["event"] for line in told if line["log_level"] != "debug"]
    assert loud == [BEGINS, OVER]


def test_what_one_notification_suffers_is_told_of_itself(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(500), status(410)]
    give(note("a"))
    with capture_logs() as told:
        Deliverer(database, hooked).deliver()
        hurry(database)
        Deliverer(database, hooked).deliver()
    loud = [line["event"] for line in told if line["log_level"] != "debug"]
    assert loud == ["a notification will be tried again", "a notification is given up"]


def test_the_schedule_is_the_same_every_time_and_gives_up_after_about_three_days() -> None:
    waits = [backoff(attempts) for attempts in range(1, 12)]
    assert waits[:5] == [10, 30, 90, 270, 810]
    assert max(waits) == backoff(99) == 86400
    assert 2.5 < sum(waits) / 86400 < 3.5


def test_what_will_never_be_taken_is_dead_at_once_with_the_reason(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(410), status(200)]
    give(note("a"), note("b"))
    assert Deliverer(database, hooked).deliver() == Tally(sent=1, dead=1)
    assert rows(database)["a"]["last_error"] == "the webhook answered 410"


@pytest.mark.parametrize("answer, at_least", [(hang, 10), (hang_up, 10), (status(429, retry_after="60"), 60)])
def test_a_route_in_trouble_rests_and_costs_one_notification_one_attempt(
    database: Database, hooked: Settings, receiver: Receiver, give: Give, answer: Any, at_least: float
) -> None:
    receiver.answers = [answer, status(200)]
    give(*(note(f"n{number:03}") for number in range(70)))
    deliverer, other = Deliverer(database, hooked), Deliverer(database, hooked)
    assert deliverer.deliver() == Tally(again=1, resting=69)
    assert receiver.ids == ["n000"]
    # Another process leaves the route alone too, and those that come new wait as well.
    give(note("z"))
    assert other.deliver() == Tally(resting=1)
    assert deliverer.deliver() == Tally()
    assert Counter(each["attempts"] for each in rows(database).values()) == {0: 70, 1: 1}
    with database.reading() as session:
        [(resting, present)] = session.query("SELECT resting_until, 0 FROM notification_routes")
        present = deliveries.now(session)
    assert at_least * 1000 - 5000 < resting - present <= at_least * 1000
    assert (rows(database)["n000"]["next_at"].timestamp() * 1000 - present) / 1000 > at_least - 5
    hurry(database)
    assert deliverer.deliver() == Tally(sent=71)
    assert database.query("SELECT failures FROM notification_routes") == [(0,)]


def test_a_route_that_stays_down_is_asked_more_and_more_rarely_by_one_notification_at_a_time(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [status(503)]
    give(*(note(f"n{number:02}") for number in range(20)))
    deliverer, waits = Deliverer(database, hooked), []
    for _ in range(6):
        assert deliverer.deliver().again == 1
        with database.reading() as session:
            [(until,)] = session.query("SELECT resting_until FROM notification_routes")
            waits.append(round((until - deliveries.now(session)) / 1000))
        with database.transaction() as session:
            session.execute("UPDATE notification_routes SET resting_until = 0")
    assert waits == [pytest.approx(wait, abs=3) for wait in (10, 30, 90, 270, 300, 300)]
    assert max(each["attempts"] for each in rows(database).values()) == 1


def test_mail_goes_on_while_the_webhook_hangs_and_nobody_is_told_twice(
    database: Database, hooked: Settings, receiver: Receiver, give: Give, tmp_path: Path
) -> None:
    receiver.answers = [hang]
    (tmp_path / "book.json").write_text('{"mentor:ben": "ben@example.org"}')
    people = ["mentee:ana", "mentor:ben"] * 5
    give(*(note(f"n{number}", who) for number, who in enumerate(people)))
    with mail_server() as office:
        deliverer = Deliverer(database, mailing(hooked, office, tmp_path))
        assert deliverer.deliver() == Tally(sent=5, again=1, resting=4)
        assert [mail["To"] for mail in office.mails] == ["ben@example.org"] * 5
        receiver.answers = [status(200)]
        hurry(database)
        assert deliverer.deliver() == Tally(sent=5)
    assert len(office.mails) == 5
    assert {each["channel"] for each in rows(database).values()} == {"email", "webhook"}


def mailing(settings: Settings, office: PostOffice, folder: Path) -> Settings:
    changes = {
        "smtp": f"smtp://127.0.0.1:{office.port}",
        "smtp_from": "rapport@mentoring.example",
        "addresses": folder / "book.json",
    }
    return settings.model_copy(update=changes)


def test_a_disclosure_goes_to_its_recipient_alone_and_the_list_withholds_to_whom(
    database: Database, settings: Settings, give: Give, tmp_path: Path
) -> None:
    (tmp_path / "book.json").write_text(
        '{"hr:eve": "eve@example.org", "hr": "hr@example.org", "coordinator": "c@example.org"}'
    )
    disclosure = note("a", "hr:eve", alone=True)._replace(template="disclosure", parameters={"version": 9})
    give(disclosure, disclosure._replace(id="b", recipient="hr:max"))
    with mail_server() as office:
        # Nobody stands in for somebody whose address is not known.
        assert Deliverer(database, mailing(settings, office, tmp_path)).deliver() == Tally(sent=1, kept=1)
    assert [envelope.rcpt_tos for envelope in office.envelopes] == [["eve@example.org"]]
    assert "eve" not in str(rows(database))
    assert "max" not in str(rows(database))


def test_an_address_that_bounces_is_dead_and_the_others_go_on(
    database: Database, settings: Settings, give: Give, tmp_path: Path
) -> None:
    (tmp_path / "book.json").write_text('{"mentee:ana": "ana@example.org"}')
    give(note("a"), note("b"), note("c"))
    with mail_server() as office:
        office.recipients = ["550 5.1.1 no ana@example.org here", "450 4.2.1 later", "250 OK"]
        assert Deliverer(database, mailing(settings, office, tmp_path)).deliver() == Tally(sent=1, again=1, dead=1)
    found = rows(database)
    assert [found[id_]["status"] for id_ in "abc"] == ["dead", "pending", "sent"]
    assert "example.org" not in str(found)


def test_a_mistake_of_ours_holds_up_nobody_else(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    give(note("a")._replace(template="of_next_year"), note("b")._replace(parameters={}), note("c"))
    assert Deliverer(database, hooked).deliver() == Tally(sent=1, again=2)
    assert receiver.ids == ["c"]
    assert "of_next_year" in rows(database)["a"]["last_error"]
    assert "sessions_left" in rows(database)["b"]["last_error"]


def test_two_deliver_side_by_side_and_nothing_is_sent_twice(
    store_url: str, database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    receiver.answers = [after(0.005, status(200))]
    give(*(note(f"n{number:03}") for number in range(200)))
    with open_database(store_url) as second, ThreadPoolExecutor(3) as pool:
        every = [Deliverer(database, hooked), Deliverer(second, hooked), Deliverer(second, hooked)]
        tallies = [future.result(60) for future in [pool.submit(each.deliver) for each in every]]
    assert sum(tally.sent for tally in tallies) == 200
    assert sum(1 for tally in tallies if tally.sent) >= 2
    assert set(Counter(receiver.ids).values()) == {1}
    assert len(receiver.ids) == 200


def test_one_that_outlived_its_lease_changes_nothing_of_what_another_did(
    database: Database, hooked: Settings, give: Give
) -> None:
    give(note("a"), note("b"))
    slow = deliveries.take(database, 2**60, 10, 0.05)
    time.sleep(0.1)
    quick = deliveries.take(database, 2**60, 10, 60)
    assert [each.token for each in slow.due] == [1, 1]
    assert [each.token for each in quick.due] == [2, 2]
    assert deliveries.renew(database, slow.due, 60) == set()
    assert deliveries.renew(database, quick.due, 60) == {"a", "b"}
    assert deliveries.take(database, 2**60, 10, 60).due == ()
    first, second = slow.due
    assert not deliveries.failed(database, first, "webhook", "too late", dead=True)
    deliveries.put_back(database, [(second, "webhook")])
    deliveries.keep(database, [second])
    assert {each["status"] for each in rows(database).values()} == {"pending"}
    # What was sent was sent, whoever sent it; then the other's failure is no news any more.
    deliveries.sent(database, first, "webhook")
    assert not deliveries.failed(database, quick.due[0], "webhook", "no")
    assert rows(database)["a"]["status"] == "sent"


def test_one_that_was_held_up_gives_up_what_others_have_taken(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    """While it is busy with the first, its lease runs out and another delivers the rest."""
    go_on = threading.Event()
    receiver.answers = [when(go_on, status(200)), status(200)]
    give(*(note(f"n{number}") for number in range(10)))
    slow = Deliverer(database, hooked.model_copy(update={"notify_seconds": 30}), lease_seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(slow.deliver)
        wait_until(lambda: receiver.ids == ["n0"])
        time.sleep(0.4)
        assert Deliverer(database, hooked, lease_seconds=60).deliver().sent == 10
        go_on.set()
        assert future.result(30) == Tally(sent=1)
    assert Counter(receiver.ids) == {f"n{number}": 1 for number in range(1, 10)} | {"n0": 2}


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_delivers_as_they_come_until_it_is_told_to_stop(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    stop, deliverer = threading.Event(), Deliverer(database, hooked)
    thread = threading.Thread(target=deliverer.run, args=(stop,))
    thread.start()
    try:
        for name in ("a", "b"):
            give(note(name))
            wait_until(lambda name=name: name in receiver.ids)  # type: ignore[misc]
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert receiver.ids == ["a", "b"]


def test_a_stop_leaves_the_rest_for_others_at_once(
    database: Database, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    stop = threading.Event()
    receiver.answers = [doing(stop.set, status(200)), status(200)]
    give(*(note(f"n{number}") for number in range(5)))
    assert Deliverer(database, hooked).deliver(stop=stop).sent == 1
    assert Deliverer(database, hooked).deliver() == Tally(sent=4)


def test_nothing_is_sent_to_somebody_whose_data_may_only_be_stored(
    database: Database, settings: Settings, hooked: Settings, receiver: Receiver, give: Give
) -> None:
    """RestrictProcessing stops every use but storing; once it is lifted they are told again."""
    person = note("a").recipient.partition(":")[2]
    give(note("a"))
    with open_rapport(settings) as rapport:
        restrict = line("RestrictProcessing", {"reason": "objection"}, subject=f"person:{person}", actor="hr:hanna")
        assert [each.status for each in rapport.handler.handle([restrict])] == ["accepted"]
    assert Deliverer(database, hooked).deliver() == Tally(missed=1)
    [missed] = listed(database, ["missed"])
    assert "RestrictProcessing" in missed["last_error"]
    with open_rapport(settings) as rapport:
        lift = line("LiftRestriction", {}, subject=f"person:{person}", actor="hr:hanna")
        assert [each.status for each in rapport.handler.handle([lift])] == ["accepted"]
    give(note("b"))
    assert Deliverer(database, hooked).deliver() == Tally(sent=1)
    assert receiver.ids == ["b"]
