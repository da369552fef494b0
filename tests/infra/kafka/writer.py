"""A writer process of the proof with followers: hands in messages when told to, most of them about what all writers share.

    python -m tests.infra.kafka.writer NUMBER     # then one line a round on standard input: round and batches

The settings come from the environment. It answers each round with how many events it recorded.
"""

import sys

from infra.bootstrap import open_rapport
from infra.settings import Settings
from tests.infra.store.writer import say
from tests.messages import line, proposal, relationship_id

SHARED = 3


def main(writer: int) -> None:
    with open_rapport(Settings()) as rapport:
        say("ready")
        for told in sys.stdin:
            round_, batches = map(int, told.split())
            recorded = 0
            for batch in range(batches):
                receipts = rapport.handler.handle(list(messages(writer, round_, batch)))
                assert all(receipt.status == "accepted" for receipt in receipts), receipts
                recorded += sum(len(receipt.events) for receipt in receipts)
            say(recorded)


def messages(writer: int, round_: int, batch: int) -> list[bytes]:
    """A relationship of the batch's own with a session, feedback on it, and feedback on one that all writers share."""
    own = 1000 + (round_ * 100 + writer) * 100 + batch
    starts_at = {"session_id": "s1", "starts_at": "2026-03-05T17:00:00Z", "channel": "platform"}
    return [
        proposal(own),
        line("ScheduleSession", starts_at, subject=relationship_id(own), id=f"schedule-{own}"),
        feedback(own, own),
        feedback(1 + batch % SHARED, own),
    ]


def feedback(relationship: int, number: int) -> bytes:
    """Feedback that is told once, at a second of its own."""
    return line(
        "GiveFeedback",
        {"about": "process", "answers": {"number": number}},
        subject=relationship_id(relationship),
        id=f"feedback-{relationship}-{number}",
        actor="mentee:ana",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
