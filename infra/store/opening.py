"""Opening the database at an address: which kind it is follows from the address."""

from typing import Any

from infra.store.address import EXPECTED, shown_url
from infra.store.errors import UnknownStore
from infra.store.session import Database


def open_database(url: str, **options: Any) -> Database:
    """Open the database at a URL and bring its schema up to date.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.
        options: `synchronous` (SQLite: full, normal, off), `timeout` (seconds to wait for another process's lock).

    Raises:
        UnknownStore: The URL names no database.
        NewerStore: A newer Rapport wrote the store.
        OlderStore: An older Rapport wrote the store, in a format that is no longer read.
        DamagedStore: The store is not whole.
        StoreError: Anything else that keeps the database from being opened.
    """
    scheme, found, _ = url.partition("://")
    if found and scheme == "sqlite":
        from infra.store.sqlite.database import SQLiteDatabase

        return SQLiteDatabase(url, **options)
    if found and scheme in {"postgresql", "postgres"}:
        from infra.store.postgres.database import PostgresDatabase

        return PostgresDatabase(url, **options)
    raise UnknownStore(f"{shown_url(url)} names no store: {EXPECTED}")
