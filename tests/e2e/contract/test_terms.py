"""Terms: their defaults, and which document wins where several speak."""

import itertools
from datetime import datetime

import pytest

from tests.e2e.contract.outside import at, days, iso
from tests.e2e.contract.story import Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
# From the highest to the lowest.
PREVALENCE = (
    "master_agreement",
    "statement_of_work",
    "privacy_policy",
    "terms_and_conditions",
    "terms_of_use",
    "code_of_conduct",
)
DEFAULTS = {
    "late_notice_hours": 24,
    "homework_hours_per_session": 4,
    "planned_sessions": 6,
    "session_minutes": 60,
    "punctuality_minutes": 5,
    "contact_gap_days": 30,
    "next_session_days": 14,
    "first_session_days": 10,
    "no_goal_days": 14,
    "late_window_days": 90,
    "pause_days_max": 60,
    "decision_days": 7,
    "review_working_days": 10,
    "records_days": 14,
    "retention_days": 2190,
    "development_months": 12,
    "suppression_min": 5,
    "band_healthy": 80,
    "band_watch": 60,
    "band_at_risk": 40,
    "band_hysteresis": 5,
    "points_off_goal_work": 15,
    "points_no_goal_progress": 10,
    "points_no_goal_progress_3": 20,
    "points_no_goal": 15,
    "points_frequent_reschedules": 15,
    "points_late_reschedules": 20,
    "points_late_reschedules_each": 5,
    "points_late_reschedules_max": 30,
    "points_homework_shortfall_mild": 8,
    "points_homework_shortfall": 15,
    "points_no_show": 10,
    "points_no_show_running": 25,
    "points_unpunctual": 5,
    "points_no_next_session": 10,
    "points_out_of_contact": 15,
    "points_trust_breakdown": 40,
    "points_disrespect": 40,
}


def programme(world: World, name: str) -> None:
    world.say("CreateProgramme", f"programme:{name}", "supplier:s", world.begins, name=name)


def set_term(world: World, name: str, document: str, term: str, value: float, when: datetime | None = None) -> int:
    return world.say(
        "SetTerm",
        f"programme:{name}",
        "supplier:s",
        when or world.begins,
        document=document,
        term=term,
        value=value,
    )


@told
def test_a_programme_that_nobody_registered_has_the_defaults(world: World) -> Telling:
    story = world.relationship("pentalog")
    yield
    terms = story.show()["terms"]
    assert {name: terms[name]["value"] for name in DEFAULTS} == DEFAULTS


@told
@pytest.mark.clause("pentalog.prevalence")
def test_the_highest_document_wins_and_the_term_names_it_and_those_it_overruled(world: World) -> Telling:
    # Set from the lowest to the highest in one programme, the other way round in the other.
    for name, documents in (("upwards", PREVALENCE[::-1]), ("downwards", PREVALENCE)):
        programme(world, name)
        for number, document in enumerate(documents):
            set_term(world, name, document, "late_notice_hours", 10 + PREVALENCE.index(document), BEGINS + days(number))
    stories = [
        world.relationship("pentalog", when=BEGINS + days(9), programme_id=name) for name in ("upwards", "downwards")
    ]
    yield
    for story in stories:
        term = story.show()["terms"]["late_notice_hours"]
        assert (term["value"], term["document"]) == (10, "master_agreement")
        assert set(term["overruled"]) == set(PREVALENCE[1:])


@told
@pytest.mark.clause("pentalog.prevalence")
def test_each_document_overrules_the_one_below(world: World) -> Telling:
    stories: dict[tuple[str, str], Story] = {}
    for higher, lower in itertools.pairwise(PREVALENCE):
        name = f"{higher}-{lower}"
        programme(world, name)
        set_term(world, name, higher, "contact_gap_days", 21)
        set_term(world, name, lower, "contact_gap_days", 12)
        stories[higher, lower] = world.relationship("cmn", when=BEGINS + days(1), programme_id=name)
    yield
    for (higher, lower), story in stories.items():
        term = story.show()["terms"]["contact_gap_days"]
        assert (term["value"], term["document"], term["overruled"]) == (21, higher, [lower])


@told
def test_a_document_that_speaks_again_replaces_its_own_word(world: World) -> Telling:
    programme(world, "again")
    set_term(world, "again", "privacy_policy", "decision_days", 5)
    set_term(world, "again", "privacy_policy", "decision_days", 9, BEGINS + days(1))
    story = world.relationship("cmn", when=BEGINS + days(2), programme_id="again")
    yield
    term = story.show()["terms"]["decision_days"]
    assert (term["value"], term["document"], term["overruled"]) == (9, "privacy_policy", [])


@told
def test_a_term_that_no_document_sets_is_nobodys(world: World) -> Telling:
    programme(world, "silent")
    set_term(world, "silent", "privacy_policy", "decision_days", 5)
    story = world.relationship("cmn", when=BEGINS + days(2), programme_id="silent")
    yield
    terms = story.show()["terms"]
    assert terms["records_days"]["value"] == 14
    assert not terms["records_days"]["overruled"]
    assert terms["records_days"]["document"] not in PREVALENCE


@told
def test_any_term_may_be_set_and_no_other(world: World) -> Telling:
    programme(world, "any")
    known = [set_term(world, "any", "master_agreement", term, value) for term, value in DEFAULTS.items()]
    unknown = set_term(world, "any", "master_agreement", "coffee_breaks", 3)
    document = set_term(world, "any", "gentlemens_agreement", "decision_days", 3)
    yield
    assert world.accepted(*known)
    assert world.status(unknown) in {"invalid", "refused"}
    assert world.status(document) == "invalid"


@told
def test_a_term_set_later_counts_from_its_own_time_on(world: World) -> Telling:
    programme(world, "later")
    story = world.active("cmn", since=BEGINS + days(1), programme_id="later")
    set_term(world, "later", "master_agreement", "first_session_days", 20, BEGINS + days(30))
    yield
    assert story.show("--as-of", iso(BEGINS + days(29)))["terms"]["first_session_days"]["value"] == 10
    assert story.show("--as-of", iso(BEGINS + days(31)))["terms"]["first_session_days"]["value"] == 20


@told
def test_programmes_are_the_suppliers_the_coordinators_and_the_services(world: World) -> Telling:
    roles = ("supplier", "coordinator", "service", "mentee", "mentor", "customer", "hr", "analyst", "auditor")
    created = {
        role: world.say("CreateProgramme", f"programme:of-{role}", f"{role}:x", world.begins, name="P")
        for role in roles
    }
    programme(world, "shared")
    adopted = {
        role: world.say("AdoptCode", "programme:shared", f"{role}:x", world.begins, code=code)
        for role, code in zip(roles[:3], ("cmn", "leapfrog", "pentalog"), strict=True)
    }
    adopted |= {
        role: world.say("AdoptCode", "programme:shared", f"{role}:x", world.begins, code="nottingham")
        for role in roles[3:]
    }
    yield
    for sent in (created, adopted):
        assert {role for role in roles if world.status(sent[role]) == "accepted"} == set(roles[:3])
        assert all(world.codes(sent[role]) == {"role"} for role in roles[3:])


MENTOR = ("supplier", "coordinator", "hr")
ALL = ("mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr", "service", "analyst", "auditor")


@told
def test_a_mentors_standing_is_kept_by_coordinator_supplier_and_hr(world: World) -> Telling:
    commands = {
        "RecordTraining": {"course": "Listening", "completed_on": "2026-01-02"},
        "RecordDevelopment": {"what": "A book", "completed_on": "2026-01-02"},
        "SuspendMentor": {"reason": "x"},
        "RemoveMentor": {"reason": "Asked for"},
    }
    sent = {}
    for command, data in commands.items():
        for role in ALL:
            name = f"m{world.number()}"
            world.say("RegisterMentor", f"mentor:{name}", "coordinator:cora", world.begins, name="Ben")
            actor = f"mentor:{name}" if role == "mentor" else f"{role}:x"
            sent[command, role] = world.say(command, f"mentor:{name}", actor, world.begins, **data)
    yield
    for command in commands:
        may = {*MENTOR, "mentor"} if command == "RecordDevelopment" else set(MENTOR)
        assert {role for role in ALL if world.status(sent[command, role]) == "accepted"} == may, command


@told
def test_cases_are_for_hr_coordinator_and_supplier_alone_from_outside(world: World) -> Telling:
    steps = {
        "EscalateCase": {"to": "hr:eva"},
        "DecideCase": {"decision": "no_action", "reason": "Nothing in it"},
        "CloseCase": {},
    }
    opened, sent = {}, {}
    for role in ALL:
        opened[role] = world.say(
            "OpenCase",
            f"case:c{world.number()}",
            f"{role}:x",
            world.begins,
            mentor_id="ben",
            kind="policy",
            description="A paper",
        )
        case = f"case:c{world.number()}"
        world.say("OpenCase", case, "hr:eva", world.begins, mentor_id="ben", kind="policy", description="A paper")
        for command, data in steps.items():
            sent[command, role] = world.say(command, case, f"{role}:x", world.begins, **data)
    yield
    may = {"hr", "coordinator", "supplier"}
    assert {role for role in ALL if world.status(opened[role]) == "accepted"} == may
    for command in steps:
        assert {role for role in ALL if world.status(sent[command, role]) == "accepted"} == may, command
