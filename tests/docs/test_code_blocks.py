"""Every block of `sh` in the README, the tutorial, the how-tos and the examples is run as it stands, in a fresh folder.

A block of `sh` is one that a reader can type. What needs a server, an account or a reader's own files is a block of `console`,
with `$` before each command; of those the commands and options must at least exist.
"""

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from typer.main import get_command

from infra.cli.app import build
from tests.shell_command import on_the_path

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LANGUAGES: Final = {"sh", "console", "json", "toml", "python", "js", "sql", "text", "mermaid"}
SIMULATE: Final = (
    "rapport simulate --relationships 4 --seed 7 -o year.jsonl; rapport submit year.jsonl > receipts.jsonl"
)
# Run with a real server, or typed and compared word by word, in a test of their own.
ELSEWHERE: Final = {
    "docs/how-to/prove-who-sends.md": "tests/docs/test_senders_pages.py",
    "docs/how-to/encrypt-on-kafka.md": "tests/docs/test_encrypt_page.py",
}


class Page(NamedTuple):
    """A page whose blocks are run one after the other: what is there before, and what is expected to end with 1."""

    name: str
    before: str = ""
    ends_with_1: tuple[str, ...] = ()


PAGES: Final = (
    Page("README.md"),
    Page("docs/tutorial/first-relationship.md", ends_with_1=("rapport submit ana.jsonl",)),
    Page("docs/how-to/walk-a-year.md"),
    Page("docs/how-to/a-complaint.md", ends_with_1=("rapport submit --walk mentor.jsonl",)),
    Page("docs/how-to/a-wrong-fact.md"),
    Page("docs/how-to/a-mentor-leaves.md"),
    Page("docs/how-to/a-plan-ends.md"),
    Page("docs/how-to/answer-a-person.md"),
    Page("docs/how-to/let-callers-in.md"),
    Page("docs/how-to/query-datasets.md", SIMULATE),
    Page("docs/how-to/back-up-and-restore.md", SIMULATE),
    Page("docs/how-to/give-evidence.md", SIMULATE),
    Page("docs/how-to/upgrade.md", SIMULATE),
    Page("docs/how-to/notifications.md"),
    Page("docs/how-to/keep-keys.md", SIMULATE),
    Page("examples/README.md"),
)
DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", "examples/README.md", *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))))  # fmt: skip


def blocks(name: str) -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


def folder_of_a_reader(folder: Path) -> None:
    """What a checkout has: the examples, and the environment that `make setup` leaves."""
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    for inside, there in ((bin_.parent, Path(sys.prefix)), (bin_, Path(sys.executable).parent)):
        for path in there.iterdir():
            if path.name not in {"bin", "rapport"}:
                (inside / path.name).symlink_to(path)
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    # The environment is made already; the recipe behind it is the Makefile's own.
    recipe = re.search(r"^run:.*\n\t\$\(PY\) (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    (folder / "Makefile").write_text(f"run:\n\t.venv/bin/python {recipe[1]}\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_reader_types_works(page: Page, tmp_path: Path) -> None:
    if "sqlite3 " in "".join(text for language, text in blocks(page.name) if language == "sh") and not shutil.which(
        "sqlite3"
    ):
        pytest.fail("this page needs the shell of SQLite: install sqlite3")
    folder_of_a_reader(tmp_path)
    script = [page.before]
    for language, text in blocks(page.name):
        if language == "json" and "tutorial" in page.name:
            # "Put this into ana.jsonl", "append these lines to the file".
            script.append(f"cat >> ana.jsonl <<'LINES'\n{text}LINES")
        elif language == "sh":
            script.append(text)
    trap = "trap 'echo \"$? $BASH_COMMAND\" >> failed' ERR\nset -o pipefail\n"
    # A reader's make is not told what the make of these tests was told.
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAPPORT_") and name not in {"ARGS", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"}
    }
    # The README calls .venv/bin/rapport; the other pages have it on their path.
    plain["PATH"] = f"{tmp_path / '.venv' / 'bin'}:{plain['PATH']}"
    with on_the_path(tmp_path / ".venv" / "bin"):
        done = subprocess.run(
            ["bash", "-c", trap + "\n".join(script)], cwd=tmp_path, env=plain, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )  # fmt: skip
    failed = (tmp_path / "failed").read_text().splitlines() if (tmp_path / "failed").exists() else []
    assert [line for line in failed if line not in {f"1 {command}" for command in page.ends_with_1}] == [], done.stderr
    assert len(failed) == len(page.ends_with_1), done.stdout
    assert "Traceback" not in done.stderr


def test_every_page_with_something_to_type_is_run() -> None:
    typed = {name for name in DOCUMENTS if any(language == "sh" for language, _ in blocks(name))}
    assert typed - {page.name for page in PAGES} - ELSEWHERE.keys() == set()
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_block_says_its_language(name: str) -> None:
    assert {language for language, _ in blocks(name)} <= LANGUAGES


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_block_of_python_is_python(name: str) -> None:
    for language, text in blocks(name):
        if language == "python":
            compile(text, name, "exec")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_a_page_shows_exists_with_its_options(name: str) -> None:
    text = "\n".join(inner for language, inner in blocks(name) if language in {"sh", "console"})
    whole = (ROOT / name).read_text(encoding="utf-8")
    for command in [
        *re.findall(r"\brapport ((?:[a-z-]+ ?)[^`\n|>#;&)]*)", text),
        *re.findall(r"`rapport ([^`|]+)`", whole),
    ]:
        assert unknown_in(command) == [], command


@functools.cache
def command_line() -> Any:
    return get_command(build())


def unknown_in(line: str) -> list[str]:
    """The words of a call that the command line does not know."""
    here = command_line()
    unknown = []
    for word in shlex.split(line.replace("'", " ")):
        inner = getattr(here, "commands", {})
        if word == "--help":
            continue
        if word.startswith("--"):
            options = {option for each in here.params for option in [*each.opts, *each.secondary_opts]}
            unknown += [word] if word.partition("=")[0] not in options else []
        elif inner:
            if word not in inner:
                # Placeholders: COMMAND, or a group named by itself.
                return [*unknown, *([word] if word.islower() else [])]
            here = inner[word]
    return unknown
