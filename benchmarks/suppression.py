"""What `rapport nps` shows: no figure of too few people follows from it, and how many figures are shown.

The check shares nothing with the package. It counts the people of each figure from the messages themselves, and asks by ranks whether
a small figure is in the span of all shown ones: over whole numbers for random tables, modulo a prime for simulated programmes.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import orjson

from infra.bootstrap import open_rapport
from infra.projection_engine.engine import Engine
from infra.queries.nps import figures
from infra.queries.nps_record import EVER, KEYS, Window
from infra.settings import Settings
from infra.simulate import messages
from tests.domain.test_suppression import THREE_KEYS, check, check_people, random_cells

Cell = tuple[str, ...]
PRIME = 2**31 - 1
MINIMUM = 5
WINDOWS = 12
BATCH = 500
NAMES: dict[tuple[int, ...], str] = {
    (): "total",
    (0,): "programme",
    (2,): "month",
    (0, 2): "programme, month",
    (1,): "mentor",
    (0, 1): "programme, mentor",
    (1, 2): "mentor, month",
    (0, 1, 2): "all three",
}
Question = tuple[str, str]
Matrix = npt.NDArray[np.int64]


def run(*, full: bool) -> None:
    tables(50_000 if full else 1_000)
    for relationships in (2_000, 10_000) if full else (300,):
        programme(relationships)


def tables(count: int) -> None:
    """Random small tables, each checked whole."""
    start, random, shown, enough = time.perf_counter(), Random(17), 0, 0
    for _ in range(count):
        cells = random_cells(random)
        seen, big = check(cells, THREE_KEYS)
        check_people(cells, THREE_KEYS)
        shown, enough = shown + seen, enough + big
    taken = time.perf_counter() - start
    print(f"   {count:,} random tables: no small figure follows, and nothing of too few people; {shown:,} of {enough:,} figures of enough people shown ({taken:.0f} s)")  # fmt: skip


def programme(relationships: int) -> None:
    """A simulated programme: all tables, over all months and in windows."""
    with TemporaryDirectory(prefix="rapport-bench-") as folder:
        store = f"sqlite:///{Path(folder) / 'store.sqlite'}"
        with open_rapport(Settings(store=store, synchronous="off")) as rapport:
            told = messages(relationships, 17)
            people = Answers()
            while batch := list(islice(told, BATCH)):
                receipts = rapport.handler.handle(batch)
                assert all(receipt.status == "accepted" for receipt in receipts)
                people.hear(batch)
            engine = rapport.engine()
            engine.catch_up()
            taken = question_times(engine)
            windows = [EVER, *some_windows(people.months())]
            shown = Shown(people)
            for window in windows:
                for keys in NAMES:
                    shown.take(engine, keys, window)
    found = shown.check()
    print(f"   {relationships:,} relationships, {len(windows)} windows, {sum(map(len, shown.seen.values())):,} figures shown: none of {found:,} small figures follows")  # fmt: skip
    print(f"   a table takes {min(taken):.2f} to {max(taken):.2f} s (wanted: at most 2)")
    print("   table               rows   5 answers  5 people   shown")
    for keys, name in NAMES.items():
        counts = shown.counts[keys]
        print(f"   {name:<18} {counts['rows']:>5} {counts['answers']:>11} {counts['people']:>9} {counts['shown']:>7}")


def question_times(engine: Engine) -> list[float]:
    """Seconds that each table takes."""
    taken = []
    for keys in NAMES:
        start = time.perf_counter()
        figures(engine, [KEYS[key] for key in keys])
        taken.append(time.perf_counter() - start)
    return taken


def some_windows(months: Sequence[str]) -> Iterator[Window]:
    """Windows of all lengths, open ones too."""
    random = Random(3)
    for _ in range(WINDOWS):
        first, last = sorted(random.choices(months, k=2))
        yield Window(first if random.random() < 0.8 else None, last if random.random() < 0.8 else None)


class Answers:
    """Who answered what, counted from the messages: by role and occasion, and by programme, mentor and month."""

    def __init__(self) -> None:
        self.zones: dict[str, ZoneInfo] = {}
        self.parties: dict[str, tuple[str, str]] = {}
        self.latest: dict[tuple[str, str, str], tuple[datetime, str]] = {}

    def hear(self, batch: Sequence[bytes]) -> None:
        """Take in messages that were accepted."""
        for line in batch:
            told = orjson.loads(line)
            subject, data = told["subject"], told["data"]
            match told["type"]:
                case "rapport.CreateProgramme":
                    self.zones[subject.partition(":")[2]] = ZoneInfo(data["timezone"])
                case "rapport.ProposeRelationship":
                    self.parties[subject] = data["programme_id"], data["mentor_id"]
                case "rapport.RespondToNps":
                    role = told["actor"].partition(":")[0]
                    when = datetime.fromisoformat(told["time"]), told["actor"]
                    key = subject, role, data["occasion"]
                    self.latest[key] = max(self.latest.get(key, when), when)
                case _:
                    pass

    def cells(self, role: str, occasion: str) -> dict[Cell, list[str]]:
        """Who gave the answers of each cell."""
        found: dict[Cell, list[str]] = {}
        for (subject, answered, asked), (at, actor) in self.latest.items():
            if (answered, asked) == (role, occasion):
                programme_id, mentor = self.parties[subject]
                month = f"{at.astimezone(self.zones[programme_id]):%Y-%m}"
                found.setdefault((programme_id, mentor, month), []).append(actor)
        return found

    def months(self) -> list[str]:
        """The months with answers."""
        return sorted({f"{at:%Y-%m}" for at, _ in self.latest.values()})


class Shown:
    """What was shown, and which figures have too few people, as sets of cells of one question each."""

    def __init__(self, people: Answers) -> None:
        self.people = people
        self.cells: dict[Question, dict[Cell, list[str]]] = {}
        self.seen: dict[Question, set[frozenset[Cell]]] = {}
        self.small: dict[Question, set[frozenset[Cell]]] = {}
        self.counts: dict[tuple[int, ...], Counter[str]] = {keys: Counter() for keys in NAMES}

    def take(self, engine: Engine, keys: tuple[int, ...], window: Window) -> None:
        """Ask for a table, and compare each row with the people who are behind it."""
        parts: dict[Question, dict[Cell, list[Cell]]] = {}
        for row in figures(engine, [KEYS[key] for key in keys], window):
            question = row["role"], row["occasion"]
            if question not in parts:
                parts[question] = self._parts(question, keys, window)
            cells = parts[question].get(tuple(row[KEYS[key]] for key in keys), [])
            answers = [person for cell in cells for person in self.cells[question][cell]]
            self._take_row(question, frozenset(cells), answers, row)
            if window == EVER:
                counts = self.counts[keys]
                counts["rows"] += 1
                counts["answers"] += len(answers) >= MINIMUM
                counts["people"] += len(set(answers)) >= MINIMUM
                counts["shown"] += not row["suppressed"]

    def _parts(self, question: Question, keys: tuple[int, ...], window: Window) -> dict[Cell, list[Cell]]:
        if question not in self.cells:
            self.cells[question] = self.people.cells(*question)
            self.small[question] = set(small_ranges(self.cells[question]))
            self.seen[question] = set()
        found: dict[Cell, list[Cell]] = {}
        for cell in self.cells[question]:
            if window.holds(cell[2]):
                found.setdefault(tuple(cell[key] for key in keys), []).append(cell)
        return found

    def _take_row(self, question: Question, cells: frozenset[Cell], answers: list[str], row: dict[str, Any]) -> None:
        if len(set(answers)) < MINIMUM:
            assert row["suppressed"], (question, row)
            if cells:
                self.small[question].add(cells)
        elif not row["suppressed"]:
            assert (row["n"], row["respondents"]) == (len(answers), len(set(answers))), (question, row)
            self.seen[question].add(cells)

    def check(self) -> int:
        """That no small figure is in the span of the shown ones; how many small figures there are."""
        for question, small in self.small.items():
            assert_none_follows(small, sorted(self.seen[question], key=sorted))
        return sum(map(len, self.small.values()))


def small_ranges(cells: dict[Cell, list[str]]) -> Iterator[frozenset[Cell]]:
    """The figures of too few people over neighbouring months, of all, by programme, by mentor and by both, asked for or not."""
    for keys in ((), (0,), (1,), (0, 1)):
        groups: dict[Cell, list[Cell]] = {}
        for cell in sorted(cells, key=lambda cell: cell[2]):
            groups.setdefault(tuple(cell[key] for key in keys), []).append(cell)
        for group in groups.values():
            for start in range(len(group)):
                people: set[str] = set()
                for end in range(start, len(group)):
                    people.update(cells[group[end]])
                    if len(people) >= MINIMUM:
                        break
                    # A month has to be in it whole.
                    whole = (end + 1 == len(group) or group[end + 1][2] != group[end][2]) and (start == 0 or group[start - 1][2] != group[start][2])  # fmt: skip
                    if whole:
                        yield frozenset(group[start : end + 1])


def assert_none_follows(small: set[frozenset[Cell]], seen: list[frozenset[Cell]]) -> None:
    """No small sum of cells is a combination of the shown ones."""
    members: dict[Cell, list[int]] = {}
    for place, cells in enumerate(seen):
        for cell in cells:
            members.setdefault(cell, []).append(place)
    # Cells that are in the same sums are one unknown: no combination tells them apart.
    classes: dict[tuple[int, ...], set[Cell]] = {}
    for cell, places in members.items():
        classes.setdefault(tuple(places), set()).add(cell)
    matrix = np.zeros((len(seen), len(classes)), dtype=np.int64)
    for column, shown_in in enumerate(classes):
        matrix[list(shown_in), column] = 1
    column_of = {cell: column for column, unknown in enumerate(classes.values()) for cell in unknown}
    sizes = [len(unknown) for unknown in classes.values()]
    rows, pivots = reduced(matrix)
    for cells in small:
        parts = Counter(column_of.get(cell, -1) for cell in cells)
        if all(column >= 0 and sizes[column] == count for column, count in parts.items()):
            vector = np.zeros(len(sizes), dtype=np.int64)
            vector[list(parts)] = 1
            for row, pivot in zip(rows, pivots, strict=True):
                vector = (vector - vector[pivot] * row) % PRIME
            assert vector.any(), f"{sorted(cells)} follows"


def reduced(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """The rows in echelon form modulo the prime, and the place of the first number of each, which is 1."""
    rows, pivots = matrix.copy(), list[int]()
    for column in range(rows.shape[1]):
        done = len(pivots)
        candidates = np.nonzero(rows[done:, column])[0]
        if not len(candidates):
            continue
        chosen = done + int(candidates[0])
        rows[[done, chosen]] = rows[[chosen, done]]
        rows[done] = rows[done] * pow(int(rows[done, column]), -1, PRIME) % PRIME
        others = np.nonzero(rows[done + 1 :, column])[0] + done + 1
        rows[others] = (rows[others] - rows[others, column][:, None] * rows[done]) % PRIME
        pivots.append(column)
    return rows[: len(pivots)], pivots
