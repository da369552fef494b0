"""The examples: five whole relationships without a refusal, and a file in which every gate and guard speaks."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from domain.codes.clauses import CLAUSES
from domain.relationship.state import Relationship
from domain.words import CodeId
from infra.bootstrap import Rapport, open_rapport
from infra.intake.folding import fold_streams
from infra.intake.receipt import Receipt
from infra.queries.history import history
from infra.settings import Settings
from infra.simulate.stream import CODES
from tests import command
from tests.command import own_environment
from tests.messages import NOBODY_CHECKED, after_keys_made

EXAMPLES = Path(__file__).parents[2] / "examples"
# Guards that allow rather than refuse, each shown by an accepted message of this id; others that are not of an intake.
ALLOWING = {
    "leapfrog.conflicts": "guard-leapfrog-conflicts-accepted",
    "leapfrog.finish": "guard-leapfrog-finish-accepted",
    "nottingham.withdrawal": "guard-nottingham-withdrawal-accepted",
    "nottingham.end": "guard-nottingham-end-accepted",
}


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings) as opened:
        yield opened


def lines(name: str) -> list[bytes]:
    return (EXAMPLES / f"{name}.jsonl").read_bytes().splitlines()


def submit(rapport: Rapport, *names: str) -> dict[str, Receipt]:
    """Receipts by message id."""
    receipts = rapport.handler.handle([line for name in names for line in lines(name)])
    assert len({receipt.id for receipt in receipts}) == len(receipts)
    return {str(receipt.id): receipt for receipt in receipts}


def expected() -> dict[str, list[str]]:
    return {
        id_: clauses
        for id_, clauses in orjson.loads((EXAMPLES / "refusals.expected.json").read_bytes()).items()
        if id_ != "//"
    }


@pytest.mark.parametrize("code", CODES)
def test_an_example_of_each_code_is_accepted_and_leaves_its_relationship_ended(rapport: Rapport, code: CodeId) -> None:
    receipts = submit(rapport, code)
    assert [receipt for receipt in receipts.values() if receipt.status != "accepted" or not receipt.events] == []
    told = [orjson.loads(line) for line in lines(code)]
    *matched_before, subject = (m["subject"] for m in told if m["type"] == "rapport.ProposeRelationship")
    state = fold_streams(rapport.store, [subject])[subject].state
    assert isinstance(state, Relationship)
    assert state.follows == (matched_before[0] if matched_before else None)
    assert (state.status, set(state.codes), state.end_review) == ("terminated", {code}, True)
    assert state.retained_until is not None
    assert {"completed", "missed"} <= {session.status for session in state.sessions.values()}


@pytest.mark.parametrize("code", CODES)
def test_an_example_tells_of_contracting_sessions_a_pause_and_the_time_after(code: CodeId) -> None:
    kinds = [orjson.loads(line)["type"].removeprefix("rapport.") for line in lines(code)]
    course = [
        "CreateProgramme", "AdoptCode", "RegisterMentor", "ProposeRelationship", "AcceptTerms",
        "RecordContractingConversation", "ActivateRelationship", "CompleteSession", "PauseRelationship",
        "ResumeRelationship", "TerminateRelationship", "RecordEndReview", "RespondToNps", "GiveFeedback", "SecureRecords",
    ]  # fmt: skip
    last = [len(kinds) - 1 - kinds[::-1].index(kind) for kind in course]
    assert sorted(set(course) - set(kinds)) == []
    assert last[7] > last[6]
    # A match that another follows ended before this one began.
    ended = last[course.index("TerminateRelationship")]
    assert kinds.index("PauseRelationship") < kinds.index("ResumeRelationship") < ended
    assert {"RescheduleSession", "RecordNoShow", "AgreeGoal", "AssignHomework", "RequestNps"} <= set(kinds)


def test_the_examples_tell_of_a_contested_fact_that_is_corrected_an_extended_plan_and_a_rematch(
    rapport: Rapport,
) -> None:
    """The five examples and refusals.jsonl follow the second edition."""
    submit(rapport, *CODES)
    subjects = {
        message["subject"]: code
        for code in CODES
        for message in map(orjson.loads, lines(code))
        if message["type"] == "rapport.ProposeRelationship"
    }
    histories = {subject: history(rapport.store, subject) for subject in subjects}
    corrected = {
        (subjects[subject], entry["type"])
        for subject, entries in histories.items()
        for entry in entries
        if entry["corrected_by"] and any(
            other["type"] == "rapport.FactContested" and other["data"]["version"] == entry["version"] for other in entries
        )
    }  # fmt: skip
    assert corrected == {("nottingham", "rapport.SessionMissed")}
    plans = Counter(
        subjects[s] for s, entries in histories.items() for e in entries if e["type"] == "rapport.PlanAgreed"
    )
    assert {code for code, count in plans.items() if count > 1} == {"mentor247"}
    followed = [e["data"]["follows"] for entries in histories.values() for e in entries if e["data"].get("follows")]
    assert [subjects[subject] for subject in followed] == ["leapfrog"]


def test_all_examples_live_in_one_store_and_change_nothing_when_they_come_again(rapport: Rapport) -> None:
    names = [*CODES, "refusals"]
    first = submit(rapport, *names)
    head = rapport.store.head()
    again = submit(rapport, *names)
    assert {receipt.status for receipt in again.values()} == {"duplicate"}
    assert {id_: receipt.first_status for id_, receipt in again.items()} == {id_: r.status for id_, r in first.items()}
    assert rapport.store.head() == head


def test_each_refusal_cites_the_clauses_that_it_is_there_to_show(rapport: Rapport) -> None:
    receipts = submit(rapport, "refusals")
    refused = {id_: receipt for id_, receipt in receipts.items() if receipt.status != "accepted"}
    assert {receipt.status for receipt in refused.values()} == {"refused"}
    cited = {id_: {problem.clause for problem in r.problems if problem.clause} for id_, r in refused.items()}
    assert cited == {id_: set(clauses) for id_, clauses in expected().items()}


def test_every_gate_and_guard_speaks(rapport: Rapport) -> None:
    receipts = submit(rapport, "refusals")
    speaking = {clause.id for clause in CLAUSES.values() if {"gate", "guard"} & set(clause.kinds)}
    cited = {clause for clauses in expected().values() for clause in clauses}
    assert speaking - cited == set(ALLOWING)
    for id_ in ALLOWING.values():
        assert receipts[id_].status == "accepted"
        assert receipts[id_].events


def test_a_refusal_named_for_a_clause_cites_it() -> None:
    for id_, clauses in expected().items():
        kind, _, rest = id_.partition("-")
        named = [clause for clause in CLAUSES if rest.startswith(clause.replace(".", "-", 1))]
        if kind == "gate" and named:
            assert max(named, key=len) in clauses, id_


def test_the_command_line_takes_the_examples(store_url: str) -> None:
    files = [str(EXAMPLES / f"{name}.jsonl") for name in (*CODES, "refusals")]
    done = command.rapport("submit", *files, env={**os.environ, "RAPPORT_STORE": store_url})
    receipts = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, after_keys_made(done.stderr.decode())) == (1, NOBODY_CHECKED)
    assert {r["id"] for r in receipts if r["status"] != "accepted"} == set(expected())


def test_playing_them_shows_each_relationship_and_what_to_type_next(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "80"}
    played = subprocess.run(
        [sys.executable, "-m", "examples.play"],
        cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for name in (*CODES, "refusals"):
        for message in map(orjson.loads, lines(name)):
            if message["type"] == "rapport.ProposeRelationship":
                assert message["subject"] in played.stdout
    assert "open gates: nottingham.compromising" in played.stdout
    assert f"{len(expected())} refusals" in played.stdout
    told, _, to_type = played.stdout.partition("What to type next")
    assert max(map(len, told.splitlines())) <= 80
    assert "export RAPPORT_STORE=" in to_type
    assert played.stderr == ""


def test_playing_them_serves_the_store_until_ctrl_c(tmp_path: Path) -> None:
    environment = own_environment(TMPDIR=str(tmp_path), COLUMNS="200")
    out = tmp_path / "out"
    with out.open("wb") as printed:
        played = subprocess.Popen(
            [sys.executable, "-m", "examples.play", "--serve", "--port", "0"],
            cwd=EXAMPLES.parent, env=environment, stdout=printed, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while (
            not (token := re.search(r"^  (TOKEN=\S+)", out.read_text(), re.MULTILINE)) or "-d '" not in out.read_text()
        ):
            assert played.poll() is None, out.read_text()
            assert time.monotonic() < until, out.read_text()
            time.sleep(0.1)
        tries = re.findall(r"^  curl (.*)$", out.read_text(), re.MULTILINE)
        assert len(tries) == 3
        for line in tries[1:]:
            answered = subprocess.run(
                ["bash", "-c", f"{token[1]}; curl -sf {line}"], capture_output=True, check=True, timeout=60
            )
            orjson.loads(answered.stdout)
        assert orjson.loads(answered.stdout)["status"] == "accepted"
    finally:
        played.send_signal(signal.SIGINT)
        assert played.wait(60) == 0, out.read_text()
