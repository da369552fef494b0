"""A writer process whose clock is off by so many milliseconds: hands in five messages a round, each in a batch of its own.

python -m tests.infra.intake.clock_writer URL NUMBER MILLISECONDS     # then a round a line on standard input
"""

import sys
from datetime import datetime, timedelta

from infra.clock import Clock
from infra.intake.handler import Handler
from infra.store.log import EventStore
from infra.store.opening import open_database
from tests.infra.store.writer import say
from tests.messages import proposal


class Off(Clock):
    def __init__(self, milliseconds: int) -> None:
        super().__init__()
        self.off = timedelta(milliseconds=milliseconds)

    def now(self) -> datetime:
        return super().now() + self.off


def main(url: str, number: int, milliseconds: int) -> None:
    with open_database(url) as database:
        handler = Handler(EventStore(database), Off(milliseconds))
        say("ready")
        for line in sys.stdin:
            first = (number * 1000 + int(line)) * 5
            receipts = [handler.handle([proposal(each)])[0] for each in range(first, first + 5)]
            say(sum(receipt.status == "accepted" for receipt in receipts))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
