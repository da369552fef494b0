"""A connection to PostgreSQL that is never waited for without end, and what to do when it breaks."""

from collections.abc import Callable
from functools import cached_property
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
import stamina
from psycopg import RawCursor
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, TupleRow, tuple_row
from psycopg_pool import PoolTimeout

from infra.store.address import server_of

T = TypeVar("T")

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
    # What opens a client's key whose password the URL does not say: nothing does. Else OpenSSL would ask the terminal for it.
    "sslpassword": "-",
}
# Whatever the environment, the database or the role say: in another encoding texts would be stored garbled.
ALWAYS: Final = {"client_encoding": "UTF8"}
# Whether the server is done with a statement whose answer has not come for a second; then its backend is ended.
LINGERING: Final = """
SELECT done, CASE WHEN done THEN pg_terminate_backend(pid, 2000) END
FROM (
    SELECT pid, state LIKE 'idle%%' AND state_change < clock_timestamp() - %s * interval '1 second' AS done
    FROM pg_stat_activity WHERE pid = %s AND datname = current_database()
) AS found"""
# The server is there but takes nobody yet, or no more.
_NOT_READY: Final = ("57P03", "57P02", "57P01", "53300")


def conninfo_of(url: str) -> str:
    """The connection string of a URL with our defaults added; raises `UnknownStore` for what is none."""
    return make_conninfo("", **{**DEFAULTS, **server_of(url), **ALWAYS})


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
                elif ready:
                    due = monotonic() + self.silence_seconds
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _ask(self) -> None:
        pid = self.pgconn.backend_pid
        try:
            with psycopg.connect(self.conninfo, autocommit=True) as other:
                found = other.execute(LINGERING, (self.silence_seconds / 5, pid)).fetchone()
        except psycopg.Error as error:
            if "FATAL" in str(error):
                return  # it has no room for another connection, but it is there
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server does not answer any more: {error}") from error
        if found is None or found[0]:
            self.pgconn.finish()
            raise psycopg.OperationalError("the connection is half open: the server is not working on the statement")


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
