"""Connections to PostgreSQL: pooled, looked at before use, and never waited for without end."""

import logging
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
import stamina
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
from psycopg import RawCursor
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, TupleRow, dict_row, tuple_row
from psycopg_pool import PoolTimeout

from infra.eventstore.failure import UnknownStore
from infra.eventstore.postgres_roles import owner_to_act_for, schema_of
from infra.eventstore.postgres_types import ADAPTERS

T = TypeVar("T")

logger = logging.getLogger("rapport.eventstore")

POOL_SIZE: Final = 20
# After so long without an answer the server is asked, over another connection, whether it is still working on it.
SILENCE_SECONDS: Final = 5.0
# A server that vanished is noticed within half a minute even where nobody answers at all. The URL may say otherwise.
DEFAULTS: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "rapport",
}
# The same on the server's side, so that the locks of a client that vanished are let go of.
SERVER_DEFAULTS: Final = {
    "TimeZone": "UTC",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
    # A process that was stopped in the middle of a transaction must not hold up the others for ever.
    "idle_in_transaction_session_timeout": "60s",
}
LINGERING: Final = """
SELECT state <> 'active', CASE WHEN state <> 'active' THEN pg_terminate_backend(pid, 2000) END
FROM pg_stat_activity WHERE pid = %s AND datname = current_database()"""
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
# The server is there but takes nobody yet, or no more.
_NOT_READY: Final = ("57P03", "57P02", "57P01", "53300")


def conninfo_of(url: str) -> str:
    """The connection string of a URL with our defaults added; raises `UnknownStore` for what is none."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise UnknownStore(f"not the URL of a PostgreSQL: {error}".strip()) from None
    return make_conninfo("", **{**DEFAULTS, **given})


def place_of(conninfo: str) -> str:
    """Where a connection string leads, without its secrets."""
    found = conninfo_to_dict(conninfo)
    host = found.get("host") or found.get("hostaddr") or "the local socket"
    return f"{found.get('dbname') or '?'} at {host}:{found.get('port') or 5432}"


class Link(psycopg.Connection[DictRow]):
    """A connection that gives up when the server is not working on its statement any more.

    A connection may be half open: what was sent or answered is lost and nobody says so. A statement that takes its time is
    told from one that is lost by asking the server over a fresh connection; a lost one's backend is ended, so that
    afterwards it is certain what became of its transaction.
    """

    silence_seconds: float = SILENCE_SECONDS
    conninfo: str = ""

    @cached_property
    def plain(self) -> RawCursor[TupleRow]:
        """A cursor with numbered parameters and tuples for rows; the same one always, for it remembers how to convert them."""
        return RawCursor(self, row_factory=tuple_row)

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: PQGen[Any]) -> PQGen[Any]:
        try:
            wanted = next(gen)
            due = monotonic() + self.silence_seconds
            while True:
                ready = yield wanted
                if not ready and monotonic() > due:
                    self._ask()
                    due = monotonic() + self.silence_seconds
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _ask(self) -> None:
        pid = self.pgconn.backend_pid
        try:
            with psycopg.connect(self.conninfo, autocommit=True) as other:
                found = other.execute(LINGERING, (pid,)).fetchone()
        except psycopg.Error as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server does not answer any more: {error}") from error
        if found is None or found[0]:
            self.pgconn.finish()
            raise psycopg.OperationalError("the connection is half open: the server is not working on the statement")


class Datastore(PostgresDatastore):
    """The library's datastore on our own connections; `role`, when set, is whose name they work in."""

    def __init__(self, url: str, timeout: float) -> None:  # the library's opens a pool for a database by its name
        self.conninfo = conninfo_of(url)
        self.place = place_of(self.conninfo)
        self.timeout = timeout
        self.lock_timeout = int(timeout)
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
            check=check,
            timeout=timeout,
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
        if self.role is not None:
            settings["role"] = self.role
        chosen = ", ".join(["set_config(%s, %s, false)"] * len(settings))
        link.execute(f"SELECT {chosen}", [part for pair in settings.items() for part in pair])

    @contextmanager
    def link(self) -> Iterator[Link]:
        """A connection of the pool for the block; raises psycopg's errors as they are."""
        link = self.pool.getconn()
        assert isinstance(link, Link)
        try:
            yield link
        finally:
            self.pool.putconn(link)

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


def check(link: psycopg.Connection[Any]) -> None:
    """Raise if an idle connection is broken: cheap, for one that has anything to say while idle is asked, others not."""
    poll = select.poll()
    poll.register(link.pgconn.socket, select.POLLIN | select.POLLERR | select.POLLHUP)
    if poll.poll(0):
        ConnectionPool.check_connection(link)


def broken(error: BaseException) -> bool:
    """Whether an error means that the connection is gone, so that what was under way may or may not have happened."""
    if isinstance(error, psycopg.OperationalError):
        # What the server itself reports has a state; a pool that could give no connection has waited long enough.
        state = error.sqlstate
        return not isinstance(error, PoolTimeout) and (state is None or state in _NOT_READY or state.startswith("08"))
    return isinstance(error, psycopg.InterfaceError)


def again(what: Callable[[], T], on: Callable[[Exception], bool], timeout: float) -> T:
    """Do it; where that fails with such an error, again and again with growing pauses, for `timeout` seconds at most."""
    try:
        return what()
    except Exception as error:
        if not on(error):
            raise
    for attempt in stamina.retry_context(on=on, timeout=timeout, attempts=None, wait_max=1.0):
        with attempt:
            return what()
    raise AssertionError


def _library_error(error: psycopg.Error) -> type[PersistenceError]:
    for theirs, ours in _LIBRARY_ERRORS:
        if isinstance(error, theirs):
            return ours
    return PersistenceError
