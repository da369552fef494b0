"""A witness signs one history only: what has grown out of what it signed last."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.bootstrap import Rapport, open_rapport
from infra.cli.app import build
from infra.evidence.note import COSIGNATURE, Checkpoint, Note, Signer, Verifier
from infra.settings import Settings
from tests import writers
from tests.command import RAPPORT
from tests.infra.evidence.test_checkpoints import cut_off_the_last_message
from tests.messages import contact, proposal
from tests.writers import answer


@pytest.fixture
def rapport(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rapport]:
    monkeypatch.setenv("RAPPORT_STORE", settings.store)
    monkeypatch.setenv("RAPPORT_SIGNING_KEY_FILE", str(tmp_path / "log-key"))
    with open_rapport(settings.model_copy(update={"signing_key_file": tmp_path / "log-key"})) as opened:
        opened.handler.handle([proposal(1), contact(1, "a"), contact(1, "b")])
        yield opened


def run(to: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(), ["audit", "witness", "--to", str(to), *arguments])


def size_in(file: Path) -> int:
    return Checkpoint.of(Note.parse(file.read_bytes())).size


def test_a_witness_signs_what_grew_out_of_what_it_signed(rapport: Rapport, tmp_path: Path) -> None:
    to = tmp_path / "witnessed"
    first = json.loads(run(to, "--json").stdout)
    assert (first["size"], first["since"], size_in(to)) == (6, 0, 6)
    assert (tmp_path / "witnessed.key").stat().st_mode & 0o777 == 0o600
    rapport.handler.handle([contact(1, "c")])
    second = json.loads(run(to, "--json").stdout)
    assert (second["size"], second["since"], second["witness"]) == (8, 6, first["witness"])
    note = Note.parse(to.read_bytes())
    verifier = Verifier.parse(second["witness"])
    assert verifier.kind == COSIGNATURE
    assert verifier.check(note) is not None
    assert rapport.checkpoints().verifier().check(note) is None
    # What it keeps is a checkpoint for anybody.
    assert CliRunner().invoke(build(), ["audit", "verify", "--checkpoint", str(to)]).exit_code == 0


def test_a_witness_refuses_a_log_that_was_cut_off(rapport: Rapport, tmp_path: Path) -> None:
    to = tmp_path / "witnessed"
    run(to)
    before = to.read_bytes()
    cut_off_the_last_message(rapport)
    refused = run(to)
    assert (refused.exit_code, "a fork" in refused.stderr) == (1, True)
    assert to.read_bytes() == before


def test_a_witness_refuses_another_history(rapport: Rapport, tmp_path: Path) -> None:
    to = tmp_path / "witnessed"
    run(to)
    before = to.read_bytes()
    cut_off_the_last_message(rapport)
    with open_rapport(rapport.settings) as again:
        again.handler.handle([contact(1, "another"), contact(1, "and more")])
    refused = run(to)
    assert (refused.exit_code, "a fork" in refused.stderr) == (1, True)
    assert "changed" in refused.stderr
    assert to.read_bytes() == before


def test_a_witness_trusts_neither_another_key_nor_a_changed_file_of_its_own(rapport: Rapport, tmp_path: Path) -> None:
    to = tmp_path / "witnessed"
    run(to)
    other = Signer(rapport.checkpoints().origin, bytes(32)).verifier
    assert run(to, "--key", str(other)).exit_code == 1
    assert run(to, "--key", "x").exit_code == 2
    forged = Checkpoint(rapport.checkpoints().origin, 1, bytes(32)).note
    to.write_bytes(bytes(rapport.checkpoints().signer().signed(forged)))
    refused = run(to)
    assert (refused.exit_code, "no signature of witness/" in refused.stderr) == (1, True)


def test_a_witness_elsewhere_needs_the_kept_checkpoints_and_the_public_key_alone(
    rapport: Rapport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = rapport.settings.model_copy(
        update={"checkpoints": f"{tmp_path}/kept/", "signing_key_file": tmp_path / "log-key"}
    )
    with open_rapport(kept) as opened:
        opened.checkpoints().make()
        key = str(opened.checkpoints().verifier())
    monkeypatch.setenv("RAPPORT_SIGNING_KEY_FILE", str(tmp_path / "not-there"))
    to = tmp_path / "witnessed"
    rapport.handler.handle([contact(1, "later")])
    done = run(to, "--from", str(tmp_path / "kept"), "--key", key, "--json")
    assert done.exit_code == 0, done.stderr
    # The newest that is kept, and not what came since.
    assert json.loads(done.stdout)["size"] == 6
    assert not (tmp_path / "not-there").exists()
    assert run(to, "--from", str(tmp_path / "kept")).exit_code == 1


def test_a_witness_goes_on_through_kills_and_sees_one_history(rapport: Rapport, tmp_path: Path) -> None:
    to = tmp_path / "witnessed"
    arguments = ("--to", str(to), "--every", "0.1", "--json")
    sizes = []
    for number in range(3):
        following = writers.start(RAPPORT, "audit", "witness", *arguments, environment=os.environ)
        with following.stdin, following.stdout:
            answer(following)
            rapport.handler.handle([contact(1, f"more-{number}")])
            answer(following)
            following.process.kill()
        assert following.process.wait(30) == -signal.SIGKILL
        sizes.append(size_in(to))
    assert sizes == [8, 10, 12]
