"""A process that serves the API, and beside it the workers and the datasets, until it is asked to stop.

It stops in an order that loses nothing: no new connections, answers to what was taken, then the workers, then the store.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Final

import uvicorn
from fastapi import FastAPI

from infra.access.tokens import Tokens
from infra.bootstrap import Rapport
from infra.http.app import Part, create_app
from infra.http.bodies import IDLE_SECONDS, Limits
from infra.http.connection import HEAD_SECONDS, BoundedProtocol
from infra.notifications.deliver import Deliverer
from infra.operations.keep import keep_going
from infra.operations.logs import logger
from infra.operations.process import Process
from infra.projection_engine.build import AlreadyBuilding
from infra.projection_engine.following import Following
from infra.queries.own_address import OwnAddresses
from infra.settings import WrongSettings
from infra.store.errors import StoreError
from infra.webhooks.address import networks
from infra.webhooks.sending import Sending
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import follow
from infra.worker_runtime.runner import Runner

# How long answers may take once the process was asked to stop; then connections are closed all the same.
DRAIN_SECONDS: Final = 20
KEEP_ALIVE_SECONDS: Final = 75
# What a key with a pass phrase is tried with, so that it is refused.
NO_PASS_PHRASE: Final = "none"  # noqa: S105 - it is none
LEASE_SECONDS: Final = 10.0
WARMING: Final = "pages"

log = logger("rapport.http")


@dataclass(frozen=True)
class Place:
    """Where to listen and how. `proxies` are the addresses whose X-Forwarded-… headers count: none unless named."""

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    root_path: str = ""
    proxies: Sequence[str] = ()
    body_seconds: float = IDLE_SECONDS
    head_seconds: float = HEAD_SECONDS


class CannotListen(Exception):
    """The address can't be listened on, or the certificate not be used; the message says why."""


@contextmanager
def listening(place: Place) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens, and the URL of what it serves.

    Raises:
        CannotListen: The address is taken or not of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        found = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(f"can't listen on {place.host}:{place.port}: {error.strerror}") from None
    with found:
        host = f"[{place.host}]" if ":" in place.host else place.host
        scheme = "http" if place.certificate is None else "https"
        yield found, f"{scheme}://{host}:{found.getsockname()[1]}{place.root_path}"


class _Server(uvicorn.Server):
    """Leaves signals to the process, and says when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_start = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()


def serve(
    rapport: Rapport,
    process: Process,
    tokens: Tokens,
    place: Place,
    listener: socket.socket,
    *,
    api_only: bool = False,
    part: Part | None = None,
    started: Callable[[], object] = lambda: None,
) -> None:
    """Serve until the process is asked to stop. `part` adds more than the API; `started` is called once requests are answered.

    Raises:
        CannotListen: The certificate can't be used.
        WrongSettings: A setting is wrong.
    """
    app = create_app(rapport, process, tokens, Limits(place.body_seconds), part)
    server = _Server(_config(app, place), started)
    with contextlib.nullcontext() if api_only else _at_work(rapport, process), _warming(app, rapport, process):
        process.vitals.well("process")
        stopping = Thread(target=_stop_with, args=(process, server, app.state), name="stop", daemon=True)
        stopping.start()
        try:
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                runner.run(server.serve([listener]))
        finally:
            process.stop.set()
            stopping.join()


@contextmanager
def _warming(app: FastAPI, rapport: Rapport, process: Process) -> Iterator[None]:
    """Do in a thread what the first answers of a part would wait for. The process answers meanwhile, and says that it is not ready."""
    found: Callable[[Rapport], Callable[[Callable[[], bool]], None] | None] | None = getattr(app.state, "warming", None)
    warm = found(rapport) if found is not None else None
    if warm is None:
        yield
        return

    def run() -> None:
        try:
            warm(process.stop.is_set)
        except StoreError as error:
            log.warning("the first answers will take long", error=str(error))
        finally:
            process.vitals.well(WARMING)

    process.vitals.troubled(WARMING, "is being prepared")
    thread = Thread(target=run, name=WARMING)
    thread.start()
    try:
        yield
    finally:
        process.stop.set()
        thread.join()


def _stop_with(process: Process, server: uvicorn.Server, state: object) -> None:
    """Let the server end when the process is asked to, and nobody wait for what may come."""
    process.stop.wait()
    server.should_exit = True
    head = getattr(state, "log_head", None)
    if head is not None:
        head.stop()


def _config(app: object, place: Place) -> uvicorn.Config:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=partial(BoundedProtocol, head_seconds=place.head_seconds),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(place.proxies),
        forwarded_allow_ips=list(place.proxies) or "",
        root_path=place.root_path,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
        # Else the terminal would be asked for it.
        ssl_keyfile_password=NO_PASS_PHRASE,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(
            f"can't use the certificate {place.certificate} with the key {place.key}, which may have no pass phrase: {error}"
        ) from None
    return config


@contextmanager
def _at_work(rapport: Rapport, process: Process) -> Iterator[None]:
    """The workers, the deliveries, the datasets and the checkpoints, each in a thread, until the process is asked to stop.

    Raises:
        WrongSettings: A setting of the notifications is wrong.
    """
    deliverer = Deliverer(
        rapport.database,
        rapport.settings,
        outages=process.outages,
        entries=OwnAddresses(rapport.store, rapport.engine).of,
    )
    deliverer.check()
    runner = Runner(
        rapport.store, rapport.handler, Horizon(rapport.clock, None), lease_seconds=LEASE_SECONDS, shares=True
    )
    engine = rapport.engine()
    loops: dict[str, Callable[[], object]] = {
        "work": lambda: follow(runner, process),
        "deliver": lambda: deliverer.run(process.stop),
        "projections": lambda: keep_going(
            process, "projections", lambda: Following(engine, process.stop), troubles={AlreadyBuilding: "projections"}
        ),
    }
    networks(rapport.settings.webhook_networks)
    loops["webhooks"] = lambda: keep_going(process, "webhooks", lambda: Sending(rapport, process))
    checkpoints = rapport.checkpoints(log.warning)
    if checkpoints.place is not None:
        loops["checkpoints"] = lambda: checkpoints.follow(process.stop)
    threads = [Thread(target=_until_stop, args=(process, name, loop), name=name) for name, loop in loops.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        process.stop.set()
        for thread in threads:
            thread.join()


def _until_stop(process: Process, name: str, loop: Callable[[], object]) -> None:
    """Run a loop; one that ends by an error leaves the process not ready, and its log says why."""
    try:
        loop()
    except Exception:
        process.vitals.troubled(name, "has ended by an error")
        log.exception("a loop has ended by an error", loop=name)
        raise


__all__ = ["CannotListen", "Place", "WrongSettings", "listening", "serve"]
