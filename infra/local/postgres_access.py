"""How to reach a local PostgreSQL that runs, no matter who started it: its URLs, and databases made and dropped there."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from infra.local.ports import HOST

SUPERUSER = "postgres"


@dataclass
class PostgresAccess:
    """The loopback port, the superuser's password (None: nobody is asked) and the folder of the Unix socket, if any."""

    port: int
    password: str | None = None
    sockets: Path | None = None

    def url(self, database: str = SUPERUSER, *, port: int = 0) -> str:
        """Where to connect over TCP as the superuser; another `port` leads through a proxy."""
        return f"postgresql://{self._login}@{HOST}:{port or self.port}/{database}"

    def socket_url(self, database: str = SUPERUSER) -> str:
        """Where to connect over the Unix socket, which is somewhat faster; over TCP where the server has no socket."""
        if self.sockets is None:
            return self.url(database)
        return f"postgresql://{self._login}@/{database}?host={quote(str(self.sockets), safe='')}&port={self.port}"

    def create_database(self, name: str, *, short_lived: bool = False, template: str = "template1") -> str:
        """Make a database if there is none of the name, empty or a copy of one that nobody is connected to; its URL over TCP.

        A short-lived one is a copy of files, which costs a fifth of writing it to the log, and a checkpoint.
        """
        import psycopg
        from psycopg import sql

        with (
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
            psycopg.connect(self.url(), autocommit=True) as connection,
        ):
            strategy = sql.SQL("file_copy" if short_lived else "wal_log")
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
                    sql.Identifier(name), sql.Identifier(template), strategy
                )
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending the connections that are still open to it."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @property
    def _login(self) -> str:
        return SUPERUSER if self.password is None else f"{SUPERUSER}:{quote(self.password, safe='')}"
