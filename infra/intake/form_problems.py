"""What is wrong with the form of a message, field by field, said so that its sender can put it right."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isinf
from typing import Any, Final

from domain.problem import Problem
from infra.intake.receipt import Receipt

# So many problems a receipt lists, and so many entries a list may have: what a small message costs stays small.
MAX_PROBLEMS: Final = 50
MAX_ITEMS: Final = 5000
MAX_DEPTH: Final = 64
NO_OBJECT: Final = "expected a JSON object with the fields of a CloudEvent"
TOO_DEEP: Final = Problem("too_deep", f"expected at most {MAX_DEPTH} levels of nesting")
Read = dict[str, Any]

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# In a text that Python's reader made of JSON, pairs are one character: what is left stands alone.
_UNPAIRED: Final = re.compile(r"[\ud800-\udfff]")
_NUL: Final = re.compile("\0")
NO_SURROGATE: Final = "expected no unpaired surrogate in a text"
_NOT_JSON: Final = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)")
_CONTAINERS: Final = frozenset({dict, list})
LEAST: Final = -(2**63)
MOST: Final = 2**63 - 1
# The digits of the largest whole number and a sign; fewer than that in a row can't be too many.
_DIGITS: Final = 20
_MANY_DIGITS: Final = re.compile(r"[0-9]{19}")
_TOO_BIG: Final = object()
FITTING: Final = f"expected a number that fits into 64 bits: a whole one from {LEAST} to {MOST}, another up to 1.7e308"


def invalid(read: Read, problems: Sequence[Problem]) -> Receipt:
    """An invalid receipt, echoing what could be read of the message's source, id and subject."""
    source, id_, subject = (_echo(read.get(key)) for key in _ECHOED)
    return Receipt(source, id_, subject, "invalid", (), listed(problems, MAX_PROBLEMS))


def listed(problems: Sequence[Problem], most: int) -> tuple[Problem, ...]:
    """The first problems, at most so many, and one more that counts those left out, if any are."""
    first = tuple(problems[:most])
    left_out = len(problems) - len(first)
    return (*first, Problem("more", f"{left_out} more problems are not listed")) if left_out else first


_ECHOED: Final = ("source", "id", "subject")


def _echo(value: Any) -> str | None:
    return value if isinstance(value, str) and not _UNPAIRED.search(value) else None


def too_large(limit: int) -> Problem:
    """The message has more bytes than one may have."""
    return Problem("too_large", f"expected at most {limit} bytes")


def unreadable(raw: bytes, error: str) -> Problem:
    """Why these bytes are not JSON, or not JSON that can be taken."""
    try:
        raw.decode()
    except UnicodeDecodeError as bad:
        return Problem("bad_utf8", f"expected UTF-8, found byte 0x{raw[bad.start]:02x} at {bad.start}")
    if "depth" in error:
        return TOO_DEEP
    if "surrogate" in error and _SURROGATE.search(raw):
        return Problem("bad_character", NO_SURROGATE)
    if _NOT_JSON.search(raw):
        return Problem("bad_json", "expected a JSON number: NaN and Infinity are none")
    if "infinity" in error:
        return Problem("bad_value", FITTING)
    return Problem("bad_json", f"expected one JSON object: {error}")


def unread(raw: bytes, error: str) -> Receipt:
    """The receipt of bytes that were not read; what can be named is, as other wrong fields are: too large numbers, unpaired surrogates."""
    problem = unreadable(raw, error)
    if problem.message == FITTING:
        with suppress(ValueError, RecursionError):
            read = json.loads(raw, parse_int=_whole, parse_float=_fraction)
            return invalid(read if isinstance(read, dict) else {}, _too_big(read))
    if problem.message == NO_SURROGATE:
        with suppress(ValueError, RecursionError):
            read = json.loads(raw)
            if isinstance(read, dict) and (found := _bad_characters(read, _UNPAIRED, NO_SURROGATE)):
                return invalid(read, found)
    return invalid({}, [problem])


def too_deep(text: str, read: Read) -> bool:
    """Whether the nesting goes deeper than a message may."""
    return text.count("{") + text.count("[") > MAX_DEPTH and _depth(read) > MAX_DEPTH


def irregular(text: str, read: Read, written: str) -> list[Problem]:
    """What JSON readers let pass and a record must not: a key twice, NUL in a text, a number over 64 bits.

    `written` is what was read as orjson writes it: every key once, no space between a key and its colon, no character in
    the form of a number. Where the message is as plain, it ends as many keys if and only if it has none twice.
    """
    problems = []
    plain = not (" :" in text or "\t" in text or "\n" in text or "\r" in text or "\\u00" in text)
    if not plain or text.count('":') != written.count('":'):
        problems += _duplicate_keys(text, read)
    if not plain and "\\u0000" in text:
        problems += _bad_characters(read, _NUL, "expected no NUL in a text")
    if not problems and _MANY_DIGITS.search(text):
        problems += too_big(text)
    return problems


def too_many(text: str, read: Read) -> list[Problem]:
    """The lists with more entries than one may have: each entry can be wrong in several ways, and each way is told."""
    if text.count(",") < MAX_ITEMS:
        return []
    expected = f"expected at most {MAX_ITEMS} entries"
    level: list[tuple[str, Any]] = [("", read)]
    problems = []
    while level:
        path, value = level.pop()
        if isinstance(value, list) and len(value) > MAX_ITEMS:
            problems.append(Problem("too_many", expected, field=path or None))
        elif isinstance(value, dict | list):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            level += [(f"{path}.{key}" if path else str(key), inner) for key, inner in pairs]
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


def too_big(text: str) -> list[Problem]:
    """The numbers that don't fit into 64 bits: databases, Parquet and most languages have none that are larger."""
    return _too_big(json.loads(text, parse_int=_whole, parse_float=_fraction))


def _too_big(read: Any) -> list[Problem]:
    return [Problem("bad_value", FITTING, field=path) for path in _where(read, lambda value: value is _TOO_BIG)]


def _whole(digits: str) -> object:
    # Python itself refuses to read some thousands of digits.
    return 0 if len(digits) <= _DIGITS and LEAST <= int(digits) <= MOST else _TOO_BIG


def _fraction(text: str) -> object:
    return _TOO_BIG if isinf(float(text)) else 0.0


def _where(value: Any, wanted: Callable[[Any], bool], path: str = "") -> list[str | None]:
    """The paths of the values that are wanted; how deep they may lie was looked at before."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        inner = (_where(each, wanted, f"{path}.{key}" if path else str(key)) for key, each in pairs)
        return [found for paths in inner for found in paths]
    return [path or None] if wanted(value) else []


def _bad_characters(read: Any, bad: re.Pattern[str], message: str) -> list[Problem]:
    return [Problem("bad_character", message, field=path) for path in _with(bad, read)]


def _with(bad: re.Pattern[str], value: Any, path: str = "") -> list[str | None]:
    """The fields with such a character. A key that has one is no name to tell: the object around it is named instead."""
    if isinstance(value, str):
        return [path or None] if bad.search(value) else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    told = [(key, inner) for key, inner in ((str(key), inner) for key, inner in pairs) if not bad.search(key)]
    here = [path or None] if isinstance(value, dict) and len(told) < len(value) else []
    return here + [found for key, inner in told for found in _with(bad, inner, f"{path}.{key}" if path else key)]
