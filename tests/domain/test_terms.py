"""The terms and the ranking of the documents that set them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model import TermSetting
from domain.terms import BANDS, DEFAULTS, PREVALENCE, RANK, TERMS, Resolved, plain, resolve, values
from domain.words import DOCUMENTS, Document


def test_the_defaults_are_those_of_the_rules() -> None:
    assert dict(DEFAULTS) == {
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
        "claim_days": 7,
        "contracting_days": 30,
        "contact_slack_days": 7,
        "outcome_hours": 24,
        "reminder_hours": 48,
        "look_again_days": 14,
        "mentor_capacity": 0,
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
        "band_healthy": 80,
        "band_watch": 60,
        "band_at_risk": 40,
        "band_hysteresis": 5,
    }


def test_every_default_is_in_its_own_range() -> None:
    for term in TERMS.values():
        assert term.least <= term.default <= term.most
        assert not term.whole or float(term.default).is_integer()
    assert [DEFAULTS[band] for band in BANDS] == sorted((DEFAULTS[band] for band in BANDS), reverse=True)


@pytest.mark.clause("pentalog.prevalence")
def test_documents_rank_from_the_master_agreement_down_to_the_code_of_conduct() -> None:
    ranked = sorted(DOCUMENTS, key=RANK.__getitem__)
    assert ranked == [
        "master_agreement",
        "statement_of_work",
        "privacy_policy",
        "terms_and_conditions",
        "terms_of_use",
        "code_of_conduct",
    ]


def test_without_settings_every_term_has_its_default_and_no_document() -> None:
    assert resolve(()) == {name: Resolved(value) for name, value in DEFAULTS.items()}
    assert values() == DEFAULTS


def test_a_term_of_a_newer_rapport_is_left_out() -> None:
    setting = TermSetting(document="privacy_policy", term="from_the_future", value=1)
    assert resolve([setting]).keys() == DEFAULTS.keys()


def test_whole_numbers_are_written_as_whole_numbers() -> None:
    assert json.dumps([plain(24.0), plain(2.5), plain(-0.0)]) == "[24, 2.5, 0]"


def test_the_same_settings_are_resolved_once() -> None:
    settings = (TermSetting(document="privacy_policy", term="pause_days_max", value=30),)
    again = (TermSetting(document="privacy_policy", term="pause_days_max", value=30),)
    assert values(settings)["pause_days_max"] == 30
    assert values(settings) is values(again)


_settings = st.lists(
    st.builds(
        TermSetting,
        document=st.sampled_from(PREVALENCE),
        term=st.sampled_from(["late_notice_hours", "no_goal_days"]),
        value=st.integers(0, 100).map(float),
    ),
    max_size=12,
)


def _latest(settings: list[TermSetting], term: str) -> dict[Document, float]:
    return {setting.document: setting.value for setting in settings if setting.term == term}


@pytest.mark.clause("pentalog.prevalence")
@given(_settings)
def test_the_highest_document_wins_with_its_latest_value_and_names_all_it_overruled(
    settings: list[TermSetting],
) -> None:
    for term, resolved in resolve(settings).items():
        said = _latest(settings, term)
        assert (resolved.document is None) == (not said)
        if resolved.document is not None:
            assert resolved.value == said[resolved.document]
            assert (resolved.document, *resolved.overruled) == tuple(d for d in PREVALENCE if d in said)
        assert values(settings)[term] == resolved.value


@pytest.mark.clause("pentalog.prevalence")
@given(_settings, st.randoms(use_true_random=False))
def test_the_order_in_which_documents_speak_decides_nothing(settings: list[TermSetting], random: object) -> None:
    latest = list({(setting.document, setting.term): setting for setting in settings}.values())
    shuffled = list(latest)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolve(shuffled) == resolve(latest) == resolve(settings)
