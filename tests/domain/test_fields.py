"""Every field of every command and event says what it holds and whose that is, and free text is never operational."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.ids import Names
from domain.model import Data, Holds, Vocabulary, holds, values_in, whose_of
from domain.registry import COMMANDS, EVENTS
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem, Objective, SharingTerm
from domain.words import CONTENT, DATA_CLASSES, MENTOR_FREE

CLASSES: list[type[BaseModel]] = [*COMMANDS.values(), *EVENTS.values(), AgendaItem, SharingTerm, Objective]
FIELDS = [(model, name) for model in CLASSES for name in model.model_fields]
# Open to anybody who reads the record at all: such text is an id or a word of a closed vocabulary.
OPEN = {"operational", *MENTOR_FREE}


def parts(info: FieldInfo) -> Iterator[Any]:
    """Everything that an annotation is made of, but for what values inside it are made of."""
    waiting: list[Any] = [*info.metadata, info.annotation]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [*getattr(part, "__metadata__", ()), *get_args(part)]


def is_free_text(info: FieldInfo) -> bool:
    """Whether a field takes text that neither its type, nor an id's form, nor a vocabulary that the rules check closes."""
    found = list(parts(info))
    return str in found and not any(isinstance(part, Names | Vocabulary) for part in found)


def test_the_values_inside_fields_are_all_looked_at() -> None:
    inside = {
        inner for model in CLASSES for info in model.model_fields.values() for inner in values_in([info.annotation])
    }
    assert inside == {AgendaItem, SharingTerm, Objective}


@pytest.mark.parametrize("model, name", FIELDS, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_a_field_says_its_data_class_and_whose_it_is(model: type[BaseModel], name: str) -> None:
    declared = holds(model, name)
    assert declared is not None, "what does it hold?"
    if declared.data_class in CONTENT:
        assert declared.whose != "record", "whose is it?"


@pytest.mark.parametrize("model, name", FIELDS, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_text_without_a_closed_vocabulary_is_neither_operational_nor_open(model: type[BaseModel], name: str) -> None:
    declared = holds(model, name)
    assert declared is not None
    if is_free_text(model.model_fields[name]):
        assert declared.data_class not in OPEN


def test_the_look_at_fields_finds_what_it_is_for() -> None:
    from typing import Annotated

    class Careless(Data):
        reason: Annotated[str, Holds("operational")]
        reasons: Annotated[tuple[str, ...] | None, Holds("operational")] = None
        count: Annotated[int, Holds("operational")]

    assert [is_free_text(info) for info in Careless.model_fields.values()] == [True, True, False]
    assert not is_free_text(e.GoalAgreed.model_fields["goal_id"])
    assert not is_free_text(e.ShutdownRecommended.model_fields["clauses"])


def test_reasons_next_steps_and_notes_on_consents_and_bases_are_of_the_class_process() -> None:
    for model, name in (
        (e.MatchDeclined, "reason"),
        (e.ConsentGranted, "how"),
        (SharingTerm, "when"),
        (e.SessionRescheduled, "reason"),
        (e.SessionCancelled, "reason"),
        (e.RelationshipPaused, "reason"),
        (e.RelationshipPaused, "next_steps"),
        (e.RelationshipTerminated, "next_steps"),
        (e.RelationshipReviewed, "note"),
        (e.CommitmentConcernResolved, "resolution"),
        (e.RecommendationDismissed, "reason"),
        (e.FactContested, "reason"),
        (e.ContestAnswered, "answer"),
        (e.ErasureRequested, "legal_hold"),
    ):
        assert holds(model, name) == ("process", "author"), (model, name)


def test_content_is_its_authors_or_the_mentees_or_the_mentors() -> None:
    assert whose_of(e.GoalAgreed, "goals") == "mentee"
    assert whose_of(e.SessionNoteRecorded, "session_content") == "author"
    assert whose_of(e.SessionCompleted, "session_content") == "mentee"
    assert whose_of(e.ContactDetailsShared, "contact_details") == "author"
    assert whose_of(EVENTS["ProfilePublished"], "profile") == "mentor"
    assert whose_of(e.GoalAgreed, "feedback") is None


def test_every_data_class_is_content_or_open_or_says_who_somebody_is() -> None:
    assert sorted(DATA_CLASSES) == sorted((*CONTENT, *OPEN, "identity"))
