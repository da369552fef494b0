"""The peers that need no registry do the work whose time is printed, and the table stays legible without the others."""

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from benchmarks import peers
from benchmarks.peers_npm import PACKAGES, SCRIPT, install
from benchmarks.peers_python import Peer, library, ours
from benchmarks.postgres import message

SUBJECTS = [str(UUID(int=number, version=4)) for number in (1, 2)]


@pytest.mark.parametrize("opened", [ours, lambda url, _: library(url, 8)], ids=["Rapport", "eventsourcing"])
def test_a_peer_stores_loads_and_counts_what_it_was_given(
    opened: Callable[[str, Path], AbstractContextManager[Peer]], postgres_url: str, tmp_path: Path
) -> None:
    with opened(postgres_url, tmp_path) as peer:
        one_by_one = [[[message(subject, number)] for number in (-1, 0)] for subject in SUBJECTS]
        assert peer.append(peer.prepare(one_by_one)) > 0
        assert peer.append(peer.prepare([[[message(SUBJECTS[0], number) for number in range(1, 5)]]])) > 0
        assert peer.load(SUBJECTS[0], 2, 6) > 0
        with pytest.raises(AssertionError):
            peer.load(SUBJECTS[0], 1, 7)
        counted, seconds = peer.project()
        assert (counted, seconds > 0) == (8, True)
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT array_agg(events ORDER BY events) FROM event_counts").fetchone() == (
            [1, 1, 1, 5],
        )


def test_without_node_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install(tmp_path) == "node and npm are not installed"


def test_every_package_is_pinned() -> None:
    assert all(number.replace(".", "").isdigit() for number in PACKAGES.values())


def test_the_script_for_node_parses() -> None:
    done = subprocess.run(["node", "--check", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_table_has_a_dash_for_who_is_missing_and_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    costs = {
        "Rapport": [peers.Cost(123_456, 10.0), peers.Cost(100_000, 12.0)],
        "eventsourcing": [peers.Cost(100_000, 50.0)],
    }
    peers.print_table("events a second", {"load": costs}, lambda found: max(each.rate for each in found), max)
    shown = capsys.readouterr().out + peers.BESIDE
    assert shown.splitlines()[1].split() == ["load", "123,456", "100,000", "-", "-", "1.23"]
    assert all(len(line) <= 80 for line in shown.splitlines())
