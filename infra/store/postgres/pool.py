"""The connections of a process to PostgreSQL: pooled, looked at before use, all with the same settings."""

import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)
from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from infra.store.postgres.arrays import ADAPTERS
from infra.store.postgres.connection import Link, again, conninfo_of, place_of
from infra.store.postgres.roles import owner_to_act_for, schema_of

T = TypeVar("T")

POOL_SIZE: Final = 20
TRY_SECONDS: Final = 0.5
# How long a spare connection is waited for, and how long it is not asked for again where there was none.
SPARE_SECONDS: Final = 0.2
NO_SPARE_SECONDS: Final = 10.0
# What a server, database or role may have set otherwise, and what Rapport reads, writes and waits by.
SERVER_DEFAULTS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "row_security": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # Reading a whole record takes its time, and a pool keeps connections that are idle.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    # So that the locks of a client that vanished are let go of.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
    # A process that was stopped in the middle of a transaction must not hold up the others for ever.
    "idle_in_transaction_session_timeout": "60s",
}
# Settings that came with a version of the server.
SINCE: Final = {"transaction_timeout": (170000, "0")}
_LIBRARY_ERRORS: Final = (
    (psycopg.InterfaceError, InterfaceError),
    (psycopg.OperationalError, OperationalError),
    (psycopg.DataError, DataError),
    (psycopg.IntegrityError, IntegrityError),
    (psycopg.InternalError, InternalError),
    (psycopg.ProgrammingError, ProgrammingError),
    (psycopg.NotSupportedError, NotSupportedError),
    (psycopg.DatabaseError, DatabaseError),
)


class Datastore(PostgresDatastore):
    """The library's datastore on our own connections; `role`, when set, is whose name they work in."""

    def __init__(self, url: str, timeout: float) -> None:  # the library's opens a pool for a database by its name
        self.conninfo = conninfo_of(url)
        self.place = place_of(self.conninfo)
        self.timeout = timeout
        self.lock_timeout = int(timeout)
        self.hurried: Callable[[], bool] = lambda: False
        self._no_spare_until = 0.0
        self.role: str | None = None
        self.schema = "public"
        self.originator_id_type = "text"
        self.single_row_tracking = True
        self.enable_db_functions = False
        self.pool_open_timeout = None
        self.db_type_names = set()
        self.psycopg_type_adapters = {}
        self.psycopg_python_types = {}
        self.pool = ConnectionPool(
            self.conninfo,
            connection_class=Link,
            kwargs={"autocommit": True, "row_factory": dict_row, "context": ADAPTERS},
            min_size=1,
            max_size=POOL_SIZE,
            open=False,
            configure=self.configure,
            reconnect_timeout=0.1,
            num_workers=2,
            name="rapport",
        )

    def register_type_adapters(self) -> None:
        """Nothing to do: events travel as columns, not as a type of their own."""

    def connect(self) -> Link:
        """A connection outside the pool. Raises what psycopg raises."""
        link = Link.connect(self.conninfo, autocommit=True, row_factory=dict_row, context=ADAPTERS)
        assert isinstance(link, Link)
        self.configure(link)
        return link

    def configure(self, link: psycopg.Connection[Any]) -> None:
        """Settings of a new connection, in one round trip."""
        assert isinstance(link, Link)
        link.conninfo = self.conninfo
        settings = {**SERVER_DEFAULTS, "lock_timeout": f"{int(self.timeout * 1000)}ms"}
        settings |= {name: value for name, (since, value) in SINCE.items() if link.info.server_version >= since}
        if self.role is not None:
            settings["role"] = self.role
        try:
            _set(link, settings)
        except psycopg.errors.InvalidParameterValue:
            # Servers on some systems can't look whether their client is still there.
            _set(link, settings | {"client_connection_check_interval": "0"})

    def again(self, what: Callable[[], T], on: Callable[[Exception], bool]) -> T:
        """Do it, and where that fails with such an error, again, unless we are in a hurry; for `timeout` seconds at most."""
        return again(what, lambda error: on(error) and not self.hurried(), self.timeout)

    def take(self, seconds: float | None = None) -> Link:
        """A connection of the pool, to be given back.

        Raises psycopg's error when there is none for so many seconds (`timeout`), or soon if we are in a hurry.
        """
        until = monotonic() + (self.timeout if seconds is None else seconds)
        while True:
            try:
                # The pool gives up at the first failure and tries again when asked, for its own pauses grow without end.
                link = self.pool.getconn(max(0.01, min(TRY_SECONDS, until - monotonic())))
            except PoolTimeout:
                if monotonic() < until and not self.hurried():
                    continue
                # The pool doesn't say why; this says it, or that all connections were in use.
                try:
                    psycopg.connect(self.conninfo).close()
                except psycopg.OperationalError as error:
                    raise PoolTimeout(str(error)) from error
                raise
            assert isinstance(link, Link)
            holds = False
            try:
                if holds := usable(link):
                    return link
            finally:
                # The pool replaces it. It could look itself, but it pauses longer after each broken connection that it finds.
                if not holds:
                    self.pool.putconn(link)
            if monotonic() >= until:
                raise PoolTimeout("every connection that could be had was broken")

    def has_spare(self) -> bool:
        """Whether another connection is to be had at once, besides those in use; one is made if there may be more.

        Who keeps a connection while it may need a second must ask first, or all could wait for one another.
        """
        if self.pool.get_stats()["pool_available"]:
            return True
        if monotonic() < self._no_spare_until:
            return False
        try:
            self.pool.putconn(self.pool.getconn(SPARE_SECONDS))
        except PoolTimeout:
            self._no_spare_until = monotonic() + NO_SPARE_SECONDS
            return False
        return True

    def give_back(self, link: Link) -> None:
        """Return a connection to the pool, which replaces it when it is broken."""
        self.pool.putconn(link)

    @contextmanager
    def link(self) -> Iterator[Link]:
        """A connection of the pool for the block; raises psycopg's errors as they are."""
        link = self.take()
        try:
            yield link
        finally:
            self.give_back(link)

    @contextmanager
    def get_connection(self) -> Iterator[Link]:
        """The same with the library's errors."""
        try:
            with self.link() as link:
                yield link
        except psycopg.Error as error:
            raise _library_error(error)(str(error)) from error

    def settle(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        """Learn from the database where its tables are and for whom to act, then start the pool."""
        self.schema = schema_of(cursor)
        self.role = owner_to_act_for(cursor)
        self.pool.open()


def _set(link: Link, settings: Mapping[str, str]) -> None:
    chosen = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    link.execute(f"SELECT {chosen}", [part for pair in settings.items() for part in pair])


def usable(link: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection still holds: cheap, for one that has anything to say while idle is asked, others not."""
    poll = select.poll()
    try:
        poll.register(link.pgconn.socket, select.POLLIN | select.POLLERR | select.POLLHUP)
        if poll.poll(0):
            ConnectionPool.check_connection(link)
    except psycopg.Error:
        return False
    return True


def _library_error(error: psycopg.Error) -> type[PersistenceError]:
    for theirs, ours in _LIBRARY_ERRORS:
        if isinstance(error, theirs):
            return ours
    return PersistenceError
