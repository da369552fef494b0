"""A writer process of the concurrency proof: appends when told to, some of it to streams that all writers share.

    python -m tests.infra.store.writer URL NUMBER     # then one line a round on standard input: round and batches

It answers each round with how many events it appended. Batches differ in size; some are meant to fail halfway, as a batch does
whose version was taken, so that there are transactions that take a place and give it up.
"""

import random
import sys

from eventsourcing.persistence import StoredEvent

from infra.store.errors import Conflict
from infra.store.hash_chain import ReceiptRow
from infra.store.log import EventStore
from infra.store.opening import open_database

SHARED = 3


def main(url: str, writer: int) -> None:
    with open_database(url) as database:
        store = EventStore(database)
        say("ready")
        for line in sys.stdin:
            round_, batches = map(int, line.split())
            say(run(store, writer, round_, batches))


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def run(store: EventStore, writer: int, round_: int, batches: int) -> int:
    """Append so many batches; the number of events that were stored."""
    lots = random.Random(f"{round_} {writer}")
    stored = 0
    for batch in range(batches):
        own = f"w{writer}-r{round_}-b{batch}"
        events = [StoredEvent(own, version, "Happened", b"{}") for version in range(1, lots.randint(2, 6))]
        if lots.random() < 0.2:
            spoiled = [*events, StoredEvent(own, 1, "Happened", b"{}")]
            try:
                store.append_stored(spoiled)
            except Conflict:
                pass
            else:
                raise AssertionError("a version was stored twice")
        while True:
            shared = f"shared-{lots.randrange(SHARED)}"
            last = store.heads([shared])[shared].version
            mine = [*events, StoredEvent(shared, last + 1, "Happened", own.encode())]
            try:
                stored += len(store.append_stored(mine, receipts=[ReceiptRow("/proof", own, b"", b"")]))
            except Conflict:
                continue
            break
    return stored


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
