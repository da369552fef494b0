"""The command line: exit codes, what goes where, and what is unknown."""

import json
import uuid
from typing import Any

import pytest

from tests.e2e.contract.outside import Run, at
from tests.e2e.contract.story import CODES, Story, World

CLOCK = at("2026-07-01 12:00")


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    story = world.active("pentalog", "cmn")
    world.submit()
    return story


UNKNOWN = str(uuid.UUID(int=4))


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", UNKNOWN],
        ["history", UNKNOWN],
        ["show", "nobody"],
        ["show", "mentor:nobody"],
        ["audit", "verify", UNKNOWN],
        ["codes", "show", "pentalog.nothing"],
        ["submit", "no-such-file.jsonl"],
        ["show"],
        ["no-such-command"],
        ["show", UNKNOWN, "--no-such-option"],
    ],
    ids=" ".join,
)
def test_what_is_unknown_exits_2_and_says_so_on_standard_error(story: Story, arguments: list[str]) -> None:
    run = story.world.rapport.run(*arguments)
    assert run.code == 2
    assert run.err
    assert not run.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["health", UNKNOWN],
        ["health", "--as-of", "someday"],
        ["nps", "--by", "colour"],
        ["what-if", "--set", "coffee_breaks=3"],
        ["what-if", "--set", "late_notice_hours=soon"],
        ["what-if", "--set", "late_notice_hours=48", UNKNOWN],
        ["export", "nothing", "-o", "x.csv"],
        ["export", "sessions", "-o", "x.docx"],
        ["projections", "rebuild", "nothing"],
    ],
    ids=" ".join,
)
def test_unknown_datasets_terms_keys_and_times_exit_2(story: Story, arguments: list[str]) -> None:
    run = story.world.rapport.run(*arguments)
    assert run.code == 2
    assert run.err
    assert not run.out


def test_codes_list_has_all_107_clauses(story: Story) -> None:
    clauses = story.world.rapport.ask("codes", "list")
    assert len(clauses) == len({clause["id"] for clause in clauses}) == 107
    assert all({"id", "code", "kind", "rule"} <= clause.keys() for clause in clauses)
    assert {clause["code"] for clause in clauses} == {*CODES, "care"}
    assert all(clause["id"].startswith(f"{clause['code']}.") and clause["rule"] for clause in clauses)


def test_codes_show_tells_of_one_clause(story: Story) -> None:
    shown = story.world.rapport.ask("codes", "show", "cmn.objectives")
    assert shown["id"] == "cmn.objectives"


def test_codes_trace_says_what_implements_and_tests_each_clause(story: Story) -> None:
    traced = story.world.rapport.ask("codes", "trace")
    assert len(traced) == 107
    assert all({"id", "implemented_by", "tests"} <= clause.keys() for clause in traced)


def test_the_chart_is_mermaid_with_the_four_states(story: Story) -> None:
    run = story.world.rapport.run("chart")
    assert run.code == 0
    assert "stateDiagram" in run.out
    assert all(state in run.out for state in ("contracting", "active", "paused", "terminated"))


def test_every_output_is_json_when_asked_and_words_otherwise(story: Story) -> None:
    for arguments in (("show", story.subject), ("history", story.subject), ("audit", "verify"), ("codes", "list")):
        words, data = story.world.rapport.run(*arguments), story.world.rapport.run(*arguments, "--json")
        assert (words.code, data.code) == (0, 0), arguments
        assert data.json, arguments
        with pytest.raises(json.JSONDecodeError):
            json.loads(words.out)


def test_simulate_makes_the_same_messages_of_the_same_seed(story: Story) -> None:
    def simulate(seed: str) -> Run:
        return story.world.rapport.run("simulate", "--relationships", "3", "--seed", seed)

    first, again, other = simulate("7"), simulate("7"), simulate("8")
    assert (first.code, first.out) == (0, again.out)
    assert first.out != other.out
    messages: list[Any] = first.lines
    proposals = [message for message in messages if message["type"] == "rapport.ProposeRelationship"]
    assert len(proposals) == 3


def test_simulate_writes_to_a_file(story: Story) -> None:
    rapport = story.world.rapport
    run = rapport.run("simulate", "--relationships", "2", "--seed", "7", "-o", "made.jsonl")
    assert run.code == 0
    assert (rapport.folder / "made.jsonl").read_bytes().count(b"\n") > 10


def test_help_names_every_command_of_the_contract(story: Story) -> None:
    shown = story.world.rapport.run("--help").out
    promised = (
        "submit show history health nps tasks audit what-if projections export codes chart work consume publish up"
    )
    assert [name for name in [*promised.split(), "simulate"] if name not in shown] == []
