"""What a reader looks up is on its page: every command, option, setting, code of a problem, limit and nested value."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from domain.registry import COMMANDS
from domain.terms import TERMS
from infra.cli.app import build
from infra.intake.message import MAX_BYTES, Message, parse
from infra.intake.receipt import KEPT, Receipt, Status
from infra.problem_codes import CODES, SPEAKERS
from infra.reference import pages, rooms
from infra.settings import Settings
from tests.infra.reference.codes_in_sources import codes_in
from tests.messages import line

ROOT = Path(pages.__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def shown(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every command that help shows, with the words that call it."""
    inner = getattr(command, "commands", {})
    return [(path, command), *(each for name, below in inner.items() for each in shown(below, (*path, name)))]


@pytest.mark.parametrize(
    "path, command", [pytest.param(*each, id=" ".join(each[0]) or "rapport") for each in shown(get_command(build()))]
)
def test_every_command_is_there_with_all_its_options(path: tuple[str, ...], command: Any) -> None:
    section = re.split(rf"^## {' '.join(('rapport', *path))}\n", read("reference/commands.md"), flags=re.MULTILINE)
    assert len(section) == 2
    text = section[1].partition("\n## ")[0]
    rows = [row for row in text.splitlines() if row.startswith("| `")]
    visible = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    assert len(rows) == len(visible)
    for parameter in visible:
        names = (
            [*parameter.opts, *parameter.secondary_opts]
            if parameter.param_type_name == "option"
            else [parameter.metavar]
        )
        escaped = {name.replace("|", "\\|") for name in names if name}
        (row,) = [row for row in rows if escaped <= set(re.split("[ ,]+", row.removeprefix("| `").partition("`")[0]))]
        help_ = getattr(parameter, "help", "") or ""
        assert " ".join(help_.split()).replace("|", "\\|") in row
        if parameter.required:
            assert "| required |" in row
        elif isinstance(parameter.default, int | float | str) and not isinstance(parameter.default, bool):
            assert f"| `{parameter.default}` |" in row
    first, *_ = (command.help or "").strip().split("\n\n")
    assert " ".join(first.split()) in text


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_there_and_says_what_it_is_for(name: str) -> None:
    info = Settings.model_fields[name]
    (row,) = [
        row for row in read("reference/settings.md").splitlines() if row.startswith(f"| `RAPPORT_{name.upper()}` |")
    ]
    assert info.description
    assert info.description in row
    if isinstance(info.default, bool):
        assert f"| `{str(info.default).lower()}` |" in row
    elif info.default not in (None, ""):
        assert f"| `{info.default:g}` |" in row if isinstance(info.default, float) else f"| `{info.default}` |" in row


def test_every_setting_that_a_page_names_exists() -> None:
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        found for path in texts for found in re.findall(r"\bRAPPORT_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named - {f"RAPPORT_{name.upper()}" for name in Settings.model_fields} == set()


def test_the_sources_make_exactly_the_codes_that_are_explained() -> None:
    found = codes_in(ROOT)
    assert found.keys() - CODES.keys() == set()
    assert CODES.keys() - found.keys() == set()


@pytest.mark.parametrize(
    "source",
    [
        'Problem("brand_new", "a")',
        'Problem(code="brand_new", message="a")',
        'found.append(problem.Problem(\n    "brand_new",\n    "a"))',
        'Problem("role" if x else "brand_new", "a")',
        'code = "brand_new"\nProblem(code, "a")',
        'code, why = "brand_new", str(error)',
        'code: str = "brand_new" if x else "role"',
        'def _in_words(kind):\n    return "brand_new", "a"',
    ],
)
def test_a_code_that_is_new_in_the_sources_is_found(tmp_path: Path, source: str) -> None:
    (tmp_path / "domain" / "deep").mkdir(parents=True)
    (tmp_path / "domain" / "deep" / "new.py").write_text(source)
    assert codes_in(tmp_path)["brand_new"] == {"domain/deep/new.py"}


def test_every_status_and_code_is_on_the_page_of_receipts() -> None:
    page = read("reference/receipts.md")
    for status in get_args(Status):
        (row,) = [row for row in page.splitlines() if row.startswith(f"| `{status}` |")]
        assert row.split(" | ")[2].startswith("yes" if status in KEPT else ("no", "was"))
    for code, each in CODES.items():
        assert f"| `{code}` | {each.meaning} | {each.remedy} |" in page
        assert each.speaker in SPEAKERS


GOAL = {"goal_id": "g", "title": "t", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}


@pytest.mark.parametrize(
    "raw, code",
    [
        (b"{", "bad_json"),
        (b"\xff", "bad_utf8"),
        (b"[]", "not_an_object"),
        (b'"\\ud800"', "bad_character"),
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (b'{"type":"rapport.Nothing"}', "unknown_type"),
        (b'{"type":"rapport.AgreePlan"}', "missing"),
        (b'{"time":"2026-03-02T09:00:00"}', "naive_time"),
        (b'{"subject":"mentor:a b","type":"rapport.RemoveMentor"}', "bad_id"),
        (b'{"expectedVersion":1}', "unknown_field"),
        (b'{"specversion":"2.0"}', "bad_value"),
    ],
)
def test_a_code_of_the_form_comes_when_the_page_says(raw: bytes, code: str) -> None:
    receipt = parse(raw)
    assert isinstance(receipt, Receipt)
    assert receipt.status == "invalid"
    assert code in {problem.code for problem in receipt.problems}
    assert {CODES[problem.code].speaker for problem in receipt.problems} == {"form"}


def test_the_limits_are_those_that_are_held_to() -> None:
    page = read("reference/limits.md")
    assert f"{MAX_BYTES:,} bytes" in page
    assert isinstance(parse(line("AgreeGoal", GOAL)), Message)
    for characters, status in ((20_000, None), (20_001, "invalid")):
        found = parse(line("AgreeGoal", {**GOAL, "success_measure": "x" * characters}))
        assert (found.status if isinstance(found, Receipt) else None) == status
    assert isinstance(found, Receipt)
    assert found.problems[0].message == "expected at most 20000 characters"
    assert "| A text field of `data` | 20,000 characters |" in page
    for name, term in TERMS.items():
        assert f"| `{name}` | {term.default:g} | {term.least:g} to {term.most:g} |" in page


def test_every_model_inside_a_command_has_a_section_that_fields_link_to() -> None:
    page = read("reference/messages.md")
    models = {name for command in COMMANDS.values() for name, schema in command.model_json_schema().get("$defs", {}).items() if schema.get("type") == "object"}  # fmt: skip
    assert len(models) >= 3
    for name in models:
        assert f"\n### {name}\n" in page
        assert f"[{name}](#{name.lower()})" in page


def test_every_link_within_a_page_leads_to_a_heading() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-")
            for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings, path


class TestQuestions:
    ROWS = re.findall(r"^\| (.+\?) \| `([^`]+)` \|$", read("explanation/architecture.md"), re.MULTILINE)

    def test_at_least_thirty_questions_are_answered_by_one_file_each(self) -> None:
        assert len({question for question, _ in self.ROWS}) == len(self.ROWS) >= 30
        for question, file in self.ROWS:
            assert (ROOT / file).is_file(), question

    def test_every_room_of_infra_answers_a_question(self) -> None:
        rooms_ = {path.name for path in (ROOT / "infra").iterdir() if (path / "__init__.py").is_file()}
        assert rooms_ - {Path(file).parts[1] for _, file in self.ROWS if file.startswith("infra/")} == set()

    @pytest.mark.parametrize(
        "file, word",
        [
            ("domain/terms.py", "late_notice_hours"),
            ("domain/codes/clauses.py", ".toml"),
            ("projections/sessions.py", "Column("),
            ("domain/relationship/moves.py", "late_notice_hours"),
            ("infra/intake/receipt.py", "KEPT"),
            ("infra/store/hash_chain.py", "sha256"),
            ("domain/relationship/gates.py", "def unmet"),
            ("domain/relationship/permissions.py", "def may_send"),
            ("domain/relationship/guards.py", "def took_place_before"),
            ("domain/relationship/contests.py", "ContestFact"),
            ("domain/ids.py", "def key"),
            ("domain/model.py", "class Holds"),
            ("domain/registry.py", "EVENTS"),
            ("domain/codes/implements.py", "def implements"),
            ("domain/commitment/policy.py", "commitment-health/2"),
            ("infra/intake/batch.py", "duplicate"),
            ("infra/intake/message.py", "def parse"),
            ("infra/store/postgres/append.py", "CREATE FUNCTION rapport_append"),
            ("infra/store/sqlite/append.py", "INSERT INTO stored_events"),
            ("infra/store/mapper.py", "def encode"),
            ("infra/queries/as_at.py", "known_at"),
            ("infra/worker_runtime/runner.py", "deadline"),
            ("workers/catalogue.py", "WORKERS"),
            ("workers/model.py", "class Given"),
            ("infra/notifications/deliver.py", "dead"),
            ("infra/kafka/facts.py", "operational"),
            ("infra/operations/metrics.py", "Counter("),
            ("tests/servers.py", "def postgres_server"),
        ],
    )
    def test_an_answer_holds_what_was_asked_for(self, file: str, word: str) -> None:
        assert file in {answer for _, answer in self.ROWS}
        assert word in (ROOT / file).read_text(encoding="utf-8")


class TestRooms:
    def test_the_drawing_holds_every_import_and_no_other(self) -> None:
        """Held against what Python itself imports, not against the library that draws."""
        drawn = set(re.findall(r"^    (\w+) --> (\w+)$", read("explanation/architecture.md"), re.MULTILINE))
        assert drawn == {(a.rpartition(".")[2], b.rpartition(".")[2]) for a, b in self._imported()}

    def test_a_page_without_its_marks_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        page = tmp_path / "page.md"
        page.write_text("# Nothing to draw into\n")
        monkeypatch.setattr(rooms, "PAGE", page)
        with pytest.raises(ValueError, match="expected the drawings between"):
            rooms.page()

    def test_what_is_written_by_hand_stays(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        page = tmp_path / "page.md"
        page.write_text(f"# By hand\n{rooms.BEGIN}old --> drawing\n{rooms.END}below\n")
        monkeypatch.setattr(rooms, "PAGE", page)
        made = rooms.page()
        assert made.startswith(f"# By hand\n{rooms.BEGIN}")
        assert made.endswith(f"{rooms.END}below\n")
        assert "old --> drawing" not in made

    @staticmethod
    def _imported() -> set[tuple[str, str]]:
        import ast

        packages = ("infra", "workers", "projections", "domain")

        def places(module: str) -> list[str]:
            parts = module.split(".")
            return [parts[0]] + (
                [".".join(parts[:2])] if len(parts) > 1 and (ROOT / parts[0] / parts[1]).is_dir() else []
            )

        found = set()
        for path in (path for name in packages for path in (ROOT / name).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [f"{node.module}.{each.name}" for each in node.names]
                for name in names:
                    if name.partition(".")[0] in packages:
                        (own, *inner), (other, *below) = places(module), places(name)
                        if own != other:
                            found.add((own, other))
                        elif own in {"infra", "domain"} and inner and below and inner != below:
                            found.add((inner[0], below[0]))
        return found


def test_the_command_that_makes_the_pages_fails_when_one_is_old(tmp_path: Path) -> None:
    """As `make check` runs it, on a copy of the folder in which one import was added."""
    from shutil import copytree

    for name in ("infra", "workers", "projections", "domain", "docs"):
        copytree(ROOT / name, tmp_path / name)
    check = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from infra.reference import pages; sys.exit(pages.main(['--check']))"]  # fmt: skip
    with (tmp_path / "infra" / "store" / "address.py").open("a") as source:
        source.write("\nfrom infra.simulate import rates as _\n")
    stale = subprocess.run(check, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert stale.returncode == 1
    # That page alone: but for the import, the copy is as the folder, of which `--check` finds nothing (tests/docs/test_datasets_pages.py).
    assert stale.stderr.startswith("out of date: explanation/architecture.md; ")


def test_nested_models_are_models_only() -> None:
    from infra.reference.messages import nested

    assert all(issubclass(model, BaseModel) for model in nested().values())
