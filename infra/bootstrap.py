"""The one place where the parts are put together."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from infra.clock import Clock
from infra.intake.attributes import uri_reference
from infra.intake.handler import Handler
from infra.intake.senders import Senders, read_senders
from infra.sealing import erasures
from infra.sealing.erasures import Erasures
from infra.sealing.errors import KeysRefused
from infra.sealing.key_store import Owned, key_store
from infra.sealing.keys import Keys, places
from infra.sealing.sealer import Sealer
from infra.sealing.unkeyed import REFUSED, Unkeyed
from infra.settings import Settings, WrongSettings, load
from infra.store.address import file_of, server_of
from infra.store.clocks import is_real
from infra.store.identity import read_identity
from infra.store.log import EventStore
from infra.store.mapper import RapportMapper
from infra.store.opening import open_database
from infra.store.sealed_bytes import SEALED
from infra.store.session import Database

if TYPE_CHECKING:
    from infra.evidence.checkpoints import Checkpoints
    from infra.intake.encrypted import EncryptionKeys
    from infra.projection_engine.engine import Engine
    from infra.projection_engine.feed import Watcher


@dataclass
class Rapport:
    """An open Rapport: what the command line, the servers and the tests work with."""

    settings: Settings
    clock: Clock
    store: EventStore
    # None for a login that reads the record without its words.
    keys_found: Keys | None

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
    def encryption(self) -> "EncryptionKeys":
        """The keys that open what senders encrypted to this store; read once.

        Raises:
            WrongSettings: The file of keys, or a setting, is wrong.
        """
        from infra.intake.encrypted import load

        return load(self.settings)

    @cached_property
    def handler(self) -> Handler:
        """The way in for messages; made at first use, since readers need none. Raises `WrongSettings`; see `check_clock`."""
        if self.settings.clock is not None:
            self.check_clock("RAPPORT_CLOCK")
        return Handler(self.store, self.clock, self.settings.cache * 2**20, self.senders)

    def checkpoints(self, say: Callable[[str], None] = lambda _: None) -> "Checkpoints":
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

    @property
    def keys(self) -> Keys:
        """The keys of content.

        Raises:
            KeysRefused: This login has none.
        """
        if self.keys_found is None:
            raise KeysRefused(REFUSED)
        return self.keys_found

    @cached_property
    def erasures(self) -> Erasures:
        """What carries out erasures."""
        return Erasures(self.store, self.keys)

    def undone_erasures(self) -> list[Owned]:
        """Whose keys are there though the record says that they are erased; a login without keys can't tell."""
        return [] if self.keys_found is None else self.erasures.undone()

    def close(self) -> None:
        """Close the database and the keys."""
        if self.keys_found is not None:
            self.keys_found.close()
        self.store.database.close()


def keys_of(
    settings: Settings, database: Database, say: Callable[[str], None] = lambda _: None, *, makes_master: bool = False
) -> Keys:
    """The keys of a store, not looked at yet. `say` hears where they are made.

    `makes_master`: the master key may be made where the settings name a file that does not exist.

    Raises:
        KeysRefused: It is not said where they are.
        UnknownStore: The setting names no database.
    """

    @cache
    def store_id() -> str:
        with database.reading() as session:
            return read_identity(session).id

    def has_sealed() -> bool:
        within = "instr(state, ?) > 0" if database.kind == "sqlite" else "position(?::bytea in state) > 0"
        return bool(database.query(f"SELECT 1 FROM stored_events WHERE {within} LIMIT 1", (SEALED,)))  # noqa: S608 - our own words

    on_file = database.kind == "sqlite"
    where = places(
        settings.keys,
        settings.master_key_file,
        store_file=file_of(database.url) if on_file else None,
        host=None if on_file else str(server_of(database.url).get("host") or os.environ.get("PGHOST", "")),
        store_id=store_id,
    )
    kept = key_store(where.keys, settings.lock_timeout, settings.synchronous)
    return Keys(kept, where.master_file, store_id, has_sealed, makes_master=makes_master or where.makes_master, say=say)


def open_keys(
    settings: Settings, database: Database, say: Callable[[str], None] = lambda _: None, *, makes_master: bool = False
) -> Keys:
    """The keys of a store, which fit it; they are made at first use. See `keys_of`.

    Raises:
        KeysRefused: They do not fit, or it is not said where they are.
        UnknownStore: The setting names no database.
    """
    keys = keys_of(settings, database, say, makes_master=makes_master)
    try:
        keys.start()
    except BaseException:
        keys.close()
        raise
    return keys


def _without_keys(settings: Settings, database: Database) -> Rapport:
    """What the login of an auditor works with: keys are neither looked for nor made."""
    store = EventStore(database, RapportMapper(sealing=Unkeyed(lambda: erasures.Erased(store).all_owned())))
    return Rapport(settings, Clock(settings.clock), store, None)


def _check_source(source: str) -> None:
    try:
        uri_reference(source)
    except ValueError as error:
        raise WrongSettings(f"RAPPORT_SOURCE: {error}") from None


def spare_collector() -> None:
    """Let Python look for cycles seldom: states and events have none, and looking through a full cache costs as much as deciding."""
    gc.set_threshold(100_000, 50, 100)


@contextmanager
def open_rapport(
    settings: Settings | None = None, say: Callable[[str], None] = lambda _: None, *, makes_master: bool = False
) -> Iterator[Rapport]:
    """Open the store that the settings name, making or migrating it where needed, and close it after the block.

    `say` hears what a person should know, such as where keys were made; for `makes_master` see `open_keys`.

    Raises:
        WrongSettings: A setting is wrong.
        StoreError: The store can't be used, or its keys do not fit.
    """
    settings = settings or load()
    _check_source(settings.source)
    spare_collector()
    options: dict[str, Any] = {"timeout": settings.lock_timeout}
    if settings.store.startswith("sqlite:"):
        options["synchronous"] = settings.synchronous
    with open_database(settings.store, **options) as database:
        if not database.may_append:
            yield _without_keys(settings, database)
            return
        keys = open_keys(settings, database, say, makes_master=makes_master)
        store = EventStore(database, RapportMapper(sealing=Sealer(keys)), keys.flush)
        rapport = Rapport(settings, Clock(settings.clock), store, keys)
        try:
            # Before anything is served: an old backup may have come back.
            rapport.erasures.carry_out()
            store.before_append = dict.fromkeys(erasures.NEW_OWNERS, rapport.erasures.before_append)
            store.after_append[erasures.TOPIC] = rapport.erasures.carry_out
            yield rapport
        finally:
            rapport.close()
