"""`rapport publish --from`: facts that were published before, sent once more for a reader who came late.

They come in order, under the ids that they had, up to the head that the log has when it begins. The publisher's own position
stays as it is, so both may run at the same time. Readers who have had the facts recognise them by their ids.
"""

from collections import deque
from threading import Event
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded
from infra.bootstrap import Rapport
from infra.kafka import clients
from infra.kafka.adopted import Adopted
from infra.kafka.answers import CONTENT_TYPE
from infra.kafka.clients import KafkaTrouble
from infra.kafka.facts import fact
from infra.kafka.ownership import header, must_be_ours
from infra.kafka.topics import Topics
from infra.operations.tracing import valid

PAGE: Final = 500
UNACKNOWLEDGED_MOST: Final = 2000
DELIVERY_MS: Final = 120_000


class Replayed(NamedTuple):
    """How many facts were sent, and the position up to which; `whole` where that is the log's head."""

    facts: int
    position: int
    whole: bool


def replay(rapport: Rapport, first: int, topic: str | None, stop: Event) -> Replayed:
    """Send the facts from a position on to a topic, the public one unless another is named.

    Raises:
        AnotherStore: Another store publishes to the public topic.
        KafkaTrouble: The broker can't be reached, has no such topic, or does not acknowledge.
        StoreError: The store can't be read.
    """
    public = Topics.named(rapport.settings.kafka_prefix).events
    target = topic or public
    if target == public:
        must_be_ours(rapport.settings, public, rapport.store.identity.id)
    head = rapport.store.head()
    producer = clients.producer(rapport.settings, "rapport-replay", DELIVERY_MS)
    sending = _Sending(rapport, producer, target)
    try:
        clients.must_have(producer, target)
        position = first - 1
        while position < head and not stop.is_set():
            for note in rapport.store.logged(position, PAGE):
                if note.position > head:
                    break
                sending.send(rapport.store.decode_facts(note), note.position)
                position = note.position
        sending.settle(0)
    except BaseException:
        clients.drop(producer)
        raise
    producer.close()
    return Replayed(sending.sent, position, whole=position >= head)


class _Sending:
    """Sends facts and waits for their acknowledgement, in order."""

    def __init__(self, rapport: Rapport, producer: Any, topic: str) -> None:
        self.sent = 0
        self._source = rapport.settings.source
        self._header = header(rapport.store.identity.id)
        self._adopted = Adopted(rapport.store)
        self._producer = producer
        self._topic = topic
        self._waiting: deque[Any] = deque()

    def send(self, recorded: AnyRecorded, position: int) -> None:
        body = fact(recorded, self._source, position, self._adopted.of(recorded).codes)
        if body is None:
            return
        headers = [CONTENT_TYPE, self._header]
        if traceparent := valid(recorded.traceparent):
            headers.append(("traceparent", traceparent.encode()))
        self._waiting.append(self._producer.send(self._topic, body, recorded.subject.encode(), headers))
        self.sent += 1
        self.settle(UNACKNOWLEDGED_MOST)

    def settle(self, most: int) -> None:
        """Wait until at most so many are not acknowledged.

        Raises:
            KafkaTrouble: One could not be delivered.
        """
        while len(self._waiting) > most:
            future = self._waiting.popleft()
            clients.await_future(future, DELIVERY_MS / 1000)
            if not future.is_done or future.failed():
                raise KafkaTrouble(f"a fact could not be delivered: {future.exception!r}")
