"""How many files of ours a message passes through from its line of JSON to its commit (docs/decisions/0071)."""

import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from infra.bootstrap import open_rapport
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.settings import Settings
from infra.simulate import Simulation

ROOT = Path(__file__).parents[3]
OURS = tuple(str(ROOT / package) for package in ("domain", "infra"))
MOST = 46


def test_it_is_no_longer_than_it_was(tmp_path: Path) -> None:
    simulation = Simulation(3, 5, spread_days=5)
    messages = list(simulation.messages())
    last = max(number for number, message in enumerate(messages) if b"ScheduleSession" in message)
    passed: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(OURS) and frame.f_code.co_name != "<module>":
            passed.add(str(Path(file).relative_to(ROOT)))

    with open_rapport(
        Settings(store=f"sqlite:///{tmp_path / 'record.sqlite'}", clock=simulation.ends_before)
    ) as rapport:
        handler = Handler(rapport.store, Clock(simulation.ends_before), 2**27)
        handler.handle(messages[:last])
        before = sys.getprofile()
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            [receipt] = handler.handle([messages[last]])
        finally:
            sys.setprofile(before)
            threading.setprofile(None)
    assert receipt.status == "accepted"
    assert {"infra/intake/message.py", "domain/relationship/sessions.py", "infra/store/sqlite/append.py"} <= passed
    assert len(passed) <= MOST, "\n".join(sorted(passed))
