"""Working for as long as there is something to do, or for good: the lease, the waiting, the trouble."""

import random
from collections.abc import Callable, Collection
from datetime import datetime
from threading import Event
from typing import Final

from infra.operations.keep import DATABASE, rest_seconds
from infra.operations.logs import logger
from infra.operations.process import Process
from infra.store.errors import FencedSource, StoreError
from infra.store.log import EventStore
from infra.store.partitions import EVERY, Held, among, reached_by_all
from infra.store.session import as_time
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner

LOOK_SECONDS: Final = 0.2
FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 10.0
# A walk waits this many leases for another process to end.
PATIENCE: Final = 5
log = logger("rapport.working")


def work_off(runner: Runner, stop: Event, advance: Callable[[int], None] = lambda _: None) -> bool:
    """Do all that is due; whether it was done, by this process or another. Raises `StoreError`.

    Waits for the lease as long as there is something to do; but a walk, which no other process makes, waits for `PATIENCE` leases.
    """
    waited = 0.0
    while not stop.is_set():
        if not runner.take_lease():
            if nothing_due(runner.store, runner.horizon):
                return True
            if runner.horizon.until is not None and waited > PATIENCE * runner.lease_seconds:
                log.warning("another process works on this store; the clock can't be turned meanwhile")
                return False
            stop.wait(LOOK_SECONDS)
            waited += LOOK_SECONDS
            continue
        try:
            while not stop.is_set():
                before = runner.tally.events
                if not runner.turn():
                    runner.release()
                    return True
                advance(runner.tally.events - before)
        except FencedSource:
            log.info("another process took over")
    runner.release()
    return False


def lease_for(runner: Runner, stop: Event) -> Held | None:
    """Wait for the lease and return it; None when asked to stop before."""
    while not stop.is_set():
        if runner.take_lease():
            return runner.lease
        stop.wait(LOOK_SECONDS)
    return None


def nothing_due(store: EventStore, horizon: Horizon) -> bool:
    """Whether the log was seen to its end, or to the horizon, no deadline is due and no command waits."""
    with store.database.reading() as session:
        seen = reached_by_all(session)
        due = session.query("SELECT 1 FROM deadlines WHERE frozen_at IS NULL AND due_at <= ? LIMIT 1", (horizon.end(),))
        waiting = session.query("SELECT 1 FROM outbox WHERE status = 'waiting' LIMIT 1")
    if due or waiting:
        return False
    following = store.logged(seen, 1)
    return not following or (horizon.until is not None and horizon.hides(store.decode_facts(following[0])))


def follow(runner: Runner, process: Process) -> None:
    """Work until the process is asked to stop; after any trouble with the store, start again from it."""
    loop = process.vitals.loop("work")
    wait = FIRST_SECONDS
    while not process.stop.is_set():
        loop.beat()
        try:
            if not runner.take_lease():
                process.stop.wait(runner.look_seconds)
                continue
            before = runner.tally.events
            if not runner.turn():
                _idle(runner, process)
            elif seconds := rest_seconds(runner.tally.events - before, runner.batch):
                process.stop.wait(seconds)
            process.vitals.well("work")
            process.report_outages(well=True)
            wait = FIRST_SECONDS
        except FencedSource:
            log.info("another process took over")
        except StoreError as error:
            process.vitals.troubled("work", str(error))
            process.outages.begins(DATABASE, error)
            process.stop.wait(wait * random.uniform(0.7, 1.3))
            wait = min(wait * 2, LONGEST_SECONDS)
    try:
        runner.release()
    except StoreError as error:
        log.warning("the lease is kept until it runs out", error=str(error))


def _idle(runner: Runner, process: Process) -> None:
    """Sleep until an event comes or a deadline runs out, holding on to the lease."""
    lease = runner.lease
    assert lease is not None, "only who holds the lease waits for work"
    runner.keep()
    seconds = runner.look_seconds
    due = next_due(runner.store, lease.reached)
    if due is not None:
        seconds = min(seconds, max(0.0, (due - runner.horizon.clock.now()).total_seconds()))
    if not process.stop.is_set():
        runner.store.wait(lease.position, max(seconds, 0.01))


def next_due(store: EventStore, partitions: Collection[int] = EVERY) -> datetime | None:
    """When the next deadline of the keys of these partitions runs out."""
    rows = store.database.query(
        "SELECT due_at FROM deadlines WHERE frozen_at IS NULL "  # noqa: S608 - our own words
        f"AND {among(store.database.kind, 'key', partitions)} ORDER BY due_at LIMIT 1"
    )
    return as_time(rows[0][0]) if rows else None
