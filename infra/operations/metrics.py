"""The numbers of a running process, in Prometheus' terms; all of them are declared here and nowhere else.

Lag is counted against the true head of what is followed (the broker's high watermark, the log's last position), so that
a follower that has stopped shows a growing lag instead of a reassuring zero.
"""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

# --- messages in ---------------------------------------------------------------------------------------------------
MESSAGES: Final = Counter(
    "rapport_messages", "Messages answered, by way in and by status.", ("way", "status"), registry=REGISTRY
)
BATCH_SECONDS: Final = Histogram(
    "rapport_batch_seconds", "Deciding and committing one batch.", ("way",), buckets=SECONDS, registry=REGISTRY
)
BATCH_MESSAGES: Final = Histogram(
    "rapport_batch_messages", "Messages in one batch.", ("way",), buckets=SIZES, registry=REGISTRY
)
MESSAGE_SECONDS: Final = Histogram(
    "rapport_message_seconds",
    "From the moment a message was sent to its commit.",
    ("way",),
    buckets=SECONDS,
    registry=REGISTRY,
)
DEAD_LETTERS: Final = Counter(
    "rapport_dead_letters", "Messages put aside as dead letters, by the first reason.", ("reason",), registry=REGISTRY
)
MISPLACED: Final = Counter(
    "rapport_misplaced_messages",
    "Messages in the wrong place, so that the order of a subject may be lost: the key is not the subject, or the partition "
    "is not the one that murmur2 gives the key.",
    ("why",),
    registry=REGISTRY,
)
UNREAD: Final = Gauge(
    "rapport_unread_messages",
    "Messages in a partition of the commands' topic that this consumer owns and has not recorded.",
    ("partition",),
    registry=REGISTRY,
)
EXPIRED: Final = Counter(
    "rapport_expired_messages", "Messages that the broker deleted before they were read.", registry=REGISTRY
)
REBALANCES: Final = Counter(
    "rapport_rebalances", "How often partitions were assigned to this consumer.", registry=REGISTRY
)

# --- facts out -----------------------------------------------------------------------------------------------------
PUBLISHED: Final = Counter("rapport_published", "Facts acknowledged by the broker.", registry=REGISTRY)
WITHHELD: Final = Counter("rapport_withheld", "Events that are not for the public topic.", registry=REGISTRY)
PUBLISH_SECONDS: Final = Histogram(
    "rapport_publish_seconds",
    "From the recording of a fact to its acknowledgement by the broker.",
    buckets=SECONDS,
    registry=REGISTRY,
)
UNACKNOWLEDGED: Final = Gauge(
    "rapport_unacknowledged", "Messages sent that the broker has not acknowledged.", ("topic",), registry=REGISTRY
)
LEADING: Final = Gauge("rapport_leading", "1 while this process is the one that publishes.", registry=REGISTRY)

# --- followers of the log: how far they are is read from the store, see `store` ------------------------------------
FOLLOWED: Final = Counter(
    "rapport_followed_events", "Events that a follower has worked through.", ("follower",), registry=REGISTRY
)
FOLLOW_SECONDS: Final = Histogram(
    "rapport_follow_seconds", "One batch of a follower.", ("follower",), buckets=SECONDS, registry=REGISTRY
)

# --- notifications -------------------------------------------------------------------------------------------------
WEBHOOKS: Final = Counter(
    "rapport_webhooks",
    "Facts sent to subscribers, by what came of it: sent, failed; and subscriptions disabled.",
    ("outcome",),
    registry=REGISTRY,
)
NOTIFICATIONS: Final = Counter(
    "rapport_notifications",
    "Attempts to deliver a notification, by way and by what came of it: sent, failed, dead.",
    ("way", "outcome"),
    registry=REGISTRY,
)

# --- HTTP ----------------------------------------------------------------------------------------------------------
HTTP_REQUESTS: Final = Counter(
    "rapport_http_requests",
    "Requests, by method, template of the route, and status (0: the client was gone before the answer).",
    ("method", "route", "status"),
    registry=REGISTRY,
)
HTTP_SECONDS: Final = Histogram(
    "rapport_http_seconds",
    "From a request's head to the end of its answer, waiting included.",
    ("method", "route"),
    buckets=SECONDS,
    registry=REGISTRY,
)
HTTP_OPEN: Final = Gauge("rapport_http_open_requests", "Requests that have no answer yet.", registry=REGISTRY)

# --- the process ---------------------------------------------------------------------------------------------------
RESTARTS: Final = Counter(
    "rapport_restarts",
    "How often the process began anew from the database, by the reason.",
    ("why",),
    registry=REGISTRY,
)
READY: Final = Gauge("rapport_ready", "1 while the process is ready, as /ready says.", registry=REGISTRY)
