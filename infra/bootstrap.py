"""The one place where the parts are put together."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.clock import Clock
from infra.intake.handler import Handler
from infra.intake.senders import Senders, read_senders
from infra.settings import Settings, WrongSettings, load
from infra.store.clocks import is_real
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.evidence.checkpoints import Checkpoints
    from infra.projection_engine.engine import Engine
    from infra.projection_engine.feed import Watcher


@dataclass
class Rapport:
    """An open Rapport: what the command line, the servers and the tests work with."""

    settings: Settings
    clock: Clock
    store: EventStore

    @property
    def database(self) -> Database:
        """The one database of everything."""
        return self.store.database

    @cached_property
    def senders(self) -> Senders:
        """Who may send what; read once.

        Raises:
            WrongSettings: A setting is wrong.
        """
        return read_senders(self.settings.senders)

    @cached_property
    def handler(self) -> Handler:
        """The way in for messages; made at first use, since readers need none. Raises `WrongSettings`; see `check_clock`."""
        if self.settings.clock is not None:
            self.check_clock("RAPPORT_CLOCK")
        return Handler(self.store, self.clock, self.settings.cache, self.senders)

    def checkpoints(self, say: "Callable[[str], None]" = lambda _: None) -> "Checkpoints":
        """The checkpoints of the store; `say` hears when a key is made."""
        from infra.evidence.checkpoints import Checkpoints

        return Checkpoints(self.store, self.settings, say)

    def engine(self, watcher: "Watcher | None" = None) -> "Engine":
        """An engine for the datasets, some of which show tables of the workers."""
        from infra.projection_engine.engine import Engine
        from infra.projection_engine.feed import NOBODY
        from infra.worker_runtime.schema import prepare

        return Engine(self.store, self.clock, watcher=watcher or NOBODY, prepare_shown=prepare)

    def check_clock(self, setting: str) -> None:
        """Make sure that the store may be written by a fixed clock, which comes by this setting or option.

        Raises:
            WrongSettings: The machine's clock wrote the store first, and nobody forces it.
        """
        if is_real(self.store.clocks()) and not self.settings.clock_force:
            raise WrongSettings(
                f"{setting}: this store was written by the machine's clock, and a fixed one would record what never happened "
                "then: take another store for tests and what-ifs, or set RAPPORT_CLOCK_FORCE=1, which leaves a mark in the store"
            )

    def close(self) -> None:
        """Close the database."""
        self.store.database.close()


def spare_collector() -> None:
    """Let Python look for cycles seldom: states and events have none, and looking through a full cache costs as much as deciding."""
    gc.set_threshold(100_000, 50, 100)


@contextmanager
def open_rapport(settings: Settings | None = None) -> Iterator[Rapport]:
    """Open the store that the settings name, making or migrating it where needed, and close it after the block.

    Raises `WrongSettings` and `StoreError`.
    """
    settings = settings or load()
    spare_collector()
    options: dict[str, Any] = {"timeout": settings.lock_timeout}
    if settings.store.startswith("sqlite:"):
        options["synchronous"] = settings.synchronous
    rapport = Rapport(settings, Clock(settings.clock), EventStore(open_database(settings.store, **options)))
    try:
        yield rapport
    finally:
        rapport.close()
