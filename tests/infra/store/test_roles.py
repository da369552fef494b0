"""Who may see what in PostgreSQL: services everything, analysts the datasets, auditors the record."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from infra.local.postgres import Postgres
from infra.store.errors import StoreError
from infra.store.identity import new_identity, read_identity, replace_identity
from infra.store.opening import open_database
from infra.store.postgres.roles import APPEND_ONLY, KEPT, OWNED
from infra.store.session import Database
from tests.infra.store.test_store import event
from tests.servers import own_folder

STATE = (
    b'{"subject":"a","version":1,"occurred_at":"2026-03-02T09:00:00Z","recorded_at":"2026-03-02T09:00:01Z",'
    b'"actor":"mentee:ana","data":{"text":"a secret"}}'
)
RECORD = ("stored_events", "receipts", "source_offsets", "tracking", "store_identity")


@pytest.fixture
def opened(postgres_url: str) -> Iterator[Database]:
    with open_database(postgres_url) as database:
        database.insert_events([event("a", 1, STATE)])
        with database.changing_schema() as session:
            session.execute("CREATE TABLE facts__v1 (id text PRIMARY KEY)")
            session.execute("CREATE VIEW facts AS SELECT id FROM facts__v1")
            session.execute("CREATE TABLE private (id text PRIMARY KEY)")
            session.open_to("facts", "analyst")
        yield database


@pytest.fixture
def admin(postgres_url: str, opened: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def may(admin: psycopg.Connection, role: str, statement: str) -> bool:
    """Whether a role may run a statement; nothing of it stays."""
    try:
        with admin.transaction(force_rollback=True):
            admin.execute(f"SET LOCAL ROLE {role}")
            admin.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_an_analyst_reads_the_datasets_and_nothing_else(admin: psycopg.Connection) -> None:
    assert may(admin, "rapport_analyst", "SELECT * FROM facts")
    for hidden in (*RECORD, "recorded_events", "facts__v1", "private"):
        assert not may(admin, "rapport_analyst", f"SELECT * FROM {hidden}")
    assert not may(admin, "rapport_analyst", "DELETE FROM facts")
    assert not may(admin, "rapport_analyst", "CREATE TABLE mine (id text)")


AUDITED = (
    "rapport_schema",
    "stored_events",
    "receipts",
    "spellings",
    "tree_leaves",
    "tree_nodes",
    "tree_frontier",
    "store_clocks",
)


def test_an_auditor_reads_the_record_and_of_the_identity_the_id_alone(admin: psycopg.Connection) -> None:
    for audited in AUDITED:
        assert may(admin, "rapport_auditor", f"SELECT * FROM {audited}")
        assert not may(admin, "rapport_auditor", f"DELETE FROM {audited}")
    assert may(admin, "rapport_auditor", "SELECT id FROM store_identity")
    assert not may(admin, "rapport_auditor", "SELECT secret FROM store_identity")


def test_an_auditor_sees_in_a_view_that_events_exist_and_no_content(admin: psycopg.Connection) -> None:
    for hidden in (*(set(RECORD) - set(AUDITED)), "content_reads", "facts", "facts__v1", "private"):
        assert not may(admin, "rapport_auditor", f"SELECT * FROM {hidden}")
    assert not may(admin, "rapport_auditor", "DELETE FROM stored_events")
    admin.execute("SET ROLE rapport_auditor")
    cursor = admin.execute("SELECT * FROM recorded_events")
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    assert names == ["position", "subject", "version", "type", "occurred_at", "recorded_at", "actor_role", "hash"]
    row = dict(zip(names, cursor.fetchall()[0], strict=True))
    assert (row["position"], row["subject"], row["version"], row["type"]) == (1, "a", 1, "Happened")
    assert row["actor_role"] == "mentee"
    assert row["occurred_at"].isoformat().startswith("2026-03-02T09:00:00")
    assert len(row["hash"]) == 32
    assert "secret" not in str(row)


def test_a_member_of_the_service_does_everything(postgres_url: str, admin: psycopg.Connection) -> None:
    admin.execute("CREATE ROLE test_booking LOGIN IN ROLE rapport_service")
    try:
        with open_database(postgres_url.replace("postgres@", "test_booking@")) as database:
            database.insert_events([event("a", 2)])
            with database.changing_schema() as session:
                session.execute("DROP VIEW facts")
                session.execute("ALTER TABLE facts__v1 ADD COLUMN more text")
                session.execute("CREATE VIEW facts AS SELECT id, more FROM facts__v1")
                session.open_to("facts", "analyst", "auditor")
        # What one member made belongs to the service, not to the member; the record to neither.
        owners = admin.execute("SELECT tableowner, tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert {owner for owner, _ in owners} == {"rapport_service", "rapport_owner"}
        assert {table for owner, table in owners if owner == "rapport_owner"} == set(OWNED)
    finally:
        admin.execute("DROP ROLE test_booking")
    assert may(admin, "rapport_auditor", "SELECT more FROM facts")


@contextmanager
def a_service(admin: psycopg.Connection, url: str) -> Iterator[psycopg.Connection]:
    """A login of a service, as long as the block runs."""
    admin.execute("CREATE ROLE test_booking LOGIN IN ROLE rapport_service")
    try:
        with psycopg.connect(url.replace("postgres@", "test_booking@"), autocommit=True) as service:
            yield service
    finally:
        admin.execute("DROP ROLE test_booking")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_no_service_changes_what_is_only_added_to_nor_what_keeps_it_so(
    postgres_url: str, admin: psycopg.Connection, table: str
) -> None:
    with a_service(admin, postgres_url) as service:
        assert service.execute(f"SELECT count(*) FROM {table}").fetchone() is not None
        for statement in (
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"UPDATE {table} SET {'version' if table == 'content_reads' else 'hash' if table != 'receipts' else 'answer'} = NULL",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER append_only ON {table}",
            f"DROP TABLE {table}",
            "CREATE OR REPLACE FUNCTION rapport_refuse_change() RETURNS trigger LANGUAGE sql AS ''",
            "SET ROLE rapport_owner",
            "GRANT rapport_owner TO test_booking",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidFunctionDefinition)):
                service.execute(statement)
    assert admin.execute(
        "SELECT rolcanlogin, (SELECT count(*) FROM pg_auth_members m WHERE m.roleid = r.oid) FROM pg_roles r WHERE rolname = 'rapport_owner'"
    ).fetchall() == [(False, 0)]


@pytest.mark.parametrize("table", KEPT)
def test_no_service_empties_or_drops_what_the_store_stands_on(
    postgres_url: str, admin: psycopg.Connection, table: str
) -> None:
    changes = {"spellings": "spelling = ''", "store_clocks": "position = 0", "store_identity": "id = 'other'"}
    with a_service(admin, postgres_url) as service:
        assert service.execute(f"SELECT count(*) FROM {table}").fetchone() is not None
        for statement in (
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TABLE {table}",
            "DROP FUNCTION rapport_keep_identity() CASCADE",
            *([f"UPDATE {table} SET {changes[table]}"] if table in changes else []),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(statement)


def test_an_identity_is_taken_over_while_the_store_is_empty_and_stays_afterwards(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin, open_database(postgres_url) as database:
        admin.execute("CREATE ROLE test_copier LOGIN IN ROLE rapport_service")
        try:
            with open_database(postgres_url.replace("postgres@", "test_copier@")) as service:
                identity = new_identity()
                with service.transaction() as session:
                    replace_identity(session, identity)
                service.insert_events([event("a", 1)])
                with pytest.raises(StoreError, match="stays as it is"), service.transaction() as session:
                    replace_identity(session, new_identity())
        finally:
            admin.execute("DROP ROLE test_copier")
        with database.reading() as session:
            assert read_identity(session) == identity


def test_a_store_of_an_earlier_rapport_changes_hands_when_an_administrator_opens_it(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        with open_database(postgres_url) as database:
            database.insert_events([event("a", 1)])
        for table in KEPT:
            admin.execute(f"ALTER TABLE {table} OWNER TO rapport_service")
        admin.execute("DROP FUNCTION rapport_keep_identity() CASCADE")
        with open_database(postgres_url) as database:
            database.insert_events([event("a", 2)])
        assert not may(admin, "rapport_service", "TRUNCATE store_identity")
        assert admin.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'keep_identity'").fetchone() == (1,)


def test_an_outsider_sees_nothing(admin: psycopg.Connection) -> None:
    admin.execute("CREATE ROLE test_outsider")
    try:
        for hidden in (*RECORD, "recorded_events", "facts"):
            assert not may(admin, "test_outsider", f"SELECT * FROM {hidden}")
    finally:
        admin.execute("DROP ROLE test_outsider")


@pytest.fixture
def without_roles(server_folder: Path) -> Iterator[Postgres]:
    """A server on which nobody has made a store yet: roles belong to the server."""
    with own_folder(server_folder) as folder, Postgres(folder, durable=False) as server:
        yield server


def test_without_the_right_to_create_roles_the_store_works_and_says_what_to_do(
    without_roles: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(without_roles.url(), autocommit=True) as server:
        server.execute("CREATE ROLE owner LOGIN")
        server.execute("CREATE DATABASE owned OWNER owner")
    url = without_roles.url("owned").replace("postgres@", "owner@")
    with caplog.at_level(logging.WARNING), open_database(url) as database:
        database.insert_events([event("a", 1, STATE)])
    assert (
        "CREATE ROLE rapport_owner; CREATE ROLE rapport_service; CREATE ROLE rapport_analyst; CREATE ROLE rapport_auditor;"
        in caplog.text
    )

    # The owner alone may be missing: then the record belongs to who made it.
    with psycopg.connect(without_roles.url(), autocommit=True) as server:
        for role in ("service", "analyst", "auditor"):
            server.execute(f"CREATE ROLE rapport_{role}")
        server.execute("CREATE DATABASE second OWNER owner")
    with open_database(without_roles.url("second").replace("postgres@", "owner@")) as database:
        database.insert_events([event("a", 1, STATE)])
        owners = database.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert owners == [("owner",)]
    with psycopg.connect(without_roles.url("second"), autocommit=True) as server:
        assert may(server, "rapport_auditor", "SELECT * FROM recorded_events")

    # Once an administrator has made them, the next opening gives them their rights.
    with psycopg.connect(without_roles.url("owned"), autocommit=True) as server:
        server.execute("CREATE ROLE rapport_owner")
        with open_database(url) as database:
            assert database.query("SELECT current_user = 'owner'") == [(True,)]
        assert may(server, "rapport_auditor", "SELECT * FROM recorded_events")
        assert may(server, "rapport_service", "SELECT * FROM stored_events")
        assert not may(server, "rapport_analyst", "SELECT * FROM stored_events")
    with open_database(without_roles.url("owned")) as database:
        # The administrator works in the owner's name, so that the owner can go on.
        assert database.query("SELECT current_user = 'owner'") == [(True,)]
