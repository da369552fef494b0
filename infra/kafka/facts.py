"""What of an event may leave on the public topic: operational facts, never content, no personal data beyond ids.

Four rules, from the data class that every field declares, so that a new field is judged when it is written:
- a field leaves when its class is operational or on the list that a mentor may share without consent (pentalog.mentor-free), but for
  the score of an answer, which nobody gets alone;
- the matrix of sharing must open the class to the readers, without anybody's agreement, consent or grant, under every code that the
  relationship adopted (leapfrog opens little); the readers of the topic are services;
- of who people are only ids leave, never names;
- free text never leaves, whatever its class: nobody can say beforehand what people write.

Some events are never published: that they happened is confidential. Every event is in one of the two lists.
"""

import re
from datetime import datetime
from functools import cache
from math import inf
from typing import Any, Final, get_args, get_origin

import orjson
from pydantic import BaseModel

from domain.case import events as case
from domain.model import AnyRecorded, Event, data_class_of
from domain.person import events as person
from domain.registry import EVENTS, kind_of
from domain.relationship import events as relationship
from domain.sharing import confidential
from domain.sharing import question as sharing
from domain.sharing.cells import cell
from domain.words import MENTOR_FREE, DataClass, Role
from infra.operations.tracing import valid

OPERATIONAL: Final[frozenset[DataClass]] = frozenset({"operational", *MENTOR_FREE}) - {"nps_score"}
WITHHELD: Final[frozenset[type[Event]]] = frozenset(
    {
        # That trouble was reported, disclosed or dealt with.
        *sharing.WITHHELD,
        relationship.ConflictOfInterestDeclared,
        relationship.ConflictMitigationAgreed,
        relationship.MenteeReferred,
        relationship.MenteeSignposted,
        case.CaseOpened,
        case.CaseEscalated,
        case.CaseDecided,
        case.CaseClosed,
        person.PersonRegistered,
        person.PersonCorrected,
        person.ProcessingRestricted,
        person.RestrictionLifted,
    }
)
PUBLISHED: Final[frozenset[type[Event]]] = frozenset(EVENTS.values()) - WITHHELD
# The kinds of subjects that are people.
PERSONS: Final = frozenset({"mentor", "person"})
# Ids and words are short; a field for more than this is for sentences.
LONGEST_ID: Final = 200

# Text without a limit that Rapport itself writes, from its own lists.
OWN_WORDS: Final[frozenset[tuple[type[BaseModel], str]]] = frozenset({(relationship.RelationshipProposed, "codes")})

# What it tells could be what a withheld event tells, or that an answer was bad.
NOT_SAID: Final[frozenset[tuple[type[BaseModel], str]]] = frozenset(
    {(relationship.FactCorrected, "fact"), (relationship.RelationshipReviewed, "about")}
)

# Some reasons of an end say what was reported: only the office reads them here.
ENDING: Final[tuple[type[BaseModel], str]] = (relationship.RelationshipTerminated, "reason")

# What pydantic is told to leave in: True, or the fields of a nested model.
Include = dict[str, Any]


# Readers who know people by pseudonyms alone.
WITHOUT_IDS: Final[frozenset[Role]] = frozenset({"analyst", "auditor"})


@cache
def closed_to(role: Role, codes: frozenset[str]) -> frozenset[DataClass]:
    """The classes that the matrix opens to a role only by agreement, consent or grant, or not at all, under one of these codes."""
    return frozenset(each for each in OPERATIONAL if any(cell(each, role, code) != "yes" for code in (None, *codes)))


@cache
def included(
    model: type[BaseModel], *, named: bool = True, closed: frozenset[DataClass] = frozenset(), ending: bool = True
) -> Include:
    """The fields of an event, or of a value in it, that may leave, as pydantic's `include`.

    Without `named` no id of a person is among them, nor is a field of a `closed` class; without `ending` no reason of an end.
    """
    found: Include = {}
    for name, info in model.model_fields.items():
        data_class = data_class_of(model, name)
        if not _may_leave(model, name) or data_class in closed or (not named and data_class == "identity"):
            continue
        if not ending and (model, name) == ENDING:
            continue
        nested = _nested(info.annotation)
        if nested is None:
            found[name] = True
        elif inner := included(nested, named=named, closed=closed):
            found[name] = {"__all__": inner} if _is_list(info.annotation) else inner
    return found


def may_be_missing(model: type[BaseModel], name: str) -> bool:
    """Whether some readers get an event without a field that it always has."""
    return data_class_of(model, name) in MENTOR_FREE or (model, name) == ENDING


def fact(
    recorded: AnyRecorded, source: str, position: int, codes: frozenset[str], role: Role = "service"
) -> bytes | None:
    """The CloudEvent of an event at its position in the log, or None for one that is withheld.

    Its `id` is subject/version: the same for every sender and every time, so that readers recognise it. `codes` are those of
    the event's relationship, `role` is that of the readers. Analysts and auditors know people by pseudonyms alone: of who acted they
    get the role; what is about a person, and that somebody gave a score, is withheld from them.
    """
    data = recorded.data
    kind = type(data)
    named = role not in WITHOUT_IDS
    if kind not in PUBLISHED or sharing.is_withheld(data):
        return None
    if not named and (kind_of(recorded.subject) in PERSONS or kind is relationship.NpsResponded):
        return None
    include = included(
        kind,
        named=named,
        closed=closed_to(role, codes),
        ending=role == "coordinator" or getattr(data, "reason", None) not in confidential.ENDINGS,
    )
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{recorded.subject}/{recorded.version}",
        "source": source,
        "type": f"rapport.{kind.__name__}",
        "subject": recorded.subject,
        "time": recorded.occurred_at,
        "datacontenttype": "application/json",
        "dataschema": f"urn:rapport:schema:events:{kind.__name__}:{kind.VERSION}",
        "position": position,
        "version": recorded.version,
        "recordedat": recorded.recorded_at,
        "actor": recorded.actor if named else recorded.actor.partition(":")[0],
        "data": orjson.Fragment(data.__pydantic_serializer__.to_json(data, include=include, exclude_none=True)),
    }
    if recorded.correlation_id and named:
        event["correlationid"] = recorded.correlation_id
    if recorded.message_id and named:
        event["causationid"] = recorded.message_id
    if traceparent := valid(recorded.traceparent):
        event["traceparent"] = traceparent
    return orjson.dumps(event, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


@cache
def _schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each field. To make them takes milliseconds, for all as for one."""
    found: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return found


def _may_leave(model: type[BaseModel], name: str) -> bool:
    data_class = data_class_of(model, name)
    if (model, name) in NOT_SAID:
        return False
    if data_class == "identity":
        return name.endswith("_id") or name == "person"
    if data_class not in OPERATIONAL:
        return False
    return (model, name) in OWN_WORDS or not _is_free_text(_schemas(model)[name])


# What no id can be: a field whose pattern takes it has room for words.
A_SENTENCE: Final = "She said so."


def _is_free_text(schema: dict[str, Any]) -> bool:
    """Whether a field has room for sentences: text of any length, or of more than an id has."""
    if schema.get("type") == "string":
        if "pattern" in schema:
            return re.search(schema["pattern"], A_SENTENCE) is not None
        return not {"enum", "const", "format"} & schema.keys() and schema.get("maxLength", inf) > LONGEST_ID
    inner = [
        *schema.get("anyOf", ()),
        *schema.get("prefixItems", ()),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    return any(_is_free_text(each) for each in inner if isinstance(each, dict))


def _nested(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if found := _nested(part):
            return found
    return None


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in {tuple, list}
