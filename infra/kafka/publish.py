"""`rapport publish`: operational facts from the log to Kafka, in the order of the log, at least once, under stable ids.

One process at a time publishes, under a lease; others stand by. The position moves on only when the broker has acknowledged
everything before it. The producer never gives up on a fact to go on with the next, so the first copy of each fact arrives
in the order of its subject's versions; what a crash or a stopped process repeats comes after, under ids already seen.
"""

from collections import deque
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Span, SpanKind

from domain.model import AnyRecorded
from infra.bootstrap import Rapport
from infra.kafka import clients
from infra.kafka.adopted import Adopted
from infra.kafka.answers import CONTENT_TYPE
from infra.kafka.clients import KafkaTrouble
from infra.kafka.facts import fact
from infra.kafka.ownership import header, must_be_ours
from infra.kafka.topics import Topics
from infra.operations.logs import logger
from infra.operations.metrics import LEADING, PUBLISH_SECONDS, PUBLISHED, UNACKNOWLEDGED, WITHHELD
from infra.operations.mistake import report_mistake
from infra.operations.process import Process
from infra.operations.tracing import valid
from infra.store import lease
from infra.store.lease import Lease
from infra.store.log import LoggedEvent

PAGE: Final = 500
# So many facts may be on their way; reading goes no further ahead of the broker.
UNACKNOWLEDGED_MOST: Final = 4000
STANDBY_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 1.0
# While work goes on the position is written this often; a restart sends again what was acknowledged since.
WRITE_SECONDS: Final = 0.25
ACKNOWLEDGE_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0

log = logger("rapport.kafka")


class _Sent(NamedTuple):
    """An event on its way, or withheld (no future), in the order of the log."""

    position: int
    future: Any
    recorded_at: datetime | None
    span: Span | None


class Publishing:
    """One session of a publisher. Raises `StoreError`, `KafkaTrouble`, `AnotherStore` and kafka's errors; then it is over.

    `take_over`: publish even if another store did so before.
    """

    at_work = True

    def __init__(self, rapport: Rapport, process: Process, *, take_over: bool = False) -> None:
        self.rapport = rapport
        self.store = rapport.store
        self.process = process
        self.take_over = take_over
        self.topic = Topics.named(rapport.settings.kafka_prefix).events
        self.name = f"publish:{self.topic}"
        self.store_header = header(rapport.store.identity.id)
        self._adopted = Adopted(rapport.store)
        self.lease: Lease | None = None
        self.producer: Any = None
        self._read = 0
        self._acknowledged = 0
        self._written_at = self._moved_at = 0.0
        self._waiting: deque[_Sent] = deque()
        lease.prepare(rapport.database)

    def turn(self) -> None:
        """Send what is new and note what has arrived; stand by while somebody else publishes."""
        if self.lease is None and not self._lead():
            LEADING.set(0)
            self.process.stop.wait(STANDBY_SECONDS)
            return
        page: list[LoggedEvent] = []
        if len(self._waiting) + PAGE <= UNACKNOWLEDGED_MOST:
            page = self.store.logged(self._read, PAGE)
            for logged in page:
                self._send(logged)
        if not page:
            self._wait()
        self._settle()
        self._write(force=False)

    def finish(self) -> None:
        """Wait for what is on its way, write the position, and let another take over at once."""
        until = monotonic() + STOP_SECONDS
        while self._waiting and monotonic() < until:
            self._wait()
            self._settle()
        if self.lease is not None:
            self._write(force=True)
            self.lease.release()

    def close(self) -> None:
        """Stop sending at once; what is on its way comes again, from the position that is written."""
        LEADING.set(0)
        if self.producer is not None:
            clients.drop(self.producer)

    # --- leading -----------------------------------------------------------------------------------------------------
    def _lead(self) -> bool:
        """Become the one that publishes, if nobody is."""
        if self.producer is None:
            # A standby that could not reach the broker would be none.
            self.producer = clients.producer(self.rapport.settings, "rapport-publish", clients.FOR_EVER_MS)
            clients.must_have(self.producer, self.topic)
        self.lease = lease.take(self.rapport.database, self.name, self.rapport.settings.kafka_session_seconds)
        if self.lease is None:
            return False
        if not self.lease.position and not self.take_over:
            # It never published here: perhaps it is not the one that should.
            self._must_be_ours()
        self._read = self._acknowledged = self.lease.position
        self._written_at = self._moved_at = monotonic()
        LEADING.set(1)
        log.info("publishing", topic=self.topic, after=self.lease.position)
        return True

    def _must_be_ours(self) -> None:
        assert self.lease is not None
        try:
            must_be_ours(self.rapport.settings, self.topic, self.store.identity.id)
        except BaseException:
            self.lease.release()
            self.lease = None
            raise

    def _write(self, *, force: bool) -> None:
        """Write down how far the broker has acknowledged, and keep the lease."""
        assert self.lease is not None
        since = monotonic() - self._written_at
        moved = self._acknowledged > self.lease.position
        if force or since > self.lease.seconds / 3 or (moved and since > WRITE_SECONDS):
            self.lease.keep(self._acknowledged)
            self._written_at = monotonic()

    # --- sending -----------------------------------------------------------------------------------------------------
    def _send(self, logged: LoggedEvent) -> None:
        recorded = self.store.decode_facts(logged)
        span, recorded = self._traced(recorded)
        body = self._fact(recorded, logged)
        self._read = logged.position
        if body is None:
            WITHHELD.inc()
            self.process.tracing.end(span)
            self._waiting.append(_Sent(logged.position, None, None, None))
            return
        headers = [CONTENT_TYPE, self.store_header]
        if traceparent := valid(recorded.traceparent):
            headers.append(("traceparent", traceparent.encode()))
        future = self.producer.send(self.topic, body, recorded.subject.encode(), headers)
        self._waiting.append(_Sent(logged.position, future, recorded.recorded_at, span))

    def _fact(self, recorded: AnyRecorded, logged: LoggedEvent) -> bytes | None:
        """The fact of an event, None for what is withheld; a mistake of ours in one must not keep back the facts after it."""
        try:
            return fact(recorded, self.rapport.settings.source, logged.position, self._adopted.of(recorded).codes)
        except Exception as error:  # noqa: BLE001 - whatever it is
            digest, place = sha256(logged.state).hexdigest(), logged.position
            report_mistake(
                log, "Rapport failed on a fact, and does not publish it", error, position=place, sha256=digest
            )
            return None

    def _wait(self) -> None:
        """Nothing to send: wait for an acknowledgement, or for an event."""
        first = next((sent for sent in self._waiting if sent.future is not None), None)
        if first is None:
            self.store.wait(self._read, IDLE_SECONDS)
        elif not first.future.is_done:
            clients.await_future(first.future, IDLE_SECONDS)

    def _settle(self) -> None:
        """Go forward over all that is acknowledged, without gaps. Raises `KafkaTrouble`."""
        now = self.rapport.clock.now()
        while self._waiting:
            sent = self._waiting[0]
            if sent.future is not None:
                if not sent.future.is_done:
                    break
                if sent.future.failed():
                    raise KafkaTrouble(f"a fact could not be delivered: {sent.future.exception!r}")
                PUBLISHED.inc()
                if sent.recorded_at is not None:
                    PUBLISH_SECONDS.observe(max(0.0, (now - sent.recorded_at).total_seconds()))
                self.process.tracing.end(sent.span)
            self._acknowledged = sent.position
            self._moved_at = monotonic()
            self._waiting.popleft()
        UNACKNOWLEDGED.labels(self.topic).set(len(self._waiting))
        if not self._waiting:
            self._moved_at = monotonic()
        elif monotonic() - self._moved_at > ACKNOWLEDGE_SECONDS:
            raise KafkaTrouble(f"the broker has acknowledged nothing for {ACKNOWLEDGE_SECONDS:.0f} s")

    def _traced(self, recorded: AnyRecorded) -> tuple[Span | None, AnyRecorded]:
        tracing = self.process.tracing
        if not tracing.enabled:
            return None, recorded
        facts = {
            "messaging.system": "kafka",
            "messaging.destination.name": self.topic,
            "rapport.subject": recorded.subject,
        }
        name = f"publish {type(recorded.data).__name__}"
        span, traceparent = tracing.begin(name, SpanKind.PRODUCER, valid(recorded.traceparent), facts)
        return span, recorded.model_copy(update={"traceparent": traceparent})
