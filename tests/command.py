"""`rapport` run to its end without the wait for its imports: forked from a process that has loaded it already.

To start Python and import the command takes half a second; to answer takes a few hundredths. A fork is a process of its own
with its own streams, environment, working folder, umask and exit, and ends as every Python does.

A fork shares with its siblings what Python settles at its start: the hash seed, the encoding, the modules that were found.
A test of those, of streams that are closed or are terminals, and of signals starts `RAPPORT` itself. So does `rapport`
here when the environment would change how Python starts, or when something is to be done before that.

    python -m tests.command NUMBER      # the process that has it loaded, on the socket of that number; `rapport` starts it
"""

import gc
import os
import pickle
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

RAPPORT = str(Path(sys.executable).with_name("rapport"))
HERE = Path(__file__).parents[1]
PACKAGES = ("domain", "projections", "workers", "infra")
# Imported by commands while they run.
LATER = ("psycopg_pool", "zoneinfo")
# Variables by which Python, the locale or a library does something else at its start.
AT_START = ("PYTHON", "LANG", "LC_", "LD_", "OTEL_")
STANDARD = ("stdin", "stdout", "stderr")
PACK = 8


def own_environment(**settings: str) -> dict[str, str]:
    """The variables of this process without its settings of Rapport, and with these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")} | settings


def rapport(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    stdin: bytes | None = b"",
    preexec_fn: Callable[[], None] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end, its output caught.

    Raises:
        subprocess.TimeoutExpired: it took longer than `timeout` seconds and was killed.
    """
    command = [RAPPORT, *map(str, arguments)]
    environment = dict(os.environ if env is None else env)
    if preexec_fn or at_start(environment) != at_start(os.environ):
        return subprocess.run(
            command,
            env=environment,
            cwd=cwd,
            preexec_fn=preexec_fn,
            input=stdin or b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    parent = Parent.take()
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        umask = os.umask(0o077)
        os.umask(umask)
        files = [given.fileno(), out.fileno(), err.fileno()]
        code = parent.run((command, environment, str(cwd or Path.cwd()), umask), files, timeout)
        parent.give_back()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


def rapport_text(*arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """The same, with its output as text."""
    done = rapport(*arguments, **how)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


class Parent:
    """A process that has the command loaded and runs one fork at a time; kept for the next when it has ended."""

    idle: "list[Parent]" = []  # noqa: RUF012 - shared on purpose: those of this process

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.command", str(theirs.fileno())],
                cwd=HERE,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the tests; this ends with them
            )

    @classmethod
    def take(cls) -> "Parent":
        return cls.idle.pop() if cls.idle else cls()

    def give_back(self) -> None:
        self.idle.append(self)

    def run(self, what: tuple[Any, ...], files: list[int], timeout: float) -> int:
        """The exit code of a fork that does this on these files."""
        data = pickle.dumps(what)
        socket.send_fds(self._socket, [len(data).to_bytes(PACK)], files)
        self._socket.sendall(data)
        pid = self._number()
        self._socket.settimeout(timeout)
        try:
            status = self._number()
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._socket.settimeout(None)
            self._number()
            self.give_back()
            raise subprocess.TimeoutExpired(what[0], timeout) from None
        finally:
            self._socket.settimeout(None)
        return os.waitstatus_to_exitcode(status)

    def _number(self) -> int:
        data = self._socket.recv(PACK, socket.MSG_WAITALL)
        assert len(data) == PACK, "the process that has the command loaded ended"
        return int.from_bytes(data)


# --- in the process that has the command loaded ------------------------------------------------------------------------
def load() -> None:
    """Import all that a command may, and start no thread: a fork has none of them."""
    for name in PACKAGES:
        for found in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    for name in LATER:
        import_module(name)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def serve(connection: socket.socket) -> None:
    """Fork for each request until the test process is gone. Returns in the forks as well: see `main`."""
    while True:
        header, files, _, _ = socket.recv_fds(connection, PACK, len(STANDARD))
        if not header:
            sys.exit(0)
        command, environment, folder, umask = pickle.loads(connection.recv(int.from_bytes(header), socket.MSG_WAITALL))
        pid = os.fork()
        if pid == 0:
            connection.close()
            become(command, environment, folder, umask, files)
            return
        for file in files:
            os.close(file)
        connection.sendall(pid.to_bytes(PACK))
        _, status = os.waitpid(pid, 0)
        connection.sendall(status.to_bytes(PACK))


def become(command: Sequence[str], environment: dict[str, str], folder: str, umask: int, files: Sequence[int]) -> None:
    """Be as a process that was started with these."""
    os.chdir(folder)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = list(command)
    for number, (name, file) in enumerate(zip(STANDARD, files, strict=True)):
        os.dup2(file, number, inheritable=True)
        os.close(file)
        before = getattr(sys, name)
        stream = open(  # noqa: SIM115 - as long as the process
            number,
            "w" if number else "r",
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
            buffering=1 if name == "stderr" else -1,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def main() -> NoReturn:
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from infra.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
