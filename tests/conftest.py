"""What every test may ask for: real servers (see tests/servers.py), and stores of both kinds (tests/stores.py)."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

from tests import command

pytest_plugins = ("tests.servers", "tests.stores")

# Examples of each property that names no number itself. HYPOTHESIS_PROFILE=thorough looks for rarer ones.
settings.register_profile("usual", max_examples=60, deadline=None)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

# Stores and servers of tests lie in memory where there is enough of it: to make their thousands of files costs half as much.
# Nothing is kept, and no test can tell (those of durability ask what was written, not where).
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 6 * 2**30
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# Keys of stores on PostgreSQL, which lie in the user's data folder, go with the tests. A process of xdist has it from the first.
if "PYTEST_XDIST_WORKER" not in os.environ:
    DATA = tempfile.TemporaryDirectory(prefix="rapport-tests-data-")
    os.environ["XDG_DATA_HOME"] = DATA.name

# Groups whose tests take minutes one after the other. They begin first, so that all processes end together.
LONGEST = ("kafka-faults", "kafka-outages", "browser", "year", "roads")
# Groups and files that wait most of their time: for brokers, for leases to run out, for servers that are away.
WAITING = (
    "kafka-",
    "browser",
    "tests/infra/kafka/",
    "tests/infra/http/test_store_away.py",
    "tests/infra/http/test_webhooks.py",
    "tests/infra/notifications/test_deliver.py",
)


class FilesAndGroups(LoadGroupScheduling):  # type: ignore[misc]
    """The tests of a file go to one process, as those of a group do: what a module prepares for its tests is prepared once.

    Thousands of tests given out one by one would also cost the process that gives them out.
    """

    def _split_scope(self, nodeid: str) -> str:
        return str(super()._split_scope(nodeid)).partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Every second process begins with the tests that wait, so that the others have the processors meanwhile."""
        waits = self.nodes.index(node) % 2 == 0
        for scope in self.workqueue:
            if scope.startswith(WAITING) == waits:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling | None:
    return FilesAndGroups(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    marker = item.get_closest_marker("xdist_group")
    group = marker.args[0] if marker else None
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector, which then leaves alone what was collected: thousands of tests that stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    command.close()
