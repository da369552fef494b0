"""The one place where the parts are put together."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.clock import Clock
from infra.eventstore.database import Database
from infra.eventstore.store import EventStore
from infra.intake.handler import Handler
from infra.intake.senders import Senders, read_senders
from infra.settings import Settings


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
        """Who may send what; read once. Raises `WrongSettings`."""
        return read_senders(self.settings.senders)

    @cached_property
    def handler(self) -> Handler:
        """The way in for messages; made at first use, since readers need none. Raises `WrongSettings`."""
        return Handler(self.store, self.clock, self.settings.cache, self.senders)

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
    from infra.settings import load

    settings = settings or load()
    spare_collector()
    options: dict[str, Any] = {"timeout": settings.lock_timeout}
    if settings.store.startswith("sqlite:"):
        options["synchronous"] = settings.synchronous
    rapport = Rapport(settings, Clock(settings.clock), EventStore(Database.open(settings.store, **options)))
    try:
        yield rapport
    finally:
        rapport.close()
