"""`rapport` run to its end without the wait for its imports: forked from a process that has loaded it already.

To start Python and import the command takes half a second; to answer takes a few hundredths. A fork is a process of its own
with its own streams, environment, working folder, umask and exit.

A fork shares with its siblings what Python settles at its start: the hash seed, the encoding, the modules that were found.
A test of those, of streams that are closed or are terminals, and of signals starts `RAPPORT` itself. So does `rapport`
here when the environment would change how Python starts, or when something is to be done before that.

    python -m tests.command NUMBER      # the process that has it loaded, on the socket of that number; `rapport` starts it
"""

import atexit
import ctypes
import fcntl
import functools
import gc
import os
import pickle
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

RAPPORT = str(Path(sys.executable).with_name("rapport"))
HERE = Path(__file__).parents[1]
PACKAGES = ("domain", "projections", "workers", "infra")
# Imported by commands while they run.
LATER = ("psycopg_pool", "zoneinfo")
# Variables by which Python, the locale or a library does something else at its start.
AT_START = ("PYTHON", "LANG", "LC_", "LD_", "OTEL_")
STANDARD = ("stdin", "stdout", "stderr")
PACK = 8
# Signals that are read at once.
PIPE = 4096
PR_SET_PDEATHSIG = 1
MODELS: list[type] = []


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
    of: "Loaded | None" = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end, its output caught.

    An environment that names nothing of what Python settles at its start has it from this process, or from the loaded one given.

    Raises:
        subprocess.TimeoutExpired: it took longer than `timeout` seconds and was killed.
    """
    environment = dict(os.environ) if env is None else at_start(os.environ) | dict(env)
    if preexec_fn or (of is None and at_start(environment) != at_start(os.environ)):
        return subprocess.run(
            [RAPPORT, *map(str, arguments)],
            env=environment,
            cwd=cwd,
            preexec_fn=preexec_fn,
            input=stdin or b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        fork = start(*arguments, env=environment, cwd=cwd, files=[given.fileno(), out.fileno(), err.fileno()], of=of)
        try:
            code = fork.wait(timeout)
        except subprocess.TimeoutExpired:
            fork.kill()
            fork.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(fork.args, code, out.read(), err.read())


def rapport_text(*arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """The same, with its output as text."""
    done = rapport(*arguments, **how)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


class Caught:
    """A fork with its output caught in files; as a `subprocess.Popen` with pipes. Standard output may go to a file of the caller's."""

    def __init__(self, *arguments: str | Path, env: Mapping[str, str], out: BinaryIO | None = None) -> None:
        # Closed once they are read.
        self._out = tempfile.TemporaryFile()  # noqa: SIM115
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        with Path(os.devnull).open("rb") as nothing:
            files = [file.fileno() for file in (nothing, out or self._out, self._err)]
            self.process = start(*arguments, env=env, files=files)

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    def communicate(self, timeout: float = 120) -> tuple[bytes, bytes]:
        """Wait for the end; what it wrote. Raises subprocess.TimeoutExpired."""
        self.process.wait(timeout)
        with self._out as out, self._err as err:
            out.seek(0)
            err.seek(0)
            return out.read(), err.read()


class Fork:
    """A fork that runs the command; to be asked and told as a `subprocess.Popen`."""

    def __init__(self, args: list[str], pid: int, end: socket.socket) -> None:
        self.args = args
        self.pid = pid
        self.returncode: int | None = None
        self._end = end
        self._turn = threading.Lock()

    def poll(self) -> int | None:
        with self._turn, suppress(BlockingIOError):
            if self.returncode is None:
                self.returncode = os.waitstatus_to_exitcode(number(self._end, socket.MSG_DONTWAIT))
                self._end.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, at last. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            with suppress(ValueError):  # closed meanwhile by another thread that has seen the end
                select.select([self._end], [], [], left)
        return code

    def send_signal(self, signal_number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal_number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: str | Path,
    env: Mapping[str, str],
    files: Sequence[int],
    cwd: str | Path | None = None,
    own_session: bool = False,
    program: str = RAPPORT,
    of: "Loaded | None" = None,
) -> Fork:
    """Start the command, or another module as the program, with these files as its standard streams."""
    command = [program, *map(str, arguments)]
    umask = os.umask(0o077)
    os.umask(umask)
    data = pickle.dumps((command, dict(env), str(cwd or Path.cwd()), umask, own_session))
    ours, theirs = socket.socketpair()
    with theirs:
        (of or loaded()).request(data, [*files, theirs.fileno()])
    return Fork(command, number(ours), ours)


def number(connection: socket.socket, flags: int = 0) -> int:
    data = connection.recv(PACK, flags or socket.MSG_WAITALL)
    assert len(data) == PACK, "the process that has the command loaded was ended"
    return int.from_bytes(data)


class Loaded:
    """The process that has the command loaded. It ends when this process does. An environment may start it otherwise than this one."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._turn = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.command", str(theirs.fileno())],
                cwd=HERE,
                env=env,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the tests
            )

    def request(self, data: bytes, files: list[int]) -> None:
        with self._turn:
            socket.send_fds(self._socket, [len(data).to_bytes(PACK)], files)
            self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(30)


@functools.cache
def loaded() -> Loaded:
    return Loaded()


def close() -> None:
    """End the process that has the command loaded, if there is one."""
    if loaded.cache_info().currsize:
        loaded().close()
        loaded.cache_clear()


# --- in the process that has the command loaded ------------------------------------------------------------------------
def load() -> None:
    """Import all that a command may, and start no thread: a fork has none of them."""
    for name in PACKAGES:
        for found in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    for name in LATER:
        import_module(name)
    from infra.cli.app import command_line

    command_line()
    make_models()
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def make_models() -> None:
    """Make the models of every kind of message and event, which a process of Rapport makes when it has the first of each."""
    from domain import registry
    from domain.content import content_of
    from infra.intake.message import parse
    from infra.store.mapper import RapportMapper

    for command in registry.COMMANDS:
        parse(b'{"type": "rapport.%b"}' % command.encode())
    mapper = RapportMapper()
    for event in registry.EVENTS.values():
        # Pydantic forgets a model that nobody holds.
        MODELS.append(mapper.envelopes[event])
        content_of(event)


def serve(connection: socket.socket) -> None:
    """Fork for each request, and tell how each fork ended, until the test process is gone. Returns in the forks as well: see `main`."""
    me, ends = os.getpid(), dict[int, socket.socket]()
    ended, signalled = os.pipe()
    for each in (ended, signalled):
        os.set_blocking(each, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it wakes up
    signal.set_wakeup_fd(signalled)
    while True:
        ready, _, _ = select.select([connection.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, PIPE)
            tell_ends(ends)
        if connection.fileno() not in ready:
            continue
        header, files, _, _ = socket.recv_fds(connection, PACK, len(STANDARD) + 1)
        if not header:
            sys.exit(0)
        request = pickle.loads(connection.recv(int.from_bytes(header), socket.MSG_WAITALL))
        *streams, end = files
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end_with(me)
            for file in (ended, signalled, end):
                os.close(file)
            for other in (connection, *ends.values()):
                other.close()
            become(streams, *request)
            return
        for file in streams:
            os.close(file)
        ends[pid] = socket.socket(fileno=end)
        tell(ends[pid], pid)


def tell_ends(ends: dict[int, socket.socket]) -> None:
    """Tell the test process how those forks ended that did."""
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with ends.pop(pid) as end:
            tell(end, status)


def tell(end: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):
        end.sendall(number.to_bytes(PACK))


def end_with(parent: int) -> None:
    """Be killed when this parent is gone, however it went, so that tests that were killed leave no command behind. On Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def become(
    files: Sequence[int],
    command: Sequence[str],
    environment: dict[str, str],
    folder: str,
    umask: int,
    own_session: bool,
) -> None:
    """Be as a process that was started with these."""
    if own_session:
        os.setsid()
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
    if own_session and os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # it is the terminal of this session, as of a login's


def leave(code: int) -> None:
    """End as Python does, but for the unloading of everything that was loaded, which takes as long as most commands do.

    Returns where standard output can't be written: Python then ends in its own way.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_it() -> None:
    """Be the command, or another module as the program."""
    if sys.argv[0] == RAPPORT:
        from infra.cli.app import main as run

        run()
    else:
        runpy.run_module(sys.argv[0], run_name="__main__")


def main() -> None:
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        run_it()
    except SystemExit as wanted:
        if isinstance(wanted.code, int | None):
            leave(wanted.code or 0)
        raise
    leave(0)


if __name__ == "__main__":
    main()
