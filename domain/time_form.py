"""The form of times and days in a message: RFC 3339, strictly, wherever a command takes one.

pydantic takes more than RFC 3339 allows: seconds since 1970, a comma or a space, offsets without a colon, times without
seconds. Here the form is looked at; whether there is such a day or hour, pydantic says. A leap second (23:59:60) is a time of
RFC 3339, but Python's clock has none, so it is invalid as well.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import AwareDatetime, BaseModel

from domain.problem import Problem

Form = Literal["time", "day"]
Path = tuple[str, ...]

EACH: Final = "*"
MONTH: Final = "^[0-9]{4}-(0[1-9]|1[0-2])$"
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_OFFSET: Final = r"(?:[Zz]|[+-]\d{2}:\d{2})"
_LOCAL: Final = rf"{_DAY}[Tt]\d{{2}}:\d{{2}}:[0-5]\d(?:\.\d+)?"
_TIME: Final = rf"{_LOCAL}{_OFFSET}"
_FORMS: Final[dict[Form, re.Pattern[str]]] = {
    "time": re.compile(_TIME, re.ASCII),
    "day": re.compile(_DAY, re.ASCII),
}
# Without an offset nobody knows which moment is meant: the most frequent mistake has a code of its own.
_NO_OFFSET: Final = re.compile(rf"{_LOCAL}|\d+", re.ASCII)
_LEAP: Final = re.compile(rf"{_DAY}[Tt]\d{{2}}:\d{{2}}:60(?:\.\d+)?{_OFFSET}", re.ASCII)
_EXPECTED: Final[dict[Form, str]] = {
    "time": "a time as RFC 3339 writes it, with T, seconds and an offset, such as 2026-03-02T09:00:00Z",
    "day": "a day such as 2026-03-02",
}


class Place(NamedTuple):
    """Where a message has a time or a day. The path leads there from the top; `EACH` stands for every entry of a list or mapping."""

    path: Path
    form: Form


def places(model: type[BaseModel], path: Path = ()) -> tuple[Place, ...]:
    """Every place of a model that holds a time or a day."""
    return tuple(
        place
        for name, info in model.model_fields.items()
        for place in _within(_unwrapped(info.annotation), (*path, name))
    )


def is_time(text: str) -> bool:
    """Whether a text has the form of a time with its offset."""
    return _FORMS["time"].fullmatch(text) is not None


def is_day(text: str) -> bool:
    """Whether a text has the form of a day."""
    return _FORMS["day"].fullmatch(text) is not None


def problems(read: dict[str, Any], held: tuple[Place, ...]) -> list[Problem]:
    """What is wrong with the form of the times and days in a message, place by place."""
    return [problem for place in held for problem in _problems(read, place.path, place.form, "")]


def _problems(value: Any, path: Path, form: Form, field: str) -> list[Problem]:
    """What is wrong at a path below a value, which lies at the path `field` itself."""
    for index, name in enumerate(path):
        if name == EACH:
            rest = path[index + 1 :]
            inner = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
            return [found for key, each in inner for found in _problems(each, rest, form, f"{field}.{key}")]
        if not isinstance(value, dict):
            return []
        value = value.get(name)
        field = f"{field}.{name}" if field else name
    if not isinstance(value, str) or _FORMS[form].fullmatch(value):
        return []
    if _LEAP.fullmatch(value):
        return [Problem("bad_value", "expected no leap second: give the second before it, :59", field=field)]
    code = "naive_time" if _NO_OFFSET.fullmatch(value) else "bad_value"
    return [Problem(code, f"expected {_EXPECTED[form]}", field=field)]


def _within(annotation: Any, path: Path) -> Iterator[Place]:
    parts = [_unwrapped(part) for part in get_args(annotation)]
    forms = {form for part in (annotation, *parts) if (form := _form(part)) is not None}
    if forms and not _collects(annotation):
        yield Place(path, forms.pop())
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from places(annotation, path)
    else:
        for part in parts:
            yield from _within(part, (*path, EACH) if _collects(annotation) else path)


def _form(annotation: Any) -> Form | None:
    if annotation in {AwareDatetime, datetime}:
        return "time"
    return "day" if annotation is date else None


def _collects(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) in {tuple, list, dict, frozenset, set}


def _unwrapped(annotation: Any) -> Any:
    """A type without what is annotated to it."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    return annotation
