"""A process that opens a store when it is told to, perhaps for the first time, appends an event and says whose store it is.

python -m tests.infra.store.opener URL STREAM     # then a line on standard input
"""

import sys

from eventsourcing.persistence import StoredEvent

from infra.store.log import EventStore
from infra.store.opening import open_database
from tests.infra.store.writer import say


def main(url: str, stream: str) -> None:
    say("ready")
    sys.stdin.readline()
    with open_database(url) as database:
        database.insert_events([StoredEvent(stream, 1, "Happened", b"{}")])
        identity = EventStore(database).identity
        say(f"{identity.id} {identity.secret.hex()}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
