"""A consumer that kafka-python has left behind in a rebalance is found out, and a new one takes its place."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka.structs import MemberState

from infra.bootstrap import open_rapport
from infra.kafka import watchdog
from infra.kafka.consume import Consuming
from infra.operations.keep import keep_going
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from infra.simulate.stream import Simulation
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Stage


@contextmanager
def consuming(stage: Stage) -> Iterator[list[Consuming]]:
    """The consumer in a thread of this process; its sessions, as they begin."""
    process = Process("consume", Tracing(enabled=False))
    sessions: list[Consuming] = []
    with open_rapport(stage.settings) as rapport:

        def begin() -> Consuming:
            sessions.append(Consuming(rapport, process))
            return sessions[-1]

        thread = threading.Thread(target=keep_going, args=(process, "consumer", begin))
        thread.start()
        try:
            yield sessions
        finally:
            process.stop.set()
            thread.join(30)
            assert not thread.is_alive()


def strand(consumer: Consuming) -> None:
    """Leave it as the library does: rebalancing, not heartbeating, and not about to join."""
    coordinator = consumer.consumer._coordinator
    coordinator._disable_heartbeat()
    coordinator.state = MemberState.REBALANCING
    coordinator.rejoin_needed = False


def lose_the_coordinator_s_voice(consumer: Consuming) -> None:
    """The state is stable, but no heartbeat is answered any more, not even after it has joined again by itself."""
    coordinator = consumer.consumer._coordinator
    coordinator._disable_heartbeat()
    coordinator._enable_heartbeat = lambda: None


@pytest.mark.parametrize("fault", [strand, lose_the_coordinator_s_voice])
def test_it_is_replaced(
    sqlite_stage: Stage, fault: Callable[[Consuming], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a rebalance takes here, where nobody dies: the library is busy all the time while it is left behind.
    monkeypatch.setattr(watchdog, "SLACK_SECONDS", -1.5)
    monkeypatch.setattr(watchdog, "HEARTBEAT_LOOK_SECONDS", 1.0)
    stage = sqlite_stage
    messages = list(Simulation(1, 2).messages())
    with consuming(stage) as sessions:
        stage.send(messages[:10])
        stage.read(stage.topics.receipts, 10)
        # A first heartbeat has been answered by then.
        eventually(lambda: sessions[0].watchdog.silence() > 0)
        fault(sessions[0])
        eventually(lambda: len(sessions) > 1, 30)
        stage.send(messages[10:])
        assert len(stage.read(stage.topics.receipts, len(messages))) == len(messages)
