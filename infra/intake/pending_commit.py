"""One commit on its way: messages, what was decided about them, and the transaction that stores it.

A batch is decided, sent to the store and waited for. Where others wrote first to a stream that it relied on, it is decided
again and sent again: the same commit with another decision.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from infra.intake.batch import Batch
from infra.intake.message import Message
from infra.intake.receipt import Receipt
from infra.intake.senders import Senders
from infra.intake.state_cache import CachedState
from infra.store.errors import StoreError, Unstorable
from infra.store.hash_chain import Guard, Head, Offset
from infra.store.log import EventStore

Wait = Callable[["PendingCommit"], object]
NOT_SENT: Mapping[str, Head] = {}


class PendingCommit:
    """Messages that were decided, until the commit that stores the decision has ended.

    `parsed` are the messages in order, with the receipt in the place of those that had no form; `answers` are the receipts
    of the others. `error` is what the commit failed with, once it has ended.
    """

    def __init__(
        self,
        parsed: Sequence[Message | Receipt],
        offsets: Sequence[Offset],
        senders: Senders | None,
        wait: Wait,
    ) -> None:
        self.parsed = parsed
        self.messages = [each for each in parsed if isinstance(each, Message)]
        self.offsets = offsets
        self.senders = senders
        self.error: Exception | None = None
        self._wait = wait

    def decide(self, batch: Batch) -> None:
        """Take this decision, in the place of an earlier one."""
        self.batch = batch
        self.heads = NOT_SENT
        self.end: Callable[[], object] | None = None

    @property
    def answers(self) -> list[Receipt]:
        """The receipts of the messages that were decided, in order."""
        return self.batch.answers

    @property
    def stores_something(self) -> bool:
        """Whether there is anything to store: an answer to be kept, or an offset."""
        return bool(self.batch.rows or self.offsets)

    @property
    def detects_a_wrong_guess(self) -> bool:
        """Whether the commit itself finds out that others wrote first or that a message was answered before.

        It does by its guard, and because a receipt is kept only once; not where it keeps no receipt.
        """
        return bool(self.batch.rows) and all(answer.status != "invalid" for answer in self.answers)

    def send(self, store: EventStore, position: int) -> None:
        """Send the decision to the store, if there is anything to store. `position` is that of the log up to which it holds.

        An error for the sake of what is to be stored waits until the end of the commit is asked for.

        Raises:
            StoreError: The store can do nothing just now.
        """
        batch = self.batch
        self.heads = heads = {subject: batch.read[subject].head for subject in batch.touched}
        self.guard = guard = Guard(position, batch.read.keys(), batch.recorded_at, batch.restamp)
        if not self.stores_something:
            return
        try:
            self.end = store.begin_append(
                batch.events,
                heads=heads,
                receipts=list(batch.rows.values()),
                spellings=batch.spellings.rows(),
                offsets=self.offsets,
                guard=guard,
            )
        except Exception as error:
            if not is_for_its_own_sake(error):
                raise
            self.end = partial(_fail, error)

    def receipts(self) -> list[Receipt]:
        """Wait for the commit; returns the receipts of the messages, in order.

        Raises:
            StoreError: The store can't commit; nothing is recorded.
            FencedSource: A newer consumer took an offset.
        """
        self._wait(self)
        if self.error is not None:
            raise self.error
        answers = iter(self.answers)
        return [next(answers) if isinstance(each, Message) else each for each in self.parsed]

    def entry(self, subject: str) -> CachedState | None:
        """The state to which this commit leads, or on which it relies."""
        if entry := self.batch.touched.get(subject):
            return entry._replace(head=self.heads[subject])
        return self.batch.read.get(subject)


def is_for_its_own_sake(error: Exception) -> bool:
    """Whether a commit failed for what was to be stored, and not because the store can do nothing at all just now."""
    return isinstance(error, Unstorable) or not isinstance(error, StoreError | MemoryError | OSError)


def _fail(error: Exception) -> None:
    raise error
