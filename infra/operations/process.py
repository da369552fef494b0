"""A command that runs for long: logs, metrics, traces, vital signs, and a stop that is asked for politely.

with observed("work", settings, metrics_port=9102) as process:
    process.watch_store(rapport.store)
    loop = process.vitals.loop("work")
    while not process.stop.wait(1):
        ...
        loop.beat()
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

from infra.operations import tracing
from infra.operations.endpoints import HOST, endpoints
from infra.operations.followers import StoreCollector
from infra.operations.logs import configure, logger
from infra.operations.outages import Outages
from infra.operations.tracing import Tracing
from infra.operations.vitals import FRESH_SECONDS, PROCESS, Vitals
from infra.settings import Settings
from infra.store.log import EventStore

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
log = logger("rapport.process")


@dataclass
class Process:
    """This process, while it runs. `stop` is set by SIGTERM and Ctrl-C: finish what is begun, and leave."""

    app: str
    tracing: Tracing
    vitals: Vitals = field(default_factory=Vitals)
    stop: threading.Event = field(default_factory=threading.Event)
    metrics_port: int | None = None
    outages: Outages = field(default_factory=Outages)
    # No other thread may come between the results of the checks and their report.
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def watch_store(self, store: EventStore) -> None:
        """Make readiness depend on the database, and show what it knows of all followers, dead ones included."""
        self.vitals.check("database", store.database.ping)
        store.database.hurry_when(self.stop.is_set)
        if self.metrics_port is not None:
            StoreCollector(store).register()

    def report_outages(self, *ours: str, well: bool) -> None:
        """Log what the checks find away, and, when a loop has done its work (`well`), what is back: of them and of `ours`."""
        with self._telling:
            away = self.vitals.away()
            for name, reason in away.items():
                self.outages.begins(name, reason)
            if well:
                for name in {*self.vitals.checked, *ours} - away.keys():
                    self.outages.over(name)

    @contextmanager
    def watching_outages(self) -> Iterator[None]:
        """Log what the checks find away while the block runs: a loop may hang in what is away."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(FRESH_SECONDS) and not self.stop.is_set():
                self.report_outages(well=False)

        thread = threading.Thread(target=watch, name="outages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextmanager
def observed(
    app: str, settings: Settings, *, metrics_port: int | None = None, metrics_host: str = HOST
) -> Iterator[Process]:
    """Everything that a long-running command needs around it; `app` names it in logs, metrics and traces.

    Raises:
        PortTaken: Another process listens on the port.
        UnknownExporter: The environment names an exporter that is not installed.
    """
    configure(app, settings.log_level, settings.log_format)
    process = Process(app, tracing.configure(app))
    with ExitStack() as stack:
        stack.callback(tracing.shut_down)
        if metrics_port is not None:
            # Nothing gets done before the first loop turns, and imports take a while.
            process.vitals.troubled(PROCESS, "is starting")
            process.metrics_port = stack.enter_context(endpoints(process.vitals, metrics_port, metrics_host))
        stack.enter_context(_polite(process))
        log.info("started", metrics_port=process.metrics_port)
        stack.enter_context(process.watching_outages())
        yield process
        log.info("stopped")


@contextmanager
def _polite(process: Process) -> Iterator[None]:
    """The first signal asks to stop, a second one ends the process at once. Signals reach the main thread alone."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if process.stop.is_set():
            raise SystemExit(128 + number)
        process.vitals.stopping = True
        process.stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
