"""The tables of the record on PostgreSQL, and how a database comes to have them.

Locks are tables without columns. An advisory lock could be taken by any login of the database, to stop all writers; these only
by the service. A lock on the table of events itself would make every append wait for a vacuum and the other way round.
"""

from typing import Any, Final

import psycopg

from infra.store import attempts, proposals, reads, state_snapshots
from infra.store.errors import ForeignStore, OlderStore, StoreError
from infra.store.hash_chain import SCHEMA_VERSION, check_version
from infra.store.identity import new_identity
from infra.store.postgres.append import APPEND
from infra.store.postgres.roles import (
    AUDITOR_VIEW,
    KEEP_IDENTITY,
    act_as_service,
    give_to_owner,
    grant_core,
    make_roles,
    may_give,
)

# Before the schema is there, processes that would make it take turns by an advisory lock, known by a number.
BIRTH_LOCK: Final = 0x72617070_00000001
LOCK_SCHEMA: Final = "LOCK TABLE lock_schema IN EXCLUSIVE MODE"

TABLES: Final = """
CREATE TABLE stored_events (
    position bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    hash bytea NOT NULL,
    leaf bigint NOT NULL,
    UNIQUE (originator_id, originator_version)
);
CREATE TABLE receipts (
    leaf bigint NOT NULL,
    position bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (source, message_id)
);
-- The Merkle tree (infra/store/merkle.py). A leaf has its number in the row that it stands for as well.
CREATE TABLE tree_leaves (
    number bigint PRIMARY KEY,
    hash bytea NOT NULL
);
CREATE TABLE tree_nodes (
    level bigint NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, number)
);
CREATE TABLE tree_frontier (
    only_row boolean PRIMARY KEY CHECK (only_row),
    size bigint NOT NULL,
    roots bytea NOT NULL
);
INSERT INTO tree_frontier VALUES (true, 0, '');
CREATE TABLE lock_appends ();
CREATE TABLE lock_notifications ();
CREATE TABLE lock_schema ();
CREATE TABLE store_identity (
    only_row boolean PRIMARY KEY CHECK (only_row),
    id text NOT NULL,
    secret bytea NOT NULL
);
CREATE TABLE store_clocks (
    clock text PRIMARY KEY,
    position bigint NOT NULL,
    at timestamptz NOT NULL
);
-- Default privileges of the database may let others read whatever is made.
REVOKE ALL ON store_identity, lock_appends, lock_notifications, lock_schema FROM PUBLIC;
CREATE TABLE source_offsets (
    name text COLLATE "C" PRIMARY KEY,
    next bigint NOT NULL,
    generation bigint NOT NULL
);
-- The first spelling of each id, by what all its spellings have in common.
CREATE TABLE spellings (
    key text COLLATE "C" PRIMARY KEY,
    spelling text NOT NULL
);
-- The library's own, for its process recorder.
CREATE TABLE tracking (
    application_name text PRIMARY KEY,
    notification_id bigint
);
"""

# An administrator of the server can change anything, and the hash chain shows it; no login of a service can.
APPEND_ONLY: Final = """
CREATE FUNCTION rapport_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        RAISE EXCEPTION 'the record is only ever added to: % of % is refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', HINT = 'Facts are corrected by CorrectFact.';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION rapport_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipts
    FOR EACH STATEMENT EXECUTE FUNCTION rapport_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON content_reads
    FOR EACH STATEMENT EXECUTE FUNCTION rapport_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION rapport_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION rapport_refuse_change();
"""

# `granted` says whether the roles existed when the tables were made, or have been given their rights since.
STATE: Final = "CREATE TABLE rapport_schema (version integer NOT NULL, granted boolean NOT NULL DEFAULT false)"
SCHEMA: Final = (
    STATE,
    TABLES,
    *reads.POSTGRESQL,
    *state_snapshots.POSTGRESQL,
    APPEND_ONLY,
    KEEP_IDENTITY,
    *proposals.indexes("postgresql"),
    attempts.index("postgresql"),
    APPEND,
    AUDITOR_VIEW,
)

# What extensions bring, such as the view of pg_stat_statements, is no application's.
TABLES_THERE: Final = """
    SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
"""

# Keys are told by themselves that they are of another store.
TABLES_OF_KEYS: Final = frozenset({"keys_of_store", "data_keys", "erased_keys", "erasing"})

Cursor = psycopg.Cursor[tuple[object, ...]]


def check_encoding(connection: psycopg.Connection[Any]) -> None:
    """Make sure that the database keeps texts in UTF-8.

    Raises:
        StoreError: It keeps them in another encoding, which has no place for some of them or may garble them.
    """
    found = connection.info.parameter_status("server_encoding")
    if found != "UTF8":
        raise StoreError(
            f"the database {connection.info.dbname!r} has the encoding {found} and Rapport needs UTF8: make another one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def migrate(cursor: Cursor) -> None:
    """Make the schema where there is none, one process at a time, in the transaction that the cursor is in.

    Raises `NewerStore`, `OlderStore`, `ForeignStore`, and `StoreError` when the schema can't be made because the user may not.
    """
    found = version_of(cursor)
    if not check_version(found[0]):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (BIRTH_LOCK,))
        found = version_of(cursor)
    there = check_version(found[0])
    if not there:
        _check_empty(cursor)
    if there and not found[1]:
        try:
            with cursor.connection.transaction():
                cursor.execute(LOCK_SCHEMA.encode())
        except psycopg.errors.InsufficientPrivilege:
            # A user who may not lock it may not give the roles their rights either.
            return
        found = version_of(cursor)
    granted = found[1]
    if there and granted:
        if may_give(cursor) and make_roles(cursor):
            give_to_owner(cursor)
        return
    has_roles = granted or make_roles(cursor)
    if not there:
        if has_roles:
            act_as_service(cursor)
        _make(cursor)
    if has_roles and not granted:
        grant_core(cursor)
        give_to_owner(cursor)
    if (SCHEMA_VERSION, has_roles) != found:
        cursor.execute("UPDATE rapport_schema SET version = %s, granted = %s", (SCHEMA_VERSION, has_roles))


def _check_empty(cursor: Cursor) -> None:
    """Make sure that nobody else has tables where Rapport would make its own, whose names are plain words such as `sessions`.

    Raises:
        OlderStore: A Rapport has them, of before there were versions of the schema.
        ForeignStore: Another application has them.
    """
    tables = {name for (name,) in cursor.execute(TABLES_THERE)} - TABLES_OF_KEYS
    if not tables:
        return
    if {"stored_events", "receipts", "source_offsets"} <= tables:
        raise OlderStore(
            "the store is of a format that this Rapport does not read any more: open it with the Rapport that wrote it, or send its "
            "messages to a new store"
        )
    raise ForeignStore(
        f"the database {cursor.connection.info.dbname!r} has tables of another application, and was left as it is: name an empty one"
    )


def _make(cursor: Cursor) -> None:
    try:
        for statement in SCHEMA:
            cursor.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(
            f"the store's schema can't be made or changed by this user ({error.diag.message_primary}): "
            "start Rapport once as the owner of the database"
        ) from error
    cursor.execute("INSERT INTO rapport_schema VALUES (%s)", (SCHEMA_VERSION,))
    cursor.execute("INSERT INTO store_identity VALUES (true, %s, %s)", new_identity())


def version_of(cursor: Cursor) -> tuple[int, bool]:
    """The version of the schema, 0 when there is none, and whether the roles have their rights."""
    # Asked of the table of tables: to_regclass may answer from a cache that another process's commit has not reached.
    there = (
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname = 'rapport_schema' AND n.nspname = current_schema()"
    )
    if cursor.execute(there).fetchone() is None:
        return 0, False
    found = cursor.execute("SELECT version, granted FROM rapport_schema").fetchone()
    assert found is not None, "the migration writes the row together with the table"
    version, granted = found
    assert isinstance(version, int)
    return version, bool(granted)
