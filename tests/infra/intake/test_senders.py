"""Who may send: Rapport's own senders, the file of senders, and what a refusal for the sender leaves behind."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domain.mentor.state import Mentor
from domain.model import Actor
from domain.relationship.commands import RecordContact
from domain.words import ROLES
from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.intake.folding import fold_streams
from infra.intake.handler import Handler
from infra.intake.message import compose
from infra.intake.receipt import Receipt
from infra.intake.senders import Sender, is_ours, read_senders
from infra.settings import Settings, WrongSettings
from tests.infra.intake.conftest import NOW
from tests.infra.intake.proofs import key_of, public
from tests.messages import TIME, contact, line, proposal, relationship_id

OURS = [
    "/workers/trust",
    "/workers/",
    "/workers",
    "/Workers/trust",
    "/WORKERS/trust",
    "//workers/trust",
    "///workers/trust",
    "/./workers/trust",
    "/.//./workers/trust",
    "/x/../workers/trust",
    "/../workers/trust",
    "workers/trust",
    "./workers/trust",
    "%2Fworkers%2Ftrust",
    "%2fworkers/trust",
    "/%77orkers/trust",
    "/work%65rs/trust",
    "/%57ORKERS/trust",
    "/%2577orkers/trust",
    "/%252577orkers/trust",
    "/%2E/workers/trust",
    "/x/%2e%2e/workers/trust",
    "/workers%2Ftrust",
    "/workers%5Ctrust",
    "\\workers\\trust",
    "/workers?x=1",
    "/workers#x",
    "/workers;v=1/trust",
    "/ workers/trust",
    "/workers%00/trust",
    "/wor%E2%80%8Bkers/trust",
    "/\uff57orkers/trust",
    "/%EF%BD%97orkers/trust",
    "/wor\u212aers/trust",
]
NOT_OURS = [
    "/services/workers/trust",
    "/services/booking",
    "/workers-council/x",
    "/workersx/",
    "/worker/trust",
    "/coworkers/",
    "/workers.example.org/x",
    "https://example.org/workers/x",
    "urn:workers:x",
    "/workers/../services/x",
    "/",
    "%",
    "%zz/workers",
    "/w%C3%B6rkers/x",
]


@pytest.mark.parametrize("subject", ["case:event.{}.2", "case:EVENT.{}.2", "case:Event.x"])
def test_nobody_opens_a_case_in_the_place_of_a_worker(rapport: Rapport, subject: str) -> None:
    of = relationship_id(1)
    data = {"mentor_id": "ben", "relationship_id": of, "kind": "code", "description": "x"}
    wanted = line("OpenCase", data, id="m1", subject=subject.format(of), actor="hr:h")
    [receipt] = rapport.handler.handle([wanted])
    assert codes(receipt) == [("reserved", "subject")]


@pytest.mark.parametrize("source", OURS)
def test_what_passes_for_a_source_of_a_worker_is_reserved(source: str) -> None:
    assert is_ours(source)


@pytest.mark.parametrize("source", NOT_OURS)
def test_what_only_resembles_one_is_not(source: str) -> None:
    assert not is_ours(source)


def codes(receipt: Receipt) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in receipt.problems]


def handler(rapport: Rapport, path: Path | None, text: str = "") -> Handler:
    """A handler of another process, with these senders."""
    if path is not None:
        path.write_text(text, encoding="utf-8")
    return Handler(rapport.store, Clock(NOW), 100, read_senders(path))


def count(rapport: Rapport, table: str) -> int:
    return int(rapport.database.query(f"SELECT COUNT(*) FROM {table}")[0][0])


class TestRapportsOwnSenders:
    @pytest.mark.parametrize("source", ["/workers/trust", "/Workers/x", "//workers/x", "/work%65rs/x"])
    def test_are_refused_from_outside_and_record_nothing(self, rapport: Rapport, source: str) -> None:
        rapport.handler.handle([proposal()])
        [receipt] = rapport.handler.handle([contact(1, "x", source=source)])
        assert (receipt.status, codes(receipt)) == ("refused", [("reserved", "source")])
        [receipt] = rapport.handler.handle([contact(1, "x", actor="worker:trust")])
        assert (receipt.status, codes(receipt)) == ("refused", [("reserved", "actor")])
        assert (count(rapport, "stored_events"), count(rapport, "receipts")) == (1, 1)

    def test_are_taken_from_inside(self, rapport: Rapport) -> None:
        rapport.handler.handle([proposal()])
        message = compose(
            RecordContact(channel="email"),
            source="/workers/trust",
            id="x",
            subject=relationship_id(1),
            time=NOW,
            actor=Actor("worker", "trust"),
        )
        [receipt] = rapport.handler.handle_own([message])
        assert codes(receipt) == [("role", "actor")]
        [receipt] = rapport.handler.handle_messages([message])
        assert codes(receipt) == [("reserved", "source")]

    def test_a_forger_does_not_use_up_the_id_of_a_worker(self, rapport: Rapport) -> None:
        rapport.handler.handle([proposal(), contact(1, "x", source="/workers/trust")])
        message = compose(
            RecordContact(channel="email"),
            source="/workers/trust",
            id="x",
            subject=relationship_id(1),
            time=NOW,
            actor=Actor("coordinator", "cora"),
        )
        assert rapport.handler.handle_own([message])[0].status == "accepted"

    def test_a_worker_may_not_be_listed(self, tmp_path: Path) -> None:
        assert "Rapport's own" in wrong(tmp_path, entry(roles=["worker"]))
        for source in ("/workers/trust", "/workers/*", "/Workers/*", "//workers*"):
            assert "Rapport's own" in wrong(tmp_path, entry(source=source))


@pytest.mark.parametrize("source", ["/booking service", "/b\u001b[2J", "/bücher/*", "/services/%", "http://[::1/*"])
def test_a_source_that_no_message_can_have_is_no_entry(tmp_path: Path, source: str) -> None:
    found = wrong(tmp_path, entry(source=source))
    assert "source: expected a URI reference" in found


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_analysts_and_auditors_send_nothing_with_or_without_a_file(rapport: Rapport, tmp_path: Path, role: str) -> None:
    rapport.handler.handle([proposal()])
    listing = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=[role]))
    for number, way in enumerate((rapport.handler, listing)):
        [receipt] = way.handle([contact(1, f"x{number}", actor=f"{role}:a")])
        assert (receipt.status, codes(receipt)) == ("refused", [("role", "actor")])


def entry(**fields: Any) -> str:
    """A [[sender]] table; None leaves a field out."""
    whole = {"source": "/services/booking", "roles": ["service"]} | fields
    lines = [f"{name} = {json.dumps(value)}" for name, value in whole.items() if value is not None]
    return "\n".join(["[[sender]]", *lines, ""])


BOOKING = entry(roles=["service", "mentee"], programmes=["p1"])


class TestWithAFile:
    def test_a_source_that_is_not_listed_is_refused(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", BOOKING)
        for source in ("/services/other", "/services/booking/x", "/services/bookin", "/services/Booking", "/tests"):
            [receipt] = way.handle([line("ProposeRelationship", PARTIES, source=source, actor="service:b")])
            assert (receipt.status, codes(receipt)) == ("refused", [("sender", "source")])

    def test_a_role_that_is_not_listed_is_refused(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", BOOKING)
        found = [way.handle([sent(actor=f"{role}:x", id=role)])[0] for role in ROLES]
        assert [codes(receipt) == [("sender", "actor")] for receipt in found] == [
            role not in {"service", "mentee", "worker"} for role in ROLES
        ]

    def test_a_refusal_for_the_sender_uses_no_id_and_learns_no_receipt(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", BOOKING)
        true = sent()
        for forged in (sent(actor="hr:x"), sent(actor="hr:x", data=PARTIES | {"mentee_id": "eva"})):
            assert way.handle([forged, forged]) == way.handle([forged]) * 2
        [first] = way.handle([true])
        assert first.status == "accepted"
        [refused] = way.handle([sent(actor="hr:x")])
        assert (refused.status, refused.events, codes(refused)) == ("refused", (), [("sender", "actor")])
        [again] = way.handle([true])
        assert (again.status, again.first_status, again.events) == ("duplicate", "accepted", first.events)
        assert count(rapport, "receipts") == 1

    def test_what_the_rules_refuse_has_used_its_id_as_ever(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", entry())
        refused = line("ActivateRelationship", source="/services/booking", actor="service:b")
        assert [way.handle([refused])[0].status for _ in "ab"] == ["refused", "duplicate"]

    def test_the_most_specific_sender_counts(self, rapport: Rapport, tmp_path: Path) -> None:
        text = entry(source="*", roles=["hr"]) + entry(source="/services/*", roles=["mentor"])
        text += entry(source="/services/b*", roles=["mentee"]) + entry(source="/services/booking", roles=["service"])
        way = handler(rapport, tmp_path / "s.toml", text)
        for source, role in {
            "/elsewhere": "hr",
            "/services/": "mentor",
            "/services/other": "mentor",
            "/services/b": "mentee",
            "/services/booking/2": "mentee",
            "/services/booking": "service",
        }.items():
            may = {r for r in ("hr", "mentor", "mentee", "service") if passes(way, source=source, actor=f"{r}:x")}
            assert may == {role}, source

    @pytest.mark.parametrize(
        "source",
        [
            "/p1/../p2/x",
            "/p1/..",
            "/p1/./x",
            "/p1/%2e%2e/p2",
            "/p1/%252E./p2",
            "/p1/..;a/p2",
        ],
    )
    def test_dots_in_a_path_lead_no_source_under_the_prefix_of_another(
        self, rapport: Rapport, tmp_path: Path, source: str
    ) -> None:
        way = handler(rapport, tmp_path / "s.toml", entry(source="/p1*", roles=["service"]))
        assert passes(way, source="/p1/p2.x/..y", actor="service:b")
        assert not passes(way, source=source, actor="service:b")

    @pytest.mark.parametrize("programmes", [None, "*", ["*"]])
    def test_without_programmes_it_may_send_for_all(self, rapport: Rapport, tmp_path: Path, programmes: Any) -> None:
        way = handler(rapport, tmp_path / "s.toml", entry(programmes=programmes))
        assert passes(way)
        assert passes(way, type="rapport.RecordTraining", subject="mentor:m", data=TRAINING)

    def test_a_message_may_be_about_its_programmes_alone(self, rapport: Rapport, tmp_path: Path) -> None:
        rapport.handler.handle([proposal(1), proposal(2, programme_id="p2", mentee_id="eva")])
        roles = ["coordinator", "hr", "service"]
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=roles, programmes=["P1", "p3"]))
        new = {"subject": relationship_id(7)}
        opening = {"mentor_id": "ben", "kind": "policy", "description": "A paper"}

        def case(name: str, **data: Any) -> dict[str, Any]:
            return {"type": "rapport.OpenCase", "subject": f"case:{name}", "data": opening | data}

        within: list[dict[str, Any]] = [
            {"type": "rapport.RecordContact", "data": {"channel": "email"}},
            {**new, "data": PARTIES},
            {**new, "data": PARTIES | {"programme_id": "p3"}},
            {"type": "rapport.AdoptCode", "subject": "programme:p1", "data": {"code": "cmn"}},
            {"type": "rapport.AdoptCode", "subject": "programme:P3", "data": {"code": "cmn"}},
            {"type": "rapport.RegisterMentor", "subject": "mentor:m", "data": {"programme_id": "p1"}},
            *(
                {"type": f"rapport.{name}", "subject": "mentor:ben", "data": {"reason": "x", "programme_id": "p1"}}
                for name in STANDING
            ),
            # Of a mentor who was registered in this programme.
            {"type": "rapport.RecordTraining", "subject": "mentor:m", "data": TRAINING},
            {"type": "rapport.RegisterMentor", "subject": "mentor:m", "data": {"name": "Ben"}},
            case("c1", relationship_id=relationship_id(1)),
            case("c1b", relationship_id=relationship_id(1).upper()),
        ]
        beyond: list[dict[str, Any]] = [
            {"type": "rapport.RecordContact", "subject": relationship_id(2), "data": {"channel": "email"}},
            # Nobody knows its programme yet.
            {"type": "rapport.RecordContact", "subject": relationship_id(9), "data": {"channel": "email"}},
            {**new, "data": PARTIES | {"programme_id": "p2"}},
            {**new, "data": PARTIES | {"programme_id": "p"}},
            # Proposed again, as if it were of another programme.
            {"subject": relationship_id(2), "data": PARTIES | {"mentee_id": "eva"}},
            {"type": "rapport.AdoptCode", "subject": "programme:p2", "data": {"code": "cmn"}},
            {"type": "rapport.RegisterMentor", "subject": "mentor:m", "data": {"programme_id": "p2"}},
            # Everywhere.
            {"type": "rapport.RegisterMentor", "subject": "mentor:n", "data": {"name": "Ben"}},
            # Nobody knows this mentor yet.
            {"type": "rapport.RecordTraining", "subject": "mentor:n", "data": TRAINING},
            *(
                {"type": f"rapport.{name}", "subject": "mentor:ben", "data": {"reason": "x"} | where}
                for name in STANDING
                for where in ({}, {"programme_id": "p2"})
            ),
            case("c2", relationship_id=relationship_id(2)),
            case("c3", relationship_id=relationship_id(9)),
            case("c4", relationship_id="somewhere"),
            case("c5"),
        ]
        assert [passes(way, **{"actor": "coordinator:cora"} | fields) for fields in within] == [True] * len(within)
        for fields in beyond:
            [receipt] = way.handle([sent(**{"actor": "coordinator:cora", "id": fresh()} | fields)])
            assert (receipt.status, codes(receipt)) == ("refused", [("sender", "subject")]), fields

    def test_a_case_is_of_the_programme_of_its_relationship(self, rapport: Rapport, tmp_path: Path) -> None:
        opening = {"mentor_id": "ben", "kind": "policy", "description": "A paper"}
        subjects = {"case:one": {"relationship_id": relationship_id(1)}, "case:none": {}}
        rapport.handler.handle([proposal(1)])
        for subject, data in subjects.items():
            opened = line("OpenCase", opening | data, subject=subject, id=subject, actor="hr:h")
            assert rapport.handler.handle([opened])[0].status == "accepted"
        decision = {"decision": "no_action", "reason": "Nothing in it"}
        for programme, may in (("p1", {"case:one"}), ("p2", set())):
            way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["hr"], programmes=[programme]))
            fields = {"type": "rapport.DecideCase", "actor": "hr:h", "data": decision}
            assert {subject for subject in subjects if passes(way, subject=subject, **fields)} == may

    def test_a_case_reaches_no_mentor_of_another_programme(self, rapport: Rapport, tmp_path: Path) -> None:
        rapport.handler.handle([proposal(1), proposal(2, programme_id="p2", mentee_id="eva", mentor_id="max")])
        roles = ["hr", "coordinator"]
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=roles, programmes=["p2"]))

        def may(type_: str, subject: str, **data: Any) -> bool:
            return passes(way, type=f"rapport.{type_}", subject=subject, actor="hr:h", data=data)

        about = {"relationship_id": relationship_id(2), "kind": "code", "description": "x"}
        assert not may("OpenCase", "case:one", mentor_id="ben", **about)
        assert may("OpenCase", "case:two", mentor_id="MAX", **about)
        # A removal that is decided in a case is one from the programme of its relationship.
        assert may("DecideCase", "case:two", decision="mentor_removed", reason="x")

    def test_a_mentor_registered_elsewhere_is_out_of_reach(self, rapport: Rapport, tmp_path: Path) -> None:
        registered = line("RegisterMentor", {"programme_id": "p1"}, subject="mentor:ben", actor="coordinator:c")
        assert rapport.handler.handle([registered])[0].status == "accepted"
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["coordinator"], programmes=["p2"]))
        again = {
            "type": "rapport.RegisterMentor",
            "actor": "coordinator:c",
            "data": {"programme_id": "p2", "name": "X"},
        }
        assert not passes(way, subject="mentor:ben", **again)
        assert passes(way, subject="mentor:new", **again)

    def test_a_mentor_registered_beforehand_by_the_wrong_programme_is_put_right_by_who_may_send_for_both(
        self, rapport: Rapport, tmp_path: Path
    ) -> None:
        def way(*programmes: str) -> Handler:
            text = entry(source="*", roles=["coordinator"], programmes=list(programmes) or "*")
            return handler(rapport, tmp_path / "s.toml", text)

        def may(by: Handler, **data: Any) -> bool:
            return passes(by, type="rapport.RegisterMentor", subject="mentor:ben", actor="coordinator:c", data=data)

        assert may(way("p2"), programme_id="p2", name="Not Ben", capacity=1)
        rapport.handler.handle([proposal(1)])
        # Neither office takes the mentor from the other by itself.
        assert not may(way("p1"), programme_id="p1")
        assert not may(way("p2"), programme_id="p2", capacity=2)
        assert not may(way("p1", "p3"), programme_id="p1")
        assert may(way("p1", "p2"), programme_id="p1", name="Ben")
        assert not may(way("p2"), programme_id="p2")
        # What a registration leaves out stays, so the home's office may send the rest alone.
        assert may(way("p1"), capacity=4)
        assert may(way(), name="Benedict")
        state = fold_streams(rapport.store, ["mentor:ben"])["mentor:ben"].state
        assert isinstance(state, Mentor)
        assert (state.name, state.programme_id, state.capacity) == ("Benedict", "p1", 4)

    def test_a_case_is_about_somebody_of_its_relationship(self, rapport: Rapport, tmp_path: Path) -> None:
        rapport.handler.handle([proposal(1), proposal(2, programme_id="p2", mentee_id="eva", mentor_id="max")])
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["hr"], programmes=["p2"]))
        of = {"relationship_id": relationship_id(2), "kind": "code", "description": "x"}
        within = [
            {"about": "mentor:max"},
            {"about": "mentee:Eva"},
            # It names nobody for these roles.
            {"about": "coordinator:cora"},
            {"about": "line_manager"},
        ]
        beyond: list[dict[str, Any]] = [
            {"about": "mentee:ana"},
            {"about": "mentor:ben"},
            {"about": "customer:acme"},
            {"about": "mentor:max", "relationship_id": None},
        ]
        for cases, may in ((within, True), (beyond, False)):
            for number, data in enumerate(cases):
                subject = f"case:{number}.{may}"
                told = {"type": "rapport.OpenCase", "subject": subject, "actor": "hr:h", "data": of | data}
                assert passes(way, **told) is may, data

    def test_a_case_that_another_programme_opened_is_neither_decided_nor_escalated_nor_closed(
        self, rapport: Rapport, tmp_path: Path
    ) -> None:
        rapport.handler.handle([proposal(1), proposal(2, programme_id="p2", mentee_id="eva")])
        of = {"relationship_id": relationship_id(1), "mentor_id": "ben", "kind": "code", "description": "x"}
        opened = line("OpenCase", of, subject="case:one", id="open", actor="hr:h")
        assert rapport.handler.handle([opened])[0].status == "accepted"
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["hr"], programmes=["p2"]))
        steps: dict[str, dict[str, Any]] = {
            "DecideCase": {"decision": "further_training", "reason": "x"},
            "EscalateCase": {"to": "hr:petra"},
            "CloseCase": {"reason": "x"},
            # Opened again, as if it came from the other relationship of the same mentor.
            "OpenCase": of | {"relationship_id": relationship_id(2)},
        }
        for name, data in steps.items():
            assert not passes(way, type=f"rapport.{name}", subject="case:one", actor="hr:h", data=data), name

    def test_standing_is_the_matter_of_the_programme_that_the_message_names(
        self, rapport: Rapport, tmp_path: Path
    ) -> None:
        registered = line("RegisterMentor", {"programme_id": "p1"}, subject="mentor:ben", actor="coordinator:c")
        rapport.handler.handle([registered, proposal(1), proposal(2, programme_id="p2", mentee_id="eva")])
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["coordinator"], programmes=["p2"]))
        suspend = {"type": "rapport.SuspendMentor", "subject": "mentor:ben", "actor": "coordinator:c", "id": "suspend"}
        [receipt] = way.handle([sent(**suspend, data={"reason": "x", "programme_id": "p2"})])
        assert receipt.status == "accepted"
        # The mentor goes on in the other programme.
        proposals = [proposal(3, mentee_id="mia"), proposal(4, programme_id="p2", mentee_id="noa")]
        told = [codes(each) for each in rapport.handler.handle(proposals)]
        assert told == [[], [("mentor_standing", "data.mentor_id")]]

    def test_nobody_registers_or_trains_a_mentor_whom_another_programme_knows(
        self, rapport: Rapport, tmp_path: Path
    ) -> None:
        ended = {"reason": "goals_met", "informed": ["mentee", "mentor"], "next_steps": "none"}
        end = line("TerminateRelationship", ended, subject=relationship_id(3), id="end", actor="coordinator:c")
        own = {"programme_id": "p2", "mentee_id": "eva", "mentor_id": "max"}
        receipts = rapport.handler.handle([proposal(1), proposal(2, **own), proposal(3, mentor_id="old"), end])
        assert [receipt.status for receipt in receipts] == ["accepted"] * 4
        way = handler(rapport, tmp_path / "s.toml", entry(source="*", roles=["coordinator"], programmes=["p2"]))

        def may(type_: str, mentor: str, **data: Any) -> bool:
            return passes(way, type=f"rapport.{type_}", subject=f"mentor:{mentor}", actor="coordinator:c", data=data)

        # p1 has a relationship with ben, and had one with old.
        for mentor in ("ben", "BEN", "old"):
            assert not may("RegisterMentor", mentor, programme_id="p2")
            assert not may("RecordTraining", mentor, **TRAINING)
        # Before anybody registered max, only p2 knows them.
        assert may("RecordTraining", "max", **TRAINING)
        assert may("RegisterMentor", "max", programme_id="p2")
        assert may("RecordTraining", "max", **TRAINING | {"course": "Asking"})
        # Nor does a relationship of one's own with another programme's mentor help.
        theirs = sent(subject=relationship_id(9), actor="coordinator:c", data=PARTIES | {"programme_id": "p2"})
        assert way.handle([theirs])[0].status == "accepted"
        assert not may("RegisterMentor", "ben", programme_id="p2")
        assert not may("RecordTraining", "ben", **TRAINING)

    def test_what_the_same_batch_proposed_makes_a_mentor_known(self, rapport: Rapport, tmp_path: Path) -> None:
        text = entry(roles=["service", "coordinator"], programmes=["p1"])
        way = handler(rapport, tmp_path / "s.toml", text)
        train = {"type": "rapport.RecordTraining", "data": TRAINING}
        register = {"type": "rapport.RegisterMentor", "data": {"programme_id": "p1"}}
        of = {"subject": "mentor:ben", "actor": "coordinator:c"}
        messages = [
            sent(**train, **of, id="early"),
            sent(),
            sent(**train, **of, id="late"),
            sent(**register, **of, id="r"),
        ]
        assert [receipt.status for receipt in way.handle(messages)] == ["refused", *["accepted"] * 3]

    def test_a_proposal_and_what_follows_it_may_come_in_one_batch(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", BOOKING)
        follows = sent(type="rapport.RecordContact", data={"channel": "email"}, id="then")
        assert [receipt.status for receipt in way.handle([sent(), follows])] == ["accepted"] * 2
        assert [receipt.status for receipt in way.handle([sent(), follows])] == ["duplicate"] * 2

    def test_what_another_process_proposed_meanwhile_counts(self, rapport: Rapport, tmp_path: Path) -> None:
        way = handler(rapport, tmp_path / "s.toml", BOOKING)
        follows = sent(type="rapport.RecordContact", data={"channel": "email"}, id="then")
        assert codes(way.handle([follows])[0]) == [("sender", "subject")]
        rapport.handler.handle([proposal()])
        assert way.handle([follows])[0].status == "accepted"


PARTIES = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
STANDING = ("SuspendMentor", "ReinstateMentor", "RemoveMentor")
TRAINING = {"course": "Listening", "completed_on": "2026-01-02"}
_numbers = itertools.count()


def fresh() -> str:
    return f"fresh-{next(_numbers)}"


def sent(**fields: Any) -> bytes:
    """A proposal by the booking service in programme p1; `fields` replace others."""
    return line(
        "ProposeRelationship", **{"source": "/services/booking", "actor": "service:b", "data": PARTIES} | fields
    )


def passes(way: Handler, **fields: Any) -> bool:
    """Whether such a message is let in, whatever the rules make of it."""
    [receipt] = way.handle([sent(**{"id": fresh()} | fields)])
    assert receipt.status != "invalid", receipt
    return not {"sender", "proof", "reserved"} & {problem.code for problem in receipt.problems}


# --- every combination -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    source: str
    roles: tuple[str, ...]
    programmes: tuple[str, ...] | None


SOURCES = ("/a", "/a/b", "/a/b/c", "/b", "/workers/x")
PATTERNS = ("/a", "/a/b", "/b", "*", "/a*", "/a/*", "/a/b*")
SENDING = tuple(role for role in ROLES if role != "worker")
entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from(PATTERNS),
        st.lists(st.sampled_from(SENDING), min_size=1, unique=True).map(tuple),
        st.none() | st.lists(st.sampled_from(["p1", "p2"]), min_size=1, unique=True).map(tuple),
    ),
    min_size=1,
    unique_by=lambda each: each.source,
)


def expected(listed: list[Entry], source: str, role: str, programme: str | None) -> tuple[str, str] | None:
    """What the contract says of a message, in the plainest words there are."""
    if source.startswith("/workers/"):
        return "reserved", "source"
    if role == "worker":
        return "reserved", "actor"
    exact = [each for each in listed if each.source == source]
    wide = [each for each in listed if each.source.endswith("*") and source.startswith(each.source[:-1])]
    found = exact or sorted(wide, key=lambda each: len(each.source))[-1:]
    if not found:
        return "sender", "source"
    if role not in found[0].roles:
        return "sender", "actor"
    if found[0].programmes is not None and programme not in found[0].programmes:
        return "sender", "subject"
    return None


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rapport]:
    """Relationship 1 is of programme p1, relationship 2 of p2, and nobody proposed number 3."""
    store = f"sqlite:///{tmp_path_factory.mktemp('senders') / 's.sqlite'}"
    with open_rapport(Settings(store=store, clock=NOW, synchronous="off")) as opened:
        opened.handler.handle([proposal(1), proposal(2, programme_id="p2", mentee_id="eva", mentor_id="bea")])
        yield opened


@hypothesis_settings(deadline=None, max_examples=60)
@given(entries, st.data())
def test_every_combination_is_allowed_or_refused_as_the_file_says(
    filled: Rapport, tmp_path_factory: pytest.TempPathFactory, listed: list[Entry], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "senders.toml"
    path.write_text("".join(entry(source=e.source, roles=e.roles, programmes=e.programmes) for e in listed))
    way = Handler(filled.store, Clock(NOW), 100, read_senders(path))
    combinations = data.draw(
        st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(ROLES), st.sampled_from([1, 2, 3])), min_size=1)
    )
    messages = [
        contact(number, fresh(), source=source, actor=f"{role}:x", time=TIME) for source, role, number in combinations
    ]
    for (source, role, number), receipt in zip(combinations, way.handle(messages), strict=True):
        told = expected(listed, source, role, {1: "p1", 2: "p2"}.get(number))
        if told is None:
            assert not {"sender", "reserved"} & {problem.code for problem in receipt.problems}
        else:
            assert (receipt.status, codes(receipt)) == ("refused", [told])


@pytest.mark.parametrize("role", SENDING)
def test_without_a_file_every_source_may_send_for_every_other_role(filled: Rapport, role: str) -> None:
    for source in ("/a", "urn:x:y", "https://example.org/x"):
        [receipt] = filled.handler.handle([contact(1, fresh(), source=source, actor=f"{role}:x")])
        assert not {"sender", "reserved", "proof"} & {problem.code for problem in receipt.problems}


# --- the file ----------------------------------------------------------------------------------------------------------


def wrong(folder: Path, text: str | bytes) -> str:
    """What is said of a file that is wrong."""
    path = folder / "senders.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(WrongSettings) as said:
        read_senders(path)
    message = str(said.value)
    assert message.startswith(f"RAPPORT_SENDERS: {path}: ")
    assert "\n" not in message
    return message.removeprefix(f"RAPPORT_SENDERS: {path}: ")


KEY = public(key_of(1))


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "sender: expected at least one table"),
        ("sender = 1", "sender: expected at least one table"),
        ("sender = []", "sender: expected at least one table"),
        ("[sender]\nsource = '/a'\nroles = ['hr']", "sender: expected at least one table that begins with [[sender]]"),
        ("[[sender]]\nsource = /a", "expected TOML: Invalid value (at line 2, column 10)"),
        ("[[sender]\n", "line 1"),
        (entry() + "[[senders]]\nsource = '/b'", "senders: expected nothing but [[sender]] tables"),
        (b"[[sender]]\nsource = '/a\xff'", "line 2: expected UTF-8, found byte 0xff"),
        (entry(colour="blue"), "sender 1 (/services/booking), colour: expected no such field"),
        (entry(role=["hr"], roles=None), "role: expected no such field, only source, roles, programmes, key"),
        (entry(source=None), "sender 1, source: expected a source"),
        (entry(source=""), "sender 1 (), source: expected a source"),
        (entry(source=5), "sender 1, source: expected a source"),
        (entry(source="/a*b"), "source: expected * at the end alone"),
        (entry(source="/a**"), "source: expected * at the end alone"),
        (entry() + entry(), "sender 2 (/services/booking), source: expected every source only once"),
        (entry(roles=None), "roles: expected a list of roles: analyst, auditor, coordinator"),
        (entry(roles=[]), "roles: expected a list of roles"),
        (entry(roles="hr"), "roles: expected a list of roles"),
        (entry(roles=["hr", 1]), "roles: expected a list of roles"),
        (entry(roles=["king"]), "found 'king'"),
        (entry(roles=["HR"]), "found 'HR'"),
        (entry(programmes=[]), "programmes: expected a list of ids of programmes"),
        (entry(programmes="p1"), "programmes: expected a list of ids of programmes"),
        (entry(programmes=["p1", "*"]), 'programmes: expected ids of programmes, or "*" alone'),
        (entry(programmes=[1]), "programmes: expected a list"),
        (entry(key=1), "key: expected a text"),
        (entry(key=""), "found 0 bytes"),
        (entry(key="not base64!"), "key: expected base64"),
        (entry(key=KEY[:-1]), "key: expected base64"),
        (entry(key=KEY + "\n"), "key: expected base64"),
        (entry(key=KEY.replace("=", "") + "AA=="), "key: expected"),
        (entry(key="AAAA"), "found 3 bytes"),
        (entry(key="A" * 43 + "="), "anybody can sign"),
        (entry(key="AQ" + "A" * 41 + "="), "anybody can sign"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_line_or_field(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in wrong(tmp_path, text)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does(tmp_path: Path) -> None:
    path = tmp_path / "senders.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BOOKING.replace("\n", "\r\n").encode())
    found = read_senders(path).sender("/services/booking")
    assert found == Sender(frozenset({"service", "mentee"}), frozenset({"p1"}))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"RAPPORT_SENDERS: .*missing.toml: can't be read: No such file"):
        read_senders(tmp_path / "missing.toml")
    with pytest.raises(WrongSettings, match="can't be read: Is a directory"):
        read_senders(tmp_path)
