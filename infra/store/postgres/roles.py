"""Who may see what in a database of PostgreSQL, said in its own roles; people and services log in as members of them.

- `rapport_owner` owns what is only ever added to (events, receipts, the tree, who read what, first spellings, marks of clocks) and the
  store's identity. Nobody logs in as it and nobody is a member, so no login of a service can switch off what keeps these tables as they are.
- `rapport_service` adds to these and reads them; it owns everything else, so that any member may rebuild datasets.
- `rapport_analyst` reads the datasets of operational facts, and nothing of the record itself.
- `rapport_auditor` reads what `audit verify`, `history` and `show` read: events as they are stored, with their content sealed, receipts,
  the tree, what workers keep and the datasets; no key, no secret, nothing of what is sent to whom. The view `recorded_events` is for
  SQL: the place, time and hash of events.

The roles belong to the server, not to one database. Where the user may not create them the store works without, in the name
of its owner, and says what an administrator has to do; the rights follow at the first opening after that.
"""

import logging
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import sql

from infra.store.errors import StoreError
from infra.store.session import Reader

logger = logging.getLogger("rapport.store")

OWNER: Final = "rapport_owner"
SERVICE: Final = "rapport_service"
ANALYST: Final = "rapport_analyst"
AUDITOR: Final = "rapport_auditor"
ROLES: Final = (OWNER, SERVICE, ANALYST, AUDITOR)
APPEND_ONLY: Final = ("stored_events", "receipts", "tree_leaves", "tree_nodes", "content_reads")
# These too belong to the owner. Rights alone keep them: the service may do this to them, and no more.
KEPT: Final = {
    "spellings": "SELECT, INSERT",
    "store_clocks": "SELECT, INSERT",
    "store_identity": "SELECT, UPDATE",
    "tree_frontier": "SELECT, UPDATE",
}
OWNED: Final = (*APPEND_ONLY, *KEPT)

# A copy takes over the identity of its source while it is empty. After that the identity stays.
KEEP_IDENTITY: Final = """
CREATE OR REPLACE FUNCTION rapport_keep_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.secret) IS DISTINCT FROM (OLD.id, OLD.secret)
        AND (EXISTS (SELECT FROM stored_events) OR EXISTS (SELECT FROM receipts))
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)
    THEN
        RAISE EXCEPTION 'the identity of a store that has a record stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_identity BEFORE UPDATE ON store_identity
    FOR EACH ROW EXECUTE FUNCTION rapport_keep_identity();
"""
Cursor = psycopg.Cursor[tuple[object, ...]]

# What an auditor reads of the record, beside the store's id.
AUDITED: Final = (
    "rapport_schema", "stored_events", "receipts", "spellings", "tree_leaves", "tree_nodes", "tree_frontier", "store_clocks",
)  # fmt: skip
AUDITOR_VIEW: Final = """
CREATE VIEW recorded_events WITH (security_barrier) AS
SELECT position, originator_id AS subject, originator_version AS version,
    split_part(topic, '#', 1) AS type,
    (envelope ->> 'occurred_at')::timestamptz AS occurred_at,
    (envelope ->> 'recorded_at')::timestamptz AS recorded_at,
    split_part(envelope ->> 'actor', ':', 1) AS actor_role,
    hash
FROM stored_events, LATERAL (SELECT convert_from(state, 'UTF8')::json AS envelope) AS e
"""

EXPLANATION: Final = (
    "the roles %s are missing and this user may not create them; the store works in this user's name. "
    "An administrator may run: %s"
)


def make_roles(cursor: Cursor) -> bool:
    """Create the roles that are missing and let them into the schema; whether all but the owner are there now.

    Without the owner the record belongs to the role that made it.
    """
    found = cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),)).fetchall()
    there, missing = [role for role in ROLES if (role,) in found], [role for role in ROLES if (role,) not in found]
    try:
        for role in missing:
            _create(cursor, role)
            there.append(role)
    except psycopg.errors.InsufficientPrivilege:
        logger.warning(EXPLANATION, ", ".join(missing), " ".join(f"CREATE ROLE {name};" for name in missing))
        if not {SERVICE, ANALYST, AUDITOR} <= set(there):
            return False
    try:
        cursor.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
                _schema(cursor), sql.SQL(", ").join(map(sql.Identifier, there))
            )
        )
    except psycopg.errors.InsufficientPrivilege as error:
        logger.warning("the roles can't be let into the schema: %s", error.diag.message_primary)
        return False
    return True


def _create(cursor: Cursor, role: str) -> None:
    try:
        # In a savepoint, for somebody else may be creating it for another database.
        with cursor.connection.transaction():
            cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass


def act_as_service(cursor: Cursor) -> None:
    """Go on in the service's name for this transaction, if the user may, so that what is made belongs to it."""
    service = sql.Identifier(SERVICE)
    try:
        with cursor.connection.transaction():
            cursor.execute(sql.SQL("GRANT CREATE ON SCHEMA {} TO {}").format(_schema(cursor), service))
            cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(service))
    except psycopg.errors.InsufficientPrivilege as error:
        logger.info("the store belongs to this user, not to %s: %s", SERVICE, error.diag.message_primary)


def may_give(cursor: Cursor) -> bool:
    """Whether the user is an administrator of the server and finds tables that should belong to the owner of the record."""
    found = cursor.execute(
        "SELECT u.rolsuper AND current_setting('transaction_read_only') = 'off' AND EXISTS ("
        "SELECT FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner WHERE c.oid = ANY (%s::regclass[]) AND o.rolname <> %s) "
        "FROM pg_roles u WHERE u.rolname = session_user",
        (list(OWNED), OWNER),
    ).fetchone()
    return found == (True,) and _go_on_as_members(cursor)


def _go_on_as_members(cursor: Cursor) -> bool:
    """Whether all whose tables these are may act for the service: anybody else would lose a store that they made."""
    found = cursor.execute(
        "SELECT bool_and(o.rolname = %s OR pg_has_role(o.oid, s.oid, 'MEMBER')) FROM pg_class c "
        "JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles s ON s.rolname = %s WHERE c.oid = ANY (%s::regclass[])",
        (OWNER, SERVICE, list(OWNED)),
    ).fetchone()
    return found == (True,)


def give_to_owner(cursor: Cursor) -> None:
    """Let the record and the store's identity belong to a role that nobody can act for; where the user may not, they stay with who made them.

    Raises:
        psycopg.Error: The database is out of order.
    """
    if not _go_on_as_members(cursor):
        logger.info("the record does not belong to %s: who made it is no member of %s", OWNER, SERVICE)
        return
    owner, service = sql.Identifier(OWNER), sql.Identifier(SERVICE)
    tables = sql.SQL(", ").join(map(sql.Identifier, APPEND_ONLY))
    user = cursor.execute("SELECT session_user::text").fetchone()
    assert user is not None, "somebody is logged in"
    login, schema = sql.Identifier(str(user[0])), _schema(cursor)
    role = cursor.execute("SELECT current_setting('role')").fetchone()
    try:
        with cursor.connection.transaction():
            # As the user itself: what the service can give away it could take back.
            cursor.execute("SET LOCAL ROLE NONE")
            is_admin = cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = session_user").fetchone() == (
                True,
            )
            if not is_admin:
                cursor.execute(sql.SQL("GRANT {} TO {}").format(owner, login))
            cursor.execute(sql.SQL("GRANT CREATE ON SCHEMA {} TO {}").format(schema, owner))
            # A store that an earlier Rapport made has none.
            cursor.execute(KEEP_IDENTITY.encode())
            for table in OWNED:
                cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), owner))
            for function in ("rapport_refuse_change", "rapport_keep_identity"):
                cursor.execute(sql.SQL("ALTER FUNCTION {}() OWNER TO {}").format(sql.Identifier(function), owner))
            cursor.execute(sql.SQL("REVOKE CREATE ON SCHEMA {} FROM {}").format(schema, owner))
            # The triggers refuse all but adding, and say so in words. They let an administrator of the server repair in the
            # service's name, and that nobody else can switch them off is what the owner is for.
            cursor.execute(
                sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO {}").format(tables, service)
            )
            for table, rights in KEPT.items():
                cursor.execute(f"GRANT {rights} ON {table} TO {SERVICE}".encode())
            if not is_admin:
                cursor.execute(sql.SQL("REVOKE {} FROM {}").format(owner, login))
            cursor.execute("SELECT set_config('role', %s, true)", role)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject) as error:
        logger.info("the record does not belong to %s: %s", OWNER, error.diag.message_primary)


def grant_core(cursor: Cursor) -> None:
    """Give the roles their rights in the tables of the record. The datasets are opened by who makes them."""
    for statement in (
        "GRANT SELECT, INSERT ON stored_events, receipts, spellings, content_reads, tree_leaves, tree_nodes TO rapport_service",
        "GRANT SELECT, UPDATE ON tree_frontier TO rapport_service",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON source_offsets, tracking TO rapport_service",
        "GRANT SELECT ON rapport_schema TO rapport_service",
        # Default privileges of the database may let them read whatever is made.
        "REVOKE ALL ON store_identity, lock_appends, lock_notifications, lock_schema FROM rapport_analyst, rapport_auditor",
        # To lock a table in a mode that keeps others out takes a right to write to it.
        "GRANT UPDATE ON lock_appends, lock_notifications, lock_schema TO rapport_service",
        "GRANT SELECT, UPDATE ON store_identity TO rapport_service",
        "GRANT SELECT, INSERT ON store_clocks TO rapport_service",
        "GRANT SELECT ON recorded_events TO rapport_auditor, rapport_service",
        f"GRANT SELECT ON {', '.join(AUDITED)} TO rapport_auditor",
        "GRANT SELECT (id) ON store_identity TO rapport_auditor",
    ):
        cursor.execute(statement.encode())


def let_read(cursor: Cursor, relation: str, readers: tuple[Reader, ...], columns: Sequence[str] = ()) -> None:
    """Let these roles read a table or view, or these columns of it, as far as they exist and have not been let before."""
    only = sql.SQL(" ({})").format(sql.SQL(", ").join(map(sql.Identifier, columns))) if columns else sql.SQL("")
    for reader in readers:
        role = f"rapport_{reader}"
        wanted = cursor.execute(
            "SELECT NOT has_table_privilege(rolname, %(relation)s, 'SELECT') AND (%(columns)s = '{}'::text[] OR EXISTS ("
            "SELECT FROM unnest(%(columns)s) c WHERE NOT has_column_privilege(rolname, %(relation)s, c, 'SELECT'))) "
            "FROM pg_roles WHERE rolname = %(role)s",
            {"relation": relation, "columns": list(columns), "role": role},
        ).fetchone()
        if wanted == (True,):
            cursor.execute(
                sql.SQL("GRANT SELECT{} ON {} TO {}").format(only, sql.Identifier(relation), sql.Identifier(role))
            )


def let_call(cursor: Cursor, function: str, readers: tuple[Reader, ...]) -> None:
    """Let these roles call a function without parameters, as far as they exist and have not been let before."""
    for reader in readers:
        role = f"rapport_{reader}"
        wanted = cursor.execute(
            "SELECT NOT has_function_privilege(rolname, %s || '()', 'EXECUTE') FROM pg_roles WHERE rolname = %s",
            (function, role),
        ).fetchone()
        if wanted == (True,):
            cursor.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {}() TO {}").format(sql.Identifier(function), sql.Identifier(role))
            )


def owner_to_act_for(cursor: Cursor) -> str | None:
    """The owner of the store, but for what is only added to, if it is another role than this user's own and the user may act for it."""
    found = cursor.execute(
        # By name: a cast to regrole would take a name that needs quotes for another.
        "SELECT r.rolname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = 'rapport_schema'::regclass "
        "AND r.rolname <> session_user AND pg_has_role(session_user, r.oid, 'MEMBER')"
    ).fetchone()
    return None if found is None else str(found[0])


def schema_of(cursor: Cursor) -> str:
    """The schema that tables are made in: the first of the search path."""
    found = cursor.execute("SELECT current_schema()").fetchone()
    if found is None or found[0] is None:
        raise StoreError("the search path of this user names no schema that exists")
    return str(found[0])


def _schema(cursor: Cursor) -> sql.Identifier:
    return sql.Identifier(schema_of(cursor))
