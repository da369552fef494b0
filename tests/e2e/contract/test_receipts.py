"""Receipts: what each answer leaves behind, and what the command's exit code says of them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.contract.outside import Rapport, at
from tests.e2e.contract.story import World, encode
from tests.e2e.contract.telling import Telling, told

CLOCK = at("2026-03-02 09:00")


@told
def test_a_refusal_leaves_the_record_as_it_was(world: World) -> Telling:
    story = world.relationship("pentalog")
    refused = story.say("ActivateRelationship")
    yield
    assert world.status(refused) == "refused"
    assert world.receipts[refused]["events"] == []
    assert [event["type"] for event in story.history()] == ["rapport.RelationshipProposed"]
    assert (story.show()["version"], story.show()["state"]) == (1, "contracting")


@told
def test_a_refusal_lists_all_problems_each_with_its_clause_and_a_message(world: World) -> Telling:
    story = world.relationship("pentalog")
    refused = story.say("ActivateRelationship")
    yield
    assert world.clauses(refused) == {"pentalog.goals", "pentalog.trust"}
    for problem in world.problems(refused):
        assert {"code", "clause", "message", "field"} <= problem.keys()
        assert problem["code"]
        assert problem["message"]


@told
def test_a_command_may_record_more_than_one_event_with_versions_in_a_row(world: World) -> Telling:
    story = world.active("leapfrog")
    sent = story.say("RecordGoalProgress", goal_id="g1", progress="achieved")
    yield
    assert world.events(sent) == ["GoalProgressRecorded", "GoalAchieved"]
    first, second = world.versions(sent)
    assert second == first + 1


@told
def test_the_conflict_answers_with_problems_and_without_events(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = story.message("StateTrustReadiness", ready=True) | {"expectedversion": 12}
    sent = world.send(message)
    yield
    assert world.status(sent) == "conflict"
    assert world.receipts[sent]["events"] == []
    assert world.problems(sent)
    assert story.show()["version"] == 1


Runs = dict[str, tuple[int, list[str]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The exit code and the statuses of some runs of `rapport submit`, one after the other on a store of their own."""
    world = World(Rapport(tmp_path_factory.mktemp("codes"), CLOCK), "exit", at("2026-03-01 09:00"))
    proposal = world.relationship("pentalog")
    fine = proposal.message("StateTrustReadiness", ready=True)
    done: Runs = {}

    def submit(name: str, messages: Iterable[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(message, default=encode) + "\n" for message in messages)
        run = world.rapport.run("submit", "-", stdin=lines.encode())
        done[name] = (run.code, [receipt["status"] for receipt in run.lines])

    submit("accepted", [json.loads(world.lines[0]), fine])
    submit("duplicate", [fine])
    submit("refused", [proposal.message("StateTrustReadiness", "auditor:odd", ready=True), fine])
    submit("invalid", [fine | {"id": "x1", "time": "now"}, fine])
    submit("conflict", [fine | {"id": "x2", "expectedversion": 99}])
    submit("nothing", [])
    return done


@pytest.mark.parametrize(
    "name, code, statuses",
    [
        ("accepted", 0, ["accepted", "accepted"]),
        ("duplicate", 0, ["duplicate"]),
        ("refused", 1, ["refused", "duplicate"]),
        ("invalid", 1, ["invalid", "duplicate"]),
        ("conflict", 1, ["conflict"]),
        ("nothing", 0, []),
    ],
)
def test_submit_exits_1_if_any_was_refused_invalid_or_conflicting(
    runs: Runs, name: str, code: int, statuses: list[str]
) -> None:
    assert runs[name] == (code, statuses)


def test_files_are_taken_in_their_order_and_only_receipts_are_printed(tmp_path: Path) -> None:
    world = World(Rapport(tmp_path, CLOCK), "files", at("2026-03-01 09:00"))
    story = world.relationship("pentalog")
    story.agree("goal")
    (tmp_path / "one.jsonl").write_bytes(world.lines[0] + b"\n")
    (tmp_path / "two.jsonl").write_bytes(world.lines[1])
    done = world.rapport.run("submit", "one.jsonl", "two.jsonl")
    assert (done.code, [receipt["status"] for receipt in done.lines]) == (0, ["accepted", "accepted"])
