"""The local PostgreSQL: it starts, keeps its data over stops and crashes, and says what is wrong when it can't start."""

import os
import socket
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from infra.local.leashed import LocalServerError
from infra.local.ports import free_port
from infra.local.postgres import Postgres
from tests.servers import own_folder


def one(url: str, query: LiteralString) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_it_is_postgresql_18_over_tcp_and_socket(own_postgres: Postgres) -> None:
    assert own_postgres.socket_url() != own_postgres.url()
    for url in (own_postgres.url(), own_postgres.socket_url()):
        assert str(one(url, "SHOW server_version")).startswith("18.")
    assert one(own_postgres.url(), "SHOW timezone") == "UTC"
    assert one(own_postgres.url(), "SHOW server_encoding") == "UTF8"


def test_the_process_id_is_the_servers(own_postgres: Postgres) -> None:
    assert int((own_postgres.data / "postmaster.pid").read_text().splitlines()[0]) == own_postgres.pid


def test_it_listens_on_the_loopback_address_alone(own_postgres: Postgres) -> None:
    assert one(own_postgres.url(), "SHOW listen_addresses") == "127.0.0.1"


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_what_was_committed_survives_a_restart(own_postgres: Postgres, how: str) -> None:
    url = own_postgres.create_database(f"survival_{how}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        port, pid = own_postgres.port, own_postgres.pid
        own_postgres.restart(how)  # type: ignore[arg-type]
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert (own_postgres.port, own_postgres.pid == pid) == (port, False)
    assert one(url, "SELECT number FROM kept") == 7


def test_a_database_is_made_once_and_dropped_with_its_connections(own_postgres: Postgres) -> None:
    url = own_postgres.create_database("twice")
    assert own_postgres.create_database("twice") == url
    with psycopg.connect(url) as connection:
        own_postgres.drop_database("twice")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    own_postgres.drop_database("twice")


def test_with_a_password_nobody_gets_in_without_it(server_folder: Path) -> None:
    with own_folder(server_folder) as folder, Postgres(folder, password="ä b/c@d", durable=False) as server:
        assert one(server.url(), "SELECT 1") == 1
        assert one(server.socket_url(), "SELECT 1") == 1
        for wrong in ("postgres:guess@", "postgres@"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"postgresql://{wrong}127.0.0.1:{server.port}/postgres")
        assert not list(folder.glob("once-*"))


def test_data_is_durable_unless_said_otherwise(server_folder: Path) -> None:
    with own_folder(server_folder) as folder, Postgres(folder) as server:
        assert one(server.url(), "SHOW fsync") == "on"
        assert one(server.url(), "SHOW synchronous_commit") == "on"
        assert one(server.url(), "SHOW full_page_writes") == "on"


def test_under_root_it_runs_as_another_account(own_postgres: Postgres) -> None:
    owner = Path(f"/proc/{own_postgres.pid}").stat().st_uid
    assert owner != 0
    assert os.geteuid() in (0, owner)


def test_a_folder_behind_roots_door_and_a_long_path_will_do(tmp_path: Path) -> None:
    # pytest's folders are open to their owner alone, and this one's path is too long for a socket.
    with Postgres(tmp_path / ("x" * 100) / "data", durable=False) as server:
        assert server.socket_url() == server.url()
        assert one(server.url(), "SELECT 1") == 1


def test_a_taken_port_is_named_with_the_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"port {port} is taken.*--postgres-port"):
            Postgres(tmp_path / "data", port=port, option="--postgres-port").start()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalServerError, match="can't be used: Not a directory"):
        Postgres(tmp_path / "file" / "data").start()


def test_data_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(LocalServerError, match="is of PostgreSQL 15, this is 18"):
        Postgres(tmp_path).start()
    assert (tmp_path / "data" / "PG_VERSION").read_text() == "15\n"


def test_data_that_was_never_finished_is_made_anew(server_folder: Path) -> None:
    with own_folder(server_folder) as folder:
        (folder / "data.unfinished").mkdir()
        (folder / "data.unfinished" / "half").touch()
        with Postgres(folder, durable=False) as server:
            assert one(server.url(), "SELECT 1") == 1


def test_a_second_server_on_the_same_data_is_refused(own_postgres: Postgres) -> None:
    with pytest.raises(LocalServerError, match=r"postmaster\.pid"):
        Postgres(own_postgres.folder).start()
    assert one(own_postgres.url(), "SELECT 1") == 1


def test_a_stopped_server_has_no_process_id(tmp_path: Path) -> None:
    with pytest.raises(LocalServerError, match="not running"):
        assert Postgres(tmp_path).pid
