"""What of an event is content: the words that people wrote, which are sealed when the event is stored.

Content is every text that is not operational: what is operational has a closed vocabulary. So is the score of an assessment. Ids, times, words from a closed list, attendance and answers of yes, no or
1 to 5 are facts: datasets and figures are made from them, also when the words are gone.

`split` takes the content out of an event's data, `merged` puts it back. Content is held by its path in the data
(`title`, `agenda/0/topic`). What can't be read any more comes back as an `erased` text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel

from domain.codes.questions import QUESTIONS
from domain.model import OUT_OF_REACH, Holds, data_class_of, holds, is_blank

# Beginning of a text that stands for one that can't be read: no letter and no digit, so no words are found in it.
SIGN: Final = OUT_OF_REACH
# Between the parts of a path.
STEP: Final = "/"
# Datasets have the names of programmes, and count when each course must be taken again.
NAMES_OF_THINGS: Final = frozenset(
    {
        ("CreateProgramme", "name"),
        ("ProgrammeCreated", "name"),
        ("RecordTraining", "course"),
        ("TrainingRecorded", "course"),
    }
)
# Without these an event is whole, so they are left out when they can't be read.
LEFT_OUT: Final = frozenset({"answers", "score"})
_PLAIN_ANSWERS: Final = frozenset({"yes", "no"})
_FACT: Final = "FactCorrected"

Data = dict[str, Any]
Content = dict[str, Any]
# Of a field: content itself, the answers to questions, the fields of the value or of each value in it.
Kind = Literal["text", "texts", "number", "answers"]
Tree = Mapping[str, "Kind | Tree"]


def erased(version: int) -> str:
    """The text in the place of one that can't be read; texts of different events differ."""
    return f"{SIGN}{version}"


def out_of_reach(version: int) -> str:
    """The same in the place of a text that others can read, and for which this reader has no key."""
    return f"{SIGN}{erased(version)}"


def is_erased(value: object) -> bool:
    """Whether a value stands for a text that can't be read, here or at all."""
    return isinstance(value, str) and value.startswith(SIGN)


def is_out_of_reach(value: object) -> bool:
    """Whether a value stands for a text that others can read."""
    return isinstance(value, str) and value.startswith(SIGN + SIGN)


@cache
def content_of(model: type[BaseModel]) -> Tree:
    """The fields of a command, an event or a value in it that hold content, or have fields that do."""
    found: dict[str, Kind | Tree] = {}
    schemas = model.model_json_schema().get("properties", {})
    for name, info in model.model_fields.items():
        if (model.__name__, name) in NAMES_OF_THINGS:
            continue
        data_class = data_class_of(model, name)
        if nested := _nested(info.annotation):
            if inner := content_of(nested):
                found[name] = inner
        elif data_class != "operational" and any(map(_is_open, _alternatives(schemas[name]))):
            found[name] = _kind(info.annotation)
        elif data_class == "assessment" and float in get_args(info.annotation):
            found[name] = "number"
    return MappingProxyType(found)


def content_holds(model: type[BaseModel]) -> Iterator[Holds]:
    """What the fields of a command or event with content declare to hold, those of the values inside too."""
    for name, kind in content_of(model).items():
        if isinstance(kind, str):
            declared = holds(model, name)
            assert declared is not None, f"{model.__name__}.{name} says nothing of what it holds"
            yield declared
        else:
            nested = _nested(model.model_fields[name].annotation)
            assert nested is not None
            yield from content_holds(nested)


def _kind(annotation: Any) -> Kind:
    kinds = {get_origin(part) for part in (annotation, *get_args(annotation))}
    return "answers" if dict in kinds else "texts" if tuple in kinds else "text"


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _nested(part))), None)


def _alternatives(schema: Data) -> Iterable[Data]:
    """The schema and those inside it: of the alternatives, of the items, of the values."""
    yield schema
    inner = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
    for each in inner:
        if isinstance(each, dict):
            yield from _alternatives(each)


def _is_open(schema: Data) -> bool:
    """Whether it is text that neither a list of words nor a pattern closes."""
    return schema.get("type") == "string" and not {"enum", "const", "format", "pattern"} & schema.keys()


# --- taking content out ------------------------------------------------------------------------------------------------
def split(event: str, data: Data, tree: Tree, of_fact: Callable[[str], Tree]) -> tuple[Data, Content]:
    """The data of an event without its content, and the content by its path.

    `of_fact` says what is content of the command of a fact: a correction carries the whole data of one.
    """
    found: Content = {}
    plain = _without(data, tree, "", found)
    if event == _FACT and isinstance(corrected := data.get("data"), dict):
        plain["data"] = _without(corrected, of_fact(data["fact"]), f"data{STEP}", found)
    return plain, found


def _without(data: Data, tree: Tree, path: str, found: Content) -> Data:
    plain = dict(data)
    for name, kind in tree.items():
        value = data.get(name)
        if value is None:
            continue
        here = path + name
        if kind == "text":
            if not is_blank(value):
                found[here] = value
                del plain[name]
        elif kind == "number":
            found[here] = value
            del plain[name]
        elif kind == "texts":
            plain[name] = _without_texts(value, here, found)
        elif kind == "answers":
            plain[name] = _without_words(value, here, found)
        elif isinstance(value, list):
            plain[name] = [
                _without(each, kind, f"{here}{STEP}{place}{STEP}", found) for place, each in enumerate(value)
            ]
        else:
            plain[name] = _without(value, kind, here + STEP, found)
    return plain


def _without_texts(texts: list[str], path: str, found: Content) -> list[str]:
    """Every place stays, so that what is gone can be put back."""
    found |= {f"{path}{STEP}{place}": text for place, text in enumerate(texts) if not is_blank(text)}
    return [text if is_blank(text) else "" for text in texts]


def _without_words(answers: Data, path: str, found: Content) -> Data:
    """Answers to questions of the codes stay, unless they are words; answers to other questions are words."""
    plain, own = {}, {}
    for question, answer in answers.items():
        if question not in QUESTIONS:
            own[question] = answer
        elif isinstance(answer, str) and answer.strip().lower() not in _PLAIN_ANSWERS:
            found[f"{path}{STEP}{question}"] = answer
        else:
            plain[question] = answer
    if own:
        found[path] = own
    return plain


# --- putting content back ----------------------------------------------------------------------------------------------
def unreadable(paths: Iterable[str], version: int, mark: Callable[[int], str] = erased) -> Content:
    """What stands at these paths when their content can't be read."""
    return {path: mark(version) for path in paths if path.rpartition(STEP)[2] not in LEFT_OUT}


def merged(data: Data, content: Content) -> Data:
    """The data of an event with its content at its places; the data is changed.

    Raises:
        LookupError, TypeError, ValueError: A path leads nowhere.
    """
    for path, value in content.items():
        *way, last = path.split(STEP)
        at: Any = data
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list):
            at[int(last)] = value
        elif isinstance(value, dict):
            at.setdefault(last, {}).update(value)
        else:
            at[last] = value
    return data
