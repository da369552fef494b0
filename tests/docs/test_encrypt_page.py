"""The page about encrypted data: its senders in Python and Node are run as they stand, and what they send is opened."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.intake.encrypted import EncryptionKeys, load
from infra.intake.message import Message, parse
from infra.settings import Settings
from tests.command import own_environment, rapport
from tests.messages import message

PAGE = (Path(__file__).parents[2] / "docs/how-to/encrypt-on-kafka.md").read_text(encoding="utf-8")
GOAL = {
    "goal_id": "g1",
    "title": "Ein „größeres“ Ziel 😀\n",
    "type": "career",
    "source": "mentee",
    "agreed_by": ["mentee", "mentor"],
}
MESSAGES = [
    message("AgreeGoal", GOAL, actor="mentee:ana"),
    message("ActivateRelationship", {}, actor="coordinator:cora"),
    message(
        "RecordSessionNote",
        {"session_id": "s1", "text": "ü" * 20_000, "sensitive": True},
        actor="mentor:ben",
        source="/other",
    ),
]


def block(language: str) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    env = own_environment(RAPPORT_STORE=f"sqlite:///{tmp_path / 'store.sqlite'}")
    command, to, name = block("sh").strip().rpartition(" > ")
    assert (command.split()[0], to, name) == ("rapport", " > ", "rapport.jwk")
    done = rapport(*command.split()[1:], env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / name).write_bytes(done.stdout)
    assert rapport(*command.split()[1:], env=env, cwd=tmp_path).stdout == done.stdout
    (tmp_path / "encrypt.py").write_text(block("python"))
    (tmp_path / "encrypt.mjs").write_text(block("js"))
    return tmp_path


def keys(folder: Path) -> EncryptionKeys:
    return load(Settings(store=f"sqlite:///{folder / 'store.sqlite'}", kafka_encrypted=True))


@pytest.mark.parametrize("sender", [(sys.executable, "encrypt.py"), ("node", "encrypt.mjs")], ids=["python", "node"])
def test_what_a_sender_of_the_page_encrypts_is_opened(folder: Path, sender: tuple[str, str]) -> None:
    given = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in MESSAGES)
    done = subprocess.run(
        sender,
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    sent: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert "Ziel" not in done.stdout
    for plain, each in zip(MESSAGES, sent, strict=True):
        expected, found = parse(json.dumps(plain).encode()), keys(folder).read(json.dumps(each).encode())
        assert isinstance(expected, Message)
        assert isinstance(found, Message), found
        assert found._replace(raw=b"") == expected._replace(raw=b"")


def test_the_public_key_alone_is_shown_and_a_new_one_comes_before_the_old(folder: Path) -> None:
    env = own_environment(RAPPORT_STORE=f"sqlite:///{folder / 'store.sqlite'}")
    old = json.loads((folder / "rapport.jwk").read_text())
    new = json.loads(rapport("keys", "show", "--public", "--new", "--json", env=env).stdout)
    assert old.keys() == new.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert list(keys(folder).keys) == [new["kid"], old["kid"]]
    refused = rapport("keys", "show", env=env)
    assert (refused.returncode, refused.stdout) == (2, b"")
