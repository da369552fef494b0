"""`rapport serve` as a process of its own, and tokens of its local key."""

import os
import re
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra.access import local_key, tokens
from infra.settings import Settings
from tests.command import Fork, own_environment, start

# To read the certificates of the world, as each client does that is given none, takes longer than what most clients here are for.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LISTENING = re.compile(r"^listening on (\S+)$", re.MULTILINE)


class Server:
    """A server that runs, or that was ended and can be started anew on the same port."""

    def __init__(self, store: str, folder: Path, *options: str, **env: str) -> None:
        self.settings = Settings(store=store, synchronous="off", token_key_file=folder / "token-key")
        local_key.make(local_key.place(self.settings))
        self._options = options
        self._env = own_environment(
            RAPPORT_STORE=store,
            RAPPORT_SYNCHRONOUS="off",
            RAPPORT_TOKEN_KEY_FILE=str(folder / "token-key"),
            **env,
        )
        self._log = folder / "server.log"
        self._port = 0
        self.url = ""
        self.process: Fork | None = None

    def start(self) -> None:
        with self._log.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            files = (nothing.fileno(), log.fileno(), log.fileno())
            self.process = start("serve", "--port", str(self._port), *self._options, env=self._env, files=files)
        until = time.monotonic() + 180
        while not (found := LISTENING.search(self.log)):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.02)
        self.url = found[1]
        self._port = int(self.url.rpartition(":")[2].partition("/")[0])

    @property
    def port(self) -> int:
        return self._port

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def token(self, actor: str = "coordinator:cora", **more: Any) -> str:
        role, _, id_ = actor.partition(":")
        return tokens.issue(self.settings, role, id_, **more)

    def client(self, actor: str = "coordinator:cora", **more: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token(actor, **more)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=PLAIN)


@contextmanager
def serving(store: str, folder: Path, *options: str, **env: str) -> Iterator[Server]:
    """A server for the block."""
    server = Server(store, folder, *options, **env)
    server.start()
    try:
        yield server
    finally:
        code = server.stop()
        assert code == 0, server.log
        assert "Traceback" not in server.log, server.log
