"""Every question of the command line, as a user asks it, of programmes of two sizes; at most 3 s wanted, but for a few.

The commands are processes of their own, so their start is in the figure. The seconds that the processors worked count: on a machine that does
nothing else they are those that pass. Those that passed stand in brackets, and behind them what part of 3 s was worked at the largest size.
"""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate import messages

RAPPORT = str(Path(sys.executable).with_name("rapport"))
BATCH = 2_000
MOST_SECONDS = 3.0
LEAST_ROWS_PER_SECOND = 150_000
AS_OF = "2024-10-01"
# What reads or makes everything anew; in brackets in the list.
MAY_TAKE_LONGER = {"work", "export", "rebuild", "verify"}


def run(*, full: bool) -> None:
    sizes = (2_000, 10_000) if full else (200,)
    found: dict[str, list[tuple[float, float]]] = {}
    rows_per_second = []
    for relationships in sizes:
        with TemporaryDirectory(prefix="rapport-bench-") as folder:
            store = Store(Path(folder), relationships)
            for name, arguments in store.questions().items():
                found.setdefault(name, []).append(store.ask(*arguments))
            rows_per_second.append(store.rows() / found["export timeline"][-1][1])
    heading = "".join(f"{size:>16,}" for size in sizes)
    print(f"   {'seconds of a processor (passed)':<36}{heading}{'of 3 s':>8}")
    for name, taken in found.items():
        over = not MAY_TAKE_LONGER & set(name.split()) and any(cpu > MOST_SECONDS for _, cpu in taken)
        times = "".join(f"{f'{cpu:.2f} ({wall:.2f})':>16}" for wall, cpu in taken)
        print(f"   {name:<36}{times}{taken[-1][1] / MOST_SECONDS:>8.2f}{'  over 3 s' if over else ''}")
    rates = ", ".join(f"{rate:,.0f}" for rate in rows_per_second)
    print(f"   export timeline, with its start: {rates} rows/s of a processor (wanted: {LEAST_ROWS_PER_SECOND:,})")


class Store:
    """A store with a simulated programme, at the head of its log, with the workers' books."""

    def __init__(self, folder: Path, relationships: int) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'rapport.sqlite'}"
        with open_rapport(Settings(store=self.url, synchronous="off")) as rapport:
            told = messages(relationships, 17)
            while batch := list(islice(told, BATCH)):
                assert all(receipt.status == "accepted" for receipt in rapport.handler.handle(batch))
            rapport.engine().catch_up()
            with rapport.store.database.reading() as session:
                longest = (
                    "SELECT relationship_id, mentee_id FROM relationships WHERE line_manager_id IS NOT NULL "
                    "ORDER BY sessions_completed DESC LIMIT 1"
                )
                ((self.relationship, self.mentee),) = session.query(longest)
                middle = (
                    "SELECT state FROM stored_events WHERE position = (SELECT MAX(position) / 2 FROM stored_events)"
                )
                self.half = orjson.loads(session.query(middle)[0][0])["recorded_at"]
        self.work = self.ask("work", "--once")

    def rows(self) -> int:
        """How many rows the last export had."""
        manifest = json.loads((self.folder / "timeline.csv.manifest.json").read_text())
        return int(manifest["rows"])

    def ask(self, *arguments: str) -> tuple[float, float]:
        """Seconds that a command took, and seconds that processors worked on it."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        environment = os.environ | {"RAPPORT_STORE": self.url}
        done = subprocess.run([RAPPORT, *arguments], cwd=self.folder, env=environment, capture_output=True, check=False)
        taken, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, (arguments, done.stderr)
        return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def questions(self) -> dict[str, tuple[str, ...]]:
        """The commands by what they are called here."""
        one, person = self.relationship, self.mentee
        every = {
            "show": ("show", one),
            "history": ("history", one),
            "attempts": ("attempts",),
            "decisions": ("decisions", one),
            "reads": ("reads",),
            "can-share": ("can-share", "goals", "--relationship", one, "--to", f"mentee:{person}"),
            "report": ("report", one, "--to", "line_manager"),
            "subject": ("subject", person),
            "erase plan": ("erase", "plan", person),
            "tasks": ("tasks",),
            "health of one": ("health", one),
            "health": ("health",),
            "health --as-of": ("health", "--as-of", AS_OF),
            "health --known-at, before all": ("health", "--known-at", AS_OF),
            "health --known-at, half of all": ("health", "--known-at", self.half),
            "health --known-at, now": ("health", "--known-at", datetime.now(UTC).isoformat()),
            "what-if of one": ("what-if", "--set", "late_notice_hours=48", one),
            "what-if": ("what-if", "--set", "late_notice_hours=48"),
            "nps": ("nps",),
            "nps --by programme --by month": ("nps", "--by", "programme", "--by", "month"),
            "nps --by mentor": ("nps", "--by", "mentor"),
            "nps in a window": ("nps", "--from", "2024-06", "--to", "2024-12"),
            "nps --as-of": ("nps", "--as-of", AS_OF),
            # The record was loaded at once, so what was known at the last end of a month is nothing; corrections since are all of them.
            "nps --known-at, before all": ("nps", "--known-at", AS_OF),
            "nps --known-at, half of all": ("nps", "--known-at", self.half),
            "nps --known-at, now": ("nps", "--known-at", datetime.now(UTC).isoformat()),
            "projections status": ("projections", "status"),
            "projections check": ("projections", "check"),
            "codes list": ("codes", "list"),
        }
        asked = ["survival", "cohorts", "activation", "nps", "responses", "calibration", "funnel", "load"]
        asked += ["bands", "signals", "endings", "pauses", "practices"]
        every |= {f"explore {question}": ("explore", question) for question in asked}
        every["explore survival --by mentor"] = ("explore", "survival", "--by", "mentor")
        every["export timeline"] = ("export", "timeline", "-o", "timeline.csv")
        every["export sessions"] = ("export", "sessions", "-o", "sessions.parquet")
        every["export sessions --as-of"] = ("export", "sessions", "-o", "then.csv", "--as-of", AS_OF)
        every["projections rebuild"] = ("projections", "rebuild")
        every["audit verify"] = ("audit", "verify")
        return every
