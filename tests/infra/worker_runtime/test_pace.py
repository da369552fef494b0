"""Workers that keep pace with a history told afterwards, and what is said of commands that came too late."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import orjson
import pytest

from domain.model import Command
from domain.relationship import commands as c
from domain.relationship import events as e
from infra.bootstrap import Rapport, open_rapport
from infra.intake.receipt import Receipt
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.pace import INSTANT, AnotherWorks, keeping_pace
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.verify import verify
from tests import command
from tests.given_when_then import START, day
from tests.infra.worker_runtime.harness import everything, subject
from tests.infra.worker_runtime.test_command import rapport
from tests.messages import line
from tests.sizes import size

AFTERWARDS = day(400)


@pytest.fixture
def afterwards(settings: Settings) -> Iterator[Rapport]:
    """An empty store, long after all of it."""
    with open_rapport(settings.model_copy(update={"clock": AFTERWARDS})) as opened:
        yield opened


def tell(command: Command, by: str, on: float, id_: str) -> bytes:
    data = orjson.loads(command.model_dump_json(exclude_none=True))
    return line(type(command).__name__, data, actor=by, time=day(on).isoformat(), id=id_, subject=subject())


PROPOSE = c.ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ben", codes=("pentalog",))
ENDED = c.TerminateRelationship(reason="mentee_choice", informed=("mentee", "mentor"), next_steps="None.")
# Trust is broken on day 1; nobody decides for a week, and on day 30 the mentee leaves.
STORY = (
    tell(PROPOSE, "coordinator:cora", 0, "1"),
    tell(c.ReportTrustBreakdown(description="It came back to me."), "mentee:ana", 1, "2"),
    tell(ENDED, "mentee:ana", 30, "3"),
)
ALONE = ["RelationshipProposed", "TrustBreakdownReported", "RelationshipTerminated"]
ATTENDED = [*ALONE[:2], "ShutdownRecommended", "RecommendationEscalated", ALONE[2]]


def walk(opened: Rapport, batches: Sequence[Sequence[bytes]]) -> list[Receipt]:
    with keeping_pace(opened.store, opened.handler, opened.clock) as pace:
        return [receipt for receipts in pace.handle_all(batches) for receipt in receipts]


def types(opened: Rapport) -> list[str]:
    return [type(recorded.data).__name__ for recorded in opened.store.read(subject())]


def test_a_history_told_afterwards_gets_its_recommendations_at_their_times(afterwards: Rapport) -> None:
    receipts = walk(afterwards, [STORY])
    assert [(receipt.id, receipt.status) for receipt in receipts] == [(id_, "accepted") for id_ in "123"]
    assert types(afterwards) == ATTENDED
    recommended, escalated = afterwards.store.read(subject())[2:4]
    assert isinstance(recommended.data, e.ShutdownRecommended)
    assert (recommended.occurred_at, escalated.occurred_at) == (day(1), day(8))
    assert {recorded.recorded_at for recorded in afterwards.store.read(subject())} == {AFTERWARDS}
    assert verify(afterwards.store) == []
    # Of a history nobody is told.
    assert {row[0] for row in afterwards.database.query("SELECT status FROM notifications")} <= {"kept", "missed"}


def test_handed_in_at_once_the_same_history_meets_its_own_end(afterwards: Rapport) -> None:
    afterwards.handler.handle(STORY)
    runner = Runner(afterwards.store, afterwards.handler, Horizon(afterwards.clock))
    assert runner.take_lease()
    while runner.turn():
        pass
    runner.release()
    assert types(afterwards) == ALONE
    assert (runner.tally.answers.accepted, runner.tally.answers.refused) == (0, 2)
    assert runner.tally.answers.reasons == {"state": 2}
    assert str(runner.tally).endswith("2 commands sent: 0 accepted, 2 refused, 0 duplicate (state 2)")


def one_by_one(opened: Rapport, lines: Sequence[bytes]) -> None:
    """What `--walk` means, said plainly: before each message, `rapport work --until` right before its time."""
    with keeping_pace(opened.store, opened.handler, opened.clock) as pace:
        for raw in lines:
            at = time_of(raw)
            if at > pace.reached:
                pace.reach(at - INSTANT)
                pace.reached = at
            opened.handler.handle([raw])


def time_of(raw: bytes) -> datetime:
    return datetime.fromisoformat(orjson.loads(raw)["time"])


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """The messages of some relationships, from beginning to end."""
    return list(messages(size(10, 14), 21))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store to be copied: ids of what workers send are keyed with its secret."""
    path = tmp_path_factory.mktemp("pace") / "empty.sqlite"
    with open_rapport(Settings(store=f"sqlite:///{path}")):
        pass
    return path


@contextmanager
def copied(empty: Path, path: Path, lines: Sequence[bytes]) -> Iterator[Rapport]:
    copyfile(empty, path)
    settings = Settings(store=f"sqlite:///{path}", clock=max(map(time_of, lines)), synchronous="off")
    with open_rapport(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def apart(empty: Path, lines: list[bytes]) -> dict[str, list[Any]]:
    """What there is when the workers have worked before each message."""
    with copied(empty, empty.with_name("apart.sqlite"), lines) as opened:
        one_by_one(opened, lines)
        assert verify(opened.store) == []
        return everything(opened)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_taken_together_or_one_by_one_it_comes_to_the_same(
    empty: Path, lines: list[bytes], apart: dict[str, list[Any]], tmp_path: Path, count: int
) -> None:
    with copied(empty, tmp_path / "together.sqlite", lines) as opened:
        receipts = walk(opened, [lines[place : place + count] for place in range(0, len(lines), count)])
        assert [receipt.id for receipt in receipts] == [orjson.loads(raw)["id"] for raw in lines]
        together = everything(opened)
        assert verify(opened.store) == []
    assert len(together["decisions"]) > 100
    for table, rows in together.items():
        assert rows == apart[table], table


def test_what_is_told_out_of_order_does_not_turn_time_back(afterwards: Rapport) -> None:
    late = tell(c.RecordContact(channel="email"), "mentee:ana", 0.5, "late")
    walk(afterwards, [[*STORY[:2], tell(c.RecordContact(channel="email"), "mentee:ana", 20, "now"), late, STORY[2]]])
    assert types(afterwards) == [*ATTENDED[:4], "ContactRecorded", "ContactRecorded", ATTENDED[4]]


def test_what_is_malformed_or_lies_ahead_turns_no_clock(afterwards: Rapport) -> None:
    ahead = tell(c.RecordContact(channel="email"), "mentee:ana", 9000, "ahead")
    receipts = walk(afterwards, [[*STORY[:2], b"nonsense", b'{"time":"2026-09-01T00:00:00Z"}', STORY[2]], [ahead]])
    assert [receipt.status for receipt in receipts] == [
        "accepted",
        "accepted",
        "invalid",
        "invalid",
        "accepted",
        "invalid",
    ]
    assert types(afterwards) == ATTENDED


def test_handed_in_again_all_are_duplicates_and_nothing_changes(afterwards: Rapport) -> None:
    walk(afterwards, [STORY])
    before = everything(afterwards)
    assert {receipt.status for receipt in walk(afterwards, [STORY])} == {"duplicate"}
    assert everything(afterwards) == before


def test_while_another_process_works_it_is_refused_and_nothing_is_handed_in(afterwards: Rapport) -> None:
    other = Runner(afterwards.store, afterwards.handler, Horizon(afterwards.clock))
    assert other.take_lease()
    with pytest.raises(AnotherWorks, match="rapport work"):
        walk(afterwards, [STORY])
    assert afterwards.store.head() == 0
    other.release()
    walk(afterwards, [STORY])
    assert types(afterwards) == ATTENDED


# --- from outside --------------------------------------------------------------------------------------------------
def submit(store: str, *files: str, given: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    environment = os.environ | {
        "RAPPORT_STORE": store,
        "RAPPORT_CLOCK": AFTERWARDS.isoformat(),
        "RAPPORT_SYNCHRONOUS": "off",
    }
    return command.rapport("submit", "--walk", *files, env=environment, stdin=given)


@pytest.mark.parametrize("road", ["files", "pipe"])
def test_several_files_and_a_pipe_are_walked_through(store_url: str, tmp_path: Path, road: str) -> None:
    for place, raw in enumerate(STORY):
        (tmp_path / f"{place}.jsonl").write_bytes(raw + b"\n")
    files = [str(tmp_path / f"{place}.jsonl") for place in range(3)] if road == "files" else ["-"]
    done = submit(store_url, *files, given=b"\n".join(STORY) if road == "pipe" else None)
    assert done.returncode == 0, done.stderr
    assert [orjson.loads(receipt)["status"] for receipt in done.stdout.splitlines()] == ["accepted"] * 3
    assert b"2 commands sent: 2 accepted, 0 refused, 0 duplicate" in done.stderr
    history = orjson.loads(rapport(store_url, "history", subject(), "--json").stdout)
    assert [entry["type"].removeprefix("rapport.") for entry in history] == ATTENDED
    decided = orjson.loads(rapport(store_url, "decisions", subject(), "--json").stdout)
    assert {"RecommendShutdown", "EscalateRecommendation"} <= {
        effect.get("command") for each in decided for effect in each["effects"]
    }
    assert rapport(store_url, "audit", "verify", clock=AFTERWARDS.isoformat()).returncode == 0


def test_work_tells_what_became_of_its_commands(store_url: str) -> None:
    with open_rapport(Settings(store=store_url, synchronous="off", clock=AFTERWARDS)) as opened:
        opened.handler.handle(STORY)
    done = rapport(store_url, "work", "--until", day(60).isoformat(), clock=START.isoformat())
    assert b"2 commands sent: 0 accepted, 2 refused, 0 duplicate (state 2)" in done.stderr
    assert b"submit --walk" in done.stderr
    done = rapport(store_url, "work", "--once", "--json", clock=AFTERWARDS.isoformat())
    assert orjson.loads(done.stdout)["answers"] == {
        "accepted": 0, "duplicate": 0, "refused": 0, "wrong": 0, "reasons": {},
    }  # fmt: skip
