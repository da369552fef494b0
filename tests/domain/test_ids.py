"""The form of ids, and which fields hold one."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.ids import ID, fields_inside, fields_outside, id_fields, introduced, is_id, key, mentioned, paths
from domain.model import Actor
from domain.registry import COMMANDS, EVENTS
from domain.relationship.commands import CompleteSession, DiscloseConfidence, ProposeRelationship, RecordEndReview
from domain.relationship.fields import AgendaItem

GOOD = ["a", "7", "A.b_c-d", "ben", "4b8a7c35-1c8e-4a0d-8f0e-b3a1d5c9de03", "x" * 64, "a..", "0-"]
BAD = ["", " ", "-a", ".a", "_a", "x" * 65, "a b", "a ", " a", "a\n", "a\r", "a\0", "a\x1b[2K", "a/b", "a:b", "a@b.org",
       "=a", "zoë", "b\u0435n", "\uff42\uff45\uff4e", "be\u200bn", "be\u0301n", "\u0663", "a,b", "a'b", 'a"b', "a\u2028"]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_an_id_is_letters_digits_dots_underscores_and_hyphens(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_anything_else_is_no_id(text: str) -> None:
    assert not is_id(text)


@given(st.text(max_size=70))
def test_no_text_outside_ascii_and_none_too_long_is_an_id(text: str) -> None:
    assert is_id(text) == (re.fullmatch(ID, text, re.ASCII) is not None)
    if is_id(text):
        assert text.isascii()
        assert 1 <= len(text) <= 64


@pytest.mark.parametrize("model", [*COMMANDS.values(), *EVENTS.values(), AgendaItem], ids=lambda model: model.__name__)
def test_every_field_that_is_called_an_id_has_the_form_of_one(model: type[BaseModel]) -> None:
    called = {name for name in model.model_fields if name.endswith("_id") or name in {"person", "recipient"}}
    assert called <= {field.name for field in id_fields(model)}
    assert set(id_fields(model)) == {*fields_inside(model), *fields_outside(model)}


def test_ids_within_lists_have_a_path_of_their_own() -> None:
    assert paths(CompleteSession, "data.") == {
        "data.session_id": "session",
        "data.agenda.goal_id": "goal",
        "data.agenda.homework_id": "homework",
    }
    assert paths(RecordEndReview) == {"objectives.goal_id": "goal"}


def test_all_cases_of_an_id_have_one_key_and_kinds_have_keys_of_their_own() -> None:
    assert key("person", "Ben") == key("person", "bEN") != key("programme", "ben")


PARTIES: dict[str, Any] = {"programme_id": "P1", "mentee_id": "Ana", "mentor_id": "Ben", "supplier_id": "Guild"}


def test_an_event_makes_its_persons_known_before_its_actor_and_no_service() -> None:
    names = [("programme", "P1"), ("person", "Ana"), ("person", "Ben"), ("person", "Guild")]
    proposal = ProposeRelationship(**PARTIES)
    assert introduced("6f1e", proposal, Actor("mentee", "ana")) == [*names, ("person", "ana")]
    assert introduced("6f1e", proposal, Actor("service", "Booking")) == names
    assert introduced("mentor:Ben", AgendaItem(topic="x", set_by="mentee", minutes=1), Actor("worker", "Trust")) == [
        ("person", "Ben")
    ]


def test_the_recipient_of_a_disclosure_is_looked_up_but_not_made_known() -> None:
    told = DiscloseConfidence(exception="risk_of_harm", recipient="hr:Hanna", disclosed="x", urgency="urgent")
    assert introduced("6f1e", told, Actor("mentor", "ben")) == [("person", "ben")]
    assert ("person", "Hanna") in mentioned("6f1e", told, Actor("mentor", "ben"))
