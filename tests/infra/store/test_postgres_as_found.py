"""PostgreSQL as it is found: encodings, names that need quotes, settings of databases and roles, logins that mean harm."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.clock import Clock
from infra.intake.handler import Handler
from infra.local.postgres_access import PostgresAccess
from infra.store.errors import BusyStore, ForeignStore, OlderStore, ReadOnlyStore, StoreError
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.postgres.session import PostgresSession
from tests.infra.store.test_store import event
from tests.messages import line

NAMES: Final = ("Booking", "svc.rapport", "with space", "sel ect", 'quo"te', "with-dash", "a@b", "user", "Ünïcode")
ODD_SETTINGS: Final = {
    "client_encoding": "LATIN1",
    "quote_all_identifiers": "on",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "200ms",
    "idle_in_transaction_session_timeout": "200ms",
    "idle_session_timeout": "200ms",
    "transaction_timeout": "200ms",
    "lock_timeout": "200ms",
    "row_security": "off",
    "lc_messages": "C",
}


def register(name: str, id_: str = "é-1") -> bytes:
    return line(
        "RegisterMentor", {"name": name}, subject="mentor:jose", id=id_, source="/bugs", actor="coordinator:cora"
    )


def works(url: str) -> None:
    """A store can be made there, takes texts of all kinds once, and gives them back as they are."""
    with open_database(url) as database:
        handler = Handler(EventStore(database), Clock())
        for wanted in ("accepted", "duplicate"):
            assert [receipt.status for receipt in handler.handle([register("José 日本 🎓")])] == [wanted]
        with database.changing_schema() as session:
            session.execute(
                "CREATE TABLE things (name text PRIMARY KEY, at timestamptz, facts json, part double precision)"
            )
        with database.transaction() as session:
            session.insert(
                "things", ("name", "at", "facts", "part"), [("ä", None, '{"a": "é"}', 0.1), ("b", *[None] * 3)]
            )
            session.upsert("things", ("name", "part"), ["name"], [("b", 0.5)])
        assert database.query('SELECT name, facts FROM things ORDER BY name COLLATE "C"') == [
            ("b", None),
            ("ä", '{"a": "é"}'),
        ]
    with open_database(url) as database:
        [recorded] = EventStore(database).read("mentor:jose")
        assert recorded.data.name == "José 日本 🎓"
        assert Handler(EventStore(database), Clock()).handle([register("José 日本 🎓")])[0].status == "duplicate"


def database_of(url: str) -> sql.Identifier:
    return sql.Identifier(psycopg.conninfo.conninfo_to_dict(url)["dbname"])  # type: ignore[arg-type]


@contextmanager
def administrator(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as connection:
        yield connection


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP", "auto", "SQL_ASCII"])
def test_the_encoding_of_the_environment_does_not_matter(
    postgres_url: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    monkeypatch.setenv("LC_ALL", "C")
    works(postgres_url)


@pytest.mark.parametrize("setting", ODD_SETTINGS)
def test_what_a_database_sets_does_not_matter(postgres_url: str, setting: str) -> None:
    with administrator(postgres_url) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                database_of(postgres_url), sql.Identifier(setting), ODD_SETTINGS[setting]
            )
        )
    works(postgres_url)


def test_what_a_role_sets_does_not_matter_nor_all_together(postgres_url: str) -> None:
    role = f"odd_{uuid4().hex[:8]}"
    with administrator(postgres_url) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
        for setting, value in ODD_SETTINGS.items():
            admin.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(role), sql.Identifier(setting), value)
            )
        try:
            works(postgres_url.replace("postgres@", f"{role}@"))
        finally:
            admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_an_encoding_in_the_url_does_not_matter(postgres_url: str) -> None:
    works(f"{postgres_url}?client_encoding=LATIN1")


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII", "LATIN9"])
def test_a_database_of_another_encoding_is_refused_untouched(postgres_server: PostgresAccess, encoding: str) -> None:
    name = f"test_{uuid4().hex[:12]}"
    with administrator(postgres_server.url()) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    url = postgres_server.url(name)
    try:
        with pytest.raises(StoreError, match=rf"{name}.*encoding {encoding}.*needs UTF8"):
            open_database(url)
        with administrator(url) as admin:
            assert admin.execute(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            ).fetchall() == [(0,)]
    finally:
        postgres_server.drop_database(name)


OWN: Final = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"


@pytest.mark.parametrize(
    "statements, expected, error",
    [
        (["CREATE TABLE sessions (id int PRIMARY KEY)"], "tables of another application", ForeignStore),
        (["CREATE VIEW anything AS SELECT 1 AS number"], "tables of another application", ForeignStore),
        (
            [f"CREATE TABLE {name} (id int)" for name in ("stored_events", "receipts", "source_offsets")],
            "does not read any more",
            OlderStore,
        ),
    ],
)
def test_a_database_of_another_application_is_refused_untouched(
    postgres_url: str, statements: list[str], expected: str, error: type[Exception]
) -> None:
    with administrator(postgres_url) as admin:
        for statement in statements:
            admin.execute(statement)
        before = admin.execute(OWN).fetchone()
        with pytest.raises(error, match=expected):
            open_database(postgres_url)
        assert admin.execute(OWN).fetchone() == before


def test_tables_elsewhere_and_those_of_extensions_do_not_matter(postgres_url: str) -> None:
    with administrator(postgres_url) as admin:
        admin.execute("CREATE SCHEMA theirs")
        admin.execute("CREATE TABLE theirs.sessions (id int)")
        admin.execute("CREATE VIEW brought AS SELECT 1 AS number")
        admin.execute("ALTER EXTENSION plpgsql ADD VIEW brought")
    works(postgres_url)


@pytest.mark.parametrize("name", NAMES)
def test_a_role_may_have_any_name(postgres_server: PostgresAccess, name: str) -> None:
    database, role, member = f"test_{uuid4().hex[:12]}", f"{name} {uuid4().hex[:6]}", f"{uuid4().hex[:6]} {name}"
    owner, other = sql.Identifier(role), sql.Identifier(member)
    with administrator(postgres_server.url()) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(owner))
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(other, owner))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), owner))
        url = postgres_server.url(database)
        try:
            works(url.replace("postgres@", f"{quote(role, safe='')}@"))
            # A member and the superuser work in the owner's name.
            for login in (member, "postgres"):
                with open_database(url.replace("postgres@", f"{quote(login, safe='')}@")) as opened:
                    opened.insert_events([event(login, 1)])
        finally:
            postgres_server.drop_database(database)
            admin.execute(sql.SQL("DROP ROLE {}, {}").format(other, owner))


@pytest.mark.parametrize("name", [*NAMES, "Mentoring"])
def test_a_schema_may_have_any_name(postgres_url: str, name: str) -> None:
    with administrator(postgres_url) as admin:
        admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = {}").format(database_of(postgres_url), sql.Identifier(name))
        )
        works(postgres_url)
        found = admin.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'stored_events'").fetchall()
        assert found == [(name,)]


@pytest.mark.parametrize("name", NAMES)
def test_a_database_may_have_any_name(postgres_server: PostgresAccess, name: str) -> None:
    database = f"{name} {uuid4().hex[:6]}"
    postgres_server.create_database(database, short_lived=True)
    try:
        works(postgres_server.url(quote(database, safe="")))
    finally:
        postgres_server.drop_database(database)


def test_a_statement_that_the_server_stopped_is_told_as_that(postgres_url: str) -> None:
    def sleep() -> None:
        with database.transaction() as session:
            session.query("SELECT set_config('statement_timeout', '20ms', true)")
            session.query("SELECT pg_sleep(5)")

    with open_database(postgres_url) as database:
        with pytest.raises(StoreError, match=r"stopped it.*statement_timeout") as told:
            sleep()
        assert "a lock for too long" not in str(told.value)


def test_a_lock_of_somebody_else_is_told_as_that(postgres_url: str) -> None:
    with (
        open_database(postgres_url, timeout=0.3) as database,
        administrator(postgres_url) as admin,
        admin.transaction(),
    ):
        admin.execute("LOCK TABLE stored_events")
        with pytest.raises(BusyStore, match="lock"):
            database.query("SELECT * FROM stored_events")


def test_a_cancelled_statement_is_told_as_that(postgres_url: str) -> None:
    def sleep() -> None:
        with database.transaction() as session:
            pid = session.query("SELECT pg_backend_pid()")[0][0]
            threading.Timer(0.3, lambda: admin.execute("SELECT pg_cancel_backend(%s)", (pid,))).start()
            session.query("SELECT pg_sleep(20)")

    with (
        open_database(postgres_url) as database,
        administrator(postgres_url) as admin,
        pytest.raises(StoreError, match=r"stopped it.*cancelled"),
    ):
        sleep()


def test_a_transaction_that_idled_too_long_is_told_as_that(postgres_url: str) -> None:
    def idle() -> None:
        with database.transaction() as session:
            session.query("SELECT set_config('idle_in_transaction_session_timeout', '20ms', true)")
            # Until the server has said so: what is sent to it before that is answered by nothing.
            assert isinstance(session, PostgresSession)
            assert select.select([session.link.pgconn.socket], [], [], 60)[0]
            session.query("SELECT 1")

    with open_database(postgres_url) as database:
        with pytest.raises(StoreError, match=r"idle_in_transaction_session_timeout|idle-in-transaction timeout"):
            idle()
        assert database.query("SELECT 1") == [(1,)]


def test_a_database_that_nobody_may_write_to_is_told_as_that(postgres_url: str) -> None:
    open_database(postgres_url).close()
    with administrator(postgres_url) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database_of(postgres_url))
        )
    with open_database(postgres_url) as database:
        assert database.query("SELECT count(*) FROM stored_events") == [(0,)]
        with pytest.raises(ReadOnlyStore, match="default_transaction_read_only"):
            database.insert_events([event("a", 1)])


LOCKS: Final = [
    "SELECT pg_advisory_lock(hashtextextended('stored_events', 0))",
    "SELECT pg_advisory_lock(hashtextextended('appends', 0))",
    "SELECT pg_advisory_lock(n) FROM generate_series(0, 500) AS n",
    "SELECT pg_advisory_lock(1918988400 * 4294967296 + n) FROM generate_series(0, 9) AS n",
    *(
        f"LOCK TABLE {table} IN {mode} MODE"
        for table in (
            "lock_appends",
            "lock_schema",
            "lock_notifications",
            "stored_events",
            "receipts",
            "store_identity",
        )
        for mode in ("ACCESS SHARE", "SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE")
    ),
]


@pytest.mark.parametrize("role", ["rapport_analyst", "rapport_auditor", "PUBLIC"])
def test_no_login_but_the_services_stops_a_writer(postgres_url: str, role: str) -> None:
    login = f"mean_{uuid4().hex[:8]}"
    with open_database(postgres_url, timeout=3) as database, administrator(postgres_url) as admin:
        admin.execute(f"CREATE ROLE {login} LOGIN" + ("" if role == "PUBLIC" else f" IN ROLE {role}"))
        try:
            with administrator(postgres_url.replace("postgres@", f"{login}@")) as mean:
                mean.autocommit = False
                held = 0
                for attack in LOCKS:
                    try:
                        with mean.transaction():
                            mean.execute(attack)
                        held += 1
                    except psycopg.errors.InsufficientPrivilege:
                        pass
                assert held >= 4
                database.insert_events([event("a", 1)])
                with database.changing_schema() as session:
                    session.execute("CREATE TABLE things (name text)")
                with database.transaction() as session:
                    session.lock("notifications")
                mean.rollback()
        finally:
            admin.execute(f"DROP ROLE {login}")


def test_readers_are_not_held_up_by_an_append(postgres_url: str) -> None:
    with open_database(postgres_url, timeout=3) as database, database.transaction() as session:
        session.lock("appends")
        assert database.query("SELECT count(*) FROM stored_events") == [(0,)]
        with database.reading() as reader:
            assert reader.query("SELECT max(position) FROM stored_events") == [(None,)]
