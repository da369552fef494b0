"""Standard output that is closed, full, without a reader or of a small encoding: one line, the right exit code, no traceback."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import RAPPORT, Loaded, rapport
from tests.infra.cli.process import NASTY, SUBJECT, environment, run, shell
from tests.messages import contact, line, proposal
from tests.shell_command import on_the_path
from tests.sizes import THOROUGH

FULL = b"No space left on device"


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    (tmp_path / "in.jsonl").write_bytes(b"\n".join([proposal(), contact(1, "c1")]))
    (tmp_path / "words.jsonl").write_bytes(
        b"\n".join(
            [
                proposal(),
                line("ReportProblem", {"description": NASTY}, actor="mentee:ana"),
                line("CreateProgramme", {"name": NASTY}, id="programme", subject="programme:p1"),
            ]
        )
    )
    return url


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command for lines of which Python's start is not the matter: no stream is closed, no encoding set."""
    folder = tmp_path_factory.mktemp("path")
    with on_the_path(folder):
        yield str(folder / "rapport")


def events(store: str) -> int:
    found = run(store, "history", SUBJECT, "--json")
    return len(json.loads(found.stdout)) if found.returncode == 0 else 0


def test_closed_output_hands_nothing_in(store: str, tmp_path: Path) -> None:
    done = shell(store, f"$R submit {tmp_path}/in.jsonl >&-")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"standard output is closed" in done.stderr
    assert events(store) == 0


@pytest.mark.parametrize("call", ["submit - <&-", "submit <&-", "submit in.jsonl - <&-"])
def test_closed_input_is_told(store: str, tmp_path: Path, call: str) -> None:
    done = shell(store, f"cd {tmp_path}; $R {call}")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert b"standard input is closed" in done.stderr


def test_a_file_needs_no_input_and_no_complaints(store: str, tmp_path: Path) -> None:
    done = shell(store, f"$R submit {tmp_path}/in.jsonl <&- 2>&-")
    assert (done.returncode, done.stdout.count(b"accepted")) == (0, 2)


def test_full_output_says_that_the_messages_are_recorded(store: str, tmp_path: Path, forked: str) -> None:
    done = shell(store, f"$R submit {tmp_path}/in.jsonl > /dev/full", R=forked)
    made, refused = done.stderr.splitlines()
    assert (done.returncode, made.startswith(b"made a master key")) == (1, True)
    assert FULL in refused
    assert b"is recorded" in refused
    assert events(store) == 2
    again = run(store, "submit", f"{tmp_path}/in.jsonl")
    assert again.stdout.count(b"duplicate") == 2


# Each way of writing an answer; the second are the same ways of other commands.
WAYS = [f"history {SUBJECT} --json", "health", "health --csv", "--help"]
OTHERS = [f"show {SUBJECT}", "nps --json", "codes list"]


@pytest.mark.parametrize(
    "call, place",
    [
        *((call, "> /dev/full") for call in WAYS + OTHERS),
        # Each of these starts Python anew.
        *((call, ">&-") for call in (WAYS + OTHERS if THOROUGH else WAYS)),
    ],
)
def test_answers_that_cannot_be_written_end_in_one_line(
    store: str, tmp_path: Path, forked: str, call: str, place: str
) -> None:
    run(store, "submit", f"{tmp_path}/in.jsonl")
    done = shell(store, f"$R {call} {place}", R=forked if "full" in place else RAPPORT)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert done.stderr.startswith(b"error: ")
    assert (FULL if "full" in place else b"standard output is closed") in done.stderr


@pytest.mark.parametrize("place", ["2> /dev/full", "2>&-"])
def test_complaints_that_cannot_be_written_leave_the_exit_code(store: str, forked: str, place: str) -> None:
    how = forked if "full" in place else RAPPORT
    assert shell(store, f"$R show nobody {place}", R=how).returncode == 2
    assert shell(store, f"$R health --json {place}", R=how).returncode == 0


@pytest.mark.parametrize("call", ["codes list", "codes list --json", "simulate --relationships 300 --seed 1"])
def test_a_reader_who_goes_away_ends_it_quietly(store: str, forked: str, call: str) -> None:
    done = shell(store, f"$R {call} | head -1", R=forked)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "cp1252"},
        *([{"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}] if THOROUGH else []),
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_what_an_encoding_lacks_is_escaped_and_the_list_printed(
    store: str, tmp_path: Path, env: dict[str, str]
) -> None:
    run(store, "submit", f"{tmp_path}/words.jsonl")
    with closing(Loaded(environment(store, **env))) as started:

        def answer(*arguments: str) -> subprocess.CompletedProcess[bytes]:
            return rapport(*arguments, env=environment(store, **env), of=started)

        for call in (["show", SUBJECT], ["health"], ["health", "--csv"], ["nps"], ["health", SUBJECT]):
            done = answer(*call)
            assert (done.returncode, done.stderr) == (0, b"")
        text = answer("show", "programme:p1").stdout
        assert b"\\u65e5\\u672c" in b"".join(b"".join(text.split(b"\n")).split())
        assert max(map(len, text.split(b"\n"))) <= 80
        whole = json.loads(answer("show", "programme:p1", "--json").stdout.decode("ascii"))
        assert whole["name"] == NASTY
    assert shell(store, "$R show 日本", **env).returncode == 2


def test_an_argument_that_is_no_text_is_a_wrong_call(store: str) -> None:
    done = shell(store, "$R show $'\\xff\\xfe'")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize("target", ["/dev/full", "out/full.jsonl"])
def test_a_full_disk_leaves_no_simulation_that_looks_whole(store: str, tmp_path: Path, target: str) -> None:
    (tmp_path / "out").mkdir()
    # A limit of one file's size stands for the full disk; 1,024-byte blocks.
    done = shell(
        store, f"cd {tmp_path}; ulimit -f 8; trap '' XFSZ; $R simulate --relationships 40 --seed 1 -o {target}"
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"nothing was written" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("whole", [2**63, 2**64, -(2**63) - 1, 10**400])
def test_numbers_over_64_bits_are_printed_as_they_are(whole: int, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from infra.cli.output import print_json, print_json_line

    for printing in (print_json, print_json_line):
        printing({"answers": {"q": whole, "r": "\udc80 \u202e"}})
        assert json.loads(capfdbinary.readouterr().out) == {"answers": {"q": whole, "r": "\udc80 \u202e"}}
