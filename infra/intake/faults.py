"""What is wrong with the form of a message, field by field, said so that its sender can put it right."""

import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final, get_args

from pydantic import AwareDatetime, BaseModel, ValidationError

from domain.problem import Problem
from infra.intake.receipt import Receipt

MAX_DEPTH: Final = 64
TOO_DEEP: Final = Problem("too_deep", f"expected at most {MAX_DEPTH} levels of nesting")
Read = dict[str, Any]

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NOT_JSON: Final = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)")
_CONTAINERS: Final = frozenset({dict, list})


def invalid(read: Read, problems: Sequence[Problem]) -> Receipt:
    """An invalid receipt, echoing what could be read of the message's source, id and subject."""
    source, id_, subject = (value if isinstance(value := read.get(key), str) else None for key in _ECHOED)
    return Receipt(source, id_, subject, "invalid", (), tuple(problems))


_ECHOED: Final = ("source", "id", "subject")


def too_large(limit: int) -> Problem:
    """The message has more bytes than one may have."""
    return Problem("too_large", f"expected at most {limit} bytes")


def unreadable(raw: bytes, error: str) -> Problem:
    """Why these bytes are not JSON."""
    try:
        raw.decode()
    except UnicodeDecodeError as bad:
        return Problem("bad_utf8", f"expected UTF-8, found byte 0x{raw[bad.start]:02x} at {bad.start}")
    if "depth" in error:
        return TOO_DEEP
    if "surrogate" in error and _SURROGATE.search(raw):
        return Problem("bad_character", "expected no unpaired surrogate in a text")
    if _NOT_JSON.search(raw):
        return Problem("bad_json", "expected a JSON number: NaN and Infinity are none")
    return Problem("bad_json", f"expected one JSON object: {error}")


def too_deep(text: str, read: Read) -> bool:
    """Whether the nesting goes deeper than a message may."""
    return text.count("{") + text.count("[") > MAX_DEPTH and _depth(read) > MAX_DEPTH


def irregular(text: str, read: Read, written: str) -> list[Problem]:
    """What JSON readers let pass and a record must not: a key twice, NUL in a text.

    `written` is what was read as orjson writes it: every key once, no space between a key and its colon, no character in
    the form of a number. Where the message is as plain, it ends as many keys if and only if it has none twice.
    """
    problems = []
    plain = not (" :" in text or "\t" in text or "\n" in text or "\r" in text or "\\u00" in text)
    if not plain or text.count('":') != written.count('":'):
        problems += _duplicate_keys(text, read)
    if not plain and "\\u0000" in text:
        problems += [Problem("bad_character", "expected no NUL in a text", field=path) for path in _with_nul(read)]
    return problems


def _depth(read: Any) -> int:
    depth, level = 0, [read]
    while level:
        depth += 1
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) in _CONTAINERS
        ]
    return depth


def _duplicate_keys(text: str, read: Read) -> list[Problem]:
    objects: list[list[str]] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        objects.append([key for key, count in Counter(key for key, _ in pairs).items() if count > 1])
        return dict(pairs)

    # Numbers as text: their size is no matter here.
    json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)
    *inner, top = objects
    data = read.get("data")
    within = data if isinstance(data, dict) else {}
    names = [*top, *(f"data.{key}" if key in within else key for keys in inner for key in keys)]
    return [Problem("duplicate_key", f"expected {name} only once", field=name) for name in names]


def _with_nul(value: Any, path: str = "") -> list[str | None]:
    if isinstance(value, str):
        return [path or None] if "\0" in value else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path or None] if isinstance(value, dict) and any("\0" in key for key in value) else []
    return here + [found for key, inner in pairs for found in _with_nul(inner, f"{path}.{key}" if path else str(key))]


def bare_numbers(read: Read, dated: Collection[str]) -> list[Problem]:
    """Times and days written as a number in quotes: pydantic takes them for seconds since 1970, but they carry no offset.

    `dated` are the fields of the data that hold any.
    """
    bare = ["time"] if _is_bare(read.get("time")) else []
    data = read.get("data")
    if isinstance(data, dict):
        for name in dated:
            value = data.get(name)
            if isinstance(value, dict):
                bare += [f"data.{name}.{key}" for key, inner in value.items() if _is_bare(inner)]
            elif _is_bare(value):
                bare.append(f"data.{name}")
    expected = "expected a day (2026-03-02) or a time with its offset (2026-03-02T09:00:00Z)"
    return [Problem("naive_time", expected, field=path) for path in bare]


def _is_bare(value: Any) -> bool:
    return isinstance(value, str) and value[4:5] != "-"


def dated(command: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a command that hold a time or a day, or several."""
    return tuple(name for name, info in command.model_fields.items() if _holds_date(info.annotation))


def _holds_date(annotation: Any) -> bool:
    if annotation in {AwareDatetime, datetime, date}:
        return True
    return any(_holds_date(part) for part in get_args(annotation))


def in_fields(error: ValidationError, read: Read) -> list[Problem]:
    """The problems that pydantic found, one a field."""
    said: dict[str | None, tuple[str, list[str]]] = {}
    for found in error.errors(include_url=False, include_context=False):
        code, expected = _in_words(found["type"], found["msg"])
        path = _path(found["loc"], read, code)
        if found["type"] == "value_error" and ": expected " in expected:
            # A model's own check names the field that it is about.
            name, _, expected = expected.partition(": ")
            path = f"{path}.{name}" if path else name
        messages = said.setdefault(path, (code, []))[1]
        if expected not in messages:
            messages.append(expected)
    return [Problem(code, " or ".join(messages), field=path) for path, (code, messages) in said.items()]


def _in_words(kind: str, message: str) -> tuple[str, str]:
    match kind:
        case "missing":
            return "missing", "expected a value, found none"
        case "extra_forbidden":
            return "unknown_field", "expected no such field"
        case "timezone_aware":
            return "naive_time", "expected a time with an offset, such as 2026-03-02T09:00:00Z"
        case _:
            words = message.removeprefix("Value error, ")
            for long, short in (
                ("Input should be ", "expected "),
                ("Input should ", "expected to "),
                ("should ", "expected to "),
            ):
                words = words.replace(long, short, 1)
            return "bad_value", words


def _path(loc: tuple[int | str, ...], read: Read, code: str) -> str | None:
    """The path of a field in the message; pydantic's own names for the branches of a choice are left out."""
    parts: list[str] = []
    here: Any = read
    for index, part in enumerate(loc):
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            here = here[part]  # type: ignore[index]
        elif not (code == "missing" and index == len(loc) - 1):
            continue
        parts.append(str(part))
    return ".".join(parts) or None
