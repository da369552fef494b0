"""The data of an event as it is shown: field by field, each judged by what it declares to hold (`domain.model.Holds`).

Without a reader words are shown to nobody: in their place stands `{"sealed": data_class, "clause": clause}`, or `{"erased": data_class}`
once nobody can read them. With one, `infra.queries.reading` shows what the matrix opens.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from domain.content import STEP, is_erased, is_out_of_reach
from domain.model import AnyRecorded, Event, Holds, holds, values_in
from domain.registry import COMMAND_OF, COMMANDS
from domain.relationship.events import FactCorrected, SessionNoteRecorded
from domain.sharing.cells import RowName, clause_of
from domain.words import CONTENT, DataClass

Fields = dict[str, Any]
# What to show of a field that holds this, given its value.
Judge = Callable[[Holds, Any], Any]


def is_words(held: Holds) -> bool:
    """Whether a field holds what people said, wrote or are called, rather than facts and ids."""
    return held.data_class in CONTENT or (held.data_class == "identity" and held.whose not in {"named", "record"})


def judged(event: Event, data: Fields, judge: Judge, judge_fact: Judge | None = None) -> Fields:
    """The data of an event with every field as the judge has it; what a correction says is judged as its fact's own command is.

    `judge_fact` judges the corrected fact, where somebody else's words may be in it than in the correction.
    """
    shown = judged_fields(type(event), data, judge)
    if isinstance(event, FactCorrected) and event.data is not None:
        shown["data"] = judged_fields(COMMANDS[COMMAND_OF[event.fact]], data["data"], judge_fact or judge)
    return shown


def classes_of(event: Event) -> frozenset[DataClass]:
    """The data classes of what an event says, or of what it puts right, but for ids and what is operational."""
    found = _classes(type(event))
    if isinstance(event, FactCorrected) and event.data is not None:
        found |= _classes(COMMANDS[COMMAND_OF[event.fact]])
    return found


@cache
def _classes(model: type[BaseModel]) -> frozenset[DataClass]:
    found: set[DataClass] = set()
    for name in model.model_fields:
        if (inner := _inner(model, name)) is not None:
            found |= _classes(inner)
        elif (held := holds(model, name)) is not None:
            found.add(held.data_class)
    return frozenset(found - {"operational", "identity"})


def fields_of(recorded: AnyRecorded) -> Fields:
    """The data of an event, with all its words."""
    fields: Fields = recorded.data.model_dump(mode="json", exclude_none=True)
    return fields


def sealed(recorded: AnyRecorded, codes: Collection[str], left_out: Collection[str] = ()) -> Fields:
    """The data of an event with its words sealed, under the clause of these codes that speaks about them.

    `left_out` are the paths of those in whose place nothing stands where they can't be read.
    """

    def judge(held: Holds, value: Any) -> Any:
        if not is_words(held):
            return value
        return {"sealed": held.data_class, "clause": sealing_clause(recorded.data, held.data_class, codes)}

    data = fields_of(recorded)
    shown = judged(recorded.data, data, judge)
    if left_out and _is_kept_back(data):
        for path in left_out:
            *way, name = path.split(STEP)
            model, fields = _at(recorded.data, shown, way)
            if name not in fields and (held := holds(model, name)) is not None:
                fields[name] = judge(held, None)
    return shown


def _at(event: Event, shown: Fields, way: Sequence[str]) -> tuple[type[BaseModel], Fields]:
    """The data that a path leads to, and their model: of the event, or of the fact that it corrects."""
    if way and isinstance(event, FactCorrected):
        return COMMANDS[COMMAND_OF[event.fact]], shown["data"]
    return type(event), shown


def sealing_clause(event: Event, data_class: DataClass, codes: Collection[str]) -> str | None:
    """The clause of these codes that speaks about who may read a class of data of an event."""
    sensitive = isinstance(event, SessionNoteRecorded) and event.sensitive
    row: RowName = "sensitive" if sensitive and data_class == "session_content" else data_class
    return clause_of(row, "auditor", None, codes)


def judged_fields(model: type[BaseModel], data: Mapping[str, Any], judge: Judge) -> Fields:
    """The fields of a model, and of the values in it, as the judge has them."""
    return {name: _field(model, name, value, judge) for name, value in data.items()}


@cache
def _inner(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of the values in a field; None where it holds none."""
    return next(values_in([model.model_fields[name].annotation]), None)


@cache
def _held(model: type[BaseModel], name: str) -> Holds:
    """What a field declares to hold."""
    held = holds(model, name)
    assert held is not None, f"{model.__name__}.{name} says nothing of what it holds"
    return held


def _field(model: type[BaseModel], name: str, value: Any, judge: Judge) -> Any:
    if (inner := _inner(model, name)) is not None:
        return [judged_fields(inner, each, judge) for each in value]
    held = _held(model, name)
    shown = judge(held, value)
    if is_gone(value) and (shown is value or (isinstance(shown, dict) and "sealed" in shown)):
        return {"erased": held.data_class}
    return shown


def is_gone(value: Any) -> bool:
    """Whether a value, or a text inside it, can't be read by anybody any more."""
    if isinstance(value, str):
        return is_erased(value) and not is_out_of_reach(value)
    return isinstance(value, Mapping | list | tuple) and any(
        is_erased(text) and not is_out_of_reach(text) for text in _plain(value)
    )


def _is_kept_back(value: Any) -> bool:
    """Whether a text inside a value can be read by others, and not here."""
    return any(map(is_out_of_reach, _plain(value)))


def _plain(value: Any) -> Iterator[Any]:
    """The values in lists and mappings inside a value, or itself."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    if inner is None:
        yield value
    else:
        for each in inner:
            yield from _plain(each)
