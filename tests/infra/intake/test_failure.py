"""A message on which our own code or the database fails takes nothing of its batch with it."""

import logging
from hashlib import sha256
from typing import Any

import psycopg
import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.intake import batch as batches
from infra.intake import failure
from infra.intake import message as reading
from infra.intake.group_commit import GroupCommit
from infra.intake.receipt import Attempt, Receipt
from infra.settings import Settings
from infra.store.errors import UnreachableStore
from infra.store.hash_chain import Offset
from infra.store.mapper import RapportMapper
from tests.infra.intake.conftest import NOW, another
from tests.messages import contact, line, proposal

SECRET = "what nobody may read in a log"
BAD = line("ReportProblem", {"description": SECRET}, id="bad", actor="mentee:ana")
GOOD = [proposal(1), contact(1, "before"), BAD, contact(1, "after"), proposal(2)]
DIGEST = sha256(BAD).hexdigest()[:16]


def stumbling(function: Any, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, error: Exception) -> None:
    """Let a function of ours fail on the one message, as a mistake in it would."""

    def stumble(*arguments: Any, **named: Any) -> Any:
        if any(SECRET in repr(argument) for argument in (*arguments, *named.values())):
            raise error
        return function(*arguments, **named)

    monkeypatch.setattr(where, name, stumble)


STAGES: dict[str, tuple[Any, str]] = {
    "reading": (reading, "_parsed"),
    "the fingerprint": (reading, "_fingerprint"),
    "deciding": (batches, "decide"),
    "folding": (batches, "evolve"),
    "encoding": (RapportMapper, "encode"),
}
ERRORS = [
    ValueError(SECRET),
    RecursionError(SECRET),
    KeyError(SECRET),
    MemoryError(),
    AssertionError(SECRET),
    UnicodeError(SECRET),
]


def internal(receipt: Receipt, caplog: pytest.LogCaptureFixture) -> None:
    assert (receipt.source, receipt.id, receipt.status, receipt.events) == ("/tests", "bad", "invalid", ())
    assert [problem.code for problem in receipt.problems] == ["internal"]
    assert DIGEST in receipt.problems[0].message
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1
    assert DIGEST in told[0]
    assert SECRET not in caplog.text
    assert SECRET.encode() not in receipt.to_json()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("stage", STAGES)
def test_a_mistake_of_ours_befalls_one_message(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stage: str, error: Exception
) -> None:
    where, name = STAGES[stage]
    stumbling(getattr(where, name), monkeypatch, where, name, error)
    receipts = rapport.handler.handle(GOOD)
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "invalid", "accepted", "accepted"]
    internal(receipts[2], caplog)
    monkeypatch.undo()
    # It has not used its id, and what is recorded goes on from what the others left.
    (again,) = rapport.handler.handle([BAD])
    assert (again.status, again.events) == ("accepted", (("ProblemReported", 4),))


def test_a_receipt_that_cannot_be_written_leaves_no_event(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Receipt.kept

    def stumble(receipt: Receipt, attempt: Attempt) -> bytes:
        if receipt.id == "bad":
            raise TypeError(SECRET)
        return kept(receipt, attempt)

    monkeypatch.setattr(Receipt, "kept", stumble)
    receipts = rapport.handler.handle(GOOD)
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "invalid", "accepted", "accepted"]
    assert [event.version for event in rapport.store.read(receipts[0].subject or "")] == [1, 2, 3]
    internal(receipts[2], caplog)


def test_a_store_that_cannot_be_read_is_no_fault_of_the_message(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> object:
        raise UnreachableStore("nobody answers")

    monkeypatch.setattr(batches, "decide", away)
    with pytest.raises(UnreachableStore):
        rapport.handler.handle([proposal(1)])


@pytest.fixture
def refusing(rapport: Rapport) -> Rapport:
    """A database that refuses to store whatever concerns the one message, as it does with a value that it can't hold."""
    if rapport.database.kind == "sqlite":
        with rapport.database.changing_schema() as session:
            session.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON receipts WHEN NEW.message_id LIKE 'bad%' "
                "BEGIN SELECT RAISE(ABORT, 'this value can not be stored'); END"
            )
    else:
        # No login of Rapport may change the table: its owner has no members.
        with psycopg.connect(rapport.database.url) as admin:
            admin.execute("ALTER TABLE receipts ADD CONSTRAINT refuse CHECK (message_id NOT LIKE 'bad%')")
    return rapport


def test_what_the_database_refuses_in_one_message_harms_no_other(
    refusing: Rapport, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = refusing.handler.handle(GOOD, offsets=[Offset("commands:0", 5)])
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "invalid", "accepted", "accepted"]
    internal(receipts[2], caplog)
    assert [receipts[number].events[0][1] for number in (0, 1, 3)] == [1, 2, 3]
    offset = refusing.store.offset("commands:0")
    assert offset is not None
    assert offset.next == 5
    more = refusing.handler.handle([contact(1, "more"), contact(2, "other")])
    assert [receipt.events for receipt in more] == [(("ContactRecorded", 4),), (("ContactRecorded", 2),)]
    again = another(refusing).handle(GOOD)
    assert [receipt.status for receipt in again] == ["duplicate", "duplicate", "invalid", "duplicate", "duplicate"]


@pytest.mark.parametrize("alone", [True, False])
def test_batches_that_follow_one_another_survive_it_too(refusing: Rapport, alone: bool) -> None:
    bad = BAD.replace(b'"bad"', b'"bad-2"')
    sent = [
        [proposal(1)],
        [bad] if alone else [contact(1, "x"), bad, contact(1, "y")],
        [contact(1, "z"), BAD],
        [proposal(2)],
    ]
    receipts = [receipt for answers in refusing.handler.handle_all(sent) for receipt in answers]
    assert all((receipt.status == "invalid") == (receipt.id or "").startswith("bad") for receipt in receipts)
    assert [event.version for event in refusing.store.read(receipts[0].subject or "")] == list(
        range(1, 3 + 2 * (not alone))
    )


def test_callers_of_one_group_survive_it_too(refusing: Rapport) -> None:
    with GroupCommit(refusing.handler) as group:
        assert [group.submit(raw).status for raw in GOOD] == ["accepted", "accepted", "invalid", "accepted", "accepted"]


def test_the_log_says_where_our_code_was_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    try:
        STAGES[SECRET]
    except KeyError as error:
        receipt = failure.in_raw(error, BAD)
    assert (receipt.source, receipt.id) == ("/tests", "bad")
    assert "KeyError" in caplog.text
    assert "test_failure.py" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"source": 5, "id": [], "subject": null}', b"\xff", b"[" * 3000])
def test_a_receipt_needs_nothing_that_can_be_read(raw: bytes) -> None:
    receipt = failure.in_raw(ValueError(), raw)
    assert (receipt.source, receipt.id, receipt.subject, receipt.status) == (None, None, None, "invalid")


def test_a_stream_whose_folding_fails_harms_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_rapport(settings.model_copy(update={"clock": NOW})) as rapport:
        rapport.handler.handle([proposal(1), proposal(2), BAD])
        decode = rapport.store.mapper.decode

        def stumble(topic: str, state: bytes) -> Any:
            if SECRET in str(found := decode(topic, state)):
                raise ZeroDivisionError
            return found

        monkeypatch.setattr(rapport.store.mapper, "decode", stumble)
        later = line("ReportProblem", {"description": "later"}, id="later", actor="mentee:ana")
        receipts = another(rapport).handle([later, contact(2, "x")])
        assert [receipt.status for receipt in receipts] == ["invalid", "accepted"]
        assert [problem.code for problem in receipts[0].problems] == ["unreadable"]
