"""What the handler promises about batches, other writers, mistakes of ours and its memory."""

from hashlib import sha256

import pytest

from domain import registry
from infra.bootstrap import Rapport, open_rapport
from infra.intake import batch as batches
from infra.intake.receipt import Receipt
from infra.settings import Settings
from infra.store.errors import Conflict, FencedSource
from infra.store.hash_chain import Offset
from tests.infra.intake.conftest import NOW, another
from tests.messages import contact, line, proposal, relationship_id


def statuses(receipts: list[Receipt]) -> list[str]:
    return [receipt.status for receipt in receipts]


def count(rapport: Rapport, table: str) -> int:
    return int(rapport.database.query(f"SELECT COUNT(*) FROM {table}")[0][0])


def test_a_batch_is_decided_in_order_on_what_it_did_so_far(rapport: Rapport) -> None:
    sent = [proposal(1), contact(1, "early"), line("ActivateRelationship"), contact(1, "late")]
    receipts = rapport.handler.handle(sent)
    assert [receipt.events for receipt in receipts] == [
        (("RelationshipProposed", 1),),
        (("ContactRecorded", 2),),
        (("RelationshipActivated", 3),),
        (("ContactRecorded", 4),),
    ]


def test_a_repetition_within_one_batch_is_a_duplicate(rapport: Rapport) -> None:
    first, again, other = rapport.handler.handle([proposal(1), proposal(1), proposal(1, mentor_id="bea")])
    assert (again.status, again.first_status, again.events) == ("duplicate", "accepted", first.events)
    assert (other.status, [problem.code for problem in other.problems]) == ("invalid", ["id_reused"])
    assert count(rapport, "stored_events") == 1


def test_a_repetition_is_known_to_every_handler_and_after_a_restart(rapport: Rapport, settings: Settings) -> None:
    rapport.handler.handle([proposal(1), contact(2, "astray")])
    with open_rapport(settings.model_copy(update={"clock": NOW})) as restarted:
        receipts = restarted.handler.handle([proposal(1), contact(2, "astray")])
    assert [(r.status, r.first_status) for r in receipts] == [("duplicate", "accepted"), ("duplicate", "refused")]
    assert [problem.code for problem in receipts[1].problems] == ["unknown_relationship"]


def test_a_message_that_breaks_the_rules_code_harms_no_other(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(subject: str, *rest: object) -> object:
        if subject == relationship_id(2):
            raise ZeroDivisionError("a mistake of ours")
        return registry.decide(subject, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "decide", stumble)
    receipts = rapport.handler.handle([proposal(1), proposal(2), contact(1, "x"), proposal(3)])
    assert statuses(receipts) == ["accepted", "invalid", "accepted", "accepted"]
    assert [problem.code for problem in receipts[1].problems] == ["internal"]
    told = [record.getMessage() for record in caplog.records if record.name == "rapport.intake"]
    assert len(told) == 1
    assert "ZeroDivisionError" in told[0]
    assert sha256(proposal(2)).hexdigest()[:16] in told[0]
    assert "a mistake of ours" not in caplog.text
    monkeypatch.undo()
    assert statuses(rapport.handler.handle([proposal(2)])) == ["accepted"]


def test_a_stream_that_cannot_be_read_harms_no_other(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1), proposal(2)])
    with rapport.database.transaction() as session:
        session.execute(
            "UPDATE stored_events SET topic = 'FromTheFuture' WHERE originator_id = ?", [relationship_id(1)]
        )
    receipts = another(rapport).handle([contact(1, "x"), contact(2, "y")])
    assert statuses(receipts) == ["invalid", "accepted"]
    assert [(p.code, p.field) for p in receipts[0].problems] == [("unreadable", "subject")]
    assert "FromTheFuture" in receipts[0].problems[0].message


def test_what_another_process_wrote_is_read_before_the_next_decision(rapport: Rapport) -> None:
    here, there = rapport.handler, another(rapport)
    here.handle([proposal(1)])
    there.handle([line("ActivateRelationship")])
    here.handle([contact(1, "here")])
    receipts = there.handle([contact(1, "there"), line("ActivateRelationship", id="again")])
    assert [receipt.events for receipt in receipts] == [(("ContactRecorded", 4),), ()]
    assert statuses(receipts) == ["accepted", "refused"]


def test_a_batch_is_decided_anew_when_somebody_writes_between_decision_and_commit(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = rapport.handler, another(rapport)
    here.handle([proposal(1), proposal(2)])
    append = rapport.store.begin_append
    rivals = [lambda: there.handle([line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben", id="s1")]),
              lambda: there.handle([contact(2, "rival")])]  # fmt: skip

    def after_a_rival(*args: object, **kwargs: object) -> object:
        if rivals:
            monkeypatch.setattr(rapport.store, "begin_append", append)
            rivals.pop(0)()
            monkeypatch.setattr(rapport.store, "begin_append", after_a_rival)
        return append(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(rapport.store, "begin_append", after_a_rival)
    receipts = here.handle([proposal(3), contact(2, "mine")])
    assert statuses(receipts) == ["refused", "accepted"]
    assert [problem.code for problem in receipts[0].problems] == ["mentor_standing"]
    assert receipts[1].events == (("ContactRecorded", 3),)
    assert [event.version for event in rapport.store.read(relationship_id(2))] == [1, 2, 3]


def test_a_handler_that_never_wins_says_so_and_records_nothing(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_late() -> None:
        raise Conflict("others wrote")

    monkeypatch.setattr(rapport.store, "begin_append", lambda *_, **__: always_late)
    with pytest.raises(Conflict):
        rapport.handler.handle([proposal(1)])
    monkeypatch.undo()
    assert statuses(rapport.handler.handle([proposal(1)])) == ["accepted"]


def test_terms_and_standing_are_recorded_once_when_they_differ(rapport: Rapport) -> None:
    term = {"document": "statement_of_work", "term": "late_notice_hours", "value": 48}
    rapport.handler.handle(
        [
            proposal(1),
            line("SetTerm", term, subject="programme:p1", time="2026-03-03T00:00:00Z"),
            contact(1, "before", time="2026-03-02T10:00:00Z"),
            contact(1, "after", time="2026-03-04T09:00:00Z"),
            contact(1, "and-again", time="2026-03-04T10:00:00Z"),
            line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben"),
            contact(1, "suspended", time="2026-03-05T09:00:00Z"),
        ]
    )
    known = [event.known for event in rapport.store.read(relationship_id(1))]
    assert [found and (found.mentor_standing, [t.value for t in found.terms]) for found in known] == [
        None,
        None,
        ("good", [48.0]),
        None,
        ("suspended", [48.0]),
    ]


def test_offsets_are_kept_with_the_batch_even_if_nothing_was_accepted(rapport: Rapport) -> None:
    rapport.handler.handle([b"nonsense", contact(9, "astray")], offsets=[Offset("commands:0", 2)])
    assert rapport.store.offset("commands:0") == Offset("commands:0", 2)
    with pytest.raises(FencedSource):
        rapport.handler.handle([proposal(1)], offsets=[Offset("commands:0", 1)])
    assert count(rapport, "stored_events") == 0


def test_an_empty_batch_and_one_of_duplicates_write_nothing(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1)])
    mark = rapport.database.mark()
    assert rapport.handler.handle([]) == []
    assert statuses(rapport.handler.handle([proposal(1), b"{"])) == ["duplicate", "invalid"]
    assert not rapport.database.wait_since(mark, 0.05)


def test_the_cache_is_bounded_and_forgetting_changes_nothing(rapport: Rapport) -> None:
    small, large = another(rapport, 12_000), another(rapport)
    numbers = range(1, 13)
    small.handle([proposal(number, mentor_id=f"m{number}") for number in numbers])
    for turn in range(3):
        for number in numbers:
            handler = small if number % 2 else large
            receipts = handler.handle([contact(number, f"{number}-{turn}")])
            assert receipts[0].events == (("ContactRecorded", turn + 2),)
            assert len(small.cache) <= 6
    assert len(large.cache) > 12
