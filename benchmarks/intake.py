"""The way of a message, JSON line in to receipt out, committed, against the library saving once an event.

The library is spared everything but storing: no JSON is parsed, nothing validated or decided, no receipt kept.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.peer import Relationship, application, begin, tell
from infra.bootstrap import open_rapport
from infra.intake.lines import batches
from infra.intake.message import Message, parse
from infra.intake.pending_commit import PendingCommit
from infra.settings import Settings
from infra.simulate import Simulation

PHASES = ("parse and validate", "read what it needs, decide, fold, encode", "commit", "write receipts")


def run(*, full: bool) -> None:
    relationships, rounds = (800, 5) if full else (150, 3)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "messages.jsonl"
        raws = list(Simulation(relationships, 1).messages())
        file.write_bytes(b"\n".join(raws))
        ours, theirs = [], []
        for number in range(rounds):
            ours.append(_ours(file, Path(folder) / f"rapport-{number}.sqlite") / len(raws))
            theirs.append(_theirs(raws, Path(folder) / f"library-{number}.sqlite") / len(raws))
        print(f"{len(raws)} messages of {file.stat().st_size // len(raws)} bytes, {rounds} rounds in turn, medians")
        mine, its = statistics.median(ours), statistics.median(theirs)
        print(f"  Rapport, the full path       {mine * 1e6:7.1f} µs a message  {1 / mine:8,.0f}/s")
        print(f"  eventsourcing, one save each {its * 1e6:7.1f} µs an event    {1 / its:8,.0f}/s")
        print(f"  ratio                        {its / mine:7.1f} (wanted: 2.5)")
        _print_phases(file, Path(folder) / "phases.sqlite", len(raws))


def _rapport(store: Path) -> Settings:
    return Settings(store=f"sqlite:///{store}")


def _ours(file: Path, store: Path) -> float:
    with open_rapport(_rapport(store)) as rapport, file.open("rb") as stream, Path("/dev/null").open("wb") as out:
        start = time.perf_counter()
        for lines, _ in batches(stream):
            receipts = rapport.handler.handle(lines)
            out.write(b"".join(receipt.to_json() + b"\n" for receipt in receipts))
            assert all(receipt.status == "accepted" for receipt in receipts)
        return time.perf_counter() - start


def _theirs(raws: Sequence[bytes], file: Path) -> float:
    facts = [orjson.loads(raw) for raw in raws]
    app = application(file)
    relationships: dict[str, Relationship] = {}
    start = time.perf_counter()
    for fact in facts:
        found = relationships.get(fact["subject"])
        if found is None:
            found = relationships[fact["subject"]] = begin(fact)
        else:
            tell(found, fact)
        app.save(found)
    took = time.perf_counter() - start
    app.close()
    return took


def _print_phases(file: Path, store: Path, count: int) -> None:
    """Take the steps of `Handler.handle` one by one and say how long each took."""
    spent = [0.0] * len(PHASES)
    with open_rapport(_rapport(store)) as rapport, file.open("rb") as stream:
        handler = rapport.handler
        for lines, _ in batches(stream):
            times = [time.perf_counter()]
            messages = [message for message in map(parse, lines) if isinstance(message, Message)]
            times.append(time.perf_counter())
            commit = PendingCommit(messages, (), handler.senders, handler.finish)
            handler._decide_optimistically(commit)  # noqa: SLF001 - the steps are the handler's own
            times.append(time.perf_counter())
            handler._send(commit)  # noqa: SLF001
            handler._end(commit)  # noqa: SLF001
            times.append(time.perf_counter())
            b"".join(receipt.to_json() + b"\n" for receipt in commit.receipts())
            times.append(time.perf_counter())
            spent = [sum_ + end - start for sum_, start, end in zip(spent, times, times[1:], strict=False)]
    print("  where a message's time goes:")
    for phase, seconds in zip(PHASES, spent, strict=True):
        print(f"    {phase:26} {seconds / count * 1e6:6.1f} µs")
