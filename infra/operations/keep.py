"""Keep a session going: when anything goes wrong, end it, wait a little, and start again from the store.

A session holds clients and nothing that can't be lost. So there is one way to recover, and it is used all the time.
"""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from infra.operations.logs import logger
from infra.operations.metrics import RESTARTS
from infra.operations.process import Process
from infra.store.errors import FencedSource, StoreError

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 10.0
# No turn of a session may take longer; a process that stays in one is not alive.
PATIENCE_SECONDS: Final = 180.0
# A follower that saw so many events in one turn rests for so long before the next.
RUSH_EVENTS: Final = 10
REST_SECONDS: Final = 0.2

# The check of the same name looks after it.
DATABASE: Final = "database"
NONE: Final[Mapping[type[Exception], str]] = MappingProxyType({})

log = logger("rapport.process")


class Working(Protocol):
    """A session that has begun; `at_work` once it has found its place, so that a turn shows that all is well."""

    at_work: bool

    def turn(self) -> None:
        """Do what there is to do now; wait for about a second when there is nothing."""

    def finish(self) -> None:
        """Stop cleanly: what is under way is brought to its end."""

    def close(self) -> None:
        """Let go of the clients; nothing is waited for."""


def keep_going(
    process: Process,
    name: str,
    begin: Callable[[], Working],
    *,
    troubles: Mapping[type[Exception], str] = NONE,
    hopeless: tuple[type[Exception], ...] = (),
) -> None:
    """Run sessions until the process is asked to stop.

    `troubles` are expected beside those of the store, each with the name of what is away then: they are logged in a
    sentence, everything else with its traceback. `hopeless` ones are raised: starting again does not help.
    """
    loop = process.vitals.loop(name, PATIENCE_SECONDS)
    process.vitals.troubled(name, "is starting")
    wait = FIRST_SECONDS
    expected: dict[type[Exception], str] = {StoreError: DATABASE, OSError: name, **troubles}
    while not process.stop.is_set():
        loop.beat()
        session: Working | None = None
        try:
            session = begin()
            while not process.stop.is_set():
                session.turn()
                loop.beat()
                if session.at_work:
                    wait = FIRST_SECONDS
                    process.vitals.well(name)
                process.report_outages(name, *expected.values(), well=session.at_work)
            session.finish()
        except hopeless:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, starting again from the store is safe
            process.vitals.troubled(name, str(error) or type(error).__name__)
            _report(process, name, error, expected)
            process.stop.wait(wait * random.uniform(0.7, 1.3))
            wait = min(wait * 2, LONGEST_SECONDS)
        finally:
            if session is not None:
                _close(session)


def rest_seconds(seen: int, page: int) -> float:
    """How long a follower rests after a turn in which it saw so many events, where a turn takes at most a page of them.

    In a rush what comes meanwhile is then taken together: one transaction, for which those who write wait once. A few events
    are followed at once, and so is a backlog, which fills its page.
    """
    return REST_SECONDS if RUSH_EVENTS <= seen < page else 0.0


def _report(process: Process, name: str, error: Exception, expected: Mapping[type[Exception], str]) -> None:
    RESTARTS.labels(type(error).__name__).inc()
    if isinstance(error, FencedSource):
        log.warning("another process has taken over", part=name, error=str(error))
        return
    away = next((what for kind, what in expected.items() if isinstance(error, kind)), None)
    process.outages.begins(away or name, error, mistake=away is None)


def _close(session: Working) -> None:
    try:
        session.close()
    except Exception as error:  # noqa: BLE001 - the clients are given up anyway
        log.warning("a client could not be closed", error=str(error), why=type(error).__name__)
