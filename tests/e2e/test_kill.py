"""Killed at any moment, by several at once, again and again: nothing acknowledged is lost and the end is always the same."""

import json
import os
import random
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from domain.model import AnyRecorded
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.settings import Settings
from infra.simulate import messages
from tests.command import Caught
from tests.messages import KEYS_MADE, NOBODY_CHECKED, contact, proposal
from tests.sizes import size

CLOCK = datetime(2028, 1, 1, tzinfo=UTC)
KILLS = size(6, 12)
# What is said on standard error: at the first start where the keys are, at the end that senders are not checked.
KEYS_OR_SENDERS = re.compile(rf"({re.escape(KEYS_MADE)}.*\n)?({re.escape(NOBODY_CHECKED)})?")
Facts = list[AnyRecorded]


def submitting(url: str, file: Path, out: BinaryIO | None = None) -> Caught:
    settings = {"RAPPORT_STORE": url, "RAPPORT_CLOCK": CLOCK.isoformat()}
    return Caught("submit", file, env=os.environ | settings, out=out)


def answered(out: bytes) -> dict[str, str]:
    """Message id to status, of every whole line."""
    whole = out[: out.rfind(b"\n") + 1]
    return {receipt["id"]: receipt["status"] for receipt in map(json.loads, whole.splitlines())}


def facts(rapport: Rapport) -> Facts:
    """The events with their words: their bytes and hashes are random."""
    rows = rapport.database.query("SELECT topic, state FROM stored_events ORDER BY originator_id, originator_version")
    return [rapport.store.mapper.decode(topic, bytes(state)) for topic, state in rows]


def kept(rapport: Rapport) -> set[str]:
    return {row[0] for row in rapport.database.query("SELECT message_id FROM receipts")}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("messages") / "simulated.jsonl"
    path.write_bytes(b"\n".join(messages(size(16, 60), 5)))
    return path


@pytest.fixture(scope="module")
def in_one_go(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The record that the file leads to when nobody interferes."""
    store = tmp_path_factory.mktemp("store") / "whole.sqlite"
    with open_rapport(Settings(store=f"sqlite:///{store}", clock=CLOCK, synchronous="off")) as rapport:
        raws = file.read_bytes().splitlines()
        receipts = [r for n in range(0, len(raws), 500) for r in rapport.handler.handle(raws[n : n + 500])]
        assert {receipt.status for receipt in receipts} == {"accepted"}
        return facts(rapport)


def test_killed_at_random_moments_and_submitted_again_ends_in_the_same_record(
    store_url: str, file: Path, in_one_go: Facts, tmp_path: Path
) -> None:
    receipts = tmp_path / "receipts.jsonl"
    seed = random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    moments = random.Random(seed)
    acknowledged: set[str] = set()
    finished = 0
    for turn in range(KILLS):
        with receipts.open("wb") as out:
            process = submitting(store_url, file, out)
        wait_for_output = not turn or moments.random() < 0.8
        while wait_for_output and not receipts.stat().st_size and process.process.poll() is None:
            time.sleep(0.002)
        # The first is killed at its first receipts, so that one at least does not reach its end.
        time.sleep(moments.uniform(0, 0.1) if turn else 0)
        process.process.kill()
        _, complaints = process.communicate()
        finished += process.returncode == 0
        assert KEYS_OR_SENDERS.fullmatch(complaints.decode())
        acknowledged |= answered(receipts.read_bytes()).keys()
        with open_rapport(Settings(store=store_url)) as rapport:
            assert acknowledged <= kept(rapport)
            verdict = verify(rapport.store)
            assert verdict.ok, verdict.problems
    last, _ = submitting(store_url, file).communicate()
    assert set(answered(last).values()) <= {"accepted", "duplicate"}
    with open_rapport(Settings(store=store_url)) as rapport:
        assert facts(rapport) == in_one_go
    assert finished < KILLS, "not one run was killed in time"


def test_processes_that_submit_the_same_file_at_once_record_each_message_once(
    store_url: str, file: Path, in_one_go: Facts
) -> None:
    running = [submitting(store_url, file) for _ in range(3)]
    ended = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], [complaint for _, complaint in ended]
    all_answers = [answered(out) for out, _ in ended]
    for id_ in all_answers[0]:
        assert sorted(answers[id_] for answers in all_answers) == ["accepted", "duplicate", "duplicate"], id_
    with open_rapport(Settings(store=store_url)) as rapport:
        assert facts(rapport) == in_one_go


@pytest.fixture
def rivals(tmp_path: Path) -> list[Path]:
    """Two files about the same few relationships, so that the writers contend for every stream."""
    files = [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    for name, path in zip("xy", files, strict=True):
        raws = [contact(number, f"{name}-{number}-{turn}") for turn in range(150) for number in range(1, 6)]
        path.write_bytes(b"\n".join(raws))
    return files


def test_processes_that_write_to_the_same_streams_lose_nothing_and_break_nothing(
    store_url: str, rivals: list[Path]
) -> None:
    with open_rapport(Settings(store=store_url, clock=CLOCK)) as rapport:
        rapport.handler.handle([proposal(number) for number in range(1, 6)])
    running = [submitting(store_url, path) for path in rivals]
    outs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    answers = [answered(out) for out in outs]
    assert [set(found.values()) for found in answers] == [{"accepted"}, {"accepted"}]
    with open_rapport(Settings(store=store_url)) as rapport:
        verdict = verify(rapport.store)
        assert verdict.ok, verdict.problems
        assert verdict.events == 5 + 2 * 5 * 150
        messages_told = [row[0] for row in rapport.database.query("SELECT message_id FROM receipts")]
    assert len(messages_told) == len(set(messages_told)) == 5 + 2 * 5 * 150
