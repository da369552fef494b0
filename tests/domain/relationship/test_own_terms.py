"""Terms of one relationship: within one document they win over the programme's, and they can be withdrawn (pentalog.prevalence)."""

import pytest

from domain.model import Event, Known, TermSetting
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.terms import FEWEST_RESPONDENTS, DatedSetting, TermTimeline, suppression_min, values
from domain.words import Document
from tests.given_when_then import At, Given, day, given, proposed

LATE = "late_notice_hours"


def setting(document: Document, value: float, term: str = LATE) -> TermSetting:
    return TermSetting(document=document, term=term, value=value)


def known(*settings: TermSetting) -> Known:
    return Known(terms=settings)


def set_term(document: Document, value: float, term: str = LATE) -> c.SetTerm:
    return c.SetTerm(document=document, term=term, value=value)


def was_set(document: Document, value: float, term: str = LATE, at: float = 1) -> At:
    event = e.TermSet(document=document, term=term, value=value, resolved=value, winner=document)
    return At(at, event, "coordinator")


def decided(told: Given, command: c.SetTerm | c.WithdrawTerm) -> tuple[float, str | None, tuple[str, ...]]:
    """What the term came to, the document that won and those it overruled."""
    [event] = told.when(command, by="coordinator", at=2).then(
        e.TermSet if isinstance(command, c.SetTerm) else e.TermWithdrawn
    )
    assert isinstance(event, e.TermSet | e.TermWithdrawn)
    return event.resolved, event.winner, event.overruled


@pytest.mark.clause("pentalog.prevalence")
def test_within_one_document_the_relationships_setting_wins_over_documents_the_higher_one() -> None:
    told = given(proposed())
    same = told.knowing(known(setting("statement_of_work", 36)))
    assert decided(same, set_term("statement_of_work", 48)) == (48, "statement_of_work", ())
    higher = told.knowing(known(setting("master_agreement", 36)))
    assert decided(higher, set_term("statement_of_work", 48)) == (36, "master_agreement", ("statement_of_work",))
    lower = told.knowing(known(setting("code_of_conduct", 36)))
    assert decided(lower, set_term("statement_of_work", 48)) == (48, "statement_of_work", ("code_of_conduct",))


@pytest.mark.clause("pentalog.prevalence")
def test_a_withdrawal_leaves_what_the_programme_says() -> None:
    own, theirs = setting("statement_of_work", 48), setting("statement_of_work", 36)
    told = given(proposed(), was_set("statement_of_work", 48))
    withdraw = c.WithdrawTerm(document="statement_of_work", term=LATE)
    assert decided(told.knowing(known(theirs, own)), withdraw) == (36, "statement_of_work", ())
    assert decided(told.knowing(known(own)), withdraw) == (24, None, ())


@pytest.mark.clause("pentalog.prevalence")
def test_only_the_relationships_own_setting_is_withdrawn() -> None:
    told = given(proposed()).knowing(known(setting("statement_of_work", 36)))
    withdraw = c.WithdrawTerm(document="statement_of_work", term=LATE)
    assert told.when(withdraw, by="supplier", at=2).then_refused("nothing_open")[0].field == "data.term"
    once: list[Event | At] = [proposed(), was_set("statement_of_work", 48)]
    gone = At(1.5, e.TermWithdrawn(document="statement_of_work", term=LATE, resolved=24))
    given(*once, gone).when(withdraw, by="supplier", at=2).then_refused("nothing_open")


def test_the_same_setting_again_gives_none() -> None:
    told = given(proposed(), was_set("statement_of_work", 48)).knowing(known(setting("statement_of_work", 48)))
    told.when(set_term("statement_of_work", 48), by="coordinator", at=2).then_nothing()


@pytest.mark.parametrize(
    "command, code, field",
    [
        (set_term("master_agreement", 4, "late_notice"), "unknown_term", "data.term"),
        (set_term("master_agreement", -1), "term_value", "data.value"),
        (set_term("master_agreement", 4.5, "planned_sessions"), "term_value", "data.value"),
        (set_term("master_agreement", 59, "band_healthy"), "term_value", "data.value"),
        (c.WithdrawTerm(document="master_agreement", term="late_notice"), "unknown_term", "data.term"),
    ],
)
def test_the_checks_are_those_of_a_programmes_terms(command: c.SetTerm, code: str, field: str) -> None:
    assert given(proposed()).when(command, by="coordinator").then_refused(code)[0].field == field


@pytest.mark.clause("pentalog.prevalence")
def test_bands_stay_in_order_together_with_the_programmes_settings() -> None:
    command = set_term("master_agreement", 85, "band_watch")
    given(proposed()).when(command, by="coordinator").then_refused("term_value")
    wide = given(proposed()).knowing(known(setting("code_of_conduct", 90, "band_healthy")))
    wide.when(command, by="coordinator").then(e.TermSet)
    both = given(
        proposed(),
        was_set("code_of_conduct", 90, "band_healthy"),
        was_set("code_of_conduct", 85, "band_watch"),
    ).knowing(known(setting("code_of_conduct", 90, "band_healthy"), setting("code_of_conduct", 85, "band_watch")))
    withdraw = c.WithdrawTerm(document="code_of_conduct", term="band_healthy")
    assert both.when(withdraw, by="coordinator", at=2).then_refused("term_value")[0].field == "data.term"


@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager", "hr", "service"])
def test_coordinator_and_supplier_alone_set_terms_of_a_relationship(role: str) -> None:
    given(proposed()).when(set_term("master_agreement", 48), by=role).then_refused("role")


@pytest.mark.clause("pentalog.prevalence")
def test_a_setting_counts_from_its_own_time_on() -> None:
    programme = TermTimeline([DatedSetting(day(3), setting("statement_of_work", 36))])
    both = programme.with_own([DatedSetting(day(1), setting("statement_of_work", 48), own=True)])
    assert [both.values_at(day(n))[LATE] for n in (0, 1, 4)] == [24, 48, 48]
    assert [programme.values_at(day(n))[LATE] for n in (0, 1, 4)] == [24, 24, 36]


def test_no_figure_is_shown_of_fewer_than_three_whatever_a_document_says() -> None:
    assert FEWEST_RESPONDENTS == 3
    for said, counts in ((0, 3), (2, 3), (3, 3), (9, 9)):
        assert suppression_min(values((setting("master_agreement", said, "suppression_min"),))) == counts
