"""Checkpoints are signed, kept outside the database, and betray what was changed or cut off before them."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.bootstrap import Rapport, open_rapport
from infra.cli.app import build
from infra.evidence.checkpoints import Refused
from infra.evidence.note import Checkpoint, Note, Verifier
from infra.evidence.signing_key import KeyRefused
from infra.settings import Settings
from tests import command
from tests.messages import contact, line, proposal


@pytest.fixture
def rapport(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rapport]:
    monkeypatch.setenv("RAPPORT_STORE", settings.store)
    monkeypatch.setenv("RAPPORT_SIGNING_KEY_FILE", str(tmp_path / "key"))
    with open_rapport(settings.model_copy(update={"signing_key_file": tmp_path / "key"})) as opened:
        opened.handler.handle([proposal(1), contact(1, "a"), line("ResumeRelationship", id="refused"), contact(1, "b")])
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["audit", *arguments])


def verified(*arguments: str) -> dict[str, Any]:
    done = run("verify", "--json", *arguments)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if found["ok"] else 1)
    return found


def test_a_checkpoint_is_a_note_of_the_store_that_its_key_signed(rapport: Rapport, tmp_path: Path) -> None:
    done = run("checkpoint", "-o", str(tmp_path / "note"))
    assert done.exit_code == 0
    key = Verifier.parse(done.stderr.rsplit("public key: ", 1)[1])
    note = Note.parse((tmp_path / "note").read_bytes())
    key.check(note)
    found = Checkpoint.of(note)
    assert found.origin == key.name == f"rapport/{rapport.store.identity.id}"
    assert found.size == 7
    tree = verified("--checkpoint", str(tmp_path / "note"))["tree"]
    assert tree == {
        "size": 7,
        "root": note.text.split("\n")[2],
        "checkpoint": {"origin": found.origin, "size": 7, "root": tree["root"]},
    }
    # Printed, it is the same.
    assert run("checkpoint").stdout == (tmp_path / "note").read_text()
    told = json.loads(run("checkpoint", "--json").stdout)
    assert (told["checkpoint"], told["key"]) == ((tmp_path / "note").read_text(), str(key))


def test_the_key_is_made_once_for_its_owner_alone_and_told_on_standard_error(rapport: Rapport, tmp_path: Path) -> None:
    first = run("checkpoint")
    assert "made a signing key" in first.stderr
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert "made a signing key" not in run("checkpoint").stderr
    (tmp_path / "key").chmod(0o644)
    refused = run("checkpoint")
    assert (refused.exit_code, "chmod 600" in refused.stderr) == (1, True)


def test_a_store_beside_which_no_key_is_named_has_it_beside_its_file(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    with open_rapport(settings) as opened:
        opened.checkpoints().signed()
    assert (tmp_path / "store.sqlite.signing-key").stat().st_mode & 0o777 == 0o600


def test_a_key_of_another_store_is_refused(rapport: Rapport, tmp_path: Path) -> None:
    rapport.checkpoints().signed()
    other = Settings(store=f"sqlite:///{tmp_path / 'other.sqlite'}", signing_key_file=tmp_path / "key")
    with open_rapport(other) as opened, pytest.raises(KeyRefused, match="does not sign for rapport/"):
        opened.checkpoints().signed()


def test_a_store_put_back_to_an_old_state_is_betrayed_by_a_checkpoint(rapport: Rapport, tmp_path: Path) -> None:
    run("checkpoint", "-o", str(tmp_path / "note"))
    size = cut_off_the_last_message(rapport)
    assert verified()["ok"], "without a checkpoint nobody can know"
    [problem] = verified("--checkpoint", str(tmp_path / "note"))["problems"]
    assert f"has {size} leaves" in problem["problem"]
    assert "are gone" in problem["problem"]


def test_another_history_of_the_same_length_is_betrayed_by_a_checkpoint(rapport: Rapport, tmp_path: Path) -> None:
    run("checkpoint", "-o", str(tmp_path / "note"))
    cut_off_the_last_message(rapport)
    with open_rapport(rapport.settings) as again:
        again.handler.handle([contact(1, "another")])
    assert verified()["ok"], "without a checkpoint nobody can know"
    [problem] = verified("--checkpoint", str(tmp_path / "note"))["problems"]
    assert "has been changed" in problem["problem"]
    assert (
        "has been changed"
        in verified("--checkpoint", str(tmp_path / "note"), "00000000-0000-4000-8000-000000000001")["problems"][0][
            "problem"
        ]
    )


def cut_off_the_last_message(rapport: Rapport) -> int:
    """Do as if the last message had never come, with everything that is kept of it; returns the size of the tree then."""
    from infra.store.merkle import Frontier

    with rapport.database.transaction() as session:
        [(size,)] = session.query("SELECT size FROM tree_frontier")
        session.execute("DELETE FROM stored_events WHERE leaf >= ?", (size - 2,))
        session.execute("DELETE FROM receipts WHERE leaf >= ?", (size - 2,))
        session.execute("DELETE FROM tree_leaves WHERE number >= ?", (size - 2,))
        frontier = Frontier()
        frontier.grow(bytes(row[0]) for row in session.query("SELECT hash FROM tree_leaves ORDER BY number"))
        session.execute("UPDATE tree_frontier SET size = ?, roots = ?", (frontier.size, frontier.stored))
    return frontier.size


def test_a_checkpoint_of_somebody_else_is_not_trusted(rapport: Rapport, tmp_path: Path) -> None:
    run("checkpoint", "-o", str(tmp_path / "note"))
    note = (tmp_path / "note").read_bytes()
    (tmp_path / "note").write_bytes(note.replace(b"\n7\n", b"\n5\n"))
    [problem] = verified("--checkpoint", str(tmp_path / "note"))["problems"]
    assert "can't be trusted" in problem["problem"]
    assert run("verify", "--checkpoint", str(tmp_path / "missing")).exit_code == 2
    assert run("verify", "--checkpoint", str(tmp_path / "note"), "--key", "nonsense").exit_code == 2


@pytest.mark.parametrize("place", ["kept/", "newest"])
def test_checkpoints_are_kept_where_the_settings_say_and_none_is_signed_for_a_fork(
    rapport: Rapport, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = f"{tmp_path}/{place}"
    monkeypatch.setenv("RAPPORT_CHECKPOINTS", named)
    assert run("checkpoint").exit_code == 0
    rapport.handler.handle([contact(1, "more")])
    assert run("checkpoint").exit_code == 0
    kept = sorted(Path(named).iterdir()) if place.endswith("/") else [Path(named)]
    assert [Checkpoint.of(Note.parse(each.read_bytes())).size for each in kept] == ([7, 9] if len(kept) == 2 else [9])
    found = verified()
    assert found["ok"]
    assert found["tree"]["checkpoint"]["size"] == 9
    cut_off_the_last_message(rapport)
    assert not verified()["ok"]
    with open_rapport(rapport.settings.model_copy(update={"checkpoints": named})) as again:
        with pytest.raises(Refused, match="no checkpoint is signed"):
            again.checkpoints().make()
        again.handler.handle([contact(1, "another")])
        with pytest.raises(Refused, match="no checkpoint is signed"):
            again.checkpoints().make()


def test_checkpoints_that_no_key_vouches_for_are_said_to_be_skipped(
    rapport: Rapport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_CHECKPOINTS", f"{tmp_path}/kept/")
    key = json.loads(run("checkpoint", "--json").stdout)["key"]
    (tmp_path / "key").unlink()
    found = verified()
    assert not found["ok"]
    assert "were not compared" in found["skipped"][0]
    assert verified("--key", key)["ok"]


@pytest.mark.parametrize("arguments", [("work",), ("serve", "--port", "0")], ids=lambda arguments: arguments[0])
def test_work_and_serve_keep_checkpoints_on_schedule(
    rapport: Rapport, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    kept = tmp_path / "kept"
    environment = os.environ | {
        "RAPPORT_STORE": rapport.settings.store,
        "RAPPORT_CHECKPOINTS": f"{kept}/",
        "RAPPORT_CHECKPOINT_SECONDS": "0.2",
    }
    with Path(os.devnull).open("r+b") as nothing:
        running = command.start(*arguments, env=environment, files=[nothing.fileno()] * 3)
    try:
        for count in (1, 2, 3):
            for _ in range(600):
                if len(list(kept.glob("*.checkpoint"))) >= count:
                    break
                time.sleep(0.1)
            # Nothing is kept while nothing comes; then the next one is.
            assert len(list(kept.glob("*.checkpoint"))) == count
            rapport.handler.handle([contact(1, f"more-{count}")])
    finally:
        running.terminate()
        running.wait(60)
    assert verified("--checkpoint", str(kept))["tree"]["checkpoint"]["size"] >= 11


def test_work_that_ends_keeps_a_checkpoint_at_its_end(rapport: Rapport, tmp_path: Path) -> None:
    environment = os.environ | {
        "RAPPORT_STORE": rapport.settings.store,
        "RAPPORT_CHECKPOINTS": str(tmp_path / "newest"),
    }
    done = command.rapport("work", "--once", env=environment)
    assert done.returncode == 0, done.stderr
    assert verified("--checkpoint", str(tmp_path / "newest"))["tree"]["checkpoint"]["size"] >= 7


def test_keys_check_and_init_tell_the_public_key_of_checkpoints(rapport: Rapport) -> None:
    key = json.loads(run("checkpoint", "--json").stdout)["key"]
    for asked in ("check", "init"):
        done = CliRunner().invoke(build(), ["keys", asked, "--json"])
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["verifier"] == key
        assert key in CliRunner().invoke(build(), ["keys", asked]).stdout.replace("\n    ", "").replace("\n", "")
