"""Two ids that differ in case alone are the same, and the first spelling stands: in a relationship, across streams and processes."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import introduced, key
from domain.model import Actor, AnyRecorded
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.intake import spelling
from infra.intake.receipt import Receipt
from infra.settings import Settings
from infra.simulate import messages
from infra.store.copying import copy
from infra.store.errors import StoreError
from infra.store.log import EventStore
from infra.store.opening import open_database
from tests.infra.intake.conftest import NOW, another
from tests.infra.intake.test_ahead import before_sending
from tests.messages import contact, line, proposal, relationship_id
from tests.stores import by_hand

R1 = relationship_id(1)
GOAL = {"title": "Lead", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}


def schedule(session: str, day: int = 5, **fields: Any) -> bytes:
    data = {"session_id": session, "starts_at": f"2026-03-{day:02}T17:00:00Z", "channel": "email"}
    return line("ScheduleSession", data, **{"id": f"schedule-{session}"} | fields)


def move(session: str, day: int, **fields: Any) -> bytes:
    data = {"session_id": session, "starts_at": f"2026-03-{day:02}T17:00:00Z", "reason": "travel"}
    return line("RescheduleSession", data, **{"id": f"move-{session}-{day}"} | fields)


def codes(receipt: Receipt) -> list[str]:
    return [problem.code for problem in receipt.problems]


def active(rapport: Rapport) -> None:
    receipts = rapport.handler.handle([proposal(1), line("ActivateRelationship")])
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted"]


def named(store: EventStore, subject: str, field: str) -> list[Any]:
    """What the events of a subject have in a field, those that have it."""
    return [getattr(event.data, field) for event in store.read(subject) if getattr(event.data, field, None)]


def actors(store: EventStore, subject: str) -> list[str]:
    return [event.actor for event in store.read(subject)]


def rebuilt(store: EventStore) -> dict[str, str]:
    """The first spellings as the events alone make them."""
    found: dict[str, str] = {}
    for notification in store.logged(0, 100_000):
        event = store.decode_facts(notification)
        for namespace, id_ in introduced(event.subject, event.data, Actor.parse(event.actor)):
            found.setdefault(key(namespace, id_), id_)
    return found


def kept(store: EventStore) -> dict[str, str]:
    return dict(store.database.query("SELECT key, spelling FROM spellings"))


# --- within a relationship -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("first,then", [("s1", "S1"), ("S1", "s1"), ("Sess-A.b", "sESS-a.B")])
def test_a_session_is_the_same_in_any_case(rapport: Rapport, first: str, then: str) -> None:
    active(rapport)
    receipts = rapport.handler.handle(
        [
            schedule(first),
            schedule(then, 9, id="again"),
            move(then, 6),
            line("RecordSessionNote", {"session_id": then, "text": "x"}, actor="mentor:ben"),
            line("AssignHomework", {"homework_id": "h1", "session_id": then, "description": "x"}, actor="mentor:ben"),
            line("CancelSession", {"session_id": then, "reason": "ill"}),
        ]
    )
    assert [receipt.status for receipt in receipts] == ["accepted", "refused", *["accepted"] * 4]
    assert codes(receipts[1]) == ["session_exists"]
    assert set(named(rapport.store, R1, "session_id")) == {first}
    # A state that is folded from disk knows the spelling too.
    (receipt,) = another(rapport).handle([schedule(then, 20, id="once-more")])
    assert codes(receipt) == ["session_exists"]


def test_goals_and_homework_are_the_same_in_any_case_wherever_they_are_named(rapport: Rapport) -> None:
    active(rapport)
    item = {"topic": "x", "set_by": "mentee", "minutes": 10, "goal_id": "CAREER"}
    completed = {
        "session_id": "S1",
        "started_at": "2026-03-05T17:00:00Z",
        "ended_at": "2026-03-05T18:00:00Z",
        "present": ["mentee", "mentor"],
        "joined": {},
        "agenda": [item, item | {"goal_id": "career"}],
    }
    receipts = rapport.handler.handle(
        [
            line("AgreeGoal", GOAL | {"goal_id": "Career"}, actor="mentee:ana"),
            line("AgreeGoal", GOAL | {"goal_id": "cAREER"}, actor="mentee:ana", id="same-goal"),
            line("ReviseGoal", {"goal_id": "career", "title": "Lead well", "agreed_by": ["mentee", "mentor"]}, actor="mentee:ana"),
            schedule("s1"),
            line("CompleteSession", completed, actor="mentor:ben", time="2026-03-05T18:00:00Z"),
            line("AssignHomework", {"homework_id": "Read", "session_id": "S1", "description": "x"}, actor="mentor:ben"),
            line("ReportHomework", {"homework_id": "READ", "hours": 1, "done": True}, actor="mentee:ana"),
            line("RecordGoalProgress", {"goal_id": "CAREER", "session_id": "S1", "progress": "achieved"}, actor="mentor:ben"),
            line("TerminateRelationship", {"reason": "goals_met", "informed": ["mentee", "mentor"], "next_steps": "x"}),
            line("RecordEndReview", {"objectives": [{"goal_id": "career", "outcome": "x"}], "signposting": []}),
        ]
    )  # fmt: skip
    assert [receipt.status for receipt in receipts] == ["accepted"] * 10, receipts
    assert receipts[1].events == ()
    assert set(named(rapport.store, R1, "goal_id")) == {"Career"}
    assert set(named(rapport.store, R1, "homework_id")) == {"Read"}
    assert set(named(rapport.store, R1, "session_id")) == {"s1"}
    (agenda,), (objectives,) = named(rapport.store, R1, "agenda"), named(rapport.store, R1, "objectives")
    assert {each.goal_id for each in [*agenda, *objectives]} == {"Career"}


def test_each_relationship_has_sessions_of_its_own(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1), proposal(2)])
    for number, id_ in ((1, "s1"), (2, "S1")):
        subject = relationship_id(number)
        rapport.handler.handle(
            [
                line("ActivateRelationship", subject=subject, id=f"activate-{number}"),
                schedule(id_, subject=subject),
                move(id_.swapcase(), 7, subject=subject),
            ]
        )
        assert named(rapport.store, subject, "session_id") == [id_, id_]


# --- parties -------------------------------------------------------------------------------------------------------
def test_a_party_acts_under_its_id_in_any_case_and_is_recorded_as_the_relationship_names_it(rapport: Rapport) -> None:
    receipts = rapport.handler.handle([proposal(1), contact(1, "c1", actor="mentee:ANA"), contact(1, "c2", actor="mentor:Ben")])  # fmt: skip
    assert [receipt.status for receipt in receipts] == ["accepted"] * 3
    assert actors(rapport.store, R1) == ["coordinator:cora", "mentee:ana", "mentor:ben"]
    (stranger,) = rapport.handler.handle([contact(1, "c3", actor="mentee:anna")])
    assert codes(stranger) == ["actor"]


def test_who_proposes_a_match_of_their_own_is_spelled_as_the_proposal_names_them(rapport: Rapport) -> None:
    parties = {"programme_id": "p1", "mentee_id": "Ana", "mentor_id": "ben", "codes": []}
    (receipt,) = rapport.handler.handle([line("ProposeRelationship", parties, actor="mentee:aNA")])
    assert receipt.status == "accepted"
    assert actors(rapport.store, R1) == ["mentee:Ana"]


@pytest.mark.parametrize("mentee,mentor", [("ben", "Ben"), ("BEN", "ben"), ("b.e-N", "B.E-n")])
def test_mentee_and_mentor_in_different_case_are_one_person(rapport: Rapport, mentee: str, mentor: str) -> None:
    (receipt,) = rapport.handler.handle([proposal(1, mentee_id=mentee, mentor_id=mentor)])
    assert (receipt.status, codes(receipt)) == ("refused", ["same_person"])
    assert kept(rapport.store) == {}


# --- across streams ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("at_once", [True, False])
def test_a_removed_mentor_does_not_come_back_in_another_case(rapport: Rapport, at_once: bool) -> None:
    sent = [
        line("RegisterMentor", subject="mentor:Ben"),
        line("RemoveMentor", {"reason": "breach"}, subject="mentor:bEN"),
        proposal(1, mentor_id="BEN"),
        line("ReinstateMentor", subject="mentor:ben"),
    ]
    receipts = rapport.handler.handle(sent) if at_once else [rapport.handler.handle([each])[0] for each in sent]
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "refused", "refused"]
    assert codes(receipts[2]) == ["mentor_standing"]
    assert [receipt.subject for receipt in receipts[:2]] == ["mentor:Ben"] * 2
    assert rapport.store.heads(["mentor:Ben", "mentor:bEN", "mentor:ben"])["mentor:Ben"].version == 2
    assert rapport.store.head() == 2


def test_the_terms_and_codes_of_a_programme_are_found_in_any_case(rapport: Rapport) -> None:
    term = {"document": "statement_of_work", "term": "late_notice_hours", "value": 48}
    parties = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben"}
    receipts = rapport.handler.handle(
        [
            line("CreateProgramme", {"name": "One"}, subject="programme:P1"),
            line("AdoptCode", {"code": "cmn"}, subject="programme:p1", time="2026-03-01T00:00:00Z"),
            line("SetTerm", term, subject="programme:p1", time="2026-03-01T00:00:00Z"),
            line("ProposeRelationship", parties),
        ]
    )
    assert [receipt.status for receipt in receipts] == ["accepted"] * 4
    (proposed,) = rapport.store.read(R1)
    assert (proposed.data.programme_id, list(proposed.data.codes)) == ("P1", ["cmn"])
    assert proposed.known is not None
    assert [setting.value for setting in proposed.known.terms] == [48]


def test_a_person_is_one_whatever_the_role(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1, mentee_id="Ana", mentor_id="ben", supplier_id="Guild")])
    rapport.handler.handle(
        [
            proposal(2, mentee_id="BEN", mentor_id="aNA", customer_id="guild"),
            line("RegisterMentor", {"programme_id": "P1"}, subject="mentor:ana", actor="hr:CORA"),
            line(
                "OpenCase",
                {"mentor_id": "ANA", "kind": "law", "description": "x", "relationship_id": R1.upper()},
                subject="case:C1",
            ),
            line("EscalateCase", {"to": "hr:Hanna"}, subject="case:c1"),
            line("EscalateCase", {"to": "hr:hanna"}, subject="case:c1", id="told-before"),
        ]
    )
    (second,) = rapport.store.read(relationship_id(2))
    assert (second.data.mentee_id, second.data.mentor_id, second.data.customer_id) == ("ben", "Ana", "Guild")
    (registered,) = rapport.store.read("mentor:Ana")
    assert (registered.actor, registered.data.programme_id) == ("hr:cora", "p1")
    opened, escalated = rapport.store.read("case:C1")
    assert (opened.data.mentor_id, opened.data.relationship_id, escalated.data.to) == ("Ana", R1, "hr:Hanna")


def test_services_and_workers_are_no_persons(rapport: Rapport) -> None:
    receipts = rapport.handler.handle(
        [proposal(1), contact(1, "x", actor="service:Ana"), contact(1, "y", actor="service:ANA")]
    )
    assert [receipt.status for receipt in receipts] == ["accepted"] * 3
    assert actors(rapport.store, R1)[1:] == ["service:Ana", "service:ANA"]


def test_the_recipient_of_a_disclosure_is_spelled_as_known_and_makes_nothing_known(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1, codes=["nottingham"])])
    told = {"exception": "risk_of_harm", "disclosed": "x", "urgency": "urgent"}
    receipts = rapport.handler.handle(
        [
            line("DiscloseConfidence", told | {"recipient": "coordinator:CORA"}, actor="mentor:BEN"),
            line("DiscloseConfidence", told | {"recipient": "hr:Hanna"}, actor="mentor:ben", id="other"),
        ]
    )
    assert [receipt.status for receipt in receipts] == ["accepted"] * 2, receipts
    assert named(rapport.store, R1, "recipient") == ["coordinator:cora", "hr:Hanna"]
    assert "person:hanna" not in kept(rapport.store)


def test_what_is_refused_or_invalid_makes_no_spelling_known(rapport: Rapport) -> None:
    refused, invalid, accepted = rapport.handler.handle(
        [
            contact(1, "x", actor="mentee:ANA"),
            proposal(1, mentee_id="ANA", mentor_id="be n"),
            proposal(1, mentee_id="ana", mentor_id="Ben"),
        ]
    )
    assert (refused.status, invalid.status, accepted.status) == ("refused", "invalid", "accepted")
    assert kept(rapport.store) == {f"{kind}:{id_.lower()}": id_ for kind, id_ in
                                   [("programme", "p1"), ("person", "ana"), ("person", "Ben"), ("person", "cora")]}  # fmt: skip


def test_the_fingerprint_is_that_of_the_message_as_it_was_sent(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1)])
    first, same, other = (contact(1, "c1", actor=f"mentee:{id_}") for id_ in ("ANA", "ANA", "ana"))
    accepted, duplicate, reused = rapport.handler.handle([first, same, other])
    assert (accepted.status, duplicate.status, codes(reused)) == ("accepted", "duplicate", ["id_reused"])


# --- across processes and restarts ---------------------------------------------------------------------------------
def test_a_restart_remembers_every_spelling(settings: Settings) -> None:
    there = settings.model_copy(update={"clock": NOW})
    with open_rapport(there) as rapport:
        rapport.handler.handle(
            [line("RemoveMentor", {"reason": "x"}, subject="mentor:Ben"), proposal(1, mentor_id="Eva")]
        )
    with open_rapport(there) as rapport:
        receipts = rapport.handler.handle(
            [proposal(2, mentor_id="BEN"), proposal(3, mentor_id="eVA", mentee_id="ANA", programme_id="P1")]
        )
        assert [receipt.status for receipt in receipts] == ["refused", "accepted"]
        (third,) = rapport.store.read(relationship_id(3))
        assert (third.data.mentor_id, third.data.mentee_id, third.data.programme_id) == ("Eva", "ana", "p1")
        assert verify(rapport.store).ok


def test_what_falls_out_of_the_cache_is_read_again(rapport: Rapport, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = another(rapport)
    handler.spellings = spelling.SpellingCache(rapport.store, size=1)
    for number in range(1, 6):
        handler.handle([proposal(number, mentee_id=f"Mentee{number}")])
    receipts = handler.handle([contact(n, f"c{n}", actor=f"mentee:MENTEE{n}") for n in range(1, 6)])
    assert {receipt.status for receipt in receipts} == {"accepted"}
    assert [actors(rapport.store, relationship_id(n))[1] for n in range(1, 6)] == [
        f"mentee:Mentee{n}" for n in range(1, 6)
    ]


def test_of_two_processes_that_make_two_spellings_known_at_once_one_decides_again(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = another(rapport)
    before_sending(rapport, monkeypatch, lambda: rival.handle([proposal(2, mentee_id="Ana", mentor_id="BEN", programme_id="P1")]))  # fmt: skip
    (receipt,) = rapport.handler.handle([proposal(1)])
    assert receipt.status == "accepted"
    (first,), (second,) = rapport.store.read(R1), rapport.store.read(relationship_id(2))
    for proposed in (first.data, second.data):
        assert (proposed.mentee_id, proposed.mentor_id, proposed.programme_id) == ("Ana", "BEN", "P1")
    assert kept(rapport.store) == rebuilt(rapport.store)


def test_the_same_spelling_made_known_by_two_processes_at_once_is_no_reason_to_decide_again(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = another(rapport)
    before_sending(rapport, monkeypatch, lambda: rival.handle([proposal(2)]))
    monkeypatch.setattr(rapport.store, "news", lambda *_: pytest.fail("it looked what others had written"))
    (receipt,) = rapport.handler.handle([proposal(1)])
    assert receipt.status == "accepted"
    assert kept(rapport.store) == rebuilt(rapport.store)


def test_a_removal_that_another_process_records_meanwhile_under_another_spelling_counts(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = another(rapport)
    removal = line("RemoveMentor", {"reason": "x"}, subject="mentor:BEN")
    before_sending(rapport, monkeypatch, lambda: rival.handle([removal]))
    (receipt,) = rapport.handler.handle([proposal(1)])
    assert codes(receipt) == ["mentor_standing"]


def test_what_the_batch_under_way_makes_known_counts_for_the_next(rapport: Rapport) -> None:
    first = rapport.handler.begin([line("RegisterMentor", subject="mentor:Ben")])
    second = rapport.handler.begin([line("RemoveMentor", {"reason": "x"}, subject="mentor:bEN")])
    third = rapport.handler.begin([proposal(1, mentor_id="BEN")])
    assert [work.receipts()[0].status for work in (first, second, third)] == ["accepted", "accepted", "refused"]
    assert len(rapport.store.read("mentor:Ben")) == 2


def test_when_the_batch_under_way_ends_with_another_spelling_the_next_is_decided_again(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = another(rapport)
    before_sending(rapport, monkeypatch, lambda: rival.handle([line("RegisterMentor", subject="mentor:BEN")]))
    first = rapport.handler.begin([proposal(1, mentor_id="Ben")])
    second = rapport.handler.begin([proposal(2, mentor_id="ben")])
    assert [work.receipts()[0].status for work in (first, second)] == ["accepted", "accepted"]
    assert [named(rapport.store, relationship_id(n), "mentor_id") for n in (1, 2)] == [["BEN"], ["BEN"]]
    assert kept(rapport.store) == rebuilt(rapport.store)


def test_a_batch_that_fails_makes_nothing_known(rapport: Rapport, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(rapport.store, "begin_append", lambda *_, **__: failing)
    with pytest.raises(StoreError):
        rapport.handler.handle([proposal(1, mentor_id="BEN")])
    monkeypatch.undo()
    rapport.handler.handle([proposal(1)])
    assert named(rapport.store, R1, "mentor_id") == ["ben"]
    assert kept(rapport.store) == rebuilt(rapport.store)


# --- what is kept --------------------------------------------------------------------------------------------------
def test_the_kept_spellings_follow_from_the_events_and_a_copy_has_them(settings: Settings, tmp_path: Path) -> None:
    with open_rapport(settings.model_copy(update={"clock": datetime(2030, 1, 1, tzinfo=UTC)})) as rapport:
        lines = [each.replace(b'"mentor:', b'"mentor:X') if n % 2 else each for n, each in enumerate(messages(10, 4))]
        rapport.handler.handle(lines)
        assert kept(rapport.store) == rebuilt(rapport.store)
        assert verify(rapport.store).ok
        with open_database(f"sqlite:///{tmp_path / 'copy.sqlite'}") as target:
            copy(rapport.database, target, (), lambda *_: None)
            assert kept(EventStore(target)) == kept(rapport.store)
            assert verify(EventStore(target, rapport.store.mapper)).ok


@pytest.mark.parametrize(
    "change,said",
    [
        ("UPDATE spellings SET spelling = 'BEN' WHERE key = 'person:ben'", "first spelling BEN of ben"),
        ("DELETE FROM spellings WHERE key = 'person:ben'", "no spelling of ben"),
        ("INSERT INTO spellings VALUES ('person:eva', 'Eva')", "no event names"),
    ],
)
def test_verification_names_a_spelling_that_does_not_follow_from_the_events(
    rapport: Rapport, change: str, said: str
) -> None:
    rapport.handler.handle([proposal(1)])
    assert verify(rapport.store).ok
    with by_hand(rapport.database) as session:
        assert session.execute(change) == 1
    (wrong,) = verify(rapport.store).problems
    assert said in wrong.problem


# --- any mixture ---------------------------------------------------------------------------------------------------
Spell = Callable[[str, str], str]


def story(spell: Spell) -> list[bytes]:
    """Messages that are all accepted, with every id as `spell` has it: of a kind, or of a kind in a relationship."""

    def person(id_: str) -> str:
        return spell("person", id_)

    sent = [
        line("RegisterMentor", {"programme_id": spell("programme", "p1")}, subject=f"mentor:{person('ben')}", actor=f"hr:{person('hanna')}"),
        line("CreateProgramme", {"name": "One"}, subject=f"programme:{spell('programme', 'p1')}", actor=f"coordinator:{person('cora')}"),
    ]  # fmt: skip
    for number in (1, 2):
        in_it = relationship_id(number)
        parties = {"programme_id": spell("programme", "p1"), "mentee_id": person("ana"), "mentor_id": person("ben"),
                   "supplier_id": person("guild"), "codes": []}  # fmt: skip
        common: dict[str, Any] = {"subject": in_it}
        session = {"starts_at": "2026-03-05T17:00:00Z", "channel": "email"}
        sent += [
            line("ProposeRelationship", parties, id=f"{number}-1", actor=f"supplier:{person('guild')}", **common),
            line("ActivateRelationship", id=f"{number}-2", actor=f"mentee:{person('ana')}", **common),
            line("AgreeGoal", GOAL | {"goal_id": spell(in_it, "g1")}, id=f"{number}-3", actor=f"mentor:{person('ben')}", **common),
            line("ScheduleSession", session | {"session_id": spell(in_it, "s1")}, id=f"{number}-4", actor=f"mentee:{person('ana')}", **common),
            line("RecordSessionNote", {"session_id": spell(in_it, "s1"), "text": "x"}, id=f"{number}-5", actor=f"mentor:{person('ben')}", **common),
            line("RecordGoalProgress", {"goal_id": spell(in_it, "g1"), "session_id": spell(in_it, "s1"), "progress": "some"},
                 id=f"{number}-6", actor=f"mentee:{person('ana')}", **common),
        ]  # fmt: skip
    case = {"mentor_id": person("ben"), "kind": "law", "description": "x"}
    return [
        *sent,
        line("OpenCase", case, subject=f"case:{spell('case', 'c1')}", actor=f"hr:{person('hanna')}"),
        line(
            "CloseCase", {"reason": "x"}, subject=f"case:{spell('case', 'c1')}", actor=f"coordinator:{person('cora')}"
        ),
    ]


def recorded(lines: list[bytes], batch: int) -> list[AnyRecorded]:
    """Subject, topic and content of all events that the messages lead to, so many at a time."""
    with TemporaryDirectory() as folder:
        opened = open_rapport(Settings(store=f"sqlite:///{folder}/store.sqlite", synchronous="off", clock=NOW))
        with opened as rapport:
            for start in range(0, len(lines), batch):
                receipts = rapport.handler.handle(lines[start : start + batch])
                assert {receipt.status for receipt in receipts} == {"accepted"}, receipts
            assert verify(rapport.store).ok
            notes = rapport.store.logged(0, 1000)
            return [rapport.store.mapper.decode(each.topic, each.state) for each in notes]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20))
def test_any_mixture_of_spellings_gives_the_events_of_the_first_spellings(seed: int, batch: int) -> None:
    lots = random.Random(seed)
    first: dict[tuple[str, str], str] = {}

    def mixed(_: str, id_: str) -> str:
        return "".join(lots.choice((letter.upper(), letter)) for letter in id_)

    # Each id as it is spelled where it comes first: what `story` asks for in the order in which events make ids known.
    def noted(kind: str, id_: str) -> str:
        spelled = mixed(kind, id_)
        first.setdefault((kind, id_), spelled)
        return spelled

    lines = story(noted)
    assert recorded(lines, batch) == recorded(story(lambda kind, id_: first[kind, id_]), 20)
