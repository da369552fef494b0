"""Does the broker answer? Asked over a connection of its own, which is kept, when somebody wants to know."""

from typing import Any

from infra.kafka import clients
from infra.kafka.clients import KafkaTrouble
from infra.settings import Settings


class BrokerProbe:
    """A check for readiness. Raises `KafkaTrouble` when the broker doesn't answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._admin: Any = None

    def __call__(self) -> None:
        from kafka.errors import KafkaError

        try:
            if self._admin is None:
                self._admin = clients.admin(self.settings)
            self._admin.describe_cluster()
        except (KafkaError, OSError) as error:
            self._forget()
            raise KafkaTrouble(f"the broker does not answer: {error}") from error

    def _forget(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
