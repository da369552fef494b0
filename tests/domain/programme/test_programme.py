"""A programme's creation, codes and terms."""

from datetime import datetime
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.model import Command, TermSetting
from domain.programme.commands import AdoptCode, CreateProgramme, ProgrammeCommand, SetTerm
from domain.programme.decide import MAY_SEND, decide
from domain.programme.events import CodeAdopted, ProgrammeCreated, TermSet
from domain.programme.evolve import evolve
from domain.programme.state import Programme
from domain.terms import BANDS, DEFAULTS, PREVALENCE, TERMS, resolve, values
from domain.words import ROLES, Document
from tests.domain.stream import Stream, codes, day


def programme() -> Stream[Programme]:
    return Stream("programme:p1", decide, evolve)


def known(stream: Stream[Programme]) -> Programme:
    assert stream.state is not None
    return stream.state


def setting(value: float, document: Document = "code_of_conduct", term: str = "late_notice_hours") -> SetTerm:
    return SetTerm(document=document, term=term, value=value)


def test_a_programme_is_created_with_its_time_zone() -> None:
    stream = programme()
    created = stream.when(CreateProgramme(name="Spring", timezone="Europe/Bucharest"))
    assert created == [ProgrammeCreated(name="Spring", timezone="Europe/Bucharest")]
    assert (known(stream).programme_id, known(stream).timezone) == ("p1", "Europe/Bucharest")


def test_a_programme_is_on_universal_time_unless_told() -> None:
    assert CreateProgramme(name="Spring").timezone == "UTC"


@pytest.mark.parametrize(
    "key", ["", "Nowhere/City", "America", "../UTC", "/etc/passwd", "a\0b", "x" * 190, "localtime", "right/UTC"]
)
def test_a_time_zone_is_one_of_the_zone_database(key: str) -> None:
    with pytest.raises(ValidationError, match="timezone"):
        CreateProgramme(name="Spring", timezone=key)


def test_creating_again_is_nothing_new_unless_it_differs() -> None:
    stream = programme()
    stream.when(CreateProgramme(name="Spring"))
    assert stream.when(CreateProgramme(name="Spring")) == []
    assert codes(stream.refused(CreateProgramme(name="Autumn"))) == ["already_created"]


def test_codes_are_adopted_once_each_and_from_their_time_on() -> None:
    stream = programme()
    assert stream.when(AdoptCode(code="cmn"), at=day(1)) == [CodeAdopted(code="cmn")]
    assert stream.when(AdoptCode(code="pentalog"), at=day(3)) == [CodeAdopted(code="pentalog")]
    assert stream.when(AdoptCode(code="cmn"), at=day(4)) == []
    assert known(stream).codes == ("cmn", "pentalog")
    assert [known(stream).codes_at(day(n)) for n in (0, 1, 3)] == [(), ("cmn",), ("cmn", "pentalog")]


@pytest.mark.clause("pentalog.prevalence")
def test_a_term_that_is_set_names_the_document_that_won_and_those_overruled() -> None:
    stream = programme()
    stream.when(setting(48))
    stream.when(setting(36, "master_agreement"))
    (event,) = stream.when(setting(12, "terms_of_use"))
    assert event == TermSet(
        document="terms_of_use",
        term="late_notice_hours",
        value=12,
        resolved=36,
        winner="master_agreement",
        overruled=("terms_of_use", "code_of_conduct"),
    )


def test_whole_numbers_are_written_as_whole_numbers() -> None:
    (event,) = programme().when(setting(48.0))
    assert '"value":48,"resolved":48,' in event.model_dump_json()


def test_a_document_that_says_so_already_is_nothing_new() -> None:
    stream = programme()
    stream.when(setting(48), at=day(1))
    assert stream.when(setting(48), at=day(2)) == []
    assert stream.when(setting(48, "privacy_policy"), at=day(2)) != []


def test_a_setting_counts_from_its_own_time_on() -> None:
    stream = programme()
    stream.when(setting(48), at=day(10))
    hours = [values(known(stream).settings_at(day(n)))["late_notice_hours"] for n in (9.99, 10, 11)]
    assert hours == [24, 48, 48]


def test_a_setting_told_late_counts_until_the_next_one() -> None:
    stream = programme()
    stream.when(setting(48), at=day(10))
    stream.when(setting(36), at=day(5))
    hours = [values(known(stream).settings_at(day(n)))["late_notice_hours"] for n in (4, 5, 9, 10)]
    assert hours == [24, 36, 36, 48]


def test_of_two_settings_of_the_same_time_the_one_recorded_later_counts() -> None:
    stream = programme()
    stream.when(setting(48), at=day(1))
    stream.when(setting(36), at=day(1))
    assert values(known(stream).settings_at(day(1)))["late_notice_hours"] == 36


def test_an_unknown_term_is_refused_with_those_it_resembles() -> None:
    (problem,) = programme().refused(setting(48, term="late_notice_hour"))
    assert (problem.code, problem.field) == ("unknown_term", "data.term")
    assert "late_notice_hours" in problem.message


def test_an_unknown_term_that_resembles_none_is_refused_with_them_all() -> None:
    (problem,) = programme().refused(setting(48, term="xyz"))
    assert all(name in problem.message for name in TERMS)


@pytest.mark.parametrize(
    "term, value",
    [
        ("late_notice_hours", -1),
        ("pause_days_max", 1.5),
        ("points_no_goal", 101),
        ("planned_sessions", 0),
        ("session_minutes", 1_441),
        ("band_healthy", 101),
        ("review_working_days", 0.5),
        ("retention_days", 1e300),
    ],
)
def test_a_value_out_of_its_range_or_not_whole_is_refused(term: str, value: float) -> None:
    (problem,) = programme().refused(setting(value, term=term))
    assert (problem.code, problem.field) == ("term_value", "data.value")


@pytest.mark.parametrize("term", ["late_notice_hours", "homework_hours_per_session", "punctuality_minutes"])
def test_hours_and_minutes_may_be_parts(term: str) -> None:
    assert programme().when(setting(2.5, term=term))


@pytest.mark.parametrize("value", [float("inf"), float("nan"), True, "24"])
def test_a_value_is_a_finite_number(value: object) -> None:
    with pytest.raises(ValidationError, match="value"):
        SetTerm.model_validate({"document": "privacy_policy", "term": "band_watch", "value": value})


@pytest.mark.clause("pentalog.prevalence")
def test_thresholds_of_bands_out_of_order_are_refused() -> None:
    stream = programme()
    (problem,) = stream.refused(setting(59, term="band_healthy"))
    assert (problem.code, problem.clause, problem.field) == ("term_value", "pentalog.prevalence", "data.value")
    assert stream.when(setting(60, term="band_healthy"))


@pytest.mark.clause("pentalog.prevalence")
def test_a_threshold_that_a_higher_document_overrules_puts_nothing_out_of_order() -> None:
    stream = programme()
    stream.when(setting(60, "master_agreement", "band_watch"))
    assert stream.when(setting(90, "code_of_conduct", "band_watch"))


def test_a_threshold_told_late_must_fit_what_was_set_for_later() -> None:
    stream = programme()
    stream.when(setting(70, term="band_healthy"), at=day(10))
    assert codes(stream.refused(setting(75, term="band_watch"), at=day(5))) == ["term_value"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", [CreateProgramme(name="S"), AdoptCode(code="cmn"), setting(1)])
def test_supplier_coordinator_and_services_run_programmes(command: Command, role: str) -> None:
    actor = f"{role}:x"
    if role in {"supplier", "coordinator", "service"}:
        assert programme().when(command, actor)
    else:
        assert codes(programme().refused(command, actor)) == ["role"]


def test_every_problem_is_told_at_once() -> None:
    assert codes(programme().refused(setting(1, term="xyz"), "hr:h")) == ["role", "unknown_term"]


def test_every_command_says_who_may_send_it() -> None:
    assert set(MAY_SEND) == set(get_args(ProgrammeCommand))


_times = st.integers(0, 6).map(day)
_set = st.builds(
    SetTerm,
    document=st.sampled_from(PREVALENCE),
    term=st.sampled_from([*BANDS, "late_notice_hours"]),
    value=st.sampled_from([30.0, 50.0, 60.0, 70.0]),
)
_commands = st.one_of(
    _set,
    st.builds(AdoptCode, code=st.sampled_from(["cmn", "pentalog"])),
    st.builds(CreateProgramme, name=st.sampled_from(["a", "b"])),
)


@given(st.lists(st.tuples(_commands, _times), max_size=12))
def test_a_command_repeated_records_nothing_and_the_bands_stay_in_order(sent: list[tuple[Command, datetime]]) -> None:
    stream = programme()
    for command, at in sent:
        stream.attempt(command, at=at)
        assert stream.attempt(command, at=at) == []
    assert stream.replayed() == stream.state
    for n in range(8):
        terms = values(stream.state.settings_at(day(n)) if stream.state else ())
        assert all(terms[better] >= terms[worse] for better, worse in pairwise(BANDS))


@pytest.mark.clause("pentalog.prevalence")
@given(st.lists(st.tuples(_set, _times), max_size=10), st.integers(-1, 7).map(day))
def test_what_is_in_force_is_the_latest_setting_of_each_document(
    recorded: list[tuple[SetTerm, datetime]], at: datetime
) -> None:
    stream = programme()
    for command, time in recorded:
        event = TermSet(
            document=command.document, term=command.term, value=command.value, resolved=0, winner=command.document
        )
        stream.given(event, time)
    expected: dict[tuple[str, str], TermSetting] = {}
    for command, time in sorted(recorded, key=lambda entry: entry[1]):
        if time <= at:
            expected[command.document, command.term] = TermSetting(**command.model_dump())
    actual = stream.state.settings_at(at) if stream.state else ()
    assert {(s.document, s.term): s for s in actual} == expected
    assert len(actual) == len(expected)
    assert resolve(actual).keys() == DEFAULTS.keys()
