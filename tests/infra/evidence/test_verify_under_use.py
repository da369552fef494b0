"""Verification raises no false alarm while the store is in use, and finds what is wrong all the same."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.bootstrap import Rapport, open_rapport
from infra.cli.app import build
from infra.settings import Settings
from infra.simulate import messages
from tests import writers
from tests.command import RAPPORT, Fork, own_environment, start
from tests.sizes import size

LINES = [line + b"\n" for line in messages(size(12, 24), 5)]
AT_A_TIME = 20
TOLD = LINES[: size(400, len(LINES))]


def environment(settings: Settings) -> dict[str, str]:
    return {"RAPPORT_STORE": settings.store, "RAPPORT_SYNCHRONOUS": settings.synchronous}


@contextmanager
def running(settings: Settings, *arguments: str) -> Iterator[Fork]:
    """A process of Rapport's, ended with the block."""
    with Path(os.devnull).open("r+b") as nothing:
        process = start(*arguments, env=own_environment(**environment(settings)), files=[nothing.fileno()] * 3)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def submitting(settings: Settings) -> Iterator[writers.Writer]:
    """A process that takes messages as they come and answers each; ended with the block."""
    env = own_environment(**environment(settings))
    writing = writers.start(RAPPORT, "submit", "-", "--no-datasets", environment=env)
    with writing.stdin, writing.stdout:
        try:
            yield writing
        finally:
            writing.process.terminate()
            writing.process.wait(30)


def verified(settings: Settings) -> dict[str, Any]:
    done = CliRunner().invoke(build(), ["audit", "verify", "--json"], env=environment(settings))
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if found["ok"] else 1)
    return found


def change(rapport: Rapport, sql: str, *params: Any) -> None:
    with rapport.database.transaction() as session:
        assert session.execute(sql, params) == 1


def decisions(rapport: Rapport) -> list[tuple[str, str]]:
    """The receipts of decisions that sent a command, with what was sent."""
    rows = rapport.database.query("SELECT id, CAST(sent AS text) FROM decisions ORDER BY position, id")
    return [(id_, sent) for id_, sent in rows if "command" in sent]


def test_verifying_while_everybody_writes_finds_nothing_but_what_is_wrong(settings: Settings) -> None:
    with (
        open_rapport(settings) as rapport,
        submitting(settings) as writing,
        running(settings, "work", "--batch", "7") as working,
        running(settings, "work", "--batch", "5") as also_working,
        running(settings, "projections", "follow") as following,
    ):
        permits, begun, enough = threading.Semaphore(1), threading.Event(), threading.Event()

        def write() -> None:
            """Some messages for each permit, and their receipts."""
            for start in range(0, len(TOLD), AT_A_TIME):
                permits.acquire()
                if enough.is_set():
                    return
                some = TOLD[start : start + AT_A_TIME]
                writing.stdin.write(b"".join(some).decode())
                writing.stdin.flush()
                for _ in some:
                    # The workers may end a relationship before its next message, which is refused then.
                    assert json.loads(writing.stdout.readline())["status"] in ("accepted", "refused")
                begun.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            # A process that has only just begun would take all permits at once.
            assert begun.wait(120)
            sizes: list[int] = []
            while writer.is_alive() or not decisions(rapport):
                # So much is written while the next verification runs.
                permits.release(3)
                found = verified(settings)
                assert found["problems"] == []
                sizes.append(found["events"])
            assert len(set(sizes)) > 3, "the record grew meanwhile"
            assert {process.poll() for process in (writing.process, working, also_working, following)} == {None}

            id_, sent = decisions(rapport)[0]
            change(rapport, "UPDATE decisions SET sent = ? WHERE id = ?", "[]", id_)
            assert any("differently" in wrong["problem"] for wrong in verified(settings)["problems"])
            change(rapport, "UPDATE decisions SET sent = ? WHERE id = ?", str(sent), id_)
            assert verified(settings)["ok"]

            [(subject, hash_)] = rapport.database.query(
                "SELECT originator_id, hash FROM stored_events WHERE originator_version = 3 ORDER BY position LIMIT 1"
            )
            place = "originator_id = ? AND originator_version = 3"
            change(rapport, f"UPDATE stored_events SET hash = ? WHERE {place}", bytes(32), subject)
            assert [wrong["subject"] for wrong in verified(settings)["problems"]] == [subject]
            change(rapport, f"UPDATE stored_events SET hash = ? WHERE {place}", bytes(hash_), subject)
        finally:
            enough.set()
            permits.release(len(TOLD))
            writer.join()


@pytest.mark.parametrize("behind", ["one projection", "all of them"])
def test_a_dataset_is_held_against_the_events_up_to_where_it_is(settings: Settings, behind: str) -> None:
    from infra.projection_engine import generation as generation_table
    from infra.projection_engine.check import check
    from infra.projection_engine.engine import Engine
    from infra.projection_engine.schema import physical
    from infra.store.snapshot import snapshot

    with open_rapport(settings) as rapport:
        rapport.handler.handle(LINES[:300])
        engine = rapport.engine()
        engine.catch_up()
        rapport.handler.handle(LINES[300:600])
        if behind == "one projection":
            engine.feed_to(engine.live()[1:], rapport.store.head())
        with snapshot(rapport.store) as store:
            # What comes now is of no moment to the snapshot.
            rapport.handler.handle(LINES[600:])
            engine.catch_up()
            frozen = Engine(store, rapport.clock, prepare_shown=engine.prepare_shown)
            with store.database.reading() as session:
                positions = {each.position for each in generation_table.load(session, frozen.projections)}
            assert len(positions) == (2 if behind == "one projection" else 1)
            assert store.head() < rapport.store.head()
            assert check(frozen, all_streams=True, catch_up=False).wrong == []
        [(row, _)] = rapport.database.query("SELECT relationship_id, position FROM relationships ORDER BY 1 LIMIT 1")
        mark = next(each.mark for each in engine.live() if each.name == "relationships")
        table = physical("relationships", mark)
        change(rapport, f"UPDATE {table} SET position = 1 WHERE relationship_id = ?", row)
        with snapshot(rapport.store) as store:
            wrong = check(
                Engine(store, rapport.clock, prepare_shown=engine.prepare_shown), all_streams=True, catch_up=False
            ).wrong
        assert [(each.dataset, each.column) for each in wrong] == [("relationships", "position")]
