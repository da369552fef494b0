"""A person's entry: who writes it, what is put right, and the restriction of its use."""

from functools import partial

import pytest
from pydantic import ValidationError

from domain.content import content_of
from domain.person.commands import CorrectPerson, LiftRestriction, RegisterPerson, RestrictProcessing
from domain.person.decide import MAY_SEND, decide
from domain.person.events import PersonCorrected, PersonRegistered, ProcessingRestricted, RestrictionLifted
from domain.person.evolve import evolve
from domain.person.state import Person
from domain.words import ROLES
from tests.domain.stream import Stream, codes

ANA = RegisterPerson(display_name="Ana Pop", email="ana@example.org", timezone="Europe/Bucharest", locale="ro")


def person() -> Stream[Person]:
    return Stream("person:ana", partial(decide, person_id="ana"), evolve)


def test_an_entry_is_made_once() -> None:
    stream = person()
    assert stream.when(ANA) == [
        PersonRegistered(display_name="Ana Pop", email="ana@example.org", timezone="Europe/Bucharest", locale="ro")
    ]
    assert stream.when(ANA) == []
    assert codes(stream.refused(RegisterPerson(display_name="Ana"))) == ["already_registered"]


def test_a_correction_replaces_what_it_names() -> None:
    stream = person()
    stream.when(ANA)
    assert stream.when(CorrectPerson(telephone="+40 1")) == [PersonCorrected(telephone="+40 1")]
    assert stream.when(CorrectPerson(telephone="+40 1", locale="ro")) == []
    assert stream.state is not None
    assert (stream.state.display_name, stream.state.telephone) == ("Ana Pop", "+40 1")


def test_without_an_entry_nothing_is_put_right() -> None:
    assert codes(person().refused(CorrectPerson(locale="ro"))) == ["state"]


def test_a_restriction_is_lifted_once() -> None:
    stream = person()
    assert codes(stream.refused(LiftRestriction())) == ["nothing_open"]
    assert stream.when(RestrictProcessing(reason="I object")) == [ProcessingRestricted(reason="I object")]
    assert stream.when(RestrictProcessing(reason="I object still")) == []
    assert stream.when(LiftRestriction()) == [RestrictionLifted()]
    assert stream.state is not None
    assert not stream.state.restricted


@pytest.mark.parametrize("role", ROLES)
def test_the_person_and_the_office_write_the_entry(role: str) -> None:
    office = {"coordinator", "supplier", "hr"}
    people = office | {"mentee", "mentor", "customer", "line_manager"}
    own, other = person(), person()
    assert MAY_SEND[RegisterPerson] == people
    if role in people:
        assert own.when(ANA, actor=f"{role}:ana")
    else:
        assert codes(own.refused(ANA, actor=f"{role}:ana")) == ["role"]
    if role in office:
        assert other.when(ANA, actor=f"{role}:ben")
    else:
        assert codes(other.refused(ANA, actor=f"{role}:ben")) == ["actor" if role in people else "role"]


@pytest.mark.parametrize(
    "field,value",
    [("email", "ana"), ("timezone", "Nowhere"), ("locale", "r!"), ("telephone", ""), ("display_name", "")],
)
def test_an_entry_has_its_form(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=field):
        RegisterPerson(**({"display_name": "Ana"} | {field: value}))


def test_a_correction_corrects_something() -> None:
    with pytest.raises(ValidationError, match="at least one field"):
        CorrectPerson()


def test_all_of_an_entry_is_content() -> None:
    for event in (PersonRegistered, PersonCorrected, ProcessingRestricted):
        assert set(content_of(event)) == set(event.model_fields)
