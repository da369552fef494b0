"""Folders and modules that are called as our packages are, on PYTHONPATH and in the working folder, are not taken for them."""

import sys
from pathlib import Path

from tests.command import RAPPORT
from tests.infra.cli.process import environment, shell
from tests.messages import proposal


def test_folders_of_our_names_are_not_taken_for_ours(tmp_path: Path) -> None:
    for name in ("infra", "domain", "projections", "workers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    (tmp_path / "in").write_bytes(proposal())
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    called = shell(store, f"cd {tmp_path}; $R submit in", PYTHONPATH=str(tmp_path))
    assert called.returncode == 0, called.stderr
    as_module = shell(store, f"cd {tmp_path}; {sys.executable} -m rapport_command projections rebuild --processes 2")
    assert as_module.returncode == 0, as_module.stderr
    assert RAPPORT in environment(store, R=RAPPORT).values()


def test_the_processes_that_fold_take_ours_too(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text("raise RuntimeError('not ours')")
    program = "from infra.projection_engine.parallel_build import PROGRAM; print(PROGRAM.rpartition('; ')[0])"
    found = shell(
        "sqlite:///x",
        f'cd {tmp_path}; {sys.executable} -c "$({sys.executable} -P -c "{program}"); import infra.bootstrap"',
    )
    assert (found.returncode, found.stderr) == (0, b"")
