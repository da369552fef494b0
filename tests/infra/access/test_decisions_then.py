"""What workers had decided by another time, as far as it was known then."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from domain.sharing.question import Reader
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.bootstrap import open_rapport
from infra.queries.as_at import Moment
from infra.settings import Settings
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.infra.http.telling import REPORTED, story

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


def test_decisions_are_those_that_were_made_by_then_on_what_was_known_by_then(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock=NOW)
    with open_rapport(settings) as rapport:
        rapport.handler.handle([json.dumps(each).encode() for each in story()])
        work_off(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None)), Event())
        asker = Asker(Reader("coordinator", "cora"), None)
        seen = Seen.of(rapport.store, rapport.engine, asker, REPORTED, NOW)
        assert seen is not None
        every = seen.decisions()
        times = [datetime.fromisoformat(each["at"]) for each in every]
        assert len(set(times)) > 1
        middle = sorted(times)[len(times) // 2]
        by_then = seen.decisions(Moment(as_of=middle))
        assert by_then == [each for each, at in zip(every, times, strict=True) if at <= middle]
        assert 0 < len(by_then) < len(every)
        assert seen.decisions(Moment(known_at=NOW - timedelta(days=1))) == []
        early = seen.decisions(Moment(version=3))
        assert all(version <= 3 for each in early for version in each["evidence"])
        assert len(early) < len(every)
