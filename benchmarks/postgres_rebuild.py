"""All projections built anew on PostgreSQL, beside reading the same log with psycopg alone and decoding it."""

import statistics
import time

import psycopg

from infra.clock import Clock
from infra.intake.handler import Handler
from infra.projection_engine.build import rebuild
from infra.projection_engine.engine import Engine
from infra.simulate import Simulation
from infra.store.log import EventStore
from infra.store.mapper import RapportMapper
from infra.store.session import Database
from infra.worker_runtime.schema import prepare


def measure(raw: psycopg.Connection, database: Database, relationships: int, rounds: int) -> None:
    """Print events a second of both; the database should hold nothing else."""
    simulation = Simulation(relationships, 1)
    handler = Handler(EventStore(database), Clock(simulation.ends_before))
    raws = list(simulation.messages())
    for start in range(0, len(raws), 500):
        handler.handle(raws[start : start + 500])
    engine = Engine(handler.store, handler.clock, prepare_shown=prepare)
    engine.catch_up()
    events = handler.store.head()
    floor, ours = [], []
    for _ in range(rounds):
        floor.append(events / _read_and_decode(raw))
        start_at = time.perf_counter()
        rebuild(engine, list(engine.projections))
        ours.append(events / (time.perf_counter() - start_at))
    share = statistics.median(mine / its for its, mine in zip(floor, ours, strict=True))
    print(
        f"  {f'rebuild of all {len(engine.projections)} projections / read and decode':44} "
        f"{statistics.median(floor):10,.1f} {statistics.median(ours):10,.1f} {share:7.2f}  events/s ({events:,} events)",
        flush=True,
    )


def _read_and_decode(raw: psycopg.Connection) -> float:
    decode = RapportMapper().decode
    start = time.perf_counter()
    with raw.transaction(), raw.cursor("log", binary=True) as cursor:
        cursor.itersize = 4000
        for topic, state in cursor.execute("SELECT topic, state FROM stored_events ORDER BY position"):
            decode(topic, state)
    return time.perf_counter() - start
