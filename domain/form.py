"""What is wrong with the form of data that a model can't read, field by field, said so that its sender can put it right.

Messages and the corrections in them are read by the same models, so their problems have the same words: pydantic's findings
become one problem a field, which names its path and what was expected there.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from domain import ids
from domain.model import BLANK
from domain.problem import Problem
from domain.time_form import MONTH

# What pydantic calls a text that is no id, and a value that is no text.
_NO_ID: Final = frozenset({"string_pattern_mismatch", "string_type"})
# What a text is that matches a pattern, with an example: the pattern itself says little to people.
_PATTERNS: Final = {MONTH: "a month such as 2026-03"}
_LEAVE_OUT: Final = "; leave the field out if there is nothing to say"
# Beyond that a float is no whole number that 64 bits hold.
_ROOM: Final = 2**63
# How pydantic says that a text or a list has too much or too little in it; of a text that a check of ours saw first it says "items".
_SIZE: Final = re.compile(r"\w+ should have (at least|at most) ([0-9]+) (?:character|item)s?\b.*")
_WORDS: Final = (
    ("Input should be ", "expected "),
    ("Input should ", "expected to "),
    ("should ", "expected to "),
)


def problems(
    error: ValidationError, read: Any, model: type[BaseModel], id_paths: Mapping[str, ids.Namespace]
) -> list[Problem]:
    """What is wrong with what was read as the JSON of a model, one problem a field. `id_paths` are the fields with an id."""
    by_path: dict[str | None, tuple[str, list[str]]] = {}
    for found in error.errors(include_url=False, include_context=False):
        code, expected = in_words(found["type"], found["msg"], found["input"])
        path = _path(found["loc"], read, code)
        if code == "unknown_field":
            expected = _field_expected(found["loc"], model)
        elif found["type"] == BLANK and _may_be_left_out(found["loc"], model):
            expected += _LEAVE_OUT
        if found["type"] == "value_error" and ": expected " in expected:
            # A model's own check names the field that it is about.
            name, _, expected = expected.partition(": ")
            path = f"{path}.{name}" if path else name
        if found["type"] in _NO_ID and (namespace := id_paths.get(_without_places(path))):
            code, expected = "bad_id", ids.expected(namespace, found["input"])
        messages = by_path.setdefault(path, (code, []))[1]
        if expected not in messages:
            messages.append(expected)
    return [Problem(code, " or ".join(messages), field=path) for path, (code, messages) in by_path.items()]


@lru_cache(maxsize=1024)
def nearest(name: str, among: tuple[str, ...], alike: float = 0.6) -> str | None:
    """The one of some names that was most likely meant: case, hyphens and underscores count for nothing."""
    plain = {_plain(each): each for each in among}
    found = get_close_matches(_plain(name[:200]), plain, n=1, cutoff=alike)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def each_once(*found: Sequence[Problem]) -> list[Problem]:
    """Problems found in several ways, one a field: what was found first says it best."""
    by_path: dict[str | None, Problem] = {}
    for problems in found:
        fields = frozenset(by_path)
        by_path |= {problem.field: problem for problem in problems if problem.field not in fields}
    return list(by_path.values())


def with_plain_numbers(value: Any) -> Any:
    """The value with whole floats as integers."""
    if isinstance(value, dict):
        return {key: with_plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _ROOM else value


def _field_expected(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """What an unknown field may have meant, else which there are."""
    fields = tuple(_holder(loc, model).model_fields)
    if near := nearest(str(loc[-1]), fields):
        return f"expected no such field; did you mean {near}?"
    return f"expected no such field, only {', '.join(fields)}" if fields else "expected no such field, and no other"


def _may_be_left_out(loc: tuple[int | str, ...], model: type[BaseModel]) -> bool:
    """Whether a field need not be there; what stands in a list or a mapping is no field."""
    info = _holder(loc, model).model_fields.get(str(loc[-1]))
    return info is not None and not info.is_required()


def _holder(loc: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel]:
    """The innermost model on the way to a field."""
    for part in loc[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, or that a list of a field holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _without_places(path: str | None) -> str:
    return ".".join(part for part in (path or "").split(".") if not part.isdecimal())


def in_words(kind: str, message: str, value: Any = None) -> tuple[str, str]:
    """The code and the words of what pydantic found, by its type, its message and the value."""
    match kind:
        case "bad_id":
            return "bad_id", message
        case "missing":
            return "missing", "expected a value, found none"
        case "extra_forbidden":
            return "unknown_field", "expected no such field"
        case "path_not_file":
            # The path is not repeated: where a secret was meant to be in a file, it may stand here itself.
            return "bad_value", "expected the path of a file that is there"
        case "timezone_aware":
            return "naive_time", "expected a time with an offset, such as 2026-03-02T09:00:00Z"
        case "string_pattern_mismatch" if (pattern := message.partition("'")[2].removesuffix("'")) in _PATTERNS:
            return "bad_value", f"expected {_PATTERNS[pattern]}"
        case _ if size := _SIZE.fullmatch(message):
            one, more = ("character", "characters") if isinstance(value, str) else ("entry", "entries")
            return "bad_value", f"expected {size[1]} {size[2]} {one if size[2] == '1' else more}"
        case _:
            words = message.removeprefix("Value error, ")
            for long, short in _WORDS:
                words = words.replace(long, short, 1)
            return "bad_value", words


def _path(loc: tuple[int | str, ...], read: Any, code: str) -> str | None:
    """The path of a field in what was read; pydantic's own names for the branches of a choice are left out."""
    parts: list[str] = []
    here: Any = read
    for index, part in enumerate(loc):
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            here = here[part]  # type: ignore[index]
        elif not (code == "missing" and index == len(loc) - 1):
            continue
        parts.append(str(part))
    return ".".join(parts) or None
