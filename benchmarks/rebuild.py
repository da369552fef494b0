"""The state of a relationship with 1,000 events, rebuilt from disk, against the library's aggregate with as many."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import orjson

from benchmarks.peer import act, application, begin
from infra.bootstrap import open_rapport
from infra.intake.folding import fold_streams
from infra.settings import Settings

SUBJECT = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10"
EVENTS = 1000
CHECKED = ("connection", "microphone", "speakers", "camera", "quiet", "background")
START = datetime(2020, 1, 6, 9, tzinfo=UTC)


def run(*, full: bool) -> None:
    rounds = 200 if full else 50
    with TemporaryDirectory() as folder:
        store = Settings(store=f"sqlite:///{Path(folder) / 'rapport.sqlite'}", synchronous="off")
        raws = [orjson.dumps(message) for message in _life()][:EVENTS]
        with open_rapport(store) as rapport:
            receipts = rapport.handler.handle(raws)
            events = sum(len(receipt.events) for receipt in receipts)
            assert all(receipt.status == "accepted" for receipt in receipts)
            id_, app = _library(raws, Path(folder) / "library.sqlite")
            mine, its, read = [], [], []
            for _ in range(rounds):
                mine.append(_timed(lambda: fold_streams(rapport.store, [SUBJECT])))
                its.append(_timed(lambda: app.repository.get(id_)))
                read.append(_timed(lambda: rapport.store.stored(SUBJECT)))
            app.close()
    ours, theirs, raw = (min(times) for times in (mine, its, read))
    print(f"{events} events, {rounds} rounds in turn, best CPU times")
    print(f"  Rapport: read, decode, fold            {ours * 1e3:6.2f} ms")
    print(f"  eventsourcing: repository.get          {theirs * 1e3:6.2f} ms")
    print(f"  reading the stored bytes alone         {raw * 1e3:6.2f} ms")
    print(f"  ratio                                  {theirs / ours:6.1f} (wanted: 5)")


def _timed(step: Callable[[], object]) -> float:
    start = time.process_time()
    step()
    return time.process_time() - start


def _library(raws: list[bytes], file: Path) -> tuple[UUID, Any]:
    app = application(file)
    proposal, *facts = map(orjson.loads, raws)
    relationship = begin(proposal)
    for fact in facts:
        act(relationship, fact)
    app.save(relationship)
    return relationship.id, app


def _life() -> Iterator[dict[str, Any]]:
    """A long relationship: session after session, moved, checked, held, noted, with goals, homework and contacts."""
    at, number = START, 0

    def told(type_: str, actor: str, **data: Any) -> dict[str, Any]:
        nonlocal number, at
        number += 1
        at += timedelta(hours=1)
        return {
            "specversion": "1.0",
            "id": f"b-{number}",
            "source": "/benchmarks",
            "type": f"rapport.{type_}",
            "subject": SUBJECT,
            "time": at.isoformat(),
            "actor": actor,
            "data": data,
        }

    yield told("ProposeRelationship", "service:s", programme_id="p", mentee_id="ana", mentor_id="ben", codes=[])
    goal = {"title": "Lead a team", "type": "leadership", "source": "mentee", "agreed_by": ["mentee", "mentor"]}
    yield told("AgreeGoal", "mentee:ana", goal_id="g1", **goal)
    yield told("ActivateRelationship", "service:s")
    # In the proportions of simulated relationships.
    for session in range(EVENTS):
        name = f"s{session}"
        later, start = at + timedelta(days=2), at + timedelta(days=3)
        moved, checked, homework = session % 4 == 0, session % 2 == 0, session % 3 < 2
        first = (later if moved else start).isoformat()
        yield told("ScheduleSession", "mentee:ana", session_id=name, starts_at=first, channel="platform")
        if moved:
            yield told("RescheduleSession", "mentee:ana", session_id=name, starts_at=start.isoformat(), reason="travel")
        if checked:
            found = dict.fromkeys(CHECKED, True)
            at = start - timedelta(minutes=30)
            early = at.isoformat()
            yield told(
                "RecordPresessionCheck", "mentor:ben", session_id=name, checked_at=early, device="computer", **found
            )
        at = start + timedelta(hours=1)
        agenda = [{"topic": "delegation", "set_by": "mentee", "goal_id": "g1", "minutes": 60, "urgent_concern": False}]
        joined = {"mentee": start.isoformat(), "mentor": start.isoformat()}
        held: dict[str, Any] = {
            "started_at": start.isoformat(),
            "ended_at": at.isoformat(),
            "present": ["mentee", "mentor"],
        }
        yield told("CompleteSession", "service:s", session_id=name, joined=joined, agenda=agenda, **held)
        yield told("RecordSessionNote", "mentor:ben", session_id=name, text="We spoke about delegation. " * 5)
        yield told("RecordGoalProgress", "mentor:ben", goal_id="g1", session_id=name, progress="some")
        if homework:
            due = {"homework_id": f"h{name}", "session_id": name, "description": "Delegate a task"}
            yield told("AssignHomework", "mentor:ben", **due)
            yield told("ReportHomework", "mentee:ana", homework_id=f"h{name}", hours=3.5, done=True)
        yield told("RecordContact", "mentee:ana", channel="email")
