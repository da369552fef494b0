"""One question to the matrix of sharing; at most 5 µs wanted, whoever asks about whatever."""

from datetime import date
from functools import partial
from timeit import repeat
from typing import get_args

from domain.relationship import events as e
from domain.relationship.state import Confidentiality, Consent, Relationship
from domain.sharing.answer import may_read
from domain.sharing.question import PUBLIC, Fact, Reader, situation
from domain.words import DATA_CLASSES, NAMED_ROLES, CodeId

QUESTIONS, ROUNDS = 20_000, 5


def run(*, full: bool) -> None:
    """Ask every class as every reader, of one event, under all five codes; the cheapest round of each counts."""
    state = Relationship(
        "6f1e0000-0000-4000-8000-000000000001",
        9,
        "active",
        "spring",
        "ana",
        "ben",
        "cus",
        "lin",
        "sup",
        codes=dict.fromkeys(get_args(CodeId), "1"),
        consents={("mentee", "goals", "coordinator"): Consent(None, b"")},
        confidentiality=Confidentiality(3, b"", frozenset({("attendance", "customer")}), mentee_agreed=True),
    )
    now = situation(state, date(2026, 3, 2))
    fact = Fact(e.SessionNoteRecorded, Reader("mentee", "ana"), present=("mentee", "mentor"))
    readers = [Reader(role, state.named(role) or "") for role in NAMED_ROLES]
    readers += [
        Reader("coordinator", "cora"),
        Reader("hr", "hans"),
        Reader("analyst", "al"),
        Reader("auditor", "ada"),
        PUBLIC,
    ]
    count = QUESTIONS if full else QUESTIONS // 20
    costs: dict[tuple[str, str], float] = {}
    for reader in readers:
        for data_class in DATA_CLASSES:
            ask = partial(may_read, now, reader, data_class, fact)
            costs[reader.role, data_class] = min(repeat(ask, number=count, repeat=ROUNDS)) / count
    slowest = max(costs, key=costs.__getitem__)
    mean = sum(costs.values()) / len(costs)
    print(f"   {len(costs)} kinds of question: mean {mean * 1e6:.1f} µs")
    print(f"   slowest, {slowest[0]} about {slowest[1]}: {costs[slowest] * 1e6:.1f} µs (wanted: at most 5)")
