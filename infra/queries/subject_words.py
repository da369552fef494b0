"""The words that belong into what `rapport show` says of a subject: sealed, or as a reader may see them.

A state keeps words for its rules; what is shown of them is taken from the events that hold them, whose data were judged.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.case import events as case
from domain.mentor import events as mentor
from domain.model import AnyRecorded, Event
from domain.person import events as person
from domain.relationship import events as e
from infra.queries.sealed import Fields

Shown = dict[str, Any]
# The data of events by version, each field as it may be shown.
Judged = Mapping[int, Fields]

HOLDING: Final[tuple[type[Event], ...]] = (
    *(e.GoalAgreed, e.GoalRevised, e.ConfidentialityAgreed, e.TermsAccepted, e.TermsDeclined),
    *(mentor.MentorRegistered, mentor.ProfilePublished, mentor.TrainingRecorded, mentor.DevelopmentRecorded),
    *(person.PersonRegistered, person.PersonCorrected),
    *(case.CaseOpened, case.CaseDecided, case.CaseClosed),
)
_ANSWERS: Final = (e.TermsAccepted, e.TermsDeclined)
_DOCUMENTS: Final = ("accepted_terms", "declined_terms")
_OF_GOAL: Final = ("title", "success_measure")
NO_ENTRY: Final[Shown] = dict.fromkeys(person.PersonRegistered.model_fields)


def holding(counted: Iterable[AnyRecorded]) -> list[AnyRecorded]:
    """Of the events that count, those with words that are shown: of confidentiality the last agreement, of a goal what stands."""
    found = [event for event in counted if isinstance(event.data, HOLDING)]
    agreed = [event for event in found if isinstance(event.data, e.ConfidentialityAgreed)]
    return [event for event in found if not isinstance(event.data, e.ConfidentialityAgreed) or event is agreed[-1]]


def with_words(shown: Shown, events: Iterable[AnyRecorded], judged: Judged) -> Shown:
    """What is shown of a subject with its words as they were judged; those of events that were not judged are left out."""
    readable = [(event, judged[event.version]) for event in events if event.version in judged]
    match shown["kind"]:
        case "relationship":
            return _relationship(shown, readable)
        case "person":
            entry = dict(NO_ENTRY)
            for _, data in readable:
                entry |= data
            return shown | {"entry": entry}
        case "mentor":
            return shown | _mentor(readable)
        case "case":
            return shown | _case(readable)
        case _:
            return shown


def _relationship(shown: Shown, readable: list[tuple[AnyRecorded, Fields]]) -> Shown:
    words: dict[str, Fields] = {}
    for event, data in readable:
        if isinstance(event.data, e.GoalAgreed | e.GoalRevised):
            words.setdefault(event.data.goal_id, {}).update({name: data[name] for name in _OF_GOAL if name in data})
    goals = shown.get("goals")
    if isinstance(goals, list):
        shown = shown | {"goals": [goal | words.get(goal["goal_id"], {}) for goal in goals]}
    agreements = shown.get("agreements") or {}
    agreed = agreements.get("confidentiality")
    if isinstance(agreed, dict) and "version" in agreed:
        of = {
            event.version: data["shared"] for event, data in readable if isinstance(event.data, e.ConfidentialityAgreed)
        }
        if shared := of.get(agreed["version"]):
            agreements = agreements | {"confidentiality": agreed | {"shared": shared}}
    versions = {event.version: data.get("version") for event, data in readable if isinstance(event.data, _ANSWERS)}
    for name in set(_DOCUMENTS) & agreements.keys():
        documents = [one | {"document_version": versions.get(one["version"])} for one in agreements[name]]
        agreements = agreements | {name: documents}
    return shown | ({"agreements": agreements} if agreements else {})


def _mentor(readable: list[tuple[AnyRecorded, Fields]]) -> Shown:
    def of(kind: type[Event]) -> list[Fields]:
        return [data for event, data in readable if isinstance(event.data, kind)]

    registered, profiles = of(mentor.MentorRegistered), of(mentor.ProfilePublished)
    return {
        "name": registered[-1].get("name") if registered else None,
        "profile": profiles[-1] if profiles else None,
        "trainings": [_whole(mentor.TrainingRecorded, data) for data in of(mentor.TrainingRecorded)],
        "developments": of(mentor.DevelopmentRecorded),
    }


def _whole(kind: type[Event], data: Fields) -> Fields:
    """The data with absent fields as null."""
    return {name: data.get(name) for name in kind.model_fields}


def _case(readable: list[tuple[AnyRecorded, Fields]]) -> Shown:
    found = dict.fromkeys(("description", "decision_reason", "closing_reason"))
    for event, data in readable:
        match event.data:
            case case.CaseOpened():
                found["description"] = data.get("description")
            case case.CaseDecided():
                found["decision_reason"] = data.get("reason")
            case case.CaseClosed():
                found["closing_reason"] = data.get("reason")
            case _:
                pass
    return found
