"""One server of a kind for all processes of a test run, kept by a process of its own until the last of them is gone.

Every test process that uses the server holds a shared lock on a file. The keeper tries to take that lock for itself;
it gets it when nobody holds it any more, and then stops the server and removes its data. The kernel lets go of the
locks of a process that ends in whatever way, so no server outlives a run that was interrupted or killed.

    python -m tests.shared_server postgres FOLDER      # the keeper; `Share.join` starts it
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from time import monotonic, sleep
from types import FrameType
from typing import Any, Literal, NoReturn, TextIO

Kind = Literal["postgres", "kafka"]

# The first run on a machine downloads Kafka.
START_SECONDS = 280
STOP_SECONDS = 40
LOOK_SECONDS = 0.2


def locked(file: TextIO, how: int) -> bool:
    """Take the lock if it can be had at once."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Share:
    """This process's share in the server of the kind, if it takes one. The folder is the run's, alike for all."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.folder = folder
        self.kind = kind
        self._users: TextIO | None = None

    def file(self, name: str) -> Path:
        return self.folder / f"{self.kind}.{name}"

    def join(self) -> dict[str, Any]:
        """What the keeper says of the server, which is started if this is the first to ask. Raises RuntimeError."""
        self._users = self.file("users").open("w")
        # Waits while a keeper that had no users left is at stopping its server.
        fcntl.flock(self._users, fcntl.LOCK_SH)
        with self.file("start").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not self._kept():
                self._start_keeper()
        found: dict[str, Any] = json.loads(self.file("json").read_text())
        if "error" in found:
            raise RuntimeError(f"the {self.kind} of the tests could not be started: {found['error']}")
        return found

    def close(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def wait_until_stopped(self) -> None:
        """Wait until there is no keeper any more, so that nothing of the run is left when it ends."""
        deadline = monotonic() + STOP_SECONDS
        while self._kept():
            assert monotonic() < deadline, f"the {self.kind} of the tests did not stop in {STOP_SECONDS} s"
            sleep(LOOK_SECONDS / 4)

    def _kept(self) -> bool:
        try:
            with self.file("keeper").open() as keeper:
                return not locked(keeper, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def _start_keeper(self) -> None:
        self.file("json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.shared_server", self.kind, str(self.folder)]
        # It forks and returns at once: the keeper is nobody's child, for the first to ask may be the first to leave.
        with self.file("log").open("a") as log:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, start_new_session=True
            )
        deadline = monotonic() + START_SECONDS
        while not self.file("json").exists():
            if monotonic() > deadline:
                raise RuntimeError(f"the {self.kind} of the tests did not start in {START_SECONDS} s")
            sleep(LOOK_SECONDS / 10)


def keep(share: Share) -> None:
    """The keeper's life: start the server, say where it is, stop it when nobody uses it any more."""
    from infra.local.kafka import Kafka
    from infra.local.postgres import Postgres

    home = share.folder / f"{share.kind}-{os.getpid()}"
    postgres = Postgres(home, durable=False)
    kafka = Kafka(home, short_lived=True)
    try:
        if share.kind == "postgres":
            postgres.start()
            tell(share, port=postgres.port, pid=postgres.pid, sockets=str(postgres.sockets or ""))
        else:
            kafka.start()
            tell(share, port=kafka.port, pid=kafka.pid, direct_port=kafka.direct_port, data=str(kafka.data))
        with share.file("users").open() as users:
            with hold_run(share.folder):
                while not locked(users, fcntl.LOCK_EX):
                    sleep(LOOK_SECONDS)
                postgres.stop()
                kafka.stop()
                shutil.rmtree(home)
            # Gone before the users' lock is, so that whoever waits for that one starts another keeper.
            share.file("keeper").unlink()
            remove_what_is_forsaken(share.folder)
    finally:
        postgres.stop()
        kafka.stop()
        shutil.rmtree(home, ignore_errors=True)


def hold_run(folder: Path) -> TextIO:
    """Say, until the file is closed, that the run's folder is in use; by the run itself and by each keeper."""
    file = (folder / "run").open("w")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def remove_what_is_forsaken(folder: Path) -> None:
    """Remove the folder of a run that was killed; one that goes on, or ends well, does so itself."""
    # When the run ends well at this very moment, it is quicker.
    with contextlib.suppress(FileNotFoundError), (folder / "run").open() as file:
        if locked(file, fcntl.LOCK_EX):
            shutil.rmtree(folder)


def tell(share: Share, **what: object) -> None:
    """Leave word for those who wait, all at once."""
    share.file("new").write_text(json.dumps(what))
    share.file("new").rename(share.file("json"))


def stop_on_signal(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def main(kind: Kind, folder: str) -> None:
    share = Share(Path(folder), kind)
    lock = share.file("keeper").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        keep(share)
    except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
        traceback.print_exc()
        tell(share, error=str(error))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])  # type: ignore[arg-type]
