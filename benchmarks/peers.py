"""Rapport beside other event stores, each in a database of its own on one PostgreSQL, in turn: the best of some rounds.

Processor time is that of the clients and of the server together; it depends less than the rates on what else the machine
does. All are given the same messages of about 250 bytes. They do not do the same work: what each does beside stands below the table.
The peers of npm are installed into a temporary folder; without node and npm their columns are empty.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import version
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from uuid import UUID

import psutil
import psycopg

from benchmarks.peers_npm import PACKAGES, Emmett, install, message_db
from benchmarks.peers_python import CLIENTS, Peer, library, ours
from benchmarks.postgres import message
from infra.local.postgres import Postgres

NAMES: Final = ("Rapport", "eventsourcing", "message-db", "Emmett")
BATCH: Final = 100
# The log that is projected: so many streams with so many events each, which come in turns, some at a time.
STREAMS, EACH, AT_A_TIME = 1000, 20, 5
LOADED: Final = 200
Measure = Callable[[Peer], "Cost"]
_fresh = count(1)
BESIDE: Final = """
  done beside                 Rapport  eventsourcing  message-db  Emmett
  a stale version refused         yes            yes         yes     yes
  same message sent again    answered              -     refused       -
  form and rules checked          yes              -           -       -
  receipt kept                    yes              -           -       -
  hash chain and tree             yes              -           -       -
  content sealed by keys          yes              -           -       -
  one projection for all          yes            yes    category     yes
  committed by                   page          event    own loop    page"""


def run(*, full: bool) -> None:
    rounds = 7 if full else 3
    projected = {**dict.fromkeys(NAMES, STREAMS * EACH), **({} if full else {"eventsourcing": 1000})}
    with TemporaryDirectory(prefix="rapport-peers-", ignore_cleanup_errors=True) as temporary, ExitStack() as closing:
        folder = Path(temporary)
        folder.chmod(0o711)
        packages = folder / "npm"
        missing = install(packages)
        server = closing.enter_context(Postgres(folder / "server", durable=True))
        urls = {name: server.create_database(name.lower().replace("-", "_")) for name in NAMES}
        peers: dict[str, Peer] = {
            "Rapport": closing.enter_context(ours(urls["Rapport"], folder)),
            "eventsourcing": closing.enter_context(library(urls["eventsourcing"], projected["eventsourcing"])),
        }
        if missing:
            print(f"  Without message-db and Emmett: {missing}.")
        else:
            peers["message-db"] = closing.enter_context(message_db(urls["message-db"], packages))
            peers["Emmett"] = closing.enter_context(Emmett(urls["Emmett"], packages))
        _print_versions(urls["Rapport"])
        found = {}
        for what, measure, times in _workloads(Meter(server.pid), rounds):
            costs: dict[str, list[Cost]] = {name: [] for name in peers}
            for _ in range(times):
                for name, peer in peers.items():
                    costs[name].append(measure(peer))
            found[what] = costs
        for name in peers:
            assert _counted(urls[name]) == projected[name], name
    print_table("events a second", found, lambda costs: max(each.rate for each in costs), max)
    print_table("processor, us an event", found, lambda costs: min(each.processor for each in costs), min)
    print(f"  ratio: Rapport to the best of the others\n{BESIDE}")


class Cost(NamedTuple):
    """Events a second, and the microseconds of a processor for each, of clients and server together."""

    rate: float
    processor: float


class Meter:
    """What the clients and the server use of the processors."""

    def __init__(self, server: int) -> None:
        self.server = server

    def cost(self, peer: Peer, work: Callable[[], tuple[int, float]]) -> Cost:
        """Of work that returns how many events it was about, and in which time."""
        before = self._used(peer)
        events, seconds = work()
        return Cost(events / seconds, 1e6 * (self._used(peer) - before) / events)

    def _used(self, peer: Peer) -> float:
        server = psutil.Process(self.server)
        # A connection that has ended counts as the server's own.
        ended = server.cpu_times()
        used: float = ended.children_user + ended.children_system
        for process in (psutil.Process(peer.pid), server, *server.children()):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used


def _workloads(meter: Meter, rounds: int) -> list[tuple[str, Measure, int]]:
    """What is measured, how, and how often; the projection is built once, while its log has nothing else."""
    return [
        (f"projection, {STREAMS * EACH:,} events", lambda peer: _projection(meter, peer), 1),
        ("1 client, 1 a commit", lambda peer: _appends(meter, peer, 1, 300, 1), rounds),
        (f"{CLIENTS} clients, 1 a commit", lambda peer: _appends(meter, peer, CLIENTS, 100, 1), rounds),
        (f"1 client, {BATCH} a commit", lambda peer: _appends(meter, peer, 1, 20, BATCH), rounds),
        (f"load a stream of {LOADED}", lambda peer: _load(meter, peer), rounds),
    ]


def _subjects(number: int) -> list[str]:
    return [str(UUID(int=next(_fresh), version=4)) for _ in range(number)]


def _appends(meter: Meter, peer: Peer, clients: int, each: int, size: int) -> Cost:
    """Every client has a stream of its own, and waits for each commit before it sends the next batch."""
    subjects = _subjects(clients)
    peer.append(peer.prepare([[[message(subject, -1)]] for subject in subjects]))
    numbers = [range(start, start + size) for start in range(0, each * size, size)]
    batches = [[[message(subject, number) for number in batch] for batch in numbers] for subject in subjects]
    prepared = peer.prepare(batches)
    return meter.cost(peer, lambda: (clients * each * size, peer.append(prepared)))


def _load(meter: Meter, peer: Peer) -> Cost:
    (subject,) = _subjects(1)
    peer.append(peer.prepare([[[message(subject, number) for number in range(-1, LOADED - 1)]]]))
    return meter.cost(peer, lambda: (LOADED * LOADED, peer.load(subject, LOADED, LOADED)))


def _projection(meter: Meter, peer: Peer) -> Cost:
    subjects = _subjects(STREAMS)
    batches = []
    for turn in range(-1, EACH - 1, AT_A_TIME):
        for start in range(0, STREAMS, BATCH):
            together = subjects[start : start + BATCH]
            batches.append([message(each, number) for each in together for number in range(turn, turn + AT_A_TIME)])
    peer.append(peer.prepare([batches]))
    return meter.cost(peer, peer.project)


def _counted(url: str) -> int:
    """How many events the projection holds, by its table."""
    with psycopg.connect(url) as connection:
        (found,) = connection.execute("SELECT sum(events)::bigint FROM event_counts").fetchone() or (0,)
    return int(found)


def _print_versions(url: str) -> None:
    with psycopg.connect(url) as connection:
        postgres = connection.info.parameter_status("server_version")
    print(f"  {os.cpu_count()} cores, PostgreSQL {postgres}, fsync on; eventsourcing {version('eventsourcing')}")
    print(f"  {', '.join(f'{name} {number}' for name, number in PACKAGES.items())}")


def print_table(
    unit: str, found: Mapping[str, Mapping[str, Sequence[Cost]]], figure: Callable[[Sequence[Cost]], float], best: Any
) -> None:
    """Print a figure of every workload and peer, and how Rapport's compares with the `best` of the others."""
    print(f"  {unit:26}" + _cells(*NAMES, "ratio"))
    for what, costs in found.items():
        figures = {name: figure(of) for name, of in costs.items()}
        ratio = figures[NAMES[0]] / best(each for name, each in figures.items() if name != NAMES[0])
        cells = [f"{figures[name]:,.0f}" if name in figures else "-" for name in NAMES]
        print(f"  {what:26}" + _cells(*cells, f"{ratio:.2f}"))


def _cells(*cells: str) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, (9, 15, 12, 8, 7), strict=True))
