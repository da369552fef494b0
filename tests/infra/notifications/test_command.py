"""`rapport notifications`: what a person sees and may do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build
from infra.notifications import deliveries
from infra.notifications.deliver import Deliverer
from infra.notifications.listing import readings
from infra.notifications.outbox import enqueue, prepare
from infra.settings import load
from infra.store.session import Database
from tests.infra.notifications.notes import note
from tests.infra.notifications.receiver import Receiver, receiving, status


@pytest.fixture
def store(store_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("RAPPORT_STORE", store_url)
    monkeypatch.setenv("COLUMNS", "200")
    return database


@pytest.fixture
def receiver(store: Database, secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as found:
        monkeypatch.setenv("RAPPORT_NOTIFY_WEBHOOK", found.url)
        monkeypatch.setenv("RAPPORT_NOTIFY_SECRET_FILE", str(secret_file))
        yield found


def rapport(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["notifications", *arguments])


def ids(*arguments: str) -> list[str]:
    done = rapport(*arguments, "--json")
    assert done.exit_code == 0
    return [each["id"] for each in json.loads(done.stdout)]


def fill(database: Database) -> None:
    """One of each status; the kept one is a disclosure."""
    prepare(database)
    disclosure = note("kept", "hr:eve", alone=True)._replace(template="disclosure", parameters={"version": 3})
    with database.transaction() as session:
        enqueue(session, [disclosure, note("dead"), note("sent"), note("pending")])
        session.executemany(
            "UPDATE notifications SET status = ? WHERE id = ?", [(id_, id_) for id_ in ("kept", "dead", "sent")]
        )


def test_nothing_was_ever_notified(store: Database) -> None:
    assert ids() == []
    assert rapport().exit_code == 0
    assert "no notifications" in rapport().stderr


def test_what_was_not_sent_is_listed_and_may_be_narrowed_down(store: Database) -> None:
    fill(store)
    assert ids() == ["dead", "kept", "pending"]
    assert ids("--dead") == ["dead"]
    assert ids("--pending") == ["pending"]
    assert ids("--kept", "--dead") == ["dead", "kept"]
    assert ids("--all") == ["dead", "kept", "pending", "sent"]
    table = rapport("--all").stdout
    assert any(line.endswith(" to mentee:ana") for line in table.splitlines())
    assert max(map(len, table.splitlines())) <= 80
    assert "eve" not in table
    assert "withheld" in table


def test_the_json_has_what_a_program_needs(store: Database) -> None:
    fill(store)
    [found] = json.loads(rapport("--pending", "--json").stdout)
    assert found == {
        "id": "pending",
        "status": "pending",
        "worker": "sessions",
        "subject": "0197-r1",
        "recipient": "mentee:ana",
        "template": "next_session",
        "parameters": {"sessions_left": 2},
        "clauses": [],
        "created_at": "2026-03-02T09:00:00Z",
        "attempts": 0,
        "next_at": None,
        "last_error": None,
        "sent_at": None,
        "channel": None,
    }


def test_a_retry_sends_those_named_now(store: Database, receiver: Receiver) -> None:
    fill(store)
    done = rapport("retry", "dead", "--json")
    assert done.exit_code == 0
    assert [(each["id"], each["status"]) for each in json.loads(done.stdout)] == [("dead", "sent")]
    assert receiver.ids == ["dead"]
    assert ids() == ["kept", "pending"]


def test_a_retry_of_all_sends_all_that_was_not_sent_even_while_the_route_rests(
    store: Database, receiver: Receiver
) -> None:
    fill(store)
    deliveries.rest(store, "webhook", 3, 300)
    assert rapport("retry", "--all").exit_code == 0
    assert sorted(receiver.ids) == ["dead", "kept", "pending"]
    assert ids() == []


def test_a_retry_that_fails_says_so_and_exits_1(store: Database, receiver: Receiver) -> None:
    receiver.answers = [status(400)]
    fill(store)
    done = rapport("retry", "kept")
    assert done.exit_code == 1
    assert "the webhook answered 400" in " ".join(done.stdout.split())
    assert ids("--dead") == ["dead", "kept"]


def test_a_retry_without_a_way_out_keeps_them(store: Database) -> None:
    fill(store)
    assert rapport("retry", "--all").exit_code == 1
    assert ids("--kept") == ["dead", "kept", "pending"]


def test_what_was_sent_is_not_sent_again_and_what_is_unknown_is_named(store: Database, receiver: Receiver) -> None:
    fill(store)
    for name, said in (("sent", "sent already"), ("nobody", "there is no notification 'nobody'")):
        done = rapport("retry", "dead", name)
        assert done.exit_code == 1
        assert said in done.stderr
    assert receiver.ids == []
    assert ids("--dead") == ["dead"]


def test_misuse_exits_2(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rapport("retry").exit_code == 2
    assert rapport("retry", "a", "--all").exit_code == 2
    monkeypatch.setenv("RAPPORT_NOTIFY_WEBHOOK", "https://example.org/")
    done = rapport("retry", "--all")
    assert done.exit_code == 2
    assert "RAPPORT_NOTIFY_SECRET_FILE" in done.stderr


def test_the_metrics_know_of_dead_letters_and_of_late_ones(store: Database) -> None:
    fill(store)
    with store.transaction() as session:
        [found] = readings(session)
    assert (found.follower, found.parked, found.overdue) == ("notifications", 1, 1)


def test_wrong_settings_are_known_before_anything_is_delivered(
    store: Database, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("short")
    monkeypatch.setenv("RAPPORT_NOTIFY_SECRET_FILE", str(tmp_path / "secret"))
    fill(store)
    done = rapport("retry", "--all")
    assert done.exit_code == 2
    assert "whsec_" in done.stderr
    assert Deliverer(store, load()).database is store
    assert ids() == ["dead", "kept", "pending"]
    assert receiver.ids == []
