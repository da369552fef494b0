"""A process that builds all projections anew in many small steps, and says "written" when each is committed.

python -m tests.infra.projection_engine.slow_build URL TIME
"""

import sys
import time
from datetime import datetime
from typing import Any

from infra.clock import Clock
from infra.projection_engine import build
from infra.projection_engine.engine import Engine
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.schema import prepare
from tests.infra.store.writer import say

BUNDLE = 25


def main(url: str, now: str) -> None:
    plain = build._write

    def write(*arguments: Any) -> None:
        plain(*arguments)
        say("written")
        time.sleep(0.02)

    build.BUNDLE = BUNDLE  # type: ignore[misc]
    build._write = write  # type: ignore[assignment]
    with open_database(url) as database:
        engine = Engine(EventStore(database), Clock(datetime.fromisoformat(now)), prepare_shown=prepare)
        build.rebuild(engine, list(engine.projections))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
