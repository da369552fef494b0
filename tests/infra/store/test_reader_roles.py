"""What analysts and auditors read in PostgreSQL, with logins of their own: every table and view of the schema, every column, every row."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from infra.clock import Clock
from infra.intake.handler import Handler
from infra.intake.senders import EVERYBODY
from infra.local.postgres_access import PostgresAccess
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import TABLE, Pseudonyms
from infra.projection_engine.pseudonyms import key_of as key_of_pseudonyms
from infra.projection_engine.reader_views import seen_of
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.schema import key_of, prepare
from projections.catalogue import datasets
from projections.dataset import RELATIONSHIP
from projections.readers import LEFT_OUT, READERS, WITHHELD, DatasetReader, Masking
from tests.given_when_then import IDS
from tests.infra.access.test_answers_untold import BAD, told
from tests.infra.projection_engine.harness import LATE, everything
from tests.infra.worker_runtime.harness import run
from tests.servers import emptied_database
from workers.catalogue import WORKERS

Row = dict[str, Any]
# What an auditor reads whole besides the datasets: the record, without which nothing can be verified, and what workers keep.
OF_RECORD: Final = {
    "rapport_schema", "stored_events", "receipts", "spellings", "tree_leaves", "tree_nodes", "tree_frontier", "store_clocks", "recorded_events",
}  # fmt: skip
OF_WORKERS: Final = {
    "worker_ground", "worker_state", "deadlines", "deadline_history", "decisions", "worker_tasks", "parked", "worker_sources",
    "worker_corrections", "worker_positions", "worker_key",
}  # fmt: skip
OF_DATASETS: Final = {"projection_generations", "projection_quarantine"}
# And what they read some columns of.
IN_PART: Final = {
    "store_identity": {"id"},
    "leases": {"name", "position"},
    "worker_partitions": {"number", "position"},
    "outbox": {"id", "worker", "key", "subject", "command"},
    # All that the decision says of it too; not to whom it went.
    "notifications": {
        "id",
        "worker",
        "key",
        "subject",
        "template",
        "parameters",
        "clauses",
        "alone",
        "created_at",
        "topic",
        "until",
        "decision",
    },
}
# What stays with the service: its secret and keys made of it, to whom something is said, who read what, and what writers keep for themselves.
OF_THE_SERVICE: Final = {
    "store_identity", "pseudonym_key", "outbox", "notifications", "notification_routes", "content_reads", "leases", "worker_clock",
    "source_offsets", "tracking", "lock_appends", "lock_notifications", "lock_schema", "state_snapshots",
    "worker_partitions", "worker_applicants", "worker_numbers",
}  # fmt: skip
RELATIONS: Final = """
    SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'
    UNION SELECT matviewname::text FROM pg_matviews WHERE schemaname = 'public' ORDER BY 1"""
PERSONAL: Final = ("mentee_id", "mentor_id", "customer_id", "line_manager_id", "supplier_id")


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresAccess, emptied: dict[str, int]) -> Iterator[str]:
    """A store with a log of every kind of stream, workers who have worked on it, and its datasets."""
    with emptied_database(postgres_server, emptied) as url:
        with open_database(url) as database:
            store, clock = EventStore(database), Clock(LATE)
            store.append(everything())
            handler = Handler(store, clock, senders=EVERYBODY)
            assert {receipt.status for receipt in handler.handle(list(told(BAD)))} == {"accepted"}
            run(Runner(store, handler, Horizon(clock, None), workers=WORKERS))
            Engine(store, clock, prepare_shown=prepare).catch_up()
        yield url


@contextmanager
def login(url: str, *roles: str) -> Iterator[psycopg.Connection[Row]]:
    """A login of its own, a member of these roles."""
    name = f"login_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {', '.join(roles)}")
        try:
            with psycopg.connect(url.replace("postgres@", f"{name}@"), autocommit=True, row_factory=dict_row) as found:
                yield found
        finally:
            admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def readable(connection: psycopg.Connection[Row], relations: list[str]) -> set[str]:
    found = set()
    for relation in relations:
        try:
            connection.execute(f'SELECT * FROM "{relation}" LIMIT 1')
        except psycopg.errors.InsufficientPrivilege:
            continue
        found.add(relation)
    return found


def relations(url: str) -> list[str]:
    with psycopg.connect(url) as admin:
        return [row[0] for row in admin.execute(RELATIONS)]


def rows(connection: psycopg.Connection[Row], dataset: str) -> list[Row]:
    order = ", ".join(datasets()[dataset].order)
    return connection.execute(f"SELECT * FROM {dataset} ORDER BY {order}").fetchall()


def place(row: Row) -> tuple[int, str]:
    """Where a row of the timeline lies: deadlines that an event let run out are at its position."""
    return row["position"], row["source"]


def placed(found: list[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in found)


@pytest.fixture(scope="module")
def plain(filled: str) -> dict[str, list[Row]]:
    with login(filled, "rapport_service") as service:
        return {name: rows(service, name) for name in datasets()}


def test_of_every_table_and_view_an_analyst_reads_the_datasets_alone(filled: str) -> None:
    every = relations(filled)
    assert {"stored_events", "store_identity", "worker_tasks", "outbox", TABLE, *datasets()} <= set(every)
    with login(filled, "rapport_analyst") as analyst:
        assert readable(analyst, every) == set(datasets())


def test_of_every_table_and_view_an_auditor_reads_what_the_audit_recomputes(filled: str) -> None:
    every = relations(filled)
    # The tables behind the datasets.
    behind = {name for name in every if "__v" in name}
    assert len(behind) > len(datasets())
    with login(filled, "rapport_auditor") as auditor:
        seen = readable(auditor, every)
        assert seen == {*datasets(), *OF_RECORD, *OF_WORKERS, *OF_DATASETS, *behind}
        assert set(every) - seen == OF_THE_SERVICE
        for table in OF_THE_SERVICE:
            assert columns_read(auditor, table) == IN_PART.get(table, set())


def columns_read(connection: psycopg.Connection[Row], table: str) -> set[str]:
    found = connection.execute(
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(attrelid, attnum, 'SELECT')",
        (table,),
    )
    return {row["name"] for row in found}


def test_what_an_auditor_reads_gives_no_secret_away(filled: str) -> None:
    with open_database(filled) as database:
        secret = EventStore(database).identity.secret
    with login(filled, "rapport_auditor") as auditor:
        assert auditor.execute("SELECT key FROM worker_key").fetchall() == [{"key": key_of(secret)}]
    assert len({secret, key_of(secret), key_of_pseudonyms(secret)}) == 3


@pytest.mark.parametrize("role", ["rapport_analyst", "rapport_auditor"])
def test_whoever_reads_changes_nothing(filled: str, role: str) -> None:
    with login(filled, role) as reader:
        for relation in relations(filled):
            for attack in (f'DELETE FROM "{relation}"', f'TRUNCATE "{relation}"', f'DROP TABLE "{relation}"'):
                with pytest.raises(psycopg.Error) as error:
                    reader.execute(attack)
                assert not isinstance(error.value, psycopg.errors.UndefinedTable)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("CREATE TABLE mine (id text)")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("dataset", sorted(datasets()))
def test_a_login_reads_what_the_matrix_makes_of_each_row(
    filled: str, plain: dict[str, list[Row]], dataset: str, reader: DatasetReader
) -> None:
    """The SQL of the views says the same as the matrix in Python, row by row."""
    with open_database(filled) as database:
        masking = Masking(datasets()[dataset], reader, Pseudonyms(EventStore(database).identity.secret))
    codes = {row[RELATIONSHIP]: frozenset(row["codes"]) for row in plain["relationships"]}
    expected = list(masking.rows(plain[dataset], codes))
    with login(filled, f"rapport_{reader}") as connection:
        seen = rows(connection, dataset)
    if dataset == "timeline":
        # Here they see that a disclosure exists, of which others see nothing.
        more = {place(row) for row in seen} - {place(row) for row in expected}
        assert {row["type"] for row in seen if place(row) in more} == {WITHHELD}
        seen = [row for row in seen if place(row) not in more]
    assert placed(seen) == placed(expected)
    assert seen or dataset == "commitment_signals"


@pytest.mark.parametrize("dataset", ["tasks", "timeline"])
def test_an_analyst_reads_no_row_and_no_number_that_follows_from_how_somebody_answered(
    filled: str, plain: dict[str, list[Row]], dataset: str
) -> None:
    concerns = [row["task_id"] for row in plain["tasks"] if row["kind"] == "feedback_concern"]
    assert concerns
    with login(filled, "rapport_analyst") as analyst:
        if dataset == "tasks":
            assert not {row["task_id"] for row in rows(analyst, "tasks")} & {*concerns}
        else:
            assert {row["sequence"] for row in rows(analyst, "timeline")} == {None}


def plan(connection: psycopg.Connection[Row], query: str, *, run: bool = False) -> list[str]:
    """How the server goes about a query, line by line."""
    return [row["QUERY PLAN"] for row in connection.execute(f"EXPLAIN (ANALYZE {run}, VERBOSE) {query}")]


def estimates(connection: psycopg.Connection[Row], dataset: str, column: str, value: str) -> list[str]:
    """Of how many rows the server says, before it reads any, that they have a value."""
    found = plan(connection, f"SELECT 1 FROM {dataset} WHERE {column} = '{value}'")
    return [rows for line in found for rows in re.findall(r" rows=\d+", line)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("dataset", sorted(datasets()))
def test_no_plan_tells_of_how_many_rows_a_hidden_value_is(
    filled: str, plain: dict[str, list[Row]], dataset: str, reader: DatasetReader
) -> None:
    """The server keeps statistics of what the tables hold, and EXPLAIN answers from them."""
    with psycopg.connect(filled, autocommit=True) as admin:
        admin.execute("ANALYZE")
    with login(filled, f"rapport_{reader}") as connection:
        shown = rows(connection, dataset)
        for column in (each.name for each in datasets()[dataset].columns if each.type == "text"):
            values = Counter(row[column] for row in plain[dataset] if row[column] is not None)
            hidden = [value for value, _ in values.most_common() if value not in {row[column] for row in shown}]
            if hidden:
                told = estimates(connection, dataset, column, hidden[0])
                assert told == estimates(connection, dataset, column, "nobody-and-nothing"), (column, hidden[0])


@pytest.mark.parametrize("reader", READERS)
def test_no_plan_tells_how_many_rows_are_left_out(filled: str, reader: DatasetReader) -> None:
    with login(filled, f"rapport_{reader}") as connection:
        for dataset in LEFT_OUT:
            steps = plan(connection, f"SELECT * FROM {dataset}", run=True)
            assert not [line for line in steps if "Removed by Filter" in line or "worker_tasks" in line]


def test_who_was_not_let_in_calls_nothing_that_reads_for_others(filled: str) -> None:
    with login(filled, "pg_monitor") as stranger:
        for dataset in LEFT_OUT:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(f"SELECT * FROM {seen_of(datasets()[dataset])}()")


@pytest.mark.parametrize("dataset, before", [("mentors", ()), ("practices", ("clause", "programme_id"))])
def test_who_asks_for_no_order_gets_people_in_that_of_the_pseudonyms(
    filled: str, plain: dict[str, list[Row]], dataset: str, before: tuple[str, ...]
) -> None:
    """Tables are filled by a rebuild in the order of the ids."""
    names = (*before, "mentor_id")
    with login(filled, "rapport_analyst") as analyst:
        seen = [tuple(row[name] for name in names) for row in analyst.execute(f"SELECT * FROM {dataset}")]
    with open_database(filled) as database:
        pseudonyms = Pseudonyms(EventStore(database).identity.secret)
    by_id = [(*(row[name] for name in before), pseudonyms(row["mentor_id"])) for row in plain[dataset]]
    assert len({row[-1] for row in seen}) > 5
    assert seen == sorted(by_id)


def test_an_analyst_finds_no_id_of_a_person_anywhere(filled: str, plain: dict[str, list[Row]]) -> None:
    """Persons as pseudonyms for analysts."""
    persons = {row[name] for row in plain["relationships"] for name in PERSONAL} | {*IDS.values(), "hanna"}
    persons |= {row["mentor_id"] for row in plain["mentors"]}
    persons.discard(None)
    assert len(persons) > 20
    for role in ("rapport_analyst", "rapport_auditor"):
        with login(filled, role) as reader:
            for dataset in datasets():
                for row in rows(reader, dataset):
                    for name, value in row.items():
                        texts = value if isinstance(value, list) else [value]
                        words = {part for text in texts if isinstance(text, str) for part in (text, text.partition(":")[2])}  # fmt: skip
                        assert not words & persons, (dataset, name, value)


def test_a_pseudonym_is_the_same_in_every_dataset_and_tells_persons_apart(
    filled: str, plain: dict[str, list[Row]]
) -> None:
    with login(filled, "rapport_analyst") as analyst:
        seen = {row[RELATIONSHIP]: row for row in rows(analyst, "relationships")}
        health = {row[RELATIONSHIP]: row["mentor_id"] for row in rows(analyst, "commitment_health")}
        mentors = {row["mentor_id"] for row in rows(analyst, "mentors")}
    assert {subject: row["mentor_id"] for subject, row in seen.items()} == health
    assert set(health.values()) & mentors
    pairs = {(row["mentor_id"], seen[row[RELATIONSHIP]]["mentor_id"]) for row in plain["relationships"]}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_an_analyst_sees_that_a_report_exists_with_its_type_withheld_and_nobodys_name(
    filled: str, plain: dict[str, list[Row]]
) -> None:
    reports = {
        "TrustBreakdownReported",
        "ShutdownRecommended",
        "TrustRestored",
        "RecommendationDismissed",
        "CaseOpened",
    }
    told = {row["position"] for row in plain["timeline"] if row["type"] in reports}
    assert told
    with login(filled, "rapport_analyst") as analyst:
        seen = [row for row in rows(analyst, "timeline") if row["position"] in told and row["source"] == "event"]
        assert len(seen) == len(told)
        for row in seen:
            assert (row["type"], row["actor_role"], row["actor_id"], row["clause"]) == (WITHHELD, None, None, None)
        types = {row["type"] for row in rows(analyst, "timeline")}
        assert not types & {*reports, "ConfidenceDisclosed", "BreachReported", "DisrespectReported", "ProblemReported"}
        assert {row["kind"] for row in rows(analyst, "cases")} == {WITHHELD}
        assert not {row["signal"] for row in rows(analyst, "signals_history")} & {"trust_breakdown", "disrespect"}


def test_under_leapfrog_an_analyst_sees_operational_facts_alone(filled: str, plain: dict[str, list[Row]]) -> None:
    strict = {row[RELATIONSHIP] for row in plain["relationships"] if "leapfrog" in row["codes"]}
    assert strict
    with login(filled, "rapport_analyst") as analyst:
        for row in rows(analyst, "relationships"):
            assert (row["sessions_completed"] is None) == (row[RELATIONSHIP] in strict)
            assert row["status"] is not None
        assert all(row["starts_at"] is None for row in rows(analyst, "sessions") if row[RELATIONSHIP] in strict)


def test_no_function_of_the_schema_gives_pseudonyms_to_guess_ids_by(filled: str) -> None:
    with login(filled, "rapport_analyst") as analyst:
        found = analyst.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' "
            "AND has_function_privilege(p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype"
        ).fetchall()
        for row in found:
            assert "pseudonym" not in row["proname"]
        # What a reader filters by is not run on what they don't see.
        analyst.execute(
            "CREATE FUNCTION pg_temp.look(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS "
            "$$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
        )
        heard: list[str] = []
        analyst.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
        analyst.execute("SELECT * FROM relationships WHERE pg_temp.look(mentee_id)")
        assert heard
        assert all(text.startswith("p_") for text in heard)


def test_every_column_and_every_dataset_has_its_comment(filled: str) -> None:
    """Every column has a comment there."""
    with psycopg.connect(filled) as admin:
        for dataset in datasets().values():
            found = admin.execute(
                "SELECT a.attname::text, col_description(a.attrelid, a.attnum) FROM pg_attribute a "
                "WHERE a.attrelid = %s::regclass AND a.attnum > 0 ORDER BY a.attnum",
                (dataset.name,),
            ).fetchall()
            assert found == [(column.name, column.doc) for column in dataset.columns]
            said = admin.execute("SELECT obj_description(%s::regclass)", (dataset.name,)).fetchone()
            assert said == (dataset.doc,)


def test_lists_are_jsonb(filled: str) -> None:
    with psycopg.connect(filled) as admin:
        types = admin.execute(
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns "
            "WHERE table_schema = 'public'"
        ).fetchall()
    lists = {(each.name, column.name) for each in datasets().values() for column in each.columns if column.type in {"integers", "texts"}}  # fmt: skip
    assert {(table, column) for table, column, type_ in types if table in datasets() and type_ == "jsonb"} == lists
    assert not [column for table, column, type_ in types if table in datasets() and type_ == "json"]


def test_a_row_about_a_relationship_has_its_programme() -> None:
    for dataset in datasets().values():
        names = {column.name for column in dataset.columns}
        assert "position" in names
        assert RELATIONSHIP not in names or "programme_id" in names, dataset.name


def test_a_service_can_append_and_read_and_change_nothing_of_the_record(filled: str) -> None:
    with login(filled, "rapport_service") as service:
        for table, column in (("stored_events", "topic"), ("receipts", "source"), ("content_reads", "reader")):
            assert service.execute(f"SELECT count(*) AS n FROM {table}").fetchone() is not None
            for attack in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"):
                    service.execute(attack)
