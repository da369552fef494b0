"""What may be withheld is worked out anew for who may not know, once, and again when something happens."""

from datetime import UTC, datetime
from pathlib import Path

from domain.sharing.question import Reader
from infra.access.lists import Chosen, Lists
from infra.access.pages import Cut
from infra.access.secrets import with_secret_health, with_secrets
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.bootstrap import Rapport, open_rapport
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW
from infra.settings import Settings
from infra.simulate.stream import Simulation
from tests.messages import line, relationship_id

ONE, PLAIN = relationship_id(401), relationship_id(402)
SUPPLIER = Asker(Reader("supplier", "sam"), None)
OFFICE = Asker(Reader("coordinator", "cora"), None)


def tell(rapport: Rapport, *lines: bytes) -> None:
    receipts = rapport.handler.handle(list(lines))
    assert {receipt.status for receipt in receipts} == {"accepted"}, receipts


def lists(rapport: Rapport, asker: Asker) -> Lists:
    return Lists(rapport.engine(), asker, Pseudonyms(b"k" * 32), rapport.clock.now())


def bands(rapport: Rapport, asker: Asker) -> dict[str, tuple[int, str]]:
    items = lists(rapport, asker).relationships(Chosen(), Cut(("all",), None, 100)).items
    return {item["id"]: (item["score"], item["band"]) for item in items}


def anew(rapport: Rapport, subject: str) -> tuple[int, str]:
    seen = Seen.of(rapport.store, rapport.engine, SUPPLIER, subject, rapport.clock.now())
    assert seen is not None
    found = seen.assessed(NOW)
    assert found is not None
    score, band = found.health.score, found.health.band
    assert score is not None
    assert band is not None
    return score, band


def test_a_report_is_held_back_from_the_list_and_the_bands_of_who_may_not_know(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock="2026-03-16T09:00:00Z")  # type: ignore[arg-type]
    with open_rapport(settings) as rapport:
        for subject in (ONE, PLAIN):
            parties = {
                "programme_id": "spring",
                "mentee_id": "ana",
                "mentor_id": "ben",
                "supplier_id": "sam",
                "codes": [],
            }
            tell(
                rapport,
                line("ProposeRelationship", parties, subject=subject, id=f"p{subject}", time="2026-03-01T09:00:00Z"),
                line("StateTrustReadiness", {"ready": True}, subject=subject, id=f"t{subject}", actor="mentee:ana", time="2026-03-02T09:00:00Z"),
                line("ActivateRelationship", {}, subject=subject, id=f"a{subject}", time="2026-03-03T09:00:00Z"),
            )  # fmt: skip
        assert with_secrets(rapport.store) == set()
        before = bands(rapport, SUPPLIER)
        assert before == bands(rapport, OFFICE)
        report = {"description": "it is gone"}
        tell(rapport, line("ReportTrustBreakdown", report, subject=ONE, id="r", actor="mentee:ana", time="2026-03-10T09:00:00Z"))  # fmt: skip
        assert with_secrets(rapport.store) == {ONE}
        # Once worked out, and once found again.
        for _ in range(2):
            shown = bands(rapport, SUPPLIER)
            assert shown[ONE] == anew(rapport, ONE)
            assert shown[ONE][0] > bands(rapport, OFFICE)[ONE][0]
            assert shown[PLAIN] == before[PLAIN]
            assert sum(lists(rapport, SUPPLIER).bands().values()) == 2
            assert lists(rapport, SUPPLIER).bands()["spring", shown[ONE][1]] >= 1
        tell(rapport, line("PauseRelationship", {"reason": "travel", "informed": ["mentee", "mentor"], "next_steps": "later", "review_on": "2026-04-01"}, subject=ONE, id="z", time="2026-03-15T09:00:00Z"))  # fmt: skip
        assert bands(rapport, SUPPLIER)[ONE] == anew(rapport, ONE)


def test_that_nobody_is_ready_may_be_held_back_and_can_not_come_of_a_correction(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock="2026-03-16T09:00:00Z")  # type: ignore[arg-type]
    with open_rapport(settings) as rapport:
        parties = {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
        ready = line(
            "StateTrustReadiness", {"ready": True}, subject=ONE, id="t", actor="mentee:ana", time="2026-03-02T09:00:00Z"
        )
        tell(rapport, line("ProposeRelationship", parties, subject=ONE, id="p", time="2026-03-01T09:00:00Z"), ready)
        correction = {"version": 2, "reason": "it was no", "data": {"ready": False}}
        [receipt] = rapport.handler.handle(
            [line("CorrectFact", correction, subject=ONE, id="c", actor="mentee:ana", time="2026-03-03T09:00:00Z")]
        )
        assert (receipt.status, with_secrets(rapport.store)) == ("refused", set())
        tell(
            rapport,
            line(
                "StateTrustReadiness",
                {"ready": False},
                subject=ONE,
                id="f",
                actor="mentee:ana",
                time="2026-03-04T09:00:00Z",
            ),
        )
        assert with_secrets(rapport.store) == {ONE}


def test_who_is_named_is_found_in_what_came_since_the_last_search(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock="2026-03-16T09:00:00Z")  # type: ignore[arg-type]
    with open_rapport(settings) as rapport:
        for subject, mentee in ((ONE, "ana"), (PLAIN, "hanna")):
            parties = {"programme_id": "spring", "mentee_id": mentee, "mentor_id": "ben", "codes": []}
            tell(rapport, line("ProposeRelationship", parties, subject=subject, id=mentee, time="2026-03-01T09:00:00Z"))
            assert rapport.store.subjects_naming("ana") == [ONE]
        assert rapport.store.subjects_naming("ben") == [ONE, PLAIN]
        tell(rapport, line("RegisterPerson", {"display_name": "Ana"}, subject="person:ana", id="e", actor="mentee:ana", time="2026-03-01T09:00:00Z"))  # fmt: skip
        assert rapport.store.subjects_naming("ana") == [ONE, "person:ana"]


def test_a_problem_is_held_back_and_leaves_health_as_it_is_for_everybody(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock="2026-03-16T09:00:00Z")  # type: ignore[arg-type]
    parties = {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "supplier_id": "sam", "codes": []}
    with open_rapport(settings) as rapport:
        tell(
            rapport,
            line("ProposeRelationship", parties, subject=ONE, id="p", time="2026-03-01T09:00:00Z"),
            line("ActivateRelationship", {}, subject=ONE, id="a", time="2026-03-03T09:00:00Z"),
            line("ReportProblem", {"description": "the room"}, subject=ONE, id="r", actor="mentee:ana", time="2026-03-10T09:00:00Z"),
        )  # fmt: skip
        assert with_secrets(rapport.store) == {ONE}
        assert with_secret_health(rapport.store) == set()
        assert bands(rapport, SUPPLIER)[ONE] == bands(rapport, OFFICE)[ONE] == anew(rapport, ONE)
        tell(rapport, line("ReportTrustBreakdown", {"description": "it is gone"}, subject=ONE, id="t", actor="mentee:ana", time="2026-03-11T09:00:00Z"))  # fmt: skip
        assert with_secret_health(rapport.store) == {ONE}
        assert bands(rapport, SUPPLIER)[ONE] == anew(rapport, ONE) != bands(rapport, OFFICE)[ONE]


def test_health_without_what_is_withheld_is_that_of_the_rows_wherever_no_such_event_is_of_health(
    tmp_path: Path,
) -> None:
    now = datetime(2024, 12, 1, 9, tzinfo=UTC)
    settings = Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off", clock=now)
    with open_rapport(settings) as rapport:
        rapport.handler.handle(list(Simulation(100, 3, until=now).messages()))
        quiet = with_secrets(rapport.store) - with_secret_health(rapport.store)
        office = {asked["id"]: (asked["score"], asked["band"]) for asked in lists(rapport, OFFICE).relationships(Chosen(), Cut(("all",), None, 100)).items}  # fmt: skip
        assert len(quiet) > 5
        for subject in quiet & set(office):
            seen = Seen.of(rapport.store, rapport.engine, Asker(Reader("auditor", "ada"), None), subject, now)
            assert seen is not None
            assert seen.withheld
            found = seen.assessed(NOW)
            assert found is not None
            assert (found.health.score, found.health.band) == office[subject]
