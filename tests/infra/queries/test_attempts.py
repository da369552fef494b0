"""Attempts: what was refused is on record, with when, who, what and why, and without what the message said."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from infra.cli.app import build
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.queries.attempts import attempts
from infra.store.attempts import statement
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database
from tests.messages import TIME, contact, line, proposal, relationship_id

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """A store with two proposals, three refusals, a conflict, and messages that used up no id."""
    with open_database(store_url) as opened:
        handler = Handler(EventStore(opened), Clock(NOW))
        of_first, of_second = {"subject": relationship_id(1)}, {"subject": relationship_id(2)}
        progress = {"goal_id": "g1", "progress": "some", "note": "Canary"}
        handler.handle([proposal(1), proposal(2)])
        handler.handle(
            [
                contact(1, "accepted"),
                line("RecordGoalProgress", progress, id="no-goal", actor="mentee:ana", **of_first),
                line("RecordGoalProgress", progress, id="no-goal", actor="mentee:ana", **of_first),
                contact(77, "unknown"),
                line("RecordContact", {"channel": "email"}, id="behind", expectedversion=9, **of_second),
                line("RecordContact", {"channel": "smoke"}, id="malformed", **of_second),
            ]
        )
        yield opened


def test_each_refused_message_is_listed_once_with_who_what_and_why(database: Database) -> None:
    found = {each["id"]: each for each in attempts(database, None)}
    assert found.keys() == {"no-goal", "unknown", "behind"}
    [problem] = found["no-goal"].pop("problems")
    assert problem["code"] == "unknown_goal"
    assert problem["field"] == "data.goal_id"
    assert found["no-goal"] == {
        "at": "2026-04-01T09:00:00Z",
        "time": TIME,
        "actor": "mentee:ana",
        "type": "rapport.RecordGoalProgress",
        "subject": relationship_id(1),
        "status": "refused",
        "source": "/tests",
        "id": "no-goal",
    }
    assert found["behind"]["status"] == "conflict"


def test_of_one_subject(database: Database) -> None:
    assert [each["id"] for each in attempts(database, relationship_id(2))] == ["behind"]
    assert [each["id"] for each in attempts(database, relationship_id(77))] == ["unknown"]
    assert attempts(database, "mentor:nobody") == []


def test_without_the_words_of_the_message(database: Database) -> None:
    assert b"Canary" not in orjson.dumps(attempts(database, None))


def test_the_command_lists_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_STORE", database.url)
    answer = CliRunner().invoke(build(), ["attempts", relationship_id(1).upper(), "--json"])
    assert [each["id"] for each in orjson.loads(answer.stdout)] == ["no-goal"]
    text = CliRunner().invoke(build(), ["attempts"]).stdout
    assert "mentee:ana  RecordGoalProgress" in text
    assert "no message was refused" in CliRunner().invoke(build(), ["attempts", "mentor:nobody"]).output


def test_an_index_finds_them_among_many_receipts(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        plan = opened.query(f"EXPLAIN QUERY PLAN {statement('sqlite', one_subject=True)}", ("x",))
    assert "USING INDEX attempts" in str(plan)
