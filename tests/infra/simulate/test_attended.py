"""Made-up messages are accepted while workers keep pace too: what they send moves no version that a message names."""

from pathlib import Path

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.pace import keeping_pace
from infra.worker_runtime.verify import verify
from tests.sizes import size


def test_everything_is_accepted_while_workers_keep_pace(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off")
    with open_rapport(settings) as opened, keeping_pace(opened.store, opened.handler, opened.clock) as pace:
        receipts = [receipt for part in pace.handle_all([messages(size(30, 80), 31)]) for receipt in part]
        assert [(receipt.id, receipt.problems) for receipt in receipts if receipt.status != "accepted"] == []
    with open_rapport(settings) as opened:
        corrected = opened.database.query("SELECT COUNT(*) FROM stored_events WHERE topic = 'FactCorrected'")
        assert corrected[0][0] > 0
        assert verify(opened.store) == []
