"""What sealing costs: the whole intake with and without it, and reading histories of a thousand events; in processor time."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.bootstrap import Rapport, open_rapport
from infra.intake.handler import Handler
from infra.intake.lines import batches
from infra.settings import Settings
from infra.simulate import Simulation
from infra.store.log import EventStore

HISTORY = 1_000


def run(*, full: bool) -> None:
    relationships, rounds = (600, 5) if full else (150, 3)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "messages.jsonl"
        raws = list(Simulation(relationships, 1).messages())
        file.write_bytes(b"\n".join(raws))
        sealed, plain = [], []
        for number in range(rounds):
            sealed.append(_intake(file, Path(folder) / f"sealed-{number}.sqlite", _sealing))
            plain.append(_intake(file, Path(folder) / f"plain-{number}.sqlite", _in_the_clear))
        _print(f"intake of {len(raws)} messages", sealed, plain, 1.3)
        stores = [Path(folder) / f"{name}-0.sqlite" for name in ("sealed", "plain")]
        with_, without = (_histories(store, rounds) for store in stores)
        _print(f"histories of {HISTORY} events", with_, without, 2.0)


def _sealing(rapport: Rapport) -> Handler:
    return rapport.handler


def _in_the_clear(rapport: Rapport) -> Handler:
    return Handler(EventStore(rapport.database), rapport.clock)


def _intake(file: Path, store: Path, handler_of: Callable[[Rapport], Handler]) -> float:
    with open_rapport(Settings(store=f"sqlite:///{store}", synchronous="off")) as rapport, file.open("rb") as stream:
        handler = handler_of(rapport)
        start = time.process_time()
        for lines, _ in batches(stream):
            for receipt in handler.handle(lines):
                receipt.to_json()
        return time.process_time() - start


def _histories(store: Path, rounds: int) -> list[float]:
    """The time to read whole streams with their content until there are a thousand events; keys are read in the first round."""
    with open_rapport(Settings(store=f"sqlite:///{store}")) as rapport:
        query = "SELECT DISTINCT originator_id FROM stored_events ORDER BY 1"
        subjects = [row[0] for row in rapport.database.query(query) if ":" not in row[0]]
        return [_reading(rapport.store, subjects) for _ in range(rounds)]


def _reading(store: EventStore, subjects: list[str]) -> float:
    found, start = 0, time.process_time()
    for subject in subjects:
        found += len(store.read(subject))
        if found >= HISTORY:
            break
    return (time.process_time() - start) * HISTORY / found


def _print(what: str, sealed: list[float], plain: list[float], wanted: float) -> None:
    with_, without = min(sealed), min(plain)
    print(f"{what}, {len(sealed)} rounds in turn, the best of each (median {statistics.median(sealed):.3f} s sealed)")
    print(
        f"  sealed {with_ * 1e3:8.1f} ms   in the clear {without * 1e3:8.1f} ms   ratio {with_ / without:.2f} (wanted: at most {wanted})"
    )
