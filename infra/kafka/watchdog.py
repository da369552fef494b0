"""Looks whether a consumer is still a member of its group, and says so when only a new one will be.

kafka-python can come out of a rebalance as nothing at all: not stable, not heartbeating, not joining, and every poll
answers "no messages" for good. Polls of a second make it rare; this makes it harmless.
"""

from time import monotonic
from typing import Any, Final

from infra.kafka.clients import KafkaTrouble

# The metrics of kafka-python take a while to collect.
HEARTBEAT_LOOK_SECONDS: Final = 5.0
SLACK_SECONDS: Final = 10.0


class Stalled(KafkaTrouble):
    """The consumer will not recover by itself."""


class Watchdog:
    """Watches one consumer. A rebalance may take as long as the group waits for a member that died, and some more."""

    def __init__(self, consumer: Any, session_seconds: float) -> None:
        self.consumer = consumer
        self.patience = 1.5 * session_seconds + SLACK_SECONDS
        self._stable_at = self._looked_at = monotonic()

    def check(self) -> None:
        """Raises `Stalled`."""
        from kafka.structs import MemberState

        now = monotonic()
        state = self.consumer.group_metadata().state
        if state == MemberState.STABLE:
            self._stable_at = now
        elif now - self._stable_at > self.patience:
            raise Stalled(f"the consumer has been {state} for {now - self._stable_at:.0f} s")
        if now - self._looked_at > HEARTBEAT_LOOK_SECONDS:
            self._looked_at = now
            if (silence := self.silence()) > self.patience:
                raise Stalled(f"the consumer has had no answer to a heartbeat for {silence:.0f} s")

    def silence(self) -> float:
        """Seconds since the last answer to a heartbeat; 0 before the first."""
        metrics = self.consumer.metrics().get("consumer-coordinator-metrics", {})
        seconds = float(metrics.get("last-heartbeat-seconds-ago", 0.0))
        return 0.0 if seconds == float("inf") else seconds
