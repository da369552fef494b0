"""The data of an event as it is shown: field by field, each judged by what it declares to hold (`domain.model.Holds`).

Without a reader words are shown to nobody: in their place stands `{"sealed": data_class, "clause": clause}`, or `{"erased": data_class}`
once nobody can read them. With one, `infra.queries.reading` shows what the matrix opens.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import BaseModel

from domain.content import is_erased, is_out_of_reach
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


def fields_of(recorded: AnyRecorded) -> Fields:
    """The data of an event, with all its words."""
    fields: Fields = recorded.data.model_dump(mode="json", exclude_none=True)
    return fields


def sealed(recorded: AnyRecorded, codes: Collection[str]) -> Fields:
    """The data of an event with its words sealed, under the clause of these codes that speaks about them."""

    def judge(held: Holds, value: Any) -> Any:
        if not is_words(held):
            return value
        return {"sealed": held.data_class, "clause": sealing_clause(recorded.data, held.data_class, codes)}

    return judged(recorded.data, fields_of(recorded), judge)


def sealing_clause(event: Event, data_class: DataClass, codes: Collection[str]) -> str | None:
    """The clause of these codes that speaks about who may read a class of data of an event."""
    sensitive = isinstance(event, SessionNoteRecorded) and event.sensitive
    row: RowName = "sensitive" if sensitive and data_class == "session_content" else data_class
    return clause_of(row, "auditor", None, codes)


def judged_fields(model: type[BaseModel], data: Mapping[str, Any], judge: Judge) -> Fields:
    """The fields of a model, and of the values in it, as the judge has them."""
    return {name: _field(model, name, value, judge) for name, value in data.items()}


def _field(model: type[BaseModel], name: str, value: Any, judge: Judge) -> Any:
    inner = next(values_in([model.model_fields[name].annotation]), None)
    if inner is not None:
        return [judged_fields(inner, each, judge) for each in value]
    held = holds(model, name)
    assert held is not None, f"{model.__name__}.{name} says nothing of what it holds"
    shown = judge(held, value)
    if is_gone(value) and (shown is value or (isinstance(shown, dict) and "sealed" in shown)):
        return {"erased": held.data_class}
    return shown


def is_gone(value: Any) -> bool:
    """Whether a value, or a text inside it, can't be read by anybody any more."""
    if isinstance(value, Mapping):
        return any(map(is_gone, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_gone, value))
    return is_erased(value) and not is_out_of_reach(value)
