"""How a store comes to have its schema: once, forwards, by whichever process comes first."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.local.ports import free_port
from infra.sealing.key_store import key_store
from infra.store.errors import NewerStore, OlderStore, StoreError, UnknownStore, UnreachableStore
from infra.store.opening import open_database
from infra.store.postgres.connection import conninfo_of
from tests.certificates import certificate, key_pem, pem
from tests.infra.store.test_store import event
from tests.writers import answer, started, tell


def test_several_processes_may_start_at_once(store_url: str) -> None:
    with started([("tests.infra.store.opener", store_url, f"s{number}") for number in range(8)]) as opening:
        for each in opening:
            tell(each, "")
        assert len({answer(each) for each in opening}) == 1
    with open_database(store_url) as database:
        assert database.query("SELECT COUNT(*), MAX(position) FROM stored_events") == [(8, 8)]


def test_a_store_opened_again_keeps_what_it_has(store_url: str) -> None:
    for version in (1, 2, 3):
        with open_database(store_url) as database:
            database.insert_events([event("a", version)])
            assert database.query("SELECT COUNT(*) FROM stored_events") == [(version,)]


def test_a_newer_schema_is_refused(store_url: str) -> None:
    with open_database(store_url) as database, database.changing_schema() as session:
        if database.kind == "sqlite":
            session.execute("PRAGMA user_version = 1000")
        else:
            session.execute("UPDATE rapport_schema SET version = 1000")
    with pytest.raises(NewerStore, match=r"version 1000.*newer Rapport"):
        open_database(store_url)


@pytest.mark.parametrize("version", [1])
def test_an_older_schema_is_refused_and_told_what_to_do(store_url: str, version: int) -> None:
    with open_database(store_url) as database, database.changing_schema() as session:
        if database.kind == "sqlite":
            session.execute(f"PRAGMA user_version = {version}")
        else:
            session.execute(f"UPDATE rapport_schema SET version = {version}")
    with pytest.raises(OlderStore, match=rf"version {version}, which .*the Rapport that wrote it"):
        open_database(store_url)


def test_a_url_that_names_no_store_is_told() -> None:
    with pytest.raises(UnknownStore, match="expected"):
        open_database("mysql://localhost/rapport")
    with pytest.raises(UnknownStore, match="nonsense"):
        open_database("postgresql://localhost/rapport?nonsense=1")


def test_what_the_url_says_of_tls_and_waiting_is_passed_on() -> None:
    url = "postgresql://ana@db.example.org/rapport?sslmode=verify-full&sslrootcert=ca.pem&connect_timeout=60"
    found = conninfo_to_dict(conninfo_of(url))
    assert (found["sslmode"], found["sslrootcert"], found["connect_timeout"]) == ("verify-full", "ca.pem", "60")
    assert found["tcp_user_timeout"] == "20000"


def offer_tls(server: socket.socket) -> None:
    """Answer each client that asks for TLS that it may begin."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(8)
            connection.sendall(b"S")
            connection.recv(1)


@pytest.mark.parametrize(
    "ask", [open_database, lambda url: key_store(url).exists], ids=["the record", "the store of keys"]
)
def test_a_key_with_a_password_that_the_url_does_not_say_is_told_and_no_terminal_is_asked(
    ask: Callable[[str], object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cert, key = certificate("rapport", None)
    (tmp_path / "cert.pem").write_bytes(pem(cert))
    (tmp_path / "key.pem").write_bytes(key_pem(key, b"sesame"))
    (tmp_path / "key.pem").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=offer_tls, args=(server,), daemon=True).start()
        place = f"postgresql://ana:secret@127.0.0.1:{server.getsockname()[1]}/rapport"
        files = f"sslmode=require&sslcert={tmp_path}/cert.pem&sslkey={tmp_path}/key.pem"
        with pytest.raises(UnreachableStore, match="could not load private key file") as told:
            ask(f"{place}?{files}")
        server.shutdown(socket.SHUT_RDWR)
    assert "secret" not in str(told.value)
    assert "pass phrase" not in capfd.readouterr().err


def test_a_server_that_is_not_there_is_told_without_secrets() -> None:
    with pytest.raises(UnreachableStore, match=r"rapport at 127\.0\.0\.1:") as told:
        open_database(f"postgresql://ana:sesame@127.0.0.1:{free_port()}/rapport")
    assert "sesame" not in str(told.value)


def test_a_user_who_may_not_make_the_schema_is_told(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE test_guest LOGIN")
        try:
            with pytest.raises(StoreError, match="owner of the database"):
                open_database(postgres_url.replace("postgres@", "test_guest@"))
        finally:
            admin.execute("DROP ROLE test_guest")


def test_a_schema_of_its_own_may_be_named_in_the_url(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA mentoring")
        with open_database(f"{postgres_url}?options=-csearch_path%3Dmentoring") as database:
            database.insert_events([event("a", 1)])
        assert admin.execute(
            "SELECT subjects FROM (SELECT count(*) FROM mentoring.stored_events) AS e (subjects)"
        ).fetchall() == [(1,)]
        assert admin.execute("SELECT to_regclass('public.stored_events')").fetchall() == [(None,)]
