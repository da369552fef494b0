"""Rapport as its users have it: a command to run, a store to query. Nothing of its inside is imported here."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.command import own_environment, rapport


def at(text: str) -> datetime:
    """A moment in UTC: "2026-03-02", "2026-03-02 09:00" or "2026-03-02 09:00:01"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Run:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Rapport:
    """One store in a folder of its own, with the clock held still.

    Answers to questions are remembered until something is submitted: starting the command costs more than answering.
    """

    def __init__(self, folder: Path, clock: datetime) -> None:
        self.folder = folder
        self.clock = clock
        self.store = folder / "rapport.sqlite"
        self._answers: dict[tuple[str, ...], Any] = {}

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        clock: datetime | None = None,
        settings: dict[str, str] | None = None,
    ) -> Run:
        environment = own_environment(
            RAPPORT_STORE=f"sqlite:///{self.store}",
            RAPPORT_CLOCK=iso(clock or self.clock),
            # A disk that is waited for changes no answer.
            RAPPORT_SYNCHRONOUS="off",
            COLUMNS="200",
            **(settings or {}),
        )
        done = rapport(*arguments, stdin=stdin, cwd=self.folder, env=environment)
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def submit(self, lines: Sequence[bytes], clock: datetime | None = None) -> list[Any]:
        """The receipts of these messages, in order."""
        self._answers.clear()
        done = self.run("submit", "-", stdin=b"".join(line + b"\n" for line in lines), clock=clock)
        receipts = done.lines
        assert len(receipts) == len(lines), done.err
        return receipts

    def work(self, until: datetime | None = None) -> Run:
        """Let the workers do all that is due by the clock, or by a later time."""
        self._answers.clear()
        how = ("--once",) if until is None else ("--until", iso(until))
        done = self.run("work", *how)
        assert done.code == 0, done.err
        return done

    def ask(self, *arguments: str) -> Any:
        """What a question answers in JSON."""
        if arguments not in self._answers:
            done = self.run(*arguments, "--json")
            assert done.code == 0, (arguments, done.err)
            self._answers[arguments] = done.json
        return self._answers[arguments]

    def history(self, subject: str) -> list[Any]:
        found: list[Any] = self.ask("history", subject)
        return found

    def show(self, subject: str, *options: str) -> Any:
        return self.ask("show", subject, *options)

    def sql(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, parameters)]
