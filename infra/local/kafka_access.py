"""How to reach a local Kafka that runs, no matter who started it: its addresses, and topics made and deleted there."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.ports import HOST, answers

TOPICS = ("rapport.commands", "rapport.receipts", "rapport.events", "rapport.dead-letters")
REQUEST_MS = 10_000


@dataclass
class KafkaAccess:
    """The loopback port for clients, the one they are told instead (a proxy's), and the one past any proxy."""

    port: int
    advertised_port: int | None = None
    direct_port: int = 0

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers for clients: the advertised port where there is one."""
        return f"{HOST}:{self.advertised_port or self.port}"

    @property
    def direct(self) -> str:
        """The bootstrap servers that lead past any proxy."""
        return f"{HOST}:{self.direct_port}"

    def answers(self) -> bool:
        """Whether the broker answers and counts itself among those that take work."""
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        if not answers(self.direct_port):
            return False
        try:
            with KafkaAdminClient(bootstrap_servers=self.direct, bootstrap_timeout_ms=2000) as admin:
                return any(not broker.get("is_fenced") for broker in admin.describe_cluster()["brokers"])
        except KafkaError:
            return False

    def create_topics(self, partitions: int, names: Sequence[str] = TOPICS) -> None:
        """Make the topics that are missing, with so many partitions each; those that are there stay as they are."""
        from kafka import KafkaAdminClient

        with KafkaAdminClient(bootstrap_servers=self.direct, request_timeout_ms=REQUEST_MS) as admin:
            there = set(admin.list_topics())
            wanted = {n: {"num_partitions": partitions, "replication_factor": 1} for n in names if n not in there}
            if wanted:
                admin.create_topics(wanted, wait_for_metadata=True)

    def delete_topics(self, names: Sequence[str]) -> None:
        """Delete the topics that are there, with all that they hold."""
        from kafka import KafkaAdminClient

        with KafkaAdminClient(bootstrap_servers=self.direct, request_timeout_ms=REQUEST_MS) as admin:
            there = set(admin.list_topics()).intersection(names)
            if there:
                admin.delete_topics(sorted(there))
