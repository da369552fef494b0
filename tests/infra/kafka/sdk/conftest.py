"""Node with the packages of package-lock.json, installed once into a cache and shared by all runs."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rapport-tests"
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")

Node = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="session")
def node() -> Node:
    """Runs send.mjs on what it is given; what it prints, read as JSON."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("these tests send with Node's SDKs: install node and npm, version 20 or newer")
    folder = installed()

    def run(asked: dict[str, Any]) -> Any:
        done = subprocess.run(
            ["node", folder / "send.mjs"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return run


def installed() -> Path:
    """The folder with the packages and the script, one for each state of them."""
    files = [HERE / name for name in ("package.json", "package-lock.json", "send.mjs")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = CACHE / f"sdk-{digest[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file in files:
                shutil.copy(file, folder)
            subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True, timeout=240)
            (folder / "installed").touch()
    return folder
