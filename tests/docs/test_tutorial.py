"""The tutorial is typed as it stands, and says what comes of it."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.command import rapport_text

PAGE = Path(__file__).parents[2] / "docs/tutorial/first-relationship.md"
ID = "0b9a3f0e-8a44-4c0b-9f1e-1f5f3d2c7a01"


def rapport(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RAPPORT_STORE": f"sqlite:///{folder / 'rapport.sqlite'}"}
    return rapport_text(*arguments, cwd=folder, env=environment)


def answer(folder: Path, *arguments: str) -> dict[str, object]:
    done = rapport(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_tutorial_comes_out_as_it_says(tmp_path: Path) -> None:
    first, second = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = tmp_path / "ana.jsonl"
    lines.write_text(first)
    done = rapport(tmp_path, "submit", "ana.jsonl")
    receipts = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [receipt["status"] for receipt in receipts] == ["accepted", "refused"]
    assert {problem["clause"] for problem in receipts[1]["problems"]} == {"leapfrog.role", "leapfrog.protocols"}

    lines.write_text(first + second)
    statuses = [json.loads(line)["status"] for line in rapport(tmp_path, "submit", "ana.jsonl").stdout.splitlines()]
    assert statuses == ["duplicate"] * 2 + ["accepted"] * 4
    history = json.loads(rapport(tmp_path, "history", ID, "--json").stdout)
    assert len(history) == 5
    assert history[-1]["data"]["late"] is True
    assert answer(tmp_path, "show", ID, "--as-of", "2026-03-02T12:00:00Z")["state"] == "contracting"
    assert answer(tmp_path, "audit", "verify")["ok"] is True


def test_health_and_tasks_come_out_as_the_tutorial_says(tmp_path: Path) -> None:
    (tmp_path / "ana.jsonl").write_text("".join(re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)))
    rapport(tmp_path, "submit", "ana.jsonl")
    march = answer(tmp_path, "health", ID, "--as-of", "2026-03-12T12:00:00Z")
    may = answer(tmp_path, "health", ID, "--as-of", "2026-05-15T12:00:00Z")
    assert march["score"] == 100
    assert isinstance(may["score"], int)
    assert may["score"] < 100
    assert rapport(tmp_path, "work", "--until", "2026-05-15T12:00:00Z").returncode == 0
    tasks = json.loads(rapport(tmp_path, "tasks", "--json").stdout)
    assert tasks
    assert all(task["settled_by"] for task in tasks)


def test_every_linked_page_exists() -> None:
    root = PAGE.parents[2]
    pages = [root / "README.md", *root.glob("docs/**/*.md")]
    missing = [
        f"{page.relative_to(root)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert missing == []


def test_every_command_is_documented_somewhere() -> None:
    from typer.main import get_command

    from infra.cli.app import build

    root = PAGE.parents[2]
    text = " ".join(page.read_text(encoding="utf-8") for page in [root / "README.md", *root.glob("docs/**/*.md")])
    commands = get_command(build()).commands  # type: ignore[attr-defined]
    assert [name for name in commands if f"rapport {name}" not in text] == []
