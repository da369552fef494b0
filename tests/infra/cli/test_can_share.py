"""`rapport can-share`: whether somebody may see a class of data, which clause says so, and nothing to whoever stands outside."""

from typing import Any

import orjson
import pytest

from tests import command
from tests.infra.queries.test_sharing import RELATIONSHIP, STORY, tell


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('share') / 'rapport.sqlite'}"
    tell(url, STORY)
    return url


def run(store: str, *arguments: str, at: str = "2026-03-11T20:00:00Z") -> Any:
    return command.rapport("can-share", *arguments, env={"RAPPORT_STORE": store, "RAPPORT_CLOCK": at})


def ask(
    store: str, data_class: str, to: str, *more: str, at: str = "2026-03-11T20:00:00Z", of: str = RELATIONSHIP
) -> Any:
    done = run(store, data_class, "--relationship", of, "--to", to, "--json", *more, at=at)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return orjson.loads(done.stdout)


@pytest.mark.clause("pentalog.mentor-with-consent", "pentalog.mentor-free")
def test_the_answer_says_whether_the_clause_and_why(store: str) -> None:
    assert ask(store, "goals", "coordinator:cora") == {
        "allowed": True,
        "clause": "pentalog.mentor-with-consent",
        "why": "goals is shown to coordinator: with the mentee's consent in force",
    }
    refused = ask(store, "challenges", "coordinator:cora")
    assert (refused["allowed"], refused["clause"]) == (False, "pentalog.mentor-with-consent")
    assert ask(store, "attendance", "customer:cus")["clause"] == "pentalog.mentor-free"
    assert ask(store, "goals", "coordinator:cora", "--as-of", "2026-03-11T08:00:00Z")["allowed"] is False
    assert ask(store, "goals", "MENTEE:ana".lower(), "--version", "2", of=RELATIONSHIP.upper())["allowed"] is True
    assert ask(store, "testimonial", "public")["allowed"] is False
    text = run(store, "goals", "--relationship", RELATIONSHIP, "--to", "coordinator:cora")
    assert text.returncode == 0
    assert text.stdout.decode().startswith("yes (pentalog.mentor-with-consent): ")
    assert run(store, "goals", "--relationship", RELATIONSHIP, "--to", "supplier:sup").stdout.startswith(
        b"no (pentalog."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("wishes", "--relationship", RELATIONSHIP, "--to", "mentee:ana"),
        ("goals", "--relationship", RELATIONSHIP, "--to", "king:ana"),
        ("goals", "--relationship", RELATIONSHIP, "--to", "mentee"),
        ("goals", "--relationship", RELATIONSHIP, "--to", "mentee:"),
        ("goals", "--relationship", RELATIONSHIP, "--to", "mentee:Ana Lee"),
        ("goals", "--to", "mentee:ana"),
        ("goals", "--relationship", RELATIONSHIP),
        ("goals", "--relationship", RELATIONSHIP, "--to", "mentee:ana", "--version", "0"),
    ],
)
def test_a_wrong_question_is_a_wrong_call(store: str, arguments: tuple[str, ...]) -> None:
    done = run(store, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
