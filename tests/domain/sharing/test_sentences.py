"""The sentences before and after the table of sharing, each by a test that says it."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.model import AnyRecorded, Event, Recorded
from domain.relationship import events as e
from domain.relationship.fields import SharingTerm
from domain.relationship.state import Relationship, Report
from domain.sharing.answer import UNKNOWN, Answer, may_read
from domain.sharing.question import PUBLIC, Fact, Reader, Situation, fact_of, is_withheld
from domain.sharing.question import situation as situation_of
from domain.words import DATA_CLASSES, ROLES, Audience, DataClass
from tests.domain.sharing.scene import AT, TODAY, fact, reader, scene
from tests.domain.sharing.spoken import COURSE, READERS
from tests.given_when_then import At, fold, history, proposed

EVERYBODY = tuple(role for role in READERS if role != "public")
ALL = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")


def ask(situation: Situation, role: str, data_class: Any, about: Fact | None = None) -> Answer:
    return may_read(situation, reader(role), data_class, about)


def after(*told: Event | At) -> Situation:
    """The situation that a history leads to."""
    state = fold(history(*told))
    assert isinstance(state, Relationship)
    return situation_of(state, TODAY)


def recorded(version: int, event: Event, by: str) -> AnyRecorded:
    return Recorded[Any](
        subject="s", version=version, occurred_at=AT, recorded_at=AT, actor=str(reader(by)), data=event
    )


def facts(*told: tuple[Event, str]) -> list[Fact]:
    """The facts of events that were recorded in this order, each by somebody in a role."""
    events = {place: recorded(place, event, by) for place, (event, by) in enumerate(told, 1)}
    return [fact_of(scene().state, events, version) for version in events]


# --- readers -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager", "supplier"])
def test_whoever_the_relationship_does_not_name_gets_the_answer_of_an_unknown_id(role: str) -> None:
    for data_class in DATA_CLASSES:
        assert may_read(scene(), Reader(role, "somebody-else"), data_class) is UNKNOWN  # type: ignore[arg-type]
    assert (UNKNOWN.allowed, UNKNOWN.clause) == (False, None)


def test_a_role_that_nobody_has_and_a_worker_stand_outside() -> None:
    nobody = scene()
    alone = nobody._replace(parties={**nobody.parties, "customer": None, "supplier": None})
    for stranger in (
        Reader("customer", "cus"),
        Reader("supplier", "sup"),
        Reader("customer"),
        Reader("worker", "health"),
    ):
        assert may_read(alone, stranger, "operational") is UNKNOWN


def test_a_person_in_several_roles_is_judged_by_the_role_they_read_as() -> None:
    one = scene()
    twice = one._replace(parties={**one.parties, "customer": "ana"})
    assert may_read(twice, Reader("mentee", "ana"), "goals").allowed
    assert not may_read(twice, Reader("customer", "ana"), "goals").allowed


@pytest.mark.parametrize("role", ROLES)
def test_the_default_is_no(role: str) -> None:
    """Without consents, agreements, presence or disclosures nobody but the parties sees what people said."""
    if role in {"mentee", "mentor"}:
        return
    for data_class in (
        "goals",
        "challenges",
        "session_content",
        "feedback",
        "nps_comment",
        "testimonial",
        "safeguarding",
    ):
        if (role, data_class) != ("analyst", "feedback"):  # figures about practices
            assert not ask(scene(["pentalog"]), role, data_class).allowed, (role, data_class)


# --- the time of reading -------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.mentor-with-consent", "pentalog.mentee-own-progress")
def test_a_consent_holds_to_the_end_of_its_last_day_and_is_gone_when_withdrawn() -> None:
    consent = [("mentee", "goals", "coordinator")]
    last = TODAY + timedelta(days=3)
    for day, holds in ((TODAY, True), (last, True), (last + timedelta(days=1), False)):
        situation = scene(["pentalog"], consents=consent, until=last, today=day)
        assert ask(situation, "coordinator", "goals")[:3] == (
            holds,
            "pentalog.mentor-with-consent",
            ask(situation, "coordinator", "goals").why,
        )
    assert ask(scene(["pentalog"], consents=consent, today=date(2999, 1, 1)), "coordinator", "goals").allowed
    assert not ask(scene(["pentalog"]), "coordinator", "goals").allowed


def test_a_consent_opens_its_class_to_its_audience_alone() -> None:
    situation = scene(["pentalog"], consents=[("mentee", "goals", "coordinator"), ("mentee", "testimonial", "public")])
    assert not ask(situation, "supplier", "goals").allowed
    assert not ask(situation, "coordinator", "challenges").allowed
    assert not ask(situation, "coordinator", "testimonial").allowed


@pytest.mark.clause("cmn.outputs")
def test_agreed_needs_the_mentees_own_word_or_confirmation() -> None:
    for role in ("customer", "line_manager", "coordinator"):
        shared = {"shared": [("goals", role)]}
        assert ask(scene(["cmn"], **shared), role, "goals").allowed  # type: ignore[arg-type]
        assert not ask(scene(["cmn"], **shared, mentee_agreed=False), role, "goals").allowed  # type: ignore[arg-type]
        assert ask(scene(["cmn"], outputs={role: ["goals"]}), role, "goals").allowed
        for words in ((), ("coordinator:cora",), ("line_manager:lin",), ("mentee:somebody-else",)):
            assert not ask(scene(["cmn"], outputs={role: ["goals"]}, words=words), role, "goals").allowed


@pytest.mark.clause("cmn.outputs")
def test_the_line_manager_sees_the_agreed_reporting_and_nothing_else() -> None:
    situation = scene(["cmn"], outputs={"line_manager": ["attendance"]})
    assert ask(situation, "line_manager", "attendance")[:3] == (
        True,
        "cmn.outputs",
        ask(situation, "line_manager", "attendance").why,
    )
    for data_class in (*COURSE - {"attendance"}, "goals", "challenges", "session_content"):
        answer = ask(situation, "line_manager", data_class)
        assert (answer.allowed, answer.clause) == (False, "cmn.outputs"), data_class


@pytest.mark.clause("pentalog.session-content", "mentor247.confidentiality")
@pytest.mark.parametrize("code", ["pentalog", "mentor247"])
def test_what_was_said_in_a_session_is_for_the_parties_present_in_that_session(code: str) -> None:
    situation = scene([code], present=("mentee",))
    clause = {"pentalog": "pentalog.session-content", "mentor247": "mentor247.confidentiality"}[code]
    for who, present, seen in (
        ("mentee", ("mentee",), True),
        ("mentor", ("mentee",), False),
        ("mentor", (), False),
        ("mentor", ("mentee", "mentor"), True),
        ("customer", ("mentee", "mentor", "customer"), False),
    ):
        answer = ask(situation, who, "session_content", fact("session_content", "mentee", present=present))
        assert (answer.allowed, answer.clause) == (seen, clause)
    assert ask(situation, "mentee", "session_content").allowed
    assert not ask(situation, "mentor", "session_content").allowed


# --- the paragraph after the table -----------------------------------------------------------------------------------
REPORTS: tuple[Event, ...] = (
    e.ConfidenceDisclosed(exception="risk_of_harm", recipient="hr:hans", disclosed="x", urgency="urgent"),
    e.DisrespectReported(against="mentor", description="x"),
    e.TrustBreakdownReported(description="x"),
    e.BreachReported(against="mentor", kind="code", description="x"),
    e.ProblemReported(description="x"),
)
GIVEAWAYS: tuple[Event, ...] = (
    e.TrustRestored(),
    e.DisrespectResolved(resolution="x"),
    e.ShutdownRecommended(clause="pentalog.trust", evidence=(1,)),
)
FOLLOWING: tuple[Event, ...] = (
    e.RecommendationDismissed(reason="x"),
    e.RecommendationEscalated(clause="pentalog.trust"),
    e.FactContested(version=1, reason="x"),
    e.RelationshipReviewed(note="x", about=(1,)),
)


@pytest.mark.clause("cmn.disclosure", "nottingham.confidentiality", "cmn.breaches")
@pytest.mark.parametrize("event", REPORTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("codes", [(), ALL])
def test_that_a_report_exists_is_operational_for_its_author_coordinator_and_hr_alone(
    event: Event, codes: tuple[str, ...]
) -> None:
    (report,) = facts((event, "mentee"))
    for in_case in (False, True):
        situation = scene(codes, in_case=in_case)
        for data_class in ("operational", "identity"):
            seeing = {role for role in READERS if ask(situation, role, data_class, report).allowed}
            assert seeing == {"mentee", "coordinator"} | ({"hr"} if in_case else set())


@pytest.mark.parametrize("codes", [(), *[(code,) for code in ALL], ALL])
def test_what_is_withheld_does_not_say_by_its_clause_what_it_is(codes: tuple[str, ...]) -> None:
    answers = set()
    for event in (*REPORTS, *GIVEAWAYS):
        *_, withheld = facts((REPORTS[2], "coordinator"), (event, "coordinator"))
        answers |= {ask(scene(codes), "mentor", data_class, withheld) for data_class in DATA_CLASSES}
        assert may_read(scene(codes), PUBLIC, "operational", withheld) is UNKNOWN
    (answer,) = answers
    assert answer.clause is not None
    assert answer.clause.partition(".")[0] in {*codes, "care"}


@pytest.mark.parametrize("event", [*GIVEAWAYS, *FOLLOWING], ids=lambda event: type(event).__name__)
def test_what_gives_a_reports_existence_away_is_withheld_like_it(event: Event) -> None:
    _, following = facts((REPORTS[2], "mentee"), (event, "coordinator"))
    situation = scene(ALL, in_case=True)
    seeing = {role for role in READERS if ask(situation, role, "operational", following).allowed}
    # The report's author learns nothing new from what refers to it.
    knowing = {"mentee"} if type(event) in {e.ShutdownRecommended, e.FactContested, e.RelationshipReviewed} else set()
    assert seeing == {"coordinator", "hr"} | knowing
    for role in READERS:
        if role not in seeing:
            assert not ask(situation, role, "process", following).allowed
            assert not ask(situation, role, "safeguarding", following).allowed


def test_the_answer_to_a_contest_of_a_withheld_fact_is_withheld_too() -> None:
    report, contest, answer = (
        REPORTS[1],
        e.FactContested(version=1, reason="x"),
        e.ContestAnswered(version=2, answer="x"),
    )
    *_, answered = facts((report, "mentee"), (contest, "mentee"), (answer, "coordinator"))
    assert not ask(scene(), "mentor", "operational", answered).allowed
    assert ask(scene(), "mentee", "process", answered).allowed
    *_, harmless = facts((e.MatchAccepted(), "mentee"), (contest, "mentee"), (answer, "coordinator"))
    assert ask(scene(), "mentor", "process", harmless).allowed


def test_two_who_reported_the_same_learn_nothing_of_each_other() -> None:
    both = e.ShutdownRecommended(clause="pentalog.trust", evidence=(1, 2))
    *_, recommended = facts((REPORTS[2], "mentee"), (REPORTS[2], "mentor"), (both, "coordinator"))
    assert not ask(scene(), "mentee", "operational", recommended).allowed
    assert not ask(scene(), "mentor", "operational", recommended).allowed


def test_readiness_is_withheld_only_where_it_reports_or_restores_trust() -> None:
    unready, ready = e.TrustReadinessStated(ready=False), e.TrustReadinessStated(ready=True)
    restored = e.TrustReadinessStated(ready=True, settled=True)
    while_active = scene(reports={1: Report("trust", "mentee:ana", unready=True, stands=True)})
    for situation, event, hidden in (
        (scene(), unready, False),  # while contracting it is a gate that is not met
        (while_active, unready, True),
        (scene(), ready, False),
        (scene(), restored, True),
    ):
        stated = fact_of(situation.state, {1: recorded(1, event, "mentee")}, 1)
        assert ask(situation, "mentor", "operational", stated).allowed is not hidden
        assert ask(situation, "mentee", "operational", stated).allowed
        # A topic can't tell, so it withholds whatever may be such a report.
        assert is_withheld(event) is (event is not ready)


@pytest.mark.clause("leapfrog.confidentiality")
@pytest.mark.parametrize("data_class", sorted(COURSE))
def test_leapfrog_alone_lets_everybody_but_the_parties_see_the_course_as_agreed_or_with_consent(
    data_class: DataClass,
) -> None:
    for role in EVERYBODY:
        open_ = ask(scene(["leapfrog"]), role, data_class)
        if role in {"mentee", "mentor"}:
            assert open_.allowed
            continue
        assert (open_.allowed, open_.clause) == (False, "leapfrog.confidentiality"), role
        consented = scene(["leapfrog"], consents=[("mentee", data_class, role)])
        assert ask(consented, role, data_class).allowed, role
        assert ask(scene(["leapfrog"], shared=[(data_class, role)]), role, data_class).allowed, role
        assert ask(scene(["leapfrog"]), role, "operational").allowed is (role != "hr")


@pytest.mark.clause("leapfrog.confidentiality", "pentalog.mentor-free")
@pytest.mark.parametrize("other", ["pentalog", "mentor247", "cmn", "nottingham"])
def test_beside_other_codes_leapfrogs_strict_row_holds(other: str) -> None:
    for role in ("supplier", "coordinator", "service", "analyst", "customer"):
        assert not ask(scene([other, "leapfrog"]), role, "attendance").allowed
        assert ask(scene([other, "leapfrog"], consents=[("mentee", "attendance", role)]), role, "attendance").allowed
    # Where another code is stricter still, that one holds.
    consents: list[tuple[str, str, Audience]] = [
        ("mentee", "attendance", "hr"),
        ("mentee", "attendance", "line_manager"),
    ]
    assert not ask(scene([other, "leapfrog"], consents=consents), "hr", "attendance").allowed
    assert not ask(scene([other, "leapfrog"], consents=consents), "line_manager", "attendance").allowed


@pytest.mark.clause("pentalog.mentor-free")
def test_a_cell_that_names_a_code_holds_when_it_is_the_only_one_adopted() -> None:
    alone = ask(scene(["pentalog"]), "customer", "schedule")
    assert (alone.allowed, alone.clause) == (True, "pentalog.mentor-free")
    for other in ("mentor247", "cmn", "leapfrog", "nottingham"):
        assert not ask(scene(["pentalog", other]), "customer", "schedule").allowed
    assert not ask(scene(), "customer", "schedule").allowed


@pytest.mark.clause(
    "leapfrog.confidentiality", "pentalog.session-content", "mentor247.confidentiality", "nottingham.confidentiality"
)
@pytest.mark.parametrize("codes", [["leapfrog"], ["cmn"], ["cmn", "leapfrog"]])
def test_session_content_follows_consent_and_agreement_under_leapfrog_or_cmn_without_the_others(
    codes: list[str],
) -> None:
    for role in ("customer", "line_manager", "supplier", "coordinator", "hr"):
        consent: dict[str, Any] = {"consents": [("mentee", "session_content", role)]}
        agreement: dict[str, Any] = {"shared": [("session_content", role)]}
        for given in (consent, agreement):
            assert ask(scene(codes, **given), role, "session_content").allowed
            for other in ("pentalog", "mentor247", "nottingham"):
                assert not ask(scene([*codes, other], **given), role, "session_content").allowed
            assert not ask(scene([], **given), role, "session_content").allowed


@pytest.mark.clause("nottingham.confidentiality", "cmn.disclosure")
@pytest.mark.parametrize("codes", [(), *[(code,) for code in ALL], ALL])
def test_a_recorded_disclosure_is_always_shown_to_its_recipient_and_only_what_was_disclosed(
    codes: tuple[str, ...],
) -> None:
    for role in ("customer", "line_manager", "supplier", "coordinator", "hr"):
        event = e.ConfidenceDisclosed(
            exception="risk_of_harm", recipient=str(reader(role)), disclosed="x", urgency="urgent"
        )
        disclosed, note = facts((event, "mentor"), (e.SessionNoteRecorded(session_id="s1", text="x"), "mentor"))
        situation = scene(codes, told=[role])
        assert ask(situation, role, "safeguarding", disclosed).allowed
        assert ask(situation, role, "operational", disclosed).allowed
        assert ask(situation, role, "session_content", disclosed).allowed
        assert ask(situation, role, "session_content").allowed
        assert not ask(situation, role, "session_content", note).allowed
        another = {"coordinator": "hr"}.get(role, "coordinator")
        assert not ask(situation, another, "safeguarding", disclosed).allowed
        namesake = Reader(role, "somebody-else")
        assert not may_read(situation, namesake, "safeguarding", disclosed).allowed


@pytest.mark.clause("nottingham.coordinator-feedback", "cmn.end-feedback")
def test_the_coordinator_sees_feedback_wherever_nottingham_is_adopted() -> None:
    given = fact("feedback", "mentee")
    for codes in (["nottingham"], ["nottingham", "cmn"], ["nottingham", "pentalog", "leapfrog"], ALL):
        answer = ask(scene(codes), "coordinator", "feedback", given)
        assert (answer.allowed, answer.clause) == (True, "nottingham.coordinator-feedback")
    for codes in (["cmn"], ["pentalog", "leapfrog"], []):
        assert not ask(scene(codes), "coordinator", "feedback", given).allowed
        consented = scene(codes, consents=[("mentee", "feedback", "coordinator")])
        assert ask(consented, "coordinator", "feedback", given).allowed
        assert not ask(consented, "coordinator", "feedback", fact("feedback", "mentor")).allowed
    assert not ask(scene(["nottingham"]), "supplier", "feedback", given).allowed


def test_feedback_is_for_the_party_whom_it_is_about_and_for_whoever_said_it() -> None:
    about_mentor = fact("feedback", "mentee", about="mentor")
    about_process = fact("feedback", "mentee", about="process")
    assert ask(scene(), "mentor", "feedback", about_mentor).allowed
    assert ask(scene(), "mentee", "feedback", about_mentor).allowed
    assert not ask(scene(), "mentor", "feedback", about_process).allowed
    assert ask(scene(), "mentee", "feedback", about_process).allowed


def test_without_an_event_a_question_is_about_the_class_as_shown_to_that_reader() -> None:
    one = fact("operational", "mentee")
    for role, data_class in (
        ("line_manager", "operational"),
        ("analyst", "identity"),
        ("auditor", "identity"),
        ("analyst", "nps_score"),
        ("coordinator", "nps_score"),
        ("analyst", "feedback"),
    ):
        assert ask(scene(), role, data_class).allowed, (role, data_class)
        about = one if data_class in {"operational", "identity"} else fact(data_class, "mentee")
        assert not ask(scene(), role, data_class, about).allowed, (role, data_class)
    paused = one._replace(kind=e.RelationshipPaused)
    assert ask(scene(), "line_manager", "operational", paused).allowed


@pytest.mark.clause("cmn.breaches")
def test_hrs_case_is_any_with_this_relationship() -> None:
    breach = fact("safeguarding", "mentee")._replace(kind=e.BreachReported)
    disrespect = fact("safeguarding", "mentee")._replace(kind=e.DisrespectReported)
    for data_class in ("operational", "identity"):
        assert not ask(scene(), "hr", data_class).allowed
        assert ask(scene(in_case=True), "hr", data_class).allowed
    assert not ask(scene(["cmn"]), "hr", "safeguarding", breach).allowed
    seen = ask(scene(["cmn"], in_case=True), "hr", "safeguarding", breach)
    assert (seen.allowed, seen.clause) == (True, "cmn.breaches")
    assert not ask(scene(["cmn"], in_case=True), "hr", "safeguarding", disrespect).allowed
    assert not ask(scene(in_case=True), "hr", "attendance").allowed


def test_the_coordinator_reads_a_problems_words_and_no_other_reports() -> None:
    for event in REPORTS:
        (report,) = facts((event, "mentee"))
        seen = ask(scene(ALL), "coordinator", "safeguarding", report)
        assert seen.allowed is isinstance(event, e.ProblemReported)
        assert ask(scene(ALL), "mentee", "safeguarding", report).allowed


@pytest.mark.parametrize("codes", [(), *[(code,) for code in ALL], ALL])
def test_reasons_next_steps_and_notes_are_for_parties_coordinator_and_supplier(codes: tuple[str, ...]) -> None:
    generous = scene(
        codes,
        consents=[("mentee", "process", role) for role in EVERYBODY],
        shared=[("process", role) for role in EVERYBODY],
    )
    for situation in (scene(codes), generous):
        seeing = {role for role in READERS if ask(situation, role, "process", fact("process", "mentee")).allowed}
        assert seeing == {"mentee", "mentor", "coordinator", "supplier"}


@pytest.mark.clause("pentalog.supplier-with-consent", "nottingham.profile")
def test_the_public_sees_nothing_but_profile_testimonial_and_success_story_under_the_consents_named() -> None:
    by: dict[str, tuple[str, ...]] = {
        "profile": ("mentor",),
        "testimonial": ("mentee", "customer"),
        "success_story": ("customer",),
    }
    givers = ("mentee", "mentor", "customer")
    everything = scene(ALL, consents=[(giver, data_class, "public") for giver in givers for data_class in DATA_CLASSES])
    for data_class in DATA_CLASSES:
        assert may_read(everything, PUBLIC, data_class).allowed is (data_class in by)
        if data_class not in by:
            assert may_read(everything, PUBLIC, data_class) == UNKNOWN
            continue
        for missing in by[data_class]:
            some = scene(ALL, consents=[(giver, data_class, "public") for giver in givers if giver != missing])
            refused = may_read(some, PUBLIC, data_class)
            assert not refused.allowed
            assert refused.clause in {"nottingham.profile", "pentalog.supplier-with-consent"}


@pytest.mark.clause("pentalog.sensitive")
def test_consent_to_share_its_class_does_not_cover_what_is_marked_as_sensitive() -> None:
    note = fact("session_content", "mentee", present=("mentee", "mentor"), sensitive=True)
    situation = scene(
        ["leapfrog"],
        consents=[("mentee", "session_content", role) for role in EVERYBODY],
        shared=[("session_content", role) for role in EVERYBODY],
    )
    seeing = {role for role in READERS if ask(situation, role, "session_content", note).allowed}
    assert seeing == {"mentee", "mentor"}
    assert ask(scene(["pentalog"]), "coordinator", "session_content", note).clause == "pentalog.sensitive"


def test_a_note_is_sensitive_for_good_once_it_was_marked_so() -> None:
    open_, marked = (e.SessionNoteRecorded(session_id="s1", text="x", sensitive=mark) for mark in (False, True))
    events = {1: recorded(1, open_, "mentee")}
    state = scene(present=("mentee", "mentor")).state
    assert not fact_of(state, events, 1).sensitive
    assert fact_of(state, events, 1, recorded(1, marked, "mentee")).sensitive
    correction = e.FactCorrected(
        version=1, reason="x", fact="SessionNoteRecorded", data={"session_id": "s1", "text": "y", "sensitive": True}
    )
    corrected = fact_of(state, events | {2: recorded(2, correction, "mentee")}, 2)
    assert corrected.sensitive
    assert corrected.present == ("mentee", "mentor")


@pytest.mark.clause("nottingham.contact-details")
def test_contact_details_go_to_the_other_party_with_their_owners_consent() -> None:
    mine = fact("contact_details", "mentee")
    assert ask(scene(), "mentee", "contact_details", mine).allowed
    assert not ask(scene(), "mentor", "contact_details", mine).allowed
    assert ask(scene(consents=[("mentee", "contact_details", "mentor")]), "mentor", "contact_details", mine).allowed
    assert not ask(scene(consents=[("mentor", "contact_details", "mentor")]), "mentor", "contact_details", mine).allowed


@pytest.mark.clause("pentalog.assessment-visible")
@pytest.mark.parametrize("codes", [(), *[(code,) for code in ALL], ALL])
def test_a_mentee_always_sees_their_own_results(codes: tuple[str, ...]) -> None:
    result = fact("assessment", "coordinator")
    assert ask(scene(codes), "mentee", "assessment", result).allowed
    assert not ask(scene(codes), "mentor", "assessment", result).allowed
    assert ask(scene(codes, consents=[("mentee", "assessment", "mentor")]), "mentor", "assessment", result).allowed


@pytest.mark.clause("pentalog.data-visible")
def test_everybody_whom_the_record_names_may_see_that_and_which_ids_it_holds() -> None:
    for role in ("mentee", "mentor", "customer", "supplier"):
        assert ask(scene(["pentalog"]), role, "identity").allowed
        assert ask(scene(["pentalog"]), role, "operational").allowed


def test_an_auditor_reads_the_mentors_own_content_with_the_mentors_grant() -> None:
    by_mentee, by_mentor = (scene(consents=[(giver, "nps_comment", "auditor")]) for giver in ("mentee", "mentor"))
    for giver, allowing, refusing in (("mentee", by_mentee, by_mentor), ("mentor", by_mentor, by_mentee)):
        comment = fact("nps_comment", giver)
        assert ask(allowing, "auditor", "nps_comment", comment).allowed
        assert not ask(refusing, "auditor", "nps_comment", comment).allowed
    goal = fact("goals", "mentor")  # the mentee's, though the mentor wrote it down
    assert ask(scene(consents=[("mentee", "goals", "auditor")]), "auditor", "goals", goal).allowed
    assert not ask(scene(consents=[("mentor", "goals", "auditor")]), "auditor", "goals", goal).allowed


@pytest.mark.clause("pentalog.supplier-with-consent")
def test_a_customers_consent_ends_when_somebody_else_is_the_customer() -> None:
    granted = e.ConsentGranted(data_class="success_story", audience="public")
    told: list[Event | At] = [proposed(), At(1, granted, "customer")]
    assert may_read(after(*told), PUBLIC, "success_story").allowed
    changed = At(2, e.PartyChanged(role="customer", id="new"), "coordinator")
    assert not may_read(after(*told, changed), PUBLIC, "success_story").allowed


@pytest.mark.clause("pentalog.session-content", "cmn.outputs", "nottingham.confidentiality")
def test_agreements_presence_and_disclosures_are_folded_from_the_history() -> None:
    shared = (SharingTerm(data_class="goals", audience="supplier", how="mail", when="monthly"),)
    told: list[Event | At] = [
        proposed("cmn"),
        At(1, e.ConfidentialityAgreed(shared=shared, not_shared=("feedback",)), "mentor"),
        At(2, e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",)), "line_manager"),
    ]

    def seen(role: str, data_class: DataClass, *more: Event | At) -> bool:
        now = after(*told, *more)
        who = Reader(role, now.parties.get(role) or "cora")  # type: ignore[arg-type]
        return may_read(now, who, data_class).allowed

    confirmed = [At(3, e.AgreementConfirmed(version=version), "mentee") for version in (2, 3)]
    assert not seen("supplier", "goals")
    assert seen("supplier", "goals", confirmed[0])
    assert not seen("line_manager", "attendance")
    assert seen("line_manager", "attendance", confirmed[1])
    disclosed = e.ConfidenceDisclosed(
        exception="illegal_activity", recipient="coordinator:cora", disclosed="x", urgency="routine"
    )
    assert not seen("coordinator", "session_content")
    assert seen("coordinator", "session_content", At(4, disclosed, "mentor"))
    assert not seen("mentee", "session_content")


def test_what_is_in_both_lists_of_an_agreement_is_not_shared() -> None:
    shared = (SharingTerm(data_class="goals", audience="supplier", how="mail", when="monthly"),)
    now = after(proposed(), At(1, e.ConfidentialityAgreed(shared=shared, not_shared=("goals",)), "mentee"))
    assert not may_read(now, Reader("supplier", now.parties["supplier"] or ""), "goals").allowed
