"""The least that a service does: a FastAPI route that inserts one row and commits. Served as Rapport is, beside which it is measured.

python -m benchmarks.bare_route STORE      # prints where it listens
"""

import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from infra.store.address import file_of, server_of


class Body(BaseModel):
    """As many fields as a message has."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    actor: str
    data: dict[str, Any]


COLUMNS = "id, source, type, subject, time, actor"


def _into_sqlite(file: str) -> Callable[[Body], None]:
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"CREATE TABLE IF NOT EXISTS bare ({COLUMNS}, PRIMARY KEY (source, id))")
    turn = threading.Lock()

    def insert(body: Body) -> None:
        with turn, connection:
            connection.execute(f"INSERT INTO bare ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", _row(body))

    return insert


def _into_postgres(address: str) -> Callable[[Body], None]:
    pool = ConnectionPool(psycopg.conninfo.make_conninfo(**server_of(address)), min_size=8, max_size=8, open=True)
    with pool.connection() as connection:
        columns = COLUMNS.replace(",", " text,") + " text"
        connection.execute(f"CREATE TABLE IF NOT EXISTS bare ({columns}, PRIMARY KEY (source, id))")

    def insert(body: Body) -> None:
        with pool.connection() as connection:
            connection.execute(f"INSERT INTO bare ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)", _row(body))

    return insert


def _row(body: Body) -> tuple[str, ...]:
    return body.id, body.source, body.type, body.subject, body.time, body.actor


def main() -> None:
    store = sys.argv[1]
    insert = _into_sqlite(file_of(store)) if store.startswith("sqlite:") else _into_postgres(store)
    app = FastAPI()

    @app.post("/v1/messages")
    def post(body: Body) -> dict[str, str]:
        insert(body)
        return {"status": "accepted"}

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, ws="none")).run([listener])


if __name__ == "__main__":
    main()
