"""A page made of an answer: the template says what stands where, and every value is escaped.

A page is one file. It loads nothing and runs nothing, and its policy says so to the browser.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from domain.codes.clauses import CLAUSES

Template = Literal["bundle", "report", "subject"]


def page(template: Template, answer: Mapping[str, Any]) -> bytes:
    """The page of an answer, as HTML in UTF-8."""
    return _ENVIRONMENT.get_template(f"{template}.html.j2").render(answer).encode()


def plain(value: object) -> str:
    """A value as a person reads it: words without underscores, times to the minute in UTC, yes and no."""
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "none"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case date():
            return value.isoformat()
        case str():
            return value
        case _:
            return str(value)


def spaced(word: str) -> str:
    """A word of ours as people write it."""
    return word.removeprefix("rapport.").replace("_", " ")


def lines(value: Any, indent: str = "") -> Iterator[str]:
    """A value as lines of text, what is inside it indented: for answers that are read without a browser."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if _is_short(each):
                yield f"{indent}{spaced(name)}: {_short(each)}"
            else:
                yield f"{indent}{spaced(name)}"
                yield from lines(each, indent + "  ")
    elif isinstance(value, list | tuple):
        for each in value:
            if isinstance(each, Mapping):
                yield indent + ", ".join(f"{spaced(name)} {_short(part)}" for name, part in each.items())
            else:
                yield indent + _short(each)
    else:
        yield indent + plain(value)


def _is_short(value: Any) -> bool:
    return not isinstance(value, Mapping | list | tuple) or not value or is_mark(value)


def _short(value: Any) -> str:
    """A value on one line."""
    if is_mark(value):
        return f"({'erased' if 'erased' in value else 'not shown'})"
    if isinstance(value, Mapping):
        return "; ".join(f"{spaced(name)} {_short(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value)) or "none"
    return plain(value)


def is_mark(value: Any) -> bool:
    """Whether a value says that something is sealed or erased."""
    return isinstance(value, Mapping) and not value.keys().isdisjoint({"sealed", "erased"})


def rule(clause: str | None) -> str:
    """A clause with its rule in a sentence; nothing where there is none."""
    if clause is None:
        return ""
    found = CLAUSES.get(clause)
    return f"{clause}: {found.rule}" if found else clause


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("infra.pages", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(plain=plain, spaced=spaced, rule=rule)
    return found


_ENVIRONMENT: Final = _environment()
