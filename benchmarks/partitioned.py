"""The table of events on PostgreSQL as one, by hash of the stream and by range of position: appends, reads and vacuum at size.

Plain SQL on rows like those of a record, without Rapport around it: what the layout of the table alone brings or costs. A stream's events lie
far apart, as those of relationships that are alive together do. See docs/decisions/0070-events-stay-in-one-table.md.
"""

import random
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
from psycopg.abc import Params

from infra.local.postgres import Postgres

PARTS: Final = 16
EVENTS_OF_A_STREAM: Final = 100
BATCH: Final = 200
PAGE: Final = 1_000
TIMES: Final = 200
COLUMNS: Final = """(
    position bigint NOT NULL, originator_id text COLLATE "C" NOT NULL, originator_version bigint NOT NULL,
    topic text NOT NULL, state bytea NOT NULL, hash bytea NOT NULL, leaf bigint NOT NULL)"""
# The unique constraint of the last holds within a partition alone: PostgreSQL wants the partition's column in it.
LAYOUTS: Final = {
    "one table": f"""
        CREATE TABLE events {COLUMNS};
        ALTER TABLE events ADD PRIMARY KEY (position), ADD UNIQUE (originator_id, originator_version)""",
    "by hash of the stream": f"""
        CREATE TABLE events {COLUMNS} PARTITION BY HASH (originator_id);
        ALTER TABLE events ADD UNIQUE (originator_id, originator_version);
        CREATE INDEX ON events (position)""",
    "by range of position": f"""
        CREATE TABLE events {COLUMNS} PARTITION BY RANGE (position);
        ALTER TABLE events ADD PRIMARY KEY (position), ADD UNIQUE (originator_id, originator_version, position)""",
}
FILL: Final = """
INSERT INTO events SELECT n, 'relationship:' || n %% %(streams)s, n / %(streams)s + 1, 'SessionCompleted',
    convert_to(repeat(md5(n::text), 18), 'UTF8'), sha256(n::text::bytea), n
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""
APPEND: Final = """
INSERT INTO events SELECT n, 'relationship:' || n %% %(streams)s, n / %(streams)s + 1, 'SessionCompleted',
    convert_to(repeat(md5(n::text), 18), 'UTF8'), sha256(n::text::bytea), n
FROM generate_series((SELECT max(position) FROM events) + 1, (SELECT max(position) FROM events) + %(batch)s) AS n"""
STREAM: Final = "SELECT state FROM events WHERE originator_id = %s ORDER BY originator_version"
FOLLOW: Final = "SELECT state FROM events WHERE position > %s ORDER BY position LIMIT %s"
HEAD: Final = "SELECT max(position) FROM events"
SIZES: Final = """
SELECT sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relname LIKE 'events%'"""


def run(*, full: bool) -> None:
    events = 10_000_000 if full else 200_000
    print(f"  {events:,} events, medians; milliseconds but for the last three")
    head = ("append 200", "a stream", "a page", "the head", "vacuum, s", "table, MB", "indexes, MB")
    print(f"  {'':22}" + "".join(f"{name:>13}" for name in head))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with Postgres(Path(folder) / "server", durable=True) as server:
            for number, (name, layout) in enumerate(LAYOUTS.items()):
                database = f"layout{number}"
                with psycopg.connect(server.create_database(database), autocommit=True) as link:
                    _made(link, layout, events)
                    figures = _measured(link, events)
                with psycopg.connect(server.create_database(f"away{number}"), autocommit=True) as link:
                    link.execute(f"DROP DATABASE {database}")
                print(f"  {name:22}" + "".join(f"{figure:13,.2f}" for figure in figures), flush=True)


def _made(link: psycopg.Connection, layout: str, events: int) -> None:
    for statement in layout.split(";"):
        link.execute(statement)
    if "HASH" in layout:
        for number in range(PARTS):
            link.execute(
                f"CREATE TABLE events_{number} PARTITION OF events FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {number})"
            )
    if "RANGE" in layout:
        ends = ["MINVALUE", *(events * number // PARTS for number in range(1, PARTS)), "MAXVALUE"]
        for number, (start, end) in enumerate(pairwise(ends)):
            link.execute(f"CREATE TABLE events_{number} PARTITION OF events FOR VALUES FROM ({start}) TO ({end})")
    step = 500_000
    for first in range(1, events + 1, step):
        last = min(first + step - 1, events)
        link.execute(FILL, {"streams": events // EVENTS_OF_A_STREAM, "first": first, "last": last})


def _measured(link: psycopg.Connection, events: int) -> list[float]:
    streams = events // EVENTS_OF_A_STREAM
    lots = random.Random(5)
    start = time.perf_counter()
    link.execute("VACUUM (FREEZE, ANALYZE) events")
    vacuum = time.perf_counter() - start
    [(table, indexes)] = link.execute(SIZES).fetchall()
    head = _milliseconds(link, HEAD, [()] * TIMES)
    page = _milliseconds(link, FOLLOW, [(lots.randrange(events - PAGE), PAGE) for _ in range(TIMES)])
    asked = [(f"relationship:{lots.randrange(streams)}",) for _ in range(TIMES)]
    # Twice, for the first time the disk is part of it.
    _milliseconds(link, STREAM, asked)
    stream = _milliseconds(link, STREAM, asked)
    append = _milliseconds(link, APPEND, [{"streams": streams, "batch": BATCH}] * TIMES)
    return [append, stream, page, head, vacuum, table / 2**20, indexes / 2**20]


def _milliseconds(link: psycopg.Connection, statement: str, params: Sequence[Params]) -> float:
    """The median over these parameters."""
    taken = []
    for each in params:
        start = time.perf_counter()
        link.execute(statement, each)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3
