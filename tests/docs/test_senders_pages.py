"""The pages about senders: the examples of files are taken, and the senders in Python and Node are run as they stand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.intake.senders import FIELDS, read_senders
from tests.messages import message

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to/prove-who-sends.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference/senders.md").read_text(encoding="utf-8")
SOURCE = {"source": "/services/booking"}
PARTIES = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
# Whatever JSON can hold, and wherever two writers of it might differ.
ODD: list[dict[str, Any]] = [
    {"id": "1", "data": {}},
    {"id": "2", "data": {"b": 1, "a": [True, False, None, [], {}], "": "", "B": "x", "10": 1, "9": 2}},
    {"id": "3", "data": {"text": 'quote " slash / back \\ tab \t feed \n \r \b \f \x01 \x1f \x7f \u2028 \u2029 é € 😀'}},
    # By UTF-16 units the pair of 😀 comes before U+FB33.
    {"id": "4", "data": {"\ufb33": 1, "😀": 2, "ö": 3, "\u20ac": 4, "a": 5}},
    {"id": "5", "data": {"numbers": [0, -0.0, 1.0, 1.5, -7, 1e-7, 1e-6, 0.1, 1e16, 1e20, 1e21, 5e-324, 1.7976931348623157e308]}},
]  # fmt: skip


def block(language: str, text: str = HOW_TO) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which everything was done that the page says before the senders."""
    made = subprocess.run(["sh", "-ec", block("sh")], cwd=tmp_path, capture_output=True, text=True, check=True)
    (tmp_path / "senders.toml").write_text(block("toml").replace("PUBLIC KEY", made.stdout.strip()))
    (tmp_path / "sign.py").write_text(block("python"))
    (tmp_path / "sign.mjs").write_text(block("js"))
    return tmp_path


def run(folder: Path, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    environment |= {"PATH": path, "RAPPORT_STORE": f"sqlite:///{folder / 'store.sqlite'}"}
    return subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False
    )


def lines(messages: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in messages)


SENDERS = {"python": "python sign.py", "node": "node sign.mjs"}


@pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
def test_what_a_sender_of_the_page_signs_is_taken(folder: Path, sender: str) -> None:
    goal = {
        "goal_id": "g1", "title": "Ein „größeres“ Ziel 😀\n", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"],
    }  # fmt: skip
    told = [message("ProposeRelationship", PARTIES, **SOURCE), message("AgreeGoal", goal, actor="mentee:ana", **SOURCE)]
    (folder / "messages.jsonl").write_text(lines(told))
    setting, command = re.findall(r"```sh\n(.*?)```", HOW_TO, re.DOTALL)[1].strip().splitlines()
    both = [each.strip() for each in re.split(r"#\s*or:", command)]
    [ours] = [each for each in both if sender in each]
    for expected in ("accepted", "duplicate"):
        done = run(folder, f"{setting}\n{ours}")
        assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == [expected] * 2, done
        assert done.returncode == 0
        assert "RAPPORT_SENDERS" not in done.stderr


def test_a_message_that_the_page_would_refuse_is_refused_in_its_words(folder: Path) -> None:
    told = [message("ProposeRelationship", PARTIES, **SOURCE)]
    signed = json.loads(run(folder, SENDERS["python"], lines(told)).stdout)
    done = run(folder, "RAPPORT_SENDERS=senders.toml rapport submit", lines([signed | {"id": "other"}, *told, signed]))
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    shown = json.loads(block("json"))
    assert {name: receipts[0][name] for name in shown} == shown
    assert [receipt["status"] for receipt in receipts] == ["refused", "refused", "accepted"]


def test_both_senders_write_the_same_canonical_form_of_whatever_json_holds(folder: Path) -> None:
    python, node = (run(folder, sender, lines(ODD)) for sender in SENDERS.values())
    assert python.returncode == node.returncode == 0, (python.stderr, node.stderr)
    assert [json.loads(line)["proof"] for line in python.stdout.split("\n")[:-1]] == [
        json.loads(line)["proof"] for line in node.stdout.split("\n")[:-1]
    ]
    assert python.stdout.count("\n") == len(ODD)


def test_the_file_of_the_reference_is_taken_and_every_field_is_told(tmp_path: Path) -> None:
    path = tmp_path / "senders.toml"
    path.write_text(block("toml", REFERENCE))
    senders = read_senders(path)
    booking, offices = senders.sender("/services/booking"), senders.sender("/offices/north")
    assert booking is not None
    assert booking.key is not None
    assert booking.programmes == frozenset({"spring-2026"})
    assert offices is not None
    assert (offices.key, offices.programmes) == (None, None)
    for field in FIELDS:
        assert re.search(rf"^\| `{field}\??` \|", REFERENCE, re.MULTILINE), field
