"""A terminal is sent no escape of anybody's, nor of ours, and no line is wider than it."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from infra.bootstrap import open_rapport
from infra.notifications.outbox import enqueue, prepare
from infra.settings import Settings
from tests.infra.cli.process import NASTY, SUBJECT, at_terminal, run
from tests.infra.notifications.notes import AT, note
from tests.messages import line, proposal

PARKED = 150


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Nasty text wherever text is kept: in facts, in names, in what workers keep."""
    url = f"sqlite:///{tmp_path_factory.mktemp('terminal') / 'store.sqlite'}"
    raws = [
        proposal(),
        line("ReportProblem", {"description": NASTY * 3}, id="problem", subject=SUBJECT, actor="mentee:ana"),
        line("CreateProgramme", {"name": NASTY}, id="programme", subject="programme:p1"),
        line("RegisterMentor", {"name": NASTY}, id="mentor", subject="mentor:ben"),
    ]
    done = run(url, "submit", stdin=b"\n".join(raws))
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["accepted"] * 4, done.stdout
    assert run(url, "work", "--once").returncode == 0
    with open_rapport(Settings(store=url)) as rapport:
        prepare(rapport.database)
        with rapport.database.transaction() as session:
            enqueue(session, [note(f"n{number}") for number in range(PARKED)])
            session.execute("UPDATE notifications SET last_error = ?", (NASTY,))
            parked = ((NASTY, f"{number}{NASTY}", AT, NASTY, 2, NASTY) for number in range(PARKED))
            session.insert("parked", ("worker", "key", "since", "trigger_id", "position", "error"), parked)
    return url


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        (("show", SUBJECT), 0, "mentee ana"),
        (("show", "programme:p1"), 0, r"ana\x1b[2K"),
        (("show", "mentor:ben", "--reveal", NASTY), 0, r"\u202e"),
        (("show", "programme:p1", "--json"), 0, r"\u001b]0;owned"),
        (("history", SUBJECT), 0, "<safeguarding"),
        (("history", SUBJECT, "--json"), 0, '"sealed": "safeguarding"'),
        (("tasks",), 0, r"[red]日本"),
        (("tasks", "--json"), 0, r"\u202e\u2066"),
        (("notifications", "--all"), 0, r"\x1b"),
        (("health",), 0, "score"),
        (("health", "--csv"), 0, "relationship_id"),
        (("nps", "--by", "mentor"), 0, "NPS"),
        (("audit", "verify"), 1, "skipped: decisions"),
        (("projections", "status"), 0, "live"),
        (("what-if", "--set", "late_notice_hours=1"), 0, "would be otherwise"),
        (("codes", "list"), 0, "pentalog.goals"),
        (("codes", "trace"), 0, "implemented by"),
        (("projections", "rebuild", "sessions"), 0, "sessions"),
        (("work", "--once"), 0, "events seen"),
        (("submit", NASTY), 2, r"can't read ana\x1b"),
        (("show", NASTY), 2, r"\x1b[31m"),
        (("health", NASTY), 2, r"\x1b[31m"),
        (("export", NASTY, "-o", "f.csv"), 2, r"\x1b[31m"),
        (("export", "sessions", "-o", NASTY), 2, ".parquet"),
        (("nps", "--by", NASTY), 2, r"\x1b[31m"),
        (("health", "--as-of", NASTY), 2, r"\x1b[31m"),
        (("what-if", "--set", NASTY), 2, r"\x1b[31m"),
        (("notifications", "retry", NASTY), 1, r"\x1b[31m"),
        (("codes", "show", NASTY), 2, r"\x1b[31m"),
        (("projections", "rebuild", NASTY), 2, r"\x1b[31m"),
        (("work", "--once", "--rebuild", NASTY), 2, r"\x1b[31m"),
        ((NASTY,), 2, r"\x1b[31m"),
        (("show", f"--{NASTY}"), 2, r"\x1b[31m"),
        (("--help",), 0, "Usage"),
        (("projections",), 2, "Usage"),
    ],
    ids=lambda value: ascii(" ".join(value))[:40] if isinstance(value, tuple) else None,
)
def test_nothing_is_obeyed(store: str, arguments: tuple[str, ...], code: int, says: str) -> None:
    found, sent = at_terminal(store, *arguments)
    assert says in "".join(sent.replace("\n", " ").split("  ")) or says in sent.replace("\n", "")
    assert found == code
    assert sorted({char for char in sent if not char.isprintable() and char != "\n"}) == []
    assert "forged line" not in [line.strip() for line in sent.splitlines()]


def test_settings_and_their_files_are_shown_not_obeyed(store: str, tmp_path: Path) -> None:
    for name in ("RAPPORT_LOG_LEVEL", "RAPPORT_CLOCK", "RAPPORT_KAFKA_CA_FILE"):
        _, sent = at_terminal(store, "tasks", **{name: NASTY})
        assert name in sent
        assert sent.isascii() or sent.replace("\n", "").isprintable()
        assert "\x1b" not in sent


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", SUBJECT),
        ("history", SUBJECT),
        ("tasks",),
        ("health",),
        ("health", SUBJECT),
        ("nps",),
        ("nps", "--by", "mentor", "--by", "programme", "--by", "month"),
        ("projections", "status"),
        ("notifications", "--all"),
        ("codes", "list"),
    ],
    ids=" ".join,
)
def test_text_fits_80_columns_at_a_terminal_and_in_a_pipe(store: str, arguments: tuple[str, ...]) -> None:
    piped = run(store, *arguments).stdout.decode()
    _, sent = at_terminal(store, *arguments)
    for text in (piped, sent):
        assert max(map(cell_len, text.split("\n"))) <= 80


def test_text_ends_after_100_rows_and_says_how_many_more(store: str) -> None:
    for call in ("tasks", "notifications"):
        text, whole = run(store, call).stdout.decode(), run(store, call, "--json").stdout
        # The relationships of this store have tasks and notifications of their own besides.
        rows = [row for row in json.loads(whole) if call == "notifications" or row["kind"] == "parked_key"]
        assert len(rows) >= PARKED
        assert text.splitlines()[-1].startswith(f"and {len(rows) - 100} more: ")
        everything = run(store, call, "--all").stdout.decode()
        assert "more: " not in everything
        assert everything.count("\n") > text.count("\n")
