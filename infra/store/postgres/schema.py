"""The tables of the record on PostgreSQL, the function that appends to them, and how a database comes to have them.

Appending is one call of one function: one round trip, no transaction left open by a client that stops. Positions are given
out under a lock that lasts until the commit, so that they grow in the order of commits and a reader that has seen a
position has seen all before it. The lock is taken after the receipts are in, right before the first position is needed.
Locks are tables without columns. An advisory lock could be taken by any login of the database, to stop all writers; these only
by the service. A lock on the table of events itself would make every append wait for a vacuum and the other way round.
"""

from typing import Any, Final

import psycopg

from infra.store.errors import StoreError
from infra.store.hash_chain import SCHEMA_VERSION, check_version
from infra.store.identity import new_identity
from infra.store.postgres.roles import AUDITOR_VIEW, act_as_service, grant_core, make_roles
from infra.store.proposals import indexes

# Before the schema is there, processes that would make it take turns by an advisory lock, known by a number.
BIRTH_LOCK: Final = 0x72617070_00000001
LOCK_APPENDS: Final = "LOCK TABLE lock_appends IN EXCLUSIVE MODE"
LOCK_SCHEMA: Final = "LOCK TABLE lock_schema IN EXCLUSIVE MODE"
CHANNEL: Final = "rapport_events"
# SQLSTATEs of our own, raised by the function.
CHANGED: Final = "RP001"
FENCED: Final = "RP002"
LATER: Final = "RP003"

TABLES: Final = """
CREATE TABLE stored_events (
    position bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (originator_id, originator_version)
);
CREATE TABLE receipts (
    source text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (source, message_id)
);
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

# One row alone is written without unnesting: that is a tenth of the time of an append.
APPEND: Final = f"""
CREATE FUNCTION rapport_append(
    -- the events, a column each; null when there are none
    subjects text[], versions bigint[], topics text[], states bytea[], hashes bytea[],
    -- the receipts, likewise
    sources text[], message_ids text[], fingerprints bytea[], answers bytea[],
    -- the offsets, likewise
    names text[], nexts bigint[], generations bigint[],
    -- what the decisions relied on; null when on nothing
    guard_position bigint, guard_subjects text[],
    -- when it is recorded: never before what is in the log; up to guard_position the caller knows that
    guard_recorded_at timestamptz,
    -- the ids that the events make known, and their first spelling; null when there are none
    keys text[], spelled text[]
) -- gives the position of the last event, and after it the subjects that others wrote to since guard_position
RETURNS text[] LANGUAGE plpgsql AS $body$
DECLARE
    last bigint := 0;
    changed text[] := '{{}}';
BEGIN
    IF cardinality(sources) = 1 THEN
        INSERT INTO receipts VALUES (sources[1], message_ids[1], fingerprints[1], answers[1]);
    ELSIF sources IS NOT NULL THEN
        INSERT INTO receipts SELECT * FROM unnest(sources, message_ids, fingerprints, answers);
    END IF;
    IF names IS NOT NULL THEN
        INSERT INTO source_offsets AS o SELECT * FROM unnest(names, nexts, generations)
        ON CONFLICT (name) DO UPDATE SET next = excluded.next, generation = excluded.generation
            WHERE o.generation <= excluded.generation AND o.next < excluded.next;
        GET DIAGNOSTICS last = ROW_COUNT;
        IF last < cardinality(names) THEN
            RAISE EXCEPTION 'an offset comes too late' USING ERRCODE = '{FENCED}';
        END IF;
    END IF;
    IF subjects IS NULL AND guard_position IS NULL THEN
        RETURN ARRAY['0'];
    END IF;
    {LOCK_APPENDS};
    SELECT coalesce(max(position), 0) INTO last FROM stored_events;
    IF last > guard_position THEN
        SELECT array_agg(DISTINCT originator_id) INTO changed FROM stored_events WHERE position > guard_position;
        IF changed && guard_subjects THEN
            RAISE EXCEPTION 'others wrote first' USING ERRCODE = '{CHANGED}', DETAIL = array_to_json(changed);
        END IF;
        -- Not read as JSON, which a damaged event would not be; within texts of the event the quotes are escaped.
        PERFORM FROM stored_events WHERE position = last
            AND substring(encode(state, 'escape') FROM '"recorded_at":"([0-9TZ:.+-]+)"')::timestamptz > guard_recorded_at;
        IF FOUND THEN
            RAISE EXCEPTION 'others recorded at a later time' USING ERRCODE = '{LATER}';
        END IF;
    END IF;
    IF keys IS NOT NULL THEN
        INSERT INTO spellings SELECT * FROM unnest(keys, spelled);
    END IF;
    IF cardinality(subjects) = 1 THEN
        INSERT INTO stored_events VALUES (last + 1, subjects[1], versions[1], topics[1], states[1], hashes[1]);
    ELSIF subjects IS NOT NULL THEN
        INSERT INTO stored_events SELECT last + n, s, v, t, b, h
            FROM unnest(subjects, versions, topics, states, hashes) WITH ORDINALITY AS e (s, v, t, b, h, n);
    END IF;
    IF subjects IS NOT NULL THEN
        last := last + cardinality(subjects);
        NOTIFY {CHANNEL};
    END IF;
    RETURN last::text || changed;
END
$body$;
"""  # noqa: S608 - only constants

# `granted` says whether the roles existed when the tables were made, or have been given their rights since.
STATE: Final = "CREATE TABLE rapport_schema (version integer NOT NULL, granted boolean NOT NULL DEFAULT false)"
SCHEMA: Final = (STATE, TABLES, *indexes("postgresql"), APPEND, AUDITOR_VIEW)

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

    Raises `NewerStore`, `OlderStore`, and `StoreError` when the schema can't be made because the user may not.
    """
    found = version_of(cursor)
    if not check_version(found[0]):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (BIRTH_LOCK,))
        found = version_of(cursor)
    there = check_version(found[0])
    if there and not found[1]:
        try:
            with cursor.connection.transaction():
                cursor.execute(LOCK_SCHEMA.encode())
        except psycopg.errors.InsufficientPrivilege:
            # Whoever may not lock it may not give the roles their rights either.
            return
        found = version_of(cursor)
    granted = found[1]
    if there and granted:
        return
    has_roles = granted or make_roles(cursor)
    if not there:
        if has_roles:
            act_as_service(cursor)
        _make(cursor)
    if has_roles and not granted:
        grant_core(cursor)
    if (SCHEMA_VERSION, has_roles) != found:
        cursor.execute("UPDATE rapport_schema SET version = %s, granted = %s", (SCHEMA_VERSION, has_roles))


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
