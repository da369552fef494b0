"""Ids of persons, programmes, cases, and of the sessions, goals and homework of a relationship: their form and their sameness.

An id is opaque: ASCII letters and digits, dots, underscores and hyphens, so that no two that look alike differ and nothing
of it can be taken for a name, an address or a command. Two ids that differ in case alone are the same, and the first
spelling stands: commands are respelled before they are decided, so events carry first spellings only.

A person has one id, whatever the role. Services and workers are no persons; their ids stand as they are sent.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.model import Actor, Data, Holds
from domain.words import RECIPIENT_ROLES, ROLES, Role

Namespace = Literal[
    "person",
    "programme",
    "case",
    "session",
    "goal",
    "homework",
    "assessment",
    "relationship",
    "whom",
    "about",
    "recipient",
]
Spell = Callable[[Namespace, str], str]
D = TypeVar("D", bound=BaseModel)

ID: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
IN_WORDS: Final = (
    "expected an id of 1 to 64 characters: letters A to Z and a to z, digits, dots, underscores and hyphens, "
    "beginning with a letter or a digit"
)
NO_NAMES: Final = "; names and addresses belong into the person's own entry, not into an id"
ROLE_AND_ID: Final = f"^({'|'.join(ROLES)}):{ID}$"
MACHINES: Final[frozenset[Role]] = frozenset({"service", "worker"})
# What a subject with a prefix names.
OF_SUBJECT: Final[dict[str, Namespace]] = {
    "mentor": "person",
    "case": "case",
    "programme": "programme",
    "person": "person",
}
# The first spelling of these stands in the whole record, that of the others within their relationship.
EVERYWHERE: Final[frozenset[Namespace]] = frozenset({"person", "programme", "case"})
INSIDE: Final[frozenset[Namespace]] = frozenset({"session", "goal", "homework", "assessment"})
_SAID_OPENLY: Final[frozenset[Namespace]] = frozenset({"whom", "about"})
_WITH_ROLES: Final[frozenset[Namespace]] = frozenset({"whom", "about", "recipient"})
_ID: Final = re.compile(ID)


class Names(NamedTuple):
    """Annotation of a field that holds an id: what it is the id of."""

    namespace: Namespace


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def same_person(one: str, other: Actor) -> bool:
    """Whether two actors are one person, who has the same id in every role; services have one id a service."""
    actor = Actor.parse(one)
    machine = actor.role in MACHINES or other.role in MACHINES
    return actor == other if machine else actor.id == other.id


def expected(namespace: Namespace | None, found: object) -> str:
    """What an id must look like; where a name or an address may have been meant, what to do with those."""
    may_be_a_name = namespace in {"person", "whom", "recipient"} and isinstance(found, str) and found != ""
    return IN_WORDS + NO_NAMES if may_be_a_name else IN_WORDS


def _role_and_id(text: str, roles: tuple[str, ...] = ROLES) -> str:
    role, _, id_ = text.partition(":")
    if role not in roles:
        raise ValueError(f"expected role:id, with one of the roles {', '.join(roles)}")
    if not is_id(id_):
        raise PydanticCustomError("bad_id", "{expected}", {"expected": expected("person", id_)})
    return text


def _recipient(text: str) -> str:
    return _role_and_id(text, RECIPIENT_ROLES)


def _role_or_person(text: str) -> str:
    if text in ROLES:
        return text
    return _role_and_id(text)


def _whom(text: str) -> str:
    if ":" in text:
        return _role_and_id(text)
    if not is_id(text):
        raise PydanticCustomError("bad_id", "{expected}", {"expected": expected("person", text)})
    return text


_Opaque = Annotated[str, StringConstraints(pattern=f"^{ID}$")]
PersonId = Annotated[_Opaque, Names("person"), Holds("identity", "named")]
ProgrammeId = Annotated[_Opaque, Names("programme"), Holds("operational")]
# A relationship's is a UUID, which is written in lower case.
RelationshipId = Annotated[
    str, StringConstraints(pattern=f"^{ID}$", to_lower=True), Names("relationship"), Holds("operational")
]
SessionId = Annotated[_Opaque, Names("session"), Holds("operational")]
GoalId = Annotated[_Opaque, Names("goal"), Holds("operational")]
AssessmentId = Annotated[_Opaque, Names("assessment"), Holds("operational")]
HomeworkId = Annotated[_Opaque, Names("homework"), Holds("operational")]
# One person in a role; and a person or an office, with or without the role.
Recipient = Annotated[
    str,
    AfterValidator(_recipient),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(RECIPIENT_ROLES)}):{ID}$"}),
    Names("recipient"),
    Holds("safeguarding", "author"),
]
# A role, or one person in it.
RoleOrPerson = Annotated[
    str,
    AfterValidator(_role_or_person),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(ROLES)})(:{ID})?$"}),
    Names("about"),
    Holds("identity", "named"),
]
Whom = Annotated[
    str,
    AfterValidator(_whom),
    WithJsonSchema({"type": "string", "pattern": f"^(({'|'.join(ROLES)}):)?{ID}$"}),
    Names("whom"),
    Holds("identity", "named"),
]


class IdField(NamedTuple):
    """A field with an id, or (`namespace` None) with values of a model that has such fields."""

    name: str
    namespace: Namespace | None


@cache
def id_fields(model: type[BaseModel]) -> tuple[IdField, ...]:
    """The fields of a command, event or value that hold ids, in their order."""
    return _fields(model, frozenset(get_args(Namespace)))


@cache
def fields_inside(model: type[BaseModel]) -> tuple[IdField, ...]:
    """Those whose first spelling stands within their relationship."""
    return _fields(model, INSIDE)


@cache
def fields_outside(model: type[BaseModel]) -> tuple[IdField, ...]:
    """All the others."""
    return _fields(model, frozenset(get_args(Namespace)) - INSIDE)


def _fields(model: type[BaseModel], among: frozenset[Namespace]) -> tuple[IdField, ...]:
    found = []
    for name, info in model.model_fields.items():
        parts = [*info.metadata, info.annotation]
        if namespace := _named(parts):
            if namespace in among:
                found.append(IdField(name, namespace))
        elif any(_fields(inner, among) for inner in _models(parts)):
            found.append(IdField(name, None))
    return tuple(found)


def paths(model: type[BaseModel], prefix: str = "") -> dict[str, Namespace]:
    """The fields with ids by their path, without the places in lists: `agenda.goal_id`."""
    found: dict[str, Namespace] = {}
    for name, namespace in id_fields(model):
        if namespace is not None:
            found[prefix + name] = namespace
            continue
        info = model.model_fields[name]
        for inner in _models([*info.metadata, info.annotation]):
            found |= paths(inner, f"{prefix}{name}.")
    return found


def _named(parts: list[Any]) -> Namespace | None:
    for part in parts:
        if isinstance(part, Names):
            return part.namespace
        if found := _named(_parts_of(part)):
            return found
    return None


def _models(parts: list[Any]) -> Iterator[type[BaseModel]]:
    for part in parts:
        if isinstance(part, type) and issubclass(part, Data):
            yield part
        else:
            yield from _models(_parts_of(part))


def _parts_of(annotation: Any) -> list[Any]:
    return [*getattr(annotation, "__metadata__", ()), *get_args(annotation)]


def key(namespace: Namespace, id_: str) -> str:
    """What all spellings of an id have in common."""
    return f"{namespace}:{id_.lower()}"


def introduced(subject: str, data: BaseModel, actor: Actor) -> list[tuple[Namespace, str]]:
    """The ids that an event makes known in the whole record, in the order in which the first spelling counts.

    The recipient of a disclosure is not among them: the recipient's name is confidential.
    """
    return _names(subject, data, actor, _SAID_OPENLY)


def mentioned(subject: str, data: BaseModel, actor: Actor) -> list[tuple[Namespace, str]]:
    """The ids whose first spelling matters to a command: those that it would make known, and recipients."""
    return _names(subject, data, actor, _WITH_ROLES)


def _names(
    subject: str, data: BaseModel, actor: Actor, with_roles: frozenset[Namespace]
) -> list[tuple[Namespace, str]]:
    found: list[tuple[Namespace, str]] = []
    kind, colon, id_ = subject.partition(":")
    if colon:
        found.append((OF_SUBJECT[kind], id_))
    for name, namespace in fields_outside(type(data)):
        if value := data.__dict__[name]:
            if namespace in EVERYWHERE:
                found.append((namespace, value))
            elif namespace in with_roles:
                found += _person_in(value)
    if actor.role not in MACHINES:
        found.append(("person", actor.id))
    return found


def _person_in(whom: str) -> Iterator[tuple[Namespace, str]]:
    role, colon, id_ = whom.rpartition(":")
    if not colon and id_ in ROLES:
        return
    if not (colon and role in MACHINES):
        yield "person", id_


def respelled_inside(data: D, spell: Spell) -> D:
    """The data with the ids of sessions, goals and homework as `spell` has them; itself where nothing changes."""
    changes: dict[str, Any] = {}
    for name, namespace in fields_inside(type(data)):
        if value := data.__dict__[name]:
            after: Any
            if namespace is None:
                after = tuple([respelled_inside(item, spell) for item in value])
            else:
                after = spell(namespace, value)
            if after != value:
                changes[name] = after
    return data.model_copy(update=changes) if changes else data


def respelled_outside(data: D, spell: Spell) -> D:
    """The data with the ids of persons and programmes as `spell` has them; itself where nothing changes."""
    changes: dict[str, Any] = {}
    for name, namespace in fields_outside(type(data)):
        if value := data.__dict__[name]:
            after = value
            if namespace in EVERYWHERE:
                after = spell(namespace, value)
            elif namespace in _WITH_ROLES:
                after = _respelled_whom(value, spell)
            if after != value:
                changes[name] = after
    return data.model_copy(update=changes) if changes else data


def _respelled_whom(value: str, spell: Spell) -> str:
    if ":" in value:
        return str(respelled_actor(Actor.parse(value), spell))
    return value if value in ROLES else spell("person", value)


def respelled_subject(subject: str, spell: Spell) -> str:
    """The subject with its id as `spell` has it. Relationships have UUIDs, in lower case already."""
    kind, colon, id_ = subject.partition(":")
    return f"{kind}:{spell(OF_SUBJECT[kind], id_)}" if colon else subject


def respelled_actor(actor: Actor, spell: Spell) -> Actor:
    """The actor with their id as `spell` has it."""
    if actor.role in MACHINES:
        return actor
    id_ = spell("person", actor.id)
    return actor if id_ == actor.id else Actor(actor.role, id_)
