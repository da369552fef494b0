"""The programs of the page about HTTP do what it says, as they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.http.server import Server, serving

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "send-over-http.md"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("served")
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder) as server:
        yield {**os.environ, "API_URL": server.url, "API_TOKEN": token(server)}


def token(server: Server) -> str:
    return server.token("service:booking", acts_for=["coordinator", "mentee"])


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_program_in_python_sends_and_reads_what_it_sent(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "send.py").write_text(program("python"))
    done = subprocess.run(
        [sys.executable, "send.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["accepted", "contracting"], "")


def test_the_program_in_node_sends_and_follows_the_facts(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "send.mjs").write_text(program("js"))
    done = subprocess.run(
        ["node", "send.mjs"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    accepted, type_, position = done.stdout.split()
    assert (accepted, type_, done.stderr) == ("accepted", "rapport.RelationshipProposed", "")
    assert int(position) > 0
